//! The asset store: a bucket that holds code and large templates.

use aws_sdk_s3::{
    Client, config,
    error::SdkError,
    primitives::ByteStream,
    types::{Delete, ObjectIdentifier},
};
use lightsout_aws::SdkConfig;
use sha2::{Digest, Sha256};

use crate::{build::BuiltAsset, deployed::AwsFault};

/// Most objects that one call deletes.
const MOST_DELETED: i32 = 1000;

/// S3, addressed as the endpoint wants it.
pub(crate) struct Buckets {
    client: Client,
    endpoint: Option<String>,
    region: String,
}

/// Whether an upload was needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upload {
    Done,
    NotNeeded,
}

impl Buckets {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        let with_paths = config::Builder::from(config)
            .force_path_style(lightsout_aws::has_own_endpoint(config))
            .build();
        Self {
            client: Client::from_conf(with_paths),
            endpoint: config.endpoint_url().map(str::to_owned),
            region: config
                .region()
                .map_or_else(|| "us-east-1".to_owned(), ToString::to_string),
        }
    }

    /// Uploads an asset unless it is there; its key is named by its contents.
    pub(crate) async fn upload_asset(
        &self,
        bucket: &str,
        asset: &BuiltAsset,
    ) -> Result<(String, Upload), UploadError> {
        let key = format!("assets/{}.zip", asset.sha256);
        if self.holds(bucket, &key).await? {
            return Ok((key, Upload::NotNeeded));
        }
        let body = ByteStream::from_path(&asset.path)
            .await
            .map_err(|error| UploadError::File {
                path: asset.path.display().to_string(),
                source: Box::new(error),
            })?;
        self.put(bucket, &key, body, "application/zip").await?;
        Ok((key, Upload::Done))
    }

    /// Uploads a template, and returns the address that CloudFormation reads.
    pub(crate) async fn upload_template(
        &self,
        bucket: &str,
        template: &str,
    ) -> Result<String, UploadError> {
        let key = format!("templates/{:x}.json", Sha256::digest(template));
        if !self.holds(bucket, &key).await? {
            let body = ByteStream::from(template.as_bytes().to_vec());
            self.put(bucket, &key, body, "application/json").await?;
        }
        if let Some(endpoint) = &self.endpoint {
            return Ok(format!("{}/{bucket}/{key}", endpoint.trim_end_matches('/')));
        }
        let domain = if self.region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        Ok(format!(
            "https://{bucket}.s3.{}.{domain}/{key}",
            self.region
        ))
    }

    /// Removes every version and every delete marker, and counts them.
    pub(crate) async fn empty(&self, bucket: &str) -> Result<usize, AwsFault> {
        let what = || format!("empty bucket `{bucket}`");
        let mut removed = 0;
        loop {
            let page = self
                .client
                .list_object_versions()
                .bucket(bucket)
                .max_keys(MOST_DELETED)
                .send()
                .await
                .map_err(|error| AwsFault::new(what(), &error))?;
            let versions = page
                .versions()
                .iter()
                .map(|version| (version.key(), version.version_id()));
            let markers = page
                .delete_markers()
                .iter()
                .map(|marker| (marker.key(), marker.version_id()));
            let objects: Vec<_> = versions
                .chain(markers)
                .filter_map(|(key, version)| {
                    ObjectIdentifier::builder()
                        .key(key?)
                        .set_version_id(version.map(str::to_owned))
                        .build()
                        .ok()
                })
                .collect();
            if objects.is_empty() {
                return Ok(removed);
            }
            let count = objects.len();
            let delete = Delete::builder()
                .set_objects(Some(objects))
                .quiet(true)
                .build()
                .expect("the list of objects is set");
            let answer = self
                .client
                .delete_objects()
                .bucket(bucket)
                .delete(delete)
                .send()
                .await
                .map_err(|error| AwsFault::new(what(), &error))?;
            if let Some(error) = answer.errors().first() {
                return Err(AwsFault {
                    what: what(),
                    code: error.code().unwrap_or("Unknown").to_owned(),
                    message: error.message().unwrap_or("an object stays").to_owned(),
                });
            }
            removed += count;
        }
    }

    async fn holds(&self, bucket: &str, key: &str) -> Result<bool, UploadError> {
        let answer = self
            .client
            .head_object()
            .bucket(bucket)
            .key(key)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(error)) if error.err().is_not_found() => Ok(false),
            Err(error) => Err(AwsFault::new(format!("look into bucket `{bucket}`"), &error).into()),
        }
    }

    async fn put(
        &self,
        bucket: &str,
        key: &str,
        body: ByteStream,
        content_type: &str,
    ) -> Result<(), UploadError> {
        self.client
            .put_object()
            .bucket(bucket)
            .key(key)
            .content_type(content_type)
            .body(body)
            .send()
            .await
            .map_err(|error| AwsFault::new(format!("upload `{key}` to `{bucket}`"), &error))?;
        Ok(())
    }
}

/// Why something could not be uploaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// AWS did not answer as hoped.
    #[error(transparent)]
    Aws(#[from] AwsFault),
    /// The file cannot be read.
    #[error("cannot read `{path}`")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
