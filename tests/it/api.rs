//! Does the query API keep its OpenAPI document, and FHIR?
//!
//! The API runs here as it does behind API Gateway: each request is judged by the authorizer,
//! and handed on as a proxy event with what it said of the caller.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    net::SocketAddr,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::{Request, Response, header},
};
use lightsout_api::{Operation, Service, invocation, memory::Memory, openapi};
use lightsout_audit::{MemoryLedger, Trail, verify};
use lightsout_authorizer::{Issuer, Role, Verifier};
use lightsout_nlp::{Dictionary, Engine};
use lightsout_protocol::coding::Outcome;
use lightsout_stacks::environment::Environment;
use lightsout_tests::{api_checkers, own_folder};
use serde_json::{Value, json};

struct Gateway {
    verifier: Verifier,
    service: Service<Memory, MemoryLedger>,
    /// What was answered with which status, refusals of the authorizer among it.
    reached: Mutex<BTreeMap<(String, u16), u32>>,
}

/// A run whose lists are longer than a response.
const LONG: &str = "run-000003-1003";

/// An API with a few charts, on an address of its own, and its identity provider.
async fn serve() -> (SocketAddr, Issuer, Arc<Gateway>) {
    let issuer = Issuer::new().unwrap();
    let engine = Engine::new(Dictionary::fy2026());
    let coded = |text: &str| Outcome::Coded {
        coding: serde_json::to_value(engine.code(text)).unwrap(),
        format: Some("text".to_owned()),
        provenance: None,
    };
    let mut store = Memory::default();
    for number in 0..=200 {
        let (coded_chart, refused) = (format!("north/l-{number}"), format!("north/r-{number}"));
        store = store
            .with_outcome(3, &coded_chart, "v1", coded("Asthma."))
            .with_outcome(3, &refused, "v1", empty());
    }
    let large = json!({"codes": [], "mentions": ["x".repeat(6 << 20)]});
    let large = Outcome::Coded {
        coding: large,
        format: None,
        provenance: None,
    };
    let store = store
        .with_run(1)
        .with_run(2)
        .with_run(3)
        .with_outcome(1, "north/c-4", "v1", large)
        .with_outcome(
            1,
            "north/c-1",
            "v1",
            coded("ASSESSMENT: Asthma. Denies gout. Possible pneumonia."),
        )
        .with_outcome(2, "north/c-2", "v1", coded("Type 2 diabetes mellitus."))
        .with_outcome(2, "north/c-3", "v1", empty());
    let gateway = Arc::new(Gateway {
        verifier: Verifier::new(&issuer.keys(), Issuer::ISSUER, Issuer::AUDIENCE).unwrap(),
        service: Service {
            store,
            trail: Trail::new(MemoryLedger::default(), "w"),
        },
        reached: Mutex::default(),
    });
    let router = Router::new()
        .fallback(handle)
        .with_state(Arc::clone(&gateway));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, issuer, gateway)
}

fn empty() -> Outcome {
    Outcome::Rejected {
        reason: "empty".to_owned(),
        detail: "the chart is empty".to_owned(),
    }
}

fn seconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

async fn handle(State(gateway): State<Arc<Gateway>>, request: Request<Body>) -> Response<Body> {
    let action = Operation::ALL.into_iter().find(|operation| {
        let path = request.uri().path();
        let is_it = match operation.path().split_once('{') {
            None => operation.path() == path,
            Some((before, rest)) => {
                let after = rest.split_once('}').map_or("", |(_, after)| after);
                let middle = path
                    .strip_prefix(before)
                    .and_then(|path| path.strip_suffix(after));
                middle.is_some_and(|middle| !middle.is_empty() && !middle.contains('/'))
            }
        };
        is_it && request.method().as_str() == operation.method()
    });
    let response = answered(&gateway, request).await;
    if let Some(operation) = action {
        let action = format!("{} {}", operation.method(), operation.path());
        let mut reached = gateway.reached.lock().unwrap();
        *reached
            .entry((action, response.status().as_u16()))
            .or_default() += 1;
    }
    response
}

