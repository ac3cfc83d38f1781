//! Queues of typed messages.

use std::{fmt, marker::PhantomData, time::Duration};

use lightsout_contract::{MeasureQueue, ReceiveFrom, SendInOrder, SendTo};
use lightsout_core::{Arn, Construct, Name, Pseudo, ResourceId, Scope, Tree, Url, Value, join};

use crate::{
    Wired,
    cfn::sqs,
    cloudwatch::{Metric, Statistic},
    iam::{PolicyDocument, Statement},
    kms::{KeyRef, Wiring},
    limits,
    names::{arn_here, name_of},
    sns::TopicRef,
};

/// A queue of messages of type `M`.
///
/// Without an option it is encrypted with its own key, reached over TLS only,
/// keeps a message for 14 days and is closed to every other service.
///
/// ```
/// use std::time::Duration;
///
/// use lightsout::{App, Stage, cfn, kms::Key, sqs::{DeadLetters, Queue}};
///
/// struct Job;
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Work");
/// let key = stack.add("Key", Key::new("Messages"));
/// let failed = stack.add("Failed", DeadLetters::<Job>::new(&key));
/// let jobs = stack.add(
///     "Jobs",
///     Queue::new(&key)
///         .visibility(Duration::from_secs(300))
///         .dead_letter(&failed, 3),
/// );
/// let sender = jobs.sender();
///
/// let assembly = app.synth()?;
/// let template = assembly.template("Work");
/// template.has(cfn::sqs::Queue::new().visibility_timeout(300));
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug)]
#[must_use = "a queue is made once it is added to a stack"]
pub struct Queue<M> {
    definition: Definition,
    messages: PhantomData<fn() -> M>,
}

/// A queue that was added to a stack.
pub struct QueueRef<M> {
    id: ResourceId,
    policy: ResourceId,
    key: KeyRef,
    messages: PhantomData<fn() -> M>,
}

/// A queue whose messages of type `M` are received in order, group by group.
///
/// It is what a [`Queue`] is without an option. Buckets cannot announce their objects
/// to it, and what it moves away goes to [`FifoDeadLetters`].
///
/// ```
/// use lightsout::{App, Stage, cfn, kms::Key, sqs::{FifoDeadLetters, FifoQueue}};
///
/// struct Correction;
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Work");
/// let key = stack.add("Key", Key::new("Messages"));
/// let failed = stack.add("Failed", FifoDeadLetters::<Correction>::new(&key));
/// let corrections = stack.add("Corrections", FifoQueue::new(&key).dead_letter(&failed, 3));
/// let sender = corrections.sender();
///
/// let assembly = app.synth()?;
/// let template = assembly.template("Work");
/// template.has(cfn::sqs::Queue::new().queue_name("clinic-dev-work-Corrections.fifo"));
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug)]
#[must_use = "a queue is made once it is added to a stack"]
pub struct FifoQueue<M> {
    definition: Definition,
    messages: PhantomData<fn() -> M>,
}

/// A queue in order that was added to a stack.
pub struct FifoQueueRef<M>(QueueRef<M>);

/// A queue of messages that could not be worked on, for a person to look at.
///
/// Only the queues that say so with [`Queue::dead_letter`] move messages here,
/// which stay for 14 days.
#[derive(Debug)]
#[must_use = "a queue is made once it is added to a stack"]
pub struct DeadLetters<M> {
    definition: Definition,
    alarm: Option<TopicRef>,
    messages: PhantomData<fn() -> M>,
}

/// A queue of dead letters that was added to a stack.
pub struct DeadLettersRef<M>(QueueRef<M>);

/// Dead letters of [`FifoQueue`]s, in their order.
#[derive(Debug)]
#[must_use = "a queue is made once it is added to a stack"]
pub struct FifoDeadLetters<M>(DeadLetters<M>);

/// A queue of dead letters in order that was added to a stack.
pub struct FifoDeadLettersRef<M>(QueueRef<M>);

