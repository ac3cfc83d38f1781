//! The decisions of the supervisor, without clock, client or randomness.

use crate::run::{Depth, DrainWatch, Hold, Lease, RunId, RunState, UnixSeconds};

/// How often the playbook may be started anew in one run.
pub const FRESH_STARTS: u32 = 3;

/// Seconds without any progress after which a living playbook is stuck.
///
/// A worker that codes ten charts at once shows progress far more often.
pub const STUCK_SECONDS: u64 = 600;

/// Whether Ansible runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The process lives.
    Running,
    /// The process left this exit code.
    Exited(i32),
    /// The process is gone without an exit code: it was killed.
    Dead,
}

/// What the callback plugin has written so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Events {
    /// Events that tell of progress.
    pub progress: usize,
    /// Hosts on which the worker was started.
    pub coding: usize,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The queue is drained and every machine ended.
    Done,
    /// The run ended early, for the reason given.
    Failed(String),
}

/// What the supervisor sees at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Observation {
    /// Whether Ansible runs.
    pub playbook: Status,
    /// What Ansible has reported.
    pub events: Events,
    /// What the queue holds, absent when it could not be measured.
    pub depth: Option<Depth>,
    /// Which attempt this is, counted from one; starts that only made the fleet larger
    /// do not count.
    pub attempt: u32,
}

/// What the supervisor does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Goes on watching, in this state.
    GoOn(RunState),
    /// Starts the playbook anew.
    StartAnew(Cause, Workers),
    /// Ends the run.
    End(Ending),
}

/// What becomes of the workers when the playbook is started anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// Those that live are taken over.
    Adopt,
    /// They are ended first: the last start that took them over got stuck too.
    Replace,
}

/// Why the playbook is started anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The process is gone without an exit code.
    #[error("ansible died")]
    Dead,
    /// The process lives, but nothing happens.
    #[error("ansible was stuck for {STUCK_SECONDS} seconds")]
    Stuck,
    /// The process ended with an error.
    #[error("ansible ended with code {0}")]
    Failed(i32),
    /// The process ended well, but charts are left.
    #[error("charts were left in the queue")]
    ChartsLeft,
}

/// Returns whether a master of `run` that lost the lease ends the workers of `run`
/// before it ends itself, given the lease as it is now.
///
/// It does where the run is over or another one has begun: nobody else looks for these
/// workers but the reaper. Where the lease is still of this run, another machine is its
/// master, and the workers are that machine's.
pub fn ends_workers(run: &RunId, lease: Option<&Lease>) -> bool {
    lease.is_none_or(|lease| lease.run != *run || lease.hold == Hold::Released)
}

/// Watches over one run.
#[derive(Debug, Clone)]
pub struct Oversight {
    deadline: UnixSeconds,
    drain_seconds: u64,
    drain: DrainWatch,
    depth: Option<Depth>,
    events: Events,
    changed_at: UnixSeconds,
    ended_at: Option<UnixSeconds>,
    was_stuck: Option<u32>,
}

impl Oversight {
    /// Watches over a run that is given up at `deadline`.
    pub fn new(deadline: UnixSeconds, drain_seconds: u64, now: UnixSeconds) -> Self {
        Self {
            deadline,
            drain_seconds,
            drain: DrainWatch::new(drain_seconds),
            depth: None,
            events: Events::default(),
            changed_at: now,
            ended_at: None,
            was_stuck: None,
        }
    }

    /// Decides what follows from what is seen.
    pub fn observe(&mut self, seen: &Observation, now: UnixSeconds) -> Step {
        if now >= self.deadline {
            return Step::End(Ending::Failed("the deadline has passed".to_owned()));
        }
        if seen.events != self.events || (seen.depth.is_some() && seen.depth != self.depth) {
            self.changed_at = now;
        }
        self.events = seen.events;
        self.depth = seen.depth.or(self.depth);
        let drained = seen
            .depth
            .is_some_and(|depth| self.drain.observe(depth, now));
        let cause = match seen.playbook {
            Status::Running if now.saturating_sub(self.changed_at) >= STUCK_SECONDS => {
                return self.start_anew(Cause::Stuck, seen.attempt, now);
            }
            Status::Running => return Step::GoOn(self.state()),
            Status::Exited(0) => Cause::ChartsLeft,
            Status::Exited(code) => Cause::Failed(code),
            Status::Dead => Cause::Dead,
        };
        if drained {
            return Step::End(Ending::Done);
        }
        // Counts lag and held messages come back late: only what is left after
        // the time of a drain is left for good.
        let ended_at = *self.ended_at.get_or_insert(now);
        let settled = now.saturating_sub(ended_at) > self.drain_seconds;
        match seen.depth {
            Some(depth) if settled && !depth.is_zero() => self.start_anew(cause, seen.attempt, now),
            _ => Step::GoOn(RunState::Draining),
        }
    }

