use std::time::Duration;

use proptest::{prelude::*, strategy::ValueTree};
use serde_json::{Value as Json, json};

use crate::{
    AliasShift, App, Assertion, AwsParameter, Condition, ConditionRef, CreationPolicy,
    CustomResource, DeletionPolicy, Mapping, Parameter, Problem, ProblemKind, Pseudo, RawResource,
    RollingUpdate, Rule, RuleList, Section, Token, Tree, UpdatePolicy, Value,
    fixtures::{Bucket, Key, Queue, dev},
    import_value, join, join_list, length, sub, to_json_string, transform,
};

fn problems(app: &App) -> Vec<Problem> {
    app.synth().expect_err("the app has problems").problems
}

fn messages(app: &App) -> Vec<String> {
    problems(app)
        .into_iter()
        .map(|problem| problem.message)
        .collect()
}

fn template(app: &App, stack: &str) -> Json {
    app.synth().unwrap().template(stack).json().clone()
}

/// An app whose stack `Storage` holds a bucket for templates.
fn with_store() -> App {
    let mut app = dev();
    let bucket = app.stack("Storage").add("Assets", Bucket::new());
    app.asset_store("Storage", bucket.id());
    app
}

#[test]
fn conditions_are_asked_in_properties_resources_and_outputs() {
    let mut app = dev();
    let mut stack = app.stack("Pipeline");
    let size = stack.parameter("Size", Parameter::new().default("small"));
    let is_small = stack.condition("IsSmall", Condition::equals(size.clone(), "small"));
    let is_home = stack.condition(
        "IsHome",
        Condition::and([
            Condition::not(is_small),
            Condition::or([
                Condition::equals(Pseudo::Region, "eu-central-1"),
                Condition::equals(Pseudo::Region, "eu-west-1"),
            ]),
        ]),
    );
    let jobs = stack.add(
        "Jobs",
        Queue::new()
            .delay_seconds(is_small.choose::<i64>(60, 5))
            .queue_name(is_home.or_nothing::<String>("jobs")),
    );
    stack.only_if(jobs.id(), is_home);
    stack.output_if(is_home, "Jobs", jobs.reference(), "");
    let json = template(&app, "Pipeline");
    assert_eq!(
        json["Conditions"],
        json!({
            "IsSmall": {"Fn::Equals": [{"Ref": "Size"}, "small"]},
            "IsHome": {"Fn::And": [
                {"Fn::Not": [{"Condition": "IsSmall"}]},
                {"Fn::Or": [
                    {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-central-1"]},
                    {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]},
                ]},
            ]},
        })
    );
    assert_eq!(
        json["Resources"]["Jobs"],
        json!({
            "Type": "AWS::SQS::Queue",
            "Condition": "IsHome",
            "Properties": {
                "DelaySeconds": {"Fn::If": ["IsSmall", 60, 5]},
                "QueueName": {"Fn::If": ["IsHome", "jobs", {"Ref": "AWS::NoValue"}]},
            },
        })
    );
    assert_eq!(json["Outputs"]["Jobs"]["Condition"], "IsHome");
}

#[test]
fn an_export_of_a_conditional_resource_has_its_condition() {
    let mut app = dev();
    let mut stack = app.stack("Storage");
    let is_home = stack.condition("IsHome", Condition::equals(Pseudo::Region, "eu-central-1"));
    let key = stack.add("Key", Key::new());
    stack.only_if(key.id(), is_home);
    app.stack("Pipeline")
        .add("Jobs", Queue::new().kms_master_key_id(key.get(Key::ARN)));
    let json = template(&app, "Storage");
    assert_eq!(json["Outputs"]["ExportKeyArn"]["Condition"], "IsHome");
}

#[test]
fn more_than_ten_operands_are_nested() {
    let mut app = dev();
    let mut stack = app.stack("Pipeline");
    stack.add("Jobs", Queue::new());
    let regions = (0..25).map(|number| Condition::equals(Pseudo::Region, format!("r-{number}")));
    stack.condition("IsOne", Condition::or(regions));
    stack.condition(
        "IsOnly",
        Condition::and([Condition::equals(Pseudo::Region, "r")]),
    );
    let json = template(&app, "Pipeline");
    let outer = json["Conditions"]["IsOne"]["Fn::Or"].as_array().unwrap();
    assert_eq!(outer.len(), 3);
    assert_eq!(outer[2]["Fn::Or"].as_array().unwrap().len(), 5);
    assert!(json["Conditions"]["IsOnly"]["Fn::Equals"].is_array());
}

#[test]
fn a_condition_asks_only_for_what_is_known_early_and_in_its_template() {
    let mut app = dev();
    let other = app.stack("Storage").parameter("Size", Parameter::new());
    app.stack("Storage").add("Key", Key::new());
    let mut stack = app.stack("Pipeline");
    let jobs = stack.add("Jobs", Queue::new());
    stack.condition("A", Condition::equals(jobs.reference(), "x"));
    stack.condition("B", Condition::equals(other, "x"));
    stack.condition("C", Condition::and(Vec::<Condition>::new()));
    let here = stack.condition("D", Condition::equals("a", "b"));
    app.stack("Storage").add(
        "Name",
        Queue::new().queue_name(here.or_nothing::<String>("x")),
    );
    let mut foreign = dev();
    foreign
        .stack("Pipeline")
        .add("Jobs", Queue::new().queue_name(here.choose_tree(1, 2)));
    assert_eq!(
        messages(&app),
        [
            "`Pipeline/A` asks for a resource, which CloudFormation does not know so early",
            "`Pipeline/B` asks for a parameter of another template, which CloudFormation does not know so early",
            "`Pipeline/C` combines nothing with `and` or `or`",
            "`Storage/Name` asks for condition `Pipeline/D` of another template in `QueueName`",
        ]
    );
    assert_eq!(problems(&foreign)[0].kind, ProblemKind::ForeignReference);
}

