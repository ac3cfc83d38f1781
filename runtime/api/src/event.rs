//! What API Gateway's proxy integration hands over and wants back.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use lightsout_audit::Ledger;
use lightsout_protocol::caller::{Caller, Role};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    answer::{Answer, Problem},
    log::Line,
    request::Request,
    router::Service,
    store::Store,
};

/// What is left of the invocation's time to answer.
const MARGIN: Duration = Duration::from_millis(500);

/// A REST API's [proxy event], as far as it is used.
///
/// [proxy event]: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-input-format
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    http_method: String,
    path: String,
    headers: Option<BTreeMap<String, String>>,
    query_string_parameters: Option<BTreeMap<String, String>>,
    multi_value_query_string_parameters: Option<BTreeMap<String, Vec<String>>>,
    body: Option<String>,
    is_base64_encoded: bool,
    request_context: Context,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Context {
    request_id: String,
    authorizer: Option<Authorizer>,
}

/// What the authorizer said of the caller; API Gateway hands it over, no request can.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Authorizer {
    principal_id: String,
    tenant: String,
    role: String,
    issued_at: String,
}

impl From<Authorizer> for Option<Caller> {
    fn from(authorizer: Authorizer) -> Self {
        let role = Role::named(&authorizer.role)?;
        let issued_at = authorizer.issued_at.parse().ok()?;
        let is_known = !authorizer.principal_id.is_empty() && !authorizer.tenant.is_empty();
        is_known.then_some(Caller {
            who: authorizer.principal_id,
            tenant: authorizer.tenant,
            role,
            issued_at,
        })
    }
}

impl Event {
    fn request(self, now: SystemTime) -> Request {
        let single = self.query_string_parameters.unwrap_or_default();
        let query = self
            .multi_value_query_string_parameters
            .unwrap_or_else(|| single.into_iter().map(|(k, v)| (k, vec![v])).collect());
        let headers = self.headers.unwrap_or_default();
        let lower = |(name, value): (String, String)| (name.to_ascii_lowercase(), value);
        let body = self.body.unwrap_or_default();
        let body = if self.is_base64_encoded {
            let bytes = STANDARD.decode(body).unwrap_or_default();
            String::from_utf8(bytes).unwrap_or_default()
        } else {
            body
        };
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Request {
            method: self.http_method,
            path: self.path,
            query,
            headers: headers.into_iter().map(lower).collect(),
            body,
            id: self.request_context.request_id,
            caller: self.request_context.authorizer.and_then(Into::into),
            at: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Answers one event before `deadline`.
pub async fn invocation<S: Store, L: Ledger>(
    service: &Service<S, L>,
    event: Event,
    deadline: SystemTime,
) -> Result<Value, Infallible> {
    let now = SystemTime::now();
    let left = deadline
        .duration_since(now)
        .unwrap_or_default()
        .saturating_sub(MARGIN);
    let request = event.request(now);
    let in_time = tokio::time::timeout(left, service.answer(&request)).await;
    let answer = in_time.unwrap_or_else(|_| {
        Line::out_of_time(&request.id).write();
        Answer::problem(Problem::Unavailable).sealed(&request.id)
    });
    Ok(proxied(answer))
}

fn proxied(answer: Answer) -> Value {
    let headers: Map<String, Value> = answer
        .headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect();
    json!({
        "statusCode": answer.status,
        "headers": headers,
        "body": answer.body,
        "isBase64Encoded": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(context: &Value) -> Request {
        let event: Event = serde_json::from_value(json!({
            "resource": "/{proxy+}", "httpMethod": "GET", "path": "/runs",
            "headers": {"If-None-Match": "\"a\"", "Tenant": "south", "role": "auditor"},
            "pathParameters": null, "body": null,
            "queryStringParameters": {"limit": "2"},
            "multiValueQueryStringParameters": {"limit": ["2"]},
            "requestContext": context,
        }))
        .unwrap();
        event.request(UNIX_EPOCH + Duration::from_secs(1))
    }

    #[test]
    fn a_proxy_event_is_read_though_most_of_it_is_null() {
        let request = request(&json!({"requestId": "r-1", "authorizer": null}));
        assert_eq!(
            (request.path.as_str(), request.id.as_str(), request.at),
            ("/runs", "r-1", 1_000)
        );
        assert_eq!(request.query["limit"], ["2"]);
        assert_eq!(request.headers["if-none-match"], "\"a\"");
        assert_eq!(request.caller, None);
    }

    #[test]
    fn only_the_authorizer_says_who_calls() {
        let authorizer = json!({
            "principalId": "u-1", "tenant": "north", "role": "billing", "issuedAt": "7",
        });
        let caller = request(&json!({"authorizer": authorizer})).caller.unwrap();
        assert_eq!(
            (caller.who.as_str(), caller.tenant.as_str(), caller.role),
            ("u-1", "north", Role::Billing)
        );
        assert_eq!(caller.issued_at, 7);
        for (name, value) in [
            ("principalId", ""),
            ("tenant", ""),
            ("role", "root"),
            ("role", ""),
            ("issuedAt", ""),
        ] {
            let mut incomplete = authorizer.clone();
            incomplete[name] = value.into();
            assert_eq!(
                request(&json!({"authorizer": incomplete})).caller,
                None,
                "{name}"
            );
        }
    }
}
