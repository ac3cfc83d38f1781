//! A world in memory, whose every call can be interrupted and interleaved.

use std::cell::{Cell, RefCell};

use super::{Fault, Step, World};
use crate::{
    interleave::interruption,
    launch::{Standing, Written},
    reap::{InstanceSeen, Sweep},
    run::{Depth, Hold, Lease, RunId, RunState, UnixSeconds},
};

/// One run whose lease expired at second 900, and charts that wait; it is second 1000.
pub(crate) struct Memory {
    pub(crate) table_is_down: Cell<bool>,
    pub(crate) queue_is_down: Cell<bool>,
    now: Cell<UnixSeconds>,
    calls: Cell<usize>,
    heartbeat_at: Cell<Option<usize>>,
    heard: Cell<Option<bool>>,
    instances: Vec<InstanceSeen>,
    lease: RefCell<Lease>,
    state: Cell<RunState>,
    sweep: RefCell<Sweep>,
    ended: RefCell<Vec<String>>,
    wake_ups: Cell<u32>,
}

impl Memory {
    pub(crate) fn with_silent_run<const N: usize>(instances: [&str; N]) -> Self {
        let run = RunId::new(4, 100);
        let instance = |id: &str| InstanceSeen {
            id: id.to_owned(),
            pipeline: Some("p".to_owned()),
            run: Some(run.clone()),
            launched_at: 110,
        };
        Self {
            table_is_down: Cell::default(),
            queue_is_down: Cell::default(),
            now: Cell::new(1_000),
            calls: Cell::default(),
            heartbeat_at: Cell::default(),
            heard: Cell::default(),
            instances: instances.map(instance).to_vec(),
            lease: RefCell::new(Lease {
                epoch: 4,
                run: run.clone(),
                hold: Hold::Until(900),
            }),
            state: Cell::new(RunState::Coding),
            sweep: RefCell::default(),
            ended: RefCell::default(),
            wake_ups: Cell::default(),
        }
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.now.set(self.now.get() + seconds);
    }

    pub(crate) fn ended(&self) -> Vec<String> {
        self.ended.borrow().clone()
    }

    pub(crate) fn state(&self) -> RunState {
        self.state.get()
    }

    pub(crate) fn wake_ups(&self) -> u32 {
        self.wake_ups.get()
    }

    /// Lets the master extend its lease, if it may.
    pub(crate) fn heartbeat(&self) -> bool {
        let mut lease = self.lease.borrow_mut();
        let is_held = lease.hold != Hold::Released;
        if is_held {
            lease.hold = Hold::Until(self.now.get() + 60);
        }
        is_held
    }

    /// Lets the master come back before the call of that number.
    pub(crate) fn heartbeat_at_call(&self, call: usize) {
        self.heartbeat_at.set(Some(self.calls.get() + call));
    }

    /// Returns whether the master was heard, if it came back.
    pub(crate) fn heard(&self) -> Option<bool> {
        self.heard.get()
    }

    async fn call(&self) {
        interruption().await;
        if self.heartbeat_at.get() == Some(self.calls.get()) {
            self.heard.set(Some(self.heartbeat()));
        }
        self.calls.set(self.calls.get() + 1);
    }

    async fn table(&self) -> Result<(), Fault> {
        self.call().await;
        if self.table_is_down.get() {
            return fault(Step::Read);
        }
        Ok(())
    }
}

fn fault<T>(step: Step) -> Result<T, Fault> {
    Err(Fault {
        step,
        code: "timeout".to_owned(),
    })
}

impl World for Memory {
    fn now(&self) -> UnixSeconds {
        self.now.get()
    }

    async fn instances(&self) -> Result<Vec<InstanceSeen>, Fault> {
        self.call().await;
        let ended = self.ended.borrow();
        let lives = |instance: &&InstanceSeen| !ended.contains(&instance.id);
        Ok(self.instances.iter().filter(lives).cloned().collect())
    }

    async fn standing(&self) -> Result<Standing, Fault> {
        self.table().await?;
        Ok(Standing {
            lease: Some(self.lease.borrow().clone()),
            state: Some(self.state.get()),
            asking: None,
        })
    }

    async fn last_sweep(&self) -> Result<Sweep, Fault> {
        self.table().await?;
        Ok(self.sweep.borrow().clone())
    }

    async fn depth(&self) -> Result<Depth, Fault> {
        self.call().await;
        if self.queue_is_down.get() {
            return fault(Step::Measure);
        }
        Ok(Depth {
            visible: 3,
            ..Depth::default()
        })
    }

    async fn remember(&self, last: &Sweep, next: &Sweep) -> Result<Written, Fault> {
        self.table().await?;
        if *self.sweep.borrow() != *last {
            return Ok(Written::TooLate);
        }
        *self.sweep.borrow_mut() = next.clone();
        Ok(Written::Done)
    }

    async fn close(
        &self,
        lease: &Lease,
        state: Option<RunState>,
        _: &str,
        _: UnixSeconds,
    ) -> Result<Written, Fault> {
        self.table().await?;
        if *self.lease.borrow() != *lease || state != Some(self.state.get()) {
            return Ok(Written::TooLate);
        }
        self.lease.borrow_mut().hold = Hold::Released;
        self.state.set(RunState::Failed);
        Ok(Written::Done)
    }

    async fn end(&self, instances: &[String]) -> Result<(), Fault> {
        self.call().await;
        self.ended.borrow_mut().extend_from_slice(instances);
        Ok(())
    }

    async fn wake_launcher(&self) -> Result<(), Fault> {
        self.call().await;
        self.wake_ups.set(self.wake_ups.get() + 1);
        Ok(())
    }
}
