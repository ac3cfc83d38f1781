//! What is stored about a chart once it was coded or rejected.

use serde::{Deserialize, Serialize};

/// The key of a stored outcome: no chart version is coded twice by one engine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OutcomeKey {
    /// The chart's opaque id.
    pub chart: String,
    /// The object's version, `unversioned` where the inbox keeps none.
    pub version: String,
    /// The engine that coded it, with the edition of its terminology.
    pub engine: String,
}

impl OutcomeKey {
    /// Returns the sort key: version and engine in one text.
    pub fn sort(&self) -> String {
        format!("{}#{}", self.version, self.engine)
    }

    /// Reads a key back from the chart and the sort key.
    ///
    /// An object's version holds no `#`, an engine's name may.
    ///
    /// ```
    /// use lightsout_protocol::coding::OutcomeKey;
    ///
    /// let key = OutcomeKey {
    ///     chart: "a.txt".to_owned(),
    ///     version: "v1".to_owned(),
    ///     engine: "nlp 1 #2".to_owned(),
    /// };
    /// assert_eq!(OutcomeKey::from_sort("a.txt", &key.sort()), Some(key));
    /// assert_eq!(OutcomeKey::from_sort("a.txt", "v1"), None);
    /// ```
    pub fn from_sort(chart: impl Into<String>, sort: &str) -> Option<Self> {
        let (version, engine) = sort.split_once('#')?;
        Some(Self {
            chart: chart.into(),
            version: version.to_owned(),
            engine: engine.to_owned(),
        })
    }
}

/// How the work on a chart ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Outcome {
    /// The chart was read and coded; it may hold no code at all.
    Coded {
        /// The engine's answer, as `lightsout-nlp` writes it.
        coding: serde_json::Value,
        /// What the chart was written in, such as `cda`; outcomes of before say nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        format: Option<String>,
    },
    /// The chart cannot be coded, however often one tries.
    Rejected {
        /// A stable code, such as `not_utf8`.
        reason: String,
        /// What a person reads; never text of the chart.
        detail: String,
    },
}

/// The attributes of an item of the results table.
pub mod attribute {
    /// Partition key: the chart's opaque id.
    pub const CHART: &str = "chart";
    /// Sort key: version and engine, [`OutcomeKey::sort`](super::OutcomeKey::sort).
    pub const CODING: &str = "coding";
    /// The run that wrote the item; partition key of the index [`BY_RUN`].
    pub const RUN: &str = "run";
    /// `coded` or `rejected`.
    pub const STATUS: &str = "status";
    /// The [`Outcome`](super::Outcome) as JSON text.
    pub const OUTCOME: &str = "outcome";
    /// Where the outcome lies in the results bucket when it is too large for
    /// an item ([400 KB](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html)).
    pub const OBJECT: &str = "object";
    /// The index of the results by run, sorted by chart.
    pub const BY_RUN: &str = "by_run";
}

/// The largest outcome, in bytes of JSON, that is stored in the item itself.
pub const INLINE_OUTCOME_LIMIT: usize = 350_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_that_say_no_format_are_still_read() {
        let stored = r#"{"status":"coded","coding":{"codes":[]}}"#;
        let outcome: Outcome = serde_json::from_str(stored).unwrap();
        assert_eq!(serde_json::to_string(&outcome).unwrap(), stored);
    }
}
