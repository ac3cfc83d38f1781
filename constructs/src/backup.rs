//! Vaults, and plans that fill them.

use lightsout_core::{Arn, Construct, ResourceId, Scope, Value, join};

use crate::{
    Removal,
    cfn::backup as cfn,
    dynamodb::TableRef,
    events::{EventPattern, Rule, Undelivered},
    iam::{Role, Service, Statement},
    kms::{KeyRef, Wiring},
    limits,
    names::{arn_here, name_of},
    s3::BucketRef,
    sns::TopicRef,
    sqs::QueueRef,
};

/// A vault for recovery points: encrypted with a key of its own, and locked.
///
/// No recovery point can be deleted, nor its period be shortened, before 35 days are
/// over. With a key that [goes](Removal::Destroy) the vault is not locked, so that
/// it can go too once it is empty.
///
/// ```
/// use lightsout::{App, Stage, backup::{Plan, Vault}, cfn, dynamodb::Table, kms::Key};
///
/// struct Coding;
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Backup");
/// let data = stack.add("Data", Key::new("Codings"));
/// let codings = stack.add("Codings", Table::<Coding>::new(&data, "chart"));
/// let key = stack.add("Key", Key::new("Backups"));
/// let vault = stack.add("Vault", Vault::new(&key));
/// stack.add("Plan", Plan::daily(&vault).table(&codings));
///
/// let assembly = app.synth()?;
/// assembly.template("Backup").count::<cfn::backup::BackupSelection>(1);
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a vault is made once it is added to a stack"]
pub struct Vault {
    key: KeyRef,
    lock: VaultLock,
    failures: Option<Failures>,
}

/// Who hears of jobs that failed, and what keeps it where nobody can be told.
#[derive(Debug, Clone, Copy)]
struct Failures {
    topic: TopicRef,
    undelivered: QueueRef<Undelivered>,
}

/// Who can still undo the lock of a vault.
///
/// [Vault Lock](https://docs.aws.amazon.com/aws-backup/latest/devguide/vault-lock.html)
/// has both modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VaultLock {
    /// Whoever has the permission for it.
    #[default]
    Governance,
    /// Nobody, once so many days have passed, 3 to 36,500.
    Compliance {
        /// Days in which the lock can still be taken off.
        grace_days: u32,
    },
}

/// A vault that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VaultRef {
    id: ResourceId,
    key: KeyRef,
}

/// When recovery points are made, and what becomes of them.
///
/// ```
/// use lightsout::backup::BackupRule;
///
/// let monthly = BackupRule::cron("Monthly", "0 4 1 * ? *").keep_days(2192).cold_after_days(30);
/// ```
#[derive(Debug, Clone)]
#[must_use = "a rule is for a plan"]
pub struct BackupRule {
    name: String,
    schedule: String,
    keep_days: u32,
    cold_after_days: Option<u32>,
    copies: Vec<Value<String>>,
}

/// A plan of backups, of the tables and buckets that it names.
///
/// Its role reads these and no others, and writes to no table: restoring is another
/// role's, for whoever is to have it, or of a [`RestoreTest`]. A bucket must tell
/// [events](crate::s3::Bucket::event_bridge), which is how Backup sees its changes.
#[derive(Debug, Clone)]
#[must_use = "a plan is made once it is added to a stack"]
pub struct Plan {
    vault: VaultRef,
    rules: Vec<BackupRule>,
    resources: Vec<Value<String>>,
    statements: Vec<Statement>,
    has_buckets: Holds,
}

/// Whether a plan holds buckets, which take permissions of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Tables,
    BucketsToo,
}

/// A plan that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanRef {
    id: ResourceId,
}

