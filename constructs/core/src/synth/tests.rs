use proptest::prelude::*;
use serde_json::json;

use crate::{
    App, Asset, AssetContents, Check, Construct, DeletionPolicy, Finding, Parameter, Problem,
    ProblemKind, Pseudo, Ref, Resource, Resources, Scope, StackArtifact, Stage, Tag, Tree,
    availability_zones, base64, cidr,
    fixtures::{Alarm, Bucket, Key, Queue, SecurityGroup, dev},
    join, select, split,
};

fn problems(app: &App) -> Vec<Problem> {
    app.synth().expect_err("the app has problems").problems
}

fn kinds(app: &App) -> Vec<ProblemKind> {
    problems(app).iter().map(|problem| problem.kind).collect()
}

fn launcher() -> Asset {
    Asset {
        id: "Launcher".to_owned(),
        contents: AssetContents::Binary {
            package: "lightsout-launcher".to_owned(),
            binary: "launcher".to_owned(),
            name: "bootstrap".to_owned(),
        },
    }
}

struct Coding;

impl Construct for Coding {
    type Handle = (Ref<Queue>, Ref<Queue>);

    fn build(self, scope: &mut Scope<'_>) -> Self::Handle {
        let failed = scope.add("Failed", Queue::new());
        let policy = Tree::object([
            ("deadLetterTargetArn", failed.get(Queue::ARN).into()),
            ("maxReceiveCount", 3.into()),
        ]);
        let jobs = scope.add("Jobs", Queue::new().redrive_policy(policy));
        (jobs, failed)
    }
}

#[test]
fn a_template_reads_as_its_author_wrote_it() {
    let mut app = dev();
    let mut stack = app.stack("Pipeline");
    stack.describe("Codes charts");
    let (jobs, failed) = stack.add("Coding", Coding);
    let image = stack.parameter(
        "Image",
        Parameter::new()
            .default("ami-1")
            .description("Host image")
            .no_echo(),
    );
    stack.output("Jobs", jobs.reference(), "Where to send jobs");
    stack.output("Image", image, "");
    stack.depends_on(failed.id(), jobs.id());
    stack.retain(failed.id());
    stack.deletion_policy(jobs.id(), DeletionPolicy::RetainExceptOnCreate);
    stack.metadata(jobs.id(), "Purpose", "work that waits");
    // Two that need each other are refused, so this one is undone.
    app.resources[failed.id().index as usize].depends_on.clear();
    let assembly = app.synth().unwrap();
    assert_eq!(
        assembly.stack("Pipeline").unwrap().template(),
        r#"{
  "AWSTemplateFormatVersion": "2010-09-09",
  "Description": "Codes charts",
  "Parameters": {
    "Image": {
      "Type": "String",
      "Default": "ami-1",
      "Description": "Host image",
      "NoEcho": true
    }
  },
  "Resources": {
    "CodingFailed": {
      "Type": "AWS::SQS::Queue",
      "DeletionPolicy": "Retain",
      "UpdateReplacePolicy": "Retain"
    },
    "CodingJobs": {
      "Type": "AWS::SQS::Queue",
      "Properties": {
        "RedrivePolicy": {
          "deadLetterTargetArn": {
            "Fn::GetAtt": [
              "CodingFailed",
              "Arn"
            ]
          },
          "maxReceiveCount": 3
        }
      },
      "DeletionPolicy": "RetainExceptOnCreate",
      "Metadata": {
        "Purpose": "work that waits"
      }
    }
  },
  "Outputs": {
    "Jobs": {
      "Description": "Where to send jobs",
      "Value": {
        "Ref": "CodingJobs"
      }
    },
    "Image": {
      "Value": {
        "Ref": "Image"
      }
    }
  }
}
"#
    );
}

