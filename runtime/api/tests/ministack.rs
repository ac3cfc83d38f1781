//! Does the API read what workers and masters write into real tables?
//!
//! Runs against MiniStack, a local AWS, where `LIGHTSOUT_MINISTACK` names its
//! executable, and says so where it does not.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "all of this is a test, helpers included"
)]

use std::{
    env,
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, Projection, ProjectionType, ScalarAttributeType,
};
use lightsout_api::{Aws, Service, Table, invocation, writer};
use lightsout_audit::{Ledger, REGISTER, Trail};
use lightsout_aws::SdkConfig;
use lightsout_phi::Synthetic;
use lightsout_protocol::{
    audit,
    coding::{Encoded, Outcome, attribute},
    control::{ITEM, PART, RUNS},
    environment::ApiEnvironment,
    run::RunId,
    shard::RunShard,
};
use serde_json::{Value, json};

/// Charts of one run, several for each shard.
const MANY: usize = 120;
/// How often the test asks, the pages of many charts among it.
const ASKED: u64 = 36;

type Api = Service<Aws, Table>;

#[tokio::test]
async fn what_was_stored_is_answered_and_each_answer_is_recorded() {
    let Some(world) = World::start().await else {
        return;
    };
    let store = stored(&world.config).await;

    let (status, first) = get(&store, "/runs", &json!({"limit": "2"})).await;
    assert_eq!(status, 200, "{first}");
    assert_eq!(first["runs"][0]["run"], "run-000003-300");
    let next = json!({"limit": "2", "cursor": first["next"]});
    let (_, second) = get(&store, "/runs", &next).await;
    assert_eq!(second["runs"][0]["run"], "run-000001-100");
    assert_eq!(second["next"], Value::Null);

    let path = "/runs/run-000001-100/charts";
    let (_, first) = get(&store, path, &json!({"limit": "1"})).await;
    assert_eq!(first["charts"][0]["chart"], "b.txt");
    let next = json!({"limit": "1", "cursor": first["next"]});
    let (_, second) = get(&store, path, &next).await;
    assert_eq!(second["charts"][0]["chart"], "ward/a.txt");

    // More charts than a page, in every shard: pages of any size show each once, in order.
    let wanted: Vec<String> = (0..MANY)
        .map(|number| format!("many/{number:03}"))
        .collect();
    for limit in ["7", "50", "200"] {
        let mut shown = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let mut query = json!({"limit": limit});
            if cursor != Value::Null {
                query["cursor"] = cursor;
            }
            let (status, page) = get(&store, "/runs/run-000003-300/charts", &query).await;
            assert_eq!(status, 200, "{page}");
            let charts = page["charts"].as_array().unwrap();
            shown.extend(
                charts
                    .iter()
                    .map(|of| of["chart"].as_str().unwrap().to_owned()),
            );
            cursor = page["next"].clone();
            if cursor == Value::Null {
                break;
            }
        }
        assert_eq!(shown, wanted, "{limit}");
    }

    let path = "/runs/run-000002-200/rejected";
    let (status, first) = get_as(&store, "operations", path, &json!({"limit": "1"})).await;
    assert_eq!(status, 200, "{first}");
    assert_eq!(first["rejected"][0]["message"], "m-1");
    let next = json!({"limit": "1", "cursor": first["next"]});
    let (_, second) = get_as(&store, "operations", path, &next).await;
    assert_eq!(second["rejected"][0]["chart"], "c.pdf", "{second}");
    assert_eq!(second["rejected"][0]["reason"], "binary");
    let (_, of_coders) = get(&store, path, &json!({})).await;
    assert_eq!(of_coders["rejected"].as_array().unwrap().len(), 1);
    let (_, none) = get(&store, "/runs/run-000001-100/rejected", &Value::Null).await;
    assert_eq!(none["rejected"], json!([]));

    let (status, large) = get(&store, "/charts/ward%2Fa.txt", &Value::Null).await;
    assert_eq!(status, 200, "{large}");
    assert_eq!(large["coding"]["codes"][0]["code"], "E11.9");
    assert_eq!(large["others"][0]["run"], "run-000001-100");
    let (_, small) = get(&store, "/charts/b.txt", &Value::Null).await;
    assert_eq!(small["coding"]["codes"][0]["code"], "J45");
    let (status, _) = get(&store, "/charts/c.txt", &Value::Null).await;
    assert_eq!(status, 404);
    let by_code = json!({"code": "J45"});
    let (_, found) = get(&store, "/runs/run-000001-100/charts", &by_code).await;
    assert_eq!(found["charts"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["charts"][0]["codes"], json!(["J45"]));
    let (_, counts) = get(&store, "/runs/run-000001-100/counts", &Value::Null).await;
    assert_eq!(counts["counts"].as_array().unwrap().len(), 2, "{counts}");

    // What was changed in the table is no answer.
    let (status, altered) = get(&store, "/charts/altered.txt", &Value::Null).await;
    assert_eq!(status, 503, "{altered}");

    // All were asked of one writer, and another begins a stream of its own.
    let other = Trail::new(Table::new(&world.config, "audit"), writer().unwrap());
    other
        .record(&lightsout_audit::Access::default())
        .await
        .unwrap();
    let ledger = other.ledger();
    let register = ledger.last(REGISTER).await.unwrap().unwrap();
    assert_eq!(register.number, 2);
    let receipt = store
        .trail
        .record(&lightsout_audit::Access::default())
        .await
        .unwrap();
    assert_eq!(receipt.number(), ASKED + 1);
    // A place that is taken stays as it is.
    let taken = ledger.append(std::slice::from_ref(&register)).await;
    assert!(
        matches!(taken, Err(lightsout_audit::LedgerError::Taken)),
        "{taken:?}"
    );
}

