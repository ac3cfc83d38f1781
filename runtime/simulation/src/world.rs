//! One world: its clock, what lies in it, what goes wrong, and whose turn it is.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use crate::{
    ec2::{Ec2, Instance, Role, Standing},
    invariants,
    launcher::{self, Launching},
    layer::Layer,
    master::Master,
    mutant::Mutant,
    random::Random,
    reaper::{self, Sweeping},
    schedule::{BUSY, Kind, Schedule},
    sqs::Sqs,
    table::Table,
    worker::Worker,
};

/// Seconds between two looks of the world; every actor takes one step in each.
pub const TICK: u64 = 5;
/// Seconds that a lease is held.
pub const LEASE: u64 = 120;
/// Seconds between two heartbeats of a master.
pub const HEARTBEAT: u64 = LEASE / 4;
/// Seconds that a run and every machine may take.
pub const DEADLINE: u64 = 1_800;
/// Seconds after its launch for which the reaper leaves a machine alone.
pub const GRACE: u64 = 600;
/// Seconds of zeros that make a drained queue.
pub const DRAIN: u64 = 20;
/// Seconds that a received message is hidden.
pub const VISIBILITY: u64 = 60;
/// Seconds between two invocations of the launcher by the clock.
pub const RULE: u64 = 300;
/// Seconds between two sweeps of the reaper.
pub const SWEEP: u64 = 120;
/// When the world begins.
pub const BEGIN: u64 = 100_000;
/// Seconds past the last fault within which all must be done and gone.
pub const PATIENCE: u64 = 4 * DEADLINE;
/// The text of every chart, which must be found nowhere else.
pub const CANARY: &str = "Mrs. Canary has gout";

/// How a world differs from the usual one.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The planted bug.
    pub mutant: Option<Mutant>,
    /// The layers that are switched off.
    pub without: Vec<Layer>,
    /// Whether what happens is kept for reading.
    pub is_told: bool,
    /// How large a fleet may get.
    pub fleet: Fleet,
}

/// How large a fleet may get, small unless said, so that schedules stay readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fleet {
    /// Most workers.
    pub most_workers: u32,
    /// Charts that deserve a worker.
    pub charts_per_worker: u64,
}

impl Default for Fleet {
    fn default() -> Self {
        Self {
            most_workers: 3,
            charts_per_worker: 3,
        }
    }
}

impl Options {
    /// Returns whether a layer works.
    pub fn has(&self, layer: Layer) -> bool {
        !self.without.contains(&layer)
    }
}

/// What broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The invariant, counted as in the protocol.
    pub invariant: u8,
    /// What happened.
    pub what: String,
    /// When, in seconds from the beginning.
    pub at: u64,
}

/// How a world ended.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// What broke first.
    pub violation: Option<Violation>,
    /// How often each thing happened.
    pub counts: BTreeMap<&'static str, u64>,
    /// Seconds until nothing was left.
    pub seconds: u64,
    /// What happened, if it was asked for.
    pub told: Vec<String>,
    /// What was used of AWS.
    pub usage: Usage,
}

/// What a world used of AWS, for [`scale`](crate::scale) to be checked against.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Workers that were started.
    pub workers: u64,
    /// Receives that brought something.
    pub receives: u64,
    /// Receives that brought nothing.
    pub empty_receives: u64,
    /// Messages that were received, each time they were.
    pub received: u64,
    /// Batches of messages that were deleted.
    pub deletes: u64,
    /// Batches of messages that were hidden anew.
    pub extensions: u64,
    /// Most messages that were in flight at once.
    pub most_in_flight: u64,
    /// When something was first received, in seconds from the beginning.
    pub first_receive: Option<u64>,
    /// When something was last deleted, in seconds from the beginning.
    pub last_delete: Option<u64>,
    /// Seconds that workers were pending or running, all together.
    pub worker_seconds: u64,
}

impl Usage {
    /// Notes a receive that brought `many` messages `at` seconds from the beginning.
    fn received(&mut self, many: usize, at: u64) {
        if many == 0 {
            self.empty_receives += 1;
            return;
        }
        self.receives += 1;
        self.received += many as u64;
        self.first_receive.get_or_insert(at);
    }

    /// Notes what lies in the world at the end of a turn.
    fn observe(&mut self, sqs: &Sqs, ec2: &Ec2, now: u64) {
        self.most_in_flight = self.most_in_flight.max(sqs.depth(now).in_flight);
        let is_worker = |instance: &&Instance| matches!(instance.role, Role::Worker(_));
        let workers = || ec2.instances.iter().filter(is_worker);
        self.workers = workers().count() as u64;
        let alive = workers().filter(|worker| worker.is_alive()).count() as u64;
        self.worker_seconds += alive * TICK;
    }
}

