//! How results are read.

use std::time::Duration;

use lightsout::{
    Asset, Construct, Removal, Scope,
    apigateway::{
        AccountLogging, ApiKey, Authorization, LambdaAuthorizer, Period, RestApi, RestApiRef,
        UsagePlan,
    },
    contract::Program,
    dynamodb::{Table, TableRef},
    ec2::NetworkRef,
    kms::{Key, KeyRef},
    lambda::{Code, Function, FunctionRef},
    logs::MetricFilter,
    s3::{Bucket, BucketRef, LogBucket, ObjectLock},
    setting,
    sns::TopicRef,
};
use lightsout_protocol::{
    audit::{AuditItem, attribute},
    caller::{self, CallerItem, usage_key},
    environment::{self, ApiEnvironment, AuthorizerEnvironment},
};

use crate::{
    assets::AssetsRef,
    environment::{ApiAccess, ApiSettings, Settings},
    fleet::architecture,
    intake::IntakeRef,
    storage::{StorageRef, tell_of_throttling},
};

/// The query API: callers carry a token, one function judges it, another answers, and each
/// access is recorded in the audit trail before it is answered.
pub(crate) struct Api<'a> {
    pub(crate) name: String,
    pub(crate) removal: Removal,
    pub(crate) settings: &'a Settings,
    pub(crate) assets: &'a AssetsRef,
    pub(crate) network: &'a NetworkRef,
    pub(crate) intake: &'a IntakeRef,
    pub(crate) storage: &'a StorageRef,
    pub(crate) people: &'a TopicRef,
}

/// What other stacks watch and keep of the API.
pub(crate) struct ApiRef {
    pub(crate) rest: RestApiRef,
    /// The trail of who saw what.
    pub(crate) audit: TableRef<AuditItem>,
}

/// API Gateway itself waits no longer.
const TIMEOUT: Duration = Duration::from_secs(29);

/// Requests that one caller may make a second, on average: a fifth of what all may.
const CALLER_RATE: u32 = 10;

/// Requests that one caller may make at once: a fifth too.
const CALLER_BURST: u32 = 20;

/// Requests that the callers of one tenant may make a second, on average: half of what all may.
const TENANT_RATE: u32 = 25;

/// Requests that they may make at once: half too.
const TENANT_BURST: u32 = 50;

/// The judgement of a token takes no call.
const JUDGEMENT: Duration = Duration::from_secs(5);

/// Executions that are the API's own, where they are reserved: several times what the rate of
/// all callers takes while each answer needs a tenth of a second.
const RESERVED: u32 = 40;

/// The size from which an answer is worth compressing, in bytes.
const COMPRESSED: u32 = 1_024;

/// Days for which records of who saw what are locked: six years, as
/// [45 CFR 164.316(b)(2)(i)](https://www.ecfr.gov/current/title-45/section-164.316) has it.
const SEALED_DAYS: u32 = 2_192;

/// Refusals within five minutes that are more than slips of the hand.
const REFUSALS: u32 = 20;

impl Construct for Api<'_> {
    type Handle = ApiRef;

    fn build(self, scope: &mut Scope<'_>) -> ApiRef {
        let key = scope.add(
            "Key",
            Key::new("Logs of the query API").removal(self.removal),
        );
        let (audit, sealed) = self.audit(scope);
        // Who asks how fast says nothing of a patient, and goes when it is of no use.
        let callers = scope.add(
            "CallersPace",
            Table::new(&key, caller::attribute::CALLER).ttl(caller::attribute::EXPIRES),
        );
        tell_of_throttling(scope, "Audit", &audit, self.people);
        tell_of_throttling(scope, "CallersPace", &callers, self.people);
        let query = self.query(scope, &key, (&audit, &sealed), &callers);
        let callers = self.callers(scope, &key);
        let logging = scope.add("Logging", AccountLogging::new());
        let authorization = Authorization::Lambda(LambdaAuthorizer::new(&callers));
        let mut api = RestApi::new(&self.name, &query, authorization, &logging, &key)
            .compress_from(COMPRESSED);
        if self.settings.api.access == ApiAccess::Private {
            api = api.private_in(self.network);
        }
        if !self.settings.api.tenants.is_empty() {
            api = api.counted_by_authorizer();
        }
        let api = scope.add("Rest", api);
        self.plan(scope, &api);
        self.tell(scope, &query);
        scope.output(output::ADDRESS, api.url(), "Where results are asked for");
        scope.output(output::REST_API, api.id(), "The API's id");
        scope.output(output::AUDIT, audit.name(), "The trail of who saw what");
        scope.output(output::SEALED, sealed.name(), "The same, locked");
        ApiRef { rest: api, audit }
    }
}

