//! Functions that run a program of the workspace.

use std::{collections::BTreeMap, fmt, marker::PhantomData, time::Duration};

use lightsout_contract::{Invoke, Program};
use lightsout_core::{Arn, AssetRef, Construct, Pseudo, ResourceId, Scope, Value, join};

use crate::{
    Infra, Wired,
    cfn::lambda,
    cloudwatch::{Metric, Statistic},
    dynamodb::StreamedTableRef,
    ec2::NetworkRef,
    iam::{Role, Service, Statement},
    kms::KeyRef,
    limits,
    logs::{LogGroup, LogGroupRef},
    sqs::QueueRef,
    wired::Flattened,
};

/// A function that runs the program `P`.
///
/// It has a role of its own that allows what the program's environment says and
/// no more, an encrypted log group that only it writes to, and sits in subnets
/// without a way to the internet.
#[derive(Debug)]
#[must_use = "a function is made once it is added to a stack"]
pub struct Function<P> {
    variables: BTreeMap<String, Value<String>>,
    statements: Vec<Statement>,
    code: Code,
    network: NetworkRef,
    key: KeyRef,
    architecture: Architecture,
    memory_mib: u32,
    timeout: Duration,
    reserved_concurrency: Option<u32>,
    failures: Option<Failures>,
    sources: Vec<EventSource>,
    program: PhantomData<fn() -> P>,
}

/// What [`Function::failures_to`] puts into a queue: the event, and how it failed.
///
/// The fields are those of an
/// [invocation record](https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
#[derive(Debug)]
pub enum FailedEvent {}

/// Where Lambda puts events that the function failed on.
#[derive(Debug, Clone)]
struct Failures {
    queue: Value<String>,
    statements: Vec<Statement>,
}

/// A queue or stream that Lambda reads for the function.
#[derive(Debug, Clone)]
struct EventSource {
    arn: Value<String>,
    statements: Vec<Statement>,
    batch: u16,
    is_stream: bool,
}

/// The zip that a function is made from, with the program as `bootstrap`.
#[derive(Debug, Clone)]
pub struct Code {
    asset: AssetRef,
    bucket: Value<String>,
}

/// The processor that a function's program was compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Architecture {
    /// AWS Graviton: more work for the price.
    #[default]
    Arm64,
    /// Intel and AMD.
    X86_64,
}

/// A function that was added to a stack.
pub struct FunctionRef<P> {
    id: ResourceId,
    logs: LogGroupRef,
    fingerprint: u64,
    program: PhantomData<fn() -> P>,
}

/// What Lambda itself does with a function's role to reach a VPC.
///
/// AWS has [no narrower resource](https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions)
/// for it, so the program is denied what its platform may do.
const INTERFACES: [&str; 6] = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
];

/// How often a change that fails is tried again, lest it holds up all behind it.
const STREAM_RETRIES: u16 = 5;

/// The largest batch of messages that Lambda does not want to wait for.
const LARGEST_BATCH_AT_ONCE: u16 = 10;

impl Code {
    /// The zip of `asset`, from the bucket that assets are uploaded to.
    pub fn new(asset: AssetRef, bucket: impl Into<Value<String>>) -> Self {
        Self {
            asset,
            bucket: bucket.into(),
        }
    }
}

