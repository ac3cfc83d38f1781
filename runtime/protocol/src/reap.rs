//! The reaper's decision: the last layer of termination that needs no person.

use serde::{Deserialize, Serialize};

use crate::run::{Depth, Lease, RunId, UnixSeconds};

/// Times that the reaper wakes the launcher for a queue that is never seen empty,
/// before a person is told.
pub const MOST_WAKE_UPS: u32 = 5;

/// Seconds after its launch for which an instance is left alone: a master that
/// boots has not extended its lease yet.
pub const BOOT_GRACE: u64 = 600;

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
    /// When it was made.
    pub at: UnixSeconds,
    /// Instances that had no right to run then.
    pub suspects: Vec<String>,
    /// Wake-ups since the queue was last seen empty.
    pub wake_ups: u32,
    /// The epoch of the lease that the last wake-up saw.
    pub epoch: u64,
}

/// What the reaper does about work that nobody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WakeUp {
    /// Nothing waits, or a living run will see it.
    No,
    /// The launcher is invoked.
    Launcher,
    /// It was invoked often enough in vain: a person is told.
    AlarmAtCap,
}

/// What the reaper does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaping {
    /// Instances to be ended now, after one more look at the lease.
    pub end: Vec<String>,
    /// Whether the launcher is woken.
    pub wake_up: WakeUp,
    /// What the next sweep is told.
    pub sweep: Sweep,
}

/// Limits that the stacks set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Seconds between two sweeps; the same sweep delivered twice counts once.
    pub sweep_seconds: u64,
    /// Seconds that no instance may outlive.
    pub deadline_seconds: u64,
}

/// Decides what is ended.
///
/// An instance of `pipeline` is ended only when its run has no right to it (the
/// lease is expired, given back, or another run's) or it is past its deadline,
/// **and** it is past its boot grace, **and** the sweep before saw it so too, **and** no
/// heartbeat came between the two.
/// Why each of the three: a registry that lagged had live work killed
/// ([terraform-aws-github-runner #4391][4391]).
///
/// `lease` is none only where the table was read and holds none; a table that
/// does not answer is no reason to end anything but what is past its deadline.
///
/// [4391]: https://github.com/github-aws-runners/terraform-aws-github-runner/issues/4391
pub fn decide_reap(
    pipeline: &str,
    seen: &[InstanceSeen],
    lease: &Result<Option<Lease>, Unread>,
    depth: Option<Depth>,
    last: &Sweep,
    limits: Limits,
    now: UnixSeconds,
) -> Reaping {
    let old_enough = now >= last.at + limits.sweep_seconds / 2;
    if !old_enough {
        return Reaping {
            end: Vec::new(),
            wake_up: WakeUp::No,
            sweep: last.clone(),
        };
    }
    let has_no_right = |instance: &InstanceSeen, at: UnixSeconds| {
        let age = at.saturating_sub(instance.launched_at);
        let is_overdue = age >= limits.deadline_seconds;
        let is_stray = match lease {
            Err(Unread) => false,
            Ok(None) => true,
            Ok(Some(lease)) => lease.is_free(at) || instance.run.as_ref() != Some(&lease.run),
        };
        age >= BOOT_GRACE.min(limits.deadline_seconds) && (is_overdue || is_stray)
    };
    let suspects: Vec<&InstanceSeen> = seen
        .iter()
        .filter(|instance| instance.pipeline.as_deref() == Some(pipeline))
        .filter(|instance| has_no_right(instance, now))
        .collect();
    // What the sweep before saw must have held ever since: a lease that was extended in between
    // was not yet expired then, as it stands now.
    let end = suspects
        .iter()
        .filter(|instance| last.suspects.contains(&instance.id) && has_no_right(instance, last.at))
        .map(|instance| instance.id.clone())
        .collect();
    let suspects = suspects
        .into_iter()
        .map(|instance| instance.id.clone())
        .collect();
    let (wake_up, wake_ups, epoch) = wake(lease, depth, last, now);
    Reaping {
        end,
        wake_up,
        sweep: Sweep {
            at: now,
            suspects,
            wake_ups,
            epoch,
        },
    }
}

/// The control table did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread;

