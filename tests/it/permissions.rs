//! May anybody do more than its work takes?

use serde_json::{Value, json};

use crate::graph::{Graph, Statement, each, graphs};

/// The actions that may be allowed on everything, each with the reason why no resource is
/// named.
const WITHOUT_RESOURCE: [(&str, &str); 24] = [
    ("ec2:AssignPrivateIpAddresses", JOINS),
    ("ec2:CreateNetworkInterface", JOINS),
    ("ec2:DeleteNetworkInterface", JOINS),
    ("ec2:DescribeNetworkInterfaces", JOINS),
    ("ec2:DescribeSubnets", JOINS),
    ("ec2:UnassignPrivateIpAddresses", JOINS),
    (
        "ec2:DescribeInstances",
        "EC2 describes all instances or none",
    ),
    ("ec2:DescribeImages", IMAGES),
    ("tag:GetResources", IMAGES),
    ("logs:DescribeLogGroups", FLOW_LOGS),
    ("logs:DescribeLogStreams", FLOW_LOGS),
    ("cloudwatch:GetMetricData", BACKUPS),
    ("events:ListRules", BACKUPS),
    ("s3:ListAllMyBuckets", BACKUPS),
    ("ec2messages:AcknowledgeMessage", AGENT),
    ("ec2messages:DeleteMessage", AGENT),
    ("ec2messages:FailMessage", AGENT),
    ("ec2messages:GetEndpoint", AGENT),
    ("ec2messages:GetMessages", AGENT),
    ("ec2messages:SendReply", AGENT),
    ("ssmmessages:CreateControlChannel", AGENT),
    ("ssmmessages:CreateDataChannel", AGENT),
    ("ssmmessages:OpenControlChannel", AGENT),
    ("ssmmessages:OpenDataChannel", AGENT),
];
const AGENT: &str = "Image Builder works by the agent of Systems Manager, whose messages are \
     about no resource, says \
     https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmessagedeliveryservice.html";
const IMAGES: &str = "Image Builder looks for what EC2 has of an image that it deletes, says \
     https://docs.aws.amazon.com/aws-managed-policy/latest/reference/EC2ImageBuilderLifecycleExecutionPolicy.html";
const JOINS: &str = "Lambda joins a function to its network with the function's role, says \
     https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html; the program itself is \
     denied it";
const FLOW_LOGS: &str =
    "https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html has it just so";
const BACKUPS: &str =
    "https://docs.aws.amazon.com/aws-backup/latest/devguide/s3-backups.html has it for buckets";

/// The services that assume a role without telling for whom, as far as AWS documents.
const WITHOUT_SOURCE: [&str; 6] = [
    "apigateway.amazonaws.com",
    "backup.amazonaws.com",
    "cloudtrail.amazonaws.com",
    "ec2.amazonaws.com",
    "imagebuilder.amazonaws.com",
    "lambda.amazonaws.com",
];

#[test]
fn no_role_may_do_everything_and_few_actions_name_no_resource() {
    let mut seen = Vec::new();
    for graph in graphs() {
        for (place, statement) in graph.statements("AWS::IAM::ManagedPolicy", "PolicyDocument") {
            for action in statement.actions() {
                assert!(!action.contains('*'), "{place:?} allows {action}");
                let is_everywhere = statement.resources().iter().any(|on| *on == "*");
                if statement.is_allow() && is_everywhere {
                    let known = WITHOUT_RESOURCE.iter().find(|(known, _)| *known == action);
                    let (known, _) =
                        known.unwrap_or_else(|| panic!("{place:?} allows {action} on everything"));
                    seen.push(*known);
                }
            }
        }
        for (place, role) in graph.all("AWS::IAM::Role") {
            assert!(role["Properties"]["Policies"].is_null(), "{place:?}");
        }
        assert!(graph.any("AWS::IAM::User").is_empty());
        assert!(graph.any("AWS::IAM::Policy").is_empty());
    }
    for (action, _) in WITHOUT_RESOURCE {
        assert!(seen.contains(&action), "nobody needs {action} any more");
    }
}

/// Every property that holds a policy, by the type that has it.
const POLICIES: [(&str, &str); 9] = [
    ("AWS::ApiGateway::RestApi", "Policy"),
    ("AWS::EC2::VPCEndpoint", "PolicyDocument"),
    ("AWS::IAM::ManagedPolicy", "PolicyDocument"),
    ("AWS::IAM::Role", "AssumeRolePolicyDocument"),
    ("AWS::KMS::Key", "KeyPolicy"),
    ("AWS::Logs::ResourcePolicy", "PolicyDocument"),
    ("AWS::S3::BucketPolicy", "PolicyDocument"),
    ("AWS::SNS::TopicPolicy", "PolicyDocument"),
    ("AWS::SQS::QueuePolicy", "PolicyDocument"),
];

