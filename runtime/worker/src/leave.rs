//! When a worker ends.

use std::{sync::Arc, time::Duration};

use aws_config::imds;
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use lightsout_protocol::{
    control::{HEARTBEAT, ITEM, LEASE, MISSED_HEARTBEATS, PART},
    run::{DrainWatch, RunId, UnixSeconds},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::{Chain, queue::Queue};

/// Seconds between two heartbeats, until the master has said how many.
const USUAL_HEARTBEAT: u64 = 30;

/// How often instance metadata is asked for a notice; AWS
/// [recommends](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html)
/// every five seconds.
const ASK_FOR_NOTICE: Duration = Duration::from_secs(5);

/// Why a worker ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// The queue is drained.
    Drained,
    /// The run is over, or another one has begun.
    LeaseLost,
    /// The master has been silent for too long.
    MasterSilent,
    /// EC2 takes the machine back.
    SpotNotice,
    /// A signal asked for it.
    Asked,
}

impl Leave {
    /// Returns the reason's name, as it is printed and logged.
    pub fn name(self) -> &'static str {
        match self {
            Self::Drained => "drained",
            Self::LeaseLost => "lease_lost",
            Self::MasterSilent => "master_silent",
            Self::SpotNotice => "spot_notice",
            Self::Asked => "asked",
        }
    }
}

/// The lease as a worker sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseSeen {
    /// Whose it is.
    pub run: RunId,
    /// Until when it is held, 0 when it was given back.
    pub expires_at: UnixSeconds,
    /// Seconds between two heartbeats, if the master has said so.
    pub heartbeat: Option<u64>,
}

/// Tells a living master from one that is gone.
#[derive(Debug, Clone)]
pub struct Vigil {
    run: RunId,
    heard_at: UnixSeconds,
    heartbeat: u64,
}

impl Vigil {
    /// Watches the master of `run`, which is alive `now`.
    pub fn new(run: RunId, now: UnixSeconds) -> Self {
        Self {
            run,
            heard_at: now,
            heartbeat: USUAL_HEARTBEAT,
        }
    }

    /// Takes a reading of the lease, none if it could not be read.
    pub fn observe(&mut self, lease: Option<&LeaseSeen>, now: UnixSeconds) -> Option<Leave> {
        if let Some(lease) = lease {
            if lease.run != self.run || lease.expires_at == 0 {
                return Some(Leave::LeaseLost);
            }
            self.heartbeat = lease.heartbeat.unwrap_or(self.heartbeat);
            if lease.expires_at > now {
                self.heard_at = now;
            }
        }
        let silent = now.saturating_sub(self.heard_at);
        (silent > MISSED_HEARTBEATS * self.heartbeat).then_some(Leave::MasterSilent)
    }

    /// Returns how long to wait before the lease is read again.
    pub fn pause(&self) -> Duration {
        Duration::from_secs(self.heartbeat.clamp(1, USUAL_HEARTBEAT))
    }
}

/// Leaves on a signal.
pub async fn on_signal(leave: watch::Sender<Option<Leave>>) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    say(&leave, Leave::Asked);
    Ok(())
}

/// Leaves once the queue has read empty for `seconds`.
pub async fn when_drained<Q: Queue>(
    leave: watch::Sender<Option<Leave>>,
    queue: Arc<Q>,
    seconds: u64,
    now: impl Fn() -> UnixSeconds,
) {
    let pause = Duration::from_secs((seconds / u64::from(DrainWatch::READINGS)).clamp(1, 10));
    let mut watch = DrainWatch::new(seconds);
    loop {
        match queue.depth().await {
            Ok(depth) if watch.observe(depth, now()) => return say(&leave, Leave::Drained),
            Ok(_) => {}
            // What is not known is not empty.
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "the queue is not counted");
                watch = DrainWatch::new(seconds);
            }
        }
        tokio::time::sleep(pause).await;
    }
}

/// The master of this worker's run, as the control table shows it.
pub struct Master {
    client: Client,
    table: String,
    vigil: Vigil,
}

