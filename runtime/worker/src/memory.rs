//! Queue, inbox and results in memory: what work is tried out and measured with.
//!
//! They behave as SQS, S3 and DynamoDB do where a worker can tell.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use lightsout_phi::Synthetic;
use lightsout_protocol::{
    chart::ChartReference,
    coding::{Encoded, Outcome, OutcomeKey},
    run::Depth,
};
use tokio::time::Instant;

use crate::{
    inbox::{self, Fetched, Inbox, InboxError},
    queue::{Queue, QueueError},
    results::{Results, ResultsError, Stored},
    work::Message,
};

/// Most messages that are received at once.
const BATCH: usize = 10;

/// How long an empty queue is waited for.
const WAIT: Duration = Duration::from_millis(1);

/// A queue with a dead-letter queue behind it.
#[derive(Debug)]
pub struct MemoryQueue {
    visibility: Duration,
    most_receives: u32,
    messages: Mutex<Messages>,
}

#[derive(Debug, Default)]
struct Messages {
    waiting: VecDeque<Sent>,
    held: Vec<Held>,
    dead: Vec<Message>,
    deleted: Vec<String>,
    extensions: u64,
}

#[derive(Debug)]
struct Sent {
    message: Message,
    receives: u32,
}

#[derive(Debug)]
struct Held {
    sent: Sent,
    until: Instant,
}

impl MemoryQueue {
    /// Hides received messages for `visibility`, and gives none more often than
    /// `most_receives` times.
    pub fn new(visibility: Duration, most_receives: u32) -> Self {
        Self {
            visibility,
            most_receives,
            messages: Mutex::default(),
        }
    }

    /// Sends a message.
    pub fn send(&self, id: &str, body: &str) {
        let message = Message {
            id: id.to_owned(),
            receipt: String::new(),
            body: body.to_owned(),
        };
        let sent = Sent {
            message,
            receives: 0,
        };
        self.messages().waiting.push_back(sent);
    }

    /// Lists the ids of waiting messages, the next first.
    pub fn waiting(&self) -> Vec<String> {
        let messages = self.messages();
        let ids = messages.waiting.iter().map(|sent| sent.message.id.clone());
        ids.collect()
    }

    /// Lists the ids of deleted messages, in order.
    pub fn deleted(&self) -> Vec<String> {
        let mut deleted = self.messages().deleted.clone();
        deleted.sort();
        deleted
    }

    /// Lists the ids of messages in the dead-letter queue, in order.
    pub fn dead(&self) -> Vec<String> {
        let messages = self.messages();
        let mut ids: Vec<_> = messages.dead.iter().map(|dead| dead.id.clone()).collect();
        ids.sort();
        ids
    }

    /// Returns how often messages were hidden anew.
    pub fn extensions(&self) -> u64 {
        self.messages().extensions
    }

    fn messages(&self) -> MutexGuard<'_, Messages> {
        lock(&self.messages)
    }
}

impl Messages {
    /// Lets messages appear again that were held for long enough.
    fn appear(&mut self, now: Instant, most_receives: u32) {
        let (over, held) = self
            .held
            .drain(..)
            .partition(|held: &Held| held.until <= now);
        self.held = held;
        let over: Vec<Held> = over;
        for Held { sent, .. } in over {
            if sent.receives < most_receives {
                self.waiting.push_back(sent);
            } else {
                self.dead.push(sent.message);
            }
        }
    }

    fn hold(&mut self, messages: &[Message], until: Instant) {
        let is_meant = |held: &&mut Held| {
            let receipt = &held.sent.message.receipt;
            messages.iter().any(|message| message.receipt == *receipt)
        };
        for held in self.held.iter_mut().filter(is_meant) {
            held.until = until;
        }
    }
}

impl Queue for MemoryQueue {
    async fn receive(&self) -> Result<Vec<Message>, QueueError> {
        if self.messages().waiting.is_empty() {
            tokio::time::sleep(WAIT).await;
        }
        let now = Instant::now();
        let mut messages = self.messages();
        messages.appear(now, self.most_receives);
        let many = messages.waiting.len().min(BATCH);
        let mut batch = Vec::with_capacity(many);
        let until = now + self.visibility;
        for _ in 0..many {
            let Some(mut sent) = messages.waiting.pop_front() else {
                break;
            };
            sent.receives += 1;
            sent.message.receipt = format!("{} {}", sent.message.id, sent.receives);
            batch.push(sent.message.clone());
            messages.held.push(Held { sent, until });
        }
        Ok(batch)
    }

