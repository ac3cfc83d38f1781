//! The words that phrases are made of, numbered.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use crate::dictionary::Strings;
use crate::packed_word::PackedWord;
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
    words: Strings,
    /// Where each word's number is found by its hash; the length is a power of two, and at
    /// least half of the slots are free.
    slots: Vec<Slot>,
}

/// A place in the table; its number is zero while it is free.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// The upper half of the word's hash: most words of a note are told apart by it.
    tag: u32,
    number: WordId,
}

impl Vocabulary {
    /// The vocabulary of `words`, numbered in their order.
    pub fn new<'w>(words: impl IntoIterator<Item = &'w str>) -> Self {
        let mut vocabulary = Self::default();
        for word in words {
            vocabulary.intern_form(word);
        }
        vocabulary
    }

    /// The vocabulary of words that are all different.
    pub(crate) fn of(words: Strings) -> Self {
        let mut vocabulary = Self {
            words,
            slots: Vec::new(),
        };
        vocabulary.fill_slots();
        vocabulary
    }

    /// The number of a form, or zero.
    pub fn number(&self, form: &str) -> WordId {
        self.number_where(hash(form), |at| self.words.is(at, form))
    }

    /// The number of a packed form, or zero.
    pub(crate) fn number_of_packed(&self, form: PackedWord) -> WordId {
        self.number_where(form.hash(), |at| {
            let span = self.words.span(at);
            span.len() == form.len() && PackedWord::at(&self.words.text, span) == Some(form)
        })
    }

    /// The number of the word with this hash of which `is` holds, or zero.
    fn number_where(&self, hash: u64, is: impl Fn(usize) -> bool) -> WordId {
        if self.slots.is_empty() {
            return 0;
        }
        let mut at = self.first_slot(hash);
        loop {
            let slot = self.slots[at];
            if slot.number == 0 || slot.tag == tag(hash) && is(slot.number as usize - 1) {
                return slot.number;
            }
            at = self.next_slot(at);
        }
    }

    /// The word with this number.
    pub(crate) fn word(&self, number: WordId) -> &str {
        self.words.get(number as usize - 1)
    }

    /// The words in the order of their numbers.
    #[cfg(any(feature = "build", test))]
    pub(crate) fn words(&self) -> &Strings {
        &self.words
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
        let known = self.number(form);
        if known != 0 {
            return known;
        }
        self.words.push(form);
        if self.slots.len() < slots_for(self.len()) {
            self.fill_slots();
        } else {
            self.take_slot(hash(form), self.len());
        }
        WordId::try_from(self.len()).unwrap_or(WordId::MAX)
    }

    fn fill_slots(&mut self) {
        self.slots = vec![Slot::default(); slots_for(self.len())];
        for at in 0..self.len() {
            self.take_slot(hash(self.words.get(at)), at + 1);
        }
    }

    fn take_slot(&mut self, hash: u64, number: usize) {
        let mut at = self.first_slot(hash);
        while self.slots[at].number != 0 {
            at = self.next_slot(at);
        }
        self.slots[at] = Slot {
            tag: tag(hash),
            number: WordId::try_from(number).unwrap_or(WordId::MAX),
        };
    }

    fn first_slot(&self, hash: u64) -> usize {
        // The table's length is a power of two, and no table of words is longer than a `u32`.
        (hash & 0xffff_ffff) as usize & (self.slots.len() - 1)
    }

    fn next_slot(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }
}

fn slots_for(words: usize) -> usize {
    (words * 2).next_power_of_two().max(64)
}

fn hash(form: &str) -> u64 {
    if let Some(packed) = PackedWord::at(form, Span::new(0, form.len())) {
        return packed.hash();
    }
    let mut hasher = FxHasher::default();
    hasher.write(form.as_bytes());
    hasher.finish()
}

fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
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
