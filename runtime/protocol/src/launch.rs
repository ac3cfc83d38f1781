//! The launcher's steps, whatever world they are taken in: AWS, or a simulation.

#[cfg(test)]
mod memory;

use serde::Serialize;

use crate::{
    fleet::role,
    run::{Asking, Depth, LaunchDecision, Lease, RunId, RunState, UnixSeconds, decide_launch},
};

pub use crate::run::Standing;

/// How often a decision is made again after another launcher was faster.
const DECISIONS: u32 = 4;

/// What happened, for the log and for whoever invoked the launcher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What the launcher did.
    pub decision: Decision,
    /// The run that it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Seconds since that run was begun, which an alarm compares with the deadline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_seconds: Option<u64>,
}

impl Report {
    fn about(decision: Decision, run: RunId, now: UnixSeconds) -> Self {
        Self {
            decision,
            run_seconds: run.taken_at().map(|begun| now.saturating_sub(begun)),
            run: Some(run),
        }
    }
}

/// What the launcher did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Nothing waits, nothing was started.
    StayIdle,
    /// A living run will see the work.
    LeaveToRunning,
    /// The launch of a run was repeated under its first token.
    RepeatLaunch,
    /// A new run got the lease and its master.
    Launch,
}

/// Why no master was started, or why it is not known whether one was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// A step failed; the next invocation goes on from there.
    #[error(transparent)]
    Step(#[from] Fault),
    /// EC2 refused the launch; the run is closed and the lease given back.
    #[error("EC2 refused to start the master of `{run}`: `{code}`")]
    Refused {
        /// The run, now failed.
        run: RunId,
        /// EC2's code.
        code: String,
    },
    /// Other launchers were faster each time; they see the same work.
    #[error("the lease changed hands {DECISIONS} times while this launcher decided")]
    Outrun,
    /// The invocation's time ran out; the next one goes on from there.
    #[error("the time of this invocation ran out")]
    OutOfTime,
}

impl LaunchError {
    /// Returns a stable code, what metrics and alarms go by.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Step(_) => "step_failed",
            Self::Refused { .. } => "launch_refused",
            Self::Outrun => "outrun",
            Self::OutOfTime => "out_of_time",
        }
    }
}

/// A call to AWS that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{step} failed: `{code}`")]
pub struct Fault {
    /// What was being done.
    pub step: Step,
    /// The code that the service, or the connection to it, gave.
    pub code: String,
}

/// What was being done when a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Measuring the work queue.
    Measure,
    /// Reading the lease and the state of its run.
    Read,
    /// Taking the lease.
    Take,
    /// Storing how the master is asked for.
    Ask,
    /// Starting the master.
    Start,
    /// Recording that the master was asked for.
    RecordLaunch,
    /// Closing the run and giving the lease back.
    GiveBack,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Measure => "measuring the work queue",
            Self::Read => "reading the lease",
            Self::Take => "taking the lease",
            Self::Ask => "storing how the master is asked for",
            Self::Start => "starting the master",
            Self::RecordLaunch => "recording the launch",
            Self::GiveBack => "giving the lease back",
        })
    }
}

/// One attempt to take the lease.
#[derive(Debug)]
pub struct Taking<'a> {
    /// The lease that was read, which must still be what is stored.
    pub last: Option<&'a Lease>,
    /// The lease to store in its place.
    pub next: &'a Lease,
    /// The run that let the last lease expire without an end of its own.
    pub abandoned: Option<Abandoned<'a>>,
    /// How the master will be asked for.
    pub asking: Asking,
    /// Messages that the new run finds.
    pub backlog: u64,
    /// When the run starts.
    pub now: UnixSeconds,
}

/// A run whose master fell silent.
#[derive(Debug)]
pub struct Abandoned<'a> {
    /// The run.
    pub run: &'a RunId,
    /// The state it was left in, which must still be what is stored.
    pub state: RunState,
}

impl Abandoned<'_> {
    /// The reason that is stored beside the run.
    pub const REASON: &'static str = "lease_expired";
}

/// How a conditional write ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// All of it was stored.
    Done,
    /// Someone else was faster; nothing was stored.
    TooLate,
}

/// How the request for a master ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// The master was started, now or by an earlier request with this token.
    Started,
    /// EC2 has no capacity for what was asked for, and started nothing; its code.
    Short(String),
    /// EC2 refused, and started nothing; its code.
    Refused(String),
    /// No usable answer came: a master may have been started or not.
    Unanswered(String),
}

