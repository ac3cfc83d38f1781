//! What a sentence says of the one condition of the sentence before it.
//!
//! `Type 2 diabetes. It is poorly controlled.` `Pain in the knee. Left-sided.` A sentence is
//! read so when it opens with a word that stands for the condition, or says nothing but
//! attributes, and when the sentence before it in the same section names one condition, so that
//! no other can be meant.

use super::{Reading, Said};
use crate::Span;
use crate::concept::Concept;
use crate::dictionary::Dictionary;
use crate::token::Token;

/// Words that stand for a condition named before.
const FOR_IT: [&str; 3] = ["it", "this", "these"];
/// Words after `the` and `this` that name no condition of their own.
const NOUNS: [&str; 6] = [
    "condition",
    "disease",
    "disorder",
    "illness",
    "problem",
    "diagnosis",
];
/// Words that lead from what stands for a condition to what is said of it; one is a verb.
const VERBS: [&str; 10] = [
    "is", "are", "was", "were", "has", "have", "been", "remains", "remained", "appears",
];
const BETWEEN: [&str; 10] = [
    "now",
    "currently",
    "still",
    "again",
    "very",
    "described",
    "considered",
    "classified",
    "on",
    "of",
];
/// A sentence of attributes alone has no more words than this.
const BARE: usize = 8;

/// Reads what a sentence says of the condition before it; whether it speaks of that at all.
pub(crate) fn of_the_one_before(
    dictionary: &Dictionary,
    text: &str,
    tokens: &[Token],
    concepts: &[Concept],
    said: &mut Vec<Said>,
) -> bool {
    said.clear();
    // Most sentences are neither: their first letter, or a condition of their own, tells.
    let opens_with_it = tokens.first().is_some_and(|token| {
        let first = text.as_bytes()[token.span.start].to_ascii_lowercase();
        matches!(first, b't' | b'i')
    });
    let has_condition = || concepts.iter().any(|concept| concept.meaning.has_code());
    if !opens_with_it && (tokens.len() > BARE || has_condition()) {
        return false;
    }
    let is = |at: usize, words: &[&str]| {
        tokens.get(at).is_some_and(|token| {
            let word = token.span.of(text);
            words.iter().any(|known| word.eq_ignore_ascii_case(known))
        })
    };
    let start = if opens_with_it {
        after_the_verb(is)
    } else {
        None
    };
    if start.is_none() && (tokens.len() > BARE || has_condition()) {
        return false;
    }
    let mut reading = Reading {
        dictionary,
        tables: dictionary.attributes(),
        text,
        tokens,
        said,
    };
    let begin = start.unwrap_or_else(|| usize::from(is(0, &["-", "*", "•"])));
    let end = reading.listed(begin, concepts);
    let is_over = tokens[end..].iter().all(|token| !token.is_word);
    start.is_some() || (is_over && !said.is_empty())
}

/// The token after `it is`, `this has been` or `the condition remains`.
fn after_the_verb(is: impl Fn(usize, &[&str]) -> bool) -> Option<usize> {
    let mut at = if is(0, &["the", "this"]) && is(1, &NOUNS) {
        2
    } else if is(0, &FOR_IT) {
        1
    } else {
        return None;
    };
    let first = at;
    while is(at, &VERBS) || (at > first && is(at, &BETWEEN)) {
        at += 1;
    }
    (at > first).then_some(at)
}

impl Reading<'_> {
    /// Takes phrases of the table from `start` on, and says where something else stands.
    fn listed(&mut self, start: usize, concepts: &[Concept]) -> usize {
        let next = concepts.partition_point(|concept| concept.tokens.start < start);
        let mut at = start;
        loop {
            at = self.after(at, &concepts[next..], true);
            let is_and = self.tokens.get(at).is_some_and(|token| {
                let word = token.span.of(self.text);
                ["and", "now", "currently", "still"]
                    .iter()
                    .any(|known| word.eq_ignore_ascii_case(known))
            });
            if !is_and {
                return at;
            }
            at += 1;
        }
    }
}

