//! A record with its place in the chain.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Access;

/// The stream that names all others.
pub const REGISTER: &str = "register";

/// What stands before the first record of a stream.
pub(crate) const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A record as it is stored.
///
/// The hash is that of the text as it stands: whoever verifies need not write JSON as the
/// writer did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The stream that it stands in.
    pub stream: String,
    /// Its place there, from 1.
    pub number: u64,
    /// A [`Link`] as JSON.
    pub body: String,
    /// SHA-256 of the body, in hexadecimal digits.
    pub hash: String,
}

/// What is hashed: the record, its place, and the hash of the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The stream that it belongs to.
    pub stream: String,
    /// Its place there.
    pub number: u64,
    /// The hash of the record before it.
    pub previous: String,
    /// What it says.
    pub said: Said,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// Somebody read something.
    Access(Box<Access>),
    /// A stream begins; in the register.
    Opened(Opened),
}

/// A stream that begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// The stream's name.
    pub stream: String,
    /// The hash of its first record.
    pub first: String,
}

impl Entry {
    /// Chains what is said behind the record with the hash `previous`.
    pub(crate) fn new(stream: &str, number: u64, previous: &str, said: Said) -> Self {
        let link = Link {
            stream: stream.to_owned(),
            number,
            previous: previous.to_owned(),
            said,
        };
        let body = serde_json::to_string(&link).expect("a record has text as keys");
        Self {
            stream: link.stream,
            number,
            hash: hash(&body),
            body,
        }
    }

    /// Reads what is recorded, unless the text is no record.
    pub fn link(&self) -> Option<Link> {
        serde_json::from_str(&self.body).ok()
    }
}

pub(crate) fn hash(body: &str) -> String {
    format!("{:x}", Sha256::digest(body))
}
