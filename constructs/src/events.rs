//! Rules that act by the clock or on events, and buses that events travel on.

use std::{collections::BTreeMap, time::Duration};

use lightsout_core::{Arn, Construct, Name, ResourceId, Scope, Tree, Value};

use crate::{
    cfn::events,
    kms::{KeyRef, Wiring},
    lambda::FunctionRef,
    limits,
    names::{arn_here, name_of},
    sns::TopicRef,
    sqs::{FifoQueueRef, QueueRef},
};

/// How often something happens; it becomes a [`Rule`] by what it then does.
///
/// ```
/// use std::time::Duration;
/// use lightsout::events::Schedule;
///
/// assert_eq!(Schedule::every(Duration::from_secs(60)).expression(), "rate(1 minute)");
/// assert_eq!(Schedule::every(Duration::from_secs(7200)).expression(), "rate(2 hours)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a schedule does nothing until it invokes something"]
pub struct Schedule {
    minutes: u64,
}

/// Which events something waits for; it becomes a [`Rule`] by what it then does.
///
/// ```
/// use lightsout::{App, Stage, cfn, events::{EventPattern, Undelivered}, kms::Key, sqs::Queue};
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Watch");
/// let key = stack.add("Key", Key::new("Messages"));
/// let stopped = stack.add("Stopped", Queue::<()>::new(&key));
/// let lost = stack.add("Lost", Queue::<Undelivered>::new(&key));
/// let pattern = EventPattern::from_source("aws.ec2")
///     .detail_type("EC2 Instance State-change Notification")
///     .detail("state", ["stopped", "terminated"]);
/// stack.add("Ended", pattern.sends_to(&stopped).undelivered_to(&lost));
///
/// let assembly = app.synth()?;
/// assembly.template("Watch").has(cfn::events::Rule::new().name("clinic-dev-watch-Ended"));
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a pattern does nothing until it invokes or tells something"]
pub struct EventPattern {
    sources: Vec<String>,
    detail_types: Vec<String>,
    detail: BTreeMap<String, Vec<String>>,
    bus: Option<EventBusRef>,
}

/// A rule that acts by the clock, or on events.
///
/// What it sends to lets it in by itself: a queue and a topic for this one rule, each
/// with its key, a function by a permission. So does the queue that keeps what could
/// not be delivered.
#[derive(Debug, Clone)]
#[must_use = "a rule is made once it is added to a stack"]
pub struct Rule {
    trigger: Trigger,
    targets: Vec<Target>,
    undelivered: Option<QueueRef<Undelivered>>,
    retries: Retries,
    description: Option<String>,
}

/// What a rule could not deliver: the event, and why in the message's attributes.
#[derive(Debug)]
pub enum Undelivered {}

#[derive(Debug, Clone)]
enum Trigger {
    Schedule(Schedule),
    Pattern(EventPattern),
}

#[derive(Debug, Clone)]
enum Target {
    Function(FunctionRef<()>),
    Queue {
        queue: QueueRef<()>,
        group: Option<String>,
    },
    Topic(TopicRef),
}

#[derive(Debug, Clone, Copy, Default)]
struct Retries {
    attempts: Option<u16>,
    age: Option<Duration>,
}

/// A rule that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleRef {
    id: ResourceId,
}

/// A bus for a system's own events: encrypted, and closed to every other account.
///
/// ```
/// use lightsout::{App, Stage, cfn, events::EventBus, kms::Key};
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Events");
/// let key = stack.add("Key", Key::new("Events"));
/// stack.add("Bus", EventBus::new(&key));
///
/// let assembly = app.synth()?;
/// assembly.template("Events").has(cfn::events::EventBus::new("clinic-dev-events-Bus"));
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a bus is made once it is added to a stack"]
pub struct EventBus {
    key: KeyRef,
    undelivered: Option<QueueRef<Undelivered>>,
}

/// A bus that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventBusRef {
    id: ResourceId,
}

/// The longest name of a rule.
const LONGEST_RULE_NAME: usize = 64;

/// The longest name of a bus.
const LONGEST_BUS_NAME: usize = 256;

/// How many targets a rule has at most.
const MOST_TARGETS: usize = 5;