fn nothing_by_exception(graph: &Graph) {
    let mut statements = 0;
    for (kind, property) in POLICIES {
        for (place, statement) in graph.statements(kind, property) {
            statements += 1;
            if !statement.is_allow() {
                continue;
            }
            for exception in ["NotAction", "NotResource", "NotPrincipal"] {
                assert!(statement.0[exception].is_null(), "{place:?}: {exception}");
            }
            for action in statement.actions() {
                assert!(
                    !action.ends_with(":*") && action != "*",
                    "{place:?}: {action}"
                );
            }
            let everyone = each(&statement.0["Principal"]["AWS"]);
            if is_public_package(kind, statement) {
                continue;
            }
            if everyone.iter().any(|who| *who == "*") || statement.0["Principal"] == "*" {
                // An endpoint cannot name roles, and a key no role that EC2 makes for itself
                // later: they ask who it is.
                let account = match kind {
                    "AWS::EC2::VPCEndpoint" => "aws:PrincipalAccount",
                    "AWS::KMS::Key" => "kms:CallerAccount",
                    _ => panic!("{place:?} lets everyone in"),
                };
                let account = statement.condition(account);
                assert_eq!(account.unwrap()["Ref"], "AWS::AccountId", "{place:?}");
            }
        }
    }
    assert!(statements > 100, "{statements} statements were looked at");
}

/// The buckets of AWS's own that everybody may read: packages of Amazon Linux, and what
/// Image Builder sets its agent up with.
const PUBLIC: [&str; 4] = [
    ":s3:::al2023-repos-",
    ":s3:::amazon-ssm-",
    ":s3:::ec2imagebuilder-managed-resources-",
    ":s3:::ec2imagebuilder-toe-",
];

/// Whether an endpoint passes reads of such a bucket, which nobody signs, and nothing else.
fn is_public_package(kind: &str, statement: Statement<'_>) -> bool {
    let resources = statement.resources();
    kind == "AWS::EC2::VPCEndpoint"
        && statement.actions() == ["s3:GetObject"]
        && !resources.is_empty()
        && resources.iter().all(|on| {
            let bucket = on["Fn::Join"][1][2].as_str();
            bucket.is_some_and(|bucket| PUBLIC.contains(&bucket))
        })
}

fn trust_is_narrow(graph: &Graph) {
    for (place, trust) in graph.statements("AWS::IAM::Role", "AssumeRolePolicyDocument") {
        let principal = &trust.0["Principal"];
        if let Some(service) = principal["Service"].as_str() {
            let source = trust.condition("aws:SourceAccount");
            assert_eq!(
                source.is_none(),
                WITHOUT_SOURCE.contains(&service),
                "{place:?} trusts {service}"
            );
        } else {
            assert_eq!(place.1, "Emergency");
            let factor = trust.condition("aws:MultiFactorAuthPresent");
            assert_eq!(factor.unwrap(), "true");
            assert!(trust.condition("aws:PrincipalArn").is_some());
        }
    }
    // What a service does with a key, a queue, a topic or a bucket is for this account.
    for (kind, property) in &POLICIES[4..] {
        for (place, statement) in graph.statements(kind, property) {
            let service = &statement.0["Principal"]["Service"];
            if statement.is_allow() && !service.is_null() {
                assert!(has_source(statement), "{place:?} lets {service} in");
            }
        }
    }
}

/// Whether a service says for whom it acts: an account, a source, or what it encrypts.
fn has_source(statement: Statement<'_>) -> bool {
    let keys = ["aws:SourceAccount", "aws:SourceArn", "kms:CallerAccount"];
    let encrypted = statement.0["Condition"].to_string();
    keys.iter().any(|key| statement.condition(key).is_some())
        || encrypted.contains("kms:EncryptionContext:")
}

#[test]
fn roles_have_the_boundary_that_the_environment_names() {
    let mut bounded = 0;
    for graph in graphs() {
        let wanted = &graph.environment.settings.permissions_boundary;
        for (place, role) in graph.all("AWS::IAM::Role") {
            let boundary = &role["Properties"]["PermissionsBoundary"];
            match wanted {
                None => assert!(boundary.is_null(), "{place:?}"),
                Some(name) => {
                    let text = boundary.to_string();
                    assert!(
                        text.contains(&format!(":policy/{name}")),
                        "{place:?}: {text}"
                    );
                    bounded += 1;
                }
            }
        }
    }
    assert!(bounded > 10);
}

