//! The OpenAPI 3.1 document, made from the [operations](crate::Operation).

use lightsout_protocol::caller::Role;
use serde_json::{Map, Value, json};

use crate::{
    handlers::{LONGEST_EMERGENCY, MOST, MOST_COUNTED, REASON, SUBJECT},
    operation::{Fields, Operation},
    router::PURPOSES,
};

/// Returns the document.
pub fn document() -> Value {
    let mut paths = Map::new();
    for operation in Operation::ALL {
        let path = paths.entry(operation.path()).or_insert_with(|| json!({}));
        path[operation.method().to_ascii_lowercase()] = described(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lightsout query API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Runs, and the ICD-10-CM codes of charts with their evidence. Each \
                access is recorded before it is answered; where it cannot be, there is no answer.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": [
            {"name": "runs", "description": "What the fleet did"},
            {"name": "charts", "description": "What was found in charts"},
            {"name": "emergency", "description": "Access beyond a role, for a reason"},
            {"name": "about", "description": "This description"},
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {
                "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": "A token of the identity provider: who, `tenant` and `role`. It \
                    lives for an hour at most.",
            }},
            "schemas": schemas(),
        },
    })
}

/// Returns the document as the text that is committed.
pub fn text() -> String {
    let mut text = serde_json::to_string_pretty(&document()).expect("a document has text as keys");
    text.push('\n');
    text
}

fn described(operation: Operation) -> Value {
    let (id, tag, summary) = match operation {
        Operation::Runs => ("listRuns", "runs", "The runs"),
        Operation::Run => ("getRun", "runs", "One run, with its progress"),
        Operation::Charts => (
            "listCharts",
            "charts",
            "The charts that a run coded or rejected",
        ),
        Operation::Rejected => ("listRejected", "charts", "What a run rejected, and why"),
        Operation::Counts => ("countCodes", "charts", "How many charts have each code"),
        Operation::Found => ("findCharts", "charts", "The charts of all runs"),
        Operation::Totals => (
            "totalCodes",
            "charts",
            "How many charts have each code, day by day",
        ),
        Operation::Chart => ("getChart", "charts", "The latest outcome of a chart"),
        Operation::Redrive => (
            "redriveChart",
            "charts",
            "Puts a rejected chart back on the work queue",
        ),
        Operation::BreakGlass => ("breakGlass", "emergency", "Tells an emergency"),
        Operation::Revoke => ("revokeTokens", "emergency", "Has a person sign in again"),
        Operation::OpenApi => ("getOpenApi", "about", "This document"),
        Operation::Docs => ("getDocs", "about", "This document as a page"),
    };
    let mut described = json!({
        "operationId": id,
        "tags": [tag],
        "summary": summary,
        "description": who_sees(operation),
        "parameters": parameters(operation),
        "responses": responses(operation),
    });
    let body = match operation {
        Operation::BreakGlass => Some("Emergency"),
        Operation::Revoke => Some("Revocation"),
        _ => None,
    };
    if let Some(body) = body {
        described["requestBody"] = json!({
            "required": true,
            "content": {"application/json": {"schema": schema(body)}},
        });
    }
    described
}

/// Says what each role is shown, from the very table that decides it.
fn who_sees(operation: Operation) -> String {
    let names = |fields: &[Fields]| {
        let names: Vec<_> = fields.iter().map(|fields| fields.name()).collect();
        names.join(", ")
    };
    let shown = Role::ALL.into_iter().map(|role| {
        let name = role.name();
        match operation.shown_to(role) {
            None => format!("- `{name}`: may not ask"),
            Some([]) => format!("- `{name}`: yes"),
            Some(fields) => format!("- `{name}`: {}", names(fields)),
        }
    });
    let lines: Vec<_> = shown.collect();
    let before = match operation {
        Operation::Redrive => {
            "The version that was rejected last, or the one named, is announced to the workers \
             once more; asking again changes nothing. The engine that rejected it keeps its \
             answer: what was wrong has to be mended first, or another engine be at work.\n\n"
        }
        Operation::Revoke => {
            "No token that the person of this tenant has now is believed any more; the identity \
             provider decides whether they get another.\n\n"
        }
        Operation::Found => {
            "Runs are gone through one after the other, those that began from the day `from` on and \
             before the day `until`, in UTC. A page may hold fewer charts than `limit`, or none, \
             though `next` says that there are more. With `limit=all` the list goes as CSV or JSON \
             lines into an object, unless it is short: then the answer is 303, with an address that \
             opens it for five minutes.\n\n"
        }
        Operation::Totals => {
            "A chart counts on the day, in UTC, on which the run began that coded it, of those from \
             `from` on and before `until`.\n\n"
        }
        Operation::Charts | Operation::Rejected => {
            "With `limit=all` the list goes as CSV or JSON lines into an object, unless it is \
             short: then the answer is 303, with an address that opens it for five minutes.\n\n"
        }
        _ => "",
    };
    format!("{before}Shown to each role:\n\n{}", lines.join("\n"))
}