impl<P: Program> Function<P> {
    /// A function in `network`, whose variables and logs are encrypted with `key`.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the value says which program it is, so that no turbofish has to"
    )]
    pub fn new(
        program: P,
        environment: P::Environment<Infra>,
        code: Code,
        network: &NetworkRef,
        key: &KeyRef,
    ) -> Self {
        let _ = program;
        let flattened = Flattened::of(environment);
        Self {
            variables: flattened.variables.into_iter().collect(),
            statements: flattened.statements,
            code,
            network: *network,
            key: *key,
            architecture: Architecture::default(),
            memory_mib: 256,
            timeout: Duration::from_secs(30),
            reserved_concurrency: None,
            failures: None,
            sources: Vec::new(),
            program: PhantomData,
        }
    }

    /// Runs on another processor; Graviton unless said.
    pub fn architecture(mut self, architecture: Architecture) -> Self {
        self.architecture = architecture;
        self
    }

    /// Gives the function this much memory, 128 to 10240 MiB; 256 unless said.
    pub fn memory_mib(mut self, mib: u32) -> Self {
        self.memory_mib = mib;
        self
    }

    /// Ends an invocation after this long, up to 15 minutes; 30 s unless said.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs at most this many at once, and keeps room for as many.
    pub fn reserved_concurrency(mut self, executions: u32) -> Self {
        self.reserved_concurrency = Some(executions);
        self
    }

    /// Puts an event that was not waited for, such as an alarm's, into `queue` if
    /// the function failed on it three times.
    pub fn failures_to(mut self, queue: &QueueRef<FailedEvent>) -> Self {
        self.failures = Some(Failures {
            queue: queue.arn().into(),
            statements: queue.sender().statements().to_vec(),
        });
        self
    }

    /// Invokes the function with up to `batch` messages of `queue`, 1 to 10,000.
    ///
    /// The function answers which of them failed, so that the rest is not repeated. A
    /// queue hides its messages for at least six times the function's timeout.
    pub fn on_messages(mut self, queue: &QueueRef<P::Message>, batch: u16) -> Self {
        self.sources.push(EventSource {
            arn: queue.arn().text(),
            statements: queue.receiver().statements().to_vec(),
            batch,
            is_stream: false,
        });
        self
    }

    /// Invokes the function with up to `batch` changes to items of `table`, 1 to 10,000.
    ///
    /// The function answers which of them failed. A batch that failed is parted, and
    /// what fails five times by itself goes where [failures](Self::failures_to) go.
    pub fn on_changes<T>(mut self, table: &StreamedTableRef<T>, batch: u16) -> Self {
        self.sources.push(EventSource {
            arn: table.stream_arn(),
            statements: table.read().to_vec(),
            batch,
            is_stream: true,
        });
        self
    }

    /// Sets a variable beside the program's environment, such as `RUST_LOG`.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<Value<String>>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }
}

impl<P> Function<P> {
    /// Notes what Lambda would refuse, and returns the timeout in seconds.
    fn check(&self, scope: &mut Scope<'_>) -> u32 {
        limits::within(
            scope,
            "MemorySize",
            self.memory_mib,
            &(128..=10_240),
            " MiB",
        );
        if let Some(executions) = self.reserved_concurrency {
            limits::within(
                scope,
                "ReservedConcurrentExecutions",
                executions,
                &(1..=100_000),
                "",
            );
        }
        limits::seconds(scope, "Timeout", self.timeout, &(1..=900))
    }
}

impl<P: Program> Construct for Function<P> {
    type Handle = FunctionRef<P>;

