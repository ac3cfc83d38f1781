//! The loop that follows a run from its first host to its last.

use std::{fs, io, path::Path, process::Stdio, time::Duration};

use lightsout_contract::fleet::bundle;
use lightsout_protocol::{
    control::MISSED_HEARTBEATS,
    growth::Growth,
    oversight::{Cause, Ending, Observation, Oversight, Step, Workers},
    run::{Depth, RunState, UnixSeconds, fleet_size},
};
use tokio::{
    process::Command,
    signal::unix::{SignalKind, signal},
};

use crate::{
    BoxError, Chain,
    control::{ControlError, Progress, Tenure},
    ending::{self, Cleared},
    fleet::Fleet,
    playbook::{Attempt, Purpose},
    queue,
    surroundings::{Surroundings, now},
};

/// The file whose lock says that a supervisor lives.
pub const LOCK: &str = "supervisor.lock";

/// How often Ansible is looked at.
const TICK: Duration = Duration::from_secs(1);

/// Supervises the run that this machine was started for, to its end and the
/// machine's.
///
/// Whatever goes wrong, the machine does not stay on.
pub async fn supervise() -> Result<(), BoxError> {
    let around = match Surroundings::read().await {
        Ok(around) => around,
        Err(error) => {
            ending::power_off(None).await;
            return Err(error.into());
        }
    };
    let outcome = supervise_run(&around).await;
    match &outcome {
        Ok(()) => {}
        Err(error) => tracing::error!(error = %Chain(error.as_ref()), "the run is abandoned"),
    }
    if let Some(attempt) = Attempt::last(&around) {
        attempt.stop().await;
    }
    if let Err(error) = &outcome
        && is_lost(error.as_ref())
    {
        ending::abandon(&around).await;
    }
    ending::power_off(Some(&around)).await;
    outcome
}

async fn supervise_run(around: &Surroundings) -> Result<(), BoxError> {
    let _living = lock(&around.folder.join(LOCK))?;
    if around.folder.join(ending::CLOSED).exists() {
        return Ok(());
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let tenure = claim(around).await?;
    let followed = tokio::select! {
        followed = follow(around, &tenure) => followed,
        _ = terminate.recv() => Ok(Ending::Failed("the supervisor was asked to stop".to_owned())),
    };
    let ending = match followed {
        Ok(ending) => ending,
        Err(error) if is_lost(error.as_ref()) => return Err(error),
        Err(error) => Ending::Failed(Chain(error.as_ref()).to_string()),
    };
    let ending = match ending::clear(around, &tenure).await? {
        Cleared::NoneLeft => ending,
        Cleared::SomeLeft => Ending::Failed("EC2 still shows workers".to_owned()),
    };
    ending::close(around, &tenure, &ending).await?;
    Ok(())
}

/// Does what the run is for, until it is to be ended.
async fn follow(around: &Surroundings, tenure: &Tenure) -> Result<Ending, BoxError> {
    start_watch(around)?;
    tenure.publish_key(&own_key(around).await?).await?;
    Watching::start(around, tenure)
        .await?
        .follow_until_ended()
        .await
}

/// Returns whether the lease is lost, so that nothing may be touched any more.
pub(crate) fn is_lost(error: &(dyn std::error::Error + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(ControlError::Lost { .. }))
}

/// One run, as the supervisor watches over it.
struct Watching<'a> {
    around: &'a Surroundings,
    tenure: &'a Tenure,
    oversight: Oversight,
    deadline: UnixSeconds,
    workers: u32,
    growth: Growth,
    attempt: Attempt,
    growths: u32,
    depth: Option<Depth>,
    measured_at: UnixSeconds,
    state: RunState,
    heard_at: UnixSeconds,
}

