//! Does Cargo know the binaries that `binary!` found?

use std::{collections::BTreeSet, process::Command};

use lightsout_contract::{Binary, Program};
use lightsout_protocol::environment::{Api, Authorizer, Launcher, Master, Reaper, Worker};
use lightsout_tests::workspace;

/// The binaries of the workspace with their packages, as Cargo knows them.
fn binaries() -> BTreeSet<(String, String)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(workspace())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let mut found = BTreeSet::new();
    for package in packages {
        for target in package["targets"].as_array().unwrap() {
            if target["kind"][0] == "bin" {
                let name = |json: &serde_json::Value| json["name"].as_str().unwrap().to_owned();
                found.insert((name(package), name(target)));
            }
        }
    }
    found
}

#[test]
fn every_program_is_a_binary_of_the_workspace() {
    let binaries = binaries();
    let is_there = |binary: Binary| {
        binaries.contains(&(binary.package().to_owned(), binary.name().to_owned()))
    };
    for program in [
        Api::BINARY,
        Authorizer::BINARY,
        Launcher::BINARY,
        Master::BINARY,
        Reaper::BINARY,
        Worker::BINARY,
    ] {
        assert!(is_there(program), "no binary `{program}`");
    }
}
