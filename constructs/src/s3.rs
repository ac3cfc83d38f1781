//! Buckets of typed objects.

use std::{fmt, marker::PhantomData};

use lightsout_contract::{HandOutObjects, ReadObjects, WriteObjects};
use lightsout_core::{Arn, Construct, Name, Pseudo, ResourceId, Scope, Value, join};

use crate::{
    Removal, Wired,
    cfn::s3,
    ec2::NetworkRef,
    iam::{PolicyDocument, Statement},
    kms::{KeyRef, Wiring},
    limits,
    sns::TopicRef,
    sqs::QueueRef,
};

/// A bucket of objects that hold a `T`.
///
/// Without an option it is encrypted with its own key and no other, versioned,
/// closed to the public, owned by the account alone, reached over TLS 1.2 or
/// newer, and kept when its stack goes.
///
/// # Example: objects that announce themselves
///
/// The queue admits the bucket by name, so that neither needs the other to exist:
///
/// ```
/// use lightsout::{App, Pseudo, Stage, cfn, join, kms::Key, s3::Bucket, sqs::Queue};
///
/// struct Chart;
/// struct ChartArrived;
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let inbox = join!["clinic-dev-inbox-", Pseudo::AccountId];
///
/// let mut intake = app.stack("Intake");
/// let key = intake.add("Key", Key::new("Messages"));
/// let arrivals = intake.add(
///     "Arrivals",
///     Queue::<ChartArrived>::new(&key).accepts_from_bucket(inbox.clone()),
/// );
///
/// let mut storage = app.stack("Storage");
/// let key = storage.add("Key", Key::new("Charts"));
/// storage.add("Inbox", Bucket::<Chart>::new(&key).named(inbox).notify(&arrivals, "charts/"));
///
/// app.synth()?.template("Storage").count::<cfn::s3::Bucket>(1);
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug)]
#[must_use = "a bucket is made once it is added to a stack"]
pub struct Bucket<T> {
    key: KeyRef,
    name: Option<Value<String>>,
    access_logs: Option<(LogBucketRef, String)>,
    notifications: Vec<Notification>,
    event_bridge: bool,
    expire_noncurrent_days: u32,
    archive_after_days: Option<u32>,
    expire_after_days: Option<u32>,
    lock: Option<ObjectLock>,
    perimeters: Vec<Perimeter>,
    objects: PhantomData<fn() -> T>,
}

/// Through which endpoint alone something is done to objects, but for these roles.
#[derive(Debug, Clone)]
struct Perimeter {
    sid: &'static str,
    actions: &'static [&'static str],
    endpoint: Value<String>,
    roles: Vec<Value<String>>,
}

/// For how long nobody replaces or deletes a version of an object.
///
/// [S3 Object Lock](https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html)
/// has both modes, from 1 to 36,500 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectLock {
    /// As long as each object's writer says, which may be not at all.
    Each,
    /// This many days, unless somebody has the permission to end the lock.
    Governance(u32),
    /// This many days, whoever asks: not even the account's root can end it.
    Compliance(u32),
}

#[derive(Debug, Clone)]
struct Notification {
    target: Target,
    prefix: String,
}

#[derive(Debug, Clone)]
enum Target {
    Queue {
        arn: Value<String>,
        policy: ResourceId,
    },
    Topic(TopicRef),
}

/// A bucket that was added to a stack.
pub struct BucketRef<T> {
    id: ResourceId,
    policy: ResourceId,
    key: KeyRef,
    objects: PhantomData<fn() -> T>,
}

/// A bucket of audit records: what a [`Bucket`] is, and locked for six years.
///
/// Records are locked in compliance mode, so that nobody can delete one, and move
/// to cheaper storage after 90 days. With a key that [goes](Removal::Destroy),
/// nothing is locked by default: a locked bucket could not go with it.
///
/// ```
/// use lightsout::{App, Stage, cfn, kms::Key, s3::{AuditBucket, LogBucket}};
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Audit");
/// let key = stack.add("Key", Key::new("Audit records"));
/// let access = stack.add("AccessLogs", LogBucket::new());
/// stack.add("Records", AuditBucket::new(&key, &access, "records/"));
///
/// let assembly = app.synth()?;
/// let template = assembly.template("Audit");
/// template.has(cfn::s3::Bucket::matching().object_lock_enabled(true));
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug)]
#[must_use = "a bucket is made once it is added to a stack"]
pub struct AuditBucket(Bucket<AuditRecord>);

/// A record of who did what, as a service such as `CloudTrail` writes it.
#[derive(Debug)]
pub enum AuditRecord {}

/// A bucket of audit records that was added to a stack.
#[derive(Debug, Clone, Copy)]
pub struct AuditBucketRef(BucketRef<AuditRecord>);