async fn answered(gateway: &Gateway, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let token = head.headers.get(header::AUTHORIZATION);
    let token = token
        .and_then(|token| token.to_str().ok())
        .unwrap_or_default();
    let refused = |status: u16, message: &str| {
        Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .body(Body::from(json!({ "message": message }).to_string()))
            .unwrap()
    };
    let Ok(caller) = gateway.verifier.verify(token, seconds()) else {
        return refused(401, "Unauthorized");
    };
    let Ok(body) = to_bytes(body, 1 << 20).await else {
        return refused(413, "Request Too Long");
    };
    let headers: BTreeMap<_, _> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let decoded = |text: &str| {
        let spaced = text.replace('+', " ");
        let text = percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy();
        text.into_owned()
    };
    for pair in head
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
    {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        query.entry(decoded(name)).or_default().push(decoded(value));
    }
    let event = json!({
        "httpMethod": head.method.as_str(),
        "path": head.uri.path(),
        "headers": headers,
        "multiValueQueryStringParameters": query,
        "body": String::from_utf8_lossy(&body),
        "requestContext": {
            "requestId": "r-1",
            "authorizer": {
                "principalId": caller.who, "tenant": caller.tenant, "role": caller.role.name(),
                "issuedAt": caller.issued_at.to_string(),
            },
        },
    });
    let deadline = SystemTime::now() + Duration::from_secs(29);
    let event = serde_json::from_value(event).unwrap();
    let Ok(answer) = invocation(&gateway.service, event, deadline).await;
    let status = u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap();
    let mut response = Response::builder().status(status);
    for (name, value) in answer["headers"].as_object().unwrap() {
        response = response.header(name, value.as_str().unwrap());
    }
    let body = answer["body"].as_str().unwrap().to_owned();
    response.body(Body::from(body)).unwrap()
}

/// One round of questions.
struct Round {
    /// Who asks; nobody has no token.
    role: Option<Role>,
    /// What the service is like meanwhile.
    state: ServiceState,
    /// How schemathesis makes up requests, and how many of each operation.
    phases: &'static str,
    examples: u32,
    /// Values of what is there, which no schema tells.
    values: &'static [(&'static str, &'static [&'static str])],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ServiceState {
    Well,
    /// Its store does not answer.
    Down,
    /// The caller has used up the allowance.
    Exhausted,
}

const USUAL: &[(&str, &[&str])] = &[
    ("run", &["run-000002-1002", "none"]),
    ("chart", &["c-3", "none"]),
];

/// One question of each operation.
const ONE_EACH: &[(&str, &[&str])] = &[
    ("run", &["run-000002-1002"]),
    ("chart", &["c-3"]),
    ("purpose", &["audit"]),
    ("If-None-Match", &["\"x\""]),
];

/// Rounds that reach together every status that the document has of each operation.
const ROUNDS: [Round; 9] = [
    Round {
        role: Some(Role::Coder),
        state: ServiceState::Well,
        phases: "examples,coverage,fuzzing,stateful",
        examples: 25,
        values: USUAL,
    },
    Round {
        role: Some(Role::Operations),
        state: ServiceState::Well,
        phases: "examples,fuzzing",
        examples: 10,
        values: USUAL,
    },
    Round {
        role: Some(Role::TenantAdmin),
        state: ServiceState::Well,
        phases: "examples,fuzzing",
        examples: 10,
        values: USUAL,
    },
    Round {
        role: Some(Role::Billing),
        state: ServiceState::Well,
        phases: "examples",
        examples: 1,
        values: USUAL,
    },
    // What is known already, and a chart that was coded, and so is not redriven.
    Round {
        role: Some(Role::TenantAdmin),
        state: ServiceState::Well,
        phases: "examples",
        examples: 1,
        values: &[
            ("run", &["run-000002-1002"]),
            ("chart", &["c-1"]),
            ("If-None-Match", &["*"]),
        ],
    },
    // What is larger than a response.
    Round {
        role: Some(Role::Auditor),
        state: ServiceState::Well,
        phases: "examples",
        examples: 1,
        values: &[
            ("run", &[LONG]),
            ("chart", &["c-4"]),
            ("limit", &["all"]),
            ("format", &["csv"]),
        ],
    },
    Round {
        role: None,
        state: ServiceState::Well,
        phases: "examples",
        examples: 1,
        values: ONE_EACH,
    },
    Round {
        role: Some(Role::Coder),
        state: ServiceState::Down,
        phases: "examples",
        examples: 1,
        values: ONE_EACH,
    },
    Round {
        role: Some(Role::Coder),
        state: ServiceState::Exhausted,
        phases: "examples",
        examples: 1,
        values: ONE_EACH,
    },
];

