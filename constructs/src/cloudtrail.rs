//! Trails: who did what in the account.

use lightsout_core::{Arn, Construct, Pseudo, ResourceId, Scope, Value, join};

use crate::{
    cfn::cloudtrail as cfn,
    cloudwatch::Metric,
    dynamodb::TableRef,
    iam::{Role, Service, Statement},
    logs::{LogGroup, LogGroupRef, MetricFilter},
    names::{arn_here, name_of},
    s3::{AuditBucketRef, BucketRef},
    sns::TopicRef,
};

/// A record of what is done in the account, in every region, kept for six years.
///
/// Files are encrypted with the key of their bucket, signed so that a changed one is
/// found out, and go to a locked bucket. The same events go to an encrypted log
/// group, where alarms see them. Unusual rates of calls and errors are told apart.
///
/// Reads and writes of single objects and items are recorded for the buckets and
/// tables that are named.
///
/// ```
/// use lightsout::{
///     App, Stage, cfn,
///     cloudtrail::Trail,
///     dynamodb::Table,
///     kms::Key,
///     s3::{AuditBucket, Bucket, LogBucket},
///     sns::OpsTopic,
/// };
///
/// struct Chart;
/// struct Coding;
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Storage");
/// let key = stack.add("Key", Key::new("Charts and codings"));
/// let charts = stack.add("Charts", Bucket::<Chart>::new(&key));
/// let codings = stack.add("Codings", Table::<Coding>::new(&key, "chart"));
///
/// let mut stack = app.stack("Audit");
/// let key = stack.add("Key", Key::new("Audit records"));
/// let people = stack.add("People", OpsTopic::new(&key).email("security@clinic.example"));
/// let access = stack.add("AccessLogs", LogBucket::new());
/// let records = stack.add("Records", AuditBucket::new(&key, &access, "records/"));
/// stack.add(
///     "Trail",
///     Trail::new(&records).objects_of(&charts).items_of(&codings).watched_by(&people),
/// );
///
/// let assembly = app.synth()?;
/// assembly.template("Audit").has(cfn::cloudtrail::Trail::matching().is_multi_region_trail(true));
/// # Ok::<(), lightsout::SynthError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a trail is made once it is added to a stack"]
pub struct Trail {
    bucket: AuditBucketRef,
    buckets: Vec<Value<String>>,
    tables: Vec<Value<String>>,
    watchers: Option<TopicRef>,
}

/// A trail that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrailRef {
    id: ResourceId,
    logs: LogGroupRef,
}

/// Something in a trail that people should know of.
struct Watch {
    id: &'static str,
    pattern: &'static str,
    /// How many in five minutes are too many.
    threshold: u16,
    meaning: &'static str,
}

/// The longest name of a trail.
const LONGEST_NAME: usize = 128;

/// How many resources one selector names at most.
const MOST_VALUES: usize = 500;

