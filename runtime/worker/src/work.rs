//! What a message asks for, apart from how messages are handled.

use std::fmt;

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
    /// It is tried again while the fault may pass, and then left to appear again; in the
    /// end it is in the dead-letter queue.
    Again(Fault),
}

/// What was done for one message, or for many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Charts that were coded and stored; in another project, whatever was done.
    pub coded: u64,
    /// Those that were rejected for good, with their reason stored.
    pub rejected: u64,
    /// Those whose outcome was already stored.
    pub duplicates: u64,
}

/// Why a message is not done: a name that logs and alarms go by.
///
/// It is written in the program, so that it is stable and never holds text of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    name: &'static str,
    passes: bool,
}

impl Fault {
    /// The message is not of the kind that the work reads.
    pub const MALFORMED: Self = Self::named("malformed");
    /// The message speaks of a bucket that is not the inbox.
    pub const FOREIGN_BUCKET: Self = Self::named("foreign_bucket");
    /// The inbox did not answer.
    pub const INBOX_UNAVAILABLE: Self = Self::passing("inbox_unavailable");
    /// The inbox refuses to give the chart.
    pub const INBOX_REFUSES: Self = Self::named("inbox_refuses");
    /// The results refuse the outcome.
    pub const RESULTS_REFUSE: Self = Self::named("results_refuse");
    /// The outcome could not be stored.
    pub const RESULTS_UNAVAILABLE: Self = Self::passing("results_unavailable");

    /// Names a fault of the message in a project's own work: the message is left at once.
    pub const fn named(name: &'static str) -> Self {
        Self {
            name,
            passes: false,
        }
    }

    /// Names a fault of something that the work needs, such as a service that throttles:
    /// the message is held, and tried again.
    pub const fn passing(name: &'static str) -> Self {
        Self { name, passes: true }
    }

    /// Returns whether the fault may pass by waiting.
    pub const fn passes(self) -> bool {
        self.passes
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What a worker does with messages: the one thing that a project adds to the fleet.
pub trait Work: Send + Sync + 'static {
    /// Does what the message asks for. When this returns
    /// [`Verdict::Done`], the outcome is durable.
    ///
    /// It may be dropped half way, and called again for the same message: queues deliver
    /// at least once. Nothing that blocks a thread is done here but in
    /// [`spawn_blocking`](tokio::task::spawn_blocking).
    fn work(&self, message: &Message) -> impl Future<Output = Verdict> + Send;
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.coded += more.coded;
        self.rejected += more.rejected;
        self.duplicates += more.duplicates;
    }
}
