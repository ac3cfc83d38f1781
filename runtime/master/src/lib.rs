//! The supervisor of one run.
//!
//! In reading order:
//!
//! - [`Command`]: what the binary `master` can be asked to do
//! - [`supervise`]: the loop that follows a run from its first host to its last;
//!   it decides by [`lightsout_protocol::oversight`]
//! - [`playbook`]: Ansible as a detached process, and what it reports
//! - [`control`]: the lease and the run in the control table
//! - [`fleet`]: the worker instances, found by tag alone
//! - [`hosts`]: who announced itself, for SSH and for Ansible
//! - [`ending`]: from wherever a run stands to no machine left
//! - [`watch`]: the process that does the ending when the supervisor is gone
//! - [`surroundings`]: what the machine and its environment say

use std::{error::Error, fmt};

mod command;
pub mod control;
pub mod ending;
pub mod fleet;
pub mod hosts;
pub mod playbook;
pub mod queue;
pub mod supervise;
pub mod surroundings;
pub mod watch;

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
