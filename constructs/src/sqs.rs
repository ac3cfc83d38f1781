//! Queues of typed messages.

use std::{fmt, marker::PhantomData, time::Duration};

use lightsout_contract::{MeasureQueue, ReceiveFrom, SendTo};
use lightsout_core::{Arn, Construct, Name, Pseudo, ResourceId, Scope, Tree, Url, Value, join};

use crate::{
    Wired,
    cfn::sqs,
    cloudwatch::{Metric, Statistic},
    iam::{PolicyDocument, Statement},
    kms::KeyRef,
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
pub struct Queue<M> {
    key: KeyRef,
    visibility: Duration,
    retention: Duration,
    dead_letter: Option<(DeadLettersRef<M>, u16)>,
    sources: Vec<Value<String>>,
    messages: PhantomData<fn() -> M>,
}

/// A queue that was added to a stack.
pub struct QueueRef<M> {
    id: ResourceId,
    policy: ResourceId,
    key: KeyRef,
    messages: PhantomData<fn() -> M>,
}

/// A queue of messages that could not be worked on, for a person to look at.
///
/// Only the queues that say so with [`Queue::dead_letter`] move messages here,
/// which stay for 14 days.
#[derive(Debug)]
pub struct DeadLetters<M> {
    key: KeyRef,
    messages: PhantomData<fn() -> M>,
}

/// A queue of dead letters that was added to a stack.
pub struct DeadLettersRef<M>(QueueRef<M>);

/// The longest that SQS keeps a message.
const LONGEST_RETENTION: Duration = Duration::from_hours(14 * 24);

/// The longest that a receive waits for a message: a long poll costs least.
const LONG_POLL: Duration = Duration::from_secs(20);

impl<M> Queue<M> {
    /// A queue whose messages are encrypted with `key`.
    pub fn new(key: &KeyRef) -> Self {
        Self {
            key: *key,
            visibility: Duration::from_secs(30),
            retention: LONGEST_RETENTION,
            dead_letter: None,
            sources: Vec::new(),
            messages: PhantomData,
        }
    }

    /// Hides a received message for this long, up to 12 hours; 30 s unless said.
    pub fn visibility(mut self, timeout: Duration) -> Self {
        self.visibility = timeout;
        self
    }

    /// Keeps a message for this long, 1 minute to 14 days; 14 days unless said.
    pub fn retention(mut self, period: Duration) -> Self {
        self.retention = period;
        self
    }

    /// Moves a message to `failed` after `attempts` receives without a deletion.
    pub fn dead_letter(mut self, failed: &DeadLettersRef<M>, attempts: u16) -> Self {
        self.dead_letter = Some((*failed, attempts));
        self
    }

    /// Lets the bucket called `name`, of this account, announce its objects here.
    ///
    /// The bucket is admitted by name, not by reference, because it must find an
    /// open queue when it is made: give [`Bucket::named`](crate::s3::Bucket::named)
    /// the same value. The name may use what is known in every stack, such as
    /// [`Pseudo::AccountId`].
    pub fn accepts_from_bucket(mut self, name: impl Into<Value<String>>) -> Self {
        self.sources.push(name.into());
        self
    }
}

impl<M> Construct for Queue<M> {
    type Handle = QueueRef<M>;

    fn build(self, scope: &mut Scope<'_>) -> QueueRef<M> {
        let mut queue = sqs::Queue::new()
            .visibility_timeout(seconds(self.visibility))
            .redrive_allow_policy(Tree::object([("redrivePermission", "denyAll".into())]));
        if let Some((failed, attempts)) = self.dead_letter {
            // Each of the two names the other. This one's name is known before either
            // exists, so that they make no circle.
            let name = name_of(scope);
            let source = join![
                "arn:",
                Pseudo::Partition,
                ":sqs:",
                Pseudo::Region,
                ":",
                Pseudo::AccountId,
                ":",
                &name,
            ];
            scope.gather(failed.0.id, "RedriveAllowPolicy.sourceQueueArns", source);
            queue = queue.queue_name(name).redrive_policy(Tree::object([
                ("deadLetterTargetArn", failed.0.arn().into()),
                ("maxReceiveCount", attempts.into()),
            ]));
        }
        add(scope, queue, &self.key, self.retention, self.sources)
    }
}

impl<M> DeadLetters<M> {
    /// A queue whose messages are encrypted with `key`.
    pub fn new(key: &KeyRef) -> Self {
        Self {
            key: *key,
            messages: PhantomData,
        }
    }
}

impl<M> Construct for DeadLetters<M> {
    type Handle = DeadLettersRef<M>;

    fn build(self, scope: &mut Scope<'_>) -> DeadLettersRef<M> {
        let queue = sqs::Queue::new()
            .redrive_allow_policy(Tree::object([("redrivePermission", "byQueue".into())]));
        DeadLettersRef(add(scope, queue, &self.key, LONGEST_RETENTION, Vec::new()))
    }
}

impl<M> QueueRef<M> {
    /// Lets a program send messages: the queue's URL, with the permission.
    ///
    /// SQS asks for the key's
    /// [`Decrypt` beside `GenerateDataKey`](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html)
    /// of a sender.
    pub fn sender(&self) -> Wired<SendTo<M>> {
        Wired::new(self.url(), self.arn()).and(
            self.key
                .used_by("sqs", ["kms:Decrypt", "kms:GenerateDataKey"]),
        )
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

    fn metric(&self, name: &'static str) -> Metric {
        Metric::new("AWS/SQS", name)
            .dimension("QueueName", self.name())
            .statistic(Statistic::Maximum)
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

impl<M> Clone for QueueRef<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for QueueRef<M> {}

impl<M> fmt::Debug for QueueRef<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QueueRef").field(&self.id).finish()
    }
}

impl<M> Clone for DeadLettersRef<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for DeadLettersRef<M> {}

impl<M> fmt::Debug for DeadLettersRef<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeadLettersRef").field(&self.0.id).finish()
    }
}

