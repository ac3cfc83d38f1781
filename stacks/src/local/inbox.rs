//! Charts into the inbox.

use aws_sdk_s3::{Client, primitives::ByteStream};
use lightsout_protocol::chart::SHA256;
use sha2::{Digest, Sha256};

use super::{LocalError, charts::LocalChart};

/// Uploads at the same time.
const AT_ONCE: usize = 8;

/// Uploads the charts; S3 announces each in the work queue.
pub(crate) async fn upload(
    client: &Client,
    bucket: &str,
    charts: &[LocalChart],
) -> Result<(), LocalError> {
    for batch in charts.chunks(AT_ONCE) {
        let uploads: Vec<_> = batch
            .iter()
            .map(|chart| tokio::spawn(upload_one(client.clone(), bucket.to_owned(), chart.clone())))
            .collect();
        for upload in uploads {
            upload.await.map_err(LocalError::aborted)??;
        }
    }
    Ok(())
}

async fn upload_one(client: Client, bucket: String, chart: LocalChart) -> Result<(), LocalError> {
    let bytes = tokio::fs::read(&chart.path)
        .await
        .map_err(LocalError::file(&chart.path))?;
    // What was sent is what is coded: the worker compares.
    let sha256 = format!("{:x}", Sha256::digest(&bytes));
    let body = ByteStream::from(bytes);
    client
        .put_object()
        .bucket(bucket)
        .key(chart.key())
        .metadata(SHA256, sha256)
        .body(body)
        .send()
        .await
        .map_err(|source| LocalError::aws("upload a chart to the inbox", source))?;
    Ok(())
}
