//! A chart's codes as FHIR R4 resources.
//!
//! A [`Bundle`] of a chart holds a `DocumentReference` that names it and a `Condition` for each
//! code, confirmed, and for each code that mentions deny, doubt or place in the past and that
//! nothing else in the chart codes. What is hypothetical or a relative's is no condition of the
//! patient and not there. The text of the note is not there but for the words of evidence.
//! Identifiers follow from the chart's name and its codes: the same chart gives the same bytes.
//! The engine does not know the patient: `subject` names the chart, for the system that does.

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use super::Chart;
use super::marks::evidence;
use crate::Span;
use crate::assertion::Assertion;
use crate::check::Rejection;
use crate::coding::{Decision, Mention};
use crate::record::CodePoints;

/// The system of ICD-10-CM codes.
pub const ICD_10_CM: &str = "http://hl7.org/fhir/sid/icd-10-cm";
/// The extension that says where evidence stands: `start` and `end`, in Unicode code points.
pub const TEXT_SPAN: &str = "urn:x-lightsout:fhir:text-span";
const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/condition-category";

/// A resource that stands for a chart: a `Bundle`, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "resourceType")]
pub enum Resource {
    /// The chart's conditions.
    Bundle(Bundle),
    /// The chart was rejected.
    OperationOutcome(OperationOutcome),
}

/// A `Bundle` of type `collection`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bundle {
    /// Follows from the chart's name.
    pub id: String,
    /// `collection`.
    pub r#type: &'static str,
    /// The chart, then its conditions.
    pub entry: Vec<Entry>,
}

/// A resource of a [`Bundle`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// `urn:uuid:` and the resource's id.
    pub full_url: String,
    /// The resource.
    pub resource: Member,
}

/// The kinds of resource in a [`Bundle`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "resourceType")]
pub enum Member {
    /// The chart.
    DocumentReference(DocumentReference),
    /// A diagnosis, or one that the chart denies or doubts.
    Condition(Box<Condition>),
}

/// The chart, by its name and size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DocumentReference {
    /// Follows from the chart's name.
    pub id: String,
    /// `current`.
    pub status: &'static str,
    /// One attachment.
    pub content: [Content; 1],
}

/// What a [`DocumentReference`] holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Content {
    /// The chart's text, by reference.
    pub attachment: Attachment,
}

/// The chart's text, which is not included.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// `text/plain; charset=utf-8`.
    pub content_type: &'static str,
    /// The chart's name.
    pub title: String,
    /// The length of the text in bytes.
    pub size: usize,
}

/// A diagnosis with its status and evidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Follows from the chart's name, the code and the status.
    pub id: String,
    /// `active` or `inactive`; none for what is refuted or not confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clinical_status: Option<CodeableConcept>,
    /// `confirmed`, `refuted` or `unconfirmed`.
    pub verification_status: CodeableConcept,
    /// `encounter-diagnosis` for a code of the chart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub category: Vec<CodeableConcept>,
    /// The ICD-10-CM code.
    pub code: CodeableConcept,
    /// The patient of the chart.
    pub subject: Reference,
    /// Where the chart says so.
    pub evidence: Vec<Evidence>,
    /// The rules and what the tabular list's notes say, one note for each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub note: Vec<Annotation>,
}

/// A code and what it is called.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CodeableConcept {
    /// Where the words stand, for evidence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extension: Vec<TextSpan>,
    /// The code.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub coding: Vec<Coding>,
    /// The words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A code of a system.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coding {
    /// The system's address.
    pub system: &'static str,
    /// The edition, for ICD-10-CM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The code.
    pub code: String,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
}

/// A reference to another resource, or to what only has a name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reference {
    /// Its `fullUrl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
}

/// Words of the chart that a condition stands on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    /// The words, and where they stand.
    pub code: [CodeableConcept; 1],
    /// The chart.
    pub detail: [Reference; 1],
}

/// The extension [`TEXT_SPAN`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TextSpan {
    /// [`TEXT_SPAN`].
    pub url: &'static str,
    /// `start` and `end`.
    pub extension: [Offset; 2],
}

/// One end of a [`TextSpan`], in Unicode code points.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Offset {
    /// `start` or `end`.
    pub url: &'static str,
    /// How many code points come before.
    pub value_unsigned_int: usize,
}

/// A note in words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Annotation {
    /// The words.
    pub text: String,
}

/// Why a chart has no bundle.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OperationOutcome {
    /// Follows from the chart's name.
    pub id: String,
    /// One issue.
    pub issue: [Issue; 1],
}

/// What was wrong with a chart; nothing of its text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Issue {
    /// `error`.
    pub severity: &'static str,
    /// The kind, as FHIR names it.
    pub code: &'static str,
    /// The reason in words.
    pub diagnostics: String,
}

