//! A worker's machine: its boot, its guard, and the process that drains the queue.

use lightsout_protocol::{
    chart::arrivals,
    leave::{LeaseSeen, Leave, Vigil},
    run::{Depth, DrainWatch, Hold, RunId},
};

use crate::{
    ec2::{Instance, Standing},
    layer::Layer,
    mutant::Mutant,
    schedule::Kind,
    world::{CANARY, DRAIN, HEARTBEAT, State, TICK, VISIBILITY},
};

/// Most messages that the worker takes at once.
pub const BATCH: usize = 3;
/// The shortest time that a chart takes, in seconds.
pub const SHORTEST: u64 = 5;
/// What a chart takes longer than that, in seconds: less than this.
pub const SPREAD: u64 = 20;

/// A message that is held.
#[derive(Debug, Clone)]
struct Held {
    chart: usize,
    body: String,
    receipt: u64,
    ready_at: u64,
    is_stored: bool,
    is_deleted: bool,
    was_hindered: bool,
}

/// The process on the machine.
struct Process {
    vigil: Vigil,
    drain: DrainWatch,
    held: Vec<Held>,
    extended_at: u64,
    looked_at: u64,
}

/// One worker.
pub struct Worker {
    /// Its instance.
    pub id: u64,
    run: RunId,
    guard: Option<Vigil>,
    process: Option<Process>,
    notice_until: Option<u64>,
    cut_off_until: u64,
}

impl Worker {
    /// Makes what runs on a new instance.
    pub fn new(instance: &Instance) -> Self {
        Self {
            id: instance.id,
            run: instance.run.clone(),
            guard: None,
            process: None,
            notice_until: None,
            cut_off_until: 0,
        }
    }

    /// Starts the process, as Ansible asks; one that works goes on.
    pub fn start(&mut self, now: u64) {
        if self.process.is_none() {
            self.process = Some(Process {
                vigil: Vigil::new(self.run.clone(), now),
                drain: DrainWatch::new(DRAIN),
                held: Vec::new(),
                extended_at: now,
                looked_at: 0,
            });
        }
    }

    /// Returns whether the process works.
    pub fn works(&self) -> bool {
        self.process.is_some()
    }

    /// Takes one step.
    pub fn step(&mut self, state: &mut State) {
        if !state.moves(self.id) {
            if state.ec2.instances[usize::try_from(self.id).unwrap_or(0)].standing
                == Standing::Terminated
            {
                self.process = None;
            }
            return;
        }
        let now = state.now;
        if self.guard.is_none() {
            // The last step of its boot: it announces the key of this host.
            self.guard = Some(Vigil::new(self.run.clone(), now));
            state.table.hosts.insert(self.id, host_key(self.id));
        }
        if state.hit_once(Kind::WorkerCutOff) {
            self.cut_off_until = now + 100;
        }
        if self.process.is_some() && state.hit_once(Kind::SpotNotice) {
            self.notice_until = Some(now + 120);
        }
        if self.notice_until.is_some_and(|until| until <= now) {
            state.ec2.terminate(self.id, now);
            self.process = None;
            return;
        }
        if self.process.is_some() && state.hit_once(Kind::WorkerKilled) {
            self.process = None;
        }
        let is_cut_off = self.cut_off_until > now;
        let lease = if is_cut_off || state.hit(Kind::TableDown) {
            None
        } else {
            seen(state)
        };
        if state.options.has(Layer::PowerOff)
            && now.is_multiple_of(HEARTBEAT)
            && let Some(guard) = &mut self.guard
            && guard.observe(lease.as_ref(), now).is_some()
        {
            state.count("a worker's guard");
            state.tell(|| format!("i-{} powers off by its guard", self.id));
            state.ec2.terminate(self.id, now);
            self.process = None;
            return;
        }
        let Some(mut process) = self.process.take() else {
            return;
        };
        let mut reason = process.vigil.observe(lease.as_ref(), now);
        if self.notice_until.is_some() {
            reason = reason.or(Some(Leave::SpotNotice));
        }
        let no_queue = is_cut_off || state.hit(Kind::QueueDown);
        reason = reason.or(is_drained(state, &mut process, no_queue).then_some(Leave::Drained));
        if let Some(reason) = reason {
            state.count(reason.name());
            state.tell(|| format!("worker i-{} leaves: {}", self.id, reason.name()));
            if !no_queue {
                for held in process.held.iter().filter(|held| !held.is_stored) {
                    state.sqs.hide(held.receipt, 0, now);
                }
            }
            return;
        }
        work(state, &mut process, self.id, is_cut_off, no_queue);
        self.process = Some(process);
    }
}

/// The key of a host.
pub fn host_key(id: u64) -> u64 {
    id ^ 0x0ed2_5519
}

