//! What the control plane of a local run holds, asked of the region while it is up.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    time::Duration,
};

use serde_json::{Value, json};

/// Something that was read, and where.
pub(crate) struct Found {
    pub(crate) place: String,
    /// As it was read: what is packed is no text.
    pub(crate) bytes: Vec<u8>,
}

/// A region, as its endpoint shows it.
pub(crate) struct ControlPlane<'a> {
    /// Host and port.
    endpoint: &'a str,
    found: Vec<Found>,
}

/// The attribute of a result that holds what a chart says, where it belongs.
const OUTCOME: &str = "outcome";

/// What is in the names of buckets whose objects hold what charts say, where it belongs.
const OF_CHARTS: [&str; 3] = ["inbox", "largeresults", "exports"];

/// For how many seconds the messages that are looked at are hidden from others: so is each seen
/// once, and back in the queue long before a machine asks for it.
const HIDDEN: u32 = 2;

/// The largest file that is searched: programs are larger, and logs are not.
const LARGEST: u64 = 4 << 20;

impl<'a> ControlPlane<'a> {
    /// Asks for logs, metrics, alarms, tags, table items, queues, objects and machines; of the
    /// results the outcomes themselves are left out, and of objects that hold charts or outcomes
    /// all but their keys, metadata and tags.
    pub(crate) fn read(endpoint: &'a str) -> Vec<Found> {
        let mut plane = Self {
            endpoint,
            found: Vec::new(),
        };
        plane.logs();
        plane.metrics();
        plane.tables();
        plane.queues();
        plane.objects();
        plane.machines();
        plane.found
    }

    /// Reads the messages that wait, each of which stays one.
    pub(crate) fn messages(endpoint: &'a str) -> Vec<Found> {
        let mut plane = Self {
            endpoint,
            found: Vec::new(),
        };
        let queues = plane.json("sqs", "AmazonSQS.ListQueues", &json!({}));
        for queue in queues["QueueUrls"].as_array().into_iter().flatten() {
            let wish = json!({
                "QueueUrl": queue, "AttributeNames": ["All"], "MessageAttributeNames": ["All"],
                "MaxNumberOfMessages": 10, "VisibilityTimeout": HIDDEN, "WaitTimeSeconds": 0,
            });
            loop {
                let answer = plane.json("sqs", "AmazonSQS.ReceiveMessage", &wish);
                let messages = answer["Messages"].as_array().map_or(0, Vec::len);
                if messages == 0 {
                    break;
                }
                plane.note(format!("message of {queue}"), &answer);
            }
        }
        plane.found
    }

    fn logs(&mut self) {
        let call = |action: &str| format!("Logs_20140328.{action}");
        let groups = self.json("logs", &call("DescribeLogGroups"), &json!({}));
        for group in groups["logGroups"].as_array().into_iter().flatten() {
            let name = group["logGroupName"].as_str().unwrap();
            let wish = json!({"logGroupName": name, "limit": 10_000});
            let events = self.json("logs", &call("FilterLogEvents"), &wish);
            self.note(format!("log {name}"), &events);
        }
    }

    fn metrics(&mut self) {
        for action in ["ListMetrics", "DescribeAlarms", "DescribeAlarmHistory"] {
            let target = format!("GraniteServiceVersion20100801.{action}");
            let answer = self.json("monitoring", &target, &json!({}));
            self.note(format!("metrics: {action}"), &answer);
        }
        let target = "ResourceGroupsTaggingAPI_20170126.GetResources";
        let tags = self.json("tagging", target, &json!({}));
        self.note("tags".to_owned(), &tags);
    }

    fn tables(&mut self) {
        let call = |action: &str| format!("DynamoDB_20120810.{action}");
        let tables = self.json("dynamodb", &call("ListTables"), &json!({}));
        for table in tables["TableNames"].as_array().into_iter().flatten() {
            let wish = json!({"TableName": table});
            let mut items = self.json("dynamodb", &call("Scan"), &wish);
            let mut outcomes = Vec::new();
            for item in items["Items"].as_array_mut().into_iter().flatten() {
                let outcome = item.as_object_mut().unwrap().remove(OUTCOME);
                outcomes.extend(outcome);
            }
            self.note(format!("table {table}"), &items);
            if !outcomes.is_empty() {
                self.note(OUTCOME.to_owned(), &Value::from(outcomes));
            }
        }
    }

