//! The one hop that the local AWS lacks: from a queue's depth to the launcher.
//!
//! The local AWS publishes no SQS metrics and its alarms invoke no function.
//! The alarm's condition is therefore evaluated here, on the real depth of the
//! real queue, and the real launcher is invoked with it.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use lightsout_protocol::run::{Depth, RunId};

use super::LocalError;
use crate::launcher;

/// How long to wait for S3's notifications, and how often to look.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(200);

/// Waits until `wanted` messages are visible, and returns the depth.
pub(crate) async fn wait_for_backlog(
    sqs: &aws_sdk_sqs::Client,
    queue: &str,
    wanted: u64,
) -> Result<Depth, LocalError> {
    let begun = tokio::time::Instant::now();
    loop {
        let depth = depth(sqs, queue).await?;
        if depth.visible >= wanted {
            return Ok(depth);
        }
        if begun.elapsed() > PATIENCE {
            return Err(LocalError::NoNotifications {
                found: depth.visible,
                wanted,
            });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Reads how many messages a queue holds.
pub(crate) async fn depth(sqs: &aws_sdk_sqs::Client, queue: &str) -> Result<Depth, LocalError> {
    let answer = sqs
        .get_queue_attributes()
        .queue_url(queue)
        .attribute_names(QueueAttributeName::All)
        .send()
        .await
        .map_err(|source| LocalError::aws("read the depth of the work queue", source))?;
    let read = |name: QueueAttributeName| {
        answer
            .attributes()
            .and_then(|all| all.get(&name))
            .and_then(|text| text.parse().ok())
            .unwrap_or_default()
    };
    Ok(Depth {
        visible: read(QueueAttributeName::ApproximateNumberOfMessages),
        in_flight: read(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
        delayed: read(QueueAttributeName::ApproximateNumberOfMessagesDelayed),
    })
}

/// Invokes the launcher as the alarm would, and returns the run that it started.
pub(crate) async fn invoke_launcher(
    lambda: &aws_sdk_lambda::Client,
    function: &str,
) -> Result<RunId, LocalError> {
    let decision = launcher::ask(lambda, function)
        .await
        .map_err(|source| LocalError::aws("start a run", source))?;
    decision
        .run
        .ok_or_else(|| LocalError::Launcher(format!("it decided to `{}`", decision.decision)))
}