/// How a FIFO queue or topic knows a message that was sent twice within 5 minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Deduplication {
    /// By the id that its sender gives it.
    #[default]
    Id,
    /// By what it says: its body's SHA-256.
    Content,
}

/// What every queue has, whatever it is for.
#[derive(Debug)]
struct Definition {
    key: KeyRef,
    visibility: Option<Duration>,
    retention: Duration,
    delay: Option<Duration>,
    redrive: Option<Redrive>,
    is_for_dead_letters: bool,
    order: Option<Deduplication>,
    buckets: Vec<Value<String>>,
}

#[derive(Debug)]
struct Redrive {
    queue: ResourceId,
    arn: Value<String>,
    attempts: u16,
}

/// The longest that SQS keeps a message.
const LONGEST_RETENTION: Duration = Duration::from_hours(14 * 24);

/// The longest that a receive waits for a message: a long poll costs least.
const LONG_POLL: i64 = 20;

/// The longest name of a queue.
const LONGEST_NAME: usize = 80;

macro_rules! options {
    () => {
        /// Hides a received message for this long, up to 12 hours; 30 s unless said.
        pub fn visibility(mut self, timeout: Duration) -> Self {
            self.definition.visibility = Some(timeout);
            self
        }

        /// Keeps a message for this long, 1 minute to 14 days; 14 days unless said.
        pub fn retention(mut self, period: Duration) -> Self {
            self.definition.retention = period;
            self
        }

        /// Holds each message back for this long, up to 15 minutes; 0 s unless said.
        pub fn delay(mut self, delay: Duration) -> Self {
            self.definition.delay = Some(delay);
            self
        }
    };
}

impl<M> Queue<M> {
    /// A queue whose messages are encrypted with `key`.
    pub fn new(key: &KeyRef) -> Self {
        Self {
            definition: Definition::new(key),
            messages: PhantomData,
        }
    }

    options!();

    /// Moves a message to `failed` after `attempts` receives without a deletion, 1 to
    /// 1,000.
    pub fn dead_letter(mut self, failed: &DeadLettersRef<M>, attempts: u16) -> Self {
        self.definition.redrive = Some(Redrive::to(&failed.0, attempts));
        self
    }

    /// Lets the bucket called `name`, of this account, announce its objects here.
    ///
    /// The bucket is admitted by name, not by reference, because it must find an
    /// open queue when it is made: give [`Bucket::named`](crate::s3::Bucket::named)
    /// the same value. The name may use what is known in every stack, such as
    /// [`Pseudo::AccountId`].
    pub fn accepts_from_bucket(mut self, name: impl Into<Value<String>>) -> Self {
        self.definition.buckets.push(name.into());
        self
    }
}

impl<M> Construct for Queue<M> {
    type Handle = QueueRef<M>;

    fn build(self, scope: &mut Scope<'_>) -> QueueRef<M> {
        self.definition.build(scope)
    }
}

impl<M> FifoQueue<M> {
    /// A queue whose messages are encrypted with `key`.
    pub fn new(key: &KeyRef) -> Self {
        Self {
            definition: Definition {
                order: Some(Deduplication::Id),
                ..Definition::new(key)
            },
            messages: PhantomData,
        }
    }

    options!();

    /// Knows messages that were sent twice by something else than their id.
    pub fn deduplicate(mut self, by: Deduplication) -> Self {
        self.definition.order = Some(by);
        self
    }

    /// Moves a message to `failed` after `attempts` receives without a deletion, 1 to
    /// 1,000; those of its group that follow are then received out of its order.
    pub fn dead_letter(mut self, failed: &FifoDeadLettersRef<M>, attempts: u16) -> Self {
        self.definition.redrive = Some(Redrive::to(&failed.0, attempts));
        self
    }
}

impl<M> Construct for FifoQueue<M> {
    type Handle = FifoQueueRef<M>;

    fn build(self, scope: &mut Scope<'_>) -> FifoQueueRef<M> {
        FifoQueueRef(self.definition.build(scope))
    }
}

