//! Answers: JSON, or a problem in the form of RFC 9457.

use serde::Serialize;
use serde_json::{Value, json};

/// The largest body that is sent. Lambda allows
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
    /// The body as JSON text.
    pub body: String,
}

/// What went wrong, as its reader should see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem<'a> {
    /// No such path.
    NoSuchPath,
    /// No such run.
    NoSuchRun,
    /// The chart was not coded or rejected so far.
    NoSuchChart,
    /// Only reading is offered.
    MethodNotAllowed,
    /// A parameter cannot be used; its name and what it wants.
    BadParameter { name: &'a str, wanted: &'a str },
    /// The outcome exceeds what a response may hold.
    TooLarge,
    /// A store did not answer.
    Unavailable,
}

impl Answer {
    /// Answers with `body`.
    pub(crate) fn ok(body: &impl Serialize) -> Self {
        let body = serde_json::to_string(body).expect("answers have text as keys");
        if escaped_length(&body) > MOST_BYTES {
            return Self::problem(Problem::TooLarge);
        }
        Self {
            status: 200,
            headers: vec![("content-type", "application/json".to_owned())],
            body,
        }
    }

    /// Answers with a problem.
    pub(crate) fn problem(problem: Problem<'_>) -> Self {
        let (status, kind, title) = match problem {
            Problem::NoSuchPath => (404, "no-such-path", "there is nothing at this path"),
            Problem::NoSuchRun => (404, "no-such-run", "there is no run of this id"),
            Problem::NoSuchChart => (
                404,
                "no-such-chart",
                "there is no outcome of such a chart, version and engine",
            ),
            Problem::MethodNotAllowed => (405, "method-not-allowed", "only GET is offered"),
            Problem::BadParameter { .. } => (400, "bad-parameter", "a parameter cannot be used"),
            Problem::TooLarge => (
                500,
                "too-large",
                "the outcome is larger than a response may be",
            ),
            Problem::Unavailable => (503, "unavailable", "the results cannot be read right now"),
        };
        let mut body = json!({
            "type": format!("urn:lightsout:problem:{kind}"),
            "title": title,
            "status": status,
        });
        if let Problem::BadParameter { name, wanted } = problem {
            body["detail"] = Value::from(format!("`{name}` must be {wanted}"));
        }
        let mut headers = vec![("content-type", "application/problem+json".to_owned())];
        match problem {
            Problem::MethodNotAllowed => headers.push(("allow", "GET".to_owned())),
            Problem::Unavailable => headers.push(("retry-after", "5".to_owned())),
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
            ("x-content-type-options", "nosniff".to_owned()),
            ("x-request-id", request_id.to_owned()),
        ]);
        self
    }
}

fn escaped_length(text: &str) -> usize {
    text.len()
        + text
            .bytes()
            .filter(|byte| matches!(byte, b'"' | b'\\'))
            .count()
}
