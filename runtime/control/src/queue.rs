//! How much work waits.

use aws_sdk_sqs::{Client, types::QueueAttributeName};
use lightsout_aws::SdkConfig;
use lightsout_protocol::run::Depth;

use crate::code::{code, malformed};

/// The work queue, which is measured and never read.
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue at `url`.
    pub fn new(config: &SdkConfig, url: &str) -> Self {
        Self {
            client: Client::new(config),
            url: url.to_owned(),
        }
    }

    /// Measures the queue; an error is the [`code`](crate::code()) of the call.
    pub async fn depth(&self) -> Result<Depth, String> {
        let [visible, in_flight, delayed] = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(visible.clone())
            .attribute_names(in_flight.clone())
            .attribute_names(delayed.clone())
            .send()
            .await
            .map_err(|error| code(&error))?;
        let attributes = answer.attributes.unwrap_or_default();
        let count = |name| {
            attributes
                .get(&name)
                .and_then(|count| count.parse().ok())
                .ok_or_else(malformed)
        };
        Ok(Depth {
            visible: count(visible)?,
            in_flight: count(in_flight)?,
            delayed: count(delayed)?,
        })
    }
}