/// A bucket that other buckets write their access logs to.
///
/// It is encrypted by S3's own keys: access logs are delivered to no bucket whose
/// [default encryption is a KMS key](https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html).
#[derive(Debug, Clone, Default)]
#[must_use = "a bucket is made once it is added to a stack"]
pub struct LogBucket {
    removal: Removal,
}

/// A bucket for access logs that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogBucketRef {
    id: ResourceId,
}

/// Days after which an overwritten or deleted version goes.
const NONCURRENT_DAYS: u32 = 365;

/// Days after which what was uploaded of an object that was never finished goes.
const UNFINISHED_DAYS: u32 = 7;

/// Days that access logs are kept: six years, as 45 CFR 164.316(b)(2)(i) has it.
const ACCESS_LOG_DAYS: u32 = 2192;

/// Days that audit records are locked for: six years too.
const AUDIT_DAYS: u32 = 2192;

/// Days after which audit records are seldom read.
const AUDIT_ARCHIVE_DAYS: u32 = 90;

impl<T> Bucket<T> {
    /// A bucket whose objects are encrypted with `key`.
    pub fn new(key: &KeyRef) -> Self {
        Self {
            key: *key,
            name: None,
            access_logs: None,
            notifications: Vec::new(),
            event_bridge: false,
            expire_noncurrent_days: NONCURRENT_DAYS,
            archive_after_days: None,
            expire_after_days: None,
            lock: None,
            perimeters: Vec::new(),
            objects: PhantomData,
        }
    }

    /// Names the bucket, uniquely in all of AWS.
    ///
    /// Only a bucket that must be known before it exists needs a name, such as one
    /// that a queue [accepts messages from](crate::sqs::Queue::accepts_from_bucket).
    pub fn named(mut self, name: impl Into<Value<String>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Logs each request to `logs`, under a prefix such as `inbox/`.
    pub fn access_logs(mut self, logs: &LogBucketRef, prefix: impl Into<String>) -> Self {
        self.access_logs = Some((*logs, prefix.into()));
        self
    }

    /// Tells `queue` of each object made whose key begins with `prefix`.
    pub fn notify<M>(mut self, queue: &QueueRef<M>, prefix: impl Into<String>) -> Self {
        self.notifications.push(Notification {
            target: Target::Queue {
                arn: queue.arn().into(),
                policy: queue.policy(),
            },
            prefix: prefix.into(),
        });
        self
    }

    /// Tells `topic` of each object made whose key begins with `prefix`.
    ///
    /// The bucket must be [named](Self::named), as the topic lets it in by its name.
    pub fn notify_topic(mut self, topic: &TopicRef, prefix: impl Into<String>) -> Self {
        self.notifications.push(Notification {
            target: Target::Topic(*topic),
            prefix: prefix.into(),
        });
        self
    }

    /// Tells the account's event bus of all that happens to objects.
    ///
    /// Rules can wait for it, and AWS Backup asks for it.
    pub fn event_bridge(mut self) -> Self {
        self.event_bridge = true;
        self
    }

    /// Locks each version of an object; never, unless said.
    ///
    /// A bucket is born with its lock: it cannot be had later.
    pub fn object_lock(mut self, lock: ObjectLock) -> Self {
        self.lock = Some(lock);
        self
    }

    /// Lets objects be read through the endpoint of `network` alone, whoever asks, but for
    /// these roles, by their ARNs, and services that act for themselves.
    pub fn read_through(
        self,
        network: &NetworkRef,
        but_for: impl IntoIterator<Item = Value<String>>,
    ) -> Self {
        let actions = &["s3:GetObject", "s3:GetObjectVersion"];
        self.through("DenyReadsFromElsewhere", actions, network, but_for)
    }

    /// Lets objects be written through the endpoint of `network` alone, like
    /// [reads](Self::read_through).
    pub fn written_through(
        self,
        network: &NetworkRef,
        but_for: impl IntoIterator<Item = Value<String>>,
    ) -> Self {
        let actions = &["s3:PutObject"];
        self.through("DenyWritesFromElsewhere", actions, network, but_for)
    }

    fn through(
        mut self,
        sid: &'static str,
        actions: &'static [&'static str],
        network: &NetworkRef,
        but_for: impl IntoIterator<Item = Value<String>>,
    ) -> Self {
        self.perimeters.push(Perimeter {
            sid,
            actions,
            endpoint: network.s3_endpoint(),
            roles: but_for.into_iter().collect(),
        });
        self
    }

    /// Moves objects to Glacier Instant Retrieval this many days after they were made.
    pub fn archive_after(mut self, days: u32) -> Self {
        self.archive_after_days = Some(days);
        self
    }

    /// Removes objects this many days after they were made, and what was left of an upload that
    /// was not finished; they stay, unless said.
    ///
    /// What is removed becomes a replaced version: [`expire_noncurrent`](Self::expire_noncurrent)
    /// says when that goes.
    pub fn expire_after(mut self, days: u32) -> Self {
        self.expire_after_days = Some(days);
        self
    }

