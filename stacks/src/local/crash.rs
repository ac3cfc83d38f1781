//! Something is killed in the middle of a run, and what is left of the system mends it.
//!
//! After a worker or Ansible the master does so, after a master the reaper. The local AWS runs the heartbeat's schedule, once a minute. So as not to wait for
//! it, the reaper is invoked here besides: sweeps that come too early count for nothing.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use lightsout_protocol::{
    control::{ITEM, LEASE, PART, hosts_part},
    fleet::{role, tag},
    run::RunId,
};
use lightsout_region::{Fault, InstanceId, InstanceState, InstanceSummary, Region};
use serde::Deserialize;

use super::{LocalError, steps::Progress};

/// How long a worker may take to appear, and the reaper to end what is left.
const PATIENCE: Duration = Duration::from_mins(4);
const PAUSE: Duration = Duration::from_millis(200);

/// How often the reaper is invoked.
const SWEEP: Duration = Duration::from_secs(5);

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Victim {
    /// The master's machine; the reaper ends it, and wakes the launcher
    Master,
    /// The machine of a worker; the master starts another
    Worker,
    /// The machine of a worker that has not announced itself; the master starts another
    Silent,
    /// Ansible on the master; the supervisor starts it again
    Playbook,
}

/// What the reaper says of a sweep.
#[derive(Debug, Deserialize)]
struct Swept {
    ended: usize,
    rearming: String,
}

/// The reaper with what it changes.
pub(crate) struct Mending<'a> {
    pub(crate) lambda: &'a aws_sdk_lambda::Client,
    pub(crate) reaper: &'a str,
    pub(crate) dynamodb: &'a aws_sdk_dynamodb::Client,
    pub(crate) control: &'a str,
    pub(crate) region: &'a Region,
    pub(crate) progress: &'a Progress,
}

impl Mending<'_> {
    /// Kills `victim` as soon as a worker's machine runs, before it has worked; a worker once it
    /// has announced itself, so that the master counts on it, or before.
    pub(crate) async fn crash(&self, victim: Victim, run: &RunId) -> Result<(), LocalError> {
        let begun = tokio::time::Instant::now();
        let (master, worker) = loop {
            let living = |wanted: &str| self.living(wanted);
            if let (Some(master), Some(worker)) = (living(role::MASTER), living(role::WORKER)) {
                let is_announced = self.has_announced_itself(run).await?;
                match victim {
                    Victim::Worker if !is_announced => {}
                    Victim::Silent if is_announced => {
                        return Err(LocalError::Crash("the worker had announced itself already"));
                    }
                    _ => break (master, worker),
                }
            }
            if begun.elapsed() > PATIENCE {
                return Err(LocalError::Crash("there was no worker to crash beside"));
            }
            tokio::time::sleep(PAUSE).await;
        };
        let (fault, said) = match victim {
            Victim::Master => (
                Fault::Crash(master),
                "the master's machine has crashed; EC2 goes on calling it running",
            ),
            Victim::Worker => (
                Fault::Crash(worker),
                "a worker's machine has crashed; EC2 goes on calling it running",
            ),
            Victim::Silent => (
                Fault::Crash(worker),
                "a worker's machine has crashed before it announced itself",
            ),
            Victim::Playbook => {
                let command = "ansible-playbook".to_owned();
                let instance = master;
                (
                    Fault::Kill { instance, command },
                    "Ansible was killed on the master; it left no exit code",
                )
            }
        };
        self.region.inject(fault).await;
        self.progress.note(said);
        Ok(())
    }

    /// Waits until a worker has announced itself.
    pub(crate) async fn until_announced(&self, run: &RunId) -> Result<(), LocalError> {
        let begun = tokio::time::Instant::now();
        while !self.has_announced_itself(run).await? {
            if begun.elapsed() > PATIENCE {
                return Err(LocalError::Crash("no worker announced itself"));
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Returns a running instance of this role.
    fn living(&self, wanted: &str) -> Option<InstanceId> {
        let is_meant = |instance: &InstanceSummary| {
            instance.state == InstanceState::Running
                && instance
                    .tags
                    .get(tag::ROLE)
                    .is_some_and(|role| role == wanted)
        };
        let found = self.region.instances().into_iter().find(is_meant)?;
        Some(found.id)
    }

    /// Sweeps until another run has the lease, and returns that run and how many
    /// instances the reaper ended meanwhile.
    pub(crate) async fn until_replaced(
        &self,
        crashed: &RunId,
    ) -> Result<(RunId, usize), LocalError> {
        let begun = tokio::time::Instant::now();
        let mut ended = 0;
        while begun.elapsed() < PATIENCE {
            ended += self.sweep().await?;
            let holder = self.holder().await?;
            if let Some(next) = holder.filter(|run| run != crashed) {
                self.progress.note(&format!("the launcher started {next}"));
                return Ok((next, ended));
            }
            tokio::time::sleep(SWEEP).await;
        }
        Err(LocalError::Reaper(format!("no run came after `{crashed}`")))
    }

    /// Sweeps until no instance is left, and returns how many the reaper ended.
    pub(crate) async fn until_none_left(&self) -> Result<usize, LocalError> {
        let begun = tokio::time::Instant::now();
        let is_left = |instance: &InstanceSummary| instance.state != InstanceState::Terminated;
        let mut ended = 0;
        while begun.elapsed() < PATIENCE && self.region.instances().iter().any(is_left) {
            ended += self.sweep().await?;
            tokio::time::sleep(SWEEP).await;
        }
        Ok(ended)
    }

    /// Invokes the reaper once, and returns how many instances it ended.
    async fn sweep(&self) -> Result<usize, LocalError> {
        let answer = self
            .lambda
            .invoke()
            .function_name(self.reaper)
            .send()
            .await
            .map_err(|source| LocalError::aws("invoke the reaper", source))?;
        let payload = answer.payload().map(AsRef::as_ref).unwrap_or_default();
        let text = String::from_utf8_lossy(payload);
        if let Some(error) = answer.function_error() {
            return Err(LocalError::Reaper(format!("{error}: {text}")));
        }
        let swept: Swept = serde_json::from_slice(payload)
            .map_err(|_| LocalError::Reaper(format!("it answered {text}")))?;
        if swept.ended > 0 || swept.rearming != "not_needed" {
            let Swept { ended, rearming } = &swept;
            self.progress.note(&format!(
                "the reaper ended {ended} instances, rearming: {rearming}"
            ));
        }
        Ok(swept.ended)
    }

    /// Returns whether a worker of the run has said how it is reached.
    async fn has_announced_itself(&self, run: &RunId) -> Result<bool, LocalError> {
        let hosts = self
            .dynamodb
            .query()
            .table_name(self.control)
            .key_condition_expression("#part = :hosts")
            .expression_attribute_names("#part", PART)
            .expression_attribute_values(":hosts", AttributeValue::S(hosts_part(run)))
            .send()
            .await
            .map_err(|source| LocalError::aws("read who announced itself", source))?;
        Ok(!hosts.items().is_empty())
    }

    async fn holder(&self) -> Result<Option<RunId>, LocalError> {
        let lease = self
            .dynamodb
            .get_item()
            .table_name(self.control)
            .key(PART, AttributeValue::S(LEASE.to_owned()))
            .key(ITEM, AttributeValue::S(LEASE.to_owned()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|source| LocalError::aws("read the lease", source))?
            .item
            .unwrap_or_default();
        let run = lease.get("run").and_then(|run| run.as_s().ok());
        Ok(run.map(RunId::from_stored))
    }
}
