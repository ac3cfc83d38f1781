//! Keys that data is encrypted with.
//!
//! # Who is let to a key
//!
//! A key's policy lets IAM decide for everyone in the account. A service that uses
//! the key of a resource on its own behalf is in no IAM policy: the key must name
//! it. Where it does not, most of AWS fails without a word. These are the wirings
//! that take a key, what each construct adds for them, and the page that says so:
//!
//! | wiring | what is added | condition | source |
//! |---|---|---|---|
//! | alarm → topic ([`notifies`](crate::cloudwatch::AlarmCondition::notifies)) | key and topic: `cloudwatch` | `aws:SourceAccount`, `aws:SourceArn` is an alarm | [SNS keys](https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services) |
//! | bucket → queue or topic ([`notify`](crate::s3::Bucket::notify)) | key and queue: `s3` | `aws:SourceAccount`, `aws:SourceArn` is that bucket | [S3 events](https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html) |
//! | anything with a key of elsewhere ([`Key::imported`]) | nothing: a problem with the statement to add | as made here | [key policies](https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html) |
//! | rule → queue or topic, and what it could not deliver ([`Rule`](crate::events::Rule)) | key and queue: `events` | `aws:SourceAccount`, `aws:SourceArn` is that rule | [EventBridge targets](https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html) |
//! | topic → queue ([`to_queue`](crate::sns::Topic::to_queue)) | the *queue's* key and the queue: `sns` | `aws:SourceAccount`, `aws:SourceArn` is that topic | [SNS to SQS](https://docs.aws.amazon.com/sns/latest/dg/sns-enable-encryption-for-topic-sqs-queue-subscriptions.html) |
//! | trail → bucket ([`Trail`](crate::cloudtrail::Trail)) | key: `cloudtrail` | `aws:SourceArn` and, to encrypt, `kms:EncryptionContext:aws:cloudtrail:arn` are that trail | [CloudTrail keys](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html) |
//! | log group ([`LogGroup`](crate::logs::LogGroup)) | key: `logs` of the region | `kms:EncryptionContext:aws:logs:arn` is a group of this account | [log group keys](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html) |
//! | bucket → access logs ([`LogBucket`](crate::s3::LogBucket)) | bucket: `logging.s3`; no key, as S3 delivers to none | `aws:SourceAccount`, `aws:SourceArn` is a bucket | [server access logs](https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html) |
//! | who starts hosts → their disks ([`launcher`](crate::ec2::LaunchTemplateRef::launcher)) | role: five actions, and `CreateGrant` apart | `kms:ViaService` is EC2; the grant is for an AWS resource | [EBS keys](https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html) |
//! | the account's default key for disks ([`account_disks`](crate::ec2::LaunchTemplate::account_disks)) | role: the same, for that key | the same | [EBS by default](https://docs.aws.amazon.com/ebs/latest/userguide/encryption-by-default.html) |
//! | role → encrypted bucket, queue or table (`reader`, `sender`, …) | role: the key with the resource | `kms:ViaService` is that service | [SSE-KMS](https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html) |
//!
//! Beyond those, an [`EventBus`](crate::events::EventBus) lets `events` use its key
//! for that bus, and a [`Vault`](crate::backup::Vault) that
//! [notifies](crate::backup::Vault::notifies) lets `backup` use the topic's.
//!
//! Key policies name kinds of sources of this account and region, such as
//! `alarm:*`, where the source's own ARN would make a circle: a topic needs its key
//! before it has an ARN. The policy of the topic or queue then names the one source.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use lightsout_core::{Arn, Construct, Part, Pseudo, ResourceId, Scope, Token, Tree, Value, join};
use serde_json::Value as Json;

use crate::{
    Removal, cfn,
    iam::{PolicyDocument, Statement},
    names::arn_here,
};

/// A customer managed key: rotated each year, deleted only after 30 days.
///
/// Its policy lets the account's own IAM policies decide, action by action.
/// Services that must use the key for somebody else are added by the wiring that
/// needs them, each for this account alone.
///
/// ```
/// use lightsout::{App, Stage, cfn, kms::Key};
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// app.stack("Storage").add("Data", Key::new("Charts and results").alias("clinic-dev-data"));
///
/// let assembly = app.synth()?;
/// let template = assembly.template("Storage");
/// template.has(cfn::kms::Key::matching().enable_key_rotation(true));
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a key is made once it is added to a stack"]
pub struct Key {
    description: String,
    alias: Option<String>,
    administrators: Vec<Value<String>>,
    removal: Removal,
}

