//! Groups of log streams, and what is read from them.

use lightsout_core::{Arn, Construct, ResourceId, Scope, Tree, Value};

use crate::{
    Removal,
    cfn::logs,
    cloudwatch::{Metric, Statistic},
    iam::Statement,
    kms::KeyRef,
    lambda::FunctionRef,
};

/// A log group: encrypted, masked, and kept for 400 days unless told otherwise.
///
/// What looks like a name, an address, a number of an insurance or a card, or a
/// secret is masked for whoever has no `logs:Unmask`: a second line, as nothing of
/// the sort is to be logged. [Audit](Self::audit) groups are not masked, and kept
/// for six years.
///
/// ```
/// use lightsout::{App, Stage, cfn, kms::Key, logs::LogGroup};
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Logs");
/// let key = stack.add("Key", Key::new("Logs"));
/// stack.add("Worker", LogGroup::new(&key));
/// stack.add("Access", LogGroup::audit(&key));
///
/// let assembly = app.synth()?;
/// let template = assembly.template("Logs");
/// template.has(cfn::logs::LogGroup::new().retention_in_days(2192));
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a log group is made once it is added to a stack"]
pub struct LogGroup {
    key: KeyRef,
    retention: Retention,
    name: Option<Value<String>>,
    is_audit: bool,
}

/// A log group that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogGroupRef {
    id: ResourceId,
}

/// Counts the events of a log group that a pattern matches, as a metric.
///
/// ```
/// use lightsout::{App, Stage, cfn, kms::Key, logs::{LogGroup, MetricFilter}, sns::Topic};
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Logs");
/// let key = stack.add("Key", Key::new("Logs"));
/// let people = stack.add("People", Topic::new(&key));
/// let group = stack.add("Worker", LogGroup::new(&key));
/// let refused = MetricFilter::new(&group, r#"{ $.event = "refused" }"#, "Clinic", "Refused");
/// let refused = stack.add("Refused", refused);
/// stack.add("RefusedAlarm", refused.metric().above(0).notifies(&people));
///
/// let assembly = app.synth()?;
/// assembly.template("Logs").count::<cfn::logs::MetricFilter>(1);
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a filter is made once it is added to a stack"]
pub struct MetricFilter {
    group: LogGroupRef,
    pattern: String,
    namespace: String,
    name: String,
}

/// A metric filter that was added to a stack.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricFilterRef {
    metric: Metric,
}

/// Hands the events of a log group that a pattern matches to a function.
///
/// Events stay in the account, and encrypted on their way.
#[derive(Debug, Clone)]
#[must_use = "a subscription is made once it is added to a stack"]
pub struct Subscription {
    group: LogGroupRef,
    pattern: String,
    function: FunctionRef<()>,
}

/// How long log events are kept, of the periods that `CloudWatch` Logs offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retention {
    /// 30 days.
    Days30,
    /// 90 days.
    Days90,
    /// 400 days: what programs say about themselves.
    #[default]
    Days400,
    /// Six years, for records that 45 CFR 164.316(b)(2)(i) is about.
    Days2192,
    /// Ten years.
    Days3653,
}

impl LogGroup {
    /// A log group whose events are encrypted with `key`.
    pub fn new(key: &KeyRef) -> Self {
        Self {
            key: *key,
            retention: Retention::default(),
            name: None,
            is_audit: false,
        }
    }

    /// A log group of who did what: kept for six years, protected against deletion.
    pub fn audit(key: &KeyRef) -> Self {
        Self {
            retention: Retention::Days2192,
            is_audit: true,
            ..Self::new(key)
        }
    }

