//! Drains the queue and codes charts; `worker --help` tells its options.

use std::process::ExitCode;

use lightsout_worker::charts;

#[tokio::main]
async fn main() -> ExitCode {
    lightsout_worker::main(async |host| charts::begin(host)).await
}