/// What is watched: the events that the CIS benchmark for AWS has alarms on.
const WATCHES: [Watch; 10] = [
    Watch {
        id: "RootUse",
        pattern: r#"{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }"#,
        threshold: 1,
        meaning: "Somebody acts as the account's root",
    },
    Watch {
        id: "SignInFailures",
        pattern: r#"{ $.eventName = "ConsoleLogin" && $.errorMessage = "Failed authentication" }"#,
        threshold: 3,
        meaning: "Somebody tries to sign in, and fails",
    },
    Watch {
        id: "TrailChanges",
        pattern: r#"{ $.eventSource = "cloudtrail.amazonaws.com" && ($.eventName = "CreateTrail" || $.eventName = "UpdateTrail" || $.eventName = "DeleteTrail" || $.eventName = "StopLogging" || $.eventName = "PutEventSelectors") }"#,
        threshold: 1,
        meaning: "Somebody changes what is recorded",
    },
    Watch {
        id: "KeyChanges",
        pattern: r#"{ $.eventSource = "kms.amazonaws.com" && ($.eventName = "DisableKey" || $.eventName = "ScheduleKeyDeletion" || $.eventName = "PutKeyPolicy") }"#,
        threshold: 1,
        meaning: "Somebody disables a key, is about to delete it, or changes who may use it",
    },
    Watch {
        id: "BucketPolicyChanges",
        pattern: r#"{ $.eventSource = "s3.amazonaws.com" && ($.eventName = "PutBucketPolicy" || $.eventName = "DeleteBucketPolicy" || $.eventName = "PutBucketAcl" || $.eventName = "PutBucketPublicAccessBlock" || $.eventName = "DeleteBucketPublicAccessBlock" || $.eventName = "PutBucketReplication") }"#,
        threshold: 1,
        meaning: "Somebody changes who may read a bucket",
    },
    Watch {
        id: "PolicyChanges",
        pattern: r#"{ $.eventSource = "iam.amazonaws.com" && ($.eventName = "*Policy*" || $.eventName = "UpdateAssumeRolePolicy") && ($.eventName != "Get*" && $.eventName != "List*" && $.eventName != "Simulate*") }"#,
        threshold: 1,
        meaning: "Somebody changes what a role may do",
    },
    Watch {
        id: "SecurityGroupChanges",
        pattern: r#"{ $.eventName = "AuthorizeSecurityGroup*" || $.eventName = "RevokeSecurityGroup*" || $.eventName = "CreateSecurityGroup" || $.eventName = "DeleteSecurityGroup" }"#,
        threshold: 1,
        meaning: "Somebody changes who reaches a host",
    },
    Watch {
        id: "NetworkChanges",
        pattern: r#"{ $.eventName = "*NetworkAcl*" && $.eventName != "Describe*" || $.eventName = "*InternetGateway" || $.eventName = "*CustomerGateway" || $.eventName = "*Route" || $.eventName = "*RouteTable" || $.eventName = "CreateVpc*" || $.eventName = "DeleteVpc*" || $.eventName = "ModifyVpc*" }"#,
        threshold: 1,
        meaning: "Somebody changes the network",
    },
    Watch {
        id: "DeniedCalls",
        pattern: r#"{ $.errorCode = "AccessDenied*" || $.errorCode = "*UnauthorizedOperation" }"#,
        threshold: 10,
        meaning: "Somebody tries what is not allowed",
    },
    Watch {
        id: "ConfigChanges",
        pattern: r#"{ $.eventSource = "config.amazonaws.com" && ($.eventName = "StopConfigurationRecorder" || $.eventName = "DeleteDeliveryChannel" || $.eventName = "PutDeliveryChannel" || $.eventName = "PutConfigurationRecorder") }"#,
        threshold: 1,
        meaning: "Somebody changes how the configuration is recorded",
    },
];

impl Trail {
    /// A trail into `bucket`, encrypted with the bucket's key.
    pub fn new(bucket: &AuditBucketRef) -> Self {
        Self {
            bucket: *bucket,
            buckets: Vec::new(),
            tables: Vec::new(),
            watchers: None,
        }
    }

    /// Records each read and write of an object of `bucket`.
    pub fn objects_of<T>(mut self, bucket: &BucketRef<T>) -> Self {
        self.buckets.push(join![bucket.arn(), "/"]);
        self
    }

    /// Records each read and write of an item of `table`.
    pub fn items_of<T>(mut self, table: &TableRef<T>) -> Self {
        self.tables.push(table.arn().text());
        self
    }

    /// Tells `topic` of the ten kinds of events that an intruder would cause.
    ///
    /// They are the use of the root, failed sign-ins, denied calls, and changes to
    /// trails, keys, bucket policies, IAM policies, security groups, the network and
    /// AWS Config.
    pub fn watched_by(mut self, topic: &TopicRef) -> Self {
        self.watchers = Some(*topic);
        self
    }
}

impl Construct for Trail {
    type Handle = TrailRef;

    fn build(self, scope: &mut Scope<'_>) -> TrailRef {
        let bucket = self.bucket.bucket();
        let key = bucket.key();
        // The key and the bucket let in one trail, by the ARN that it will have.
        let name = name_of(scope, LONGEST_NAME);
        let arn = arn_here("cloudtrail", format!("trail/{name}"));
        key.serve_trail(scope, &arn);
        for statement in deliveries(&bucket, &arn) {
            bucket.admit(scope, statement);
        }
        let logs = scope.add("Logs", LogGroup::audit(&key));
        let role = scope.add(
            "Role",
            Role::new(
                Service::CloudTrail,
                "Writes the trail's events to its log group",
            )
            .with([logs.written()]),
        );
        let mut selectors = vec![selector(
            "Management",
            [(
                "eventCategory",
                vec!["Management".into()],
                Comparison::Equals,
            )],
        )];
        for (name, kind, resources, comparison) in [
            (
                "Objects",
                "AWS::S3::Object",
                self.buckets,
                Comparison::StartsWith,
            ),
            (
                "Items",
                "AWS::DynamoDB::Table",
                self.tables,
                Comparison::Equals,
            ),
        ] {
            if resources.len() > MOST_VALUES {
                scope.problem(
                    "AdvancedEventSelectors",
                    format_args!(
                        "records the data of {} resources of one type",
                        resources.len()
                    ),
                    format!("name at most {MOST_VALUES}, and record the rest with another trail"),
                );
            }
            if !resources.is_empty() {
                selectors.push(selector(
                    name,
                    [
                        ("eventCategory", vec!["Data".into()], Comparison::Equals),
                        ("resources.type", vec![kind.into()], Comparison::Equals),
                        ("resources.ARN", resources, comparison),
                    ],
                ));
            }
        }
        let trail = cfn::Trail::new(true, bucket.name())
            .trail_name(name)
            .kms_key_id(key.arn())
            .is_multi_region_trail(true)
            .include_global_service_events(true)
            .enable_log_file_validation(true)
            .cloud_watch_logs_log_group_arn(logs.arn())
            .cloud_watch_logs_role_arn(role.arn())
            .advanced_event_selectors(selectors)
            .insight_selectors(
                ["ApiCallRateInsight", "ApiErrorRateInsight"]
                    .map(|kind| cfn::TrailInsightSelector::new().insight_type(kind)),
            )
            .build(scope);
        // CloudTrail tries the bucket when the trail is made.
        scope.depends_on(trail.id(), bucket.policy());
        key.removal().apply(scope, trail.id());
        if let Some(topic) = self.watchers {
            for watch in &WATCHES {
                watch.add(scope, logs, &topic);
            }
        }
        TrailRef {
            id: trail.id(),
            logs,
        }
    }
}

