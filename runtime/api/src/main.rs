//! The Lambda: reads its environment, then answers whenever it is invoked.

use std::io::Write;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use lightsout_api::{Aws, Event, Service, Table, invocation, writer};
use lightsout_audit::Trail;
use lightsout_protocol::environment::ApiEnvironment;
use zeroizing_alloc::ZeroAlloc;

/// Overwrites whatever is freed: what is found passes through buffers of the network and of
/// parsers, none of which erase themselves.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // A panic's own message may quote what it stumbled over: only its place is told.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let line = serde_json::json!({"event": "panic", "place": place});
        let _ = writeln!(std::io::stderr(), "{line}");
    }));
    let environment = ApiEnvironment::from_variables(|name| std::env::var(name).ok())?;
    let config = lightsout_aws::load().await;
    let (table, sealed) = (environment.audit.address(), environment.sealed.address());
    let service = Service {
        trail: Trail::new(Table::new(&config, table, sealed), writer()?),
        store: Aws::new(&config, environment),
    };
    let handler = async |event: LambdaEvent<Event>| {
        let deadline = event.context.deadline();
        invocation(&service, event.payload, deadline).await
    };
    lambda_runtime::run(service_fn(handler)).await
}
