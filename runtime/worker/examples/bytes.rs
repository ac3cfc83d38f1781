//! A worker of another project: it counts the bytes of objects as they arrive.
//!
//! What is of this project is a declaration of what the worker needs, and one implementation
//! of `Work`; its stacks name the binary in a `Program`, as the docs of `BatchFleet` show. The
//! launcher, the master, the reaper and the loop around the work are Lightsout's.

use std::{env, process::ExitCode};

use lightsout_contract::{
    Live, ReadItems, ReadObjects, ReceiveFrom, Setting, WriteItems, WriteObjects, environment,
};
use lightsout_protocol::{
    chart::{ChartArrival, arrivals},
    coding::{Outcome, OutcomeKey},
    control::ControlItem,
};
use lightsout_worker::{
    BoxError, Host,
    inbox::{Fetched, Inbox, S3},
    results::{Results, Stored, Tables},
    work::{Fault, Message, Tally, Verdict, Work},
};
use serde_json::json;

/// An object whose bytes are counted; a marker.
pub(crate) enum Object {}

environment! {
    /// What the worker needs.
    pub(crate) struct BytesEnvironment {
        /// Notifications of objects.
        work: ReceiveFrom<ChartArrival> = "WORK_QUEUE",
        /// The objects.
        objects: ReadObjects<Object> = "OBJECTS",
        /// Where counts are stored.
        counts: WriteItems<Outcome> = "COUNTS",
        /// Where counts go that are too large for an item, of which there are none.
        large_counts: WriteObjects<Outcome> = "LARGE_COUNTS",
        /// The lease.
        control: ReadItems<ControlItem> = "CONTROL_TABLE",
        /// How long a message is hidden.
        visibility_seconds: Setting<u32> = "VISIBILITY_SECONDS",
        /// How long the queue must be empty.
        drain_seconds: Setting<u64> = "DRAIN_SECONDS",
    }
}

/// Counts bytes.
pub(crate) struct Bytes<I, R> {
    /// Where objects are read.
    pub(crate) objects: I,
    /// Where counts are stored.
    pub(crate) counts: R,
}

/// The largest object whose bytes are counted.
const LARGEST: u64 = 1 << 30;

impl<I: Inbox, R: Results> Work for Bytes<I, R> {
    async fn work(&self, message: &Message) -> Verdict {
        let Ok(objects) = arrivals(&message.body) else {
            return Verdict::Again(Fault::MALFORMED);
        };
        let mut tally = Tally::default();
        for object in objects {
            let bytes = match self.objects.fetch(&object, LARGEST).await {
                Ok(Fetched::Bytes(bytes)) => bytes.bytes() as u64,
                Ok(Fetched::TooLarge(bytes)) => bytes,
                Ok(Fetched::Missing | Fetched::Altered) => 0,
                Err(_) => return Verdict::Again(Fault::passing("objects_unavailable")),
            };
            let count = Outcome::Coded {
                coding: json!({ "bytes": bytes }),
                format: None,
                provenance: None,
            };
            let key = OutcomeKey {
                chart: object.key,
                version: object.version.unwrap_or_default(),
                engine: "bytes-1".to_owned(),
            };
            let Ok(count) = count.encode() else {
                return Verdict::Again(Fault::passing("count_not_written"));
            };
            match self.counts.store(&key, count).await {
                Ok(Stored::New) => tally.coded += 1,
                Ok(Stored::Already) => tally.duplicates += 1,
                Err(_) => return Verdict::Again(Fault::RESULTS_UNAVAILABLE),
            }
        }
        Verdict::Done(tally)
    }
}

fn begin(host: &Host) -> Result<Bytes<S3, Tables>, BoxError> {
    let environment = BytesEnvironment::<Live>::from_variables(|name| env::var(name).ok())?;
    let s3 = aws_sdk_s3::Client::new(&host.aws);
    Ok(Bytes {
        objects: S3::new(s3.clone()),
        counts: Tables {
            dynamodb: aws_sdk_dynamodb::Client::new(&host.aws),
            table: environment.counts.address().to_owned(),
            s3,
            bucket: environment.large_counts.address().to_owned(),
            run: host.run.clone(),
        },
    })
}

#[tokio::main]
async fn main() -> ExitCode {
    lightsout_worker::main(async |host| begin(host)).await
}
