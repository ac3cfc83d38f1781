//! APIs that ask every caller who they are.

mod access_log;
mod account_logging;
mod authorization;
mod domain;
mod rest_api;
mod route;
mod usage_plan;

pub use account_logging::{AccountLogging, AccountLoggingRef};
pub use authorization::{Authorization, LambdaAuthorizer};
pub use domain::{Domain, DomainRef, TlsFloor};
pub use rest_api::{RestApi, RestApiRef};
pub use route::{Route, Verb};
pub use usage_plan::{ApiKey, ApiKeyRef, Period, UsagePlan, UsagePlanRef};
