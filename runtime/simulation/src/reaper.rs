//! The reaper: sweeps on a clock, decides as the protocol says.

use lightsout_protocol::reap::{
    BOOT_GRACE, InstanceSeen, Limits, Sweep, Unread, WakeUp, decide_reap,
};

use crate::{
    layer::Layer,
    mutant::Mutant,
    schedule::Kind,
    world::{BEGIN, DEADLINE, SWEEP, State},
};

/// Seconds for which a run's lease must have been dead when its machine is ended.
const SILENT: u64 = 30;

/// What the reaper keeps in the control table between two sweeps.
#[derive(Default)]
pub struct Reaper {
    last: Sweep,
    wakes: bool,
}

impl Reaper {
    /// Sweeps if it is time.
    pub fn step(&mut self, state: &mut State) {
        let time = state.now - BEGIN;
        if !time.is_multiple_of(SWEEP) || !state.options.has(Layer::Reaper) {
            return;
        }
        self.sweep(state);
        if state.hit_once(Kind::ReaperTwice) {
            self.sweep(state);
        }
    }

    /// Returns whether the launcher is to be invoked, once.
    pub fn take_wake_up(&mut self) -> bool {
        std::mem::take(&mut self.wakes)
    }

    fn sweep(&mut self, state: &mut State) {
        let now = state.now;
        let is_stale = state.hit(Kind::DescribeStale);
        let grace = if state.has_bug(Mutant::ReaperIgnoresGrace) {
            BOOT_GRACE
        } else {
            0
        };
        let seen: Vec<InstanceSeen> = state
            .ec2
            .list(is_stale, now)
            .into_iter()
            .map(|instance| InstanceSeen {
                id: instance.id.to_string(),
                pipeline: Some("p".to_owned()),
                run: Some(instance.run),
                launched_at: instance.launched_at.saturating_sub(grace),
            })
            .collect();
        let lease = if state.hit(Kind::TableDown) {
            Err(Unread)
        } else {
            Ok(state.table.lease.clone())
        };
        let depth = if state.hit(Kind::QueueDown) {
            None
        } else {
            Some(state.sqs.depth(now))
        };
        let mut limits = Limits {
            sweep_seconds: SWEEP,
            deadline_seconds: DEADLINE,
        };
        if state.has_bug(Mutant::ReaperSeesOnce) {
            self.last.suspects = seen.iter().map(|instance| instance.id.clone()).collect();
            self.last.at = now;
            limits.sweep_seconds = 0;
        }
        let reaping = decide_reap("p", &seen, &lease, depth, &self.last, limits, now);
        self.last = reaping.sweep;
        match reaping.wake_up {
            WakeUp::No => {}
            WakeUp::Launcher => {
                state.count("the reaper wakes the launcher");
                self.wakes = true;
            }
            WakeUp::AlarmAtCap => state.count("the reaper tells a person"),
        }
        for id in reaping.end.iter().filter_map(|id| id.parse().ok()) {
            Self::check(state, id);
            state.terminate(id, "the reaper");
        }
    }

    fn check(state: &mut State, id: u64) {
        let now = state.now;
        let Some(instance) = usize::try_from(id)
            .ok()
            .and_then(|id| state.ec2.instances.get(id))
            .cloned()
        else {
            return;
        };
        let age = now - instance.launched_at;
        if !instance.is_alive() || age >= DEADLINE {
            return;
        }
        if age < BOOT_GRACE {
            state.violate(4, || {
                format!("the reaper ends i-{id} within its boot grace")
            });
        }
        let is_current = state.table.lease.as_ref().is_some_and(|lease| {
            let expired_at = match lease.hold {
                lightsout_protocol::run::Hold::Until(expiry) => expiry,
                lightsout_protocol::run::Hold::Released => 0,
            };
            lease.run == instance.run && now < expired_at + SILENT
        });
        if is_current {
            state.violate(4, || {
                format!("the reaper ends i-{id}, whose run was alive a moment ago")
            });
        }
    }
}
