//! The launcher Lambda: the real steps, polled one call at a time.

use lightsout_protocol::{
    fleet::{Offer, master_offers},
    interleave::interruption,
    launch::{
        Decision, Fault, LaunchError, Report, Standing, Start, Step, Taking, World, Written, launch,
    },
    run::{Asking, Depth, Hold, Lease, RunId, RunState, UnixSeconds},
};

use crate::{
    capacity::{CHOICE, SHORT, is_short},
    ec2::{Repeated, Role},
    invocation::Invocation,
    mutant::Mutant,
    schedule::Kind,
    table::Run,
    world::{LEASE, Shared, State},
};

/// Lists how a master may be asked for: as a spot instance first.
fn ways() -> Vec<Offer<'static>> {
    master_offers(CHOICE, true)
}

/// An invocation of the launcher.
pub type Launching = Invocation<Result<Report, LaunchError>>;

/// Invokes the launcher.
pub fn invoke(shared: Shared) -> Launching {
    let began = shared.borrow().now;
    let task = async move {
        let world = Simulated(shared);
        launch(&world, LEASE).await
    };
    Invocation::new(task, began)
}

/// Tells how an invocation ended.
pub fn tell(state: &mut State, end: &Result<Report, LaunchError>) {
    state.count(match end {
        Ok(report) => match report.decision {
            Decision::StayIdle => "the launcher stays idle",
            Decision::LeaveToRunning => "the launcher leaves it to the run",
            Decision::RepeatLaunch => "the launcher repeats a launch",
            Decision::Launch => "the launcher launches",
        },
        Err(LaunchError::Refused { .. }) => "the launch is refused",
        Err(LaunchError::Outrun) => "the launcher is outrun",
        Err(_) => "a step of the launcher fails",
    });
    if let Ok(Report {
        decision: Decision::StayIdle | Decision::LeaveToRunning,
        ..
    }) = end
    {
        return;
    }
    state.tell(|| format!("launcher: {end:?}"));
}

/// The world as the launcher's programs see it.
struct Simulated(Shared);

impl Simulated {
    fn fault<T>(step: Step) -> Result<T, Fault> {
        Err(Fault {
            step,
            code: "timeout".to_owned(),
        })
    }

    /// Asks EC2 once; what it answers may be lost on the way.
    fn request(&self, run: &RunId, token: &str, way: u32) -> Start {
        let mut state = self.0.borrow_mut();
        if state.hit(Kind::LaunchThrottled) {
            return Start::Unanswered("RequestLimitExceeded".to_owned());
        }
        if state.hit(Kind::Deployed) {
            state.ec2.deploys += 1;
        }
        let place = usize::try_from(way - 1).unwrap_or(usize::MAX);
        let offer = ways()[place];
        if is_short(&mut state, &offer, token) {
            return Start::Short(SHORT.to_owned());
        }
        let token = if state.has_bug(Mutant::TokenWithTimestamp) {
            format!("{token}-{}", state.now)
        } else {
            token.to_owned()
        };
        state.record(&token);
        let boot = if state.hit(Kind::SlowBoot) {
            150
        } else {
            20 + state.random.below(20)
        };
        let is_lost = state.hit(Kind::LaunchAnswerLost);
        let is_tagged = !(is_lost && state.has_bug(Mutant::TagsAfterLaunch));
        let now = state.now;
        let launched = state
            .ec2
            .launch(token, Role::Master, run, is_tagged, now, boot);
        state.tell(|| format!("EC2: the master of {run} is {launched:?}"));
        match launched {
            _ if is_lost && state.has_bug(Mutant::UnansweredIsRefused) => {
                Start::Refused("timeout".to_owned())
            }
            _ if is_lost => Start::Unanswered("timeout".to_owned()),
            Err(Repeated::Otherwise) if state.has_bug(Mutant::MismatchIsRefused) => {
                Start::Refused("IdempotentParameterMismatch".to_owned())
            }
            Err(Repeated::Otherwise) => {
                state.count("a launch is repeated after a deploy");
                Start::Started
            }
            Err(Repeated::AfterItsEnd) => {
                state.count("a launch is repeated after the master's end");
                Start::Refused("IdempotentInstanceTerminated".to_owned())
            }
            Ok(_) => Start::Started,
        }
    }

    fn is_down(&self) -> bool {
        self.0.borrow_mut().hit(Kind::TableDown)
    }

    /// Applies `write`, and loses the answer where the schedule says so.
    fn answer(&self, step: Step, write: impl FnOnce(&Shared) -> Written) -> Result<Written, Fault> {
        if self.is_down() {
            return Self::fault(step);
        }
        let written = write(&self.0);
        if self.0.borrow_mut().hit(Kind::TableAnswerLost) {
            return Self::fault(step);
        }
        Ok(written)
    }
}

impl World for Simulated {
    fn now(&self) -> UnixSeconds {
        self.0.borrow().now
    }