/// A key that some other stack or account looks after.
///
/// Its policy cannot be changed from here, so a wiring that needs a statement in it
/// is a problem, with the statement to add, until
/// [`with_statement_in_place`](Self::with_statement_in_place) says that it is there.
///
/// ```
/// use lightsout::{App, Stage, kms::{Key, Wiring}, logs::LogGroup};
///
/// let arn = "arn:aws:kms:eu-central-1:111122223333:key/2f1c3c1e-0a5b-4c3d-9e8f-0123456789ab";
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Logs");
/// let key = stack.add("Key", Key::imported(arn));
/// stack.add("Group", LogGroup::new(&key));
///
/// let error = app.synth().unwrap_err().to_string();
/// assert!(error.contains("`logs.eu-central-1.amazonaws.com`"), "{error}");
/// ```
#[derive(Debug, Clone)]
#[must_use = "an imported key can be used once it is added to a stack"]
pub struct ImportedKey {
    arn: String,
    in_place: Wirings,
    removal: Removal,
}

/// A key that was added to a stack, or imported into one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRef {
    source: Source,
    removal: Removal,
}

/// A use of a key by a service, for which the key's policy needs a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Wiring {
    /// Alarms tell a topic.
    Alarms,
    /// Backup tells a topic.
    BackupEvents,
    /// Buckets announce objects to a queue or topic.
    BucketEvents,
    /// An event bus encrypts its events.
    EventBuses,
    /// Log groups encrypt their events.
    LogGroups,
    /// Rules send to a queue or topic.
    Rules,
    /// EC2 starts spot instances, and encrypts their disks.
    SpotHosts,
    /// Topics send to a queue.
    Topics,
    /// A trail encrypts its files.
    Trails,
    /// A user pool encrypts its secrets.
    UserPools,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Made(ResourceId),
    Imported {
        arn: &'static str,
        in_place: Wirings,
    },
}

/// A set of [`Wiring`], one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Wirings(u16);

/// What an administrator of the key may do, if IAM says so.
const ADMINISTRATION: [&str; 22] = [
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
];

/// What a user of the key may do, if IAM says so.
const USE: [&str; 8] = [
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:RetireGrant",
];

impl Key {
    /// A key for what the description says.
    pub fn new(description: impl Into<String>) -> Self {
        Self {
            description: description.into(),
            alias: None,
            administrators: Vec::new(),
            removal: Removal::Keep,
        }
    }

    /// The key with this ARN, whose policy is looked after elsewhere.
    pub fn imported(arn: impl Into<String>) -> ImportedKey {
        ImportedKey {
            arn: arn.into(),
            in_place: Wirings::default(),
            removal: Removal::Keep,
        }
    }

    /// Gives the key a name that people find it by, without `alias/`.
    pub fn alias(mut self, name: impl Into<String>) -> Self {
        self.alias = Some(name.into());
        self
    }

    /// Names a role that looks after the key, and denies it the key's use.
    ///
    /// Who can change a key's policy could let itself in, so that its changes are
    /// to be watched; but nobody reads by mistake what he only looks after.
    pub fn administered_by(mut self, role: impl Into<Value<String>>) -> Self {
        self.administrators.push(role.into());
        self
    }

    /// Says what becomes of the key, and of all that it encrypts.
    pub fn removal(mut self, removal: Removal) -> Self {
        self.removal = removal;
        self
    }
}

impl Construct for Key {
    type Handle = KeyRef;

    fn build(self, scope: &mut Scope<'_>) -> KeyRef {
        let mut policy: PolicyDocument = [
            Statement::allow(ADMINISTRATION).sid("Administration"),
            Statement::allow(USE).sid("Use"),
        ]
        .into_iter()
        .map(|statement| statement.to_account().on_everything())
        .collect();
        if !self.administrators.is_empty() {
            policy = policy.with(
                Statement::deny(USE)
                    .sid("AdministratorsDoNotUse")
                    .to_everyone()
                    .on_everything()
                    .when_any("ArnLike", "aws:PrincipalArn", self.administrators),
            );
        }
        let key = cfn::kms::Key::new()
            .description(self.description)
            .enabled(true)
            .enable_key_rotation(true)
            .pending_window_in_days(30)
            .key_policy(policy)
            .build(scope);
        self.removal.apply(scope, key.id());
        if let Some(alias) = self.alias {
            scope.add(
                "Alias",
                cfn::kms::Alias::new(format!("alias/{alias}"), key.get(cfn::kms::Key::ARN)),
            );
        }
        KeyRef {
            source: Source::Made(key.id()),
            removal: self.removal,
        }
    }
}

