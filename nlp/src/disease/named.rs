//! By which names a text calls its diseases.

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::{Naming, Place};
use crate::trie::WordId;

/// How a text names each disease, and which of its names end alike.
#[derive(Clone, Debug, Default)]
pub(crate) struct Named {
    diseases: FxHashMap<u32, OfDisease>,
    endings: FxHashMap<WordId, Names>,
}

/// How a text names one disease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OfDisease {
    /// How often.
    pub(crate) often: u32,
    pub(crate) names: Names,
    /// Whether no longer term holds one of its names.
    pub(crate) is_whole: bool,
}

/// Different names, counted up to four.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    phrases: [u64; 4],
    count: usize,
}

impl Names {
    fn add(&mut self, phrase: u64) {
        if self.count < self.phrases.len() && !self.phrases[..self.count].contains(&phrase) {
            self.phrases[self.count] = phrase;
            self.count += 1;
        }
    }

    pub(crate) fn count(self) -> u64 {
        self.count as u64
    }
}

/// Room is made beforehand for so many diseases at most.
const FEW: usize = 64;

impl Named {
    pub(crate) fn of<'n>(namings: impl IntoIterator<Item = &'n Naming>) -> Self {
        let namings = namings.into_iter();
        // A short text names most of its diseases once; a long one names the same ones again.
        let few = namings.size_hint().0.min(FEW);
        let mut named = Self {
            diseases: FxHashMap::with_capacity_and_hasher(few, FxBuildHasher),
            endings: FxHashMap::with_capacity_and_hasher(few, FxBuildHasher),
        };
        for naming in namings {
            let disease = named.diseases.entry(naming.disease).or_default();
            disease.often += 1;
            disease.names.add(naming.phrase);
            disease.is_whole |= naming.place == Place::Whole;
            let alike = named.endings.entry(naming.last).or_default();
            alike.add(naming.phrase);
        }
        named
    }

    pub(crate) fn disease(&self, disease: u32) -> OfDisease {
        self.diseases.get(&disease).copied().unwrap_or_default()
    }

    /// How many different names end with a word.
    pub(crate) fn alike(&self, last: WordId) -> u64 {
        self.endings.get(&last).map_or(0, |names| names.count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_counts_once_and_not_beyond_four() {
        let mut names = Names::default();
        for phrase in [7, 8, 7, 9, 8] {
            names.add(phrase);
        }
        assert_eq!(names.count(), 3);
        for phrase in 10..20 {
            names.add(phrase);
        }
        assert_eq!(names.count(), 4);
    }
}