    /// Removes versions this many days after they were replaced; 365 unless said.
    pub fn expire_noncurrent(mut self, days: u32) -> Self {
        self.expire_noncurrent_days = days;
        self
    }
}

impl<T> Construct for Bucket<T> {
    type Handle = BucketRef<T>;

    fn build(self, scope: &mut Scope<'_>) -> BucketRef<T> {
        limits::within(
            scope,
            "NoncurrentDays",
            self.expire_noncurrent_days,
            &(1..=36_500),
            " days",
        );
        let encryption = s3::BucketServerSideEncryptionByDefault::new("aws:kms")
            .kms_master_key_id(self.key.arn());
        let unfinished = self.expire_after_days.unwrap_or(UNFINISHED_DAYS);
        let mut rules = vec![
            abort_uploads(unfinished.min(UNFINISHED_DAYS)),
            s3::BucketRule::new("Enabled")
                .id("ExpireNoncurrent")
                .noncurrent_version_expiration(s3::BucketNoncurrentVersionExpiration::new(
                    self.expire_noncurrent_days,
                )),
        ];
        if let Some(days) = self.archive_after_days {
            limits::within(scope, "TransitionInDays", days, &(1..=36_500), " days");
            rules.push(
                s3::BucketRule::new("Enabled").id("Archive").transitions([
                    s3::BucketTransition::new("GLACIER_IR").transition_in_days(days),
                ]),
            );
        }
        if let Some(days) = self.expire_after_days {
            limits::within(scope, "ExpirationInDays", days, &(1..=36_500), " days");
            rules.push(
                s3::BucketRule::new("Enabled")
                    .id("Expire")
                    .expiration_in_days(days),
            );
        }
        let mut bucket = closed_bucket(
            s3::BucketServerSideEncryptionRule::new()
                .bucket_key_enabled(true)
                .server_side_encryption_by_default(encryption)
                .blocked_encryption_types(
                    s3::BucketBlockedEncryptionTypes::new().encryption_type(["SSE-C"]),
                ),
        )
        .lifecycle_configuration(s3::BucketLifecycleConfiguration::new(rules));
        if let Some(name) = &self.name {
            bucket = bucket.bucket_name(name.clone());
        }
        if let Some((logs, prefix)) = &self.access_logs {
            bucket = bucket.logging_configuration(
                s3::BucketLoggingConfiguration::new()
                    .destination_bucket_name(logs.name())
                    .log_file_prefix(prefix.as_str()),
            );
        }
        if let Some(lock) = self.lock {
            bucket = lock.of(scope, bucket);
        }
        if let Some(configuration) = self.announcements(scope) {
            bucket = bucket.notification_configuration(configuration);
        }
        let bucket = bucket.build(scope);
        // S3 sends a test message when the notification is made: the policy of its
        // target must let it in by then.
        for notification in &self.notifications {
            scope.depends_on(
                bucket.id(),
                match notification.target {
                    Target::Queue { policy, .. } => policy,
                    Target::Topic(topic) => topic.policy(),
                },
            );
        }
        self.key.removal().apply(scope, bucket.id());
        let objects = join![bucket.get(s3::Bucket::ARN), "/*"];
        let uploads = || {
            Statement::deny(["s3:PutObject"])
                .to_everyone()
                .on(objects.clone())
        };
        let policy = tls_only(bucket.id()).with(
            uploads()
                .sid("DenyOtherEncryption")
                .when("Null", ENCRYPTION, "false")
                .when("StringNotEquals", ENCRYPTION, "aws:kms"),
        );
        let policy = policy.with(
            uploads()
                .sid("DenyOtherKeys")
                .when("Null", ENCRYPTION_KEY, "false")
                .when("StringNotEquals", ENCRYPTION_KEY, self.key.arn()),
        );
        let policy = self.perimeters.into_iter().fold(policy, |policy, one| {
            policy.with(one.statement(objects.clone()))
        });
        let policy = scope.add("Policy", s3::BucketPolicy::new(bucket.reference(), policy));
        BucketRef {
            id: bucket.id(),
            policy: policy.id(),
            key: self.key,
            objects: PhantomData,
        }
    }
}