impl TrailRef {
    /// Returns the trail's ARN.
    pub const fn arn(self) -> Value<Arn<Trail>> {
        self.id.attribute("Arn")
    }

    /// Returns the log group that the trail's events go to.
    pub const fn logs(self) -> LogGroupRef {
        self.logs
    }
}

impl Watch {
    fn add(&self, scope: &mut Scope<'_>, logs: LogGroupRef, topic: &TopicRef) {
        /// How long `CloudTrail` takes to tell of an event, and then some.
        const PERIOD: std::time::Duration = std::time::Duration::from_mins(5);
        let namespace = format!("{}/Trail", scope.physical_stack_name());
        let filter = MetricFilter::new(&logs, self.pattern, namespace, self.id);
        let seen: Metric = scope.add(self.id, filter).metric();
        let alarm = seen
            .period(PERIOD)
            .at_least(self.threshold)
            .describe(self.meaning);
        scope.add(&format!("{}Alarm", self.id), alarm.notifies(topic));
    }
}

#[derive(Clone, Copy)]
enum Comparison {
    Equals,
    StartsWith,
}

fn selector<const N: usize>(
    name: &str,
    fields: [(&str, Vec<Value<String>>, Comparison); N],
) -> cfn::TrailAdvancedEventSelector {
    let fields = fields.map(|(field, values, comparison)| {
        let field = cfn::TrailAdvancedFieldSelector::new(field);
        match comparison {
            Comparison::Equals => field.equals(values),
            Comparison::StartsWith => field.starts_with(values),
        }
    });
    cfn::TrailAdvancedEventSelector::new(fields).name(name)
}

/// Lets one trail find its bucket and write to the account's folder in it, as
/// [CloudTrail's bucket policy](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html)
/// has it.
fn deliveries<T>(bucket: &BucketRef<T>, trail: &Value<String>) -> [Statement; 2] {
    let cloudtrail = |action: &str| {
        Statement::allow([action])
            .to_service("cloudtrail.amazonaws.com")
            .from_account()
            .when("StringEquals", "aws:SourceArn", trail.clone())
    };
    let folder = join![bucket.arn(), "/AWSLogs/", Pseudo::AccountId, "/*"];
    [
        cloudtrail("s3:GetBucketAcl")
            .sid("AllowTrailToFind")
            .on(bucket.arn()),
        cloudtrail("s3:PutObject")
            .sid("AllowTrailToWrite")
            .on(folder)
            .when("StringEquals", "s3:x-amz-acl", "bucket-owner-full-control"),
    ]
}

#[cfg(test)]
mod tests {
    use lightsout_core::Tree;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::{
        cfn::{cloudwatch, kms, logs, s3},
        dynamodb::Table,
        fixture::synth,
        kms::Key,
        s3::{AuditBucket, Bucket, LogBucket},
        sns::Topic,
    };