    /// Keeps events for another period.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Names the group, for services that write to a name of their own choice.
    pub fn named(mut self, name: impl Into<Value<String>>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Construct for LogGroup {
    type Handle = LogGroupRef;

    fn build(self, scope: &mut Scope<'_>) -> LogGroupRef {
        self.key.serve_logs(scope);
        let mut group = logs::LogGroup::new()
            .kms_key_id(self.key.arn())
            .retention_in_days(self.retention.days());
        if let Some(name) = self.name {
            group = group.log_group_name(name);
        }
        if !self.is_audit {
            group = group.data_protection_policy(masking());
        } else if self.key.removal() == Removal::Keep {
            group = group.deletion_protection_enabled(true);
        }
        let group = group.build(scope);
        self.key.removal().apply(scope, group.id());
        LogGroupRef { id: group.id() }
    }
}

impl MetricFilter {
    /// Counts what `pattern` matches as the metric `name` in `namespace`.
    ///
    /// The pattern is written in
    /// [the syntax of filters](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html).
    /// No dimension is made from what an event says, as that could be a person's.
    pub fn new(
        group: &LogGroupRef,
        pattern: impl Into<String>,
        namespace: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        Self {
            group: *group,
            pattern: pattern.into(),
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl Construct for MetricFilter {
    type Handle = MetricFilterRef;

    fn build(self, scope: &mut Scope<'_>) -> MetricFilterRef {
        if self.pattern.len() > LONGEST_PATTERN {
            scope.problem(
                "FilterPattern",
                format_args!("has a pattern of {} characters", self.pattern.len()),
                format!("write it in at most {LONGEST_PATTERN}"),
            );
        }
        if self.namespace.starts_with("AWS/") {
            scope.problem(
                "MetricNamespace",
                format_args!("counts in the namespace `{}`", self.namespace),
                "choose one that does not begin with `AWS/`: those are of AWS",
            );
        }
        let count = logs::MetricFilterMetricTransformation::new(
            self.name.as_str(),
            self.namespace.as_str(),
            "1",
        )
        .default_value(0);
        logs::MetricFilter::new(self.pattern, self.group.name(), [count]).build(scope);
        MetricFilterRef {
            metric: Metric::new(self.namespace, self.name).statistic(Statistic::Sum),
        }
    }
}

impl MetricFilterRef {
    /// Returns how many events matched.
    pub fn metric(&self) -> Metric {
        self.metric.clone()
    }
}

impl Subscription {
    /// Hands what `pattern` matches to `function`; an empty pattern matches all.
    pub fn new<P>(
        group: &LogGroupRef,
        pattern: impl Into<String>,
        function: &FunctionRef<P>,
    ) -> Self {
        Self {
            group: *group,
            pattern: pattern.into(),
            function: function.untyped(),
        }
    }
}

impl Construct for Subscription {
    type Handle = ();

    fn build(self, scope: &mut Scope<'_>) {
        let permission =
            self.function
                .admit(scope, "Permission", "logs.amazonaws.com", self.group.arn());
        let filter =
            logs::SubscriptionFilter::new(self.function.arn(), self.pattern, self.group.name())
                .build(scope);
        // Logs tries the function when the filter is made.
        scope.depends_on(filter.id(), permission);
    }
}

impl LogGroupRef {
    /// Returns the group's name.
    pub const fn name(self) -> Value<String> {
        self.id.reference()
    }

    /// Returns the ARN of the group with `:*`, its streams.
    pub const fn arn(self) -> Value<Arn<LogGroup>> {
        self.id.attribute("Arn")
    }

    /// Returns the group's place in its app.
    pub const fn id(self) -> ResourceId {
        self.id
    }

    /// Allows a role to write to the group, but not to make another.
    pub(crate) fn written(self) -> Statement {
        Statement::allow(["logs:CreateLogStream", "logs:PutLogEvents"]).on(self.arn())
    }
}

impl Retention {
    const fn days(self) -> i64 {
        match self {
            Self::Days30 => 30,
            Self::Days90 => 90,
            Self::Days400 => 400,
            Self::Days2192 => 2192,
            Self::Days3653 => 3653,
        }
    }
}

/// The longest pattern of a filter.
const LONGEST_PATTERN: usize = 1024;

/// What is masked, by the names of
/// [managed data identifiers](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL-managed-data-identifiers.html).
const MASKED: [&str; 12] = [
    "Address",
    "AwsSecretKey",
    "DriversLicense-US",
    "DrugEnforcementAgencyNumber-US",
    "EmailAddress",
    "HealthInsuranceClaimNumber-US",
    "MedicareBeneficiaryNumber-US",
    "Name",
    "NationalProviderId-US",
    "PassportNumber-US",
    "PhoneNumber-US",
    "Ssn-US",
];

/// Audits and masks the same identifiers: the two lists must be equal.
fn masking() -> Tree {
    let identifiers: Tree = MASKED
        .iter()
        .map(|name| format!("arn:aws:dataprotection::aws:data-identifier/{name}"))
        .collect();
    let nothing = || Tree::Map(Vec::new());
    let statement = |sid: &str, operation: &'static str, settings: Tree| {
        Tree::object([
            ("Sid", sid.into()),
            ("DataIdentifier", identifiers.clone()),
            ("Operation", Tree::object([(operation, settings)])),
        ])
    };
    Tree::object([
        ("Name", "mask-what-no-log-should-hold".into()),
        ("Version", "2021-06-01".into()),
        (
            "Statement",
            vec![
                statement(
                    "Audit",
                    "Audit",
                    Tree::object([("FindingsDestination", nothing())]),
                ),
                statement(
                    "Mask",
                    "Deidentify",
                    Tree::object([("MaskConfig", nothing())]),
                ),
            ]
            .into(),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::{key, problems, synth, with_function},
        kms::Key,
    };

    #[test]
    fn a_log_group_without_options_is_encrypted_and_kept_for_400_days() {
        let assembly = synth(|scope| {
            let key = key(scope);
            scope.add("Logs", LogGroup::new(&key));
        });
        let template = assembly.template("Test");
        template.has(logs::LogGroup::new().retention_in_days(400));
        let group = &template.json()["Resources"]["Logs"];
        assert_eq!(group["Properties"]["KmsKeyId"]["Fn::GetAtt"][0], "Key");
        assert_eq!(group["DeletionPolicy"], "Retain");
    }

    #[test]
    fn what_programs_log_is_masked_and_audited_alike() {
        let assembly = synth(|scope| {
            let key = key(scope);
            scope.add("Logs", LogGroup::new(&key));
        });
        let group = &assembly.template("Test").json()["Resources"]["Logs"]["Properties"];
        let statements = &group["DataProtectionPolicy"]["Statement"];
        assert!(statements[0]["Operation"]["Audit"]["FindingsDestination"].is_object());
        assert!(statements[1]["Operation"]["Deidentify"]["MaskConfig"].is_object());
        assert_eq!(
            statements[0]["DataIdentifier"],
            statements[1]["DataIdentifier"]
        );
        let ssn = "arn:aws:dataprotection::aws:data-identifier/Ssn-US";
        let identifiers = statements[0]["DataIdentifier"].as_array().unwrap();
        assert!(identifiers.iter().any(|identifier| identifier == ssn));
    }

    #[test]
    fn audit_groups_are_kept_for_six_years_and_protected() {
        let group = |removal: Removal| {
            let assembly = synth(|scope| {
                let key = scope.add("Key", Key::new("Audit").removal(removal));
                scope.add("Logs", LogGroup::audit(&key));
            });
            assembly.template("Test").json()["Resources"]["Logs"]["Properties"].clone()
        };
        let kept = group(Removal::Keep);
        assert_eq!(kept["RetentionInDays"], 2192);
        assert_eq!(kept["DeletionProtectionEnabled"], true);
        assert!(kept.get("DataProtectionPolicy").is_none());
        assert!(
            group(Removal::Destroy)
                .get("DeletionProtectionEnabled")
                .is_none()
        );
    }

    #[test]
    fn a_filter_counts_without_dimensions() {
        let assembly = synth(|scope| {
            let key = key(scope);
            let group = scope.add("Logs", LogGroup::new(&key));
            let filter = MetricFilter::new(&group, "ERROR", "Clinic", "Errors");
            assert_eq!(
                scope.add("Errors", filter).metric(),
                Metric::new("Clinic", "Errors").statistic(Statistic::Sum)
            );
        });
        let filter = &assembly.template("Test").json()["Resources"]["Errors"]["Properties"];
        let count = &filter["MetricTransformations"][0];
        assert_eq!(count["MetricValue"], "1");
        assert_eq!(count["DefaultValue"], 0);
        assert!(count.get("Dimensions").is_none());
    }

    #[test]
    fn a_filter_keeps_out_of_the_namespaces_of_aws() {
        let problems = problems(|scope| {
            let key = key(scope);
            let group = scope.add("Logs", LogGroup::new(&key));
            let pattern = "x".repeat(1025);
            scope.add(
                "Errors",
                MetricFilter::new(&group, pattern, "AWS/Clinic", "Errors"),
            );
        });
        assert_eq!(problems.len(), 2);
    }

    #[test]
    fn a_subscription_waits_until_its_function_lets_it_in() {
        let assembly = with_function(|scope, key, function| {
            let group = scope.add("Group", LogGroup::new(&key));
            scope.add("Forward", Subscription::new(&group, "", &function));
        });
        let json = &assembly.template("Test").json()["Resources"];
        assert_eq!(json["Forward"]["DependsOn"][0], "ForwardPermission");
        let permission = &json["ForwardPermission"]["Properties"];
        assert_eq!(permission["Principal"], "logs.amazonaws.com");
        assert_eq!(permission["SourceArn"]["Fn::GetAtt"][0], "Group");
    }
}
