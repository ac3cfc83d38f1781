//! What happened in the region, for a person to follow.

use std::fmt;

use crate::fault::Fault;
use crate::instance::{InstanceId, InstanceState};

/// One thing that happened in the region.
///
/// `Display` is one line. It holds no user data and no output of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// An instance changed its state.
    StateChanged {
        /// The instance.
        instance: InstanceId,
        /// Its `Name` tag, if it has one.
        name: Option<String>,
        /// The state it is in now.
        state: InstanceState,
        /// Why, in EC2's words, if EC2 has words for it.
        reason: Option<String>,
    },
    /// The user data of an instance ended.
    UserDataEnded {
        /// The instance.
        instance: InstanceId,
        /// The exit status of its interpreter.
        status: i32,
    },
    /// A host asked for its own end.
    PowerOffScheduled {
        /// The instance.
        instance: InstanceId,
        /// In how many minutes.
        minutes: u64,
    },
    /// A host withdrew its power-off.
    PowerOffCancelled {
        /// The instance.
        instance: InstanceId,
    },
    /// A host could not start, or ended by itself without a power-off.
    HostFailed {
        /// The instance.
        instance: InstanceId,
        /// What went wrong.
        problem: String,
    },
    /// A fault was put in.
    FaultInjected(Fault),
}

impl fmt::Display for Event {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StateChanged {
                instance,
                name,
                state,
                reason,
            } => {
                write!(out, "{instance}")?;
                if let Some(name) = name {
                    write!(out, " ({name})")?;
                }
                write!(out, " is {state}")?;
                match reason {
                    Some(reason) => write!(out, ": {reason}"),
                    None => Ok(()),
                }
            }
            Self::UserDataEnded { instance, status } => {
                write!(out, "{instance} ran its user data, status {status}")
            }
            Self::PowerOffScheduled { instance, minutes } => {
                write!(out, "{instance} powers off in {minutes} min")
            }
            Self::PowerOffCancelled { instance } => {
                write!(out, "{instance} no longer powers off")
            }
            Self::HostFailed { instance, problem } => write!(out, "{instance} failed: {problem}"),
            Self::FaultInjected(fault) => write!(out, "fault: {fault}"),
        }
    }
}
