//! Terms of the terminology in a sentence.

use crate::Span;
use crate::dictionary::{Dictionary, Meaning, WordClass};
use crate::disease::model::phrase;
use crate::disease::{Naming, Place, ShortForms};
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

impl Concept {
    /// Where its words stand in the text that `tokens` are of.
    pub(crate) fn span(&self, tokens: &[Token]) -> Span {
        Span::new(
            tokens[self.tokens.start].span.start,
            tokens[self.tokens.end - 1].span.end,
        )
    }
}

/// What a sentence holds; the buffers serve one sentence after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    /// The longest terms with a code at the leftmost place, and terms that only name a
    /// disease where those leave room; none overlapping.
    pub(crate) concepts: Vec<Concept>,
    /// Every term that names a disease, those within longer ones too; each shares words with
    /// a concept, whose place it holds.
    pub(crate) namings: Vec<Naming>,
}

/// The terms of a sentence: the longest at the leftmost place, none overlapping.
///
/// A term that only names a disease never takes words from a term with a code. Short forms
/// that `text` defines count from there on.
pub fn concepts(dictionary: &Dictionary, text: &str, tokens: &[Token]) -> Vec<Concept> {
    let mut terms = Terms::default();
    terms.fill(dictionary, None, text, tokens, &mut ShortForms::default());
    terms.concepts
}

impl Terms {
    /// Finds the terms of a sentence; in a narrative, its own terms go before those of the
    /// dictionary that are no longer.
    pub(crate) fn fill<'t>(
        &mut self,
        dictionary: &Dictionary,
        narrative: Option<&NarrativeTerms>,
        text: &'t str,
        tokens: &[Token],
        short_forms: &mut ShortForms<'t>,
    ) {
        self.concepts.clear();
        self.namings.clear();
        // From these tokens on, a term with a code may begin, and no term reaches further.
        let (mut free, mut reached) = (0, 0);
        for at in 0..tokens.len() {
            // Most words begin nothing.
            let words = tokens[at].words();
            if !dictionary.trie().may_begin(words)
                && !short_forms.may_concern(text, &tokens[at])
                && narrative.is_none_or(|narrative| !narrative.may_begin(words))
            {
                continue;
            }
            let first = self.namings.len();
            let (mut coded, named) = self.beginning(dictionary, tokens, at);
            let defined = short_forms.get(text, &tokens[at]);
            if defined == Some(Meaning::NOTHING) {
                for naming in &mut self.namings[first..] {
                    naming.place = Place::OtherShortForm;
                }
            } else if let Some(meaning) = defined {
                let tokens = Span::new(at, at + 1);
                let is_single = |concept: &Option<Concept>| {
                    concept.is_none_or(|concept: Concept| concept.tokens == tokens)
                };
                if is_single(&coded) {
                    coded = meaning.node.map(|_| Concept { tokens, meaning });
                }
                if is_single(&named) {
                    self.namings.truncate(first);
                    self.namings.extend(Naming::each(
                        dictionary,
                        tokens,
                        meaning,
                        Place::ShortForm,
                    ));
                }
            } else {
                if let Some(Concept {
                    tokens: term,
                    meaning,
                }) = named
                {
                    short_forms.define(text, tokens, term, meaning);
                }
                if let Some(Concept {
                    tokens: term,
                    meaning,
                }) = coded
                {
                    short_forms.define(text, tokens, term, meaning);
                }
                short_forms.define_other(text, tokens, at);
            }
            let furthest = self.namings[first..]
                .last()
                .map_or(at, |last| last.tokens().end);
            for naming in &mut self.namings[first..] {
                let end = naming.tokens().end;
                naming.place = if end < furthest {
                    Place::Start
                } else if end < reached {
                    Place::Inside
                } else if end == reached {
                    Place::End
                } else {
                    naming.place
                };
            }
            reached = reached.max(furthest);
            coded = coded.filter(|_| free <= at);
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
        }
        if self.namings.is_empty() {
            return;
        }
        self.add_apart(dictionary, text, tokens);
        self.add_unshared();
        for naming in &mut self.namings {
            let words = &tokens[naming.tokens().start..naming.tokens().end];
            naming.last = words[words.len() - 1].word;
            naming.phrase = phrase(words.iter().map(|token| token.word));
            naming.span = Span::new(
                tokens[naming.tokens().start].span.start,
                tokens[naming.tokens().end - 1].span.end,
            );
        }
    }

    /// The longest term with a code and the longest name of a disease that begin at a token;
    /// every such name becomes a naming.
    fn beginning(
        &mut self,
        dictionary: &Dictionary,
        tokens: &[Token],
        at: usize,
    ) -> (Option<Concept>, Option<Concept>) {
        let (mut coded, mut named): (Option<Concept>, Option<Concept>) = (None, None);
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
                && coded.is_none_or(|known| is_longer(known.tokens) || is_nearer(known.tokens))
            {
                coded = Some(Concept { tokens, meaning });
                fewest = term.passed;
            }
            // Terms without words passed over are shown the shortest first.
            if meaning.disease.is_some() && term.passed == 0 {
                let namings = Naming::each(dictionary, tokens, meaning, Place::Whole);
                self.namings.extend(namings);
                named = Some(Concept { tokens, meaning });
            }
        });
        (coded, named)
    }

    /// Adds what shares its last word with a naming, as the `breast cancer` of `breast and
    /// ovarian cancer`, or its first words, as the `ventricular fibrillation` of `ventricular
    /// tachycardia and fibrillation`.
    fn add_apart(&mut self, dictionary: &Dictionary, text: &str, tokens: &[Token]) {
        for at in 0..self.namings.len() {
            let naming = self.namings[at];
            if naming.place != Place::Whole || naming.sense > 0 {
                continue;
            }
            let Span { start, end } = naming.tokens();
            let mut first = start;
            if naming.tokens().len() < 2 {
                // What stands before the word need not be a name with it: `gastric and
                // biliary system carcinomas`.
                let before = (1..=MOST_BETWEEN).map_while(|words| start.checked_sub(words));
                let Some(listed) = before.into_iter().find(|at| is_listed(text, tokens, *at))
                else {
                    continue;
                };
                first = listed;
            }
            for _ in 0..MOST_APART {
                let Some(before) = listed_before(text, tokens, first) else {
                    break;
                };
                let one = [&tokens[before], &tokens[end - 1]];
                let more = before
                    .checked_sub(1)
                    .map(|more| [&tokens[more], one[0], one[1]]);
                let whole = |first| Span::new(first, end);
                if self.add_if_named(dictionary, &one, whole(before)) {
                    first = before;
                } else if let Some(words) = more
                    && self.add_if_named(dictionary, &words, whole(before - 1))
                {
                    first = before - 1;
                } else {
                    break;
                }
            }
            let mut last = end;
            for _ in 0..MOST_APART {
                let Some(after) = listed_after(text, tokens, last).filter(|_| end - start > 1)
                else {
                    break;
                };
                let words: Vec<_> = tokens[start..end - 1]
                    .iter()
                    .chain([&tokens[after]])
                    .collect();
                if !self.add_if_named(dictionary, &words, Span::new(start, after + 1)) {
                    break;
                }
                last = after + 1;
            }
        }
        self.namings.sort_by_key(|naming| naming.tokens().start);
    }

    /// Adds the diseases that these words name, if they do.
    fn add_if_named(&mut self, dictionary: &Dictionary, words: &[&Token], whole: Span) -> bool {
        let numbers = words.iter().map(|token| (token.word, token.otherwise));
        let Some(term) = dictionary.trie().longest(numbers) else {
            return false;
        };
        let before = self.namings.len();
        if term.words == words.len() {
            let meaning = dictionary.meaning(term.value);
            self.namings
                .extend(Naming::each(dictionary, whole, meaning, Place::Apart));
        }
        self.namings.len() > before
    }

    /// Makes concepts of the diseases that share no token with one, and finds that of the others.
    fn add_unshared(&mut self) {
        let coded = self.concepts.len();
        let (mut at, mut free) = (0, 0);
        for naming in &self.namings {
            while at < coded && self.concepts[at].tokens.end <= naming.tokens().start {
                at += 1;
            }
            let is_shared = at < coded && self.concepts[at].tokens.start < naming.tokens().end;
            if !is_shared
                && naming.tokens().start >= free
                && [Place::Whole, Place::ShortForm].contains(&naming.place)
            {
                free = naming.tokens().end;
                self.concepts.push(Concept {
                    tokens: naming.tokens(),
                    meaning: naming.meaning(),
                });
            }
        }
        if self.concepts.len() > coded {
            self.concepts.sort_by_key(|concept| concept.tokens.start);
        }
    }

    /// Finds for each naming the concept with which it shares words, and drops those without.
    pub(crate) fn link(&mut self) {
        let mut at = 0;
        for naming in &mut self.namings {
            while at + 1 < self.concepts.len()
                && self.concepts[at].tokens.end <= naming.tokens().start
            {
                at += 1;
            }
            naming.concept = at;
        }
        let concepts = &self.concepts;
        self.namings.retain(|naming| {
            concepts
                .get(naming.concept)
                .is_some_and(|concept| overlap(concept.tokens, naming.tokens()))
        });
    }
}