    /// Decides what follows once every worker has ended and the queue was looked
    /// at once more: a chart that arrived meanwhile must not wait for an alarm
    /// that never changes.
    ///
    /// A queue that could not be measured, `depth` being none, is not taken for
    /// an empty one, and what a worker held when it was ended comes back late: the
    /// queue is looked at again until the deadline.
    pub fn after_clearing(&mut self, depth: Option<Depth>, attempt: u32, now: UnixSeconds) -> Step {
        if now >= self.deadline {
            return Step::End(Ending::Failed("the deadline has passed".to_owned()));
        }
        match depth {
            Some(depth) if depth.is_zero() => Step::End(Ending::Done),
            Some(depth) if depth.visible + depth.delayed > 0 => {
                self.start_anew(Cause::ChartsLeft, attempt, now)
            }
            Some(_) | None => Step::GoOn(RunState::Terminating),
        }
    }

    /// Notes that the playbook was started anew so that the fleet grows.
    pub fn begin_anew(&mut self, now: UnixSeconds) {
        self.drain = DrainWatch::new(self.drain_seconds);
        self.events = Events::default();
        self.changed_at = now;
        self.ended_at = None;
    }

    fn state(&self) -> RunState {
        match self.depth {
            _ if self.events.coding == 0 => RunState::Provisioning,
            Some(depth) if depth.visible + depth.delayed == 0 => RunState::Draining,
            _ => RunState::Coding,
        }
    }

