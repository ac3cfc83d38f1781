//! A world in memory, whose every call can be interrupted and interleaved.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use crate::{
    interleave::interruption,
    launch::{Abandoned, Fault, Standing, Start, Taking, World, Written},
    run::{Asking, Depth, Hold, Lease, RunId, RunState, UnixSeconds},
};

/// What becomes of one request for a master.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    Started,
    StartedButUnanswered,
    Short,
    Refused,
}

pub(crate) struct Memory {
    now: Cell<UnixSeconds>,
    backlog: u64,
    ways: u32,
    lease: RefCell<Option<Lease>>,
    runs: RefCell<BTreeMap<String, Run>>,
    masters: RefCell<BTreeSet<String>>,
    requests: Cell<u32>,
    fates: RefCell<VecDeque<Fate>>,
}

#[derive(Clone)]
struct Run {
    state: RunState,
    backlog: u64,
    reason: Option<String>,
    asking: Asking,
}

impl Memory {
    pub(crate) fn with_backlog(backlog: u64) -> Self {
        Self {
            now: Cell::new(1000),
            backlog,
            ways: 1,
            lease: RefCell::default(),
            runs: RefCell::default(),
            masters: RefCell::default(),
            requests: Cell::default(),
            fates: RefCell::default(),
        }
    }

    pub(crate) fn with_fates(self, fates: impl IntoIterator<Item = Fate>) -> Self {
        self.fates.borrow_mut().extend(fates);
        self
    }

    pub(crate) fn with_ways(mut self, ways: u32) -> Self {
        self.ways = ways;
        self
    }

    /// Counts the runs that are called failed though a master was started for them.
    pub(crate) fn refused_with_master(&self) -> usize {
        let masters = self.masters();
        let runs = self.runs.borrow();
        let failed = runs.iter().filter(|(_, run)| run.state == RunState::Failed);
        failed
            .filter(|(id, _)| masters.iter().any(|token| token.starts_with(id.as_str())))
            .count()
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.now.set(self.now.get() + seconds);
    }

    pub(crate) fn masters(&self) -> Vec<String> {
        self.masters.borrow().iter().cloned().collect()
    }

    pub(crate) fn requests(&self) -> u32 {
        self.requests.get()
    }

    pub(crate) fn lease(&self) -> Lease {
        self.lease.borrow().clone().unwrap()
    }

    pub(crate) fn state_of(&self, run: &str) -> RunState {
        self.runs.borrow()[run].state
    }

    pub(crate) fn backlog_of(&self, run: &str) -> u64 {
        self.runs.borrow()[run].backlog
    }

    pub(crate) fn reason_of(&self, run: &str) -> Option<String> {
        self.runs.borrow()[run].reason.clone()
    }
}

impl World for Memory {
    fn now(&self) -> UnixSeconds {
        self.now.get()
    }

    async fn depth(&self) -> Result<Depth, Fault> {
        interruption().await;
        Ok(Depth {
            visible: self.backlog,
            ..Depth::default()
        })
    }

    async fn standing(&self) -> Result<Standing, Fault> {
        interruption().await;
        let lease = self.lease.borrow().clone();
        let runs = self.runs.borrow();
        let run = lease
            .as_ref()
            .and_then(|lease| runs.get(lease.run.as_str()));
        Ok(Standing {
            state: run.map(|run| run.state),
            asking: run.map(|run| run.asking),
            lease,
        })
    }

    async fn take(&self, taking: &Taking<'_>) -> Result<Written, Fault> {
        interruption().await;
        if self.lease.borrow().as_ref() != taking.last {
            return Ok(Written::TooLate);
        }
        if let Some(abandoned) = &taking.abandoned {
            if self.state_of(abandoned.run.as_str()) != abandoned.state {
                return Ok(Written::TooLate);
            }
            let mut runs = self.runs.borrow_mut();
            let run = runs.get_mut(abandoned.run.as_str()).unwrap();
            run.state = RunState::Failed;
            run.reason = Some(Abandoned::REASON.to_owned());
        }
        *self.lease.borrow_mut() = Some(taking.next.clone());
        self.runs.borrow_mut().insert(
            taking.next.run.as_str().to_owned(),
            Run {
                state: RunState::Requested,
                backlog: taking.backlog,
                reason: None,
                asking: taking.asking,
            },
        );
        Ok(Written::Done)
    }

    fn ways(&self) -> u32 {
        self.ways
    }

    async fn ask(
        &self,
        lease: &Lease,
        last: Option<Asking>,
        next: Asking,
    ) -> Result<Written, Fault> {
        interruption().await;
        let mut runs = self.runs.borrow_mut();
        let run = runs.get_mut(lease.run.as_str()).unwrap();
        if Some(run.asking) != last || run.state != RunState::Requested {
            return Ok(Written::TooLate);
        }
        run.asking = next;
        Ok(Written::Done)
    }

    async fn start_master(&self, _: &RunId, token: &str, _: u32) -> Start {
        interruption().await;
        self.requests.set(self.requests.get() + 1);
        let fate = self.fates.borrow_mut().pop_front();
        let end = match fate.unwrap_or(Fate::Started) {
            Fate::Short => return Start::Short("InsufficientInstanceCapacity".to_owned()),
            Fate::Refused => return Start::Refused("UnauthorizedOperation".to_owned()),
            Fate::Started => Start::Started,
            Fate::StartedButUnanswered => Start::Unanswered("timeout".to_owned()),
        };
        self.masters.borrow_mut().insert(token.to_owned());
        interruption().await;
        end
    }

    async fn record_launch(&self, lease: &Lease) -> Result<Written, Fault> {
        interruption().await;
        let mut stored = self.lease.borrow_mut();
        let mut runs = self.runs.borrow_mut();
        let run = runs.get_mut(lease.run.as_str()).unwrap();
        if stored.as_ref().is_none_or(|held| held.run != lease.run)
            || run.state != RunState::Requested
        {
            return Ok(Written::TooLate);
        }
        run.state = RunState::Launching;
        *stored = Some(lease.clone());
        Ok(Written::Done)
    }

    async fn give_back(
        &self,
        lease: &Lease,
        asking: Asking,
        reason: &str,
        _: UnixSeconds,
    ) -> Result<Written, Fault> {
        interruption().await;
        let mut runs = self.runs.borrow_mut();
        let run = runs.get_mut(lease.run.as_str()).unwrap();
        if run.state != RunState::Requested || run.asking != asking {
            return Ok(Written::TooLate);
        }
        run.state = RunState::Failed;
        run.reason = Some(reason.to_owned());
        *self.lease.borrow_mut() = Some(Lease {
            hold: Hold::Released,
            ..lease.clone()
        });
        Ok(Written::Done)
    }
}