impl Master {
    /// Watches the master of `run`, which is alive `now`.
    pub fn new(client: Client, table: &str, run: RunId, now: UnixSeconds) -> Self {
        Self {
            client,
            table: table.to_owned(),
            vigil: Vigil::new(run, now),
        }
    }

    /// Looks at the lease once.
    pub async fn look(&mut self, now: UnixSeconds) -> Option<Leave> {
        let seen = read_lease(&self.client, &self.table).await;
        self.vigil.observe(seen.as_ref(), now)
    }

    /// Leaves when the lease is lost, or its holder silent for too long.
    pub async fn keep_looking(
        mut self,
        leave: watch::Sender<Option<Leave>>,
        now: impl Fn() -> UnixSeconds,
    ) {
        loop {
            if let Some(reason) = self.look(now()).await {
                return say(&leave, reason);
            }
            tokio::time::sleep(self.vigil.pause()).await;
        }
    }
}

/// Leaves when EC2 announces that it takes the machine back.
pub async fn on_spot_notice(leave: watch::Sender<Option<Leave>>, metadata: imds::Client) {
    loop {
        // The path exists only once there is a notice.
        if metadata
            .get("/latest/meta-data/spot/instance-action")
            .await
            .is_ok()
        {
            return say(&leave, Leave::SpotNotice);
        }
        tokio::time::sleep(ASK_FOR_NOTICE).await;
    }
}

async fn read_lease(client: &Client, table: &str) -> Option<LeaseSeen> {
    let answer = client
        .get_item()
        .table_name(table)
        .key(PART, AttributeValue::S(LEASE.to_owned()))
        .key(ITEM, AttributeValue::S(LEASE.to_owned()))
        .consistent_read(true)
        .send()
        .await;
    let item = match answer {
        Ok(answer) => answer.item?,
        Err(error) => {
            tracing::warn!(error = %Chain(&error), "the lease is not read");
            return None;
        }
    };
    let number = |name: &str| item.get(name)?.as_n().ok()?.parse().ok();
    Some(LeaseSeen {
        run: RunId::from_stored(item.get("run")?.as_s().ok()?),
        expires_at: number("expires_at")?,
        heartbeat: number(HEARTBEAT),
    })
}

/// The first reason stays.
fn say(leave: &watch::Sender<Option<Leave>>, reason: Leave) {
    leave.send_if_modified(|said| {
        let first = said.is_none();
        *said = said.or(Some(reason));
        first
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(run: &str, expires_at: UnixSeconds) -> LeaseSeen {
        LeaseSeen {
            run: RunId::from_stored(run),
            expires_at,
            heartbeat: Some(5),
        }
    }

    fn vigil() -> Vigil {
        Vigil::new(RunId::from_stored("run-1"), 100)
    }

    #[test]
    fn a_busy_master_may_miss_ten_heartbeats() {
        let mut vigil = vigil();
        assert_eq!(vigil.observe(Some(&lease("run-1", 110)), 105), None);
        assert_eq!(vigil.observe(Some(&lease("run-1", 110)), 155), None);
        assert_eq!(
            vigil.observe(Some(&lease("run-1", 110)), 156),
            Some(Leave::MasterSilent)
        );
    }

    #[test]
    fn an_unreadable_table_is_silence_and_not_the_end() {
        let mut vigil = vigil();
        vigil.observe(Some(&lease("run-1", 110)), 105);
        assert_eq!(vigil.observe(None, 155), None);
        assert_eq!(vigil.observe(None, 156), Some(Leave::MasterSilent));
    }

    #[test]
    fn a_run_that_is_over_or_replaced_is_left_at_once() {
        assert_eq!(
            vigil().observe(Some(&lease("run-1", 0)), 101),
            Some(Leave::LeaseLost)
        );
        assert_eq!(
            vigil().observe(Some(&lease("run-2", 900)), 101),
            Some(Leave::LeaseLost)
        );
    }

    #[test]
    fn the_first_reason_stays() {
        let (leave, left) = watch::channel(None);
        say(&leave, Leave::SpotNotice);
        say(&leave, Leave::Drained);
        assert_eq!(*left.borrow(), Some(Leave::SpotNotice));
    }
}
