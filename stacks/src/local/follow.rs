//! Follows a run through its states, as the control table tells them.

use std::time::Duration;

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use lightsout_protocol::{
    control,
    run::{RunId, RunState},
};

use super::{LocalError, steps::Progress};

const PAUSE: Duration = Duration::from_millis(250);

/// Waits until the run is over, and tells each state that it passes through.
pub(crate) async fn until_over(
    client: &Client,
    table: &str,
    run: &RunId,
    deadline: Duration,
    progress: &Progress,
) -> Result<(), LocalError> {
    let begun = tokio::time::Instant::now();
    let mut last = None;
    loop {
        let item = client
            .get_item()
            .table_name(table)
            .key(control::PART, AttributeValue::S(control::RUNS.to_owned()))
            .key(control::ITEM, AttributeValue::S(run.to_string()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|source| LocalError::aws("read the run from the control table", source))?
            .item
            .unwrap_or_default();
        let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
        let state = text("state").and_then(|name| RunState::from_name(name));
        if state != last {
            last = state;
            if let Some(state) = state {
                progress.note(&format!(
                    "{:>6.1} s  {}",
                    begun.elapsed().as_secs_f64(),
                    state.name()
                ));
            }
        }
        match state {
            Some(RunState::Done) => return Ok(()),
            Some(RunState::Failed) => {
                return Err(LocalError::RunFailed {
                    run: run.clone(),
                    reason: text("reason").cloned().unwrap_or_default(),
                });
            }
            _ if begun.elapsed() > deadline => {
                return Err(LocalError::RunTooLong {
                    run: run.clone(),
                    state: last.map_or("unknown", RunState::name),
                });
            }
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}
