//! The reaper's decision: the last layer of termination that needs no person.

use serde::{Deserialize, Serialize};

use crate::{
    launch::Standing,
    run::{Depth, Hold, Lease, RunId, RunState, UnixSeconds},
};

/// Times that the reaper wakes the launcher for work that no run finishes, before
/// a person is told.
pub const MOST_WAKE_UPS: u32 = 5;

/// One instance of this pipeline, as EC2 shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceSeen {
    /// Its id.
    pub id: String,
    /// The fleet that its tag names; an instance of another is never ended.
    pub pipeline: Option<String>,
    /// The run that its tag names.
    pub run: Option<RunId>,
    /// EC2's own launch time, the one clock that no host can shift.
    pub launched_at: UnixSeconds,
}

/// What one sweep leaves for the next, in the control table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// When it was made, 0 before the first.
    pub at: UnixSeconds,
    /// Instances that had no right to run then.
    pub suspects: Vec<String>,
    /// Wake-ups since the queue was last seen empty, or a run came to its end.
    pub wake_ups: u32,
    /// The epoch of the lease that was seen then, 0 where there was none.
    pub epoch: u64,
}

/// What the control table says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remembered {
    /// The lease, and where its run stands.
    pub standing: Standing,
    /// The sweep before.
    pub last: Sweep,
}

/// The control table did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread;

/// What the reaper does about work that nobody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rearming {
    /// Nothing waits, or a living run will see it.
    NotNeeded,
    /// The launcher is invoked.
    Launcher,
    /// It was invoked often enough in vain: a person is told.
    AtCap,
}

/// What the reaper does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaping {
    /// Instances past their deadline, to be ended at once.
    pub overdue: Vec<String>,
    /// Instances without a run, to be ended after one more look at the lease.
    pub strays: Vec<String>,
    /// The lease whose run is to be closed, because its master fell silent.
    pub close: Option<Lease>,
    /// Whether the launcher is woken.
    pub rearming: Rearming,
    /// What the next sweep is told; none for a sweep that was delivered twice, or
    /// while the table is silent.
    pub sweep: Option<Sweep>,
}

/// Limits that the stacks set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Seconds between two sweeps; the same sweep delivered twice counts once.
    pub sweep_seconds: u64,
    /// Seconds that no instance may outlive.
    pub deadline_seconds: u64,
    /// Seconds after its launch for which an instance is left alone: a master that
    /// boots has not extended its lease yet.
    pub grace_seconds: u64,
}

impl Limits {
    /// Returns whether an instance has outlived its deadline.
    fn is_past(self, instance: &InstanceSeen, now: UnixSeconds) -> bool {
        now.saturating_sub(instance.launched_at) >= self.deadline_seconds
    }

    /// Returns whether an instance is old enough, and its run has no right to it:
    /// the lease is expired, given back, or another run's.
    fn is_stray(self, instance: &InstanceSeen, lease: Option<&Lease>, now: UnixSeconds) -> bool {
        let age = now.saturating_sub(instance.launched_at);
        let is_of_the_run =
            |lease: &Lease| !lease.is_free(now) && instance.run.as_ref() == Some(&lease.run);
        age >= self.grace_seconds.min(self.deadline_seconds) && !lease.is_some_and(is_of_the_run)
    }
}

