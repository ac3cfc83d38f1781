//! How much of what is there is found, by class and by how it is written?

use std::collections::BTreeMap;

use lightsout_deidentify::{
    Class, find, last_line, scrub,
    synthetic::{Hand, PLAIN, note},
};
use proptest::prelude::*;

/// Notes of each class and hand.
const NOTES: u32 = 50;

/// How many of fifty identifiers that Faker made up are found of each class: in sentences that
/// rules were mended by, and in others.
const FLOORS: [(&str, u32, u32); 15] = [
    ("name", 50, 50),
    ("name_elsewhere", 50, 21),
    ("place", 50, 44),
    ("town", 50, 33),
    ("date", 50, 50),
    ("phone", 50, 50),
    ("email", 50, 50),
    ("ssn", 50, 50),
    ("account", 50, 50),
    ("licence", 50, 50),
    ("plate", 50, 12),
    ("vin", 50, 50),
    ("url", 50, 50),
    ("ip_address", 50, 50),
    ("device", 50, 50),
];

/// Of what is taken out of those notes, how many in a thousand belong to no identifier, at most.
const WRONG_IN_A_THOUSAND: usize = 5;

/// What is taken out of the project's sample charts, which hold few identifiers, at most.
const MOST_IN_SAMPLES: usize = 17;

/// Whether every byte of the identifier but white space is taken out.
fn is_found(text: &str, start: usize, end: usize) -> bool {
    let found = find(text);
    (start..end).all(|at| {
        text.as_bytes()[at].is_ascii_whitespace()
            || text.as_bytes()[at].is_ascii_punctuation()
            || found.iter().any(|one| one.start <= at && at < one.end)
    })
}

/// Prints the table of the README, and holds each class to its floor.
#[test]
fn recall_of_each_class_is_at_least_what_the_readme_says() {
    let mut table = BTreeMap::new();
    let mut missed = Vec::new();
    for (number, class) in Class::ALL.into_iter().enumerate() {
        for hand in Hand::ALL {
            let mut found = 0;
            for seed in 0..NOTES {
                let seed = u64::from(seed) + 1_000 * number as u64;
                let note = note(class, hand, seed);
                let (_, start, end) = note.labels[0];
                if is_found(&note.text, start, end) {
                    found += 1;
                } else {
                    missed.push((
                        class,
                        hand,
                        note.text[start..end].to_owned(),
                        note.text.clone(),
                    ));
                }
            }
            table.insert((class, hand), found);
        }
    }
    println!("| class | plain | split over lines | scanned |\n| --- | --- | --- | --- |");
    for class in Class::ALL {
        let of = |hand| 100.0 * f64::from(table[&(class, hand)]) / f64::from(NOTES);
        println!(
            "| {class} | {:.1} | {:.1} | {:.1} |",
            of(Hand::Plain),
            of(Hand::Split),
            of(Hand::Scanned)
        );
    }
    for (class, hand, identifier, text) in missed.iter().take(12) {
        println!("missed {class} {hand:?}: {identifier:?} in {text:?}");
    }
    for ((class, hand), found) in table {
        let floor = match hand {
            Hand::Plain => 49,
            Hand::Split | Hand::Scanned => 48,
        };
        assert!(found >= floor, "{class} {hand:?}: {found} of {NOTES}");
    }
}

