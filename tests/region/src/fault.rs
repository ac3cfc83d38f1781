//! Faults that a test puts into the region.

use std::fmt;

use crate::instance::InstanceId;

/// A fault to put into a running region.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The host loses every process at once; EC2 goes on calling it `running`.
    Crash(InstanceId),
    /// Every process of the host whose command line has this text ends at once; the host
    /// stays.
    Kill {
        /// The host.
        instance: InstanceId,
        /// The text, such as a program's name.
        command: String,
    },
    /// The next calls to EC2 are refused with `RequestLimitExceeded`.
    ThrottleEc2 {
        /// How many calls.
        calls: u32,
    },
    /// The next launches are refused with `InsufficientInstanceCapacity`.
    NoCapacity {
        /// How many launches.
        launches: u32,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crash(instance) => write!(out, "{instance} crashes"),
            Self::Kill { instance, command } => write!(out, "`{command}` is killed on {instance}"),
            Self::ThrottleEc2 { calls } => write!(out, "EC2 refuses the next {calls} calls"),
            Self::NoCapacity { launches } => {
                write!(out, "EC2 has no capacity for the next {launches} launches")
            }
        }
    }
}

/// What is left of the faults that count down.
#[derive(Debug, Default)]
pub(crate) struct PendingFaults {
    throttled_calls: u32,
    refused_launches: u32,
}

impl PendingFaults {
    pub(crate) fn throttle(&mut self, calls: u32) {
        self.throttled_calls = self.throttled_calls.saturating_add(calls);
    }

    pub(crate) fn refuse_launches(&mut self, launches: u32) {
        self.refused_launches = self.refused_launches.saturating_add(launches);
    }

    /// Whether this call is one of those to be throttled.
    pub(crate) fn takes_call(&mut self) -> bool {
        take_one(&mut self.throttled_calls)
    }

    /// Whether this launch is one of those to be refused.
    pub(crate) fn takes_launch(&mut self) -> bool {
        take_one(&mut self.refused_launches)
    }
}

fn take_one(left: &mut u32) -> bool {
    let any = *left > 0;
    *left = left.saturating_sub(1);
    any
}
