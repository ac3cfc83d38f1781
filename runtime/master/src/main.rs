//! The supervisor of one run; `master --help` lists its commands.

use std::process::ExitCode;

use clap::Parser;
use lightsout_master::{Chain, Command};

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_writer(std::io::stderr)
        .init();
    match Command::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %Chain(error.as_ref()), "the command failed");
            ExitCode::FAILURE
        }
    }
}
