//! REST APIs and their one stage.

use std::collections::BTreeMap;

use lightsout_core::{Arn, Construct, Pseudo, Ref, ResourceId, Scope, Tree, Value, join};

use super::{
    AccountLoggingRef, Authorization, DomainRef, Route, TlsFloor, access_log,
    authorization::invocation,
};
use crate::{
    cfn::apigateway,
    ec2::{Endpoint, NetworkRef},
    iam::{PolicyDocument, Statement},
    kms::KeyRef,
    lambda::{FunctionRef, fingerprint},
    limits,
    logs::{LogGroup, LogGroupRef},
};

/// An API that asks every caller who they are.
///
/// It is regional, throttled, speaks TLS 1.2 or later, and logs who called what
/// with which outcome, but never a path, a query or a body: those can hold what
/// must not be logged. Only what is asked for before a browser's request, without
/// credentials, is answered to anyone.
///
/// ```
/// use lightsout::{
///     App, Asset, Stage, Tree, cfn,
///     apigateway::{AccountLogging, Authorization, RestApi, Route, Verb},
///     contract::{Binary, Program, Setting, Side, binary, environment},
///     ec2::{Network, Zones},
///     kms::Key,
///     lambda::{Code, Function},
///     setting,
/// };
///
/// environment! {
///     /// What the program needs.
///     pub struct AnswersEnvironment {
///         /// How many answers at once.
///         page: Setting<u32> = "PAGE",
///     }
/// }
///
/// /// Answers questions.
/// pub struct Answers;
///
/// impl Program for Answers {
///     const BINARY: Binary = binary!("query" in "examples/programs");
///     type Message = ();
///     type Environment<S: Side> = AnswersEnvironment<S>;
/// }
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Api");
/// let key = stack.add("Key", Key::new("Logs"));
/// let network = stack.add("Network", Network::new("10.20.0.0/16".parse()?, Zones::Two));
/// let code = Code::new(stack.asset(Asset::program("Answers", Answers::BINARY)), "assets");
/// let environment = AnswersEnvironment { page: setting(50) };
/// let answers = stack.add("Answers", Function::new(Answers, environment, code, &network, &key));
/// let logging = stack.add("Logging", AccountLogging::new());
/// let routes = [
///     Route::new(Verb::Get, "/jobs/{job}", &answers),
///     Route::new(Verb::Post, "/searches", &answers)
///         .body(Tree::object([("type", "object".into())]))
///         .throttle(5, 10),
/// ];
/// stack.add("Rest", RestApi::with_routes("answers", routes, Authorization::Iam, &logging, &key));
/// # let mut storage = app.stack("Storage");
/// # let key = storage.add("Key", Key::new("Assets"));
/// # let assets = storage.add("Assets", lightsout::s3::Bucket::<()>::new(&key));
/// # app.asset_store("Storage", assets.id());
///
/// let assembly = app.synth()?;
/// let template = assembly.template("Api");
/// template.has(cfn::apigateway::Method::matching().authorization_type("AWS_IAM"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct RestApi {
    name: String,
    routes: Routes,
    authorization: Authorization,
    logging: AccountLoggingRef,
    key: KeyRef,
    rate: u32,
    burst: u32,
    tls: TlsFloor,
    network: Option<NetworkRef>,
    domain: Option<(DomainRef, String)>,
    origin: Option<String>,
    compress: Option<u32>,
    is_counted: bool,
}

#[derive(Debug, Clone)]
enum Routes {
    /// One function answers whatever is asked.
    All(FunctionRef<()>),
    /// Only what has a route is answered.
    Each(Vec<Route>),
}

/// An API that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestApiRef {
    id: ResourceId,
    stage: ResourceId,
    access_log: LogGroupRef,
}

/// The name of the one stage that an API has.
const STAGE: &str = "v1";

/// What browsers may send beside the body.
const BROWSER_HEADERS: &str = "'Authorization,Content-Type,X-Api-Key'";

