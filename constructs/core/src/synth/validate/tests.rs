use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::{
    App, Problem, ProblemKind, Properties, Pseudo, ResourceType, Tree, fixtures::dev, join, split,
};

/// A resource of any type with any properties, as the escape hatch makes them.
macro_rules! raw {
    ($($name:ident = $type:literal,)+) => {$(
        struct $name(Json);

        impl From<$name> for Properties {
            fn from(resource: $name) -> Self {
                properties(resource.0)
            }
        }

        impl ResourceType for $name {
            const TYPE: &'static str = $type;
            const REQUIRED: &'static [&'static str] = &[];
        }
    )+};
}

raw! {
    Queue = "AWS::SQS::Queue",
    Bucket = "AWS::S3::Bucket",
    Role = "AWS::IAM::Role",
    ManagedPolicy = "AWS::IAM::ManagedPolicy",
    Function = "AWS::Lambda::Function",
    Subnet = "AWS::EC2::Subnet",
    Private = "Custom::Thing",
    Misspelled = "AWS::SQS::Queues",
    LogPolicy = "AWS::Logs::ResourcePolicy",
    ScalingPolicy = "AWS::ApplicationAutoScaling::ScalingPolicy",
}

fn properties(json: Json) -> Properties {
    let Tree::Map(entries) = Tree::from(json) else {
        panic!("properties are a map");
    };
    entries
        .into_iter()
        .fold(Properties::default(), |properties, (name, tree)| {
            properties.with(name.into_owned().leak(), tree)
        })
}

fn problems_of(add: impl FnOnce(&mut App)) -> Vec<Problem> {
    let mut app = dev();
    add(&mut app);
    app.synth()
        .map_or_else(|error| error.problems, |_| Vec::new())
}

fn of<R: ResourceType>(resource: R) -> Vec<Problem> {
    problems_of(|app| {
        app.stack("Test").add("It", resource);
    })
}

/// Asserts that there is one problem, and returns it.
#[track_caller]
fn only(problems: Vec<Problem>, kind: ProblemKind, property: &str) -> Problem {
    let [problem] = problems.try_into().expect("there is one problem");
    assert_eq!(problem.kind, kind, "{problem}");
    assert_eq!(problem.property.as_deref(), Some(property), "{problem}");
    assert!(problem.location.is_some());
    problem
}

fn invalid<R: ResourceType>(resource: R, property: &str) -> Problem {
    only(of(resource), ProblemKind::InvalidValue, property)
}

#[test]
fn an_unknown_property_is_named_with_what_was_meant() {
    let problem = only(
        of(Queue(json!({"DelaySecond": 5}))),
        ProblemKind::UnknownProperty,
        "DelaySecond",
    );
    assert_eq!(problem.path, "Test/It");
    assert_eq!(problem.type_name, Some("AWS::SQS::Queue"));
    assert_eq!(problem.found.as_deref(), Some("5"));
    assert_eq!(
        problem.hint.as_deref(),
        Some("did you mean `DelaySeconds`?")
    );
    let rules = json!({"LifecycleConfiguration": {"Rules": [
        {"Status": "Enabled", "ExpirationInDay": 3, "ExpirationInDays": 4},
    ]}});
    only(
        of(Bucket(rules)),
        ProblemKind::UnknownProperty,
        "LifecycleConfiguration.Rules.0.ExpirationInDay",
    );
}

#[test]
fn a_value_outside_its_enum_is_named_with_its_whole_path() {
    let rules = json!({"LifecycleConfiguration": {"Rules": [
        {"Status": "Enabled", "ExpirationInDays": 4},
        {"Status": "Enable", "ExpirationInDays": 4},
    ]}});
    let problem = invalid(Bucket(rules), "LifecycleConfiguration.Rules.1.Status");
    assert_eq!(problem.found.as_deref(), Some("\"Enable\""));
    assert_eq!(
        problem.wanted.as_deref(),
        Some("one of `Enabled`, `Disabled`")
    );
    assert_eq!(problem.hint.as_deref(), Some("did you mean `Enabled`?"));
}

