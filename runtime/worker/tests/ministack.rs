//! The worker's binary against a local AWS: MiniStack, which is not ours.
//!
//! `LIGHTSOUT_MINISTACK` names its executable; without it the test is skipped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    env,
    net::TcpListener,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use aws_sdk_s3::{
    primitives::ByteStream,
    types::{
        BucketVersioningStatus, Event, NotificationConfiguration, QueueConfiguration,
        VersioningConfiguration,
    },
};
use aws_sdk_sqs::types::QueueAttributeName;
use lightsout_aws::SdkConfig;
use lightsout_protocol::{coding::Outcome, run::RunId, shard::RunShard};

const RUN: &str = "run-000001-1";
const KEYS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("AWS_REGION", "us-east-1"),
];

/// MiniStack, ended with its owner.
struct Endpoint {
    process: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Endpoint {
    fn start(executable: &std::ffi::OsStr) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let url = format!("http://127.0.0.1:{port}");
        let folder = tempfile::tempdir().unwrap();
        let process = Command::new(executable)
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("MINISTACK_HOST", "localhost")
            .env("MINISTACK_ACCOUNT_ID", "111122223333")
            .env("AWS_ENDPOINT_URL", &url)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            process,
            url,
            _folder: folder,
        }
    }

    /// The configuration of the programs themselves, with this endpoint.
    async fn configuration(&self) -> SdkConfig {
        let loaded = lightsout_aws::load().await;
        let keys = aws_sdk_sqs::config::Credentials::new("test", "test", None, None, "test");
        loaded
            .into_builder()
            .endpoint_url(&self.url)
            .region(aws_sdk_sqs::config::Region::new("us-east-1"))
            .credentials_provider(aws_sdk_sqs::config::SharedCredentialsProvider::new(keys))
            .build()
    }
}

/// What the stacks would have made.
struct Pipeline {
    endpoint: Endpoint,
    sqs: aws_sdk_sqs::Client,
    s3: aws_sdk_s3::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    queue: String,
}

