//! Do charts go through the whole system, and does nothing stay?
//!
//! These tests run the main job itself, with everything real that it starts.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Seek},
    path::Path,
    process::{Command, Output, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use lightsout_tests::workspace;
use serde_json::Value;

use crate::{
    canary::{CANARIES, leaks},
    control_plane::{ControlPlane, Found, files},
};

fn local(arguments: &[&str], charts: &Path) -> Command {
    let mut command = lightsout_toolkit::cargo();
    command
        .args(["local", "--charts"])
        .arg(charts)
        .args(arguments)
        .current_dir(workspace())
        .stdin(Stdio::null());
    command
}

/// One run at a time: a project has one region, and its runs lock each other out.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        panic!(
            "{}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

/// Copies the samples, and lays beside them what cannot be coded.
fn samples_and_bad_charts(folder: &Path) -> usize {
    let mut samples = 0;
    for entry in fs::read_dir(workspace().join("samples/charts")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
            samples += 1;
        }
    }
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let huge = "cough. ".repeat(50 * 1024 * 1024 / 7);
    // What is planted is in a good chart, and in each that can only be refused.
    let planted = CANARIES.join(", ");
    let good = format!("Patient {planted}. ASSESSMENT: asthma after the lavender zeppelin.");
    fs::write(folder.join("planted.txt"), good).unwrap();
    let latin = [planted.as_bytes(), b" fi\xe8vre et toux"].concat();
    let picture = [png, planted.as_bytes()].concat();
    fs::write(folder.join("bad-empty.txt"), "").unwrap();
    fs::write(folder.join("bad-latin1.txt"), latin).unwrap();
    fs::write(folder.join("bad-picture.txt"), picture).unwrap();
    fs::write(folder.join("bad-huge.txt"), planted + &huge).unwrap();
    samples + 1
}

