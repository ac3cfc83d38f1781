//! Giving way between two calls, for worlds in memory.
//!
//! Steps that are generic over their world, such as [`launch`](crate::launch), are
//! polled one call at a time in tests and in the simulation, so that others act,
//! or the process dies, between any two calls.

use std::task::Poll;

/// Gives way once, so that others may act between any two calls.
pub async fn interruption() {
    let mut gave_way = false;
    std::future::poll_fn(|_| {
        if std::mem::replace(&mut gave_way, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// Takes tasks through their calls, one at a time.
#[cfg(test)]
pub(crate) mod testing {
    use std::{
        pin::{Pin, pin},
        task::{Context, Poll, Waker},
    };

    pub(crate) fn run_alone<T>(task: impl Future<Output = T>) -> T {
        let mut task = pin!(task);
        loop {
            if let Poll::Ready(end) = step(task.as_mut()) {
                return end;
            }
        }
    }

    /// Takes `steps` steps and then drops the task, as a killed process would.
    pub(crate) fn run_for<T>(steps: usize, task: impl Future<Output = T>) {
        let mut task = pin!(task);
        for _ in 0..steps {
            if step(task.as_mut()).is_ready() {
                return;
            }
        }
    }

    /// Takes steps as the schedule says, then lets each task finish in turn.
    pub(crate) fn run_together<T>(
        tasks: Vec<impl Future<Output = T>>,
        schedule: &[usize],
    ) -> Vec<T> {
        let mut tasks: Vec<_> = tasks.into_iter().map(Box::pin).collect();
        let mut ends: Vec<Option<T>> = tasks.iter().map(|_| None).collect();
        let to_the_end = (0..tasks.len()).flat_map(|task| std::iter::repeat_n(task, 100));
        for turn in schedule.iter().copied().chain(to_the_end) {
            if ends[turn].is_none()
                && let Poll::Ready(end) = step(tasks[turn].as_mut())
            {
                ends[turn] = Some(end);
            }
        }
        ends.into_iter().map(Option::unwrap).collect()
    }

    fn step<T>(task: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        task.poll(&mut Context::from_waker(Waker::noop()))
    }
}
