//! Do the field's own checkers accept what we write?

use std::{fs, path::PathBuf, process::Command, time::Duration};

use lightsout_tests::{checkers, workspace};

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
    assert!(templates.len() >= 14, "two environments of seven stacks");
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

#[test]
fn shellcheck_finds_nothing_in_the_user_data() {
    let folder = tempfile::tempdir().unwrap();
    for (name, script) in lightsout::batch_fleet::boot_scripts(Duration::from_hours(4)) {
        let file = folder.path().join(format!("{name}.sh"));
        fs::write(&file, format!("#!/bin/bash\n{script}")).unwrap();
        check(
            Command::new(checkers().unwrap().program("shellcheck"))
                .args(["--shell=bash", "--external-sources"])
                // The stacks export these lines before the script; SC2154 is
                // about variables that are not assigned in the script itself.
                .arg("--exclude=SC2154")
                .arg(&file),
        );
    }
}
