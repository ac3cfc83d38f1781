//! Notes that were cut, repeated, mixed and overwritten: the laws hold for what comes out.
//!
//! `LIGHTSOUT_FUZZ_CASES` says how many texts are tried, `LIGHTSOUT_FUZZ_SEED` where they begin;
//! a failure names the case, so that it is found again. A small number runs with the other tests:
//!
//! ```console
//! $ LIGHTSOUT_FUZZ_CASES=1000000 cargo test --release -p lightsout-nlp --test fuzz
//! ```

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use lightsout_nlp::render::{Chart, Look, explain, fhir, html, table};
use lightsout_nlp::{
    Coding, Decision, Dictionary, Engine, Span, check_text, to_jsonl_record, to_target_record,
};

const CASES: u64 = 300;

/// Numbers that follow from a seed (`SplitMix64`, Steele and others 2014).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not zero.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("it is below a `usize`")
    }

    fn one_of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }
}

/// What mutations take from: the samples, and pieces that steer the engine.
struct Material {
    charts: Vec<Vec<u8>>,
    terms: Vec<String>,
}

const PIECES: [&str; 44] = [
    "no ",
    "denies ",
    "without evidence of ",
    "possible ",
    "r/o ",
    "if ",
    "history of ",
    "h/o ",
    "s/p ",
    "mother has ",
    "but ",
    "except ",
    "however, ",
    ", ",
    "; ",
    ". ",
    ": ",
    "\n",
    "\n\n",
    "\n- ",
    "\n1. ",
    "\r\n",
    "\t",
    "(",
    ")",
    "((",
    "[",
    "]",
    "/",
    "PMH:",
    "FAMILY HISTORY:\n",
    "ASSESSMENT AND PLAN\n",
    "ALLERGIES: ",
    "left ",
    "bilateral ",
    "acute on chronic ",
    "type 2 ",
    "stage 3b ",
    "due to ",
    "\u{202e}",
    "\u{feff}",
    "e\u{301}",
    "\u{1f912}",
    "\u{5d7}\u{5d5}\u{5dc}\u{5d4} ",
];

impl Material {
    fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/charts");
        let mut paths: Vec<_> = std::fs::read_dir(folder)
            .expect("the samples are there")
            .map(|entry| entry.expect("the samples can be listed").path())
            .filter(|path| path.extension().is_some_and(|kind| kind == "txt"))
            .collect();
        paths.sort();
        let charts = paths
            .iter()
            .map(|path| std::fs::read(path).expect("a sample can be read"));
        let mut terms: Vec<_> = Dictionary::fy2026().terms().map(|(term, _)| term).collect();
        terms.sort_unstable();
        Self {
            charts: charts.collect(),
            terms,
        }
    }

    /// A part of a chart, or a whole one, changed a few times.
    fn note(&self, dice: &mut Dice) -> Vec<u8> {
        let mut note = self.part(dice);
        for _ in 0..=dice.below(12) {
            self.mutate(dice, &mut note);
        }
        note
    }

    fn part(&self, dice: &mut Dice) -> Vec<u8> {
        let chart = dice.one_of(&self.charts);
        let start = dice.below(chart.len());
        let end = start + dice.below(chart.len() - start + 1);
        chart[start..end].to_vec()
    }

    fn mutate(&self, dice: &mut Dice, note: &mut Vec<u8>) {
        let at = dice.below(note.len() + 1);
        let end = at + dice.below((note.len() - at).min(200) + 1);
        match dice.below(11) {
            0 => drop(note.drain(at..end)),
            1 => {
                let copy = note[at..end].to_vec();
                let times = dice.below(40);
                note.splice(at..at, copy.repeat(times));
            }
            2 => {
                let part = self.part(dice);
                note.splice(at..end, part);
            }
            3 | 4 => {
                let piece = dice.one_of(&PIECES).as_bytes();
                let times = if dice.below(10) == 0 {
                    dice.below(300)
                } else {
                    1
                };
                note.splice(at..at, piece.repeat(times));
            }
            5 | 6 => {
                let term = dice.one_of(&self.terms).clone();
                note.splice(at..at, term.into_bytes());
            }
            7 => {
                let byte = u8::try_from(dice.below(256)).expect("it is below 256");
                note.insert(at, byte);
            }
            8 => note[at..end].make_ascii_uppercase(),
            9 => note[at..end].iter_mut().for_each(|byte| {
                if byte.is_ascii_whitespace() {
                    *byte = b'\n';
                }
            }),
            _ => note[at..end].reverse(),
        }
        note.truncate(200_000);
    }
}