impl<T> Bucket<T> {
    /// Says whom the bucket tells of its objects, and lets it in where it must be.
    fn announcements(&self, scope: &mut Scope<'_>) -> Option<s3::BucketNotificationConfiguration> {
        if self.notifications.is_empty() && !self.event_bridge {
            return None;
        }
        let (mut queues, mut topics) = (Vec::new(), Vec::new());
        for Notification { target, prefix } in &self.notifications {
            let filter = (!prefix.is_empty()).then(|| {
                let rule = s3::BucketFilterRule::new("prefix", prefix.as_str());
                s3::BucketNotificationFilter::new(s3::BucketS3KeyFilter::new([rule]))
            });
            match target {
                Target::Queue { arn, .. } => {
                    let queue = s3::BucketQueueConfiguration::new(CREATED, arn.clone());
                    queues.push(match filter {
                        Some(filter) => queue.filter(filter),
                        None => queue,
                    });
                }
                Target::Topic(topic) => {
                    match &self.name {
                        Some(name) => {
                            let source = join!["arn:", Pseudo::Partition, ":s3:::", name.clone()];
                            topic.admit(scope, Wiring::BucketEvents, &source);
                        }
                        None => scope.problem(
                            "NotificationConfiguration",
                            "tells a topic of its objects but has no name to be let in by",
                            "name the bucket with `.named(..)`",
                        ),
                    }
                    let topic = s3::BucketTopicConfiguration::new(CREATED, topic.arn());
                    topics.push(match filter {
                        Some(filter) => topic.filter(filter),
                        None => topic,
                    });
                }
            }
        }
        let mut configuration = s3::BucketNotificationConfiguration::new();
        if !queues.is_empty() {
            configuration = configuration.queue_configurations(queues);
        }
        if !topics.is_empty() {
            configuration = configuration.topic_configurations(topics);
        }
        if self.event_bridge {
            configuration = configuration
                .event_bridge_configuration(s3::BucketEventBridgeConfiguration::new(true));
        }
        Some(configuration)
    }
}

impl Perimeter {
    /// Denies what comes some other way. A service that acts for itself says so, and comes by
    /// no endpoint of ours.
    fn statement(self, objects: Value<String>) -> Statement {
        let deny = Statement::deny(self.actions)
            .sid(self.sid)
            .to_everyone()
            .on(objects)
            .when("StringNotEquals", "aws:SourceVpce", self.endpoint)
            .when("BoolIfExists", "aws:PrincipalIsAWSService", "false")
            .when("BoolIfExists", "aws:ViaAWSService", "false");
        if self.roles.is_empty() {
            deny
        } else {
            deny.when_any("ArnNotLike", "aws:PrincipalArn", self.roles)
        }
    }
}

impl ObjectLock {
    fn of(self, scope: &mut Scope<'_>, bucket: s3::Bucket) -> s3::Bucket {
        let bucket = bucket.object_lock_enabled(true);
        let (mode, days) = match self {
            Self::Each => return bucket,
            Self::Governance(days) => ("GOVERNANCE", days),
            Self::Compliance(days) => ("COMPLIANCE", days),
        };
        limits::within(scope, "DefaultRetention", days, &(1..=36_500), " days");
        let retention = s3::BucketDefaultRetention::new().mode(mode).days(days);
        bucket.object_lock_configuration(
            s3::BucketObjectLockConfiguration::new()
                .object_lock_enabled("Enabled")
                .rule(s3::BucketObjectLockRule::new().default_retention(retention)),
        )
    }
}

impl AuditBucket {
    /// A bucket encrypted with `key`, with its own access logged to `logs`, under a
    /// prefix such as `trail/`.
    pub fn new(key: &KeyRef, logs: &LogBucketRef, prefix: impl Into<String>) -> Self {
        let lock = match key.removal() {
            Removal::Keep => ObjectLock::Compliance(AUDIT_DAYS),
            Removal::Destroy => ObjectLock::Each,
        };
        Self(
            Bucket::new(key)
                .access_logs(logs, prefix)
                .object_lock(lock)
                .archive_after(AUDIT_ARCHIVE_DAYS),
        )
    }

    /// Locks records otherwise; in compliance mode for 2,192 days unless said.
    pub fn object_lock(mut self, lock: ObjectLock) -> Self {
        self.0 = self.0.object_lock(lock);
        self
    }
}

impl Construct for AuditBucket {
    type Handle = AuditBucketRef;

    fn build(self, scope: &mut Scope<'_>) -> AuditBucketRef {
        AuditBucketRef(self.0.build(scope))
    }
}

impl AuditBucketRef {
    /// Lets a program read records: the bucket's name, with the permission.
    pub fn reader(&self) -> Wired<ReadObjects<AuditRecord>> {
        self.0.reader()
    }

    /// Lets a program write records: the bucket's name, with the permission.
    pub fn writer(&self) -> Wired<WriteObjects<AuditRecord>> {
        self.0.writer()
    }

    /// Returns the bucket itself.
    pub const fn bucket(&self) -> BucketRef<AuditRecord> {
        self.0
    }
}

impl<T> BucketRef<T> {
    /// Lets a program read objects: the bucket's name, with the permission.
    pub fn reader(&self) -> Wired<ReadObjects<T>> {
        Wired::new(self.name(), self.objects()).and(self.key.used_by("s3", ["kms:Decrypt"]))
    }

