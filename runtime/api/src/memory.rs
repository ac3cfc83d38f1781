//! A store in memory, to try out what asks the API.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use lightsout_audit::BreakGlass;
use lightsout_phi::Phi;
use lightsout_protocol::{
    caller::Caller,
    chart::ChartReference,
    coding::{Outcome, OutcomeKey, Status},
    run::{RunId, UnixSeconds},
};

use crate::{
    pace::Pace,
    store::{
        Closed, Direction, Done, Fault, HandedOut, Listed, Order, Outcomes, Page, RunRecord, Store,
        StoredOutcome, Summary, Wanted,
    },
};

/// Runs and outcomes, as they are given.
#[derive(Default)]
pub struct Memory {
    runs: BTreeMap<RunId, RunRecord>,
    outcomes: BTreeMap<OutcomeKey, (StoredOutcome, Vec<String>)>,
    glass: Mutex<BTreeMap<(String, String), BreakGlass>>,
    pace: Option<Pace>,
    callers: Mutex<BTreeMap<(String, String), u64>>,
    used_up: Mutex<BTreeSet<(String, String)>>,
    revoked: Mutex<BTreeMap<(String, String), u64>>,
    redriven: Mutex<Vec<String>>,
    objects: Mutex<Vec<String>>,
    calls: AtomicUsize,
    is_down: AtomicBool,
    takes_nothing: AtomicBool,
}

impl Memory {
    /// Adds a run that is done.
    pub fn with_run(self, epoch: u64) -> Self {
        self.with_finished_run(RunId::new(epoch, 1000 + epoch).as_str())
    }

    /// Adds a run of this id that is done.
    pub fn with_finished_run(mut self, run: &str) -> Self {
        let run = RunId::from_stored(run);
        let record = RunRecord {
            run: run.clone(),
            state: "done".to_owned(),
            started_at: run.taken_at().unwrap_or_default(),
            ended_at: None,
            backlog: 2,
            workers: None,
            reason: None,
        };
        self.runs.insert(run, record);
        self
    }

    /// Adds an outcome under a chart's whole key, which begins with its tenant.
    pub fn with_outcome(self, epoch: u64, key: &str, version: &str, outcome: Outcome) -> Self {
        let run = RunId::new(epoch, 1000 + epoch);
        self.with_outcome_of(run.as_str(), key, version, outcome)
    }

    /// Adds an outcome that this run stored.
    pub fn with_outcome_of(
        mut self,
        run: &str,
        key: &str,
        version: &str,
        outcome: Outcome,
    ) -> Self {
        let key = OutcomeKey {
            chart: key.to_owned(),
            version: version.to_owned(),
            engine: "engine 1".to_owned(),
        };
        let codes = match &outcome {
            Outcome::Coded { coding, .. } => {
                let codes = coding["codes"].as_array().into_iter().flatten();
                let codes = codes.filter_map(|code| code["code"].as_str());
                codes.map(str::to_owned).collect()
            }
            Outcome::Rejected { .. } => Vec::new(),
        };
        let stored = StoredOutcome {
            summary: Summary {
                key: key.clone(),
                run: RunId::from_stored(run),
                status: outcome.status().name().to_owned(),
            },
            outcome: Phi::new(outcome),
        };
        self.outcomes.insert(key, (stored, codes));
        self
    }

    /// Lets every call fail from now on, or none.
    pub fn fail(&self, fails: bool) {
        self.is_down.store(fails, Ordering::Relaxed);
    }

