//! A carrier: an account, the queue of its scans, and the scans that failed.

use std::time::Duration;

use lightsout::{
    Construct, Ref, Scope, Value,
    kms::KeyRef,
    sqs::{DeadLetters, DeadLettersRef, Queue, QueueRef},
};

use crate::{account::Account, contract::Scan};

/// A carrier that tells us what it scans. No option has to be set.
#[derive(Debug)]
pub struct Carrier {
    name: String,
    key: KeyRef,
    attempts: u16,
}

/// A carrier that was added to a stack.
#[derive(Debug, Clone, Copy)]
pub struct CarrierRef {
    account: Ref<Account>,
    /// What it scanned.
    pub scans: QueueRef<Scan>,
    /// What could not be handled.
    pub failed: DeadLettersRef<Scan>,
}

impl Carrier {
    /// The carrier of this name, whose scans are encrypted with `key`.
    pub fn new(name: impl Into<String>, key: &KeyRef) -> Self {
        Self {
            name: name.into(),
            key: *key,
            attempts: 5,
        }
    }

    /// Tries each scan this many times; 5 unless said.
    pub fn attempts(mut self, attempts: u16) -> Self {
        self.attempts = attempts;
        self
    }
}

// An L2: it consumes itself, adds resources below its own id, and gives back what
// others need to refer to it.
impl Construct for Carrier {
    type Handle = CarrierRef;

    fn build(self, scope: &mut Scope<'_>) -> CarrierRef {
        let failed = scope.add("Failed", DeadLetters::new(&self.key));
        let scans = Queue::new(&self.key)
            .visibility(Duration::from_secs(60))
            .dead_letter(&failed, self.attempts);
        let scans = scope.add("Scans", scans);
        let account = scope.add("Account", Account::new(self.name, scans.arn()));
        CarrierRef {
            account,
            scans,
            failed,
        }
    }
}

impl CarrierRef {
    /// The number of the account, known once it is deployed.
    pub fn number(&self) -> Value<String> {
        self.account.get(Account::NUMBER)
    }
}