/// A test, each month, that the newest backup of tables can be restored.
///
/// Backup restores it into a table of its own, whose name begins with
/// `awsbackup-restore-test-`, encrypted with the key of the table that it is of, and deletes
/// that table afterwards. The role can write to no other.
#[derive(Debug, Clone)]
#[must_use = "nothing is tested until the test is added to a stack"]
pub struct RestoreTest {
    vault: VaultRef,
    tables: Vec<(&'static str, Value<String>, KeyRef)>,
    statements: Vec<Statement>,
    failures: Option<Failures>,
}

/// Days that recovery points are kept, unless said: as long as tables can be restored
/// to a point in time.
const KEEP_DAYS: u32 = 35;

/// Days that a recovery point stays in cold storage at least.
const LEAST_COLD_DAYS: u32 = 90;

/// The longest name of a vault, a plan or a selection.
const LONGEST_NAME: usize = 50;

impl Vault {
    /// A vault whose recovery points are encrypted with `key`.
    pub fn new(key: &KeyRef) -> Self {
        Self {
            key: *key,
            lock: VaultLock::default(),
            failures: None,
        }
    }

    /// Locks the vault otherwise; in governance mode unless said.
    pub fn lock(mut self, lock: VaultLock) -> Self {
        self.lock = lock;
        self
    }

    /// Tells `topic` of backups and copies that failed, and of points that changed; what cannot
    /// be delivered is kept in `undelivered`.
    pub fn notifies(mut self, topic: &TopicRef, undelivered: &QueueRef<Undelivered>) -> Self {
        self.failures = Some(Failures {
            topic: *topic,
            undelivered: *undelivered,
        });
        self
    }
}

impl Construct for Vault {
    type Handle = VaultRef;

    fn build(self, scope: &mut Scope<'_>) -> VaultRef {
        let name = name_of(scope, LONGEST_NAME);
        let mut vault = cfn::BackupVault::new(name.as_str()).encryption_key_arn(self.key.arn());
        if self.key.removal() == Removal::Keep {
            let mut lock = cfn::BackupVaultLockConfigurationType::new(KEEP_DAYS);
            if let VaultLock::Compliance { grace_days } = self.lock {
                limits::within(
                    scope,
                    "ChangeableForDays",
                    grace_days,
                    &(3..=36_500),
                    " days",
                );
                lock = lock.changeable_for_days(grace_days);
            }
            vault = vault.lock_configuration(lock);
        }
        if let Some(Failures { topic, .. }) = self.failures {
            let vaults = arn_here("backup", "backup-vault:*");
            topic.admit(scope, Wiring::BackupEvents, &vaults);
            vault = vault.notifications(cfn::BackupVaultNotificationObjectType::new(
                TOLD_BY_VAULTS,
                topic.arn(),
            ));
        }
        let vault = vault.build(scope);
        if let Some(failures) = self.failures {
            scope.depends_on(vault.id(), failures.topic.policy());
            let failed = jobs("Backup Job State Change", "state").detail("backupVaultName", [name]);
            scope.add("BackupFailed", failures.told(failed));
        }
        self.key.removal().apply(scope, vault.id());
        VaultRef {
            id: vault.id(),
            key: self.key,
        }
    }
}

/// What a vault tells a topic by itself. Of
/// [its events](https://docs.aws.amazon.com/aws-backup/latest/devguide/backup-notifications.html)
/// those about backups and restores that failed are told no more; rules see them.
const TOLD_BY_VAULTS: [&str; 3] = [
    "COPY_JOB_FAILED",
    "RECOVERY_POINT_MODIFIED",
    "S3_BACKUP_OBJECT_FAILED",
];

/// The jobs of one kind that came to nothing, where `state` is what their events call it.
fn jobs(detail_type: &str, state: &str) -> EventPattern {
    EventPattern::from_source("aws.backup")
        .detail_type(detail_type)
        .detail(state, ["ABORTED", "EXPIRED", "FAILED"])
}

impl Failures {
    fn told(self, pattern: EventPattern) -> Rule {
        pattern
            .notifies(&self.topic)
            .undelivered_to(&self.undelivered)
    }
}

impl VaultRef {
    /// Returns the vault's name.
    pub const fn name(self) -> Value<String> {
        self.id.reference()
    }

    /// Returns the vault's ARN.
    pub const fn arn(self) -> Value<Arn<Vault>> {
        self.id.attribute("BackupVaultArn")
    }
}

impl BackupRule {
    /// Each day at 05:00 UTC, kept for 35 days.
    pub fn daily() -> Self {
        Self::cron("Daily", "0 5 * * ? *")
    }

