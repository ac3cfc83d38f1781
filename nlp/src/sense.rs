//! Terms whose meaning depends on what the note is about (`reflux`).
//!
//! All senses are data: `terminology/senses.tsv`.

use std::sync::OnceLock;

use crate::Span;
use crate::assertion::Assertion;
use crate::candidate::Candidate;
use crate::dictionary::Dictionary;
use crate::word::{PieceKind, pieces};

static SENSES: &str = include_str!("../terminology/senses.tsv");

/// What some terms mean in a note that holds one of some words.
struct Sense {
    code: &'static str,
    terms: Vec<&'static str>,
    words: Vec<&'static str>,
}

/// Gives each mention of a term with several meanings the one that fits the note.
///
/// Words within a mention that is denied, hypothetical or someone else's tell nothing. The
/// text is read only when such a term was found, and then once.
pub(crate) fn choose<'a>(dictionary: &'a Dictionary, text: &str, candidates: &mut [Candidate<'a>]) {
    for sense in senses() {
        let is_meant = |candidate: &Candidate<'_>| {
            let text = candidate.mention.text();
            let mut terms = sense.terms.iter();
            terms.any(|term| text.eq_ignore_ascii_case(term))
        };
        if !candidates.iter().any(is_meant) || !speaks_of(sense, text, candidates) {
            continue;
        }
        let Some(billable) = dictionary.billed(sense.code) else {
            continue;
        };
        for candidate in candidates
            .iter_mut()
            .filter(|candidate| is_meant(candidate))
        {
            if let Some(meaning) = dictionary.meaning_of(sense.code) {
                candidate.node = meaning.node;
                candidate.mention.code = Some(billable.code);
                candidate.mention.title.clone_from(&billable.title);
            }
        }
    }
}

/// Whether the text holds one of the words of a sense where they tell what it is about.
fn speaks_of(sense: &Sense, text: &str, candidates: &[Candidate<'_>]) -> bool {
    let mut silent = candidates
        .iter()
        .map(|candidate| &candidate.mention)
        .filter(|mention| {
            matches!(
                mention.assertion,
                Assertion::Negated | Assertion::Family | Assertion::Hypothetical
            )
        })
        .map(|mention| mention.span)
        .peekable();
    pieces(text, Span::new(0, text.len())).any(|piece| {
        while silent
            .next_if(|span| span.end <= piece.span.start)
            .is_some()
        {}
        let is_silent = silent
            .peek()
            .is_some_and(|span| span.start <= piece.span.start);
        piece.kind == PieceKind::Word
            && !is_silent
            && sense
                .words
                .iter()
                .any(|word| piece.span.of(text).eq_ignore_ascii_case(word))
    })
}

fn senses() -> &'static [Sense] {
    static READ: OnceLock<Vec<Sense>> = OnceLock::new();
    READ.get_or_init(|| lines(SENSES).collect())
}

fn lines(tsv: &'static str) -> impl Iterator<Item = Sense> {
    tsv.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut columns = line.split('\t');
            Some(Sense {
                code: columns.next()?,
                terms: columns.next()?.split("; ").collect(),
                words: columns.next()?.split("; ").collect(),
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Engine;

    fn codes(text: &str) -> Vec<crate::IcdCode> {
        let engine = Engine::new(Dictionary::fy2026());
        let coding = engine.code(text);
        coding.codes.into_iter().map(|code| code.code).collect()
    }

    #[test]
    fn every_line_gives_a_billable_code_terms_and_words() {
        let rows = SENSES
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        assert_eq!(rows.count(), senses().len());
        let dictionary = Dictionary::fy2026();
        for sense in senses() {
            assert!(dictionary.is_billable(sense.code), "{}", sense.code);
            assert!(
                dictionary.chapter(sense.code).is_some(),
                "{} needs no 7th character",
                sense.code
            );
            assert!(!sense.terms.is_empty() && !sense.words.is_empty());
        }
    }

    #[test]
    fn a_note_about_kidneys_speaks_of_the_reflux_of_urine() {
        assert_eq!(codes("ASSESSMENT: Reflux, worse after meals."), ["K21.9"]);
        assert_eq!(codes("ASSESSMENT: Reflux. Kidneys grow well."), ["N13.70"]);
    }

    #[test]
    fn what_is_denied_does_not_tell_what_a_note_is_about() {
        assert_eq!(codes("ASSESSMENT: Reflux. Denies renal colic."), ["K21.9"]);
    }
}
