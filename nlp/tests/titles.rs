//! Every billable code's own title, written as a note, against that code.

use std::collections::BTreeMap;

use lightsout_nlp::{Dictionary, Engine, ExternalCauses, Setting};

/// The share of each chapter's titles, in per cent, that give their own code and no other.
///
/// What the engine really reaches, rounded down; raise these when it gets better.
const FLOORS: [(u8, u32); 22] = [
    (1, 95),
    (2, 92),
    (3, 91),
    (4, 72),
    (5, 91),
    (6, 93),
    (7, 90),
    (8, 94),
    (9, 78),
    (10, 93),
    (11, 96),
    (12, 92),
    (13, 90),
    (14, 97),
    (15, 80),
    (16, 95),
    (17, 95),
    (18, 93),
    (19, 90),
    (20, 60),
    (21, 91),
    (22, 66),
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
        let coding = engine.code(&format!("ASSESSMENT: {title}."));
        let is_own = matches!(&coding.codes[..], [only] if only.code == code);
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