impl Api<'_> {
    /// The trail has a key of its own: who reads results cannot read who else did. What is in its
    /// table lies in a bucket too, locked for as long as it has to be kept.
    fn audit(&self, scope: &mut Scope<'_>) -> (TableRef<AuditItem>, BucketRef<AuditItem>) {
        let key = scope.add("AuditKey", Key::new("Who saw what").removal(self.removal));
        let audit = Table::new(&key, attribute::STREAM).sort(attribute::NUMBER);
        let access = scope.add("AccessLogs", LogBucket::new().removal(self.removal));
        let lock = match self.removal {
            Removal::Keep => ObjectLock::Compliance(SEALED_DAYS),
            // A locked bucket could not go with its stack.
            Removal::Destroy => ObjectLock::Each,
        };
        let sealed = Bucket::new(&key)
            .access_logs(&access, "sealed/")
            .object_lock(lock);
        (scope.add("Audit", audit), scope.add("Sealed", sealed))
    }

    fn query(
        &self,
        scope: &mut Scope<'_>,
        key: &KeyRef,
        (audit, sealed): (&TableRef<AuditItem>, &BucketRef<AuditItem>),
        callers: &TableRef<CallerItem>,
    ) -> FunctionRef<environment::Api> {
        let code = scope.asset(Asset::program("Api", environment::Api::BINARY));
        let function = Function::new(
            environment::Api,
            ApiEnvironment {
                results: self.storage.results.reader(),
                large_results: self.storage.large_results.reader(),
                control: self.storage.control.reader(),
                audit: audit.appender(),
                sealed: sealed.writer(),
                callers: callers.updater(),
                caller_rate: setting(CALLER_RATE),
                caller_burst: setting(CALLER_BURST),
                exports: self.storage.exports.hander_out(),
                work: self.intake.work.sender(),
                inbox: setting(self.intake.inbox.name().text()),
            },
            Code::new(code, self.assets.bucket.name()),
            self.network,
            key,
        )
        .architecture(architecture(self.settings))
        .timeout(TIMEOUT);
        scope.add("Query", self.reserved(function))
    }

    fn callers(&self, scope: &mut Scope<'_>, key: &KeyRef) -> FunctionRef<environment::Authorizer> {
        let code = scope.asset(Asset::program(
            "Authorizer",
            environment::Authorizer::BINARY,
        ));
        let provider = &self.settings.api;
        let function = Function::new(
            environment::Authorizer,
            AuthorizerEnvironment {
                keys: setting(provider.keys.as_str()),
                issuer: setting(provider.issuer.as_str()),
                audience: setting(provider.audience.as_str()),
                api: setting(self.name.as_str()),
            },
            Code::new(code, self.assets.bucket.name()),
            self.network,
            key,
        )
        .architecture(architecture(self.settings))
        .timeout(JUDGEMENT);
        scope.add("Callers", self.reserved(function))
    }

    /// Gives each tenant a share of what all may ask, and a quota, counted by a key that the
    /// authorizer tells for them.
    fn plan(&self, scope: &mut Scope<'_>, api: &RestApiRef) {
        let ApiSettings {
            tenants,
            requests_per_day,
            ..
        } = &self.settings.api;
        if tenants.is_empty() {
            return;
        }
        let mut plan = UsagePlan::new(api)
            .throttle(TENANT_RATE, TENANT_BURST)
            .quota(*requests_per_day, Period::Day);
        for (place, tenant) in (1..).zip(tenants) {
            let key = ApiKey::told(usage_key(&self.name, tenant));
            let key = key.describe(format!("The tenant {tenant}"));
            plan = plan.key(&scope.add(&format!("Tenant{place}"), key));
        }
        scope.add("Tenants", plan);
    }

    fn reserved<P: Program>(&self, function: Function<P>) -> Function<P> {
        if self.settings.reserves_concurrency {
            function.reserved_concurrency(RESERVED)
        } else {
            function
        }
    }

    /// Tells a person of each emergency, of accesses that could not be recorded, and of many
    /// refusals.
    fn tell(&self, scope: &mut Scope<'_>, query: &FunctionRef<environment::Api>) {
        let told = [
            (
                "Emergencies",
                r#"{ $.event = "break_glass" }"#,
                0,
                "Somebody told an emergency, or sees more than their role; see in the audit trail who and why.",
            ),
            (
                "NotRecorded",
                r#"{ $.fault = "the end of the audit trail*" }"#,
                0,
                "Accesses cannot be recorded, and are refused; see what the audit table answers.",
            ),
            (
                "Masked",
                "{ $.masked > 0 }",
                0,
                "A line of the log held what looks like an identifier, and was masked; find out which part of the program wrote it.",
            ),
            (
                "Refusals",
                r#"{ $.event = "refused" }"#,
                REFUSALS,
                "Many requests are refused; see in the audit trail whose.",
            ),
        ];
        for (name, pattern, most, means) in told {
            let filter = MetricFilter::new(&query.logs(), pattern, &self.name, name);
            let filter = scope.add(name, filter);
            let alarm = filter.metric().above(most).describe(means);
            scope.add(&format!("{name}Alarm"), alarm.notifies(self.people));
        }
    }
}

/// The outputs of this stack that tools read.
pub mod output {
    /// The API's address.
    pub const ADDRESS: &str = "ApiAddress";
    /// The API's id.
    pub const REST_API: &str = "RestApiId";
    /// The audit table's name.
    pub const AUDIT: &str = "AuditTableName";
    /// The name of the bucket that has the audit trail once more, locked.
    pub const SEALED: &str = "SealedTrailBucketName";
}