#[test]
fn mappings_are_looked_up_with_keys_known_now_or_later() {
    let mut app = dev();
    let mut stack = app.stack("Pipeline");
    let kind = stack.parameter("Kind", Parameter::new().default("arm64"));
    let images = stack.mapping(
        "Images",
        Mapping::new()
            .entry("eu-central-1", "arm64", "ami-1")
            .entry("eu-west-1", "arm64", "ami-2")
            .list("eu-west-1", "zones", ["a", "b"]),
    );
    stack.add(
        "Jobs",
        Queue::new()
            .queue_name(images.find(Pseudo::Region, kind))
            .tags(images.find_list("eu-west-1", "zones")),
    );
    let json = template(&app, "Pipeline");
    assert_eq!(
        json["Mappings"]["Images"]["eu-west-1"],
        json!({"arm64": "ami-2", "zones": ["a", "b"]})
    );
    let properties = &json["Resources"]["Jobs"]["Properties"];
    assert_eq!(
        properties["QueueName"],
        json!({"Fn::FindInMap": ["Images", {"Ref": "AWS::Region"}, {"Ref": "Kind"}]})
    );
    assert_eq!(
        properties["Tags"],
        json!({"Fn::FindInMap": ["Images", "eu-west-1", "zones"]})
    );
    assert_eq!(json["Transform"], Json::Null);
}

#[test]
fn a_default_of_a_lookup_brings_the_transform_that_it_needs() {
    let mut app = dev();
    let mut stack = app.stack("Pipeline");
    let images = stack.mapping("Images", Mapping::new().entry("a", "b", "c"));
    stack.add(
        "Jobs",
        Queue::new().queue_name(images.find_or("other", "b", "d")),
    );
    stack.transform("Own::Macro");
    let json = template(&app, "Pipeline");
    assert_eq!(
        json["Transform"],
        json!(["AWS::LanguageExtensions", "Own::Macro"])
    );
    assert_eq!(
        json["Resources"]["Jobs"]["Properties"]["QueueName"],
        json!({"Fn::FindInMap": ["Images", "other", "b", {"DefaultValue": "d"}]})
    );
}

#[test]
fn a_key_that_a_mapping_does_not_have_is_a_problem() {
    let mut app = dev();
    let mut stack = app.stack("Pipeline");
    let images = stack.mapping(
        "Images",
        Mapping::new().entry("eu-central-1", "arm64", "ami-1"),
    );
    for (id, name) in [
        ("A", images.find("eu-centrl-1", "arm64")),
        ("B", images.find("eu-central-1", "amr64")),
        ("C", images.find(Pseudo::Region, "mips")),
    ] {
        stack.add(id, Queue::new().queue_name(name));
    }
    stack.mapping("Empty", Mapping::new());
    stack.mapping("Odd", Mapping::new().entry("a b", "c", "d"));
    let many = (0..201).fold(Mapping::new(), |mapping, number| {
        mapping.entry(format!("k{number}"), "a", "b")
    });
    stack.mapping("Many", many);
    app.stack("Storage").add(
        "Key",
        Queue::new().queue_name(images.find("eu-central-1", "arm64")),
    );
    let problems = problems(&app);
    let told: Vec<(&str, Option<&str>)> = problems
        .iter()
        .map(|problem| (problem.message.as_str(), problem.hint.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "`Pipeline/A` looks up `eu-centrl-1` in `QueueName`, which mapping `Pipeline/Images` does not have",
                Some("did you mean `eu-central-1`?")
            ),
            (
                "`Pipeline/B` looks up `amr64` in `QueueName`, which mapping `Pipeline/Images` does not have",
                Some("did you mean `arm64`?")
            ),
            (
                "`Pipeline/C` looks up `mips` in `QueueName`, which mapping `Pipeline/Images` does not have",
                None
            ),
            (
                "`Pipeline/Empty` is a mapping without entries",
                Some("add one with `Mapping::entry`")
            ),
            (
                "`Pipeline/Many` has 201 keys; CloudFormation takes 200",
                Some("part it into several mappings")
            ),
            (
                "`Pipeline/Odd` has the key `a b`",
                Some("use at most 255 letters, digits, `-` and `.`")
            ),
            (
                "`Storage/Key` looks into mapping `Pipeline/Images` of another template in `QueueName`",
                Some("add the mapping to the same stack")
            ),
        ]
    );
}