impl<M> DeadLetters<M> {
    /// A queue whose messages are encrypted with `key`.
    pub fn new(key: &KeyRef) -> Self {
        Self {
            definition: Definition {
                is_for_dead_letters: true,
                ..Definition::new(key)
            },
            alarm: None,
            messages: PhantomData,
        }
    }

    /// Tells `topic` as soon as there is a dead letter.
    pub fn alarm(mut self, topic: &TopicRef) -> Self {
        self.alarm = Some(*topic);
        self
    }
}

impl<M> Construct for DeadLetters<M> {
    type Handle = DeadLettersRef<M>;

    fn build(self, scope: &mut Scope<'_>) -> DeadLettersRef<M> {
        let queue: QueueRef<M> = self.definition.build(scope);
        if let Some(topic) = self.alarm {
            let any = queue.depth().above(0).describe(
                "Messages could not be worked on: find out why, then send them back or delete them",
            );
            scope.add("Alarm", any.notifies(&topic));
        }
        DeadLettersRef(queue)
    }
}

impl<M> FifoDeadLetters<M> {
    /// A queue whose messages are encrypted with `key`.
    pub fn new(key: &KeyRef) -> Self {
        let mut dead_letters = DeadLetters::new(key);
        dead_letters.definition.order = Some(Deduplication::Id);
        Self(dead_letters)
    }

    /// Tells `topic` as soon as there is a dead letter.
    pub fn alarm(mut self, topic: &TopicRef) -> Self {
        self.0 = self.0.alarm(topic);
        self
    }
}

impl<M> Construct for FifoDeadLetters<M> {
    type Handle = FifoDeadLettersRef<M>;

    fn build(self, scope: &mut Scope<'_>) -> FifoDeadLettersRef<M> {
        FifoDeadLettersRef(self.0.build(scope).0)
    }
}

impl<M> QueueRef<M> {
    /// Lets a program send messages: the queue's URL, with the permission.
    ///
    /// SQS asks for the key's
    /// [`Decrypt` beside `GenerateDataKey`](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html)
    /// of a sender.
    pub fn sender(&self) -> Wired<SendTo<M>> {
        Wired::new(self.url(), self.arn()).and(self.sends())
    }

    /// Lets a program receive messages: the queue's URL, with the permission.
    pub fn receiver(&self) -> Wired<ReceiveFrom<M>> {
        Wired::new(self.url(), self.arn()).and(self.key.used_by("sqs", ["kms:Decrypt"]))
    }

    /// Lets a program read how many messages wait, but none of them.
    pub fn meter(&self) -> Wired<MeasureQueue<M>> {
        Wired::new(self.url(), self.arn())
    }

    /// Returns how many messages wait to be received.
    pub fn depth(&self) -> Metric {
        self.metric("ApproximateNumberOfMessagesVisible")
    }

    /// Returns for how many seconds the oldest message has waited.
    pub fn oldest_message_age(&self) -> Metric {
        self.metric("ApproximateAgeOfOldestMessage")
    }

    /// Returns how many messages were handled, and deleted for it.
    pub fn handled(&self) -> Metric {
        self.metric("NumberOfMessagesDeleted")
            .statistic(Statistic::Sum)
    }

    /// Returns the queue's URL.
    pub const fn url(&self) -> Value<Url<Queue<M>>> {
        self.id.reference()
    }

    /// Returns the queue's ARN.
    pub const fn arn(&self) -> Value<Arn<Queue<M>>> {
        self.id.attribute("Arn")
    }

    /// Returns the queue's name.
    pub const fn name(&self) -> Value<Name<Queue<M>>> {
        self.id.attribute("QueueName")
    }

    /// Returns the resource that holds the queue's policy.
    pub(crate) const fn policy(&self) -> ResourceId {
        self.policy
    }

