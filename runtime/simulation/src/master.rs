//! A master's machine: the supervisor, its watch, and Ansible.

use lightsout_protocol::{
    fleet::{offers, role},
    growth::Growth,
    oversight::{Ending, Events, Observation, Oversight, Status, Step, Workers, ends_workers},
    run::{Depth, Hold, RunId, RunState, UnixSeconds, grow},
};

use crate::{
    capacity::{CHOICE, SPOT_PERCENT, is_short},
    ec2::{Instance, Role},
    layer::Layer,
    mutant::Mutant,
    schedule::Kind,
    worker::{Worker, host_key},
    world::{DEADLINE, DRAIN, HEARTBEAT, LEASE, State, TICK},
};

/// Longest wait until EC2 shows no worker, as `ending::clear` has it.
const CLEARING: u64 = 600;

/// Seconds for which the supervisor may be gone before the watch takes over.
const WATCH: u64 = 15;

/// Seconds for which the watch asks a table again that does not answer.
const CLAIMING: u64 = 60;

/// What a supervisor does.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Claiming { tries: u32 },
    Following,
    Clearing { then: Then, since: u64 },
    LookingAgain,
    Closing(Ending),
    PoweringOff,
    Down { until: u64 },
    Gone { since: u64 },
}

/// What follows when the workers have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Then {
    LookAgain,
    StartAnew,
    Close(Ending),
    PowerOff,
}

/// Ansible: the process and what it has done.
#[derive(Debug, Default)]
struct Ansible {
    attempt: u32,
    status: Option<Status>,
    events: Events,
    is_hung: bool,
    reached: Vec<u64>,
    unreachable: Vec<u64>,
    launched: bool,
    waited: u64,
}

/// One master.
pub struct Master {
    id: u64,
    run: RunId,
    epoch: u64,
    started_at: UnixSeconds,
    phase: Phase,
    oversight: Option<Oversight>,
    ansible: Ansible,
    wanted: u32,
    growth: Option<Growth>,
    growths: u32,
    heard_at: u64,
    looked_at: Option<u64>,
    told: RunState,
    cut_off_until: u64,
    paused_until: u64,
    skew: u64,
}

impl Master {
    /// Makes what runs on a new instance.
    pub fn new(instance: &Instance) -> Self {
        Self {
            id: instance.id,
            run: instance.run.clone(),
            epoch: instance.run.epoch().unwrap_or(0),
            started_at: 0,
            phase: Phase::Claiming { tries: 0 },
            oversight: None,
            ansible: Ansible::default(),
            wanted: 0,
            growth: None,
            growths: 0,
            heard_at: 0,
            looked_at: None,
            told: RunState::Requested,
            cut_off_until: 0,
            paused_until: 0,
            skew: 0,
        }
    }

    /// Takes one step of whatever lives on the machine.
    pub fn step(&mut self, state: &mut State, workers: &mut [Worker]) {
        if !state.moves(self.id) {
            return;
        }
        let now = state.now;
        if state.hit_once(Kind::MasterPaused) {
            self.paused_until = now + 100 + state.random.below(400);
        }
        if self.paused_until > now {
            return;
        }
        if state.hit_once(Kind::MasterCutOff) {
            self.cut_off_until = now + 100;
        }
        if state.hit_once(Kind::MasterClock) {
            self.skew = 20;
        }
        let is_supervised = !matches!(
            self.phase,
            Phase::Down { .. } | Phase::Gone { .. } | Phase::PoweringOff
        );
        if is_supervised && state.hit_once(Kind::SupervisorRestarted) {
            self.phase = Phase::Down { until: now + 5 };
        }
        if is_supervised && state.hit_once(Kind::SupervisorGone) {
            self.phase = Phase::Gone { since: now };
        }
        self.play(state, workers);
        let clock = now + self.skew;
        match self.phase.clone() {
            Phase::Claiming { tries } => self.claim(state, tries, clock),
            Phase::Following => self.follow(state, clock),
            Phase::Clearing { then, since } => self.clear(state, then, since, clock),
            Phase::LookingAgain => self.look_again(state, clock),
            Phase::Closing(ending) => self.close(state, &ending),
            Phase::PoweringOff => self.power_off(state),
            Phase::Down { until } if until <= now => {
                state.count("a supervisor is started again");
                self.phase = Phase::Claiming { tries: 0 };
            }
            Phase::Gone { since }
                if now >= since + WATCH && state.options.has(Layer::Finalizer) =>
            {
                state.count("the watch takes over");
                let ending = Ending::Failed("the supervisor died".to_owned());
                self.phase = match self.heartbeat(state, RunState::Terminating, clock) {
                    Some(true) => Phase::Clearing {
                        then: Then::Close(ending),
                        since: now,
                    },
                    Some(false) => self.without_lease(state),
                    None if now < since + WATCH + CLAIMING => Phase::Gone { since },
                    None => Phase::PoweringOff,
                };
            }
            Phase::Down { .. } | Phase::Gone { .. } => {}
        }
    }

