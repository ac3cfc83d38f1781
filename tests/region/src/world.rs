//! What all parts of a running region share, and the life of its instances.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::broadcast;

use crate::ec2::error::Ec2Error;
use crate::ec2::form::Form;
use crate::event::Event;
use crate::fault::PendingFaults;
use crate::fleet::{Fleet, Launched, Moved};
use crate::host::Host;
use crate::instance::{InstanceId, InstanceState, Launch, Transition};
use crate::isolation::Isolation;
use crate::metadata::Sessions;
use crate::ministack::Upstream;
use crate::openssh::OpenSsh;

/// How an instance is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    Terminate,
    Stop,
}

/// The place of a host; held while it boots.
type Slot = Arc<tokio::sync::Mutex<Option<Host>>>;

/// The facts of a region that do not change.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) folder: PathBuf,
    pub(crate) endpoint: String,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) isolation: Isolation,
    pub(crate) openssh: OpenSsh,
    pub(crate) path_prepend: Vec<PathBuf>,
    pub(crate) visible: Vec<PathBuf>,
}

/// A running region.
#[derive(Debug)]
pub(crate) struct World {
    facts: Facts,
    upstream: Upstream,
    fleet: Mutex<Fleet>,
    faults: Mutex<PendingFaults>,
    slots: Mutex<BTreeMap<InstanceId, Slot>>,
    sessions: Sessions,
    events: broadcast::Sender<Event>,
}

impl World {
    pub(crate) fn new(facts: Facts, upstream: Upstream, fleet: Fleet) -> Self {
        Self {
            facts,
            upstream,
            fleet: Mutex::new(fleet),
            faults: Mutex::default(),
            slots: Mutex::default(),
            sessions: Sessions::default(),
            events: broadcast::Sender::new(1024),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.facts.folder
    }

    pub(crate) fn host_folder(&self, id: &InstanceId) -> PathBuf {
        self.facts.folder.join("hosts").join(id.as_str())
    }

    pub(crate) fn image_folder(&self) -> PathBuf {
        self.facts.folder.join("image")
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.facts.endpoint
    }

    pub(crate) fn account(&self) -> &str {
        &self.facts.account
    }

    pub(crate) fn region_name(&self) -> &str {
        &self.facts.region
    }

    pub(crate) fn isolation(&self) -> &Isolation {
        &self.facts.isolation
    }

    pub(crate) fn openssh(&self) -> &OpenSsh {
        &self.facts.openssh
    }

    pub(crate) fn path_prepend(&self) -> &[PathBuf] {
        &self.facts.path_prepend
    }

    /// The paths that hosts must see wherever they are.
    pub(crate) fn visible(&self) -> &[PathBuf] {
        &self.facts.visible
    }

    pub(crate) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(crate) fn fleet(&self) -> MutexGuard<'_, Fleet> {
        self.fleet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, PendingFaults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    pub(crate) fn report(&self, event: Event) {
        // Nobody has to listen.
        let _listeners = self.events.send(event);
    }

    pub(crate) fn report_problem(&self, instance: &InstanceId, problem: String) {
        self.report(Event::HostFailed {
            instance: instance.clone(),
            problem,
        });
    }

    /// Whether EC2 believes that the instance has a host.
    pub(crate) fn is_up(&self, id: &InstanceId) -> bool {
        self.fleet()
            .get(id)
            .is_some_and(|instance| instance.state.has_host())
    }

    /// Launches `count` instances, whose hosts then boot by themselves.
    pub(crate) fn launch(
        self: &Arc<Self>,
        request: &Form,
        launch: &Launch,
        count: usize,
        now: SystemTime,
    ) -> Result<Launched, Ec2Error> {
        let launched = self.fleet().launch(request, launch, count, now)?;
        if let Launched::New(ids) = &launched {
            for id in ids {
                self.report_state(id);
                let slot = Slot::default();
                let held = Arc::clone(&slot)
                    .try_lock_owned()
                    .expect("a slot that nobody has seen yet is free");
                self.slots().insert(id.clone(), slot);
                let world = Arc::clone(self);
                let id = id.clone();
                tokio::spawn(async move { world.boot(&id, held).await });
            }
        }
        Ok(launched)
    }

    /// Begins the end of an instance; it goes on by itself.
    pub(crate) fn end(self: &Arc<Self>, id: &InstanceId, goal: Goal, why: Transition) {
        use InstanceState::{Pending, Running, ShuttingDown, Stopped, Stopping, Terminated};
        let (from, through, to): (&[InstanceState], _, _) = match goal {
            Goal::Terminate => (
                &[Pending, Running, Stopping, Stopped],
                ShuttingDown,
                Terminated,
            ),
            Goal::Stop => (&[Pending, Running], Stopping, Stopped),
        };
        if self.fleet().change(id, from, through, Some(why)) == Moved::No {
            return;
        }
        self.report_state(id);
        let world = Arc::clone(self);
        let id = id.clone();
        tokio::spawn(async move {
            world.kill_host(&id).await;
            if world.fleet().change(&id, &[through], to, None) == Moved::Yes {
                world.report_state(&id);
            }
        });
    }

    /// Ends the processes of a host, if there are any; its state stays.
    pub(crate) async fn kill_host(&self, id: &InstanceId) {
        let slot = self.slots().get(id).cloned();
        if let Some(slot) = slot {
            let mut held = slot.lock().await;
            if let Some(host) = held.take() {
                host.kill().await;
            }
        }
    }

    async fn boot(
        self: Arc<Self>,
        id: &InstanceId,
        mut slot: tokio::sync::OwnedMutexGuard<Option<Host>>,
    ) {
        let Some(instance) = self.fleet().get(id).cloned() else {
            return;
        };
        if !instance.state.has_host() {
            return;
        }
        match Host::start(&self, &instance).await {
            Ok(host) => {
                *slot = Some(host);
                drop(slot);
                let moved = self.fleet().change(
                    id,
                    &[InstanceState::Pending],
                    InstanceState::Running,
                    None,
                );
                if moved == Moved::Yes {
                    self.report_state(id);
                }
            }
            Err(error) => {
                drop(slot);
                self.report_problem(id, describe_chain(&error));
                self.end(id, Goal::Terminate, Transition::Failed);
            }
        }
    }

    fn report_state(&self, id: &InstanceId) {
        let event = self.fleet().get(id).map(|instance| Event::StateChanged {
            instance: id.clone(),
            name: instance.tags.get("Name").cloned(),
            state: instance.state,
            reason: instance
                .transition
                .filter(|_| !instance.state.has_host())
                .map(|transition| transition.state_reason().0.to_owned()),
        });
        if let Some(event) = event {
            self.report(event);
        }
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<InstanceId, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An error and its causes in one line.
fn describe_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