fn parameters(operation: Operation) -> Value {
    let mut parameters = Vec::new();
    let of_path = match operation {
        Operation::Run | Operation::Charts | Operation::Rejected | Operation::Counts => {
            Some(("run", "The run's id."))
        }
        Operation::Chart | Operation::Redrive => Some((
            "chart",
            "The chart's opaque id within the caller's tenant; a slash in it is written `%2F`.",
        )),
        _ => None,
    };
    if let Some((name, description)) = of_path {
        parameters.push(json!({
            "name": name, "in": "path", "required": true, "description": description,
            "schema": {"type": "string", "minLength": 1},
        }));
    }
    for name in operation.parameters() {
        let (schema, description) = parameter(operation, name);
        parameters.push(json!({
            "name": name, "in": "query", "required": false, "description": description,
            "schema": schema,
        }));
    }
    if operation.method() == "GET" {
        parameters.push(json!({
            "name": "If-None-Match", "in": "header", "required": false,
            "description": "An `ETag`: if nothing has changed, the answer is 304.",
            "schema": {"type": "string"},
        }));
    }
    Value::Array(parameters)
}

fn parameter(operation: Operation, name: &str) -> (Value, &'static str) {
    let text = json!({"type": "string", "minLength": 1});
    let date = json!({"type": "string", "format": "date", "minLength": 10, "maxLength": 10});
    let pages = json!({"type": "integer", "minimum": 1, "maximum": MOST, "default": 50});
    match name {
        "limit" if operation == Operation::Runs => (pages, "Entries at most."),
        "limit" => (
            json!({"oneOf": [pages, {"const": "all"}]}),
            "Entries at most, 1 to 200; or `all`, for CSV and JSON lines.",
        ),
        "cursor" => (text, "The `next` of an answer, to go on behind it."),
        "order" if matches!(operation, Operation::Runs | Operation::Found) => (
            json!({"enum": ["newest", "oldest"]}),
            "Which runs come first.",
        ),
        "order" if matches!(operation, Operation::Counts | Operation::Totals) => (
            json!({"enum": ["code", "most"]}),
            "By code, or the codes of the most charts first.",
        ),
        "order" => (
            json!({"enum": ["ascending", "descending"]}),
            "The order of the charts' ids.",
        ),
        "from" => (date, "Only runs that began on this day or later."),
        "until" => (date, "Only runs that began before this day."),
        "state" => (text, "Only runs in this state."),
        "status" => (
            json!({"enum": ["coded", "rejected"]}),
            "Only charts that ended so.",
        ),
        "code" => (text, "Only charts with this ICD-10-CM code, such as `I10`."),
        "version" => (text, "This version of the chart."),
        "engine" => (text, "As this engine coded it."),
        "purpose" => (
            json!({"enum": PURPOSES}),
            "What the access is for; recorded with it.",
        ),
        "emergency" => (
            json!({"enum": ["true", "false"]}),
            "Shows what a coder sees, while an emergency that the caller told lasts.",
        ),
        "format" if operation == Operation::Chart => (
            json!({"enum": ["json", "fhir"]}),
            "JSON, or a FHIR R4 `Bundle`; also asked for by `Accept: application/fhir+json`.",
        ),
        _ => (
            json!({"enum": ["json", "csv", "jsonl"]}),
            "How the list is written; but in JSON, `X-Next-Cursor` says where it goes on.",
        ),
    }
}

