//! The master's machine crashes in the middle of its run, and the reaper mends it.
//!
//! The local AWS runs the heartbeat's schedule, once a minute. So as not to wait for
//! it, the reaper is invoked here besides: sweeps that come too early count for nothing.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use lightsout_protocol::{
    control::{ITEM, LEASE, PART},
    fleet::{role, tag},
    run::RunId,
};
use lightsout_region::{Fault, InstanceState, InstanceSummary, Region};
use serde::Deserialize;

use super::{LocalError, steps::Progress};

/// How long a worker may take to appear, and the reaper to end what is left.
const PATIENCE: Duration = Duration::from_mins(4);
const PAUSE: Duration = Duration::from_millis(200);

/// How often the reaper is invoked.
const SWEEP: Duration = Duration::from_secs(5);

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
    /// Crashes the master as soon as a worker's machine is there, before it works.
    pub(crate) async fn crash_master(&self) -> Result<(), LocalError> {
        let begun = tokio::time::Instant::now();
        loop {
            let instances = self.region.instances();
            let living = |wanted: &str| {
                instances.iter().find(|instance| {
                    instance.state == InstanceState::Running
                        && instance
                            .tags
                            .get(tag::ROLE)
                            .is_some_and(|role| role == wanted)
                })
            };
            if let (Some(master), Some(_)) = (living(role::MASTER), living(role::WORKER)) {
                self.region.inject(Fault::Crash(master.id.clone())).await;
                self.progress
                    .note("the master's machine has crashed; EC2 goes on calling it running");
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(LocalError::Reaper(
                    "there was no worker to crash beside".to_owned(),
                ));
            }
            tokio::time::sleep(PAUSE).await;
        }
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
