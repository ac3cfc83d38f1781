//! Terms of the terminology in a sentence.

use crate::Span;
use crate::dictionary::{Dictionary, Meaning};
use crate::token::Token;

/// A term found in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concept {
    /// Its tokens, as positions in the sentence.
    pub tokens: Span,
    /// What it means.
    pub meaning: Meaning,
}

/// The terms of a sentence: the longest at the leftmost place, none overlapping.
pub fn concepts(dictionary: &Dictionary, tokens: &[Token]) -> Vec<Concept> {
    let mut found = Vec::new();
    fill(dictionary, tokens, &mut found);
    found
}

pub(crate) fn fill(dictionary: &Dictionary, tokens: &[Token], found: &mut Vec<Concept>) {
    found.clear();
    let mut at = 0;
    while at < tokens.len() {
        let words = tokens[at..]
            .iter()
            .map(|token| (token.word, token.otherwise));
        match dictionary.trie().longest(words) {
            Some(term) => {
                found.push(Concept {
                    tokens: Span::new(at, at + term.words),
                    meaning: Meaning::from_value(term.value),
                });
                at += term.words;
            }
            None => at += 1,
        }
    }
}