    fn build(self, scope: &mut Scope<'_>) -> FunctionRef<P> {
        let timeout = self.check(scope);
        self.network.admit(scope, &self.statements);
        let logs = scope.add("Logs", LogGroup::new(&self.key));
        let functions = join![
            "arn:",
            Pseudo::Partition,
            ":lambda:",
            Pseudo::Region,
            ":",
            Pseudo::AccountId,
            ":function:*",
        ];
        let platform = [
            logs.written(),
            self.key.used_by("lambda", ["kms:Decrypt"]),
            Statement::allow(INTERFACES).on_everything(),
            Statement::deny(INTERFACES).on_everything().when(
                "ArnLike",
                "lambda:SourceFunctionArn",
                functions,
            ),
        ];
        let role = scope.add(
            "Role",
            Role::new(Service::Lambda, format!("Runs {}", P::BINARY))
                .with(self.statements)
                .with(platform)
                .with(
                    self.failures
                        .iter()
                        .flat_map(|failures| failures.statements.clone()),
                )
                .with(
                    self.sources
                        .iter()
                        .flat_map(|source| source.statements.clone()),
                ),
        );
        let mut function = lambda::Function::new(
            lambda::FunctionCode::new()
                .s3_bucket(self.code.bucket)
                .s3_key(self.code.asset.key()),
            role.arn(),
        )
        .description(format!("Runs {}", P::BINARY))
        .runtime("provided.al2023")
        .handler("bootstrap")
        .architectures([self.architecture.name()])
        .memory_size(self.memory_mib)
        .timeout(timeout)
        .kms_key_arn(self.key.arn())
        .logging_config(
            lambda::FunctionLoggingConfig::new()
                .log_format("JSON")
                .application_log_level("INFO")
                .log_group(logs.name()),
        )
        .vpc_config(
            lambda::FunctionVpcConfig::new()
                .subnet_ids(self.network.subnets())
                .security_group_ids([self.network.clients()]),
        );
        if !self.variables.is_empty() {
            function =
                function.environment(lambda::FunctionEnvironment::new().variables(self.variables));
        }
        if let Some(executions) = self.reserved_concurrency {
            function = function.reserved_concurrent_executions(executions);
        }
        let function = function.build(scope);
        for (index, source) in self.sources.into_iter().enumerate() {
            let id = match index {
                0 => "Source".to_owned(),
                more => format!("Source{}", more + 1),
            };
            let failures = self.failures.as_ref().map(|failures| &failures.queue);
            let source = source.mapping(scope, function.reference(), failures);
            scope.add(&id, source);
        }
        if let Some(failures) = self.failures {
            let destination = lambda::EventInvokeConfigOnFailure::new(failures.queue);
            scope.add(
                "Failures",
                lambda::EventInvokeConfig::new(function.reference(), "$LATEST")
                    .maximum_retry_attempts(2)
                    .destination_config(
                        lambda::EventInvokeConfigDestinationConfig::new().on_failure(destination),
                    ),
            );
        }
        FunctionRef {
            id: function.id(),
            logs,
            fingerprint: fingerprint(scope.path()),
            program: PhantomData,
        }
    }
}

impl EventSource {
    fn mapping(
        self,
        scope: &mut Scope<'_>,
        function: Value<String>,
        failures: Option<&Value<String>>,
    ) -> lambda::EventSourceMapping {
        limits::within(scope, "BatchSize", self.batch, &(1..=10_000), " events");
        let mut mapping = lambda::EventSourceMapping::new(function)
            .event_source_arn(self.arn)
            .batch_size(self.batch)
            .function_response_types(["ReportBatchItemFailures"]);
        if self.is_stream {
            mapping = mapping
                .starting_position("TRIM_HORIZON")
                .bisect_batch_on_function_error(true)
                .maximum_retry_attempts(STREAM_RETRIES);
            if let Some(queue) = failures {
                let failed = lambda::EventSourceMappingOnFailure::new().destination(queue.clone());
                mapping = mapping.destination_config(
                    lambda::EventSourceMappingDestinationConfig::new().on_failure(failed),
                );
            }
        } else if self.batch > LARGEST_BATCH_AT_ONCE {
            mapping = mapping.maximum_batching_window_in_seconds(1);
        }
        mapping
    }
}

impl<P> FunctionRef<P> {
    /// Returns the function's ARN.
    pub const fn arn(&self) -> Value<Arn<Function<P>>> {
        self.id.attribute("Arn")
    }

    /// Returns the function's name.
    pub const fn name(&self) -> Value<String> {
        self.id.reference()
    }

    /// Returns the function's place in its app.
    pub const fn id(&self) -> ResourceId {
        self.id
    }

    /// Returns the group that the function writes its logs to.
    pub const fn logs(&self) -> LogGroupRef {
        self.logs
    }

    /// Lets a program invoke the function: its name, with the permission.
    pub fn invoker(&self) -> Wired<Invoke<P>> {
        Wired::new(self.name(), self.arn())
    }

