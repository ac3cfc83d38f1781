//! The Lambda: reads its environment, then answers whenever it is invoked.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use lightsout_api::{Aws, Event, invocation};
use lightsout_protocol::environment::ApiEnvironment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = ApiEnvironment::from_variables(|name| std::env::var(name).ok())?;
    let aws = Aws::new(&lightsout_aws::load().await, environment);
    let handler = async |event: LambdaEvent<Event>| {
        let deadline = event.context.deadline();
        invocation(&aws, event.payload, deadline).await
    };
    lambda_runtime::run(service_fn(handler)).await
}
