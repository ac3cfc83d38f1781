//! Asks the launcher whether a run is needed, as alarms and the clock do.

use std::fmt;

use aws_sdk_lambda::{Client, error::SdkError, operation::invoke::InvokeError, primitives::Blob};
use lightsout_protocol::run::RunId;
use serde::{Deserialize, Serialize};

/// What the launcher decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What it did, in its own word: `launch`, `leave_to_running`, `stay_idle`.
    pub decision: String,
    /// The run that it was about.
    pub run: Option<RunId>,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&*self.decision, &self.run) {
            ("launch" | "repeat_launch", Some(run)) => write!(f, "started {run}"),
            ("leave_to_running", Some(run)) => write!(f, "{run} is under way, and sees the work"),
            ("stay_idle", _) => f.write_str("nothing waits, and nothing was started"),
            (other, _) => f.write_str(other),
        }
    }
}

/// Why it is not known what the launcher decided.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LauncherError {
    /// Lambda did not answer, or refused.
    #[error("cannot invoke the launcher `{function}`")]
    Invoke {
        /// The function's name.
        function: String,
        /// The reason.
        #[source]
        source: Box<SdkError<InvokeError>>,
    },
    /// The launcher failed.
    #[error("the launcher failed: {0}")]
    Failed(String),
    /// The launcher answered something else.
    #[error("the launcher's answer tells no decision")]
    NoDecision(#[source] serde_json::Error),
}

/// Invokes the launcher, which starts a run if one is needed and none is under way.
pub async fn ask(client: &Client, function: &str) -> Result<Decision, LauncherError> {
    let answer = client
        .invoke()
        .function_name(function)
        .payload(Blob::new(r#"{"source": "aws.cloudwatch"}"#))
        .send()
        .await
        .map_err(|source| LauncherError::Invoke {
            function: function.to_owned(),
            source: Box::new(source),
        })?;
    let payload = answer.payload().map(AsRef::as_ref).unwrap_or_default();
    match answer.function_error() {
        Some(error) => {
            let said = String::from_utf8_lossy(payload);
            Err(LauncherError::Failed(format!("{error}: {said}")))
        }
        None => serde_json::from_slice(payload).map_err(LauncherError::NoDecision),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_launcher_answers_is_said_in_words() {
        for (answer, words) in [
            (
                r#"{"decision": "launch", "run": "run-000001-7", "run_seconds": 0}"#,
                "started run-000001-7",
            ),
            (
                r#"{"decision": "leave_to_running", "run": "run-000001-7"}"#,
                "run-000001-7 is under way, and sees the work",
            ),
            (
                r#"{"decision": "stay_idle"}"#,
                "nothing waits, and nothing was started",
            ),
        ] {
            let decision: Decision = serde_json::from_str(answer).unwrap();
            assert_eq!(decision.to_string(), words);
        }
    }
}