#[test]
fn rules_check_parameters_together() {
    let mut app = dev();
    let mut stack = app.stack("Pipeline");
    stack.add("Jobs", Queue::new());
    let kind = stack.parameter_ref("Kind", Parameter::new().default("small"));
    let subnets = stack.parameter_ref("Subnets", Parameter::aws_list(AwsParameter::SubnetId));
    let vpc = stack.parameter_ref("Vpc", Parameter::aws(AwsParameter::VpcId));
    stack.rule(
        "Network",
        Rule::new()
            .when(Assertion::not(Assertion::equals(kind, "none")))
            .assert(
                Assertion::each_member_equals(subnets.values_of("VpcId"), vpc),
                "all subnets are in the VPC",
            )
            .assert(
                Assertion::or([
                    Assertion::contains(["eu-west-1", "eu-central-1"], Pseudo::Region),
                    Assertion::each_member_in(subnets, RuleList::all(AwsParameter::SubnetId)),
                    Assertion::contains(
                        RuleList::values_of_all(AwsParameter::SubnetId, "VpcId"),
                        vpc.value_of("Tags.Main"),
                    ),
                ]),
                "",
            ),
    );
    assert_eq!(
        template(&app, "Pipeline")["Rules"],
        json!({"Network": {
            "RuleCondition": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Kind"}, "none"]}]},
            "Assertions": [
                {
                    "Assert": {"Fn::EachMemberEquals": [
                        {"Fn::ValueOf": ["Subnets", "VpcId"]}, {"Ref": "Vpc"},
                    ]},
                    "AssertDescription": "all subnets are in the VPC",
                },
                {"Assert": {"Fn::Or": [
                    {"Fn::Contains": [["eu-west-1", "eu-central-1"], {"Ref": "AWS::Region"}]},
                    {"Fn::EachMemberIn": [
                        {"Ref": "Subnets"}, {"Fn::RefAll": "AWS::EC2::Subnet::Id"},
                    ]},
                    {"Fn::Contains": [
                        {"Fn::ValueOfAll": ["AWS::EC2::Subnet::Id", "VpcId"]},
                        {"Fn::ValueOf": ["Vpc", "Tags.Main"]},
                    ]},
                ]}},
            ],
        }})
    );
    app.stack("Pipeline").rule("Nothing", Rule::new());
    app.stack("Storage").add("Key", Key::new());
    let foreign = Rule::new().assert(Assertion::equals(kind, "a"), "");
    app.stack("Storage").rule("Foreign", foreign);
    assert_eq!(
        messages(&app),
        [
            "`Pipeline/Nothing` is a rule without an assertion",
            "`Storage/Foreign` asks for a parameter of another template, which CloudFormation does not know so early",
        ]
    );
}

#[test]
fn a_parameter_says_its_type_and_its_constraints() {
    let mut app = dev();
    let mut stack = app.stack("Pipeline");
    let delay = stack.parameter(
        "Delay",
        Parameter::number()
            .default(5)
            .between(0, 900)
            .constraint_description("0 to 900 seconds"),
    );
    stack.parameter(
        "Name",
        Parameter::new()
            .pattern("[a-z]+")
            .allowed(["jobs", "work"])
            .min_length(1)
            .max_length(80),
    );
    let zones = stack.parameter("Zones", Parameter::list().default(["a", "b"]));
    stack.parameter("Image", Parameter::ssm_aws(AwsParameter::ImageId));
    stack.parameter("Share", Parameter::decimal().at_most(0.5));
    stack.add(
        "Jobs",
        Queue::new()
            .delay_seconds(delay)
            .queue_name(join_list("-", zones)),
    );
    let json = template(&app, "Pipeline");
    assert_eq!(
        json["Parameters"],
        json!({
            "Delay": {
                "Type": "Number",
                "Default": "5",
                "ConstraintDescription": "0 to 900 seconds",
                "MinValue": 0,
                "MaxValue": 900,
            },
            "Name": {
                "Type": "String",
                "AllowedPattern": "[a-z]+",
                "AllowedValues": ["jobs", "work"],
                "MinLength": 1,
                "MaxLength": 80,
            },
            "Zones": {"Type": "CommaDelimitedList", "Default": "a,b"},
            "Image": {"Type": "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"},
            "Share": {"Type": "Number", "MaxValue": 0.5},
        })
    );
    assert_eq!(
        json["Resources"]["Jobs"]["Properties"]["QueueName"],
        json!({"Fn::Join": ["-", {"Ref": "Zones"}]})
    );
    app.stack("Pipeline")
        .parameter("Late", Parameter::number().at_most(3).default(4));
    assert_eq!(
        messages(&app),
        ["`Pipeline/Late` has the default `4`, above 3"]
    );
}

#[test]
fn a_list_crosses_from_stack_to_stack_as_text() {
    let mut app = dev();
    let zones = app
        .stack("Network")
        .parameter("Zones", Parameter::list().default(["a"]));
    app.stack("Network").add("Key", Key::new());
    app.stack("Pipeline")
        .add("Jobs", Queue::new().queue_name(crate::select(0, zones)));
    assert_eq!(
        template(&app, "Network")["Outputs"]["ExportZonesRef"]["Value"],
        json!({"Fn::Join": ["||", {"Ref": "Zones"}]})
    );
    assert_eq!(
        template(&app, "Pipeline")["Resources"]["Jobs"]["Properties"]["QueueName"],
        json!({"Fn::Select": [0, {"Fn::Split": [
            "||", {"Fn::ImportValue": "lightsout-dev-network:ZonesRef"},
        ]}]})
    );
}

