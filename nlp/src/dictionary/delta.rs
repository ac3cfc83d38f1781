//! A dictionary as its difference from another one.
//!
//! Two editions share nearly all of their bodies. A delta is a list of runs, each copied from
//! the other body (from where, how long) and followed by bytes of its own, and then those bytes.
//! Header: `ICDDELTA`, the format's version, and (four bytes each, little end first) the
//! checksum of the file that it copies from, a CRC-32 of all that follows, the length of the
//! body that it makes and of that body's first part, and the length of the runs, which are
//! blocks as in a dictionary's file.

use super::bytes::{DictionaryError, LARGEST_BODY, VERSION, body};
use super::reader::{Reader, damaged};

const MAGIC: &[u8; 8] = b"ICDDELTA";
const HEADER: usize = MAGIC.len() + 1 + 5 * 4;
/// Where the checked bytes begin.
const CHECKED: usize = MAGIC.len() + 1 + 2 * 4;

/// The body that `delta` makes of the body of the dictionary file `base`, and how long its
/// first part is.
pub(super) fn apply(base: &[u8], delta: &[u8]) -> Result<(Vec<u8>, usize), DictionaryError> {
    if delta.len() < HEADER || !delta.starts_with(MAGIC) {
        return Err(DictionaryError::NotADictionary);
    }
    let found = delta[MAGIC.len()];
    if found != VERSION {
        return Err(DictionaryError::Version { found });
    }
    let (numbers, _) = delta[MAGIC.len() + 1..HEADER].as_chunks();
    let numbers: Vec<_> = numbers.iter().copied().map(u32::from_le_bytes).collect();
    let [of, checksum, length, first, stored] = numbers[..] else {
        return Err(damaged("header"));
    };
    let (base_checksum, base, _) = body(base)?;
    if of != base_checksum {
        return Err(DictionaryError::OtherBase);
    }
    let [length, first, stored] = [length, first, stored].map(|number| number as usize);
    if crc32fast::hash(&delta[CHECKED..]) != checksum || length.max(stored) > LARGEST_BODY {
        return Err(damaged("checksum"));
    }
    let runs = Reader::new(&delta[HEADER..], stored);
    Ok((follow(runs, &base, length)?, first))
}

/// The bytes that runs make of `base`.
fn follow(mut runs: Reader<'_>, base: &[u8], length: usize) -> Result<Vec<u8>, DictionaryError> {
    const PART: &str = "runs";
    let spans = runs.list(PART, |reader| {
        Ok([
            reader.number(PART)? as usize,
            reader.number(PART)? as usize,
            reader.number(PART)? as usize,
        ])
    })?;
    let mut made = Vec::with_capacity(length);
    for [from, copied, added] in spans {
        let run = from.checked_add(copied).and_then(|to| base.get(from..to));
        let run = run.ok_or_else(|| damaged(PART))?;
        let own = runs.pieces(PART, added)?;
        if run.len() + own.len() > length - made.len() {
            return Err(damaged(PART));
        }
        made.extend_from_slice(run);
        made.extend(own);
    }
    runs.end()?;
    if made.len() == length {
        Ok(made)
    } else {
        Err(damaged(PART))
    }
}

/// The delta by which [`apply`] makes the body of the dictionary file `new` out of that of `base`.
#[cfg(feature = "build")]
pub(crate) fn make(base: &[u8], new: &[u8]) -> Result<Vec<u8>, DictionaryError> {
    let ((checksum, base, _), (_, new, first)) = (body(base)?, body(new)?);
    let mut writer = super::writer::Writer::default();
    let runs = runs(&base, &new);
    writer.count(runs.len());
    for run in &runs {
        writer.count(run.from);
        writer.count(run.copied);
        writer.count(run.added.len());
    }
    for run in &runs {
        writer.pieces(run.added);
    }
    let mut checked = Vec::new();
    for length in [new.len(), first, writer.len()] {
        checked.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    }
    checked.extend(writer.stored());
    let mut file = MAGIC.to_vec();
    file.push(VERSION);
    file.extend(checksum.to_le_bytes());
    file.extend(crc32fast::hash(&checked).to_le_bytes());
    file.extend(checked);
    Ok(file)
}

/// A run of the base and what follows it.
#[cfg(any(feature = "build", test))]
struct Run<'n> {
    from: usize,
    copied: usize,
    added: &'n [u8],
}

/// Bytes that a run is found by, and the least that is worth copying.
#[cfg(any(feature = "build", test))]
const KEY: usize = 12;

#[cfg(any(feature = "build", test))]
fn runs<'n>(base: &[u8], new: &'n [u8]) -> Vec<Run<'n>> {
    let same = |base: &[u8], new: &[u8]| -> usize {
        base.iter()
            .zip(new)
            .take_while(|(base, new)| base == new)
            .count()
    };
    let mut places = rustc_hash::FxHashMap::default();
    for (at, key) in base.windows(KEY).enumerate().step_by(4) {
        places.entry(key).or_insert(at);
    }
    let mut runs = vec![Run {
        from: 0,
        copied: 0,
        added: &[],
    }];
    let (mut at, mut pending) = (0, 0);
    while at < new.len() {
        // Where the last run would go on, had the bytes since then only been replaced.
        let last = runs.last().map_or(0, |run| run.from + run.copied) + (at - pending);
        let straight = base.get(last..).map_or(0, |rest| same(rest, &new[at..]));
        let (mut from, mut copied) = (last, straight);
        if straight < KEY / 2 {
            let found = new.get(at..at + KEY).and_then(|key| places.get(key));
            let Some(found) = found else {
                at += 1;
                continue;
            };
            (from, copied) = (*found, same(&base[*found..], &new[at..]));
        }
        // The run may have begun before the place that it was found by.
        let mut start = at;
        while start > pending && from > 0 && base[from - 1] == new[start - 1] {
            start -= 1;
            from -= 1;
            copied += 1;
        }
        if let Some(before) = runs.last_mut() {
            before.added = &new[pending..start];
        }
        runs.push(Run {
            from,
            copied,
            added: &[],
        });
        at = start + copied;
        pending = at;
    }
    if let Some(before) = runs.last_mut() {
        before.added = &new[pending..];
    }
    runs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{FY2025, FY2026};
    use super::*;

    #[test]
    fn a_delta_of_another_file_is_told_apart() {
        let mut of_another = FY2025.to_vec();
        of_another[MAGIC.len() + 1] ^= 1;
        assert!(matches!(
            apply(FY2026, &of_another),
            Err(DictionaryError::OtherBase)
        ));
        assert!(matches!(
            apply(FY2026, FY2026),
            Err(DictionaryError::NotADictionary)
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(8) })]

        #[test]
        fn damage_is_an_error_and_never_a_panic(at in 8..FY2025.len(), byte: u8) {
            let mut damaged = FY2025.to_vec();
            prop_assume!(damaged[at] != byte);
            damaged[at] = byte;
            prop_assert!(apply(FY2026, &damaged).is_err());
        }

        #[test]
        fn runs_make_any_bytes_of_any_others(
            base in proptest::collection::vec(0_u8..3, 0..200),
            new in proptest::collection::vec(0_u8..3, 0..200),
        ) {
            let mut made = Vec::new();
            for run in runs(&base, &new) {
                made.extend_from_slice(&base[run.from..run.from + run.copied]);
                made.extend_from_slice(run.added);
            }
            prop_assert_eq!(made, new);
        }
    }
}
