//! The pipeline's stacks, and the `lightsout` command.
//!
//! [`app`] shows the whole system on one screen; each stack is a file beside
//! it, and what differs between deployments is an [`environment`].

mod alarms;
mod api;
mod app;
mod assets;
mod audit;
#[cfg(feature = "aws")]
pub mod audit_table;
mod backup;
pub mod cli;
pub mod controls;
mod dashboard;
mod data_class;
pub mod environment;
mod fleet;
pub mod graph;
mod guard;
mod images;
mod intake;
#[cfg(feature = "aws")]
pub mod launcher;
#[cfg(feature = "local")]
pub mod local;
mod network;
pub mod omission;
pub mod pack;
mod storage;

pub use app::{NAME, app, pipeline};

/// The names of outputs that tools read, by stack.
pub mod output {
    pub use crate::{
        api::output as api, fleet::output as fleet, intake::output as intake,
        storage::output as storage,
    };
}
