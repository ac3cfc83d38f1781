//! The pipeline's stacks, and the `lightsout` command.
//!
//! [`app`] shows the whole system on one screen; each stack is a file beside
//! it, and what differs between deployments is an [`environment`].

mod alarms;
mod api;
mod app;
mod assets;
pub mod cli;
pub mod environment;
mod fleet;
mod intake;
#[cfg(feature = "local")]
pub mod local;
mod network;
mod storage;
mod user_data;

pub use app::{NAME, app, pipeline};
pub use user_data::of_every_environment as user_data_of_every_environment;

/// The names of outputs that tools read, by stack.
pub mod output {
    pub use crate::{
        api::output as api, fleet::output as fleet, intake::output as intake,
        storage::output as storage,
    };
}
