//! Buckets of typed objects.

use std::{fmt, marker::PhantomData};

use lightsout_contract::{ReadObjects, WriteObjects};
use lightsout_core::{Arn, Construct, Name, Pseudo, ResourceId, Scope, Value, join};

use crate::{
    Removal, Wired,
    cfn::s3,
    iam::{PolicyDocument, Statement},
    kms::KeyRef,
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
pub struct Bucket<T> {
    key: KeyRef,
    name: Option<Value<String>>,
    access_logs: Option<(LogBucketRef, String)>,
    notifications: Vec<Notification>,
    expire_noncurrent_days: u32,
    objects: PhantomData<fn() -> T>,
}

#[derive(Debug, Clone)]
struct Notification {
    queue: Value<String>,
    queue_policy: ResourceId,
    prefix: String,
}

/// A bucket that was added to a stack.
pub struct BucketRef<T> {
    id: ResourceId,
    key: KeyRef,
    objects: PhantomData<fn() -> T>,
}

/// A bucket that other buckets write their access logs to.
///
/// It is encrypted by S3's own keys: access logs are delivered to no bucket whose
/// [default encryption is a KMS key](https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html).
#[derive(Debug, Clone, Default)]
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

/// Days that access logs are kept: six years, as 45 CFR 164.316(b)(2)(i) has it.
const ACCESS_LOG_DAYS: u32 = 2192;

impl<T> Bucket<T> {
    /// A bucket whose objects are encrypted with `key`.
    pub fn new(key: &KeyRef) -> Self {
        Self {
            key: *key,
            name: None,
            access_logs: None,
            notifications: Vec::new(),
            expire_noncurrent_days: NONCURRENT_DAYS,
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
            queue: queue.arn().into(),
            queue_policy: queue.policy(),
            prefix: prefix.into(),
        });
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
        let encryption = s3::BucketServerSideEncryptionByDefault::new("aws:kms")
            .kms_master_key_id(self.key.arn());
        let mut bucket = closed_bucket(
            s3::BucketServerSideEncryptionRule::new()
                .bucket_key_enabled(true)
                .server_side_encryption_by_default(encryption),
        )
        .lifecycle_configuration(s3::BucketLifecycleConfiguration::new([
            abort_uploads(),
            s3::BucketRule::new("Enabled")
                .id("ExpireNoncurrent")
                .noncurrent_version_expiration(s3::BucketNoncurrentVersionExpiration::new(
                    self.expire_noncurrent_days,
                )),
        ]));
        if let Some(name) = self.name {
            bucket = bucket.bucket_name(name);
        }
        if let Some((logs, prefix)) = self.access_logs {
            bucket = bucket.logging_configuration(
                s3::BucketLoggingConfiguration::new()
                    .destination_bucket_name(logs.name())
                    .log_file_prefix(prefix),
            );
        }
        if !self.notifications.is_empty() {
            let queues = self.notifications.iter().map(|notification| {
                let configuration = s3::BucketQueueConfiguration::new(
                    "s3:ObjectCreated:*",
                    notification.queue.clone(),
                );
                if notification.prefix.is_empty() {
                    return configuration;
                }
                let rule = s3::BucketFilterRule::new("prefix", notification.prefix.as_str());
                configuration.filter(s3::BucketNotificationFilter::new(
                    s3::BucketS3KeyFilter::new([rule]),
                ))
            });
            bucket = bucket.notification_configuration(
                s3::BucketNotificationConfiguration::new()
                    .queue_configurations(queues.collect::<Vec<_>>()),
            );
        }
        let bucket = bucket.build(scope);
        // S3 sends a test message when the notification is made: the queue's
        // policy must let it in by then.
        for notification in &self.notifications {
            scope.depends_on(bucket.id(), notification.queue_policy);
        }
        self.key.removal().apply(scope, bucket.id());
        let reference = BucketRef {
            id: bucket.id(),
            key: self.key,
            objects: PhantomData,
        };
        let uploads = || {
            Statement::deny(["s3:PutObject"])
                .to_everyone()
                .on(reference.objects())
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
        scope.add("Policy", s3::BucketPolicy::new(bucket.reference(), policy));
        reference
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
            abort_uploads(),
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

fn abort_uploads() -> s3::BucketRule {
    s3::BucketRule::new("Enabled")
        .id("AbortIncompleteUploads")
        .abort_incomplete_multipart_upload(s3::BucketAbortIncompleteMultipartUpload::new(7))
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
        fixture::{key, synth},
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
}
