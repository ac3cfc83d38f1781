//! Secrets that AWS makes up, that programs read, and that change by themselves.

use std::{fmt, marker::PhantomData, time::Duration};

use lightsout_contract::{ReadSecret, RotateSecret};
use lightsout_core::{
    Arn, Check, Construct, Finding, Part, Pseudo, Resource, ResourceId, Resources, Scope, Token,
    Tree, Value, join,
};

use crate::{
    Wired,
    cfn::secretsmanager,
    iam::{PolicyDocument, Statement},
    kms::KeyRef,
    lambda::FunctionRef,
    limits,
};

/// A secret that holds a `T`: made up by AWS, and in no template.
///
/// It is encrypted with a key of the account, of 32 characters unless said, and
/// closed to every other account.
///
/// ```
/// use lightsout::{App, Stage, cfn, kms::Key, secretsmanager::Secret};
///
/// /// What signs answers.
/// struct SigningKey;
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Secrets");
/// let key = stack.add("Key", Key::new("Secrets"));
/// let signing = stack.add("Signing", Secret::<SigningKey>::new(&key).length(64));
/// let reader = signing.reader();
///
/// let assembly = app.synth()?;
/// assembly.template("Secrets").count::<cfn::secretsmanager::Secret>(1);
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug)]
pub struct Secret<T> {
    key: KeyRef,
    length: u32,
    characters: Characters,
    within: Option<(Vec<(String, String)>, String)>,
    description: Option<String>,
    of: PhantomData<fn() -> T>,
}

/// Which characters a secret is made up from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Characters {
    /// Letters, digits and signs, at least one of each class.
    #[default]
    All,
    /// Letters and digits: for what is part of an address.
    LettersAndDigits,
}

/// A secret that was added to a stack.
pub struct SecretRef<T> {
    id: ResourceId,
    key: KeyRef,
    of: PhantomData<fn() -> T>,
}

/// The text of a secret, which `CloudFormation` fills in where AWS takes it.
///
/// It is no [`Value`], so that it cannot end in a variable, an output, a tag or a
/// log by accident.
#[derive(Clone, PartialEq)]
pub struct SecretText(Value<String>);

/// Replaces a secret by another, again and again.
///
/// A function does it, which is given [`SecretRef::rotator`].
#[derive(Debug, Clone)]
pub struct Rotation {
    secret: ResourceId,
    function: FunctionRef<()>,
    every: Duration,
}

/// Forbids secrets in properties that are shown or logged.
///
/// `CloudFormation` fills in a reference to a secret anywhere in a resource: in a
/// function's variables, user data or a tag it would lie open.
#[derive(Debug, Clone, Copy)]
pub struct NoSecretsInTheOpen;

impl<T> Secret<T> {
    /// A secret that is encrypted with `key`.
    pub fn new(key: &KeyRef) -> Self {
        Self {
            key: *key,
            length: 32,
            characters: Characters::default(),
            within: None,
            description: None,
            of: PhantomData,
        }
    }

    /// Makes the secret this long, 16 to 4096 characters; 32 unless said.
    pub fn length(mut self, characters: u32) -> Self {
        self.length = characters;
        self
    }

    /// Makes the secret from other characters.
    pub fn characters(mut self, characters: Characters) -> Self {
        self.characters = characters;
        self
    }

    /// Makes the secret the field `field` of a JSON object, beside fields that are
    /// no secret, such as a user's name.
    pub fn within<K: Into<String>, V: Into<String>>(
        mut self,
        field: impl Into<String>,
        others: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let others = others
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        self.within = Some((others, field.into()));
        self
    }

    /// Says what the secret is for.
    pub fn describe(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }
}

impl<T> Construct for Secret<T> {
    type Handle = SecretRef<T>;

    fn build(self, scope: &mut Scope<'_>) -> SecretRef<T> {
        limits::within(
            scope,
            "GenerateSecretString.PasswordLength",
            self.length,
            &(16..=4096),
            " characters",
        );
        let mut text = secretsmanager::SecretGenerateSecretString::new()
            .password_length(self.length)
            .require_each_included_type(true)
            .exclude_punctuation(self.characters == Characters::LettersAndDigits);
        if let Some((others, field)) = self.within {
            let others = others.into_iter().map(|(name, value)| (name, value.into()));
            text = text
                .secret_string_template(crate::json::text(Tree::object(others)))
                .generate_string_key(field);
        }
        let mut secret = secretsmanager::Secret::new()
            .kms_key_id(self.key.arn())
            .generate_secret_string(text);
        if let Some(text) = self.description {
            secret = secret.description(text);
        }
        let secret = secret.build(scope).id();
        self.key.removal().apply(scope, secret);
        let deny = Statement::deny(["secretsmanager:*"])
            .sid("DenyOtherAccounts")
            .to_everyone()
            .on_everything()
            .when("StringNotEquals", "aws:PrincipalAccount", Pseudo::AccountId)
            .when("Bool", "aws:PrincipalIsAWSService", "false");
        scope.add(
            "Policy",
            secretsmanager::ResourcePolicy::new(
                PolicyDocument::new().with(deny),
                secret.reference::<String>(),
            )
            .block_public_policy(true),
        );
        SecretRef {
            id: secret,
            key: self.key,
            of: PhantomData,
        }
    }
}

