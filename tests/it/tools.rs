//! Do the field's own checkers accept what we write?

use std::{fs, path::PathBuf, process::Command};

use lightsout_region::OpenSsh;
use lightsout_tests::{checkers, own_folder, workspace};

use crate::graph::graphs;

fn check(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?} found:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn templates() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for stage in fs::read_dir(workspace().join("cdk.out")).unwrap() {
        let stage = stage.unwrap().path();
        if !stage.is_dir() || stage.ends_with("assets") {
            continue;
        }
        for file in fs::read_dir(stage).unwrap() {
            let file = file.unwrap().path();
            if file.to_string_lossy().ends_with(".template.json") {
                found.push(file);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn cfn_lint_finds_nothing_in_any_template() {
    let templates = templates();
    assert!(
        templates.len() >= 40,
        "three environments of eleven stacks, and a local one"
    );
    check(
        Command::new(checkers().unwrap().program("cfn-lint"))
            .args(["--non-zero-exit-code", "informational", "--regions"])
            .args(["us-east-1", "--"])
            .args(templates),
    );
}

#[test]
fn ansible_lint_finds_nothing_in_the_playbooks() {
    let checkers = checkers().unwrap();
    let path = std::env::join_paths(
        std::iter::once(checkers.programs())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    )
    .unwrap();
    check(
        Command::new(checkers.program("ansible-lint"))
            .args([
                "--offline",
                "--profile",
                "production",
                "--strict",
                "site.yml",
            ])
            .env("PATH", path)
            .current_dir(workspace().join("constructs/src/batch_fleet/playbooks")),
    );
}

/// The most that EC2 takes, [before it is encoded](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html).
const LARGEST_USER_DATA: usize = 16 * 1024;

/// What stands for a name or an address that is known once deployed; few are as long.
const DEPLOYED: &str =
    "https://sqs.us-east-1.amazonaws.com/111122223333/lightsout-prod-intake-Work-ABCDEFGHIJKL";

/// The user data of a launch template, as a host gets it.
fn user_data(template: &serde_json::Value) -> String {
    joined(&template["Properties"]["LaunchTemplateData"]["UserData"]["Fn::Base64"])
}

/// A text of which parts are known once deployed.
fn joined(text: &serde_json::Value) -> String {
    let parts = text["Fn::Join"][1].as_array().unwrap().iter();
    parts
        .map(|part| part.as_str().unwrap_or(DEPLOYED))
        .collect()
}

#[test]
fn shellcheck_finds_nothing_in_the_user_data_of_any_host_and_ec2_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for graph in graphs() {
        for (place, template) in graph.all("AWS::EC2::LaunchTemplate") {
            let script = user_data(template);
            assert!(script.starts_with("#!/bin/bash\n"), "{place:?}");
            assert!(
                script.len() < LARGEST_USER_DATA,
                "{place:?}: {}",
                script.len()
            );
            let mut commands = script.lines().filter(|line| {
                !line.is_empty() && !line.starts_with('#') && !line.starts_with("export ")
            });
            let first = commands.next().unwrap();
            assert!(
                first.starts_with("systemd-run"),
                "{place:?} begins with {first}"
            );
            let minutes = graph.environment.settings.fleet.deadline_minutes;
            assert!(
                first.contains(&format!("--on-active={minutes}m ")),
                "{first}"
            );
            let name = format!("{}-{}.sh", graph.environment.name, place.1);
            let file = folder.path().join(name);
            fs::write(&file, script).unwrap();
            files.push(file);
        }
    }
    assert_eq!(files.len(), 2 * graphs().len());
    check(
        Command::new(checkers().unwrap().program("shellcheck"))
            .args(["--shell=bash", "--external-sources", "--severity=style"])
            .args(files),
    );
}

/// What is done to an image, as Image Builder's agent reads it.
#[derive(serde::Deserialize)]
struct Document {
    phases: Vec<Phase>,
}

#[derive(serde::Deserialize)]
struct Phase {
    name: String,
    steps: Vec<ImageStep>,
}

#[derive(serde::Deserialize)]
struct ImageStep {
    name: String,
    action: String,
    inputs: serde_json::Value,
}

#[test]
fn shellcheck_finds_nothing_in_the_scripts_of_images_and_image_builder_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut scripts = Vec::new();
    for graph in graphs() {
        for (place, component) in graph.any("AWS::ImageBuilder::Component") {
            let data = &component["Properties"]["Data"];
            let text = match data.as_str() {
                Some(text) => text.to_owned(),
                None => joined(data),
            };
            let document = folder.path().join("document.yml");
            fs::write(&document, text).unwrap();
            let read =
                "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
            let read = Command::new(checkers().unwrap().program("python"))
                .args(["-c", read])
                .arg(&document)
                .output()
                .unwrap();
            let document: Document = serde_json::from_slice(&read.stdout).unwrap();
            let phases: Vec<_> = document.phases.iter().map(|one| &*one.name).collect();
            assert_eq!(phases, ["build", "validate"], "{place:?}");
            for step in document.phases.iter().flat_map(|phase| &phase.steps) {
                if step.action == "S3Download" {
                    let source = step.inputs[0]["source"].as_str().unwrap();
                    assert!(source.starts_with("s3://"), "{place:?}: {source}");
                    continue;
                }
                assert_eq!(step.action, "ExecuteBash", "{place:?}: {}", step.name);
                let script = step.inputs["commands"][0].as_str().unwrap();
                let name = format!("{}-{}.sh", graph.environment.name, scripts.len());
                let file = folder.path().join(name);
                fs::write(&file, script).unwrap();
                scripts.push(file);
            }
        }
    }
    assert!(
        scripts.len() >= 16,
        "two environments, two images of two components"
    );
    check(
        Command::new(checkers().unwrap().program("shellcheck"))
            .args(["--shell=bash", "--severity=style"])
            .args(scripts),
    );
}

#[test]
fn sshd_takes_the_settings_of_images_and_their_check_finds_them() {
    let images = workspace().join("constructs/src/batch_fleet/images");
    let read = |name: &str| fs::read_to_string(images.join(name)).unwrap();
    let between = |text: &str, from: &str, to: &str| -> String {
        let (_, text) = text.split_once(from).unwrap();
        text.split_once(to).unwrap().0.to_owned()
    };
    let settings = between(&read("harden.sh"), "<< 'SSHD'\n", "SSHD\n");
    let checker = read("check-hardening.sh");
    let (functions, _) = checker.split_once("for package in").unwrap();
    let checks = between(&checker, "done\nfor setting in", "sysctl --quiet");
    let openssh = OpenSsh::find_or_fetch(&own_folder().join("openssh")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    // Root's sshd wants a user of its own; nobody's does not.
    let script = format!(
        "set -Eeuo pipefail\n{functions}\n\
         sshd() {{ if ((EUID)); then \"$SSHD\" -f config \"$@\"; else unshare --user \"$SSHD\" -f config \"$@\"; fi; }}\n\
         for setting in{checks}"
    );
    let passes = |settings: &str| {
        fs::write(folder.path().join("config"), settings).unwrap();
        let mut bash = Command::new("bash");
        bash.args(["-c", &script])
            .current_dir(&folder)
            .env("SSHD", openssh.sshd())
            .env(
                "LD_LIBRARY_PATH",
                std::env::join_paths(openssh.libraries()).unwrap(),
            );
        bash.output().unwrap()
    };
    check(
        Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f", "key"])
            .current_dir(&folder),
    );
    let key = folder.path().join("key");
    let settings = format!("HostKey {}\n{settings}", key.display());
    let output = passes(&settings);
    assert!(output.status.success(), "{output:?}");
    let open = settings.replace("PermitRootLogin no", "PermitRootLogin yes");
    assert!(!passes(&open).status.success());
}

/// What a tool says of a policy.
#[derive(Debug, serde::Deserialize)]
struct Found {
    tool: String,
    policy: String,
    issue: String,
    detail: String,
}

/// Why what a tool says is as it should be.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    tool: String,
    issue: String,
    about: String,
    policies: Vec<String>,
    reason: String,
}

#[derive(serde::Deserialize)]
struct Answers {
    answer: Vec<Answer>,
}

impl Answer {
    fn is_to(&self, found: &Found, policy: &str) -> bool {
        self.tool == found.tool
            && self.issue == found.issue
            && found.detail.contains(&self.about)
            && policy == found.policy
    }
}

#[test]
fn what_parliament_and_policy_sentry_find_in_policies_is_answered() {
    let output = Command::new(checkers().unwrap().program("python"))
        .args(["-W", "ignore"])
        .arg(workspace().join("tests/python/policies.py"))
        .arg(workspace().join("cdk.out"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let mut lines: Vec<&str> = said.lines().collect();
    let last: serde_json::Value = serde_json::from_str(lines.pop().unwrap()).unwrap();
    assert!(last["policies"].as_u64().unwrap() >= 30, "{last}");
    let found: Vec<Found> = lines
        .into_iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let text = fs::read_to_string(workspace().join("stacks/policy-findings.toml")).unwrap();
    let answers: Answers = toml::from_str(&text).unwrap();
    for finding in &found {
        let is_answered = answers.answer.iter().any(|answer| {
            let mut policies = answer.policies.iter();
            policies.any(|policy| answer.is_to(finding, policy))
        });
        assert!(is_answered, "nothing answers {finding:#?}");
    }
    for answer in &answers.answer {
        assert!(!answer.reason.is_empty());
        for policy in &answer.policies {
            let is_needed = found.iter().any(|finding| answer.is_to(finding, policy));
            assert!(
                is_needed,
                "{policy} has nothing left to answer: {answer:#?}"
            );
        }
    }
}
