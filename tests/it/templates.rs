//! Does each stack keep what it promises?

use lightsout::{Assembly, assertions::Template, cfn};
use lightsout_stacks::environment::Environment;
use serde_json::Value;

fn assemblies() -> Vec<Assembly> {
    Environment::all()
        .unwrap()
        .iter()
        .map(|environment| lightsout_stacks::app(environment).synth().unwrap())
        .collect()
}

/// Every resource of every template: stage, stack, logical id, resource.
fn resources(assemblies: &[Assembly]) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for assembly in assemblies {
        for stack in assembly.stacks() {
            let resources = stack.template_json()["Resources"].as_object().unwrap();
            for (id, resource) in resources {
                let path = format!("{}/{}/{id}", assembly.stage().name, stack.name());
                all.push((path, resource.clone()));
            }
        }
    }
    all
}

fn of_type(assemblies: &[Assembly], kind: &str) -> Vec<(String, Value)> {
    let found: Vec<_> = resources(assemblies)
        .into_iter()
        .filter(|(_, resource)| resource["Type"] == kind)
        .collect();
    assert!(
        !found.is_empty(),
        "no {kind} anywhere: the test would be vacuous"
    );
    found
}

#[test]
fn everything_that_holds_data_has_a_key_of_the_customer() {
    let assemblies = assemblies();
    for (path, queue) in of_type(&assemblies, "AWS::SQS::Queue") {
        assert!(queue["Properties"]["KmsMasterKeyId"].is_object(), "{path}");
    }
    for (path, table) in of_type(&assemblies, "AWS::DynamoDB::Table") {
        let encryption = &table["Properties"]["SSESpecification"];
        assert!(encryption["KMSMasterKeyId"].is_object(), "{path}");
        assert_eq!(encryption["SSEType"], "KMS", "{path}");
    }
    for (path, topic) in of_type(&assemblies, "AWS::SNS::Topic") {
        assert!(topic["Properties"]["KmsMasterKeyId"].is_object(), "{path}");
    }
    for (path, group) in of_type(&assemblies, "AWS::Logs::LogGroup") {
        assert!(group["Properties"]["KmsKeyId"].is_object(), "{path}");
    }
    for (path, bucket) in of_type(&assemblies, "AWS::S3::Bucket") {
        let rule = &bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            [0]["ServerSideEncryptionByDefault"];
        // AWS delivers access logs only into buckets with S3's own keys.
        let wanted = if path.ends_with("AccessLogs") {
            "AES256"
        } else {
            "aws:kms"
        };
        assert_eq!(rule["SSEAlgorithm"], wanted, "{path}");
        assert_eq!(
            rule["KMSMasterKeyID"].is_null(),
            wanted == "AES256",
            "{path}"
        );
    }
    for (path, template) in of_type(&assemblies, "AWS::EC2::LaunchTemplate") {
        let disks = &template["Properties"]["LaunchTemplateData"]["BlockDeviceMappings"];
        for disk in disks.as_array().unwrap() {
            assert_eq!(disk["Ebs"]["Encrypted"], true, "{path}");
            assert_eq!(disk["Ebs"]["DeleteOnTermination"], true, "{path}");
            assert!(disk["Ebs"]["KmsKeyId"].is_object(), "{path}");
        }
    }
    for (path, key) in of_type(&assemblies, "AWS::KMS::Key") {
        assert_eq!(key["Properties"]["EnableKeyRotation"], true, "{path}");
    }
}

