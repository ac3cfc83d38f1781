//! What the machine and its environment say.

use std::{
    env, io,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use aws_config::{SdkConfig, imds, provider_config::ProviderConfig};
use lightsout_contract::{EnvironmentError, Live};
use lightsout_protocol::{
    environment::MasterEnvironment,
    fleet::tag,
    run::{RunId, UnixSeconds},
};

use crate::BoxError;

/// Where the machine keeps its files unless `LIGHTSOUT_STATE` says otherwise.
const STATE: &str = "/var/lib/lightsout";

/// What every command works with.
pub struct Surroundings {
    /// The variables that the stacks filled.
    pub environment: MasterEnvironment<Live>,
    /// Region, credentials and endpoint.
    pub aws: SdkConfig,
    /// The run that this machine was started for, from its own tag.
    pub run: RunId,
    /// This machine's instance id.
    pub instance: String,
    /// Where this run keeps its files.
    pub folder: PathBuf,
    /// What the bundle brought: the worker's binary and the playbooks.
    pub bundle: PathBuf,
}

/// Why the machine could not tell what it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SurroundingsError {
    /// A variable is missing or malformed.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// Instance metadata did not answer.
    #[error(
        "the instance metadata has no `{path}`: start the master from its launch template, with `InstanceMetadataTags` enabled"
    )]
    Metadata {
        /// The path that was asked for.
        path: String,
        /// What went wrong.
        #[source]
        source: BoxError,
    },
    /// The SDK came without an HTTP client.
    #[error("the AWS configuration holds no HTTP client")]
    NoHttpClient,
    /// The run's folder cannot be made, or the binary not be found.
    #[error("cannot use the folder `{path}`")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
}

impl Surroundings {
    /// Asks the environment and the instance metadata.
    pub async fn read() -> Result<Self, SurroundingsError> {
        let environment = MasterEnvironment::<Live>::from_variables(|name| env::var(name).ok())?;
        let aws = lightsout_aws::load().await;
        let metadata = metadata_client(&aws)?;
        let instance = ask(&metadata, "instance-id").await?;
        let run = ask(&metadata, &format!("tags/instance/{}", tag::RUN)).await?;
        let state = env::var_os("LIGHTSOUT_STATE").map_or_else(|| PathBuf::from(STATE), Into::into);
        let folder = state.join("run");
        std::fs::create_dir_all(&folder).map_err(|source| SurroundingsError::Folder {
            path: folder.clone(),
            source,
        })?;
        let bundle = env::current_exe()
            .map_err(|source| SurroundingsError::Folder {
                path: PathBuf::from("/proc/self/exe"),
                source,
            })?
            .parent()
            .map(Path::to_path_buf)
            .unwrap_or_default();
        Ok(Self {
            environment,
            aws,
            run: RunId::from_stored(run),
            instance,
            folder,
            bundle,
        })
    }

    /// Returns the value of the pipeline's tag.
    pub fn pipeline(&self) -> &str {
        self.environment.fleet.address()
    }

    /// Returns the seconds between two heartbeats: four fit into a lease.
    pub fn heartbeat_seconds(&self) -> u64 {
        (self.environment.lease_seconds.value() / 4).max(1)
    }
}

/// Returns the time; the decisions themselves never ask a clock.
pub fn now() -> UnixSeconds {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn metadata_client(aws: &SdkConfig) -> Result<imds::Client, SurroundingsError> {
    let http = aws.http_client().ok_or(SurroundingsError::NoHttpClient)?;
    let provider = ProviderConfig::default().with_http_client(http);
    Ok(imds::Client::builder().configure(&provider).build())
}

async fn ask(client: &imds::Client, path: &str) -> Result<String, SurroundingsError> {
    let answer = client.get(format!("/latest/meta-data/{path}")).await;
    answer
        .map(Into::into)
        .map_err(|source| SurroundingsError::Metadata {
            path: path.to_owned(),
            source: source.into(),
        })
}
