//! Does the AWS CDK's own command line read what we write?

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
};

use lightsout_tests::{cdk_cli, workspace};
use serde_json::Value;

/// Runs `cdk ARGUMENTS --app cdk.out`, without a network or an account.
fn cdk(program: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(program)
        .args(arguments)
        .args(["--app", "cdk.out", "--no-color", "--no-notices"])
        .current_dir(workspace())
        .env("CDK_DISABLE_CLI_TELEMETRY", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cdk {arguments:?}: {said}");
    output
}

#[test]
fn the_cdk_lists_prints_and_compares_our_stacks() {
    let Some(program) = cdk_cli() else {
        println!("skipped: npm cannot install the AWS CDK's command line here");
        return;
    };
    let listed = cdk(&program, &["ls", "--long", "--json"]).stdout;
    let listed: Value = serde_json::from_slice(&listed).unwrap();
    let listed: BTreeSet<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|stack| stack["name"].as_str().unwrap())
        .collect();
    let folder = workspace().join("cdk.out");
    let ours = lightsout::read_assemblies(&folder).unwrap();
    let ours: BTreeSet<&str> = ours
        .iter()
        .flat_map(lightsout::Assembly::stacks)
        .map(lightsout::StackArtifact::physical_name)
        .collect();
    assert_eq!(listed, ours);

    let template = folder.join("assembly-dev").join("Fleet.template.json");
    let printed = cdk(&program, &["synth", "dev/Fleet", "--exclusively", "--json"]).stdout;
    let printed: Value = serde_json::from_slice(&printed).unwrap();
    let text = fs::read_to_string(&template).unwrap();
    assert_eq!(printed, serde_json::from_str::<Value>(&text).unwrap());

    let old = tempfile::NamedTempFile::new().unwrap();
    let changed = text.replacen("rate(5 minutes)", "rate(7 minutes)", 1);
    assert_ne!(changed, text);
    fs::write(old.path(), changed).unwrap();
    let old = old.path().to_str().unwrap();
    let compared = cdk(
        &program,
        &["diff", "dev/Fleet", "--exclusively", "--template", old],
    );
    let said = String::from_utf8_lossy(&compared.stdout).into_owned()
        + &String::from_utf8_lossy(&compared.stderr);
    assert!(said.contains("rate(5 minutes)"), "{said}");
}
