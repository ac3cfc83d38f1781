//! The Lambda: reads its environment, then judges a token whenever it is invoked.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use lightsout_authorizer::{Event, Verifier, invocation};
use lightsout_protocol::environment::AuthorizerEnvironment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = AuthorizerEnvironment::from_variables(|name| std::env::var(name).ok())?;
    let verifier = Verifier::new(
        &environment.keys.value(),
        &environment.issuer.value(),
        &environment.audience.value(),
    )?;
    let api = environment.api.value();
    let handler = async |event: LambdaEvent<Event>| invocation(&verifier, &api, &event.payload);
    lambda_runtime::run(service_fn(handler)).await
}
