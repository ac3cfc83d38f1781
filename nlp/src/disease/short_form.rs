//! Short forms that a note defines: `ataxia telangiectasia (AT)`.
//!
//! The letters of a short form are sought backwards in its long form, and its first must
//! begin the long form (Schwartz and Hearst, *A simple algorithm for identifying
//! abbreviation definitions in biomedical text*, 2003).

use rustc_hash::FxHashMap;

use crate::Span;
use crate::dictionary::Meaning;
use crate::token::Token;

/// What opens the brackets around a short form.
const OPENING: &[u8] = b"([";

/// The longest short form, in bytes.
const LONGEST: usize = 10;

/// The short forms that a note has defined so far, with what they mean.
#[derive(Debug, Default)]
pub(crate) struct ShortForms<'t> {
    meanings: FxHashMap<&'t str, Meaning>,
}

impl<'t> ShortForms<'t> {
    /// Whether a token may be a short form of this note, or open the brackets around one.
    pub(crate) fn may_concern(&self, text: &str, token: &Token) -> bool {
        !self.meanings.is_empty() || OPENING.contains(&text.as_bytes()[token.span.start])
    }

    /// What a token means as a short form of this note.
    pub(crate) fn get(&self, text: &str, token: &Token) -> Option<Meaning> {
        if self.meanings.is_empty() || token.span.len() > LONGEST {
            return None;
        }
        self.meanings.get(singular(token.span.of(text))).copied()
    }

    /// Keeps the short form in brackets after the term at `tokens[term]`, if there is one.
    pub(crate) fn define(&mut self, text: &'t str, tokens: &[Token], term: Span, meaning: Meaning) {
        if let Some(short) = bracketed(text, tokens, term.end)
            && abbreviates(short, long_form(text, tokens, term))
        {
            self.meanings.insert(short, meaning);
        }
    }

    /// Keeps the short form in the brackets at `tokens[at]` as one of no disease, when the
    /// words before it are its long form but no term.
    pub(crate) fn define_other(&mut self, text: &'t str, tokens: &[Token], at: usize) {
        let Some(short) = bracketed(text, tokens, at) else {
            return;
        };
        if self.meanings.contains_key(short) {
            return;
        }
        let furthest = at.saturating_sub(short.len() + 2);
        let is_long =
            |start: usize| abbreviates(short, long_form(text, tokens, Span::new(start, at)));
        if (furthest..at).any(is_long) {
            self.meanings.insert(short, Meaning::NOTHING);
        }
    }
}

fn long_form<'t>(text: &'t str, tokens: &[Token], term: Span) -> &'t str {
    Span::new(tokens[term.start].span.start, tokens[term.end - 1].span.end).of(text)
}

/// The short form in the brackets that open at `tokens[at]`.
fn bracketed<'t>(text: &'t str, tokens: &[Token], at: usize) -> Option<&'t str> {
    let is = |at: usize, marks: &[u8]| {
        let token: Option<&Token> = tokens.get(at);
        token.is_some_and(|token| marks.contains(&text.as_bytes()[token.span.start]))
    };
    if !is(at, OPENING) || !is(at + 2, b")],;") {
        return None;
    }
    let short = singular(tokens[at + 1].span.of(text));
    let is_short =
        (2..=LONGEST).contains(&short.len()) && short.bytes().any(|byte| byte.is_ascii_uppercase());
    is_short.then_some(short)
}

fn singular(word: &str) -> &str {
    word.strip_suffix('s')
        .filter(|rest| rest.ends_with(|letter: char| letter.is_ascii_uppercase()))
        .unwrap_or(word)
}

/// Whether the letters of `short` stand in `long` in their order, the first as its first letter.
fn abbreviates(short: &str, long: &str) -> bool {
    let letters = |text: &str| -> Vec<u8> {
        text.bytes()
            .filter(u8::is_ascii_alphanumeric)
            .map(|byte| byte.to_ascii_lowercase())
            .collect()
    };
    let (short, long) = (letters(short), letters(long));
    let (Some(first), true) = (short.first(), short.len() < long.len()) else {
        return false;
    };
    let mut rest = long[1..].iter();
    long[0] == *first
        && short[1..]
            .iter()
            .all(|letter| rest.any(|other| other == letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stand_in_order_and_the_first_begins() {
        for (short, long) in [
            ("AT", "ataxia telangiectasia"),
            ("DMD", "Duchenne muscular dystrophy"),
            ("G6PD", "glucose-6-phosphate dehydrogenase deficiency"),
            ("HD", "Huntington's disease"),
        ] {
            assert!(abbreviates(short, long), "{short}");
        }
        for (short, long) in [
            ("EA", "ataxia"),
            ("MS", "sclerosis"),
            ("AT", "at"),
            ("TA", "ataxia"),
        ] {
            assert!(!abbreviates(short, long), "{short}");
        }
    }
}
