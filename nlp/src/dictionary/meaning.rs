//! What a term means: a code of the tabular list, a disease of MeSH, or both.

use serde::{Deserialize, Serialize};

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
