//! Keys that data is encrypted with.

use lightsout_core::{Arn, Construct, Pseudo, ResourceId, Scope, Value, join};

use crate::{
    Removal, cfn,
    iam::{PolicyDocument, Statement},
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
pub struct Key {
    description: String,
    alias: Option<String>,
    removal: Removal,
}

/// A key that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRef {
    id: ResourceId,
    removal: Removal,
}

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
            removal: Removal::Keep,
        }
    }

    /// Gives the key a name that people find it by, without `alias/`.
    pub fn alias(mut self, name: impl Into<String>) -> Self {
        self.alias = Some(name.into());
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
        let policy = [
            Statement::allow(ADMINISTRATION).sid("Administration"),
            Statement::allow(USE).sid("Use"),
        ];
        let key = cfn::kms::Key::new()
            .description(self.description)
            .enabled(true)
            .enable_key_rotation(true)
            .pending_window_in_days(30)
            .key_policy(
                policy
                    .into_iter()
                    .map(|statement| statement.to_account().on_everything())
                    .collect::<PolicyDocument>(),
            )
            .build(scope);
        self.removal.apply(scope, key.id());
        if let Some(alias) = self.alias {
            scope.add(
                "Alias",
                cfn::kms::Alias::new(format!("alias/{alias}"), key.get(cfn::kms::Key::ARN)),
            );
        }
        KeyRef {
            id: key.id(),
            removal: self.removal,
        }
    }
}

impl KeyRef {
    /// Returns the key's ARN.
    pub const fn arn(self) -> Value<Arn<Key>> {
        self.id.attribute("Arn")
    }

    /// Returns the key's place in its app.
    pub const fn id(self) -> ResourceId {
        self.id
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
    ///
    /// [Encrypt log data in CloudWatch Logs](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html)
    /// names the actions and the encryption context.
    pub(crate) fn serve_logs(self, scope: &mut Scope<'_>) {
        let actions = [
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ];
        let groups = join![
            "arn:",
            Pseudo::Partition,
            ":logs:",
            Pseudo::Region,
            ":",
            Pseudo::AccountId,
            ":log-group:*",
        ];
        self.serve(
            scope,
            Statement::allow(actions).to_regional_service("logs").when(
                "ArnLike",
                "kms:EncryptionContext:aws:logs:arn",
                groups,
            ),
        );
    }

    /// Lets a service hand messages to an encrypted queue or topic.
    pub(crate) fn serve_sender(
        self,
        scope: &mut Scope<'_>,
        service: &'static str,
        source: Value<String>,
    ) {
        self.serve(
            scope,
            Statement::allow(["kms:Decrypt", "kms:GenerateDataKey"])
                .to_service(service)
                .from_account()
                .when("ArnLike", "aws:SourceArn", source),
        );
    }

    fn serve(self, scope: &mut Scope<'_>, statement: Statement) {
        scope.gather(self.id, "KeyPolicy.Statement", statement.on_everything());
    }
}

#[cfg(test)]
mod tests {
    use lightsout_core::{DeletionPolicy, Tree};

    use super::*;
    use crate::{fixture::synth, logs::LogGroup};

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
                vec![Tree::object([(
                    "Principal",
                    Tree::object([(
                        "Service",
                        join!["logs.", Pseudo::Region, ".", Pseudo::UrlSuffix].into(),
                    )]),
                )])]
                .into(),
            )])),
        );
    }
}
