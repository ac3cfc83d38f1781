//! What starts a run, and what a person is told of.

use std::time::Duration;

use lightsout_contract::fleet::report::RUN_SECONDS;
use lightsout_core::Scope;

use super::{Limits, Triggers};
use crate::{
    cfn::logs,
    cloudwatch::{AlarmRef, Metric, Statistic},
    events::{RuleRef, Schedule},
    lambda::FunctionRef,
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
    /// The clock, which looks for work that no alarm told of: starts a run.
    pub heartbeat: RuleRef,
    /// A message could not be worked on: tells a person.
    pub dead_letters: AlarmRef,
    /// No run can be started: tells a person.
    pub launcher_errors: AlarmRef,
    /// A run works on past its deadline: tells a person.
    pub run_too_long: AlarmRef,
}

/// How far past its deadline a run is too long: what ends it needs time itself.
const OVERTIME: Duration = Duration::from_mins(15);

/// For how long every start must fail before a person is told.
const ERROR_PERIOD: Duration = Duration::from_mins(5);
const ERROR_PERIODS: u32 = 3;

pub(super) struct Watched<'a, L, M> {
    pub(super) name: &'a str,
    pub(super) jobs: &'a QueueRef<M>,
    pub(super) failed: &'a DeadLettersRef<M>,
    pub(super) launcher: &'a FunctionRef<L>,
    pub(super) alerts: &'a TopicRef,
    pub(super) limits: &'a Limits,
    pub(super) triggers: &'a Triggers,
}

impl<L, M> Watched<'_, L, M> {
    pub(super) fn watch(self, scope: &mut Scope<'_>) -> Alarms {
        let Self {
            jobs,
            launcher,
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
        let launcher_errors = launcher
            .errors()
            .period(ERROR_PERIOD.max(whole_minutes(triggers.heartbeat)))
            .at_least(1)
            .for_periods(ERROR_PERIODS)
            .describe("Runs cannot be started; the launcher's log tells why.");
        Alarms {
            backlog: scope.add("Backlog", backlog.invokes(launcher)),
            oldest: scope.add("Oldest", oldest.invokes(launcher)),
            heartbeat: scope.add(
                "Heartbeat",
                Schedule::every(triggers.heartbeat).invokes(launcher),
            ),
            dead_letters: scope.add("DeadLetters", dead_letters.notifies(alerts)),
            launcher_errors: scope.add("LauncherErrors", launcher_errors.notifies(alerts)),
            run_too_long: self.watch_duration(scope),
        }
    }

    /// The launcher says of each invocation for how long the run has worked.
    fn watch_duration(&self, scope: &mut Scope<'_>) -> AlarmRef {
        let (namespace, name) = (format!("Lightsout/{}", self.name), "RunSeconds");
        scope.add(
            "RunSeconds",
            logs::MetricFilter::new(
                format!("{{ $.{RUN_SECONDS} >= 0 }}"),
                self.launcher.logs().name(),
                [logs::MetricFilterMetricTransformation::new(
                    name,
                    namespace.as_str(),
                    format!("$.{RUN_SECONDS}"),
                )],
            ),
        );
        let too_long = Metric::new(namespace, name)
            .statistic(Statistic::Maximum)
            .period(whole_minutes(self.triggers.heartbeat))
            .at_least(seconds(self.limits.deadline + OVERTIME))
            .describe("A run works past its deadline; see which machines are left, and end them.");
        scope.add("RunTooLong", too_long.notifies(self.alerts))
    }
}

/// A number of seconds that was checked to be a few days at most.
fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

fn whole_minutes(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs().div_ceil(60) * 60)
}