macro_rules! actions {
    ($trigger:path) => {
        /// Invokes `function` each time.
        pub fn invokes<P>(self, function: &FunctionRef<P>) -> Rule {
            Rule::new($trigger(self)).invokes(function)
        }

        /// Puts each event into `queue`.
        pub fn sends_to<M>(self, queue: &QueueRef<M>) -> Rule {
            Rule::new($trigger(self)).sends_to(queue)
        }

        /// Tells `topic` each time.
        pub fn notifies(self, topic: &TopicRef) -> Rule {
            Rule::new($trigger(self)).notifies(topic)
        }
    };
}

impl Schedule {
    /// Once in each `period`, in whole minutes, rounded up.
    pub const fn every(period: Duration) -> Self {
        let minutes = period.as_secs().div_ceil(60);
        Self {
            minutes: if minutes == 0 { 1 } else { minutes },
        }
    }

    /// Returns the schedule as `EventBridge` writes it.
    pub fn expression(self) -> String {
        let (count, unit) = match self.minutes {
            minutes if minutes % (24 * 60) == 0 => (minutes / (24 * 60), "day"),
            minutes if minutes % 60 == 0 => (minutes / 60, "hour"),
            minutes => (minutes, "minute"),
        };
        let plural = if count == 1 { "" } else { "s" };
        format!("rate({count} {unit}{plural})")
    }

    actions!(Trigger::Schedule);
}

impl EventPattern {
    /// Events of one source, such as `aws.ec2` or a program's own name.
    pub fn from_source(source: impl Into<String>) -> Self {
        Self {
            sources: vec![source.into()],
            detail_types: Vec::new(),
            detail: BTreeMap::new(),
            bus: None,
        }
    }

    /// Only events of this type, or of another that is said too.
    pub fn detail_type(mut self, name: impl Into<String>) -> Self {
        self.detail_types.push(name.into());
        self
    }

    /// Only events whose detail has one of `values` as this field.
    pub fn detail<V: Into<String>>(
        mut self,
        field: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.detail
            .insert(field.into(), values.into_iter().map(Into::into).collect());
        self
    }

    /// Events on this bus; the account's own unless said.
    pub fn on_bus(mut self, bus: &EventBusRef) -> Self {
        self.bus = Some(*bus);
        self
    }

    actions!(Trigger::Pattern);
}

impl From<EventPattern> for Tree {
    fn from(pattern: EventPattern) -> Self {
        let mut fields = vec![("source", pattern.sources.into_iter().collect())];
        if !pattern.detail_types.is_empty() {
            fields.push(("detail-type", pattern.detail_types.into_iter().collect()));
        }
        if !pattern.detail.is_empty() {
            let detail = pattern.detail.into_iter();
            let detail = detail.map(|(field, values)| (field, values.into_iter().collect()));
            fields.push(("detail", Self::object(detail)));
        }
        Self::object(fields)
    }
}

impl Rule {
    fn new(trigger: Trigger) -> Self {
        Self {
            trigger,
            targets: Vec::new(),
            undelivered: None,
            retries: Retries::default(),
            description: None,
        }
    }

    /// Invokes `function` too.
    pub fn invokes<P>(mut self, function: &FunctionRef<P>) -> Self {
        self.targets.push(Target::Function(function.untyped()));
        self
    }

    /// Puts each event into `queue` too.
    pub fn sends_to<M>(mut self, queue: &QueueRef<M>) -> Self {
        self.targets.push(Target::Queue {
            queue: queue.untyped(),
            group: None,
        });
        self
    }

    /// Puts each event into `queue` too, as one of `group`.
    pub fn sends_in_order<M>(mut self, queue: &FifoQueueRef<M>, group: impl Into<String>) -> Self {
        self.targets.push(Target::Queue {
            queue: queue.queue().untyped(),
            group: Some(group.into()),
        });
        self
    }

    /// Tells `topic` too.
    pub fn notifies(mut self, topic: &TopicRef) -> Self {
        self.targets.push(Target::Topic(*topic));
        self
    }

    /// Keeps events that could not be delivered in `queue`.
    pub fn undelivered_to(mut self, queue: &QueueRef<Undelivered>) -> Self {
        self.undelivered = Some(*queue);
        self
    }

    /// Tries to deliver an event this often again, up to 185 times, which is the
    /// default too.
    pub fn retry(mut self, attempts: u16) -> Self {
        self.retries.attempts = Some(attempts);
        self
    }