#[test]
fn buckets_queues_and_topics_refuse_what_is_not_tls() {
    let assemblies = assemblies();
    for (kind, policy) in [
        ("AWS::S3::Bucket", "AWS::S3::BucketPolicy"),
        ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy"),
        ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy"),
    ] {
        let policies = of_type(&assemblies, policy);
        assert_eq!(of_type(&assemblies, kind).len(), policies.len(), "{kind}");
        for (path, policy) in policies {
            let text = policy["Properties"]["PolicyDocument"].to_string();
            assert!(text.contains(r#""aws:SecureTransport":"false""#), "{path}");
        }
    }
}

#[test]
fn machines_ask_for_tokens_have_no_public_address_and_end_when_they_power_off() {
    let assemblies = assemblies();
    for (path, template) in of_type(&assemblies, "AWS::EC2::LaunchTemplate") {
        let data = &template["Properties"]["LaunchTemplateData"];
        assert_eq!(data["MetadataOptions"]["HttpTokens"], "required", "{path}");
        assert_eq!(
            data["MetadataOptions"]["HttpPutResponseHopLimit"], 1,
            "{path}"
        );
        assert_eq!(
            data["InstanceInitiatedShutdownBehavior"], "terminate",
            "{path}"
        );
        assert!(data["KeyName"].is_null(), "{path}");
        // The subnet decides, which the request names.
        assert!(data["NetworkInterfaces"].is_null(), "{path}");
    }
    for (path, subnet) in of_type(&assemblies, "AWS::EC2::Subnet") {
        assert_eq!(subnet["Properties"]["MapPublicIpOnLaunch"], false, "{path}");
    }
    for forbidden in [
        "AWS::EC2::InternetGateway",
        "AWS::EC2::NatGateway",
        "AWS::EC2::EIP",
    ] {
        let found = resources(&assemblies)
            .into_iter()
            .find(|(_, resource)| resource["Type"] == forbidden);
        assert!(found.is_none(), "{found:?}");
    }
}

#[test]
fn the_alarms_and_the_heartbeat_wake_the_launcher_and_the_heartbeat_the_reaper() {
    for assembly in assemblies() {
        let template: Template<'_> = assembly.template("Fleet");
        // Two of the alarms start a run and two wake the launcher once more; the others tell a
        // person.
        template.count::<cfn::cloudwatch::Alarm>(14);
        template.count::<cfn::events::Rule>(1);
        template.count::<cfn::lambda::Permission>(6);
    }
}

#[test]
fn what_must_survive_survives_outside_a_throw_away_environment() {
    let assemblies = assemblies();
    for kind in ["AWS::KMS::Key", "AWS::S3::Bucket", "AWS::DynamoDB::Table"] {
        for (path, resource) in of_type(&assemblies, kind) {
            let wanted = if path.starts_with("local/") {
                "Delete"
            } else {
                "Retain"
            };
            assert_eq!(resource["DeletionPolicy"], wanted, "{path}");
        }
    }
}

#[test]
fn charts_and_results_stay_within_the_network() {
    let mut seen = 0;
    for (path, policy) in of_type(&assemblies(), "AWS::S3::BucketPolicy") {
        let has_patients = ["Intake/InboxPolicy", "Storage/LargeResultsPolicy"]
            .iter()
            .any(|one| path.ends_with(one));
        if !has_patients || path.starts_with("local/") {
            continue;
        }
        let statements = policy["Properties"]["PolicyDocument"]["Statement"].as_array();
        let denied = |sid: &str| statements.unwrap().iter().find(|one| one["Sid"] == sid);
        let reads = denied("DenyReadsFromElsewhere").unwrap();
        let condition = &reads["Condition"];
        let endpoint = condition["StringNotEquals"]["aws:SourceVpce"].to_string();
        assert!(endpoint.contains("S3Endpoint"), "{path}: {endpoint}");
        // Nobody else is named but backups and, for results, emergencies.
        let roles = condition["ArnNotLike"]["aws:PrincipalArn"].to_string();
        assert!(roles.contains("-backup-*"), "{path}: {roles}");
        let is_for_results = path.ends_with("LargeResultsPolicy");
        assert_eq!(
            roles.contains("-audit-Emergency*"),
            is_for_results,
            "{path}"
        );
        let writes = denied("DenyWritesFromElsewhere");
        let is_protected = ["prod/", "staging/"]
            .iter()
            .any(|one| path.starts_with(one));
        assert!(
            writes.is_some() || !is_protected && !is_for_results,
            "{path}"
        );
        seen += 1;
    }
    assert_eq!(seen, 6);
}

#[test]
fn a_person_is_told_when_charts_wait_and_none_is_coded() {
    let assemblies = assemblies();
    let alarms = of_type(&assemblies, "AWS::CloudWatch::CompositeAlarm");
    assert_eq!(
        alarms.len(),
        3,
        "every environment but the local one has it"
    );
    for (path, alarm) in alarms {
        let properties = &alarm["Properties"];
        let rule = properties["AlarmRule"].to_string();
        for child in ["Late", "Idle"] {
            assert!(
                rule.contains(&format!(r#""Ref":"{child}""#)),
                "{path}: {rule}"
            );
        }
        assert!(rule.contains(" AND "), "{path}: {rule}");
        let told = properties["AlarmActions"][0].to_string();
        assert!(told.contains("People"), "{path}: {told}");
    }
    // Either alone is no reason to wake anybody: it wakes the launcher.
    let single = of_type(&assemblies, "AWS::CloudWatch::Alarm");
    for (path, alarm) in single {
        if path.ends_with("/Late") || path.ends_with("/Idle") {
            let actions = alarm["Properties"]["AlarmActions"].to_string();
            assert!(actions.contains("Launcher"), "{path}: {actions}");
            assert!(!actions.contains("People"), "{path}: {actions}");
        }
    }
}
