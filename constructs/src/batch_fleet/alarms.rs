//! What starts a run, and what a person is told of.

use std::time::Duration;

use lightsout_contract::fleet::report::{AT_CAP, ENDED, REARMING, RUN_SECONDS};
use lightsout_core::Scope;

use super::{Limits, Triggers};
use crate::{
    cfn::logs,
    cloudwatch::{AlarmRef, AlarmRule, Metric, MissingData, Statistic},
    events::{RuleRef, Schedule, Undelivered},
    lambda::{FailedEvent, FunctionRef},
    logs::LogGroupRef,
    sns::TopicRef,
    sqs::{DeadLettersRef, QueueRef},
};

/// What starts a fleet's runs, and what tells a person about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarms {
    /// Enough messages wait: starts a run.
    pub backlog: AlarmRef,
    /// A message has waited long enough: starts a run.
    pub oldest: AlarmRef,
    /// The clock, which looks for work that no alarm told of: starts a run, and lets the
    /// reaper look for machines that nothing else has ended.
    pub heartbeat: RuleRef,
    /// A message could not be worked on: tells a person.
    pub dead_letters: AlarmRef,
    /// No run can be started: tells a person.
    pub launcher_errors: AlarmRef,
    /// A run works on past its deadline: tells a person.
    pub run_too_long: AlarmRef,
    /// The reaper ended machines that should have ended themselves: tells a person.
    pub reaped: AlarmRef,
    /// Work is left that no run finishes, however often one is started: tells a person.
    pub work_left: AlarmRef,
    /// The reaper cannot look after the machines: tells a person.
    pub reaper_errors: AlarmRef,
    /// A call of an alarm or the clock failed for good: tells a person.
    pub failed_events: AlarmRef,
    /// A call of the clock did not arrive: tells a person.
    pub undelivered: AlarmRef,
    /// The clock calls no more, and with it the last layer that ends machines: tells a person.
    pub silent: AlarmRef,
    /// A message waits though runs should have come to it: tells a person.
    pub waits_too_long: AlarmRef,
    /// A message waits though a run should be at work by now: wakes the launcher once more.
    pub late: AlarmRef,
    /// No message was handled for a while, if only because none was there: wakes the launcher.
    pub idle: AlarmRef,
}

impl Alarms {
    /// Holds while messages wait and none is handled, whatever was started for them.
    ///
    /// Either alone is nothing to tell of: a large run lets messages wait for hours, and a
    /// queue without any is idle. Both together mean that a run is stuck, or that none comes
    /// about, long before a message [waits too long](Self::waits_too_long).
    pub fn stuck(&self) -> AlarmRule {
        self.late.in_alarm() & self.idle.in_alarm()
    }
}

/// How far past its deadline a run is too long: what ends it needs time itself.
const OVERTIME: Duration = Duration::from_mins(15);

/// Without a message handled for so long, a run does not get on.
const IDLE: Duration = Duration::from_mins(30);

/// For how long every start must fail, or no call come, before a person is told.
const ERROR_PERIOD: Duration = Duration::from_mins(5);
const ERROR_PERIODS: u32 = 3;

pub(super) struct Watched<'a, L, R, M> {
    pub(super) name: &'a str,
    pub(super) jobs: &'a QueueRef<M>,
    pub(super) failed: &'a DeadLettersRef<M>,
    pub(super) failed_events: &'a DeadLettersRef<FailedEvent>,
    pub(super) undelivered: &'a DeadLettersRef<Undelivered>,
    pub(super) launcher: &'a FunctionRef<L>,
    pub(super) reaper: &'a FunctionRef<R>,
    pub(super) alerts: &'a TopicRef,
    pub(super) limits: &'a Limits,
    pub(super) triggers: &'a Triggers,
}

