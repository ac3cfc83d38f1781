//! A dictionary as its difference from another one.
//!
//! Two editions share nearly all of their bodies. A delta is a list of runs, each copied from
//! the other body (from where, how long) and followed by bytes of its own, and then those bytes.
//! Header: `ICDDELTA`, the format's version, the length of the body that it makes, and zlib's
//! checksum of the body that it copies from (four bytes each, little and big end first).

use super::bytes::{DictionaryError, VERSION, inflate};
use super::reader::Reader;

const MAGIC: &[u8; 8] = b"ICDDELTA";
const HEADER: usize = MAGIC.len() + 1 + 4 + 4;
const DAMAGED: DictionaryError = DictionaryError::Damaged { part: "runs" };

/// The body that `delta` makes of the body of the dictionary file `base`.
pub(super) fn apply(base: &[u8], delta: &[u8]) -> Result<Vec<u8>, DictionaryError> {
    if delta.len() < HEADER || !delta.starts_with(MAGIC) {
        return Err(DictionaryError::NotADictionary);
    }
    let found = delta[MAGIC.len()];
    if found != VERSION {
        return Err(DictionaryError::Version { found });
    }
    let (header, runs) = delta.split_at(HEADER);
    if header[HEADER - 4..] != base[base.len().saturating_sub(4)..] {
        return Err(DictionaryError::OtherBase);
    }
    let length = header[MAGIC.len() + 1..HEADER - 4]
        .iter()
        .rev()
        .fold(0, |length, byte| length << 8 | usize::from(*byte));
    let base = super::bytes::body(base)?;
    let runs = inflate(runs, super::bytes::LARGEST_BODY)?;
    let mut reader = Reader::new(runs.as_slice(), runs.len());
    let count = reader.number("runs")? as usize;
    let mut spans = Vec::new();
    for _ in 0..count {
        let run = [
            reader.number("runs")?,
            reader.number("runs")?,
            reader.number("runs")?,
        ];
        spans.push(run.map(|number| number as usize));
    }
    let mut own = &runs[runs.len() - reader.left()..];
    let mut body = Vec::with_capacity(length.min(super::bytes::LARGEST_BODY));
    for [from, copied, added] in spans {
        let run = from
            .checked_add(copied)
            .and_then(|to| base.get(from..to))
            .ok_or(DAMAGED)?;
        let (next, rest) = own.split_at_checked(added).ok_or(DAMAGED)?;
        if run.len() + next.len() > length - body.len() {
            return Err(DAMAGED);
        }
        body.extend_from_slice(run);
        body.extend_from_slice(next);
        own = rest;
    }
    if body.len() == length && own.is_empty() {
        Ok(body)
    } else {
        Err(DAMAGED)
    }
}

/// The delta by which [`apply`] makes the body of the dictionary file `new` out of that of `base`.
#[cfg(feature = "build")]
pub(crate) fn make(base: &[u8], new: &[u8]) -> Result<Vec<u8>, DictionaryError> {
    let checksum = &base[base.len().saturating_sub(4)..];
    let (base, new) = (super::bytes::body(base)?, super::bytes::body(new)?);
    let mut writer = super::writer::Writer::default();
    let mut own = Vec::new();
    let runs = runs(&base, &new);
    writer.count(runs.len());
    for run in &runs {
        writer.count(run.from);
        writer.count(run.copied);
        writer.count(run.added.len());
        own.extend_from_slice(run.added);
    }
    writer.body.extend(own);
    let mut file = MAGIC.to_vec();
    file.push(VERSION);
    file.extend(u32::try_from(new.len()).unwrap_or(u32::MAX).to_le_bytes());
    file.extend(checksum);
    file.extend(miniz_oxide::deflate::compress_to_vec_zlib(&writer.body, 9));
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
        let mut other = FY2026.to_vec();
        let last = other.len() - 1;
        other[last] ^= 1;
        assert!(matches!(
            apply(&other, FY2025),
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
