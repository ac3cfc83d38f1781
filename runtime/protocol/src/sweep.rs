//! The reaper's steps, whatever world they are taken in: AWS, or a simulation.

#[cfg(test)]
mod memory;

use serde::Serialize;

use crate::{
    launch::{Abandoned, Standing, Written},
    reap::{InstanceSeen, Limits, Rearming, Remembered, Sweep, Unread, decide_reap, still_stray},
    run::{Depth, Lease, RunId, RunState, UnixSeconds},
};

/// What happened, for the log and for whoever invoked the reaper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Instances whose end was asked for.
    pub ended: usize,
    /// The run that was closed because its master fell silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<RunId>,
    /// Whether the launcher was woken.
    pub rearming: Rearming,
}

/// A call to AWS that failed; the next sweep goes on from there.
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
    /// Listing the fleet's instances.
    List,
    /// Reading the lease, its run or the sweep before.
    Read,
    /// Measuring the work queue.
    Measure,
    /// Storing what the next sweep is told.
    Remember,
    /// Closing a run whose master fell silent.
    Close,
    /// Ending instances.
    End,
    /// Invoking the launcher.
    Wake,
}

impl Step {
    /// Returns a stable code, what metrics and alarms go by.
    pub fn code(self) -> &'static str {
        match self {
            Self::List => "list_failed",
            Self::Read => "read_failed",
            Self::Measure => "measure_failed",
            Self::Remember => "remember_failed",
            Self::Close => "close_failed",
            Self::End => "end_failed",
            Self::Wake => "wake_failed",
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::List => "listing the instances",
            Self::Read => "reading the control table",
            Self::Measure => "measuring the work queue",
            Self::Remember => "storing the sweep",
            Self::Close => "closing the run",
            Self::End => "ending instances",
            Self::Wake => "invoking the launcher",
        })
    }
}

/// What the reaper works on: EC2, the control table, the queue and the launcher.
#[expect(
    async_fn_in_trait,
    reason = "one invocation is one task, so that no bound on its futures is needed"
)]
pub trait World {
    /// Returns the time.
    fn now(&self) -> UnixSeconds;
    /// Lists the fleet's instances that have not ended, those of every run.
    async fn instances(&self) -> Result<Vec<InstanceSeen>, Fault>;
    /// Reads the lease and the state of its run, with every earlier write seen.
    async fn standing(&self) -> Result<Standing, Fault>;
    /// Reads what the last sweep left, with every earlier write seen.
    async fn last_sweep(&self) -> Result<Sweep, Fault>;
    /// Measures the work queue.
    async fn depth(&self) -> Result<Depth, Fault>;
    /// Stores `next`, provided that `last` is what is stored.
    async fn remember(&self, last: &Sweep, next: &Sweep) -> Result<Written, Fault>;
    /// Releases `lease` and moves its run from `state` to `Failed`, both or neither,
    /// provided that nobody has extended, released or taken the lease since.
    async fn close(
        &self,
        lease: &Lease,
        state: Option<RunState>,
        reason: &str,
        now: UnixSeconds,
    ) -> Result<Written, Fault>;
    /// Asks EC2 to end instances.
    async fn end(&self, instances: &[String]) -> Result<(), Fault>;
    /// Invokes the launcher, and does not wait for what it does.
    async fn wake_launcher(&self) -> Result<(), Fault>;
}

/// Ends the instances of `pipeline` that nothing else has ended, closes the run whose
/// master fell silent, and wakes the launcher for work that is left.
///
/// Any number of copies may run at once, and each may die anywhere: a conditional
/// write decides whose sweep counts, and what was not done is seen again by the next.
pub async fn sweep(world: &impl World, pipeline: &str, limits: Limits) -> Result<Report, Fault> {
    let now = world.now();
    let seen = world.instances().await?;
    let table = remembered(world).await;
    let depth = world.depth().await;
    let reaping = decide_reap(
        pipeline,
        &seen,
        table.as_ref().map_err(|_| Unread),
        depth.as_ref().ok().copied(),
        limits,
        now,
    );
    let mut report = Report {
        ended: 0,
        closed: None,
        rearming: Rearming::NotNeeded,
    };
    end(world, &reaping.overdue, &mut report).await?;
    let Remembered { standing, last } = table?;
    let Some(next) = reaping.sweep else {
        return Ok(report);
    };
    // Stored before anything is done: of two copies one goes on. Should it die now,
    // the next sweep has the same suspects.
    if world.remember(&last, &next).await? == Written::TooLate {
        return Ok(report);
    }
    if let Some(lease) = &reaping.close {
        // A master that comes back later finds its lease gone, and ends itself.
        let closed = world
            .close(lease, open(standing.state), Abandoned::REASON, now)
            .await?;
        report.closed = (closed == Written::Done).then(|| lease.run.clone());
    }
    if !reaping.strays.is_empty() {
        let again = world.standing().await?;
        let lease = again.lease.as_ref();
        let strays = still_stray(&reaping.strays, &seen, lease, limits, world.now());
        end(world, &strays, &mut report).await?;
    }
    report.rearming = reaping.rearming;
    if reaping.rearming == Rearming::Launcher {
        world.wake_launcher().await?;
    }
    // A queue that is not measured wakes nobody: whoever watches the reaper is told.
    depth?;
    Ok(report)
}