    fn is_cut_off(&self, state: &State) -> bool {
        self.cut_off_until > state.now
    }

    /// Writes a heartbeat: whether the lease is still held, none if nobody answered.
    fn heartbeat(&mut self, state: &mut State, told: RunState, clock: u64) -> Option<bool> {
        self.write(state, Hold::Until(clock + LEASE), told)
    }

    fn write(&mut self, state: &mut State, hold: Hold, told: RunState) -> Option<bool> {
        if self.is_cut_off(state) || state.hit(Kind::TableDown) {
            return None;
        }
        let is_checked = !state.has_bug(Mutant::NoEpochCheck);
        let is_stale = state
            .table
            .lease
            .as_ref()
            .is_some_and(|lease| lease.epoch != self.epoch);
        let is_held = state.table.write(
            self.run.as_str(),
            self.epoch,
            self.id,
            hold,
            told,
            is_checked,
        );
        if is_held && is_stale {
            let run = self.run.clone();
            state.violate(1, || {
                format!("a write of {run} was accepted after it lost the lease")
            });
        }
        if is_held {
            self.heard_at = state.now;
            if told != self.told {
                state.count(told.name());
                state.tell(|| format!("{}: {}", self.run, told.name()));
                self.told = told;
            }
        } else {
            state.count("a lease is lost");
        }
        if state.hit(Kind::TableAnswerLost) {
            return None;
        }
        Some(is_held)
    }

    fn claim(&mut self, state: &mut State, tries: u32, clock: u64) {
        let run = state.table.runs.get(self.run.as_str());
        self.started_at = run.map_or(clock, |run| run.started_at);
        match self.heartbeat(state, RunState::Provisioning, clock) {
            Some(true) => {
                self.oversight = Some(Oversight::new(self.started_at + DEADLINE, DRAIN, clock));
                let backlog = self.measure(state).unwrap_or_default().total();
                let (each, most) = (
                    state.options.fleet.charts_per_worker,
                    state.options.fleet.most_workers,
                );
                self.wanted = grow(self.wanted, backlog, each, 0, DEADLINE, most);
                self.growth = Some(Growth::new(self.wanted, each, most, LEASE, clock));
                if self.ansible.attempt == 0 {
                    self.play_anew();
                }
                self.phase = Phase::Following;
            }
            None if tries < 20 => self.phase = Phase::Claiming { tries: tries + 1 },
            _ => self.phase = self.without_lease(state),
        }
    }

    /// Returns what a master does that lost the lease.
    fn without_lease(&self, state: &mut State) -> Phase {
        let is_read = !self.is_cut_off(state) && !state.hit(Kind::TableDown);
        if is_read && ends_workers(&self.run, state.table.lease.as_ref()) {
            return Phase::Clearing {
                then: Then::PowerOff,
                since: state.now,
            };
        }
        Phase::PoweringOff
    }

    fn measure(&self, state: &mut State) -> Option<Depth> {
        if self.is_cut_off(state) || state.hit(Kind::QueueDown) {
            return None;
        }
        // At the second look it is the heartbeat rule that mends a wrong zero.
        let is_coding = self.phase == Phase::Following && self.ansible.events.coding > 0;
        if is_coding && !state.sqs.messages.is_empty() && state.hit_once(Kind::CountsFlicker) {
            return Some(Depth::default());
        }
        Some(if state.hit(Kind::CountsLag) {
            state.sqs.late_depth()
        } else {
            state.sqs.depth(state.now)
        })
    }