    fn queues(&mut self) {
        let queues = self.json("sqs", "AmazonSQS.ListQueues", &json!({}));
        for queue in queues["QueueUrls"].as_array().into_iter().flatten() {
            let wish = json!({
                "QueueUrl": queue, "AttributeNames": ["All"],
            });
            for action in ["GetQueueAttributes", "ListQueueTags"] {
                let answer = self.json("sqs", &format!("AmazonSQS.{action}"), &wish);
                self.note(format!("queue {queue}: {action}"), &answer);
            }
        }
    }

    fn objects(&mut self) {
        let buckets = self.body("s3", "GET / HTTP/1.0", "");
        for bucket in elements(&text(&buckets), "Name") {
            let versions = self.body("s3", &format!("GET /{bucket}?versions HTTP/1.0"), "");
            let listed = text(&versions);
            assert!(
                listed.contains("<IsTruncated>false</IsTruncated>"),
                "{listed}"
            );
            let is_of_charts = OF_CHARTS.iter().any(|name| bucket.contains(name));
            for key in elements(&listed, "Key") {
                let path = format!("/{bucket}/{key}");
                let (head, _) = self.send("s3", &format!("HEAD {path} HTTP/1.0"), "");
                let size = head
                    .lines()
                    .find_map(|line| line.strip_prefix("Content-Length: "));
                let size: u64 = size.unwrap_or("0").parse().unwrap();
                self.keep(format!("metadata of {path}"), head.into_bytes());
                let tags = self.body("s3", &format!("GET {path}?tagging HTTP/1.0"), "");
                self.keep(format!("tags of {path}"), tags);
                if !is_of_charts && size <= LARGEST {
                    let body = self.body("s3", &format!("GET {path} HTTP/1.0"), "");
                    self.keep(format!("content of {path}"), body);
                }
            }
            self.keep(format!("keys of {bucket}"), versions);
        }
    }

    fn machines(&mut self) {
        for action in ["DescribeInstances", "DescribeTags", "DescribeVolumes"] {
            let body = format!("Action={action}&Version=2016-11-15");
            let answer = self.body("ec2", "POST / HTTP/1.0", &body);
            self.keep(format!("machines: {action}"), answer);
        }
    }

    fn note(&mut self, place: String, answer: &Value) {
        self.keep(place, answer.to_string().into_bytes());
    }

    fn keep(&mut self, place: String, bytes: Vec<u8>) {
        self.found.push(Found { place, bytes });
    }

    fn json(&self, service: &str, target: &str, wish: &Value) -> Value {
        let line = format!("POST / HTTP/1.0\r\nX-Amz-Target: {target}");
        let answer = self.body(service, &line, &wish.to_string());
        serde_json::from_slice(&answer).unwrap_or_else(|_| panic!("{target}: {}", text(&answer)))
    }

    fn body(&self, service: &str, line: &str, body: &str) -> Vec<u8> {
        self.send(service, line, body).1
    }

    /// Sends one request with what the region takes for a signature, and returns what came before
    /// the body, and the body.
    fn send(&self, service: &str, line: &str, body: &str) -> (String, Vec<u8>) {
        let kind = match service {
            "ec2" => "application/x-www-form-urlencoded",
            _ => "application/x-amz-json-1.1",
        };
        let request = format!(
            "{line}\r\nHost: {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
             Authorization: AWS4-HMAC-SHA256 \
             Credential=111122223333/20260101/us-east-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=0\r\nConnection: close\r\n\r\n{body}",
            self.endpoint,
            body.len()
        );
        let mut stream = TcpStream::connect(self.endpoint).unwrap();
        let patience = Some(Duration::from_secs(30));
        stream.set_read_timeout(patience).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let body = answer.split_off(end.map_or(answer.len(), |end| end + 4));
        let head = text(&answer);
        assert!(!head.contains("chunked"), "{head}");
        (head, body)
    }
}

/// Returns what stands in each element of this name.
fn elements(xml: &str, name: &str) -> Vec<String> {
    let (start, end) = (format!("<{name}>"), format!("</{name}>"));
    let rests = xml.split(start.as_str()).skip(1);
    rests
        .filter_map(|rest| Some(rest.split_once(end.as_str())?.0.to_owned()))
        .collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Reads every file below a folder that is no program.
pub(crate) fn files(folder: &Path, found: &mut Vec<Found>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(about) = fs::symlink_metadata(&path) else {
            continue;
        };
        if about.is_dir() {
            files(&path, found);
        } else if about.is_file() && about.len() <= LARGEST {
            let bytes = fs::read(&path).unwrap_or_default();
            found.push(Found {
                place: path.display().to_string(),
                bytes,
            });
        }
    }
}