impl<'a> Watching<'a> {
    /// Follows the playbook that runs, or starts it.
    async fn start(around: &'a Surroundings, tenure: &'a Tenure) -> Result<Self, BoxError> {
        let environment = &around.environment;
        let deadline = tenure.started_at() + environment.deadline_seconds.value();
        let depth = measured(around).await;
        let messages_per_worker = environment.messages_per_worker.value();
        let most = environment.most_workers.value();
        let total = depth.unwrap_or_default().total();
        let time = now();
        let (workers, attempt) = if let Some(attempt) = Attempt::last(around) {
            (attempt.workers().max(1), attempt)
        } else {
            let workers = fleet_size(total, messages_per_worker, most);
            let left = deadline.saturating_sub(time);
            let first = Attempt::start(around, None, Purpose::Work, workers, left);
            (workers, first.await?)
        };
        let growths = Attempt::all(around).iter().filter(|a| a.grows()).count();
        tracing::info!(run = %around.run, workers, attempt = attempt.number(), "following");
        Ok(Self {
            around,
            tenure,
            oversight: Oversight::new(deadline, environment.drain_seconds.value(), time),
            deadline,
            workers,
            // A growth shows in the queue once its machines have booted.
            growth: Growth::new(
                workers,
                messages_per_worker,
                most,
                environment.lease_seconds.value(),
                time,
            ),
            attempt,
            growths: u32::try_from(growths).unwrap_or(u32::MAX),
            depth,
            measured_at: time,
            state: RunState::Provisioning,
            heard_at: 0,
        })
    }

