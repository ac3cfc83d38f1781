//! Reads the audit trail out of its table, and how far it went out of the bucket that seals it.

use aws_sdk_dynamodb::{
    Client, error::SdkError, operation::scan::ScanError, types::AttributeValue,
};
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Error;
use lightsout_audit::{Entry, Heads, heads_in_keys};
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
    /// S3 did not answer, or refused.
    #[error("cannot list the sealed records in `{bucket}`")]
    List {
        /// The bucket's name.
        bucket: String,
        /// The reason.
        #[source]
        source: Box<SdkError<ListObjectsV2Error>>,
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

/// Returns how far each stream went, as the sealed records say.
pub async fn sealed(client: &aws_sdk_s3::Client, bucket: &str) -> Result<Heads, TableError> {
    let mut heads = Heads::default();
    let mut pages = client
        .list_objects_v2()
        .bucket(bucket)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|source| TableError::List {
            bucket: bucket.to_owned(),
            source: Box::new(source),
        })?;
        heads = heads.and(heads_in_keys(
            page.contents().iter().filter_map(|of| of.key()),
        ));
    }
    Ok(heads)
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