    fn follow(&mut self, state: &mut State, clock: u64) {
        let depth = self.measure(state);
        let seen = Observation {
            playbook: self.ansible.status.unwrap_or(Status::Dead),
            events: self.ansible.events,
            depth,
            attempt: self.ansible.attempt - self.growths,
        };
        let is_zero_once = state.has_bug(Mutant::DrainedOnOneZero)
            && depth.is_some_and(Depth::is_zero)
            && self.ansible.events.coding > 0;
        let Some(oversight) = &mut self.oversight else {
            return;
        };
        let step = if is_zero_once {
            Step::End(Ending::Done)
        } else {
            oversight.observe(&seen, clock)
        };
        if step == Step::End(Ending::Done)
            && self.holds(state)
            && Self::is_work_forgotten(state, state.now)
        {
            state.violate(5, || {
                "a queue counts as drained while charts wait".to_owned()
            });
        }
        if step == Step::GoOn(RunState::Coding)
            && let Some(depth) = depth
            && self.grows(depth, clock)
        {
            state.count("the fleet grows");
            state.tell(|| format!("{}: {} workers are wanted", self.run, self.wanted));
            return;
        }
        self.take(state, step, clock);
    }

    /// Starts the playbook anew if more workers are wanted.
    fn grows(&mut self, depth: Depth, clock: u64) -> bool {
        let left = (self.started_at + DEADLINE).saturating_sub(clock);
        let growth = self.growth.as_mut();
        let Some(wanted) = growth.and_then(|growth| growth.observe(depth, left, clock)) else {
            return false;
        };
        self.wanted = wanted;
        self.growths += 1;
        if let Some(oversight) = &mut self.oversight {
            oversight.begin_anew(clock);
        }
        self.play_anew();
        true
    }

    fn take(&mut self, state: &mut State, step: Step, clock: u64) {
        let now = state.now;
        match step {
            Step::GoOn(told) => {
                if told == self.told && now < self.heard_at + HEARTBEAT {
                    return;
                }
                match self.heartbeat(state, told, clock) {
                    Some(false) => self.phase = self.without_lease(state),
                    None if now > self.heard_at + 10 * HEARTBEAT => {
                        let ending = Ending::Failed("the table is silent".to_owned());
                        self.phase = Phase::Clearing {
                            then: Then::Close(ending),
                            since: now,
                        };
                    }
                    _ => {}
                }
            }
            Step::StartAnew(cause, workers) => {
                state.count("the playbook is started anew");
                state.tell(|| format!("the playbook is started anew: {cause}, {workers:?}"));
                if workers == Workers::Replace {
                    self.phase = Phase::Clearing {
                        then: Then::StartAnew,
                        since: now,
                    };
                } else {
                    self.play_anew();
                    self.phase = Phase::Following;
                }
            }
            Step::End(Ending::Done) => {
                self.phase = Phase::Clearing {
                    then: Then::LookAgain,
                    since: now,
                }
            }
            Step::End(failed) => {
                self.phase = Phase::Clearing {
                    then: Then::Close(failed),
                    since: now,
                }
            }
        }
    }

    /// Ends the workers of this run until EC2 shows none.
    fn clear(&mut self, state: &mut State, then: Then, since: u64, clock: u64) {
        let now = state.now;
        self.ansible.status = Some(Status::Dead);
        if !state.options.has(Layer::Finalizer) {
            self.phase = match then {
                Then::PowerOff => Phase::PoweringOff,
                Then::Close(ending) => Phase::Closing(ending),
                _ => Phase::Closing(Ending::Done),
            };
            return;
        }
        if then != Then::PowerOff
            && now >= self.heard_at + HEARTBEAT
            && self.heartbeat(state, RunState::Terminating, clock) == Some(false)
        {
            self.phase = self.without_lease(state);
            return;
        }
        let mut left = usize::MAX;
        if !self.is_cut_off(state) {
            let is_stale = state.hit(Kind::DescribeStale);
            let shown: Vec<_> = state
                .ec2
                .list(is_stale, now)
                .into_iter()
                .filter(|instance| instance.run == self.run && instance.role != Role::Master)
                .collect();
            left = shown.len();
            for instance in shown.iter().filter(|instance| instance.is_alive()) {
                state.terminate(instance.id, "the finalizer");
            }
            if state.has_bug(Mutant::TerminateOnce) {
                left = 0;
            }
        }
        if left > 0 && now < since + CLEARING {
            return;
        }
        self.phase = match then {
            Then::Close(ending) => Phase::Closing(ending),
            Then::PowerOff => Phase::PoweringOff,
            Then::StartAnew => {
                self.play_anew();
                Phase::Following
            }
            Then::LookAgain if left > 0 => {
                Phase::Closing(Ending::Failed("EC2 still shows workers".to_owned()))
            }
            Then::LookAgain if state.has_bug(Mutant::NoSecondLook) => Phase::Closing(Ending::Done),
            Then::LookAgain => Phase::LookingAgain,
        };
    }

