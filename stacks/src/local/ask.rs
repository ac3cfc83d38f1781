//! Asks the query API, as the clinical data team would: with a token of their identity provider.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::{BodyExt, Empty};
use hyper::{body::Bytes, header};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use lightsout_authorizer::{Issuer, Role};

use super::LocalError;

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The tenant that a local run's charts are of.
pub(crate) const TENANT: &str = "local";

/// Who asks in a local run.
const WHO: &str = "local-coder";

/// A client of the query API.
pub(crate) struct Query<'i> {
    address: String,
    issuer: &'i Issuer,
    http: Client<hyper_util::client::legacy::connect::HttpConnector, Empty<Bytes>>,
}

impl<'i> Query<'i> {
    /// Makes a client of the API at `address`, an `http` URL without a slash at its end.
    pub(crate) fn new(address: String, issuer: &'i Issuer) -> Self {
        Self {
            address,
            issuer,
            http: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Gets a chart's latest outcome; `None` while there is none.
    pub(crate) async fn chart(&self, id: &str) -> Result<Option<serde_json::Value>, LocalError> {
        let path = format!("/charts/{id}");
        let (status, body) = self.get(&path, Some(&self.token())).await?;
        let failed = |what: &dyn std::fmt::Display| self.failed(&path, what);
        match status {
            200 => serde_json::from_slice(&body)
                .map(Some)
                .map_err(|_| failed(&"the answer is not JSON")),
            404 => Ok(None),
            _ => Err(failed(&status)),
        }
    }

    /// Asks without a token, and with one that somebody else has signed; none must be let in.
    pub(crate) async fn is_closed_to_strangers(&self) -> Result<bool, LocalError> {
        let stranger = Issuer::new().ok_or_else(|| LocalError::Api("no randomness".to_owned()))?;
        let forged = stranger.token(WHO, TENANT, Role::Coder, now());
        for token in [None, Some(forged.as_str()), Some("Bearer x")] {
            let (status, _) = self.get("/runs", token).await?;
            if !matches!(status, 401 | 403) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn token(&self) -> String {
        self.issuer.token(WHO, TENANT, Role::Coder, now())
    }

    async fn get(&self, path: &str, token: Option<&str>) -> Result<(u16, Bytes), LocalError> {
        let failed = |what: &dyn std::fmt::Display| self.failed(path, what);
        let mut request = hyper::Request::get(format!("{}{path}", self.address));
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, token);
        }
        let request = request.body(Empty::new()).map_err(|error| failed(&error))?;
        let answer = tokio::time::timeout(PATIENCE, self.http.request(request))
            .await
            .map_err(|_| failed(&"no answer in time"))?
            .map_err(|error| failed(&error))?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await;
        Ok((status, body.map_err(|error| failed(&error))?.to_bytes()))
    }

    fn failed(&self, path: &str, what: &dyn std::fmt::Display) -> LocalError {
        LocalError::Api(format!("GET {}{path}: {what}", self.address))
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