fn responses(operation: Operation) -> Value {
    let json_of = |name: &str| json!({"application/json": {"schema": schema(name)}});
    let list_of = |name: &str| {
        json!({
            "application/json": {"schema": schema(name)},
            "application/jsonl": {"schema": {"type": "string"}},
            "text/csv": {"schema": {"type": "string"}},
        })
    };
    let content = match operation {
        Operation::Runs => json_of("Runs"),
        Operation::Run => json_of("Progress"),
        Operation::Found => list_of("Found"),
        Operation::Totals => list_of("Totals"),
        Operation::Charts => list_of("Charts"),
        Operation::Rejected => list_of("Rejected"),
        Operation::Counts => list_of("Counts"),
        Operation::Chart => json!({
            "application/json": {"schema": schema("Chart")},
            "application/fhir+json": {"schema": {"type": "object", "required": ["resourceType"]}},
        }),
        Operation::Redrive => json_of("Summary"),
        Operation::BreakGlass | Operation::Revoke => json_of("Until"),
        Operation::OpenApi => json!({"application/json": {"schema": {"type": "object"}}}),
        Operation::Docs => json!({"text/html": {"schema": {"type": "string"}}}),
    };
    let mut responses = Map::new();
    let headers = json!({
        "X-Request-Id": {"schema": {"type": "string"}},
        "ETag": {"schema": {"type": "string"}},
    });
    let (status, said) = match operation {
        Operation::BreakGlass => ("201", "The emergency is kept, and a person is told."),
        Operation::Revoke => ("201", "Tokens that were issued `until` then let nobody in."),
        Operation::Redrive => ("202", "The chart waits for a worker."),
        _ => ("200", "As asked."),
    };
    responses.insert(
        status.to_owned(),
        json!({"description": said, "headers": headers, "content": content}),
    );
    if operation.method() == "GET" {
        let unchanged = json!({"description": "Nothing has changed."});
        responses.insert("304".to_owned(), unchanged);
    }
    if matches!(
        operation,
        Operation::Charts | Operation::Found | Operation::Rejected | Operation::Chart
    ) {
        responses.insert(
            "303".to_owned(),
            json!({
                "description": "What was asked for is larger than a response; it lies at `url`, \
                    which opens it for whoever has the address. It takes no token.",
                "headers": {"Location": {"schema": {"type": "string"}}},
                "content": json_of("Elsewhere"),
            }),
        );
    }
    if operation == Operation::Redrive {
        let content = json!({"application/problem+json": {"schema": schema("Problem")}});
        responses.insert(
            "409".to_owned(),
            json!({"description": "The chart was not rejected.", "content": content}),
        );
    }
    let has_subject = operation.path().contains('{');
    let problems = [
        ("400", "A parameter or the body cannot be used.", true),
        ("401", "The token is missing, or lets nobody in.", true),
        ("403", "The caller's role may not ask for this.", true),
        (
            "404",
            "There is no such thing; another tenant's is none either.",
            has_subject,
        ),
        (
            "429",
            "Too many requests, of this caller or of all; `Retry-After` says when to try again.",
            true,
        ),
        ("503", "A store, or the audit trail, does not answer.", true),
    ];
    for (status, said, is_there) in problems {
        if is_there {
            let content = json!({
                "application/problem+json": {"schema": schema("Problem")},
                // API Gateway's own refusals.
                "application/json": {"schema": {"type": "object"}},
            });
            responses.insert(
                status.to_owned(),
                json!({"description": said, "content": content}),
            );
        }
    }
    Value::Object(responses)
}

