//! The file format: a header, then two parts of numbers and strings, compressed with LZ4.
//!
//! Header: `ICDTERMS`, the format's version (one byte), a CRC-32 of all that follows, and for
//! each part how long it is and how long when stored (four bytes each, little end first). A part
//! is blocks, each behind its length and its length when stored. The parts can be read alone, so
//! that two cores do; LZ4 makes a file larger than zlib does by half, and takes a fraction of
//! its instructions to read. Inside, numbers are LEB128, a list is its length and its items, strings are one text and
//! their lengths. A long list of numbers is kept by their bytes: of so many numbers all the lowest
//! ones, then all the next ones, which reads fast and compresses well. A file is a function of
//! the tables alone: same terminology, same bytes.

use std::thread;

use super::reader::{Reader, damaged};
#[cfg(any(feature = "build", test))]
use super::writer::Writer;
use super::{Node, Sense, Tables};

const MAGIC: &[u8; 8] = b"ICDTERMS";
pub(super) const VERSION: u8 = 9;
const PARTS: usize = 2;
const HEADER: usize = MAGIC.len() + 1 + 4 + PARTS * 8;
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
    #[error("the dictionary's body does not decompress; the file is damaged, write it anew")]
    Decompress(#[source] lz4_flex::block::DecompressError),
    /// The body's contents contradict each other.
    #[error(
        "the dictionary's `{part}` are damaged; write the file anew with the `terminology` binary"
    )]
    Damaged {
        /// The part that does not fit.
        part: &'static str,
    },
}

/// The two parts of a file, still compressed.
struct Stored<'f> {
    checksum: u32,
    parts: [Part<'f>; PARTS],
}

#[derive(Clone, Copy)]
struct Part<'f> {
    stored: &'f [u8],
    /// How long it is when decompressed.
    length: usize,
}

impl<'f> Part<'f> {
    fn reader(self) -> Reader<'f> {
        Reader::new(self.stored, self.length)
    }
}

/// Reads a whole file.
pub(super) fn decode(file: &[u8]) -> Result<Tables, DictionaryError> {
    let [listed, termed] = stored(file)?.parts;
    tables(listed.reader(), || termed.reader())
}

/// The tables of a body whose first part has this length.
pub(super) fn decode_body(body: &[u8], first: usize) -> Result<Tables, DictionaryError> {
    let parts = body.split_at_checked(first);
    let (listed, termed) = parts.ok_or_else(|| damaged("length"))?;
    tables(Reader::of(listed), || Reader::of(termed))
}

/// A file's checksum, its parts one behind the other, and how long the first one is.
pub(super) fn body(file: &[u8]) -> Result<(u32, Vec<u8>, usize), DictionaryError> {
    let Stored { checksum, parts } = stored(file)?;
    let [listed, termed] = parts.map(Part::reader);
    let mut body = listed.all()?;
    let first = body.len();
    body.extend(termed.all()?);
    Ok((checksum, body, first))
}

fn stored(file: &[u8]) -> Result<Stored<'_>, DictionaryError> {
    if !file.starts_with(MAGIC) || file.len() < HEADER {
        return Err(DictionaryError::NotADictionary);
    }
    let found = file[MAGIC.len()];
    if found != VERSION {
        return Err(DictionaryError::Version { found });
    }
    let checked = &file[MAGIC.len() + 1 + 4..];
    let (numbers, _) = file[MAGIC.len() + 1..HEADER].as_chunks();
    let [checksum, lengths @ ..] = numbers else {
        return Err(damaged("header"));
    };
    let checksum = u32::from_le_bytes(*checksum);
    if crc32fast::hash(checked) != checksum {
        return Err(damaged("checksum"));
    }
    let lengths: Vec<_> = lengths
        .iter()
        .map(|length| u32::from_le_bytes(*length) as usize)
        .collect();
    let parts = file[HEADER..].split_at_checked(lengths[1]);
    let (first, second) = parts.ok_or_else(|| damaged("header"))?;
    if second.len() != lengths[3] || lengths[0] > LARGEST_BODY || lengths[2] > LARGEST_BODY {
        return Err(damaged("header"));
    }
    let part = |stored, length| Part { stored, length };
    Ok(Stored {
        checksum,
        parts: [part(first, lengths[0]), part(second, lengths[2])],
    })
}