fn machines_are_those_of_the_pipeline(graph: &Graph) {
    let pipeline = lightsout_stacks::pipeline(&graph.environment);
    let tag = "aws:ResourceTag/lightsout:pipeline";
    let (mut starts, mut ends, mut passes, mut closes) = (0, 0, 0, 0);
    for (place, statement) in graph.statements("AWS::IAM::ManagedPolicy", "PolicyDocument") {
        let does = |action| statement.is_allow() && statement.actions().contains(&action);
        if does("ec2:TerminateInstances") {
            ends += 1;
            assert_eq!(statement.condition(tag).unwrap(), &pipeline, "{place:?}");
            assert_eq!(statement.actions().len(), 1, "{place:?}");
        }
        if does("ec2:RunInstances") {
            starts += 1;
            let template = statement.condition("ec2:LaunchTemplate").unwrap();
            let template = graph.target(&place.0, template);
            let kind = &graph.resources[&template]["Type"];
            assert_eq!(kind, "AWS::EC2::LaunchTemplate", "{place:?}");
            let only = match place.1.as_str() {
                "LauncherRolePolicy" => "Master",
                "MasterRolePolicy" => "Worker",
                _ => panic!("{place:?} starts machines"),
            };
            assert_eq!(template.1, only, "{place:?}");
            let starts_instances = statement
                .resources()
                .iter()
                .any(|on| on.to_string().contains(":instance/*"));
            if starts_instances {
                let asked = statement.condition("aws:RequestTag/lightsout:pipeline");
                assert_eq!(asked.unwrap(), &pipeline, "{place:?}");
                assert!(statement.condition("ec2:InstanceType").is_some());
            }
            // Zone and market are not the template's to say. Image, disks and groups are, and no
            // call can name others.
            let is_of_template = statement
                .condition("ec2:IsLaunchTemplateResource")
                .is_some();
            for on in statement.resources() {
                let is_free = [
                    ":network-interface/",
                    ":subnet/",
                    ":spot-instances-request/",
                ]
                .iter()
                .any(|part| on.to_string().contains(part));
                assert!(
                    is_of_template || is_free,
                    "{place:?} starts {on} of any kind"
                );
            }
        }
        let denies = |action| !statement.is_allow() && statement.actions().contains(&action);
        if denies("ec2:RunInstances") {
            let public = statement.condition("ec2:AssociatePublicIpAddress").unwrap();
            assert_eq!(public, "true", "{place:?}");
            closes += 1;
        }
        if does("ec2:CreateTags") {
            let when = statement.condition("ec2:CreateAction").unwrap();
            assert_eq!(when, "RunInstances", "{place:?}");
        }
        if does("iam:PassRole") {
            passes += 1;
            let to = statement.condition("iam:PassedToService").unwrap();
            assert_eq!(to, "ec2.amazonaws.com", "{place:?}");
            for role in statement.resources() {
                let role = graph.target(&place.0, role);
                assert_eq!(graph.resources[&role]["Type"], "AWS::IAM::Role");
            }
        }
        if does("kms:CreateGrant") {
            let grant = statement.condition("kms:GrantIsForAWSResource");
            assert_eq!(grant.unwrap(), &Value::from("true"), "{place:?}");
        }
    }
    // The launcher starts masters, a master workers; a master ends both, and the reaper.
    assert_eq!(
        closes, 2,
        "who starts machines may not give them public addresses"
    );
    assert!(
        starts >= 2 && ends >= 3 && passes == 2,
        "{starts} {ends} {passes}"
    );
}

#[test]
fn nothing_is_allowed_by_exception_or_to_everyone() {
    graphs().iter().for_each(nothing_by_exception);
}

#[test]
fn services_are_trusted_for_this_account_and_people_with_a_second_factor() {
    graphs().iter().for_each(trust_is_narrow);
}

#[test]
fn machines_are_started_from_their_template_and_ended_by_their_tags_only() {
    graphs().iter().for_each(machines_are_those_of_the_pipeline);
}

#[test]
fn planted_permissions_are_found() {
    let prod = Graph::named("prod");
    let plant =
        |stack: &'static str, id: &'static str, property: &'static str, statement: Value| {
            move |graph: &mut Graph| {
                let statements = graph.at(stack, id)[property]["Statement"].as_array_mut();
                statements.unwrap().push(statement.clone());
            }
        };
    let allow = |action: &str| json!({"Effect": "Allow", "Action": [action], "Resource": "*"});
    let policy = |statement| plant("Fleet", "ReaperRolePolicy", "PolicyDocument", statement);
    prod.must_fail(nothing_by_exception, policy(allow("s3:*")));
    prod.must_fail(
        nothing_by_exception,
        policy(json!({"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"})),
    );
    let mut public = allow("sqs:SendMessage");
    public["Principal"] = json!({"AWS": "*"});
    prod.must_fail(
        nothing_by_exception,
        plant("Intake", "WorkPolicy", "PolicyDocument", public),
    );
    let mut unsourced = allow("sns:Publish");
    unsourced["Principal"] = json!({"Service": "cloudwatch.amazonaws.com"});
    prod.must_fail(
        trust_is_narrow,
        plant("Alarms", "PeoplePolicy", "PolicyDocument", unsourced),
    );
    for action in ["ec2:TerminateInstances", "ec2:RunInstances", "iam:PassRole"] {
        prod.must_fail(machines_are_those_of_the_pipeline, policy(allow(action)));
    }
}