/// Stores three runs and the outcomes of two charts, one of them twice and
/// large the second time.
#[expect(clippy::too_many_lines, reason = "what is stored is listed once")]
async fn stored(config: &SdkConfig) -> Api {
    let dynamodb = aws_sdk_dynamodb::Client::new(config);
    create_tables(&dynamodb).await;
    for epoch in 1..=3_u64 {
        dynamodb
            .put_item()
            .table_name("control")
            .item(PART, text(RUNS))
            .item(ITEM, text(&format!("run-00000{epoch}-{epoch}00")))
            .item("state", text("done"))
            .item("epoch", AttributeValue::N(epoch.to_string()))
            .item("started_at", AttributeValue::N(format!("{epoch}00")))
            .item("backlog", AttributeValue::N("3".to_owned()))
            .send()
            .await
            .unwrap();
    }
    let s3 = aws_sdk_s3::config::Builder::from(config)
        .force_path_style(true)
        .build();
    let s3 = aws_sdk_s3::Client::from_conf(s3);
    s3.create_bucket().bucket("large").send().await.unwrap();
    let coded = |code: &str| {
        let coding = json!({"codes": [{"code": code}]});
        let outcome = Outcome::Coded {
            coding,
            format: None,
            provenance: None,
        };
        outcome.encode().unwrap().into_json(&Synthetic)
    };
    s3.put_object()
        .bucket("large")
        .key("outcomes/big")
        .body(coded("E11.9").into_bytes().into())
        .send()
        .await
        .unwrap();
    for (chart, run, place, value) in [
        (
            "north/ward/a.txt",
            "run-000001-100",
            attribute::OUTCOME,
            coded("I10"),
        ),
        (
            "north/b.txt",
            "run-000001-100",
            attribute::OUTCOME,
            coded("J45"),
        ),
        (
            "north/ward/a.txt",
            "run-000002-200",
            attribute::OBJECT,
            "outcomes/big".to_owned(),
        ),
    ] {
        dynamodb
            .put_item()
            .table_name("results")
            .item(attribute::CHART, text(chart))
            .item(
                attribute::CODING,
                text(&format!("version of {run}#engine 1")),
            )
            .item(attribute::RUN, text(run))
            .item(attribute::RUN_SHARD, shard(run, chart))
            .item(attribute::STATUS, text("coded"))
            .item(place, text(&value))
            .item(
                attribute::CODES,
                AttributeValue::L(vec![text(if chart.ends_with("b.txt") {
                    "J45"
                } else {
                    "I10"
                })]),
            )
            .send()
            .await
            .unwrap();
    }
    store_many(&dynamodb, &coded("I10")).await;
    dynamodb
        .put_item()
        .table_name("results")
        .item(attribute::CHART, text("north/altered.txt"))
        .item(attribute::CODING, text("v1#engine 1"))
        .item(attribute::RUN, text("run-000002-200"))
        .item(
            attribute::RUN_SHARD,
            shard("run-000002-200", "north/altered.txt"),
        )
        .item(attribute::STATUS, text("coded"))
        .item(attribute::OUTCOME, text(&coded("I10")))
        .item(attribute::OUTCOME_SHA256, text(&"0".repeat(64)))
        .send()
        .await
        .unwrap();
    for (chart, version) in [("north/c.pdf", "v1"), ("m-1", "message")] {
        let run = "run-000002-200";
        let outcome = Encoded::rejected("binary", "the chart is a PDF").into_json(&Synthetic);
        dynamodb
            .put_item()
            .table_name("results")
            .item(attribute::CHART, text(chart))
            .item(attribute::CODING, text(&format!("{version}#engine 1")))
            .item(attribute::RUN, text(run))
            .item(attribute::RUN_SHARD, shard(run, chart))
            .item(attribute::REJECTED_SHARD, shard(run, chart))
            .item(attribute::STATUS, text("rejected"))
            .item(attribute::OUTCOME, text(&outcome))
            .send()
            .await
            .unwrap();
    }
    let environment = ApiEnvironment::from_variables(|name| {
        let address = match name {
            "RESULTS_TABLE" => "results",
            "RESULTS_BUCKET" => "large",
            "AUDIT_TABLE" => "audit",
            _ => "control",
        };
        Some(address.to_owned())
    });
    Service {
        store: Aws::new(config, environment.unwrap()),
        trail: Trail::new(Table::new(config, "audit"), writer().unwrap()),
    }
}

