//! Do the stacks name programs that exist?

use std::{collections::BTreeSet, process::Command};

use lightsout_contract::Program;
use lightsout_protocol::environment::{Api, Launcher, Master, Worker};
use lightsout_tests::workspace;

/// The binaries of the workspace, as Cargo knows them.
fn binaries() -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(workspace())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .flat_map(|package| package["targets"].as_array().unwrap())
        .filter(|target| target["kind"][0] == "bin")
        .map(|target| target["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_program_is_a_binary_of_the_workspace() {
    let binaries = binaries();
    for program in [
        Api::BINARY,
        Launcher::BINARY,
        Master::BINARY,
        Worker::BINARY,
    ] {
        assert!(binaries.contains(program), "no binary `{program}`");
    }
}
