//! A store in memory.

use std::{cell::Cell, collections::BTreeMap};

use lightsout_protocol::{
    coding::{Outcome, OutcomeKey, Status},
    run::RunId,
};

use crate::store::{Fault, Outcomes, Page, RunRecord, Store, StoredOutcome, Summary};

#[derive(Default)]
pub(crate) struct Memory {
    runs: BTreeMap<RunId, RunRecord>,
    outcomes: BTreeMap<OutcomeKey, StoredOutcome>,
    pub(crate) is_down: Cell<bool>,
}

impl Memory {
    pub(crate) fn with_run(mut self, epoch: u64) -> Self {
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

    pub(crate) fn with_outcome(
        mut self,
        epoch: u64,
        chart: &str,
        version: &str,
        outcome: Outcome,
    ) -> Self {
        let key = OutcomeKey {
            chart: chart.to_owned(),
            version: version.to_owned(),
            engine: "engine 1".to_owned(),
        };
        let summary = Summary {
            key: key.clone(),
            run: RunId::new(epoch, 1000 + epoch),
            status: outcome.status().name().to_owned(),
        };
        self.outcomes
            .insert(key, StoredOutcome { summary, outcome });
        self
    }

    fn check(&self) -> Result<(), Fault> {
        if self.is_down.get() {
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
        limit: u32,
        after: Option<&RunId>,
    ) -> Result<Page<RunRecord, RunId>, Fault> {
        self.check()?;
        let newest_first = self.runs.values().rev();
        let rest = newest_first.filter(|record| after.is_none_or(|after| record.run < *after));
        Ok(paged(rest.cloned(), limit, |record| record.run.clone()))
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunRecord>, Fault> {
        self.check()?;
        Ok(self.runs.get(run).cloned())
    }

    async fn outcomes_of_run(
        &self,
        run: &RunId,
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Outcomes, Fault> {
        self.check()?;
        let summaries = self.outcomes.values().map(|stored| &stored.summary);
        let rest = summaries.filter(|summary| {
            summary.run == *run && after.is_none_or(|after| summary.key > *after)
        });
        Ok(paged(rest.cloned(), limit, |summary| summary.key.clone()))
    }

    async fn rejected_in_run(
        &self,
        run: &RunId,
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Page<StoredOutcome, OutcomeKey>, Fault> {
        self.check()?;
        let rest = self.outcomes.values().filter(|stored| {
            let summary = &stored.summary;
            summary.run == *run
                && stored.outcome.status() == Status::Rejected
                && after.is_none_or(|after| summary.key > *after)
        });
        Ok(paged(rest.cloned(), limit, |stored| {
            stored.summary.key.clone()
        }))
    }

    async fn outcomes_of_chart(&self, chart: &str) -> Result<Vec<Summary>, Fault> {
        self.check()?;
        let summaries = self.outcomes.values().map(|stored| &stored.summary);
        Ok(summaries
            .filter(|summary| summary.key.chart == chart)
            .cloned()
            .collect())
    }

    async fn outcome(&self, summary: &Summary) -> Result<Option<Outcome>, Fault> {
        self.check()?;
        let stored = self.outcomes.get(&summary.key);
        Ok(stored.map(|stored| stored.outcome.clone()))
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
