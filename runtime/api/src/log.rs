//! What the log says of a request: only fields of a list, and no word of a chart.

use std::io::Write;

use lightsout_audit::{Access, Receipt};
use lightsout_deidentify::last_line;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::store::Fault;

/// The fields that a line may have.
pub(crate) const ALLOWED: [&str; 15] = [
    "event",
    "request",
    "who",
    "role",
    "tenant",
    "action",
    "purpose",
    "fields",
    "status",
    "fault",
    "charts",
    "chart_sha256",
    "stream",
    "number",
    "hash",
];

/// A line of the log.
#[derive(Debug)]
pub(crate) struct Line(Map<String, Value>);

impl Line {
    /// Tells of an access, and where it stands in the audit trail.
    ///
    /// The trail and the log are kept by different services with different keys: each is a
    /// witness of the other. A chart is told by the SHA-256 of its key: whoever knows it
    /// finds every access to it, and whoever reads the log learns none.
    pub(crate) fn of(access: &Access, fault: Option<&Fault>, receipt: Option<&Receipt>) -> Self {
        let event = match (&access.break_glass, access.status) {
            (Some(_), _) => "break_glass",
            (None, 401 | 403) => "refused",
            _ => "access",
        };
        // A list's charts are in the trail.
        let digest = match access.charts.as_slice() {
            [seen] => {
                let key = format!("{}/{}", access.tenant, seen.chart);
                Some(format!("{:x}", Sha256::digest(key)))
            }
            _ => None,
        };
        let line = json!({
            "event": event,
            "request": access.request,
            "who": access.who,
            "role": access.role,
            "tenant": access.tenant,
            "action": access.action,
            "purpose": access.purpose,
            "fields": access.fields,
            "status": access.status,
            "charts": access.charts.len(),
            "chart_sha256": digest,
            "fault": fault.map(ToString::to_string),
            "stream": receipt.map(Receipt::stream),
            "number": receipt.map(Receipt::number),
            "hash": receipt.map(Receipt::hash),
        });
        match line {
            Value::Object(fields) => Self::allowed(fields),
            _ => Self(Map::new()),
        }
    }

    /// Tells that the time of a request ran out before there was an answer.
    pub(crate) fn out_of_time(request: &str) -> Self {
        let mut fields = Map::new();
        fields.insert("event".to_owned(), "access".into());
        fields.insert("request".to_owned(), request.into());
        fields.insert("fault".to_owned(), "out_of_time".into());
        Self::allowed(fields)
    }

    fn allowed(mut fields: Map<String, Value>) -> Self {
        fields.retain(|name, value| ALLOWED.contains(&name.as_str()) && !value.is_null());
        Self(fields)
    }

    /// Returns the line with whatever looks like an identifier masked, and how often that was.
    fn masked(self) -> (String, usize) {
        let (mut text, hits) = last_line(&Value::Object(self.0).to_string());
        if hits > 0 {
            // The count is what an alarm goes by; it is the first of the fields.
            text.replace_range(..1, &format!("{{\"masked\":{hits},"));
        }
        (text, hits)
    }

    /// Writes the line to standard error; a log that cannot be written stops no answer, for
    /// the access is in the trail.
    pub(crate) fn write(self) {
        let (text, hits) = self.masked();
        debug_assert_eq!(
            hits, 0,
            "a line of the log holds what looks like an identifier"
        );
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    #[cfg(test)]
    pub(crate) fn text(self) -> String {
        Value::Object(self.0).to_string()
    }
}

#[cfg(test)]
mod tests {
    use lightsout_audit::Seen;

    use super::*;

    #[test]
    fn a_line_names_a_chart_only_by_digest_and_has_no_other_field() {
        let access = Access {
            tenant: "north".to_owned(),
            charts: vec![Seen {
                chart: "doe-jane.txt".to_owned(),
                version: "v1".to_owned(),
            }],
            status: 200,
            ..Access::default()
        };
        let text = Line::of(&access, None, None).text();
        assert!(!text.contains("doe"), "{text}");
        let digest = format!("{:x}", Sha256::digest("north/doe-jane.txt"));
        assert!(text.contains(&digest), "{text}");
        let fields = Map::from_iter([("who".to_owned(), json!("roe@mail.example"))]);
        assert_eq!(
            Line::allowed(fields).masked(),
            (r#"{"masked":1,"who":"[EMAIL]"}"#.to_owned(), 1)
        );
        let fields = Map::from_iter([("body".to_owned(), json!("Gout."))]);
        assert_eq!(Line::allowed(fields).text(), "{}");
    }
}