    /// Watches until the run is to be ended.
    async fn follow_until_ended(&mut self) -> Result<Ending, BoxError> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let seen = self.look().await;
            match self.oversight.observe(&seen, now()) {
                Step::GoOn(state) => match self.grown(state, &seen) {
                    Some(workers) => self.grow(workers).await?,
                    None => self.report(state).await?,
                },
                Step::StartAnew(cause, workers) => self.start_anew(&cause, workers).await?,
                Step::End(Ending::Done) => {
                    if let Some(ending) = self.end_or_go_on().await? {
                        return Ok(ending);
                    }
                }
                Step::End(failed) => return Ok(failed),
            }
        }
    }

    async fn look(&mut self) -> Observation {
        let time = now();
        let pause = (self.around.environment.drain_seconds.value() / 2).clamp(1, 5);
        let mut depth = None;
        if time >= self.measured_at + pause {
            self.measured_at = time;
            depth = measured(self.around).await;
            self.depth = depth.or(self.depth);
        }
        Observation {
            playbook: self.attempt.status(),
            events: self.attempt.events(),
            depth,
            attempt: self.starts(),
        }
    }

    /// Returns which start of the playbook this is, those that only made the fleet
    /// larger not counted.
    fn starts(&self) -> u32 {
        self.attempt.number().saturating_sub(self.growths)
    }

    /// Returns how many workers are wanted, if they should become more.
    fn grown(&mut self, state: RunState, seen: &Observation) -> Option<u32> {
        let depth = seen.depth.filter(|_| state == RunState::Coding)?;
        let time = now();
        self.growth
            .observe(depth, self.deadline.saturating_sub(time), time)
    }

    /// Starts the playbook anew for more workers; those that work go on.
    async fn grow(&mut self, workers: u32) -> Result<(), BoxError> {
        tracing::info!(from = self.workers, to = workers, "the fleet grows");
        self.attempt.stop().await;
        self.workers = workers;
        self.growths += 1;
        self.oversight.begin_anew(now());
        self.begin(Purpose::Growth).await
    }

    /// Starts the playbook once more.
    async fn begin(&mut self, purpose: Purpose) -> Result<(), BoxError> {
        let seconds_left = self.deadline.saturating_sub(now());
        let last = Some(&self.attempt);
        self.attempt =
            Attempt::start(self.around, last, purpose, self.workers, seconds_left).await?;
        self.report(RunState::Provisioning).await?;
        Ok(())
    }

    /// Writes a heartbeat when one is due or the state has changed.
    async fn report(&mut self, state: RunState) -> Result<(), ControlError> {
        let time = now();
        let due = self.heard_at + self.around.heartbeat_seconds();
        if state == self.state && time < due {
            return Ok(());
        }
        let progress = Progress {
            state,
            depth: self.depth,
            workers: self.workers,
        };
        match self.tenure.heartbeat(progress, time).await {
            Ok(()) => {
                if state != self.state {
                    tracing::info!(state = state.name(), "the run goes on");
                }
                self.state = state;
                self.heard_at = time;
                Ok(())
            }
            Err(error @ ControlError::Service { .. }) if self.may_be_heard_again(time) => {
                tracing::warn!(error = %Chain(&error), "no heartbeat");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Returns whether the workers cannot have given this master up yet.
    fn may_be_heard_again(&mut self, time: UnixSeconds) -> bool {
        if self.heard_at == 0 {
            self.heard_at = time;
        }
        time < self.heard_at + MISSED_HEARTBEATS * self.around.heartbeat_seconds()
    }

    async fn start_anew(&mut self, cause: &Cause, workers: Workers) -> Result<(), BoxError> {
        tracing::warn!(%cause, ?workers, attempt = self.attempt.number(), "the playbook is started anew");
        self.attempt.stop().await;
        if workers == Workers::Replace {
            ending::clear(self.around, self.tenure).await?;
        }
        self.begin(Purpose::Work).await
    }

    /// Ends the workers and looks at the queue once more: a chart that arrived
    /// while they were drained must not wait for an alarm that never changes.
    async fn end_or_go_on(&mut self) -> Result<Option<Ending>, BoxError> {
        if ending::clear(self.around, self.tenure).await? == Cleared::SomeLeft {
            return Ok(Some(Ending::Done));
        }
        loop {
            let left = measured(self.around).await;
            let step = self.oversight.after_clearing(left, self.starts(), now());
            match step {
                Step::StartAnew(cause, workers) => {
                    self.start_anew(&cause, workers).await?;
                    return Ok(None);
                }
                Step::End(ending) => return Ok(Some(ending)),
                Step::GoOn(state) => {
                    self.report(state).await?;
                    tokio::time::sleep(TICK).await;
                }
            }
        }
    }
}

/// Takes the lease over; a table that does not answer is asked again.
pub(crate) async fn claim(around: &Surroundings) -> Result<Tenure, ControlError> {
    let mut attempts = 0;
    loop {
        match Tenure::claim(around, now()).await {
            Err(error @ ControlError::Service { .. }) if attempts < 20 => {
                tracing::warn!(error = %Chain(&error), "the lease is not taken yet");
                attempts += 1;
                tokio::time::sleep(Duration::from_secs(3)).await;
            }
            claimed => return claimed,
        }
    }
}

async fn measured(around: &Surroundings) -> Option<Depth> {
    match queue::depth(around).await {
        Ok(depth) => Some(depth),
        Err(error) => {
            tracing::warn!(error = %Chain(&error), "the queue is not measured");
            None
        }
    }
}

/// Waits for the lock of `path`, which the kernel gives back with the process.
pub(crate) fn lock(path: &Path) -> io::Result<fs::File> {
    let file = fs::File::create(path)?;
    file.lock()?;
    Ok(file)
}

/// Starts the process that ends the run should this one die. A second one
/// finds the first and ends.
fn start_watch(around: &Surroundings) -> io::Result<()> {
    Command::new(around.bundle.join(bundle::MASTER))
        .arg("watch")
        .stdin(Stdio::null())
        .spawn()
        .map(drop)
}

/// Makes the key pair of this run, unless an earlier start did.
async fn own_key(around: &Surroundings) -> Result<String, BoxError> {
    let key = around.folder.join("key");
    let public = around.folder.join("key.pub");
    if !public.exists() {
        let _ = fs::remove_file(&key);
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C"])
            .arg(around.run.as_str())
            .arg("-f")
            .arg(&key)
            .stdin(Stdio::null())
            .status()
            .await?;
        if !made.success() {
            return Err(format!("`ssh-keygen` failed: {made}").into());
        }
    }
    Ok(fs::read_to_string(public)?)
}

/// Ends the workers of this run: all of them, or the one that is named.
pub async fn terminate(around: &Surroundings, instance: Option<&str>) -> Result<(), BoxError> {
    let fleet = Fleet::new(around);
    match instance {
        Some(instance) => fleet.terminate(instance).await?,
        None => fleet.terminate_until_none().await,
    }
    Ok(())
}
