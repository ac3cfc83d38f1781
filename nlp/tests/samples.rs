//! The engine against a coder on the sample charts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lightsout_nlp::{Dictionary, Engine};

/// What the engine really reaches on the samples; raise these when it gets better.
const RECALL: f64 = 0.93;
const PRECISION: f64 = 0.93;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/charts")
}

/// The coder's codes by chart, each code with its title.
fn coder() -> BTreeMap<String, BTreeMap<String, String>> {
    let codes =
        std::fs::read_to_string(folder().join("codes.toml")).expect("the coder's codes are there");
    toml::from_str(&codes).expect("a chart's table holds codes with titles")
}

#[test]
fn the_engine_finds_what_a_coder_finds() {
    let engine = Engine::new(Dictionary::fy2026());
    let (mut right, mut extra, mut missed) = (0_u32, 0_u32, 0_u32);
    for (chart, codes) in coder() {
        let text = std::fs::read_to_string(folder().join(&chart)).unwrap();
        let wanted: BTreeSet<&str> = codes.keys().map(String::as_str).collect();
        let coding = engine.code(&text);
        let found: BTreeSet<&str> = coding.codes.iter().map(|code| code.code.as_str()).collect();
        let list = |codes: Vec<&&str>| codes.into_iter().copied().collect::<Vec<_>>().join(" ");
        println!("{chart}: {} right", wanted.intersection(&found).count());
        println!("  missed {}", list(wanted.difference(&found).collect()));
        println!("  extra  {}", list(found.difference(&wanted).collect()));
        right += u32::try_from(wanted.intersection(&found).count()).unwrap();
        extra += u32::try_from(found.difference(&wanted).count()).unwrap();
        missed += u32::try_from(wanted.difference(&found).count()).unwrap();
    }
    let recall = f64::from(right) / f64::from(right + missed);
    let precision = f64::from(right) / f64::from(right + extra);
    println!(
        "{right} right, {extra} extra, {missed} missed: recall {recall:.3}, precision {precision:.3}"
    );
    assert!(recall >= RECALL, "recall {recall:.3} is below {RECALL}");
    assert!(
        precision >= PRECISION,
        "precision {precision:.3} is below {PRECISION}"
    );
}

#[test]
fn every_chart_has_codes_and_every_code_is_billable_under_its_title() {
    let dictionary = Dictionary::fy2026();
    let coder = coder();
    let charts: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            Path::new(name)
                .extension()
                .is_some_and(|extension| extension == "txt")
        })
        .collect();
    assert_eq!(charts, coder.keys().cloned().collect());
    for (code, title) in coder.values().flatten() {
        assert!(dictionary.is_billable(code), "{code}");
        assert_eq!(
            dictionary.title(code).as_deref(),
            Some(title.as_str()),
            "{code}"
        );
    }
}
