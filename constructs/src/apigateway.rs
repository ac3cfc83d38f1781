//! APIs that ask every caller who they are.

use std::fmt::Write as _;

use lightsout_core::{Construct, Pseudo, ResourceId, Scope, Value, join};

use crate::{
    cfn::apigateway,
    iam::{Role, Service, Statement},
    kms::KeyRef,
    lambda::{FunctionRef, fingerprint},
    logs::LogGroup,
};

/// How an API knows its callers; there is no way not to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authorization {
    /// Requests are signed with AWS credentials, and IAM policies decide.
    Iam,
}

/// Lets the APIs of this account and region write logs; one for each of both.
///
/// Every API refers to it, because without it none may log. It stays when its
/// stack goes: other APIs would lose their logs.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccountLogging;

/// The account's logging that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountLoggingRef {
    id: ResourceId,
}

/// An API that hands every request to one function.
///
/// It is regional, throttled, and logs who called what with which outcome, but
/// never a path, a query or a body: those can hold what must not be logged.
#[derive(Debug, Clone)]
pub struct RestApi {
    name: String,
    function: FunctionRef<()>,
    authorization: Authorization,
    logging: AccountLoggingRef,
    key: KeyRef,
    rate: u32,
    burst: u32,
}

/// An API that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestApiRef {
    id: ResourceId,
}

/// The name of the one stage that an API has.
const STAGE: &str = "v1";

/// What the access log says of a request. No path: it can name a patient's chart.
const ACCESS_LOG: [(&str, &str); 9] = [
    ("requestId", "$context.requestId"),
    ("time", "$context.requestTimeEpoch"),
    ("caller", "$context.identity.userArn"),
    ("sourceIp", "$context.identity.sourceIp"),
    ("method", "$context.httpMethod"),
    ("resource", "$context.resourcePath"),
    ("status", "$context.status"),
    ("error", "$context.error.responseType"),
    ("latencyMs", "$context.responseLatency"),
];

impl AccountLogging {
    /// The logging of this account and region.
    pub fn new() -> Self {
        Self
    }
}

impl Construct for AccountLogging {
    type Handle = AccountLoggingRef;

    fn build(self, scope: &mut Scope<'_>) -> AccountLoggingRef {
        let groups = join![
            "arn:",
            Pseudo::Partition,
            ":logs:",
            Pseudo::Region,
            ":",
            Pseudo::AccountId,
            ":log-group:*",
        ];
        let write = Statement::allow([
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:FilterLogEvents",
            "logs:GetLogEvents",
            "logs:PutLogEvents",
        ]);
        let role = scope.add(
            "Role",
            Role::new(Service::ApiGateway, "Writes the logs of APIs").with([
                write.on(groups),
                Statement::allow(["logs:DescribeLogGroups"]).on_everything(),
            ]),
        );
        let account = apigateway::Account::new()
            .cloud_watch_role_arn(role.arn())
            .build(scope);
        role.retain(scope);
        scope.retain(account.id());
        AccountLoggingRef { id: account.id() }
    }
}

impl RestApi {
    /// An API in front of `function`, whose logs are encrypted with `key`.
    pub fn new<P>(
        name: impl Into<String>,
        function: &FunctionRef<P>,
        authorization: Authorization,
        logging: &AccountLoggingRef,
        key: &KeyRef,
    ) -> Self {
        Self {
            name: name.into(),
            function: function.untyped(),
            authorization,
            logging: *logging,
            key: *key,
            rate: 50,
            burst: 100,
        }
    }

    /// Takes this many requests a second on average, and this many at once; 50 and
    /// 100 unless said.
    pub fn throttle(mut self, rate: u32, burst: u32) -> Self {
        self.rate = rate;
        self.burst = burst;
        self
    }
}

impl Construct for RestApi {
    type Handle = RestApiRef;

    fn build(self, scope: &mut Scope<'_>) -> RestApiRef {
        let api = apigateway::RestApi::new()
            .name(self.name.as_str())
            .endpoint_configuration(
                apigateway::RestApiEndpointConfiguration::new().types(["REGIONAL"]),
            )
            .build(scope);
        let root = api.get(apigateway::RestApi::ROOT_RESOURCE_ID);
        let any = scope.add(
            "Any",
            apigateway::Resource::new(root.clone(), "{proxy+}", api.reference()),
        );
        let methods =
            [("RootMethod", root), ("AnyMethod", any.reference())].map(|(id, resource)| {
                let method = apigateway::Method::new("ANY", resource, api.reference())
                    .authorization_type(self.authorization.name())
                    .integration(
                        apigateway::MethodIntegration::new("AWS_PROXY")
                            .integration_http_method("POST")
                            .uri(self.integration_uri()),
                    );
                scope.add(id, method).id()
            });
        // A deployment is a snapshot: a changed API needs another, so its id changes.
        let deployment = scope.add(
            &format!("Deployment{:016x}", self.fingerprint()),
            apigateway::Deployment::new(api.reference()),
        );
        for method in methods {
            scope.depends_on(deployment.id(), method);
        }
        let access = scope.add("AccessLogs", LogGroup::new(&self.key));
        // API Gateway makes this group itself, without a key, unless it is there.
        let execution = scope.add(
            "ExecutionLogs",
            LogGroup::new(&self.key).named(join![
                "API-Gateway-Execution-Logs_",
                api.reference(),
                "/",
                STAGE,
            ]),
        );
        let settings = apigateway::StageMethodSetting::new()
            .http_method("*")
            .resource_path("/*")
            .logging_level("ERROR")
            .data_trace_enabled(false)
            .metrics_enabled(true)
            .caching_enabled(false)
            .throttling_rate_limit(self.rate)
            .throttling_burst_limit(self.burst);
        let stage = scope.add(
            "Stage",
            apigateway::Stage::new(api.reference())
                .stage_name(STAGE)
                .deployment_id(deployment.reference())
                .tracing_enabled(false)
                .method_settings([settings])
                .access_log_setting(
                    apigateway::StageAccessLogSetting::new()
                        .destination_arn(join![
                            "arn:",
                            Pseudo::Partition,
                            ":logs:",
                            Pseudo::Region,
                            ":",
                            Pseudo::AccountId,
                            ":log-group:",
                            access.name(),
                        ])
                        .format(access_log_format()),
                ),
        );
        scope.depends_on(stage.id(), self.logging.id);
        scope.depends_on(stage.id(), execution.id());
        let source = join![
            "arn:",
            Pseudo::Partition,
            ":execute-api:",
            Pseudo::Region,
            ":",
            Pseudo::AccountId,
            ":",
            api.reference(),
            "/",
            STAGE,
            "/*",
        ];
        self.function
            .admit(scope, "Permission", "apigateway.amazonaws.com", source);
        RestApiRef { id: api.id() }
    }
}

