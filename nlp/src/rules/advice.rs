//! What the notes of the tabular list tell a coder about the codes that stand.

use super::told::Told;
use crate::coding::{Advice, Code};
use crate::dictionary::InstructionKind;
use crate::rules::Rule;

/// What titles of manifestations end with; they never stand without what brings them.
const MANIFESTATION: &str = "in diseases classified elsewhere";

/// Writes to each code what the notes at it say of the others, and what they miss.
pub(super) fn apply(told: &Told<'_>, codes: &mut [Code<'_>]) {
    let mut found: Vec<(usize, Rule, String, Vec<usize>)> = Vec::new();
    told.each(
        |_| true,
        |code, instruction, named| {
            let (rule, words) = match instruction.kind {
                kind if kind.is_excludes1() => (Rule::Excludes1, ""),
                InstructionKind::CodeFirst => (Rule::CodeFirst, "code first"),
                InstructionKind::UseAdditional => (Rule::UseAdditionalCode, "use additional"),
                InstructionKind::CodeAlso => (Rule::CodeAlso, "code also"),
                _ => (Rule::Excludes2, ""),
            };
            // What a whole chapter excludes or asks for is told only where it is there.
            let tells = match rule {
                Rule::Excludes1 => !named.is_empty(),
                Rule::Excludes2 => !named.is_empty() && !instruction.is_wide,
                _ => !named.is_empty() || !instruction.is_wide,
            };
            if !tells {
                return;
            }
            let says = if words.is_empty() {
                String::new()
            } else {
                format!("{words} {}", instruction.text)
            };
            if rule == Rule::Excludes1 {
                // The other code is told the same, which may have no such note itself.
                for other in named {
                    found.push((*other, rule, String::new(), vec![code]));
                }
            }
            found.push((code, rule, says, named.to_vec()));
        },
    );
    for (at, code) in codes.iter().enumerate() {
        let is_told = |(of, rule, ..): &(usize, Rule, String, Vec<usize>)| {
            *of == at && *rule == Rule::CodeFirst
        };
        if code.title.contains(MANIFESTATION) && !found.iter().any(is_told) {
            let says = "code first underlying disease".to_owned();
            found.push((at, Rule::CodeFirst, says, Vec::new()));
        }
    }
    // All that one rule says of the exclusions of a code is one advice.
    found.sort();
    let mut before: Option<(usize, Rule, String)> = None;
    for (at, rule, says, named) in found {
        let named = named.into_iter().map(|other| codes[other].code);
        let named: Vec<_> = named.collect();
        let key = (at, rule, says);
        let advice = &mut codes[at].advice;
        match advice.last_mut().filter(|_| before.as_ref() == Some(&key)) {
            Some(last) => {
                last.codes.extend(named);
                last.codes.sort_unstable();
                last.codes.dedup();
            }
            None => codes[at].advice.push(Advice {
                rule,
                says: key.2.clone(),
                codes: named,
            }),
        }
        before = Some(key);
    }
}

#[cfg(test)]
mod tests {
    use crate::coding::Coding;
    use crate::{Dictionary, Engine};

    /// What is advised on a code, a line each.
    fn advised(note: &str, code: &str) -> Vec<String> {
        let engine = Engine::new(Dictionary::fy2026());
        let coding: Coding = engine.code(note);
        let found = coding.codes.iter().find(|found| found.code == code);
        let found = found.unwrap_or_else(|| panic!("{code} of {:?}", coding.codes));
        found.advice.iter().map(ToString::to_string).collect()
    }

    #[track_caller]
    fn check(note: &str, code: &str, part: &str) {
        let advised = advised(note, code);
        assert!(
            advised.iter().any(|advice| advice.contains(part)),
            "{advised:#?}"
        );
    }

    #[test]
    fn a_code_that_excludes_another_says_so_on_both() {
        let note = "PMH: Type 1 diabetes.\nASSESSMENT: Type 2 diabetes.";
        check(note, "E10.9", "not coded beside `E11.9`");
        check(note, "E11.9", "not coded beside `E10.9`");
    }

    #[test]
    fn a_manifestation_names_what_it_comes_from_or_misses_it() {
        let note = "ASSESSMENT: Malignant ascites. Ovarian cancer.";
        check(note, "R18.0", "`C56.9` (Section I.A.13)");
        check(
            "ASSESSMENT: Malignant ascites.",
            "R18.0",
            "no code of the note",
        );
        let note = "ASSESSMENT: Anemia in chronic kidney disease. CKD stage 3.";
        check(
            note,
            "D63.1",
            "code first underlying chronic kidney disease (CKD) (N18.-): `N18.30`",
        );
    }

    #[test]
    fn an_additional_code_is_named_or_missed() {
        let note = "ASSESSMENT: COPD. Tobacco dependence.";
        check(note, "J44.9", "`F17.2");
        check("ASSESSMENT: COPD.", "J44.9", "no code of the note");
    }

    #[test]
    fn advice_holds_no_text_of_the_note() {
        for advice in advised("ASSESSMENT: COPD. Zzyzx tobacco dependence.", "J44.9") {
            assert!(!advice.contains("Zzyzx"));
        }
    }
}
