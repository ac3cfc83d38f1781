//! Every billable code's own title, written as a note, against that code.

use std::collections::BTreeMap;

use lightsout_nlp::{Dictionary, Engine, ExternalCauses, Setting};

/// The share of each chapter's titles, in per cent, that give their own code and no other.
///
/// What the engine really reaches, rounded down; raise these when it gets better.
const FLOORS: [(u8, u32); 22] = [
    (1, 98),
    (2, 99),
    (3, 99),
    (4, 100),
    (5, 100),
    (6, 99),
    (7, 99),
    (8, 100),
    (9, 99),
    (10, 100),
    (11, 99),
    (12, 100),
    (13, 99),
    (14, 100),
    (15, 92),
    (16, 100),
    (17, 99),
    (18, 99),
    (19, 99),
    (20, 100),
    (21, 100),
    (22, 100),
];

#[test]
fn a_title_is_coded_with_its_own_code() {
    let dictionary = Dictionary::fy2026();
    let engine = Engine::new(dictionary.clone())
        .with_external_causes(ExternalCauses::Coded)
        .with_setting(Setting::Inpatient);
    let mut chapters: BTreeMap<u8, (u32, u32)> = BTreeMap::new();
    for code in dictionary.billable_codes() {
        let title = dictionary.title(&code).unwrap();
        let note = format!("ASSESSMENT: {title}.");
        let coding = engine.code(&note);
        let is_own = matches!(&coding.codes[..], [only] if *only.code == *code);
        let (own, all) = chapters
            .entry(dictionary.chapter(&code).unwrap())
            .or_default();
        *own += u32::from(is_own);
        *all += 1;
    }
    assert_eq!(chapters.len(), FLOORS.len());
    let mut low = Vec::new();
    for (chapter, floor) in FLOORS {
        let (own, all) = chapters[&chapter];
        println!("chapter {chapter}: {own} of {all}");
        if own * 100 < all * floor {
            low.push(format!(
                "chapter {chapter}: {own} of {all} is less than {floor} %"
            ));
        }
    }
    assert!(low.is_empty(), "{low:#?}");
}