/// What the launcher works on: a queue, the control table and EC2.
#[expect(
    async_fn_in_trait,
    reason = "one invocation is one task, so that no bound on its futures is needed"
)]
pub trait World {
    /// Returns the time.
    fn now(&self) -> UnixSeconds;
    /// Measures the work queue.
    async fn depth(&self) -> Result<Depth, Fault>;
    /// Reads the lease and the state of its run, with every earlier write seen.
    async fn standing(&self) -> Result<Standing, Fault>;
    /// Returns how many ways there are to ask for a master, at least one.
    fn ways(&self) -> u32;
    /// Stores the new lease and its run in state `Requested`, both or neither.
    async fn take(&self, taking: &Taking<'_>) -> Result<Written, Fault>;
    /// Stores how the lease's run asks for its master now, provided that `last` is how
    /// it asked before, and that it has none yet.
    async fn ask(
        &self,
        lease: &Lease,
        last: Option<Asking>,
        next: Asking,
    ) -> Result<Written, Fault>;
    /// Asks for one master in the way of that number, counted from one; the same token
    /// never starts a second one.
    async fn start_master(&self, run: &RunId, token: &str, way: u32) -> Start;
    /// Moves the lease's run from `Requested` to `Launching` and extends the
    /// lease, both or neither.
    async fn record_launch(&self, lease: &Lease) -> Result<Written, Fault>;
    /// Moves the lease's run to `Failed` and releases the lease, both or neither,
    /// provided that `asking` is how the run asked last.
    async fn give_back(
        &self,
        lease: &Lease,
        asking: Asking,
        reason: &str,
        now: UnixSeconds,
    ) -> Result<Written, Fault>;
}

/// Starts one master if the queue and the lease say so.
///
/// `lease_seconds` is how long the lease is held until the master extends it.
pub async fn launch(world: &impl World, lease_seconds: u64) -> Result<Report, LaunchError> {
    for _ in 0..DECISIONS {
        let depth = world.depth().await?;
        let standing = world.standing().await?;
        let last = standing.lease.as_ref();
        let now = world.now();
        return match decide_launch(&standing, depth, now, lease_seconds) {
            LaunchDecision::StayIdle => Ok(Report {
                decision: Decision::StayIdle,
                run: None,
                run_seconds: None,
            }),
            LaunchDecision::LeaveToRunning(run) => {
                Ok(Report::about(Decision::LeaveToRunning, run, now))
            }
            LaunchDecision::RepeatLaunch(lease, asking) => {
                match world.ask(&lease, standing.asking, asking).await? {
                    Written::Done => {
                        let run = Asked { lease, asking };
                        start(world, run, lease_seconds, Decision::RepeatLaunch).await
                    }
                    Written::TooLate => continue,
                }
            }
            LaunchDecision::Take(lease, asking) => {
                let taking = Taking {
                    last,
                    next: &lease,
                    abandoned: abandoned(&standing),
                    asking,
                    backlog: depth.total(),
                    now,
                };
                match world.take(&taking).await? {
                    Written::Done => {
                        let run = Asked { lease, asking };
                        start(world, run, lease_seconds, Decision::Launch).await
                    }
                    Written::TooLate => continue,
                }
            }
        };
    }
    Err(LaunchError::Outrun)
}

/// A run whose master this launcher alone asks for.
struct Asked {
    lease: Lease,
    asking: Asking,
}

/// Asks for the master in one way after the other, until there is capacity.
///
/// Each way has a token of its own, and is stored before it is tried: whoever repeats
/// the launch goes on where this launcher stopped.
async fn start(
    world: &impl World,
    run: Asked,
    lease_seconds: u64,
    decision: Decision,
) -> Result<Report, LaunchError> {
    let Asked { lease, mut asking } = run;
    loop {
        let token = lease.run.client_token(role::MASTER, asking.attempt);
        match world.start_master(&lease.run, &token, asking.attempt).await {
            Start::Started => {
                // Too late means that the master has recorded the launch already.
                let _: Written = world
                    .record_launch(&lease.extended(world.now(), lease_seconds))
                    .await?;
                return Ok(Report::about(decision, lease.run, world.now()));
            }
            Start::Short(_) if asking.attempt < world.ways() => {
                let next = asking.next(world.now());
                if world.ask(&lease, Some(asking), next).await? == Written::TooLate {
                    return Err(LaunchError::Outrun);
                }
                asking = next;
            }
            Start::Short(code) | Start::Refused(code) => {
                // Too late means that somebody else asks by now.
                let _: Written = world.give_back(&lease, asking, &code, world.now()).await?;
                return Err(LaunchError::Refused {
                    run: lease.run,
                    code,
                });
            }
            Start::Unanswered(code) => {
                return Err(Fault {
                    step: Step::Start,
                    code,
                }
                .into());
            }
        }
    }
}

/// Returns the run of a free lease if it never came to an end.
fn abandoned(standing: &Standing) -> Option<Abandoned<'_>> {
    let run = &standing.lease.as_ref()?.run;
    let state = standing.state?;
    (!state.is_final()).then_some(Abandoned { run, state })
}

