//! Does a whole system of these constructs keep what each of them promises?

use lightsout::{Assembly, Removal, StackArtifact, cfn};

#[path = "../examples/batch/app.rs"]
mod app;

fn synth(stage: &str, removal: Removal) -> Assembly {
    let app = app::app(stage, removal).expect("the block is a private one");
    app.synth().expect("the example has no problem")
}

#[test]
fn the_same_app_gives_the_same_bytes() {
    let templates = || {
        let assembly = synth("dev", Removal::Keep);
        let stacks = assembly.stacks().iter();
        stacks
            .map(|stack| stack.template().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(templates(), templates());
}

#[test]
fn nothing_is_needed_by_a_stack_that_is_deployed_before_it() {
    let assembly = synth("dev", Removal::Keep);
    let order: Vec<&str> = assembly.stacks().iter().map(StackArtifact::name).collect();
    assert_eq!(order, ["Foundation", "Storage", "Batch", "Answers"]);
    // The bucket announces its objects to the queue, and the queue knows its name only.
    assert!(
        assembly
            .stack("Foundation")
            .unwrap()
            .dependencies()
            .is_empty()
    );
}

#[test]
fn a_system_to_throw_away_leaves_nothing_behind_but_the_accounts_logging() {
    let assembly = synth("try", Removal::Destroy);
    for stack in assembly.stacks() {
        for (id, resource) in stack.template_json()["Resources"].as_object().unwrap() {
            if !id.starts_with("ApiLogging") {
                assert_ne!(resource["DeletionPolicy"], "Retain", "{id}");
            }
            assert_ne!(
                resource["Properties"]["DeletionProtectionEnabled"], true,
                "{id}"
            );
        }
    }
}

#[test]
fn a_system_to_keep_keeps_its_data() {
    let assembly = synth("live", Removal::Keep);
    let stateful = [
        "AWS::DynamoDB::Table",
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
        "AWS::SQS::Queue",
    ];
    let mut seen = 0;
    for stack in assembly.stacks() {
        for (id, resource) in stack.template_json()["Resources"].as_object().unwrap() {
            if stateful.iter().any(|kind| resource["Type"] == *kind) {
                seen += 1;
                assert_eq!(resource["DeletionPolicy"], "Retain", "{id}");
                assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{id}");
            }
        }
    }
    assert_eq!(seen, 15);
}

#[test]
fn managed_policies_fit_what_iam_takes() {
    /// Characters without white space, of the policy as written: references are
    /// longer there than what they become.
    const LIMIT: usize = 6144;
    let assembly = synth("dev", Removal::Keep);
    let template = assembly.template("Answers");
    let policies = template.resources::<cfn::iam::ManagedPolicy>();
    assert!(!policies.is_empty());
    for (id, policy) in policies {
        let length = policy["Properties"]["PolicyDocument"].to_string().len();
        assert!(length < LIMIT, "{id} has {length} characters");
    }
}