#[test]
fn every_other_function_is_written_by_its_name() {
    let mut app = dev();
    let mut stack = app.stack("Pipeline");
    let jobs = stack.add("Jobs", Queue::new());
    let zones = stack.parameter("Zones", Parameter::list().default(["a"]));
    let cases: Vec<(Tree, Json)> = vec![
        (
            sub("${A} ${AWS::Region}", [("A", jobs.reference())]).into(),
            json!({"Fn::Sub": ["${A} ${AWS::Region}", {"A": {"Ref": "Jobs"}}]}),
        ),
        (
            sub("${!A}", [("", ""); 0]).into(),
            json!({"Fn::Sub": "${!A}"}),
        ),
        (
            import_value(join!["shared-", Pseudo::Region]).into(),
            json!({"Fn::ImportValue": {"Fn::Join": ["", ["shared-", {"Ref": "AWS::Region"}]]}}),
        ),
        (
            transform("AWS::Include", [("Location", "s3://a/b")]),
            json!({"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://a/b"}}}),
        ),
        (
            length(zones).into(),
            json!({"Fn::Length": {"Ref": "Zones"}}),
        ),
        (
            to_json_string(Tree::object([("a", jobs.reference().into())])).into(),
            json!({"Fn::ToJsonString": {"a": {"Ref": "Jobs"}}}),
        ),
        (
            Tree::intrinsic("Fn::Digest", vec![jobs.reference()]),
            json!({"Fn::Digest": [{"Ref": "Jobs"}]}),
        ),
        (
            Value::<i64>::raw(Tree::object([("Fn::X", 1.into())])).into(),
            json!({"Fn::X": 1}),
        ),
    ];
    for (index, (tree, _)) in cases.iter().enumerate() {
        stack.add(
            &format!("Case{index}"),
            Queue::new().queue_name(tree.clone()),
        );
    }
    let json = template(&app, "Pipeline");
    for (index, (_, expected)) in cases.iter().enumerate() {
        let found = &json["Resources"][format!("Case{index}")]["Properties"]["QueueName"];
        assert_eq!(found, expected);
    }
    assert_eq!(json["Transform"], "AWS::LanguageExtensions");
    let wrong = sub("${B}", [("A", "x")]);
    app.stack("Pipeline")
        .add("Wrong", Queue::new().queue_name(wrong));
    assert_eq!(
        messages(&app),
        [
            "`Pipeline/Wrong` has `${B}` in a text to fill in, which is no variable, in `QueueName`",
            "`Pipeline/Wrong` gives `A` to a text that has no `${A}`, in `QueueName`",
        ]
    );
}