    /// Lets a service send what one source of this account has to say.
    pub(crate) fn admit(&self, scope: &mut Scope<'_>, wiring: Wiring, source: &Value<String>) {
        self.key.serve_sender(scope, wiring, source.clone());
        scope.gather(
            self.policy,
            "PolicyDocument.Statement",
            admission(wiring, self.arn().text(), source.clone()),
        );
    }

    /// Forgets what the messages are.
    pub(crate) const fn untyped(&self) -> QueueRef<()> {
        QueueRef {
            id: self.id,
            policy: self.policy,
            key: self.key,
            messages: PhantomData,
        }
    }

    fn sends(&self) -> Statement {
        self.key
            .used_by("sqs", ["kms:Decrypt", "kms:GenerateDataKey"])
    }

    fn metric(&self, name: &'static str) -> Metric {
        Metric::new("AWS/SQS", name)
            .dimension("QueueName", self.name())
            .statistic(Statistic::Maximum)
    }
}

impl<M> FifoQueueRef<M> {
    /// Lets a program send messages in order: the queue's URL, with the permission.
    pub fn sender(&self) -> Wired<SendInOrder<M>> {
        Wired::new(self.0.url(), self.0.arn()).and(self.0.sends())
    }

    /// Lets a program receive messages: the queue's URL, with the permission.
    pub fn receiver(&self) -> Wired<ReceiveFrom<M>> {
        self.0.receiver()
    }

    /// Lets a program read how many messages wait, but none of them.
    pub fn meter(&self) -> Wired<MeasureQueue<M>> {
        self.0.meter()
    }

    /// Returns how many messages wait to be received.
    pub fn depth(&self) -> Metric {
        self.0.depth()
    }

    /// Returns for how many seconds the oldest message has waited.
    pub fn oldest_message_age(&self) -> Metric {
        self.0.oldest_message_age()
    }

    /// Returns the queue's URL.
    pub const fn url(&self) -> Value<Url<Queue<M>>> {
        self.0.url()
    }

    /// Returns the queue's ARN.
    pub const fn arn(&self) -> Value<Arn<Queue<M>>> {
        self.0.arn()
    }

    /// Returns the queue as what else sends to it sees it.
    pub(crate) const fn queue(&self) -> QueueRef<M> {
        self.0
    }
}

impl<M> DeadLettersRef<M> {
    /// Returns the queue itself.
    pub const fn queue(&self) -> QueueRef<M> {
        self.0
    }

    /// Returns how many dead letters wait for a person.
    pub fn depth(&self) -> Metric {
        self.0.depth()
    }
}

impl<M> FifoDeadLettersRef<M> {
    /// Lets a program receive dead letters: the queue's URL, with the permission.
    pub fn receiver(&self) -> Wired<ReceiveFrom<M>> {
        self.0.receiver()
    }

    /// Returns how many dead letters wait for a person.
    pub fn depth(&self) -> Metric {
        self.0.depth()
    }
}

macro_rules! references {
    ($($name:ident.$id:tt $(.$inner:ident)?),+ $(,)?) => {$(
        impl<M> Clone for $name<M> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<M> Copy for $name<M> {}

        impl<M> fmt::Debug for $name<M> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.$id$(.$inner)?).finish()
            }
        }
    )+};
}

references! {
    QueueRef.id,
    FifoQueueRef.0.id,
    DeadLettersRef.0.id,
    FifoDeadLettersRef.0.id,
}

impl Definition {
    fn new(key: &KeyRef) -> Self {
        Self {
            key: *key,
            visibility: None,
            retention: LONGEST_RETENTION,
            delay: None,
            redrive: None,
            is_for_dead_letters: false,
            order: None,
            buckets: Vec::new(),
        }
    }

