//! The record of each read: who asked for what, with no word of a chart.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::store::Fault;

/// What is recorded about one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// The request's id.
    pub request: String,
    /// Who asked, where API Gateway knows.
    pub caller: Option<String>,
    /// The method.
    pub method: String,
    /// The route's pattern, without the ids in it.
    pub route: &'static str,
    /// The run or chart that was asked for.
    pub subject: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// What could not be read.
    pub fault: Option<Fault>,
}

impl AuditRecord {
    /// Returns the record as it is logged.
    ///
    /// The subject is given as the SHA-256 of its id: whoever knows the id
    /// finds every access to it, and whoever reads the log learns none.
    pub fn line(&self) -> Value {
        let digest = self
            .subject
            .as_ref()
            .map(|id| format!("{:x}", Sha256::digest(id)));
        json!({
            "audit": "read",
            "request": self.request,
            "caller": self.caller,
            "method": self.method,
            "route": self.route,
            "subject_sha256": digest,
            "status": self.status,
            "fault": self.fault.as_ref().map(ToString::to_string),
        })
    }
}
