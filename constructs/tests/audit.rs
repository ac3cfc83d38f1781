//! Does a watched account let in whom it must, and allow nobody more than that?

use std::collections::BTreeSet;

use lightsout::{Assembly, Removal, cfn};
use serde_json::Value as Json;

#[path = "../examples/audit/app.rs"]
mod app;

fn synth(removal: Removal) -> Assembly {
    let app = app::app("dev", removal).expect("the block is a private one");
    app.synth().expect("the example has no problem")
}

/// Returns every resource of every stack, by `Stack/LogicalId`.
fn resources(assembly: &Assembly) -> Vec<(String, Json)> {
    let mut all = Vec::new();
    for stack in assembly.stacks() {
        let resources = stack.template_json()["Resources"].as_object();
        for (id, resource) in resources.expect("a stack has resources") {
            all.push((format!("{}/{id}", stack.name()), resource.clone()));
        }
    }
    all
}

fn list(json: &Json) -> Vec<&Json> {
    match json {
        Json::Array(items) => items.iter().collect(),
        Json::Null => Vec::new(),
        one => vec![one],
    }
}

/// Returns the statements of what is a policy in this resource.
fn statements(resource: &Json) -> Vec<&Json> {
    let properties = &resource["Properties"];
    ["PolicyDocument", "KeyPolicy", "AssumeRolePolicyDocument"]
        .iter()
        .flat_map(|policy| list(&properties[*policy]["Statement"]))
        .collect()
}

#[test]
fn no_role_has_a_policy_in_line() {
    for (id, resource) in resources(&synth(Removal::Keep)) {
        assert_ne!(resource["Type"], "AWS::IAM::Policy", "{id}");
        if resource["Type"] == "AWS::IAM::Role" {
            assert!(resource["Properties"].get("Policies").is_none(), "{id}");
        }
    }
}

#[test]
fn only_actions_that_know_no_resource_are_allowed_on_all() {
    // The service authorization reference has no resource type for any of these,
    // but for the interfaces: Lambda makes them before they have a name.
    let known = [
        "cloudwatch:GetMetricData",
        "dynamodb:ListStreams",
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
        "events:ListRules",
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
        "s3:ListAllMyBuckets",
    ];
    let mut found = BTreeSet::new();
    for (_, resource) in resources(&synth(Removal::Keep)) {
        if resource["Type"] != cfn_type::<cfn::iam::ManagedPolicy>() {
            continue;
        }
        for statement in statements(&resource) {
            let is_about_all = list(&statement["Resource"]).iter().any(|on| *on == "*");
            if statement["Effect"] == "Allow" && is_about_all {
                found.extend(
                    list(&statement["Action"])
                        .iter()
                        .filter_map(|action| action.as_str().map(str::to_owned)),
                );
            }
        }
    }
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), known);
}

fn cfn_type<R: lightsout::ResourceType>() -> &'static str {
    R::TYPE
}

#[test]
fn every_service_is_let_in_for_this_account_alone() {
    let mut seen = 0;
    for (id, resource) in resources(&synth(Removal::Keep)) {
        if resource["Type"] == "AWS::IAM::Role" {
            continue;
        }
        for statement in statements(&resource) {
            let service = &statement["Principal"]["Service"];
            if statement["Effect"] != "Allow" || service.is_null() {
                continue;
            }
            seen += 1;
            let conditions = &statement["Condition"];
            let of_account = !conditions["StringEquals"]["aws:SourceAccount"].is_null();
            let of_source = !conditions["ArnLike"]["aws:SourceArn"].is_null()
                || !conditions["StringEquals"]["aws:SourceArn"].is_null();
            let of_group = !conditions["ArnLike"]["kms:EncryptionContext:aws:logs:arn"].is_null();
            assert!(of_account && of_source || of_group, "{id}: {statement}");
        }
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn nobody_at_all_is_only_ever_denied() {
    for (id, resource) in resources(&synth(Removal::Keep)) {
        if resource["Type"] == "AWS::EC2::VPCEndpoint" {
            continue;
        }
        for statement in statements(&resource) {
            let everyone = statement["Principal"] == "*" || statement["Principal"]["AWS"] == "*";
            assert!(
                !everyone || statement["Effect"] == "Deny",
                "{id}: {statement}"
            );
        }
    }
}

#[test]
fn an_account_to_throw_away_locks_nothing_that_would_stay() {
    for (id, resource) in resources(&synth(Removal::Destroy)) {
        assert_ne!(resource["DeletionPolicy"], "Retain", "{id}");
        let properties = &resource["Properties"];
        assert!(properties.get("LockConfiguration").is_none(), "{id}");
        assert!(properties.get("ObjectLockConfiguration").is_none(), "{id}");
        assert_ne!(properties["DeletionProtectionEnabled"], true, "{id}");
    }
}