impl RestApi {
    /// An API that hands every request to `function`, whose logs are encrypted with
    /// `key`.
    pub fn new<P>(
        name: impl Into<String>,
        function: &FunctionRef<P>,
        authorization: Authorization,
        logging: &AccountLoggingRef,
        key: &KeyRef,
    ) -> Self {
        let routes = Routes::All(function.untyped());
        Self::answering(name.into(), routes, authorization, *logging, *key)
    }

    /// An API that answers only what has a route.
    ///
    /// Requests are checked against their route before a function sees them, and
    /// a refusal says no more than that it is one.
    pub fn with_routes(
        name: impl Into<String>,
        routes: impl IntoIterator<Item = Route>,
        authorization: Authorization,
        logging: &AccountLoggingRef,
        key: &KeyRef,
    ) -> Self {
        let routes = Routes::Each(routes.into_iter().collect());
        Self::answering(name.into(), routes, authorization, *logging, *key)
    }

    /// Takes this many requests a second on average, and this many at once; 50 and
    /// 100 unless said.
    pub fn throttle(mut self, rate: u32, burst: u32) -> Self {
        self.rate = rate;
        self.burst = burst;
        self
    }

    /// Compresses answers of at least so many bytes, up to 10 MiB, for who accepts that.
    pub fn compress_from(mut self, bytes: u32) -> Self {
        self.compress = Some(bytes);
        self
    }

    /// Counts every request by the key that a Lambda authorizer tells as `usageIdentifierKey`,
    /// and takes none whose key has no [usage plan](super::UsagePlan).
    pub fn counted_by_authorizer(mut self) -> Self {
        self.is_counted = true;
        self
    }

    /// Speaks no older TLS than this; 1.2 unless said.
    pub fn tls(mut self, floor: TlsFloor) -> Self {
        self.tls = floor;
        self
    }

    /// Answers only to what is in `network`, by a private address.
    pub fn private_in(mut self, network: &NetworkRef) -> Self {
        self.network = Some(*network);
        self
    }

    /// Reaches the API by a name of one's own, under `path`, and by no other name.
    pub fn domain(mut self, domain: &DomainRef, path: impl Into<String>) -> Self {
        self.domain = Some((*domain, path.into()));
        self
    }

    /// Lets pages of this origin, such as `https://portal.clinic.example`, call from
    /// a browser.
    pub fn browsers_from(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    fn answering(
        name: String,
        routes: Routes,
        authorization: Authorization,
        logging: AccountLoggingRef,
        key: KeyRef,
    ) -> Self {
        Self {
            name,
            routes,
            authorization,
            logging,
            key,
            rate: 50,
            burst: 100,
            tls: TlsFloor::default(),
            network: None,
            domain: None,
            origin: None,
            compress: None,
            is_counted: false,
        }
    }
}

impl Construct for RestApi {
    type Handle = RestApiRef;

