//! The reaper Lambda: the real steps, polled one call at a time.

use lightsout_protocol::{
    interleave::interruption,
    launch::{Standing, Written},
    reap::{InstanceSeen, Limits, Rearming, Sweep},
    run::{Depth, Hold, Lease, RunState, UnixSeconds},
    sweep::{Fault, Report, Step, World, sweep},
};

use crate::{
    invocation::Invocation,
    mutant::Mutant,
    schedule::Kind,
    world::{DEADLINE, GRACE, SWEEP, Shared, State},
};

/// The name of the fleet.
const PIPELINE: &str = "p";

/// Seconds for which a run's lease must have been dead when its machine is ended.
const SILENT: u64 = 30;

/// An invocation of the reaper.
pub type Sweeping = Invocation<Result<Report, Fault>>;

/// Invokes the reaper.
pub fn invoke(shared: Shared) -> Sweeping {
    let (began, limits) = {
        let state = shared.borrow();
        let limits = Limits {
            sweep_seconds: if state.has_bug(Mutant::ReaperSeesOnce) {
                0
            } else {
                SWEEP
            },
            deadline_seconds: DEADLINE,
            grace_seconds: if state.has_bug(Mutant::ReaperIgnoresGrace) {
                0
            } else {
                GRACE
            },
        };
        (state.now, limits)
    };
    let world = Simulated { shared };
    let task = async move { sweep(&world, PIPELINE, limits).await };
    Invocation::new(task, began)
}

/// Tells how an invocation ended.
pub fn tell(state: &mut State, end: &Result<Report, Fault>) {
    match end {
        Ok(report) => {
            if report.closed.is_some() {
                state.count("the reaper closes a run");
            }
            if report.rearming == Rearming::AtCap {
                state.count("the reaper tells a person");
            }
            if report.ended > 0 || report.closed.is_some() || report.rearming != Rearming::NotNeeded
            {
                state.tell(|| format!("reaper: {report:?}"));
            }
        }
        Err(fault) => {
            state.count("a step of the reaper fails");
            state.tell(|| format!("reaper: {fault}"));
        }
    }
}

/// The world as the reaper's program sees it.
struct Simulated {
    shared: Shared,
}

impl Simulated {
    fn hit(&self, kind: Kind) -> bool {
        self.shared.borrow_mut().hit(kind)
    }

    /// Applies `write`, and loses the answer where the schedule says so.
    fn answer(
        &self,
        step: Step,
        write: impl FnOnce(&mut State) -> Written,
    ) -> Result<Written, Fault> {
        if self.hit(Kind::TableDown) {
            return fault(step);
        }
        let written = write(&mut self.shared.borrow_mut());
        if self.hit(Kind::TableAnswerLost) {
            return fault(step);
        }
        Ok(written)
    }
}

fn fault<T>(step: Step) -> Result<T, Fault> {
    Err(Fault {
        step,
        code: "timeout".to_owned(),
    })
}

fn seen(state: &State, is_stale: bool) -> Vec<InstanceSeen> {
    state
        .ec2
        .list(is_stale, state.now)
        .into_iter()
        .filter(crate::ec2::Instance::is_alive)
        .map(|instance| InstanceSeen {
            id: instance.id.to_string(),
            pipeline: Some(PIPELINE.to_owned()),
            run: Some(instance.run),
            launched_at: instance.launched_at,
        })
        .collect()
}

impl World for Simulated {
    fn now(&self) -> UnixSeconds {
        self.shared.borrow().now
    }

    async fn instances(&self) -> Result<Vec<InstanceSeen>, Fault> {
        interruption().await;
        let is_stale = self.hit(Kind::DescribeStale);
        Ok(seen(&self.shared.borrow(), is_stale))
    }

    async fn standing(&self) -> Result<Standing, Fault> {
        interruption().await;
        if self.hit(Kind::TableDown) {
            return fault(Step::Read);
        }
        Ok(self.shared.borrow().table.standing())
    }

    async fn last_sweep(&self) -> Result<Sweep, Fault> {
        interruption().await;
        if self.hit(Kind::TableDown) {
            return fault(Step::Read);
        }
        let state = self.shared.borrow();
        let last = state.table.sweep.clone();
        if state.has_bug(Mutant::ReaperSeesOnce) {
            let suspects = seen(&state, false).into_iter().map(|instance| instance.id);
            return Ok(Sweep {
                at: state.now,
                suspects: suspects.collect(),
                ..last
            });
        }
        Ok(last)
    }

    async fn depth(&self) -> Result<Depth, Fault> {
        interruption().await;
        if self.hit(Kind::QueueDown) {
            return fault(Step::Measure);
        }
        let state = self.shared.borrow();
        Ok(state.sqs.depth(state.now))
    }

    async fn remember(&self, last: &Sweep, next: &Sweep) -> Result<Written, Fault> {
        interruption().await;
        self.answer(Step::Remember, |state| {
            if state.table.sweep.at != last.at && !state.has_bug(Mutant::ReaperSeesOnce) {
                return Written::TooLate;
            }
            state.table.sweep = next.clone();
            Written::Done
        })
    }

    async fn close(
        &self,
        lease: &Lease,
        run_state: Option<RunState>,
        reason: &str,
        _: UnixSeconds,
    ) -> Result<Written, Fault> {
        interruption().await;
        self.answer(Step::Close, |state| {
            state.record(reason);
            let is_checked = !state.has_bug(Mutant::ReaperClosesAnyway);
            let standing = state.table.standing();
            let is_it = standing.lease.as_ref() == Some(lease)
                && (run_state.is_none() || standing.state == run_state);
            if is_checked && !is_it {
                return Written::TooLate;
            }
            let was_silent = match standing.lease.as_ref().map(|lease| &lease.hold) {
                Some(Hold::Until(expiry)) => expiry + SILENT <= state.now,
                _ => true,
            };
            if !was_silent || standing.lease.as_ref() != Some(lease) {
                state.violate(4, || {
                    format!("{} is closed, and was alive a moment ago", lease.run)
                });
            }
            if let Some(held) = &mut state.table.lease {
                held.hold = Hold::Released;
            }
            if let Some(run) = state.table.runs.get_mut(lease.run.as_str()) {
                run.state = RunState::Failed;
            }
            Written::Done
        })
    }

    async fn end(&self, instances: &[String]) -> Result<(), Fault> {
        interruption().await;
        let state = &mut *self.shared.borrow_mut();
        for id in instances.iter().filter_map(|id| id.parse().ok()) {
            check(state, id);
            if !state.terminate(id, "the reaper") {
                return fault(Step::End);
            }
        }
        Ok(())
    }

    async fn wake_launcher(&self) -> Result<(), Fault> {
        interruption().await;
        let mut state = self.shared.borrow_mut();
        state.count("the reaper wakes the launcher");
        state.wakes += 1;
        Ok(())
    }
}

/// Checks that an instance may be ended.
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
    if age < GRACE {
        state.violate(4, || {
            format!("the reaper ends i-{id} within its boot grace")
        });
    }
    let is_current = state.table.lease.as_ref().is_some_and(|lease| {
        let expired_at = match lease.hold {
            Hold::Until(expiry) => expiry,
            Hold::Released => 0,
        };
        lease.run == instance.run && now < expired_at + SILENT
    });
    if is_current {
        state.violate(4, || {
            format!("the reaper ends i-{id}, whose run was alive a moment ago")
        });
    }
}
