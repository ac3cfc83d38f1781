//! The terminology: codes, titles, terms, and which codes are billable.

mod attributes;
mod bytes;
mod delta;
mod instructions;
mod lists;
mod meaning;
mod reader;
mod tree;
#[cfg(any(feature = "build", test))]
mod writer;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

#[cfg(feature = "build")]
pub(crate) use self::attributes::sides;
pub(crate) use self::attributes::{AttributeTables, Feature, NEVER, WordClass, value_feature};
pub use self::bytes::DictionaryError;
#[cfg(feature = "build")]
pub(crate) use self::bytes::encode;
#[cfg(feature = "build")]
pub(crate) use self::delta::make as make_delta;
#[cfg(feature = "build")]
pub(crate) use self::instructions::WIDE;
pub(crate) use self::instructions::{Instruction, InstructionKind, Instructions};
pub(crate) use self::lists::Lists;
pub use self::meaning::{Meaning, Origin};
pub(crate) use self::meaning::{Meanings, Sense};
pub(crate) use self::tree::Tree;
use crate::coding::Doid;
use crate::icd_code::IcdCode;
use crate::trie::{Trie, WordId};
use crate::vocabulary::Vocabulary;

/// The embedded FY2026 edition, written by the `terminology` binary.
static FY2026: &[u8] = include_bytes!("../terminology/icd10cm-fy2026.bin");

/// What turns the FY2026 edition's file into that of FY2025.
static FY2025: &[u8] = include_bytes!("../terminology/icd10cm-fy2025.delta");

/// A terminology, read once and shared; cloning it is cheap.
///
/// ```
/// use lightsout_nlp::Dictionary;
/// let dictionary = Dictionary::fy2026();
/// assert!(dictionary.is_billable("E11.9"));
/// assert!(!dictionary.is_billable("E11"), "a category needs more characters");
/// assert!(dictionary.is_billable("S52.501A") && !dictionary.is_billable("S52.501"), "a 7th character is needed");
/// assert_eq!(dictionary.title("I10").as_deref(), Some("Essential (primary) hypertension"));
/// ```
#[derive(Clone, Debug)]
pub struct Dictionary(Arc<Tables>);

/// What a dictionary's file holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    pub(crate) edition: String,
    /// Every code of the tabular list, categories included, in order.
    pub(crate) codes: Vec<IcdCode>,
    pub(crate) titles: Strings,
    /// Inclusion terms by code, in the order of the codes.
    pub(crate) inclusions: Vec<Inclusion>,
    pub(crate) inclusion_texts: Strings,
    pub(crate) nodes: Vec<Node>,
    /// The different sets of 7th characters, each in the order of the tabular list.
    pub(crate) sevenths: Vec<Vec<Seventh>>,
    pub(crate) diseases: Diseases,
    /// What the terms mean, each once, in order.
    pub(crate) meanings: Meanings,
    /// The lists of further diseases that terms may mean.
    pub(crate) senses: Vec<Vec<Sense>>,
    /// The words of the terms; the engine's tokenizer shares them.
    pub(crate) vocabulary: Arc<Vocabulary>,
    /// The terms, each with the place of its meaning.
    pub(crate) terms: Trie,
    pub(crate) attributes: AttributeTables,
    pub(crate) instructions: Instructions,
    /// Made from the codes on reading.
    pub(crate) tree: Tree,
}

/// What the tabular list says of one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) chapter: u8,
    pub(crate) is_leaf: bool,
    pub(crate) is_chronic: bool,
    /// The set of 7th characters, plus one; zero where none is needed.
    pub(crate) seventh: u8,
    /// The leaf that stands for this code when a note says no more, plus one; zero where none does.
    pub(crate) default: u32,
}

/// The diseases of MeSH and OMIM that terms name, in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Diseases {
    /// `D001943`, `C535579` (a supplementary concept) or `OMIM:176270`; several with `|`
    /// between them where one name means more than one.
    pub(crate) ids: Strings,
    pub(crate) names: Strings,
    /// The number in the Disease Ontology; zero where there is none.
    pub(crate) doids: Vec<u32>,
    /// The trees of MeSH that they stand in, as bits.
    pub(crate) groups: Vec<u32>,
}