#[test]
fn what_is_required_is_missed_at_every_depth() {
    only(
        of(LogPolicy(json!({"PolicyDocument": "{}"}))),
        ProblemKind::MissingProperty,
        "PolicyName",
    );
    let problem = only(
        of(Bucket(json!({"VersioningConfiguration": {}}))),
        ProblemKind::MissingProperty,
        "VersioningConfiguration.Status",
    );
    assert!(
        problem
            .message
            .contains("needs `VersioningConfiguration.Status`")
    );
}

#[test]
fn scalars_turn_into_one_another_as_far_as_they_can() {
    let right = json!({
        "DelaySeconds": "5", "FifoQueue": "true", "QueueName": "a.fifo",
        "ContentBasedDeduplication": true,
    });
    assert!(of(Queue(right)).is_empty());
    assert!(of(Queue(json!({"QueueName": 5}))).is_empty());
    for (wrong, wanted) in [
        (json!({"DelaySeconds": "five"}), "a whole number"),
        (json!({"DelaySeconds": 5.5}), "a whole number"),
        (json!({"DelaySeconds": true}), "a whole number"),
        (json!({"DelaySeconds": [5]}), "a whole number"),
        (json!({"DelaySeconds": null}), "a whole number"),
        (json!({"FifoQueue": "yes"}), "true or false"),
        (json!({"QueueName": {"a": 1}}), "text"),
        (json!({"Tags": "a"}), "a list"),
    ] {
        let property = wrong.as_object().unwrap().keys().next().unwrap().clone();
        let problem = invalid(Queue(wrong), &property);
        assert_eq!(problem.wanted.as_deref(), Some(wanted));
    }
}

#[test]
fn ranges_lengths_and_patterns_are_kept() {
    let problem = invalid(Queue(json!({"DelaySeconds": 901})), "DelaySeconds");
    assert_eq!(problem.wanted.as_deref(), Some("900 or less"));
    invalid(
        Queue(json!({"MaximumMessageSize": 3})),
        "MaximumMessageSize",
    );
    let problem = invalid(
        Role(json!({"AssumeRolePolicyDocument": {}, "Description": "e".repeat(1001)})),
        "Description",
    );
    assert!(
        problem
            .wanted
            .unwrap()
            .starts_with("at most 1000 characters")
    );
    invalid(
        Queue(json!({"Tags": [{"Key": "", "Value": "b"}]})),
        "Tags.0.Key",
    );
    let problem = invalid(
        Function(json!({
            "Code": {"ZipFile": "x"}, "Role": "worker", "Handler": "a.b", "Runtime": "python3.13",
        })),
        "Role",
    );
    assert!(problem.wanted.unwrap().contains("arn:"));
}

#[test]
fn lists_are_counted_and_their_items_told_apart() {
    let layers = |count: usize| {
        let layers: Vec<String> = (0..count)
            .map(|at| format!("arn:aws:iam::aws:policy/P{at}"))
            .collect();
        json!({"AssumeRolePolicyDocument": {}, "ManagedPolicyArns": layers})
    };
    assert!(of(Role(layers(3))).is_empty());
    let twice = json!({
        "AssumeRolePolicyDocument": {},
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/P", "arn:aws:iam::aws:policy/P"],
    });
    let problem = invalid(Role(twice), "ManagedPolicyArns.1");
    assert!(problem.message.contains("twice, first at 0"), "{problem}");
    let architectures = json!({
        "Code": {"ZipFile": "x"}, "Role": "arn:aws:iam::111122223333:role/r",
        "Handler": "a.b", "Runtime": "python3.13", "Architectures": ["arm64", "x86_64"],
    });
    let problem = invalid(Function(architectures), "Architectures");
    assert_eq!(problem.wanted.as_deref(), Some("at most 1"));
}