/// The conditions of a chart; `edition` names the edition of its codes, such as `2026`.
///
/// ```
/// use lightsout_nlp::render::{Chart, fhir};
/// use lightsout_nlp::{Dictionary, Engine};
///
/// let engine = Engine::new(Dictionary::fy2026());
/// let text = "ASSESSMENT: Asthma. No pneumonia.";
/// let coding = engine.code(text);
/// let chart = Chart { name: "visit.txt", text, coding: &coding };
/// let json = serde_json::to_value(fhir::bundle(&chart, engine.dictionary().edition())).unwrap();
/// let status = |at: usize| &json["entry"][at]["resource"]["verificationStatus"]["coding"][0]["code"];
/// assert_eq!((status(1), status(2)), (&"confirmed".into(), &"refuted".into()));
/// ```
pub fn bundle(chart: &Chart<'_>, edition: &str) -> Resource {
    let writer = Writer::new(chart, edition);
    let mut entry = vec![writer.document()];
    for code in &chart.coding.codes {
        let mut notes = Vec::new();
        for (_, mention) in evidence(chart.coding, &code.evidence) {
            notes.extend(mention.map(|mention| mention.rule.to_string()));
        }
        notes.extend(code.advice.iter().map(ToString::to_string));
        let kind = (Verification::Confirmed, Some("active"));
        entry.push(writer.condition(kind, &code.code, &code.title, &code.evidence, notes));
    }
    for ((code, kind), mentions) in others(chart) {
        let spans: Vec<_> = mentions.iter().map(|mention| mention.span).collect();
        let notes = mentions
            .iter()
            .filter_map(|mention| match &mention.decision {
                Decision::NotCoded(reason) => Some(format!("{reason}: {}", mention.rule)),
                Decision::Coded => None,
            });
        let title = &mentions[0].title;
        entry.push(writer.condition(kind, code, title, &spans, notes.collect()));
    }
    Resource::Bundle(Bundle {
        id: writer.id("bundle"),
        r#type: "collection",
        entry,
    })
}

