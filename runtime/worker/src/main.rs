//! Drains the queue and codes charts; `worker --help` tells its options.

use std::process::ExitCode;

use clap::Parser;
use lightsout_worker::{Chain, Command};

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_writer(std::io::stderr)
        .init();
    // A panic's own message may quote the text that it stumbled over.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a task panicked");
    }));
    match Command::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %Chain(error.as_ref()), "the worker cannot work");
            ExitCode::FAILURE
        }
    }
}
