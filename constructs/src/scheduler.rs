//! Schedules that call programs or AWS itself, once or again and again.

use std::time::Duration;

use lightsout_core::{Arn, Construct, Name, Pseudo, ResourceId, Scope, Tree, Value, join};

use crate::{
    cfn::scheduler,
    iam::{Role, Service, Statement},
    json,
    kms::KeyRef,
    lambda::FunctionRef,
    limits,
    schedule::{At, TimeZone, When},
    sqs::QueueRef,
};

/// A schedule: encrypted, with a role of its own, and with a queue for failures.
///
/// What it could not do after every attempt is put into a queue, since nobody
/// waits for an answer. Its role may be assumed for schedules of its group in
/// this account alone.
///
/// `CloudFormation` cannot say that a schedule deletes itself when it is done; one
/// that a program makes at run time can.
///
/// ```
/// use lightsout::{
///     App, Stage, cfn,
///     iam::Statement,
///     kms::Key,
///     schedule::{Cron, TimeZone},
///     scheduler::{FailedInvocation, Schedule, Target},
///     sqs::Queue,
///     Tree,
/// };
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Nightly");
/// let key = stack.add("Key", Key::new("Schedules"));
/// let failures = stack.add("Failures", Queue::<FailedInvocation>::new(&key));
/// let stop = Target::call(
///     "ec2",
///     "stopInstances",
///     Statement::allow(["ec2:StopInstances"])
///         .on("arn:aws:ec2:eu-central-1:111122223333:instance/i-0a1b2c3d4e5f60718"),
///     Tree::object([("InstanceIds", ["i-0a1b2c3d4e5f60718"].into())]),
/// );
/// let nightly = Schedule::new(Cron::new(0, 22), stop, &failures, &key);
/// stack.add("StopAtNight", nightly.time_zone(TimeZone::new("Europe/Berlin")));
///
/// let assembly = app.synth()?;
/// assembly.template("Nightly").has(
///     cfn::scheduler::Schedule::matching().schedule_expression("cron(0 22 * * ? *)"),
/// );
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Schedule {
    when: When,
    target: Target,
    failures: Failures,
    key: KeyRef,
    zone: Option<TimeZone>,
    window: Option<Duration>,
    group: Option<ScheduleGroupRef>,
    starts: Option<At>,
    ends: Option<At>,
    attempts: u16,
    oldest: Duration,
    description: Option<String>,
}

/// What a schedule puts into the queue of its failures: what it would have sent.
///
/// See [dead-letter queues](https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html)
/// of `EventBridge` Scheduler.
#[derive(Debug)]
pub enum FailedInvocation {}

/// What a schedule does, with the permission to do it.
#[derive(Debug, Clone)]
pub struct Target {
    arn: Value<String>,
    statements: Vec<Statement>,
    input: Option<Value<String>>,
    wrong: Option<String>,
}

/// A group of schedules, which roles and tags can be about.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScheduleGroup;

/// A group of schedules that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduleGroupRef {
    id: ResourceId,
}

/// A schedule that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduleRef {
    id: ResourceId,
}

#[derive(Debug, Clone)]
struct Failures {
    queue: Value<String>,
    statements: Vec<Statement>,
}

impl Schedule {
    /// Does what `target` says, when `when` says: an [`At`], a
    /// [`Rate`](crate::schedule::Rate) or a [`Cron`](crate::schedule::Cron).
    pub fn new(
        when: impl Into<When>,
        target: Target,
        failures: &QueueRef<FailedInvocation>,
        key: &KeyRef,
    ) -> Self {
        Self {
            when: when.into(),
            target,
            failures: Failures {
                queue: failures.arn().into(),
                statements: failures.sender().statements().to_vec(),
            },
            key: *key,
            zone: None,
            window: None,
            group: None,
            starts: None,
            ends: None,
            attempts: 185,
            oldest: Duration::from_hours(24),
            description: None,
        }
    }

    /// Reads the clock of this zone; UTC unless said.
    pub fn time_zone(mut self, zone: TimeZone) -> Self {
        self.zone = Some(zone);
        self
    }

    /// Acts at any time up to this much later, 1 to 1440 minutes; at once unless
    /// said.
    pub fn within(mut self, window: Duration) -> Self {
        self.window = Some(window);
        self
    }

    /// Makes the schedule one of a group, instead of the account's default group.
    pub fn group(mut self, group: &ScheduleGroupRef) -> Self {
        self.group = Some(*group);
        self
    }

    /// Begins at this moment, in UTC.
    pub fn starts(mut self, at: At) -> Self {
        self.starts = Some(at);
        self
    }

    /// Does nothing after this moment, in UTC.
    pub fn ends(mut self, at: At) -> Self {
        self.ends = Some(at);
        self
    }

    /// Tries again up to 185 times, for 1 minute to 24 hours; both are the most
    /// unless said.
    pub fn retries(mut self, attempts: u16, oldest: Duration) -> Self {
        self.attempts = attempts;
        self.oldest = oldest;
        self
    }

    /// Says what the schedule is for.
    pub fn describe(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }
}

