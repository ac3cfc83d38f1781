//! A region to try things in, until Ctrl-C.
//!
//! ```text
//! cargo run -p lightsout-region --example region -- FOLDER MINISTACK [PROGRAM FOLDER]…
//! ```

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a person"
)]

use std::env;
use std::error::Error;
use std::process::ExitCode;

use lightsout_region::{Entry, OpenSsh, Region, RegionConfig, enter};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let (Some(folder), Some(ministack)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: region FOLDER MINISTACK [PROGRAM FOLDER]…");
        return Ok(ExitCode::from(2));
    };
    let openssh = OpenSsh::find_or_fetch(folder.as_ref())?;
    let isolation = match enter()? {
        Entry::Inside(isolation) => isolation,
        Entry::Finished(code) => return Ok(code),
    };
    eprintln!("{}; {}", isolation.describe(), openssh.describe());
    let config = RegionConfig::new(folder, ministack, openssh, isolation);
    let config = arguments.fold(config, RegionConfig::path_prepend);
    tokio::runtime::Runtime::new()?.block_on(run(config))
}

async fn run(config: RegionConfig) -> Result<ExitCode, Box<dyn Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let region = Region::start(config).await?;
    let mut events = region.events();
    for (name, value) in region.client_environment() {
        println!("export {name}={value}");
    }
    loop {
        tokio::select! {
            event = events.recv() => eprintln!("{}", event?),
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
    }
    region.shutdown().await?;
    eprintln!("nothing is left");
    Ok(ExitCode::SUCCESS)
}