/// Asks the launcher of a region by the command, as a person would.
fn run_now(endpoint: &str) -> Value {
    let mut command = lightsout_toolkit::cargo();
    command
        .args(["run", "--quiet", "--package", "lightsout-stacks"])
        .args([
            "--features",
            "local",
            "--",
            "--json",
            "run",
            "--env",
            "local",
        ])
        .current_dir(workspace())
        .envs([
            ("AWS_ENDPOINT_URL", format!("http://{endpoint}").as_str()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ]);
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    report(&output)
}

/// Runs with a region that is kept until its control plane was read.
fn kept(command: &mut Command) -> (Output, Vec<Found>) {
    // The report is longer than a pipe holds, and stderr is read first.
    let mut report = tempfile::tempfile().unwrap();
    let mut child = command
        .arg("--keep")
        .stdout(report.try_clone().unwrap())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = String::new();
    let mut endpoint = None;
    let mut found = Vec::new();
    for line in lines.by_ref().map(Result::unwrap) {
        said.push_str(&line);
        said.push('\n');
        if let Some((_, address)) = line.split_once("the local AWS answers at http://") {
            endpoint = Some(address.trim().to_owned());
        }
        // The launcher has decided, and no machine asks yet.
        if line.contains("the launcher started") {
            found.extend(ControlPlane::messages(endpoint.as_deref().unwrap()));
        }
        if line.contains("kept: look around") {
            let endpoint = endpoint.as_deref().unwrap();
            // All is coded: the launcher looks at queue and lease, and starts nothing.
            let decision = run_now(endpoint);
            assert_eq!(decision["decision"], "stay_idle", "{decision}");
            found.extend(ControlPlane::read(endpoint));
            files(&workspace().join(".lightsout/region/hosts"), &mut found);
            let log = workspace().join(".lightsout/region/ministack.log");
            found.push(Found {
                place: log.display().to_string(),
                bytes: fs::read(&log).unwrap(),
            });
            let interrupted = Command::new("kill")
                .args(["-INT", &child.id().to_string()])
                .status();
            assert!(interrupted.unwrap().success());
        }
    }
    let mut output = child.wait_with_output().unwrap();
    report.rewind().unwrap();
    report.read_to_end(&mut output.stdout).unwrap();
    output.stderr = said.clone().into_bytes();
    found.push(Found {
        place: "stderr".to_owned(),
        bytes: said.into_bytes(),
    });
    (output, found)
}

/// Looks for what was planted in all that a run leaves, but where it belongs; returns what was
/// searched.
fn nothing_planted_is_in(found: &[Found]) -> String {
    let texts = |place: &str| -> String {
        let of_place = found.iter().filter(|found| found.place.starts_with(place));
        of_place
            .map(|found| String::from_utf8_lossy(&found.bytes))
            .collect()
    };
    // It did come through, and what was searched is not empty.
    assert!(!leaks(texts("outcome").as_bytes()).is_empty());
    for (place, holds) in [
        ("outcome", "program_sha256"),
        ("log ", "chart_sha256"),
        ("metrics: DescribeAlarms", "AlarmName"),
        ("tags", "lightsout:environment"),
        ("table", "run-000001"),
        ("queue", "QueueArn"),
        ("message", "charts/local/"),
        ("keys of", "charts/local/"),
        ("metadata of", "x-amz-meta-sha256"),
        ("tags of", "TagSet"),
        ("machines: DescribeInstances", "lightsout:pipeline"),
        ("stderr", "the launcher started run-000001"),
    ] {
        assert!(texts(place).contains(holds), "{place} holds no {holds}");
    }
    assert!(texts("/").contains("chart"), "no file of a host was read");
    for Found { place, bytes } in found.iter().filter(|found| found.place != "outcome") {
        assert_eq!(leaks(bytes), [], "{place} holds what was planted");
    }
    // What each object is called tells the place, and would make the list long.
    let mut searched: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for Found { place, bytes } in found {
        let kind = match place.split_once(" of ") {
            Some((kind, _)) => kind,
            None if place.starts_with('/') => "files of hosts, and the log of the local AWS",
            None => place,
        };
        let of_kind = searched.entry(kind).or_default();
        *of_kind = (of_kind.0 + 1, of_kind.1 + bytes.len());
    }
    let lines = searched
        .iter()
        .map(|(kind, (times, bytes))| format!("{bytes:>9} bytes of {kind} ({times})\n"));
    lines.collect()
}

#[test]
fn every_chart_is_coded_or_rejected_with_its_reason_and_no_instance_stays() {
    let _alone = alone();
    let charts = tempfile::tempdir().unwrap();
    let samples = samples_and_bad_charts(charts.path());
    for isolation in ["namespaces", "processes"] {
        let mut command = local(&["--json"], charts.path());
        command.env("LIGHTSOUT_ISOLATION", isolation);
        // Only a region without namespaces is reached from here.
        let output = if isolation == "processes" {
            let (output, found) = kept(&mut command);
            let searched = nothing_planted_is_in(&found);
            println!("searched for what was planted:\n{searched}");
            output
        } else {
            command.output().unwrap()
        };
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if isolation == "namespaces"
            && said.contains("LIGHTSOUT_ISOLATION asks for namespaces, but")
        {
            println!("skipped: namespaces cannot be made here");
            continue;
        }
        assert!(output.status.success(), "{isolation}: {said}");
        let report = report(&output);
        assert_eq!(report["charts"], samples + 4, "{report:#}");
        assert_eq!(report["coded"], samples);
        assert_eq!(report["instances_left"], 0);
        assert_eq!(report["trail_is_whole"], true, "{report:#}");
        let number = |name: &str| report[name].as_u64().unwrap();
        assert!(number("recorded") >= number("charts"), "{report:#}");
        let reasons: BTreeMap<&str, &str> = report["rejected"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| (r["chart"].as_str().unwrap(), r["reason"].as_str().unwrap()))
            .collect();
        assert_eq!(
            reasons,
            BTreeMap::from([
                ("bad-empty.txt", "empty"),
                ("bad-huge.txt", "too_large"),
                ("bad-latin1.txt", "not_utf8"),
                ("bad-picture.txt", "binary"),
            ])
        );
        let codes = report["codes"].as_array().unwrap();
        assert!(codes.len() > samples, "{} codes", codes.len());
        assert!(codes.iter().all(|code| code["evidence"].is_array()));
    }
}

#[test]
fn a_master_that_crashes_is_ended_by_the_reaper_and_its_work_is_done_by_another() {
    let _alone = alone();
    let charts = workspace().join("samples/charts");
    let output = local(&["--json", "--crash", "master"], &charts)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("rearming: launcher"), "{said}");
    let report = report(&output);
    assert!(report["reaped"].as_u64().unwrap() >= 1, "{report:#}");
    assert_eq!(report["coded"], report["charts"]);
    assert_eq!(report["instances_left"], 0);
}

/// Of the two that the master mends by itself, this is the quick one: a worker that is gone is
/// given two minutes to come back.
#[test]
fn ansible_that_is_killed_is_started_again_by_its_supervisor_and_adopts_the_worker() {
    let _alone = alone();
    let charts = workspace().join("samples/charts");
    let output = local(&["--json", "--crash", "playbook"], &charts)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Ansible was killed on the master"), "{said}");
    let report = report(&output);
    assert_eq!(report["coded"], report["charts"]);
    assert_eq!(report["reaped"], 0);
    assert_eq!(report["instances_left"], 0);
    // One master and one worker were started, and the supervisor says why it began anew.
    let hosts = fs::read_dir(workspace().join(".lightsout/region/hosts")).unwrap();
    let logs: Vec<String> = hosts
        .map(|host| host.unwrap().path().join("home/state/supervisor.log"))
        .map(|log| fs::read_to_string(log).unwrap_or_default())
        .collect();
    assert_eq!(logs.len(), 2, "{said}");
    assert!(logs.concat().contains("ansible died"), "{logs:?}");
}

#[test]
fn a_missing_folder_is_named_with_the_fix() {
    let _alone = alone();
    let output = local(&[], Path::new("no/such/folder")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("error: there is no folder `no/such/folder`"),
        "{said}"
    );
    assert!(
        said.contains("hint: name a folder of charts with --charts"),
        "{said}"
    );
}
