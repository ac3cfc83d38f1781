//! Where outcomes are stored.

use std::sync::Arc;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::put_item::{PutItemError, builders::PutItemFluentBuilder},
    types::AttributeValue,
};
use aws_sdk_s3::primitives::ByteStream;
use lightsout_phi::AuditContext;
use lightsout_protocol::{
    coding::{Encoded, INLINE_OUTCOME_LIMIT, OutcomeKey, Status, attribute},
    run::RunId,
    shard::RunShard,
};

use crate::{BoxError, passing::may_pass, sha256::sha256};

/// Whether an outcome was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It was, and is durable.
    New,
    /// One was there before, and nothing was changed.
    Already,
}

/// Why an outcome was not stored.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action}")]
pub struct ResultsError {
    /// What was tried.
    pub action: &'static str,
    /// Whether it may be stored later.
    pub passes: bool,
    /// What went wrong.
    #[source]
    pub source: BoxError,
}

/// A store that keeps the first outcome of each key.
pub trait Results: Send + Sync + 'static {
    /// Stores the outcome, unless there is one.
    fn store(
        &self,
        key: &OutcomeKey,
        outcome: Encoded,
    ) -> impl Future<Output = Result<Stored, ResultsError>> + Send;
}

impl<R: Results> Results for Arc<R> {
    async fn store(&self, key: &OutcomeKey, outcome: Encoded) -> Result<Stored, ResultsError> {
        R::store(self, key, outcome).await
    }
}

/// The results table, with a bucket for what is too large for an item.
#[derive(Debug, Clone)]
pub struct Tables {
    /// The client of the table.
    pub dynamodb: Client,
    /// The table's name.
    pub table: String,
    /// The client of the bucket.
    pub s3: aws_sdk_s3::Client,
    /// The bucket's name.
    pub bucket: String,
    /// The run that writes.
    pub run: RunId,
}

impl Results for Tables {
    async fn store(&self, key: &OutcomeKey, outcome: Encoded) -> Result<Stored, ResultsError> {
        let put = self.put(key, outcome.status());
        let put = match outcome.codes(&ToBeStored(key)) {
            [] => put,
            codes => put.item(
                attribute::CODES,
                AttributeValue::L(codes.iter().map(|code| string(code)).collect()),
            ),
        };
        let text = outcome.into_json(&ToBeStored(key));
        let sha256 = sha256(&text);
        let put = put.item(attribute::OUTCOME_SHA256, string(&sha256));
        let put = if text.len() <= INLINE_OUTCOME_LIMIT {
            put.item(attribute::OUTCOME, AttributeValue::S(text))
        } else {
            put.item(attribute::OBJECT, string(&self.set_aside(key, text).await?))
        };
        match put.send().await {
            Ok(_) => Ok(Stored::New),
            Err(error) if is_taken(&error) => Ok(Stored::Already),
            Err(error) => Err(ResultsError {
                action: "store the outcome",
                passes: may_pass(&error),
                source: error.into(),
            }),
        }
    }
}

/// The storing of an outcome, which is its own record: chart, version, engine and run.
struct ToBeStored<'k>(&'k OutcomeKey);

impl AuditContext for ToBeStored<'_> {
    fn record(&self) -> &str {
        &self.0.chart
    }
}

impl Tables {
    /// Begins to put an outcome where there is none; the outcome itself is still to be added.
    fn put(&self, key: &OutcomeKey, status: Status) -> PutItemFluentBuilder {
        let shard = RunShard::of(&self.run, &key.chart);
        let put = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .item(attribute::CHART, string(&key.chart))
            .item(attribute::CODING, string(&key.sort()))
            .item(attribute::RUN, string(self.run.as_str()))
            .item(attribute::RUN_SHARD, string(shard.as_str()))
            .item(attribute::STATUS, string(status.name()))
            .condition_expression("attribute_not_exists(#chart)")
            .expression_attribute_names("#chart", attribute::CHART);
        match status {
            Status::Coded => put,
            Status::Rejected => put.item(attribute::REJECTED_SHARD, string(shard.as_str())),
        }
    }

    /// Writes a large outcome into the bucket, before anything points to it.
    ///
    /// The key says which outcome it is, and the same chart has the same
    /// outcome: writing it again changes nothing.
    async fn set_aside(&self, key: &OutcomeKey, text: String) -> Result<String, ResultsError> {
        let object = format!("outcomes/{}/{}/{}.json", key.chart, key.version, key.engine);
        self.s3
            .put_object()
            .bucket(&self.bucket)
            .key(&object)
            .content_type("application/json")
            .body(ByteStream::from(text.into_bytes()))
            .send()
            .await
            .map_err(|error| ResultsError {
                action: "store the large outcome",
                passes: may_pass(&error),
                source: error.into(),
            })?;
        Ok(object)
    }
}

fn is_taken(error: &SdkError<PutItemError>) -> bool {
    error
        .as_service_error()
        .is_some_and(PutItemError::is_conditional_check_failed_exception)
}

fn string(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs};

    use super::*;

    type Row = BTreeMap<String, BTreeMap<String, String>>;

    #[test]
    fn rows_are_put_as_the_newest_fixtures_say() {
        let dynamodb = aws_sdk_dynamodb::Config::builder().behavior_version_latest();
        let s3 = aws_sdk_s3::Config::builder().behavior_version_latest();
        let tables = Tables {
            dynamodb: Client::from_conf(dynamodb.build()),
            table: "results".to_owned(),
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            bucket: "large".to_owned(),
            run: RunId::new(7, 1_800_000_000),
        };
        let key = OutcomeKey {
            chart: "ward 7/1.txt".to_owned(),
            version: "v1".to_owned(),
            engine: "nlp-0.1.0+fy2026".to_owned(),
        };
        for (status, name) in [
            (Status::Coded, "outcome-row-2"),
            (Status::Rejected, "rejection-row-2"),
        ] {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/tests/fixtures");
            let json = fs::read_to_string(format!("{folder}/{name}.json")).unwrap();
            let mut wanted: Row = serde_json::from_str(&json).unwrap();
            // Tests of the outcome's own form look at it.
            wanted.remove(attribute::OUTCOME);
            let put = tables.put(&key, status);
            let item = put.as_input().get_item().as_ref().unwrap();
            let written: Row = item
                .iter()
                .map(|(name, value)| {
                    let text = value.as_s().unwrap().clone();
                    (name.clone(), BTreeMap::from([("S".to_owned(), text)]))
                })
                .collect();
            assert_eq!(written, wanted, "{name}");
        }
    }
}
