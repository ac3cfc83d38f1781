//! Messages and stored rows that were cut, repeated, mixed and overwritten: none ends a reader.
//!
//! `LIGHTSOUT_FUZZ_CASES` says how many are tried, `LIGHTSOUT_FUZZ_SEED` where they begin; a
//! failure names the case, so that it is found again. A small number runs with the other tests:
//!
//! ```console
//! $ LIGHTSOUT_FUZZ_CASES=1000000 cargo test --release -p lightsout-protocol --test fuzz -- --nocapture
//! ```
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    fmt::Debug,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use fastrand::Rng;
use lightsout_protocol::{
    chart::{ChartReference, arrivals},
    coding::{Outcome, OutcomeKey},
    fleet::WorkerHost,
    reap::Sweep,
    run::{Lease, RunState},
};
use serde::{Serialize, de::DeserializeOwned};

const CASES: u64 = 3_000;

/// Pieces that steer the readers.
const PIECES: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "null",
    "-1",
    "1e999",
    "18446744073709551616",
    "%",
    "%2F",
    "%ff",
    "+",
    "#",
    "\"Records\":[",
    "\"Event\":\"s3:TestEvent\",",
    "\"versionId\":\"null\"",
    "ObjectCreated:",
    "charts/",
];

fn mutate(dice: &mut Rng, texts: &[String], text: &mut Vec<u8>) {
    let at = dice.usize(..=text.len());
    let end = at + dice.usize(..=(text.len() - at).min(60));
    match dice.usize(..7) {
        0 => drop(text.drain(at..end)),
        1 => {
            let copy = text[at..end].to_vec();
            let times = dice.usize(..20);
            text.splice(at..at, copy.repeat(times));
        }
        2 => {
            let other = texts[dice.usize(..texts.len())].as_bytes();
            let start = dice.usize(..other.len());
            let length = dice.usize(..=(other.len() - start).min(200));
            text.splice(at..end, other[start..start + length].iter().copied());
        }
        3 | 4 => {
            let piece = PIECES[dice.usize(..PIECES.len())].as_bytes();
            let times = if dice.usize(..20) == 0 {
                dice.usize(..300)
            } else {
                1
            };
            text.splice(at..end, piece.repeat(times));
        }
        5 => text.truncate(at),
        _ if at < text.len() => text[at] ^= 1 << dice.usize(..7),
        _ => {}
    }
}

/// What is announced can be looked up, and what is refused says why.
fn announce(text: &str) -> String {
    match arrivals(text) {
        Err(error) => {
            assert!(!error.advice().is_empty());
            error.code().to_owned()
        }
        Ok(charts) => {
            for chart in &charts {
                assert!((1..=1_024).contains(&chart.key.len()));
                let version = chart.version.as_deref().unwrap_or("v");
                assert!(!version.is_empty() && version.len() <= 512 && !version.contains('#'));
                // What is announced again is the same chart.
                let again = arrivals(&chart.announcement()).unwrap();
                assert_eq!(again, std::slice::from_ref(chart));
            }
            format!("announces {}", charts.len().min(2))
        }
    }
}

/// What is read is written and read back as the same.
fn stored<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &str) -> Option<()> {
    let read: T = serde_json::from_str(text).ok()?;
    let again: T = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
    assert_eq!(again, read);
    Some(())
}

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(value) => value.parse().expect("the variable holds a whole number"),
        Err(_) => default,
    }
}

#[test]
fn what_mutations_make_of_messages_and_rows_is_read_or_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .collect();
    paths.sort();
    let texts: Vec<String> = paths
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let mut ends = BTreeMap::<String, u64>::new();
    let seed = number("LIGHTSOUT_FUZZ_SEED", 1);
    for case in seed..seed + number("LIGHTSOUT_FUZZ_CASES", CASES) {
        let mut dice = Rng::with_seed(case);
        let mut text = texts[dice.usize(..texts.len())].clone().into_bytes();
        for _ in 0..=dice.usize(..4) {
            mutate(&mut dice, &texts, &mut text);
        }
        let text = String::from_utf8_lossy(&text);
        let tried = catch_unwind(AssertUnwindSafe(|| {
            let stored = [
                ("an outcome", stored::<Outcome>(&text)),
                ("a key", stored::<OutcomeKey>(&text)),
                ("a chart", stored::<ChartReference>(&text)),
                ("a worker", stored::<WorkerHost>(&text)),
                ("a sweep", stored::<Sweep>(&text)),
                ("a lease", stored::<Lease>(&text)),
                ("states", stored::<Vec<RunState>>(&text)),
            ];
            let read = stored
                .into_iter()
                .filter_map(|(name, read)| read.map(|()| name));
            let read = read.map(|name| format!("reads as {name}"));
            read.chain([announce(&text)]).collect::<Vec<_>>()
        }));
        let Ok(found) = tried else {
            panic!("case {case}: {text:?}");
        };
        for end in found {
            *ends.entry(end).or_default() += 1;
        }
    }
    assert!(ends.contains_key("announces 1"), "{ends:#?}");
    println!("{ends:#?}");
}
