//! What terms mean in a story of an illness: prose without headings.
//!
//! In a chart a general word (`pain`, `infection`) stands beside the diagnosis that says
//! more, and codes nothing. A case report or a letter tells the findings themselves, and
//! each of them is coded. `terminology/narrative.tsv` holds the terms.

use std::collections::BTreeMap;

use crate::alternatives::wordings;
use crate::dictionary::{Dictionary, Meaning, Origin};
use crate::token::{Token, Tokenizer};
use crate::trie::{Trie, WordId};

static NARRATIVE: &str = include_str!("../terminology/narrative.tsv");

/// The terms that mean something else, or something at all, in a narrative.
#[derive(Clone, Debug)]
pub(crate) struct NarrativeTerms {
    trie: Trie,
    meanings: Vec<Option<Meaning>>,
}

impl NarrativeTerms {
    /// The embedded terms, as far as the dictionary's edition has their codes.
    pub(crate) fn embedded(dictionary: &Dictionary, tokenizer: &mut Tokenizer) -> Self {
        let mut terms: BTreeMap<Vec<u32>, Option<Meaning>> = BTreeMap::new();
        for (code, term) in lines(NARRATIVE) {
            let meaning = match code {
                None => None,
                Some(code) => match dictionary.billed_as(code, Origin::Narrative) {
                    Some(meaning) => Some(meaning),
                    None => continue,
                },
            };
            terms.insert(tokenizer.intern(&term), meaning);
        }
        let trie = Trie::new(
            terms
                .keys()
                .zip(0..)
                .map(|(words, number)| (words.clone(), number)),
        );
        Self {
            trie,
            meanings: terms.into_values().collect(),
        }
    }

    /// Whether a term may begin with a word.
    pub(crate) fn may_begin(&self, words: (WordId, WordId)) -> bool {
        self.trie.may_begin(words)
    }

    /// The longest term that the tokens begin with: how many it takes, and what it means.
    ///
    /// A term that means nothing takes its tokens away from shorter terms of the dictionary.
    pub(crate) fn longest(&self, tokens: &[Token]) -> Option<(usize, Option<Meaning>)> {
        let words = tokens.iter().map(Token::words);
        let found = self.trie.longest(words)?;
        Some((found.words, self.meanings[found.value as usize]))
    }
}

/// Every term of a file with its code; `-` is no code.
fn lines(tsv: &str) -> impl Iterator<Item = (Option<&str>, String)> {
    tsv.lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .filter_map(|line| {
            let mut columns = line.split('\t');
            Some((columns.next()?, columns.next()?))
        })
        .flat_map(|(code, terms)| {
            terms
                .split(';')
                .map(str::trim)
                .filter(|term| !term.is_empty())
                .flat_map(wordings)
                .map(move |term| (Some(code).filter(|code| *code != "-"), term))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_term_has_one_billable_code() {
        let dictionary = Dictionary::fy2026();
        let mut seen = BTreeMap::new();
        for (code, term) in lines(NARRATIVE) {
            if let Some(code) = code {
                assert!(
                    dictionary.billed_as(code, Origin::Narrative).is_some(),
                    "`{code}` of `{term}` is not billable"
                );
            }
            let earlier = seen.insert(crate::vocabulary::forms(&term), code);
            assert!(
                earlier.is_none_or(|earlier| earlier == code),
                "`{term}` has two codes"
            );
        }
    }

    #[test]
    fn general_words_count_in_a_story_and_not_in_a_chart() {
        let engine = crate::Engine::new(Dictionary::fy2026());
        let codes = |text: &str| -> Vec<_> {
            let codes = engine.code(text).codes.into_iter();
            codes.map(|code| code.code).collect()
        };
        assert_eq!(
            codes("A man of 50 had edema and a possible infection."),
            ["R60.9", "B99.9"]
        );
        assert_eq!(codes("ASSESSMENT: Possible infection."), [""; 0]);
        assert_eq!(
            codes("He was put in the lateral decubitus position."),
            [""; 0]
        );
    }
}