/// One 7th character and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seventh {
    pub(crate) character: char,
    pub(crate) meaning: String,
}

/// The code that an inclusion term stands under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inclusion {
    pub(crate) node: u32,
}

/// Many strings in one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Strings {
    pub(crate) text: String,
    pub(crate) ends: Vec<u32>,
}

/// A code as it is billed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billable<'d> {
    /// The code with its dot, placeholders and 7th character.
    pub code: IcdCode,
    /// Its title, with the meaning of its 7th character.
    pub title: Cow<'d, str>,
}

impl Dictionary {
    /// ICD-10-CM of fiscal year 2026 (release of April 2026), embedded and read once.
    pub fn fy2026() -> Self {
        static READ: OnceLock<Dictionary> = OnceLock::new();
        READ.get_or_init(|| {
            Self::from_bytes(FY2026)
                .expect("the embedded file was written and checked by the build")
        })
        .clone()
    }

    /// ICD-10-CM of fiscal year 2025 (release of April 2025), embedded and read once.
    pub fn fy2025() -> Self {
        static READ: OnceLock<Dictionary> = OnceLock::new();
        READ.get_or_init(|| {
            let body = delta::apply(FY2026, FY2025);
            let tables = body.and_then(|(body, first)| bytes::decode_body(&body, first));
            Self(Arc::new(tables.expect(
                "the embedded files were written together and checked by the build",
            )))
        })
        .clone()
    }

