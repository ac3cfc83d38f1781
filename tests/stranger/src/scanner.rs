//! The scanner: reads its environment, and says where it would look.

use std::{env, process::ExitCode};

use lightsout::contract::Live;
use parcels::contract::ScannerEnvironment;

fn main() -> ExitCode {
    // Every variable that is missing or malformed is named at once.
    match ScannerEnvironment::<Live>::from_variables(|name| env::var(name).ok()) {
        Ok(environment) => {
            let (from, to) = (environment.scans.address(), environment.places.address());
            println!(
                "from {from} to {to}, lost after {} days",
                environment.lost_after.value()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