    /// Gives each caller this allowance; they have any, unless said.
    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = Some(pace);
        self
    }

    /// Uses up a person's allowance for good, or gives it back.
    pub fn use_up(&self, tenant: &str, who: &str, is_used_up: bool) {
        let mut used_up = kept(&self.used_up);
        let person = (tenant.to_owned(), who.to_owned());
        if is_used_up {
            used_up.insert(person);
        } else {
            used_up.remove(&person);
        }
    }

    /// Lets every call that would change something fail from now on, or none.
    pub fn take_nothing(&self, fails: bool) {
        self.takes_nothing.store(fails, Ordering::Relaxed);
    }

    /// Returns the messages that were sent to the workers.
    pub fn redriven(&self) -> Vec<String> {
        kept(&self.redriven).clone()
    }

    /// Returns the objects that were handed out, each at an address that ends with its place.
    pub fn objects(&self) -> Vec<String> {
        kept(&self.objects).clone()
    }

    /// Returns how many calls there were: what a question takes, whatever the clock says.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    fn check_changes(&self) -> Result<(), Fault> {
        self.check()?;
        if self.takes_nothing.load(Ordering::Relaxed) {
            return Err(Fault {
                what: "any change",
                code: "timeout".to_owned(),
            });
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Fault> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.is_down.load(Ordering::Relaxed) {
            return Err(Fault {
                what: "anything",
                code: "timeout".to_owned(),
            });
        }
        Ok(())
    }
}

impl Store for Memory {
    type Upload = String;