    /// Returns how often the function was invoked.
    pub fn invocations(&self) -> Metric {
        Metric::new("AWS/Lambda", "Invocations")
            .dimension("FunctionName", self.name())
            .statistic(Statistic::Sum)
    }

    /// Returns how many invocations failed.
    pub fn errors(&self) -> Metric {
        Metric::new("AWS/Lambda", "Errors")
            .dimension("FunctionName", self.name())
            .statistic(Statistic::Sum)
    }

    /// Lets `service` invoke the function for one `source` of this account.
    pub(crate) fn admit(
        &self,
        scope: &mut Scope<'_>,
        id: &str,
        service: &'static str,
        source: impl Into<Value<String>>,
    ) -> ResourceId {
        let permission = lambda::Permission::new("lambda:InvokeFunction", self.arn(), service)
            .source_account(Pseudo::AccountId)
            .source_arn(source.into());
        scope.add(id, permission).id()
    }

    /// Returns a number that tells this function from the app's others.
    pub(crate) const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Forgets which program the function runs.
    pub(crate) const fn untyped(&self) -> FunctionRef<()> {
        FunctionRef {
            id: self.id,
            logs: self.logs,
            fingerprint: self.fingerprint,
            program: PhantomData,
        }
    }
}

impl Architecture {
    const fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }
}

impl<P> Clone for FunctionRef<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for FunctionRef<P> {}

impl<P> fmt::Debug for FunctionRef<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FunctionRef").field(&self.id).finish()
    }
}