    /// Lets a program write objects: the bucket's name, with the permission.
    pub fn writer(&self) -> Wired<WriteObjects<T>> {
        // An upload in parts reads the data key again for each part.
        Wired::new(self.name(), self.objects()).and(
            self.key
                .used_by("s3", ["kms:Decrypt", "kms:GenerateDataKey"]),
        )
    }

    /// Lets a program write objects, and sign addresses that others read them by for a while:
    /// the bucket's name, with the permission.
    pub fn hander_out(&self) -> Wired<HandOutObjects<T>> {
        Wired::new(self.name(), self.objects()).and(
            self.key
                .used_by("s3", ["kms:Decrypt", "kms:GenerateDataKey"]),
        )
    }

    /// Returns the bucket's name.
    pub const fn name(&self) -> Value<Name<Bucket<T>>> {
        self.id.reference()
    }

    /// Returns the bucket's ARN.
    pub const fn arn(&self) -> Value<Arn<Bucket<T>>> {
        self.id.attribute("Arn")
    }

    /// Returns the bucket's place in its app.
    pub const fn id(&self) -> ResourceId {
        self.id
    }

    /// Returns the key that objects are encrypted with.
    pub const fn key(&self) -> KeyRef {
        self.key
    }

    /// Returns the resource that holds the bucket's policy.
    pub(crate) const fn policy(&self) -> ResourceId {
        self.policy
    }

    /// Adds a statement to the bucket's policy.
    pub(crate) fn admit(&self, scope: &mut Scope<'_>, statement: Statement) {
        scope.gather(self.policy, "PolicyDocument.Statement", statement);
    }

    fn objects(&self) -> Value<String> {
        join![self.arn(), "/*"]
    }
}

impl LogBucket {
    /// A bucket that keeps access logs for six years.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what becomes of the bucket when its stack goes.
    pub fn removal(mut self, removal: Removal) -> Self {
        self.removal = removal;
        self
    }
}

impl Construct for LogBucket {
    type Handle = LogBucketRef;

    fn build(self, scope: &mut Scope<'_>) -> LogBucketRef {
        let encryption = s3::BucketServerSideEncryptionByDefault::new("AES256");
        let bucket = closed_bucket(
            s3::BucketServerSideEncryptionRule::new().server_side_encryption_by_default(encryption),
        )
        .lifecycle_configuration(s3::BucketLifecycleConfiguration::new([
            abort_uploads(UNFINISHED_DAYS),
            s3::BucketRule::new("Enabled")
                .id("ExpireLogs")
                .expiration_in_days(ACCESS_LOG_DAYS)
                .noncurrent_version_expiration(s3::BucketNoncurrentVersionExpiration::new(30)),
        ]))
        .build(scope);
        self.removal.apply(scope, bucket.id());
        let objects = join![bucket.get(s3::Bucket::ARN), "/*"];
        let buckets = join!["arn:", Pseudo::Partition, ":s3:::*"];
        let policy = tls_only(bucket.id()).with(
            Statement::allow(["s3:PutObject"])
                .sid("AllowAccessLogs")
                .to_service("logging.s3.amazonaws.com")
                .on(objects)
                .from_account()
                .when("ArnLike", "aws:SourceArn", buckets),
        );
        scope.add("Policy", s3::BucketPolicy::new(bucket.reference(), policy));
        LogBucketRef { id: bucket.id() }
    }
}

impl LogBucketRef {
    /// Returns the bucket's name.
    pub const fn name(self) -> Value<String> {
        self.id.reference()
    }

    /// Returns the bucket's ARN.
    pub const fn arn(self) -> Value<Arn<LogBucket>> {
        self.id.attribute("Arn")
    }
}

impl<T> Clone for BucketRef<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for BucketRef<T> {}

impl<T> fmt::Debug for BucketRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BucketRef").field(&self.id).finish()
    }
}

const CREATED: &str = "s3:ObjectCreated:*";
const ENCRYPTION: &str = "s3:x-amz-server-side-encryption";
const ENCRYPTION_KEY: &str = "s3:x-amz-server-side-encryption-aws-kms-key-id";

/// What every bucket has, whatever it is for.
fn closed_bucket(encryption: s3::BucketServerSideEncryptionRule) -> s3::Bucket {
    s3::Bucket::new()
        .bucket_encryption(s3::BucketEncryption::new([encryption]))
        .versioning_configuration(s3::BucketVersioningConfiguration::new("Enabled"))
        .public_access_block_configuration(
            s3::BucketPublicAccessBlockConfiguration::new()
                .block_public_acls(true)
                .block_public_policy(true)
                .ignore_public_acls(true)
                .restrict_public_buckets(true),
        )
        .ownership_controls(s3::BucketOwnershipControls::new([
            s3::BucketOwnershipControlsRule::new().object_ownership("BucketOwnerEnforced"),
        ]))
}

