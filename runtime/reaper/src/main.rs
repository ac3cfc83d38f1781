//! The Lambda: reads its environment, then sweeps whenever it is invoked.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use lightsout_protocol::environment::ReaperEnvironment;
use lightsout_reaper::{Aws, invocation};
use serde::de::IgnoredAny;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = ReaperEnvironment::from_variables(|name| std::env::var(name).ok())?;
    let aws = Aws::new(&lightsout_aws::load().await, environment);
    let handler = async |event: LambdaEvent<IgnoredAny>| {
        let deadline = event.context.deadline();
        invocation(&aws, aws.pipeline(), aws.limits(), deadline).await
    };
    lambda_runtime::run(service_fn(handler)).await
}