    /// Gives an event up when it is older than this, 1 minute to 24 hours, which is
    /// the default too.
    pub fn give_up_after(mut self, age: Duration) -> Self {
        self.retries.age = Some(age);
        self
    }

    /// Says what the rule is for.
    pub fn describe(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }
}

impl Construct for Rule {
    type Handle = RuleRef;

    fn build(self, scope: &mut Scope<'_>) -> RuleRef {
        if self.targets.len() > MOST_TARGETS {
            scope.problem(
                "Targets",
                format_args!("has {} targets", self.targets.len()),
                format!("give it at most {MOST_TARGETS}, or tell a topic and let them subscribe"),
            );
        }
        let retry = self.retries.policy(scope);
        let mut ids = Numbered::default();
        let targets: Vec<_> = self
            .targets
            .iter()
            .map(|target| {
                let mut described = target.describe(&mut ids);
                if let Some(queue) = &self.undelivered {
                    let queue = events::RuleDeadLetterConfig::new().arn(queue.arn());
                    described = described.dead_letter_config(queue);
                }
                if let Some(retry) = &retry {
                    described = described.retry_policy(retry.clone());
                }
                described
            })
            .collect();
        let mut rule = events::Rule::new();
        let mut bus = None;
        match self.trigger {
            Trigger::Schedule(schedule) => {
                rule = rule.schedule_expression(schedule.expression());
            }
            Trigger::Pattern(pattern) => {
                bus = pattern.bus;
                rule = rule.event_pattern(pattern);
            }
        }
        let mut rule = rule.state("ENABLED").targets(targets);
        if let Some(text) = self.description {
            rule = rule.description(text);
        }
        let name = name_of(scope, LONGEST_RULE_NAME);
        // The policies of queues and topics name the rule before it exists, so that
        // neither waits for the other.
        let mut path = format!("rule/{name}");
        if let Some(bus) = bus {
            rule = rule.event_bus_name(bus.name());
            // The bus's own name is known only once its key lets it be made.
            path = format!("rule/*/{name}");
        }
        let is_named = self.undelivered.is_some()
            || self
                .targets
                .iter()
                .any(|target| !matches!(target, Target::Function(_)));
        if is_named {
            rule = rule.name(name);
        }
        let rule = rule.build(scope);
        let source = arn_here("events", path);
        if let Some(queue) = self.undelivered {
            queue.admit(scope, Wiring::Rules, &source);
            scope.depends_on(rule.id(), queue.policy());
        }
        let mut permissions = Numbered::default();
        for target in self.targets {
            match target {
                Target::Function(function) => {
                    let arn = rule.get(events::Rule::ARN);
                    let id = permissions.next("Permission");
                    function.admit(scope, &id, "events.amazonaws.com", arn);
                }
                Target::Queue { queue, .. } => {
                    queue.admit(scope, Wiring::Rules, &source);
                    scope.depends_on(rule.id(), queue.policy());
                }
                Target::Topic(topic) => {
                    topic.admit(scope, Wiring::Rules, &source);
                    scope.depends_on(rule.id(), topic.policy());
                }
            }
        }
        RuleRef { id: rule.id() }
    }
}

impl RuleRef {
    /// Returns the rule's ARN.
    pub const fn arn(self) -> Value<Arn<Rule>> {
        self.id.attribute("Arn")
    }
}

impl EventBus {
    /// A bus whose events are encrypted with `key`.
    pub fn new(key: &KeyRef) -> Self {
        Self {
            key: *key,
            undelivered: None,
        }
    }

    /// Keeps events that could not be encrypted or decrypted in `queue`.
    pub fn undelivered_to(mut self, queue: &QueueRef<Undelivered>) -> Self {
        self.undelivered = Some(*queue);
        self
    }
}

impl Construct for EventBus {
    type Handle = EventBusRef;

    fn build(self, scope: &mut Scope<'_>) -> EventBusRef {
        let name = name_of(scope, LONGEST_BUS_NAME);
        // A bus named before it exists can be let to the key that it is made with.
        let source = arn_here("events", format!("event-bus/{name}"));
        self.key.serve_bus(scope, &source);
        let mut bus = events::EventBus::new(name).kms_key_identifier(self.key.arn());
        if let Some(queue) = self.undelivered {
            queue.admit(scope, Wiring::Rules, &source);
            bus = bus.dead_letter_config(events::EventBusDeadLetterConfig::new().arn(queue.arn()));
        }
        let bus = bus.build(scope);
        if let Some(queue) = self.undelivered {
            scope.depends_on(bus.id(), queue.policy());
        }
        EventBusRef { id: bus.id() }
    }
}

