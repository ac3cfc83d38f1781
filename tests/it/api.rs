//! Does the query API keep its OpenAPI document, and FHIR?
//!
//! The API runs here as it does behind API Gateway: each request is judged by the authorizer,
//! and handed on as a proxy event with what it said of the caller.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    process::Command,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::{Request, Response, header},
};
use lightsout_api::{Operation, Service, invocation, memory::Memory, openapi};
use lightsout_audit::{Access, MemoryLedger, Said, Trail, verify};
use lightsout_authorizer::{Issuer, Role, Verifier};
use lightsout_nlp::{Dictionary, Engine};
use lightsout_protocol::coding::Outcome;
use lightsout_stacks::environment::Environment;
use lightsout_tests::{api_checkers, own_folder};
use serde_json::{Value, json};

struct Gateway {
    verifier: Verifier,
    service: Service<Memory, MemoryLedger>,
}

/// An API with a few charts, on an address of its own, and its identity provider.
async fn serve() -> (SocketAddr, Issuer, Arc<Gateway>) {
    let issuer = Issuer::new().unwrap();
    let engine = Engine::new(Dictionary::fy2026());
    let coded = |text: &str| Outcome::Coded {
        coding: serde_json::to_value(engine.code(text)).unwrap(),
        format: Some("text".to_owned()),
        provenance: None,
    };
    let store = Memory::default()
        .with_run(1)
        .with_run(2)
        .with_outcome(
            1,
            "north/c-1",
            "v1",
            coded("ASSESSMENT: Asthma. Denies gout. Possible pneumonia."),
        )
        .with_outcome(2, "north/c-2", "v1", coded("Type 2 diabetes mellitus."))
        .with_outcome(
            2,
            "north/c-3",
            "v1",
            Outcome::Rejected {
                reason: "empty".to_owned(),
                detail: "the chart is empty".to_owned(),
            },
        );
    let gateway = Arc::new(Gateway {
        verifier: Verifier::new(&issuer.keys(), Issuer::ISSUER, Issuer::AUDIENCE).unwrap(),
        service: Service {
            store,
            trail: Trail::new(MemoryLedger::default(), "w"),
        },
    });
    let router = Router::new()
        .fallback(handle)
        .with_state(Arc::clone(&gateway));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, issuer, gateway)
}

fn seconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

async fn handle(State(gateway): State<Arc<Gateway>>, request: Request<Body>) -> Response<Body> {
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

/// The document with ids of what is there, which no schema tells.
fn with_examples() -> Value {
    let mut document = openapi::document();
    for path in document["paths"].as_object_mut().unwrap().values_mut() {
        for operation in path.as_object_mut().unwrap().values_mut() {
            for parameter in operation["parameters"].as_array_mut().unwrap() {
                let there = match parameter["name"].as_str() {
                    Some("run") => "run-000002-1002",
                    Some("chart") => "c-3",
                    _ => continue,
                };
                parameter["examples"] =
                    json!({"there": {"value": there}, "nowhere": {"value": "none"}});
            }
        }
    }
    document
}

/// Every operation was answered as asked, refused as bad, and refused to who may not; returns
/// what was reached.
fn every_operation_was_reached(accesses: &[Access]) -> String {
    let reached: BTreeSet<_> = accesses
        .iter()
        .map(|access| (access.action.as_str(), access.status))
        .collect();
    for operation in Operation::ALL {
        let action = format!("{} {}", operation.method(), operation.path());
        let is_reached = |statuses: &[u16]| {
            let mut statuses = statuses.iter();
            statuses.any(|status| reached.contains(&(action.as_str(), *status)))
        };
        assert!(is_reached(&[200, 201, 202]), "{action} was never answered");
        let takes = !operation.parameters().is_empty();
        assert!(is_reached(&[400]) || !takes, "{action} was never refused");
        if operation.path().contains('{') {
            assert!(is_reached(&[404]), "{action} always found something");
        }
        let is_closed = |role| operation.shown_to(role).is_none();
        if is_closed(Role::Coder) || is_closed(Role::Operations) {
            assert!(is_reached(&[403]), "{action} was closed to nobody");
        }
    }
    format!("{reached:?}")
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
    std::fs::write(&document, with_examples().to_string()).unwrap();
    for role in [Role::Coder, Role::Operations] {
        let token = issuer.token("u-1", "north", role, seconds());
        let mut command = Command::new(python.program("schemathesis"));
        command
            .arg("run")
            .arg(&document)
            .args(["--url", &format!("http://{address}")])
            .args(["--header", &format!("Authorization: {token}")])
            .args(["--checks", "all", "--max-examples", "25", "--seed", "1"])
            // No schema tells a cursor from another text, and the API does.
            .args(["--exclude-checks", "positive_data_acceptance"])
            .args(["--generation-deterministic", "--no-color"])
            .current_dir(folder.path());
        let output = tokio::task::spawn_blocking(move || command.output());
        let output = output.await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        println!("{said}");
        let erred = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{role:?}: {said}\n{erred}");
    }
    let entries = gateway.service.trail.ledger().entries();
    let accesses = entries.iter().filter_map(|entry| match entry.link()?.said {
        Said::Access(access) => Some(*access),
        Said::Opened(_) => None,
    });
    let reached = every_operation_was_reached(&accesses.collect::<Vec<_>>());
    println!("reached: {reached}");
    let verdict = verify(entries, None);
    assert!(
        verdict.is_whole() && verdict.records > 100,
        "{}",
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