    /// Reads a dictionary that the `terminology` binary wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DictionaryError> {
        bytes::decode(bytes).map(|tables| Self(Arc::new(tables)))
    }

    #[cfg(feature = "build")]
    pub(crate) fn of(tables: Tables) -> Self {
        Self(Arc::new(tables))
    }

    /// The edition's name.
    pub fn edition(&self) -> &str {
        &self.0.edition
    }

    /// Whether a claim may carry this code: a leaf, with its placeholders and 7th character.
    pub fn is_billable(&self, code: &str) -> bool {
        code.parse()
            .is_ok_and(|code| self.0.billable_leaf(code).is_some())
    }

    /// The title of a category or a billable code, its 7th character's meaning included.
    pub fn title(&self, code: &str) -> Option<Cow<'_, str>> {
        let code = code.parse().ok()?;
        if let Some((node, seventh)) = self.0.billable_leaf(code) {
            return Some(self.0.full_title(node, seventh));
        }
        self.0
            .node_of(code)
            .map(|node| Cow::Borrowed(self.0.titles.get(node)))
    }

    /// The inclusion terms that the tabular list gives for a code.
    pub fn inclusion_terms(&self, code: &str) -> Vec<&str> {
        let Some(node) = code.parse().ok().and_then(|code| self.0.node_of(code)) else {
            return Vec::new();
        };
        let from = self
            .0
            .inclusions
            .partition_point(|inclusion| (inclusion.node as usize) < node);
        let own = self.0.inclusions[from..]
            .iter()
            .take_while(|inclusion| inclusion.node as usize == node);
        own.zip(from..)
            .map(|(_, at)| self.0.inclusion_texts.get(at))
            .collect()
    }

    /// The chapter (1 to 22) of a code.
    pub fn chapter(&self, code: &str) -> Option<u8> {
        let code = code.parse().ok()?;
        let node = self
            .0
            .billable_leaf(code)
            .map(|(node, _)| node)
            .or_else(|| self.0.node_of(code))?;
        Some(self.0.nodes[node].chapter)
    }

    /// Whether a note of the tabular list says of either code that the other is not coded
    /// beside it (Excludes1), unless the two conditions have nothing to do with each other.
    ///
    /// ```
    /// use lightsout_nlp::Dictionary;
    /// let dictionary = Dictionary::fy2026();
    /// assert!(dictionary.excludes("E10.9", "E11.9"), "a diabetes has one type");
    /// assert!(!dictionary.excludes("E11.9", "I10"));
    /// ```
    pub fn excludes(&self, code: &str, other: &str) -> bool {
        let places = [code, other].map(|code| self.place(code.parse().ok()?));
        let [Some(code), Some(other)] = places else {
            return false;
        };
        let one_way = |code: (u32, Option<char>), other: (u32, Option<char>)| {
            let mut names = false;
            self.each_instruction(code.0, |instruction| {
                if instruction.kind.is_excludes1() {
                    instruction.among(&[other], |_| names = true);
                }
            });
            names
        };
        code != other && (one_way(code, other) || one_way(other, code))
    }

    /// The place of a billable code and its 7th character.
    pub(crate) fn place(&self, code: IcdCode) -> Option<(u32, Option<char>)> {
        let (node, seventh) = self.0.billable_leaf(code)?;
        let seventh = seventh.map(|seventh| seventh.character);
        Some((u32::try_from(node).ok()?, seventh))
    }

    /// Shows the notes of the tabular list at a code and at those above it.
    #[inline]
    pub(crate) fn each_instruction<'d>(&'d self, node: u32, mut see: impl FnMut(Instruction<'d>)) {
        let mut at = Some(node);
        while let Some(node) = at {
            self.0.instructions.each_at(node, &mut see);
            at = self.parent(node);
        }
    }

    /// The codes of the tabular list, categories included, in order.
    #[cfg(all(test, feature = "build"))]
    pub(crate) fn listed(&self) -> impl Iterator<Item = &str> {
        self.0.codes.iter().map(IcdCode::as_str)
    }

    /// The number of codes in the tabular list, categories included, before 7th characters.
    pub fn codes(&self) -> usize {
        self.0.nodes.len()
    }

    /// Every billable code, in order.
    pub fn billable_codes(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.0.nodes.len())
            .filter(|node| self.0.nodes[*node].is_leaf)
            .flat_map(move |node| {
                let (code, sevenths) = (self.0.codes[node], self.0.sevenths_of(node));
                let plain = sevenths.is_empty().then_some(code);
                let closed = move |seventh: &Seventh| code.with_seventh(seventh.character);
                plain.into_iter().chain(sevenths.iter().filter_map(closed))
            })
            .map(String::from)
    }

    /// The code that a claim carries for a meaning, or nothing where a note must say more.
    pub fn billable(&self, meaning: Meaning) -> Option<Billable<'_>> {
        self.billable_with(meaning.node, None)
    }

    /// The same with a 7th character that the note asks for, if its code takes that one.
    pub(crate) fn billable_with(
        &self,
        node: Option<u32>,
        asked: Option<char>,
    ) -> Option<Billable<'_>> {
        let node = self.0.nodes[node? as usize].default.checked_sub(1)? as usize;
        let set = self.0.sevenths_of(node);
        let seventh = asked
            .and_then(|asked| set.iter().find(|seventh| seventh.character == asked))
            .or_else(|| default_seventh(set));
        let code = self.0.codes[node];
        Some(Billable {
            code: match seventh {
                Some(seventh) => code.with_seventh(seventh.character)?,
                None => code,
            },
            title: self.0.full_title(node, seventh),
        })
    }

    /// A billable code with its title.
    pub(crate) fn billed(&self, code: &str) -> Option<Billable<'_>> {
        let code = code.parse().ok()?;
        let (node, seventh) = self.0.billable_leaf(code)?;
        Some(Billable {
            code,
            title: self.0.full_title(node, seventh),
        })
    }

    /// The different sets of 7th characters.
    pub(crate) fn seventh_sets(&self) -> &[Vec<Seventh>] {
        &self.0.sevenths
    }

    /// Which set of 7th characters the leaf has that stands for a code, if it needs one.
    pub(crate) fn seventh_set(&self, node: u32) -> Option<usize> {
        let leaf = self.default_leaf(node)?;
        usize::from(self.0.nodes[leaf as usize].seventh).checked_sub(1)
    }

    /// What a term means that a rule makes for a code of the tabular list, perhaps a category.
    pub(crate) fn meaning_of(&self, code: &str) -> Option<Meaning> {
        let node = u32::try_from(self.0.node_of(code.parse().ok()?)?).ok()?;
        Some(Meaning {
            node: Some(node),
            origin: Origin::Derived,
            ..Meaning::NOTHING
        })
    }

    /// The disease that a term names.
    pub(crate) fn disease_named(&self, term: &str) -> Option<u32> {
        let words: Vec<_> = crate::vocabulary::forms(term)
            .iter()
            .map(|form| (self.0.vocabulary.number(form), 0))
            .collect();
        let found = self.0.terms.longest(words.iter().copied())?;
        let is_whole = found.words == words.len();
        self.meaning(found.value).disease.filter(|_| is_whole)
    }

    /// The code of the tabular list that a meaning names; it need not be billable.
    pub fn code(&self, meaning: Meaning) -> Option<&str> {
        Some(self.0.codes[meaning.node? as usize].as_str())
    }

    /// The meaning of a billable code, for a term of this origin.
    pub(crate) fn billed_as(&self, code: &str, origin: Origin) -> Option<Meaning> {
        let (node, _) = self.0.billable_leaf(code.parse().ok()?)?;
        Some(Meaning {
            node: Some(u32::try_from(node).ok()?),
            origin,
            ..Meaning::NOTHING
        })
    }

    /// The title of the code that a meaning names, or the name of its disease.
    pub fn title_of(&self, meaning: Meaning) -> &str {
        match (meaning.node, meaning.disease) {
            (Some(node), _) => self.0.titles.get(node as usize),
            (None, Some(disease)) => self.0.diseases.names.get(disease as usize),
            (None, None) => "",
        }
    }

    /// The id of the disease that a meaning names: `D…` or `C…` of MeSH, or `OMIM:…`.
    ///
    /// ```
    /// use lightsout_nlp::Dictionary;
    /// let dictionary = Dictionary::fy2026();
    /// let (_, gout) = dictionary.terms().find(|(term, _)| term == "gout").unwrap();
    /// assert_eq!(dictionary.mesh(gout), Some("D006073"));
    /// assert_eq!(dictionary.doid(gout).unwrap().to_string(), "DOID:13189");
    /// ```
    pub fn mesh(&self, meaning: Meaning) -> Option<&str> {
        Some(self.0.diseases.ids.get(meaning.disease? as usize))
    }

    /// The id of the disease that a meaning names in the Disease Ontology.
    pub fn doid(&self, meaning: Meaning) -> Option<Doid> {
        self.doid_of(meaning.disease?)
    }

    pub(crate) fn doid_of(&self, disease: u32) -> Option<Doid> {
        match self.0.diseases.doids[disease as usize] {
            0 => None,
            doid => Some(Doid(doid)),
        }
    }

    /// Whether a condition, once there, stays a problem of the patient.
    pub fn is_chronic(&self, meaning: Meaning) -> bool {
        meaning
            .node
            .is_some_and(|node| self.0.nodes[node as usize].is_chronic)
    }

    /// The chapter (1 to 22) of a meaning's code.
    pub fn chapter_of(&self, meaning: Meaning) -> Option<u8> {
        Some(self.0.nodes[meaning.node? as usize].chapter)
    }

    /// The words of all terms, one space between them, with what they mean.
    pub fn terms(&self) -> impl Iterator<Item = (String, Meaning)> + '_ {
        self.0.terms.phrases().map(|(words, value)| {
            let words: Vec<_> = words
                .iter()
                .map(|word| self.0.vocabulary.word(*word))
                .collect();
            (words.join(" "), self.meaning(value))
        })
    }

    /// What the terms with this value in the trie mean.
    pub(crate) fn meaning(&self, value: u32) -> Meaning {
        self.0.meanings.get(value as usize)
    }

    /// The place of a code in the tabular list, categories included.
    #[cfg(feature = "build")]
    pub(crate) fn node_of(&self, code: &str) -> Option<u32> {
        u32::try_from(self.0.node_of(code.parse().ok()?)?).ok()
    }

    /// The words of each term, with what it means.
    #[cfg(feature = "build")]
    pub(crate) fn phrases(&self) -> impl Iterator<Item = (Vec<String>, Meaning)> {
        self.0.terms.phrases().map(|(words, value)| {
            let words = words.iter();
            let words = words.map(|word| self.0.vocabulary.word(*word).to_owned());
            (words.collect(), self.meaning(value))
        })
    }

    /// The file of this dictionary with other terms.
    #[cfg(feature = "build")]
    pub(crate) fn file_with(&self, terms: Trie, words: Strings, meanings: Meanings) -> Vec<u8> {
        encode(&Tables {
            meanings,
            vocabulary: Arc::new(Vocabulary::of(words)),
            terms,
            ..Tables::clone(&self.0)
        })
    }

    /// The words of the terms, in the order of their numbers.
    #[cfg(feature = "build")]
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.0.vocabulary.words().iter()
    }

    /// What the terms mean, in the order of their places.
    #[cfg(feature = "build")]
    pub(crate) fn meanings(&self) -> impl Iterator<Item = Meaning> {
        self.0.meanings.iter()
    }

    pub(crate) fn attributes(&self) -> &AttributeTables {
        &self.0.attributes
    }

    /// The classes of a word, as bits of [`WordClass`].
    pub(crate) fn word_class(&self, word: WordId) -> u8 {
        self.0.attributes.class(word)
    }

    /// A word of the terms as it is compared.
    pub(crate) fn word(&self, word: WordId) -> &str {
        self.0.vocabulary.word(word)
    }

    /// The code above a code.
    pub(crate) fn parent(&self, node: u32) -> Option<u32> {
        self.0.tree.parent(node)
    }

    /// One past the last code below a code.
    pub(crate) fn subtree_end(&self, node: u32) -> u32 {
        self.0.tree.end(node)
    }

    /// The leaf that stands for a code when a note says no more.
    pub(crate) fn default_leaf(&self, node: u32) -> Option<u32> {
        self.0.nodes[node as usize].default.checked_sub(1)
    }

    /// The title of a code of the tabular list.
    pub(crate) fn node_title(&self, node: u32) -> &str {
        self.0.titles.get(node as usize)
    }

    /// The diseases that a meaning may stand for, the likeliest first.
    pub(crate) fn senses(&self, meaning: Meaning) -> impl Iterator<Item = Sense> {
        let first = meaning.disease.map(|disease| Sense {
            disease,
            source: meaning.source,
        });
        let further = meaning.further.checked_sub(1);
        let further = further.map_or(&[][..], |at| &self.0.senses[at as usize]);
        first.into_iter().chain(further.iter().copied())
    }

    /// How many diseases there are; their places are the numbers below it.
    pub(crate) fn diseases(&self) -> u32 {
        u32::try_from(self.0.diseases.ids.len()).unwrap_or(u32::MAX)
    }

    /// The trees of MeSH that a disease stands in, as bits.
    pub(crate) fn groups(&self, disease: u32) -> u32 {
        self.0.diseases.groups[disease as usize]
    }

    /// The ids of a disease: more than one where one name means several.
    pub(crate) fn disease_ids(&self, disease: u32) -> impl Iterator<Item = &str> {
        self.0.diseases.ids.get(disease as usize).split('|')
    }

    /// The place of a disease among the diseases.
    pub(crate) fn disease_numbered(&self, id: &str) -> Option<u32> {
        let ids = &self.0.diseases.ids;
        let (mut low, mut high) = (0, ids.len());
        while low < high {
            let middle = low.midpoint(high);
            match ids.get(middle).cmp(id) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return u32::try_from(middle).ok(),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    pub(crate) fn trie(&self) -> &Trie {
        &self.0.terms
    }

    pub(crate) fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.0.vocabulary
    }
}

