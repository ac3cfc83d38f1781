//! Receive, hold, delete: the same for any work.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use tokio::{sync::watch, task::JoinSet};

use crate::{
    Chain,
    leave::Leave,
    queue::Queue,
    work::{Message, Tally, Verdict, Work},
};

/// How long a queue that does not answer is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// Drains a queue with one kind of work.
pub struct Drain<Q, W> {
    /// Where messages come from.
    pub queue: Arc<Q>,
    /// What is done with them.
    pub work: Arc<W>,
    /// How many batches are held at once.
    pub lanes: usize,
    /// How often held messages are hidden anew.
    pub extend_every: Duration,
}

/// What a worker did from start to end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Messages received, each time they were.
    pub received: u64,
    /// What became of the charts.
    #[serde(flatten)]
    pub tally: Tally,
    /// Messages that were left to appear again.
    pub failed: u64,
}

impl<Q: Queue, W: Work> Drain<Q, W> {
    /// Works until there is a reason to leave.
    ///
    /// Messages that are held by then go back into the queue at once, unless
    /// their work is done.
    pub async fn run(self, leave: &watch::Receiver<Option<Leave>>) -> Summary {
        let mut lanes = JoinSet::new();
        for _ in 0..self.lanes {
            let lane = Lane {
                queue: Arc::clone(&self.queue),
                work: Arc::clone(&self.work),
                extend_every: self.extend_every,
                leave: leave.clone(),
            };
            lanes.spawn(lane.run());
        }
        let mut all = Summary::default();
        while let Some(lane) = lanes.join_next().await {
            let Ok(summary) = lane else { continue };
            all.received += summary.received;
            all.failed += summary.failed;
            all.tally += summary.tally;
        }
        all
    }
}

/// One batch after the other.
struct Lane<Q, W> {
    queue: Arc<Q>,
    work: Arc<W>,
    extend_every: Duration,
    leave: watch::Receiver<Option<Leave>>,
}

impl<Q: Queue, W: Work> Lane<Q, W> {
    async fn run(mut self) -> Summary {
        let mut summary = Summary::default();
        // A call to receive is never cut off: what it brings would be hidden
        // from everybody.
        while self.leave.borrow().is_none() {
            match self.queue.receive().await {
                Ok(batch) => {
                    summary.received += batch.len() as u64;
                    self.handle(batch, &mut summary).await;
                }
                Err(error) => {
                    tracing::warn!(error = %Chain(&error), "nothing is received");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        summary
    }

    async fn handle(&mut self, batch: Vec<Message>, summary: &mut Summary) {
        let mut working = JoinSet::new();
        let mut held = batch.clone();
        for message in batch {
            let work = Arc::clone(&self.work);
            working.spawn(async move {
                let verdict = work.work(&message).await;
                (message, verdict)
            });
        }
        let start = tokio::time::Instant::now() + self.extend_every;
        let mut extend = tokio::time::interval_at(start, self.extend_every);
        let mut done = Vec::new();
        let mut gave_back = false;
        loop {
            tokio::select! {
                biased;
                finished = working.join_next() => match finished {
                    Some(Ok((message, Verdict::Done(tally)))) => {
                        summary.tally += tally;
                        done.push(message);
                    }
                    Some(Ok((message, Verdict::Again(fault)))) => {
                        summary.failed += 1;
                        tracing::warn!(message = message.id, %fault, "a message is left to appear again");
                        held.retain(|other| *other != message);
                    }
                    // The work panicked, which the hook has reported, and its
                    // message appears again.
                    Some(Err(_)) => summary.failed += 1,
                    None => break,
                },
                () = reason_to_leave(&mut self.leave) => {
                    working.abort_all();
                    gave_back = true;
                    break;
                }
                _ = extend.tick() => {
                    if let Err(error) = self.queue.extend(&held).await {
                        tracing::warn!(error = %Chain(&error), "messages are not held");
                    }
                }
            }
        }
        if !done.is_empty()
            && let Err(error) = self.queue.delete(&done).await
        {
            // They appear again, and are found to be duplicates.
            tracing::warn!(error = %Chain(&error), "finished messages are not deleted");
        }
        held.retain(|message| !done.contains(message));
        if gave_back
            && !held.is_empty()
            && let Err(error) = self.queue.release(&held).await
        {
            tracing::warn!(error = %Chain(&error), "held messages appear late");
        }
    }
}

async fn reason_to_leave(leave: &mut watch::Receiver<Option<Leave>>) {
    // Where nobody is left to give a reason, that is one.
    let _ = leave.wait_for(Option::is_some).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{memory::MemoryQueue, work::Fault};

    /// A queue from which nothing that is held comes back by itself.
    fn with(bodies: &[&str]) -> Arc<MemoryQueue> {
        let queue = MemoryQueue::new(Duration::from_hours(1), 3);
        for body in bodies {
            queue.send(body, body);
        }
        Arc::new(queue)
    }

    /// Does at once what the body says, or never ends.
    struct Obedient;

    impl Work for Obedient {
        async fn work(&self, message: &Message) -> Verdict {
            match message.body.as_str() {
                "fail" => Verdict::Again(Fault::INBOX_UNAVAILABLE),
                "panic" => panic!("as the message says"),
                body if body.starts_with("hang") => std::future::pending().await,
                _ => Verdict::Done(Tally {
                    coded: 1,
                    ..Tally::default()
                }),
            }
        }
    }

    /// Drains until `enough` is true of the queue.
    async fn drained(queue: &Arc<MemoryQueue>, enough: impl Fn(&MemoryQueue) -> bool) -> Summary {
        let (leave, left) = watch::channel(None);
        let drain = Drain {
            queue: Arc::clone(queue),
            work: Arc::new(Obedient),
            lanes: 2,
            extend_every: Duration::from_millis(5),
        };
        let running = tokio::spawn(async move { drain.run(&left).await });
        while !enough(queue) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        leave.send(Some(Leave::Asked)).unwrap();
        running.await.unwrap()
    }

    #[tokio::test]
    async fn finished_messages_are_deleted_and_the_others_are_not() {
        let queue = with(&["a", "b", "fail", "panic", "c"]);
        let summary = drained(&queue, |queue| queue.deleted().len() == 3).await;
        assert_eq!(queue.deleted(), ["a", "b", "c"]);
        assert_eq!((summary.received, summary.failed), (5, 2));
        assert_eq!(summary.tally.coded, 3);
    }

    #[tokio::test]
    async fn messages_are_held_while_they_are_worked_on_and_given_back_on_leaving() {
        let queue = with(&["a", "hang 1", "hang 2"]);
        let summary = drained(&queue, |queue| queue.extensions() > 2).await;
        assert_eq!(queue.deleted(), ["a"]);
        assert_eq!(queue.waiting(), ["hang 1", "hang 2"]);
        // A lane that was receiving meanwhile may get what another one gave back.
        assert!(summary.received >= 3, "{summary:?}");
        assert_eq!(summary.failed, 0);
    }

    #[tokio::test]
    async fn more_messages_than_a_batch_holds_are_all_done() {
        let names: Vec<String> = (0..95).map(|n| format!("{n:02}")).collect();
        let bodies: Vec<&str> = names.iter().map(String::as_str).collect();
        let queue = with(&bodies);
        let summary = drained(&queue, |queue| queue.deleted().len() == 95).await;
        assert_eq!(queue.deleted(), names);
        assert_eq!(summary.tally.coded, 95);
        assert!(queue.depth().await.unwrap().is_zero());
    }
}