    fn template() -> Json {
        let assembly = synth(|scope| {
            let data = scope.add("Data", Key::new("Data"));
            let charts = scope.add("Charts", Bucket::<()>::new(&data));
            let codings = scope.add("Codings", Table::<()>::new(&data, "id"));
            let key = scope.add("Key", Key::new("Audit"));
            let access = scope.add("Access", LogBucket::new());
            let records = scope.add("Records", AuditBucket::new(&key, &access, "records/"));
            let people = scope.add("People", Topic::new(&key));
            let trail = Trail::new(&records)
                .objects_of(&charts)
                .items_of(&codings)
                .watched_by(&people);
            scope.add("Trail", trail);
        });
        let template = assembly.template("Test");
        template.count::<logs::MetricFilter>(10);
        template.count::<cloudwatch::Alarm>(10);
        let trail = arn_here("cloudtrail", "trail/clinic-dev-test-Trail");
        let admits = |statement: Vec<(&'static str, Tree)>| {
            Tree::object([("Statement", vec![Tree::object(statement)].into())])
        };
        let cloudtrail = || Tree::object([("Service", "cloudtrail.amazonaws.com".into())]);
        let pinned = || {
            Tree::object([
                ("aws:SourceAccount", Pseudo::AccountId.into()),
                ("aws:SourceArn", trail.clone().into()),
            ])
        };
        template.has(
            kms::Key::matching()
                .description("Audit")
                .key_policy(admits(vec![
                    ("Principal", cloudtrail()),
                    (
                        "Action",
                        vec!["kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"].into(),
                    ),
                    (
                        "Condition",
                        Tree::object([
                            ("StringEquals", pinned()),
                            (
                                "StringLike",
                                Tree::object([(
                                    "kms:EncryptionContext:aws:cloudtrail:arn",
                                    trail.clone().into(),
                                )]),
                            ),
                        ]),
                    ),
                ])),
        );
        template.has(
            kms::Key::matching()
                .description("Audit")
                .key_policy(admits(vec![
                    ("Principal", cloudtrail()),
                    ("Action", vec!["kms:Decrypt", "kms:DescribeKey"].into()),
                    ("Condition", Tree::object([("StringEquals", pinned())])),
                ])),
        );
        template.has(s3::BucketPolicy::matching().policy_document(admits(vec![
            ("Sid", "AllowTrailToWrite".into()),
            ("Principal", cloudtrail()),
            ("Condition", Tree::object([("StringEquals", pinned())])),
        ])));
        template.json()["Resources"].clone()
    }

    #[test]
    fn a_trail_is_encrypted_validated_and_everywhere() {
        let json = template();
        let trail = &json["Trail"];
        assert_eq!(trail["DependsOn"][0], "RecordsPolicy");
        assert_eq!(trail["DeletionPolicy"], "Retain");
        let trail = &trail["Properties"];
        for property in [
            "IsLogging",
            "IsMultiRegionTrail",
            "IncludeGlobalServiceEvents",
            "EnableLogFileValidation",
        ] {
            assert_eq!(trail[property], true, "{property}");
        }
        assert_eq!(trail["KMSKeyId"]["Fn::GetAtt"][0], "Key");
        assert_eq!(trail["S3BucketName"]["Ref"], "Records");
        assert_eq!(
            trail["CloudWatchLogsLogGroupArn"]["Fn::GetAtt"][0],
            "TrailLogs"
        );
        assert_eq!(json["TrailLogs"]["Properties"]["RetentionInDays"], 2192);
    }

    #[test]
    fn data_events_are_those_of_the_named_resources_only() {
        let json = template();
        let selectors = &json["Trail"]["Properties"]["AdvancedEventSelectors"];
        assert_eq!(selectors.as_array().unwrap().len(), 3);
        let arn = |index: usize| &selectors[index]["FieldSelectors"][2];
        assert_eq!(
            arn(1)["StartsWith"][0],
            json!({"Fn::Join": ["", [{"Fn::GetAtt": ["Charts", "Arn"]}, "/"]]})
        );
        assert_eq!(
            arn(2)["Equals"][0],
            json!({"Fn::GetAtt": ["Codings", "Arn"]})
        );
    }

    #[test]
    fn the_role_writes_to_one_group_and_makes_none() {
        let json = template();
        let policy = &json["TrailRolePolicy"]["Properties"]["PolicyDocument"]["Statement"];
        assert_eq!(policy.as_array().unwrap().len(), 1);
        assert_eq!(
            policy[0]["Action"],
            json!(["logs:CreateLogStream", "logs:PutLogEvents"])
        );
        assert_eq!(policy[0]["Resource"]["Fn::GetAtt"][0], "TrailLogs");
    }

    #[test]
    fn patterns_fit_what_logs_takes() {
        for watch in &WATCHES {
            assert!(watch.pattern.len() <= 1024, "{}", watch.id);
            let (open, shut) = (watch.pattern.matches('('), watch.pattern.matches(')'));
            assert_eq!(open.count(), shut.count(), "{}", watch.id);
        }
    }
}
