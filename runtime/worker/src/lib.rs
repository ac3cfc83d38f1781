//! Drains a queue with the work of a project; of this project, with the coding of charts.
//!
//! In reading order:
//!
//! - [`main`] and [`Command`]: what a worker does from start to end
//! - [`drain`]: receive, hold, delete; the same for any [`Work`](work::Work)
//! - [`patience`]: how long a fault that may pass is waited for
//! - [`charts`]: the work of this project: read a chart, code it, store the outcome
//! - [`queue`], [`inbox`], [`results`]: SQS, S3 and DynamoDB as the two above
//!   need them
//! - [`leave`]: when a worker ends
//! - [`memory`]: queue, inbox and results in memory, to try any work out
//!
//! # Another project's work
//!
//! Launcher, master and reaper never look into a message, and what surrounds the work is
//! here. A project implements [`Work`](work::Work), and its worker is this `main`:
//!
//! ```no_run
//! use lightsout_worker::work::{Message, Tally, Verdict, Work};
//!
//! struct Greet;
//!
//! impl Work for Greet {
//!     async fn work(&self, message: &Message) -> Verdict {
//!         // Do what `message.body` asks for, and store the outcome where it lasts.
//!         Verdict::Done(Tally { coded: 1, ..Tally::default() })
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> std::process::ExitCode {
//!     lightsout_worker::main(async |_host| Ok(Greet)).await
//! }
//! ```
//!
//! The [`Program`](lightsout_contract::Program) of that binary declares the variables of
//! [`FleetWorkerEnvironment`](lightsout_protocol::environment::FleetWorkerEnvironment) beside
//! its own, and the construct `BatchFleet` takes it together with the launcher, the master and
//! the reaper of `lightsout-protocol`. The example `bytes` is a whole one: it counts the bytes
//! of objects, and its test drains a queue in memory with this very loop.

use std::{error::Error, fmt};

pub mod charts;
mod command;
pub mod drain;
pub mod inbox;
pub mod leave;
pub mod log;
pub mod memory;
mod passing;
pub mod patience;
pub mod queue;
pub mod results;
mod sha256;
pub mod work;

pub use command::{Command, Host, main};

/// An error of a service, whatever its client calls it.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Writes an error with its causes in one line.
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