    fn look_again(&mut self, state: &mut State, clock: u64) {
        let measured = self.measure(state);
        self.looked_at = Some(state.now);
        let depth = if state.has_bug(Mutant::UnmeasuredIsEmpty) {
            Some(measured.unwrap_or_default())
        } else {
            measured
        };
        let Some(oversight) = &mut self.oversight else {
            return;
        };
        let step = oversight.after_clearing(depth, self.ansible.attempt - self.growths, clock);
        if step == Step::End(Ending::Done) && measured.is_none() {
            state.violate(5, || {
                "a run was called done, and its queue was not measured".to_owned()
            });
        }
        self.take_last(state, step, clock);
    }

    fn take_last(&mut self, state: &mut State, step: Step, clock: u64) {
        match step {
            Step::End(ending) => self.phase = Phase::Closing(ending),
            Step::GoOn(_) => {
                if state.now >= self.heard_at + HEARTBEAT
                    && self.heartbeat(state, RunState::Terminating, clock) == Some(false)
                {
                    self.phase = self.without_lease(state);
                }
            }
            other @ Step::StartAnew(..) => self.take(state, other, clock),
        }
    }

    fn close(&mut self, state: &mut State, ending: &Ending) {
        let told = match ending {
            Ending::Done => RunState::Done,
            Ending::Failed(reason) => {
                state.record(reason);
                RunState::Failed
            }
        };
        if *ending == Ending::Done && self.holds(state) {
            self.check_done(state);
        }
        self.write(state, Hold::Released, told);
        // The process that could not close leaves the lease to expire.
        self.phase = Phase::PoweringOff;
    }

    /// Returns whether the lease is this run's: what a master says that lost it is refused.
    fn holds(&self, state: &State) -> bool {
        let lease = state.table.lease.as_ref();
        lease.is_some_and(|lease| lease.run == self.run)
    }

    /// Returns whether a chart is in the queue that every late count showed by then.
    fn is_work_forgotten(state: &State, looked_at: u64) -> bool {
        let mut messages = state.sqs.messages.iter();
        messages.any(|message| message.sent_at + 40 < looked_at)
    }

    fn check_done(&self, state: &mut State) {
        let now = state.now;
        // What arrives after the last look, the heartbeat rule finds.
        if Self::is_work_forgotten(state, self.looked_at.unwrap_or(now))
            && state.options.has(Layer::Finalizer)
        {
            state.violate(5, || "a run was called done while charts waited".to_owned());
        }
        let left = state.ec2.instances.iter().find(|instance| {
            instance.run == self.run
                && instance.role != Role::Master
                && instance.is_alive()
                && instance.launched_at + 60 < now
        });
        if let Some(left) = left.map(|instance| instance.id)
            && state.options.has(Layer::Finalizer)
        {
            state.violate(6, || {
                format!("a run was called done while its worker i-{left} ran")
            });
        }
    }

    fn power_off(&mut self, state: &mut State) {
        if !state.options.has(Layer::Finalizer) {
            return;
        }
        let now = state.now;
        // By EC2 first, by a power-off where that fails.
        if self.is_cut_off(state) || !state.terminate(self.id, "the finalizer") {
            state.count("a master powers off by itself");
            state.ec2.terminate(self.id, now);
        }
    }

    fn play_anew(&mut self) {
        self.ansible = Ansible {
            attempt: self.ansible.attempt + 1,
            status: Some(Status::Running),
            ..Ansible::default()
        };
    }

