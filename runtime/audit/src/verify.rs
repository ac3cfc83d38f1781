//! Finding where a trail was tampered with.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    Entry, Link, Opened, REGISTER, Said,
    entry::{NOTHING, hash},
};

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Records of accesses that were looked at.
    pub records: usize,
    /// Streams that they stand in.
    pub streams: usize,
    /// The first flaw of each stream that has one, by stream.
    pub broken: Vec<Broken>,
    /// Where each stream ends: to be kept elsewhere, for the next verification.
    pub heads: Heads,
}

/// The first record of a stream that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The stream.
    pub stream: String,
    /// The record's number.
    pub number: u64,
    /// What is wrong.
    pub flaw: Flaw,
}

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Flaw {
    /// Its text does not have its hash.
    Changed,
    /// It is gone, and others stand behind it.
    Missing,
    /// It says that it belongs elsewhere.
    Moved,
    /// It does not follow the record before it.
    Unchained,
    /// No stream of this name was begun.
    NotRegistered,
    /// It is not what an earlier verification saw there, or is gone.
    Unlike,
}

/// Where one stream ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The last record's number.
    pub number: u64,
    /// Its hash.
    pub hash: String,
}

/// Where each stream ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Heads(pub BTreeMap<String, Head>);

impl Verdict {
    /// Returns whether no record is known to be broken.
    pub fn is_whole(&self) -> bool {
        self.broken.is_empty()
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stream,
            number,
            flaw,
        } = self;
        let what = match flaw {
            Flaw::Changed => "was changed: its text does not have its hash",
            Flaw::Missing => "was deleted",
            Flaw::Moved => "was moved: it says that its place is another",
            Flaw::Unchained => "does not follow the record before it",
            Flaw::NotRegistered => "is of a stream that never began",
            Flaw::Unlike => "is not what an earlier verification saw there",
        };
        write!(f, "record {number} of `{stream}` {what}")
    }
}

/// Verifies a whole trail, given in any order; `earlier` is where it ended once.
pub fn verify(entries: impl IntoIterator<Item = Entry>, earlier: Option<&Heads>) -> Verdict {
    let mut streams: BTreeMap<String, BTreeMap<u64, Entry>> = BTreeMap::new();
    for entry in entries {
        let stream = streams.entry(entry.stream.clone()).or_default();
        stream.insert(entry.number, entry);
    }
    let mut broken = Vec::new();
    let mut flaw_at = |stream: &str, number, flaw| {
        broken.push(Broken {
            stream: stream.to_owned(),
            number,
            flaw,
        });
    };
    let registered = registered(streams.get(REGISTER));
    // A stream that was taken out whole is known by the register.
    for stream in registered.keys() {
        streams.entry(stream.clone()).or_default();
    }
    for stream in earlier.iter().flat_map(|heads| heads.0.keys()) {
        streams.entry(stream.clone()).or_default();
    }
    let mut heads = Heads::default();
    let mut records = 0;
    for (name, entries) in &streams {
        records += if name == REGISTER { 0 } else { entries.len() };
        let seen = earlier.and_then(|heads| heads.0.get(name));
        match first_flaw(name, entries, &registered, seen) {
            Some((number, flaw)) => flaw_at(name, number, flaw),
            None => {
                if let Some((number, entry)) = entries.last_key_value() {
                    let head = Head {
                        number: *number,
                        hash: entry.hash.clone(),
                    };
                    heads.0.insert(name.clone(), head);
                }
            }
        }
    }
    Verdict {
        records,
        streams: streams.len() - usize::from(streams.contains_key(REGISTER)),
        broken,
        heads,
    }
}

/// The hash of each stream's first record, as the register has it.
fn registered(register: Option<&BTreeMap<u64, Entry>>) -> BTreeMap<String, String> {
    let links = register.into_iter().flat_map(BTreeMap::values);
    links
        .filter_map(|entry| match entry.link()?.said {
            Said::Opened(Opened { stream, first }) => Some((stream, first)),
            Said::Access(_) => None,
        })
        .collect()
}

