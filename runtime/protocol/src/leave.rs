//! When a worker ends.

use std::time::Duration;

use crate::{
    control::MISSED_HEARTBEATS,
    run::{RunId, UnixSeconds},
};

/// Seconds between two heartbeats, until the master has said how many.
const USUAL_HEARTBEAT: u64 = 30;

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
}
