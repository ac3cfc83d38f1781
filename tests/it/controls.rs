//! Which resource meets which control, and is it really there?

use std::{collections::BTreeSet, fs};

use lightsout_stacks::{
    controls::{Check, Wanted, at, controls},
    environment::Environment,
};
use lightsout_tests::workspace;
use serde_json::{Value, json};

use crate::graph::{Graph, Place, each};

/// Returns why a control is not met, if it is not.
fn fault(check: &Check, graph: &Graph) -> Option<String> {
    match check {
        Check::Test { test, name } => {
            let source = fs::read_to_string(workspace().join(test)).unwrap_or_default();
            let is_there = source.contains(&format!("#[test]\nfn {name}()"))
                || source.contains(&format!("    #[test]\n    fn {name}()"));
            (!is_there).then(|| format!("{test} has no test `{name}`"))
        }
        Check::Code { code, says } => {
            let source = fs::read_to_string(workspace().join(code)).unwrap_or_default();
            (!source.contains(says)).then(|| format!("{code} does not say `{says}`"))
        }
        of_templates => of_templates.fault(graph),
    }
}

#[test]
fn every_control_is_met_in_production() {
    let (controls, graph) = (controls().unwrap(), Graph::named("prod"));
    assert_eq!(controls.len(), 228);
    let ids: BTreeSet<_> = controls.iter().map(|control| &control.id).collect();
    assert_eq!(ids.len(), controls.len(), "a control is there twice");
    let mut faults = Vec::new();
    for control in &controls {
        assert!(control.cfr.starts_with("164."), "{}", control.id);
        let is_met = control.by.is_some() && !control.checks.is_empty();
        assert!(
            is_met || control.open.is_some(),
            "{} is not met",
            control.id
        );
        for check in &control.checks {
            if let Some(fault) = fault(check, &graph) {
                faults.push(format!("{}: {fault}", control.id));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_is_open_says_why_and_is_neither_critical_nor_high() {
    let mut open = 0;
    for control in controls().unwrap() {
        let Some(reason) = control.open else { continue };
        assert!(reason.ends_with('.') && reason.len() > 30, "{}", control.id);
        assert!(
            ["medium", "low"].contains(&control.severity.as_str()),
            "{} is {} and open",
            control.id,
            control.severity
        );
        open += 1;
    }
    assert!(open <= 8, "{open} controls are open");
}

#[test]
fn a_property_that_is_missing_or_unresolved_meets_no_control() {
    let mut graph = Graph::named("prod");
    let place = ("Intake".to_owned(), "Work".to_owned());
    let wanted = |is: Option<Value>| Wanted {
        has: Some("KmsMasterKeyId".to_owned()),
        is,
        ..Wanted::default()
    };
    let holds =
        |graph: &Graph, wanted: &Wanted| wanted.holds(graph, &(&place, &graph.resources[&place]));
    assert!(holds(&graph, &wanted(None)));
    for unresolved in [json!(null), json!({"Ref": "SomeParameter"})] {
        let queue = graph.resources.get_mut(&place).unwrap();
        queue["Properties"]["KmsMasterKeyId"] = unresolved;
        assert!(!holds(&graph, &wanted(None)));
        assert!(!holds(&graph, &wanted(Some("a key".into()))));
    }
    let gone = Check::Every {
        every: "AWS::SQS::Mailbox".to_owned(),
        wanted: Wanted::default(),
    };
    assert!(gone.fault(&graph).is_some());
}

#[test]
fn a_control_is_not_met_once_what_it_names_is_gone() {
    let (controls, prod) = (controls().unwrap(), Graph::named("prod"));
    let mut spoilt = 0;
    for control in &controls {
        for check in &control.checks {
            let (Check::Every {
                every: kind,
                wanted,
            }
            | Check::Some { some: kind, wanted }) = check
            else {
                continue;
            };
            let Some(path) = &wanted.has else { continue };
            let mut graph = prod.clone();
            for resource in graph.resources.values_mut() {
                if resource["Type"] != *kind {
                    continue;
                }
                let (first, entry) = match path.strip_prefix('/') {
                    Some(path) => (path, resource),
                    None => (path.as_str(), &mut resource["Properties"]),
                };
                let first = first.split('.').next().unwrap_or_default();
                entry.as_object_mut().unwrap().remove(first);
            }
            assert!(
                fault(check, &graph).is_some(),
                "{} is still met",
                control.id
            );
            spoilt += 1;
        }
    }
    assert!(spoilt > 150, "{spoilt}");
}

#[test]
fn every_topic_of_an_alarm_and_its_key_let_alarms_in() {
    let graph = Graph::named("prod");
    let mut topics = BTreeSet::new();
    for (place, alarm) in graph.all("AWS::CloudWatch::Alarm") {
        for action in each(&alarm["Properties"]["AlarmActions"]) {
            let target = graph.target(&place.0, action);
            if graph.resources[&target]["Type"] == "AWS::SNS::Topic" {
                topics.insert(target);
            }
        }
    }
    assert!(!topics.is_empty());
    for topic in topics {
        let key = graph.target(
            &topic.0,
            &graph.resources[&topic]["Properties"]["KmsMasterKeyId"],
        );
        assert!(
            lets_in(&graph, &key, "cloudwatch.amazonaws.com"),
            "{topic:?}"
        );
    }
}

/// Whether a key's policy lets a service decrypt.
fn lets_in(graph: &Graph, key: &Place, service: &str) -> bool {
    let policy = &graph.resources[key]["Properties"]["KeyPolicy"]["Statement"];
    each(policy).into_iter().any(|statement| {
        statement["Principal"]["Service"]
            .to_string()
            .contains(service)
            && statement["Action"].to_string().contains("kms:Decrypt")
    })
}

/// The actions that read or write what is encrypted.
const OF_DATA: [&str; 7] = [
    "s3:GetObject",
    "s3:PutObject",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
];

#[test]
fn keys_let_in_the_services_that_use_them() {
    let graph = Graph::named("prod");
    for (place, group) in graph.all("AWS::Logs::LogGroup") {
        let key = graph.target(&place.0, &group["Properties"]["KmsKeyId"]);
        assert!(lets_in(&graph, &key, "logs."), "{place:?}");
    }
    for (place, bucket) in graph.all("AWS::S3::Bucket") {
        let queues = &bucket["Properties"]["NotificationConfiguration"]["QueueConfigurations"];
        for queue in each(queues) {
            let queue = graph.target(&place.0, &queue["Queue"]);
            let key = &graph.resources[&queue]["Properties"]["KmsMasterKeyId"];
            let key = graph.target(&queue.0, key);
            assert!(lets_in(&graph, &key, "s3.amazonaws.com"), "{place:?}");
        }
    }
    // Who reads or writes what is encrypted may use its key.
    let mut looked_at = 0;
    for (role, _) in graph.all("AWS::IAM::Role") {
        let statements = graph.allowed(role);
        let usable: BTreeSet<Place> = statements
            .iter()
            .filter(|statement| {
                statement.is_allow()
                    && statement
                        .actions()
                        .iter()
                        .any(|action| ["kms:Decrypt", "kms:GenerateDataKey"].contains(action))
            })
            .flat_map(|statement| graph.targets(&role.0, &statement.0["Resource"]))
            .collect();
        for statement in &statements {
            if !statement
                .actions()
                .iter()
                .any(|action| OF_DATA.contains(action))
            {
                continue;
            }
            for data in graph.targets(&role.0, &statement.0["Resource"]) {
                let properties = &graph.resources[&data]["Properties"];
                let key = [
                    &properties["KmsMasterKeyId"],
                    &properties["SSESpecification"]["KMSMasterKeyId"],
                    at(&graph.resources[&data], ENCRYPTION)[0],
                ]
                .into_iter()
                .find(|key| !key.is_null())
                .unwrap_or_else(|| panic!("{data:?} is not encrypted"));
                let key = graph.target(&data.0, key);
                assert!(usable.contains(&key), "{role:?} cannot decrypt {data:?}");
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 10);
}

/// Where a bucket names its key.
const ENCRYPTION: &str = "BucketEncryption.ServerSideEncryptionConfiguration.0.\
                          ServerSideEncryptionByDefault.KMSMasterKeyID";

#[test]
fn data_messages_audit_and_backups_have_keys_of_their_own() {
    let graph = Graph::named("prod");
    let places = [
        ("Intake", "Inbox", ENCRYPTION),
        ("Intake", "Work", "KmsMasterKeyId"),
        ("Storage", "Results", "SSESpecification.KMSMasterKeyId"),
        ("Storage", "Control", "SSESpecification.KMSMasterKeyId"),
        ("Audit", "Trail", "KMSKeyId"),
        ("Backup", "Vault", "EncryptionKeyArn"),
        ("Network", "PrivateFlowLogGroup", "KmsKeyId"),
        ("Alarms", "People", "KmsMasterKeyId"),
    ];
    let keys: BTreeSet<Place> = places
        .iter()
        .map(|(stack, id, path)| {
            let place = ((*stack).to_owned(), (*id).to_owned());
            graph.target(stack, at(&graph.resources[&place], path)[0])
        })
        .collect();
    assert_eq!(keys.len(), places.len());
}

#[test]
fn no_role_both_looks_after_a_key_and_uses_it() {
    let graph = Graph::named("prod");
    for (role, _) in graph.all("AWS::IAM::Role") {
        for statement in graph.allowed(role) {
            for action in statement.actions() {
                let looks_after = [
                    "kms:PutKeyPolicy",
                    "kms:ScheduleKeyDeletion",
                    "kms:DisableKey",
                ];
                assert!(!looks_after.contains(&action), "{role:?} may {action}");
            }
        }
    }
}

#[test]
fn functions_share_no_role_and_make_no_log_group() {
    let graph = Graph::named("prod");
    let functions = graph.all("AWS::Lambda::Function");
    let (mut roles, mut groups) = (BTreeSet::new(), BTreeSet::new());
    for (place, function) in &functions {
        let role = graph.target(&place.0, &function["Properties"]["Role"]);
        for statement in graph.allowed(&role) {
            assert!(
                !statement.actions().contains(&"logs:CreateLogGroup"),
                "{place:?}"
            );
        }
        roles.insert(role);
        let group = &function["Properties"]["LoggingConfig"]["LogGroup"];
        groups.insert(graph.target(&place.0, group));
    }
    assert_eq!(roles.len(), functions.len());
    assert_eq!(groups.len(), functions.len());
}

#[test]
fn roles_have_policies_of_their_own_only() {
    let graph = Graph::named("prod");
    for (place, role) in graph.all("AWS::IAM::Role") {
        for policy in each(&role["Properties"]["ManagedPolicyArns"]) {
            let policy = graph.target(&place.0, policy);
            assert_eq!(graph.resources[&policy]["Type"], "AWS::IAM::ManagedPolicy");
        }
    }
}

#[test]
fn backups_cover_whatever_holds_charts_or_results() {
    let graph = Graph::named("prod");
    let (place, selection) = graph.all("AWS::Backup::BackupSelection")[0];
    let selected = &selection["Properties"]["BackupSelection"]["Resources"];
    let selected: BTreeSet<_> = graph.targets(&place.0, selected).into_iter().collect();
    let tables = graph.all("AWS::DynamoDB::Table");
    let buckets = graph
        .all("AWS::S3::Bucket")
        .into_iter()
        .filter(|(place, _)| {
            ["Intake", "Storage"].contains(&place.0.as_str()) && !place.1.contains("AccessLogs")
        });
    // What a caller fetches is in the results too, and how fast somebody asked is over in a minute.
    let passing = [("Storage", "Exports"), ("Api", "CallersPace")];
    for (place, _) in tables.into_iter().chain(buckets) {
        if passing.contains(&(place.0.as_str(), place.1.as_str())) {
            continue;
        }
        assert!(selected.contains(place), "{place:?} is in no backup");
    }
}

fn restores_are_tested(graph: &Graph) {
    let (place, selection) = graph.all("AWS::Backup::BackupSelection")[0];
    let selected = &selection["Properties"]["BackupSelection"]["Resources"];
    let is_table = |place: &Place| graph.resources[place]["Type"] == "AWS::DynamoDB::Table";
    let mut selected = graph.targets(&place.0, selected);
    selected.retain(is_table);
    let mut tested = Vec::new();
    for (place, selection) in graph.all("AWS::Backup::RestoreTestingSelection") {
        let properties = &selection["Properties"];
        let table = graph.target(&place.0, &properties["ProtectedResourceArns"]);
        let overrides = &properties["RestoreMetadataOverrides"];
        assert_eq!(overrides["encryptionType"], "KMS", "{place:?}");
        let own = &graph.resources[&table]["Properties"]["SSESpecification"]["KMSMasterKeyId"];
        let own = graph.target(&table.0, own);
        let used = graph.target(&place.0, &overrides["kmsMasterKeyArn"]);
        assert_eq!(used, own, "{place:?} is encrypted with another key");
        tested.push(table);
    }
    selected.sort();
    tested.sort();
    assert_eq!(tested, selected);
}

#[test]
fn restores_are_tested_of_each_table_that_is_backed_up() {
    let prod = Graph::named("prod");
    prod.must_fail(restores_are_tested, |graph| {
        graph.remove("Backup", "TestAudit");
    });
    prod.must_fail(restores_are_tested, |graph| {
        graph.at("Backup", "TestAudit")["RestoreMetadataOverrides"]["encryptionType"] =
            json!("Default");
    });
}

/// What a metric of a table or its index is of, and how it is called.
fn throttling(graph: &Graph) -> BTreeSet<(Place, Option<String>, String)> {
    let mut watched = BTreeSet::new();
    for (place, alarm) in graph.all("AWS::CloudWatch::Alarm") {
        let properties = &alarm["Properties"];
        let name = properties["MetricName"].as_str().unwrap_or_default();
        if !name.ends_with("ThrottleEvents") {
            continue;
        }
        assert!(!each(&properties["AlarmActions"]).is_empty(), "{place:?}");
        let dimensions = each(&properties["Dimensions"]);
        let of = |name: &str| {
            let mut found = dimensions.iter().filter(|one| one["Name"] == name);
            found.next().map(|one| &one["Value"])
        };
        let table = graph.target(&place.0, of("TableName").unwrap());
        let index = of("GlobalSecondaryIndexName").and_then(Value::as_str);
        watched.insert((table, index.map(str::to_owned), name.to_owned()));
    }
    watched
}

#[test]
fn a_table_that_refuses_requests_tells_a_person() {
    for graph in crate::graph::graphs() {
        let watched = throttling(&graph);
        for (table, resource) in graph.all("AWS::DynamoDB::Table") {
            let has = |index: Option<&str>, metric: &str| {
                let wanted = (table.clone(), index.map(str::to_owned), metric.to_owned());
                assert!(watched.contains(&wanted), "nobody hears of {wanted:?}");
            };
            has(None, "ReadThrottleEvents");
            has(None, "WriteThrottleEvents");
            for index in each(&resource["Properties"]["GlobalSecondaryIndexes"]) {
                has(index["IndexName"].as_str(), "WriteThrottleEvents");
            }
        }
    }
}

#[test]
fn each_tenant_has_a_key_that_no_caller_brings_and_a_quota() {
    let graph = Graph::named("prod");
    let (_, api) = graph.all("AWS::ApiGateway::RestApi")[0];
    assert_eq!(api["Properties"]["ApiKeySourceType"], "AUTHORIZER");
    for (place, method) in graph.all("AWS::ApiGateway::Method") {
        assert_eq!(method["Properties"]["ApiKeyRequired"], true, "{place:?}");
    }
    let (_, plan) = graph.all("AWS::ApiGateway::UsagePlan")[0];
    let quota = &plan["Properties"]["Quota"];
    let settings = &graph.environment.settings.api;
    assert_eq!(quota["Limit"], settings.requests_per_day);
    let (_, authorizer) = graph
        .all("AWS::Lambda::Function")
        .into_iter()
        .find(|(place, _)| place.1 == "Callers")
        .unwrap();
    let name = authorizer["Properties"]["Environment"]["Variables"]["API_NAME"]
        .as_str()
        .unwrap();
    let wanted = settings.tenants.iter();
    let wanted: BTreeSet<_> = wanted.map(|one| format!("{name}-{one}")).collect();
    let mut keys = BTreeSet::new();
    for (place, in_plan) in graph.all("AWS::ApiGateway::UsagePlanKey") {
        let key = graph.target(&place.0, &in_plan["Properties"]["KeyId"]);
        let value = &graph.resources[&key]["Properties"]["Value"];
        keys.insert(value.as_str().unwrap().to_owned());
    }
    assert_eq!(keys, wanted);
}

/// The executions that AWS leaves to functions without a reserve, and the quota that an
/// environment that reserves any has to have.
const UNRESERVED: u64 = 100;
const QUOTA: u64 = 200;

#[test]
fn what_is_reserved_leaves_room_and_is_never_nothing() {
    for graph in crate::graph::graphs() {
        let is_asked = graph.environment.settings.reserves_concurrency;
        let mut sum = 0;
        for (place, function) in graph.all("AWS::Lambda::Function") {
            let reserved = &function["Properties"]["ReservedConcurrentExecutions"];
            assert_eq!(
                reserved.as_u64().is_some_and(|some| some > 0),
                is_asked,
                "{place:?}"
            );
            sum += reserved.as_u64().unwrap_or_default();
        }
        assert!(sum + UNRESERVED <= QUOTA, "{sum} are reserved");
    }
}

/// Services of <https://aws.amazon.com/compliance/hipaa-eligible-services-reference/>, by the
/// names that resource types begin with, as the page was on 18 April 2022: a copy of it is
/// in awslabs/landing-zone-accelerator-on-aws, among the policies for healthcare.
const ELIGIBLE: [&str; 15] = [
    "ApiGateway",
    "Backup",
    "CloudTrail",
    "CloudWatch",
    "DynamoDB",
    "EC2",
    "Events",
    "KMS",
    "Lambda",
    "Logs",
    "S3",
    "SNS",
    "SQS",
    "SSM",
    "WAFv2",
];

/// Services that are not on the copy, and hold nothing of a patient: who may do what, and how
/// images are made, of programs and before any chart.
const WITHOUT_PATIENTS: [&str; 2] = ["IAM", "ImageBuilder"];

#[test]
fn every_service_is_one_that_a_baa_covers() {
    for (place, resource) in &Graph::named("prod").resources {
        let kind = resource["Type"].as_str().unwrap();
        let service = kind.split("::").nth(1).unwrap();
        let mut known = ELIGIBLE.iter().chain(&WITHOUT_PATIENTS);
        assert!(known.any(|one| *one == service), "{place:?} is a {kind}");
    }
}

#[test]
fn stacks_of_a_protected_environment_cannot_be_deleted_by_accident() {
    for environment in Environment::all().unwrap() {
        let manifest = format!("cdk.out/assembly-{}/manifest.json", environment.name);
        let manifest = fs::read_to_string(workspace().join(manifest)).unwrap();
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        let artifacts = manifest["artifacts"].as_object().unwrap().values();
        let stacks = artifacts.filter(|one| one["type"] == "aws:cloudformation:stack");
        let mut seen = 0;
        for stack in stacks {
            let is_protected = stack["properties"]["terminationProtection"] == true;
            assert_eq!(is_protected, environment.settings.deletion_protection);
            seen += 1;
        }
        assert!(seen >= 7);
    }
}

#[test]
fn production_names_its_region() {
    let prod = Environment::named("prod").unwrap();
    assert!(prod.settings.region.is_some());
}

/// Every text of a template but scripts and the list of what is to be masked, with its key.
fn texts(key: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => found.push((key.to_owned(), text.clone())),
        Value::Array(values) => values.iter().for_each(|value| texts(key, value, found)),
        Value::Object(entries) => {
            for (key, value) in entries {
                if key != "DataProtectionPolicy" {
                    found.push((key.clone(), key.clone()));
                    texts(key, value, found);
                }
            }
        }
        _ => (),
    }
}

/// Words that would speak of a person.
const OF_A_PERSON: [&str; 14] = [
    "patient",
    "mrn",
    "ssn",
    "dob",
    "birth",
    "birthdate",
    "surname",
    "firstname",
    "lastname",
    "insurance",
    "medicare",
    "medicaid",
    "phone",
    "diagnosis",
];

#[test]
fn nothing_is_named_after_a_person() {
    let mut looked_at = 0;
    for ((stack, id), resource) in &Graph::named("prod").resources {
        let mut found = vec![
            ("Stack".to_owned(), stack.clone()),
            ("Id".to_owned(), id.clone()),
        ];
        texts("", resource, &mut found);
        for (key, text) in found {
            // Scripts are long, and hold no names.
            if key.is_empty() || text.contains('\n') {
                continue;
            }
            let mut words = String::new();
            for letter in text.chars() {
                if letter.is_ascii_uppercase() {
                    words.push(' ');
                }
                words.push(letter.to_ascii_lowercase());
            }
            let mut words = words.split(|c: char| !c.is_ascii_alphanumeric());
            let word = words.find(|word| OF_A_PERSON.contains(word));
            assert!(word.is_none(), "{stack}/{id} says `{text}` in {key}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 1000);
}

#[test]
fn nothing_in_a_template_looks_like_a_secret() {
    let mut looked_at = 0;
    for (place, resource) in &Graph::named("prod").resources {
        let mut found = Vec::new();
        texts("", resource, &mut found);
        for (key, text) in found {
            assert!(!looks_secret(&text), "{place:?} holds a secret in {key}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 1000);
    assert!(looks_secret("export PASSWORD='correct-horse-battery'"));
    assert!(looks_secret("AKIAABCDEFGHIJKLMNOP"));
    assert!(looks_secret("-----BEGIN PRIVATE KEY-----"));
}

/// Whether a text has the shape of a credential: a key's head, an access key's id, or a
/// long value right after a name that says so.
fn looks_secret(text: &str) -> bool {
    let is_access_key = |word: &str| {
        word.len() == 20
            && (word.starts_with("AKIA") || word.starts_with("ASIA"))
            && word
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    let lower = text.to_lowercase();
    let mut names = ["password=", "secret=", "token=", "passwd="].iter();
    text.contains("-----BEGIN ")
        || text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(is_access_key)
        || names.any(|name| {
            lower.match_indices(name).any(|(at, _)| {
                let value = lower[at + name.len()..].trim_start_matches(['\'', '"']);
                let length = value
                    .find(|c: char| !c.is_ascii_alphanumeric() && !"+/-_".contains(c))
                    .unwrap_or(value.len());
                length >= 12
            })
        })
}
