//! Does the fleet of another project keep what it promises, with all that it needs?

use lightsout::{Assembly, cfn};

#[path = "../examples/fleet/app.rs"]
mod app;

fn synth() -> Assembly {
    app::app("dev").synth().expect("the example has no problem")
}

#[test]
fn documents_wake_machines_that_end_themselves() {
    let assembly = synth();
    let storage = assembly.template("Storage");
    storage.count::<cfn::sqs::Queue>(2);
    let reading = assembly.template("Reading");
    // What alarms and the clock could not invoke, and what failed on it.
    reading.count::<cfn::sqs::Queue>(2);
    reading.count::<cfn::ec2::LaunchTemplate>(2);
    for (id, template) in reading.resources::<cfn::ec2::LaunchTemplate>() {
        let data = &template["Properties"]["LaunchTemplateData"];
        assert_eq!(
            data["InstanceInitiatedShutdownBehavior"], "terminate",
            "{id}"
        );
    }
    reading.has(cfn::cloudwatch::Alarm::matching().threshold(50));
    reading.has(cfn::cloudwatch::Alarm::matching().threshold(3600));
}

#[test]
fn no_machine_has_a_way_out() {
    let assembly = synth();
    let reading = assembly.template("Reading");
    reading.count::<cfn::ec2::NatGateway>(0);
    reading.count::<cfn::ec2::InternetGateway>(0);
    reading.count::<cfn::ec2::Eip>(0);
    reading.count::<cfn::ec2::Vpc>(1);
}

#[test]
fn a_worker_reads_documents_and_writes_texts_with_their_key_alone() {
    let assembly = synth();
    let resources = &assembly.template("Reading").json()["Resources"];
    let policy = resources["FleetWorkerRolePolicy"]["Properties"]["PolicyDocument"].to_string();
    for allowed in [
        "s3:GetObject",
        "s3:PutObject",
        "sqs:ReceiveMessage",
        "kms:Decrypt",
    ] {
        assert!(policy.contains(allowed), "{allowed}: {policy}");
    }
    for denied in ["ec2:", "iam:", "s3:DeleteObject", "sqs:SendMessage"] {
        assert!(!policy.contains(denied), "{denied}: {policy}");
    }
}