    /// At the times of a cron expression of six fields, in UTC; kept for 35 days.
    pub fn cron(name: impl Into<String>, fields: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            schedule: fields.into(),
            keep_days: KEEP_DAYS,
            cold_after_days: None,
            copies: Vec::new(),
        }
    }

    /// Keeps recovery points for this many days, at least 35, as the vault's lock has
    /// it.
    pub fn keep_days(mut self, days: u32) -> Self {
        self.keep_days = days;
        self
    }

    /// Moves recovery points to cold storage after this many days, where they stay for
    /// at least 90.
    pub fn cold_after_days(mut self, days: u32) -> Self {
        self.cold_after_days = Some(days);
        self
    }

    /// Copies recovery points to a vault of another region or account, by its ARN.
    ///
    /// They are encrypted there with that vault's key, and kept as long as here.
    pub fn copy_to(mut self, vault: impl Into<Value<String>>) -> Self {
        self.copies.push(vault.into());
        self
    }

    fn build(
        self,
        scope: &mut Scope<'_>,
        vault: VaultRef,
    ) -> cfn::BackupPlanBackupRuleResourceType {
        limits::within(
            scope,
            "DeleteAfterDays",
            self.keep_days,
            &(KEEP_DAYS..=36_500),
            " days",
        );
        if self.schedule.split_whitespace().count() != 6 {
            scope.problem(
                "ScheduleExpression",
                format_args!("makes backups at `{}`", self.schedule),
                "write six fields: minute, hour, day, month, weekday, year, such as `0 5 * * ? *`",
            );
        }
        let mut lifecycle =
            cfn::BackupPlanLifecycleResourceType::new().delete_after_days(self.keep_days);
        if let Some(days) = self.cold_after_days {
            if self.keep_days < days.saturating_add(LEAST_COLD_DAYS) {
                scope.problem(
                    "MoveToColdStorageAfterDays",
                    format_args!(
                        "moves recovery points to cold storage after {days} days and keeps \
                         them for {}",
                        self.keep_days
                    ),
                    format!("keep them for at least {LEAST_COLD_DAYS} days more"),
                );
            }
            lifecycle = lifecycle.move_to_cold_storage_after_days(days);
        }
        let mut rule = cfn::BackupPlanBackupRuleResourceType::new(self.name, vault.name())
            .schedule_expression(format!("cron({})", self.schedule))
            .start_window_minutes(60)
            .completion_window_minutes(600)
            .lifecycle(lifecycle.clone());
        if !self.copies.is_empty() {
            let copies = self.copies.into_iter().map(|vault| {
                cfn::BackupPlanCopyActionResourceType::new(vault).lifecycle(lifecycle.clone())
            });
            rule = rule.copy_actions(copies.collect::<Vec<_>>());
        }
        rule
    }
}

impl Plan {
    /// A plan with one rule: each day, kept for 35 days in `vault`.
    pub fn daily(vault: &VaultRef) -> Self {
        Self::new(vault, BackupRule::daily())
    }

    /// A plan with a rule that fills `vault`.
    pub fn new(vault: &VaultRef, rule: BackupRule) -> Self {
        Self {
            vault: *vault,
            rules: vec![rule],
            resources: Vec::new(),
            statements: Vec::new(),
            has_buckets: Holds::Tables,
        }
    }

