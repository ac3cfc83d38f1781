//! How large a run may get, and how long it may take.

use std::time::Duration;

use super::fault::Fault;

/// How large a run may get, how long it may take, and when it counts as done.
///
/// ```
/// use std::time::Duration;
/// use lightsout::batch_fleet::Limits;
///
/// let nightly = Limits::new().most_workers(40).deadline(Duration::from_hours(6));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub(super) most_workers: u32,
    pub(super) messages_per_worker: u64,
    pub(super) visibility: Duration,
    pub(super) attempts: u16,
    pub(super) lease: Duration,
    pub(super) drain: Duration,
    pub(super) deadline: Duration,
    pub(super) boot: Duration,
}

/// Heartbeats that a master may miss before its workers end themselves: a small
/// master that is merely busy must not cost a fleet.
const MISSED_HEARTBEATS: u64 = 10;

impl Limits {
    /// Four workers, one for each 1000 messages, and four hours.
    pub const fn new() -> Self {
        Self {
            most_workers: 4,
            messages_per_worker: 1000,
            visibility: Duration::from_mins(5),
            attempts: 3,
            lease: Duration::from_mins(2),
            drain: Duration::from_mins(1),
            deadline: Duration::from_hours(4),
            boot: Duration::from_mins(5),
        }
    }

    /// Starts at most this many workers at once, 1 to 500; 4 unless said.
    pub const fn most_workers(mut self, workers: u32) -> Self {
        self.most_workers = workers;
        self
    }

    /// Starts one worker for each of so many messages; 1000 unless said.
    pub const fn messages_per_worker(mut self, messages: u64) -> Self {
        self.messages_per_worker = messages;
        self
    }

    /// Hides a received message for this long, 10 s to 12 hours; 5 minutes unless said.
    pub const fn visibility(mut self, timeout: Duration) -> Self {
        self.visibility = timeout;
        self
    }

    /// Tries a message this often before it is a dead letter, 1 to 1000; 3 unless said.
    pub const fn attempts(mut self, attempts: u16) -> Self {
        self.attempts = attempts;
        self
    }

    /// Holds the lease for this long after each heartbeat of the master, 10 s to
    /// 1 hour; 2 minutes unless said.
    ///
    /// Workers give their master up after ten times as long.
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Ends a run once the queue has read empty for this long, 1 s to 10 minutes;
    /// 1 minute unless said.
    pub const fn drain(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }

    /// Switches every machine of a run off after this long, whatever happens,
    /// 5 minutes to 48 hours; 4 hours unless said.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Waits for a master for this long from its launch to its first heartbeat, 10 s to
    /// 1 hour; 5 minutes unless said.
    ///
    /// The reaper leaves a machine alone for twice as long.
    pub const fn boot(mut self, time: Duration) -> Self {
        self.boot = time;
        self
    }

    /// Returns for how long the launcher takes the lease: until the master's first
    /// heartbeat.
    pub(super) fn first_lease(&self) -> Duration {
        self.lease.max(self.boot)
    }

    /// Returns for how long the reaper leaves a machine alone after its launch.
    pub(super) fn boot_grace(&self) -> Duration {
        self.first_lease() * 2
    }

    /// Returns the seconds between two looks of a worker's host at the lease.
    pub(super) fn guard_seconds(&self) -> u64 {
        (self.lease.as_secs() / 2).max(5)
    }

    /// Returns the seconds of silence after which a worker's host ends itself.
    pub(super) fn stale_seconds(&self) -> u64 {
        self.lease.as_secs() * MISSED_HEARTBEATS
    }

    pub(super) fn faults(&self) -> Vec<Fault> {
        let hours = |hours| Duration::from_hours(hours);
        let mut faults = Vec::new();
        if !(1..=500).contains(&self.most_workers) {
            faults.push(Fault::new(
                format!("has `{}` as its most workers", self.most_workers),
                "give `Limits::most_workers` 1 to 500",
            ));
        }
        if self.messages_per_worker == 0 {
            faults.push(Fault::new(
                "has `0` messages for a worker",
                "give `Limits::messages_per_worker` at least 1",
            ));
        }
        // SQS takes a redrive policy with 1 to 1000 receives.
        if !(1..=1000).contains(&self.attempts) {
            faults.push(Fault::new(
                format!("has `{}` attempts for a message", self.attempts),
                "give `Limits::attempts` 1 to 1000",
            ));
        }
        faults.extend(
            [
                ("visibility", self.visibility, seconds(10), hours(12)),
                ("lease", self.lease, seconds(10), hours(1)),
                ("drain", self.drain, seconds(1), seconds(600)),
                ("deadline", self.deadline, seconds(300), hours(48)),
                ("boot", self.boot, seconds(10), hours(1)),
            ]
            .into_iter()
            .filter_map(|(name, found, least, most)| {
                Fault::unless_within(&format!("Limits::{name}"), found, least, most)
            }),
        );
        if self.lease >= self.deadline {
            faults.push(Fault::new(
                format!(
                    "has a lease of {} s, as long as its deadline of {} s",
                    self.lease.as_secs(),
                    self.deadline.as_secs()
                ),
                "give `Limits::lease` a small part of `Limits::deadline`",
            ));
        }
        faults
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