/// Decides what is ended, closed and woken.
///
/// An instance of `pipeline` that is past its deadline by EC2's own launch time is
/// ended at once, whatever the table says or does not. Any other is ended only when
/// its run has no right to it **and** it is past its boot grace **and** the sweep
/// before saw it so too **and** no heartbeat came between the two. Why each of the
/// three: a registry that lagged had live work killed
/// ([terraform-aws-github-runner #4391][4391]).
///
/// `depth` is none where the queue could not be measured, which is taken neither for
/// an empty queue nor for work.
///
/// [4391]: https://github.com/github-aws-runners/terraform-aws-github-runner/issues/4391
pub fn decide_reap(
    pipeline: &str,
    seen: &[InstanceSeen],
    table: Result<&Remembered, Unread>,
    depth: Option<Depth>,
    limits: Limits,
    now: UnixSeconds,
) -> Reaping {
    let own = || {
        let is_own = |instance: &&InstanceSeen| instance.pipeline.as_deref() == Some(pipeline);
        seen.iter().filter(is_own)
    };
    let id = |instance: &InstanceSeen| instance.id.clone();
    let mut reaping = Reaping {
        overdue: own().filter(|i| limits.is_past(i, now)).map(id).collect(),
        strays: Vec::new(),
        close: None,
        rearming: Rearming::NotNeeded,
        sweep: None,
    };
    let Ok(Remembered { standing, last }) = table else {
        return reaping;
    };
    if now < last.at + limits.sweep_seconds / 2 {
        return reaping;
    }
    let lease = standing.lease.as_ref();
    let suspects: Vec<&InstanceSeen> = own()
        .filter(|i| !limits.is_past(i, now) && limits.is_stray(i, lease, now))
        .collect();
    // What the sweep before saw must have held ever since: a lease that was extended in between
    // was not yet expired then, as it stands now.
    let was_stray = |instance: &&&InstanceSeen| {
        last.suspects.contains(&instance.id) && limits.is_stray(instance, lease, last.at)
    };
    reaping.strays = suspects.iter().filter(was_stray).map(|i| id(i)).collect();
    reaping.close = lease
        .filter(|lease| has_fallen_silent(lease, last.at, limits, now))
        .cloned();
    let (rearming, wake_ups) = rearm(standing, depth, last, now);
    reaping.rearming = rearming;
    reaping.sweep = Some(Sweep {
        at: now,
        suspects: suspects.into_iter().map(id).collect(),
        wake_ups,
        epoch: lease.map_or(0, |lease| lease.epoch),
    });
    reaping
}

/// Returns those of `strays` that the lease, read once more, gives no right either.
pub fn still_stray(
    strays: &[String],
    seen: &[InstanceSeen],
    lease: Option<&Lease>,
    limits: Limits,
    now: UnixSeconds,
) -> Vec<String> {
    seen.iter()
        .filter(|instance| strays.contains(&instance.id))
        .filter(|instance| limits.is_stray(instance, lease, now))
        .map(|instance| instance.id.clone())
        .collect()
}

/// Returns whether the lease was expired already when the sweep before was made, and
/// its run has had the time to boot.
fn has_fallen_silent(lease: &Lease, last: UnixSeconds, limits: Limits, now: UnixSeconds) -> bool {
    let Hold::Until(expiry) = lease.hold else {
        return false;
    };
    let booted_by = lease.run.taken_at().unwrap_or(0) + limits.grace_seconds;
    expiry <= last && booted_by <= now
}

