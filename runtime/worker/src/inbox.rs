//! The inbox, as far as a worker reads it.

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
};
use lightsout_phi::Phi;
use lightsout_protocol::chart::{ChartReference, SHA256};

use crate::{BoxError, passing::may_pass, sha256::sha256};

/// What the inbox holds under a reference.
#[derive(Clone)]
pub enum Fetched {
    /// The object's bytes.
    Bytes(Phi<Vec<u8>>),
    /// More bytes than are read: this many, as far as they were counted.
    TooLarge(u64),
    /// The object or this version of it is gone.
    Missing,
    /// The bytes are not those whose SHA-256 was stored with them.
    Altered,
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
        let stored_hash = object
            .metadata()
            .and_then(|metadata| metadata.get(SHA256))
            .cloned();
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
        Ok(checked(bytes, stored_hash.as_deref()))
    }
}

/// Compares the bytes with the hash that whoever sent them stored with them, if they did.
pub(crate) fn checked(bytes: Vec<u8>, stored_hash: Option<&str>) -> Fetched {
    let is_same = stored_hash.is_none_or(|stored| sha256(&bytes).eq_ignore_ascii_case(stored));
    let bytes = Phi::new(bytes);
    if is_same {
        Fetched::Bytes(bytes)
    } else {
        Fetched::Altered
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
