//! Reads the audit trail out of its table.

use aws_sdk_dynamodb::{
    Client, error::SdkError, operation::scan::ScanError, types::AttributeValue,
};
use lightsout_audit::Entry;
use lightsout_protocol::audit::attribute;

/// Why the audit table cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// DynamoDB did not answer, or refused.
    #[error("cannot read the audit table `{table}`")]
    Scan {
        /// The table's name.
        table: String,
        /// The reason.
        #[source]
        source: Box<SdkError<ScanError>>,
    },
    /// An item is no record.
    #[error(
        "the audit table `{table}` holds an item without `{attribute}`; is it one of this pipeline?"
    )]
    NoRecord {
        /// The table's name.
        table: String,
        /// What it lacks.
        attribute: &'static str,
    },
}

/// Reads every record of the trail.
pub async fn entries(client: &Client, table: &str) -> Result<Vec<Entry>, TableError> {
    let mut entries = Vec::new();
    let mut start = None;
    loop {
        let call = client
            .scan()
            .table_name(table)
            .consistent_read(true)
            .set_exclusive_start_key(start);
        let answer = call.send().await.map_err(|source| TableError::Scan {
            table: table.to_owned(),
            source: Box::new(source),
        })?;
        for item in answer.items() {
            let text = |attribute: &'static str| match item.get(attribute) {
                Some(AttributeValue::S(text)) => Ok(text.clone()),
                _ => Err(TableError::NoRecord {
                    table: table.to_owned(),
                    attribute,
                }),
            };
            let stream = text(attribute::STREAM)?;
            // Emergencies lie beside the trail, which has its own records of them.
            if stream.starts_with(attribute::GLASS) {
                continue;
            }
            entries.push(Entry {
                number: text(attribute::NUMBER)?.parse().unwrap_or_default(),
                body: text(attribute::BODY)?,
                hash: text(attribute::HASH)?,
                stream,
            });
        }
        start = answer.last_evaluated_key;
        if start.is_none() {
            entries.sort_by(|a, b| (&a.stream, a.number).cmp(&(&b.stream, b.number)));
            return Ok(entries);
        }
    }
}
