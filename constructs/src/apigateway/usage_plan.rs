//! How much of an API the holders of keys may use.

use lightsout_core::{Construct, Id, ResourceId, Scope, Value};

use super::RestApiRef;
use crate::{cfn::apigateway, limits};

/// How much of an API the holders of its keys may use, on
/// [metered](super::Route::metered) routes.
///
/// A key counts, it does not open: callers are known as the API says.
#[derive(Debug, Clone)]
pub struct UsagePlan {
    api: RestApiRef,
    rate: u32,
    burst: u32,
    quota: Option<(u32, Period)>,
    keys: Vec<ApiKeyRef>,
}

/// A usage plan that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsagePlanRef {
    id: ResourceId,
}

/// What a quota is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Period {
    Day,
    Week,
    Month,
}

/// A key that requests are counted by; its value is made by AWS, and is never in a
/// template, unless an authorizer [tells](Self::told) it.
#[derive(Debug, Clone, Default)]
pub struct ApiKey {
    description: Option<String>,
    value: Option<String>,
}

/// How long the value of a key is.
const KEY_LENGTH: std::ops::RangeInclusive<usize> = 20..=128;

/// An API key that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiKeyRef {
    id: ResourceId,
}

impl UsagePlan {
    /// A plan for `api`: 10 requests a second and 20 at once for each key.
    pub fn new(api: &RestApiRef) -> Self {
        Self {
            api: *api,
            rate: 10,
            burst: 20,
            quota: None,
            keys: Vec::new(),
        }
    }

    /// Takes this many requests a second on average of each key, and this many at
    /// once.
    pub fn throttle(mut self, rate: u32, burst: u32) -> Self {
        self.rate = rate;
        self.burst = burst;
        self
    }

    /// Takes no more than this many requests of each key in each period.
    pub fn quota(mut self, requests: u32, period: Period) -> Self {
        self.quota = Some((requests, period));
        self
    }

    /// Makes the plan one for the holder of `key` too.
    pub fn key(mut self, key: &ApiKeyRef) -> Self {
        self.keys.push(*key);
        self
    }
}

impl Construct for UsagePlan {
    type Handle = UsagePlanRef;

    fn build(self, scope: &mut Scope<'_>) -> UsagePlanRef {
        limits::within(scope, "Throttle.RateLimit", self.rate, &(1..=10_000), "");
        limits::within(scope, "Throttle.BurstLimit", self.burst, &(1..=5_000), "");
        let stage = apigateway::UsagePlanApiStage::new()
            .api_id(self.api.id())
            .stage(self.api.stage());
        let mut plan = apigateway::UsagePlan::new().api_stages([stage]).throttle(
            apigateway::UsagePlanThrottleSettings::new()
                .rate_limit(self.rate)
                .burst_limit(self.burst),
        );
        if let Some((requests, period)) = self.quota {
            limits::within(scope, "Quota.Limit", requests, &(1..=u32::MAX), "");
            plan = plan.quota(
                apigateway::UsagePlanQuotaSettings::new()
                    .limit(requests)
                    .period(period.name()),
            );
        }
        let plan = plan.build(scope).id();
        for (index, key) in self.keys.into_iter().enumerate() {
            scope.add(
                &format!("Key{}", index + 1),
                apigateway::UsagePlanKey::new(key.id(), "API_KEY", plan.reference::<String>()),
            );
        }
        UsagePlanRef { id: plan }
    }
}

impl UsagePlanRef {
    /// Returns the plan's id.
    pub const fn id(self) -> Value<Id<UsagePlan>> {
        self.id.reference()
    }
}

impl Period {
    const fn name(self) -> &'static str {
        match self {
            Self::Day => "DAY",
            Self::Week => "WEEK",
            Self::Month => "MONTH",
        }
    }
}

impl ApiKey {
    /// A key that AWS makes up.
    pub fn new() -> Self {
        Self::default()
    }

    /// A key that an authorizer tells by this value, of 20 to 128 characters, for an API that is
    /// [counted by its authorizer](super::RestApi::counted_by_authorizer).
    ///
    /// The value is no secret: no caller can bring it.
    pub fn told(value: impl Into<String>) -> Self {
        Self {
            value: Some(value.into()),
            ..Self::default()
        }
    }

    /// Says whose the key is: a system, never a person.
    pub fn describe(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }
}

impl Construct for ApiKey {
    type Handle = ApiKeyRef;

    fn build(self, scope: &mut Scope<'_>) -> ApiKeyRef {
        let mut key = apigateway::ApiKey::new().enabled(true);
        if let Some(text) = self.description {
            key = key.description(text);
        }
        if let Some(value) = self.value {
            if !KEY_LENGTH.contains(&value.len()) {
                scope.problem(
                    "Value",
                    format_args!("has the value `{value}`, of {} characters", value.len()),
                    "give it 20 to 128",
                );
            }
            key = key.value(value);
        }
        ApiKeyRef {
            id: key.build(scope).id(),
        }
    }
}

impl ApiKeyRef {
    /// Returns the key's id, which is not its value.
    pub const fn id(self) -> Value<Id<ApiKey>> {
        self.id.reference()
    }
}
