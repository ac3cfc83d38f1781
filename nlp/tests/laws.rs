//! What holds for every text.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use lightsout_nlp::{
    BinaryKind, Decision, Dictionary, Engine, IcdCode, Rejection, Rule, Span, check_text,
};
use proptest::prelude::*;

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(Dictionary::fy2026()))
}

/// Single words and phrases that the dictionary codes.
fn terms() -> &'static [String] {
    static TERMS: OnceLock<Vec<String>> = OnceLock::new();
    TERMS.get_or_init(|| {
        let dictionary = engine().dictionary();
        // External causes are left out unless they are asked for.
        let all = dictionary.terms().filter(|(term, meaning)| {
            term.len() < 60
                && dictionary.billable(*meaning).is_some()
                && dictionary.chapter_of(*meaning) != Some(20)
        });
        let mut all: Vec<_> = all.map(|(term, _)| term).collect();
        all.sort_unstable();
        all
    })
}

fn term() -> impl Strategy<Value = String> {
    any::<prop::sample::Index>().prop_map(|index| index.get(terms()).clone())
}

/// Texts that look like notes: terms, cues, headings, marks, line breaks, any characters.
fn note() -> impl Strategy<Value = String> {
    let cues = [
        "no ",
        "denies ",
        "history of ",
        "HPI:",
        "\nPMH:\n",
        "FAMILY HISTORY: ",
        ", ",
        ". ",
        "; ",
        "\n",
        "\n\n- ",
        " but ",
        "s/p ",
        "\u{2019}",
        "°",
        "é",
        "\u{0}",
    ];
    let part = prop_oneof![3 => term(), 3 => prop::sample::select(cues.to_vec()).prop_map(str::to_owned), 1 => ".{0,12}"];
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.join(" "))
}

fn codes(text: &str) -> BTreeSet<IcdCode> {
    engine()
        .code(text)
        .codes
        .into_iter()
        .map(|code| code.code)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn spans_lie_in_the_text_on_character_boundaries(text in note()) {
        let coding = engine().code(&text);
        for mention in &coding.mentions {
            prop_assert_eq!(text.get(mention.span.start..mention.span.end), Some(mention.text()));
            prop_assert!(!mention.span.is_empty());
        }
        for pair in coding.mentions.windows(2) {
            // A condition of both sides stands once for each.
            prop_assert!(pair[0].span.end <= pair[1].span.start || pair[0].span == pair[1].span);
        }
    }

    #[test]
    fn the_same_text_gives_the_same_bytes(text in note()) {
        let json = |engine: &Engine| serde_json::to_string(&engine.code(&text)).unwrap();
        prop_assert_eq!(json(engine()), json(&Engine::new(Dictionary::fy2026())));
    }

    #[test]
    fn a_coding_reads_back_from_json(text in note()) {
        let coding = engine().code(&text);
        prop_assert_eq!(serde_json::from_str::<lightsout_nlp::Coding>(&serde_json::to_string(&coding).unwrap()).unwrap(), coding);
    }

    #[test]
    fn codes_are_billable_unique_and_have_coded_evidence(text in note()) {
        let coding = engine().code(&text);
        let mut seen = BTreeSet::new();
        for code in &coding.codes {
            prop_assert!(engine().dictionary().is_billable(&code.code), "{}", code.code);
            prop_assert!(seen.insert(&code.code));
            prop_assert!(!code.evidence.is_empty() && code.score > 0.0 && code.score <= 1.0);
            for span in &code.evidence {
                let stands = coding.mentions.iter().any(|mention| mention.span == *span && mention.decision == Decision::Coded && (mention.code.as_ref() == Some(&code.code) || mention.also.iter().any(|also| also.code == code.code)));
                prop_assert!(stands);
            }
        }
    }

    #[test]
    fn codes_that_exclude_each_other_say_so(text in note()) {
        let coding = engine().code(&text);
        for code in &coding.codes {
            for other in &coding.codes {
                if engine().dictionary().excludes(&code.code, &other.code) {
                    let says = |code: &lightsout_nlp::Code, other: &str| code.advice.iter().any(|advice| advice.rule == Rule::Excludes1 && advice.codes.iter().any(|code| code == other));
                    prop_assert!(says(code, &other.code) && says(other, &code.code), "{} {}", code.code, other.code);
                }
            }
        }
    }

    #[test]
    fn advice_names_other_codes_of_the_note(text in note()) {
        let coding = engine().code(&text);
        let at = |code: &str| coding.codes.iter().position(|known| known.code == code);
        for code in &coding.codes {
            for advice in &code.advice {
                prop_assert!(!advice.to_string().is_empty());
                for other in &advice.codes {
                    prop_assert!(at(other).is_some() && *other != code.code);
                }
            }
        }
    }

    #[test]
    fn a_negated_sentence_never_adds_a_code(text in note(), term in term()) {
        // A full stop inside a term ends the sentence that denies it.
        prop_assume!(!term.contains(['.', ';', '?', '!']));
        let before = codes(&text);
        let after = codes(&format!("{text}\n\nPatient denies {term}.\n"));
        prop_assert!(after.is_subset(&before), "{:?}", after.difference(&before));
    }

    #[test]
    fn any_target_gets_an_answer(text in ".{0,80}", start in 0_usize..100, length in 0_usize..100) {
        let mention = engine().assert_target(&text, Span::new(start, start + length));
        prop_assert_eq!(mention.span, Span::new(start, start + length));
        prop_assert!(engine().code(&text).mentions.iter().all(|mention| engine().assert_target(&text, mention.span).text() == mention.text()));
    }

    #[test]
    fn any_bytes_are_text_or_rejected(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(text) = check_text(&bytes) {
            engine().code(text);
        }
    }
}

