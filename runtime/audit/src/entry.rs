//! A record with its place in the chain.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Access;

/// The stream that names all others.
pub const REGISTER: &str = "register";

/// What the keys of sealed records begin with.
pub(crate) const SEALED: &str = "trail/";

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

    /// Returns the key of the object that holds the record's [body](Self::body) once more, where
    /// nobody can change it: the key alone says where the stream goes, and how far.
    ///
    /// ```
    /// use lightsout_audit::{Entry, heads_in_keys};
    ///
    /// let entry = Entry {
    ///     stream: "w.1".to_owned(),
    ///     number: 7,
    ///     body: "{}".to_owned(),
    ///     hash: "ab".to_owned(),
    /// };
    /// assert_eq!(entry.sealed_key(), "trail/w.1/00000000000000000007/ab");
    /// assert_eq!(heads_in_keys([entry.sealed_key().as_str()]).0["w.1"].number, 7);
    /// ```
    pub fn sealed_key(&self) -> String {
        let Self {
            stream,
            number,
            hash,
            ..
        } = self;
        format!("{SEALED}{stream}/{number:020}/{hash}")
    }

    /// Reads what is recorded, unless the text is no record.
    pub fn link(&self) -> Option<Link> {
        serde_json::from_str(&self.body).ok()
    }
}

pub(crate) fn hash(body: &str) -> String {
    format!("{:x}", Sha256::digest(body))
}
