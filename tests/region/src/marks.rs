//! Finding and ending every process of a host, however it was detached.
//!
//! Processes carry a mark in their environment, which children inherit. The
//! one program that overwrites its environment is sshd, for its title: its
//! processes are known by the log file that they keep as standard error.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The variable that marks every process of a region with its folder.
pub(crate) const REGION_MARK: &str = "LIGHTSOUT_REGION";

/// The variable that marks what a program has started outside of its region.
pub(crate) const RUN_MARK: &str = "LIGHTSOUT_RUN";

/// The variable that marks every process of a host with its instance id.
pub(crate) const INSTANCE_MARK: &str = "LIGHTSOUT_INSTANCE";

/// The name of the log file of a host's sshd.
pub(crate) const SSHD_LOG: &str = "sshd.log";

/// How long processes get to vanish after SIGKILL.
const PATIENCE: Duration = Duration::from_secs(10);

/// What tells the processes of a host, or of a whole region, from all others.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    variable: Vec<u8>,
    logs_below: PathBuf,
}

impl Mark {
    /// The processes of one host, whose files are in `folder`.
    pub(crate) fn instance(id: &str, folder: &Path) -> Self {
        Self {
            variable: format!("{INSTANCE_MARK}={id}").into_bytes(),
            logs_below: folder.to_owned(),
        }
    }

    /// The processes of every host and server of the region in `folder`.
    pub(crate) fn region(folder: &Path) -> Self {
        Self {
            variable: format!("{REGION_MARK}={}", folder.display()).into_bytes(),
            logs_below: folder.to_owned(),
        }
    }

    /// The processes that a program has started, which works in `folder`.
    pub(crate) fn run(folder: &Path) -> Self {
        Self {
            variable: format!("{RUN_MARK}={}", folder.display()).into_bytes(),
            logs_below: folder.to_owned(),
        }
    }

    /// The variable with its value.
    pub(crate) fn variable(&self) -> &OsStr {
        OsStr::from_bytes(&self.variable)
    }

    /// The folder that the logs of sshd are below.
    pub(crate) fn logs_below(&self) -> &Path {
        &self.logs_below
    }

    /// The marked processes that run now, other than this one.
    pub(crate) fn processes(&self) -> Vec<Pid> {
        let own = rustix::process::getpid();
        let Ok(entries) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        entries
            .flatten()
            .filter_map(|entry| {
                let number: i32 = entry.file_name().to_str()?.parse().ok()?;
                let pid = Pid::from_raw(number)?;
                (pid != own && self.is_on(&entry.path())).then_some(pid)
            })
            .collect()
    }

    /// Kills the marked processes until none is left; returns those that stay.
    pub(crate) fn kill(&self) -> Vec<Pid> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let alive = self.processes();
            if alive.is_empty() || Instant::now() > deadline {
                return alive;
            }
            for pid in alive {
                // A process that ended in between is as good as killed.
                let _ended = kill_process(pid, Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills the marked processes that have this text in their command line, once.
    pub(crate) fn kill_commands(&self, text: &str) {
        for pid in self.processes() {
            let path = format!("/proc/{}/cmdline", pid.as_raw_nonzero());
            let words = fs::read(path).unwrap_or_default();
            if String::from_utf8_lossy(&words).contains(text) {
                let _ended = kill_process(pid, Signal::KILL);
            }
        }
    }

    fn is_on(&self, process: &Path) -> bool {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        if environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == self.variable)
        {
            return true;
        }
        fs::read_link(process.join("fd/2"))
            .is_ok_and(|log| log.ends_with(SSHD_LOG) && log.starts_with(&self.logs_below))
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_detached_process_is_found_by_its_mark_and_killed() {
        let folder = tempfile::tempdir().expect("folder");
        let mark = Mark::instance("i-00000000000test01", folder.path());
        let mut child = Command::new("sh")
            .args(["-c", "setsid sleep 600 & setsid sleep 600 & wait"])
            .env(INSTANCE_MARK, "i-00000000000test01")
            .stdin(Stdio::null())
            .spawn()
            .expect("sh");
        let deadline = Instant::now() + PATIENCE;
        while mark.processes().len() < 3 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(mark.processes().len(), 3);
        assert_eq!(mark.kill(), []);
        child.wait().expect("ended");
    }
}
