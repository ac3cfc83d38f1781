//! Topics that tell people and programs what happened.

use lightsout_core::{Arn, Construct, Pseudo, ResourceId, Scope, Value, join};

use crate::{
    cfn::sns,
    iam::{PolicyDocument, Statement},
    kms::KeyRef,
};

/// A topic: encrypted, reached over TLS only, closed to every publisher.
///
/// An alarm that [notifies](crate::cloudwatch::AlarmCondition::notifies) the topic
/// is let in by itself, with the key that its message is encrypted with.
#[derive(Debug, Clone)]
pub struct Topic {
    key: KeyRef,
}

/// A topic that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicRef {
    id: ResourceId,
    policy: ResourceId,
    key: KeyRef,
}

impl Topic {
    /// A topic whose messages are encrypted with `key`.
    pub fn new(key: &KeyRef) -> Self {
        Self { key: *key }
    }
}

impl Construct for Topic {
    type Handle = TopicRef;

    fn build(self, scope: &mut Scope<'_>) -> TopicRef {
        let topic = sns::Topic::new()
            .kms_master_key_id(self.key.arn())
            .build(scope);
        let arn: Value<String> = topic.reference();
        let policy = PolicyDocument::new().with(
            Statement::deny(["sns:Publish"])
                .sid("DenyPlainText")
                .to_everyone()
                .on(arn.clone())
                .when("Bool", "aws:SecureTransport", "false"),
        );
        let policy = scope.add("Policy", sns::TopicPolicy::new(policy, [arn]));
        TopicRef {
            id: topic.id(),
            policy: policy.id(),
            key: self.key,
        }
    }
}

impl TopicRef {
    /// Returns the topic's ARN.
    pub const fn arn(self) -> Value<Arn<Topic>> {
        self.id.reference()
    }

    /// Lets the alarms of this account and region publish.
    ///
    /// Without the key's part of it an alarm changes its state and nobody is told.
    pub(crate) fn admit_alarms(self, scope: &mut Scope<'_>) {
        let alarms = join![
            "arn:",
            Pseudo::Partition,
            ":cloudwatch:",
            Pseudo::Region,
            ":",
            Pseudo::AccountId,
            ":alarm:*",
        ];
        self.key
            .serve_sender(scope, "cloudwatch.amazonaws.com", alarms.clone());
        scope.gather(
            self.policy,
            "PolicyDocument.Statement",
            Statement::allow(["sns:Publish"])
                .sid("AllowAlarms")
                .to_service("cloudwatch.amazonaws.com")
                .on(self.arn())
                .from_account()
                .when("ArnLike", "aws:SourceArn", alarms),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{key, synth};

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
}