impl<T> SecretRef<T> {
    /// Lets a program read the secret: its ARN, with the permission.
    pub fn reader(&self) -> Wired<ReadSecret<T>> {
        Wired::new(self.arn(), self.arn()).and(self.key.used_by("secretsmanager", ["kms:Decrypt"]))
    }

    /// Lets a program replace the secret by another: its ARN, with the permission.
    pub fn rotator(&self) -> Wired<RotateSecret<T>> {
        Wired::new(self.arn(), self.arn())
            .and(
                self.key
                    .used_by("secretsmanager", ["kms:Decrypt", "kms:GenerateDataKey"]),
            )
            // A new text is made up for no secret in particular.
            .and(Statement::allow(["secretsmanager:GetRandomPassword"]).on_everything())
    }

    /// Returns the secret's ARN.
    pub const fn arn(&self) -> Value<Arn<Secret<T>>> {
        self.id.reference()
    }

    /// Returns the whole text of the secret.
    pub fn text(&self) -> SecretText {
        SecretText(join![
            "{{resolve:secretsmanager:",
            self.arn(),
            ":SecretString}}",
        ])
    }

    /// Returns one field of a secret that is a JSON object.
    pub fn field(&self, name: &str) -> SecretText {
        SecretText(join![
            "{{resolve:secretsmanager:",
            self.arn(),
            ":SecretString:",
            name,
            "}}",
        ])
    }
}

impl<T> Clone for SecretRef<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for SecretRef<T> {}

impl<T> fmt::Debug for SecretRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretRef").field(&self.id).finish()
    }
}

impl SecretText {
    /// Returns the text for a property that AWS keeps secret, such as a password.
    pub fn into_secret_property(self) -> Value<String> {
        self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText")
    }
}

impl Rotation {
    /// Replaces `secret` by way of `function`, every 30 days unless said.
    pub fn new<T, P>(secret: &SecretRef<T>, function: &FunctionRef<P>) -> Self {
        Self {
            secret: secret.id,
            function: function.untyped(),
            every: Duration::from_hours(30 * 24),
        }
    }

    /// Replaces the secret each time that this has passed, 1 to 365 whole days.
    pub fn every(mut self, period: Duration) -> Self {
        self.every = period;
        self
    }
}

impl Construct for Rotation {
    type Handle = ();

    fn build(self, scope: &mut Scope<'_>) {
        const DAY: u32 = 24 * 60;
        const DAYS: &str = "RotationRules.AutomaticallyAfterDays";
        let minutes = limits::minutes(scope, DAYS, self.every, &(DAY..=365 * DAY));
        if !minutes.is_multiple_of(DAY) {
            scope.problem(
                DAYS,
                format_args!("is replaced every `{:?}`", self.every),
                "use whole days",
            );
        }
        let permission = self.function.admit(
            scope,
            "Permission",
            "secretsmanager.amazonaws.com",
            self.secret.reference::<String>(),
        );
        let rules = secretsmanager::RotationScheduleRotationRules::new()
            .automatically_after_days(minutes / DAY);
        let rotation = secretsmanager::RotationSchedule::new(self.secret.reference::<String>())
            .rotation_lambda_arn(self.function.arn())
            .rotation_rules(rules)
            .build(scope);
        scope.depends_on(rotation.id(), permission);
    }
}

/// Properties that are shown or logged, wherever they occur.
const OPEN: [&str; 8] = [
    "Description",
    "Environment",
    "Format",
    "LaunchTemplateData",
    "Name",
    "Tags",
    "UserData",
    "Value",
];

impl Check for NoSecretsInTheOpen {
    fn rule(&self) -> &'static str {
        "no-secrets-in-the-open"
    }

    fn check(&self, resource: &Resource, _: &Resources<'_>) -> Vec<Finding> {
        let open = resource
            .properties()
            .iter()
            .filter(|(property, tree)| OPEN.contains(property) && has_secret(tree));
        open.map(|(property, _)| {
            Finding::new("let the program read the secret itself, with `SecretRef::reader`")
                .at(property)
        })
        .collect()
    }
}