/// Everything but the actors.
pub struct State {
    /// The time.
    pub now: u64,
    /// What decides the rest.
    pub random: Random,
    /// How this world differs.
    pub options: Options,
    /// The queue.
    pub sqs: Sqs,
    /// The control table.
    pub table: Table,
    /// The instances.
    pub ec2: Ec2,
    /// Results by chart: the bytes.
    pub results: BTreeMap<usize, String>,
    /// Charts that are in the inbox no more.
    pub deleted: Vec<usize>,
    /// How often the launcher is to be invoked because the reaper said so.
    pub wakes: usize,
    schedule: Schedule,
    used: Vec<bool>,
    outcome: Outcome,
}

impl State {
    /// Returns whether `kind` goes wrong now.
    pub fn hit(&mut self, kind: Kind) -> bool {
        let time = self.now - BEGIN;
        let is_on = |fault: &crate::schedule::Fault| {
            fault.kind == kind && (fault.at..fault.at + fault.lasts).contains(&time)
        };
        let is_hit = self.schedule.faults.iter().any(is_on);
        if is_hit {
            self.count(kind.says());
        }
        is_hit
    }

    /// Returns whether `kind` goes wrong now, once for each fault.
    pub fn hit_once(&mut self, kind: Kind) -> bool {
        let time = self.now - BEGIN;
        for (index, fault) in self.schedule.faults.iter().enumerate() {
            if fault.kind == kind && fault.at <= time && !self.used[index] {
                self.used[index] = true;
                self.count(kind.says());
                self.tell(|| format!("fault: {}", kind.says()));
                return true;
            }
        }
        false
    }

    /// Counts something.
    pub fn count(&mut self, what: &'static str) {
        *self.outcome.counts.entry(what).or_default() += 1;
    }

    /// Notes a receive that brought `many` messages.
    pub fn note_receive(&mut self, many: usize) {
        let at = self.now - BEGIN;
        self.outcome.usage.received(many, at);
    }

    /// Notes that a batch of messages was deleted.
    pub fn note_delete(&mut self) {
        self.outcome.usage.deletes += 1;
        self.outcome.usage.last_delete = Some(self.now - BEGIN);
    }

    /// Notes that a batch of messages was hidden anew.
    pub fn note_extension(&mut self) {
        self.outcome.usage.extensions += 1;
    }

    /// Writes a line of the story, if somebody reads it.
    pub fn tell(&mut self, line: impl FnOnce() -> String) {
        if self.options.is_told {
            let line = format!("{:>6} s  {}", self.now - BEGIN, line());
            self.outcome.told.push(line);
        }
    }

    /// Takes what goes into logs, tags, messages and the control table.
    pub fn record(&mut self, text: &str) {
        if text.contains(CANARY) {
            self.violate(7, || "text of a chart outside its stores".to_owned());
        }
    }

    /// Notes that an invariant is broken; the first one counts.
    pub fn violate(&mut self, invariant: u8, what: impl FnOnce() -> String) {
        if self.outcome.violation.is_none() {
            let what = what();
            self.tell(|| format!("invariant {invariant} is broken: {what}"));
            self.outcome.violation = Some(Violation {
                invariant,
                what,
                at: self.now - BEGIN,
            });
        }
    }

    /// Returns whether the planted bug is this one.
    pub fn has_bug(&self, mutant: Mutant) -> bool {
        self.options.mutant == Some(mutant)
    }

    /// Returns whether an instance runs and moves.
    pub fn moves(&self, id: u64) -> bool {
        usize::try_from(id)
            .ok()
            .and_then(|id| self.ec2.instances.get(id))
            .is_some_and(|instance| instance.standing == Standing::Running && !instance.is_frozen)
    }

    /// Asks EC2 to end an instance; returns whether it listened.
    pub fn terminate(&mut self, id: u64, by: &'static str) -> bool {
        if self.hit(Kind::TerminateThrottled) {
            return false;
        }
        let now = self.now;
        if self
            .ec2
            .instances
            .iter()
            .any(|instance| instance.id == id && instance.is_alive())
        {
            self.count(by);
            self.tell(|| format!("i-{id} is ended by {by}"));
        }
        self.ec2.terminate(id, now);
        true
    }
}

/// What actors share.
pub type Shared = Rc<RefCell<State>>;

