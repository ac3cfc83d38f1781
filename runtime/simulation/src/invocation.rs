//! One invocation of a Lambda: real steps, polled one call at a time.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use crate::world::Shared;

/// Seconds after which Lambda ends an invocation.
const TIMEOUT: u64 = 30;

/// One invocation, until it is over.
pub struct Invocation<T> {
    task: Option<Pin<Box<dyn Future<Output = T>>>>,
    began: u64,
}

impl<T> Invocation<T> {
    /// Begins an invocation that does `task`.
    pub fn new(task: impl Future<Output = T> + 'static, began: u64) -> Self {
        Self {
            task: Some(Box::pin(task)),
            began,
        }
    }

    /// Lets the invocation take one call further, and returns how it ended if it did.
    pub fn step(&mut self, shared: &Shared) -> Option<T> {
        if shared.borrow().now > self.began + TIMEOUT {
            shared.borrow_mut().count("an invocation times out");
            self.task = None;
        }
        let task = self.task.as_mut()?;
        match task.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(end) => {
                self.task = None;
                Some(end)
            }
            Poll::Pending => None,
        }
    }

    /// Kills the invocation where it stands.
    pub fn kill(&mut self) {
        self.task = None;
    }

    /// Returns whether the invocation is over.
    pub fn is_over(&self) -> bool {
        self.task.is_none()
    }
}