#[test]
fn policies_are_written_and_refused_where_a_type_takes_none() {
    let mut app = dev();
    let mut stack = app.stack("Hosts");
    let group = stack.add(
        "Group",
        RawResource::new("AWS::AutoScaling::AutoScalingGroup")
            .with("InstanceId", "i-0123456789abcdef0")
            .with("MinSize", "1")
            .with("MaxSize", "2"),
    );
    stack.creation_policy(
        group.id(),
        CreationPolicy::signals(2, Duration::from_mins(15)).min_successful_percent(50),
    );
    let rolling = RollingUpdate::new()
        .max_batch_size(1)
        .min_in_service(1)
        .pause(Duration::from_secs(90))
        .wait_for_signals()
        .suspend(["AZRebalance"]);
    stack.update_policy(
        group.id(),
        UpdatePolicy::rolling(rolling).keep_scheduled_sizes(),
    );
    let volume = stack.add(
        "Volume",
        RawResource::new("AWS::EC2::Volume")
            .with("AvailabilityZone", "eu-central-1a")
            .with("Size", 8),
    );
    stack.deletion_policy(volume.id(), DeletionPolicy::Snapshot);
    let alias = stack.add(
        "Live",
        RawResource::new("AWS::Lambda::Alias")
            .with("FunctionName", "start")
            .with("FunctionVersion", "1")
            .with("Name", "live"),
    );
    stack.update_policy(
        alias.id(),
        UpdatePolicy::alias(AliasShift::new("app", "group").before("check")),
    );
    let json = template(&app, "Hosts");
    let group = &json["Resources"]["Group"];
    assert_eq!(
        group["CreationPolicy"],
        json!({
            "ResourceSignal": {"Count": 2, "Timeout": "PT15M"},
            "AutoScalingCreationPolicy": {"MinSuccessfulInstancesPercent": 50},
        })
    );
    assert_eq!(
        group["UpdatePolicy"],
        json!({
            "AutoScalingRollingUpdate": {
                "MaxBatchSize": 1,
                "MinInstancesInService": 1,
                "PauseTime": "PT1M30S",
                "WaitOnResourceSignals": true,
                "SuspendProcesses": ["AZRebalance"],
            },
            "AutoScalingScheduledAction": {"IgnoreUnmodifiedGroupSizeProperties": true},
        })
    );
    assert_eq!(
        json["Resources"]["Live"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"],
        json!({
            "ApplicationName": "app",
            "DeploymentGroupName": "group",
            "BeforeAllowTrafficHook": "check",
        })
    );

    let mut app = dev();
    let mut stack = app.stack("Hosts");
    let jobs = stack.add("Jobs", Queue::new()).id();
    stack.creation_policy(
        jobs,
        CreationPolicy::signals(1, Duration::from_secs(50_000)),
    );
    stack.update_policy(jobs, UpdatePolicy::replacing());
    stack.deletion_policy(jobs, DeletionPolicy::Snapshot);
    stack.update_replace_policy(jobs, DeletionPolicy::RetainExceptOnCreate);
    assert_eq!(
        messages(&app),
        [
            "`Hosts/Jobs` (AWS::SQS::Queue) has `DeletionPolicy: Snapshot`, and its type takes no snapshots",
            "`Hosts/Jobs` (AWS::SQS::Queue) has `UpdateReplacePolicy: RetainExceptOnCreate`, which only a deletion takes",
            "`Hosts/Jobs` (AWS::SQS::Queue) has `ResourceSignal` as its CreationPolicy, which its type does not take",
            "`Hosts/Jobs` (AWS::SQS::Queue) has 50000 seconds as `Timeout`; the most is 43200, in its CreationPolicy",
            "`Hosts/Jobs` (AWS::SQS::Queue) has `AutoScalingReplacingUpdate` as its UpdatePolicy, which its type does not take",
        ]
    );
}

#[test]
fn a_template_says_of_itself_what_its_author_wants() {
    let mut app = dev();
    let mut stack = app.stack("Pipeline");
    stack.add("Jobs", Queue::new());
    stack.template_metadata("Owner", "coding");
    stack.template_metadata("Owner", "billing");
    stack.tag_stack("Project", "lightsout");
    stack.termination_protection();
    stack.raw_entry(Section::Outputs, "Raw", json!({"Value": "x"}));
    let assembly = app.synth().unwrap();
    let stack = assembly.stack("Pipeline").unwrap();
    assert_eq!(
        stack.template_json()["Metadata"],
        json!({"Owner": "billing"})
    );
    assert_eq!(stack.template_json()["Outputs"]["Raw"]["Value"], "x");
    assert_eq!(stack.tags()["Project"], "lightsout");
    assert!(stack.is_protected());
}

#[test]
fn what_is_set_by_hand_comes_last_and_is_checked() {
    struct NoDelay;

    impl crate::Check for NoDelay {
        fn rule(&self) -> &'static str {
            "no-delay"
        }

        fn check(
            &self,
            resource: &crate::Resource,
            _: &crate::Resources<'_>,
        ) -> Vec<crate::Finding> {
            let delay = resource.get("DelaySeconds");
            delay.map_or_else(Vec::new, |_| vec![crate::Finding::new("set none")])
        }
    }

    let mut app = dev();
    app.amend(crate::Tag::new("Project", "lightsout"));
    let mut stack = app.stack("Pipeline");
    let jobs = stack
        .add("Jobs", Queue::new().queue_name("a").kms_master_key_id("k"))
        .id();
    stack.override_property(jobs, "Tags.0.Value", "mine");
    stack.override_property(jobs, "QueueName", "b");
    stack.delete_property(jobs, "KmsMasterKeyId");
    stack.override_entry(jobs, "Metadata.Owner", "coding");
    stack.override_entry(jobs, "Properties.RedrivePolicy.maxReceiveCount", 3);
    assert_eq!(
        template(&app, "Pipeline")["Resources"]["Jobs"],
        json!({
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": "b",
                "Tags": [{"Key": "Project", "Value": "mine"}],
                "RedrivePolicy": {"maxReceiveCount": 3},
            },
            "Metadata": {"Owner": "coding"},
        })
    );
    app.check(NoDelay);
    let mut stack = app.stack("Pipeline");
    stack.override_property(jobs, "DelaySeconds", 5);
    stack.override_property(jobs, "QueueName.x", 5);
    stack.delete_property(jobs, "Tags.7");
    stack.override_entry(jobs, "Type", "AWS::SNS::Topic");
    stack.override_entry(jobs, "Metadata.Owner.Name", "coding");
    assert_eq!(
        messages(&app),
        [
            "`Pipeline/Jobs` (AWS::SQS::Queue) breaks `no-delay`",
            "`Pipeline/Jobs` (AWS::SQS::Queue) cannot be changed at `QueueName.x`: `x` would be within a single value",
            "`Pipeline/Jobs` (AWS::SQS::Queue) cannot be changed at `Tags.7`: the list of 1 has no item `7`",
            "`Pipeline/Jobs` (AWS::SQS::Queue) cannot be changed at `Type`: `Type` and `Properties` as a whole cannot be set by hand",
            "`Pipeline/Jobs` (AWS::SQS::Queue) cannot be changed at `Metadata.Owner.Name`: `Name` would be within a single value",
        ]
    );
}

#[test]
fn a_custom_resource_is_named_and_timed_within_bounds() {
    let mut app = dev();
    let mut stack = app.stack("Users");
    stack.add(
        "A",
        CustomResource::new("Custom::User", "arn").timeout_seconds(3600),
    );
    app.synth().unwrap();
    let mut stack = app.stack("Users");
    stack.add(
        "B",
        CustomResource::new("Custom::User", "arn").timeout_seconds(0),
    );
    stack.add("C", CustomResource::new("Custom::Us er", "arn"));
    stack.add(
        "D",
        CustomResource::new(
            "Custom::AUserWhoseNameIsMuchTooLongForWhatCloudFormationTakes",
            "arn",
        ),
    );
    stack.add("E", RawResource::new("Queue"));
    stack.add("F", CustomResource::matching("Custom::User"));
    assert_eq!(
        messages(&app),
        [
            "`Users/B` (Custom::User) has `0` as `ServiceTimeout`",
            "`Users/C` (Custom::Us er) is of a custom type that cannot be named so",
            "`Users/D` (Custom::AUserWhoseNameIsMuchTooLongForWhatCloudFormationTakes) is of a custom type that cannot be named so",
            "`Users/E` (Queue) is of no type",
            "`Users/F` (Custom::User) needs `ServiceToken`",
        ]
    );
}

