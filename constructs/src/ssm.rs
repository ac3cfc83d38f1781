//! Parameters that programs read, and how sessions on hosts are recorded.

use std::{fmt, marker::PhantomData, time::Duration};

use lightsout_contract::ReadParameter;
use lightsout_core::{Construct, Name, Pseudo, ResourceId, Scope, Tree, Value, join};

use crate::{Wired, cfn::ssm, iam::Statement, kms::KeyRef, limits, logs::LogGroupRef};

/// A parameter that holds a `T` as text: never a secret, which
/// [`secretsmanager`](crate::secretsmanager) is for.
///
/// ```
/// use lightsout::{App, Stage, cfn, ssm::Parameter};
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Settings");
/// let limit = stack.add("Limit", Parameter::<u32>::new("/clinic/dev/limit", "100"));
/// let reader = limit.reader();
///
/// let assembly = app.synth()?;
/// assembly.template("Settings").has(cfn::ssm::Parameter::matching().type_("String"));
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug)]
pub struct Parameter<T> {
    name: String,
    kind: &'static str,
    value: Value<String>,
    wrong: Option<&'static str>,
    description: Option<String>,
    of: PhantomData<fn() -> T>,
}

/// A parameter that was added to a stack.
pub struct ParameterRef<T> {
    id: ResourceId,
    of: PhantomData<fn() -> T>,
}

/// How people's sessions on hosts are recorded, and when they end by themselves.
///
/// A session is encrypted with a key of the account, everything in it is in a log,
/// and it ends after 15 minutes without a keystroke.
#[derive(Debug, Clone)]
pub struct SessionPreferences {
    logs: LogGroupRef,
    key: KeyRef,
    idle: Duration,
    longest: Duration,
}

/// The preferences that were added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionPreferencesRef {
    id: ResourceId,
    logs: LogGroupRef,
    key: KeyRef,
}

/// The most that a parameter of the standard tier holds, in bytes.
const LONGEST_VALUE: usize = 4096;

impl<T> Parameter<T> {
    /// A text, by a name that is a path such as `/clinic/dev/limit`.
    pub fn new(name: impl Into<String>, value: impl Into<Value<String>>) -> Self {
        let value = value.into();
        let wrong = value.literal().and_then(|text| {
            if text.is_empty() {
                Some("is empty")
            } else if text.len() > LONGEST_VALUE {
                Some("has a value of more than 4096 bytes")
            } else if looks_secret(text) {
                Some("has a value that looks like a secret")
            } else {
                None
            }
        });
        Self {
            name: name.into(),
            kind: "String",
            value,
            wrong,
            description: None,
            of: PhantomData,
        }
    }

    /// A list of texts, by a name that is a path such as `/clinic/dev/codes`.
    pub fn list<S: AsRef<str>>(
        name: impl Into<String>,
        values: impl IntoIterator<Item = S>,
    ) -> Self {
        let values: Vec<S> = values.into_iter().collect();
        let has_comma = values.iter().any(|value| value.as_ref().contains(','));
        let texts: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        let mut parameter = Self::new(name, texts.join(","));
        parameter.kind = "StringList";
        if has_comma {
            parameter.wrong = Some("has an item with a comma, which parts items");
        }
        parameter
    }

    /// Says what the parameter is for.
    pub fn describe(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }
}

impl<T> Construct for Parameter<T> {
    type Handle = ParameterRef<T>;

    fn build(self, scope: &mut Scope<'_>) -> ParameterRef<T> {
        let is_path = self.name.starts_with('/')
            && self.name.len() <= 1011
            && self.name.split('/').skip(1).all(|part| {
                !part.is_empty()
                    && part
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
            })
            && !["aws", "ssm"]
                .iter()
                .any(|word| self.name[1..].to_ascii_lowercase().starts_with(word));
        if !is_path {
            scope.problem(
                "Name",
                format_args!("has `{}` as its name", self.name),
                "write it like `/clinic/dev/limit`, and not below `/aws` or `/ssm`",
            );
        }
        if let Some(wrong) = self.wrong {
            scope.problem(
                "Value",
                wrong,
                "give it a value of 1 to 4096 bytes, and keep secrets in Secrets Manager",
            );
        }
        let mut parameter = ssm::Parameter::new(self.kind, self.value)
            .name(self.name)
            .tier("Standard");
        if let Some(text) = self.description {
            parameter = parameter.description(text);
        }
        ParameterRef {
            id: parameter.build(scope).id(),
            of: PhantomData,
        }
    }
}

impl<T> ParameterRef<T> {
    /// Lets a program read the parameter: its name, with the permission.
    pub fn reader(&self) -> Wired<ReadParameter<T>> {
        Wired::new(
            self.name(),
            join![
                "arn:",
                Pseudo::Partition,
                ":ssm:",
                Pseudo::Region,
                ":",
                Pseudo::AccountId,
                ":parameter",
                self.name(),
            ],
        )
    }

    /// Returns the parameter's name, with its leading `/`.
    pub const fn name(&self) -> Value<Name<Parameter<T>>> {
        self.id.reference()
    }

    /// Returns the parameter's value, as it is when the stack is deployed.
    pub const fn value(&self) -> Value<String> {
        self.id.attribute("Value")
    }
}

impl<T> Clone for ParameterRef<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ParameterRef<T> {}

impl<T> fmt::Debug for ParameterRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ParameterRef").field(&self.id).finish()
    }
}

/// Returns the value of a parameter that no stack of the app has, such as one of
/// AWS's own, as it is when the stack is deployed.
///
/// ```
/// use lightsout::{Value, ssm::value_of};
///
/// let image = value_of("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64");
/// assert_eq!(
///     image,
///     Value::from("{{resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64}}"),
/// );
/// ```
pub fn value_of(name: impl Into<Value<String>>) -> Value<String> {
    join!["{{resolve:ssm:", name.into(), "}}"]
}

