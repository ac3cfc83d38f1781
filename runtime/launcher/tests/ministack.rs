//! Do the conditional writes hold in a real control table?
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
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use lightsout_aws::SdkConfig;
use lightsout_launcher::{Aws, Decision, Step, Taking, World as _, Written, launch};
use lightsout_protocol::{
    control::{ITEM, PART},
    environment::LauncherEnvironment,
    run::{Asking, Hold, Lease, RunState},
};

#[tokio::test]
async fn a_run_is_taken_launched_left_alone_and_given_back() {
    let Some(local) = World::start().await else {
        return;
    };
    let queue = control_table_and_queue(&local.config).await;
    let environment = LauncherEnvironment::from_variables(|name| {
        let address = match name {
            "WORK_QUEUE" => &queue,
            "CONTROL_TABLE" => "control",
            "MASTER_TEMPLATE" => "lt-0123456789abcdef0",
            "LEASE_SECONDS" => "60",
            "MASTER_SPOT" => "false",
            _ => "lamp",
        };
        Some(address.to_owned())
    });
    let world = Aws::new(&local.config, environment.unwrap());

    let report = launch(&world, 60).await.unwrap();
    assert_eq!(report.decision, Decision::StayIdle);

    let sqs = aws_sdk_sqs::Client::new(&local.config);
    let send = sqs.send_message().queue_url(&queue).message_body("{}");
    send.send().await.unwrap();

    // Both read the free lease, and only one of them gets it.
    let free = world.standing().await.unwrap();
    let next = Lease::succeeded_by(free.lease.as_ref(), world.now(), 60);
    let taking = Taking {
        last: None,
        next: &next,
        abandoned: None,
        asking: Asking::first(world.now()),
        backlog: 1,
        now: world.now(),
    };
    assert_eq!(world.take(&taking).await.unwrap(), Written::Done);
    assert_eq!(world.take(&taking).await.unwrap(), Written::TooLate);

    // The one that lost leaves the launch to the one that won.
    let report = launch(&world, 60).await.unwrap();
    assert_eq!(report.decision, Decision::LeaveToRunning);
    let held = world.standing().await.unwrap();
    assert_eq!(held.asking, Some(taking.asking));
    let second = taking.asking.next(world.now());
    let first = Some(taking.asking);
    assert_eq!(
        world.ask(&next, first, second).await.unwrap(),
        Written::Done
    );
    assert_eq!(
        world.ask(&next, first, second).await.unwrap(),
        Written::TooLate
    );
    assert_eq!(held.lease.as_ref(), Some(&next));
    assert_eq!(held.state, Some(RunState::Requested));
    assert_eq!(
        world
            .record_launch(&next.extended(world.now(), 90))
            .await
            .unwrap(),
        Written::Done
    );
    assert_eq!(world.record_launch(&next).await.unwrap(), Written::TooLate);
    let report = launch(&world, 60).await.unwrap();
    assert_eq!(report.decision, Decision::LeaveToRunning);
    assert_eq!(report.run.as_ref(), Some(&next.run));

    // A launch that is recorded is not taken for refused any more.
    assert_eq!(
        world
            .give_back(&next, second, "Unsupported", 7)
            .await
            .unwrap(),
        Written::TooLate
    );
    let held = world.standing().await.unwrap();
    assert_eq!(held.state, Some(RunState::Launching));
}

#[tokio::test]
async fn a_refused_launch_releases_the_lease_for_the_next_run() {
    let Some(local) = World::start().await else {
        return;
    };
    let queue = control_table_and_queue(&local.config).await;
    let environment = LauncherEnvironment::from_variables(|name| {
        let address = match name {
            "WORK_QUEUE" => &queue,
            "CONTROL_TABLE" => "control",
            "LEASE_SECONDS" => "60",
            "MASTER_SPOT" => "false",
            _ => "lamp",
        };
        Some(address.to_owned())
    });
    let world = Aws::new(&local.config, environment.unwrap());
    let first = Lease::succeeded_by(None, world.now(), 60);
    let taking = Taking {
        last: None,
        next: &first,
        abandoned: None,
        asking: Asking::first(world.now()),
        backlog: 1,
        now: world.now(),
    };
    world.take(&taking).await.unwrap();
    let other = taking.asking.next(world.now());
    let now = world.now();
    let too_late = world.give_back(&first, other, "Unsupported", now).await;
    assert_eq!(too_late.unwrap(), Written::TooLate, "somebody else asks");
    let asking = taking.asking;
    let given_back = world.give_back(&first, asking, "Unsupported", now).await;
    assert_eq!(given_back.unwrap(), Written::Done);
    let free = world.standing().await.unwrap();
    assert_eq!(free.state, Some(RunState::Failed));
    let last = free.lease.unwrap();
    assert_eq!(last.hold, Hold::Released);

    let second = Lease::succeeded_by(Some(&last), world.now(), 60);
    let taking = Taking {
        last: Some(&last),
        next: &second,
        abandoned: None,
        asking: Asking::first(world.now()),
        backlog: 1,
        now: world.now(),
    };
    assert_eq!(world.take(&taking).await.unwrap(), Written::Done);
    assert_eq!(second.epoch, 2);
}

#[tokio::test]
async fn a_table_that_is_not_there_is_told_by_its_code() {
    let Some(local) = World::start().await else {
        return;
    };
    let environment = LauncherEnvironment::from_variables(|name| match name {
        "LEASE_SECONDS" => Some("60".to_owned()),
        "MASTER_SPOT" => Some("false".to_owned()),
        _ => Some("nowhere".to_owned()),
    });
    let world = Aws::new(&local.config, environment.unwrap());
    let fault = world.standing().await.unwrap_err();
    assert_eq!(fault.step, Step::Read);
    assert_eq!(fault.code, "ResourceNotFoundException");
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