/// Notes whose sentences are known: each coded alone, and none once its sentence is gone.
#[test]
fn without_its_evidence_a_code_is_gone() {
    let problems = ["asthma", "gout", "pneumonia", "hypothyroidism", "migraine"];
    let note = |said: &[&str]| -> String {
        let lines: Vec<_> = said.iter().map(|problem| format!("- {problem}")).collect();
        format!("ASSESSMENT:\n{}\n", lines.join("\n"))
    };
    let all = codes(&note(&problems));
    for problem in problems {
        let alone = codes(&note(&[problem]));
        assert_eq!(alone.len(), 1, "{problem}");
        assert!(alone.is_subset(&all), "{problem}");
        let others: Vec<_> = problems
            .into_iter()
            .filter(|other| *other != problem)
            .collect();
        assert!(codes(&note(&others)).is_disjoint(&alone), "{problem}");
    }
}

/// Removing every span of evidence from a sample, and blanks in its place, removes the code.
#[test]
fn blanking_the_evidence_of_a_code_removes_it() {
    let mut seen = 0;
    for (name, text) in samples() {
        for code in engine().code(&text).codes {
            let mut blanked = text.clone();
            for span in &code.evidence {
                let blanks = "_".repeat(span.len());
                blanked.replace_range(span.start..span.end, &blanks);
            }
            let left = engine().code(&blanked).codes;
            let same = left.iter().find(|other| other.code == code.code);
            // What another mention said in other words may step in, with evidence of its own.
            let repeats = same.is_some_and(|same| {
                same.evidence
                    .iter()
                    .any(|span| code.evidence.contains(span))
            });
            assert!(!repeats, "{name}: {} without its evidence", code.code);
            seen += 1;
        }
    }
    assert!(seen > 50);
}

#[test]
fn any_order_and_number_of_threads_gives_the_same_bytes() {
    let notes = samples();
    let json = |text: &str| serde_json::to_string(&engine().code(text)).unwrap();
    let one: Vec<_> = notes.iter().map(|(_, text)| json(text)).collect();
    let backwards: Vec<_> = notes.iter().rev().map(|(_, text)| json(text)).collect();
    assert!(one.iter().eq(backwards.iter().rev()));
    for threads in [2, 5] {
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..threads)
                .map(|_| {
                    scope.spawn(|| notes.iter().map(|(_, text)| json(text)).collect::<Vec<_>>())
                })
                .collect();
            for thread in all {
                assert_eq!(thread.join().unwrap(), one);
            }
        });
    }
}