impl ImportedKey {
    /// Says that the key's policy has the statement that this wiring needs.
    pub fn with_statement_in_place(mut self, wiring: Wiring) -> Self {
        self.in_place = self.in_place.and(wiring);
        self
    }

    /// Says what becomes of what the key encrypts; the key itself stays.
    pub fn removal(mut self, removal: Removal) -> Self {
        self.removal = removal;
        self
    }
}

impl Construct for ImportedKey {
    type Handle = KeyRef;

    fn build(self, scope: &mut Scope<'_>) -> KeyRef {
        if Place::of(&self.arn).is_none() {
            scope.problem(
                "Arn",
                format_args!("imports a key by `{}`, which is no ARN of a key", self.arn),
                "give it as `arn:aws:kms:REGION:ACCOUNT:key/ID`: policies know keys by no alias",
            );
        }
        KeyRef {
            source: Source::Imported {
                arn: kept(self.arn),
                in_place: self.in_place,
            },
            removal: self.removal,
        }
    }
}

impl KeyRef {
    /// Returns the key's ARN.
    pub fn arn(self) -> Value<Arn<Key>> {
        match self.source {
            Source::Made(id) => id.attribute("Arn"),
            Source::Imported { arn, .. } => Arn::new(arn).into(),
        }
    }

    /// Returns the key's place in its app, unless it is an imported one.
    pub const fn id(self) -> Option<ResourceId> {
        match self.source {
            Source::Made(id) => Some(id),
            Source::Imported { .. } => None,
        }
    }

    /// Returns what becomes of the key, and so of what it encrypts.
    pub const fn removal(self) -> Removal {
        self.removal
    }

