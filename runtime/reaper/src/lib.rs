//! Ends the machines that nothing else has ended, the last layer but a person.
//!
//! A schedule invokes [`sweep`], which looks at EC2, the lease and the queue itself
//! and never at what invoked it. A crashed or frozen master stays `running`, and is
//! billed, for ever: nothing inside the machine can help. Each step may be repeated,
//! and any number of copies may run at once.

mod aws;
mod invocation;

pub use aws::Aws;
pub use invocation::invocation;
pub use lightsout_protocol::{
    reap::Limits,
    sweep::{Fault, Report, Step, World, sweep},
};
