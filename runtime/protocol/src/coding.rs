//! What is stored about a chart once it was coded or rejected.

use std::fmt;

use lightsout_phi::{AuditContext, Erase, Phi};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// Where a chart's version stands, for a refused message: no version of S3's is named so.
    const MESSAGE: &'static str = "message";

    /// Returns the key under which it is stored why a message was refused.
    pub fn of_message(id: &str, engine: &str) -> Self {
        Self {
            chart: id.to_owned(),
            version: Self::MESSAGE.to_owned(),
            engine: engine.to_owned(),
        }
    }

    /// Returns whether this is the key of a refused message, whose id stands in the chart's
    /// place.
    pub fn is_of_message(&self) -> bool {
        self.version == Self::MESSAGE
    }

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
        coding: Value,
        /// What the chart was written in, such as `cda`; outcomes of before say nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        format: Option<String>,
        /// Where the coded text came from; outcomes of before say nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Provenance>,
    },
    /// The chart cannot be coded, however often one tries.
    Rejected {
        /// A stable code, such as `not_utf8`.
        reason: String,
        /// What a person reads; never text of the chart.
        detail: String,
    },
}

/// How the narrative that was coded is found again, and what it leaves out.
///
/// Evidence refers to bytes of the narrative. The narrative itself is not stored a second
/// time: the inbox keeps the version of the chart that the outcome's key names, and
/// `lightsout_formats::read` takes the same narrative out of it. The two hashes tell that
/// neither the chart nor the reading of it has changed since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// SHA-256 of the chart's bytes as they were read, in hexadecimal digits.
    pub chart_sha256: String,
    /// SHA-256 of the narrative as UTF-8, in hexadecimal digits.
    pub narrative_sha256: String,
    /// The narrative's length in bytes.
    pub narrative_bytes: usize,
    /// The narrative's parts, in its order; headings that were added belong to none.
    pub parts: Vec<Part>,
    /// What the chart holds besides, and why it was not coded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// SHA-256 of the program that coded it, in hexadecimal digits; the engine's name has its
    /// version and that of the terminology.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program_sha256: Option<String>,
}

/// A part of a narrative, and where it stood in the chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Where the part begins, in bytes of the narrative.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Its place in the chart, in the format's own terms; never text of the chart.
    pub from: String,
}

/// A part of a chart, such as an attachment, that was not coded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its place in the chart; never text of the chart.
    pub from: String,
    /// A stable code, such as `attachment_elsewhere`.
    pub reason: String,
    /// What a person reads.
    pub detail: String,
}

/// What an [`Outcome`] says of a chart in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The chart was coded.
    Coded,
    /// The chart was rejected.
    Rejected,
}

impl Status {
    /// Returns the status as it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Coded => "coded",
            Self::Rejected => "rejected",
        }
    }
}

/// An outcome as it is stored: JSON text, written once.
#[derive(Clone)]
pub struct Encoded {
    status: Status,
    json: Phi<String>,
    codes: Phi<Vec<String>>,
}

/// Shows nothing of the text.
impl fmt::Debug for Encoded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Encoded")
            .field("status", &self.status)
            .field("bytes", &self.json.bytes())
            .finish_non_exhaustive()
    }
}

/// What the chart said is in the coding, and nowhere else.
impl Erase for Outcome {
    fn erase(&mut self) {
        if let Self::Coded { coding, .. } = self {
            coding.erase();
        }
    }
}

impl Outcome {
    /// Writes the outcome as it is stored; the same outcome gives the same bytes.
    pub fn encode(&self) -> serde_json::Result<Encoded> {
        Ok(Encoded {
            status: self.status(),
            json: Phi::new(serde_json::to_string(self)?),
            codes: Phi::new(Vec::new()),
        })
    }

    /// Returns whether the chart was coded or rejected.
    pub fn status(&self) -> Status {
        match self {
            Self::Coded { .. } => Status::Coded,
            Self::Rejected { .. } => Status::Rejected,
        }
    }
}

/// What follows the coding in an [`Outcome`].
#[derive(Serialize)]
struct Origin<'o> {
    format: &'o str,
    provenance: &'o Provenance,
}

/// The size of most outcomes, in bytes; growing a text copies it each time.
const USUAL: usize = 1 << 14;

