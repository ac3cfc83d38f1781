//! What a message asks for, apart from how messages are handled.

use serde::Serialize;

/// One message of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The queue's own id, the only name that logs use.
    pub id: String,
    /// What proves that this worker holds the message.
    pub receipt: String,
    /// The message itself.
    pub body: String,
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// What it asks for is done and durable: it is deleted.
    Done(Tally),
    /// It is left to appear again, in the end in the dead-letter queue.
    Again(Fault),
}

/// What was done for one message, or for many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Charts that were coded and stored.
    pub coded: u64,
    /// Charts that were rejected for good, with their reason stored.
    pub rejected: u64,
    /// Charts whose outcome was already stored.
    pub duplicates: u64,
}

/// Why a message is left; the names are stable and hold no text of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It is no notification of S3, so that no chart can be told.
    #[error("malformed")]
    Malformed,
    /// It speaks of a bucket that is not the inbox.
    #[error("foreign_bucket")]
    ForeignBucket,
    /// The inbox did not answer.
    #[error("inbox_unavailable")]
    InboxUnavailable,
    /// The outcome could not be stored.
    #[error("results_unavailable")]
    ResultsUnavailable,
}

/// What a worker does with messages.
pub trait Work: Send + Sync + 'static {
    /// Does what the message asks for. When this returns
    /// [`Verdict::Done`], the outcome is durable.
    ///
    /// It may be dropped half way, and called again for the same message.
    fn work(&self, message: &Message) -> impl Future<Output = Verdict> + Send;
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.coded += more.coded;
        self.rejected += more.rejected;
        self.duplicates += more.duplicates;
    }
}
