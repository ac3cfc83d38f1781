//! The whole fleet as one seeded world, with faults at every step.
//!
//! The decisions are those that the programs run, from `lightsout-protocol`; what
//! is simulated is AWS, the network, the clocks, Ansible and the machines. The same
//! seed gives the same bytes.
//!
//! In reading order:
//!
//! - [`schedule`]: what goes wrong and when, drawn from a seed
//! - [`world`]: the clock, what lies in the world, whose turn it is
//! - [`sqs`], [`table`], [`ec2`]: AWS, with its surprises
//! - [`launcher`], [`master`], [`worker`], [`reaper`]: the programs
//! - [`invocation`]: a Lambda that can be stopped between any two calls
//! - [`invariants`]: what must hold
//! - [`layer`], [`mutant`]: what can be switched off or planted
//! - [`explore`]: many schedules, and the smallest that fails
//! - [`tables`]: what is found of planted bugs and of layers that are off, as the README has it
//! - [`random`]: numbers that a seed decides
//! - [`scale`]: what many charts take, cost, and which limit of AWS they reach first

pub mod capacity;
pub mod ec2;
pub mod explore;
pub mod invariants;
pub mod invocation;
pub mod launcher;
pub mod layer;
pub mod master;
pub mod mutant;
pub mod random;
pub mod reaper;
pub mod scale;
pub mod schedule;
pub mod sqs;
pub mod table;
pub mod tables;
pub mod worker;
pub mod world;
