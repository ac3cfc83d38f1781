//! Answers: JSON and what else was asked for, or a problem in the form of RFC 9457.

use lightsout_audit::{BreakGlass, Receipt, Seen};
use lightsout_phi::Phi;
use lightsout_protocol::coding::OutcomeKey;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{operation::Fields, store::HandedOut};

/// The largest body that is sent; a larger one is handed out through an object. Lambda allows
/// [6 MB](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)
/// for the whole response, in which quotes and newlines are escaped once more.
const MOST_BYTES: usize = 6_000_000;

/// A response, free of what API Gateway wants around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body as text.
    pub body: String,
}

/// An answer that nobody has seen yet: it is opened by the receipt of its audit record.
pub(crate) struct Prepared {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    body: Phi<String>,
    /// The charts that it tells of.
    pub(crate) charts: Vec<Seen>,
    /// The groups of fields that it shows of them.
    pub(crate) fields: &'static [Fields],
    /// What is still to be done, once it is recorded.
    pub(crate) still: Still,
}

/// What is to be done between the record of an access and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Still {
    /// Nothing.
    Nothing,
    /// The body is too large for a response, and goes into an object.
    SetAside,
    /// The chart is announced to the workers.
    Redrive(OutcomeKey),
    /// The caller's emergency is kept.
    BreakGlass(BreakGlass),
    /// No token of who has this subject, of the caller's tenant, is believed that was issued until
    /// then, in seconds since 1970.
    Revoke(String, u64),
}

