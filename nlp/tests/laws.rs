//! What holds for every text.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use lightsout_nlp::{Decision, Dictionary, Engine, Span};
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
        let all = dictionary
            .terms()
            .filter(|(term, meaning)| term.len() < 60 && dictionary.billable(*meaning).is_some());
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

fn codes(text: &str) -> BTreeSet<String> {
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
            prop_assert_eq!(text.get(mention.span.start..mention.span.end), Some(mention.text.as_str()));
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
                let stands = coding.mentions.iter().any(|mention| mention.span == *span && mention.decision == Decision::Coded && mention.code.as_ref() == Some(&code.code));
                prop_assert!(stands);
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
        prop_assert!(engine().code(&text).mentions.iter().all(|mention| engine().assert_target(&text, mention.span).text == mention.text));
    }

    #[test]
    fn any_bytes_are_text_or_rejected(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(text) = lightsout_nlp::check_text(&bytes) {
            engine().code(text);
        }
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
    ] {
        let coding = engine().code(&text);
        assert!(coding.mentions.len() <= text.len());
        engine().assert_target(&text, Span::new(text.len() / 2, text.len() / 2 + 1));
    }
}