fn overlap(one: Span, other: Span) -> bool {
    one.start < other.end && other.start < one.end
}

/// How many words in a row may stand apart from their last word.
const MOST_APART: usize = 4;

/// How many words may stand between a list and the word that its items share.
const MOST_BETWEEN: usize = 2;

/// Whether a token joins the items of a list.
fn links(text: &str, token: &Token) -> bool {
    ["and", "or", ",", "/", "&"].contains(&token.span.of(text))
}

/// Whether the word before a place joins it to a list.
fn is_listed(text: &str, tokens: &[Token], start: usize) -> bool {
    start > 0 && links(text, &tokens[start - 1])
}

/// The word before `and`, `or`, a comma, a slash or a hyphen that ends at `start`.
fn listed_before(text: &str, tokens: &[Token], start: usize) -> Option<usize> {
    let mut at = start;
    while is_listed(text, tokens, at) {
        at -= 1;
    }
    let first = at.checked_sub(1)?;
    let joined = || text.get(tokens[first].span.end..tokens[start].span.start) == Some("-");
    (at < start || joined()).then_some(first)
}

/// The word after the `and`, `or`, comma or slash that begins at `end`.
fn listed_after(text: &str, tokens: &[Token], end: usize) -> Option<usize> {
    let mut at = end;
    while tokens.get(at).is_some_and(|token| links(text, token)) {
        at += 1;
    }
    (end < at && at < tokens.len()).then_some(at)
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
        terms.fill(&dictionary, None, text, &tokens, &mut ShortForms::default());
        terms.link();
        let of = |span: Span| {
            text[tokens[span.start].span.start..tokens[span.end - 1].span.end].to_owned()
        };
        for naming in &terms.namings {
            let concept = terms.concepts[naming.concept].tokens;
            assert!(concept.start < naming.tokens().end && naming.tokens().start < concept.end);
        }
        (
            terms
                .concepts
                .iter()
                .map(|concept| of(concept.tokens))
                .collect(),
            terms
                .namings
                .iter()
                .filter(|naming| {
                    naming.sense == 0 && [Place::Whole, Place::Apart].contains(&naming.place)
                })
                .map(|naming| of(naming.tokens()))
                .collect(),
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