#[test]
fn every_token_is_written_as_its_intrinsic_function() {
    let mut app = dev();
    let mut stack = app.stack("Pipeline");
    let jobs = stack.add("Jobs", Queue::new());
    let arn = jobs.get(Queue::ARN);
    let cases: Vec<(Tree, serde_json::Value)> = vec![
        (
            join!["https://", &arn, "/", 7].into(),
            json!({"Fn::Join": ["", ["https://", {"Fn::GetAtt": ["Jobs", "Arn"]}, "/7"]]}),
        ),
        (
            base64(join!["#!", Pseudo::Region]).into(),
            json!({"Fn::Base64": {"Fn::Join": ["", ["#!", {"Ref": "AWS::Region"}]]}}),
        ),
        (
            base64("#!/bin/sh").into(),
            json!({"Fn::Base64": "#!/bin/sh"}),
        ),
        (
            select(1, availability_zones()).into(),
            json!({"Fn::Select": [1, {"Fn::GetAZs": {"Ref": "AWS::Region"}}]}),
        ),
        (
            select(0, cidr("10.0.0.0/16", 4, 8)).into(),
            json!({"Fn::Select": [0, {"Fn::Cidr": ["10.0.0.0/16", 4, 8]}]}),
        ),
        (
            select(5, split(":", arn)).into(),
            json!({"Fn::Select": [5, {"Fn::Split": [":", {"Fn::GetAtt": ["Jobs", "Arn"]}]}]}),
        ),
        (Pseudo::NoValue.into(), json!({"Ref": "AWS::NoValue"})),
    ];
    for (index, (tree, _)) in cases.iter().enumerate() {
        stack.add(
            &format!("Case{index}"),
            Queue::new().queue_name(tree.clone()),
        );
    }
    let assembly = app.synth().unwrap();
    let template = assembly.template("Pipeline");
    for (index, (_, expected)) in cases.iter().enumerate() {
        let found =
            &template.json()["Resources"][format!("Case{index}")]["Properties"]["QueueName"];
        assert_eq!(found, expected);
    }
}

#[test]
fn a_value_of_another_stack_is_exported_there_and_imported_here() {
    let mut app = dev();
    // The user is opened first, and yet deployed last.
    app.stack("Pipeline");
    let key = app.stack("Storage").add("Key", Key::new());
    for id in ["Jobs", "Failed"] {
        app.stack("Pipeline")
            .add(id, Queue::new().kms_master_key_id(key.get(Key::ARN)));
    }
    app.stack("Pipeline").output("Key", key.reference(), "");
    let assembly = app.synth().unwrap();
    let names: Vec<&str> = assembly.stacks().iter().map(StackArtifact::name).collect();
    assert_eq!(names, ["Storage", "Pipeline"]);
    assert_eq!(assembly.stacks()[1].dependencies(), ["Storage"]);
    assert!(assembly.stacks()[0].dependencies().is_empty());
    assert_eq!(
        assembly.template("Storage").json()["Outputs"],
        json!({
            "ExportKeyArn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}, "Export": {"Name": "lightsout-dev-storage:KeyArn"}},
            "ExportKeyRef": {"Value": {"Ref": "Key"}, "Export": {"Name": "lightsout-dev-storage:KeyRef"}},
        })
    );
    let pipeline = assembly.template("Pipeline");
    pipeline.has(Queue::new().kms_master_key_id(key.get(Key::ARN)));
    assert_eq!(
        pipeline.json()["Resources"]["Jobs"]["Properties"]["KmsMasterKeyId"],
        json!({"Fn::ImportValue": "lightsout-dev-storage:KeyArn"})
    );
    assert_eq!(
        pipeline.has_output("Key"),
        &json!({"Fn::ImportValue": "lightsout-dev-storage:KeyRef"})
    );
}

#[test]
fn a_dependency_across_stacks_orders_the_stacks() {
    let mut app = dev();
    let late = app.stack("Late").add("Jobs", Queue::new());
    let early = app.stack("Early").add("Jobs", Queue::new());
    app.stack("Late").depends_on(late.id(), early.id());
    let assembly = app.synth().unwrap();
    assert_eq!(assembly.stacks()[0].name(), "Early");
    assert!(!assembly.stacks()[1].template().contains("DependsOn"));
}

#[test]
fn a_cycle_of_stacks_names_every_property_and_line() {
    let mut app = dev();
    let first = app.stack("A").add("Key", Key::new());
    let second = app
        .stack("B")
        .add("Jobs", Queue::new().queue_name(first.reference()));
    let third = app
        .stack("C")
        .add("Jobs", Queue::new().queue_name(second.get(Queue::ARN)));
    let mut stack = app.stack("A");
    let back = Queue::new().kms_master_key_id(third.reference());
    let line = line!() + 1;
    stack.add("Back", back);
    let problems = problems(&app);
    assert_eq!(problems.len(), 1);
    let cycle = &problems[0];
    assert_eq!(cycle.kind, ProblemKind::Cycle);
    assert_eq!(
        (cycle.path.as_str(), cycle.property.as_deref()),
        ("A/Back", Some("KmsMasterKeyId"))
    );
    for part in [
        "stacks `A`, `C`, `B` need each other",
        "`A/Back` takes `C/Jobs` in `KmsMasterKeyId` at",
        "`C/Jobs` takes `B/Jobs.Arn` in `QueueName` at",
        "`B/Jobs` takes `A/Key` in `QueueName` at",
        &format!("synth/tests.rs:{line}"),
    ] {
        assert!(cycle.to_string().contains(part), "{part} is not in {cycle}");
    }
}