    /// Adds a rule.
    pub fn rule(mut self, rule: BackupRule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Backs `table` up.
    ///
    /// The actions are those of
    /// [AWS's own policy](https://docs.aws.amazon.com/aws-backup/latest/devguide/security-iam-awsmanpol.html)
    /// for backups, for this table.
    pub fn table<T>(mut self, table: &TableRef<T>) -> Self {
        self.resources.push(table.arn().text());
        self.statements.extend([
            Statement::allow([
                "dynamodb:CreateBackup",
                "dynamodb:DescribeTable",
                "dynamodb:ListTagsOfResource",
                "dynamodb:StartAwsBackupJob",
            ])
            .on(table.arn()),
            Statement::allow(["dynamodb:DeleteBackup", "dynamodb:DescribeBackup"])
                .on(join![table.arn(), "/backup/*"]),
            table
                .key()
                .used_by("dynamodb", ["kms:Decrypt", "kms:DescribeKey"]),
        ]);
        self
    }

    /// Backs the objects of `bucket` up, each version.
    pub fn bucket<T>(mut self, bucket: &BucketRef<T>) -> Self {
        self.has_buckets = Holds::BucketsToo;
        self.resources.push(bucket.arn().text());
        self.statements.extend([
            Statement::allow([
                "s3:GetBucketAcl",
                "s3:GetBucketLocation",
                "s3:GetBucketNotification",
                "s3:GetBucketTagging",
                "s3:GetBucketVersioning",
                "s3:GetInventoryConfiguration",
                "s3:ListBucket",
                "s3:ListBucketVersions",
                "s3:PutBucketNotification",
                "s3:PutInventoryConfiguration",
            ])
            .on(bucket.arn()),
            Statement::allow([
                "s3:GetObject",
                "s3:GetObjectAcl",
                "s3:GetObjectTagging",
                "s3:GetObjectVersion",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionTagging",
            ])
            .on(join![bucket.arn(), "/*"]),
            bucket
                .key()
                .used_by("s3", ["kms:Decrypt", "kms:DescribeKey"]),
        ]);
        self
    }
}

impl Construct for Plan {
    type Handle = PlanRef;

    fn build(self, scope: &mut Scope<'_>) -> PlanRef {
        if self.resources.is_empty() {
            scope.problem(
                "Resources",
                "backs nothing up",
                "name a table or bucket with `.table(..)` or `.bucket(..)`",
            );
        }
        let name = name_of(scope, LONGEST_NAME);
        let rules: Vec<_> = self
            .rules
            .into_iter()
            .map(|rule| rule.build(scope, self.vault))
            .collect();
        let plan = cfn::BackupPlan::new(cfn::BackupPlanResourceType::new(name.as_str(), rules))
            .build(scope);
        let mut role = Role::new(Service::Backup, "Backs up what its plan names")
            .with(self.statements)
            .with(self.vault.filled());
        if self.has_buckets == Holds::BucketsToo {
            role = role.with(watching_buckets());
        }
        let role = scope.add("Role", role);
        let selection =
            cfn::BackupSelectionResourceType::new(role.arn(), name).resources(self.resources);
        let plan_id = plan.get(cfn::BackupPlan::BACKUP_PLAN_ID);
        scope.add("Selection", cfn::BackupSelection::new(plan_id, selection));
        PlanRef { id: plan.id() }
    }
}

/// What the tables are called that Backup restores to test whether it can.
const RESTORED: &str = "table/awsbackup-restore-test-*";

/// Days within which there is a backup to test, made daily as it is.
const NEWEST_DAYS: u32 = 7;

/// Hours after which a restored table is deleted.
const VALIDATION_HOURS: u32 = 1;

impl RestoreTest {
    /// Tests what is in `vault` on the first day of each month, and nothing yet.
    pub fn monthly(vault: &VaultRef) -> Self {
        Self {
            vault: *vault,
            tables: Vec::new(),
            statements: Vec::new(),
            failures: None,
        }
    }

    /// Tests `table` too, under a name of letters and digits.
    ///
    /// The actions are those of
    /// [`AWSBackupServiceRolePolicyForRestores`](https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForRestores.html)
    /// for tables, on those that are [made for the test](https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing-inferred-metadata.html).
    pub fn table<T>(mut self, name: &'static str, table: &TableRef<T>) -> Self {
        let key = table.key();
        self.tables.push((name, table.arn().text(), key));
        self.statements.extend([
            Statement::allow(["dynamodb:RestoreTableFromBackup"])
                .on(join![table.arn(), "/backup/*"]),
            key.used_by(
                "dynamodb",
                [
                    "kms:Decrypt",
                    "kms:DescribeKey",
                    "kms:Encrypt",
                    "kms:GenerateDataKey",
                    "kms:ReEncryptFrom",
                    "kms:ReEncryptTo",
                ],
            ),
            key.used_by("dynamodb", ["kms:CreateGrant"]).when(
                "Bool",
                "kms:GrantIsForAWSResource",
                "true",
            ),
        ]);
        self
    }