impl Pipeline {
    async fn make(executable: &std::ffi::OsStr) -> Self {
        let endpoint = Endpoint::start(executable);
        let aws = endpoint.configuration().await;
        let sqs = aws_sdk_sqs::Client::new(&aws);
        let settings = aws_sdk_s3::config::Builder::from(&aws).force_path_style(true);
        let s3 = aws_sdk_s3::Client::from_conf(settings.build());
        let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
        let queue = loop {
            if let Ok(made) = sqs.create_queue().queue_name("work").send().await {
                break made.queue_url.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        let pipeline = Self {
            endpoint,
            sqs,
            s3,
            dynamodb,
            queue,
        };
        pipeline.make_buckets().await;
        pipeline.make_table("results", "chart", "coding").await;
        pipeline.make_table("control", "part", "item").await;
        pipeline.hold_lease(RUN).await;
        pipeline
    }

    async fn make_buckets(&self) {
        for bucket in ["inbox", "large"] {
            self.s3.create_bucket().bucket(bucket).send().await.unwrap();
        }
        let versioned = VersioningConfiguration::builder()
            .status(BucketVersioningStatus::Enabled)
            .build();
        let versioning = self.s3.put_bucket_versioning().bucket("inbox");
        versioning
            .versioning_configuration(versioned)
            .send()
            .await
            .unwrap();
        let into_the_queue = QueueConfiguration::builder()
            .queue_arn("arn:aws:sqs:us-east-1:111122223333:work")
            .events(Event::from("s3:ObjectCreated:*"))
            .build()
            .unwrap();
        self.s3
            .put_bucket_notification_configuration()
            .bucket("inbox")
            .notification_configuration(
                NotificationConfiguration::builder()
                    .queue_configurations(into_the_queue)
                    .build(),
            )
            .send()
            .await
            .unwrap();
    }

    async fn make_table(&self, name: &str, partition: &str, sort: &str) {
        let mut call = self
            .dynamodb
            .create_table()
            .table_name(name)
            .billing_mode(BillingMode::PayPerRequest);
        for (key, kind) in [(partition, KeyType::Hash), (sort, KeyType::Range)] {
            call = call
                .attribute_definitions(
                    AttributeDefinition::builder()
                        .attribute_name(key)
                        .attribute_type(ScalarAttributeType::S)
                        .build()
                        .unwrap(),
                )
                .key_schema(
                    KeySchemaElement::builder()
                        .attribute_name(key)
                        .key_type(kind)
                        .build()
                        .unwrap(),
                );
        }
        call.send().await.unwrap();
    }

    async fn hold_lease(&self, run: &str) {
        self.dynamodb
            .put_item()
            .table_name("control")
            .item("part", AttributeValue::S("lease".to_owned()))
            .item("item", AttributeValue::S("lease".to_owned()))
            .item("run", AttributeValue::S(run.to_owned()))
            .item("epoch", AttributeValue::N("1".to_owned()))
            .item("expires_at", AttributeValue::N("99999999999".to_owned()))
            .send()
            .await
            .unwrap();
    }

    async fn upload(&self, key: &str, bytes: &[u8]) {
        self.s3
            .put_object()
            .bucket("inbox")
            .key(format!("charts/{key}"))
            .body(ByteStream::from(bytes.to_vec()))
            .send()
            .await
            .unwrap();
    }

    /// Runs the worker until it ends by itself.
    async fn work(&self) -> Output {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_worker"));
        command
            .env_clear()
            .envs(KEYS)
            .env("AWS_ENDPOINT_URL", &self.endpoint.url)
            // Nothing listens there: a machine without a notice.
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")
            .env("LIGHTSOUT_RUN", RUN)
            .env("WORK_QUEUE", &self.queue)
            .env("INBOX_BUCKET", "inbox")
            .env("RESULTS_TABLE", "results")
            .env("RESULTS_BUCKET", "large")
            .env("CONTROL_TABLE", "control")
            .env("VISIBILITY_SECONDS", "30")
            .env("DRAIN_SECONDS", "2")
            .env("TERMINOLOGY_EDITION", "fy2026")
            .stdin(Stdio::null());
        command.output().await.unwrap()
    }

    /// Everything in the results table, by chart.
    async fn results(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let scanned = self.dynamodb.scan().table_name("results").send();
        let items = scanned.await.unwrap().items.unwrap_or_default();
        let text = |value: &AttributeValue| value.as_s().unwrap().clone();
        items
            .into_iter()
            .map(|item| {
                let chart = text(&item["chart"]);
                // The codes are a list, and looked at by the API's own test.
                let texts = item.iter().filter(|(_, value)| value.is_s());
                let rest = texts.map(|(name, value)| (name.clone(), text(value)));
                (chart, rest.collect())
            })
            .collect()
    }

    async fn waiting(&self) -> String {
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let call = self.sqs.get_queue_attributes().queue_url(&self.queue);
        let answer = call.attribute_names(name.clone()).send().await.unwrap();
        answer.attributes.unwrap()[&name].clone()
    }
}

fn report(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn every_chart_ends_as_coded_or_rejected_and_none_is_coded_twice() {
    let Some(executable) = env::var_os("LIGHTSOUT_MINISTACK") else {
        eprintln!("skipped: LIGHTSOUT_MINISTACK names no executable");
        return;
    };
    let pipeline = Pipeline::make(&executable).await;
    // Each mention brings its evidence, so that this outcome exceeds an item.
    let large = "Assessment: type 2 diabetes mellitus. ".repeat(4_000);
    let charts: [(&str, &[u8]); 6] = [
        (
            "coded 1",
            b"Assessment: type 2 diabetes mellitus without complications.",
        ),
        ("large", large.as_bytes()),
        ("empty", b""),
        ("latin", b"fi\xe8vre"),
        ("picture", b"\x89PNG\r\n\x1a\n...."),
        ("plain", b"Nothing of note."),
    ];
    for (key, bytes) in charts {
        pipeline.upload(key, bytes).await;
    }

    let first = pipeline.work().await;
    let told = report(&first);
    assert_eq!(
        (
            &told["coded"],
            &told["rejected"],
            &told["duplicates"],
            &told["failed"],
            &told["left"]
        ),
        (
            &3.into(),
            &3.into(),
            &0.into(),
            &0.into(),
            &"drained".into()
        ),
        "{told}"
    );
    let results = pipeline.results().await;
    let outcome =
        |chart: &str| -> Outcome { serde_json::from_str(&results[chart]["outcome"]).unwrap() };
    let Outcome::Coded { coding, .. } = outcome("coded 1") else {
        panic!("the chart is not coded");
    };
    assert_eq!(coding["codes"][0]["code"], "E11.9");
    for (chart, wanted) in [
        ("empty", "empty"),
        ("latin", "not_utf8"),
        ("picture", "binary"),
    ] {
        let Outcome::Rejected { reason, .. } = outcome(chart) else {
            panic!("`{chart}` is not rejected");
        };
        assert_eq!(reason, wanted);
    }
    assert_eq!(results["coded 1"]["run"], RUN);
    for chart in ["empty", "coded 1"] {
        let shard = RunShard::of(&RunId::from_stored(RUN), chart);
        assert_eq!(results[chart]["run_shard"], shard.as_str());
        let rejected = results[chart].get("rejected_shard").map(String::as_str);
        assert_eq!(rejected, (chart == "empty").then_some(shard.as_str()));
    }
    let object = pipeline
        .s3
        .get_object()
        .bucket("large")
        .key(&results["large"]["object"]);
    let body = object.send().await.unwrap().body.collect().await.unwrap();
    let set_aside: Outcome = serde_json::from_slice(&body.into_bytes()).unwrap();
    assert!(matches!(set_aside, Outcome::Coded { .. }));
    let log = String::from_utf8(first.stderr).unwrap();
    assert!(
        !log.contains("diabetes") && !log.contains("coded 1"),
        "{log}"
    );

    // S3 may announce an object twice.
    let version = results["coded 1"]["coding"].split('#').next().unwrap();
    let again = serde_json::json!({"Records": [{
        "eventVersion": "2.1", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "inbox"},
               "object": {"key": "charts/coded+1", "size": 9, "versionId": version}}
    }]});
    let send = pipeline.sqs.send_message().queue_url(&pipeline.queue);
    send.message_body(again.to_string()).send().await.unwrap();
    let told = report(&pipeline.work().await);
    assert_eq!(
        (&told["coded"], &told["duplicates"]),
        (&0.into(), &1.into()),
        "{told}"
    );
    assert_eq!(pipeline.results().await, results);

    // A worker of a run that is over leaves the queue to the next one.
    pipeline.hold_lease("run-000002-2").await;
    pipeline.upload("later", b"Hypertension.").await;
    let told = report(&pipeline.work().await);
    assert_eq!(told["left"], "lease_lost", "{told}");
    assert_eq!(told["coded"], 0, "{told}");
    assert_eq!(pipeline.waiting().await, "1");
}