    fn build<M>(self, scope: &mut Scope<'_>) -> QueueRef<M> {
        let mut queue = sqs::Queue::new();
        if !self.is_for_dead_letters {
            let visibility = self.visibility.unwrap_or(Duration::from_secs(30));
            queue = queue.visibility_timeout(limits::seconds(
                scope,
                "VisibilityTimeout",
                visibility,
                &(0..=43_200),
            ));
        }
        let redrive_permission = if self.is_for_dead_letters {
            "byQueue"
        } else {
            "denyAll"
        };
        queue = queue.redrive_allow_policy(Tree::object([(
            "redrivePermission",
            redrive_permission.into(),
        )]));
        let name = match self.order {
            Some(_) => name_of(scope, LONGEST_NAME - ".fifo".len()) + ".fifo",
            None => name_of(scope, LONGEST_NAME),
        };
        if self.order.is_some() || self.redrive.is_some() {
            queue = queue.queue_name(name.as_str());
        }
        if let Some(redrive) = self.redrive {
            limits::within(
                scope,
                "maxReceiveCount",
                redrive.attempts,
                &(1..=1000),
                " receives",
            );
            // Each of the two names the other. This one's name is known before either
            // exists, so that they make no circle.
            scope.gather(
                redrive.queue,
                "RedriveAllowPolicy.sourceQueueArns",
                arn_here("sqs", name),
            );
            queue = queue.redrive_policy(Tree::object([
                ("deadLetterTargetArn", redrive.arn.into()),
                ("maxReceiveCount", redrive.attempts.into()),
            ]));
        }
        if let Some(deduplication) = self.order {
            queue = queue
                .fifo_queue(true)
                .content_based_deduplication(deduplication == Deduplication::Content);
        }
        if let Some(delay) = self.delay {
            queue = queue.delay_seconds(limits::seconds(scope, "DelaySeconds", delay, &(0..=900)));
        }
        let retention = limits::seconds(
            scope,
            "MessageRetentionPeriod",
            self.retention,
            &(60..=14 * 24 * 3600),
        );
        let queue = queue
            .kms_master_key_id(self.key.arn())
            .message_retention_period(retention)
            .receive_message_wait_time_seconds(LONG_POLL)
            .build(scope);
        self.key.removal().apply(scope, queue.id());
        let arn = queue.get(sqs::Queue::ARN).text();
        let mut policy = PolicyDocument::new().with(
            Statement::deny(["sqs:*"])
                .sid("DenyPlainText")
                .to_everyone()
                .on(arn.clone())
                .when("Bool", "aws:SecureTransport", "false"),
        );
        for name in self.buckets {
            let source = join!["arn:", Pseudo::Partition, ":s3:::", name];
            self.key
                .serve_sender(scope, Wiring::BucketEvents, source.clone());
            policy = policy.with(admission(Wiring::BucketEvents, arn.clone(), source));
        }
        let policy = scope.add("Policy", sqs::QueuePolicy::new(policy, [queue.reference()]));
        QueueRef {
            id: queue.id(),
            policy: policy.id(),
            key: self.key,
            messages: PhantomData,
        }
    }
}

impl Redrive {
    fn to<M>(failed: &QueueRef<M>, attempts: u16) -> Self {
        Self {
            queue: failed.id,
            arn: failed.arn().text(),
            attempts,
        }
    }
}

