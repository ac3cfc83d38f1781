//! What API Gateway's proxy integration hands over and wants back.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    io::Write,
    time::{Duration, SystemTime},
};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    answer::{Answer, Problem},
    request::Request,
    router::answer,
    store::Store,
};

/// What is left of the invocation's time to answer.
const MARGIN: Duration = Duration::from_millis(500);

/// A REST API's [proxy event], as far as it is used.
///
/// [proxy event]: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-input-format
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    http_method: String,
    path: String,
    query_string_parameters: Option<BTreeMap<String, String>>,
    multi_value_query_string_parameters: Option<BTreeMap<String, Vec<String>>>,
    request_context: Context,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Context {
    request_id: String,
    identity: Identity,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Identity {
    user_arn: Option<String>,
}

impl From<Event> for Request {
    fn from(event: Event) -> Self {
        let single = event.query_string_parameters.unwrap_or_default();
        let query = event
            .multi_value_query_string_parameters
            .unwrap_or_else(|| single.into_iter().map(|(k, v)| (k, vec![v])).collect());
        Self {
            method: event.http_method,
            path: event.path,
            query,
            id: event.request_context.request_id,
            caller: event.request_context.identity.user_arn,
        }
    }
}

/// Answers one event before `deadline`, and writes its audit record.
pub async fn invocation(
    store: &impl Store,
    event: Event,
    deadline: SystemTime,
) -> Result<Value, Infallible> {
    let left = deadline
        .duration_since(SystemTime::now())
        .unwrap_or_default()
        .saturating_sub(MARGIN);
    let request = Request::from(event);
    let (answer, audit) = match tokio::time::timeout(left, answer(store, &request)).await {
        Ok((answer, audit)) => (answer, audit.line()),
        Err(_) => (
            Answer::problem(Problem::Unavailable).sealed(&request.id),
            json!({"audit": "read", "request": request.id, "fault": "out_of_time"}),
        ),
    };
    let _ = writeln!(std::io::stderr(), "{audit}");
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

    #[test]
    fn a_proxy_event_is_read_though_most_of_it_is_null() {
        let event: Event = serde_json::from_value(json!({
            "resource": "/{proxy+}", "httpMethod": "GET", "path": "/runs",
            "headers": null, "pathParameters": null, "body": null,
            "queryStringParameters": {"limit": "2"},
            "multiValueQueryStringParameters": {"limit": ["2"]},
            "requestContext": {"requestId": "r-1", "identity": {"userArn": null, "sourceIp": "::1"}},
        }))
        .unwrap();
        let request = Request::from(event);
        assert_eq!(
            (request.path.as_str(), request.id.as_str()),
            ("/runs", "r-1")
        );
        assert_eq!(request.query["limit"], ["2"]);
    }
}