    async fn runs(
        &self,
        order: Order,
        state: Option<&str>,
        limit: u32,
        after: Option<&RunId>,
    ) -> Result<Page<RunRecord, RunId>, Fault> {
        self.check()?;
        let is_wanted = |record: &RunRecord| state.is_none_or(|state| record.state == state);
        let mut runs: Vec<_> = self
            .runs
            .values()
            .filter(|run| is_wanted(run))
            .cloned()
            .collect();
        if order == Order::Newest {
            runs.reverse();
        }
        let rest = runs.into_iter().filter(|record| {
            after.is_none_or(|after| match order {
                Order::Newest => record.run < *after,
                Order::Oldest => record.run > *after,
            })
        });
        Ok(paged(rest, limit, |record| record.run.clone()))
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunRecord>, Fault> {
        self.check()?;
        Ok(self.runs.get(run).cloned())
    }

    async fn done_in_run(&self, run: &RunId, prefix: &str) -> Result<Done, Fault> {
        self.check()?;
        let summaries = self.outcomes.values().map(|(stored, _)| &stored.summary);
        let mut done = Done::default();
        for summary in summaries {
            if summary.run == *run && summary.key.chart.starts_with(prefix) {
                if summary.status == Status::Rejected.name() {
                    done.rejected += 1;
                } else {
                    done.coded += 1;
                }
            }
        }
        Ok(done)
    }

    async fn outcomes_of_run(
        &self,
        run: &RunId,
        wanted: Wanted<'_>,
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Outcomes, Fault> {
        self.check()?;
        let rest = self.outcomes.values().filter(|(stored, codes)| {
            let summary = &stored.summary;
            summary.run == *run
                && summary.key.chart.starts_with(wanted.prefix)
                && wanted.status.is_none_or(|status| status == summary.status)
                && wanted
                    .code
                    .is_none_or(|code| codes.iter().any(|one| one == code))
                && is_behind(&summary.key, after, wanted.direction)
        });
        let listed = directed(rest, wanted.direction).map(|(stored, codes)| Listed {
            summary: stored.summary.clone(),
            codes: Phi::new(codes.clone()),
        });
        Ok(paged(listed, limit, |listed| listed.summary.key.clone()))
    }

    async fn rejected_in_run(
        &self,
        run: &RunId,
        wanted: Wanted<'_>,
        messages: bool,
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Page<StoredOutcome, OutcomeKey>, Fault> {
        self.check()?;
        let rest = self
            .outcomes
            .values()
            .map(|(stored, _)| stored)
            .filter(|stored| {
                let summary = &stored.summary;
                let is_ours = summary.key.chart.starts_with(wanted.prefix)
                    || messages && summary.key.is_of_message();
                is_ours
                    && summary.run == *run
                    && summary.status == Status::Rejected.name()
                    && is_behind(&summary.key, after, wanted.direction)
            });
        let rest = directed(rest, wanted.direction);
        Ok(paged(rest.cloned(), limit, |stored| {
            stored.summary.key.clone()
        }))
    }

    async fn outcomes_of_chart(&self, chart: &str) -> Result<Vec<Summary>, Fault> {
        self.check()?;
        let summaries = self.outcomes.values().map(|(stored, _)| &stored.summary);
        Ok(summaries
            .filter(|summary| summary.key.chart == chart)
            .cloned()
            .collect())
    }

    async fn outcome(&self, summary: &Summary) -> Result<Option<Phi<Outcome>>, Fault> {
        self.check()?;
        let stored = self.outcomes.get(&summary.key);
        Ok(stored.map(|(stored, _)| stored.outcome.clone()))
    }

    async fn take(&self, caller: &Caller, at: u64) -> Result<Result<(), Closed>, Fault> {
        self.check()?;
        let revoked = kept(&self.revoked).get(&named(caller)).copied();
        if revoked.is_some_and(|revoked| caller.issued_at <= revoked) {
            return Ok(Err(Closed::Revoked));
        }
        if kept(&self.used_up).contains(&named(caller)) {
            return Ok(Err(Closed::Wait(60_000)));
        }
        let Some(pace) = self.pace else {
            return Ok(Ok(()));
        };
        let mut callers = kept(&self.callers);
        let whole_at = callers.entry(named(caller)).or_default();
        Ok(match pace.take(*whole_at, at) {
            Ok(next) => {
                *whole_at = next;
                Ok(())
            }
            Err(wait) => Err(Closed::Wait(wait)),
        })
    }

    async fn revoke(&self, tenant: &str, who: &str, at: UnixSeconds) -> Result<(), Fault> {
        self.check_changes()?;
        kept(&self.revoked).insert((tenant.to_owned(), who.to_owned()), at);
        Ok(())
    }

    async fn redrive(&self, key: &OutcomeKey) -> Result<(), Fault> {
        self.check_changes()?;
        let chart = ChartReference::again("inbox", &key.chart, &key.version);
        kept(&self.redriven).push(chart.announcement());
        Ok(())
    }

    fn begin(&self, _: &str) -> Result<String, Fault> {
        self.check_changes()?;
        Ok(String::new())
    }

    async fn add(&self, upload: &mut String, text: String) -> Result<(), Fault> {
        self.check_changes()?;
        upload.push_str(&text);
        Ok(())
    }

    async fn hand_out(&self, upload: String, at: u64) -> Result<HandedOut, Fault> {
        self.check_changes()?;
        let mut objects = kept(&self.objects);
        objects.push(upload);
        Ok(HandedOut {
            url: format!("memory:objects/{}", objects.len() - 1),
            until: at / 1_000 + 300,
        })
    }

    async fn break_glass(&self, caller: &Caller, glass: &BreakGlass) -> Result<(), Fault> {
        self.check_changes()?;
        kept(&self.glass).insert(named(caller), glass.clone());
        Ok(())
    }

    async fn broken_glass(&self, caller: &Caller) -> Result<Option<BreakGlass>, Fault> {
        self.check()?;
        Ok(kept(&self.glass).get(&named(caller)).cloned())
    }
}

fn kept<T>(data: &Mutex<T>) -> MutexGuard<'_, T> {
    data.lock().unwrap_or_else(PoisonError::into_inner)
}

fn named(caller: &Caller) -> (String, String) {
    (caller.tenant.clone(), caller.who.clone())
}

fn is_behind(key: &OutcomeKey, after: Option<&OutcomeKey>, direction: Direction) -> bool {
    after.is_none_or(|after| match direction {
        Direction::Ascending => key > after,
        Direction::Descending => key < after,
    })
}

fn directed<T>(
    rest: impl DoubleEndedIterator<Item = T>,
    direction: Direction,
) -> impl Iterator<Item = T> {
    let mut rest = rest;
    std::iter::from_fn(move || match direction {
        Direction::Ascending => rest.next(),
        Direction::Descending => rest.next_back(),
    })
}

fn paged<T, K>(rest: impl Iterator<Item = T>, limit: u32, key: impl Fn(&T) -> K) -> Page<T, K> {
    let mut entries: Vec<T> = rest.take(limit as usize + 1).collect();
    let goes_on = entries.len() > limit as usize;
    entries.truncate(limit as usize);
    let next = if goes_on {
        entries.last().map(key)
    } else {
        None
    };
    Page { entries, next }
}