#[test]
fn a_read_only_property_cannot_be_set() {
    only(
        of(Queue(
            json!({"Arn": "arn:aws:sqs:eu-central-1:111122223333:a"}),
        )),
        ProblemKind::ReadOnlyProperty,
        "Arn",
    );
}

#[test]
fn properties_that_exclude_or_need_each_other_are_known() {
    let policy = json!({
        "PolicyName": "p", "PolicyType": "StepScaling",
        "ScalingTargetId": "t", "ResourceId": "r",
        "ScalableDimension": "ecs:service:DesiredCount", "ServiceNamespace": "ecs",
    });
    let problems = of(ScalingPolicy(policy));
    assert_eq!(
        problems[0].kind,
        ProblemKind::ExclusiveProperties,
        "{problems:?}"
    );
    let policy = json!({
        "PolicyName": "p", "PolicyType": "StepScaling",
        "ResourceId": "r", "ScalableDimension": "ecs:service:DesiredCount",
    });
    only(
        of(ScalingPolicy(policy)),
        ProblemKind::MissingProperty,
        "ServiceNamespace",
    );
    let problem = only(
        of(Subnet(json!({"VpcId": "vpc-0123456789abcdef0"}))),
        ProblemKind::MissingProperty,
        "CidrBlock",
    );
    assert!(problem.message.contains("at least one of"), "{problem}");
}

#[test]
fn formats_are_checked_and_either_of_several_will_do() {
    for key in ["alias/data", "arn:aws:kms:eu-central-1:111122223333:key/1"] {
        assert!(
            of(Queue(json!({"KmsMasterKeyId": key}))).is_empty(),
            "{key}"
        );
    }
    invalid(
        Subnet(json!({"VpcId": "vpc", "CidrBlock": "10.0.0.0/16"})),
        "VpcId",
    );
    invalid(
        Subnet(json!({"VpcId": "vpc-0123456789abcdef0", "CidrBlock": "10.0.0.0"})),
        "CidrBlock",
    );
}

#[test]
fn functions_are_known_by_what_they_give() {
    let with = |delay: Json| of(Queue(json!({"DelaySeconds": delay})));
    assert!(with(json!({"Fn::ImportValue": "x"})).is_empty());
    assert!(with(json!({"Fn::If": ["C", 5, {"Ref": "AWS::NoValue"}]})).is_empty());
    only(
        with(json!({"Fn::If": ["C", 5, 901]})),
        ProblemKind::InvalidValue,
        "DelaySeconds",
    );
    only(
        with(json!({"Fn::Split": [",", "1,2"]})),
        ProblemKind::InvalidValue,
        "DelaySeconds",
    );
    let removed = json!({"VersioningConfiguration": {"Status": {"Ref": "AWS::NoValue"}}});
    only(
        of(Bucket(removed)),
        ProblemKind::MissingProperty,
        "VersioningConfiguration.Status",
    );
    let problems = problems_of(|app| {
        struct Typed(Properties);
        impl From<Typed> for Properties {
            fn from(typed: Typed) -> Self {
                typed.0
            }
        }
        impl ResourceType for Typed {
            const TYPE: &'static str = "AWS::SQS::Queue";
            const REQUIRED: &'static [&'static str] = &[];
        }
        let properties = Properties::default()
            .with("QueueName", join!["jobs-", Pseudo::Region])
            .with("Unknown", Tree::from(Pseudo::NoValue))
            .with("Tags", join!["tags-", Pseudo::Region])
            .with("KmsMasterKeyId", split(",", Pseudo::Region));
        app.stack("Test").add("It", Typed(properties));
    });
    let wrong: Vec<_> = problems
        .iter()
        .filter_map(|problem| problem.property.as_deref())
        .collect();
    // `Unknown` is refused even when nothing is there: its name is.
    assert_eq!(wrong, ["Unknown", "Tags", "KmsMasterKeyId"], "{problems:?}");
}

