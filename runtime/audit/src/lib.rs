//! The trail of who saw what.
//!
//! Every access to patient data is an [`Access`] in the [`Trail`], written before the answer:
//! [`Trail::record`] returns a [`Receipt`] once the record is durable, and the receipt is what
//! opens [patient data](lightsout_phi::Phi). Where the record cannot be written there is no
//! receipt, and so no answer
//! ([45 CFR 164.312(b)](https://www.ecfr.gov/current/title-45/section-164.312)).
//!
//! # One chain for each writer
//!
//! Many functions write at once. One chain for all of them would make each wait for the others,
//! and lose races, at the very moment that many people ask. So each writer has a stream of its
//! own: records numbered from 1, each with the hash of the one before it. What holds the streams
//! together is the [register](REGISTER), a stream that all writers share: it has a record for
//! each stream, written in one transaction with the stream's first record. A record's place
//! (stream and number) can be taken once only, which the ledger decides by a condition of its
//! write; a writer that loses the race for the register reads its end and tries again, and that
//! happens once in a writer's life.
//!
//! A writer that does not know whether its last write took place leaves its stream and begins
//! another: the record may be there without an answer, but never an answer without a record.
//!
//! # What the verifier finds
//!
//! [`verify()`] names the first record of each stream that was changed, moved or taken out, and
//! streams that were taken out whole or slipped in. What it cannot see by itself is that the
//! last records of a stream are gone, with nothing behind them to tell: for that it compares
//! with the [`Heads`] that an earlier verification has seen, which are to be kept elsewhere, with
//! those that [the API's log tells of](heads_in_log), and with those of [the records that the API
//! lays in a locked bucket too](heads_in_keys), which nobody can take away before their time.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use lightsout_audit::{Access, MemoryLedger, Trail, verify};
//!
//! let trail = Trail::new(MemoryLedger::default(), "writer-1");
//! let receipt = trail.record(&Access::default()).await?;
//! assert_eq!(receipt.number(), 1);
//! let verdict = verify(trail.ledger().entries(), None);
//! assert!(verdict.is_whole());
//! # Ok::<(), lightsout_audit::TrailError>(())
//! # }).unwrap();
//! ```

mod access;
mod entry;
mod ledger;
mod seen;
mod trail;
mod verify;
mod witness;

pub use access::{Access, BreakGlass, Seen};
pub use entry::{Entry, Link, Opened, REGISTER, Said};
pub use ledger::{Ledger, LedgerError, MemoryLedger};
pub use seen::{Question, Sight, seen};
pub use trail::{Receipt, Trail, TrailError, code};
pub use verify::{Broken, Flaw, Head, Heads, Verdict, verify};
pub use witness::{heads_in_keys, heads_in_log};
