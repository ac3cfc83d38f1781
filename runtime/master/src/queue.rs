//! How many charts wait.

use aws_sdk_sqs::{Client, types::QueueAttributeName};
use lightsout_protocol::run::Depth;

use crate::{BoxError, surroundings::Surroundings};

/// Why the queue could not be measured.
#[derive(Debug, thiserror::Error)]
#[error("cannot measure the work queue")]
pub struct QueueError(#[source] BoxError);

/// Measures the work queue.
pub async fn depth(around: &Surroundings) -> Result<Depth, QueueError> {
    let wanted = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
    ];
    let answer = Client::new(&around.aws)
        .get_queue_attributes()
        .queue_url(around.environment.work.address())
        .set_attribute_names(Some(wanted.to_vec()))
        .send()
        .await
        .map_err(|error| QueueError(error.into()))?;
    let read = |name: &QueueAttributeName| {
        answer
            .attributes()
            .and_then(|attributes| attributes.get(name))
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| QueueError(format!("the answer has no `{name}`").into()))
    };
    let [visible, in_flight, delayed] = &wanted;
    Ok(Depth {
        visible: read(visible)?,
        in_flight: read(in_flight)?,
        delayed: read(delayed)?,
    })
}