fn abort_uploads(days: u32) -> s3::BucketRule {
    s3::BucketRule::new("Enabled")
        .id("AbortIncompleteUploads")
        .abort_incomplete_multipart_upload(s3::BucketAbortIncompleteMultipartUpload::new(days))
}

fn tls_only(bucket: ResourceId) -> PolicyDocument {
    let arn: Value<String> = bucket.attribute("Arn");
    let everything = || {
        Statement::deny(["s3:*"])
            .to_everyone()
            .on(arn.clone())
            .on(join![&arn, "/*"])
    };
    PolicyDocument::new()
        .with(
            everything()
                .sid("DenyPlainText")
                .when("Bool", "aws:SecureTransport", "false"),
        )
        .with(
            everything()
                .sid("DenyOldTls")
                .when("NumericLessThan", "s3:TlsVersion", "1.2"),
        )
}

#[cfg(test)]
mod tests {
    use lightsout_core::Tree;

    use super::*;
    use crate::{
        cfn,
        fixture::{key, network, problems, synth},
        iam::{Role, Service},
        kms::Key,
        sns::Topic,
        sqs::Queue,
    };

    #[test]
    fn a_bucket_without_options_is_closed_encrypted_and_versioned() {
        let assembly = synth(|scope| {
            let key = key(scope);
            scope.add("Bucket", Bucket::<()>::new(&key));
        });
        let template = assembly.template("Test");
        template.has(
            s3::Bucket::matching()
                .versioning_configuration(s3::BucketVersioningConfiguration::new("Enabled"))
                .public_access_block_configuration(
                    s3::BucketPublicAccessBlockConfiguration::new()
                        .block_public_acls(true)
                        .block_public_policy(true)
                        .ignore_public_acls(true)
                        .restrict_public_buckets(true),
                )
                .ownership_controls(s3::BucketOwnershipControls::new([
                    s3::BucketOwnershipControlsRule::new().object_ownership("BucketOwnerEnforced"),
                ])),
        );
        let bucket = &template.json()["Resources"]["Bucket"];
        let rule =
            &bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
        assert_eq!(rule["BucketKeyEnabled"], true);
        assert_eq!(
            rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]["Fn::GetAtt"][0],
            "Key"
        );
        assert_eq!(bucket["DeletionPolicy"], "Retain");
        let sids: Vec<&str> = template.json()["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]
            ["Statement"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|statement| statement["Sid"].as_str())
            .collect();
        assert_eq!(
            sids,
            [
                "DenyPlainText",
                "DenyOldTls",
                "DenyOtherEncryption",
                "DenyOtherKeys"
            ]
        );
    }