    /// Tells `topic` of restores that failed; what cannot be delivered is kept in
    /// `undelivered`.
    pub fn notifies(mut self, topic: &TopicRef, undelivered: &QueueRef<Undelivered>) -> Self {
        self.failures = Some(Failures {
            topic: *topic,
            undelivered: *undelivered,
        });
        self
    }
}

impl Construct for RestoreTest {
    type Handle = ();

    fn build(self, scope: &mut Scope<'_>) {
        if self.tables.is_empty() {
            scope.problem(
                "ProtectedResourceArns",
                "tests nothing",
                "name a table with `.table(..)`",
            );
        }
        // Of what a name may hold, Backup takes letters, digits and underscores.
        let name = name_of(scope, LONGEST_NAME).replace('-', "_");
        let restored = arn_here("dynamodb", RESTORED);
        let role = Role::new(Service::Backup, "Restores tables to test their backups")
            .with(self.statements)
            .with([
                Statement::allow([
                    "dynamodb:BatchWriteItem",
                    "dynamodb:DeleteItem",
                    "dynamodb:DescribeTable",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:Query",
                    "dynamodb:RestoreTableFromAwsBackup",
                    "dynamodb:RestoreTableFromBackup",
                    "dynamodb:Scan",
                    "dynamodb:UpdateItem",
                ])
                .on(restored),
                Statement::allow(["kms:Decrypt", "kms:DescribeKey"]).on(self.vault.key.arn()),
            ]);
        let role = scope.add("Role", role);
        let newest = cfn::RestoreTestingPlanRestoreTestingRecoveryPointSelection::new(
            "LATEST_WITHIN_WINDOW",
            [self.vault.arn()],
            ["SNAPSHOT"],
        )
        .selection_window_days(NEWEST_DAYS);
        let plan = cfn::RestoreTestingPlan::new(newest, name.as_str(), "cron(0 6 1 * ? *)");
        let plan = plan.start_window_hours(1).build(scope);
        for (table, arn, key) in self.tables {
            let selection =
                cfn::RestoreTestingSelection::new(role.arn(), "DynamoDB", name.as_str(), table)
                    .protected_resource_arns([arn])
                    .restore_metadata_overrides([
                        ("encryptionType", Value::from("KMS")),
                        ("kmsMasterKeyArn", key.arn().text()),
                    ])
                    .validation_window_hours(VALIDATION_HOURS);
            let selection = scope.add(table, selection);
            scope.depends_on(selection.id(), plan.id());
        }
        if let Some(failures) = self.failures {
            let failed = jobs("Restore Job State Change", "status");
            scope.add("RestoreFailed", failures.told(failed));
        }
    }
}

impl PlanRef {
    /// Returns the plan's id.
    pub const fn id(self) -> Value<String> {
        self.id.reference()
    }

    /// Returns the plan's ARN.
    pub const fn arn(self) -> Value<Arn<Plan>> {
        self.id.attribute("BackupPlanArn")
    }
}

impl VaultRef {
    /// Allows a role to fill the vault, with its key.
    fn filled(self) -> [Statement; 3] {
        let encrypt = [
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ];
        [
            Statement::allow(["backup:CopyIntoBackupVault", "backup:DescribeBackupVault"])
                .on(self.arn()),
            Statement::allow(encrypt).on(self.key.arn()),
            Statement::allow(["kms:CreateGrant"])
                .on(self.key.arn())
                .when("Bool", "kms:GrantIsForAWSResource", "true"),
        ]
    }
}

/// Allows Backup's own rules, by which it sees what changes in a bucket.
fn watching_buckets() -> [Statement; 2] {
    [
        Statement::allow([
            "events:DeleteRule",
            "events:DescribeRule",
            "events:DisableRule",
            "events:EnableRule",
            "events:ListTargetsByRule",
            "events:PutRule",
            "events:PutTargets",
            "events:RemoveTargets",
        ])
        .on(arn_here("events", "rule/AwsBackupManagedRule*")),
        // Buckets, rules and metrics are listed all or none: AWS knows no resource
        // for it.
        Statement::allow([
            "cloudwatch:GetMetricData",
            "events:ListRules",
            "s3:ListAllMyBuckets",
        ])
        .on_everything(),
    ]
}

#[cfg(test)]
mod tests {
    use lightsout_core::Tree;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::{
        cfn::{kms, sns},
        dynamodb::Table,
        fixture::{problems, synth},
        kms::Key,
        s3::Bucket,
        sns::Topic,
        sqs::Queue,
    };