impl SessionPreferences {
    /// Sessions in the log group `logs`, encrypted with `key`.
    pub fn new(logs: &LogGroupRef, key: &KeyRef) -> Self {
        Self {
            logs: *logs,
            key: *key,
            idle: Duration::from_mins(15),
            longest: Duration::from_hours(1),
        }
    }

    /// Ends a session after this long without a keystroke, 1 to 20 minutes; 15
    /// unless said.
    pub fn idle(mut self, period: Duration) -> Self {
        self.idle = period;
        self
    }

    /// Ends every session after this long, 1 minute to 24 hours; 1 hour unless said.
    pub fn longest(mut self, period: Duration) -> Self {
        self.longest = period;
        self
    }
}

impl Construct for SessionPreferences {
    type Handle = SessionPreferencesRef;

    fn build(self, scope: &mut Scope<'_>) -> SessionPreferencesRef {
        let idle = limits::minutes(
            scope,
            "Content.inputs.idleSessionTimeout",
            self.idle,
            &(1..=20),
        );
        let longest = limits::minutes(
            scope,
            "Content.inputs.maxSessionDuration",
            self.longest,
            &(1..=1440),
        );
        let inputs = Tree::object([
            ("cloudWatchLogGroupName", self.logs.name().into()),
            ("cloudWatchEncryptionEnabled", true.into()),
            ("cloudWatchStreamingEnabled", true.into()),
            ("kmsKeyId", self.key.arn().into()),
            ("idleSessionTimeout", idle.to_string().into()),
            ("maxSessionDuration", longest.to_string().into()),
            ("runAsEnabled", false.into()),
        ]);
        let content = Tree::object([
            ("schemaVersion", "1.0".into()),
            ("description", "Encrypted and recorded sessions".into()),
            ("sessionType", "Standard_Stream".into()),
            ("inputs", inputs),
        ]);
        let document = ssm::Document::new(content)
            .document_type("Session")
            .document_format("JSON")
            .update_method("NewVersion");
        SessionPreferencesRef {
            id: document.build(scope).id(),
            logs: self.logs,
            key: self.key,
        }
    }
}

impl SessionPreferencesRef {
    /// Returns what the role of a host must allow for its agent to hold sessions.
    ///
    /// [The agent's actions](https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html)
    /// are about no resource that a policy could name; the log and the key are.
    pub(crate) fn host_statements(self) -> [Statement; 4] {
        [
            Statement::allow([
                "ssm:UpdateInstanceInformation",
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ])
            .on_everything(),
            self.logs.written(),
            Statement::allow(["logs:DescribeLogGroups", "logs:DescribeLogStreams"]).on_everything(),
            // Both ends of a session decrypt with the key, not a service for them.
            Statement::allow(["kms:Decrypt"]).on(self.key.arn()),
        ]
    }

    /// Returns the name of the document, which a session is started with.
    pub const fn name(self) -> Value<Name<SessionPreferences>> {
        self.id.reference()
    }
}

/// Returns whether `text` has the shape of a credential.
fn looks_secret(text: &str) -> bool {
    let is_access_key = |word: &str| {
        word.len() == 20
            && (word.starts_with("AKIA") || word.starts_with("ASIA"))
            && word
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    text.contains("-----BEGIN ")
        || text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(is_access_key)
        || ["password=", "secret=", "token="]
            .iter()
            .any(|word| text.to_ascii_lowercase().contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::{key, synth},
        logs::LogGroup,
    };

    #[test]
    fn a_reader_reads_one_parameter() {
        let mut statements = String::new();
        let assembly = synth(|scope| {
            let limit = scope.add("Limit", Parameter::<u32>::new("/clinic/limit", "100"));
            statements = format!("{:?}", limit.reader().statements());
            scope.add(
                "Codes",
                Parameter::<String>::list("/clinic/codes", ["A00", "B99"]),
            );
        });
        assert!(statements.contains("ssm:GetParameter"), "{statements}");
        assert!(!statements.contains("GetParametersByPath"), "{statements}");
        let template = assembly.template("Test");
        template.has(ssm::Parameter::new("StringList", "A00,B99").name("/clinic/codes"));
    }

    #[test]
    fn secrets_and_names_that_ssm_refuses_are_problems() {
        let mut app = lightsout_core::App::new("clinic", lightsout_core::Stage::new("dev"));
        let mut scope = app.stack("Test");
        scope.add("One", Parameter::<String>::new("limit", ""));
        scope.add(
            "Two",
            Parameter::<String>::new("/aws/limit", "AKIAIOSFODNN7EXAMPLE"),
        );
        scope.add("Three", Parameter::<String>::new("/a//b", "password=x"));
        scope.add("Four", Parameter::<String>::list("/a", ["a,b"]));
        assert_eq!(app.synth().unwrap_err().problems.len(), 7);
    }

    #[test]
    fn sessions_are_encrypted_recorded_and_end_by_themselves() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let logs = scope.add("Logs", LogGroup::new(&key));
            scope.add("Sessions", SessionPreferences::new(&logs, &key));
        });
        let document = &assembly.template("Test").json()["Resources"]["Sessions"]["Properties"];
        let inputs = &document["Content"]["inputs"];
        assert_eq!(document["DocumentType"], "Session");
        assert_eq!(inputs["idleSessionTimeout"], "15");
        assert_eq!(inputs["cloudWatchEncryptionEnabled"], true);
        assert_eq!(inputs["kmsKeyId"]["Fn::GetAtt"][0], "Key");
    }
}
