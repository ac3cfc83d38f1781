//! Zips that are the same bytes for the same contents.

use std::{
    collections::BTreeMap,
    io::{Cursor, Write},
};

use lightsout_core::FileMode;
use sha2::{Digest, Sha256};
use zip::{CompressionMethod, DateTime, ZipWriter, result::ZipError, write::SimpleFileOptions};

/// How hard a zip is compressed, as deflate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level(pub(crate) i64);

impl Level {
    /// For zips that stay on this machine: time matters more than size.
    pub(crate) const FASTEST: Self = Self(1);
    /// For zips that travel and are kept.
    pub(crate) const SMALLEST: Self = Self(9);
}

/// A file as it goes into a zip.
pub(crate) struct Entry {
    pub(crate) bytes: Vec<u8>,
    pub(crate) mode: FileMode,
}

impl Entry {
    const fn permissions(&self) -> u32 {
        match self.mode {
            FileMode::Regular => 0o644,
            FileMode::Executable => 0o755,
        }
    }
}

/// Returns the SHA-256 over what a zip holds, in lower-case hexadecimal digits.
///
/// Files come in the order of their names' bytes, each as name, mode in octal
/// digits, and bytes; before each of the three stands its length, 8 bytes with the
/// highest first. How the files are compressed has no part in it, so a new zip
/// library names nothing anew; whoever unpacks a zip can compute the same.
pub(crate) fn digest(entries: &BTreeMap<String, Entry>) -> String {
    let mut digest = Sha256::new();
    for (name, entry) in entries {
        let mode = format!("{:o}", entry.permissions());
        for part in [name.as_bytes(), mode.as_bytes(), &entry.bytes] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
    }
    format!("{:x}", digest.finalize())
}

/// Packs files by name.
///
/// Names are sorted, every file is dated 1980-01-01, the earliest that a zip
/// can say, and carries no owner, so that contents alone make the bytes.
pub(crate) fn pack(entries: &BTreeMap<String, Entry>, level: Level) -> Result<Vec<u8>, ZipError> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, entry) in entries {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(level.0))
            .last_modified_time(DateTime::default())
            .unix_permissions(entry.permissions());
        zip.start_file(name.as_str(), options)?;
        zip.write_all(&entry.bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn entries() -> BTreeMap<String, Entry> {
        let entry = |bytes: &[u8], mode| Entry {
            bytes: bytes.to_vec(),
            mode,
        };
        BTreeMap::from([
            (
                "b/run".to_owned(),
                entry(b"#!/bin/sh\n", FileMode::Executable),
            ),
            ("a.txt".to_owned(), entry(&[b'a'; 5000], FileMode::Regular)),
        ])
    }

    #[test]
    fn the_same_contents_give_the_same_bytes() {
        let first = pack(&entries(), Level::SMALLEST).unwrap();
        assert_eq!(first, pack(&entries(), Level::SMALLEST).unwrap());
    }

    #[test]
    fn name_mode_and_bytes_make_the_digest() {
        let whole = digest(&entries());
        assert_eq!(whole.len(), 64);
        let changed = |change: fn(&mut BTreeMap<String, Entry>)| {
            let mut entries = entries();
            change(&mut entries);
            digest(&entries)
        };
        let others = [
            changed(|entries| entries.get_mut("a.txt").unwrap().bytes.push(b'a')),
            changed(|entries| entries.get_mut("a.txt").unwrap().mode = FileMode::Executable),
            changed(|entries| {
                let entry = entries.remove("a.txt").unwrap();
                entries.insert("a".to_owned(), entry);
            }),
        ];
        assert!(!others.contains(&whole));
    }

    #[test]
    fn names_are_sorted_and_modes_and_dates_are_fixed() {
        let bytes = pack(&entries(), Level::FASTEST).unwrap();
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let seen: Vec<_> = (0..zip.len())
            .map(|at| {
                let mut file = zip.by_index(at).unwrap();
                let mut text = Vec::new();
                file.read_to_end(&mut text).unwrap();
                let mode = file.unix_mode().unwrap() & 0o777;
                let year = file.last_modified().unwrap().year();
                (file.name().unwrap().into_owned(), mode, year, text.len())
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("a.txt".to_owned(), 0o644, 1980, 5000),
                ("b/run".to_owned(), 0o755, 1980, 10)
            ]
        );
    }
}