    fn build(self, scope: &mut Scope<'_>) -> RestApiRef {
        self.check(scope);
        let api = self.api(scope).build(scope);
        let mut snapshot = Vec::new();
        let authorizer = self.authorization.add(scope, api.id());
        match &self.routes {
            Routes::All(function) => {
                let root = api.get(apigateway::RestApi::ROOT_RESOURCE_ID);
                let any = scope.add(
                    "Any",
                    apigateway::Resource::new(root.clone(), "{proxy+}", api.reference()),
                );
                for (id, resource) in [("RootMethod", root), ("AnyMethod", any.reference())] {
                    let method =
                        self.method("ANY", resource.clone(), api, function, authorizer.as_ref());
                    snapshot.push(scope.add(id, method).id());
                    self.preflight(scope, id, resource, api, &mut snapshot);
                }
            }
            Routes::Each(routes) => {
                self.add_routes(scope, api, routes, authorizer.as_ref(), &mut snapshot);
            }
        }
        self.refusals(scope, api, &mut snapshot);
        // A deployment is a snapshot: a changed API needs another, so its id changes.
        let deployment = scope.add(
            &format!("Deployment{:016x}", self.fingerprint()),
            apigateway::Deployment::new(api.reference()),
        );
        for resource in snapshot {
            scope.depends_on(deployment.id(), resource);
        }
        let (stage, access_log) = self.stage(scope, api, deployment.id());
        for (index, function) in self.functions().into_iter().enumerate() {
            let id = match index {
                0 => "Permission".to_owned(),
                more => format!("Permission{}", more + 1),
            };
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
            function.admit(scope, &id, "apigateway.amazonaws.com", source);
        }
        if let Some((domain, path)) = &self.domain {
            let mut mapping = apigateway::BasePathMapping::new(domain.name())
                .rest_api_id(api.reference())
                .stage(stage.reference::<String>());
            if !path.is_empty() {
                mapping = mapping.base_path(path.as_str());
            }
            scope.add("Mapping", mapping);
        }
        RestApiRef {
            id: api.id(),
            stage,
            access_log,
        }
    }
}

impl RestApi {
    fn check(&self, scope: &mut Scope<'_>) {
        limits::within(scope, "ThrottlingRateLimit", self.rate, &(1..=10_000), "");
        limits::within(scope, "ThrottlingBurstLimit", self.burst, &(1..=5_000), "");
        if self.network.is_some() && self.domain.is_some() {
            scope.problem(
                "EndpointConfiguration",
                "is private, and has a regional domain too",
                "leave one of them out",
            );
        }
        if let Some(origin) = &self.origin {
            let host = origin.strip_prefix("https://").unwrap_or_default();
            if host.is_empty() || host.contains(['*', '/', '\'']) {
                scope.problem(
                    "ResponseParameters",
                    format_args!("lets browsers call from `{origin}`"),
                    "name one origin, like `https://portal.clinic.example`",
                );
            }
        }
        if let Routes::Each(routes) = &self.routes {
            if routes.is_empty() {
                scope.problem("Body", "answers nothing", "give it a route");
            }
            for route in routes {
                route.check(scope);
            }
        }
    }

    fn api(&self, scope: &mut Scope<'_>) -> apigateway::RestApi {
        let endpoint = self
            .network
            .and_then(|network| network.endpoint(scope, Endpoint::Api));
        let mut configuration = apigateway::RestApiEndpointConfiguration::new();
        let mut api = apigateway::RestApi::new()
            .name(self.name.as_str())
            .security_policy(self.tls.policy())
            .endpoint_access_mode("STRICT");
        if let Some(bytes) = self.compress {
            limits::within(
                scope,
                "MinimumCompressionSize",
                bytes,
                &(0..=10_485_760),
                " bytes",
            );
            api = api.minimum_compression_size(i64::from(bytes));
        }
        if self.is_counted {
            api = api.api_key_source_type("AUTHORIZER");
        }
        if self.domain.is_some() {
            api = api.disable_execute_api_endpoint(true);
        }
        configuration = match endpoint {
            Some(endpoint) => {
                let invoke = Statement::allow(["execute-api:Invoke"])
                    .to_everyone()
                    .on("execute-api:/*")
                    .when(
                        "StringEquals",
                        "aws:SourceVpce",
                        endpoint.reference::<String>(),
                    );
                // Who may call is asked for by each method; this says from where.
                scope.gather(
                    endpoint,
                    "PolicyDocument.Statement",
                    Statement::allow(["execute-api:Invoke"])
                        .to_everyone()
                        .on_everything()
                        .when("StringEquals", "aws:ResourceAccount", Pseudo::AccountId),
                );
                api = api.policy(Tree::from(PolicyDocument::new().with(invoke)));
                configuration
                    .types(["PRIVATE"])
                    .vpc_endpoint_ids([endpoint.reference::<String>()])
            }
            None => configuration.types(["REGIONAL"]),
        };
        api.endpoint_configuration(configuration)
    }