    /// Allows a role to use the key, only by way of `service`, such as `sqs`.
    pub fn used_by<'a>(
        self,
        service: &str,
        actions: impl IntoIterator<Item = &'a str>,
    ) -> Statement {
        Statement::allow(actions)
            .on(self.arn())
            .via_service(service)
    }

    /// Lets `CloudWatch` Logs encrypt log groups of this account and region.
    pub(crate) fn serve_logs(self, scope: &mut Scope<'_>) {
        let actions = [
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ];
        self.serve(
            scope,
            Wiring::LogGroups,
            Statement::allow(actions).to_regional_service("logs").when(
                "ArnLike",
                "kms:EncryptionContext:aws:logs:arn",
                arn_here("logs", "log-group:*"),
            ),
        );
    }

    /// Lets a service hand messages to an encrypted queue or topic.
    pub(crate) fn serve_sender(
        self,
        scope: &mut Scope<'_>,
        wiring: Wiring,
        source: impl Into<Value<String>>,
    ) {
        self.serve(
            scope,
            wiring,
            Statement::allow(["kms:Decrypt", "kms:GenerateDataKey"])
                .to_service(wiring.service())
                .from_account()
                .when("ArnLike", "aws:SourceArn", source),
        );
    }

    /// Lets EC2 encrypt the disks of spot instances, which it starts
    /// [with a role of its own](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/service-linked-roles-spot-instance-requests.html)
    /// and not with the caller's.
    ///
    /// The role is named in a condition, because a principal must exist, and the
    /// first request for a spot instance makes the role.
    pub(crate) fn serve_spot(self, scope: &mut Scope<'_>) {
        let by_spot = |actions: &[&str]| {
            Statement::allow(actions)
                .to_everyone()
                .when("ArnEquals", "aws:PrincipalArn", spot_role())
                .when("StringEquals", "kms:CallerAccount", Pseudo::AccountId)
        };
        let actions = [
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ];
        self.serve(scope, Wiring::SpotHosts, by_spot(&actions));
        self.serve(
            scope,
            Wiring::SpotHosts,
            by_spot(&["kms:CreateGrant"]).when("Bool", "kms:GrantIsForAWSResource", "true"),
        );
    }

    /// Lets a trail encrypt its files.
    ///
    /// A bucket with a bucket key has the trail decrypt too.
    pub(crate) fn serve_trail(self, scope: &mut Scope<'_>, trail: &Value<String>) {
        let cloudtrail = |actions: &[&str]| {
            Statement::allow(actions)
                .to_service(Wiring::Trails.service())
                .from_account()
                .when("StringEquals", "aws:SourceArn", trail.clone())
        };
        let encrypt = ["kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"];
        self.serve(
            scope,
            Wiring::Trails,
            cloudtrail(&encrypt).when(
                "StringLike",
                "kms:EncryptionContext:aws:cloudtrail:arn",
                trail.clone(),
            ),
        );
        self.serve(
            scope,
            Wiring::Trails,
            cloudtrail(&["kms:Decrypt", "kms:DescribeKey"]),
        );
    }

    /// Lets an event bus encrypt and match its events.
    pub(crate) fn serve_bus(self, scope: &mut Scope<'_>, bus: &Value<String>) {
        let events = |actions: &[&str]| {
            Statement::allow(actions)
                .to_service(Wiring::EventBuses.service())
                .from_account()
                .when("StringEquals", "aws:SourceArn", bus.clone())
        };
        self.serve(scope, Wiring::EventBuses, events(&["kms:DescribeKey"]));
        self.serve(
            scope,
            Wiring::EventBuses,
            events(&["kms:Decrypt", "kms:GenerateDataKey"]).when(
                "StringEquals",
                "kms:EncryptionContext:aws:events:event-bus:arn",
                bus.clone(),
            ),
        );
    }

    /// Lets user pools encrypt their secrets; a pool's id is not known before its key.
    pub(crate) fn serve_user_pools(self, scope: &mut Scope<'_>) {
        let actions = [
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ];
        self.serve(
            scope,
            Wiring::UserPools,
            Statement::allow(actions)
                .to_service(Wiring::UserPools.service())
                .from_account()
                .when(
                    "ArnLike",
                    "aws:SourceArn",
                    arn_here("cognito-idp", "userpool/*"),
                ),
        );
    }

    fn serve(self, scope: &mut Scope<'_>, wiring: Wiring, statement: Statement) {
        let statement = statement.on_everything();
        match self.source {
            Source::Made(id) => scope.gather(id, "KeyPolicy.Statement", statement),
            Source::Imported { in_place, .. } if in_place.has(wiring) => (),
            Source::Imported { arn, .. } => {
                let place = Place::of(arn).unwrap_or_default();
                let statement = place.resolve(&statement.into());
                scope.problem(
                    "KeyPolicy",
                    format_args!(
                        "uses the imported key `{arn}`, whose policy must let in `{}`",
                        statement["Principal"]["Service"]
                            .as_str()
                            .unwrap_or(wiring.service()),
                    ),
                    format!(
                        "add this statement to the key's policy, then import the key \
                         `.with_statement_in_place(Wiring::{wiring:?})`: {statement}"
                    ),
                );
            }
        }
    }
}

impl Wiring {
    /// Returns the service that uses the key.
    pub(crate) const fn service(self) -> &'static str {
        match self {
            Self::Alarms => "cloudwatch.amazonaws.com",
            Self::BackupEvents => "backup.amazonaws.com",
            Self::BucketEvents => "s3.amazonaws.com",
            Self::EventBuses | Self::Rules => "events.amazonaws.com",
            Self::LogGroups => "logs.amazonaws.com",
            Self::SpotHosts => "spot.amazonaws.com",
            Self::Topics => "sns.amazonaws.com",
            Self::Trails => "cloudtrail.amazonaws.com",
            Self::UserPools => "cognito-idp.amazonaws.com",
        }
    }
}

impl Wirings {
    const fn and(self, wiring: Wiring) -> Self {
        Self(self.0 | 1 << wiring as u16)
    }

    const fn has(self, wiring: Wiring) -> bool {
        self.0 & (1 << wiring as u16) != 0
    }
}

/// Where an imported key is, so that a statement for it can be written out.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    partition: &'a str,
    region: &'a str,
    account: &'a str,
}

