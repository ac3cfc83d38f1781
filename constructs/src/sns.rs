//! Topics that tell people and programs what happened.

use std::fmt;

use lightsout_core::{Arn, Construct, ResourceId, Scope, Tree, Value};

use crate::{
    cfn::sns,
    iam::{PolicyDocument, Statement},
    kms::{KeyRef, Wiring},
    lambda::FunctionRef,
    names::{arn_here, name_of},
    sqs::{Deduplication, FifoQueueRef, QueueRef},
};

/// A topic for programs: encrypted, reached over TLS only, closed to every publisher.
///
/// An alarm that [notifies](crate::cloudwatch::AlarmCondition::notifies) the topic
/// is let in by itself, with the key that its message is encrypted with. People are
/// told by an [`OpsTopic`]: what may hold a chart is not for a mailbox, and nothing
/// is for plain HTTP.
///
/// ```
/// use lightsout::{App, Stage, cfn, kms::Key, sns::Topic, sqs::Queue};
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Coding");
/// let key = stack.add("Key", Key::new("Messages"));
/// let archive = stack.add("Archive", Queue::<()>::new(&key));
/// stack.add("Coded", Topic::new(&key).to_queue(&archive));
///
/// let assembly = app.synth()?;
/// assembly.template("Coding").has(cfn::sns::Subscription::matching().protocol("sqs"));
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a topic is made once it is added to a stack"]
pub struct Topic {
    definition: Definition,
}

/// A topic whose messages keep their order, group by group.
#[derive(Debug, Clone)]
#[must_use = "a topic is made once it is added to a stack"]
pub struct FifoTopic {
    definition: Definition,
}

/// A topic for the people who run the system, free of what is said in charts.
///
/// It alone takes mail addresses, and is tagged so that a reviewer can see which
/// topics leave the encrypted path.
///
/// ```
/// use lightsout::{App, Stage, cfn, kms::Key, sns::OpsTopic};
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Alarms");
/// let key = stack.add("Key", Key::new("Alarms"));
/// stack.add("People", OpsTopic::new(&key).email("oncall@clinic.example"));
///
/// let assembly = app.synth()?;
/// assembly.template("Alarms").has(cfn::sns::Subscription::matching().protocol("email"));
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a topic is made once it is added to a stack"]
pub struct OpsTopic {
    definition: Definition,
}

/// A topic that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicRef {
    id: ResourceId,
    policy: ResourceId,
    key: KeyRef,
}

/// A topic in order that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FifoTopicRef(TopicRef);

/// What a topic could not deliver, as it would have been delivered.
#[derive(Debug)]
pub enum Undelivered {}

/// What every topic has, whomever it tells.
#[derive(Clone)]
struct Definition {
    key: KeyRef,
    subscribers: Vec<Subscriber>,
    undelivered: Option<QueueRef<Undelivered>>,
    order: Option<Deduplication>,
    tags: Vec<(&'static str, &'static str)>,
}

#[derive(Debug, Clone)]
enum Subscriber {
    Queue(QueueRef<()>),
    Function(FunctionRef<()>),
    Mail(String),
}

/// The longest name of a topic.
const LONGEST_NAME: usize = 256;

impl Topic {
    /// A topic whose messages are encrypted with `key`.
    pub fn new(key: &KeyRef) -> Self {
        Self {
            definition: Definition::new(key),
        }
    }

    /// Puts each message into `queue`, as it was published.
    pub fn to_queue<M>(mut self, queue: &QueueRef<M>) -> Self {
        let queue = Subscriber::Queue(queue.untyped());
        self.definition.subscribers.push(queue);
        self
    }

    /// Invokes `function` with each message.
    pub fn to_function<P>(mut self, function: &FunctionRef<P>) -> Self {
        let function = Subscriber::Function(function.untyped());
        self.definition.subscribers.push(function);
        self
    }

    /// Keeps what a queue or function did not take in `queue`.
    pub fn undelivered_to(mut self, queue: &QueueRef<Undelivered>) -> Self {
        self.definition.undelivered = Some(*queue);
        self
    }
}

impl Construct for Topic {
    type Handle = TopicRef;

    fn build(self, scope: &mut Scope<'_>) -> TopicRef {
        self.definition.build(scope)
    }
}

impl FifoTopic {
    /// A topic whose messages are encrypted with `key`.
    pub fn new(key: &KeyRef) -> Self {
        Self {
            definition: Definition {
                order: Some(Deduplication::Id),
                ..Definition::new(key)
            },
        }
    }

