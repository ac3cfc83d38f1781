//! Drains the queue and codes charts.
//!
//! In reading order:
//!
//! - [`Command`]: what the binary `worker` does from start to end
//! - [`drain`]: receive, hold, delete; the same for any [`Work`](work::Work)
//! - [`charts`]: the work itself: read a chart, code it, store the outcome
//! - [`queue`], [`inbox`], [`results`]: SQS, S3 and DynamoDB as the two above
//!   need them
//! - [`leave`]: when a worker ends
//! - [`memory`]: queue, inbox and results in memory, to try any work out

use std::{error::Error, fmt};

pub mod charts;
mod command;
pub mod drain;
pub mod inbox;
pub mod leave;
pub mod memory;
pub mod queue;
pub mod results;
pub mod work;

pub use command::Command;

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
