//! What is asked of a token, and what it says about a caller.

use std::fmt;

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{AlgorithmParameters, EllipticCurve, JwkSet},
};
use lightsout_protocol::caller::{Caller, LONGEST_LIFE, Role, SKEW};
use serde::Deserialize;

use crate::signature;

/// The longest token that is looked at, in bytes; API Gateway takes
/// [10,240 bytes](https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html)
/// of headers.
const LONGEST_TOKEN: usize = 8_192;

/// The longest name of a person or tenant.
const LONGEST_NAME: usize = 128;

/// Why a token lets nobody in. It is told to the log only; who called learns nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It is no bearer token, or no JWT.
    #[error("no_token")]
    NoToken,
    /// It names no key, or one that is not the provider's.
    #[error("unknown_key")]
    UnknownKey,
    /// Signature, issuer, audience or form are wrong.
    #[error("not_valid")]
    NotValid,
    /// Its time is over, or has not come.
    #[error("out_of_time")]
    OutOfTime,
    /// It lives longer than an hour.
    #[error("lives_too_long")]
    LivesTooLong,
    /// It does not say who calls, in which role, of which tenant.
    #[error("says_too_little")]
    SaysTooLittle,
}

/// Why a provider's keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// It is no JWK set.
    #[error("the keys of the identity provider are no JWK set; give what its `jwks_uri` answers")]
    NotAKeySet(#[source] serde_json::Error),
    /// A key has no id.
    #[error("key {0} of the identity provider has no `kid`; leave it out, or give it one")]
    NoId(usize),
    /// A key is of a kind that is not verified.
    #[error(
        "key `{0}` of the identity provider is neither RSA for RS256 nor P-256 for ES256; leave it out"
    )]
    UnknownKind(String),
}

/// What the tokens of one identity provider are verified with.
pub struct Verifier {
    keys: Vec<(String, Algorithm, DecodingKey)>,
    issuer: String,
    audience: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    #[serde(alias = "custom:tenant")]
    tenant: String,
    #[serde(alias = "custom:role")]
    role: String,
    exp: u64,
    iat: u64,
    #[serde(default)]
    nbf: u64,
}

impl Verifier {
    /// Verifies with the keys of a JWK set what `issuer` issues for `audience`.
    ///
    /// A set without keys is allowed, and lets nobody in.
    pub fn new(keys: &str, issuer: &str, audience: &str) -> Result<Self, KeysError> {
        signature::install();
        let set: JwkSet = serde_json::from_str(keys).map_err(KeysError::NotAKeySet)?;
        let mut known = Vec::with_capacity(set.keys.len());
        for (place, key) in set.keys.iter().enumerate() {
            let id = key.common.key_id.clone().filter(|id| !id.is_empty());
            let id = id.ok_or(KeysError::NoId(place))?;
            let algorithm = match &key.algorithm {
                AlgorithmParameters::RSA(_) => Algorithm::RS256,
                AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
                    Algorithm::ES256
                }
                _ => return Err(KeysError::UnknownKind(id)),
            };
            match DecodingKey::from_jwk(key) {
                Ok(key) => known.push((id, algorithm, key)),
                Err(_) => return Err(KeysError::UnknownKind(id)),
            }
        }
        Ok(Self {
            keys: known,
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
        })
    }

    /// Returns who calls, if the `Authorization` header holds a token that is to be believed
    /// at `now`, in seconds since 1970.
    ///
    /// It must be signed as the key that it names wants, never as the token itself wants; be
    /// issued by this provider for this API; be within its time, which is an hour at most; and
    /// say who calls, for which tenant, in which of the [roles](Role).
    pub fn verify(&self, authorization: &str, now: u64) -> Result<Caller, Refusal> {
        let token = authorization
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .filter(|token| token.len() <= LONGEST_TOKEN)
            .ok_or(Refusal::NoToken)?;
        let header = decode_header(token).map_err(|_| Refusal::NoToken)?;
        // Of the header only the name of a known key counts: no key in it, no address of one.
        let named = header.kid.ok_or(Refusal::UnknownKey)?;
        let known = self.keys.iter().find(|(id, _, _)| *id == named);
        let (_, algorithm, key) = known.ok_or(Refusal::UnknownKey)?;
        let mut validation = Validation::new(*algorithm);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Time is looked at below, by the clock that was given.
        validation.validate_exp = false;
        let claims = decode::<serde_json::Value>(token, key, &validation)
            .map_err(|_| Refusal::NotValid)?
            .claims;
        let claims: Claims = serde_json::from_value(claims).map_err(|_| Refusal::SaysTooLittle)?;
        let begins = claims.iat.max(claims.nbf);
        if now >= claims.exp || begins > now.saturating_add(SKEW) {
            return Err(Refusal::OutOfTime);
        }
        if claims.exp.saturating_sub(claims.iat) > LONGEST_LIFE {
            return Err(Refusal::LivesTooLong);
        }
        let role = Role::named(&claims.role).ok_or(Refusal::SaysTooLittle)?;
        if !is_name(&claims.sub) || !is_tenant(&claims.tenant) {
            return Err(Refusal::SaysTooLittle);
        }
        Ok(Caller {
            who: claims.sub,
            tenant: claims.tenant,
            role,
            issued_at: claims.iat,
        })
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.keys.iter().map(|(id, _, _)| id).collect();
        f.debug_struct("Verifier")
            .field("keys", &ids)
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish()
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_NAME && !name.chars().any(char::is_control)
}

/// A tenant is the first part of a chart's key, and so holds nothing that could end it.
fn is_tenant(name: &str) -> bool {
    is_name(name)
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