impl Construct for Schedule {
    type Handle = ScheduleRef;

    fn build(self, scope: &mut Scope<'_>) -> ScheduleRef {
        self.when.check(scope);
        if let Some(wrong) = &self.target.wrong {
            scope.problem(
                "Target.Arn",
                wrong,
                "write it like `terminateInstances` of `ec2`",
            );
        }
        if let (Some(starts), Some(ends)) = (self.starts, self.ends)
            && starts >= ends
        {
            scope.problem(
                "EndDate",
                format_args!("ends at `{}`, before it starts", ends.in_utc()),
                "end it later",
            );
        }
        limits::within(
            scope,
            "Target.RetryPolicy.MaximumRetryAttempts",
            self.attempts,
            &(0..=185),
            "",
        );
        let oldest = limits::seconds(
            scope,
            "Target.RetryPolicy.MaximumEventAgeInSeconds",
            self.oldest,
            &(60..=86_400),
        );
        let group = self
            .group
            .map_or_else(|| "default".into(), ScheduleGroupRef::name);
        let schedules = |kind: &str, last: &str| {
            join![
                "arn:",
                Pseudo::Partition,
                ":scheduler:",
                Pseudo::Region,
                ":",
                Pseudo::AccountId,
                ":",
                kind,
                "/",
                group.clone(),
                last,
            ]
        };
        let decrypt = self.key.used_by("scheduler", ["kms:Decrypt"]).when(
            "ArnLike",
            "kms:EncryptionContext:aws:scheduler:schedule:arn",
            schedules("schedule", "/*"),
        );
        let role = scope.add(
            "Role",
            Role::new(Service::Scheduler, "Does what a schedule says")
                .for_source(schedules("schedule-group", ""))
                .with(self.target.statements)
                .with(self.failures.statements)
                .with([decrypt]),
        );
        let mut target = scheduler::ScheduleTarget::new(self.target.arn, role.arn())
            .dead_letter_config(scheduler::ScheduleDeadLetterConfig::new().arn(self.failures.queue))
            .retry_policy(
                scheduler::ScheduleRetryPolicy::new()
                    .maximum_retry_attempts(self.attempts)
                    .maximum_event_age_in_seconds(oldest),
            );
        if let Some(input) = self.target.input {
            target = target.input(input);
        }
        let window = match self.window {
            None => scheduler::ScheduleFlexibleTimeWindow::new("OFF"),
            Some(window) => {
                let minutes = limits::minutes(
                    scope,
                    "FlexibleTimeWindow.MaximumWindowInMinutes",
                    window,
                    &(1..=1440),
                );
                scheduler::ScheduleFlexibleTimeWindow::new("FLEXIBLE")
                    .maximum_window_in_minutes(minutes)
            }
        };
        let mut schedule = scheduler::Schedule::new(window, self.when.to_string(), target)
            .state("ENABLED")
            .kms_key_arn(self.key.arn());
        if let Some(group) = self.group {
            schedule = schedule.group_name(group.name());
        }
        if let Some(zone) = self.zone {
            zone.check(scope);
            schedule = schedule.schedule_expression_timezone(zone.into_name());
        }
        if let Some(at) = self.starts {
            schedule = schedule.start_date(at.in_utc());
        }
        if let Some(at) = self.ends {
            schedule = schedule.end_date(at.in_utc());
        }
        if let Some(text) = self.description {
            schedule = schedule.description(text);
        }
        ScheduleRef {
            id: schedule.build(scope).id(),
        }
    }
}

impl Target {
    /// Invokes a function, without waiting for it.
    pub fn function<P>(function: &FunctionRef<P>) -> Self {
        Self {
            arn: function.arn().into(),
            statements: vec![Statement::allow(["lambda:InvokeFunction"]).on(function.arn())],
            input: None,
            wrong: None,
        }
    }

    /// Sends a message to a queue.
    pub fn message<M>(queue: &QueueRef<M>, body: Tree) -> Self {
        Self {
            arn: queue.arn().into(),
            statements: queue.sender().statements().to_vec(),
            input: Some(json::text(body)),
            wrong: None,
        }
    }

    /// Calls any operation of AWS, such as `terminateInstances` of `ec2`.
    ///
    /// The statement must allow the call on what it is about, and no more; `input`
    /// is the call's own, as the service's API names its fields.
    pub fn call(service: &str, operation: &str, allow: Statement, input: Tree) -> Self {
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(|c| c.is_ascii_alphanumeric())
        };
        let wrong = (!is_name(service) || !is_name(operation))
            .then(|| format!("calls `{operation}` of `{service}`, which is no name of either"));
        Self {
            arn: join![
                "arn:",
                Pseudo::Partition,
                ":scheduler:::aws-sdk:",
                service,
                ":",
                operation,
            ],
            statements: vec![allow],
            input: Some(json::text(input)),
            wrong,
        }
    }
}

impl ScheduleGroup {
    /// An empty group.
    pub fn new() -> Self {
        Self
    }
}

impl Construct for ScheduleGroup {
    type Handle = ScheduleGroupRef;

