//! The file format: a header, then one zlib stream of numbers and strings.
//!
//! Header: `ICDTERMS`, the format's version (one byte), the length of the inflated body
//! (four bytes, little end first). zlib's own checksum tells damage. Inside, numbers are
//! LEB128, a list is its length and its items, strings are one text and their lengths. A long
//! list of numbers is kept by their bytes: all the lowest ones, then all the next ones, which
//! reads fast and compresses well.
//! The body is a function of the tables alone: same terminology, same bytes.

use std::io::Read;
use std::sync::Arc;

use flate2::bufread::ZlibDecoder;

use super::{
    AttributeTables, Diseases, Inclusion, Lists, Meaning, Node, Origin, Sense, Seventh, Strings,
    Tables,
};
use crate::trie::Trie;
use crate::vocabulary::Vocabulary;

const MAGIC: &[u8; 8] = b"ICDTERMS";
pub(super) const VERSION: u8 = 6;
/// What is reserved before a body is inflated, in bytes; a damaged header asks for no more.
const USUAL_BODY: usize = 32 << 20;
const HEADER: usize = MAGIC.len() + 1 + 4;
/// No terminology comes near this; a header that claims more is damaged.
pub(super) const LARGEST_BODY: usize = 256 << 20;

/// Why bytes are no dictionary.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DictionaryError {
    /// The bytes do not begin as a dictionary does.
    #[error(
        "not a dictionary file: it must begin with `ICDTERMS`; write one with the `terminology` binary"
    )]
    NotADictionary,
    /// The file was written by another version of this crate.
    #[error(
        "the dictionary has format version `{found}`, this crate reads `{VERSION}`; write it anew with the `terminology` binary"
    )]
    Version {
        /// The version found.
        found: u8,
    },
    /// A delta is given with another file than the one that it was made from.
    #[error(
        "the edition's file was not made from this newest edition's; write both anew with the `terminology` binary"
    )]
    OtherBase,
    /// The compressed body cannot be read.
    #[error("the dictionary's body does not inflate; the file is damaged, write it anew")]
    Inflate(#[source] std::io::Error),
    /// The body's contents contradict each other.
    #[error(
        "the dictionary's `{part}` are damaged; write the file anew with the `terminology` binary"
    )]
    Damaged {
        /// The part that does not fit.
        part: &'static str,
    },
}

/// Reads a whole file.
pub(super) fn decode(file: &[u8]) -> Result<Tables, DictionaryError> {
    decode_body(&body(file)?)
}

/// The body of a whole file.
pub(super) fn body(file: &[u8]) -> Result<Vec<u8>, DictionaryError> {
    if file.len() < HEADER || !file.starts_with(MAGIC) {
        return Err(DictionaryError::NotADictionary);
    }
    let found = file[MAGIC.len()];
    if found != VERSION {
        return Err(DictionaryError::Version { found });
    }
    let length = file[MAGIC.len() + 1..HEADER]
        .iter()
        .rev()
        .fold(0, |length, byte| length << 8 | usize::from(*byte));
    if length > LARGEST_BODY {
        return Err(DictionaryError::Damaged { part: "header" });
    }
    let body = inflate(&file[HEADER..], length)?;
    if body.len() != length {
        return Err(DictionaryError::Damaged { part: "length" });
    }
    Ok(body)
}

/// The inflated bytes of a zlib stream, which must not be more than `most`.
pub(super) fn inflate(stream: &[u8], most: usize) -> Result<Vec<u8>, DictionaryError> {
    let mut inflated = Vec::with_capacity(most.min(USUAL_BODY));
    ZlibDecoder::new(stream)
        .take(most as u64 + 1)
        .read_to_end(&mut inflated)
        .map_err(DictionaryError::Inflate)?;
    Ok(inflated)
}

/// The tables of a body.
pub(super) fn decode_body(body: &[u8]) -> Result<Tables, DictionaryError> {
    let mut reader = Reader { body };
    let mut tables = reader.tables()?;
    if !reader.body.is_empty() {
        return Err(DictionaryError::Damaged { part: "last bytes" });
    }
    check(&tables)?;
    tables.tree = super::Tree::new(&tables.codes);
    Ok(tables)
}

