//! Groups of log streams.

use lightsout_core::{Arn, Construct, ResourceId, Scope, Value};

use crate::{cfn::logs, iam::Statement, kms::KeyRef};

/// A log group: encrypted, and kept for 400 days unless told otherwise.
#[derive(Debug, Clone)]
pub struct LogGroup {
    key: KeyRef,
    retention: Retention,
    name: Option<Value<String>>,
}

/// A log group that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogGroupRef {
    id: ResourceId,
}

/// How long log events are kept, of the periods that `CloudWatch` Logs offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retention {
    /// 30 days.
    Days30,
    /// 90 days.
    Days90,
    /// 400 days: what programs say about themselves.
    #[default]
    Days400,
    /// Six years, for records that 45 CFR 164.316(b)(2)(i) is about.
    Days2192,
    /// Ten years.
    Days3653,
}

impl LogGroup {
    /// A log group whose events are encrypted with `key`.
    pub fn new(key: &KeyRef) -> Self {
        Self {
            key: *key,
            retention: Retention::default(),
            name: None,
        }
    }

    /// Keeps events for another period.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Names the group, for services that write to a name of their own choice.
    pub fn named(mut self, name: impl Into<Value<String>>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Construct for LogGroup {
    type Handle = LogGroupRef;

    fn build(self, scope: &mut Scope<'_>) -> LogGroupRef {
        self.key.serve_logs(scope);
        let mut group = logs::LogGroup::new()
            .kms_key_id(self.key.arn())
            .retention_in_days(self.retention.days());
        if let Some(name) = self.name {
            group = group.log_group_name(name);
        }
        let group = group.build(scope);
        self.key.removal().apply(scope, group.id());
        LogGroupRef { id: group.id() }
    }
}

impl LogGroupRef {
    /// Returns the group's name.
    pub const fn name(self) -> Value<String> {
        self.id.reference()
    }

    /// Returns the ARN of the group with `:*`, its streams.
    pub const fn arn(self) -> Value<Arn<LogGroup>> {
        self.id.attribute("Arn")
    }

    /// Returns the group's place in its app.
    pub const fn id(self) -> ResourceId {
        self.id
    }

    /// Allows a role to write to the group, but not to make another.
    pub(crate) fn written(self) -> Statement {
        Statement::allow(["logs:CreateLogStream", "logs:PutLogEvents"]).on(self.arn())
    }
}

impl Retention {
    const fn days(self) -> i64 {
        match self {
            Self::Days30 => 30,
            Self::Days90 => 90,
            Self::Days400 => 400,
            Self::Days2192 => 2192,
            Self::Days3653 => 3653,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{key, synth};

    #[test]
    fn a_log_group_without_options_is_encrypted_and_kept_for_400_days() {
        let assembly = synth(|scope| {
            let key = key(scope);
            scope.add("Logs", LogGroup::new(&key));
        });
        let template = assembly.template("Test");
        template.has(logs::LogGroup::new().retention_in_days(400));
        let group = &template.json()["Resources"]["Logs"];
        assert_eq!(group["Properties"]["KmsKeyId"]["Fn::GetAtt"][0], "Key");
        assert_eq!(group["DeletionPolicy"], "Retain");
    }
}
