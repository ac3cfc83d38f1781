//! Receive, hold, delete: the same for any work.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use tokio::{sync::watch, task::JoinSet};

use crate::{
    Chain,
    leave::Leave,
    patience::Patience,
    queue::Queue,
    work::{Message, Tally, Verdict, Work},
};

/// How long a queue that does not answer is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// Returns how many batches a worker with so many cores holds at once.
pub fn lanes(cores: usize) -> usize {
    cores.max(2)
}

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
    /// How long a fault that may pass is waited for.
    pub patience: Patience,
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
                patience: self.patience,
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
    patience: Patience,
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
            let patience = self.patience;
            working.spawn(async move {
                let verdict = patiently(&*work, &message, patience).await;
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

/// Does the work, again and again while its fault may pass and there is patience.
async fn patiently(work: &impl Work, message: &Message, patience: Patience) -> Verdict {
    for pause in patience.pauses() {
        let fault = match work.work(message).await {
            Verdict::Again(fault) if fault.passes() => fault,
            verdict => return verdict,
        };
        tracing::warn!(message = message.id, %fault, ?pause, "a message is tried again");
        tokio::time::sleep(pause).await;
    }
    work.work(message).await
}

async fn reason_to_leave(leave: &mut watch::Receiver<Option<Leave>>) {
    // Where nobody is left to give a reason, that is one.
    let _ = leave.wait_for(Option::is_some).await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

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
                "fail" => Verdict::Again(Fault::MALFORMED),
                "panic" => panic!("as the message says"),
                body if body.starts_with("hang") => std::future::pending().await,
                _ => Verdict::Done(Tally {
                    coded: 1,
                    ..Tally::default()
                }),
            }
        }
    }

    /// Work that a service which is down fails so often.
    struct Down {
        times: u32,
        tries: AtomicU32,
    }

    impl Work for Down {
        async fn work(&self, _: &Message) -> Verdict {
            if self.tries.fetch_add(1, Ordering::Relaxed) < self.times {
                return Verdict::Again(Fault::RESULTS_UNAVAILABLE);
            }
            Verdict::Done(Tally::default())
        }
    }

    const SHORT: Patience = Patience {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(1),
        whole: Duration::from_millis(4),
    };

    /// Sends one message through a service that is down for so many tries.
    async fn through(times: u32, queue: MemoryQueue) -> (Arc<MemoryQueue>, Arc<Down>, Summary) {
        queue.send("a", "");
        let queue = Arc::new(queue);
        let work = Arc::new(Down {
            times,
            tries: AtomicU32::new(0),
        });
        let (leave, left) = watch::channel(None);
        let drain = Drain {
            queue: Arc::clone(&queue),
            work: Arc::clone(&work),
            lanes: 1,
            extend_every: Duration::from_secs(100),
            patience: SHORT,
        };
        let running = tokio::spawn(async move { drain.run(&left).await });
        while queue.dead().is_empty() && queue.deleted().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
            queue.depth().await.unwrap();
        }
        leave.send(Some(Leave::Drained)).unwrap();
        (queue, work, running.await.unwrap())
    }

    #[tokio::test]
    async fn a_fault_that_passes_is_waited_for_while_the_message_is_held() {
        // What is let go does not come back before the test is over.
        let (queue, _, summary) = through(4, MemoryQueue::new(Duration::from_hours(1), 3)).await;
        assert_eq!(queue.deleted(), ["a"]);
        assert_eq!((summary.received, summary.failed), (1, 0));
    }

    #[tokio::test]
    async fn a_fault_that_never_passes_ends_among_the_dead_letters() {
        let queue = MemoryQueue::new(Duration::from_millis(200), 3);
        let (queue, work, summary) = through(u32::MAX, queue).await;
        assert_eq!(queue.dead(), ["a"]);
        assert_eq!((summary.received, summary.failed), (3, 3));
        // Each time once, and once after each of four pauses.
        assert_eq!(work.tries.load(Ordering::Relaxed), 15);
    }

    /// Drains until `enough` is true of the queue.
    async fn drained(queue: &Arc<MemoryQueue>, enough: impl Fn(&MemoryQueue) -> bool) -> Summary {
        let (leave, left) = watch::channel(None);
        let drain = Drain {
            queue: Arc::clone(queue),
            work: Arc::new(Obedient),
            lanes: 2,
            extend_every: Duration::from_millis(5),
            patience: SHORT,
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
