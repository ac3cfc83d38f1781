//! The table that the audit trail is kept in.

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    types::{AttributeValue, Put, TransactWriteItem},
};
use lightsout_audit::{Entry, Ledger, LedgerError};
use lightsout_aws::SdkConfig;
use lightsout_protocol::audit::attribute;
use ring::rand::{SecureRandom, SystemRandom};

use crate::aws::code;

/// The audit table.
#[derive(Debug)]
pub struct Table {
    client: aws_sdk_dynamodb::Client,
    name: String,
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
    /// Writes to the table of this name.
    pub fn new(config: &SdkConfig, name: &str) -> Self {
        Self {
            client: aws_sdk_dynamodb::Client::new(config),
            name: name.to_owned(),
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