/// The whole file for these tables; the vocabulary is made from the words on reading.
#[cfg(any(feature = "build", test))]
pub(crate) fn encode(tables: &Tables) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.tables(tables);
    let mut file = MAGIC.to_vec();
    file.push(VERSION);
    file.extend(
        u32::try_from(writer.body.len())
            .unwrap_or(u32::MAX)
            .to_le_bytes(),
    );
    file.extend(miniz_oxide::deflate::compress_to_vec_zlib(&writer.body, 9));
    file
}

fn check(tables: &Tables) -> Result<(), DictionaryError> {
    let damaged = |part| Err(DictionaryError::Damaged { part });
    let codes = tables.nodes.len();
    if tables.codes.len() != codes || tables.titles.len() != codes {
        return damaged("titles");
    }
    if !tables.codes.text.is_ascii()
        || (1..codes).any(|at| tables.codes.get(at - 1) >= tables.codes.get(at))
    {
        return damaged("codes");
    }
    let fits = |node: &Node| {
        let leaf = node.default.checked_sub(1).is_none_or(|leaf| {
            tables
                .nodes
                .get(leaf as usize)
                .is_some_and(|leaf| leaf.is_leaf)
        });
        leaf && node.seventh as usize <= tables.sevenths.len()
    };
    if !tables.nodes.iter().all(fits) {
        return damaged("defaults");
    }
    let inclusions = &tables.inclusions;
    let ordered = inclusions
        .windows(2)
        .all(|pair| pair[0].node <= pair[1].node);
    if !ordered
        || inclusions.len() != tables.inclusion_texts.len()
        || inclusions
            .iter()
            .any(|inclusion| inclusion.node as usize >= codes)
    {
        return damaged("inclusion terms");
    }
    let diseases = tables.diseases.ids.len();
    if tables.diseases.names.len() != diseases
        || tables.diseases.doids.len() != diseases
        || tables.diseases.groups.len() != diseases
        || (1..diseases).any(|at| tables.diseases.ids.get(at - 1) >= tables.diseases.ids.get(at))
    {
        return damaged("diseases");
    }
    let within = |place: Option<u32>, length: usize| place.is_none_or(|at| (at as usize) < length);
    let stands =
        |meaning: &Meaning| within(meaning.node, codes) && within(meaning.disease, diseases);
    if !tables.meanings.iter().all(stands) {
        return damaged("meanings");
    }
    let in_order = |sense: &Sense| (sense.disease as usize) < diseases;
    let fits = |meaning: &Meaning| meaning.further as usize <= tables.senses.len();
    if !tables.senses.iter().flatten().all(in_order) || !tables.meanings.iter().all(fits) {
        return damaged("meanings");
    }
    let known = |value: u32| value as usize <= tables.meanings.len();
    let worded = |word: u32| word as usize <= tables.vocabulary.len();
    if !tables.terms.values().all(known) || !tables.terms.labels().all(worded) {
        return damaged("terms");
    }
    if !tables.attributes.fits(codes, tables.vocabulary.len()) {
        return damaged("attributes");
    }
    Ok(())
}

/// Made only where it is needed: it is asked for millions of times.
#[cold]
fn damaged(part: &'static str) -> DictionaryError {
    DictionaryError::Damaged { part }
}

pub(super) struct Reader<'b> {
    pub(super) body: &'b [u8],
}

