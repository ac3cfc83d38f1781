//! From wherever a run stands to no machine left.
//!
//! The supervisor does this at the end, and the watch when the supervisor is
//! gone. Each step can be repeated.

use std::{fs, path::Path, time::Duration};

use aws_sdk_s3::{Client, config, primitives::ByteStream};
use lightsout_protocol::{
    oversight::{Ending, ends_workers},
    run::RunState,
};

use crate::{
    Chain,
    control::{self, ControlError, Progress, Tenure},
    fleet::Fleet,
    playbook::Attempt,
    surroundings::{Surroundings, now},
};

/// Longest wait until EC2 shows no worker any more.
const CLEARING: Duration = Duration::from_mins(10);

/// The file that says that a run is closed, for the watch.
pub const CLOSED: &str = "closed";

/// Whether the lease was still held when the workers had ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleared {
    /// EC2 shows no worker.
    NoneLeft,
    /// EC2 still shows workers after the longest wait.
    SomeLeft,
}

/// Stops Ansible and ends every worker, while the lease is kept.
pub async fn clear(around: &Surroundings, tenure: &Tenure) -> Result<Cleared, ControlError> {
    if let Some(attempt) = Attempt::last(around) {
        attempt.stop().await;
    }
    let fleet = Fleet::new(around);
    let clearing = tokio::time::timeout(CLEARING, fleet.terminate_until_none());
    tokio::pin!(clearing);
    let mut heartbeat = tokio::time::interval(Duration::from_secs(around.heartbeat_seconds()));
    let terminating = Progress {
        state: RunState::Terminating,
        depth: None,
        workers: 0,
    };
    loop {
        tokio::select! {
            cleared = &mut clearing => {
                return Ok(if cleared.is_ok() { Cleared::NoneLeft } else { Cleared::SomeLeft });
            }
            _ = heartbeat.tick() => match tenure.heartbeat(terminating, now()).await {
                Err(lost @ ControlError::Lost { .. }) => return Err(lost),
                Err(error) => tracing::warn!(error = %Chain(&error), "no heartbeat"),
                Ok(()) => {}
            }
        }
    }
}

/// Ends the workers of a run whose lease is lost, where they are nobody else's.
///
/// Nothing is written: the table belongs to whoever holds the lease now.
pub async fn abandon(around: &Surroundings) {
    match control::lease(around).await {
        Ok(lease) if ends_workers(&around.run, lease.as_ref()) => {
            tracing::warn!(run = %around.run, "the lease is lost: the workers are ended");
            let fleet = Fleet::new(around);
            let clearing = tokio::time::timeout(CLEARING, fleet.terminate_until_none());
            if clearing.await.is_err() {
                tracing::error!(run = %around.run, "EC2 still shows workers");
            }
        }
        Ok(_) => tracing::warn!(run = %around.run, "another machine is the master of this run"),
        Err(error) => tracing::warn!(error = %Chain(&error), "the lease cannot be read"),
    }
}

/// Keeps the logs, closes the run, gives the lease back.
pub async fn close(
    around: &Surroundings,
    tenure: &Tenure,
    ending: &Ending,
) -> Result<(), ControlError> {
    tracing::info!(run = %around.run, ?ending, "the run is closed");
    keep_logs(around).await;
    tenure.close(ending, now()).await?;
    // Only the watch reads the file; without it, it would close again.
    let _ = fs::write(around.folder.join(CLOSED), "");
    Ok(())
}

/// Ends this machine: by EC2 first, by a power-off where that fails.
pub async fn power_off(around: Option<&Surroundings>) {
    if let Some(around) = around {
        let fleet = Fleet::new(around);
        if let Err(error) = fleet.terminate_itself(&around.instance).await {
            tracing::warn!(error = %Chain(&error), "the machine powers off by itself");
        }
    }
    let shutdown = tokio::process::Command::new("shutdown")
        .args(["-h", "now"])
        .status()
        .await;
    if let Err(error) = shutdown {
        tracing::error!(error = %Chain(&error), "the machine cannot be powered off");
    }
}

/// Copies logs and exit codes into the log bucket.
///
/// They hold names and outcomes alone: the playbook prints no arguments, the
/// workers log message ids. A log that cannot be kept does not hold up the end.
async fn keep_logs(around: &Surroundings) {
    let own_endpoint = lightsout_aws::has_own_endpoint(&around.aws);
    let settings = config::Builder::from(&around.aws).force_path_style(own_endpoint);
    let client = Client::from_conf(settings.build());
    let mut records: Vec<_> = Attempt::all(around)
        .iter()
        .flat_map(Attempt::records)
        .collect();
    records.extend(worker_logs(&around.folder.join("workers")));
    let own = around.folder.with_file_name("supervisor.log");
    records.push(("supervisor.log".to_owned(), own));
    for (name, path) in records {
        let Ok(text) = fs::read(&path) else { continue };
        let put = client
            .put_object()
            .bucket(around.environment.logs.address())
            .key(format!("runs/{}/{name}", around.run))
            .body(ByteStream::from(text));
        if let Err(error) = put.send().await {
            tracing::warn!(name, error = %Chain(&error), "a log is not kept");
        }
    }
}

fn worker_logs(folder: &Path) -> Vec<(String, std::path::PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut logs: Vec<_> = entries
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (format!("workers/{name}"), entry.path())
        })
        .collect();
    logs.sort();
    logs
}