/// The document with a round's values of what is there.
fn with_examples(values: &[(&str, &[&str])]) -> Value {
    let mut document = openapi::document();
    for path in document["paths"].as_object_mut().unwrap().values_mut() {
        for operation in path.as_object_mut().unwrap().values_mut() {
            let parameters = operation["parameters"].as_array_mut().unwrap();
            let is_list = parameters.iter().any(|of| of["name"] == "limit");
            for parameter in parameters {
                let name = parameter["name"].as_str().unwrap();
                let Some((name, there)) = values.iter().find(|(of, _)| *of == name) else {
                    continue;
                };
                // One chart, and the list of runs, have forms and limits of their own.
                let has_it = match *name {
                    "format" => is_list,
                    "limit" => parameter["schema"]["oneOf"].is_array(),
                    _ => true,
                };
                if has_it {
                    let there = there.iter().enumerate();
                    let examples: serde_json::Map<_, _> = there
                        .map(|(number, value)| (number.to_string(), json!({"value": value})))
                        .collect();
                    parameter["examples"] = Value::Object(examples);
                }
            }
        }
    }
    document
}

/// Every status that the document has of an operation was reached; returns what was.
fn every_status_was_reached(reached: &BTreeMap<(String, u16), u32>) -> String {
    let document = openapi::document();
    let mut table = String::new();
    for operation in Operation::ALL {
        let method = operation.method().to_ascii_lowercase();
        let described = &document["paths"][operation.path()][&method];
        let action = format!("{} {}", operation.method(), operation.path());
        write!(table, "{action}:").unwrap();
        for status in described["responses"].as_object().unwrap().keys() {
            let status: u16 = status.parse().unwrap();
            let times = reached.get(&(action.clone(), status)).copied();
            // What is closed to no role is refused by the firewall alone, and what takes no
            // parameter has none that is bad.
            let is_elsewhere = match status {
                403 => Role::ALL
                    .into_iter()
                    .all(|role| operation.shown_to(role).is_some()),
                400 => operation.parameters().is_empty(),
                _ => false,
            };
            assert!(
                times.is_some() || is_elsewhere,
                "{action} never was {status}\n{table}"
            );
            write!(table, " {status} ({})", times.unwrap_or(0)).unwrap();
        }
        table.push('\n');
    }
    table
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemathesis_finds_no_answer_that_the_document_does_not_describe() {
    let Ok(python) = api_checkers() else {
        println!("skipped: the checkers of the API cannot be installed here");
        return;
    };
    let (address, issuer, gateway) = serve().await;
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("openapi.json");
    for round in ROUNDS {
        let Round {
            role,
            state,
            phases,
            examples,
            values,
        } = round;
        std::fs::write(&document, with_examples(values).to_string()).unwrap();
        let store = &gateway.service.store;
        store.fail(state == ServiceState::Down);
        store.use_up("north", "u-1", state == ServiceState::Exhausted);
        let mut command = Command::new(python.program("schemathesis"));
        command
            .arg("run")
            .arg(&document)
            .args(["--url", &format!("http://{address}")])
            .args(["--checks", "all", "--phases", phases])
            .args(["--max-examples", &examples.to_string(), "--seed", "1"])
            .args(["--generation-deterministic", "--no-color"])
            .current_dir(folder.path());
        // No schema tells a cursor from another text, and the API does. A service that is down, or
        // is asked too often, says that whatever the method.
        let excluded = match state {
            ServiceState::Well => "positive_data_acceptance",
            ServiceState::Down | ServiceState::Exhausted => {
                "positive_data_acceptance,not_a_server_error,unsupported_method"
            }
        };
        command.args(["--exclude-checks", excluded]);
        if let Some(role) = role {
            let token = issuer.token("u-1", "north", role, seconds());
            command.args(["--header", &format!("Authorization: {token}")]);
        }
        let output = tokio::task::spawn_blocking(move || command.output());
        let output = output.await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        println!("{role:?}, {state:?}: {said}");
        let erred = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{role:?}: {said}\n{erred}");
    }
    let reached = gateway.reached.lock().unwrap().clone();
    println!("reached:\n{}", every_status_was_reached(&reached));
    // Every answer but the authorizer's has its record.
    let entries = gateway.service.trail.ledger().entries();
    let answered: u32 = reached
        .iter()
        .filter(|((_, status), _)| *status != 401)
        .map(|(_, times)| times)
        .sum();
    let verdict = verify(entries, None);
    assert!(
        verdict.is_whole() && verdict.records >= answered as usize && answered > 100,
        "{} records of {answered} answers",
        verdict.records
    );
}

/// What a Python library that others wrote takes for a FHIR bundle of conditions.
const VALIDATE: &str = "
import json, sys
from fhir.resources.R4B.bundle import Bundle
bundle = Bundle.model_validate(json.load(sys.stdin))
kinds = [entry.resource.get_resource_type() for entry in bundle.entry]
print(' '.join(kinds))
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_is_fhir_to_a_validator_that_others_made() {
    let Ok(python) = api_checkers() else {
        println!("skipped: the checkers of the API cannot be installed here");
        return;
    };
    let (_, _, gateway) = serve().await;
    for role in ["coder", "billing"] {
        let event = json!({
            "httpMethod": "GET", "path": "/charts/c-1",
            "headers": {"Accept": "application/fhir+json"},
            "requestContext": {
                "requestId": "r-1",
                "authorizer": {
                    "principalId": "u-1", "tenant": "north", "role": role, "issuedAt": "1",
                },
            },
        });
        let event = serde_json::from_value(event).unwrap();
        let deadline = SystemTime::now() + Duration::from_secs(29);
        let Ok(answer) = invocation(&gateway.service, event, deadline).await;
        assert_eq!(answer["statusCode"], 200);
        let mut child = Command::new(python.program("python"))
            .args(["-c", VALIDATE])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let bundle = answer["body"].as_str().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), bundle.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{bundle}");
        let kinds = String::from_utf8(output.stdout).unwrap();
        assert!(kinds.starts_with("DocumentReference Condition"), "{kinds}");
        assert_eq!(bundle.contains("\"Asthma\""), role == "coder", "{bundle}");
    }
}