    fn template(removal: Removal) -> Json {
        let assembly = synth(|scope| {
            let data = scope.add("Data", Key::new("Data"));
            let table = scope.add("Table", Table::<()>::new(&data, "id"));
            let bucket = scope.add("Bucket", Bucket::<()>::new(&data).event_bridge());
            let key = scope.add("Key", Key::new("Backups").removal(removal));
            let people = scope.add("People", Topic::new(&key));
            let lost = scope.add("Lost", Queue::<Undelivered>::new(&key));
            let vault = Vault::new(&key).notifies(&people, &lost);
            let vault = scope.add("Vault", vault);
            let elsewhere = "arn:aws:backup:eu-west-1:111122223333:backup-vault:copies";
            let rule = BackupRule::daily().copy_to(elsewhere);
            scope.add(
                "Plan",
                Plan::new(&vault, rule).table(&table).bucket(&bucket),
            );
            let test = RestoreTest::monthly(&vault).table("Tables", &table);
            scope.add("Test", test.notifies(&people, &lost));
        });
        let template = assembly.template("Test");
        let admits = || {
            Tree::object([(
                "Statement",
                vec![Tree::object([
                    (
                        "Principal",
                        Tree::object([("Service", "backup.amazonaws.com".into())]),
                    ),
                    (
                        "Condition",
                        Tree::object([(
                            "ArnLike",
                            Tree::object([(
                                "aws:SourceArn",
                                arn_here("backup", "backup-vault:*").into(),
                            )]),
                        )]),
                    ),
                ])]
                .into(),
            )])
        };
        template.has(kms::Key::matching().key_policy(admits()));
        template.has(sns::TopicPolicy::matching().policy_document(admits()));
        template.json()["Resources"].clone()
    }

    #[test]
    fn a_vault_is_encrypted_locked_and_kept() {
        let json = template(Removal::Keep);
        let vault = &json["Vault"];
        assert_eq!(vault["DeletionPolicy"], "Retain");
        let vault = &vault["Properties"];
        assert_eq!(vault["EncryptionKeyArn"]["Fn::GetAtt"][0], "Key");
        assert_eq!(vault["LockConfiguration"], json!({"MinRetentionDays": 35}));
        assert_eq!(vault["Notifications"]["SNSTopicArn"]["Ref"], "People");
        let passing = template(Removal::Destroy);
        assert!(
            passing["Vault"]["Properties"]
                .get("LockConfiguration")
                .is_none()
        );
    }

    #[test]
    fn a_plan_runs_daily_keeps_for_35_days_and_copies_elsewhere() {
        let json = template(Removal::Keep);
        let rule = &json["Plan"]["Properties"]["BackupPlan"]["BackupPlanRule"][0];
        assert_eq!(rule["ScheduleExpression"], "cron(0 5 * * ? *)");
        assert_eq!(rule["Lifecycle"]["DeleteAfterDays"], 35);
        let copy = &rule["CopyActions"][0];
        assert_eq!(copy["Lifecycle"]["DeleteAfterDays"], 35);
        assert_eq!(
            copy["DestinationBackupVaultArn"],
            "arn:aws:backup:eu-west-1:111122223333:backup-vault:copies"
        );
        let selection = &json["PlanSelection"]["Properties"]["BackupSelection"];
        assert_eq!(
            selection["Resources"],
            json!([{"Fn::GetAtt": ["Table", "Arn"]}, {"Fn::GetAtt": ["Bucket", "Arn"]}])
        );
    }

