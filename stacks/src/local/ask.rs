//! Asks the query API, as the clinical data team would: signed with IAM.

use std::time::{Duration, SystemTime};

use aws_credential_types::{Credentials, provider::ProvideCredentials};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use lightsout_aws::SdkConfig;

use super::LocalError;

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client of the query API.
pub(crate) struct Query {
    address: String,
    region: String,
    credentials: Credentials,
    http: Client<hyper_util::client::legacy::connect::HttpConnector, Empty<Bytes>>,
}

impl Query {
    /// Makes a client of the API at `address`, an `http` URL without a slash at its end.
    pub(crate) async fn new(config: &SdkConfig, address: String) -> Result<Self, LocalError> {
        let credentials = config
            .credentials_provider()
            .ok_or_else(|| LocalError::Api("no credentials are configured".to_owned()))?
            .provide_credentials()
            .await
            .map_err(|source| LocalError::aws("find credentials", source))?;
        Ok(Self {
            address,
            region: config
                .region()
                .map_or_else(|| "us-east-1".to_owned(), ToString::to_string),
            credentials,
            http: Client::builder(TokioExecutor::new()).build_http(),
        })
    }

    /// Gets a chart's latest outcome; `None` while there is none.
    pub(crate) async fn chart(&self, id: &str) -> Result<Option<serde_json::Value>, LocalError> {
        let url = format!("{}/charts/{id}", self.address);
        let request = self.signed(&url)?;
        let failed = |what: &dyn std::fmt::Display| LocalError::Api(format!("GET {url}: {what}"));
        let answer = tokio::time::timeout(PATIENCE, self.http.request(request))
            .await
            .map_err(|_| failed(&"no answer in time"))?
            .map_err(|error| failed(&error))?;
        let status = answer.status();
        let body = answer
            .into_body()
            .collect()
            .await
            .map_err(|error| failed(&error))?
            .to_bytes();
        match status.as_u16() {
            200 => serde_json::from_slice(&body)
                .map(Some)
                .map_err(|_| failed(&"the answer is not JSON")),
            404 => Ok(None),
            _ => Err(failed(&status)),
        }
    }

    fn signed(&self, url: &str) -> Result<hyper::Request<Empty<Bytes>>, LocalError> {
        let refused = |what: &dyn std::fmt::Display| LocalError::Api(format!("GET {url}: {what}"));
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("execute-api")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| refused(&error))?
            .into();
        let mut request = hyper::Request::get(url)
            .body(Empty::new())
            .map_err(|error| refused(&error))?;
        let signable =
            SignableRequest::new("GET", url, std::iter::empty(), SignableBody::Bytes(&[]))
                .map_err(|error| refused(&error))?;
        let (instructions, _) = sign(signable, &parameters)
            .map_err(|error| refused(&error))?
            .into_parts();
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}
