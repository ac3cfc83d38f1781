//! How a command ended.

use std::process::ExitCode;

/// How a command ended; the process's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// All is well: exit code 0.
    Fine,
    /// The command worked and found something, such as a difference: 1.
    Finding,
    /// The command could not do its work: 2.
    Failure,
}

impl Status {
    /// Returns the exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Finding => 1,
            Self::Failure => 2,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}
