//! What a note says beside a condition: its side, acuity, severity, stage, place and the like.
//!
//! The table of attributes is data (`terminology/attributes.tsv`); what titles ask for is laid
//! out in the dictionary. Here the words around a mention are read for it: those before it in
//! the same noun phrase, those inside it, and those after it up to a mark, a verb or another
//! condition. What is denied there counts for nothing.

pub(crate) mod following;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::Span;
use crate::concept::Concept;
use crate::dictionary::{AttributeTables, Dictionary, Feature, WordClass, value_feature};
use crate::token::Token;

/// Something said of a mention that its code was chosen by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute<'a> {
    /// What sort of thing it is.
    pub kind: AttributeKind,
    /// What it is, as the table of attributes or a title has it.
    pub value: Cow<'a, str>,
    /// Where the note says so, in bytes.
    pub span: Span,
}

/// What sort of thing an attribute says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributeKind {
    /// Right, left or bilateral.
    Laterality,
    /// Acute, chronic, and between.
    Acuity,
    /// Mild to severe, intermittent or persistent.
    Severity,
    /// First, single, recurrent, or what remains of it.
    Episode,
    /// The third of a pregnancy.
    Trimester,
    /// How diabetes is controlled.
    Control,
    /// Of a chronic kidney disease or a pressure ulcer.
    Stage,
    /// What comes with it: an exacerbation, bleeding, obstruction.
    Complication,
    /// Whether a fracture is displaced.
    Displacement,
    /// Whether a fracture is open.
    Opening,
    /// What causes an infection.
    Organism,
    /// How far it reaches.
    Extent,
    /// Where in the body it is.
    Site,
    /// Another word of a title.
    Detail,
}

/// One thing said in a neighbourhood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) feature: Feature,
    /// Two for what is said, one for what only follows from it.
    pub(crate) weight: u32,
    /// The tokens that say it.
    pub(crate) tokens: Span,
}

/// How many tokens before a mention are read, and how many after it.
const BEFORE: usize = 6;
const AFTER: usize = 9;
/// How many tokens are read before `of` (`acute exacerbation of asthma`).
const BEFORE_OF: usize = 3;

const KINDS: [(AttributeKind, &str); 14] = [
    (AttributeKind::Laterality, "laterality"),
    (AttributeKind::Acuity, "acuity"),
    (AttributeKind::Severity, "severity"),
    (AttributeKind::Episode, "episode"),
    (AttributeKind::Trimester, "trimester"),
    (AttributeKind::Control, "control"),
    (AttributeKind::Stage, "stage"),
    (AttributeKind::Complication, "complication"),
    (AttributeKind::Displacement, "displacement"),
    (AttributeKind::Opening, "opening"),
    (AttributeKind::Organism, "organism"),
    (AttributeKind::Extent, "extent"),
    (AttributeKind::Site, "site"),
    (AttributeKind::Detail, "detail"),
];

impl AttributeKind {
    /// The kind that the table of attributes calls so.
    pub fn named(name: &str) -> Option<Self> {
        KINDS
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(kind, _)| *kind)
    }

    /// What the table of attributes calls it.
    pub fn name(self) -> &'static str {
        KINDS[self as usize].1
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        KINDS.get(number as usize).map(|(kind, _)| *kind)
    }

    #[cfg(any(feature = "build", test))]
    pub(crate) fn number(self) -> u8 {
        self as u8
    }
}

/// Reads what is said around one of a sentence's concepts.
pub(crate) fn neighbourhood(
    dictionary: &Dictionary,
    text: &str,
    tokens: &[Token],
    concepts: &[Concept],
    at: usize,
    said: &mut Vec<Said>,
) {
    said.clear();
    let tables = dictionary.attributes();
    let mut reading = Reading {
        dictionary,
        tables,
        text,
        tokens,
        said,
    };
    let own = concepts[at].tokens;
    let is_condition = |concept: &&Concept| concept.meaning.has_code();
    let before = concepts[..at].iter().rev().find(is_condition);
    let from = before.map_or(0, |before| before.tokens.end);
    reading.all(own);
    reading.before(own.start, from);
    reading.after(own.end, &concepts[at + 1..], false);
}

impl Said {
    /// Where the text says so, in bytes, as the tokens of its sentence tell.
    pub(crate) fn bytes(&self, tokens: &[Token]) -> Span {
        let (first, last) = (&tokens[self.tokens.start], &tokens[self.tokens.end - 1]);
        Span::new(first.span.start, last.span.end)
    }
}

struct Reading<'r> {
    dictionary: &'r Dictionary,
    tables: &'r AttributeTables,
    text: &'r str,
    tokens: &'r [Token],
    said: &'r mut Vec<Said>,
}