#[test]
fn values_cross_the_borders_of_nested_stacks_by_themselves() {
    let mut app = with_store();
    let key = app.stack("Keys").add("Key", Key::new());
    let mut stack = app.stack("Pipeline");
    let outer = stack.add("Outer", Queue::new());
    let first = stack.nested("First", |first| {
        let name = first.add("Jobs", Queue::new().queue_name(outer.reference()));
        // Two levels deep, a value of another stack altogether.
        let deep = first.nested("Deep", |deep| {
            deep.add("Jobs", Queue::new().kms_master_key_id(key.get(Key::ARN)))
        });
        (name, deep.inside)
    });
    let (jobs, deep) = first.inside;
    let second = stack.nested("Second", |second| {
        second.add("Jobs", Queue::new().queue_name(jobs.get(Queue::ARN)));
        second.add("Other", Queue::new().queue_name(deep.reference()))
    });
    stack.add("Last", Queue::new().queue_name(second.inside.reference()));
    app.stack("Elsewhere")
        .add("Jobs", Queue::new().queue_name(deep.get(Queue::ARN)));

    let assembly = app.synth().unwrap();
    let names: Vec<&str> = assembly
        .stacks()
        .iter()
        .map(crate::StackArtifact::name)
        .collect();
    assert_eq!(names, ["Storage", "Keys", "Pipeline", "Elsewhere"]);
    assert_eq!(
        assembly.stack("Pipeline").unwrap().dependencies(),
        ["Storage", "Keys"]
    );
    let pipeline = assembly.template("Pipeline").json();
    assert_eq!(
        pipeline["Resources"]["First"],
        json!({
            "Type": "AWS::CloudFormation::Stack",
            "Properties": {
                "TemplateURL": {"Ref": "FirstTemplate"},
                "Parameters": {
                    "ImportKeysKeyArn": {"Fn::ImportValue": "lightsout-dev-keys:KeyArn"},
                    "ImportPipelineOuterRef": {"Ref": "Outer"},
                    "FirstDeepTemplate": {"Ref": "FirstDeepTemplate"},
                },
            },
        })
    );
    assert_eq!(
        pipeline["Resources"]["Second"]["Properties"]["Parameters"],
        json!({
            "ImportPipelineFirstJobsArn": {"Fn::GetAtt": ["First", "Outputs.ExportFirstJobsArn"]},
            "ImportPipelineFirstDeepJobsRef": {"Fn::GetAtt": ["First", "Outputs.ExportFirstDeepJobsRef"]},
        })
    );
    assert_eq!(
        pipeline["Resources"]["Last"]["Properties"]["QueueName"],
        json!({"Fn::GetAtt": ["Second", "Outputs.ExportSecondOtherRef"]})
    );
    assert_eq!(
        pipeline["Outputs"]["ExportFirstDeepJobsArn"],
        json!({
            "Value": {"Fn::GetAtt": ["First", "Outputs.ExportFirstDeepJobsArn"]},
            "Export": {"Name": "lightsout-dev-pipeline:FirstDeepJobsArn"},
        })
    );
    let parameters = assembly.stack("Pipeline").unwrap().parameters();
    let nested: Vec<Option<&str>> = parameters.iter().map(|one| one.nested.as_deref()).collect();
    assert_eq!(
        nested,
        [
            Some("Pipeline/First/Deep"),
            Some("Pipeline/First"),
            Some("Pipeline/Second"),
        ]
    );
    let first = assembly.template("Pipeline/First").json();
    assert_eq!(
        first["Resources"]["Deep"]["Properties"],
        json!({
            "TemplateURL": {"Ref": "FirstDeepTemplate"},
            "Parameters": {"ImportKeysKeyArn": {"Ref": "ImportKeysKeyArn"}},
        })
    );
    assert_eq!(
        first["Outputs"]["ExportFirstDeepJobsRef"]["Value"],
        json!({"Fn::GetAtt": ["Deep", "Outputs.ExportFirstDeepJobsRef"]})
    );
    let deep = assembly.template("Pipeline/First/Deep").json();
    assert_eq!(
        deep["Resources"]["Jobs"]["Properties"]["KmsMasterKeyId"],
        json!({"Ref": "ImportKeysKeyArn"})
    );
    assert_eq!(
        deep["Outputs"]["ExportFirstDeepJobsRef"]["Value"],
        json!({"Ref": "Jobs"})
    );
    assert_eq!(
        assembly.template("Elsewhere").json()["Resources"]["Jobs"]["Properties"]["QueueName"],
        json!({"Fn::ImportValue": "lightsout-dev-pipeline:FirstDeepJobsArn"})
    );
}

#[test]
fn a_cycle_through_a_nested_stack_is_found() {
    let mut app = with_store();
    let mut stack = app.stack("Pipeline");
    let inner = stack.nested("Inner", |inner| inner.add("Jobs", Queue::new()));
    let outer = stack.add("Outer", Queue::new().queue_name(inner.inside.reference()));
    stack.depends_on(inner.inside.id(), outer.id());
    let problems = problems(&app);
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0]
            .message
            .contains("resources `Pipeline/Inner`, `Pipeline/Outer` need each other"),
        "{}",
        problems[0]
    );
}

#[test]
fn a_dependency_into_a_nested_stack_waits_for_the_whole_of_it() {
    let mut app = with_store();
    let mut stack = app.stack("Pipeline");
    let inner = stack.nested("Inner", |inner| inner.add("Jobs", Queue::new()));
    let outer = stack.add("Outer", Queue::new());
    stack.depends_on(outer.id(), inner.inside.id());
    let json = template(&app, "Pipeline");
    assert_eq!(json["Resources"]["Outer"]["DependsOn"], json!(["Inner"]));
}

