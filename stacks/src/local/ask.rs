//! Asks the query API, as the clinical data team would: with a token of their identity provider.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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

/// An answer, as far as it is looked at.
struct Answer {
    status: u16,
    again_after: Duration,
    elsewhere: Option<String>,
    body: Bytes,
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
        let failed = |what: &dyn std::fmt::Display| self.failed(&path, what);
        let began = Instant::now();
        let (status, body) = loop {
            let answer = self.get(&path, Some(&self.token())).await?;
            match answer.status {
                // A caller has an allowance, and many charts take longer than it lasts.
                429 if began.elapsed() < PATIENCE => tokio::time::sleep(answer.again_after).await,
                // What is too large for an answer lies elsewhere, and takes no token there.
                303 => {
                    let at = answer
                        .elsewhere
                        .ok_or_else(|| failed(&"303 leads nowhere"))?;
                    let answer = self.get_at(&at, &path, None).await?;
                    break (answer.status, answer.body);
                }
                status => break (status, answer.body),
            }
        };
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
        // The two routes of the template, and what the second leads to.
        for path in ["/", "/runs", "/charts", "/docs", "/nowhere"] {
            for token in [None, Some(forged.as_str()), Some("Bearer x")] {
                let answer = self.get(path, token).await?;
                if !matches!(answer.status, 401 | 403) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn token(&self) -> String {
        self.issuer.token(WHO, TENANT, Role::Coder, now())
    }

    async fn get(&self, path: &str, token: Option<&str>) -> Result<Answer, LocalError> {
        let address = format!("{}{path}", self.address);
        self.get_at(&address, path, token).await
    }

    /// Gets what lies at an address; errors name the path, as the address may open what is there.
    async fn get_at(
        &self,
        address: &str,
        path: &str,
        token: Option<&str>,
    ) -> Result<Answer, LocalError> {
        let failed = |what: &dyn std::fmt::Display| self.failed(path, what);
        let mut request = hyper::Request::get(address);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, token);
        }
        let request = request.body(Empty::new()).map_err(|error| failed(&error))?;
        let answer = tokio::time::timeout(PATIENCE, self.http.request(request))
            .await
            .map_err(|_| failed(&"no answer in time"))?
            .map_err(|error| failed(&error))?;
        let header = |name: header::HeaderName| {
            let value = answer.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let seconds = header(header::RETRY_AFTER).and_then(|text| text.parse().ok());
        let (status, elsewhere) = (answer.status().as_u16(), header(header::LOCATION));
        let body = answer.into_body().collect().await;
        Ok(Answer {
            status,
            again_after: Duration::from_secs(seconds.unwrap_or(1)),
            elsewhere,
            body: body.map_err(|error| failed(&error))?.to_bytes(),
        })
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
