//! One question of API Gateway: may this token call?

use std::time::{SystemTime, UNIX_EPOCH};

use lambda_runtime::Diagnostic;
use lightsout_protocol::caller::usage_key;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Verifier;

/// What API Gateway asks a [TOKEN authorizer].
///
/// [TOKEN authorizer]: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    authorization_token: String,
    method_arn: String,
}

/// Answers with a policy that lets the caller call what was asked for, with what the token
/// says about them, and with the key that the plan of `api` counts their tenant by; or with the
/// one error that API Gateway tells callers as
/// [401](https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html).
pub fn invocation(verifier: &Verifier, api: &str, event: &Event) -> Result<Value, Diagnostic> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    match verifier.verify(&event.authorization_token, now) {
        Ok(caller) => Ok(json!({
            "principalId": caller.who,
            "policyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Action": "execute-api:Invoke",
                    "Effect": "Allow",
                    "Resource": event.method_arn,
                }],
            },
            "usageIdentifierKey": usage_key(api, &caller.tenant),
            "context": {
                "tenant": caller.tenant,
                "role": caller.role.name(),
                "issuedAt": caller.issued_at.to_string(),
            },
        })),
        Err(refusal) => {
            log(&json!({"event": "token_refused", "reason": refusal.to_string()}));
            Err(Diagnostic {
                error_type: "Unauthorized".to_owned(),
                error_message: "Unauthorized".to_owned(),
            })
        }
    }
}

/// Writes one line; nobody is let in or kept out by a log.
fn log(line: &Value) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}