impl Default for Place<'_> {
    fn default() -> Self {
        Self {
            partition: "aws",
            region: "REGION",
            account: "ACCOUNT",
        }
    }
}

impl<'a> Place<'a> {
    /// Takes the ARN of a key apart; nothing if it is none.
    fn of(arn: &'a str) -> Option<Self> {
        let parts: Vec<&str> = arn.split(':').collect();
        let &["arn", partition, "kms", region, account, key] = parts.as_slice() else {
            return None;
        };
        let id = key.strip_prefix("key/")?;
        let is_whole = [partition, region, id].iter().all(|part| !part.is_empty())
            && account.len() == 12
            && account.bytes().all(|digit| digit.is_ascii_digit());
        is_whole.then_some(Self {
            partition,
            region,
            account,
        })
    }

    /// Writes a statement out, with this place for what a deployment would fill in.
    fn resolve(self, tree: &Tree) -> Json {
        match tree {
            Tree::Literal(json) => json.clone(),
            Tree::Token(token) => self.token(token).into(),
            Tree::List(items) => items.iter().map(|item| self.resolve(item)).collect(),
            Tree::Map(entries) => entries
                .iter()
                .map(|(key, tree)| (key.clone().into_owned(), self.resolve(tree)))
                .collect(),
        }
    }

    fn token(self, token: &Token) -> String {
        match token {
            Token::Pseudo(Pseudo::Partition) => self.partition.to_owned(),
            Token::Pseudo(Pseudo::Region) => self.region.to_owned(),
            Token::Pseudo(Pseudo::AccountId) => self.account.to_owned(),
            Token::Pseudo(Pseudo::UrlSuffix) => match self.partition {
                "aws-cn" => "amazonaws.com.cn".to_owned(),
                _ => "amazonaws.com".to_owned(),
            },
            Token::Join(parts) => parts
                .iter()
                .map(|part| match part {
                    Part::Text(text) => text.clone(),
                    Part::Token(token) => self.token(token),
                })
                .collect(),
            // The name of what does not exist yet: the conditions on account and
            // kind still hold.
            _ => "*".to_owned(),
        }
    }
}

/// Keeps an ARN for as long as the program runs, so that references to its key can
/// be copied. An app imports a handful of keys, and each is kept once.
fn kept(arn: String) -> &'static str {
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(arn) = kept.get(arn.as_str()) {
        return arn;
    }
    let arn: &'static str = arn.leak();
    kept.insert(arn);
    arn
}

/// Returns the ARN of the role that EC2 starts this account's spot instances with.
pub(crate) fn spot_role() -> Value<String> {
    join![
        "arn:",
        Pseudo::Partition,
        ":iam::",
        Pseudo::AccountId,
        ":role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot",
    ]
}

#[cfg(test)]
mod tests {
    use lightsout_core::{App, DeletionPolicy, Stage, SynthError};

    use super::*;
    use crate::{fixture::synth, logs::LogGroup};

    const ELSEWHERE: &str =
        "arn:aws-cn:kms:cn-north-1:111122223333:key/2f1c3c1e-0a5b-4c3d-9e8f-0123456789ab";

    fn with_imported(key: ImportedKey) -> Result<(), SynthError> {
        let mut app = App::new("clinic", Stage::new("dev"));
        let mut scope = app.stack("Test");
        let key = scope.add("Key", key);
        scope.add("Logs", LogGroup::new(&key));
        app.synth().map(drop)
    }

    #[test]
    fn a_key_is_rotated_and_kept() {
        let assembly = synth(|scope| {
            scope.add("Key", Key::new("Test").alias("clinic"));
        });
        let template = assembly.template("Test");
        template.has(
            cfn::kms::Key::matching()
                .enable_key_rotation(true)
                .pending_window_in_days(30),
        );
        template.count::<cfn::kms::Alias>(1);
        let key = &template.json()["Resources"]["Key"];
        assert_eq!(key["DeletionPolicy"], DeletionPolicy::Retain.name());
        assert_eq!(key["UpdateReplacePolicy"], DeletionPolicy::Retain.name());
    }

    #[test]
    fn what_a_passing_key_encrypts_passes_too() {
        let assembly = synth(|scope| {
            let key = scope.add("Key", Key::new("Test").removal(Removal::Destroy));
            scope.add("Logs", LogGroup::new(&key));
        });
        let json = assembly.template("Test").json();
        for resource in ["Key", "Logs"] {
            assert_eq!(json["Resources"][resource]["DeletionPolicy"], "Delete");
        }
    }

