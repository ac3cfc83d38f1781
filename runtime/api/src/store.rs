//! Where runs and outcomes are read from.

use lightsout_protocol::{
    coding::{Outcome, OutcomeKey},
    run::{RunId, UnixSeconds},
};
use serde::Serialize;

/// A stored run, with what is known about it so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunRecord {
    /// The run's id.
    pub run: RunId,
    /// The state's name.
    pub state: String,
    /// When the run took the lease.
    pub started_at: UnixSeconds,
    /// When the run ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<UnixSeconds>,
    /// Messages that waited when the run started.
    pub backlog: u64,
    /// Workers that the run asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<u64>,
    /// Why the run failed, as a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What is known about an outcome without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// What was coded, and by which engine.
    pub key: OutcomeKey,
    /// The run that stored the outcome.
    pub run: RunId,
    /// `coded` or `rejected`.
    pub status: String,
}

/// An outcome with its key.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredOutcome {
    /// What was coded, by which engine, in which run.
    pub summary: Summary,
    /// The outcome itself.
    pub outcome: Outcome,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, K> {
    /// The entries, in the list's order.
    pub entries: Vec<T>,
    /// Where the list goes on, absent at its end.
    pub next: Option<K>,
}

impl<T, K> Page<T, K> {
    /// Reads every entry as something else.
    pub(crate) fn map<U>(self, read: impl Fn(T) -> Result<U, Fault>) -> Result<Page<U, K>, Fault> {
        Ok(Page {
            entries: self
                .entries
                .into_iter()
                .map(read)
                .collect::<Result<_, _>>()?,
            next: self.next,
        })
    }
}

/// A part of the list of a run's outcomes.
pub type Outcomes = Page<Summary, OutcomeKey>;

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("reading {what} failed: `{code}`")]
pub struct Fault {
    /// What was being read.
    pub what: &'static str,
    /// The code that the service, or the connection to it, gave.
    pub code: String,
}

/// What the API reads from: the control table, the results table and bucket.
#[expect(
    async_fn_in_trait,
    reason = "one invocation is one task, so that no bound on its futures is needed"
)]
pub trait Store {
    /// Lists runs, newest first, at most `limit`, from behind `after` on.
    async fn runs(
        &self,
        limit: u32,
        after: Option<&RunId>,
    ) -> Result<Page<RunRecord, RunId>, Fault>;
    /// Reads one run.
    async fn run(&self, run: &RunId) -> Result<Option<RunRecord>, Fault>;
    /// Lists the outcomes of a run by chart, from behind `after` on.
    async fn outcomes_of_run(
        &self,
        run: &RunId,
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Outcomes, Fault>;
    /// Lists what was rejected in a run by chart, from behind `after` on.
    async fn rejected_in_run(
        &self,
        run: &RunId,
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Page<StoredOutcome, OutcomeKey>, Fault>;
    /// Lists every outcome of a chart.
    async fn outcomes_of_chart(&self, chart: &str) -> Result<Vec<Summary>, Fault>;
    /// Reads one outcome.
    async fn outcome(&self, summary: &Summary) -> Result<Option<Outcome>, Fault>;
}