#[cfg(test)]
mod tests {
    use super::memory::{Fate, Memory};
    use super::*;
    use crate::{
        interleave::testing::{run_alone, run_for, run_together},
        run::Hold,
    };
    use proptest::prelude::*;

    const LEASE_SECONDS: u64 = 60;

    #[test]
    fn an_empty_queue_starts_nothing() {
        let world = Memory::with_backlog(0);
        let report = run_alone(launch(&world, LEASE_SECONDS)).unwrap();
        assert_eq!(report.decision, Decision::StayIdle);
        assert_eq!(world.masters(), Vec::<String>::new());
    }

    #[test]
    fn waiting_charts_start_one_master() {
        let world = Memory::with_backlog(7);
        let report = run_alone(launch(&world, LEASE_SECONDS)).unwrap();
        assert_eq!(report.decision, Decision::Launch);
        assert_eq!(world.masters(), ["run-000001-1000-master-1"]);
        assert_eq!(world.state_of("run-000001-1000"), RunState::Launching);
        assert_eq!(world.backlog_of("run-000001-1000"), 7);
    }

    #[test]
    fn a_second_invocation_leaves_the_work_to_the_run() {
        let world = Memory::with_backlog(7);
        run_alone(launch(&world, LEASE_SECONDS)).unwrap();
        let report = run_alone(launch(&world, LEASE_SECONDS)).unwrap();
        assert_eq!(report.decision, Decision::LeaveToRunning);
        assert_eq!(world.masters().len(), 1);
    }

    #[test]
    fn an_invocation_tells_for_how_long_the_run_has_worked() {
        let world = Memory::with_backlog(7);
        run_alone(launch(&world, LEASE_SECONDS)).unwrap();
        world.pass(30);
        let report = run_alone(launch(&world, LEASE_SECONDS)).unwrap();
        let line = serde_json::to_value(report).unwrap();
        assert_eq!(line[lightsout_contract::fleet::report::RUN_SECONDS], 30);
    }

    #[test]
    fn a_lost_answer_is_repeated_under_the_same_token() {
        let world = Memory::with_backlog(7).with_fates([Fate::StartedButUnanswered]);
        let error = run_alone(launch(&world, LEASE_SECONDS)).unwrap_err();
        assert_eq!(error.code(), "step_failed");
        assert_eq!(world.state_of("run-000001-1000"), RunState::Requested);
        world.pass(10);
        let report = run_alone(launch(&world, LEASE_SECONDS)).unwrap();
        assert_eq!(report.decision, Decision::LeaveToRunning, "somebody asks");
        world.pass(35);
        let report = run_alone(launch(&world, LEASE_SECONDS)).unwrap();
        assert_eq!(report.decision, Decision::RepeatLaunch);
        assert_eq!(world.masters(), ["run-000001-1000-master-1"]);
        assert_eq!(world.requests(), 2);
        assert_eq!(world.lease().hold, Hold::Until(1045 + LEASE_SECONDS));
    }

    #[test]
    fn a_refused_launch_gives_the_lease_back_with_its_reason() {
        let world = Memory::with_backlog(7).with_fates([Fate::Refused]);
        let error = run_alone(launch(&world, LEASE_SECONDS)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "EC2 refused to start the master of `run-000001-1000`: `UnauthorizedOperation`"
        );
        assert_eq!(world.lease().hold, Hold::Released);
        assert_eq!(world.state_of("run-000001-1000"), RunState::Failed);
        assert_eq!(
            world.reason_of("run-000001-1000").as_deref(),
            Some("UnauthorizedOperation")
        );
        world.pass(60);
        run_alone(launch(&world, LEASE_SECONDS)).unwrap();
        assert_eq!(world.masters(), ["run-000002-1060-master-1"]);
    }