/// Runs a schedule to its end.
pub fn run(schedule: &Schedule, options: &Options) -> Outcome {
    let state = State {
        now: BEGIN,
        random: Random::new(schedule.seed),
        options: options.clone(),
        sqs: Sqs::default(),
        table: Table::default(),
        ec2: Ec2::default(),
        results: BTreeMap::new(),
        deleted: Vec::new(),
        wakes: 0,
        used: vec![false; schedule.faults.len()],
        schedule: schedule.clone(),
        outcome: Outcome::default(),
    };
    let shared = Rc::new(RefCell::new(state));
    let mut world = Actors::default();
    let end_of_faults = schedule
        .faults
        .iter()
        .map(|fault| fault.at + fault.lasts)
        .max()
        .unwrap_or(0)
        .max(BUSY);
    // Without the reaper a silent machine holds its charts until a person is told.
    let patience = if options.has(Layer::Reaper) {
        PATIENCE
    } else {
        3 * PATIENCE
    };
    let limit = end_of_faults + patience;
    loop {
        world.turn(&shared);
        let mut state = shared.borrow_mut();
        let time = state.now - BEGIN;
        invariants::all_along(&mut state);
        let all_came = time > schedule.arrivals.last().copied().unwrap_or(0) + TICK;
        if state.outcome.violation.is_some() {
            break;
        }
        if all_came
            && time > end_of_faults
            && world.launches.is_empty()
            && invariants::is_quiet(&state)
        {
            invariants::at_the_end(&mut state, schedule.arrivals.len());
            break;
        }
        if time >= limit {
            state.violate(5, || {
                format!("not all is done and gone after {limit} seconds")
            });
            break;
        }
        state.now += TICK;
    }
    let mut state = shared.borrow_mut();
    state.outcome.seconds = state.now - BEGIN;
    std::mem::take(&mut state.outcome)
}

/// An invocation of the launcher that Lambda tries, counted from one.
struct Attempt {
    launch: Launching,
    number: u64,
}

/// Times that Lambda tries an invocation nobody waits for: it comes again a minute after the
/// first failure, and two after the second
/// ([AWS](https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html)).
const ATTEMPTS: u64 = 3;

#[derive(Default)]
struct Actors {
    launches: Vec<Attempt>,
    /// When launchers that failed are invoked again, and for which time.
    retries: Vec<(u64, u64)>,
    sweeps: Vec<Sweeping>,
    masters: Vec<Master>,
    workers: Vec<Worker>,
    is_alarmed: bool,
    arrived: usize,
}

impl Actors {
    fn turn(&mut self, shared: &Shared) {
        self.arrive(&mut shared.borrow_mut());
        self.wake(shared);
        Self::break_machines(&mut shared.borrow_mut());
        // Everyone in an order that the seed decides anew each time.
        self.invoke(shared);
        let mut state = shared.borrow_mut();
        let state = &mut *state;
        let workers_first = state.random.below(2) == 0;
        if workers_first {
            self.workers
                .iter_mut()
                .for_each(|worker| worker.step(state));
        }
        for master in &mut self.masters {
            master.step(state, &mut self.workers);
        }
        if !workers_first {
            self.workers
                .iter_mut()
                .for_each(|worker| worker.step(state));
        }
        Self::end_by_layers(state);
        let now = state.now;
        state.ec2.pass(now);
        state.sqs.note(now);
        state.outcome.usage.observe(&state.sqs, &state.ec2, now);
        self.meet_instances(state);
    }

    fn arrive(&mut self, state: &mut State) {
        let time = state.now - BEGIN;
        while let Some(at) = state.schedule.arrivals.get(self.arrived).copied()
            && at <= time
        {
            let chart = self.arrived;
            self.arrived += 1;
            let body = format!(
                r#"{{"Records":[{{"eventVersion":"2.1","eventName":"ObjectCreated:Put","s3":{{"bucket":{{"name":"inbox"}},"object":{{"key":"charts/{chart}","size":9,"versionId":"v1"}}}}}}]}}"#
            );
            state.record(&body);
            let now = state.now;
            state.sqs.send(chart, body.clone(), now);
            if state.hit_once(Kind::EventTwice) {
                state.sqs.send(chart, body, now + 1);
            }
            if state.hit_once(Kind::ChartDeleted) {
                state.deleted.push(chart);
            }
        }
    }