/// The condition that the next sentence may say more of.
#[derive(Debug)]
pub(crate) struct Antecedent<C> {
    /// The condition, if the sentence named one and no other.
    pub(crate) condition: Option<C>,
    /// The body of the section that it stands in.
    pub(crate) section: Span,
    /// What its own sentence said of it, with bytes of the text in place of tokens.
    pub(crate) said: Vec<Said>,
}

impl<C> Default for Antecedent<C> {
    fn default() -> Self {
        Self {
            condition: None,
            section: Span::default(),
            said: Vec::new(),
        }
    }
}

impl<C> Antecedent<C> {
    /// Keeps a condition and what its sentence says of it.
    pub(crate) fn keep(&mut self, condition: C, section: Span, said: &[Said], tokens: &[Token]) {
        self.condition = Some(condition);
        self.section = section;
        self.said.clear();
        self.said.extend(said.iter().map(|said| Said {
            tokens: said.bytes(tokens),
            ..*said
        }));
    }
}

#[cfg(test)]
mod tests {
    use crate::{Dictionary, Engine};

    fn codes(text: &str) -> Vec<crate::IcdCode> {
        let engine = Engine::new(Dictionary::fy2026());
        let coding = engine.code(text);
        let mut codes: Vec<_> = coding.codes.into_iter().map(|code| code.code).collect();
        codes.sort_unstable();
        codes
    }

    #[test]
    fn it_and_this_say_more_of_the_condition_before_them() {
        for (text, wanted) in [
            (
                "ASSESSMENT: Type 2 diabetes. It is poorly controlled.",
                "E11.65",
            ),
            (
                "ASSESSMENT: Asthma. This is severe and persistent.",
                "J45.50",
            ),
            (
                "ASSESSMENT: Chronic kidney disease. The condition is now stage 4.",
                "N18.4",
            ),
            (
                "ASSESSMENT: Knee pain. It is currently right sided.",
                "M25.561",
            ),
            ("ASSESSMENT: Knee pain. It is on the left side.", "M25.562"),
        ] {
            assert_eq!(codes(text), [wanted], "{text}");
        }
    }

    #[test]
    fn a_sentence_of_attributes_alone_says_more_of_the_condition_before_it() {
        for (text, wanted) in [
            ("ASSESSMENT: CKD. Stage 3a.", "N18.31"),
            ("ASSESSMENT: Knee pain. Left-sided.", "M25.562"),
            ("ASSESSMENT: Type 2 diabetes. Poorly controlled.", "E11.65"),
        ] {
            assert_eq!(codes(text), [wanted], "{text}");
        }
    }

    #[test]
    fn what_another_sentence_says_counts_with_what_the_own_says() {
        let text = "ASSESSMENT: Mild asthma. It is persistent.";
        let engine = Engine::new(Dictionary::fy2026());
        let coding = engine.code(text);
        assert_eq!(coding.codes[0].code, "J45.30");
        let said = &coding.mentions[0].attributes;
        let said: Vec<_> = said.iter().map(|said| said.span.of(text)).collect();
        assert_eq!(said, ["Mild", "persistent"]);
    }

    #[test]
    fn where_another_condition_may_be_meant_nothing_is_said() {
        for (text, wanted) in [
            // Two conditions, either of which `it` may be.
            (
                "ASSESSMENT: Knee pain and type 2 diabetes. It is poorly controlled.",
                &["E11.9", "M25.569"][..],
            ),
            // A sentence of something else between them.
            (
                "ASSESSMENT: Type 2 diabetes. He eats well. It is poorly controlled.",
                &["E11.9"],
            ),
            // Another section.
            (
                "ASSESSMENT: Type 2 diabetes.\nPLAN: Poorly controlled.",
                &["E11.9"],
            ),
            // A sentence that says more than attributes, and one that denies them.
            ("ASSESSMENT: Knee pain. Left hand trained.", &["M25.569"]),
            (
                "ASSESSMENT: Type 2 diabetes. It is not poorly controlled.",
                &["E11.9"],
            ),
        ] {
            assert_eq!(codes(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_condition_that_is_denied_stays_denied() {
        assert_eq!(codes("ASSESSMENT: No knee pain. Left-sided."), [""; 0]);
    }
}