impl Tables {
    fn node_of(&self, code: IcdCode) -> Option<usize> {
        self.codes.binary_search(&code).ok()
    }

    fn sevenths_of(&self, node: usize) -> &[Seventh] {
        let set = self.nodes[node].seventh;
        set.checked_sub(1)
            .map_or(&[], |set| &self.sevenths[set as usize])
    }

    fn billable_leaf(&self, code: IcdCode) -> Option<(usize, Option<&Seventh>)> {
        if let Some(node) = self.node_of(code) {
            return (self.nodes[node].is_leaf && self.nodes[node].seventh == 0)
                .then_some((node, None));
        }
        let (padded, last) = code.seventh()?;
        let stem = padded.trim_end_matches('X').trim_end_matches('.').len();
        // A placeholder may also be part of the stem (`T36.0X1`), so longer stems come first.
        let node = (stem..=padded.len())
            .rev()
            .find_map(|end| self.node_of(padded.stem(end)?))?;
        let seventh = self
            .sevenths_of(node)
            .iter()
            .find(|seventh| seventh.character == last)?;
        let right = self.nodes[node].is_leaf && self.codes[node].with_seventh(last) == Some(code);
        right.then_some((node, Some(seventh)))
    }

    fn full_title(&self, node: usize, seventh: Option<&Seventh>) -> Cow<'_, str> {
        let title = self.titles.get(node);
        match seventh {
            Some(seventh) => format!("{title}, {}", seventh.meaning).into(),
            None => title.into(),
        }
    }
}

