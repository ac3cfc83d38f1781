//! Ansible as a detached process, and what it reports.
//!
//! Each start has a folder of its own, so that a supervisor that was started
//! again finds everything on disk: process id, exit code, events.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use lightsout_contract::fleet::bundle;
use lightsout_protocol::{
    growth::MOST_GROWTHS,
    oversight::{Events, FRESH_STARTS, Status},
};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::surroundings::Surroundings;

/// The task with which hosts begin to code.
pub const CODING_TASK: &str = "Start the worker";

/// The outcome of an event that tells of no progress.
const RETRY: &str = "retry";

/// How long Ansible may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs Ansible and leaves its exit code behind; its own session makes it
/// independent of whoever started it.
const DETACHED: &str = r#"
echo $$ > pid.new && mv pid.new pid
ansible-playbook --inventory ../inventory --extra-vars @variables.json "$0" > ansible.log 2>&1 < /dev/null
echo $? > exit-code.new && mv exit-code.new exit-code
"#;

/// One start of the playbook.
#[derive(Debug, Clone)]
pub struct Attempt {
    number: u32,
    folder: PathBuf,
}

/// What a start of the playbook is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It is the first, or the one before it failed.
    Work,
    /// The one before it worked, and its fleet was too small.
    Growth,
}

/// What an attempt was started with, as far as a later supervisor must know.
#[derive(Debug, Default, Deserialize)]
struct Started {
    #[serde(default)]
    workers: u32,
    #[serde(default)]
    grows: bool,
}

