//! An issuer of tokens for regions that are thrown away: local runs and tests.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};

use crate::Role;

/// An identity provider with one key, which lives as long as it.
#[derive(Debug)]
pub struct Issuer {
    key: EcdsaKeyPair,
    random: SystemRandom,
}

impl Issuer {
    /// What it calls itself.
    pub const ISSUER: &str = "https://issuer.invalid";
    /// What its tokens are for.
    pub const AUDIENCE: &str = "lightsout";
    /// Its key's id.
    pub const KEY: &str = "local-1";

    /// Makes an issuer with a new key; none where the machine has no randomness.
    pub fn new() -> Option<Self> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let secret = EcdsaKeyPair::generate_pkcs8(algorithm, &random).ok()?;
        let key = EcdsaKeyPair::from_pkcs8(algorithm, secret.as_ref(), &random).ok()?;
        Some(Self { key, random })
    }

    /// Returns its public key as a JWK set.
    pub fn keys(&self) -> String {
        // An uncompressed point: 4, x, y.
        let point = self.key.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        json!({"keys": [{
            "kid": Self::KEY, "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig",
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        }]})
        .to_string()
    }

    /// Issues a token that lives for half an hour from `now` on, as the `Authorization` header
    /// holds it.
    pub fn token(&self, who: &str, tenant: &str, role: Role, now: u64) -> String {
        let claims = json!({
            "iss": Self::ISSUER, "aud": Self::AUDIENCE, "sub": who,
            "tenant": tenant, "role": role.name(),
            "iat": now, "exp": now + 1_800,
        });
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": Self::KEY});
        format!("Bearer {}", self.signed(&header, &claims))
    }

    /// Signs any header and claims.
    pub fn signed(&self, header: &Value, claims: &Value) -> String {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = self.key.sign(&self.random, message.as_bytes());
        let signature = signature.expect("a key of P-256 signs any message");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
