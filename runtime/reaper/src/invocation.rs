//! One invocation: bounded in time, one line in the log, an answer in JSON.

use std::{
    io::Write,
    time::{Duration, SystemTime},
};

use lambda_runtime::Diagnostic;
use lightsout_protocol::{
    reap::Limits,
    sweep::{World, sweep},
};
use serde_json::{Value, json};

/// What is left of the invocation's time to log and to answer.
const MARGIN: Duration = Duration::from_millis(500);

/// Sweeps once, and answers before `deadline`.
///
/// An error means that the next sweep has to go on; its type is stable.
pub async fn invocation(
    world: &impl World,
    pipeline: &str,
    limits: Limits,
    deadline: SystemTime,
) -> Result<Value, Diagnostic> {
    let left = deadline
        .duration_since(SystemTime::now())
        .unwrap_or_default()
        .saturating_sub(MARGIN);
    let (error_type, error_message) =
        match tokio::time::timeout(left, sweep(world, pipeline, limits)).await {
            Ok(Ok(report)) => {
                let answer = json!(report);
                log(&answer);
                return Ok(answer);
            }
            Ok(Err(fault)) => (fault.step.code(), fault.to_string()),
            Err(_) => (
                "out_of_time",
                "the time of this invocation ran out".to_owned(),
            ),
        };
    log(&json!({"error": error_type, "message": error_message}));
    Err(Diagnostic {
        error_type: error_type.to_owned(),
        error_message,
    })
}

/// Writes one line; a log that cannot be written must not stop a sweep.
fn log(line: &Value) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