/// Bytes of other encodings are refused by name or read; nothing in between.
#[test]
fn other_encodings_are_refused_or_read() {
    let latin1 = b"Ni\xf1a con fiebre. Asthma.";
    assert_eq!(check_text(latin1), Err(Rejection::NotUtf8 { offset: 2 }));
    let utf16 = |start: [u8; 2], unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let units = "Asthma.".encode_utf16().flat_map(unit);
        start.into_iter().chain(units).collect()
    };
    for bytes in [
        utf16([0xff, 0xfe], u16::to_le_bytes),
        utf16([0xfe, 0xff], u16::to_be_bytes),
    ] {
        let rejection = check_text(&bytes).unwrap_err();
        assert_eq!(
            rejection,
            Rejection::Binary {
                kind: BinaryKind::Utf16
            }
        );
        assert!(!rejection.to_string().contains("Asthma"));
    }
    let kind = BinaryKind::Rtf;
    assert_eq!(
        check_text(br"{\rtf1 Asthma.}"),
        Err(Rejection::Binary { kind })
    );
    assert_eq!(check_text("\u{feff}Asthma.".as_bytes()), Ok("Asthma."));
    assert!(
        !codes("\u{5d7}\u{5d5}\u{5dc}\u{5d4} \u{202e}asthma\u{202c} \u{5e9}\u{5dc}\u{5d5}\u{5dd}")
            .is_empty()
    );
    assert!(!codes("Asthma\u{1}\u{7f}, \u{1b}[1mgout\u{1b}[0m").is_empty());
}

#[test]
fn a_note_of_nothing_but_headings_has_no_codes() {
    let headings = "CHIEF COMPLAINT:\nHPI:\nPMH:\nFAMILY HISTORY:\nROS:\nPLAN:\n";
    assert_eq!(engine().code(headings).mentions, []);
    assert_eq!(engine().code(&headings.repeat(10_000)).mentions, []);
}

/// The charts that come with the project, by name.
fn samples() -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/charts");
    let mut charts: Vec<_> = std::fs::read_dir(folder)
        .expect("the samples are there")
        .map(|entry| entry.expect("the samples can be listed").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "txt"))
        .map(|path| {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            (
                name,
                std::fs::read_to_string(&path).expect("a sample can be read"),
            )
        })
        .collect();
    charts.sort();
    charts
}

/// Twice the text has twice the mentions: the work that is done for each is done once.
#[test]
fn what_is_found_grows_as_the_text_does() {
    let (_, chart) = samples().swap_remove(2);
    let chart = format!("{chart}\n\n");
    let one = engine().code(&chart).mentions.len();
    assert!(one > 5);
    for times in [2, 10, 100] {
        assert_eq!(
            engine().code(&chart.repeat(times)).mentions.len(),
            one * times
        );
    }
}

/// A full stop or a semicolon inside a term cuts its sentence; all other terms are found whole.
#[test]
fn every_term_alone_is_coded_and_a_relatives_is_not() {
    for term in terms()
        .iter()
        .filter(|term| !term.contains(['.', ';', '?', '!']))
    {
        assert!(!codes(&format!("ASSESSMENT: {term}")).is_empty(), "{term}");
        assert!(
            codes(&format!("FAMILY HISTORY\n{term}\n")).is_empty(),
            "{term}"
        );
    }
}

/// A megabyte of each is read; anything worse than linear would not come back.
#[test]
fn strange_texts_of_a_megabyte_are_read() {
    let many = |part: &str| part.repeat((1 << 20) / part.len());
    for text in [
        String::new(),
        many(" "),
        many("\n"),
        many("\n "),
        many("\u{7}\u{1b}"),
        many("a"),
        many("ae"),
        many("."),
        many(":"),
        many(". "),
        many("HPI: "),
        many("A "),
        many("no chest pain "),
        many("denies "),
        many("but "),
        many("type 2 diabetes mellitus with "),
        many("1. "),
        many("s/p "),
        many("\u{e9}\u{2019}"),
        many("chest pain ; "),
        many("- "),
        many("no no no "),
        many("("),
        many("(no (asthma "),
        many("chest pain (CP) "),
        many("HTN/DM/COPD/"),
        many("diabetes "),
        many("no history of possible "),
        many("left right bilateral "),
        many("cancer of the "),
        many("acute on chronic "),
        many("mother father "),
        many("PMH: asthma FAMILY HISTORY: "),
        many("fever,"),
        many("\u{202e}asthma\u{5d0} "),
        many("asthma\u{0}"),
    ] {
        let coding = engine().code(&text);
        assert!(coding.mentions.len() <= text.len());
        engine().assert_target(&text, Span::new(text.len() / 2, text.len() / 2 + 1));
    }
}
