//! A coding as one line of JSON, for scoring against gold data.

use serde::Serialize;

use crate::Span;
use crate::assertion::{Assertion, Experiencer, Temporality};
use crate::coding::{Coding, Decision, Mention};

/// One document's answer; offsets count Unicode code points.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    /// The document's name.
    pub doc_id: String,
    /// Its codes.
    pub codes: Vec<RecordCode>,
    /// Its mentions, coded or not.
    pub mentions: Vec<RecordMention>,
}

/// A code of a [`Record`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordCode {
    /// The billable code, with its dot.
    pub code: String,
    /// Start and end of its evidence.
    pub spans: Vec<[usize; 2]>,
    /// Always present: only what is present becomes a code.
    pub assertion: Assertion,
    /// How sure the engine is, 0 to 1.
    pub score: f64,
}

/// A mention of a [`Record`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordMention {
    /// The first code point.
    pub start: usize,
    /// One past the last code point.
    pub end: usize,
    /// How it is asserted.
    pub assertion: Assertion,
    /// When it holds.
    pub temporality: Temporality,
    /// Whose it is.
    pub experiencer: Experiencer,
    /// The billable code that it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Whether the code counts for the document.
    pub coded: bool,
}

/// The record of one document, in time linear in its text.
pub fn to_jsonl_record(doc_id: &str, text: &str, coding: &Coding) -> Record {
    let chars = CodePoints::of(
        text,
        coding.mentions.iter().map(|mention| mention.span).chain(
            coding
                .codes
                .iter()
                .flat_map(|code| code.evidence.iter().copied()),
        ),
    );
    let codes = coding.codes.iter().map(|code| RecordCode {
        code: code.code.clone(),
        spans: code.evidence.iter().map(|span| chars.span(*span)).collect(),
        assertion: Assertion::Present,
        score: code.score,
    });
    Record {
        doc_id: doc_id.to_owned(),
        codes: codes.collect(),
        mentions: coding
            .mentions
            .iter()
            .map(|mention| record(mention, &chars))
            .collect(),
    }
}

/// The record of a document with one marked target and nothing else.
pub fn to_target_record(doc_id: &str, text: &str, mention: &Mention) -> Record {
    let chars = CodePoints::of(text, [mention.span]);
    Record {
        doc_id: doc_id.to_owned(),
        codes: Vec::new(),
        mentions: vec![record(mention, &chars)],
    }
}

fn record(mention: &Mention, chars: &CodePoints) -> RecordMention {
    let [start, end] = chars.span(mention.span);
    RecordMention {
        start,
        end,
        assertion: mention.assertion,
        temporality: mention.temporality,
        experiencer: mention.experiencer,
        code: mention.code.clone(),
        coded: mention.decision == Decision::Coded,
    }
}

/// The code points of some byte offsets, both in order.
struct CodePoints {
    bytes: Vec<usize>,
    points: Vec<usize>,
}

impl CodePoints {
    fn of(text: &str, spans: impl IntoIterator<Item = Span>) -> Self {
        let mut bytes: Vec<_> = spans
            .into_iter()
            .flat_map(|span| [span.start, span.end])
            .collect();
        bytes.sort_unstable();
        bytes.dedup();
        let mut points = Vec::with_capacity(bytes.len());
        let (mut at, mut point) = (0, 0);
        for byte in &bytes {
            point += text.get(at..*byte).map_or(0, |part| part.chars().count());
            at = *byte;
            points.push(point);
        }
        Self { bytes, points }
    }

    fn span(&self, span: Span) -> [usize; 2] {
        [span.start, span.end].map(|byte| {
            self.bytes
                .binary_search(&byte)
                .map_or(0, |at| self.points[at])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dictionary, Engine};

    #[test]
    fn offsets_count_code_points() {
        let engine = Engine::new(Dictionary::fy2026());
        let text = "Témpératüre 38 °C — fever, “cough”.";
        let record = to_jsonl_record("a", text, &engine.code(text));
        let chars: Vec<char> = text.chars().collect();
        let said: Vec<String> = record
            .mentions
            .iter()
            .map(|mention| chars[mention.start..mention.end].iter().collect())
            .collect();
        assert_eq!(said, ["fever", "cough"]);
        assert_eq!(record.codes.len(), 2);
    }
}
