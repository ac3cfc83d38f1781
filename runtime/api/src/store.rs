//! Where runs and outcomes are read from.

use lightsout_audit::BreakGlass;
use lightsout_phi::Phi;
use lightsout_protocol::{
    caller::Caller,
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
    /// What was coded, and by which engine; the chart's key begins with its tenant.
    pub key: OutcomeKey,
    /// The run that stored the outcome.
    pub run: RunId,
    /// `coded` or `rejected`.
    pub status: String,
}

/// A summary with the codes that were found.
#[derive(Clone)]
pub struct Listed {
    /// What was coded, by which engine, in which run.
    pub summary: Summary,
    /// The codes; none where outcomes of before did not list them.
    pub codes: Phi<Vec<String>>,
}

/// An outcome with its key.
#[derive(Clone)]
pub struct StoredOutcome {
    /// What was coded, by which engine, in which run.
    pub summary: Summary,
    /// The outcome itself.
    pub outcome: Phi<Outcome>,
}

/// Which outcomes of a run are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// What the chart's key begins with.
    pub prefix: &'a str,
    /// `coded` or `rejected`.
    pub status: Option<&'a str>,
    /// A code among those that were found.
    pub code: Option<&'a str>,
}

/// The order of a list of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
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
pub type Outcomes = Page<Listed, OutcomeKey>;

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("reading {what} failed: `{code}`")]
pub struct Fault {
    /// What was being read.
    pub what: &'static str,
    /// The code that the service, or the connection to it, gave.
    pub code: String,
}

/// What the API reads from: the control table, the results table and bucket, and the
/// emergencies.
#[expect(
    async_fn_in_trait,
    reason = "one invocation is one task, so that no bound on its futures is needed"
)]
pub trait Store {
    /// Lists runs, at most `limit`, from behind `after` on; those of one state where asked.
    async fn runs(
        &self,
        order: Order,
        state: Option<&str>,
        limit: u32,
        after: Option<&RunId>,
    ) -> Result<Page<RunRecord, RunId>, Fault>;
    /// Reads one run.
    async fn run(&self, run: &RunId) -> Result<Option<RunRecord>, Fault>;
    /// Lists the outcomes of a run by chart, from behind `after` on.
    async fn outcomes_of_run(
        &self,
        run: &RunId,
        wanted: Wanted<'_>,
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Outcomes, Fault>;
    /// Lists what was rejected in a run by chart, from behind `after` on: charts whose key
    /// begins with `prefix`, and refused messages too if asked.
    async fn rejected_in_run(
        &self,
        run: &RunId,
        prefix: &str,
        messages: bool,
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Page<StoredOutcome, OutcomeKey>, Fault>;
    /// Lists every outcome of a chart.
    async fn outcomes_of_chart(&self, chart: &str) -> Result<Vec<Summary>, Fault>;
    /// Reads one outcome.
    async fn outcome(&self, summary: &Summary) -> Result<Option<Phi<Outcome>>, Fault>;
    /// Keeps a caller's emergency.
    async fn break_glass(&self, caller: &Caller, glass: &BreakGlass) -> Result<(), Fault>;
    /// Reads a caller's last emergency, be it over or not.
    async fn broken_glass(&self, caller: &Caller) -> Result<Option<BreakGlass>, Fault>;
}