/// Stores many charts of the third run.
async fn store_many(dynamodb: &aws_sdk_dynamodb::Client, outcome: &str) {
    for number in 0..MANY {
        let (chart, run) = (format!("north/many/{number:03}"), "run-000003-300");
        dynamodb
            .put_item()
            .table_name("results")
            .item(attribute::CHART, text(&chart))
            .item(attribute::CODING, text("v1#engine 1"))
            .item(attribute::RUN, text(run))
            .item(attribute::RUN_SHARD, shard(run, &chart))
            .item(attribute::STATUS, text("coded"))
            .item(attribute::OUTCOME, text(outcome))
            .send()
            .await
            .unwrap();
    }
}

async fn create_tables(dynamodb: &aws_sdk_dynamodb::Client) {
    let index = |name: &str, partition: &str, held: [&str; 2]| {
        GlobalSecondaryIndex::builder()
            .index_name(name)
            .key_schema(key(partition, KeyType::Hash))
            .key_schema(key(attribute::CHART, KeyType::Range))
            .projection(
                Projection::builder()
                    .projection_type(ProjectionType::Include)
                    .set_non_key_attributes(Some(held.map(str::to_owned).to_vec()))
                    .build(),
            )
            .build()
            .unwrap()
    };
    let indexes = vec![
        index(
            attribute::BY_RUN,
            attribute::RUN_SHARD,
            [attribute::STATUS, attribute::CODES],
        ),
        index(
            attribute::BY_REJECTION,
            attribute::REJECTED_SHARD,
            [attribute::OUTCOME, attribute::OUTCOME_SHA256],
        ),
    ];
    for (table, hash, range, indexes) in [
        ("control", PART, ITEM, None),
        (
            "audit",
            audit::attribute::STREAM,
            audit::attribute::NUMBER,
            None,
        ),
        (
            "results",
            attribute::CHART,
            attribute::CODING,
            Some(indexes),
        ),
    ] {
        let mut attributes = vec![text_attribute(hash), text_attribute(range)];
        if indexes.is_some() {
            attributes.push(text_attribute(attribute::RUN_SHARD));
            attributes.push(text_attribute(attribute::REJECTED_SHARD));
        }
        dynamodb
            .create_table()
            .table_name(table)
            .billing_mode(BillingMode::PayPerRequest)
            .set_attribute_definitions(Some(attributes))
            .key_schema(key(hash, KeyType::Hash))
            .key_schema(key(range, KeyType::Range))
            .set_global_secondary_indexes(indexes)
            .send()
            .await
            .unwrap();
    }
}

async fn get(store: &Api, path: &str, query: &Value) -> (u64, Value) {
    get_as(store, "coder", path, query).await
}

async fn get_as(store: &Api, role: &str, path: &str, query: &Value) -> (u64, Value) {
    let event = json!({
        "httpMethod": "GET", "path": path, "queryStringParameters": query,
        "requestContext": {
            "requestId": "r-1",
            "authorizer": {"principalId": "u-1", "tenant": "north", "role": role},
        },
    });
    let event = serde_json::from_value(event).unwrap();
    let deadline = SystemTime::now() + Duration::from_mins(1);
    let Ok(answer) = invocation(store, event, deadline).await;
    let body = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    (answer["statusCode"].as_u64().unwrap(), body)
}

fn shard(run: &str, chart: &str) -> AttributeValue {
    text(RunShard::of(&RunId::from_stored(run), chart).as_str())
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn text_attribute(name: &str) -> AttributeDefinition {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(ScalarAttributeType::S)
        .build()
        .unwrap()
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(kind)
        .build()
        .unwrap()
}

/// A local AWS that ends with the test.
struct World {
    config: SdkConfig,
    process: Child,
    _state: tempfile::TempDir,
}

impl World {
    async fn start() -> Option<Self> {
        let Some(program) = env::var_os("LIGHTSOUT_MINISTACK").filter(|path| !path.is_empty())
        else {
            eprintln!("skipped: `LIGHTSOUT_MINISTACK` does not name MiniStack's executable");
            return None;
        };
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        drop(socket);
        let state = tempfile::tempdir().unwrap();
        let process = Command::new(program)
            .current_dir(state.path())
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("MINISTACK_HOST", "localhost")
            .env("MINISTACK_ACCOUNT_ID", "111122223333")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                began.elapsed() < Duration::from_mins(1),
                "MiniStack does not start"
            );
            thread::sleep(Duration::from_millis(50));
        }
        let config =
            lightsout_aws::load_for(&format!("http://127.0.0.1:{port}"), "us-east-1").await;
        Some(Self {
            config,
            process,
            _state: state,
        })
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