    /// Knows messages that were published twice by something else than their id.
    pub fn deduplicate(mut self, by: Deduplication) -> Self {
        self.definition.order = Some(by);
        self
    }

    /// Puts each message into `queue`, as it was published and in its order.
    pub fn to_queue<M>(mut self, queue: &FifoQueueRef<M>) -> Self {
        let queue = Subscriber::Queue(queue.queue().untyped());
        self.definition.subscribers.push(queue);
        self
    }
}

impl Construct for FifoTopic {
    type Handle = FifoTopicRef;

    fn build(self, scope: &mut Scope<'_>) -> FifoTopicRef {
        FifoTopicRef(self.definition.build(scope))
    }
}

impl OpsTopic {
    /// A topic whose messages are encrypted with `key`, until they leave by mail.
    pub fn new(key: &KeyRef) -> Self {
        Self {
            definition: Definition {
                tags: vec![("lightsout:content", "operations")],
                ..Definition::new(key)
            },
        }
    }

    /// Mails each message to `address`, once its owner has confirmed.
    pub fn email(mut self, address: impl Into<String>) -> Self {
        let mail = Subscriber::Mail(address.into());
        self.definition.subscribers.push(mail);
        self
    }

    /// Puts each message into `queue`, as it was published.
    pub fn to_queue<M>(mut self, queue: &QueueRef<M>) -> Self {
        let queue = Subscriber::Queue(queue.untyped());
        self.definition.subscribers.push(queue);
        self
    }

    /// Invokes `function` with each message.
    pub fn to_function<P>(mut self, function: &FunctionRef<P>) -> Self {
        let function = Subscriber::Function(function.untyped());
        self.definition.subscribers.push(function);
        self
    }
}

impl Construct for OpsTopic {
    type Handle = TopicRef;

    fn build(self, scope: &mut Scope<'_>) -> TopicRef {
        self.definition.build(scope)
    }
}

impl TopicRef {
    /// Returns the topic's ARN.
    pub const fn arn(self) -> Value<Arn<Topic>> {
        self.id.reference()
    }

    /// Returns the resource that holds the topic's policy.
    pub(crate) const fn policy(self) -> ResourceId {
        self.policy
    }

    /// Lets the alarms of this account and region publish.
    ///
    /// Without the key's part of it an alarm changes its state and nobody is told.
    pub(crate) fn admit_alarms(self, scope: &mut Scope<'_>) {
        let alarms = arn_here("cloudwatch", "alarm:*");
        self.key.serve_sender(scope, Wiring::Alarms, alarms.clone());
        let publish = self.publishes(Wiring::Alarms, alarms).sid("AllowAlarms");
        scope.gather(self.policy, "PolicyDocument.Statement", publish);
    }

    /// Lets a service publish what one source of this account has to say.
    pub(crate) fn admit(self, scope: &mut Scope<'_>, wiring: Wiring, source: &Value<String>) {
        self.key.serve_sender(scope, wiring, source.clone());
        let publish = self.publishes(wiring, source.clone());
        scope.gather(self.policy, "PolicyDocument.Statement", publish);
    }

    fn publishes(self, wiring: Wiring, source: Value<String>) -> Statement {
        Statement::allow(["sns:Publish"])
            .to_service(wiring.service())
            .on(self.arn())
            .from_account()
            .when("ArnLike", "aws:SourceArn", source)
    }
}

impl FifoTopicRef {
    /// Returns the topic's ARN.
    pub const fn arn(self) -> Value<Arn<Topic>> {
        self.0.arn()
    }
}

impl Definition {
    fn new(key: &KeyRef) -> Self {
        Self {
            key: *key,
            subscribers: Vec::new(),
            undelivered: None,
            order: None,
            tags: Vec::new(),
        }
    }