/// Why the playbook could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{path}`")]
pub struct StartError {
    action: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl Attempt {
    /// Returns the last attempt of this run, if there was one.
    pub fn last(around: &Surroundings) -> Option<Self> {
        Self::all(around).pop()
    }

    /// Lists every attempt of this run.
    pub fn all(around: &Surroundings) -> Vec<Self> {
        (1..=1 + FRESH_STARTS + MOST_GROWTHS)
            .map(|number| Self::numbered(around, number))
            .take_while(|attempt| attempt.folder.is_dir())
            .collect()
    }

    /// Starts Ansible for the attempt that follows `last`.
    pub async fn start(
        around: &Surroundings,
        last: Option<&Self>,
        purpose: Purpose,
        workers: u32,
        seconds_left: u64,
    ) -> Result<Self, StartError> {
        let attempt = Self::numbered(around, last.map_or(0, |last| last.number) + 1);
        attempt.prepare(around, purpose, workers, seconds_left)?;
        let playbooks = around.bundle.join(bundle::PLAYBOOKS);
        let child = tokio::process::Command::new("setsid")
            .args(["sh", "-c", DETACHED])
            .arg(playbooks.join("site.yml"))
            .current_dir(&attempt.folder)
            .env("ANSIBLE_CONFIG", playbooks.join("ansible.cfg"))
            .env("LIGHTSOUT_EVENTS", attempt.folder.join("events.jsonl"))
            .env("LIGHTSOUT_RUN_DIRECTORY", &around.folder)
            .env("LIGHTSOUT_SOCKETS", sockets(&around.instance))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        // The child is never waited for: its exit code is in a file, and the
        // runtime takes care of what the kernel keeps of it.
        drop(child.map_err(|source| StartError {
            action: "run",
            path: PathBuf::from("setsid"),
            source,
        })?);
        for _ in 0..100 {
            if attempt.path("pid").exists() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(attempt)
    }

    /// Returns 1 for the first start in a run, 2 for the next, and so on.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Returns how many workers the attempt was started for, 0 where that is not known.
    pub fn workers(&self) -> u32 {
        self.started().workers
    }

    /// Returns whether the attempt was started so that the fleet grows.
    pub fn grows(&self) -> bool {
        self.started().grows
    }

    /// Looks at the process and its exit code.
    pub fn status(&self) -> Status {
        // The order matters: a process that ends between the two looks has
        // left its exit code before the second one.
        let alive = self.process().is_some();
        let code = fs::read_to_string(self.path("exit-code"));
        match code.ok().and_then(|code| code.trim().parse().ok()) {
            Some(code) => Status::Exited(code),
            None if alive => Status::Running,
            None => Status::Dead,
        }
    }

    /// Reads the events that the callback plugin has written.
    pub fn events(&self) -> Events {
        let lines = fs::read_to_string(self.path("events.jsonl")).unwrap_or_default();
        let mut events = Events::default();
        for event in lines.lines().filter_map(Event::parse) {
            if event.outcome != RETRY {
                events.progress += 1;
            }
            if event.task == CODING_TASK && event.outcome == "ok" {
                events.coding += 1;
            }
        }
        events
    }

    /// Ends Ansible and whatever it started here.
    pub async fn stop(&self) {
        let Some(group) = self.process() else { return };
        // Errors mean that the group is gone.
        let _ = kill_process_group(group, Signal::TERM);
        let waited = tokio::time::Instant::now();
        while self.process().is_some() && waited.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let _ = kill_process_group(group, Signal::KILL);
    }

    /// Lists the files that are kept after the run, by their names in the log.
    pub fn records(&self) -> Vec<(String, PathBuf)> {
        ["ansible.log", "exit-code", "events.jsonl"]
            .into_iter()
            .map(|name| (format!("attempt-{}/{name}", self.number), self.path(name)))
            .filter(|(_, path)| path.is_file())
            .collect()
    }

    fn numbered(around: &Surroundings, number: u32) -> Self {
        Self {
            number,
            folder: around.folder.join(format!("attempt-{number}")),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn started(&self) -> Started {
        let text = fs::read_to_string(self.path("variables.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn prepare(
        &self,
        around: &Surroundings,
        purpose: Purpose,
        workers: u32,
        seconds_left: u64,
    ) -> Result<(), StartError> {
        let master = around.bundle.join(bundle::MASTER);
        let worker = around.bundle.join(bundle::WORKER);
        let hash = fs::read(&worker)
            .map(|binary| format!("{:x}", Sha256::digest(binary)))
            .map_err(failed("read", &worker))?;
        let variables = json!({
            "attempt": self.number,
            "coding_seconds": seconds_left,
            "grows": purpose == Purpose::Growth,
            "master": master,
            "run_directory": around.folder,
            "worker": worker,
            "worker_sha256": hash,
            "workers": workers,
        });
        fs::create_dir_all(&self.folder).map_err(failed("make", &self.folder))?;
        let path = self.path("variables.json");
        fs::write(&path, variables.to_string()).map_err(failed("write", &path))?;
        let path = around.folder.join("inventory");
        let script = format!("#!/bin/sh\nexec '{}' inventory \"$@\"\n", master.display());
        fs::write(&path, script)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o700)))
            .map_err(failed("write", &path))
    }

    /// Returns Ansible's process group, if it lives.
    fn process(&self) -> Option<Pid> {
        let pid: i32 = fs::read_to_string(self.path("pid"))
            .ok()?
            .trim()
            .parse()
            .ok()?;
        // The number may be another process's by now; the folder tells.
        let folder = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
        (folder == fs::canonicalize(&self.folder).ok()?)
            .then(|| Pid::from_raw(pid))
            .flatten()
    }
}

/// Returns a folder for SSH's sockets, whose paths may have 108 characters.
fn sockets(instance: &str) -> PathBuf {
    let folder = std::env::temp_dir().join("lo");
    if folder.as_os_str().len() <= 64 {
        return folder;
    }
    PathBuf::from(format!("/tmp/lo-{instance}"))
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    task: String,
    outcome: String,
}

impl Event {
    fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StartError {
    let path = path.to_path_buf();
    move |source| StartError {
        action,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(folder: &Path) -> Attempt {
        Attempt {
            number: 1,
            folder: folder.to_path_buf(),
        }
    }

    #[test]
    fn the_playbook_has_the_task_that_the_supervisor_waits_for() {
        let playbook = include_str!("../../../constructs/src/batch_fleet/playbooks/site.yml");
        assert!(playbook.contains(&format!("- name: {CODING_TASK}\n")));
    }

    #[test]
    fn a_retry_is_no_progress() {
        let folder = tempfile::tempdir().unwrap();
        let lines = [
            r#"{"time": 1, "play": "p", "task": "Start the worker", "host": "i-1", "outcome": "ok"}"#,
            r#"{"time": 2, "play": "p", "task": "Follow", "host": "i-1", "outcome": "retry"}"#,
            r#"{"time": 3, "pl"#,
        ];
        fs::write(folder.path().join("events.jsonl"), lines.join("\n")).unwrap();
        assert_eq!(
            attempt(folder.path()).events(),
            Events {
                progress: 1,
                coding: 1
            }
        );
    }

    #[test]
    fn an_attempt_tells_what_it_was_started_for() {
        let folder = tempfile::tempdir().unwrap();
        let attempt = attempt(folder.path());
        assert_eq!((attempt.workers(), attempt.grows()), (0, false));
        let variables = r#"{"attempt": 2, "workers": 6, "grows": true}"#;
        fs::write(folder.path().join("variables.json"), variables).unwrap();
        assert_eq!((attempt.workers(), attempt.grows()), (6, true));
    }

    #[test]
    fn a_process_that_left_no_exit_code_is_dead() {
        let folder = tempfile::tempdir().unwrap();
        let attempt = attempt(folder.path());
        assert_eq!(attempt.status(), Status::Dead);
        // This test's own process is alive, but does not work in the folder.
        fs::write(folder.path().join("pid"), std::process::id().to_string()).unwrap();
        assert_eq!(attempt.status(), Status::Dead);
        fs::write(folder.path().join("exit-code"), "4\n").unwrap();
        assert_eq!(attempt.status(), Status::Exited(4));
    }
}
