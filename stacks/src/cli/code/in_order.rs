//! Work on all cores whose results come in the order of the jobs.

use std::{
    iter,
    num::NonZeroUsize,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

/// How many jobs are read ahead of the slowest, for each thread.
const AHEAD: usize = 4;

/// A job, and where its result is waited for.
type Ticket<J, R> = (J, SyncSender<R>);

/// Does the jobs on `threads` threads and hands the results to `take`, in the jobs' order.
///
/// The jobs are drawn on a thread of their own, only a few ahead of the one whose result is
/// taken next, so that memory does not depend on how many there are. The first error of `take`
/// ends it: no further job is drawn.
pub(super) fn in_order<J: Send, R: Send, E>(
    jobs: impl Iterator<Item = J> + Send,
    threads: NonZeroUsize,
    work: impl Fn(J) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    if threads.get() == 1 {
        return jobs.map(work).try_for_each(take);
    }
    let ahead = threads.get() * AHEAD;
    thread::scope(|scope| {
        // Dropping `results` on an error ends the thread that draws, and that ends the others.
        let (announce, results) = sync_channel::<Receiver<R>>(ahead);
        let (hand_out, tickets) = sync_channel::<Ticket<J, R>>(ahead);
        scope.spawn(move || draw(jobs, &announce, &hand_out));
        let tickets = Mutex::new(tickets);
        let tickets = std::sync::Arc::new(tickets);
        for _ in 0..threads.get() {
            let (tickets, work) = (tickets.clone(), &work);
            scope.spawn(move || {
                for (job, answer) in iter::from_fn(|| next(&tickets)) {
                    // Nobody waits any more after an error.
                    let _ = answer.send(work(job));
                }
            });
        }
        drop(tickets);
        for result in results {
            // A worker that panicked sends nothing; the scope passes its panic on.
            let Ok(result) = result.recv() else { break };
            take(result)?;
        }
        Ok(())
    })
}

/// Gives each job to the workers and its place in the order to whoever takes the results.
fn draw<J, R>(
    jobs: impl Iterator<Item = J>,
    announce: &SyncSender<Receiver<R>>,
    hand_out: &SyncSender<Ticket<J, R>>,
) {
    for job in jobs {
        let (answer, result) = sync_channel(1);
        if announce.send(result).is_err() || hand_out.send((job, answer)).is_err() {
            return;
        }
    }
}

fn next<T>(tickets: &Mutex<Receiver<T>>) -> Option<T> {
    let tickets = tickets.lock().unwrap_or_else(PoisonError::into_inner);
    tickets.recv().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn threads(number: usize) -> NonZeroUsize {
        NonZeroUsize::new(number).unwrap()
    }

    #[test]
    fn results_come_in_the_order_of_the_jobs_whatever_their_length() {
        for number in [1, 2, 7] {
            let mut seen = Vec::new();
            let spin = |job: u64| (0..(job % 17) * 1_000).fold(job, |sum, _| sum ^ 1 ^ 1);
            let done = in_order(0..500_u64, threads(number), spin, |result| {
                seen.push(result);
                Ok::<_, ()>(())
            });
            assert_eq!(done, Ok(()));
            assert_eq!(seen, (0..500).collect::<Vec<_>>());
        }
    }

    #[test]
    fn few_jobs_are_drawn_ahead_and_none_long_after_an_error() {
        for number in [1, 2, 5] {
            let drawn = AtomicUsize::new(0);
            let jobs = iter::repeat_with(|| drawn.fetch_add(1, Ordering::SeqCst));
            let done = in_order(
                jobs,
                threads(number),
                |job| job,
                |job| {
                    let ahead = drawn.load(Ordering::SeqCst) - job;
                    assert!(ahead <= 3 * number * AHEAD + 2, "{ahead}");
                    if job == 100 { Err(job) } else { Ok(()) }
                },
            );
            assert_eq!(done, Err(100));
            assert!(drawn.load(Ordering::SeqCst) <= 101 + 3 * number * AHEAD + 2);
        }
    }

    #[test]
    fn no_jobs_are_no_results() {
        let done = in_order(iter::empty::<u8>(), threads(3), |job| job, Err);
        assert_eq!(done, Ok(()));
    }
}