#[test]
fn a_cycle_within_a_stack_is_found_before_cloudformation_finds_it() {
    let mut app = dev();
    let mut stack = app.stack("Pipeline");
    let first = stack.add("First", Queue::new());
    let second = stack.add("Second", Queue::new().queue_name(first.reference()));
    stack.depends_on(first.id(), second.id());
    let problems = problems(&app);
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0]
            .message
            .contains("resources `Pipeline/First`, `Pipeline/Second` need each other")
    );
    assert!(
        problems[0]
            .message
            .contains("`Pipeline/First` takes `Pipeline/Second` in `DependsOn`")
    );
}

struct QueuesAreEncrypted;

impl Check for QueuesAreEncrypted {
    fn rule(&self) -> &'static str {
        "queues-are-encrypted"
    }

    fn check(&self, resource: &Resource, _all: &Resources<'_>) -> Vec<Finding> {
        if resource.is::<Queue>() && resource.get("KmsMasterKeyId").is_none() {
            vec![Finding::new("pass a KMS key").at("KmsMasterKeyId")]
        } else {
            Vec::new()
        }
    }
}

#[test]
fn problems_are_reported_together() {
    let mut app = dev();
    app.check(QueuesAreEncrypted);
    let mut stack = app.stack("Pipeline");
    stack.add("Late", Alarm::new().evaluation_periods(3));
    stack.add("Jobs", Queue::new().kms_master_key_id("alias/k"));
    let line = line!() + 1;
    stack.add("Jobs", Queue::new());
    stack.add("", Queue::new().kms_master_key_id("alias/k"));
    stack.add("a/b", Queue::new().kms_master_key_id("alias/k"));
    stack.add(
        "Wall",
        SecurityGroup::new().group_description("Hosts – workers"),
    );
    let error = app.synth().unwrap_err();
    let kinds: Vec<ProblemKind> = error.problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(
        kinds,
        [
            ProblemKind::InvalidId,
            ProblemKind::DuplicateId,
            ProblemKind::Rule("queues-are-encrypted"),
            ProblemKind::MissingProperty,
            // An alarm watches one metric, or math over several.
            ProblemKind::MissingProperty,
            ProblemKind::NonAscii,
            ProblemKind::InvalidId,
        ]
    );
    let text = error.to_string();
    for part in [
        "cannot synthesize: 7 problems\n  `Pipeline/` has an empty id",
        &format!(
            "  `Pipeline/Jobs` (AWS::SQS::Queue) breaks `queues-are-encrypted`\n    in `KmsMasterKeyId`\n    at {}:{line}\n    hint: pass a KMS key",
            file!()
        ),
        "`Pipeline/Jobs` is defined twice, first at",
        "`Pipeline/Late` (AWS::CloudWatch::Alarm) needs `ComparisonOperator`",
        "`Pipeline/Wall` (AWS::EC2::SecurityGroup) has `–` in `GroupDescription`",
        "`Pipeline/a/b` has an id with `/` in it",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    let rule = &error.problems[2];
    assert_eq!(rule.property.as_deref(), Some("KmsMasterKeyId"));
    assert_eq!(rule.type_name, Some("AWS::SQS::Queue"));
}

#[test]
fn logical_ids_are_checked_not_paths() {
    struct Nest(&'static str);
    impl Construct for Nest {
        type Handle = ();
        fn build(self, scope: &mut Scope<'_>) {
            scope.add(self.0, Queue::new());
        }
    }
    let mut app = dev();
    app.stack("Pipeline").add("A", Nest("BC"));
    app.stack("Pipeline").add("AB", Nest("C"));
    // The same name in another stack is another name.
    app.stack("Storage").add("ABC", Queue::new());
    let problems = problems(&app);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].kind, ProblemKind::LogicalIdCollision);
    assert!(
        problems[0]
            .message
            .starts_with("`Pipeline/AB/C` and `Pipeline/A/BC` at ")
    );

    let mut app = dev();
    app.stack("Pipeline").add(&"x".repeat(255), Queue::new());
    assert!(app.synth().is_ok());
    app.stack("Pipeline").add(&"x".repeat(256), Queue::new());
    assert_eq!(kinds(&app), [ProblemKind::InvalidId]);

    let mut app = dev();
    app.stack("Pipeline").add("é", Queue::new());
    assert_eq!(kinds(&app), [ProblemKind::InvalidId]);
}