#[test]
fn references_that_dangle_are_named_with_what_was_meant() {
    let problems = problems_of(|app| {
        let mut stack = app.stack("Test");
        let jobs = stack.add("Jobs", Queue(json!({})));
        let misspelled = jobs.id().attribute::<String>("Arns");
        stack.add(
            "Other",
            Queue(json!({"Tags": [{"Key": "a", "Value": "b"}]})),
        );
        stack.output("Name", misspelled, "");
    });
    let problem = only(problems, ProblemKind::DanglingReference, "Value");
    assert_eq!(problem.hint.as_deref(), Some("did you mean `Arn`?"));

    let raw = |name: Json| {
        problems_of(|app| {
            let mut stack = app.stack("Test");
            stack.add("Jobs", Queue(json!({})));
            stack.add("It", Queue(json!({"QueueName": name})));
        })
    };
    for right in [
        json!({"Ref": "Jobs"}),
        json!({"Ref": "AWS::Region"}),
        json!({"Fn::GetAtt": ["Jobs", "QueueName"]}),
        json!({"Fn::GetAtt": "Jobs.QueueName"}),
        json!({"Fn::Sub": "${Jobs.QueueName}-${AWS::Region}-${!Literal}"}),
        json!({"Fn::Sub": ["${Own}", {"Own": {"Ref": "Jobs"}}]}),
    ] {
        assert!(raw(right.clone()).is_empty(), "{right}");
    }
    for (wrong, hint) in [
        (json!({"Ref": "Job"}), "did you mean `Jobs`?"),
        (json!({"Ref": "AWS::Regoin"}), "did you mean `AWS::Region`?"),
        (
            json!({"Fn::GetAtt": ["Job", "Arn"]}),
            "did you mean `Jobs`?",
        ),
        (
            json!({"Fn::GetAtt": ["Jobs", "Arm"]}),
            "did you mean `Arn`?",
        ),
        (json!({"Fn::Sub": "${Jobs.Arm}"}), "did you mean `Arn`?"),
        (
            json!({"Fn::Join": ["", ["a", {"Ref": "Job"}]]}),
            "did you mean `Jobs`?",
        ),
    ] {
        let problem = only(raw(wrong), ProblemKind::DanglingReference, "QueueName");
        assert_eq!(problem.hint.as_deref(), Some(hint));
    }
}

#[test]
fn types_without_a_schema_are_not_checked() {
    assert!(of(Private(json!({"Anything": 1}))).is_empty());
    assert!(of(Misspelled(json!({"Anything": 1}))).is_empty());
}

#[test]
fn what_may_be_secret_is_not_shown() {
    let function = json!({
        "Code": {"ZipFile": "x"}, "Role": "arn:aws:iam::111122223333:role/r",
        "Handler": "a.b", "Runtime": "python3.13",
        "SecretToken": "hunter2", "Description": "d".repeat(300),
    });
    let problems = of(Function(function));
    let text = format!("{problems:?}");
    assert!(!text.contains("hunter2"), "{text}");
    assert!(!text.contains(&"d".repeat(100)), "{text}");
    assert_eq!(problems.len(), 2, "{text}");
}

fn policy(statement: &Json) -> Vec<Problem> {
    of(ManagedPolicy(json!({"PolicyDocument": {
        "Version": "2012-10-17", "Statement": [statement],
    }})))
}

fn allowed(action: &str) -> Vec<Problem> {
    policy(&json!({"Effect": "Allow", "Action": [action], "Resource": "*"}))
}

#[test]
fn an_action_that_does_not_exist_is_named_with_what_was_meant() {
    for right in ["sqs:SendMessage", "SQS:sendmessage", "logs:PutLogEvents"] {
        assert!(allowed(right).is_empty(), "{right}");
    }
    for (wrong, hint) in [
        ("sqs:SendMesage", "did you mean `sqs:SendMessage`?"),
        ("sqss:SendMessage", "did you mean `sqs:SendMessage`?"),
        (
            "cognito:ListIdentities",
            "did you mean `cognito-identity:ListIdentities`?",
        ),
    ] {
        let problem = only(
            allowed(wrong),
            ProblemKind::UnknownAction,
            "PolicyDocument.Statement.0.Action.0",
        );
        assert_eq!(problem.hint.as_deref(), Some(hint));
        assert_eq!(problem.found.as_deref(), Some(wrong));
    }
    only(
        allowed("SendMessage"),
        ProblemKind::UnknownAction,
        "PolicyDocument.Statement.0.Action.0",
    );
}