    fn start_anew(&mut self, cause: Cause, attempt: u32, now: UnixSeconds) -> Step {
        if attempt > FRESH_STARTS {
            return Step::End(Ending::Failed(format!("{cause}, after {attempt} starts")));
        }
        let workers = match (cause, self.was_stuck) {
            (Cause::Stuck, Some(_)) => Workers::Replace,
            _ => Workers::Adopt,
        };
        if cause == Cause::Stuck {
            self.was_stuck = Some(attempt);
        }
        self.begin_anew(now);
        Step::StartAnew(cause, workers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn charts(visible: u64, in_flight: u64) -> Depth {
        Depth {
            visible,
            in_flight,
            delayed: 0,
        }
    }

    fn seen(playbook: Status, depth: impl Into<Option<Depth>>) -> Observation {
        Observation {
            playbook,
            events: Events {
                progress: 5,
                coding: 1,
            },
            depth: depth.into(),
            attempt: 1,
        }
    }

    /// Observes once a second from `from` until something else than going on
    /// is decided.
    fn first_decision(
        oversight: &mut Oversight,
        observation: &Observation,
        from: UnixSeconds,
    ) -> (UnixSeconds, Step) {
        (from..from + 100_000)
            .map(|now| (now, oversight.observe(observation, now)))
            .find(|(_, step)| !matches!(step, Step::GoOn(_)))
            .unwrap()
    }

    #[test]
    fn a_master_without_lease_leaves_the_workers_of_its_twin_alone() {
        let (own, other) = (RunId::new(3, 0), RunId::new(4, 0));
        let lease = |run: &RunId, hold| Lease {
            epoch: 3,
            run: run.clone(),
            hold,
        };
        let held = Hold::Until(900);
        assert!(!ends_workers(&own, Some(&lease(&own, held.clone()))));
        assert!(ends_workers(&own, Some(&lease(&other, held))));
        assert!(ends_workers(&own, Some(&lease(&own, Hold::Released))));
        assert!(ends_workers(&own, None));
    }

    #[test]
    fn a_drained_queue_ends_the_run_even_when_a_host_failed() {
        let mut oversight = Oversight::new(1_000, 4, 0);
        let (at, step) = first_decision(&mut oversight, &seen(Status::Exited(2), charts(0, 0)), 10);
        assert_eq!((at, step), (14, Step::End(Ending::Done)));
    }

    #[test]
    fn a_dead_playbook_is_started_anew_and_takes_the_workers_over() {
        let mut oversight = Oversight::new(1_000, 4, 0);
        let (at, step) = first_decision(&mut oversight, &seen(Status::Dead, charts(3, 1)), 10);
        assert_eq!(
            (at, step),
            (15, Step::StartAnew(Cause::Dead, Workers::Adopt))
        );
    }

    #[test]
    fn a_second_standstill_replaces_the_workers() {
        let mut oversight = Oversight::new(10_000, 4, 0);
        let hanging = seen(Status::Running, charts(3, 1));
        let (at, first) = first_decision(&mut oversight, &hanging, 1);
        assert_eq!(first, Step::StartAnew(Cause::Stuck, Workers::Adopt));
        let (_, second) = first_decision(&mut oversight, &hanging, at + 1);
        assert_eq!(second, Step::StartAnew(Cause::Stuck, Workers::Replace));
    }

    #[test]
    fn a_shrinking_queue_is_progress_though_ansible_is_silent() {
        let mut oversight = Oversight::new(100_000, 4, 0);
        for now in 0..5_000 {
            let step = oversight.observe(&seen(Status::Running, charts(9_000 - now, 1)), now);
            assert_eq!(step, Step::GoOn(RunState::Coding));
        }
    }

    #[test]
    fn starts_are_bounded() {
        let mut oversight = Oversight::new(100_000, 4, 0);
        let mut observation = seen(Status::Exited(4), charts(1, 0));
        observation.attempt = FRESH_STARTS + 1;
        let (_, step) = first_decision(&mut oversight, &observation, 1);
        assert_eq!(
            step,
            Step::End(Ending::Failed(
                "ansible ended with code 4, after 4 starts".to_owned()
            ))
        );
    }

    #[test]
    fn an_unmeasured_queue_is_not_taken_for_a_drained_one() {
        let mut oversight = Oversight::new(500, 4, 0);
        let (at, step) = first_decision(&mut oversight, &seen(Status::Exited(0), None), 1);
        assert_eq!(at, 500);
        assert!(matches!(step, Step::End(Ending::Failed(_))));
    }

    #[test]
    fn a_queue_that_cannot_be_measured_after_the_end_is_looked_at_again() {
        let mut oversight = Oversight::new(500, 4, 0);
        let again = Step::GoOn(RunState::Terminating);
        assert_eq!(oversight.after_clearing(None, 1, 100), again);
        assert_eq!(oversight.after_clearing(Some(charts(0, 2)), 1, 100), again);
        let done = Step::End(Ending::Done);
        assert_eq!(oversight.after_clearing(Some(charts(0, 0)), 1, 101), done);
        let anew = Step::StartAnew(Cause::ChartsLeft, Workers::Adopt);
        assert_eq!(oversight.after_clearing(Some(charts(1, 0)), 1, 102), anew);
        assert!(matches!(
            oversight.after_clearing(None, 1, 500),
            Step::End(Ending::Failed(_))
        ));
    }

    proptest! {
        #[test]
        fn every_run_ends_by_its_deadline(
            deadline in 1_u64..5_000,
            statuses in proptest::collection::vec(
                prop_oneof![
                    Just(Status::Running), Just(Status::Dead), (0..5).prop_map(Status::Exited)
                ],
                1..20,
            ),
            visible in 0_u64..5,
        ) {
            let mut oversight = Oversight::new(deadline, 5, 0);
            let mut attempt = 1;
            let mut ended = None;
            for now in 0..=deadline {
                let mut observation = seen(statuses[usize::try_from(now).unwrap() % statuses.len()], charts(visible, 0));
                observation.attempt = attempt;
                match oversight.observe(&observation, now) {
                    Step::GoOn(_) => {}
                    Step::StartAnew(..) => attempt += 1,
                    Step::End(ending) => { ended = Some(ending); break; }
                }
            }
            prop_assert!(attempt <= FRESH_STARTS + 1);
            prop_assert!(ended.is_some());
            prop_assert!(ended != Some(Ending::Done) || visible == 0);
        }
    }
}
