//! The Lambda: reads its environment, then launches whenever it is invoked.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use lightsout_launcher::{Aws, invocation};
use lightsout_protocol::environment::LauncherEnvironment;
use serde::de::IgnoredAny;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = LauncherEnvironment::from_variables(|name| std::env::var(name).ok())?;
    let lease_seconds = environment.lease_seconds.value();
    let aws = Aws::new(&lightsout_aws::load().await, environment);
    let handler = async |event: LambdaEvent<IgnoredAny>| {
        invocation(&aws, lease_seconds, event.context.deadline()).await
    };
    lambda_runtime::run(service_fn(handler)).await
}