    /// Lets Ansible do one task.
    fn play(&mut self, state: &mut State, workers: &mut [Worker]) {
        if self.ansible.status != Some(Status::Running) {
            return;
        }
        if state.hit_once(Kind::AnsibleDies) {
            self.ansible.status = Some(Status::Dead);
        } else if state.hit_once(Kind::AnsibleFails) {
            self.ansible.status = Some(Status::Exited(2));
        } else if state.hit_once(Kind::AnsibleHangs) {
            self.ansible.is_hung = true;
        }
        if self.ansible.is_hung
            || self.ansible.status != Some(Status::Running)
            || self.is_cut_off(state)
        {
            return;
        }
        if !self.ansible.launched {
            self.launch(state);
            return;
        }
        let now = state.now;
        self.ansible.waited += TICK;
        let alive: Vec<u64> = state
            .ec2
            .instances
            .iter()
            .filter(|i| i.run == self.run && i.role != Role::Master && i.is_alive())
            .map(|i| i.id)
            .collect();
        let mut is_busy = false;
        for worker in workers
            .iter_mut()
            .filter(|worker| alive.contains(&worker.id))
        {
            let is_reached = self.ansible.reached.contains(&worker.id);
            if self.ansible.unreachable.contains(&worker.id) {
                continue;
            }
            if !is_reached {
                let moves = state.moves(worker.id);
                let trusts = state.has_bug(Mutant::TrustOnFirstUse);
                let vouched = state.table.hosts.get(&worker.id).copied();
                if moves && (vouched.is_some() || trusts) && state.hit_once(Kind::HostUnreachable) {
                    self.ansible.unreachable.push(worker.id);
                } else if moves && (vouched.is_some() || trusts) {
                    let offered = if state.hit_once(Kind::Impostor) {
                        0
                    } else {
                        host_key(worker.id)
                    };
                    if vouched != Some(offered) {
                        if trusts {
                            state.violate(8, || {
                                format!("i-{} is trusted, and nobody vouches for it", worker.id)
                            });
                        }
                        self.ansible.unreachable.push(worker.id);
                        continue;
                    }
                    worker.start(now);
                    self.ansible.reached.push(worker.id);
                    self.ansible.events.progress += 1;
                    self.ansible.events.coding += 1;
                    is_busy = true;
                } else if self.ansible.waited < 300 {
                    is_busy = true;
                } else {
                    self.ansible.unreachable.push(worker.id);
                }
            } else if worker.works() {
                // A frozen host hangs the task until SSH gives up.
                is_busy |= state.moves(worker.id) || self.ansible.waited < 900;
            } else if state.options.has(Layer::Playbook) {
                state.terminate(worker.id, "the playbook");
                self.ansible.events.progress += 1;
            }
        }
        if !is_busy {
            let code = if self.ansible.unreachable.is_empty() {
                0
            } else {
                4
            };
            self.ansible.status = Some(Status::Exited(code));
        }
    }

    /// Starts the workers that are missing, as `master launch` does.
    fn launch(&mut self, state: &mut State) {
        let now = state.now;
        let is_stale = state.hit(Kind::DescribeStale);
        let shown = state.ec2.list(is_stale, now);
        for number in 1..=self.wanted {
            let is_there = shown.iter().any(|instance| {
                instance.run == self.run
                    && instance.role == Role::Worker(number)
                    && instance.is_alive()
            });
            if is_there {
                continue;
            }
            if state.hit(Kind::LaunchThrottled) {
                self.ansible.status = Some(Status::Exited(2));
                return;
            }
            if state.hit(Kind::Deployed) {
                state.ec2.deploys += 1;
            }
            let attempt = self.ansible.attempt;
            let tokens = offers(number, CHOICE, SPOT_PERCENT).into_iter().enumerate();
            let found = tokens
                .map(|(place, offer)| {
                    let role = match place {
                        0 => format!("{}-{number}", role::WORKER),
                        _ => format!("{}-{number}-{place}", role::WORKER),
                    };
                    (offer, self.run.client_token(&role, attempt))
                })
                .find(|(offer, token)| !is_short(state, offer, token));
            let Some((_, token)) = found else {
                state.count("the fleet stays smaller");
                if shown.is_empty() && number == 1 {
                    self.ansible.status = Some(Status::Exited(2));
                    return;
                }
                break;
            };
            state.record(&token);
            let boot = if state.hit(Kind::SlowBoot) {
                150
            } else {
                10 + state.random.below(20)
            };
            let is_lost = state.hit(Kind::LaunchAnswerLost);
            let is_tagged = !(is_lost && state.has_bug(Mutant::TagsAfterLaunch));
            let launched =
                state
                    .ec2
                    .launch(token, Role::Worker(number), &self.run, is_tagged, now, boot);
            state.tell(|| format!("EC2: worker {number} of {} is {launched:?}", self.run));
            if is_lost || launched.is_err() {
                self.ansible.status = Some(Status::Exited(2));
                return;
            }
        }
        self.ansible.launched = true;
        self.ansible.events.progress += 1;
    }
}
