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
    /// Messages that wait; as many as did at last, where the run is over.
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

/// How many charts of a run are done with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Charts that were coded.
    pub coded: u64,
    /// Charts that were rejected.
    pub rejected: u64,
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
    /// In which order of their ids.
    pub direction: Direction,
}

/// The order of a list of charts, by their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// The first first.
    #[default]
    Ascending,
    /// The last first.
    Descending,
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

/// Why a caller is not let in, though the token is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The token was revoked.
    Revoked,
    /// The allowance is used up for so many milliseconds.
    Wait(u64),
}

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} failed with `{code}`")]
pub struct Fault {
    /// What was read or written.
    pub what: &'static str,
    /// The code that the service, or the connection to it, gave.
    pub code: String,
}

/// An answer that lies in an object, and how it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOut {
    /// An address that opens it for whoever has the address.
    pub url: String,
    /// Until when, in seconds since 1970.
    pub until: UnixSeconds,
}

/// What the API reads from and writes to: the control table, the results table and bucket, and the
/// emergencies.
#[expect(
    async_fn_in_trait,
    reason = "one invocation is one task, so that no bound on its futures is needed"
)]
pub trait Store {
    /// An object that is being written.
    type Upload;
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
    /// Counts what a run has coded and rejected so far among charts whose keys begin with `prefix`.
    async fn done_in_run(&self, run: &RunId, prefix: &str) -> Result<Done, Fault>;
    /// Lists the outcomes of a run by chart, from behind `after` on.
    async fn outcomes_of_run(
        &self,
        run: &RunId,
        wanted: Wanted<'_>,
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Outcomes, Fault>;
    /// Lists what was rejected in a run by chart, from behind `after` on, and refused messages
    /// too if asked.
    async fn rejected_in_run(
        &self,
        run: &RunId,
        wanted: Wanted<'_>,
        messages: bool,
        limit: u32,
        after: Option<&OutcomeKey>,
    ) -> Result<Page<StoredOutcome, OutcomeKey>, Fault>;
    /// Lists every outcome of a chart.
    async fn outcomes_of_chart(&self, chart: &str) -> Result<Vec<Summary>, Fault>;
    /// Reads one outcome.
    async fn outcome(&self, summary: &Summary) -> Result<Option<Phi<Outcome>>, Fault>;
    /// Takes a request off a caller's allowance at `at`, in milliseconds since 1970, or says why
    /// the caller gets none.
    async fn take(&self, caller: &Caller, at: u64) -> Result<Result<(), Closed>, Fault>;
    /// Has none of a person's tokens believed that was issued until `at`, in seconds since 1970.
    async fn revoke(&self, tenant: &str, who: &str, at: UnixSeconds) -> Result<(), Fault>;
    /// Announces a chart to the workers once more.
    async fn redrive(&self, key: &OutcomeKey) -> Result<(), Fault>;
    /// Begins an object of this media type.
    fn begin(&self, content_type: &str) -> Result<Self::Upload, Fault>;
    /// Adds text to an object.
    async fn add(&self, upload: &mut Self::Upload, text: String) -> Result<(), Fault>;
    /// Ends an object, and signs an address for it at `at`, in milliseconds since 1970.
    async fn hand_out(&self, upload: Self::Upload, at: u64) -> Result<HandedOut, Fault>;
    /// Keeps a caller's emergency.
    async fn break_glass(&self, caller: &Caller, glass: &BreakGlass) -> Result<(), Fault>;
    /// Reads a caller's last emergency, be it over or not.
    async fn broken_glass(&self, caller: &Caller) -> Result<Option<BreakGlass>, Fault>;
}
