//! Cursors: where a list goes on, opaque to whoever carries them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use lightsout_protocol::{coding::OutcomeKey, run::RunId};
use serde::{Deserialize, Serialize};

/// Where a list goes on; each list has its own kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "list", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Cursor {
    /// Behind this run.
    Runs { after: RunId },
    /// Behind this outcome of this run.
    Charts { run: RunId, after: OutcomeKey },
    /// What was not counted yet in this run.
    Counts { run: RunId, after: OutcomeKey },
    /// Behind this rejection in this run.
    Rejected { run: RunId, after: OutcomeKey },
    /// Among what all runs stored: behind this outcome of this run, or behind the run.
    Found {
        run: RunId,
        after: Option<OutcomeKey>,
    },
    /// What was not counted yet of all runs.
    Totals {
        run: RunId,
        after: Option<OutcomeKey>,
    },
}

impl Cursor {
    /// Returns the cursor as base64url text.
    pub(crate) fn encode(&self) -> String {
        let json = serde_json::to_vec(self).expect("a cursor has text as keys");
        URL_SAFE_NO_PAD.encode(json)
    }

    /// Reads a cursor, or none if the text is not one.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let json = URL_SAFE_NO_PAD.decode(text).ok()?;
        serde_json::from_slice(&json).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_is_read_back(chart in "\\PC{1,30}", version in "\\PC{0,9}", engine in "\\PC{0,9}") {
            let after = OutcomeKey { chart, version, engine };
            let cursor = Cursor::Charts { run: RunId::new(1, 2), after };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        }

        #[test]
        fn any_other_text_is_no_cursor(text in "\\PC{0,40}") {
            prop_assert_eq!(Cursor::decode(&text), None);
        }
    }
}
