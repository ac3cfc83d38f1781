//! How much of what is there is found, by class and by how it is written?

use std::collections::BTreeMap;

use lightsout_deidentify::{
    Class, find, last_line, scrub,
    synthetic::{Hand, PLAIN, note},
};
use proptest::prelude::*;

/// Notes of each class and hand.
const NOTES: u32 = 50;

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