    #[test]
    fn where_capacity_is_short_the_next_way_is_tried_under_another_token() {
        let world = Memory::with_backlog(7)
            .with_ways(3)
            .with_fates([Fate::Short, Fate::Short]);
        let report = run_alone(launch(&world, LEASE_SECONDS)).unwrap();
        assert_eq!(report.decision, Decision::Launch);
        assert_eq!(world.masters(), ["run-000001-1000-master-3"]);
    }

    #[test]
    fn where_every_way_is_short_the_lease_is_given_back() {
        let world = Memory::with_backlog(7)
            .with_ways(2)
            .with_fates([Fate::Short, Fate::Short]);
        let error = run_alone(launch(&world, LEASE_SECONDS)).unwrap_err();
        assert_eq!(error.code(), "launch_refused");
        assert_eq!(world.lease().hold, Hold::Released);
    }

    #[test]
    fn a_refusal_that_is_not_for_capacity_tries_no_other_way() {
        let world = Memory::with_backlog(7)
            .with_ways(3)
            .with_fates([Fate::Refused]);
        run_alone(launch(&world, LEASE_SECONDS)).unwrap_err();
        assert_eq!(world.requests(), 1);
    }

    #[test]
    fn a_repeated_launch_goes_on_with_the_way_that_was_tried_last() {
        let world = Memory::with_backlog(7)
            .with_ways(3)
            .with_fates([Fate::Short, Fate::StartedButUnanswered]);
        run_alone(launch(&world, LEASE_SECONDS)).unwrap_err();
        world.pass(45);
        let report = run_alone(launch(&world, LEASE_SECONDS)).unwrap();
        assert_eq!(report.decision, Decision::RepeatLaunch);
        assert_eq!(world.masters(), ["run-000001-1000-master-2"]);
    }

    #[test]
    fn a_run_that_fell_silent_is_closed_by_its_successor() {
        let world = Memory::with_backlog(7);
        run_alone(launch(&world, LEASE_SECONDS)).unwrap();
        world.pass(LEASE_SECONDS);
        run_alone(launch(&world, LEASE_SECONDS)).unwrap();
        assert_eq!(world.state_of("run-000001-1000"), RunState::Failed);
        assert_eq!(
            world.reason_of("run-000001-1000").as_deref(),
            Some(Abandoned::REASON)
        );
        assert_eq!(world.state_of("run-000002-1060"), RunState::Launching);
    }

    proptest! {
        /// Each entry of `schedule` says which launcher takes the next step.
        #[test]
        fn launchers_at_the_same_time_start_one_master(
            schedule in prop::collection::vec(0..3_usize, 0..80),
        ) {
            let world = Memory::with_backlog(7);
            let ends = run_together(
                (0..3).map(|_| launch(&world, LEASE_SECONDS)).collect(),
                &schedule,
            );
            prop_assert_eq!(world.masters(), ["run-000001-1000-master-1"]);
            prop_assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 3);
            prop_assert_eq!(world.state_of("run-000001-1000"), RunState::Launching);
        }

        /// EC2 refuses one launcher for capacity and has some for another.
        #[test]
        fn capacity_that_comes_and_goes_starts_one_master_or_none(
            schedule in prop::collection::vec(0..3_usize, 0..80),
            fates in prop::collection::vec(0..2_usize, 0..6),
        ) {
            let fates = fates.into_iter().map(|fate| [Fate::Short, Fate::Started][fate]);
            let world = Memory::with_backlog(7).with_ways(3).with_fates(fates);
            let ends = run_together(
                (0..3).map(|_| launch(&world, LEASE_SECONDS)).collect(),
                &schedule,
            );
            let refused = ends.iter().filter(|end| matches!(end, Err(LaunchError::Refused { .. })));
            // A refused run gives the lease back, and a launcher after it takes the next.
            prop_assert!(world.masters().len() <= 1);
            prop_assert_eq!(world.refused_with_master(), 0);
            prop_assert!(refused.count() <= 3);
        }

        #[test]
        fn a_launcher_may_be_killed_anywhere(steps in 0..12_usize, fate in 0..3_usize) {
            let fates = [Fate::Started, Fate::StartedButUnanswered, Fate::Short];
            let world = Memory::with_backlog(7).with_ways(2).with_fates([fates[fate]]);
            run_for(steps, launch(&world, LEASE_SECONDS));
            world.pass(45);
            let _ = run_alone(launch(&world, LEASE_SECONDS));
            let _ = run_alone(launch(&world, LEASE_SECONDS));
            prop_assert_eq!(world.masters().len(), 1);
        }
    }
}
