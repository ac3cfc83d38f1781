//! When a worker ends.

use std::{collections::HashMap, sync::Arc, time::Duration};

use aws_config::imds;
use aws_sdk_dynamodb::{Client, types::AttributeValue};
pub use lightsout_protocol::leave::Leave;
use lightsout_protocol::{
    control::{HEARTBEAT, ITEM, LEASE, PART},
    leave::{LeaseSeen, Vigil},
    run::{DrainWatch, RunId, UnixSeconds},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::{Chain, queue::Queue};

/// How often instance metadata is asked for a notice; AWS
/// [recommends](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html)
/// every five seconds.
const ASK_FOR_NOTICE: Duration = Duration::from_secs(5);

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
    match answer {
        Ok(answer) => lease_seen(&answer.item?),
        Err(error) => {
            tracing::warn!(error = %Chain(&error), "the lease is not read");
            None
        }
    }
}

fn lease_seen(item: &HashMap<String, AttributeValue>) -> Option<LeaseSeen> {
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

    #[test]
    fn leases_of_every_version_are_read() {
        for (version, heartbeat) in [(1, None), (2, Some(20))] {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/tests/fixtures");
            let json = std::fs::read_to_string(format!("{folder}/lease-row-{version}.json"));
            let row: HashMap<String, HashMap<String, String>> =
                serde_json::from_str(&json.unwrap()).unwrap();
            let value = |value: HashMap<String, String>| match value.into_iter().next().unwrap() {
                (kind, value) if kind == "N" => AttributeValue::N(value),
                (_, value) => AttributeValue::S(value),
            };
            let row = row
                .into_iter()
                .map(|(name, of)| (name, value(of)))
                .collect();
            let wanted = LeaseSeen {
                run: RunId::new(7, 1_800_000_000),
                expires_at: 1_800_000_060,
                heartbeat,
            };
            assert_eq!(lease_seen(&row), Some(wanted));
        }
    }

    #[test]
    fn the_first_reason_stays() {
        let (leave, left) = watch::channel(None);
        say(&leave, Leave::SpotNotice);
        say(&leave, Leave::Drained);
        assert_eq!(*left.borrow(), Some(Leave::SpotNotice));
    }
}