impl Reader<'_> {
    fn tables(&mut self) -> Result<Tables, DictionaryError> {
        let edition = self.strings("edition")?.text;
        let codes = self.strings("codes")?;
        let titles = self.strings("titles")?;
        let inclusion_texts = self.strings("inclusion terms")?;
        let mut node = 0;
        let inclusions = self.list("inclusion terms", |reader| {
            node += reader.number("inclusion terms")?;
            Ok(Inclusion { node })
        })?;
        let mut place = 0;
        let nodes = self.list("codes", |reader| {
            place += 1;
            reader.node(place)
        })?;
        let sevenths = self.list("7th characters", |reader| {
            reader.list("7th characters", Self::seventh)
        })?;
        let diseases = Diseases {
            ids: self.strings("diseases")?,
            names: self.strings("diseases")?,
            doids: self.numbers("diseases")?,
            groups: self.numbers("diseases")?,
        };
        let mut node = 0;
        let meanings = self.list("meanings", |reader| reader.meaning(&mut node))?;
        let senses = self.list("meanings", |reader| {
            reader.list("meanings", |reader| {
                Ok(Sense {
                    disease: reader.number("meanings")?,
                    source: reader.byte("meanings")?,
                })
            })
        })?;
        let words = self.strings("words")?;
        let terms = self.trie()?;
        let attributes = AttributeTables::read(self)?;
        Ok(Tables {
            edition,
            codes,
            titles,
            inclusions,
            inclusion_texts,
            nodes,
            sevenths,
            diseases,
            meanings,
            senses,
            vocabulary: Arc::new(Vocabulary::of(words)),
            terms,
            attributes,
            tree: super::Tree::default(),
        })
    }

    /// The node at this place, counted from one.
    fn node(&mut self, place: u32) -> Result<Node, DictionaryError> {
        let chapter = self.byte("codes")?;
        let flags = self.byte("codes")?;
        Ok(Node {
            chapter,
            is_leaf: flags & 1 != 0,
            is_chronic: flags & 2 != 0,
            seventh: self.byte("codes")?,
            default: self.distance(place, "codes")?,
        })
    }

    /// A meaning whose code, plus one, is kept as its distance from that of the one before.
    fn meaning(&mut self, node: &mut u32) -> Result<Meaning, DictionaryError> {
        let origin = self.byte("meanings")? as usize;
        *node = self.distance(*node, "meanings")?;
        Ok(Meaning {
            node: node.checked_sub(1),
            disease: self.number("meanings")?.checked_sub(1),
            source: self.byte("meanings")?,
            further: self.number("meanings")?,
            origin: *Origin::ALL.get(origin).ok_or_else(|| damaged("meanings"))?,
        })
    }

    fn seventh(&mut self) -> Result<Seventh, DictionaryError> {
        let character = char::from(self.byte("7th characters")?);
        let meaning = self.strings("7th characters")?.text;
        Ok(Seventh { character, meaning })
    }

    pub(super) fn trie(&mut self) -> Result<Trie, DictionaryError> {
        let mut labels = self.numbers("terms")?;
        let counts = self.numbers("terms")?;
        let values = self.numbers("terms")?;
        let children: u64 = counts.iter().map(|count| u64::from(*count)).sum();
        let nodes = labels.len();
        if nodes == 0
            || counts.len() != nodes
            || values.len() != nodes
            || children != nodes as u64 - 1
        {
            return Err(DictionaryError::Damaged { part: "terms" });
        }
        // Siblings are in order, so each label is kept as its distance from the one before.
        let mut node = 1;
        for count in &counts {
            let mut label: u32 = 0;
            for sibling in &mut labels[node..node + *count as usize] {
                label = label
                    .checked_add(*sibling)
                    .ok_or_else(|| damaged("terms"))?;
                *sibling = label;
            }
            node += *count as usize;
        }
        // A label past the words would size the trie's first table; it is checked before it is made.
        if labels.iter().any(|label| *label as usize > LARGEST_BODY) {
            return Err(DictionaryError::Damaged { part: "terms" });
        }
        Ok(Trie::assemble(&labels, &counts, &values))
    }

    pub(super) fn list<T>(
        &mut self,
        part: &'static str,
        item: impl FnMut(&mut Self) -> Result<T, DictionaryError>,
    ) -> Result<Vec<T>, DictionaryError> {
        let length = self.number(part)? as usize;
        // Every item takes at least one byte, so a damaged length cannot ask for much memory.
        if length > self.body.len() {
            return Err(DictionaryError::Damaged { part });
        }
        let mut item = item;
        let mut items = Vec::with_capacity(length);
        for _ in 0..length {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// A list of numbers; most of a dictionary is such lists.
    fn numbers(&mut self, part: &'static str) -> Result<Vec<u32>, DictionaryError> {
        let length = self.number(part)? as usize;
        let width = usize::from(self.byte(part)?);
        if width > 4 || length > self.body.len() || length * width > self.body.len() {
            return Err(damaged(part));
        }
        let mut numbers = vec![0; length];
        for plane in 0..width {
            let (bytes, rest) = self.body.split_at(length);
            for (number, byte) in numbers.iter_mut().zip(bytes) {
                *number |= u32::from(*byte) << (8 * plane);
            }
            self.body = rest;
        }
        Ok(numbers)
    }

    pub(super) fn strings(&mut self, part: &'static str) -> Result<Strings, DictionaryError> {
        let (ends, end) = self.ends(part)?;
        let Some((text, rest)) = self.body.split_at_checked(end as usize) else {
            return Err(DictionaryError::Damaged { part });
        };
        self.body = rest;
        let text = std::str::from_utf8(text)
            .map_err(|_| DictionaryError::Damaged { part })?
            .to_owned();
        if !ends.iter().all(|end| text.is_char_boundary(*end as usize)) {
            return Err(DictionaryError::Damaged { part });
        }
        Ok(Strings { text, ends })
    }

    /// Where each of a row of things ends, kept as their lengths, and where the last one does.
    fn ends(&mut self, part: &'static str) -> Result<(Vec<u32>, u32), DictionaryError> {
        let mut ends = self.numbers(part)?;
        let mut end: u32 = 0;
        for length in &mut ends {
            end = end.checked_add(*length).ok_or_else(|| damaged(part))?;
            *length = end;
        }
        Ok((ends, end))
    }

    pub(super) fn lists(&mut self, part: &'static str) -> Result<Lists, DictionaryError> {
        let (ends, end) = self.ends(part)?;
        let items = self.numbers(part)?;
        if items.len() != end as usize {
            return Err(DictionaryError::Damaged { part });
        }
        Ok(Lists { items, ends })
    }

    pub(super) fn byte(&mut self, part: &'static str) -> Result<u8, DictionaryError> {
        let (byte, rest) = self.body.split_first().ok_or_else(|| damaged(part))?;
        self.body = rest;
        Ok(*byte)
    }

    /// A number that is kept as its distance, up or down, from another one.
    fn distance(&mut self, from: u32, part: &'static str) -> Result<u32, DictionaryError> {
        let folded = self.number(part)?;
        let by = folded >> 1;
        let number = if folded & 1 == 0 {
            from.checked_add(by)
        } else {
            from.checked_sub(by)
        };
        number.ok_or_else(|| damaged(part))
    }

    pub(super) fn number(&mut self, part: &'static str) -> Result<u32, DictionaryError> {
        // Most numbers are small, and there are millions.
        match *self.body {
            [byte @ ..0x80, ref rest @ ..] => {
                self.body = rest;
                return Ok(u32::from(byte));
            }
            [low, high @ ..0x80, ref rest @ ..] => {
                self.body = rest;
                return Ok(u32::from(high) << 7 | u32::from(low & 0x7f));
            }
            _ => {}
        }
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.byte(part)?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(number).map_err(|_| DictionaryError::Damaged { part });
            }
        }
        Err(DictionaryError::Damaged { part })
    }
}