async fn remembered(world: &impl World) -> Result<Remembered, Fault> {
    Ok(Remembered {
        last: world.last_sweep().await?,
        standing: world.standing().await?,
    })
}

async fn end(world: &impl World, instances: &[String], report: &mut Report) -> Result<(), Fault> {
    if instances.is_empty() {
        return Ok(());
    }
    world.end(instances).await?;
    report.ended += instances.len();
    Ok(())
}

/// Returns the state of a run that is not over.
fn open(state: Option<RunState>) -> Option<RunState> {
    state.filter(|state| !state.is_final())
}

#[cfg(test)]
mod tests {
    use super::{memory::Memory, *};
    use crate::interleave::testing::{run_alone, run_for, run_together};
    use lightsout_contract::fleet::report;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits {
        sweep_seconds: 60,
        deadline_seconds: 3_600,
        grace_seconds: 600,
    };

    fn swept(world: &Memory) -> Report {
        let report = run_alone(sweep(world, "p", LIMITS)).unwrap();
        world.pass(60);
        report
    }

    #[test]
    fn what_a_silent_master_left_is_ended_its_run_closed_and_the_launcher_woken() {
        let world = Memory::with_silent_run(["i-master", "i-worker"]);
        let first = swept(&world);
        assert_eq!((first.ended, first.closed), (0, None));
        let second = swept(&world);
        assert_eq!(second.ended, 2);
        assert_eq!(second.closed.unwrap().as_str(), "run-000004-100");
        assert_eq!(second.rearming, Rearming::Launcher);
        assert_eq!(world.ended(), ["i-master", "i-worker"]);
        assert_eq!(world.state(), RunState::Failed);
        assert!(!world.heartbeat(), "the master that comes back is refused");
        assert_eq!(swept(&world).ended, 0);
    }

    #[test]
    fn a_report_has_the_fields_that_metrics_are_made_of() {
        let world = Memory::with_silent_run(["i-1"]);
        swept(&world);
        let line = serde_json::to_value(swept(&world)).unwrap();
        assert_eq!(line[report::ENDED], 1);
        assert_eq!(line[report::REARMING], "launcher");
        let at_cap = serde_json::to_value(Rearming::AtCap).unwrap();
        assert_eq!(at_cap, report::AT_CAP);
    }

    #[test]
    fn a_table_that_is_silent_is_told_after_the_overdue_were_ended() {
        let world = Memory::with_silent_run(["i-1"]);
        world.table_is_down.set(true);
        let fault = run_alone(sweep(&world, "p", LIMITS)).unwrap_err();
        assert_eq!(fault.step.code(), "read_failed");
        assert_eq!(world.ended(), Vec::<String>::new());
        world.pass(3_600);
        run_alone(sweep(&world, "p", LIMITS)).unwrap_err();
        assert_eq!(world.ended(), ["i-1"]);
    }

    #[test]
    fn a_queue_that_cannot_be_measured_wakes_nobody_and_is_told() {
        let world = Memory::with_silent_run(["i-1"]);
        swept(&world);
        let woken = world.wake_ups();
        world.queue_is_down.set(true);
        let fault = run_alone(sweep(&world, "p", LIMITS)).unwrap_err();
        assert_eq!(fault.step.code(), "measure_failed");
        assert_eq!(world.ended(), ["i-1"]);
        assert_eq!(world.wake_ups(), woken);
    }

    proptest! {
        /// A master that was cut off comes back between any two calls: either it is
        /// heard and keeps its machines, or it is refused.
        #[test]
        fn a_master_that_is_heard_keeps_its_machines(call in 0..12_usize) {
            let world = Memory::with_silent_run(["i-1"]);
            swept(&world);
            world.heartbeat_at_call(call);
            run_alone(sweep(&world, "p", LIMITS)).unwrap();
            if let Some(heard) = world.heard() {
                prop_assert_eq!(heard, world.ended().is_empty());
            }
        }

        #[test]
        fn of_copies_one_ends_and_wakes(schedule in prop::collection::vec(0..3_usize, 0..60)) {
            let world = Memory::with_silent_run(["i-1"]);
            swept(&world);
            let woken = world.wake_ups();
            let ends = run_together((0..3).map(|_| sweep(&world, "p", LIMITS)).collect(), &schedule);
            prop_assert!(ends.iter().all(Result::is_ok));
            prop_assert_eq!(world.ended(), ["i-1"]);
            prop_assert_eq!(world.wake_ups(), woken + 1);
        }

        #[test]
        fn a_reaper_may_be_killed_anywhere(steps in 0..14_usize) {
            let world = Memory::with_silent_run(["i-1"]);
            swept(&world);
            run_for(steps, sweep(&world, "p", LIMITS));
            world.pass(60);
            swept(&world);
            prop_assert_eq!(world.ended(), ["i-1"]);
            prop_assert_eq!(world.state(), RunState::Failed);
        }
    }
}
