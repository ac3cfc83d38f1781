//! Codings as JSON, byte for byte as `serde_json` writes them, in a fraction of its time.
//!
//! Whoever codes charts by the million stores of each a JSON that is many times as long as its
//! text: a thousand short names and values, which took a fifth of the time of coding to write.
//! Here all that stands between two values is appended as one piece, and of a text
//! many characters are looked at at once for one that needs an escape.

use super::{Advice, Code, Coding, Decision, Disease, Joined, Mention, Reason};
use crate::Span;
use crate::assertion::{Assertion, Experiencer, Temporality};
use crate::attributes::Attribute;
use crate::section::SectionKind;
use crate::setting::Setting;

impl Coding<'_> {
    /// Appends the coding to a text as JSON, as `serde_json` writes it.
    ///
    /// ```
    /// use lightsout_nlp::{Dictionary, Engine};
    ///
    /// let engine = Engine::new(Dictionary::fy2026());
    /// let coding = engine.code("Assessment: gout.");
    /// let mut json = String::new();
    /// coding.push_json(&mut json);
    /// assert_eq!(json, serde_json::to_string(&coding)?);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn push_json(&self, json: &mut String) {
        let Self {
            edition,
            codes,
            mentions,
            setting,
        } = self;
        json.push_str(r#"{"edition":""#);
        push_text(json, edition);
        json.push_str(r#"","codes":"#);
        push_list(json, codes, push_code);
        json.push_str(r#","mentions":"#);
        push_list(json, mentions, push_mention);
        json.push_str(r#","setting":""#);
        json.push_str(match setting {
            Setting::Outpatient => "outpatient",
            Setting::Inpatient => "inpatient",
        });
        json.push_str(r#""}"#);
    }
}

fn push_code(json: &mut String, code: &Code<'_>) {
    let Code {
        code,
        title,
        evidence,
        rule,
        score,
        because,
        advice,
    } = code;
    json.push_str(r#"{"code":""#);
    json.push_str(code);
    json.push_str(r#"","title":""#);
    push_text(json, title);
    json.push_str(r#"","evidence":"#);
    push_list(json, evidence, push_span);
    json.push_str(r#","rule":""#);
    json.push_str(rule.id());
    json.push_str(r#"","score":"#);
    if score.is_finite() {
        json.push_str(zmij::Buffer::new().format_finite(*score));
    } else {
        json.push_str("null");
    }
    if !because.is_empty() {
        json.push_str(r#","because":"#);
        push_list(json, because, |json, reason| {
            json.push('"');
            push_text(json, reason);
            json.push('"');
        });
    }
    if !advice.is_empty() {
        json.push_str(r#","advice":"#);
        push_list(json, advice, push_advice);
    }
    json.push('}');
}

fn push_advice(json: &mut String, advice: &Advice) {
    let Advice { rule, says, codes } = advice;
    json.push_str(r#"{"rule":""#);
    json.push_str(rule.id());
    if !says.is_empty() {
        json.push_str(r#"","says":""#);
        push_text(json, says);
    }
    json.push_str(r#"","codes":"#);
    push_list(json, codes, |json, code| {
        json.push('"');
        json.push_str(code);
        json.push('"');
    });
    json.push('}');
}

fn push_mention(json: &mut String, mention: &Mention<'_>) {
    let Mention {
        span,
        quote,
        code,
        title,
        section,
        assertion,
        temporality,
        experiencer,
        diseases,
        attributes,
        decision,
        rule,
        also,
    } = mention;
    json.push_str(r#"{"span":"#);
    push_span(json, span);
    json.push_str(r#","text":""#);
    push_text(json, quote.text());
    match code {
        Some(code) => {
            json.push_str(r#"","code":""#);
            json.push_str(code);
            json.push_str(r#"","title":""#);
        }
        None => json.push_str(r#"","code":null,"title":""#),
    }
    push_text(json, title);
    json.push_str(r#"","section":""#);
    json.push_str(section_name(*section));
    json.push_str(r#"","assertion":""#);
    json.push_str(assertion_name(*assertion));
    json.push_str(r#"","temporality":""#);
    json.push_str(temporality_name(*temporality));
    json.push_str(r#"","experiencer":""#);
    json.push_str(experiencer_name(*experiencer));
    json.push('"');
    if !diseases.is_empty() {
        json.push_str(r#","diseases":"#);
        push_list(json, diseases, push_disease);
    }
    if !attributes.is_empty() {
        json.push_str(r#","attributes":"#);
        push_list(json, attributes, push_attribute);
    }
    match decision {
        Decision::Coded => json.push_str(r#","decision":{"status":"coded"},"rule":""#),
        Decision::NotCoded(reason) => {
            json.push_str(r#","decision":{"status":"not_coded","reason":""#);
            push_reason(json, reason);
            json.push_str(r#""},"rule":""#);
        }
    }
    json.push_str(rule.id());
    json.push('"');
    if !also.is_empty() {
        json.push_str(r#","also":"#);
        push_list(json, also, push_joined);
    }
    json.push_str(r#","context":{"before":""#);
    push_text(json, quote.before());
    json.push_str(r#"","after":""#);
    push_text(json, quote.after());
    json.push_str(r#""}}"#);
}

fn push_disease(json: &mut String, disease: &Disease<'_>) {
    let Disease { span, mesh, doid } = disease;
    json.push_str(r#"{"span":"#);
    push_span(json, span);
    json.push_str(r#","mesh":""#);
    push_text(json, mesh);
    if let Some(doid) = doid {
        json.push_str(r#"","doid":"DOID:"#);
        json.push_str(itoa::Buffer::new().format(doid.0));
    }
    json.push_str(r#""}"#);
}

fn push_attribute(json: &mut String, attribute: &Attribute<'_>) {
    let Attribute { kind, value, span } = attribute;
    json.push_str(r#"{"kind":""#);
    json.push_str(kind.name());
    json.push_str(r#"","value":""#);
    push_text(json, value);
    json.push_str(r#"","span":"#);
    push_span(json, span);
    json.push('}');
}

fn push_joined(json: &mut String, joined: &Joined<'_>) {
    let Joined { code, title, rule } = joined;
    json.push_str(r#"{"code":""#);
    json.push_str(code);
    json.push_str(r#"","title":""#);
    push_text(json, title);
    json.push_str(r#"","rule":""#);
    json.push_str(rule.id());
    json.push_str(r#""}"#);
}

fn push_span(json: &mut String, span: &Span) {
    let mut digits = itoa::Buffer::new();
    json.push_str(r#"{"start":"#);
    json.push_str(digits.format(span.start));
    json.push_str(r#","end":"#);
    json.push_str(digits.format(span.end));
    json.push('}');
}

fn push_reason(json: &mut String, reason: &Reason<'_>) {
    let (what, quoted) = reason.said();
    json.push_str(what);
    if let Some(quoted) = quoted {
        json.push('`');
        push_text(json, quoted);
        json.push('`');
    }
}

fn push_list<T>(json: &mut String, items: &[T], push: impl Fn(&mut String, &T)) {
    json.push('[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            json.push(',');
        }
        push(json, item);
    }
    json.push(']');
}

/// Appends what stands between the quotation marks of a text.
fn push_text(json: &mut String, text: &str) {
    let bytes = text.as_bytes();
    if are_all_plain(bytes) {
        json.push_str(text);
        return;
    }
    let (words, rest) = bytes.as_chunks();
    let mut copied = 0;
    let mut escape_at = |json: &mut String, at: usize| {
        json.push_str(&text[copied..at]);
        push_escape(json, bytes[at]);
        copied = at + 1;
    };
    for (at, word) in words.iter().enumerate() {
        let mut escaped = escaped_in(u64::from_le_bytes(*word));
        while escaped != 0 {
            escape_at(json, at * 8 + escaped.trailing_zeros() as usize / 8);
            escaped &= escaped - 1;
        }
    }
    for (at, byte) in rest.iter().enumerate() {
        if !is_plain(*byte) {
            escape_at(json, words.len() * 8 + at);
        }
    }
    json.push_str(&text[copied..]);
}

/// The bytes of a word that JSON wants escaped, each by its highest bit.
///
/// Adding 127 to seven bits gives the eighth unless they are all nought, and carries nothing
/// into the next byte.
fn escaped_in(word: u64) -> u64 {
    const EACH: u64 = u64::MAX / 0xff;
    const LOW: u64 = EACH * 0x7f;
    let is_other = |bits: u64| (bits & LOW) + LOW;
    let is_no_control = is_other(word & (EACH * 0x60));
    let is_no_mark = is_other(word ^ (EACH * u64::from(b'"')));
    let is_no_slash = is_other(word ^ (EACH * u64::from(b'\\')));
    !((is_no_control & is_no_mark & is_no_slash) | word) & !LOW
}

/// Whether a byte of UTF-8 stands in JSON as it is.
const fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

/// Whether bytes stand in JSON as they are: without a way out before the end, so that the
/// processor looks at many of them at once.
fn are_plain<const MANY: usize>(bytes: &[u8; MANY]) -> bool {
    bytes.iter().fold(true, |all, byte| all & is_plain(*byte))
}

fn are_all_plain(bytes: &[u8]) -> bool {
    let (blocks, rest) = bytes.as_chunks::<16>();
    // Of the end, bytes that were looked at before are looked at again.
    let is_rest_plain = match (
        bytes.last_chunk::<16>(),
        bytes.first_chunk::<8>(),
        bytes.last_chunk::<8>(),
    ) {
        (Some(last), ..) => are_plain(last),
        (None, Some(first), Some(last)) => are_plain(first) & are_plain(last),
        _ => rest.iter().all(|byte| is_plain(*byte)),
    };
    is_rest_plain && blocks.iter().all(are_plain)
}

fn push_escape(json: &mut String, byte: u8) {
    let short = match byte {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        b'\n' => "\\n",
        b'\r' => "\\r",
        b'\t' => "\\t",
        0x08 => "\\b",
        0x0c => "\\f",
        _ => {
            let digit = |half| char::from_digit(u32::from(half), 16).unwrap_or('0');
            json.push_str("\\u00");
            json.push(digit(byte >> 4));
            json.push(digit(byte & 15));
            return;
        }
    };
    json.push_str(short);
}

fn section_name(section: SectionKind) -> &'static str {
    match section {
        SectionKind::Unnamed => "unnamed",
        SectionKind::ChiefComplaint => "chief_complaint",
        SectionKind::Indication => "indication",
        SectionKind::PresentIllness => "present_illness",
        SectionKind::PastMedicalHistory => "past_medical_history",
        SectionKind::PastSurgicalHistory => "past_surgical_history",
        SectionKind::FamilyHistory => "family_history",
        SectionKind::SocialHistory => "social_history",
        SectionKind::ObstetricHistory => "obstetric_history",
        SectionKind::ReviewOfSystems => "review_of_systems",
        SectionKind::Medications => "medications",
        SectionKind::Allergies => "allergies",
        SectionKind::Examination => "examination",
        SectionKind::Results => "results",
        SectionKind::Technique => "technique",
        SectionKind::Assessment => "assessment",
        SectionKind::Plan => "plan",
        SectionKind::Instructions => "instructions",
    }
}

fn assertion_name(assertion: Assertion) -> &'static str {
    match assertion {
        Assertion::Present => "present",
        Assertion::Negated => "negated",
        Assertion::Possible => "possible",
        Assertion::Hypothetical => "hypothetical",
        Assertion::Historical => "historical",
        Assertion::Family => "family",
    }
}

fn temporality_name(temporality: Temporality) -> &'static str {
    match temporality {
        Temporality::Recent => "recent",
        Temporality::Historical => "historical",
        Temporality::Hypothetical => "hypothetical",
    }
}

fn experiencer_name(experiencer: Experiencer) -> &'static str {
    match experiencer {
        Experiencer::Patient => "patient",
        Experiencer::Other => "other",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::{Serialize, de::DeserializeOwned};

    use super::*;
    use crate::attributes::AttributeKind;
    use crate::coding::{Doid, Quote};
    use crate::icd_code::IcdCode;
    use crate::rules::Rule;

    /// Every value of an enum of plain names, as serde lists them where it knows a name not.
    fn every<T: DeserializeOwned>() -> Vec<T> {
        let error = serde_json::from_str::<T>(r#""?""#).err();
        let said = error.expect("no variant has this name").to_string();
        let names = said.split('`').skip(3).step_by(2);
        let all: Vec<T> = names
            .map(|name| serde_json::from_str(&format!("\"{name}\"")).expect("serde lists it"))
            .collect();
        assert!(all.len() > 1, "{said}");
        all
    }

    fn as_serde_writes(value: impl Serialize) -> String {
        let json = serde_json::to_string(&value).expect("it can be written");
        json.trim_matches('"').to_owned()
    }

    #[test]
    fn names_are_those_of_serde() {
        for section in every() {
            assert_eq!(section_name(section), as_serde_writes(section));
        }
        for assertion in every() {
            assert_eq!(assertion_name(assertion), as_serde_writes(assertion));
        }
        for temporality in every() {
            assert_eq!(temporality_name(temporality), as_serde_writes(temporality));
        }
        for experiencer in every() {
            assert_eq!(experiencer_name(experiencer), as_serde_writes(experiencer));
        }
        for kind in every::<AttributeKind>() {
            assert_eq!(kind.name(), as_serde_writes(kind));
        }
        for rule in every::<Rule>() {
            assert_eq!(rule.id(), as_serde_writes(rule));
        }
    }

    fn reason(cue: &str, which: usize) -> Reason<'_> {
        let cue = cue.into();
        let code = IcdCode::default();
        match which {
            0 => Reason::Negated { cue },
            1 => Reason::Possible { cue },
            2 => Reason::Hypothetical { cue },
            3 => Reason::Historical { cue },
            4 => Reason::Family { cue },
            5 => Reason::Section { section: cue },
            6 => Reason::NotSpecific { category: code },
            7 => Reason::NoCode,
            8 => Reason::Superseded { by: code },
            9 => Reason::Integral { to: code },
            10 => Reason::Excluded { by: code },
            11 => Reason::NotChosen { because: cue },
            12 => Reason::ExternalCause,
            _ => Reason::AssertionOnly,
        }
    }

    /// A coding with one of everything in it, or with nothing that may be left out.
    fn coding(text: &str, number: usize, score: f64, is_full: bool) -> Coding<'_> {
        let code: IcdCode = "S52.501A".parse().expect("it is a code");
        let some = usize::from(is_full);
        let third = text.chars().count() / 3;
        let middle = Span::from_chars(text, third, 2 * third).expect("it lies within the text");
        let span = Span {
            start: number,
            end: number / 2,
        };
        let advice = |says: &str| Advice {
            rule: Rule::CodeFirst,
            says: says.to_owned(),
            codes: vec![code; 2 * some],
        };
        let mention = |which| Mention {
            span,
            quote: Quote::of(text, middle),
            code: is_full.then_some(code),
            title: text.into(),
            section: SectionKind::default(),
            assertion: Assertion::Family,
            temporality: Temporality::Recent,
            experiencer: Experiencer::Other,
            diseases: vec![
                Disease {
                    span,
                    mesh: text.into(),
                    doid: u32::try_from(number).ok().map(Doid),
                };
                2 * some
            ]
            .into(),
            attributes: vec![
                Attribute {
                    kind: AttributeKind::Site,
                    value: text.into(),
                    span,
                };
                2 * some
            ]
            .into(),
            decision: match which {
                Some(which) => Decision::NotCoded(reason(text, which)),
                None => Decision::Coded,
            },
            rule: Rule::Documented,
            also: vec![
                Joined {
                    code,
                    title: text.into(),
                    rule: Rule::Combination,
                };
                2 * some
            ]
            .into(),
        };
        Coding {
            edition: text.into(),
            codes: vec![
                Code {
                    code,
                    title: text.into(),
                    evidence: vec![span; 2 * some],
                    rule: Rule::Learnt,
                    score,
                    because: vec![text.to_owned(); 2 * some],
                    advice: vec![advice(text), advice("")][..2 * some].to_vec(),
                };
                2 * some
            ],
            mentions: (0..14).map(Some).chain([None]).map(mention).collect(),
            setting: if is_full {
                Setting::Inpatient
            } else {
                Setting::Outpatient
            },
        }
    }

    proptest! {
        #[test]
        fn codings_are_written_as_serde_json_writes_them(
            // Marks that are escaped, among plain and other letters, at every place of eight.
            text in "[a-z\"\\\\\u{0}-\u{20}é\u{7f}\u{100}]{0,40}",
            number: usize,
            score in prop_oneof![0.0..=1.0, any::<f64>()],
            is_full: bool,
        ) {
            let coding = coding(&text, number, score, is_full);
            let mut json = String::new();
            coding.push_json(&mut json);
            prop_assert_eq!(json, serde_json::to_string(&coding).unwrap());
        }

        #[test]
        fn any_text_is_written_as_serde_json_writes_it(text: String) {
            let mut json = "\"".to_owned();
            push_text(&mut json, &text);
            json.push('"');
            prop_assert_eq!(json, serde_json::to_string(&text).unwrap());
        }
    }
}