    /// The alarm acts on its edge, the rule and the reaper on the clock.
    fn wake(&mut self, shared: &Shared) {
        let mut state = shared.borrow_mut();
        let time = state.now - BEGIN;
        let mut copies = 0;
        if time.is_multiple_of(60) && !state.hit(Kind::MetricsMissing) {
            let waits = state.sqs.late_depth().visible > 0;
            if waits && !self.is_alarmed {
                state.count("the alarm invokes the launcher");
                copies += 1;
            }
            self.is_alarmed = waits;
        }
        if time.is_multiple_of(RULE) && !state.hit(Kind::HeartbeatMissed) {
            copies += 1;
        }
        if copies > 0 && state.hit_once(Kind::InvokedTwice) {
            copies += 1;
        }
        copies += std::mem::take(&mut state.wakes);
        let mut sweeps = 0;
        if time.is_multiple_of(SWEEP) && state.options.has(Layer::Reaper) {
            sweeps = 1 + usize::from(state.hit_once(Kind::ReaperTwice));
        }
        let now = state.now;
        let due = self.retries.extract_if(.., |(at, _)| *at <= now);
        let mut numbers: Vec<u64> = due.map(|(_, number)| number).collect();
        if !numbers.is_empty() {
            state.count("Lambda invokes the launcher again");
        }
        numbers.extend((0..copies).map(|_| 1));
        drop(state);
        self.launches
            .extend(numbers.into_iter().map(|number| Attempt {
                launch: launcher::invoke(Rc::clone(shared)),
                number,
            }));
        self.sweeps
            .extend((0..sweeps).map(|_| reaper::invoke(Rc::clone(shared))));
    }

    /// Lets each Lambda that runs make some calls, and kills what the schedule kills.
    fn invoke(&mut self, shared: &Shared) {
        for Attempt { launch, number } in &mut self.launches {
            if shared.borrow_mut().hit_once(Kind::LauncherKilled) {
                launch.kill();
            }
            let mut has_succeeded = false;
            let steps = 1 + shared.borrow_mut().random.below(4);
            for _ in 0..steps {
                if let Some(end) = launch.step(shared) {
                    launcher::tell(&mut shared.borrow_mut(), &end);
                    has_succeeded = end.is_ok();
                }
            }
            if launch.is_over() && !has_succeeded && *number < ATTEMPTS {
                let at = shared.borrow().now + 60 * *number;
                self.retries.push((at, *number + 1));
            }
        }
        self.launches.retain(|attempt| !attempt.launch.is_over());
        for sweep in &mut self.sweeps {
            let steps = 1 + shared.borrow_mut().random.below(4);
            for step in 0..steps {
                if step > 0 && shared.borrow_mut().hit_once(Kind::ReaperKilled) {
                    sweep.kill();
                }
                if let Some(end) = sweep.step(shared) {
                    reaper::tell(&mut shared.borrow_mut(), &end);
                }
            }
        }
        self.sweeps.retain(|sweep| !sweep.is_over());
    }

    fn break_machines(state: &mut State) {
        let find = |state: &State, is_master: bool| {
            let is_it = |instance: &&Instance| {
                (instance.role == Role::Master) == is_master
                    && instance.standing == Standing::Running
                    && !instance.is_frozen
            };
            state
                .ec2
                .instances
                .iter()
                .find(is_it)
                .map(|instance| instance.id)
        };
        for (kind, is_master) in [
            (Kind::MasterFrozen, true),
            (Kind::WorkerFrozen, false),
            (Kind::WorkerMachineLost, false),
        ] {
            if let Some(id) = find(state, is_master)
                && state.hit_once(kind)
            {
                let now = state.now;
                if kind == Kind::WorkerMachineLost {
                    state.ec2.terminate(id, now);
                } else if let Some(instance) = usize::try_from(id)
                    .ok()
                    .and_then(|id| state.ec2.instances.get_mut(id))
                {
                    instance.is_frozen = true;
                }
            }
        }
        let now = state.now;
        if let Some(index) = state
            .sqs
            .messages
            .iter()
            .position(|message| message.hidden_until > now)
            && state.hit_once(Kind::DeliveredTwice)
        {
            // A copy of the same message, which SQS may deliver besides.
            state.sqs.messages[index].hidden_until = 0;
            state.sqs.messages[index].holder = None;
        }
    }

    fn end_by_layers(state: &mut State) {
        let now = state.now;
        let ages: Vec<_> = state
            .ec2
            .instances
            .iter()
            .filter(|instance| instance.is_alive())
            .map(|instance| (instance.id, now - instance.launched_at, instance.is_frozen))
            .collect();
        for (id, age, is_frozen) in ages {
            if state.options.has(Layer::PowerOff) && !is_frozen && age >= DEADLINE {
                state.count("the power-off timer");
                state.ec2.terminate(id, now);
            }
            if state.options.has(Layer::Person) && age >= DEADLINE + 900 + 1_800 {
                state.count("a person");
                state.ec2.terminate(id, now);
            }
        }
    }

    /// Gives each new machine what runs on it.
    fn meet_instances(&mut self, state: &State) {
        let met = self.masters.len() + self.workers.len();
        for instance in state.ec2.instances.iter().skip(met) {
            match instance.role {
                Role::Master => self.masters.push(Master::new(instance)),
                Role::Worker(_) => self.workers.push(Worker::new(instance)),
            }
        }
    }
}
