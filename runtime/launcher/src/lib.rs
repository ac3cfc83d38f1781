//! Decides whether a master is needed, takes the lease and starts one master.
//!
//! An alarm, a heartbeat and a person's command all invoke the same
//! [`launch`], which looks at the queue and the lease itself and never at
//! what invoked it. Each step may be repeated, and any number of copies may
//! run at once: a conditional write decides who takes the lease, and EC2's
//! client token makes a repeated launch the same launch.

mod aws;
mod invocation;

pub use aws::Aws;
pub use invocation::invocation;
pub use lightsout_protocol::launch::{
    Abandoned, Decision, Fault, LaunchError, Report, Standing, Start, Step, Taking, World, Written,
    launch,
};
