//! Being stopped: Ctrl-C, a request to end, or a terminal that goes away.

use std::{
    io,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::LocalError;

/// How often work that cannot be interrupted is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// Knows whether a signal has asked this process to stop.
#[derive(Debug, Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens from now on; no signal ends the process by itself any more.
    pub(super) fn listen() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let context = runtime.enter();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        drop(context);
        let (asked, stop) = watch::channel(false);
        thread::spawn(move || {
            runtime.block_on(async {
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                        _ = hang_up.recv() => {}
                    }
                    asked.send_replace(true);
                }
            });
        });
        Ok(Self(stop))
    }

    /// Returns whether a signal has come.
    pub(super) fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for a signal; returns at once if one has come already.
    pub(super) async fn asked(&self) {
        // The sender lives as long as the process does.
        let mut stop = self.0.clone();
        let _seen = stop.wait_for(|asked| *asked).await;
    }

    /// Does work that waits for other processes, which `end` ends on a signal.
    pub(super) fn or<T>(
        &self,
        end: impl Fn() + Send,
        work: impl FnOnce() -> Result<T, LocalError>,
    ) -> Result<T, LocalError> {
        let outcome = thread::scope(|scope| {
            let (working, finished) = mpsc::channel::<()>();
            scope.spawn(move || {
                // Work may go on with another process after one was ended.
                while finished.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                    if self.is_asked() {
                        end();
                    }
                }
            });
            let outcome = work();
            drop(working);
            outcome
        });
        if self.is_asked() {
            // What failed did so because it was ended.
            return Err(LocalError::Stopped);
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn work_that_waits_is_ended_and_counts_as_stopped() {
        let (asked, stop) = watch::channel(false);
        let stop = Stop(stop);
        let ended = AtomicBool::new(false);
        let outcome = stop.or(
            || ended.store(true, Ordering::Relaxed),
            || {
                asked.send_replace(true);
                while !ended.load(Ordering::Relaxed) {
                    thread::sleep(PAUSE);
                }
                Ok(())
            },
        );
        assert!(matches!(outcome, Err(LocalError::Stopped)));
    }

    #[test]
    fn work_that_nobody_stops_gives_its_outcome() {
        let (_asked, stop) = watch::channel(false);
        let outcome = Stop(stop).or(|| panic!("nobody asked"), || Ok(7));
        assert!(matches!(outcome, Ok(7)));
    }
}