#[cfg(any(feature = "build", test))]
#[derive(Default)]
pub(super) struct Writer {
    pub(super) body: Vec<u8>,
}

#[cfg(any(feature = "build", test))]
impl Writer {
    fn tables(&mut self, tables: &Tables) {
        self.strings(&Strings::new([&tables.edition]));
        self.strings(&tables.codes);
        self.strings(&tables.titles);
        self.strings(&tables.inclusion_texts);
        self.count(tables.inclusions.len());
        let mut before = 0;
        for inclusion in &tables.inclusions {
            self.number(inclusion.node - before);
            before = inclusion.node;
        }
        self.count(tables.nodes.len());
        for (place, node) in (1..).zip(&tables.nodes) {
            self.body.extend([
                node.chapter,
                u8::from(node.is_leaf) | u8::from(node.is_chronic) << 1,
                node.seventh,
            ]);
            self.distance(place, node.default);
        }
        self.count(tables.sevenths.len());
        for set in &tables.sevenths {
            self.count(set.len());
            for seventh in set {
                self.body
                    .push(u8::try_from(seventh.character).unwrap_or(b'?'));
                self.strings(&Strings::new([&seventh.meaning]));
            }
        }
        self.strings(&tables.diseases.ids);
        self.strings(&tables.diseases.names);
        self.numbers(&tables.diseases.doids);
        self.numbers(&tables.diseases.groups);
        self.count(tables.meanings.len());
        let mut before = 0;
        for meaning in &tables.meanings {
            let node = meaning.node.map_or(0, |node| node + 1);
            self.body.push(meaning.origin as u8);
            self.distance(before, node);
            self.number(meaning.disease.map_or(0, |disease| disease + 1));
            self.body.push(meaning.source);
            self.number(meaning.further);
            before = node;
        }
        self.count(tables.senses.len());
        for senses in &tables.senses {
            self.count(senses.len());
            for sense in senses {
                self.number(sense.disease);
                self.body.push(sense.source);
            }
        }
        self.strings(tables.vocabulary.words());
        self.trie(&tables.terms);
        tables.attributes.write(self);
    }

