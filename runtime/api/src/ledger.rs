//! The table that the audit trail is kept in, and the bucket that seals it.

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    types::{AttributeValue, Put, TransactWriteItem},
};
use aws_sdk_s3::primitives::ByteStream;
use futures_util::future::try_join_all;
use lightsout_audit::{Entry, Ledger, LedgerError};
use lightsout_aws::SdkConfig;
use lightsout_protocol::audit::attribute;
use ring::rand::{SecureRandom, SystemRandom};

use crate::aws::{code, s3};

/// The audit table, and the bucket in which each of its records lies once more.
///
/// The table decides which record has a place. The bucket's objects are locked: who could write
/// the table anew, the end of a stream or all of it, could not do so there.
#[derive(Debug)]
pub struct Table {
    client: aws_sdk_dynamodb::Client,
    name: String,
    s3: aws_sdk_s3::Client,
    sealed: String,
}

/// The operating system gave no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random numbers to name something by")]
pub struct NoRandomness;

/// Names this process as a writer of the trail.
pub fn writer() -> Result<String, NoRandomness> {
    name()
}

/// Makes up a name of 128 random bits, which nothing else has.
pub(crate) fn name() -> Result<String, NoRandomness> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| NoRandomness)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

impl Table {
    /// Writes to the table of this name, and to the bucket `sealed`.
    pub fn new(config: &SdkConfig, name: &str, sealed: &str) -> Self {
        Self {
            client: aws_sdk_dynamodb::Client::new(config),
            name: name.to_owned(),
            s3: s3(config),
            sealed: sealed.to_owned(),
        }
    }

    /// Lays a record into the bucket that nothing is taken out of.
    async fn seal(&self, entry: &Entry) -> Result<(), LedgerError> {
        self.s3
            .put_object()
            .bucket(&self.sealed)
            .key(entry.sealed_key())
            .content_type("application/json")
            .body(ByteStream::from(entry.body.clone().into_bytes()))
            .send()
            .await
            .map(drop)
            .map_err(|error| failed(&error))
    }

    async fn append_to_table(&self, entries: &[Entry]) -> Result<(), LedgerError> {
        // A transaction costs twice as much, and all but a writer's first record do without.
        if let [entry] = entries {
            let put = self.put(entry)?;
            let call = self
                .client
                .put_item()
                .table_name(&self.name)
                .set_item(Some(put.item))
                .set_condition_expression(put.condition_expression)
                .set_expression_attribute_names(put.expression_attribute_names);
            return match call.send().await {
                Ok(_) => Ok(()),
                Err(error) if is_taken(&error) => Err(LedgerError::Taken),
                Err(error) => Err(failed(&error)),
            };
        }
        let mut call = self.client.transact_write_items();
        for entry in entries {
            let put = self.put(entry)?;
            call = call.transact_items(TransactWriteItem::builder().put(put).build());
        }
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_cancelled(&error) => Err(LedgerError::Taken),
            Err(error) => Err(failed(&error)),
        }
    }

    fn put(&self, entry: &Entry) -> Result<Put, LedgerError> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        Put::builder()
            .table_name(&self.name)
            .item(attribute::STREAM, text(&entry.stream))
            .item(attribute::NUMBER, text(&attribute::number(entry.number)))
            .item(attribute::BODY, text(&entry.body))
            .item(attribute::HASH, text(&entry.hash))
            .condition_expression("attribute_not_exists(#stream)")
            .expression_attribute_names("#stream", attribute::STREAM)
            .build()
            .map_err(|_| LedgerError::Failed {
                code: "not_sent".to_owned(),
            })
    }
}

impl Ledger for Table {
    async fn append(&self, entries: &[Entry]) -> Result<(), LedgerError> {
        self.append_to_table(entries).await?;
        // Only what has its place is sealed. Where that fails, the record stands in the table
        // without an answer, and the stream is left.
        try_join_all(entries.iter().map(|entry| self.seal(entry))).await?;
        Ok(())
    }

    async fn last(&self, stream: &str) -> Result<Option<Entry>, LedgerError> {
        let answer = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("#stream = :stream")
            .expression_attribute_names("#stream", attribute::STREAM)
            .expression_attribute_values(":stream", AttributeValue::S(stream.to_owned()))
            .scan_index_forward(false)
            .limit(1)
            .send()
            .await
            .map_err(|error| failed(&error))?;
        let Some(item) = answer.items().first() else {
            return Ok(None);
        };
        let text = |name: &str| match item.get(name) {
            Some(AttributeValue::S(text)) => Ok(text.clone()),
            _ => Err(LedgerError::Failed {
                code: "malformed".to_owned(),
            }),
        };
        Ok(Some(Entry {
            stream: text(attribute::STREAM)?,
            number: text(attribute::NUMBER)?.parse().unwrap_or_default(),
            body: text(attribute::BODY)?,
            hash: text(attribute::HASH)?,
        }))
    }
}

fn is_taken(error: &SdkError<PutItemError>) -> bool {
    error
        .as_service_error()
        .is_some_and(PutItemError::is_conditional_check_failed_exception)
}

/// Whether a transaction was given up because a place is taken, or is being taken just now.
fn is_cancelled(error: &SdkError<TransactWriteItemsError>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return false;
    };
    cancelled.cancellation_reasons().iter().any(|reason| {
        matches!(
            reason.code(),
            Some("ConditionalCheckFailed" | "TransactionConflict")
        )
    })
}

fn failed<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> LedgerError {
    LedgerError::Failed {
        code: code(error).to_owned(),
    }
}