/// Identifiers that others made up, and of each class how many have to be found.
///
/// The floors are what was found when they were written down: they tell when it gets worse.
#[test]
fn recall_of_identifiers_that_others_made_up_is_what_the_readme_says() {
    let mut table: BTreeMap<(String, bool), u32> = BTreeMap::new();
    let (mut taken_out, mut wrong) = (0, 0);
    for line in include_str!("faker.jsonl").lines() {
        let note: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = note["text"].as_str().unwrap();
        let at = |name: &str| usize::try_from(note[name].as_u64().unwrap()).unwrap();
        let (start, end) = (at("start"), at("end"));
        let class = note["class"].as_str().unwrap();
        let is_held_out = note["set"] == "held out";
        let found = table.entry((class.to_owned(), is_held_out)).or_default();
        for one in find(text) {
            taken_out += 1;
            if one.end <= start || end <= one.start {
                wrong += 1;
                println!("wrong: {:?} in {text:?}", &text[one.start..one.end]);
            }
        }
        // A state may stay.
        let parts = text[start..end]
            .split_inclusive(' ')
            .scan(start, |at, part| {
                let from = *at;
                *at += part.len();
                let is_state = part.trim_end().len() == 2
                    && part.trim_end().chars().all(|c| c.is_ascii_uppercase());
                Some((!matches!(class, "place" | "town") || !is_state, from, *at))
            });
        let mut parts = parts.filter(|(counts, _, _)| *counts);
        if parts.all(|(_, from, to)| is_found(text, from, to)) {
            *found += 1;
        } else {
            println!("missed {class}: {:?} in {text:?}", &text[start..end]);
        }
    }
    println!("| class | known sentences | held out |\n| --- | --- | --- |");
    for (class, known, held_out) in FLOORS {
        let of = |is_held_out| table[&(class.to_owned(), is_held_out)];
        println!("| {class} | {} | {} |", of(false), of(true));
        assert!(of(false) >= known && of(true) >= held_out, "{class}");
    }
    assert_eq!(table.len(), 2 * FLOORS.len());
    println!("{wrong} of {taken_out} that were taken out are of no identifier");
    assert!(wrong * 1_000 <= WRONG_IN_A_THOUSAND * taken_out);
}

/// Charts without identifiers but for those that are named here.
#[test]
fn little_is_taken_out_of_charts_that_tell_of_nobody() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples/charts");
    let mut taken_out = Vec::new();
    let mut words = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        words += text.split_whitespace().count();
        let found = find(&text);
        taken_out.extend(
            found
                .iter()
                .map(|one| (one.class, text[one.start..one.end].to_owned())),
        );
    }
    taken_out.sort();
    println!(
        "{} taken out of {words} words: {taken_out:?}",
        taken_out.len()
    );
    assert!(words > 2_000 && taken_out.len() <= MOST_IN_SAMPLES);
}

#[test]
fn what_identifies_nobody_stays() {
    for sentence in PLAIN {
        assert_eq!(scrub(sentence).text, sentence);
    }
}

#[test]
fn what_may_stay_of_a_zip_code_or_a_date_stays() {
    for (text, wanted) in [
        ("Home: Oakdale, OH 44101.", "Home: [PLACE], OH [ZIP 441]."),
        ("zip 03601", "zip [ZIP 000]"),
        ("Born 04/17/1952.", "Born [DATE 1952]."),
        ("Seen on March 3, 2021.", "Seen on [DATE 2021]."),
        ("He is 89 years old.", "He is 89 years old."),
        ("He is 90 years old.", "He is [AGE 90+]."),
        ("in 2014", "in 2014"),
    ] {
        assert_eq!(scrub(text).text, wanted);
    }
}

#[test]
fn a_name_that_was_found_once_is_found_wherever_it_stands() {
    let text = "Patient: Quispe, Xiomara\nXiomara denies pain. Quispe's labs are normal.";
    let clean = scrub(text).text;
    assert!(
        !clean.contains("Xiomara") && !clean.contains("Quispe"),
        "{clean}"
    );
}

#[test]
fn the_last_look_leaves_opaque_ids_alone() {
    let line = r#"{"hash":"5a5de22a30cac8062d4456291e4a2aabba7c59c84e45319fbac28e3298d287d0","run":"run-000001-1795465488","stream":"83b2ae641dcb92f12be5be6d59c59426.1","charts":0,"status":200,"action":"GET /charts/{chart}","at":1795465488123}"#;
    assert_eq!(last_line(line), (line.to_owned(), 0));
    for leak in [
        "078-05-1120",
        "(555) 123-4567",
        "roe@mail.example",
        "04/17/1952",
    ] {
        let (masked, hits) = last_line(&format!("{{\"error\":\"{leak}\"}}"));
        assert!(hits == 1 && !masked.contains(leak), "{masked}");
    }
}

proptest! {
    #[test]
    fn any_text_is_scrubbed_and_what_was_found_lies_in_order(text in "(?s).{0,200}") {
        let clean = scrub(&text);
        let mut end = 0;
        for found in &clean.found {
            prop_assert!(end <= found.start && found.start < found.end);
            end = found.end;
        }
        prop_assert!(end <= text.len());
    }
}
