//! How fast notes are read: every stage of the engine, against a bare scan for the same terms.

use std::path::Path;

use aho_corasick::{AhoCorasick, MatchKind};
use divan::Bencher;
use divan::counter::BytesCount;
use lightsout_nlp::{Dictionary, Engine};

fn main() {
    divan::main();
}

/// All sample charts, again and again, up to about a megabyte.
fn notes() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/charts");
    let mut charts: Vec<_> = std::fs::read_dir(folder)
        .expect("the samples are there")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    charts.sort();
    let charts: Vec<_> = charts
        .iter()
        .filter(|path| path.extension().is_some_and(|kind| kind == "txt"))
        .collect();
    let all: String = charts
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .collect();
    all.repeat((1 << 20) / all.len() + 1)
}

#[divan::bench]
fn engine(bencher: Bencher) {
    let engine = Engine::new(Dictionary::fy2026());
    let notes = notes();
    bencher
        .counter(BytesCount::of_str(&notes))
        .bench(|| engine.code(divan::black_box(&notes)));
}

#[divan::bench]
fn bare_scan(bencher: Bencher) {
    let terms: Vec<_> = Dictionary::fy2026().terms().map(|(term, _)| term).collect();
    let scan = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .build(&terms)
        .expect("the terms fit");
    let notes = notes();
    bencher
        .counter(BytesCount::of_str(&notes))
        .bench(|| scan.find_iter(divan::black_box(&notes)).count());
}

/// Inflating and reading the embedded file, as a process does once.
#[divan::bench]
fn read_dictionary() -> usize {
    let bytes = include_bytes!("../terminology/icd10cm-fy2026.bin");
    Dictionary::from_bytes(bytes).map_or(0, |dictionary| dictionary.codes())
}

#[divan::bench]
fn start_engine(bencher: Bencher) {
    let dictionary = Dictionary::fy2026();
    bencher.bench(|| Engine::new(dictionary.clone()));
}