    fn build(self, scope: &mut Scope<'_>) -> TopicRef {
        let name = match self.order {
            Some(_) => name_of(scope, LONGEST_NAME - ".fifo".len()) + ".fifo",
            None => name_of(scope, LONGEST_NAME),
        };
        let mut topic = sns::Topic::new().kms_master_key_id(self.key.arn());
        // A queue's policy and key name the topic before it exists, so that neither
        // waits for the other.
        if self.order.is_some() || !self.subscribers.is_empty() {
            topic = topic.topic_name(name.as_str());
        }
        if let Some(deduplication) = self.order {
            topic = topic
                .fifo_topic(true)
                .content_based_deduplication(deduplication == Deduplication::Content);
        }
        if !self.tags.is_empty() {
            topic = topic.tags(self.tags);
        }
        let topic = topic.build(scope);
        let arn: Value<String> = topic.reference();
        let policy = PolicyDocument::new().with(
            Statement::deny(["sns:Publish", "sns:Subscribe"])
                .sid("DenyPlainText")
                .to_everyone()
                .on(arn.clone())
                .when("Bool", "aws:SecureTransport", "false"),
        );
        let policy = scope.add("Policy", sns::TopicPolicy::new(policy, [arn.clone()]));
        let source = arn_here("sns", name);
        if let Some(queue) = self.undelivered {
            queue.admit(scope, Wiring::Topics, &source);
        }
        for (index, subscriber) in self.subscribers.into_iter().enumerate() {
            let id = match index {
                0 => "Subscription".to_owned(),
                more => format!("Subscription{}", more + 1),
            };
            subscriber.subscribe(scope, &id, &arn, &source, self.undelivered);
        }
        TopicRef {
            id: topic.id(),
            policy: policy.id(),
            key: self.key,
        }
    }
}

impl Subscriber {
    fn subscribe(
        self,
        scope: &mut Scope<'_>,
        id: &str,
        topic: &Value<String>,
        source: &Value<String>,
        undelivered: Option<QueueRef<Undelivered>>,
    ) {
        let mut subscription = match &self {
            Self::Queue(queue) => {
                queue.admit(scope, Wiring::Topics, source);
                sns::Subscription::new("sqs", topic.clone())
                    .endpoint(queue.arn())
                    .raw_message_delivery(true)
            }
            Self::Function(function) => {
                let permission = format!("{id}Permission");
                function.admit(scope, &permission, "sns.amazonaws.com", topic.clone());
                sns::Subscription::new("lambda", topic.clone()).endpoint(function.arn())
            }
            Self::Mail(address) => {
                if !is_address(address) {
                    scope.problem(
                        "Endpoint",
                        format_args!("mails to `{address}`, which is no mail address"),
                        "write it as `name@clinic.example`",
                    );
                }
                sns::Subscription::new("email", topic.clone()).endpoint(address.as_str())
            }
        };
        if let Some(queue) = undelivered {
            subscription = subscription
                .redrive_policy(Tree::object([("deadLetterTargetArn", queue.arn().into())]));
        }
        let subscription = scope.add(id, subscription);
        if let Self::Queue(queue) = self {
            scope.depends_on(subscription.id(), queue.policy());
        }
    }
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Who is told is nobody's to read in a log.
        f.debug_struct("Topic")
            .field("key", &self.key)
            .field("subscribers", &self.subscribers.len())
            .finish_non_exhaustive()
    }
}

fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.contains(['@', ' ', '/'])
    })
}

#[cfg(test)]
mod tests {
    use lightsout_core::Pseudo;

    use super::*;
    use crate::{
        cfn,
        fixture::{key, problems, synth, with_function},
        kms::Key,
        sqs::{FifoQueue, Queue},
    };

