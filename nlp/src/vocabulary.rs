//! The words that phrases are made of, numbered.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use crate::dictionary::Strings;
use crate::packed_word::PackedWord;
use crate::span::Span;
use crate::table::Table;
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
    slots: Table<Slot>,
}

/// A place in the table: the two halves of a word's [`Key`] and its number, which is zero while
/// the place is free. Nearly every word of a note is told by this alone, with one look at memory.
type Slot = [u64; 3];

/// What a word is looked up by.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    /// The packed word, which is all there is to compare; of a longer word its hash, marked so
    /// that no packed word equals it.
    halves: [u64; 2],
    hash: u64,
}

impl Key {
    /// The upper half of a key that is a hash: no text has such bytes.
    const IS_HASH: u64 = u64::MAX;

    fn packed(word: PackedWord) -> Self {
        Self {
            halves: word.halves(),
            hash: word.hash(),
        }
    }

    fn of(form: &str) -> Self {
        if let Some(word) = PackedWord::at(form, Span::new(0, form.len())) {
            return Self::packed(word);
        }
        let mut hasher = FxHasher::default();
        hasher.write(form.as_bytes());
        let hash = hasher.finish();
        Self {
            halves: [hash, Self::IS_HASH],
            hash,
        }
    }
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
            slots: Table::default(),
        };
        vocabulary.fill_slots();
        vocabulary
    }

    /// The number of a form, or zero.
    pub fn number(&self, form: &str) -> WordId {
        let key = Key::of(form);
        let is_form = |number| key.halves[1] != Key::IS_HASH || self.word(number) == form;
        self.number_where(key, is_form)
    }

    /// The number of a packed form, or zero.
    pub(crate) fn number_of_packed(&self, form: PackedWord) -> WordId {
        self.number_where(Key::packed(form), |_| true)
    }

    /// The number of the word with this key of which `is` holds, or zero.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the table was given numbers of words"
    )]
    fn number_where(&self, key: Key, is: impl Fn(WordId) -> bool) -> WordId {
        let slots = &*self.slots;
        if slots.is_empty() {
            return 0;
        }
        let mut at = first_slot(slots, key.hash);
        loop {
            let [low, high, number] = slots[at];
            let number = number as WordId;
            if number == 0 || [low, high] == key.halves && is(number) {
                return number;
            }
            at = next_slot(slots, at);
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
            let number = self.len();
            take_slot(&mut self.slots, Key::of(form), number);
        }
        WordId::try_from(self.len()).unwrap_or(WordId::MAX)
    }

    fn fill_slots(&mut self) {
        let mut slots = Table::zeroed(slots_for(self.len()));
        for (word, number) in self.words.iter().zip(1..) {
            take_slot(&mut slots, Key::of(word), number);
        }
        self.slots = slots;
    }
}

fn take_slot(slots: &mut [Slot], key: Key, number: usize) {
    let mut at = first_slot(slots, key.hash);
    while slots[at][2] != 0 {
        at = next_slot(slots, at);
    }
    let [low, high] = key.halves;
    slots[at] = [low, high, number as u64];
}

fn first_slot(slots: &[Slot], hash: u64) -> usize {
    // The table's length is a power of two, and no table of words is longer than a `u32`.
    (hash & 0xffff_ffff) as usize & (slots.len() - 1)
}

fn next_slot(slots: &[Slot], at: usize) -> usize {
    (at + 1) & (slots.len() - 1)
}

fn slots_for(words: usize) -> usize {
    (words * 2).next_power_of_two().max(64)
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
