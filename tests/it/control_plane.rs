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
    pub(crate) text: String,
}

/// A region, as its endpoint shows it.
pub(crate) struct ControlPlane<'a> {
    /// Host and port.
    endpoint: &'a str,
    found: Vec<Found>,
}

/// The attribute of a result that holds what a chart says, where it belongs.
const OUTCOME: &str = "outcome";

/// The largest file that is searched: programs are larger, and logs are not.
const LARGEST: u64 = 4 << 20;

impl<'a> ControlPlane<'a> {
    /// Asks for logs, metrics, alarms, tags, table items, queues and machines; of the
    /// results the outcomes themselves are left out.
    pub(crate) fn read(endpoint: &'a str) -> Vec<Found> {
        let mut plane = Self {
            endpoint,
            found: Vec::new(),
        };
        plane.logs();
        plane.metrics();
        plane.tables();
        plane.queues();
        plane.machines();
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
                "QueueUrl": queue, "AttributeNames": ["All"], "MaxNumberOfMessages": 10,
                "MessageAttributeNames": ["All"], "WaitTimeSeconds": 0,
            });
            for action in ["GetQueueAttributes", "ListQueueTags", "ReceiveMessage"] {
                let answer = self.json("sqs", &format!("AmazonSQS.{action}"), &wish);
                self.note(format!("queue {queue}: {action}"), &answer);
            }
        }
    }

    fn machines(&mut self) {
        for action in ["DescribeInstances", "DescribeTags", "DescribeVolumes"] {
            let body = format!("Action={action}&Version=2016-11-15");
            let text = self.send("ec2", "POST / HTTP/1.0", &body);
            let place = format!("machines: {action}");
            self.found.push(Found { place, text });
        }
    }

    fn note(&mut self, place: String, answer: &Value) {
        let text = answer.to_string();
        self.found.push(Found { place, text });
    }

    fn json(&self, service: &str, target: &str, wish: &Value) -> Value {
        let line = format!("POST / HTTP/1.0\r\nX-Amz-Target: {target}");
        let answer = self.send(service, &line, &wish.to_string());
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{target}: {answer}"))
    }

    /// Sends one request with what the region takes for a signature.
    fn send(&self, service: &str, line: &str, body: &str) -> String {
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
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        assert!(!head.contains("chunked"), "{head}");
        body.to_owned()
    }
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
                text: String::from_utf8_lossy(&bytes).into_owned(),
            });
        }
    }
}
