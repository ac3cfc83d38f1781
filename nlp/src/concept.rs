//! Terms of the terminology in a sentence.

use crate::Span;
use crate::dictionary::{Dictionary, Meaning, WordClass};
use crate::narrative::NarrativeTerms;
use crate::token::Token;

/// A term found in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concept {
    /// Its tokens, as positions in the sentence.
    pub tokens: Span,
    /// What it means.
    pub meaning: Meaning,
}

/// A term found that names a disease; it may share tokens with a concept that means a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) tokens: Span,
    pub(crate) meaning: Meaning,
}

/// What [`fill`] finds in a sentence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    /// The longest terms with a code at the leftmost place, and terms that only name a
    /// disease where those leave room; none overlapping.
    pub(crate) concepts: Vec<Concept>,
    /// The longest terms that name a disease; each shares tokens with a concept.
    pub(crate) named: Vec<Named>,
}

/// The terms of a sentence: the longest at the leftmost place, none overlapping.
///
/// A term that only names a disease never takes words from a term with a code.
pub fn concepts(dictionary: &Dictionary, tokens: &[Token]) -> Vec<Concept> {
    let mut terms = Terms::default();
    terms.fill(dictionary, None, tokens);
    terms.concepts
}

impl Terms {
    /// Finds the terms of a sentence; in a narrative, its own terms go before those of the
    /// dictionary that are no longer.
    pub(crate) fn fill(
        &mut self,
        dictionary: &Dictionary,
        narrative: Option<&NarrativeTerms>,
        tokens: &[Token],
    ) {
        self.concepts.clear();
        self.named.clear();
        // From these tokens on, a term with a code and one that names a disease may begin.
        let (mut free, mut unnamed) = (0, 0);
        for at in 0..tokens.len() {
            if at < free && at < unnamed {
                continue;
            }
            let (mut coded, mut named): (Option<Concept>, Option<Named>) = (None, None);
            let word = |ahead| {
                let token: &Token = tokens.get(at + ahead)?;
                Some((token.word, token.otherwise))
            };
            // `the left` passes in `pain in the left knee`, and not in `small left kidney`.
            let passes = |ahead: usize| {
                let is = |place: usize, classes: u8| {
                    let word = tokens[at + place].word;
                    dictionary.word_class(word) & classes != 0
                };
                let lead = WordClass::Lead as u8 | WordClass::Pass as u8;
                is(ahead, WordClass::Pass as u8) && is(ahead - 1, lead)
            };
            let mut fewest = 0;
            dictionary.trie().each_passing(word, passes, &mut |term| {
                let meaning = dictionary.meaning(term.found.value);
                let tokens = Span::new(at, at + term.found.words);
                let is_longer = |known: Span| known.end < tokens.end;
                let is_nearer = |known: Span| known.end == tokens.end && term.passed < fewest;
                if meaning.has_code()
                    && free <= at
                    && coded.is_none_or(|known| is_longer(known.tokens) || is_nearer(known.tokens))
                {
                    coded = Some(Concept { tokens, meaning });
                    fewest = term.passed;
                }
                if meaning.disease.is_some()
                    && unnamed <= at
                    && term.passed == 0
                    && named.is_none_or(|known| is_longer(known.tokens))
                {
                    named = Some(Named { tokens, meaning });
                }
            });
            if let Some(narrative) = narrative.filter(|_| free <= at)
                && let Some((words, meaning)) = narrative.longest(&tokens[at..])
            {
                let tokens = Span::new(at, at + words);
                if coded.is_none_or(|concept: Concept| concept.tokens.end <= tokens.end) {
                    free = tokens.end;
                    coded = meaning.map(|meaning| Concept { tokens, meaning });
                }
            }
            if let Some(concept) = coded {
                free = concept.tokens.end;
                self.concepts.push(concept);
            }
            if let Some(term) = named {
                unnamed = term.tokens.end;
                self.named.push(term);
            }
        }
        self.add_unshared();
    }

    /// Makes concepts of the diseases that share no token with one.
    fn add_unshared(&mut self) {
        let coded = self.concepts.len();
        let mut at = 0;
        for term in &self.named {
            while at < coded && self.concepts[at].tokens.end <= term.tokens.start {
                at += 1;
            }
            if at == coded || self.concepts[at].tokens.start >= term.tokens.end {
                self.concepts.push(Concept {
                    tokens: term.tokens,
                    meaning: term.meaning,
                });
            }
        }
        if self.concepts.len() > coded {
            self.concepts.sort_by_key(|concept| concept.tokens.start);
        }
    }

    /// The diseases that share tokens with a concept and with none before it.
    pub(crate) fn named_at(&self, concept: usize) -> impl Iterator<Item = &Named> {
        let tokens = self.concepts[concept].tokens;
        let before = concept
            .checked_sub(1)
            .map_or(0, |before| self.concepts[before].tokens.end);
        let first = self
            .named
            .partition_point(|term| term.tokens.end <= tokens.start);
        self.named[first..]
            .iter()
            .take_while(move |term| term.tokens.start < tokens.end)
            .filter(move |term| term.tokens.start >= before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Tokenizer;

    fn said(text: &str) -> (Vec<String>, Vec<String>) {
        let dictionary = Dictionary::fy2026();
        let tokens =
            Tokenizer::new(dictionary.vocabulary().clone()).tokens(text, Span::new(0, text.len()));
        let mut terms = Terms::default();
        terms.fill(&dictionary, None, &tokens);
        let of = |span: Span| {
            text[tokens[span.start].span.start..tokens[span.end - 1].span.end].to_owned()
        };
        for at in 0..terms.concepts.len() {
            for term in terms.named_at(at) {
                assert!(term.tokens.start < terms.concepts[at].tokens.end);
            }
        }
        let named: usize = (0..terms.concepts.len())
            .map(|at| terms.named_at(at).count())
            .sum();
        assert_eq!(named, terms.named.len(), "each disease has one concept");
        (
            terms
                .concepts
                .iter()
                .map(|concept| of(concept.tokens))
                .collect(),
            terms.named.iter().map(|term| of(term.tokens)).collect(),
        )
    }

    #[test]
    fn a_disease_without_a_code_takes_no_words_from_a_code() {
        let (concepts, named) = said("hypertension and Netherton syndrome");
        assert_eq!(concepts, ["hypertension", "Netherton syndrome"]);
        assert_eq!(named, ["hypertension", "Netherton syndrome"]);
    }

    #[test]
    fn a_longer_disease_stands_beside_the_code_that_it_holds() {
        let (concepts, named) = said("neonatal jaundice with type 2 diabetes with hypoglycemia");
        assert_eq!(
            concepts,
            ["neonatal jaundice", "type 2 diabetes with hypoglycemia"]
        );
        assert_eq!(
            named,
            ["neonatal jaundice", "type 2 diabetes", "hypoglycemia"]
        );
    }
}
