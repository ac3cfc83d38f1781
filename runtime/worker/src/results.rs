//! Where outcomes are stored.

use std::sync::Arc;

use aws_sdk_dynamodb::{
    Client, error::SdkError, operation::put_item::PutItemError, types::AttributeValue,
};
use aws_sdk_s3::primitives::ByteStream;
use lightsout_phi::AuditContext;
use lightsout_protocol::coding::{Encoded, INLINE_OUTCOME_LIMIT, OutcomeKey, Status, attribute};

use sha2::{Digest, Sha256};

use crate::BoxError;

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
    pub run: String,
}

impl Results for Tables {
    async fn store(&self, key: &OutcomeKey, outcome: Encoded) -> Result<Stored, ResultsError> {
        let put = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .item(attribute::CHART, string(&key.chart))
            .item(attribute::CODING, string(&key.sort()))
            .item(attribute::RUN, string(&self.run))
            .item(attribute::STATUS, string(outcome.status().name()))
            .condition_expression("attribute_not_exists(#chart)")
            .expression_attribute_names("#chart", attribute::CHART);
        let put = match outcome.status() {
            Status::Coded => put,
            Status::Rejected => put.item(attribute::REJECTED_IN, string(&self.run)),
        };
        let put = match outcome.codes(&ToBeStored(key)) {
            [] => put,
            codes => put.item(
                attribute::CODES,
                AttributeValue::L(codes.iter().map(|code| string(code)).collect()),
            ),
        };
        let text = outcome.into_json(&ToBeStored(key));
        let sha256 = format!("{:x}", Sha256::digest(&text));
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