#[test]
fn an_asset_is_handed_down_to_nested_stacks() {
    let mut app = with_store();
    let mut stack = app.stack("Pipeline");
    let asset = stack.asset(crate::Asset {
        id: "Launcher".to_owned(),
        contents: crate::AssetContents::Binary {
            package: "lightsout-launcher".to_owned(),
            binary: "launcher".to_owned(),
            name: "bootstrap".to_owned(),
        },
    });
    stack.nested("Inner", |inner| {
        inner.add("Jobs", Queue::new().queue_name(asset.hash()));
    });
    let assembly = app.synth().unwrap();
    let root = assembly.template("Pipeline").json();
    assert_eq!(
        root["Resources"]["Inner"]["Properties"]["Parameters"],
        json!({"LauncherAsset": {"Ref": "LauncherAsset"}})
    );
    assert!(root["Parameters"]["LauncherAsset"].is_object());
    let inner = assembly.template("Pipeline/Inner").json();
    assert_eq!(
        inner["Resources"]["Jobs"]["Properties"]["QueueName"],
        json!({"Ref": "LauncherAsset"})
    );
}

#[test]
fn what_a_nested_stack_cannot_be_is_reported() {
    let mut app = dev();
    let mut stack = app.stack("Pipeline");
    stack.nested("Empty", |_| ());
    stack.nested("A", |a| {
        a.parameter("Size", Parameter::new());
        a.nested("BC", |b| b.add("Jobs", Queue::new()));
    });
    stack.nested("AB", |a| {
        a.nested("C", |b| b.add("Jobs", Queue::new()));
    });
    stack.add("AT", Queue::new());
    stack.add("ATemplate", Queue::new());
    assert_eq!(
        messages(&app),
        [
            "`Pipeline` uses the template of `Pipeline/AB/C`, but the app has no place to upload it to",
            "`Pipeline/A/Size` is a parameter of a nested stack, which nobody gives a value",
            "`Pipeline/AB/C` and `Pipeline/A/BC` both need a parameter `ABCTemplate` for their templates",
            "`Pipeline/ATemplate` is called `ATemplate`, as is a parameter for a nested stack",
            "`Pipeline/Empty` has no resources; CloudFormation takes no empty stack",
        ]
    );
}

/// A condition over three others and a parameter, however deep.
fn any_condition(
    size: Value<String>,
    known: [ConditionRef; 3],
) -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        any::<String>().prop_map(move |text| Condition::equals(size.clone(), text)),
        (0..3_usize).prop_map(move |index| known[index].into()),
    ];
    leaf.prop_recursive(3, 40, 12, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..14).prop_map(Condition::and),
            prop::collection::vec(inner.clone(), 1..14).prop_map(Condition::or),
            inner.prop_map(Condition::not),
        ]
    })
}

/// Checks every call in a condition: its operands' count and the conditions it names.
fn is_sound(json: &Json, conditions: &serde_json::Map<String, Json>) -> bool {
    let (function, operands) = json.as_object().unwrap().iter().next().unwrap();
    let count = operands.as_array().map_or(0, Vec::len);
    let all_sound = || {
        let mut operands = operands.as_array().unwrap().iter();
        operands.all(|operand| is_sound(operand, conditions))
    };
    match function.as_str() {
        "Condition" => conditions.contains_key(operands.as_str().unwrap()),
        "Fn::Equals" => count == 2,
        "Fn::Not" => count == 1 && all_sound(),
        "Fn::And" | "Fn::Or" => (2..=10).contains(&count) && all_sound(),
        _ => false,
    }
}