impl Encoded {
    /// Writes an [`Outcome::Coded`], whose coding `push_coding` appends as JSON.
    ///
    /// The coding is most of an outcome, and a `Value` of it is never made: that would take
    /// longer than the coding itself.
    pub fn coded(
        push_coding: impl FnOnce(&mut String),
        format: &str,
        provenance: &Provenance,
    ) -> serde_json::Result<Self> {
        let origin = serde_json::to_string(&Origin { format, provenance })?;
        let mut json = String::with_capacity(USUAL);
        json.push_str(r#"{"status":"coded","coding":"#);
        push_coding(&mut json);
        json.push(',');
        json.push_str(&origin[1..]);
        Ok(Self {
            status: Status::Coded,
            json: Phi::new(json),
            codes: Phi::new(Vec::new()),
        })
    }

    /// Writes a rejection.
    pub fn rejected(reason: &str, detail: &str) -> Self {
        let outcome = Outcome::Rejected {
            reason: reason.to_owned(),
            detail: detail.to_owned(),
        };
        outcome.encode().expect("texts can always be written")
    }

    /// Returns whether the chart was coded or rejected.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Says which codes were found, to find charts by them.
    pub fn with_codes(mut self, codes: Vec<String>) -> Self {
        self.codes = Phi::new(codes);
        self
    }

    /// Returns the codes that were found.
    pub fn codes(&self, context: &dyn AuditContext) -> &[String] {
        self.codes.open(context)
    }

    /// Returns the length of the JSON text in bytes.
    pub fn bytes(&self) -> usize {
        self.json.bytes()
    }

    /// Returns the JSON text.
    pub fn json(&self, context: &dyn AuditContext) -> &str {
        self.json.open(context)
    }

    /// Returns the JSON text, without a copy.
    pub fn into_json(self, context: &dyn AuditContext) -> String {
        self.json.release(context)
    }
}

/// The attributes of an item of the results table.
pub mod attribute {
    /// Partition key: the chart's opaque id.
    pub const CHART: &str = "chart";
    /// Sort key: version and engine, [`OutcomeKey::sort`](super::OutcomeKey::sort).
    pub const CODING: &str = "coding";
    /// The run that wrote the item.
    pub const RUN: &str = "run";
    /// The [shard](crate::shard::RunShard) of that run; partition key of the index [`BY_RUN`].
    pub const RUN_SHARD: &str = "run_shard";
    /// `coded` or `rejected`.
    pub const STATUS: &str = "status";
    /// The [`Outcome`](super::Outcome) as JSON text.
    pub const OUTCOME: &str = "outcome";
    /// Where the outcome lies in the results bucket when it is too large for
    /// an item ([400 KB](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html)).
    pub const OBJECT: &str = "object";
    /// The index of the results by run, sorted by chart; of what is not a key, it holds the
    /// status and the codes. An index is never changed in place: another key has another name.
    pub const BY_RUN: &str = "by_run_shard";
    /// The [shard](crate::shard::RunShard) of the run that rejected; absent where nothing was
    /// rejected. Partition key of the index [`BY_REJECTION`].
    pub const REJECTED_SHARD: &str = "rejected_shard";
    /// The index of what was rejected by run, sorted by chart: the few among many. Of what is
    /// not a key, it holds the outcome and its hash.
    pub const BY_REJECTION: &str = "by_rejected_shard";
    /// The codes that were found, a list of texts; absent where there are none, and in outcomes
    /// of before.
    pub const CODES: &str = "codes";
    /// SHA-256 of the outcome's JSON text, in hexadecimal digits; absent in outcomes of before.
    pub const OUTCOME_SHA256: &str = "outcome_sha256";
}

/// The largest outcome, in bytes of JSON, that is stored in the item itself.
pub const INLINE_OUTCOME_LIMIT: usize = 350_000;

#[cfg(test)]
mod tests {
    use lightsout_phi::Synthetic;

    use super::*;

    #[test]
    fn outcomes_that_say_no_format_are_still_read() {
        let stored = r#"{"status":"coded","coding":{"codes":[]}}"#;
        let outcome: Outcome = serde_json::from_str(stored).unwrap();
        assert_eq!(outcome.encode().unwrap().json(&Synthetic), stored);
    }

    #[test]
    fn a_coding_that_is_appended_gives_the_same_outcome_as_its_value() {
        let part = |from: &str| Part {
            start: 0,
            end: 4,
            from: from.to_owned(),
        };
        let left_out = LeftOut {
            from: "content[1]".to_owned(),
            reason: "attachment_elsewhere".to_owned(),
            detail: "the \"attachment\" is a link".to_owned(),
        };
        for left_out in [vec![], vec![left_out]] {
            let provenance = Provenance {
                chart_sha256: "6".repeat(64),
                narrative_sha256: "9".repeat(64),
                narrative_bytes: 4,
                parts: vec![part("OBX[1]-5"), part("/html")],
                left_out,
                program_sha256: Some("5".repeat(64)),
            };
            let coding = serde_json::json!({"codes": [{"code": "M10.9"}]});
            let push = |json: &mut String| json.push_str(&coding.to_string());
            let appended = Encoded::coded(push, "hl7", &provenance).unwrap();
            let outcome = Outcome::Coded {
                coding: coding.clone(),
                format: Some("hl7".to_owned()),
                provenance: Some(provenance),
            };
            let whole = outcome.encode().unwrap();
            assert_eq!(appended.json(&Synthetic), whole.json(&Synthetic));
            assert_eq!(appended.status(), whole.status());
        }
    }

    #[test]
    fn a_rejection_reads_back() {
        let encoded = Encoded::rejected("empty", "the \"chart\" is empty");
        let outcome: Outcome = serde_json::from_str(encoded.json(&Synthetic)).unwrap();
        let again = outcome.encode().unwrap();
        assert_eq!(again.json(&Synthetic), encoded.json(&Synthetic));
        assert!(!format!("{encoded:?}").contains("chart"));
        assert_eq!(encoded.status(), Status::Rejected);
    }
}