impl Strings {
    #[cfg(any(feature = "build", test))]
    pub(crate) fn new<S: AsRef<str>>(strings: impl IntoIterator<Item = S>) -> Self {
        let mut all = Self::default();
        for string in strings {
            all.push(string.as_ref());
        }
        all
    }

    pub(crate) fn push(&mut self, string: &str) {
        self.text.push_str(string);
        self.ends
            .push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    pub(crate) fn get(&self, at: usize) -> &str {
        let start = if at == 0 {
            0
        } else {
            self.ends[at - 1] as usize
        };
        &self.text[start..self.ends[at] as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|at| self.get(at))
    }
}

/// The 7th character where a note says nothing: the initial encounter, or what is unspecified.
fn default_seventh(set: &[Seventh]) -> Option<&Seventh> {
    let of = |character| set.iter().find(|seventh| seventh.character == character);
    of('A')
        .or_else(|| of('0'))
        .or_else(|| of('9'))
        .or_else(|| set.first())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_billable_code_is_found_billable_again() {
        let dictionary = Dictionary::fy2026();
        let codes: Vec<_> = dictionary.billable_codes().collect();
        assert!(codes.len() > 70_000, "{} billable codes", codes.len());
        for code in codes {
            assert!(dictionary.is_billable(&code), "{code}");
        }
    }

    #[test]
    fn codes_that_lack_or_misuse_a_character_are_not_billable() {
        let dictionary = Dictionary::fy2026();
        for code in [
            "",
            "I",
            "E11",
            "S52.501",
            "S52.501Z",
            "T14.91A",
            "I10.XXXA",
            "S06.1X7D",
            "i10",
            "I10 ",
            "\u{e9}\u{e9}\u{e9}\u{e9}",
        ] {
            assert!(!dictionary.is_billable(code), "{code}");
        }
    }

    #[test]
    fn every_term_leads_to_a_billable_code_or_to_none() {
        let dictionary = Dictionary::fy2026();
        for (term, meaning) in dictionary.terms() {
            if let Some(billable) = dictionary.billable(meaning) {
                assert!(
                    dictionary.is_billable(&billable.code),
                    "{term}: {}",
                    billable.code
                );
            }
        }
    }

    #[test]
    fn inclusion_terms_stand_under_their_code() {
        assert!(
            Dictionary::fy2026()
                .inclusion_terms("I50.9")
                .contains(&"Congestive heart failure NOS")
        );
        assert_eq!(Dictionary::fy2026().chapter("I50.9"), Some(9));
    }
}
