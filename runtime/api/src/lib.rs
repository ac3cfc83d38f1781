//! The query API: runs, and the codes of charts with their evidence.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /runs` | the runs |
//! | `GET /runs/{run}` | one run, with how many charts are done and how many messages wait |
//! | `GET /runs/{run}/charts` | the charts that a run coded or rejected, also those of one code |
//! | `GET /runs/{run}/rejected` | what a run rejected, with the reasons |
//! | `GET /runs/{run}/counts` | how many charts have each code, with the run's day |
//! | `GET /charts` | the charts of all runs, or of the runs of some days, also those of one code |
//! | `GET /counts` | how many charts have each code, by the day of the run that coded them |
//! | `GET /charts/{chart}` | the latest outcome of a chart, also as a FHIR R4 `Bundle` |
//! | `POST /rejected/{chart}/redrive` | puts a rejected chart back on the work queue |
//! | `POST /break-glass` | tells an emergency |
//! | `POST /revocations` | lets no token in that a person has now |
//! | `GET /openapi.json`, `GET /docs` | this, for programs and for people |
//!
//! # Who sees what
//!
//! Callers are known by a token that the authorizer has verified: who, of which tenant, in which
//! role. [`Operation::shown_to`] is the table of what each role is shown of each operation. A
//! chart's key begins with its tenant, and a caller names only what comes behind it: another
//! tenant's chart cannot be asked for, so that asking for it and asking for one that does not
//! exist are the same question.
//!
//! In an emergency a caller tells the reason at `POST /break-glass`, and may then ask with
//! `emergency=true` for what a coder sees, for an hour at most; a person is told by an alarm
//! ([45 CFR 164.312(a)(2)(ii)](https://www.ecfr.gov/current/title-45/section-164.312)).
//!
//! # No answer without a record
//!
//! What was found stays [closed](lightsout_phi::Phi) until its access is in the
//! [trail](lightsout_audit): the receipt of the record is what opens it. Where the trail cannot
//! be written the answer is a 503 without a word of what was found.
//!
//! What changes something, as a redrive or an emergency does, is recorded before it is done; where
//! it then fails, that is recorded too.
//!
//! # How much, and how fast
//!
//! A response holds 200 entries of a list, and [6 MB] at most. What is more lies in an object of
//! a bucket for a day: the answer is a 303 with an address that opens it for five minutes. With
//! `limit=all` a list is written there as CSV or JSON lines, page by page; each page is recorded
//! with its charts before it is written, and no more than a part of the upload is in memory.
//!
//! A person whose tokens were revoked is not let in with them, though the authorizer, which knows
//! only what a token says, would: each request looks at the caller's item anyway. The address of
//! an object that was handed out before stays open for the rest of its five minutes.
//!
//! Each caller has an allowance of requests, which [`Pace`] measures; who has used it up gets a
//! 429 that says when to come again, whatever others do.
//!
//! [6 MB]: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
//!
//! # Forms
//!
//! A coded chart says what of it was coded, in `parts` with their place in the chart, and what
//! was `left_out` with the reason; evidence refers to bytes of the `narrative`, which is read
//! out of the chart itself and has the hash given. Rejected are charts that cannot be coded, and
//! messages that announce none: those have a `message` in place of a `chart`, wait in the
//! dead-letter queue, and are told to operations.
//!
//! Lists take `limit`, `cursor` and an order, and come as JSON, CSV or JSON lines. Errors are
//! [problem details](https://www.rfc-editor.org/rfc/rfc9457). Answers are never cached; an
//! `ETag` lets a caller ask whether anything has changed.

mod answer;
mod aws;
mod bundle;
mod cursor;
mod event;
mod export;
mod handlers;
mod ledger;
mod log;
pub mod memory;
mod merge;
pub mod openapi;
mod operation;
mod pace;
mod page;
mod request;
mod router;
mod store;

pub use answer::Answer;
pub use aws::Aws;
pub use event::{Event, invocation};
pub use ledger::{Table, writer};
pub use operation::{Fields, Operation};
pub use pace::Pace;
pub use request::Request;
pub use router::Service;
pub use store::{
    Closed, Direction, Done, Fault, HandedOut, Listed, Order, Outcomes, Page, RunRecord, Store,
    StoredOutcome, Summary, Wanted,
};