    fn method(
        &self,
        verb: &str,
        resource: Value<String>,
        api: Ref<apigateway::RestApi>,
        function: &FunctionRef<()>,
        authorizer: Option<&Value<String>>,
    ) -> apigateway::Method {
        let mut method = apigateway::Method::new(verb, resource, api.reference())
            .authorization_type(self.authorization.method_type());
        if let Some(authorizer) = authorizer {
            method = method.authorizer_id(authorizer.clone());
        }
        if self.is_counted {
            method = method.api_key_required(true);
        }
        let scopes = self.authorization.scopes();
        if !scopes.is_empty() {
            method = method.authorization_scopes(scopes);
        }
        method.integration(
            apigateway::MethodIntegration::new("AWS_PROXY")
                .integration_http_method("POST")
                .uri(invocation(function)),
        )
    }

    fn add_routes(
        &self,
        scope: &mut Scope<'_>,
        api: Ref<apigateway::RestApi>,
        routes: &[Route],
        authorizer: Option<&Value<String>>,
        snapshot: &mut Vec<ResourceId>,
    ) {
        let validator = apigateway::RequestValidator::new(api.reference())
            .validate_request_body(true)
            .validate_request_parameters(true);
        let validator = scope.add("Validator", validator);
        // Resources by path, so that routes share what they have in common.
        let mut resources: BTreeMap<String, (String, Value<String>)> = BTreeMap::new();
        let root = api.get(apigateway::RestApi::ROOT_RESOURCE_ID);
        for route in routes {
            let (mut path, mut id, mut resource) = (String::new(), "Root".to_owned(), root.clone());
            for part in route.parts() {
                path = format!("{path}/{part}");
                if let Some((known_id, known)) = resources.get(&path) {
                    (id, resource) = (known_id.clone(), known.clone());
                    continue;
                }
                id = resource_id(&path);
                let child = apigateway::Resource::new(resource, part, api.reference());
                resource = scope.add(&id, child).reference();
                resources.insert(path.clone(), (id.clone(), resource.clone()));
            }
            let verb = route.verb;
            let mut method = self
                .method(verb.name(), resource, api, &route.function, authorizer)
                .request_validator_id(validator.reference());
            if route.is_metered {
                method = method.api_key_required(true);
            }
            let path_names = route
                .parameters()
                .map(|name| (format!("method.request.path.{name}"), true));
            let query_names = route
                .query
                .iter()
                .map(|(name, needed)| (format!("method.request.querystring.{name}"), *needed));
            let names: Vec<_> = path_names.chain(query_names).collect();
            if !names.is_empty() {
                method = method.request_parameters(names);
            }
            if let Some(schema) = &route.body {
                let model = apigateway::Model::new(api.reference())
                    .content_type("application/json")
                    .schema(schema.clone());
                let model = scope.add(&format!("{id}{}Body", verb.id()), model);
                method = method.request_models([("application/json", model.reference())]);
            }
            snapshot.push(scope.add(&format!("{id}{}", verb.id()), method).id());
        }
        for (id, resource) in resources.into_values() {
            self.preflight(scope, &id, resource, api, snapshot);
        }
    }

    /// Answers what browsers ask before a request from another origin.
    fn preflight(
        &self,
        scope: &mut Scope<'_>,
        id: &str,
        resource: Value<String>,
        api: Ref<apigateway::RestApi>,
        snapshot: &mut Vec<ResourceId>,
    ) {
        let Some(origin) = &self.origin else { return };
        let headers = [
            ("Allow-Headers", BROWSER_HEADERS.to_owned()),
            ("Allow-Methods", "'DELETE,GET,PATCH,POST,PUT'".to_owned()),
            ("Allow-Origin", format!("'{origin}'")),
        ]
        .map(|(name, value)| {
            (
                format!("method.response.header.Access-Control-{name}"),
                value,
            )
        });
        let method = apigateway::Method::new("OPTIONS", resource, api.reference())
            .authorization_type("NONE")
            .integration(
                apigateway::MethodIntegration::new("MOCK")
                    .request_templates([("application/json", "{\"statusCode\":204}")])
                    .integration_responses([apigateway::MethodIntegrationResponse::new("204")
                        .response_parameters(headers.clone())]),
            )
            .method_responses([apigateway::MethodResponse::new("204")
                .response_parameters(headers.map(|(name, _)| (name, true)))]);
        snapshot.push(scope.add(&format!("{id}Options"), method).id());
    }

