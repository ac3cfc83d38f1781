//! What the access log says of a request.

use std::fmt::Write as _;

use super::Authorization;

/// What the log says of every request. No path, no query and no body: they can name
/// a patient's chart. The resource is the route's pattern, such as `/charts/{id}`.
const FIELDS: [(&str, &str); 9] = [
    ("requestId", "$context.requestId"),
    ("time", "$context.requestTimeEpoch"),
    ("sourceIp", "$context.identity.sourceIp"),
    ("method", "$context.httpMethod"),
    ("resource", "$context.resourcePath"),
    ("status", "$context.status"),
    ("error", "$context.error.responseType"),
    ("latencyMs", "$context.responseLatency"),
    ("tls", "$context.tlsVersion"),
];

/// Returns the format of the access log, as a line of JSON.
pub(super) fn format(authorization: &Authorization) -> String {
    let caller = ("caller", authorization.caller());
    let mut format = String::from("{");
    for (index, (name, variable)) in FIELDS.into_iter().chain([caller]).enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(format, "{comma}\"{name}\":\"{variable}\"")
            .expect("writing to a string cannot fail");
    }
    format + "}"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_json_of_what_is_allowed_and_names_the_caller() {
        let format = format(&Authorization::Iam);
        let fields: serde_json::Value = serde_json::from_str(&format).unwrap();
        let fields = fields.as_object().unwrap();
        assert_eq!(fields.len(), FIELDS.len() + 1);
        assert_eq!(fields["caller"], "$context.identity.userArn");
        for variable in fields.values() {
            let variable = variable.as_str().unwrap();
            for leak in ["$context.path", "$input", "queryString", "requestOverride"] {
                assert!(!variable.contains(leak), "{variable}");
            }
        }
    }
}
