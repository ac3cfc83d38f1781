//! The file format: a header, then one zlib stream of numbers and strings.
//!
//! Header: `ICDTERMS`, the format's version (one byte), the length of the inflated body
//! (four bytes, little end first). zlib's own checksum tells damage. Inside, numbers are
//! LEB128, a list is its length and its items, strings are one text and their lengths. A long
//! list of numbers is kept by their bytes: all the lowest ones, then all the next ones, which
//! reads fast and compresses well.
//! The body is a function of the tables alone: same terminology, same bytes.

use std::io::Read;

use flate2::bufread::ZlibDecoder;

use super::inflating;
use super::reader::{Reader, damaged};
#[cfg(any(feature = "build", test))]
use super::writer::Writer;
use super::{Meaning, Node, Sense, Tables};

const MAGIC: &[u8; 8] = b"ICDTERMS";
pub(super) const VERSION: u8 = 7;
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
    let (stream, length) = stream(file)?;
    inflating::read(stream, |body| decode_body(body, length))
}

/// The body of a whole file.
pub(super) fn body(file: &[u8]) -> Result<Vec<u8>, DictionaryError> {
    let (stream, length) = stream(file)?;
    let body = inflate(stream, length)?;
    if body.len() != length {
        return Err(damaged("length"));
    }
    Ok(body)
}

/// The compressed body of a file, and its length when inflated.
fn stream(file: &[u8]) -> Result<(&[u8], usize), DictionaryError> {
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
        return Err(damaged("header"));
    }
    Ok((&file[HEADER..], length))
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

/// The tables of a body of this length.
///
/// The body is read as it inflates, and never stands in memory as a whole.
pub(super) fn decode_body(body: impl Read, length: usize) -> Result<Tables, DictionaryError> {
    let mut reader = Reader::new(body, length);
    let mut tables = reader.tables()?;
    reader.end()?;
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
    let damaged = |part| Err(damaged(part));
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
    if !tables.instructions.fits(codes) {
        return damaged("notes of the tabular list");
    }
    Ok(())
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
