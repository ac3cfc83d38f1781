//! Who calls the query API.

use serde::{Deserialize, Serialize};

/// What a caller may see and do; `lightsout-api` says what that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Codes charts, and checks the engine's codes against their evidence.
    Coder,
    /// Examines how charts were coded and who saw them.
    Auditor,
    /// Bills what was coded.
    Billing,
    /// Answers for the tenant's use of the system.
    TenantAdmin,
    /// Keeps the system running.
    Operations,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [
        Self::Coder,
        Self::Auditor,
        Self::Billing,
        Self::TenantAdmin,
        Self::Operations,
    ];

    /// Returns the role as tokens name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Coder => "coder",
            Self::Auditor => "auditor",
            Self::Billing => "billing",
            Self::TenantAdmin => "tenant_admin",
            Self::Operations => "operations",
        }
    }

    /// Returns the role of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// How fast a caller has asked, and whether their tokens were revoked; a marker for typed tables.
pub enum CallerItem {}

/// The attributes of an item of the callers table.
pub mod attribute {
    /// Partition key: tenant and subject.
    pub const CALLER: &str = "caller";
    /// When the caller has the whole allowance again, in milliseconds since 1970.
    pub const WHOLE_AT: &str = "whole_at";
    /// When the caller's tokens were revoked, in seconds since 1970: none that was issued until
    /// then is believed.
    pub const REVOKED_AT: &str = "revoked_at";
    /// When the item says nothing any more, in seconds since 1970; `DynamoDB` removes it later.
    pub const EXPIRES: &str = "expires";
}

/// The longest life of a token, in seconds: whoever was let in is looked at anew after an hour
/// ([45 CFR 164.312(a)(2)(iii)](https://www.ecfr.gov/current/title-45/section-164.312)).
pub const LONGEST_LIFE: u64 = 3_600;

/// How far the identity provider's clock may be ahead, in seconds.
pub const SKEW: u64 = 60;

/// Who calls, as a verified token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The subject: an opaque id that the provider never gives to another.
    pub who: String,
    /// The tenant whose charts they may ask about.
    pub tenant: String,
    /// Their role there.
    pub role: Role,
    /// When the token was issued, in seconds since 1970.
    pub issued_at: u64,
}

impl Caller {
    /// Returns the key under which a chart of the caller's tenant is stored.
    ///
    /// The first part of a chart's key is its tenant. A caller names what comes behind it, so
    /// that the key of another tenant's chart cannot be asked for at all.
    pub fn key_of(&self, chart: &str) -> String {
        format!("{}/{chart}", self.tenant)
    }

    /// Returns a chart's id as the caller knows it, or none if it is another tenant's.
    pub fn own<'k>(&self, key: &'k str) -> Option<&'k str> {
        key.strip_prefix(&self.tenant)?.strip_prefix('/')
    }
}

/// Returns the key that the API's usage plan counts a tenant's requests by.
///
/// It is no secret: the authorizer tells it, and none that a caller brings is looked at.
pub fn usage_key(api: &str, tenant: &str) -> String {
    format!("{api}-{tenant}")
}
