//! What is promised of speed and memory, measured in turns in one run, with the medians' ratios.
//!
//! `cargo bench -p lightsout-nlp --bench ratios`. Absolute figures are this machine's; the
//! ratios are what to look at.
#![expect(clippy::print_stdout, reason = "this is a program that people run")]
#![expect(
    clippy::cast_precision_loss,
    reason = "sizes and times of a bench are small"
)]

use std::hint::black_box;
use std::path::Path;
use std::thread;
use std::time::Instant;

use aho_corasick::{AhoCorasick, MatchKind};
use lightsout_nlp::{Dictionary, Engine};

/// How often each side is measured.
const TURNS: usize = 9;
const MEGABYTE: usize = 1 << 20;

fn main() {
    // `cargo test --all-targets` runs this too, and has no use for it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let file = include_bytes!("../terminology/icd10cm-fy2026.bin");
    let load = seconds(|| Dictionary::from_bytes(file).map_or(0, |read| read.codes()));
    let loads =
        medians([&|| seconds(|| Dictionary::from_bytes(file).map_or(0, |read| read.codes()))]);
    println!("dictionary, first read        {:>8.1} ms", load * 1e3);
    println!("dictionary, read              {:>8.1} ms", loads[0] * 1e3);

    let engine = Engine::new(Dictionary::fy2026());
    let (one, ten) = (notes(MEGABYTE), notes(10 * MEGABYTE));
    // Both threads read ten megabytes with one dictionary before memory is asked for: first in
    // notes of a usual length, then in one note each.
    on_two_in_notes(&engine, &ten);
    println!("memory of two threads, peak   {:>8.0} MB", peak_memory());
    on_two(&engine, &ten);
    println!("the same, notes of 10 MB      {:>8.0} MB", peak_memory());

    let [single, double] = medians([&|| seconds(|| engine.code(&ten).codes.len()) * 2.0, &|| {
        on_two(&engine, &ten)
    }]);
    println!("two threads, as times one     {:>8.2}", single / double);

    let terms: Vec<_> = Dictionary::fy2026().terms().map(|(term, _)| term).collect();
    let scan = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .build(&terms)
        .expect("the terms fit");
    let [small, large, bare] = medians([
        &|| seconds(|| engine.code(&one).codes.len()),
        &|| seconds(|| engine.code(&ten).codes.len()),
        &|| seconds(|| scan.find_iter(&one).count()),
    ]);
    let speed = one.len() as f64 / 1e6 / small;
    println!("engine, one core              {speed:>8.1} MB/s");
    println!(
        "bare scan for the same terms  {:>8.1} MB/s",
        one.len() as f64 / 1e6 / bare
    );
    println!("engine, as part of the scan   {:>8.2}", bare / small);
    println!("10 MB, as times 1 MB          {:>8.2}", large / small);
}

/// The median of each side, all of them measured in turns after one to warm up.
fn medians<const SIDES: usize>(sides: [&dyn Fn() -> f64; SIDES]) -> [f64; SIDES] {
    let mut taken = [const { Vec::new() }; SIDES];
    for turn in 0..=TURNS {
        for (times, side) in taken.iter_mut().zip(sides) {
            let time = side();
            if turn > 0 {
                times.push(time);
            }
        }
    }
    taken.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    })
}

fn seconds<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_secs_f64()
}

/// How long two threads take that each code the whole text.
fn on_two(engine: &Engine, text: &str) -> f64 {
    seconds(|| {
        thread::scope(|scope| {
            let other = scope.spawn(|| engine.code(text).codes.len());
            engine.code(text).codes.len() + other.join().unwrap_or_default()
        })
    })
}

/// Lets two threads code the text in notes of some kilobytes.
fn on_two_in_notes(engine: &Engine, text: &str) {
    let read = || -> usize {
        let notes = text.split_inclusive("\n\n\n");
        notes.map(|note| engine.code(note).codes.len()).sum()
    };
    thread::scope(|scope| {
        let other = scope.spawn(read);
        black_box(read() + other.join().unwrap_or_default());
    });
}

/// The largest resident set of this process so far, in megabytes, where Linux tells it.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kilobytes.unwrap_or(f64::NAN) * 1024.0 / 1e6
}

/// All sample charts, again and again, up to about `length` bytes.
fn notes(length: usize) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/charts");
    let mut charts: Vec<_> = std::fs::read_dir(folder)
        .expect("the samples are there")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|kind| kind == "txt"))
        .collect();
    charts.sort();
    let charts = charts
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok());
    let all: String = charts.map(|chart| chart + "\n\n\n").collect();
    all.repeat(length / all.len() + 1)
}
