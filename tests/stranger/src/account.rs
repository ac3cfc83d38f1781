//! An account with a carrier: a private type of the CloudFormation registry.

use lightsout::{Arn, Attribute, Properties, ResourceType, Tags, Value, sqs::Queue};

use crate::contract::Scan;

/// An account with a carrier, which puts a message into a queue for each scan.
#[derive(Debug, Clone, Default)]
pub struct Account(Properties);

impl Account {
    /// The number that the carrier gave; a number is text here, and only that.
    pub const NUMBER: Attribute<Self, String> = Attribute::new("Number");

    /// What the type requires is an argument, so that it cannot be forgotten.
    pub fn new(carrier: impl Into<Value<String>>, scans: Value<Arn<Queue<Scan>>>) -> Self {
        Self::matching().carrier(carrier).scans(scans)
    }

    /// No property at all: what a test compares with.
    pub fn matching() -> Self {
        Self::default()
    }

    /// The carrier's name, in lower case.
    pub fn carrier(self, name: impl Into<Value<String>>) -> Self {
        Self(self.0.with("Carrier", name.into()))
    }

    /// Where scans go: the ARN of a queue of scans, and of nothing else.
    pub fn scans(self, queue: Value<Arn<Queue<Scan>>>) -> Self {
        Self(self.0.with("ScansQueueArn", queue))
    }

    /// Who answers when the carrier calls.
    pub fn contact(self, address: impl Into<Value<String>>) -> Self {
        Self(self.0.with("Contact", address.into()))
    }
}

impl From<Account> for Properties {
    fn from(account: Account) -> Self {
        account.0
    }
}

// This is all it takes: `Account` is a construct now, and a matcher for tests.
impl ResourceType for Account {
    const TYPE: &'static str = "Acme::Parcels::Account";
    const REQUIRED: &'static [&'static str] = &["Carrier", "ScansQueueArn"];
    const TAGS: Option<Tags> = Some(Tags::List("Tags"));
}