    fn build(self, scope: &mut Scope<'_>) -> ScheduleGroupRef {
        ScheduleGroupRef {
            id: scheduler::ScheduleGroup::new().build(scope).id(),
        }
    }
}

impl ScheduleGroupRef {
    /// Returns the group's name.
    pub const fn name(self) -> Value<String> {
        self.id.reference()
    }

    /// Returns the group's ARN.
    pub const fn arn(self) -> Value<Arn<ScheduleGroup>> {
        self.id.attribute("Arn")
    }
}

impl ScheduleRef {
    /// Returns the schedule's ARN.
    pub const fn arn(self) -> Value<Arn<Schedule>> {
        self.id.attribute("Arn")
    }

    /// Returns the schedule's name.
    pub const fn name(self) -> Value<Name<Schedule>> {
        self.id.reference()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::{synth, with_function},
        kms::Key,
        schedule::{Cron, Rate},
        sqs::Queue,
    };

    #[test]
    fn a_schedule_is_encrypted_and_its_failures_are_kept() {
        let assembly = with_function(|scope, key, function| {
            let failures = scope.add("Failures", Queue::new(&key));
            let every = Rate::every(Duration::from_mins(5));
            let target = Target::function(&function);
            scope.add("Often", Schedule::new(every, target, &failures, &key));
        });
        let json = &assembly.template("Test").json()["Resources"];
        let schedule = &json["Often"]["Properties"];
        assert_eq!(schedule["ScheduleExpression"], "rate(5 minutes)");
        assert_eq!(schedule["KmsKeyArn"]["Fn::GetAtt"][0], "Key");
        assert_eq!(schedule["FlexibleTimeWindow"]["Mode"], "OFF");
        let dead_letters = &schedule["Target"]["DeadLetterConfig"]["Arn"];
        assert_eq!(dead_letters["Fn::GetAtt"][0], "Failures");
        let policy = json["OftenRolePolicy"]["Properties"]["PolicyDocument"].to_string();
        for action in [
            "lambda:InvokeFunction",
            "sqs:SendMessage",
            "aws:scheduler:schedule:arn",
        ] {
            assert!(policy.contains(action), "{action}: {policy}");
        }
    }

    #[test]
    fn only_schedules_of_the_group_in_this_account_may_use_the_role() {
        let assembly = with_function(|scope, key, function| {
            let failures = scope.add("Failures", Queue::new(&key));
            let group = scope.add("Group", ScheduleGroup::new());
            let once: At = "2027-03-01T09:30:00".parse().unwrap();
            let schedule = Schedule::new(once, Target::function(&function), &failures, &key);
            scope.add("Once", schedule.group(&group));
        });
        let json = &assembly.template("Test").json()["Resources"];
        let condition = &json["OnceRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
            ["Condition"];
        assert_eq!(
            condition["StringEquals"]["aws:SourceAccount"]["Ref"],
            "AWS::AccountId"
        );
        let source = condition["ArnEquals"]["aws:SourceArn"].to_string();
        assert!(source.contains("schedule-group/"), "{source}");
        assert!(source.contains("\"Ref\":\"Group\""), "{source}");
    }

    #[test]
    fn what_the_scheduler_would_refuse_is_a_problem() {
        let mut app = lightsout_core::App::new("clinic", lightsout_core::Stage::new("dev"));
        let mut scope = app.stack("Test");
        let key = scope.add("Key", Key::new("Test"));
        let failures = scope.add("Failures", Queue::new(&key));
        let call = Target::call(
            "EC2",
            "stop instances",
            Statement::allow(["ec2:StopInstances"]).on("arn:aws:ec2:::instance/i"),
            Tree::object::<&str>([]),
        );
        scope.add(
            "Wrong",
            Schedule::new(Cron::new(61, 0), call, &failures, &key)
                .time_zone(TimeZone::new("berlin"))
                .within(Duration::from_secs(30))
                .retries(200, Duration::from_secs(1)),
        );
        let problems = app.synth().unwrap_err().problems;
        assert_eq!(problems.len(), 6, "{problems:#?}");
        assert!(problems.iter().all(|problem| problem.path == "Test/Wrong"));
    }

    #[test]
    fn the_input_of_a_call_is_json() {
        let assembly = synth(|scope| {
            let key = scope.add("Key", Key::new("Test"));
            let failures = scope.add("Failures", Queue::new(&key));
            let call = Target::call(
                "ec2",
                "stopInstances",
                Statement::allow(["ec2:StopInstances"]).on("arn:aws:ec2:::instance/i-1"),
                Tree::object([("InstanceIds", ["i-1"].into())]),
            );
            scope.add(
                "Stop",
                Schedule::new(Cron::new(0, 0), call, &failures, &key),
            );
        });
        let target = &assembly.template("Test").json()["Resources"]["Stop"]["Properties"]["Target"];
        assert_eq!(target["Input"], r#"{"InstanceIds":["i-1"]}"#);
        let arn = target["Arn"]["Fn::Join"][1].to_string();
        assert!(
            arn.contains(":scheduler:::aws-sdk:ec2:stopInstances"),
            "{arn}"
        );
    }
}
