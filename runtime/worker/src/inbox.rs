//! The inbox, as far as a worker reads it.

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
};
use lightsout_protocol::chart::ChartReference;

use crate::{BoxError, passing::may_pass};

/// What the inbox holds under a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The object's bytes.
    Bytes(Vec<u8>),
    /// More bytes than are read: this many, as far as they were counted.
    TooLarge(u64),
    /// The object or this version of it is gone.
    Missing,
}

/// Why the inbox did not answer.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the inbox")]
pub struct InboxError {
    /// Whether it may answer later.
    pub passes: bool,
    /// What went wrong.
    #[source]
    pub source: BoxError,
}

/// Where charts are at rest.
pub trait Inbox: Send + Sync + 'static {
    /// Reads one version of one object, and no more than `limit` bytes.
    fn fetch(
        &self,
        chart: &ChartReference,
        limit: u64,
    ) -> impl Future<Output = Result<Fetched, InboxError>> + Send;
}

/// An inbox in S3.
#[derive(Debug, Clone)]
pub struct S3 {
    client: Client,
}

impl S3 {
    /// Reads with `client`.
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

impl Inbox for S3 {
    async fn fetch(&self, chart: &ChartReference, limit: u64) -> Result<Fetched, InboxError> {
        if chart.size > limit {
            return Ok(Fetched::TooLarge(chart.size));
        }
        let answer = self
            .client
            .get_object()
            .bucket(&chart.bucket)
            .key(&chart.key)
            .set_version_id(chart.version.clone())
            .send()
            .await;
        let mut object = match answer {
            Ok(object) => object,
            Err(error) if is_missing(&error) => return Ok(Fetched::Missing),
            Err(error) => {
                return Err(InboxError {
                    passes: may_pass(&error),
                    source: error.into(),
                });
            }
        };
        let announced = object.content_length().unwrap_or_default().unsigned_abs();
        if announced > limit {
            return Ok(Fetched::TooLarge(announced));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(announced).unwrap_or_default());
        while let Some(part) = object.body.next().await {
            let part = part.map_err(|error| InboxError {
                passes: true,
                source: error.into(),
            })?;
            bytes.extend_from_slice(&part);
            // The announced length is the other side's word only.
            if bytes.len() as u64 > limit {
                return Ok(Fetched::TooLarge(bytes.len() as u64));
            }
        }
        Ok(Fetched::Bytes(bytes))
    }
}

/// A version that is a delete marker answers 405, one that is gone 404.
fn is_missing<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    let status = error.raw_response().map(|raw| raw.status().as_u16());
    match error.code() {
        Some("NoSuchKey" | "NoSuchVersion") => true,
        // A bucket that is gone is a fault of the deployment, not of the chart.
        Some("NoSuchBucket") => false,
        _ => matches!(status, Some(404 | 405)),
    }
}