#[test]
fn the_page_is_written_out_to_be_looked_at() {
    let (_, page) = openapi_page();
    let path = own_folder().join("api.html");
    std::fs::create_dir_all(own_folder()).unwrap();
    std::fs::write(&path, &page).unwrap();
    assert!(page.contains("GET</b>"), "{}", path.display());
}

fn openapi_page() -> (u64, String) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let (_, _, gateway) = serve().await;
        let event = json!({
            "httpMethod": "GET", "path": "/docs",
            "requestContext": {
                "requestId": "r-1",
                "authorizer": {
                    "principalId": "u-1", "tenant": "north", "role": "coder", "issuedAt": "1",
                },
            },
        });
        let event = serde_json::from_value(event).unwrap();
        let deadline = SystemTime::now() + Duration::from_secs(29);
        let Ok(answer) = invocation(&gateway.service, event, deadline).await;
        let status = answer["statusCode"].as_u64().unwrap();
        (status, answer["body"].as_str().unwrap().to_owned())
    })
}

#[test]
fn every_route_of_every_template_asks_the_authorizer() {
    let mut methods = 0;
    for environment in Environment::all().unwrap() {
        let assembly = lightsout_stacks::app(&environment).synth().unwrap();
        for stack in assembly.stacks() {
            let resources = stack.template_json()["Resources"].as_object().unwrap();
            let of = |kind: &str| {
                resources
                    .values()
                    .filter(|resource| resource["Type"] == kind)
                    .cloned()
                    .collect::<Vec<Value>>()
            };
            for method in of("AWS::ApiGateway::Method") {
                methods += 1;
                let properties = &method["Properties"];
                assert_eq!(properties["AuthorizationType"], "CUSTOM", "{method}");
                let authorizer = properties["AuthorizerId"]["Ref"].as_str().unwrap();
                let authorizer = &resources[authorizer]["Properties"];
                assert_eq!(authorizer["Type"], "TOKEN");
                // Each request is judged anew.
                assert_eq!(authorizer["AuthorizerResultTtlInSeconds"], 0);
            }
            for kind in ["AWS::ApiGatewayV2::Route", "AWS::Lambda::Url"] {
                assert!(of(kind).is_empty(), "{kind}");
            }
        }
    }
    assert!(methods >= 6, "{methods} methods: the test would be vacuous");
}