/// Everything that is promised of any text, tried on one.
fn holds(engine: &Engine, text: &str, dice: &mut Dice) {
    let coding = engine.code(text);
    assert_eq!(engine.code(text), coding, "the same text, another coding");
    let mut seen = BTreeSet::new();
    for mention in &coding.mentions {
        let there = text.get(mention.span.start..mention.span.end);
        assert_eq!(there, Some(mention.text()), "a mention's span");
    }
    for code in &coding.codes {
        assert!(engine.dictionary().is_billable(&code.code), "{}", code.code);
        assert!(seen.insert(&code.code), "{} twice", code.code);
        assert!(!code.evidence.is_empty(), "{} without evidence", code.code);
        for span in &code.evidence {
            assert!(
                text.get(span.start..span.end)
                    .is_some_and(|there| !there.is_empty())
            );
        }
    }
    let coded = coding
        .mentions
        .iter()
        .any(|mention| mention.decision == Decision::Coded);
    assert!(
        coded || coding.codes.is_empty(),
        "codes without a coded mention"
    );
    shows(engine, text, &coding);

    let start = dice.below(text.len() + 8);
    let target = Span::new(start, start + dice.below(40));
    to_target_record("a", text, &engine.assert_target(text, target));
}

fn shows(engine: &Engine, text: &str, coding: &Coding) {
    let chart = Chart {
        name: "a",
        text,
        coding,
    };
    assert!(!explain(&chart, Look::Plain).contains('\u{1b}'));
    assert!(table(&chart).lines().count() > coding.codes.len());
    let page = html::page(&[chart]);
    assert_eq!(
        page.matches("<mark").count(),
        page.matches("</mark>").count()
    );
    let bundle = fhir::bundle(&chart, engine.dictionary().edition());
    let json = serde_json::to_value(bundle).expect("its keys are text");
    assert!(
        json["entry"]
            .as_array()
            .is_some_and(|entries| entries.len() > coding.codes.len())
    );
    let record = to_jsonl_record("a", text, coding);
    let length = text.chars().count();
    assert!(record.mentions.iter().all(|mention| mention.end <= length));
}

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(value) => value.parse().expect("the variable holds a whole number"),
        Err(_) => default,
    }
}

#[test]
fn the_laws_hold_for_what_mutations_make_of_the_samples() {
    let engine = Engine::new(Dictionary::fy2026());
    let material = Material::read();
    let seed = number("LIGHTSOUT_FUZZ_SEED", 1);
    let (mut read, mut bytes) = (0_u64, 0);
    for case in seed..seed + number("LIGHTSOUT_FUZZ_CASES", CASES) {
        let mut dice = Dice(case);
        let note = material.note(&mut dice);
        // Half of the broken encodings are mended, so that most texts are read.
        let mended = String::from_utf8_lossy(&note);
        let text = if dice.below(2) == 0 {
            Some(&*mended)
        } else {
            check_text(&note).ok()
        };
        let Some(text) = text else { continue };
        read += 1;
        bytes += text.len();
        let tried = catch_unwind(AssertUnwindSafe(|| holds(&engine, text, &mut dice)));
        assert!(
            tried.is_ok(),
            "case {case} of {} bytes: {text:?}",
            text.len()
        );
    }
    println!("{read} texts of {bytes} bytes were read");
}