fn has_secret(tree: &Tree) -> bool {
    const REFERENCE: &str = "{{resolve:secretsmanager:";
    match tree {
        Tree::Literal(_) => tree.as_str().is_some_and(|text| text.contains(REFERENCE)),
        Tree::Token(token) => has_reference(token),
        Tree::List(items) => items.iter().any(has_secret),
        Tree::Map(entries) => entries.iter().any(|(_, tree)| has_secret(tree)),
    }
}

fn has_reference(token: &Token) -> bool {
    let in_part = |part: &Part| match part {
        Part::Text(text) => text.contains("{{resolve:secretsmanager:"),
        Part::Token(token) => has_reference(token),
    };
    match token {
        Token::Join(parts) => parts.iter().any(in_part),
        Token::Base64(part) | Token::Split(_, part) => in_part(part),
        Token::Select(_, tree) => has_secret(tree),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use lightsout_core::{App, Stage};

    use super::*;
    use crate::{
        cfn,
        fixture::{key, synth, with_function},
    };

    #[test]
    fn a_secret_without_options_is_made_up_encrypted_and_kept() {
        let assembly = synth(|scope| {
            let key = key(scope);
            scope.add("Secret", Secret::<()>::new(&key));
        });
        let json = &assembly.template("Test").json()["Resources"];
        let secret = &json["Secret"]["Properties"];
        assert_eq!(secret["KmsKeyId"]["Fn::GetAtt"][0], "Key");
        assert_eq!(secret["GenerateSecretString"]["PasswordLength"], 32);
        assert!(secret["SecretString"].is_null());
        assert_eq!(json["Secret"]["DeletionPolicy"], "Retain");
        let policy = &json["SecretPolicy"]["Properties"];
        assert_eq!(policy["BlockPublicPolicy"], true);
        assert_eq!(policy["ResourcePolicy"]["Statement"][0]["Effect"], "Deny");
    }

    #[test]
    fn a_reader_may_decrypt_by_way_of_secrets_manager_alone() {
        let mut statements = String::new();
        synth(|scope| {
            let key = key(scope);
            let secret = scope.add("Secret", Secret::<()>::new(&key));
            statements = format!("{:?}", secret.reader().statements());
        });
        assert!(
            statements.contains("secretsmanager:GetSecretValue"),
            "{statements}"
        );
        assert!(statements.contains("kms:ViaService"), "{statements}");
        assert!(!statements.contains("PutSecretValue"), "{statements}");
    }

    #[test]
    fn a_rotation_is_by_a_function_that_the_service_may_invoke() {
        let assembly = with_function(|scope, key, function| {
            let secret = scope.add(
                "Secret",
                Secret::<()>::new(&key).within("password", [("user", "coder")]),
            );
            scope.add("Rotation", Rotation::new(&secret, &function));
        });
        let template = assembly.template("Test");
        template.has(cfn::lambda::Permission::matching().principal("secretsmanager.amazonaws.com"));
        let json = &template.json()["Resources"];
        let rotation = &json["Rotation"];
        assert_eq!(
            rotation["Properties"]["RotationRules"]["AutomaticallyAfterDays"],
            30
        );
        assert_eq!(rotation["DependsOn"][0], "RotationPermission");
        let text = &json["Secret"]["Properties"]["GenerateSecretString"];
        assert_eq!(text["SecretStringTemplate"], r#"{"user":"coder"}"#);
        assert_eq!(text["GenerateStringKey"], "password");
    }

    #[test]
    fn a_secret_in_the_open_is_a_problem_and_one_where_it_belongs_is_not() {
        let mut app = App::new("clinic", Stage::new("dev"));
        app.check(NoSecretsInTheOpen);
        let mut scope = app.stack("Test");
        let key = key(&mut scope);
        let secret = scope.add("Secret", Secret::<()>::new(&key));
        let text = secret.field("password").into_secret_property();
        let open = cfn::ssm::Parameter::new("String", text.clone());
        scope.add("Open", open);
        scope.add(
            "Closed",
            lightsout_core::RawResource::new("AWS::RDS::DBCluster")
                .with("MasterUsername", "coder")
                .with("MasterUserPassword", text),
        );
        let problems = app.synth().unwrap_err().problems;
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert_eq!(problems[0].path, "Test/Open");
        assert_eq!(format!("{:?}", secret.text()), "SecretText");
    }

    #[test]
    fn what_is_too_short_or_too_rare_is_a_problem() {
        let mut app = App::new("clinic", Stage::new("dev"));
        let mut scope = app.stack("Test");
        let key = key(&mut scope);
        scope.add("Secret", Secret::<()>::new(&key).length(8));
        assert_eq!(app.synth().unwrap_err().problems.len(), 1);
    }
}