fn wake(
    lease: &Result<Option<Lease>, Unread>,
    depth: Option<Depth>,
    last: &Sweep,
    now: UnixSeconds,
) -> (WakeUp, u32, u64) {
    let Ok(lease) = lease else {
        return (WakeUp::No, last.wake_ups, last.epoch);
    };
    let epoch = lease.as_ref().map_or(0, |lease| lease.epoch);
    let is_live = lease.as_ref().is_some_and(|lease| !lease.is_free(now));
    match depth {
        _ if is_live => (WakeUp::No, last.wake_ups, epoch),
        None => (WakeUp::No, last.wake_ups, epoch),
        Some(depth) if depth.visible + depth.delayed == 0 => (WakeUp::No, 0, epoch),
        Some(_) if last.wake_ups >= MOST_WAKE_UPS => (WakeUp::AlarmAtCap, last.wake_ups, epoch),
        Some(_) => (WakeUp::Launcher, last.wake_ups + 1, epoch),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Hold;

    const LIMITS: Limits = Limits {
        sweep_seconds: 60,
        deadline_seconds: 3_600,
    };

    fn instance(id: &str, run: u64) -> InstanceSeen {
        InstanceSeen {
            id: id.to_owned(),
            pipeline: Some("p".to_owned()),
            run: Some(RunId::new(run, 0)),
            launched_at: 0,
        }
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "decisions take what a reading of the table gives"
    )]
    fn lease(epoch: u64, until: UnixSeconds) -> Result<Option<Lease>, Unread> {
        Ok(Some(Lease {
            epoch,
            run: RunId::new(epoch, 0),
            hold: Hold::Until(until),
        }))
    }

    fn twice(
        seen: &[InstanceSeen],
        lease: &Result<Option<Lease>, Unread>,
        at: u64,
    ) -> [Vec<String>; 2] {
        let first = decide_reap("p", seen, lease, None, &Sweep::default(), LIMITS, at);
        let second = decide_reap("p", seen, lease, None, &first.sweep, LIMITS, at + 60);
        [first.end, second.end]
    }

    #[test]
    fn an_instance_of_an_expired_run_is_ended_when_it_is_seen_twice() {
        let ends = twice(&[instance("i-1", 4)], &lease(4, 900), 1_000);
        assert_eq!(ends, [vec![], vec!["i-1".to_owned()]]);
    }

    #[test]
    fn a_run_that_was_heard_between_two_sweeps_keeps_its_machines() {
        let seen = [instance("i-1", 4)];
        let none = Sweep::default();
        let first = decide_reap("p", &seen, &lease(4, 990), None, &none, LIMITS, 1_000);
        assert_eq!(first.sweep.suspects, ["i-1"]);
        let second = decide_reap(
            "p",
            &seen,
            &lease(4, 1_050),
            None,
            &first.sweep,
            LIMITS,
            1_060,
        );
        assert_eq!(second.end, Vec::<String>::new());
        let third = decide_reap(
            "p",
            &seen,
            &lease(4, 1_050),
            None,
            &second.sweep,
            LIMITS,
            1_120,
        );
        assert_eq!(third.end, ["i-1"]);
    }

    #[test]
    fn a_live_run_keeps_its_machines_and_a_superseded_one_does_not() {
        let seen = [instance("i-old", 3), instance("i-live", 4)];
        assert_eq!(twice(&seen, &lease(4, 9_000), 1_000)[1], ["i-old"]);
    }

    #[test]
    fn a_machine_that_boots_or_is_of_another_fleet_is_left_alone() {
        let mut foreign = instance("i-1", 4);
        foreign.pipeline = None;
        assert_eq!(
            twice(&[foreign], &lease(4, 1), 1_000)[1],
            Vec::<String>::new()
        );
        assert_eq!(
            twice(&[instance("i-2", 4)], &lease(4, 1), 100)[1],
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_machine_past_its_deadline_is_ended_though_the_table_is_silent() {
        assert_eq!(
            twice(&[instance("i-1", 4)], &Err(Unread), 1_000)[1],
            Vec::<String>::new()
        );
        assert_eq!(
            twice(&[instance("i-1", 4)], &Err(Unread), 3_600)[1],
            ["i-1"]
        );
    }

    #[test]
    fn a_sweep_that_is_delivered_twice_counts_once() {
        let seen = [instance("i-1", 4)];
        let first = decide_reap(
            "p",
            &seen,
            &lease(4, 1),
            None,
            &Sweep::default(),
            LIMITS,
            1_000,
        );
        let copy = decide_reap("p", &seen, &lease(4, 1), None, &first.sweep, LIMITS, 1_001);
        assert_eq!(copy.end, Vec::<String>::new());
    }

    #[test]
    fn work_that_nobody_takes_wakes_the_launcher_up_to_the_cap() {
        let depth = Some(Depth {
            visible: 1,
            ..Depth::default()
        });
        let mut sweep = Sweep::default();
        let mut told = Vec::new();
        for turn in 1..8 {
            let reaping = decide_reap("p", &[], &Ok(None), depth, &sweep, LIMITS, turn * 60);
            sweep = reaping.sweep;
            told.push(reaping.wake_up);
        }
        assert_eq!(told[..5], [WakeUp::Launcher; 5]);
        assert_eq!(told[5..], [WakeUp::AlarmAtCap; 2]);
    }
}