fn any_tree(queue: Value<String>) -> impl Strategy<Value = (Tree, Json)> {
    let leaf = prop_oneof![
        any::<String>().prop_map(|text| (Tree::from(text.as_str()), Json::from(text))),
        any::<i64>().prop_map(|number| (Tree::from(number), Json::from(number))),
        Just((Tree::from(queue), json!({"Ref": "Jobs"}))),
        Just((Tree::from(Pseudo::Region), json!({"Ref": "AWS::Region"}))),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| {
                let (trees, json): (Vec<Tree>, Vec<Json>) = items.into_iter().unzip();
                (Tree::List(trees), Json::from(json))
            }),
            prop::collection::btree_map(any::<String>(), inner.clone(), 0..4).prop_map(|map| {
                let json = map
                    .iter()
                    .map(|(key, (_, json))| (key.clone(), json.clone()));
                let json = Json::Object(json.collect());
                (
                    Tree::object(map.into_iter().map(|(key, (tree, _))| (key, tree))),
                    json,
                )
            }),
            inner.clone().prop_map(|(tree, json)| {
                let call = json!({"Fn::ToJsonString": json});
                (Token::ToJsonString(Box::new(tree)).into(), call)
            }),
            inner.clone().prop_map(|(tree, json)| {
                (Tree::intrinsic("Fn::X", tree), json!({"Fn::X": json}))
            }),
            (0..9_u32, inner.clone()).prop_map(|(index, (tree, json))| {
                let call = json!({"Fn::Select": [index, json]});
                (Token::Select(index, Box::new(tree)).into(), call)
            }),
            inner.prop_map(|(tree, json)| {
                let sub = Token::Sub("${A}".to_owned(), vec![("A".to_owned(), tree)]);
                (sub.into(), json!({"Fn::Sub": ["${A}", {"A": json}]}))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn conditions_always_resolve(seed in any::<[String; 3]>(), index in 0..1000_u32) {
        let mut app = dev();
        let mut stack = app.stack("Pipeline");
        stack.add("Jobs", Queue::new());
        let size = stack.parameter("Size", Parameter::new());
        let [a, b, c] = &seed;
        let known = [
            stack.condition("A", Condition::equals(size.clone(), a)),
            stack.condition("B", Condition::equals(size.clone(), b)),
            stack.condition("C", Condition::equals(size.clone(), c)),
        ];
        let mut runner = proptest::test_runner::TestRunner::new_with_rng(
            ProptestConfig::default(),
            proptest::test_runner::TestRng::from_seed(
                proptest::test_runner::RngAlgorithm::ChaCha,
                &[index.to_le_bytes(); 8].concat(),
            ),
        );
        let tree = any_condition(size, known).new_tree(&mut runner).unwrap();
        app.stack("Pipeline").condition("D", tree.current());
        let json = template(&app, "Pipeline");
        let conditions = json["Conditions"].as_object().unwrap();
        prop_assert!(conditions.values().all(|json| is_sound(json, conditions)));
    }

    #[test]
    fn every_tree_with_tokens_is_written_as_the_json_that_it_stands_for(
        seed in any::<[u8; 32]>()
    ) {
        let mut app = dev();
        let mut stack = app.stack("Pipeline");
        let jobs = stack.add("Jobs", Queue::new());
        let mut runner = proptest::test_runner::TestRunner::new_with_rng(
            ProptestConfig::default(),
            proptest::test_runner::TestRng::from_seed(
                proptest::test_runner::RngAlgorithm::ChaCha,
                &seed,
            ),
        );
        let (tree, expected) = any_tree(jobs.reference())
            .new_tree(&mut runner)
            .unwrap()
            .current();
        app.stack("Pipeline").add("Other", RawResource::new("A::B::C").with("P", tree));
        let json = template(&app, "Pipeline");
        prop_assert_eq!(&json["Resources"]["Other"]["Properties"]["P"], &expected);
    }

    #[test]
    fn no_path_makes_an_override_panic(path in "[A-Za-z0-9.\\\\]{0,12}") {
        let path: &'static str = path.leak();
        let mut app = dev();
        let mut stack = app.stack("Pipeline");
        let policy = Tree::from(json!({"A": [{"B": 1}], "C": {}}));
        let jobs = stack.add("Jobs", Queue::new().redrive_policy(policy)).id();
        stack.override_property(jobs, path, 1);
        stack.delete_property(jobs, path);
        stack.override_entry(jobs, path, 1);
        let _ = app.synth();
    }
}

#[test]
fn a_nested_stack_reads_and_is_read_weakly() {
    let mut app = dev();
    let key = app.stack("Keys").add("Key", Key::new());
    let arn = app.stack("Pipeline").nested("Work", |work| {
        let arn: Value<String> = key.get(Key::ARN).weak().into();
        work.add("Jobs", Queue::new().queue_name(arn))
    });
    let arn = arn.inside.reference().weak();
    app.stack("Front").add("Jobs", Queue::new().queue_name(arn));
    let store = app.stack("Assets").add("Store", Key::new());
    app.asset_store("Assets", store.id());
    assert_eq!(
        template(&app, "Pipeline")["Resources"]["Work"]["Properties"]["Parameters"]["ImportKeysKeyArn"],
        json!({"Fn::GetStackOutput": {
            "StackName": "lightsout-dev-keys",
            "OutputName": "ExportKeyArn",
        }})
    );
    let outputs = &template(&app, "Keys")["Outputs"];
    assert_eq!(outputs["ExportKeyArn"].get("Export"), None);
    assert_eq!(
        template(&app, "Front")["Resources"]["Jobs"]["Properties"]["QueueName"],
        json!({"Fn::GetStackOutput": {
            "StackName": "lightsout-dev-pipeline",
            "OutputName": "ExportWorkJobsRef",
        }})
    );
    assert_eq!(
        template(&app, "Pipeline")["Outputs"]["ExportWorkJobsRef"],
        json!({"Value": {"Fn::GetAtt": ["Work", "Outputs.ExportWorkJobsRef"]}})
    );
}

#[test]
fn what_is_kept_and_moved_is_so_in_nested_stacks_too() {
    let build = |id: &str, count: usize| {
        let mut app = dev();
        let store = app.stack("Assets").add("Store", Key::new());
        app.asset_store("Assets", store.id());
        app.stack("Pipeline").nested("Work", |work| {
            let key = work.add(id, Key::new());
            work.retain(key.id());
            for index in 0..count {
                work.add(&format!("Jobs{index}"), Queue::new());
            }
        });
        app
    };
    let before = build("Key", 0).synth().unwrap();
    let mut app = build("Other", 0);
    let problems = app.synth_against(&before).unwrap_err().problems;
    assert_eq!(problems[0].path, "Pipeline/Work/Key");
    app.moved("Pipeline/Work/Key", "Pipeline/Work/Other");
    let after = app.synth_against(&before).unwrap();
    let resources = &after.template("Pipeline/Work").json()["Resources"];
    assert!(resources["Key"].is_object());

    let problems = build("Key", 500).synth().unwrap_err().problems;
    assert_eq!(problems[0].kind, ProblemKind::Limit);
    assert_eq!(problems[0].path, "Pipeline/Work");
}
