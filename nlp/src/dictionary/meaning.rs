//! What a term means: a code of the tabular list, a disease of MeSH, or both.

use serde::{Deserialize, Serialize};

use crate::table::Table;

/// Where a term comes from: how sure it is that it means its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A title of the tabular list as it stands.
    Title,
    /// An inclusion term of the tabular list as it stands.
    Inclusion,
    /// A line of the project's own lexicon of clinical language.
    Lexicon,
    /// A title or inclusion term, turned round or freed of words such as `unspecified`.
    Derived,
    /// A term of MeSH or of a disease ontology.
    Ontology,
    /// A term of the official index or its tables, where they were imported.
    Index,
    /// A term that counts in narratives alone.
    Narrative,
}

/// What a term means: a code of the tabular list, perhaps a category, or a disease, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Meaning {
    /// The code, by its place in the tabular list.
    pub(crate) node: Option<u32>,
    /// The disease, by its place among the diseases.
    pub(crate) disease: Option<u32>,
    /// How the name of the disease is known; the model of diseases weighs each way.
    pub(crate) source: u8,
    /// Further diseases that the term may mean: a place among the lists of senses, plus one.
    pub(crate) further: u32,
    /// Where the term comes from: for a term with a code, as a name of that code.
    pub origin: Origin,
}

/// A disease that a term may mean, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Sense {
    pub(crate) disease: u32,
    pub(crate) source: u8,
}

impl Meaning {
    /// Nothing: of words that are looked at whatever they are.
    pub(crate) const NOTHING: Self = Self {
        node: None,
        disease: None,
        source: 0,
        further: 0,
        origin: Origin::Lexicon,
    };

    /// Whether it has a code, perhaps one that is not billable.
    pub fn has_code(self) -> bool {
        self.node.is_some()
    }
}

impl Origin {
    pub(crate) const ALL: [Self; 6] = [
        Self::Title,
        Self::Inclusion,
        Self::Lexicon,
        Self::Derived,
        Self::Ontology,
        Self::Index,
    ];
}

/// Meanings by their places, as four numbers each: code and disease, each plus one, further
/// diseases, and the origin with the source in its lowest byte.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meanings {
    rows: Table<[u32; 4]>,
    /// The largest of the first three numbers.
    largest: [u32; 3],
}

impl Meanings {
    /// So many meanings, all of nothing.
    pub(crate) fn zeroed(length: usize) -> Self {
        Self {
            rows: Table::zeroed(length),
            largest: [0; 3],
        }
    }

    pub(crate) fn set(&mut self, at: usize, meaning: Meaning) {
        let plus_one = |place: Option<u32>| place.map_or(0, |place| place + 1);
        let places = [
            plus_one(meaning.node),
            plus_one(meaning.disease),
            meaning.further,
        ];
        let [node, disease, further] = places;
        let known = (meaning.origin as u32) << 8 | u32::from(meaning.source);
        self.rows[at] = [node, disease, further, known];
        for (largest, place) in self.largest.iter_mut().zip(places) {
            *largest = place.max(*largest);
        }
    }

    pub(crate) fn get(&self, at: usize) -> Meaning {
        let [node, disease, further, known] = self.rows[at];
        let [source, origin, ..] = known.to_le_bytes();
        Meaning {
            node: node.checked_sub(1),
            disease: disease.checked_sub(1),
            source,
            further,
            origin: Origin::ALL[usize::from(origin)],
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether all that they name is there, of so many codes, diseases, and lists of senses.
    pub(crate) fn fit(&self, codes: usize, diseases: usize, senses: usize) -> bool {
        let [node, disease, further] = self.largest.map(|place| place as usize);
        node <= codes && disease <= diseases && further <= senses
    }

    #[cfg(any(feature = "build", test))]
    pub(crate) fn iter(&self) -> impl Iterator<Item = Meaning> {
        (0..self.len()).map(|at| self.get(at))
    }
}

#[cfg(any(feature = "build", test))]
impl FromIterator<Meaning> for Meanings {
    fn from_iter<M: IntoIterator<Item = Meaning>>(meanings: M) -> Self {
        let all: Vec<_> = meanings.into_iter().collect();
        let mut table = Self::zeroed(all.len());
        for (at, meaning) in all.into_iter().enumerate() {
            table.set(at, meaning);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meaning_is_what_was_set() {
        let some = Meaning {
            node: Some(0),
            disease: Some(7),
            source: 255,
            further: 3,
            origin: Origin::Index,
        };
        let meanings: Meanings = [some, Meaning::NOTHING].into_iter().collect();
        assert!(meanings.iter().eq([some, Meaning::NOTHING]));
        assert!(meanings.fit(1, 8, 3));
        assert!(!meanings.fit(0, 8, 3) && !meanings.fit(1, 7, 3) && !meanings.fit(1, 8, 2));
    }
}