fn rearm(
    standing: &Standing,
    depth: Option<Depth>,
    last: &Sweep,
    now: UnixSeconds,
) -> (Rearming, u32) {
    let lease = standing.lease.as_ref();
    // A run that drained the queue was not woken in vain, whatever has come since.
    let is_another = lease.is_some_and(|lease| lease.epoch > last.epoch);
    let wake_ups = match standing.state {
        Some(RunState::Done) if is_another => 0,
        _ => last.wake_ups,
    };
    match depth {
        _ if lease.is_some_and(|lease| !lease.is_free(now)) => (Rearming::NotNeeded, wake_ups),
        None => (Rearming::NotNeeded, wake_ups),
        Some(depth) if depth.visible + depth.delayed == 0 => (Rearming::NotNeeded, 0),
        Some(_) if wake_ups >= MOST_WAKE_UPS => (Rearming::AtCap, wake_ups),
        Some(_) => (Rearming::Launcher, wake_ups + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        sweep_seconds: 60,
        deadline_seconds: 3_600,
        grace_seconds: 600,
    };

    const WORK: Option<Depth> = Some(Depth {
        visible: 1,
        in_flight: 0,
        delayed: 0,
    });

    fn instance(id: &str, run: u64) -> InstanceSeen {
        InstanceSeen {
            id: id.to_owned(),
            pipeline: Some("p".to_owned()),
            run: Some(RunId::new(run, 0)),
            launched_at: 0,
        }
    }

    fn held(epoch: u64, until: UnixSeconds) -> Standing {
        let lease = Lease {
            epoch,
            run: RunId::new(epoch, 0),
            hold: Hold::Until(until),
        };
        Standing {
            lease: Some(lease),
            state: Some(RunState::Coding),
            asking: None,
        }
    }

    fn decide(
        seen: &[InstanceSeen],
        standing: Standing,
        last: Sweep,
        depth: Option<Depth>,
        now: UnixSeconds,
    ) -> Reaping {
        let table = Remembered { standing, last };
        decide_reap("p", seen, Ok(&table), depth, LIMITS, now)
    }

    fn twice(seen: &[InstanceSeen], standing: &Standing, at: u64) -> [Reaping; 2] {
        let first = decide(seen, standing.clone(), Sweep::default(), None, at);
        let last = first.sweep.clone().unwrap();
        let second = decide(seen, standing.clone(), last, None, at + 60);
        [first, second]
    }

    #[test]
    fn an_instance_of_an_expired_run_is_ended_when_it_is_seen_twice() {
        let [first, second] = twice(&[instance("i-1", 4)], &held(4, 900), 1_000);
        assert_eq!((first.strays.len(), first.close), (0, None));
        assert_eq!(second.strays, ["i-1"]);
        assert_eq!(second.close, held(4, 900).lease);
    }

    #[test]
    fn a_run_that_was_heard_between_two_sweeps_keeps_its_machines() {
        let seen = [instance("i-1", 4)];
        let first = decide(&seen, held(4, 990), Sweep::default(), None, 1_000);
        let last = first.sweep.unwrap();
        assert_eq!(last.suspects, ["i-1"]);
        let second = decide(&seen, held(4, 1_050), last, None, 1_060);
        assert_eq!((second.strays.len(), second.close), (0, None));
        let third = decide(&seen, held(4, 1_050), second.sweep.unwrap(), None, 1_120);
        assert_eq!(third.strays, ["i-1"]);
    }

    #[test]
    fn a_live_run_keeps_its_machines_and_a_superseded_one_does_not() {
        let seen = [instance("i-old", 3), instance("i-live", 4)];
        let [_, second] = twice(&seen, &held(4, 9_000), 1_000);
        assert_eq!(second.strays, ["i-old"]);
        assert_eq!(second.close, None);
    }

    #[test]
    fn a_machine_that_boots_or_is_of_another_fleet_is_left_alone() {
        let mut foreign = instance("i-1", 4);
        foreign.pipeline = None;
        for (seen, at) in [(foreign, 5_000), (instance("i-2", 4), 100)] {
            let [_, second] = twice(&[seen], &held(4, 1), at);
            assert_eq!((second.strays.len(), second.overdue.len()), (0, 0));
        }
    }

    #[test]
    fn a_machine_past_its_deadline_is_ended_though_the_table_is_silent() {
        let decide = |now| decide_reap("p", &[instance("i-1", 4)], Err(Unread), None, LIMITS, now);
        assert_eq!(decide(3_599).overdue, Vec::<String>::new());
        assert_eq!(decide(3_600).overdue, ["i-1"]);
        assert_eq!(decide(3_600).sweep, None);
    }

    #[test]
    fn a_sweep_that_is_delivered_twice_counts_once() {
        let seen = [instance("i-1", 4)];
        let first = decide(&seen, held(4, 1), Sweep::default(), WORK, 1_000);
        let copy = decide(&seen, held(4, 1), first.sweep.unwrap(), WORK, 1_001);
        assert_eq!(copy.strays, Vec::<String>::new());
        assert_eq!((copy.rearming, copy.sweep), (Rearming::NotNeeded, None));
    }

    #[test]
    fn the_lease_is_looked_at_once_more_before_the_end() {
        let (seen, strays) = ([instance("i-1", 4)], ["i-1".to_owned()]);
        let still = |standing: &Standing| {
            still_stray(&strays, &seen, standing.lease.as_ref(), LIMITS, 1_000)
        };
        assert_eq!(still(&held(4, 999)), ["i-1"]);
        assert_eq!(still(&held(4, 1_001)), Vec::<String>::new());
        assert_eq!(still(&held(5, 1_001)), ["i-1"]);
    }

    #[test]
    fn work_that_nobody_takes_wakes_the_launcher_up_to_the_cap() {
        let mut last = Sweep::default();
        let mut told = Vec::new();
        for turn in 1..8 {
            let reaping = decide(&[], Standing::default(), last, WORK, turn * 60);
            last = reaping.sweep.unwrap();
            told.push(reaping.rearming);
        }
        assert_eq!(told[..5], [Rearming::Launcher; 5]);
        assert_eq!(told[5..], [Rearming::AtCap; 2]);
    }

    #[test]
    fn a_run_that_came_to_its_end_was_not_woken_in_vain() {
        let at_cap = Sweep {
            wake_ups: MOST_WAKE_UPS,
            epoch: 4,
            ..Sweep::default()
        };
        let mut standing = held(5, 1);
        standing.state = Some(RunState::Failed);
        let failed = decide(&[], standing.clone(), at_cap.clone(), WORK, 1_000);
        assert_eq!(failed.rearming, Rearming::AtCap);
        standing.state = Some(RunState::Done);
        let done = decide(&[], standing, at_cap, WORK, 1_000);
        assert_eq!(done.rearming, Rearming::Launcher);
    }
}