#[test]
fn a_resource_needs_an_id_of_its_own() {
    let mut app = dev();
    Queue::new().build(&mut app.stack("Pipeline"));
    assert_eq!(kinds(&app), [ProblemKind::InvalidId]);
}

#[test]
fn parameters_and_outputs_have_names_of_their_own() {
    let mut app = dev();
    let mut stack = app.stack("Pipeline");
    stack.add("Jobs", Queue::new());
    stack.output("Jobs", "text", "");
    assert!(stack.app.synth().is_ok());
    stack.parameter("J-o-b-s", Parameter::new());
    stack.output("J-obs", "text", "");
    assert_eq!(
        kinds(&app),
        [
            ProblemKind::LogicalIdCollision,
            ProblemKind::LogicalIdCollision
        ]
    );
}

#[test]
fn a_reference_into_another_app_is_refused_everywhere() {
    let mut other = dev();
    let key = other.stack("Storage").add("Key", Key::new());
    let image = other.stack("Storage").parameter("Image", Parameter::new());
    let asset = other.stack("Storage").asset(launcher());
    let mut app = dev();
    let mut stack = app.stack("Storage");
    let jobs = stack.add(
        "Jobs",
        Queue::new().kms_master_key_id(join!["x", key.get(Key::ARN)]),
    );
    stack.output("Image", image, "");
    stack.output("Code", asset.key(), "");
    stack.depends_on(jobs.id(), key.id());
    stack.retain(key.id());
    assert_eq!(kinds(&app), [ProblemKind::ForeignReference; 5]);
}

#[test]
fn names_that_aws_refuses_are_refused() {
    let mut app = App::new("lights out", Stage::new("1"));
    app.stack("Größe").add("Jobs", Queue::new());
    app.stack(&"x".repeat(120)).add("Jobs", Queue::new());
    assert_eq!(kinds(&app), [ProblemKind::InvalidId; 4]);

    let mut app = dev();
    app.stack("ChartIntake").add("Jobs", Queue::new());
    app.stack("chart-intake").add("Jobs", Queue::new());
    assert_eq!(kinds(&app), [ProblemKind::DuplicateId]);
}

#[test]
fn limits_of_cloudformation_are_kept() {
    let mut app = dev();
    for index in 0..501 {
        app.stack("Many").add(&format!("Jobs{index}"), Queue::new());
    }
    app.stack("Empty");
    let mut full = app.stack("Full");
    for index in 0..201 {
        full.parameter(&format!("P{index}"), Parameter::new());
        full.output(&format!("O{index}"), "text", "");
    }
    full.add("Jobs", Queue::new());
    app.stack("Large")
        .add("Jobs", Queue::new().queue_name("x".repeat(1_000_000)));
    let problems: Vec<(String, Option<String>)> = problems(&app)
        .into_iter()
        .map(|problem| (problem.message, problem.found))
        .collect();
    let wanted = [
        ("`Empty` has no resources", ""),
        ("`Full` has more parameters", "201"),
        ("`Full` has more outputs", "201"),
        ("`Large` gives a larger template", "1000"),
        ("`Many` has more resources", "501"),
    ];
    assert_eq!(problems.len(), wanted.len(), "{problems:#?}");
    for ((message, found), (start, count)) in problems.iter().zip(wanted) {
        assert!(message.starts_with(start), "{message}");
        assert!(found.as_deref().unwrap_or_default().starts_with(count));
    }
}