    #[test]
    fn administrators_are_denied_the_use_and_nothing_else() {
        let assembly = synth(|scope| {
            let role = "arn:aws:iam::111122223333:role/keys";
            scope.add("Key", Key::new("Test").administered_by(role));
        });
        let policy =
            &assembly.template("Test").json()["Resources"]["Key"]["Properties"]["KeyPolicy"];
        let denied = &policy["Statement"][2];
        assert_eq!(denied["Effect"], "Deny");
        assert_eq!(denied["Action"], serde_json::json!(USE));
        assert_eq!(
            denied["Condition"]["ArnLike"]["aws:PrincipalArn"],
            "arn:aws:iam::111122223333:role/keys"
        );
    }

    #[test]
    fn nobody_both_administers_and_uses_a_key_by_one_statement() {
        assert!(ADMINISTRATION.iter().all(|action| !USE.contains(action)));
    }

    #[test]
    fn log_groups_of_one_key_share_a_statement() {
        let assembly = synth(|scope| {
            let key = scope.add("Key", Key::new("Test"));
            scope.add("One", LogGroup::new(&key));
            scope.add("Two", LogGroup::new(&key));
        });
        let template = assembly.template("Test");
        let statements =
            &template.json()["Resources"]["Key"]["Properties"]["KeyPolicy"]["Statement"];
        assert_eq!(statements.as_array().unwrap().len(), 3);
        template.has(
            cfn::kms::Key::matching().key_policy(Tree::object([(
                "Statement",
                vec![Tree::object([
                    (
                        "Principal",
                        Tree::object([(
                            "Service",
                            join!["logs.", Pseudo::Region, ".", Pseudo::UrlSuffix].into(),
                        )]),
                    ),
                    (
                        "Condition",
                        Tree::object([(
                            "ArnLike",
                            Tree::object([(
                                "kms:EncryptionContext:aws:logs:arn",
                                arn_here("logs", "log-group:*").into(),
                            )]),
                        )]),
                    ),
                ])]
                .into(),
            )])),
        );
    }

    #[test]
    fn an_imported_key_names_the_statement_that_it_lacks() {
        let error = with_imported(Key::imported(ELSEWHERE)).unwrap_err();
        assert_eq!(error.problems.len(), 1);
        let problem = &error.problems[0];
        assert_eq!(problem.path, "Test/Logs");
        let hint = problem.hint.as_deref().unwrap();
        let (advice, statement) = hint.split_once(": ").unwrap();
        assert!(advice.contains("Wiring::LogGroups"), "{advice}");
        let statement: Json = serde_json::from_str(statement).unwrap();
        assert_eq!(
            statement,
            serde_json::json!({
                "Effect": "Allow",
                "Principal": {"Service": "logs.cn-north-1.amazonaws.com.cn"},
                "Action": [
                    "kms:Decrypt",
                    "kms:DescribeKey",
                    "kms:Encrypt",
                    "kms:GenerateDataKey",
                    "kms:ReEncryptFrom",
                    "kms:ReEncryptTo",
                ],
                "Resource": "*",
                "Condition": {"ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn":
                        "arn:aws-cn:logs:cn-north-1:111122223333:log-group:*",
                }},
            })
        );
    }

    #[test]
    fn an_imported_key_is_trusted_only_for_the_wiring_that_is_named() {
        let key = || Key::imported(ELSEWHERE);
        with_imported(key().with_statement_in_place(Wiring::LogGroups)).unwrap();
        with_imported(key().with_statement_in_place(Wiring::Trails)).unwrap_err();
    }

    #[test]
    fn an_alias_is_no_key_to_import() {
        for arn in [
            "alias/clinic",
            "arn:aws:kms:eu-central-1:111122223333:alias/clinic",
            "arn:aws:kms:eu-central-1:1111:key/2f1c3c1e",
        ] {
            let key = Key::imported(arn).with_statement_in_place(Wiring::LogGroups);
            let error = with_imported(key).unwrap_err().to_string();
            assert!(
                error.contains(&format!("`{arn}`, which is no ARN")),
                "{error}"
            );
        }
    }
}
