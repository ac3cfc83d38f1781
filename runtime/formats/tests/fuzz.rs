//! Charts that were cut, repeated, mixed and overwritten: none ends a reader.
//!
//! `LIGHTSOUT_FUZZ_CASES` says how many are tried, `LIGHTSOUT_FUZZ_SEED` where they begin; a
//! failure names the case, so that it is found again. A small number runs with the other tests:
//!
//! ```console
//! $ LIGHTSOUT_FUZZ_CASES=1000000 cargo test --release -p lightsout-formats --test fuzz -- --nocapture
//! ```

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use fastrand::Rng;
use lightsout_formats::read;
use lightsout_phi::Synthetic;

const CASES: u64 = 3_000;

/// Pieces that steer the readers.
const PIECES: [&str; 44] = [
    "\r",
    "\n",
    "|",
    "^",
    "~",
    "&",
    "\\",
    "\\.br\\",
    "\\X0D\\",
    "\\X",
    "\\.sp99999\\",
    "OBX|1|ED|||^TEXT^^Base64^",
    "MSH|^~\\&|",
    "BHS|^~\\&|\r",
    "\u{b}",
    "\u{1c}\r",
    "NTE|1||",
    "<",
    ">",
    "</",
    "/>",
    "<br/>",
    "<td>",
    "<tr>",
    "</tr>",
    "<table>",
    "<list><item>",
    "<section>",
    "</section>",
    "<text>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "&#0;",
    "&lt;",
    "&x;",
    "<!DOCTYPE a>",
    "{",
    "}",
    "[",
    "\"",
    "\\u0000",
    "\"data\":\"",
    "\u{feff}",
];

fn mutate(dice: &mut Rng, charts: &[Vec<u8>], chart: &mut Vec<u8>) {
    let at = dice.usize(..=chart.len());
    let end = at + dice.usize(..=(chart.len() - at).min(200));
    match dice.usize(..10) {
        0 => drop(chart.drain(at..end)),
        1 => {
            let copy = chart[at..end].to_vec();
            let times = dice.usize(..20);
            chart.splice(at..at, copy.repeat(times));
        }
        2 => {
            let other = &charts[dice.usize(..charts.len())];
            let start = dice.usize(..other.len());
            let length = dice.usize(..=(other.len() - start).min(400));
            chart.splice(at..end, other[start..start + length].iter().copied());
        }
        3 | 4 => {
            let piece = PIECES[dice.usize(..PIECES.len())].as_bytes();
            let times = if dice.usize(..20) == 0 {
                dice.usize(..300)
            } else {
                1
            };
            chart.splice(at..at, piece.repeat(times));
        }
        5 => chart.insert(at, dice.u8(..)),
        6 => chart.truncate(at),
        7 if at < chart.len() => chart[at] ^= 1 << dice.usize(..8),
        7 => {}
        8 => *chart = encoded(dice, &String::from_utf8_lossy(chart)),
        _ => {
            // A broken chart that is whole base64 reaches the reader within.
            let data = BASE64_STANDARD.encode(&*chart);
            *chart = match dice.usize(..2) {
                0 => format!("{{\"resourceType\":\"DocumentReference\",\"content\":[{{\"attachment\":{{\"data\":\"{data}\"}}}}]}}"),
                _ => format!("MSH|^~\\&|a|b|c|d|e||ORU^R01|1|P|2.5.1\rOBX|1|ED|||^TEXT^^Base64^{data}"),
            }
            .into_bytes();
        }
    }
    chart.truncate(40_000);
}

/// The same text in another encoding, which a mark or the text itself declares.
fn encoded(dice: &mut Rng, text: &str) -> Vec<u8> {
    let units = |mark: char, bytes: fn(u16) -> [u8; 2]| {
        let marked = format!("{mark}{text}");
        marked.encode_utf16().flat_map(bytes).collect()
    };
    match dice.usize(..4) {
        0 => units('\u{feff}', u16::to_le_bytes),
        1 => units('\u{feff}', u16::to_be_bytes),
        2 => {
            let latin = text.chars().map(|c| u8::try_from(c).unwrap_or(0x92));
            let declaration = b"<?xml version=\"1.0\" encoding=\"windows-1252\"?>";
            declaration.iter().copied().chain(latin).collect()
        }
        _ => {
            let latin = text.chars().map(|c| u8::try_from(c).unwrap_or(0xa4));
            let header = b"MSH|^~\\&|a|b|c|d|e||ORU^R01|1|P|2.5.1||||||8859/15\r";
            header.iter().copied().chain(latin).collect()
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(value) => value.parse().expect("the variable holds a whole number"),
        Err(_) => default,
    }
}

#[test]
fn what_mutations_make_of_the_fixtures_is_read_or_rejected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the fixtures are there")
        .map(|entry| entry.expect("the fixtures can be listed").path())
        .filter(|path| path.extension().is_some_and(|kind| kind != "md"))
        .collect();
    paths.sort();
    let charts: Vec<Vec<u8>> = paths
        .iter()
        .map(|path| std::fs::read(path).expect("a fixture can be read"))
        .collect();
    let mut ends = BTreeMap::<String, u64>::new();
    let seed = number("LIGHTSOUT_FUZZ_SEED", 1);
    for case in seed..seed + number("LIGHTSOUT_FUZZ_CASES", CASES) {
        let mut dice = Rng::with_seed(case);
        let mut chart = charts[dice.usize(..charts.len())].clone();
        for _ in 0..=dice.usize(..6) {
            mutate(&mut dice, &charts, &mut chart);
        }
        let tried = catch_unwind(AssertUnwindSafe(|| match read(&chart) {
            Err(rejection) => rejection.code().to_owned(),
            Ok(narrative) => {
                let text = narrative.text.open(&Synthetic);
                let mut end = 0;
                for part in &narrative.parts {
                    assert!(end <= part.start && part.start < part.end);
                    assert!(!text[part.start..part.end].trim().is_empty());
                    end = part.end;
                }
                assert!(end <= text.len() && text.len() <= 3 * chart.len());
                format!("read as {}", narrative.format)
            }
        }));
        let Ok(end) = tried else {
            panic!("case {case}: {:?}", String::from_utf8_lossy(&chart));
        };
        *ends.entry(end).or_default() += 1;
    }
    println!("{ends:#?}");
}