/// What went wrong, as its reader should see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem<'a> {
    /// Nobody is known to call.
    Unknown,
    /// The caller's tokens were revoked after this one was issued.
    Revoked,
    /// The caller's role may not ask this.
    NotAllowed,
    /// No such path.
    NoSuchPath,
    /// No such run.
    NoSuchRun,
    /// The chart was not coded or rejected so far, or is not the caller's.
    NoSuchChart,
    /// The chart was not rejected.
    NotRejected,
    /// The caller has used up the allowance; for how many milliseconds.
    TooMany(u64),
    /// The path knows another method; its name.
    MethodNotAllowed(&'static str),
    /// A parameter cannot be used; its name and what it wants.
    BadParameter { name: &'a str, wanted: &'a str },
    /// The operation takes no such parameter.
    UnknownParameter,
    /// The body cannot be used; what it wants.
    BadBody(&'static str),
    /// A store did not answer.
    Unavailable,
    /// The access could not be recorded.
    NotRecorded,
}

impl Prepared {
    /// Answers with JSON that tells nothing of a patient.
    pub(crate) fn plain(body: &impl Serialize) -> Self {
        let body = serde_json::to_string(body).expect("answers have text as keys");
        Self::of(Phi::new(body), "application/json", Vec::new(), &[])
    }

    /// Answers with what tells of `charts`.
    pub(crate) fn of(
        body: Phi<String>,
        content_type: &str,
        charts: Vec<Seen>,
        fields: &'static [Fields],
    ) -> Self {
        let is_large =
            body.bytes() > MOST_BYTES || body.is(|text| escaped_length(text) > MOST_BYTES);
        Self {
            status: 200,
            headers: vec![("content-type", content_type.to_owned())],
            body,
            charts,
            fields,
            still: if is_large {
                Still::SetAside
            } else {
                Still::Nothing
            },
        }
    }

    /// Answers with the address of an object, and with where the list in it goes on.
    pub(crate) fn elsewhere(out: &HandedOut, next: Option<String>) -> Self {
        let mut answer = Self::plain(&elsewhere(out, next.as_deref()));
        answer.status = 303;
        answer.headers.push(("location", out.url.clone()));
        answer.headers.extend(next.map(|next| (NEXT_CURSOR, next)));
        answer
    }

    /// Answers with a problem.
    pub(crate) fn problem(problem: Problem<'_>) -> Self {
        let Answer {
            status,
            headers,
            body,
        } = Answer::problem(problem);
        Self {
            status,
            headers,
            body: Phi::new(body),
            charts: Vec::new(),
            fields: &[],
            still: Still::Nothing,
        }
    }

    /// Leaves the body out if the caller has this very one, as `If-None-Match` says.
    pub(crate) fn unless_known(mut self, known: Option<&String>) -> Self {
        if self.status != 200 {
            return self;
        }
        let matches = |tag: &str| {
            known.is_some_and(|known| {
                known
                    .split(',')
                    .any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*")
            })
        };
        if self.body.is(|text| matches(&tag(text))) {
            self.status = 304;
            self.still = Still::Nothing;
            self.headers.retain(|(name, _)| *name != "content-type");
        }
        if self.still == Still::SetAside {
            self.status = 303;
        }
        self
    }

    /// Returns the media type of the body.
    pub(crate) fn content_type(&self) -> &str {
        let is_it = |(name, _): &&(&str, String)| *name == "content-type";
        let found = self.headers.iter().find(is_it);
        found.map_or("application/octet-stream", |(_, value)| value)
    }

    /// Opens the body of an answer that goes into an object.
    pub(crate) fn release(self, receipt: &Receipt) -> String {
        self.body.release(receipt)
    }

    /// Opens the answer: the access to it is recorded.
    pub(crate) fn open(self, receipt: &Receipt) -> Answer {
        let mut headers = self.headers;
        let body = self.body.release(receipt);
        if matches!(self.status, 200 | 304) {
            headers.push(("etag", tag(&body)));
        }
        Answer {
            status: self.status,
            headers,
            body: if self.status == 304 {
                String::new()
            } else {
                body
            },
        }
    }
}

impl Answer {
    /// Answers with the address of the object that the body lies in.
    pub(crate) fn elsewhere(out: &HandedOut) -> Self {
        Self {
            status: 303,
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("location", out.url.clone()),
            ],
            body: elsewhere(out, None).to_string(),
        }
    }

    /// Answers with a problem.
    pub(crate) fn problem(problem: Problem<'_>) -> Self {
        let (status, kind, title) = match problem {
            Problem::Unknown => (401, "unknown-caller", "the request says not who calls"),
            Problem::Revoked => (
                401,
                "token-revoked",
                "your token was revoked; sign in again",
            ),
            Problem::NotAllowed => (403, "not-allowed", "your role may not ask for this"),
            Problem::NoSuchPath => (404, "no-such-path", "there is nothing at this path"),
            Problem::NoSuchRun => (404, "no-such-run", "there is no run of this id"),
            Problem::NoSuchChart => (
                404,
                "no-such-chart",
                "there is no outcome of such a chart, version and engine",
            ),
            Problem::MethodNotAllowed(_) => (
                405,
                "method-not-allowed",
                "another method is offered at this path",
            ),
            Problem::BadParameter { .. } => (400, "bad-parameter", "a parameter cannot be used"),
            Problem::UnknownParameter => (
                400,
                "unknown-parameter",
                "a parameter is not known at this path",
            ),
            Problem::BadBody(_) => (400, "bad-body", "the body cannot be used"),
            Problem::NotRejected => (
                409,
                "not-rejected",
                "this version of the chart was not rejected, and so is not coded once more",
            ),
            Problem::TooMany(_) => (
                429,
                "too-many-requests",
                "you have asked more often than one caller may",
            ),
            Problem::Unavailable => (503, "unavailable", "the results cannot be read right now"),
            Problem::NotRecorded => (
                503,
                "not-recorded",
                "the access cannot be recorded right now, and so is not granted",
            ),
        };
        let mut body = json!({
            "type": format!("urn:lightsout:problem:{kind}"),
            "title": title,
            "status": status,
        });
        match problem {
            Problem::BadParameter { name, wanted } => {
                body["detail"] = Value::from(format!("`{name}` must be {wanted}"));
            }
            Problem::BadBody(wanted) => body["detail"] = Value::from(wanted),
            _ => {}
        }
        let mut headers = vec![("content-type", "application/problem+json".to_owned())];
        match problem {
            Problem::MethodNotAllowed(method) => headers.push(("allow", method.to_owned())),
            Problem::Unavailable | Problem::NotRecorded => {
                headers.push(("retry-after", "5".to_owned()));
            }
            Problem::TooMany(wait) => {
                headers.push(("retry-after", wait.div_ceil(1_000).to_string()));
            }
            _ => {}
        }
        Self {
            status,
            headers,
            body: body.to_string(),
        }
    }

    /// Adds what every answer carries.
    pub(crate) fn sealed(mut self, request_id: &str) -> Self {
        self.headers.extend([
            ("cache-control", "no-store".to_owned()),
            ("strict-transport-security", "max-age=31536000".to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
            ("x-request-id", request_id.to_owned()),
        ]);
        self
    }
}

/// The header that says where a list goes on, where its body cannot.
pub(crate) const NEXT_CURSOR: &str = "x-next-cursor";

fn elsewhere(out: &HandedOut, next: Option<&str>) -> Value {
    json!({"url": out.url, "until": out.until, "next": next})
}

/// Names a body: the same bytes have the same name.
fn tag(body: &str) -> String {
    let digest = format!("{:x}", Sha256::digest(body));
    format!("\"{}\"", &digest[..32])
}

fn escaped_length(text: &str) -> usize {
    let escaped = |byte: &u8| matches!(byte, b'"' | b'\\' | b'\n' | b'\r' | b'\t');
    text.len() + text.bytes().filter(|byte| escaped(byte)).count()
}