    async fn depth(&self) -> Result<Depth, Fault> {
        interruption().await;
        let mut state = self.0.borrow_mut();
        if state.hit(Kind::QueueDown) {
            return Self::fault(Step::Measure);
        }
        Ok(if state.hit(Kind::CountsLag) {
            state.sqs.late_depth()
        } else {
            state.sqs.depth(state.now)
        })
    }

    async fn standing(&self) -> Result<Standing, Fault> {
        interruption().await;
        if self.is_down() {
            return Self::fault(Step::Read);
        }
        let state = self.0.borrow();
        let mut standing = state.table.standing();
        if state.has_bug(Mutant::AskTogether) {
            // As if nobody ever said that somebody asks.
            standing.asking = standing.asking.map(|asking| asking.again(0));
        }
        Ok(standing)
    }

    async fn take(&self, taking: &Taking<'_>) -> Result<Written, Fault> {
        interruption().await;
        self.answer(Step::Take, |shared| {
            let mut state = shared.borrow_mut();
            let is_checked = !state.has_bug(Mutant::TakeWithoutCondition);
            if is_checked && state.table.lease.as_ref() != taking.last {
                return Written::TooLate;
            }
            if let Some(abandoned) = &taking.abandoned {
                let run = state.table.runs.get_mut(abandoned.run.as_str());
                match run {
                    Some(run) if run.state == abandoned.state => run.state = RunState::Failed,
                    _ if is_checked => return Written::TooLate,
                    _ => {}
                }
            }
            let now = state.now;
            if state
                .table
                .lease
                .as_ref()
                .is_some_and(|lease| !lease.is_free(now))
            {
                state.violate(1, || "a lease that is held was taken".to_owned());
            }
            state.record(taking.next.run.as_str());
            state.table.lease = Some(taking.next.clone());
            state.table.holder = None;
            let run = Run {
                state: RunState::Requested,
                started_at: now,
                asking: taking.asking,
            };
            state
                .table
                .runs
                .insert(taking.next.run.as_str().to_owned(), run);
            Written::Done
        })
    }

    fn ways(&self) -> u32 {
        u32::try_from(ways().len()).unwrap_or(u32::MAX)
    }

    async fn ask(
        &self,
        lease: &Lease,
        last: Option<Asking>,
        next: Asking,
    ) -> Result<Written, Fault> {
        interruption().await;
        self.answer(Step::Ask, |shared| {
            let mut state = shared.borrow_mut();
            let is_checked = !state.has_bug(Mutant::AskTogether);
            let standing = state.table.standing();
            let is_it = standing.lease.is_some_and(|held| {
                held.run == lease.run && held.epoch == lease.epoch && held.hold != Hold::Released
            });
            let is_it =
                is_it && standing.asking == last && standing.state == Some(RunState::Requested);
            if is_checked && !is_it {
                return Written::TooLate;
            }
            match state.table.runs.get_mut(lease.run.as_str()) {
                Some(run) => run.asking = next,
                None => return Written::TooLate,
            }
            if next.attempt > 1 {
                state.count("the launcher tries the next type, zone or market");
            }
            Written::Done
        })
    }

    async fn start_master(&self, run: &RunId, token: &str, way: u32) -> Start {
        interruption().await;
        let start = self.request(run, token, way);
        interruption().await;
        start
    }

    async fn record_launch(&self, lease: &Lease) -> Result<Written, Fault> {
        interruption().await;
        self.answer(Step::RecordLaunch, |shared| {
            let mut state = shared.borrow_mut();
            let is_it = state
                .table
                .lease
                .as_ref()
                .is_some_and(|held| held.epoch == lease.epoch && held.run == lease.run);
            let Some(run) = state.table.runs.get_mut(lease.run.as_str()) else {
                return Written::TooLate;
            };
            if !is_it || run.state != RunState::Requested {
                return Written::TooLate;
            }
            run.state = RunState::Launching;
            state.table.lease = Some(lease.clone());
            Written::Done
        })
    }

    async fn give_back(
        &self,
        lease: &Lease,
        asking: Asking,
        reason: &str,
        _: UnixSeconds,
    ) -> Result<Written, Fault> {
        interruption().await;
        self.answer(Step::GiveBack, |shared| {
            let mut state = shared.borrow_mut();
            state.record(reason);
            let is_checked = !state.has_bug(Mutant::AskTogether);
            let is_it = state
                .table
                .lease
                .as_ref()
                .is_some_and(|held| held.epoch == lease.epoch);
            let Some(run) = state.table.runs.get_mut(lease.run.as_str()) else {
                return Written::TooLate;
            };
            if !is_it || run.state != RunState::Requested || (is_checked && run.asking != asking) {
                return Written::TooLate;
            }
            run.state = RunState::Failed;
            state.table.lease = Some(Lease {
                hold: Hold::Released,
                ..lease.clone()
            });
            let has_master = state
                .ec2
                .instances
                .iter()
                .any(|i| i.run == lease.run && i.is_alive());
            if has_master {
                state.violate(1, || {
                    format!("{} counts as refused, and its master runs", lease.run)
                });
            }
            Written::Done
        })
    }
}