    /// A policy with a statement that lets SNS in for one topic of this account.
    fn admits(topic: &str, actions: &[&str]) -> Tree {
        Tree::object([(
            "Statement",
            vec![Tree::object([
                (
                    "Principal",
                    Tree::object([("Service", "sns.amazonaws.com".into())]),
                ),
                ("Action", actions.iter().copied().collect()),
                (
                    "Condition",
                    Tree::object([
                        (
                            "ArnLike",
                            Tree::object([("aws:SourceArn", arn_here("sns", topic).into())]),
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
    fn a_topic_without_options_is_encrypted_and_closed() {
        let assembly = synth(|scope| {
            let key = key(scope);
            scope.add("Topic", Topic::new(&key));
        });
        let json = &assembly.template("Test").json()["Resources"];
        assert_eq!(
            json["Topic"]["Properties"]["KmsMasterKeyId"]["Fn::GetAtt"][0],
            "Key"
        );
        let statements = &json["TopicPolicy"]["Properties"]["PolicyDocument"]["Statement"];
        assert_eq!(statements.as_array().unwrap().len(), 1);
        assert_eq!(statements[0]["Effect"], "Deny");
        assert_eq!(
            statements[0]["Condition"]["Bool"]["aws:SecureTransport"],
            "false"
        );
    }

    #[test]
    fn a_topic_reaches_an_encrypted_queue_by_the_queues_own_key() {
        let assembly = synth(|scope| {
            let own = scope.add("Own", Key::new("Topic"));
            let other = scope.add("Other", Key::new("Queue"));
            let queue = scope.add("Queue", Queue::<()>::new(&other));
            scope.add("Topic", Topic::new(&own).to_queue(&queue));
        });
        let template = assembly.template("Test");
        let name = "clinic-dev-test-Topic";
        template.has(sns::Topic::new().topic_name(name));
        template.has(
            cfn::kms::Key::matching()
                .description("Queue")
                .key_policy(admits(name, &["kms:Decrypt", "kms:GenerateDataKey"])),
        );
        template.has(
            cfn::sqs::QueuePolicy::matching().policy_document(admits(name, &["sqs:SendMessage"])),
        );
        let subscription = &template.json()["Resources"]["TopicSubscription"];
        assert_eq!(subscription["DependsOn"][0], "QueuePolicy");
        assert_eq!(subscription["Properties"]["RawMessageDelivery"], true);
        let own = &template.json()["Resources"]["Own"]["Properties"]["KeyPolicy"]["Statement"];
        assert_eq!(own.as_array().unwrap().len(), 2, "{own}");
    }

    #[test]
    fn one_key_for_topic_and_queue_makes_no_circle_across_stacks() {
        let mut app = lightsout_core::App::new("clinic", lightsout_core::Stage::new("dev"));
        let mut scope = app.stack("One");
        let key = key(&mut scope);
        let queue = scope.add("Queue", Queue::<()>::new(&key));
        app.stack("Two")
            .add("Topic", Topic::new(&key).to_queue(&queue));
        app.synth().unwrap();
    }

    #[test]
    fn what_was_not_delivered_is_let_into_its_queue_too() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let queue = scope.add("Queue", Queue::<()>::new(&key));
            let lost = scope.add("Lost", Queue::new(&key));
            let topic = Topic::new(&key).to_queue(&queue).undelivered_to(&lost);
            scope.add("Topic", topic);
        });
        let json = &assembly.template("Test").json()["Resources"];
        let policy = &json["LostPolicy"]["Properties"]["PolicyDocument"]["Statement"];
        assert_eq!(policy[1]["Principal"]["Service"], "sns.amazonaws.com");
        let redrive = &json["TopicSubscription"]["Properties"]["RedrivePolicy"];
        assert_eq!(redrive["deadLetterTargetArn"]["Fn::GetAtt"][0], "Lost");
    }

    #[test]
    fn a_topic_may_invoke_its_function() {
        let assembly = with_function(|scope, key, function| {
            scope.add("Topic", Topic::new(&key).to_function(&function));
        });
        let json = &assembly.template("Test").json()["Resources"];
        let permission = &json["TopicSubscriptionPermission"]["Properties"];
        assert_eq!(permission["Principal"], "sns.amazonaws.com");
        assert_eq!(permission["SourceArn"]["Ref"], "Topic");
        assert_eq!(
            json["TopicSubscription"]["Properties"]["Protocol"],
            "lambda"
        );
    }

    #[test]
    fn a_fifo_topic_feeds_a_fifo_queue() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let queue = scope.add("Queue", FifoQueue::<()>::new(&key));
            scope.add("Topic", FifoTopic::new(&key).to_queue(&queue));
        });
        let template = assembly.template("Test");
        let name = "clinic-dev-test-Topic.fifo";
        template.has(sns::Topic::new().topic_name(name).fifo_topic(true));
        template.has(
            cfn::sqs::QueuePolicy::matching().policy_document(admits(name, &["sqs:SendMessage"])),
        );
    }

    #[test]
    fn mail_goes_only_to_addresses_and_from_tagged_topics() {
        let topic = |scope: &mut Scope<'_>, address: &str| {
            let key = key(scope);
            scope.add("People", OpsTopic::new(&key).email(address));
        };
        let assembly = synth(|scope| topic(scope, "oncall@clinic.example"));
        let people = &assembly.template("Test").json()["Resources"]["People"]["Properties"];
        assert_eq!(people["Tags"][0]["Value"], "operations");
        let problems = problems(|scope| topic(scope, "https://clinic.example"));
        assert!(problems[0].message.contains("no mail address"));
    }
}
