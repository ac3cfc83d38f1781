//! One invocation: bounded in time, one line in the log, an answer in JSON.

use std::{
    io::Write,
    time::{Duration, SystemTime},
};

use lambda_runtime::Diagnostic;
use lightsout_protocol::launch::{LaunchError, World, launch};
use serde_json::{Value, json};

/// What is left of the invocation's time to log and to answer.
const MARGIN: Duration = Duration::from_millis(500);

/// Launches if need be, and answers before `deadline`.
pub async fn invocation(
    world: &impl World,
    lease_seconds: u64,
    deadline: SystemTime,
) -> Result<Value, Diagnostic> {
    let left = deadline
        .duration_since(SystemTime::now())
        .unwrap_or_default()
        .saturating_sub(MARGIN);
    let end = match tokio::time::timeout(left, launch(world, lease_seconds)).await {
        Ok(end) => end,
        Err(_) => Err(LaunchError::OutOfTime),
    };
    match end {
        Ok(report) => {
            let answer = json!(report);
            log(&answer);
            Ok(answer)
        }
        Err(error) => {
            log(&json!({"error": error.code(), "message": error.to_string()}));
            Err(Diagnostic {
                error_type: error.code().to_owned(),
                error_message: error.to_string(),
            })
        }
    }
}

/// Writes one line; a log that cannot be written must not stop a launch.
fn log(line: &Value) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