/// Adds what every queue has, whatever it is for.
fn add<M>(
    scope: &mut Scope<'_>,
    queue: sqs::Queue,
    key: &KeyRef,
    retention: Duration,
    sources: Vec<Value<String>>,
) -> QueueRef<M> {
    let queue = queue
        .kms_master_key_id(key.arn())
        .message_retention_period(seconds(retention))
        .receive_message_wait_time_seconds(seconds(LONG_POLL))
        .build(scope);
    key.removal().apply(scope, queue.id());
    let arn = queue.get(sqs::Queue::ARN);
    let mut policy = PolicyDocument::new().with(
        Statement::deny(["sqs:*"])
            .sid("DenyPlainText")
            .to_everyone()
            .on(arn.clone())
            .when("Bool", "aws:SecureTransport", "false"),
    );
    for name in sources {
        let source = join!["arn:", Pseudo::Partition, ":s3:::", name];
        key.serve_sender(scope, "s3.amazonaws.com", source.clone());
        policy = policy.with(
            Statement::allow(["sqs:SendMessage"])
                .to_service("s3.amazonaws.com")
                .on(arn.clone())
                .from_account()
                .when("ArnLike", "aws:SourceArn", source),
        );
    }
    let policy = scope.add("Policy", sqs::QueuePolicy::new(policy, [queue.reference()]));
    QueueRef {
        id: queue.id(),
        policy: policy.id(),
        key: *key,
        messages: PhantomData,
    }
}

/// Names the queue of this scope after its path: `clinic-dev-work-Jobs`.
fn name_of(scope: &Scope<'_>) -> String {
    const LONGEST: usize = 80;
    let below = scope.path().split('/').skip(1);
    let mut name = scope.physical_stack_name().to_owned();
    for id in below {
        name.push('-');
        name.extend(id.chars().filter(char::is_ascii_alphanumeric));
    }
    // The end tells queues of one app apart.
    name.split_off(name.len().saturating_sub(LONGEST))
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{key, synth};

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
}