/// Lets a service send to a queue for one source of this account.
fn admission(wiring: Wiring, queue: Value<String>, source: Value<String>) -> Statement {
    Statement::allow(["sqs:SendMessage"])
        .to_service(wiring.service())
        .on(queue)
        .from_account()
        .when("ArnLike", "aws:SourceArn", source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::{key, problems, synth},
        sns::Topic,
    };

    #[test]
    fn a_queue_without_options_is_encrypted_and_takes_no_dead_letters() {
        let assembly = synth(|scope| {
            let key = key(scope);
            scope.add("Queue", Queue::<()>::new(&key));
        });
        let template = assembly.template("Test");
        template.has(
            sqs::Queue::new()
                .message_retention_period(1_209_600)
                .redrive_allow_policy(Tree::object([("redrivePermission", "denyAll".into())])),
        );
        let json = &template.json()["Resources"];
        assert_eq!(
            json["Queue"]["Properties"]["KmsMasterKeyId"]["Fn::GetAtt"][0],
            "Key"
        );
        let statements = &json["QueuePolicy"]["Properties"]["PolicyDocument"]["Statement"];
        assert_eq!(statements.as_array().unwrap().len(), 1);
        assert_eq!(statements[0]["Sid"], "DenyPlainText");
    }

    #[test]
    fn dead_letters_come_only_from_the_queue_that_says_so() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let failed = scope.add("Failed", DeadLetters::<()>::new(&key));
            scope.add("Jobs", Queue::new(&key).dead_letter(&failed, 3));
        });
        let template = assembly.template("Test");
        let source = join![
            "arn:",
            Pseudo::Partition,
            ":sqs:",
            Pseudo::Region,
            ":",
            Pseudo::AccountId,
            ":clinic-dev-test-Jobs",
        ];
        template.has(sqs::Queue::new().redrive_allow_policy(Tree::object([
            ("redrivePermission", "byQueue".into()),
            ("sourceQueueArns", vec![source].into()),
        ])));
        let jobs = &template.json()["Resources"]["Jobs"]["Properties"];
        assert_eq!(jobs["QueueName"], "clinic-dev-test-Jobs");
        assert_eq!(jobs["RedrivePolicy"]["maxReceiveCount"], 3);
        assert_eq!(
            jobs["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0],
            "Failed"
        );
    }

    #[test]
    fn a_meter_neither_receives_nor_decrypts() {
        synth(|scope| {
            let key = key(scope);
            let queue = scope.add("Queue", Queue::<()>::new(&key));
            let meter = queue.meter();
            let actions: Vec<&str> = meter
                .statements()
                .iter()
                .flat_map(Statement::actions)
                .collect();
            assert_eq!(actions, ["sqs:GetQueueAttributes"]);
        });
    }

    #[test]
    fn a_fifo_queue_keeps_its_order_also_among_its_dead_letters() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let failed = scope.add("Failed", FifoDeadLetters::<()>::new(&key));
            let queue = FifoQueue::new(&key)
                .dead_letter(&failed, 3)
                .deduplicate(Deduplication::Content);
            scope.add("Jobs", queue);
        });
        let template = assembly.template("Test");
        let fifo = |name: &str| sqs::Queue::new().fifo_queue(true).queue_name(name);
        template.has(fifo("clinic-dev-test-Jobs.fifo").content_based_deduplication(true));
        template.has(
            fifo("clinic-dev-test-Failed.fifo")
                .content_based_deduplication(false)
                .redrive_allow_policy(Tree::object([(
                    "sourceQueueArns",
                    vec![arn_here("sqs", "clinic-dev-test-Jobs.fifo")].into(),
                )])),
        );
    }

    #[test]
    fn dead_letters_can_tell_a_topic_of_themselves() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let topic = scope.add("Topic", Topic::new(&key));
            scope.add("Failed", DeadLetters::<()>::new(&key).alarm(&topic));
        });
        let alarm = &assembly.template("Test").json()["Resources"]["FailedAlarm"]["Properties"];
        assert_eq!(alarm["Threshold"], 0);
        assert_eq!(alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0], "Failed");
        assert_eq!(alarm["AlarmActions"][0]["Ref"], "Topic");
    }

    #[test]
    fn periods_that_sqs_refuses_are_problems_all_at_once() {
        let problems = problems(|scope| {
            let key = key(scope);
            let failed = scope.add("Failed", DeadLetters::<()>::new(&key));
            let queue = Queue::new(&key)
                .visibility(Duration::from_hours(13))
                .retention(Duration::from_secs(59))
                .delay(Duration::from_mins(16))
                .dead_letter(&failed, 0);
            scope.add("Jobs", queue);
        });
        let properties: Vec<&str> = problems
            .iter()
            .filter_map(|problem| problem.property.as_deref())
            .collect();
        assert_eq!(
            properties,
            [
                "VisibilityTimeout",
                "maxReceiveCount",
                "DelaySeconds",
                "MessageRetentionPeriod"
            ]
        );
    }
}
