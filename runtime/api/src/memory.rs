//! A store in memory, to try out what asks the API.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use lightsout_audit::BreakGlass;
use lightsout_phi::Phi;
use lightsout_protocol::{
    caller::Caller,
    coding::{Outcome, OutcomeKey, Status},
    run::RunId,
};

use crate::store::{
    Fault, Listed, Order, Outcomes, Page, RunRecord, Store, StoredOutcome, Summary, Wanted,
};

/// Runs and outcomes, as they are given.
#[derive(Default)]
pub struct Memory {
    runs: BTreeMap<RunId, RunRecord>,
    outcomes: BTreeMap<OutcomeKey, (StoredOutcome, Vec<String>)>,
    glass: Mutex<BTreeMap<(String, String), BreakGlass>>,
    is_down: AtomicBool,
}

impl Memory {
    /// Adds a run that is done.
    pub fn with_run(mut self, epoch: u64) -> Self {
        let run = RunId::new(epoch, 1000 + epoch);
        let record = RunRecord {
            run: run.clone(),
            state: "done".to_owned(),
            started_at: 1000 + epoch,
            ended_at: None,
            backlog: 2,
            workers: None,
            reason: None,
        };
        self.runs.insert(run, record);
        self
    }

    /// Adds an outcome under a chart's whole key, which begins with its tenant.
    pub fn with_outcome(mut self, epoch: u64, key: &str, version: &str, outcome: Outcome) -> Self {
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
                run: RunId::new(epoch, 1000 + epoch),
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

    fn check(&self) -> Result<(), Fault> {
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
                && after.is_none_or(|after| summary.key > *after)
        });
        let listed = rest.map(|(stored, codes)| Listed {
            summary: stored.summary.clone(),
            codes: Phi::new(codes.clone()),
        });
        Ok(paged(listed, limit, |listed| listed.summary.key.clone()))
    }

    async fn rejected_in_run(
        &self,
        run: &RunId,
        prefix: &str,
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
                let is_ours = summary.key.chart.starts_with(prefix)
                    || messages && summary.key.is_of_message();
                is_ours
                    && summary.run == *run
                    && summary.status == Status::Rejected.name()
                    && after.is_none_or(|after| summary.key > *after)
            });
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

    async fn break_glass(&self, caller: &Caller, glass: &BreakGlass) -> Result<(), Fault> {
        self.check()?;
        let mut kept = self.glass.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert((caller.tenant.clone(), caller.who.clone()), glass.clone());
        Ok(())
    }

    async fn broken_glass(&self, caller: &Caller) -> Result<Option<BreakGlass>, Fault> {
        self.check()?;
        let kept = self.glass.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept
            .get(&(caller.tenant.clone(), caller.who.clone()))
            .cloned())
    }
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
