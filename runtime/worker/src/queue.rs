//! The work queue, as far as a worker uses it.

use aws_sdk_sqs::{
    Client,
    types::{
        ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
        QueueAttributeName,
    },
};
use lightsout_protocol::run::Depth;

use crate::{BoxError, work::Message};

/// Most messages that SQS gives at once.
const BATCH: i32 = 10;

/// Why the queue did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} messages of the work queue")]
pub struct QueueError {
    action: &'static str,
    #[source]
    source: BoxError,
}

/// A queue whose received messages are hidden for a while.
pub trait Queue: Send + Sync + 'static {
    /// Waits a while for up to ten messages.
    fn receive(&self) -> impl Future<Output = Result<Vec<Message>, QueueError>> + Send;

    /// Hides received messages anew, for the whole time again.
    fn extend(&self, held: &[Message]) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Gives received messages back, so that another worker gets them at once.
    fn release(&self, held: &[Message]) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Deletes messages whose work is durable.
    fn delete(&self, done: &[Message]) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Counts the messages in every state.
    fn depth(&self) -> impl Future<Output = Result<Depth, QueueError>> + Send;
}

/// A queue of SQS.
#[derive(Debug, Clone)]
pub struct Sqs {
    client: Client,
    url: String,
    visibility_seconds: i32,
    wait_seconds: i32,
}

impl Sqs {
    /// Uses the queue at `url`.
    pub fn new(client: Client, url: &str, visibility_seconds: u32, wait_seconds: u32) -> Self {
        let seconds = |seconds: u32| i32::try_from(seconds).unwrap_or(i32::MAX);
        Self {
            client,
            url: url.to_owned(),
            visibility_seconds: seconds(visibility_seconds),
            wait_seconds: seconds(wait_seconds),
        }
    }

    async fn hide(
        &self,
        action: &'static str,
        messages: &[Message],
        seconds: i32,
    ) -> Result<(), QueueError> {
        let failed = |error: BoxError| QueueError {
            action,
            source: error,
        };
        for (batch, messages) in messages.chunks(BATCH.unsigned_abs() as usize).enumerate() {
            let mut call = self
                .client
                .change_message_visibility_batch()
                .queue_url(&self.url);
            for (entry, message) in messages.iter().enumerate() {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(format!("{batch}-{entry}"))
                    .receipt_handle(&message.receipt)
                    .visibility_timeout(seconds)
                    .build();
                call = call.entries(entry.map_err(|error| failed(error.into()))?);
            }
            // Entries that fail are of messages that are no longer held.
            call.send().await.map_err(|error| failed(error.into()))?;
        }
        Ok(())
    }
}

impl Queue for Sqs {
    async fn receive(&self) -> Result<Vec<Message>, QueueError> {
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(BATCH)
            .visibility_timeout(self.visibility_seconds)
            .wait_time_seconds(self.wait_seconds)
            .send()
            .await
            .map_err(|error| QueueError {
                action: "receive",
                source: error.into(),
            })?;
        let messages = answer.messages.unwrap_or_default().into_iter();
        Ok(messages
            .map(|message| Message {
                id: message.message_id.unwrap_or_default(),
                receipt: message.receipt_handle.unwrap_or_default(),
                body: message.body.unwrap_or_default(),
            })
            .collect())
    }

    async fn extend(&self, held: &[Message]) -> Result<(), QueueError> {
        self.hide("hold", held, self.visibility_seconds).await
    }

    async fn release(&self, held: &[Message]) -> Result<(), QueueError> {
        self.hide("give back", held, 0).await
    }

    async fn delete(&self, done: &[Message]) -> Result<(), QueueError> {
        let failed = |error: BoxError| QueueError {
            action: "delete",
            source: error,
        };
        for messages in done.chunks(BATCH.unsigned_abs() as usize) {
            let mut call = self.client.delete_message_batch().queue_url(&self.url);
            for (entry, message) in messages.iter().enumerate() {
                let entry = DeleteMessageBatchRequestEntry::builder()
                    .id(entry.to_string())
                    .receipt_handle(&message.receipt)
                    .build();
                call = call.entries(entry.map_err(|error| failed(error.into()))?);
            }
            let answer = call.send().await.map_err(|error| failed(error.into()))?;
            if let Some(first) = answer.failed().first() {
                return Err(failed(first.code().into()));
            }
        }
        Ok(())
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        let failed = |error: BoxError| QueueError {
            action: "count",
            source: error,
        };
        let wanted = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .set_attribute_names(Some(wanted.to_vec()))
            .send()
            .await
            .map_err(|error| failed(error.into()))?;
        let read = |name: &QueueAttributeName| {
            answer
                .attributes()
                .and_then(|attributes| attributes.get(name))
                .and_then(|digits| digits.parse().ok())
                .ok_or_else(|| failed(format!("the answer has no `{name}`").into()))
        };
        let [visible, in_flight, delayed] = &wanted;
        Ok(Depth {
            visible: read(visible)?,
            in_flight: read(in_flight)?,
            delayed: read(delayed)?,
        })
    }
}
