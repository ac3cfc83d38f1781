//! A coding as one line of JSON, for scoring against gold data.

use std::borrow::Cow;

use serde::Serialize;

use crate::Span;
use crate::assertion::{Assertion, Experiencer, Temporality};
use crate::coding::{Coding, Decision, Doid, Mention};
use crate::icd_code::IcdCode;

/// One document's answer; offsets count Unicode code points.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record<'a> {
    /// The document's name.
    pub doc_id: String,
    /// The edition of ICD-10-CM that the codes are of.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub edition: Cow<'a, str>,
    /// Its codes.
    pub codes: Vec<RecordCode>,
    /// Its mentions, coded or not.
    pub mentions: Vec<RecordMention<'a>>,
}

/// A code of a [`Record`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordCode {
    /// The billable code, with its dot.
    pub code: IcdCode,
    /// Start and end of its evidence.
    pub spans: Vec<[usize; 2]>,
    /// Always present: only what is present becomes a code.
    pub assertion: Assertion,
    /// How sure the engine is, 0 to 1.
    pub score: f64,
}

/// A mention of a [`Record`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordMention<'a> {
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
    pub code: Option<IcdCode>,
    /// Whether the code counts for the document.
    pub coded: bool,
    /// The disease that it names: `D…` or `C…` of MeSH, or `OMIM:…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mesh: Option<Cow<'a, str>>,
    /// The same disease in the Disease Ontology.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doid: Option<Doid>,
}

/// The record of one document, in time linear in its text.
pub fn to_jsonl_record<'a>(doc_id: &str, text: &str, coding: &Coding<'a>) -> Record<'a> {
    let chars = CodePoints::of(
        text,
        coding
            .mentions
            .iter()
            .flat_map(|mention| {
                let diseases = mention.diseases.iter().map(|disease| disease.span);
                std::iter::once(mention.span).chain(diseases)
            })
            .chain(
                coding
                    .codes
                    .iter()
                    .flat_map(|code| code.evidence.iter().copied()),
            ),
    );
    let codes = coding.codes.iter().map(|code| RecordCode {
        code: code.code,
        spans: code.evidence.iter().map(|span| chars.span(*span)).collect(),
        assertion: Assertion::Present,
        score: code.score,
    });
    Record {
        doc_id: doc_id.to_owned(),
        edition: coding.edition.clone(),
        codes: codes.collect(),
        mentions: coding
            .mentions
            .iter()
            .flat_map(|mention| records(mention, &chars))
            .collect(),
    }
}

/// The record of a document with one marked target and nothing else.
pub fn to_target_record(doc_id: &str, text: &str, mention: &Mention<'_>) -> Record<'static> {
    let chars = CodePoints::of(text, [mention.span]);
    Record {
        doc_id: doc_id.to_owned(),
        edition: Cow::Borrowed(""),
        codes: Vec::new(),
        mentions: vec![record(mention, &chars)],
    }
}

/// The record of a mention, and one more for each disease that other words of it name.
fn records<'a>(mention: &Mention<'a>, chars: &CodePoints) -> Vec<RecordMention<'a>> {
    let mut records = vec![record(mention, chars)];
    for disease in &mention.diseases {
        let own = disease.span == mention.span && records[0].mesh.is_none();
        if !own {
            let [start, end] = chars.span(disease.span);
            records.push(RecordMention {
                start,
                end,
                code: None,
                coded: false,
                ..record(mention, chars)
            });
        }
        let at = if own { 0 } else { records.len() - 1 };
        records[at].mesh = Some(disease.mesh.clone());
        records[at].doid = disease.doid;
    }
    records
}

fn record(mention: &Mention<'_>, chars: &CodePoints) -> RecordMention<'static> {
    let [start, end] = chars.span(mention.span);
    RecordMention {
        start,
        end,
        assertion: mention.assertion,
        temporality: mention.temporality,
        experiencer: mention.experiencer,
        code: mention.code,
        coded: mention.decision == Decision::Coded,
        mesh: None,
        doid: None,
    }
}

/// The code points of some byte offsets, both in order.
pub(crate) struct CodePoints {
    bytes: Vec<usize>,
    points: Vec<usize>,
}

impl CodePoints {
    pub(crate) fn of(text: &str, spans: impl IntoIterator<Item = Span>) -> Self {
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

    pub(crate) fn span(&self, span: Span) -> [usize; 2] {
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

    #[test]
    fn diseases_are_told_whatever_is_coded() {
        let engine = Engine::new(Dictionary::fy2026());
        let told = |text: &str| -> Vec<(String, Option<String>, Option<String>)> {
            to_jsonl_record("a", text, &engine.code(text))
                .mentions
                .iter()
                .map(|mention| {
                    let said = text[mention.start..mention.end].to_owned();
                    (
                        said,
                        mention.code.map(String::from),
                        mention.mesh.as_deref().map(str::to_owned),
                    )
                })
                .collect()
        };
        let row = |said: &str, code: Option<&str>, mesh: Option<&str>| {
            (
                said.to_owned(),
                code.map(str::to_owned),
                mesh.map(str::to_owned),
            )
        };
        assert_eq!(
            told("No gout."),
            [row("gout", Some("M10.9"), Some("D006073"))]
        );
        assert_eq!(
            told("Known Netherton syndrome."),
            [row("Netherton syndrome", None, Some("D056770"))],
            "a disease without a code"
        );
    }
}