impl Reading<'_> {
    /// Takes every word and phrase within, up to one that denies: what diabetes is without is
    /// not said of it.
    fn all(&mut self, within: Span) {
        let mut at = within.start;
        while at < within.end {
            at = match self.phrase(at, within.end) {
                Some(end) => end,
                None if self.is(at, WordClass::Deny) => return,
                None => {
                    self.word(at);
                    at + 1
                }
            };
        }
    }

    /// Takes the words before a mention that belong to its noun phrase.
    fn before(&mut self, end: usize, from: usize) {
        let start = self.phrase_start(end, from.max(end.saturating_sub(BEFORE)));
        self.all(Span::new(start, end));
        let is_of = |at: &usize| self.is_of(*at);
        let Some(of) = start.checked_sub(1).filter(|of| *of >= from && is_of(of)) else {
            return;
        };
        let first = self.phrase_start(of, from.max(of.saturating_sub(BEFORE_OF)));
        let is_denied = first > 0 && self.is(first - 1, WordClass::Deny);
        if is_denied {
            return;
        }
        let mut at = first;
        while at < of {
            at = self.phrase(at, of).unwrap_or(at + 1);
        }
    }

    /// The first token, from `from` on, of the noun phrase that reaches up to `end`.
    fn phrase_start(&self, end: usize, from: usize) -> usize {
        (from..end)
            .rev()
            .find(|at| self.is_border(*at) || self.is_of(*at))
            .map_or(from, |border| border + 1)
    }

    /// Takes what follows a mention up to what is said of something else, and says where that is.
    ///
    /// In a list only phrases of the table count.
    fn after(&mut self, start: usize, next: &[Concept], mut is_listed: bool) -> usize {
        let end = self.tokens.len().min(start + AFTER);
        let conditions = next.iter().filter(|concept| concept.meaning.has_code());
        let mut next = conditions.map(|concept| concept.tokens);
        let mut other = next.next();
        let mut at = start;
        while at < end {
            if let Some(tokens) = other.filter(|tokens| tokens.start == at) {
                // Another condition belongs to this one only when it is linked to it.
                if at > start && self.is(at - 1, WordClass::Link) {
                    self.all(tokens);
                    return tokens.end;
                }
                return at;
            }
            while other.is_some_and(|tokens| tokens.start < at) {
                other = next.next();
            }
            let bound = other.map_or(end, |tokens| tokens.start.min(end));
            if let Some(past) = self.phrase(at, bound) {
                at = past;
                continue;
            }
            match self.bytes(at) {
                // After a comma or within brackets is a list.
                b"," | b"(" => is_listed = true,
                _ if is_listed
                    && (self.is(at, WordClass::Pass) || self.is(at, WordClass::Link)) => {}
                _ if is_listed || self.is_border(at) => return at,
                _ => self.word(at),
            }
            at += 1;
        }
        at
    }

    /// Takes the longest phrase of the table that begins here, and says where it ends.
    fn phrase(&mut self, at: usize, end: usize) -> Option<usize> {
        if !self.tables.phrases.may_begin(self.tokens[at].words()) {
            return None;
        }
        let words = self.tokens[at..end].iter().map(Token::words);
        let found = self.tables.phrases.longest(words)?;
        let tokens = Span::new(at, at + found.words);
        if found.words == 1 && !self.is_abbreviated_side(at) {
            return None;
        }
        let value = found.value;
        self.said.push(Said {
            feature: value_feature(value),
            weight: 2,
            tokens,
        });
        for also in self.tables.says_too.get(value as usize) {
            self.said.push(Said {
                feature: value_feature(*also),
                weight: 1,
                tokens,
            });
        }
        (tokens.start..tokens.end).for_each(|at| self.word(at));
        Some(tokens.end)
    }

    /// Whether a phrase of one word may be one: a single letter is a side only in capitals and
    /// not in `mg/L`.
    fn is_abbreviated_side(&self, at: usize) -> bool {
        let word = self.bytes(at);
        word.len() != 1
            || (word[0].is_ascii_uppercase()
                && at
                    .checked_sub(1)
                    .is_none_or(|before| self.bytes(before) != b"/"))
    }

    fn word(&mut self, at: usize) {
        let token = &self.tokens[at];
        if self.is(at, WordClass::Pair)
            && is_plural(self.bytes(at))
            && let Some((_, _, bilateral)) = self.dictionary.sides()
        {
            self.said.push(Said {
                feature: bilateral,
                weight: 1,
                tokens: Span::new(at, at + 1),
            });
        }
        for word in [token.word, token.otherwise] {
            if word != 0 {
                self.said.push(Said {
                    feature: self.tables.word_feature(word),
                    weight: 2,
                    tokens: Span::new(at, at + 1),
                });
            }
        }
    }

    fn is_border(&self, at: usize) -> bool {
        !self.tokens[at].is_word || self.is(at, WordClass::Halt) || self.is(at, WordClass::Deny)
    }

    fn is_of(&self, at: usize) -> bool {
        self.bytes(at).eq_ignore_ascii_case(b"of")
    }

    /// The letters of a token.
    fn bytes(&self, at: usize) -> &[u8] {
        let Span { start, end } = self.tokens[at].span;
        &self.text.as_bytes()[start..end]
    }

    fn is(&self, at: usize, class: WordClass) -> bool {
        self.dictionary.word_class(self.tokens[at].word) & class as u8 != 0
    }
}

/// Whether a word of two like parts of the body is written for both.
fn is_plural(word: &[u8]) -> bool {
    matches!(word.last(), Some(b's' | b'S')) || word.eq_ignore_ascii_case(b"feet")
}
