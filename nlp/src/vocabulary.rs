//! The words that phrases are made of, numbered.

use rustc_hash::FxHashMap;

use crate::span::Span;
use crate::trie::WordId;
use crate::word::{PieceKind, abbreviation_form, folded_form, is_abbreviation, pieces};

/// The longest word, in bytes, that is looked up; no term holds a longer one.
pub(crate) const LONGEST_WORD: usize = 64;

/// Words and their numbers, from one upwards.
///
/// A word with two or more capitals is kept as written (an abbreviation), any other in its
/// folded form; a mark of punctuation is a word of its own.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    numbers: FxHashMap<Box<str>, WordId>,
}

impl Vocabulary {
    /// The vocabulary of `words`, numbered in their order.
    pub fn new<'w>(words: impl IntoIterator<Item = &'w str>) -> Self {
        let numbers = words
            .into_iter()
            .zip(1..)
            .map(|(word, number)| (Box::from(word), number))
            .collect();
        Self { numbers }
    }

    /// The number of a form, or zero.
    pub fn number(&self, form: &str) -> WordId {
        self.numbers.get(form).copied().unwrap_or(0)
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The numbers of a phrase's words, adding those that are new.
    pub fn intern(&mut self, phrase: &str) -> Vec<WordId> {
        forms(phrase)
            .iter()
            .map(|form| self.intern_form(form))
            .collect()
    }

    /// The number of a form, adding it when it is new.
    pub(crate) fn intern_form(&mut self, form: &str) -> WordId {
        let next = WordId::try_from(self.numbers.len() + 1).unwrap_or(WordId::MAX);
        *self.numbers.entry(Box::from(form)).or_insert(next)
    }
}

/// The forms under which a phrase of a terminology is stored.
pub(crate) fn forms(phrase: &str) -> Vec<String> {
    pieces(phrase, Span::new(0, phrase.len()))
        .map(|piece| {
            let word = piece.span.of(phrase);
            let mut form = String::new();
            match piece.kind {
                PieceKind::Mark => form.push_str(word),
                PieceKind::Word if is_abbreviation(word) => abbreviation_form(word, &mut form),
                PieceKind::Word => folded_form(word, &mut form),
            }
            form
        })
        .filter(|form| form.len() <= LONGEST_WORD)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_share_the_words_that_fold_together() {
        let mut vocabulary = Vocabulary::default();
        assert_eq!(vocabulary.intern("Kidney stones"), [1, 2]);
        assert_eq!(vocabulary.intern("stone, kidney"), [2, 3, 1]);
        assert_eq!(vocabulary.intern("CKD"), [4]);
        assert_eq!(vocabulary.number("CKD"), 4);
        assert_eq!(vocabulary.number("ckd"), 0);
    }
}