    /// Answers requests that reach no function: with the reason, and nothing of
    /// what was sent.
    fn refusals(
        &self,
        scope: &mut Scope<'_>,
        api: Ref<apigateway::RestApi>,
        snapshot: &mut Vec<ResourceId>,
    ) {
        if matches!(self.routes, Routes::All(_)) && self.origin.is_none() {
            return;
        }
        for (id, kind) in [("Refused", "DEFAULT_4XX"), ("Failed", "DEFAULT_5XX")] {
            let body = r#"{"error":"$context.error.responseType","request":"$context.requestId"}"#;
            let mut response = apigateway::GatewayResponse::new(kind, api.reference())
                .response_templates([("application/json", body)]);
            if let Some(origin) = &self.origin {
                response = response.response_parameters([(
                    "gatewayresponse.header.Access-Control-Allow-Origin",
                    format!("'{origin}'"),
                )]);
            }
            snapshot.push(scope.add(id, response).id());
        }
    }

    fn stage(
        &self,
        scope: &mut Scope<'_>,
        api: Ref<apigateway::RestApi>,
        deployment: ResourceId,
    ) -> (ResourceId, LogGroupRef) {
        let access = scope.add("AccessLogs", LogGroup::audit(&self.key));
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
        let settings = |verb: &str, path: String, rate: u32, burst: u32| {
            apigateway::StageMethodSetting::new()
                .http_method(verb)
                .resource_path(path)
                .logging_level("ERROR")
                .data_trace_enabled(false)
                .metrics_enabled(true)
                .caching_enabled(false)
                .throttling_rate_limit(rate)
                .throttling_burst_limit(burst)
        };
        let all = settings("*", "/*".to_owned(), self.rate, self.burst);
        let each = self.routes.each().iter().filter_map(|route| {
            let (rate, burst) = route.throttle?;
            // In a method's setting `/` is written `~1`, after the first.
            let path = format!("/{}", route.path.replace('/', "~1"));
            Some(settings(route.verb.name(), path, rate, burst))
        });
        let stage = scope.add(
            "Stage",
            apigateway::Stage::new(api.reference())
                .stage_name(STAGE)
                .deployment_id(deployment.reference::<String>())
                .tracing_enabled(false)
                .method_settings([all].into_iter().chain(each))
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
                        .format(access_log::format(&self.authorization)),
                ),
        );
        scope.depends_on(stage.id(), self.logging.id());
        scope.depends_on(stage.id(), execution.id());
        (stage.id(), access)
    }

    /// Returns every function that answers, each once.
    fn functions(&self) -> Vec<FunctionRef<()>> {
        let mut functions: Vec<FunctionRef<()>> = Vec::new();
        let all = match &self.routes {
            Routes::All(function) => vec![*function],
            Routes::Each(routes) => routes.iter().map(|route| route.function).collect(),
        };
        for function in all {
            let is_known = functions.iter().any(|known| known.id() == function.id());
            if !is_known {
                functions.push(function);
            }
        }
        functions
    }