    async fn extend(&self, held: &[Message]) -> Result<(), QueueError> {
        let mut messages = self.messages();
        messages.extensions += 1;
        messages.hold(held, Instant::now() + self.visibility);
        Ok(())
    }

    async fn release(&self, held: &[Message]) -> Result<(), QueueError> {
        let now = Instant::now();
        let mut messages = self.messages();
        messages.hold(held, now);
        messages.appear(now, self.most_receives);
        Ok(())
    }

    async fn delete(&self, done: &[Message]) -> Result<(), QueueError> {
        let mut messages = self.messages();
        messages.held.retain(|held| {
            let receipt = &held.sent.message.receipt;
            done.iter().all(|message| message.receipt != *receipt)
        });
        let ids = done.iter().map(|message| message.id.clone());
        messages.deleted.extend(ids);
        Ok(())
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        let mut messages = self.messages();
        messages.appear(Instant::now(), self.most_receives);
        Ok(Depth {
            visible: messages.waiting.len() as u64,
            in_flight: messages.held.len() as u64,
            delayed: 0,
        })
    }
}

/// An inbox, which has one version of each object.
#[derive(Debug, Default)]
pub struct MemoryInbox {
    objects: Mutex<BTreeMap<String, Arc<[u8]>>>,
    hashes: Mutex<BTreeMap<String, String>>,
    fails: AtomicBool,
}

impl MemoryInbox {
    /// Puts an object under its whole key.
    pub fn put(&self, key: &str, bytes: &[u8]) {
        lock(&self.objects).insert(key.to_owned(), bytes.into());
    }

    /// Says which SHA-256 was stored with an object.
    pub fn hash(&self, key: &str, sha256: &str) {
        lock(&self.hashes).insert(key.to_owned(), sha256.to_owned());
    }

    /// Lets every call fail from now on, or none.
    pub fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::Relaxed);
    }
}

impl Inbox for MemoryInbox {
    async fn fetch(&self, chart: &ChartReference, limit: u64) -> Result<Fetched, InboxError> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(InboxError {
                passes: true,
                source: "the inbox in memory is told to fail".into(),
            });
        }
        let object = lock(&self.objects).get(&chart.key).map(Arc::clone);
        let hash = lock(&self.hashes).get(&chart.key).cloned();
        Ok(match object {
            Some(bytes) if bytes.len() as u64 > limit => Fetched::TooLarge(bytes.len() as u64),
            Some(bytes) => inbox::checked(bytes.to_vec(), hash.as_deref()),
            None => Fetched::Missing,
        })
    }
}

/// A store of outcomes.
#[derive(Debug, Default)]
pub struct MemoryResults {
    outcomes: Mutex<BTreeMap<OutcomeKey, Encoded>>,
    fails: AtomicBool,
}

impl MemoryResults {
    /// Reads all outcomes.
    pub fn outcomes(&self) -> BTreeMap<OutcomeKey, Outcome> {
        let stored = lock(&self.outcomes);
        let read = |(key, outcome): (&OutcomeKey, &Encoded)| {
            let outcome = serde_json::from_str(outcome.json(&Synthetic));
            (key.clone(), outcome.expect("an outcome reads back"))
        };
        stored.iter().map(read).collect()
    }

    /// Lets every call fail from now on, or none.
    pub fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::Relaxed);
    }
}

impl Results for MemoryResults {
    async fn store(&self, key: &OutcomeKey, outcome: Encoded) -> Result<Stored, ResultsError> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(ResultsError {
                action: "store the outcome",
                passes: true,
                source: "the results in memory are told to fail".into(),
            });
        }
        let mut stored = lock(&self.outcomes);
        if stored.contains_key(key) {
            return Ok(Stored::Already);
        }
        stored.insert(key.clone(), outcome);
        Ok(Stored::New)
    }
}

/// What a thread left that panicked is still whole: no step is taken by halves.
fn lock<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