impl RestApi {
    fn integration_uri(&self) -> Value<String> {
        join![
            "arn:",
            Pseudo::Partition,
            ":apigateway:",
            Pseudo::Region,
            ":lambda:path/2015-03-31/functions/",
            self.function.arn(),
            "/invocations",
        ]
    }

    /// Returns a number that changes with what a deployment is a snapshot of.
    fn fingerprint(&self) -> u64 {
        fingerprint(&format!(
            "1 {} {} {:016x}",
            self.name,
            self.authorization.name(),
            self.function.fingerprint(),
        ))
    }
}

impl RestApiRef {
    /// Returns the address of the API, with its stage and a `/` at the end.
    pub fn url(self) -> Value<String> {
        join![
            "https://",
            self.id(),
            ".execute-api.",
            Pseudo::Region,
            ".",
            Pseudo::UrlSuffix,
            "/",
            STAGE,
            "/",
        ]
    }

    /// Returns the API's id.
    pub const fn id(self) -> Value<String> {
        self.id.reference()
    }
}

impl Authorization {
    const fn name(self) -> &'static str {
        match self {
            Self::Iam => "AWS_IAM",
        }
    }
}

fn access_log_format() -> String {
    let mut format = String::from("{");
    for (index, (name, variable)) in ACCESS_LOG.into_iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(format, "{comma}\"{name}\":\"{variable}\"")
            .expect("writing to a string cannot fail");
    }
    format + "}"
}

#[cfg(test)]
mod tests {
    use lightsout_core::Assembly;

    use super::*;
    use crate::fixture::with_function;

    fn synth(change: impl FnOnce(RestApi) -> RestApi) -> Assembly {
        with_function(|scope, key, function| {
            let logging = scope.add("Logging", AccountLogging::new());
            let api = RestApi::new("answers", &function, Authorization::Iam, &logging, &key);
            scope.add("Api", change(api));
        })
    }

    fn deployment(assembly: &Assembly) -> String {
        let template = assembly.template("Test");
        let (id, _) = template.resources::<apigateway::Deployment>()[0];
        id.to_owned()
    }

    #[test]
    fn every_method_asks_who_calls() {
        let assembly = synth(|api| api);
        let template = assembly.template("Test");
        let methods = template.resources::<apigateway::Method>();
        assert_eq!(methods.len(), 2);
        for (id, method) in methods {
            assert_eq!(method["Properties"]["AuthorizationType"], "AWS_IAM", "{id}");
        }
    }

    #[test]
    fn bodies_and_paths_are_never_logged() {
        let assembly = synth(|api| api);
        let stage = &assembly.template("Test").json()["Resources"]["ApiStage"]["Properties"];
        assert_eq!(stage["MethodSettings"][0]["DataTraceEnabled"], false);
        assert_eq!(stage["MethodSettings"][0]["LoggingLevel"], "ERROR");
        let format = stage["AccessLogSetting"]["Format"].as_str().unwrap();
        let fields: serde_json::Value = serde_json::from_str(format).unwrap();
        assert_eq!(fields.as_object().unwrap().len(), ACCESS_LOG.len());
        for (_, variable) in ACCESS_LOG {
            assert!(
                !["$context.path", "$context.requestOverride", "$input"].contains(&variable),
                "{variable}"
            );
        }
    }

    #[test]
    fn a_changed_api_is_deployed_anew_and_an_unchanged_one_is_not() {
        let first = deployment(&synth(|api| api));
        let throttled = deployment(&synth(|api| api.throttle(1, 1)));
        let renamed = deployment(&synth(|mut api| {
            api.name.push('2');
            api
        }));
        // Throttling belongs to the stage, which changes in place.
        assert_eq!(first, throttled);
        assert_ne!(first, renamed);
    }

    #[test]
    fn the_logs_of_an_execution_are_encrypted_before_the_first() {
        let assembly = synth(|api| api);
        let json = &assembly.template("Test").json()["Resources"];
        let waits_for = json["ApiStage"]["DependsOn"].as_array().unwrap();
        assert!(waits_for.iter().any(|id| id == "ApiExecutionLogs"));
        assert!(waits_for.iter().any(|id| id == "Logging"));
        assert_eq!(
            json["ApiExecutionLogs"]["Properties"]["LogGroupName"]["Fn::Join"][1][0],
            "API-Gateway-Execution-Logs_"
        );
    }
}