    /// Returns a number that changes with what a deployment is a snapshot of.
    ///
    /// It is of what the author wrote, not of resources' places in the app: those
    /// move with each resource that is added before.
    fn fingerprint(&self) -> u64 {
        let routes = match &self.routes {
            Routes::All(function) => format!("{:016x}", function.fingerprint()),
            Routes::Each(routes) => {
                let routes: Vec<String> = routes.iter().map(Route::description).collect();
                routes.join("\n")
            }
        };
        fingerprint(&format!(
            "3 {} {} {:?} {:?} {:?} {:?} {} {routes}",
            self.name,
            self.authorization.description(),
            self.tls,
            self.network.map(NetworkRef::cidr),
            self.origin,
            self.compress,
            self.is_counted,
        ))
    }
}

impl Routes {
    fn each(&self) -> &[Route] {
        match self {
            Self::All(_) => &[],
            Self::Each(routes) => routes,
        }
    }
}

impl RestApiRef {
    /// Returns the address of the API, with its stage and a `/` at the end.
    ///
    /// An API with a [domain](RestApi::domain) is reached by that alone.
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

    /// Returns the name of the API's one stage, once that is there.
    pub const fn stage(self) -> Value<String> {
        self.stage.reference()
    }

    /// Returns the log of who called what, with which outcome.
    pub const fn access_log(self) -> LogGroupRef {
        self.access_log
    }

    /// Returns the ARN of the API's one stage, once that is there.
    pub fn stage_arn(self) -> Value<Arn<apigateway::Stage>> {
        let arn = join![
            "arn:",
            Pseudo::Partition,
            ":apigateway:",
            Pseudo::Region,
            "::/restapis/",
            self.id(),
            "/stages/",
            self.stage(),
        ];
        match arn {
            Value::Literal(text) => Value::Literal(Arn::new(text)),
            Value::Token(token, _) => Value::token(token),
        }
    }
}

