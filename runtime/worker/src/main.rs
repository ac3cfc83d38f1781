//! Drains the queue and codes charts; `worker --help` tells its options.

use std::process::ExitCode;

use lightsout_worker::charts;
use zeroizing_alloc::ZeroAlloc;

/// Overwrites whatever is freed: the text of a chart passes through buffers of the network, of
/// parsers and of strings that grow, none of which erase themselves.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

#[tokio::main]
async fn main() -> ExitCode {
    lightsout_worker::main(async |host| charts::begin(host)).await
}