#[test]
fn gathered_statements_come_in_order_and_once() {
    let mut app = dev();
    let mut stack = app.stack("Storage");
    let key = stack.add(
        "Key",
        Key::new().key_policy(json!({"Version": "2012-10-17", "Statement": [{"Sid": "Root"}]})),
    );
    let bare = stack.add("Bare", Key::new());
    let single = stack.add(
        "Single",
        Key::new().key_policy(json!({"Statement": {"Sid": "Root"}})),
    );
    for sid in ["Logs", "Queues", "Logs", "Root"] {
        for key in [key, bare, single] {
            stack.gather(key.id(), "KeyPolicy.Statement", json!({"Sid": sid}));
        }
    }
    let assembly = app.synth().unwrap();
    let policy = |id: &str| {
        assembly.template("Storage").json()["Resources"][id]["Properties"]["KeyPolicy"].clone()
    };
    assert_eq!(
        policy("Key"),
        json!({"Version": "2012-10-17", "Statement": [{"Sid": "Root"}, {"Sid": "Logs"}, {"Sid": "Queues"}]})
    );
    assert_eq!(
        policy("Bare"),
        json!({"Statement": [{"Sid": "Logs"}, {"Sid": "Queues"}, {"Sid": "Root"}]})
    );
    assert_eq!(
        policy("Single"),
        json!({"Statement": [{"Sid": "Root"}, {"Sid": "Logs"}, {"Sid": "Queues"}]})
    );
}

#[test]
fn what_is_no_list_cannot_gather() {
    let mut app = dev();
    let mut stack = app.stack("Storage");
    let key = stack.add("Key", Key::new().key_policy("text"));
    stack.gather(key.id(), "KeyPolicy.Statement", json!({}));
    stack.gather(key.id(), "KeyPolicy", json!({}));
    assert_eq!(kinds(&app), [ProblemKind::Gather, ProblemKind::Gather]);
}

#[test]
fn an_amendment_adds_tags_where_they_are_missing() {
    let mut app = dev();
    app.amend(Tag::new("Project", "lightsout"));
    app.amend(Tag::new("Stage", "dev"));
    let own = Tree::object([("Key", "Project".into()), ("Value", "own".into())]);
    let mut stack = app.stack("Pipeline");
    stack.add("Jobs", Queue::new().tags(vec![own]));
    stack.add("Key", Key::new());
    let first = app.synth().unwrap();
    let template = first.template("Pipeline");
    assert_eq!(
        template.json()["Resources"]["Jobs"]["Properties"]["Tags"],
        json!([{"Key": "Project", "Value": "own"}, {"Key": "Stage", "Value": "dev"}])
    );
    assert!(
        template.json()["Resources"]["Key"]
            .get("Properties")
            .is_none()
    );
    assert_eq!(app.synth().unwrap(), first);
}

#[test]
fn an_asset_is_one_parameter_of_each_stack_that_uses_it() {
    let mut app = dev();
    app.stack("Api").add("Unrelated", Queue::new());
    let asset = app.stack("Intake").asset(launcher());
    assert_eq!(app.stack("Api").asset(launcher()), asset);
    for stack in ["Intake", "Pipeline"] {
        app.stack(stack).add(
            "Code",
            Queue::new()
                .queue_name(asset.key())
                .kms_master_key_id(asset.hash()),
        );
    }
    let bucket = app.stack("Storage").add("Assets", Bucket::new());
    app.asset_store("Storage", bucket.id());
    let assembly = app.synth().unwrap();

    let names: Vec<&str> = assembly.stacks().iter().map(StackArtifact::name).collect();
    assert_eq!(names, ["Storage", "Api", "Intake", "Pipeline"]);
    assert_eq!(assembly.assets(), [launcher()]);
    let store = assembly.asset_store().unwrap();
    assert_eq!(
        (store.stack.as_str(), store.bucket.as_str()),
        ("Storage", "Assets")
    );
    assert_eq!(
        assembly.template("Storage").has_output(&store.output),
        &json!({"Ref": "Assets"})
    );

    let intake = assembly.stack("Intake").unwrap();
    assert_eq!(intake.dependencies(), ["Storage"]);
    assert_eq!(intake.parameters().len(), 1);
    assert_eq!(intake.parameters()[0].name, "LauncherAsset");
    assert_eq!(intake.parameters()[0].asset.as_deref(), Some("Launcher"));
    assert!(assembly.stack("Api").unwrap().parameters().is_empty());
    assert_eq!(
        intake.template_json()["Resources"]["Code"]["Properties"]["QueueName"],
        json!({"Fn::Join": ["", ["assets/", {"Ref": "LauncherAsset"}, ".zip"]]})
    );
}