fn seen(state: &State) -> Option<LeaseSeen> {
    state.table.lease.as_ref().map(|lease| LeaseSeen {
        run: lease.run.clone(),
        expires_at: match lease.hold {
            Hold::Until(expiry) => expiry,
            Hold::Released => 0,
        },
        heartbeat: Some(HEARTBEAT),
    })
}

fn is_drained(state: &mut State, process: &mut Process, no_queue: bool) -> bool {
    let now = state.now;
    if now < process.looked_at + TICK {
        return false;
    }
    process.looked_at = now;
    if no_queue {
        process.drain = DrainWatch::new(DRAIN);
        return false;
    }
    let depth: Depth = if state.hit(Kind::CountsLag) {
        state.sqs.late_depth()
    } else {
        state.sqs.depth(now)
    };
    process.drain.observe(depth, now)
}

/// One step with what is held: receive, extend, code and store, or delete.
fn work(state: &mut State, process: &mut Process, id: u64, is_cut_off: bool, no_queue: bool) {
    let now = state.now;
    if process.held.is_empty() {
        if no_queue {
            return;
        }
        let batch = state.sqs.receive(BATCH, id, VISIBILITY, now);
        state.note_receive(batch.len());
        for (chart, body, receipt) in batch {
            let takes = if state.hit_once(Kind::SlowChart) {
                150
            } else {
                SHORTEST + state.random.below(SPREAD)
            };
            process.held.push(Held {
                chart,
                body,
                receipt,
                ready_at: now + takes,
                is_stored: false,
                is_deleted: false,
                was_hindered: false,
            });
        }
        process.extended_at = now;
        return;
    }
    if no_queue {
        for held in &mut process.held {
            held.was_hindered = true;
        }
    }
    let extends = !no_queue && now >= process.extended_at + VISIBILITY / 3;
    if extends && !state.has_bug(Mutant::VisibilityNotExtended) {
        process.extended_at = now;
        state.note_extension();
        for held in &process.held {
            state.sqs.hide(held.receipt, VISIBILITY, now);
        }
    }
    let deletes_first = state.has_bug(Mutant::DeleteBeforeStore);
    // One call a step: the process can die between any two.
    if let Some(held) = process
        .held
        .iter_mut()
        .find(|held| !held.is_stored && held.ready_at <= now)
    {
        if deletes_first && !held.is_deleted {
            delete(state, held);
            return;
        }
        if !is_cut_off {
            store(state, held, id);
        }
        return;
    }
    if process.held.iter().all(|held| held.is_stored) && !no_queue {
        for held in &mut process.held {
            delete(state, held);
        }
        state.note_delete();
        process.held.clear();
    }
}

fn delete(state: &mut State, held: &mut Held) {
    held.is_deleted = true;
    if !state.results.contains_key(&held.chart) {
        let chart = held.chart;
        state.violate(2, || {
            format!("chart {chart} is deleted from the queue, and not stored")
        });
    }
    state.sqs.delete(held.receipt);
}

fn store(state: &mut State, held: &mut Held, id: u64) {
    // What the queue says is read as the worker reads it.
    let Ok(charts) = arrivals(&held.body) else {
        return;
    };
    let Some(chart) = charts
        .first()
        .and_then(|chart| chart.id().parse::<usize>().ok())
    else {
        return;
    };
    let bytes = if state.deleted.contains(&chart) {
        "rejected: missing".to_owned()
    } else {
        format!("coded: {chart}")
    };
    let log = if state.has_bug(Mutant::ChartTextInLog) {
        format!("chart {chart}: {CANARY}")
    } else {
        format!("chart {chart}")
    };
    state.record(&log);
    let is_there = state.results.contains_key(&chart);
    if state.has_bug(Mutant::OverwriteResult) {
        let other = format!("{bytes} by i-{id} at {}", state.now);
        if state.results.insert(chart, other).is_some() {
            state.violate(3, || {
                format!("the outcome of chart {chart} is written twice")
            });
        }
    } else if is_there {
        state.count("a duplicate changes nothing");
        if state.results.get(&chart) != Some(&bytes) {
            state.violate(3, || format!("chart {chart} has two different outcomes"));
        }
    } else {
        state.count(if bytes.starts_with("coded") {
            "a chart is coded"
        } else {
            "a chart is rejected"
        });
        state.results.insert(chart, bytes);
    }
    if state.hit(Kind::ResultAnswerLost) {
        return;
    }
    held.is_stored = true;
    // A holder that reaches the queue keeps its message hidden from all others.
    let let_go = state.sqs.messages.iter().any(|message| {
        message.chart == chart && message.hidden_until <= state.now && message.holder == Some(id)
    });
    if let_go && !held.was_hindered {
        state.violate(3, || format!("chart {chart} was let go while it was coded"));
    }
}