/// Why a chart has no bundle.
pub fn rejected(name: &str, rejection: &Rejection) -> Resource {
    let code = match rejection {
        Rejection::TooLarge { .. } => "too-long",
        Rejection::Empty => "required",
        Rejection::NotUtf8 { .. } | Rejection::Binary { .. } => "structure",
    };
    Resource::OperationOutcome(OperationOutcome {
        id: id(name, "outcome"),
        issue: [Issue {
            severity: "error",
            code,
            diagnostics: format!("{name}: {rejection}"),
        }],
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verification {
    Confirmed,
    Unconfirmed,
    Refuted,
}

impl Verification {
    fn code(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Unconfirmed => "unconfirmed",
            Self::Refuted => "refuted",
        }
    }
}

type Kind = (Verification, Option<&'static str>);

/// What is denied, doubted or past and not coded from elsewhere, by code and status.
fn others<'c>(chart: &Chart<'c>) -> BTreeMap<(&'c str, Kind), Vec<&'c Mention<'c>>> {
    let coded: std::collections::BTreeSet<&str> = chart
        .coding
        .codes
        .iter()
        .map(|code| code.code.as_str())
        .collect();
    let mut others: BTreeMap<_, Vec<&Mention<'_>>> = BTreeMap::new();
    for mention in &chart.coding.mentions {
        let Some(code) = mention.code.as_deref().filter(|code| !coded.contains(code)) else {
            continue;
        };
        let kind = match mention.assertion {
            Assertion::Negated => (Verification::Refuted, None),
            Assertion::Possible => (Verification::Unconfirmed, None),
            Assertion::Historical => (Verification::Confirmed, Some("inactive")),
            Assertion::Present | Assertion::Hypothetical | Assertion::Family => continue,
        };
        others.entry((code, kind)).or_default().push(mention);
    }
    others
}

struct Writer<'c> {
    chart: &'c Chart<'c>,
    edition: &'c str,
    chars: CodePoints,
}

impl<'c> Writer<'c> {
    fn new(chart: &'c Chart<'c>, edition: &'c str) -> Self {
        let mentions = chart.coding.mentions.iter().map(|mention| mention.span);
        let codes = chart.coding.codes.iter().flat_map(|code| &code.evidence);
        Self {
            chart,
            edition,
            chars: CodePoints::of(chart.text, mentions.chain(codes.copied())),
        }
    }

    fn id(&self, what: &str) -> String {
        id(self.chart.name, what)
    }

    fn url(&self, what: &str) -> String {
        format!("urn:uuid:{}", self.id(what))
    }

    fn document(&self) -> Entry {
        Entry {
            full_url: self.url("document"),
            resource: Member::DocumentReference(DocumentReference {
                id: self.id("document"),
                status: "current",
                content: [Content {
                    attachment: Attachment {
                        content_type: "text/plain; charset=utf-8",
                        title: self.chart.name.to_owned(),
                        size: self.chart.text.len(),
                    },
                }],
            }),
        }
    }

    fn condition(
        &self,
        (verification, clinical): Kind,
        code: &str,
        title: &str,
        spans: &[Span],
        mut notes: Vec<String>,
    ) -> Entry {
        notes.sort_unstable();
        notes.dedup();
        let name = format!("{code} {} {}", verification.code(), clinical.unwrap_or(""));
        let is_coded = clinical == Some("active");
        let category = plain(CATEGORY, "encounter-diagnosis");
        Entry {
            full_url: self.url(&name),
            resource: Member::Condition(Box::new(Condition {
                id: self.id(&name),
                clinical_status: clinical.map(|status| plain(CLINICAL, status)),
                verification_status: plain(VERIFICATION, verification.code()),
                category: is_coded.then_some(category).into_iter().collect(),
                code: CodeableConcept {
                    coding: vec![Coding {
                        system: ICD_10_CM,
                        version: Some(self.edition.to_owned()),
                        code: code.to_owned(),
                        display: Some(title.to_owned()),
                    }],
                    ..CodeableConcept::default()
                },
                subject: Reference {
                    reference: None,
                    display: Some(format!("the patient of {}", self.chart.name)),
                },
                evidence: spans.iter().map(|span| self.evidence(*span)).collect(),
                note: notes.into_iter().map(|text| Annotation { text }).collect(),
            })),
        }
    }

    fn evidence(&self, span: Span) -> Evidence {
        let [start, end] = self.chars.span(span);
        let offset = |url, value| Offset {
            url,
            value_unsigned_int: value,
        };
        Evidence {
            code: [CodeableConcept {
                extension: vec![TextSpan {
                    url: TEXT_SPAN,
                    extension: [offset("start", start), offset("end", end)],
                }],
                coding: Vec::new(),
                text: Some(super::places::one_line(span.of(self.chart.text))),
            }],
            detail: [Reference {
                reference: Some(self.url("document")),
                display: None,
            }],
        }
    }
}

/// A name-based UUID (RFC 9562, version 5) within the chart's name.
fn id(chart: &str, what: &str) -> String {
    let chart = Uuid::new_v5(
        &Uuid::NAMESPACE_OID,
        format!("lightsout chart {chart}").as_bytes(),
    );
    Uuid::new_v5(&chart, what.as_bytes()).to_string()
}

fn plain(system: &'static str, code: &str) -> CodeableConcept {
    CodeableConcept {
        coding: vec![Coding {
            system,
            version: None,
            code: code.to_owned(),
            display: None,
        }],
        ..CodeableConcept::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dictionary, Engine};

    fn json(name: &str, text: &str) -> serde_json::Value {
        let engine = Engine::new(Dictionary::fy2026());
        let coding = engine.code(text);
        let chart = Chart {
            name,
            text,
            coding: &coding,
        };
        serde_json::to_value(bundle(&chart, engine.dictionary().edition())).unwrap()
    }

    #[test]
    fn evidence_says_its_place_in_code_points_and_names_the_chart() {
        let json = json("a", "É: Asthma.");
        let condition = &json["entry"][1]["resource"];
        assert_eq!(condition["resourceType"], "Condition");
        let evidence = &condition["evidence"][0];
        assert_eq!(evidence["code"][0]["text"], "Asthma");
        let span = &evidence["code"][0]["extension"][0]["extension"];
        assert_eq!(
            [&span[0]["valueUnsignedInt"], &span[1]["valueUnsignedInt"]],
            [3, 9]
        );
        assert_eq!(
            evidence["detail"][0]["reference"],
            json["entry"][0]["fullUrl"]
        );
    }

    #[test]
    fn what_is_coded_is_not_refuted_too_and_relatives_have_no_condition() {
        let json = json(
            "a",
            "HPI: No asthma attack. Denies gout.\nFAMILY HISTORY: stroke\nASSESSMENT: Gout.",
        );
        let entries = json["entry"].as_array().unwrap();
        let codes: Vec<_> = entries[1..]
            .iter()
            .map(|entry| {
                entry["resource"]["code"]["coding"][0]["code"]
                    .as_str()
                    .unwrap()
            })
            .collect();
        assert!(
            codes.iter().filter(|code| **code == "M10.9").count() == 1,
            "{codes:?}"
        );
        assert!(!codes.contains(&"I63.9"), "{codes:?}");
    }

    #[test]
    fn identifiers_are_the_same_again_and_differ_between_charts() {
        let ids = |name| -> Vec<String> {
            let json = json(name, "Asthma. Gout. No fever.");
            let entries = json["entry"].as_array().unwrap();
            entries
                .iter()
                .map(|entry| entry["fullUrl"].as_str().unwrap().to_owned())
                .collect()
        };
        let (first, again, other) = (ids("a"), ids("a"), ids("b"));
        assert_eq!(first, again);
        let mut all = [first.clone(), other].concat();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), first.len() * 2);
    }
}
