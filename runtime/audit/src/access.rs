//! What is recorded of one access.

use serde::{Deserialize, Serialize};

/// Who read what, why, and how it ended; nothing of what was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// The request's id, which the answer carries too.
    pub request: String,
    /// Who asked: the subject of the verified token; empty where nobody was known.
    pub who: String,
    /// In which role.
    pub role: String,
    /// Of which tenant.
    pub tenant: String,
    /// What was asked for, without the ids in it, such as `GET /charts/{chart}`.
    pub action: String,
    /// What the caller said it is for.
    pub purpose: String,
    /// The charts that the answer tells of, by their opaque ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charts: Vec<Seen>,
    /// The groups of fields that the answer shows of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// The status of the answer.
    pub status: u16,
    /// The emergency that the access was opened for, beyond what the role may see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<BreakGlass>,
    /// Whose tokens were revoked, by the subject in them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<String>,
}

/// A chart that an answer tells of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The chart's opaque id, below its tenant.
    pub chart: String,
    /// The version that was shown.
    pub version: String,
}

/// An emergency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakGlass {
    /// What the caller gave as the reason.
    pub reason: String,
    /// When it ends, in milliseconds since 1970.
    pub until: u64,
}
