//! A term of the terminology in a note, and what became of it.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Decision, Disease, Joined};
use crate::Span;
use crate::assertion::{Assertion, Experiencer, Temporality};
use crate::attributes::Attribute;
use crate::icd_code::IcdCode;
use crate::rules::Rule;
use crate::section::SectionKind;

/// A term of the terminology in the note.
///
/// In JSON its `text` stands behind its `span`, and its `context` (`before` and `after`) last.
#[derive(Clone, Debug, PartialEq)]
pub struct Mention<'a> {
    /// Where it stands, in bytes.
    pub span: Span,
    /// What stands there, and around it.
    pub quote: Quote<'a>,
    /// The billable code that it means, if it says enough for one.
    pub code: Option<IcdCode>,
    /// The title of the code, of the category where no code is billable, or of the disease.
    pub title: Cow<'a, str>,
    /// The section that it stands in.
    pub section: SectionKind,
    /// How it is asserted.
    pub assertion: Assertion,
    /// When it holds.
    pub temporality: Temporality,
    /// Whose it is.
    pub experiencer: Experiencer,
    /// The diseases of MeSH or OMIM that it names; where it names several, each with its words.
    pub diseases: Box<[Disease<'a>]>,
    /// What is said beside it that its code was chosen by.
    pub attributes: Box<[Attribute<'a>]>,
    /// Whether it was coded.
    pub decision: Decision<'a>,
    /// The rule that decided so.
    pub rule: Rule,
    /// Further codes that it is evidence of together with other mentions.
    pub also: Box<[Joined<'a>]>,
}

impl Mention<'_> {
    /// What stands there.
    ///
    /// ```
    /// use lightsout_nlp::{Dictionary, Engine};
    /// let engine = Engine::new(Dictionary::fy2026());
    /// let coding = engine.code("Known gout.");
    /// assert_eq!(coding.mentions[0].text(), "gout");
    /// assert_eq!(coding.mentions[0].quote.before(), "Known ");
    /// ```
    pub fn text(&self) -> &str {
        self.quote.text()
    }
}

/// Words of a note with those around them, cut at character boundaries.
///
/// They are one piece of the note: a long note has hundreds of thousands of mentions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quote<'a> {
    words: Cow<'a, str>,
    /// How many bytes stand before the words that are meant, and after them.
    around: [u32; 2],
}

/// How many characters of the text a quote shows on each side.
const AROUND: usize = 40;

impl<'a> Quote<'a> {
    /// The words at a span of a text, which lies within it, with some 40 characters on each side.
    pub(crate) fn of(text: &'a str, span: Span) -> Self {
        let before = text.get(..span.start).unwrap_or_default();
        let after = text.get(span.end..).unwrap_or_default();
        let mut from = before.len().saturating_sub(AROUND);
        let mut to = after.len().min(AROUND);
        // Where a byte is a character, both are right already.
        if !before.as_bytes()[from..].is_ascii() {
            let last = before.char_indices().rev().take(AROUND).last();
            from = last.map_or(before.len(), |(at, _)| at);
        }
        if !after.as_bytes()[..to].is_ascii() {
            let next = after.char_indices().nth(AROUND);
            to = next.map_or(after.len(), |(at, _)| at);
        }
        Self {
            words: Span::new(from, span.end + to).of(text).into(),
            around: [span.start - from, to].map(in_bytes),
        }
    }

    /// The words that are meant.
    pub fn text(&self) -> &str {
        let [before, after] = self.places();
        self.words.get(before..after).unwrap_or_default()
    }

    /// What stands before them.
    pub fn before(&self) -> &str {
        self.words.get(..self.places()[0]).unwrap_or_default()
    }

    /// What stands after them.
    pub fn after(&self) -> &str {
        self.words.get(self.places()[1]..).unwrap_or_default()
    }

    /// Where the words that are meant begin and end.
    fn places(&self) -> [usize; 2] {
        let [before, after] = self.around.map(|bytes| bytes as usize);
        [before, self.words.len().saturating_sub(after)]
    }