/// Returns the FNV-1a hash of `text`, the same on every machine and version.
pub(crate) fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dynamodb::{StreamView, Table},
        fixture::{Probe, ProbeEnvironment, asset, key, network, synth, with_function},
        setting,
        sqs::Queue,
    };

    #[test]
    fn a_function_without_options_is_isolated_and_encrypted() {
        let assembly = with_function(|_, _, _| ());
        let template = assembly.template("Test");
        template.has(
            lambda::Function::matching()
                .runtime("provided.al2023")
                .handler("bootstrap")
                .architectures(["arm64"])
                .logging_config(
                    lambda::FunctionLoggingConfig::new()
                        .log_format("JSON")
                        .application_log_level("INFO"),
                )
                .environment(lambda::FunctionEnvironment::new().variables([("GREETING", "hello")])),
        );
        let function = &template.json()["Resources"]["Function"]["Properties"];
        assert_eq!(function["KmsKeyArn"]["Fn::GetAtt"][0], "Key");
        assert_eq!(
            function["VpcConfig"]["SubnetIds"].as_array().unwrap().len(),
            2
        );
        assert_eq!(
            function["VpcConfig"]["SecurityGroupIds"][0]["Fn::GetAtt"][0],
            "NetworkClients"
        );
        assert_eq!(function["LoggingConfig"]["LogGroup"]["Ref"], "FunctionLogs");
        assert_eq!(
            function["Code"]["S3Key"]["Fn::Join"][1][1]["Ref"],
            "ProbeAsset"
        );
    }

    #[test]
    fn the_program_is_denied_what_its_platform_may_do() {
        let assembly = with_function(|_, _, _| ());
        let policy = &assembly.template("Test").json()["Resources"]["FunctionRolePolicy"];
        let statements = policy["Properties"]["PolicyDocument"]["Statement"]
            .as_array()
            .unwrap();
        let with_effect = |effect: &str| {
            statements.iter().find(|statement| {
                statement["Effect"] == effect
                    && statement["Action"][1] == "ec2:CreateNetworkInterface"
            })
        };
        assert!(with_effect("Allow").is_some());
        let denied = with_effect("Deny").unwrap();
        assert!(denied["Condition"]["ArnLike"]["lambda:SourceFunctionArn"].is_object());
    }

    #[test]
    fn failed_events_may_be_put_where_they_go() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let network = network(scope);
            let failures = scope.add("Failures", Queue::new(&key));
            let asset = scope.asset(asset());
            let environment = ProbeEnvironment {
                greeting: setting("hello"),
            };
            let code = Code::new(asset, "assets");
            let function = Function::new(Probe, environment, code, &network, &key);
            scope.add("Function", function.failures_to(&failures));
        });
        let json = &assembly.template("Test").json()["Resources"];
        let config = &json["FunctionFailures"]["Properties"];
        assert_eq!(
            config["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0],
            "Failures"
        );
        let policy = json["FunctionRolePolicy"]["Properties"]["PolicyDocument"].to_string();
        assert!(policy.contains("sqs:SendMessage"), "{policy}");
        assert!(policy.contains("kms:GenerateDataKey"), "{policy}");
    }

    #[test]
    fn what_lambda_would_refuse_is_a_problem() {
        let mut app = lightsout_core::App::new("clinic", lightsout_core::Stage::new("dev"));
        let mut scope = app.stack("Test");
        let key = key(&mut scope);
        let network = network(&mut scope);
        let environment = ProbeEnvironment {
            greeting: setting("hello"),
        };
        let code = Code::new(scope.asset(asset()), "assets");
        let function = Function::new(Probe, environment, code, &network, &key)
            .memory_mib(64)
            .timeout(Duration::from_mins(16))
            .reserved_concurrency(0);
        scope.add("Function", function);
        let problems = app.synth().unwrap_err().problems;
        let of_function = problems
            .iter()
            .filter(|problem| problem.path == "Test/Function");
        assert_eq!(of_function.count(), 3, "{problems:#?}");
    }

    #[test]
    fn fingerprints_are_those_of_the_published_hash() {
        assert_eq!(fingerprint(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fingerprint("foobar"), 0x8594_4171_f739_67e8);
    }

    fn reading(
        source: impl FnOnce(&mut Scope<'_>, KeyRef, Function<Probe>) -> Function<Probe>,
    ) -> serde_json::Value {
        let assembly = synth(|scope| {
            let key = key(scope);
            let network = network(scope);
            let failures = scope.add("Failures", Queue::new(&key));
            let code = Code::new(scope.asset(asset()), "assets");
            let environment = ProbeEnvironment {
                greeting: setting("hello"),
            };
            let function = Function::new(Probe, environment, code, &network, &key);
            let function = source(scope, key, function.failures_to(&failures));
            scope.add("Function", function);
        });
        assembly.template("Test").json()["Resources"].clone()
    }

    #[test]
    fn messages_are_read_with_their_queues_key() {
        let json = reading(|scope, key, function| {
            let queue = scope.add("Queue", Queue::<()>::new(&key));
            function.on_messages(&queue, 100)
        });
        let mapping = &json["FunctionSource"]["Properties"];
        assert_eq!(mapping["EventSourceArn"]["Fn::GetAtt"][0], "Queue");
        assert_eq!(
            mapping["FunctionResponseTypes"][0],
            "ReportBatchItemFailures"
        );
        assert_eq!(mapping["MaximumBatchingWindowInSeconds"], 1);
        let policy = json["FunctionRolePolicy"]["Properties"]["PolicyDocument"].to_string();
        assert!(policy.contains("sqs:ReceiveMessage"), "{policy}");
    }

    #[test]
    fn changes_that_keep_failing_go_where_failures_go() {
        let json = reading(|scope, key, function| {
            let table = Table::<()>::new(&key, "id").streamed(StreamView::Keys);
            let table = scope.add("Table", table);
            function.on_changes(&table, 100)
        });
        let mapping = &json["FunctionSource"]["Properties"];
        assert_eq!(
            mapping["EventSourceArn"]["Fn::GetAtt"],
            serde_json::json!(["Table", "StreamArn"])
        );
        assert_eq!(mapping["MaximumRetryAttempts"], 5);
        assert_eq!(mapping["BisectBatchOnFunctionError"], true);
        assert_eq!(
            mapping["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0],
            "Failures"
        );
        let policy = json["FunctionRolePolicy"]["Properties"]["PolicyDocument"].to_string();
        assert!(policy.contains("dynamodb:GetRecords"), "{policy}");
    }
}