#[test]
fn a_wildcard_is_refused_unless_it_is_allowed_by_name() {
    for wildcard in ["*", "s3:*", "s3:Get*", "*:Get*"] {
        let problem = only(
            allowed(wildcard),
            ProblemKind::WildcardAction,
            "PolicyDocument.Statement.0.Action.0",
        );
        assert!(problem.hint.unwrap().contains(wildcard));
    }
    let denied = json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"});
    assert!(policy(&denied).is_empty());
    let others = json!({"Effect": "Allow", "NotAction": "iam:CreateUser", "Resource": "*"});
    only(
        policy(&others),
        ProblemKind::WildcardAction,
        "PolicyDocument.Statement.0.NotAction",
    );
    let with = |allow: &dyn Fn(&mut App)| {
        problems_of(|app| {
            let document = json!({"Statement": {
                "Effect": "Allow", "Action": "s3:Get*", "Resource": "*",
            }});
            app.stack("Test")
                .add("It", ManagedPolicy(json!({"PolicyDocument": document})));
            allow(app);
        })
    };
    assert!(with(&|app| app.allow_wildcard_action("s3:Get*", "a reader")).is_empty());
    assert!(
        with(&|app| app
            .stack("Test")
            .allow_wildcard_action("s3:Get*", "a reader"))
        .is_empty()
    );
    assert_eq!(
        with(&|app| app.allow_wildcard_action("s3:*", "a reader")).len(),
        2
    );
    let elsewhere = with(&|app| app.stack("Te").allow_wildcard_action("s3:Get*", "a reader"));
    assert!(
        elsewhere
            .iter()
            .any(|problem| problem.kind == ProblemKind::WildcardAction)
    );
}

#[test]
fn an_allowance_that_nobody_needs_is_a_problem() {
    let problems = problems_of(|app| {
        app.stack("Test").add("It", Queue(json!({})));
        app.allow_wildcard_action("kms:*", "root");
    });
    assert_eq!(problems[0].kind, ProblemKind::Trust);
    assert!(problems[0].message.contains("nothing there needs it"));
    let problems = problems_of(|app| {
        app.stack("Test").add("It", Queue(json!({})));
        app.allow_wildcard_action("kms:*", " ");
    });
    assert!(problems[0].message.contains("without a reason"));
}

