//! The query API: runs, and the codes of charts with their evidence.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /runs` | the runs, newest first |
//! | `GET /runs/{run}` | one run |
//! | `GET /runs/{run}/charts` | the charts that a run coded or rejected |
//! | `GET /runs/{run}/rejected` | what a run rejected, with the reasons |
//! | `GET /charts/{chart}` | the latest outcome of a chart |
//!
//! A coded chart says what of it was coded, in `parts` with their place in the
//! chart, and what was `left_out` with the reason; evidence refers to bytes of
//! the `narrative`, which is read out of the chart itself and has the hash given.
//!
//! Rejected are charts that cannot be coded, and messages that announce none: those
//! have a `message` in place of a `chart`, and wait in the dead-letter queue.
//!
//! Lists take `limit` and `cursor`; a chart takes `version` and `engine`,
//! which narrow what "latest" chooses from. Errors are
//! [problem details](https://www.rfc-editor.org/rfc/rfc9457). Answers are
//! never cached, and nothing of a chart reaches the log: what was read is
//! recorded by a digest of the chart's id.

mod answer;
mod audit;
mod aws;
mod cursor;
mod event;
mod handlers;
#[cfg(test)]
mod memory;
mod merge;
mod request;
mod router;
mod store;

pub use answer::Answer;
pub use audit::AuditRecord;
pub use aws::Aws;
pub use event::{Event, invocation};
pub use request::Request;
pub use router::answer;
pub use store::{Fault, Outcomes, Page, RunRecord, Store, StoredOutcome, Summary};