/// Names the resource of a path: `/jobs/{job}` is `JobsByJob`.
fn resource_id(path: &str) -> String {
    path.replace('{', "by-")
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter_map(|word| {
            let mut letters = word.chars();
            let first = letters.next()?.to_ascii_uppercase();
            Some(format!("{first}{}", letters.as_str()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use lightsout_core::Assembly;

    use super::*;
    use crate::{
        apigateway::{AccountLogging, Domain, LambdaAuthorizer, Verb},
        cognito::UserPool,
        ec2::{Network, Zones},
        fixture::{Probe, network, with_function},
    };

    struct Parts {
        function: FunctionRef<Probe>,
        logging: AccountLoggingRef,
        key: KeyRef,
    }

    fn synth_with(build: impl FnOnce(&mut Scope<'_>, Parts)) -> Assembly {
        with_function(|scope, key, function| {
            let logging = scope.add("Logging", AccountLogging::new());
            build(
                scope,
                Parts {
                    function,
                    logging,
                    key,
                },
            );
        })
    }

    fn synth(change: impl FnOnce(RestApi) -> RestApi) -> Assembly {
        synth_with(|scope, parts| {
            let Parts {
                function,
                logging,
                key,
            } = parts;
            let api = RestApi::new("answers", &function, Authorization::Iam, &logging, &key);
            scope.add("Api", change(api));
        })
    }

    fn routed(routes: impl FnOnce(&FunctionRef<Probe>) -> Vec<Route>) -> Assembly {
        synth_with(|scope, parts| {
            let routes = routes(&parts.function);
            let api = RestApi::with_routes(
                "answers",
                routes,
                Authorization::Iam,
                &parts.logging,
                &parts.key,
            );
            scope.add("Api", api);
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
    fn an_api_is_regional_and_speaks_no_old_tls() {
        let assembly = synth(|api| api);
        let api = &assembly.template("Test").json()["Resources"]["Api"]["Properties"];
        assert_eq!(api["EndpointConfiguration"]["Types"][0], "REGIONAL");
        assert_eq!(api["SecurityPolicy"], "SecurityPolicy_TLS13_1_2_2021_06");
        assert_eq!(api["EndpointAccessMode"], "STRICT");
    }

    #[test]
    fn bodies_and_paths_are_never_logged() {
        let assembly = synth(|api| api);
        let stage = &assembly.template("Test").json()["Resources"]["ApiStage"]["Properties"];
        assert_eq!(stage["MethodSettings"][0]["DataTraceEnabled"], false);
        assert_eq!(stage["MethodSettings"][0]["LoggingLevel"], "ERROR");
        assert_eq!(stage["MethodSettings"][0]["ThrottlingRateLimit"], 50);
        let format = stage["AccessLogSetting"]["Format"].as_str().unwrap();
        assert!(!format.contains("$context.path"), "{format}");
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
        assert_ne!(first, deployment(&synth(|api| api.tls(TlsFloor::Tls13))));
        assert_ne!(first, deployment(&synth(|api| api.compress_from(1_024))));
        let counted = synth(RestApi::counted_by_authorizer);
        assert_ne!(first, deployment(&counted));
        counted
            .template("Test")
            .has(apigateway::RestApi::new().api_key_source_type("AUTHORIZER"));
        let template = counted.template("Test");
        template.has(apigateway::Method::matching().api_key_required(true));
    }

    #[test]
    fn a_changed_route_is_deployed_anew() {
        let one = |function: &_| vec![Route::new(Verb::Get, "/jobs", function)];
        let schema = Tree::object([("type", "object".into())]);
        let two = |function: &_| vec![Route::new(Verb::Get, "/jobs", function).body(schema)];
        assert_eq!(deployment(&routed(one)), deployment(&routed(one)));
        assert_ne!(deployment(&routed(one)), deployment(&routed(two)));
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

    #[test]
    fn requests_are_checked_before_a_function_sees_them() {
        let assembly = routed(|function| {
            vec![
                Route::new(Verb::Get, "/jobs/{job}", function).query("page"),
                Route::new(Verb::Post, "/jobs", function)
                    .body(Tree::object([("type", "object".into())]))
                    .throttle(5, 10)
                    .metered(),
            ]
        });
        let json = &assembly.template("Test").json()["Resources"];
        let get = &json["ApiJobsByJobGet"]["Properties"];
        assert_eq!(get["RequestValidatorId"]["Ref"], "ApiValidator");
        assert_eq!(
            get["RequestParameters"]["method.request.querystring.page"],
            true
        );
        assert_eq!(get["RequestParameters"]["method.request.path.job"], true);
        let post = &json["ApiJobsPost"]["Properties"];
        assert_eq!(
            post["RequestModels"]["application/json"]["Ref"],
            "ApiJobsPostBody"
        );
        assert_eq!(post["ApiKeyRequired"], true);
        let settings = &json["ApiStage"]["Properties"]["MethodSettings"][1];
        assert_eq!(settings["ResourcePath"], "/~1jobs");
        assert_eq!(settings["DataTraceEnabled"], false);
        let template = assembly.template("Test");
        template.count::<apigateway::Resource>(2);
        template.count::<crate::cfn::lambda::Permission>(1);
        template.count::<apigateway::GatewayResponse>(2);
    }

    #[test]
    fn a_private_api_answers_only_by_the_networks_endpoint() {
        let assembly = synth_with(|scope, parts| {
            let cidr = "10.30.0.0/16".parse().unwrap();
            let network = Network::new(cidr, Zones::Two);
            let network = scope.add("Clinic", network);
            let api = RestApi::new(
                "answers",
                &parts.function,
                Authorization::Iam,
                &parts.logging,
                &parts.key,
            );
            scope.add("Api", api.private_in(&network));
        });
        let json = &assembly.template("Test").json()["Resources"];
        let api = &json["Api"]["Properties"];
        assert_eq!(api["EndpointConfiguration"]["Types"][0], "PRIVATE");
        let condition = &api["Policy"]["Statement"][0]["Condition"]["StringEquals"];
        assert!(
            condition["aws:SourceVpce"]["Ref"].is_string(),
            "{condition}"
        );
    }

    #[test]
    fn an_api_with_a_domain_has_no_other_name() {
        let assembly = synth_with(|scope, parts| {
            let domain = scope.add("Domain", Domain::new("api.clinic.example", "arn:c"));
            let api = RestApi::new(
                "answers",
                &parts.function,
                Authorization::Iam,
                &parts.logging,
                &parts.key,
            );
            scope.add("Api", api.domain(&domain, "v1"));
        });
        let template = assembly.template("Test");
        template.has(apigateway::RestApi::new().disable_execute_api_endpoint(true));
        template.has(apigateway::BasePathMapping::matching().base_path("v1"));
    }

    #[test]
    fn tokens_of_a_pool_and_of_a_function_are_asked_for_too() {
        let assembly = synth_with(|scope, parts| {
            let pool = scope.add("Pool", UserPool::new(&parts.key));
            let by_pool = Authorization::UserPool(pool.authorizer());
            let by_function = Authorization::Lambda(LambdaAuthorizer::new(&parts.function));
            for (id, authorization) in [("One", by_pool), ("Two", by_function)] {
                let Parts {
                    function,
                    logging,
                    key,
                } = &parts;
                scope.add(id, RestApi::new(id, function, authorization, logging, key));
            }
        });
        let template = assembly.template("Test");
        template.has(apigateway::Authorizer::matching().type_("COGNITO_USER_POOLS"));
        template.has(
            apigateway::Authorizer::matching()
                .type_("TOKEN")
                .authorizer_result_ttl_in_seconds(0)
                .identity_source("method.request.header.Authorization"),
        );
        let methods = template.resources::<apigateway::Method>();
        assert_eq!(methods.len(), 4);
        for (id, method) in methods {
            assert!(
                method["Properties"]["AuthorizerId"]["Ref"].is_string(),
                "{id}"
            );
        }
    }

    #[test]
    fn browsers_of_one_origin_may_call() {
        let assembly = synth(|api| api.browsers_from("https://portal.clinic.example"));
        let template = assembly.template("Test");
        let preflights = template
            .resources::<apigateway::Method>()
            .into_iter()
            .filter(|(_, method)| method["Properties"]["HttpMethod"] == "OPTIONS");
        assert_eq!(preflights.count(), 2);
        let refused = &template.json()["Resources"]["ApiRefused"]["Properties"];
        assert_eq!(
            refused["ResponseParameters"]["gatewayresponse.header.Access-Control-Allow-Origin"],
            "'https://portal.clinic.example'"
        );
    }

    #[test]
    fn what_api_gateway_or_privacy_would_refuse_is_a_problem() {
        let mut app = lightsout_core::App::new("clinic", lightsout_core::Stage::new("dev"));
        let mut scope = app.stack("Test");
        let key = scope.add("Key", crate::kms::Key::new("Test"));
        let network = network(&mut scope);
        let environment = crate::fixture::ProbeEnvironment {
            greeting: crate::setting("hello"),
        };
        let code = crate::lambda::Code::new(scope.asset(crate::fixture::asset()), "assets");
        let function = crate::lambda::Function::new(Probe, environment, code, &network, &key);
        let function = scope.add("Function", function);
        let logging = scope.add("Logging", AccountLogging::new());
        let routes = [
            Route::new(Verb::Get, "jobs", &function),
            Route::new(Verb::Get, "/patients/{mrn}", &function),
            Route::new(Verb::Get, "/all/{rest+}/more", &function),
        ];
        let api = RestApi::with_routes("a", routes, Authorization::Iam, &logging, &key)
            .throttle(0, 1)
            .browsers_from("*");
        scope.add("Api", api);
        let problems = app.synth().unwrap_err().problems;
        let of_api: Vec<_> = problems
            .iter()
            .filter(|problem| problem.path == "Test/Api" && problem.property.is_some())
            .collect();
        assert_eq!(of_api.len(), 5, "{problems:#?}");
    }
}