#[test]
fn the_shape_of_a_statement_is_checked() {
    let document = "PolicyDocument.Statement.0";
    for (statement, property) in [
        (
            json!({"Action": "sqs:SendMessage", "Resource": "*", "Effect": "Alow"}),
            ".Effect",
        ),
        (json!({"Effect": "Allow", "Action": "sqs:SendMessage"}), ""),
        (json!({"Effect": "Allow", "Resource": "*"}), ""),
        (
            json!({"Effect": "Allow", "Action": "sqs:SendMessage", "Resources": "*", "Resource": "*"}),
            ".Resources",
        ),
        (
            json!({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*", "NotResource": "*"}),
            "",
        ),
        (
            json!({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*", "Principal": "*"}),
            "",
        ),
        (
            json!({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "jobs"}),
            ".Resource",
        ),
        (
            json!({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*", "Sid": "a b"}),
            ".Sid",
        ),
        (
            json!({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*",
                "Condition": {"StringEqual": {"aws:SourceAccount": "1"}}}),
            ".Condition.StringEqual",
        ),
        (
            json!({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceAcount": "1"}}}),
            ".Condition.StringEquals",
        ),
    ] {
        only(
            policy(&statement),
            ProblemKind::PolicyDocument,
            &format!("{document}{property}"),
        );
    }
    let right = json!({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Condition": {
        "StringEquals": {"kms:ViaService": "sqs", "aws:ResourceTag/a": "b"},
        "ForAnyValue:StringLikeIfExists": {"kms:EncryptionContext:aws:logs:arn": "c"},
        "Bool": {"accounts.google.com:aud": "d"},
    }});
    assert!(policy(&right).is_empty(), "{:?}", policy(&right));
    let trust = |statement: Json| {
        of(Role(json!({"AssumeRolePolicyDocument": {
            "Version": "2012-10-17", "Statement": statement,
        }})))
    };
    let right = json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "ec2.amazonaws.com"}});
    assert!(trust(right).is_empty());
    let kind =
        json!([{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Services": "a"}}]);
    only(
        trust(kind),
        ProblemKind::PolicyDocument,
        "AssumeRolePolicyDocument.Statement.0.Principal",
    );
    let nobody = json!([{"Effect": "Allow", "Action": "sts:AssumeRole"}]);
    only(
        trust(nobody),
        ProblemKind::PolicyDocument,
        "AssumeRolePolicyDocument.Statement.0",
    );
    let version = json!({"PolicyDocument": {"Version": "2012-10-18", "Statement": {
        "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*",
    }}});
    only(
        of(ManagedPolicy(version)),
        ProblemKind::PolicyDocument,
        "PolicyDocument.Version",
    );
}

#[test]
fn a_policy_that_is_written_as_text_is_read() {
    let document = json!({"Statement": [{
        "Effect": "Allow", "Action": "logs:PutLogEvent", "Resource": "*",
        "Principal": {"Service": "es.amazonaws.com"},
    }]});
    let problems = of(LogPolicy(
        json!({"PolicyName": "p", "PolicyDocument": document.to_string()}),
    ));
    only(
        problems,
        ProblemKind::UnknownAction,
        "PolicyDocument.Statement.0.Action",
    );
}

#[test]
fn a_property_that_is_newer_than_the_schemas_can_be_trusted() {
    let with = |trusted: &[&str]| {
        problems_of(|app| {
            let mut stack = app.stack("Test");
            let rules = json!({"LifecycleConfiguration": {"Rules": [
                {"Status": "Enabled", "ExpirationInDays": 1, "New": {"Deep": 1}},
                {"Status": "Paused", "ExpirationInDays": 1},
            ]}});
            let bucket = stack.add("It", Bucket(rules));
            for property in trusted {
                stack.trust(bucket.id(), *property, "announced yesterday");
            }
        })
    };
    assert_eq!(with(&[]).len(), 2);
    let one = "LifecycleConfiguration.Rules.*.New";
    let other = "LifecycleConfiguration.Rules.1.Status";
    assert_eq!(with(&[one]).len(), 1);
    assert!(with(&[one, other]).is_empty());
    assert!(with(&["LifecycleConfiguration"]).is_empty());
    let problems = with(&[one, other, "LifecycleConfiguration.Rules.0.Status"]);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].kind, ProblemKind::Trust);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever stands where a value should be, there is an answer.
    #[test]
    fn no_value_makes_it_panic(value in tree(), document in tree()) {
        let json = json!({"Tags": value, "RedrivePolicy": document, "QueueName": "q"});
        of(Queue(json));
        let document = json!({"Statement": [document, {"Effect": value, "Condition": value,
            "Principal": value, "Action": value, "Resource": value}]});
        of(ManagedPolicy(json!({"PolicyDocument": document, "Roles": value})));
    }
}

fn tree() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        ".{0,8}".prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let name = prop_oneof![
            Just("Ref".to_owned()),
            Just("Fn::If".to_owned()),
            Just("Fn::GetAtt".to_owned()),
            Just("Fn::Sub".to_owned()),
            Just("Key".to_owned()),
            "[A-Za-z:]{0,6}".prop_map(String::from),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map(name, inner, 0..3)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}