fn schema(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

#[expect(clippy::too_many_lines, reason = "a schema for each kind of answer")]
fn schemas() -> Value {
    let text = json!({"type": "string"});
    let number = json!({"type": "integer", "minimum": 0});
    let next = json!({
        "type": ["string", "null"],
        "description": "The cursor of what follows; null at the end.",
    });
    let outcome = json!({
        "chart": text, "version": text, "engine": text, "run": text,
        "status": {"enum": ["coded", "rejected"]},
    });
    let outcome_and = |more: Value| {
        let mut fields = outcome.as_object().cloned().unwrap_or_default();
        fields.extend(more.as_object().cloned().unwrap_or_default());
        json!({
            "type": "object", "properties": fields,
            "required": ["version", "engine", "run", "status"],
            "additionalProperties": false,
        })
    };
    let list = |name: &str, entry: Value| {
        json!({
            "type": "object",
            "properties": {name: {"type": "array", "items": entry}, "next": next},
            "required": [name, "next"],
            "additionalProperties": false,
        })
    };
    let list_of_run = |name: &str, entry: Value| {
        let mut list = list(name, entry);
        list["properties"]["run"] = text.clone();
        list["required"] = json!(["run", name, "next"]);
        list
    };
    let run_and = |more: Value| {
        let mut fields = json!({
            "run": text, "state": text, "started_at": number, "ended_at": number,
            "workers": number, "reason": text,
            "backlog": {
                "type": "integer", "minimum": 0,
                "description": "Messages that wait; as many as did at last, where the run is over.",
            },
        });
        let mut required = vec!["run", "state", "started_at", "backlog"];
        for (name, schema) in more.as_object().into_iter().flatten() {
            fields[name] = schema.clone();
            required.push(name);
        }
        json!({
            "type": "object", "properties": fields, "required": required,
            "additionalProperties": false,
        })
    };
    let counted = format!(
        "Counts of up to about {MOST_COUNTED} charts; where `next` is there, those behind it are \
         to be added."
    );
    let reasons = json!({"reason": text, "detail": text});
    json!({
        "Run": run_and(json!({})),
        "Progress": run_and(json!({
            "coded": {
                "type": "integer", "minimum": 0,
                "description": "Charts of the caller's tenant that were coded so far.",
            },
            "rejected": {
                "type": "integer", "minimum": 0,
                "description": "Charts of the caller's tenant that were rejected so far.",
            },
        })),
        "Runs": list("runs", schema("Run")),
        "Summary": outcome_and(json!({"codes": {"type": "array", "items": text}})),
        "Found": list("charts", schema("Summary")),
        "Charts": list_of_run("charts", schema("Summary")),
        "Rejection": outcome_and(json!({
            "message": {"type": "string", "description": "In place of a chart."},
            "reason": text, "detail": text,
        })),
        "Rejected": list_of_run("rejected", schema("Rejection")),
        "Count": {
            "type": "object",
            "properties": {
                "day": {"type": "string", "format": "date"}, "code": text, "charts": number,
            },
            "required": ["day", "code", "charts"],
            "additionalProperties": false,
        },
        "Counts": {"description": counted, "allOf": [list_of_run("counts", schema("Count"))]},
        "Totals": {"description": counted, "allOf": [list("counts", schema("Count"))]},
        "Chart": outcome_and(json!({
            "format": text,
            "narrative": {
                "type": "object",
                "properties": {"sha256": text, "chart_sha256": text, "bytes": number},
                "required": ["sha256", "chart_sha256", "bytes"],
            },
            "parts": {"type": "array", "items": {"type": "object"}},
            "left_out": {"type": "array", "items": {"type": "object"}},
            "program_sha256": {
                "type": "string",
                "description": "SHA-256 of the program that coded the chart.",
            },
            "coding": {
                "type": "object",
                "description": "The engine's answer: `codes`, and for who may see evidence \
                    `mentions` with the words of the chart.",
                "required": ["codes"],
            },
            "rejection": {"type": "object", "properties": reasons, "required": ["reason"]},
            "others": {"type": "array", "items": schema("Summary")},
        })),
        "Emergency": {
            "type": "object",
            "properties": {
                "reason": {
                    "type": "string", "minLength": REASON.start(), "maxLength": REASON.end(),
                    "description": "Why; it is kept in the audit trail, and holds no name.",
                },
                "minutes": {"type": "integer", "minimum": 1, "maximum": LONGEST_EMERGENCY},
            },
            "required": ["reason", "minutes"],
            "additionalProperties": false,
        },
        "Revocation": {
            "type": "object",
            "properties": {
                "who": {
                    "type": "string", "minLength": SUBJECT.start(), "maxLength": SUBJECT.end(),
                    "description": "The subject of the person's tokens; it is kept in the audit \
                        trail.",
                },
            },
            "required": ["who"],
            "additionalProperties": false,
        },
        "Elsewhere": {
            "type": "object",
            "properties": {"url": text, "until": number, "next": next},
            "required": ["url", "until", "next"],
            "additionalProperties": false,
        },
        "Until": {
            "type": "object",
            "properties": {"until": number},
            "required": ["until"],
            "additionalProperties": false,
        },
        "Problem": {
            "type": "object",
            "description": "RFC 9457.",
            "properties": {"type": text, "title": text, "status": number, "detail": text},
            "required": ["type", "title", "status"],
            "additionalProperties": false,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_document_is_the_one_that_is_generated() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(path, text()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == text(),
            "run `UPDATE_OPENAPI=1 cargo test -p lightsout-api` and review the difference"
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        let names = text.split("#/components/schemas/").skip(1);
        let mut seen = 0;
        for name in names.map(|rest| rest.split('"').next().unwrap()) {
            assert!(
                document["components"]["schemas"][name].is_object(),
                "{name}"
            );
            seen += 1;
        }
        assert!(seen > 10);
    }
}