    pub(super) fn lists(&mut self, lists: &Lists) {
        self.ends(&lists.ends);
        self.numbers(&lists.items);
    }

    pub(super) fn trie(&mut self, trie: &Trie) {
        let counts: Vec<_> = trie.child_counts().collect();
        let mut labels: Vec<_> = trie.labels().collect();
        let mut node = 1;
        for count in &counts {
            let mut before = 0;
            for label in &mut labels[node..node + *count as usize] {
                (before, *label) = (*label, *label - before);
            }
            node += *count as usize;
        }
        self.numbers(&labels);
        self.numbers(&counts);
        self.numbers(&trie.values().collect::<Vec<_>>());
    }

    pub(super) fn strings(&mut self, strings: &Strings) {
        self.ends(&strings.ends);
        self.body.extend(strings.text.as_bytes());
    }

    fn ends(&mut self, ends: &[u32]) {
        let mut before = 0;
        let length = |end: &u32| *end - std::mem::replace(&mut before, *end);
        self.numbers(&ends.iter().map(length).collect::<Vec<_>>());
    }

    /// The numbers' lowest bytes, then their next ones, up to the highest that any of them has.
    fn numbers(&mut self, numbers: &[u32]) {
        self.count(numbers.len());
        let most = numbers.iter().max().map_or(0, |most| most.leading_zeros());
        let width = if numbers.is_empty() {
            0
        } else {
            4 - most as usize / 8
        };
        self.body.push(u8::try_from(width).unwrap_or(4));
        for plane in 0..width {
            self.body
                .extend(numbers.iter().map(|number| number.to_le_bytes()[plane]));
        }
    }

    pub(super) fn count(&mut self, count: usize) {
        self.number(u32::try_from(count).unwrap_or(u32::MAX));
    }

    fn distance(&mut self, from: u32, number: u32) {
        let by = number.abs_diff(from) << 1;
        self.number(by | u32::from(number < from));
    }

    pub(super) fn number(&mut self, mut number: u32) {
        while number >= 0x80 {
            self.body.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.body.push(number.to_le_bytes()[0]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::FY2026;
    use super::*;

    #[test]
    fn writing_what_was_read_gives_the_same_bytes() {
        let tables = decode(FY2026).unwrap();
        assert!(
            encode(&tables) == FY2026,
            "the committed file is not what this crate writes"
        );
    }

    #[test]
    fn other_files_and_other_versions_are_told_apart() {
        assert!(matches!(
            decode(b"PK\x03\x04 and then some"),
            Err(DictionaryError::NotADictionary)
        ));
        let mut newer = FY2026[..64].to_vec();
        newer[8] = 9;
        assert!(matches!(
            decode(&newer),
            Err(DictionaryError::Version { found: 9 })
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

        // A compressed stream may copy the same words from two places, so a changed byte
        // can leave the body as it was. Any other change must be told.
        #[test]
        fn damage_is_an_error_or_changes_nothing(at in 9..FY2026.len(), byte: u8) {
            let mut damaged = FY2026.to_vec();
            prop_assume!(damaged[at] != byte);
            damaged[at] = byte;
            if let Ok(tables) = decode(&damaged) {
                prop_assert!(encode(&tables) == FY2026);
            }
        }

        #[test]
        fn a_body_of_any_bytes_is_an_error_and_never_a_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut file = MAGIC.to_vec();
            file.push(VERSION);
            file.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
            file.extend(miniz_oxide::deflate::compress_to_vec_zlib(&body, 1));
            prop_assert!(decode(&file).is_err());
        }
    }
}