    /// The same quote, which outlives the note.
    #[must_use]
    pub fn into_owned(self) -> Quote<'static> {
        Quote {
            words: Cow::Owned(self.words.into_owned()),
            around: self.around,
        }
    }
}

/// A length in the room that a quote has for it; what does not fit into it was no quote.
fn in_bytes(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// A mention as it is written, in the order of its parts.
#[derive(Serialize)]
struct Written<'m, 'a> {
    span: Span,
    text: &'m str,
    code: Option<IcdCode>,
    title: &'m str,
    section: SectionKind,
    assertion: Assertion,
    temporality: Temporality,
    experiencer: Experiencer,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    diseases: &'m [Disease<'a>],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    attributes: &'m [Attribute<'a>],
    decision: &'m Decision<'a>,
    rule: Rule,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    also: &'m [Joined<'a>],
    context: Context<&'m str>,
}

/// A mention as it is read back.
#[derive(Deserialize)]
struct Read<'a> {
    span: Span,
    text: String,
    code: Option<IcdCode>,
    title: Cow<'a, str>,
    section: SectionKind,
    assertion: Assertion,
    temporality: Temporality,
    experiencer: Experiencer,
    #[serde(default)]
    diseases: Box<[Disease<'a>]>,
    #[serde(default)]
    attributes: Box<[Attribute<'a>]>,
    decision: Decision<'a>,
    rule: Rule,
    #[serde(default)]
    also: Box<[Joined<'a>]>,
    context: Context<String>,
}

#[derive(Serialize, Deserialize)]
struct Context<S> {
    before: S,
    after: S,
}

impl Serialize for Mention<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = Written {
            span: self.span,
            text: self.text(),
            code: self.code,
            title: &self.title,
            section: self.section,
            assertion: self.assertion,
            temporality: self.temporality,
            experiencer: self.experiencer,
            diseases: &self.diseases,
            attributes: &self.attributes,
            decision: &self.decision,
            rule: self.rule,
            also: &self.also,
            context: Context {
                before: self.quote.before(),
                after: self.quote.after(),
            },
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Mention<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Read::deserialize(deserializer)?;
        let Context { before, after } = read.context;
        Ok(Self {
            span: read.span,
            quote: Quote {
                around: [before.len(), after.len()].map(in_bytes),
                words: Cow::Owned(before + &read.text + &after),
            },
            code: read.code,
            title: read.title,
            section: read.section,
            assertion: read.assertion,
            temporality: read.temporality,
            experiencer: read.experiencer,
            diseases: read.diseases,
            attributes: read.attributes,
            decision: read.decision,
            rule: read.rule,
            also: read.also,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(text: &str, words: &str) -> (String, String, String) {
        let start = text.find(words).expect("the text has the words");
        let quote = Quote::of(text, Span::new(start, start + words.len()));
        (
            quote.before().to_owned(),
            quote.text().to_owned(),
            quote.after().to_owned(),
        )
    }

    #[test]
    fn a_quote_shows_forty_characters_on_each_side() {
        for letter in ["x", "é", "—"] {
            let around = letter.repeat(60);
            let shown = letter.repeat(AROUND);
            let (before, text, after) = quoted(&format!("{around}gout{around}"), "gout");
            assert_eq!((before, text, after), (shown.clone(), "gout".into(), shown));
        }
        assert_eq!(
            quoted("gout", "gout"),
            (String::new(), "gout".into(), String::new())
        );
    }

    #[test]
    fn a_mention_reads_back_as_it_was_written() {
        let engine = crate::Engine::new(crate::Dictionary::fy2026());
        let coding =
            engine.code("— Gout of the left foot, hypertension and heart failure. No é fever.");
        assert!(coding.mentions.len() > 3);
        for mention in coding.mentions {
            let json = serde_json::to_string(&mention).expect("it is data");
            let read: Mention = serde_json::from_str(&json).expect("it reads back");
            assert_eq!(read, mention);
        }
    }
}
