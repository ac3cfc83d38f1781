//! Who calls the query API, by the token that the request carries.
//!
//! API Gateway asks this function about each request, and hands the request on only with its
//! consent. A token is a JWT ([RFC 7519](https://www.rfc-editor.org/rfc/rfc7519)) of the
//! identity provider that the environment names. [`Verifier::verify`] says what is asked of
//! one; what it says about the caller is all that the query API knows of them, the tenant
//! first of all.
//!
//! The provider's public keys are given with the environment, as a JWK set
//! ([RFC 7517](https://www.rfc-editor.org/rfc/rfc7517)): the function lies in a network that
//! has no way out to fetch them, and nothing that a token says can make it look elsewhere.

mod invocation;
#[cfg(feature = "issuer")]
mod issuer;
mod signature;
mod token;

pub use invocation::{Event, invocation};
#[cfg(feature = "issuer")]
pub use issuer::Issuer;
pub use lightsout_protocol::caller::{Caller, LONGEST_LIFE, Role};
pub use token::{KeysError, Refusal, Verifier};
