//! What titles say beyond a condition, laid out for finding the most specific code.

use super::bytes::DictionaryError;
use super::reader::{Reader, damaged};
use super::{Lists, Strings};
use crate::attributes::AttributeKind;
use crate::trie::{Trie, WordId};
use crate::vocabulary::Vocabulary;

/// What a title asks of a note: a value of the table of attributes, or a word.
///
/// Zero is asked for by titles with `other`, and no note says it; then come the values in
/// their order, then the words of the dictionary.
pub(crate) type Feature = u32;

/// The feature that no note says.
pub(crate) const NEVER: Feature = 0;

/// The attributes of the terminology, and which of them each code asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AttributeTables {
    pub(crate) kinds: Vec<AttributeKind>,
    pub(crate) names: Strings,
    /// For each value the further values that it says.
    pub(crate) says_too: Lists,
    /// What notes say for the values.
    pub(crate) phrases: Trie,
    /// The class of each word, as bits, up to the last that has one.
    pub(crate) classes: Vec<u8>,
    /// For each code what it asks for and the code above it does not.
    pub(crate) asked: Lists,
    /// For each code what its title only names as unspecified.
    pub(crate) generic: Lists,
    /// Right, left and bilateral, made from the values on reading.
    pub(crate) sides: Option<(Feature, Feature, Feature)>,
}

/// The features of right, left and bilateral among the values.
pub(crate) fn sides(
    kinds: &[AttributeKind],
    names: &Strings,
) -> Option<(Feature, Feature, Feature)> {
    let of = |side: &str| {
        let is_side =
            |at: &usize| kinds[*at] == AttributeKind::Laterality && names.get(*at) == side;
        let at = (0..kinds.len().min(names.len())).find(is_side)?;
        Some(value_feature(u32::try_from(at).ok()?))
    };
    Some((of("right")?, of("left")?, of("bilateral")?))
}

/// The feature of a value by its place.
pub(crate) fn value_feature(value: u32) -> Feature {
    value + 1
}

/// What a word does beside a mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum WordClass {
    /// It may stand inside a term.
    Pass = 1,
    /// It ends the neighbourhood of a mention.
    Halt = 2,
    /// What it precedes counts for nothing.
    Deny = 4,
    /// It leads to what belongs to the condition.
    Link = 8,
    /// It leads to a place; words that pass may follow it inside a term.
    Lead = 16,
    /// It is one of two, so that its plural means both sides.
    Pair = 32,
}

impl AttributeTables {
    /// The feature of a word of the dictionary.
    pub(crate) fn word_feature(&self, word: WordId) -> Feature {
        self.values() + word
    }

    /// The place of the value that a feature is, if it is no word.
    pub(crate) fn value_of(&self, feature: Feature) -> Option<usize> {
        let value = feature.checked_sub(1)?;
        (value < self.values()).then_some(value as usize)
    }

    /// The word that a feature is, if it is no value.
    pub(crate) fn word_of(&self, feature: Feature) -> Option<WordId> {
        feature
            .checked_sub(self.values())
            .filter(|word| *word != 0 && feature != NEVER)
    }

    /// The classes of a word, as bits of [`WordClass`].
    pub(crate) fn class(&self, word: WordId) -> u8 {
        self.classes.get(word as usize).copied().unwrap_or(0)
    }

    fn values(&self) -> u32 {
        u32::try_from(self.kinds.len()).unwrap_or(0)
    }

    pub(super) fn read(
        reader: &mut Reader<'_>,
        words: &Vocabulary,
    ) -> Result<Self, DictionaryError> {
        const PART: &str = "attributes";
        let kinds = reader.list(PART, |reader| {
            AttributeKind::from_number(reader.byte(PART)?).ok_or_else(|| damaged(PART))
        })?;
        let names = reader.strings(PART)?;
        let says_too = reader.lists(PART)?;
        let phrases = reader.trie(words)?;
        let classes = reader.byte_list(PART)?;
        Ok(Self {
            sides: sides(&kinds, &names),
            kinds,
            names,
            says_too,
            phrases,
            classes,
            asked: reader.lists(PART)?,
            generic: reader.lists(PART)?,
        })
    }

    /// Whether these tables fit to so many codes and words.
    pub(super) fn fits(&self, codes: usize, words: usize) -> bool {
        let values = self.kinds.len();
        let is_feature = |feature: &Feature| *feature as usize <= values + words;
        self.names.len() == values
            && self.says_too.len() == values
            && self
                .says_too
                .items
                .iter()
                .all(|said| (*said as usize) < values)
            && self.asked.len() == codes
            && self.generic.len() == codes
            && self.asked.items.iter().all(is_feature)
            && self.generic.items.iter().all(is_feature)
            && self.classes.len() <= words + 1
            && self.phrases.values().all(|value| value as usize <= values)
    }
}

#[cfg(any(feature = "build", test))]
impl AttributeTables {
    pub(super) fn write(&self, writer: &mut super::writer::Writer) {
        writer.count(self.kinds.len());
        let kinds = self.kinds.iter().map(|kind| kind.number());
        writer.pieces(&kinds.collect::<Vec<_>>());
        writer.strings(&self.names);
        writer.lists(&self.says_too);
        writer.trie(&self.phrases);
        writer.count(self.classes.len());
        writer.pieces(&self.classes);
        writer.lists(&self.asked);
        writer.lists(&self.generic);
    }
}
