//! Does the reaper end, close and remember what it must, in a real table and EC2?
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
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use aws_sdk_ec2::types::{InstanceType, ResourceType, Tag, TagSpecification};
use lightsout_aws::SdkConfig;
use lightsout_protocol::{
    control::{ITEM, LEASE, PART, RUNS},
    environment::ReaperEnvironment,
    fleet::tag,
    launch::Written,
    reap::Rearming,
    run::{Hold, Lease, RunId, RunState},
};
use lightsout_reaper::{Aws, Step, World as _, sweep};

const PIPELINE: &str = "lamp";

#[tokio::test]
async fn what_a_silent_master_left_is_ended_and_its_run_closed() {
    let Some(local) = World::start().await else {
        return;
    };
    let reaper = reaper(&local.config).await;
    let own = start_instance(&local.config, PIPELINE).await;
    let foreign = start_instance(&local.config, "another").await;
    let lease = silent_run(&local.config).await;

    let first = sweep(&reaper, reaper.pipeline(), reaper.limits()).await;
    assert_eq!(first.unwrap().ended, 0);
    let copy = sweep(&reaper, reaper.pipeline(), reaper.limits()).await;
    assert_eq!(copy.unwrap().ended, 0, "a copy counts for nothing");
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let second = sweep(&reaper, reaper.pipeline(), reaper.limits()).await;
    let report = second.unwrap();
    assert_eq!(report.ended, 1);
    assert_eq!(report.closed, Some(lease.run.clone()));
    assert_eq!(report.rearming, Rearming::NotNeeded);

    let seen = reaper.instances().await.unwrap();
    assert!(seen.iter().all(|instance| instance.id != own), "{seen:?}");
    assert!(is_running(&local.config, &foreign).await);
    let standing = reaper.standing().await.unwrap();
    assert_eq!(standing.lease.unwrap().hold, Hold::Released);
    assert_eq!(standing.state, Some(RunState::Failed));
}

#[tokio::test]
async fn a_run_that_was_heard_since_is_not_closed() {
    let Some(local) = World::start().await else {
        return;
    };
    let reaper = reaper(&local.config).await;
    let lease = silent_run(&local.config).await;
    let read_before = Lease {
        hold: Hold::Until(1),
        ..lease.clone()
    };
    let state = Some(RunState::Coding);
    let closed = reaper.close(&read_before, state, "lease_expired", 9).await;
    assert_eq!(closed.unwrap(), Written::TooLate);
    let standing = reaper.standing().await.unwrap();
    assert_eq!(standing.lease, Some(lease));
    assert_eq!(standing.state, state);
}

#[tokio::test]
async fn a_launcher_that_is_not_there_is_told_by_its_code() {
    let Some(local) = World::start().await else {
        return;
    };
    let reaper = reaper(&local.config).await;
    let fault = reaper.wake_launcher().await.unwrap_err();
    assert_eq!(fault.step, Step::Wake);
    assert_eq!(fault.code, "ResourceNotFoundException");
}

async fn reaper(config: &SdkConfig) -> Aws {
    let queue = control_table_and_queue(config).await;
    let environment = ReaperEnvironment::from_variables(|name| {
        let value = match name {
            "WORK_QUEUE" => &queue,
            "CONTROL_TABLE" => "control",
            "FLEET" => PIPELINE,
            "LAUNCHER" => "launcher",
            "SWEEP_SECONDS" => "4",
            "GRACE_SECONDS" => "0",
            _ => "3600",
        };
        Some(value.to_owned())
    });
    Aws::new(config, environment.unwrap())
}

/// Stores a run whose lease expired long ago.
async fn silent_run(config: &SdkConfig) -> Lease {
    let lease = Lease {
        epoch: 4,
        run: RunId::new(4, 100),
        hold: Hold::Until(900),
    };
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let number = |number: u64| AttributeValue::N(number.to_string());
    let client = aws_sdk_dynamodb::Client::new(config);
    let put = |part: &str, item: &str| {
        let put = client.put_item().table_name("control");
        put.item(PART, text(part)).item(ITEM, text(item))
    };
    put(LEASE, LEASE)
        .item("epoch", number(lease.epoch))
        .item("run", text(lease.run.as_str()))
        .item("expires_at", number(900))
        .send()
        .await
        .unwrap();
    put(RUNS, lease.run.as_str())
        .item("epoch", number(lease.epoch))
        .item("state", text(RunState::Coding.name()))
        .send()
        .await
        .unwrap();
    lease
}

async fn start_instance(config: &SdkConfig, pipeline: &str) -> String {
    let with = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    let tags = TagSpecification::builder()
        .resource_type(ResourceType::Instance)
        .tags(with(tag::PIPELINE, pipeline))
        .tags(with(tag::RUN, "run-000004-100"));
    let answer = aws_sdk_ec2::Client::new(config)
        .run_instances()
        .image_id("ami-00000000000000001")
        .instance_type(InstanceType::T3Small)
        .min_count(1)
        .max_count(1)
        .tag_specifications(tags.build())
        .send()
        .await
        .unwrap();
    answer.instances()[0].instance_id().unwrap().to_owned()
}

async fn is_running(config: &SdkConfig, instance: &str) -> bool {
    let answer = aws_sdk_ec2::Client::new(config)
        .describe_instances()
        .instance_ids(instance)
        .send()
        .await
        .unwrap();
    let state = answer.reservations()[0].instances()[0].state().unwrap();
    state.name().unwrap().as_str() == "running"
}

async fn control_table_and_queue(config: &SdkConfig) -> String {
    let attribute = |name: &str| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .unwrap()
    };
    let key = |name: &str, kind| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
            .unwrap()
    };
    aws_sdk_dynamodb::Client::new(config)
        .create_table()
        .table_name("control")
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute(PART))
        .attribute_definitions(attribute(ITEM))
        .key_schema(key(PART, KeyType::Hash))
        .key_schema(key(ITEM, KeyType::Range))
        .send()
        .await
        .unwrap();
    let sqs = aws_sdk_sqs::Client::new(config);
    let queue = sqs.create_queue().queue_name("work").send().await.unwrap();
    queue.queue_url.unwrap()
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