impl EventBusRef {
    /// Returns the bus's name.
    pub const fn name(self) -> Value<Name<EventBus>> {
        self.id.reference()
    }

    /// Returns the bus's ARN.
    pub const fn arn(self) -> Value<Arn<EventBus>> {
        self.id.attribute("Arn")
    }
}

/// Ids of one kind: `Queue`, `Queue2`, `Queue3`.
#[derive(Default)]
struct Numbered(BTreeMap<&'static str, usize>);

impl Numbered {
    fn next(&mut self, kind: &'static str) -> String {
        let count = self.0.entry(kind).or_default();
        *count += 1;
        match count {
            1 => kind.to_owned(),
            more => format!("{kind}{more}"),
        }
    }
}

impl Target {
    fn describe(&self, ids: &mut Numbered) -> events::RuleTarget {
        match self {
            Self::Function(function) => {
                events::RuleTarget::new(function.arn(), ids.next("Function"))
            }
            Self::Queue { queue, group } => {
                let target = events::RuleTarget::new(queue.arn(), ids.next("Queue"));
                match group {
                    Some(group) => {
                        target.sqs_parameters(events::RuleSqsParameters::new(group.as_str()))
                    }
                    None => target,
                }
            }
            Self::Topic(topic) => events::RuleTarget::new(topic.arn(), ids.next("Topic")),
        }
    }
}

impl Retries {
    fn policy(self, scope: &mut Scope<'_>) -> Option<events::RuleRetryPolicy> {
        if self.attempts.is_none() && self.age.is_none() {
            return None;
        }
        let mut policy = events::RuleRetryPolicy::new();
        if let Some(attempts) = self.attempts {
            limits::within(
                scope,
                "MaximumRetryAttempts",
                attempts,
                &(0..=185),
                " attempts",
            );
            policy = policy.maximum_retry_attempts(attempts);
        }
        if let Some(age) = self.age {
            let age = limits::seconds(scope, "MaximumEventAgeInSeconds", age, &(60..=86_400));
            policy = policy.maximum_event_age_in_seconds(age);
        }
        Some(policy)
    }
}

#[cfg(test)]
mod tests {
    use lightsout_core::Pseudo;

    use super::*;
    use crate::{
        cfn,
        fixture::{key, problems, synth, with_function},
        kms::Key,
        sns::Topic,
        sqs::Queue,
    };

    #[test]
    fn periods_are_whole_minutes_and_never_none() {
        for (seconds, expression) in [
            (0, "rate(1 minute)"),
            (61, "rate(2 minutes)"),
            (3600, "rate(1 hour)"),
            (5400, "rate(90 minutes)"),
            (86_400, "rate(1 day)"),
        ] {
            let schedule = Schedule::every(Duration::from_secs(seconds));
            assert_eq!(schedule.expression(), expression);
        }
    }

    #[test]
    fn a_rule_may_invoke_what_it_invokes() {
        let assembly = with_function(|scope, _, function| {
            let every = Schedule::every(Duration::from_mins(5));
            scope.add("Heartbeat", every.invokes(&function));
        });
        let template = assembly.template("Test");
        template.has(events::Rule::new().schedule_expression("rate(5 minutes)"));
        template.has(cfn::lambda::Permission::matching().principal("events.amazonaws.com"));
        let permission = &template.json()["Resources"]["HeartbeatPermission"]["Properties"];
        assert_eq!(permission["SourceArn"]["Fn::GetAtt"][0], "Heartbeat");
    }

    /// A policy with a statement that lets `EventBridge` in for one source.
    fn admits(source: &str) -> Tree {
        Tree::object([(
            "Statement",
            vec![Tree::object([
                (
                    "Principal",
                    Tree::object([("Service", "events.amazonaws.com".into())]),
                ),
                (
                    "Condition",
                    Tree::object([
                        (
                            "ArnLike",
                            Tree::object([("aws:SourceArn", arn_here("events", source).into())]),
                        ),
                        (
                            "StringEquals",
                            Tree::object([("aws:SourceAccount", Pseudo::AccountId.into())]),
                        ),
                    ]),
                ),
            ])]
            .into(),
        )])
    }

    #[test]
    fn a_rule_reaches_encrypted_queues_and_topics_and_its_own_dead_letters() {
        let assembly = synth(|scope| {
            let queue_key = scope.add("QueueKey", Key::new("Queue"));
            let topic_key = scope.add("TopicKey", Key::new("Topic"));
            let lost_key = scope.add("LostKey", Key::new("Lost"));
            let queue = scope.add("Queue", Queue::<()>::new(&queue_key));
            let topic = scope.add("Topic", Topic::new(&topic_key));
            let lost = scope.add("Lost", Queue::new(&lost_key));
            let every = Schedule::every(Duration::from_hours(1));
            let rule = every.sends_to(&queue).notifies(&topic);
            scope.add("Hourly", rule.undelivered_to(&lost));
        });
        let template = assembly.template("Test");
        let source = "rule/clinic-dev-test-Hourly";
        for description in ["Queue", "Topic", "Lost"] {
            let key = cfn::kms::Key::matching().description(description);
            template.has(key.key_policy(admits(source)));
        }
        template.has(cfn::sns::TopicPolicy::matching().policy_document(admits(source)));
        let json = &template.json()["Resources"];
        for policy in ["QueuePolicy", "LostPolicy"] {
            let allowed = &json[policy]["Properties"]["PolicyDocument"]["Statement"][1];
            assert_eq!(allowed["Action"][0], "sqs:SendMessage");
            assert_eq!(
                allowed["Condition"]["StringEquals"]["aws:SourceAccount"]["Ref"],
                "AWS::AccountId"
            );
        }
        let rule = &json["Hourly"];
        for target in rule["Properties"]["Targets"].as_array().unwrap() {
            assert_eq!(target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0], "Lost");
        }
        assert_eq!(
            rule["DependsOn"],
            serde_json::json!(["LostPolicy", "QueuePolicy", "TopicPolicy"])
        );
    }

    #[test]
    fn a_bus_is_encrypted_and_its_key_knows_it_alone() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let bus = scope.add("Bus", EventBus::new(&key));
            let queue = scope.add("Queue", Queue::<()>::new(&key));
            let pattern = EventPattern::from_source("clinic").on_bus(&bus);
            scope.add("Rule", pattern.sends_to(&queue));
        });
        let template = assembly.template("Test");
        let json = &template.json()["Resources"];
        assert_eq!(json["Rule"]["Properties"]["EventBusName"]["Ref"], "Bus");
        let statements = json["Key"]["Properties"]["KeyPolicy"]["Statement"].as_array();
        let bus: serde_json::Value = serde_json::to_value("clinic-dev-test-Bus").unwrap();
        assert_eq!(json["Bus"]["Properties"]["Name"], bus);
        let encrypting = statements.unwrap().iter().find(|statement| {
            let condition = &statement["Condition"]["StringEquals"];
            condition["kms:EncryptionContext:aws:events:event-bus:arn"].is_object()
                && condition["aws:SourceArn"].is_object()
                && condition["aws:SourceAccount"].is_object()
        });
        assert_eq!(
            encrypting.unwrap()["Action"],
            serde_json::json!(["kms:Decrypt", "kms:GenerateDataKey"])
        );
        template.has(cfn::kms::Key::matching().key_policy(admits("rule/*/clinic-dev-test-Rule")));
    }

    #[test]
    fn a_pattern_says_only_what_was_asked_for() {
        let pattern = EventPattern::from_source("aws.ec2").detail("state", ["stopped"]);
        let expected = Tree::object([
            ("source", vec!["aws.ec2"].into()),
            (
                "detail",
                Tree::object([("state", Tree::from(vec!["stopped"]))]),
            ),
        ]);
        assert_eq!(Tree::from(pattern), expected);
    }

    #[test]
    fn a_rule_that_eventbridge_refuses_is_a_problem() {
        let problems = problems(|scope| {
            let key = key(scope);
            let queue = scope.add("Queue", Queue::<()>::new(&key));
            let every = Schedule::every(Duration::from_hours(1));
            let rule = (0..5).fold(every.sends_to(&queue), |rule, _| rule.sends_to(&queue));
            let rule = rule.retry(186).give_up_after(Duration::from_secs(59));
            scope.add("Rule", rule);
        });
        assert_eq!(problems.len(), 3, "{problems:#?}");
    }
}