    #[test]
    fn a_bucket_is_read_through_its_network_but_by_services_and_named_roles() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let network = network(scope);
            let backup = [Value::from("arn:aws:iam::111122223333:role/backup-*")];
            let bucket = Bucket::<()>::new(&key).read_through(&network, backup);
            scope.add("Bucket", bucket.written_through(&network, []));
        });
        let policy = &assembly.template("Test").json()["Resources"]["BucketPolicy"];
        let statements = &policy["Properties"]["PolicyDocument"]["Statement"];
        let of = |sid: &str| {
            let mut all = statements.as_array().unwrap().iter();
            all.find(|one| one["Sid"] == sid).unwrap().clone()
        };
        let reads = of("DenyReadsFromElsewhere");
        assert_eq!(reads["Effect"], "Deny");
        assert_eq!(reads["Action"][0], "s3:GetObject");
        let condition = &reads["Condition"];
        let endpoint = &condition["StringNotEquals"]["aws:SourceVpce"];
        assert!(endpoint["Ref"].as_str().unwrap().ends_with("S3Endpoint"));
        assert_eq!(condition["BoolIfExists"]["aws:ViaAWSService"], "false");
        let roles = &condition["ArnNotLike"]["aws:PrincipalArn"];
        assert!(roles.to_string().contains("role/backup-*"), "{roles}");
        let writes = of("DenyWritesFromElsewhere");
        assert_eq!(writes["Action"][0], "s3:PutObject");
        assert!(writes["Condition"]["ArnNotLike"].is_null());
    }

    #[test]
    fn uploads_that_name_no_key_are_not_denied() {
        let assembly = synth(|scope| {
            let key = key(scope);
            scope.add("Bucket", Bucket::<()>::new(&key));
        });
        // A negated operator holds where the key is missing, so that each denial
        // asks for the header first.
        assembly.template("Test").has(
            s3::BucketPolicy::matching().policy_document(Tree::object([(
                "Statement",
                vec![Tree::object([
                    ("Sid", "DenyOtherKeys".into()),
                    (
                        "Condition",
                        Tree::object([("Null", Tree::object([(ENCRYPTION_KEY, "false".into())]))]),
                    ),
                ])]
                .into(),
            )])),
        );
    }

    #[test]
    fn what_expires_leaves_no_unfinished_upload_behind() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let bucket = Bucket::<()>::new(&key).expire_after(1).expire_noncurrent(1);
            scope.add("Bucket", bucket);
        });
        let template = assembly.template("Test");
        let bucket = &template.json()["Resources"]["Bucket"]["Properties"];
        let rules = bucket["LifecycleConfiguration"]["Rules"]
            .as_array()
            .unwrap();
        let of = |id: &str| rules.iter().find(|rule| rule["Id"] == id).unwrap();
        assert_eq!(of("Expire")["ExpirationInDays"], 1);
        assert_eq!(
            of("AbortIncompleteUploads")["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"],
            1
        );
    }

    #[test]
    fn notifications_cross_stacks_one_way() {
        let mut app = lightsout_core::App::new("clinic", lightsout_core::Stage::new("dev"));
        let name = join!["inbox-", Pseudo::AccountId];
        let mut scope = app.stack("Intake");
        let key = key(&mut scope);
        let queue = scope.add(
            "Queue",
            Queue::<()>::new(&key).accepts_from_bucket(name.clone()),
        );
        let mut scope = app.stack("Storage");
        scope.add(
            "Inbox",
            Bucket::<()>::new(&key)
                .named(name.clone())
                .notify(&queue, "notes/"),
        );
        let assembly = app.synth().unwrap();
        let intake = assembly.stack("Intake").unwrap();
        assert!(intake.dependencies().is_empty());
        let source = join!["arn:", Pseudo::Partition, ":s3:::", name];
        let conditions = Tree::object([
            ("ArnLike", Tree::object([("aws:SourceArn", source.into())])),
            (
                "StringEquals",
                Tree::object([("aws:SourceAccount", Pseudo::AccountId.into())]),
            ),
        ]);
        let admits = || {
            Tree::object([(
                "Statement",
                vec![Tree::object([
                    (
                        "Principal",
                        Tree::object([("Service", "s3.amazonaws.com".into())]),
                    ),
                    ("Condition", conditions.clone()),
                ])]
                .into(),
            )])
        };
        let template = assembly.template("Intake");
        template.has(cfn::sqs::QueuePolicy::matching().policy_document(admits()));
        template.has(cfn::kms::Key::matching().key_policy(admits()));
        let queues = &assembly.template("Storage").json()["Resources"]["Inbox"]["Properties"]["NotificationConfiguration"]
            ["QueueConfigurations"];
        assert_eq!(queues[0]["Event"], "s3:ObjectCreated:*");
        assert_eq!(queues[0]["Filter"]["S3Key"]["Rules"][0]["Value"], "notes/");
    }

    #[test]
    fn a_bucket_waits_for_the_queue_to_let_it_in() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let queue = scope.add("Queue", Queue::<()>::new(&key).accepts_from_bucket("inbox"));
            scope.add(
                "Inbox",
                Bucket::<()>::new(&key).named("inbox").notify(&queue, ""),
            );
        });
        let inbox = &assembly.template("Test").json()["Resources"]["Inbox"];
        assert_eq!(inbox["DependsOn"][0], "QueuePolicy");
    }

    #[test]
    fn a_log_bucket_takes_logs_of_this_account_only() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let logs = scope.add("Logs", LogBucket::new());
            scope.add(
                "Bucket",
                Bucket::<()>::new(&key).access_logs(&logs, "bucket/"),
            );
        });
        let template = assembly.template("Test");
        let policy = &template.json()["Resources"]["LogsPolicy"]["Properties"]["PolicyDocument"];
        let allowed = &policy["Statement"][2];
        assert_eq!(allowed["Principal"]["Service"], "logging.s3.amazonaws.com");
        assert_eq!(
            allowed["Condition"]["StringEquals"]["aws:SourceAccount"]["Ref"],
            "AWS::AccountId"
        );
        assert_eq!(
            allowed["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Join"][1][2],
            ":s3:::*"
        );
        template.has(s3::Bucket::matching().logging_configuration(
            s3::BucketLoggingConfiguration::new().log_file_prefix("bucket/"),
        ));
    }

    #[test]
    fn a_reader_brings_the_key_and_cannot_write() {
        synth(|scope| {
            let key = key(scope);
            let bucket = scope.add("Bucket", Bucket::<()>::new(&key));
            let actions = |statements: &[Statement]| -> Vec<String> {
                let actions = statements.iter().flat_map(Statement::actions);
                actions.map(str::to_owned).collect()
            };
            assert_eq!(
                actions(bucket.reader().statements()),
                ["s3:GetObject", "s3:GetObjectVersion", "kms:Decrypt"]
            );
            assert_eq!(
                actions(bucket.writer().statements()),
                ["s3:PutObject", "kms:Decrypt", "kms:GenerateDataKey"]
            );
        });
    }

    #[test]
    fn a_role_reads_with_the_buckets_key_by_way_of_s3_only() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let bucket = scope.add("Bucket", Bucket::<()>::new(&key));
            let role = Role::new(Service::Ec2, "Reads");
            let reader = bucket.reader();
            scope.add("Role", role.with(reader.statements().iter().cloned()));
        });
        let policy = &assembly.template("Test").json()["Resources"]["RolePolicy"]["Properties"];
        let decrypt = &policy["PolicyDocument"]["Statement"][1];
        assert_eq!(decrypt["Action"], serde_json::json!(["kms:Decrypt"]));
        assert_eq!(decrypt["Resource"]["Fn::GetAtt"][0], "Key");
        let via = &decrypt["Condition"]["StringEquals"]["kms:ViaService"];
        assert_eq!(via["Fn::Join"][1][0], "s3.");
    }

    #[test]
    fn keys_of_callers_are_blocked() {
        let assembly = synth(|scope| {
            let key = key(scope);
            scope.add("Bucket", Bucket::<()>::new(&key));
        });
        let bucket = &assembly.template("Test").json()["Resources"]["Bucket"]["Properties"];
        let rule = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
        assert_eq!(rule["BlockedEncryptionTypes"]["EncryptionType"][0], "SSE-C");
    }

    #[test]
    fn a_bucket_reaches_an_encrypted_topic_by_its_name() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let topic = scope.add("Topic", Topic::new(&key));
            let bucket = Bucket::<()>::new(&key).named("inbox");
            scope.add(
                "Inbox",
                bucket.notify_topic(&topic, "notes/").event_bridge(),
            );
        });
        let template = assembly.template("Test");
        let source = join!["arn:", Pseudo::Partition, ":s3:::inbox"];
        let admits = Tree::object([(
            "Statement",
            vec![Tree::object([
                (
                    "Principal",
                    Tree::object([("Service", "s3.amazonaws.com".into())]),
                ),
                (
                    "Condition",
                    Tree::object([
                        ("ArnLike", Tree::object([("aws:SourceArn", source.into())])),
                        (
                            "StringEquals",
                            Tree::object([("aws:SourceAccount", Pseudo::AccountId.into())]),
                        ),
                    ]),
                ),
            ])]
            .into(),
        )]);
        template.has(cfn::sns::TopicPolicy::matching().policy_document(admits.clone()));
        template.has(cfn::kms::Key::matching().key_policy(admits));
        let inbox = &template.json()["Resources"]["Inbox"];
        assert_eq!(inbox["DependsOn"][0], "TopicPolicy");
        let told = &inbox["Properties"]["NotificationConfiguration"];
        assert_eq!(told["EventBridgeConfiguration"]["EventBridgeEnabled"], true);
        assert_eq!(told["TopicConfigurations"][0]["Topic"]["Ref"], "Topic");
    }

    #[test]
    fn a_topic_lets_no_bucket_in_without_a_name() {
        let problems = problems(|scope| {
            let key = key(scope);
            let topic = scope.add("Topic", Topic::new(&key));
            scope.add("Inbox", Bucket::<()>::new(&key).notify_topic(&topic, ""));
        });
        assert!(problems[0].message.contains("has no name to be let in by"));
    }

    #[test]
    fn audit_records_are_locked_for_six_years_unless_all_is_to_go() {
        let bucket = |removal: Removal| {
            let assembly = synth(|scope| {
                let key = scope.add("Key", Key::new("Audit").removal(removal));
                let logs = scope.add("Logs", LogBucket::new().removal(removal));
                scope.add("Records", AuditBucket::new(&key, &logs, "records/"));
            });
            assembly.template("Test").json()["Resources"]["Records"]["Properties"].clone()
        };
        let kept = bucket(Removal::Keep);
        assert_eq!(kept["ObjectLockEnabled"], true);
        let retention = &kept["ObjectLockConfiguration"]["Rule"]["DefaultRetention"];
        assert_eq!(retention["Mode"], "COMPLIANCE");
        assert_eq!(retention["Days"], 2192);
        assert_eq!(kept["LoggingConfiguration"]["LogFilePrefix"], "records/");
        let transition = &kept["LifecycleConfiguration"]["Rules"][2]["Transitions"][0];
        assert_eq!(transition["StorageClass"], "GLACIER_IR");
        let gone = bucket(Removal::Destroy);
        assert_eq!(gone["ObjectLockEnabled"], true);
        assert!(gone.get("ObjectLockConfiguration").is_none());
    }

    #[test]
    fn a_log_bucket_has_no_key_and_no_lock_that_would_stop_its_logs() {
        let assembly = synth(|scope| {
            scope.add("Logs", LogBucket::new());
        });
        let logs = &assembly.template("Test").json()["Resources"]["Logs"]["Properties"];
        let rule = &logs["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
        assert_eq!(
            rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"],
            "AES256"
        );
        assert!(logs.get("ObjectLockConfiguration").is_none());
        assert!(logs.get("LoggingConfiguration").is_none());
    }
}