impl<L, R, M> Watched<'_, L, R, M> {
    pub(super) fn watch(self, scope: &mut Scope<'_>) -> Alarms {
        let Self {
            jobs,
            launcher,
            reaper,
            alerts,
            triggers,
            ..
        } = self;
        let backlog = jobs
            .depth()
            .at_least(triggers.backlog)
            .describe("Enough messages wait to be worth a run.");
        let oldest = jobs
            .oldest_message_age()
            .at_least(seconds(triggers.oldest))
            .describe("A message has waited long enough, few as there are.");
        let dead_letters = self
            .failed
            .depth()
            .at_least(1)
            .describe("A message could not be worked on; a person has to look.");
        // A heartbeat may lie further apart than the periods would need.
        let error_period = ERROR_PERIOD.max(whole_minutes(triggers.heartbeat));
        let launcher_errors = launcher
            .errors()
            .period(error_period)
            .at_least(1)
            .for_periods(ERROR_PERIODS)
            .describe("Runs cannot be started; the launcher's log tells why.");
        let reaper_errors = reaper
            .errors()
            .period(error_period)
            .at_least(1)
            .for_periods(ERROR_PERIODS)
            .describe("Machines may be left on; the reaper's log tells why.");
        let failed_events =
            self.failed_events.depth().at_least(1).describe(
                "A call of the launcher or the reaper failed for good; its logs tell why.",
            );
        let undelivered = self
            .undelivered
            .depth()
            .at_least(1)
            .describe("A call of the clock, or what another rule tells, did not arrive; the message's attributes tell why.");
        // Whoever switches the clock's rule off makes no error, and sends nothing that could
        // stay undelivered.
        let silent = reaper
            .invocations()
            .period(error_period)
            .below(1)
            .for_periods(ERROR_PERIODS)
            .when_missing(MissingData::Bad)
            .describe("The clock calls no more; see whether its rule is switched off.");
        // A run begins once the oldest message is old enough, and ends by its deadline.
        let waits_too_long = jobs
            .oldest_message_age()
            .at_least(seconds(triggers.oldest + self.limits.deadline + OVERTIME))
            .describe("A message has waited longer than a run may take; see why no run took it.");
        let late = jobs
            .oldest_message_age()
            .at_least(seconds(triggers.oldest + self.limits.boot_grace() + IDLE))
            .describe("A message waits though a run should be at work by now.");
        let idle = jobs
            .handled()
            .period(IDLE)
            .below(1)
            .when_missing(MissingData::Bad)
            .describe("No message was handled for a while; of no matter where none waits.");
        Alarms {
            backlog: scope.add("Backlog", backlog.invokes(launcher)),
            oldest: scope.add("Oldest", oldest.invokes(launcher)),
            heartbeat: scope.add(
                "Heartbeat",
                Schedule::every(triggers.heartbeat)
                    .invokes(launcher)
                    .invokes(reaper)
                    .undelivered_to(&self.undelivered.queue()),
            ),
            dead_letters: scope.add("DeadLetters", dead_letters.notifies(alerts)),
            launcher_errors: scope.add("LauncherErrors", launcher_errors.notifies(alerts)),
            run_too_long: self.watch_duration(scope),
            reaped: self.watch_reaping(scope),
            work_left: self.watch_rearming(scope),
            reaper_errors: scope.add("ReaperErrors", reaper_errors.notifies(alerts)),
            failed_events: scope.add("FailedEventsAlarm", failed_events.notifies(alerts)),
            undelivered: scope.add("UndeliveredAlarm", undelivered.notifies(alerts)),
            silent: scope.add("Silent", silent.notifies(alerts)),
            waits_too_long: scope.add("WaitsTooLong", waits_too_long.notifies(alerts)),
            late: scope.add("Late", late.invokes(launcher)),
            idle: scope.add("Idle", idle.invokes(launcher)),
        }
    }

    /// The launcher says of each invocation for how long the run has worked.
    fn watch_duration(&self, scope: &mut Scope<'_>) -> AlarmRef {
        let logged = Logged {
            name: "RunSeconds",
            group: self.launcher.logs(),
            pattern: format!("{{ $.{RUN_SECONDS} >= 0 }}"),
            value: format!("$.{RUN_SECONDS}"),
        };
        let too_long = self
            .metric(scope, logged)
            .statistic(Statistic::Maximum)
            .at_least(seconds(self.limits.deadline + OVERTIME))
            .describe("A run works past its deadline; see which machines are left, and end them.");
        scope.add("RunTooLong", too_long.notifies(self.alerts))
    }

    /// The reaper says of each sweep how many machines it ended.
    fn watch_reaping(&self, scope: &mut Scope<'_>) -> AlarmRef {
        let logged = Logged {
            name: "ReapedInstances",
            group: self.reaper.logs(),
            pattern: format!("{{ $.{ENDED} > 0 }}"),
            value: format!("$.{ENDED}"),
        };
        let reaped = self
            .metric(scope, logged)
            .statistic(Statistic::Sum)
            .at_least(1)
            .describe("Machines did not end themselves and were ended; the run's log tells why.");
        scope.add("Reaped", reaped.notifies(self.alerts))
    }

    /// The reaper says of each sweep whether it has given up to wake the launcher.
    fn watch_rearming(&self, scope: &mut Scope<'_>) -> AlarmRef {
        let logged = Logged {
            name: "WakeUpsInVain",
            group: self.reaper.logs(),
            pattern: format!("{{ $.{REARMING} = \"{AT_CAP}\" }}"),
            value: "1".to_owned(),
        };
        let left = self
            .metric(scope, logged)
            .statistic(Statistic::Sum)
            .at_least(1)
            .describe("Work is left that no run finishes; see why the last runs failed.");
        scope.add("WorkLeft", left.notifies(self.alerts))
    }

    /// Makes a metric of what a function logs, looked at once in each heartbeat.
    fn metric(&self, scope: &mut Scope<'_>, logged: Logged) -> Metric {
        let namespace = format!("Lightsout/{}", self.name);
        let value = logs::MetricFilterMetricTransformation::new(
            logged.name,
            namespace.as_str(),
            logged.value,
        );
        let filter = logs::MetricFilter::new(logged.pattern, logged.group.name(), [value]);
        scope.add(logged.name, filter);
        Metric::new(namespace, logged.name).period(whole_minutes(self.triggers.heartbeat))
    }
}

/// A number in the log of a function.
struct Logged {
    name: &'static str,
    group: LogGroupRef,
    pattern: String,
    value: String,
}

/// A number of seconds that was checked to be a few days at most.
fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

fn whole_minutes(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs().div_ceil(60) * 60)
}
