//! A local AWS with what workers and masters have stored, and the API over it.

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
use lightsout_audit::{Ledger, Trail};
use lightsout_aws::SdkConfig;
use lightsout_contract::Live;
use lightsout_phi::Synthetic;
use lightsout_protocol::{
    audit::attribute as audit,
    caller::attribute as caller,
    coding::{Encoded, Outcome, attribute},
    control::{ITEM, PART, RUNS},
    environment::ApiEnvironment,
    run::RunId,
    shard::RunShard,
};
use serde_json::{Value, json};

/// Charts of one run, several for each shard.
pub(crate) const MANY: usize = 120;

pub(crate) type Api = Service<Aws, Table>;

/// Stores three runs and the outcomes of two charts, one of them twice and
/// large the second time.
#[expect(clippy::too_many_lines, reason = "what is stored is listed once")]
pub(crate) async fn stored(config: &SdkConfig) {
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
    s3.create_bucket().bucket("exports").send().await.unwrap();
    s3.create_bucket().bucket("sealed").send().await.unwrap();
    let sqs = aws_sdk_sqs::Client::new(config);
    sqs.create_queue().queue_name("work").send().await.unwrap();
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
}

/// The API over what is stored, with callers who may ask as fast as they can.
pub(crate) fn service(config: &SdkConfig) -> Api {
    let environment = environment(config, "1000000");
    Service {
        store: Aws::new(config, environment),
        trail: Trail::new(Table::new(config, "audit", "sealed"), writer().unwrap()),
    }
}

/// The environment of an API whose callers may make so many requests at once, and one a second.
pub(crate) fn environment(config: &SdkConfig, burst: &str) -> ApiEnvironment<Live> {
    let endpoint = config.endpoint_url().unwrap_or_default();
    let work = format!("{endpoint}/111122223333/work");
    let environment = ApiEnvironment::from_variables(|name| {
        let address = match name {
            "RESULTS_TABLE" => "results",
            "RESULTS_BUCKET" => "large",
            "AUDIT_TABLE" => "audit",
            "CALLERS_TABLE" => "callers",
            "CALLER_RATE" => "1",
            "CALLER_BURST" => burst,
            "SEALED_TRAIL_BUCKET" => "sealed",
            "EXPORTS_BUCKET" => "exports",
            "WORK_QUEUE" => &work,
            "INBOX_BUCKET" => "inbox",
            _ => "control",
        };
        Some(address.to_owned())
    });
    environment.unwrap()
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
        ("audit", audit::STREAM, audit::NUMBER, None),
        ("callers", caller::CALLER, "", None),
        (
            "results",
            attribute::CHART,
            attribute::CODING,
            Some(indexes),
        ),
    ] {
        let mut attributes = vec![text_attribute(hash)];
        let mut keys = vec![key(hash, KeyType::Hash)];
        if !range.is_empty() {
            attributes.push(text_attribute(range));
            keys.push(key(range, KeyType::Range));
        }
        if indexes.is_some() {
            attributes.push(text_attribute(attribute::RUN_SHARD));
            attributes.push(text_attribute(attribute::REJECTED_SHARD));
        }
        dynamodb
            .create_table()
            .table_name(table)
            .billing_mode(BillingMode::PayPerRequest)
            .set_attribute_definitions(Some(attributes))
            .set_key_schema(Some(keys))
            .set_global_secondary_indexes(indexes)
            .send()
            .await
            .unwrap();
    }
}

pub(crate) async fn get<L: Ledger>(
    store: &Service<Aws, L>,
    path: &str,
    query: &Value,
) -> (u64, Value) {
    get_as(store, "coder", path, query).await
}

pub(crate) async fn get_as<L: Ledger>(
    store: &Service<Aws, L>,
    role: &str,
    path: &str,
    query: &Value,
) -> (u64, Value) {
    let event = json!({
        "httpMethod": "GET", "path": path, "queryStringParameters": query,
        "requestContext": {
            "requestId": "r-1",
            "authorizer": {"principalId": "u-1", "tenant": "north", "role": role, "issuedAt": "1"},
        },
    });
    let event = serde_json::from_value(event).unwrap();
    let deadline = SystemTime::now() + Duration::from_mins(1);
    let Ok(answer) = invocation(store, event, deadline).await;
    let body = answer["body"].as_str().unwrap();
    let body = serde_json::from_str(body).unwrap_or_else(|_| body.into());
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
pub(crate) struct World {
    pub(crate) config: SdkConfig,
    process: Child,
    _state: tempfile::TempDir,
}

impl World {
    pub(crate) async fn start() -> Option<Self> {
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
            // It verifies the signature of an address with these.
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
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