fn first_flaw(
    name: &str,
    entries: &BTreeMap<u64, Entry>,
    registered: &BTreeMap<String, String>,
    seen: Option<&Head>,
) -> Option<(u64, Flaw)> {
    let first = registered.get(name);
    if name != REGISTER && first.is_none() {
        let number = entries.keys().next().copied().unwrap_or(1);
        return Some((number, Flaw::NotRegistered));
    }
    let mut previous = NOTHING.to_owned();
    let mut expected = 1;
    for (number, entry) in entries {
        if *number != expected {
            return Some((expected, Flaw::Missing));
        }
        let Some(link) = entry.link().filter(|_| hash(&entry.body) == entry.hash) else {
            return Some((*number, Flaw::Changed));
        };
        let Link {
            stream,
            number: of,
            previous: follows,
            ..
        } = &link;
        if stream != name || of != number {
            return Some((*number, Flaw::Moved));
        }
        let is_first_as_registered = expected > 1 || first.is_none_or(|first| *first == entry.hash);
        if *follows != previous || !is_first_as_registered {
            return Some((*number, Flaw::Unchained));
        }
        if seen.is_some_and(|head| head.number == *number && head.hash != entry.hash) {
            return Some((*number, Flaw::Unlike));
        }
        previous.clone_from(&entry.hash);
        expected += 1;
    }
    if entries.is_empty() {
        return Some((1, Flaw::Missing));
    }
    seen.filter(|head| head.number >= expected)
        .map(|_| (expected, Flaw::Unlike))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Access, MemoryLedger, Trail};

    /// Two streams of ten records each.
    fn trail() -> Vec<Entry> {
        let ledger = MemoryLedger::default();
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(async {
            for writer in ["a", "b"] {
                let trail = Trail::new(&ledger, writer);
                for request in 0..10 {
                    let access = Access {
                        request: format!("r-{request}"),
                        who: writer.to_owned(),
                        ..Access::default()
                    };
                    trail.record(&access).await.unwrap();
                }
            }
        });
        ledger.entries()
    }

    fn at(entries: &[Entry], stream: &str, number: u64) -> usize {
        let is_it = |entry: &Entry| entry.stream == stream && entry.number == number;
        entries.iter().position(is_it).unwrap()
    }

    fn check(entries: Vec<Entry>, stream: &str, number: u64, flaw: Flaw) {
        let verdict = verify(entries, None);
        let wanted = Broken {
            stream: stream.to_owned(),
            number,
            flaw,
        };
        assert_eq!(verdict.broken, [wanted]);
    }

    #[test]
    fn a_trail_as_it_was_written_is_whole() {
        let verdict = verify(trail(), None);
        assert!(verdict.is_whole());
        assert_eq!((verdict.records, verdict.streams), (20, 2));
        assert_eq!(verdict.heads.0["a.1"].number, 10);
        assert!(verify(trail(), Some(&verdict.heads)).is_whole());
    }

    #[test]
    fn a_record_that_was_deleted_is_named() {
        let mut entries = trail();
        entries.remove(at(&entries, "a.1", 4));
        check(entries, "a.1", 4, Flaw::Missing);
    }

    #[test]
    fn records_that_changed_places_are_named() {
        let mut entries = trail();
        let (one, other) = (at(&entries, "a.1", 3), at(&entries, "a.1", 7));
        entries[one].number = 7;
        entries[other].number = 3;
        check(entries, "a.1", 3, Flaw::Moved);
    }

    #[test]
    fn a_record_that_was_written_anew_with_its_hash_breaks_the_next() {
        let mut entries = trail();
        let place = at(&entries, "b.1", 5);
        let mut link = entries[place].link().unwrap();
        let Said::Access(access) = &mut link.said else {
            panic!("an access is recorded");
        };
        access.who = "somebody else".to_owned();
        entries[place] = Entry::new("b.1", 5, &link.previous, link.said);
        check(entries, "b.1", 6, Flaw::Unchained);
    }

    #[test]
    fn a_stream_that_was_taken_out_or_slipped_in_is_named() {
        let mut without = trail();
        without.retain(|entry| entry.stream != "b.1");
        check(without, "b.1", 1, Flaw::Missing);
        let mut with = trail();
        let said = with[at(&with, "a.1", 1)].link().unwrap().said;
        with.push(Entry::new("c.1", 1, NOTHING, said));
        check(with, "c.1", 1, Flaw::NotRegistered);
    }

    #[test]
    fn a_stream_that_was_written_anew_as_a_whole_is_not_the_one_that_was_registered() {
        let mut entries = trail();
        let mut previous = NOTHING.to_owned();
        for number in 1..=10 {
            let place = at(&entries, "a.1", number);
            let mut said = entries[place].link().unwrap().said;
            if let Said::Access(access) = &mut said {
                access.who = "nobody".to_owned();
            }
            entries[place] = Entry::new("a.1", number, &previous, said);
            previous.clone_from(&entries[place].hash);
        }
        check(entries, "a.1", 1, Flaw::Unchained);
    }

    #[test]
    fn an_end_that_was_cut_off_is_known_by_the_earlier_heads() {
        let heads = verify(trail(), None).heads;
        let mut entries = trail();
        entries.remove(at(&entries, "a.1", 10));
        assert!(verify(entries.clone(), None).is_whole());
        let verdict = verify(entries, Some(&heads));
        assert_eq!(
            verdict.broken[0].to_string(),
            "record 10 of `a.1` is not what an earlier verification saw there"
        );
    }

    proptest! {
        #[test]
        fn any_byte_that_was_flipped_is_found_in_its_record(
            place in 0..22_usize, byte in any::<prop::sample::Index>(), bit in 0..7_u8,
        ) {
            let mut entries = trail();
            let entry = &mut entries[place];
            let mut body = entry.body.clone().into_bytes();
            let byte = byte.index(body.len());
            body[byte] ^= 1 << bit;
            entry.body = String::from_utf8(body).unwrap();
            let (stream, number) = (entry.stream.clone(), entry.number);
            let verdict = verify(entries, None);
            let wanted = Broken { stream, number, flaw: Flaw::Changed };
            prop_assert!(verdict.broken.contains(&wanted), "{:?}", verdict.broken);
        }
    }
}
