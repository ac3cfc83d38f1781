//! How every program of Lightsout talks to AWS, configured once.
//!
//! Region, credentials and endpoint come from where the AWS SDK looks for
//! them: variables, profiles, instance metadata. What is fixed here is what
//! must not differ between programs: TLS by rustls (1.2 or newer, the default
//! of the crate), bounded attempts and bounded waits, so that no program hangs
//! on a dead peer.

mod finality;

use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::{
    BehaviorVersion, ConfigLoader, Region, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_credential_types::Credentials;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};

pub use self::finality::Final;

/// Attempts for one call, the first included; waits grow between them.
pub const ATTEMPTS: u32 = 5;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Longest wait for one attempt to make progress. Long polling of SQS takes
/// up to 20 seconds, so this must be longer.
const READ: Duration = Duration::from_secs(40);

/// Loads the configuration that all clients are made from.
///
/// The behaviour of the SDK is pinned to its newest version at build time.
pub async fn load() -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build_https();
    bounded().http_client(http).load().await
}

/// Returns whether requests go to an endpoint of one's own, as in tests.
///
/// S3 is then addressed by path, since a bucket's name is no host name there.
pub fn has_own_endpoint(config: &SdkConfig) -> bool {
    config.endpoint_url().is_some()
}

/// Loads the configuration for an endpoint of one's own, with made-up keys.
///
/// Region, keys and endpoint are given here: neither a profile nor a variable
/// is asked for them.
pub async fn load_for(endpoint: &str, region: &str) -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new().build_http();
    bounded()
        .http_client(http)
        .region(Region::new(region.to_owned()))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("local", "local", None, None, "made up"))
        .load()
        .await
}

/// Begins a configuration whose attempts and waits are bounded.
fn bounded() -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT)
                .read_timeout(READ)
                .build(),
        )
}