    #[test]
    fn the_role_reads_what_is_named_with_its_key_and_writes_no_data() {
        let json = template(Removal::Keep);
        let policy = &json["PlanRolePolicy"]["Properties"]["PolicyDocument"]["Statement"];
        let mut everywhere = Vec::new();
        let mut keys = Vec::new();
        for statement in policy.as_array().unwrap() {
            for action in statement["Action"].as_array().unwrap() {
                let action = action.as_str().unwrap();
                assert!(!action.contains("PutItem") && !action.contains("PutObject"));
                if statement["Resource"] == "*" {
                    everywhere.push(action);
                }
            }
            if statement["Condition"]["StringEquals"]
                .get("kms:ViaService")
                .is_some()
            {
                keys.push(&statement["Resource"]["Fn::GetAtt"][0]);
            }
        }
        assert_eq!(
            everywhere,
            [
                "cloudwatch:GetMetricData",
                "events:ListRules",
                "s3:ListAllMyBuckets"
            ]
        );
        assert_eq!(keys, ["Data", "Data"]);
    }

    #[test]
    fn jobs_that_come_to_nothing_are_told_by_rules() {
        let json = template(Removal::Keep);
        let pattern = |id: &str| &json[id]["Properties"]["EventPattern"];
        let failed = json!(["ABORTED", "EXPIRED", "FAILED"]);
        let backup = &pattern("VaultBackupFailed")["detail"];
        assert_eq!(backup["state"], failed);
        let vault = &json["Vault"]["Properties"]["BackupVaultName"];
        assert_eq!(&backup["backupVaultName"][0], vault);
        let restore = pattern("TestRestoreFailed");
        assert_eq!(restore["detail"]["status"], failed);
        assert_eq!(restore["detail-type"][0], "Restore Job State Change");
        let told = json["Vault"]["Properties"]["Notifications"]["BackupVaultEvents"].to_string();
        assert!(!told.contains("BACKUP_JOB"), "no longer told: {told}");
    }

    #[test]
    fn a_test_restores_into_tables_of_its_own_with_the_key_of_what_it_restores() {
        let json = template(Removal::Keep);
        let selection = &json["TestTables"]["Properties"];
        let overrides = &selection["RestoreMetadataOverrides"];
        assert_eq!(overrides["encryptionType"], "KMS");
        assert_eq!(overrides["kmsMasterKeyArn"]["Fn::GetAtt"][0], "Data");
        let name = &json["Test"]["Properties"]["RestoreTestingPlanName"];
        assert_eq!(&selection["RestoreTestingPlanName"], name);
        assert!(!name.as_str().unwrap().contains('-'), "{name}");
        let policy = &json["TestRolePolicy"]["Properties"]["PolicyDocument"]["Statement"];
        for statement in policy.as_array().unwrap() {
            let actions = statement["Action"].to_string();
            if actions.contains("Item") {
                let on = statement["Resource"].to_string();
                assert!(on.contains("awsbackup-restore-test-*"), "{on}");
            }
        }
    }

    #[test]
    fn what_backup_refuses_is_a_problem() {
        let problems = problems(|scope| {
            let key = scope.add("Key", Key::new("Backups"));
            let lock = VaultLock::Compliance { grace_days: 2 };
            let vault = scope.add("Vault", Vault::new(&key).lock(lock));
            let rule = BackupRule::cron("Hasty", "5 *")
                .keep_days(34)
                .cold_after_days(1);
            scope.add("Plan", Plan::new(&vault, rule));
            scope.add("Test", RestoreTest::monthly(&vault));
        });
        let properties: Vec<&str> = problems
            .iter()
            .filter_map(|problem| problem.property.as_deref())
            .collect();
        for property in [
            "ChangeableForDays",
            "DeleteAfterDays",
            "MoveToColdStorageAfterDays",
            "ProtectedResourceArns",
            "Resources",
            "ScheduleExpression",
        ] {
            assert!(properties.contains(&property), "{property}: {properties:?}");
        }
        assert_eq!(properties.len(), 6);
    }
}
