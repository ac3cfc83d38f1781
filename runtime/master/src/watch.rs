//! The process that does the ending when the supervisor is gone.

use std::{fs, time::Duration};

use lightsout_protocol::oversight::Ending;

use crate::{
    BoxError, ending,
    supervise::{LOCK, claim, is_lost, lock},
    surroundings::Surroundings,
};

/// How long the supervisor may be gone before it counts as dead: its service
/// starts it again after five seconds.
const GRACE: Duration = Duration::from_secs(15);

/// How often the watch looks.
const TICK: Duration = Duration::from_secs(1);

/// The file whose lock says that a watch lives.
const WATCH_LOCK: &str = "watch.lock";

/// Watches the supervisor, and ends the run once it is gone.
pub async fn watch() -> Result<(), BoxError> {
    // A signal for the supervisor's session must not reach the watch. The call
    // fails only where this process leads a session already.
    let _ = rustix::process::setsid();
    let around = Surroundings::read().await?;
    let own = fs::File::create(around.folder.join(WATCH_LOCK))?;
    if own.try_lock().is_err() {
        return Ok(());
    }
    let mut gone = Duration::ZERO;
    while gone < GRACE {
        tokio::time::sleep(TICK).await;
        if around.folder.join(ending::CLOSED).exists() {
            return Ok(());
        }
        let free = fs::File::create(around.folder.join(LOCK))?
            .try_lock()
            .is_ok();
        gone = if free { gone + TICK } else { Duration::ZERO };
    }
    // A supervisor that is started now waits for this lock.
    let _instead = lock(&around.folder.join(LOCK))?;
    tracing::error!(run = %around.run, "the supervisor is gone: the watch ends the run");
    let outcome = end(&around).await;
    if let Err(error) = &outcome
        && is_lost(error.as_ref())
    {
        ending::abandon(&around).await;
    }
    ending::power_off(Some(&around)).await;
    outcome
}

async fn end(around: &Surroundings) -> Result<(), BoxError> {
    let tenure = claim(around).await?;
    ending::clear(around, &tenure).await?;
    let ending = Ending::Failed("the supervisor died".to_owned());
    ending::close(around, &tenure, &ending).await?;
    Ok(())
}