/// The tables of both parts, the second one read by a thread of its own where one can be had.
fn tables<'b>(
    mut listed: Reader<'_>,
    termed: impl Fn() -> Reader<'b> + Sync,
) -> Result<Tables, DictionaryError> {
    let read_termed = || {
        let mut reader = termed();
        let read = reader.termed()?;
        reader.end().map(|()| read)
    };
    let (listed, termed) = thread::scope(|scope| {
        let elsewhere = thread::Builder::new().spawn_scoped(scope, read_termed);
        let listed = listed.listed().and_then(|read| listed.end().map(|()| read));
        let termed = match elsewhere {
            Ok(thread) => thread.join().unwrap_or_else(|_| Err(damaged("terms"))),
            Err(_) => read_termed(),
        };
        (listed, termed)
    });
    let (listed, termed) = (listed?, termed?);
    let tables = Tables {
        vocabulary: termed.vocabulary,
        terms: termed.terms,
        attributes: termed.attributes,
        ..listed
    };
    check(&tables)?;
    Ok(tables)
}

/// The whole file for these tables; the vocabulary is made from the words on reading.
#[cfg(any(feature = "build", test))]
pub(crate) fn encode(tables: &Tables) -> Vec<u8> {
    file_of(&[Writer::listed(tables), Writer::termed(tables)])
}

#[cfg(any(feature = "build", test))]
fn file_of(parts: &[Writer; PARTS]) -> Vec<u8> {
    let stored = parts.each_ref().map(Writer::stored);
    let mut checked = Vec::new();
    for (part, stored) in parts.iter().zip(&stored) {
        for length in [part.len(), stored.len()] {
            checked.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        }
    }
    checked.extend(stored.concat());
    let mut file = MAGIC.to_vec();
    file.push(VERSION);
    file.extend(crc32fast::hash(&checked).to_le_bytes());
    file.extend(checked);
    file
}

fn check(tables: &Tables) -> Result<(), DictionaryError> {
    let damaged = |part| Err(damaged(part));
    let codes = tables.nodes.len();
    if tables.codes.len() != codes || tables.titles.len() != codes {
        return damaged("titles");
    }
    if !tables.codes.is_sorted_by(|one, next| one < next) {
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
    let is_known = |sense: &Sense| (sense.disease as usize) < diseases;
    if !tables.senses.iter().flatten().all(is_known)
        || !tables.meanings.fit(codes, diseases, tables.senses.len())
    {
        return damaged("meanings");
    }
    let largest = tables.terms.values().max().unwrap_or(0);
    if largest as usize > tables.meanings.len() {
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

    fn written(bytes: &[u8]) -> Writer {
        let mut writer = Writer::default();
        writer.pieces(bytes);
        writer
    }

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
        newer[8] = VERSION + 1;
        assert!(matches!(
            decode(&newer),
            Err(DictionaryError::Version { found: 10 })
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

        #[test]
        fn damage_is_an_error(at in 0..FY2026.len(), byte: u8) {
            let mut damaged = FY2026.to_vec();
            prop_assume!(damaged[at] != byte);
            damaged[at] = byte;
            prop_assert!(decode(&damaged).is_err());
        }

        #[test]
        fn a_body_of_any_bytes_is_an_error_and_never_a_panic(
            listed in proptest::collection::vec(any::<u8>(), 0..300),
            termed in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            prop_assert!(decode(&file_of(&[&*listed, &*termed].map(written))).is_err());
        }

        // The checksum is right, so that the lengths and tables themselves are put to the test.
        #[test]
        fn damage_that_the_checksum_agrees_with_is_never_a_panic(
            part in 0..PARTS,
            at in any::<proptest::sample::Index>(),
            byte: u8,
        ) {
            let Stored { parts, .. } = stored(FY2026).unwrap();
            let mut parts = parts.map(|part| part.reader().all().unwrap());
            let at = at.index(parts[part].len());
            parts[part][at] = byte;
            let _ = decode_body(&parts.concat(), parts[0].len());
            let _ = decode(&file_of(&parts.each_ref().map(|part| written(part))));
        }
    }
}