#[test]
fn an_asset_that_cannot_be_uploaded_is_refused() {
    let mut app = dev();
    let asset = app.stack("Storage").asset(launcher());
    let code = Queue::new().queue_name(asset.key());
    app.stack("Storage").add("Code", code.clone());
    assert_eq!(kinds(&app), [ProblemKind::Asset]);

    let bucket = app.stack("Storage").add("Assets", Bucket::new());
    app.asset_store("Storage", bucket.id());
    assert!(
        problems(&app)[0]
            .message
            .contains("cannot be uploaded before the stack exists")
    );

    app.asset_store("Other", bucket.id());
    assert!(
        problems(&app)[0]
            .message
            .contains("but its bucket is `Storage/Assets`")
    );

    let mut app = dev();
    let mut stack = app.stack("Storage");
    stack.add("Assets", Bucket::new());
    let mut other = launcher();
    other.contents = AssetContents::Files(Vec::new());
    stack.asset(other);
    stack.asset(launcher());
    let mut dashed = launcher();
    dashed.id = "the-launcher".to_owned();
    if let AssetContents::Binary { name, .. } = &mut dashed.contents {
        *name = "../bootstrap".to_owned();
    }
    stack.asset(dashed);
    assert_eq!(kinds(&app), [ProblemKind::Asset; 4]);
}

#[test]
fn a_name_of_the_author_never_takes_that_of_an_asset_or_the_store() {
    let mut app = dev();
    let asset = app.stack("Pipeline").asset(launcher());
    app.stack("Pipeline")
        .add("LauncherAsset", Queue::new().queue_name(asset.hash()));
    let bucket = app.stack("Storage").add("Assets", Bucket::new());
    app.asset_store("Storage", bucket.id());
    app.stack("Storage").output("AssetStore", "text", "");
    app.stack("Storage").output("ExportAssetsRef", "text", "");
    app.stack("Pipeline")
        .add("Copy", Queue::new().queue_name(bucket.reference()));
    assert_eq!(kinds(&app), [ProblemKind::LogicalIdCollision; 3]);
}

/// Queues in a few stacks; each may take its name from one of those before it.
fn chain(definition: &[(u8, Option<prop::sample::Index>)]) -> App {
    let mut app = dev();
    let mut queues: Vec<Ref<Queue>> = Vec::new();
    for (index, (stack, of)) in definition.iter().enumerate() {
        let mut queue = Queue::new().delay_seconds(u16::from(*stack));
        if let Some(of) = of
            && !queues.is_empty()
        {
            queue = queue.queue_name(of.get(&queues).get(Queue::ARN));
        }
        queues.push(
            app.stack(&format!("Stack{stack}"))
                .add(&format!("Queue{index}"), queue),
        );
    }
    app
}

proptest! {
    #[test]
    fn synth_gives_the_same_again_and_orders_what_it_can(
        definition in prop::collection::vec((0_u8..5, any::<Option<prop::sample::Index>>()), 1..24)
    ) {
        match (chain(&definition).synth(), chain(&definition).synth()) {
            (Ok(first), Ok(second)) => {
                prop_assert_eq!(&first, &second);
                for (position, stack) in first.stacks().iter().enumerate() {
                    for dependency in stack.dependencies() {
                        let earlier = &first.stacks()[..position];
                        prop_assert!(earlier.iter().any(|stack| stack.name() == dependency));
                    }
                }
            }
            (Err(first), Err(second)) => {
                prop_assert_eq!(first.to_string(), second.to_string());
                prop_assert!(first.problems.iter().all(|problem| problem.kind == ProblemKind::Cycle));
            }
            _ => prop_assert!(false, "one of two equal apps has problems"),
        }
    }
}

#[test]
fn ten_thousand_resources_are_no_burden() {
    let mut app = dev();
    for stack in 0..25 {
        let mut stack = app.stack(&format!("Stack{stack}"));
        let key = stack.add("Key", Key::new());
        for index in 0..399 {
            stack.add(
                &format!("Queue{index}"),
                Queue::new()
                    .delay_seconds(5)
                    .kms_master_key_id(key.get(Key::ARN)),
            );
        }
    }
    let assembly = app.synth().unwrap();
    assert_eq!(assembly.stacks().len(), 25);
    assembly.template("Stack24").count::<Queue>(399);
}
