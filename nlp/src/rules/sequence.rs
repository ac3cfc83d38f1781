//! The order of codes, as the notes of the tabular list ask for it.

use super::told::Told;
use crate::coding::Code;
use crate::dictionary::InstructionKind;

/// How the codes of chapter 20 begin: how an injury came about.
const EXTERNAL_CAUSES: [char; 4] = ['V', 'W', 'X', 'Y'];

/// Puts what is coded first before what comes from it, and external causes last.
///
/// Otherwise the order stays: the surest first, which is what the assessment says (section II).
/// Where notes ask for both orders of two codes, `code first` counts.
pub(super) fn apply(told: &Told<'_>, codes: &mut Vec<Code<'_>>) {
    if codes.len() < 2 {
        return;
    }
    // Pairs of which the first stands before the second.
    let mut first: Vec<(usize, usize)> = Vec::new();
    let mut additional: Vec<(usize, usize)> = Vec::new();
    told.each(
        |instruction| {
            matches!(
                instruction.kind,
                InstructionKind::CodeFirst | InstructionKind::UseAdditional
            )
        },
        |code, instruction, named| {
            let pairs = named.iter();
            match instruction.kind {
                InstructionKind::CodeFirst => first.extend(pairs.map(|other| (*other, code))),
                _ => additional.extend(pairs.map(|other| (code, *other))),
            }
        },
    );
    first.sort_unstable();
    first.dedup();
    additional.retain(|(before, after)| first.binary_search(&(*after, *before)).is_err());
    first.extend(additional);
    first.sort_unstable();
    first.dedup();
    let is_external = |at: &usize| codes[*at].code.starts_with(EXTERNAL_CAUSES);
    let mut numbers: Vec<usize> = (0..codes.len()).collect();
    numbers.sort_by_key(is_external);
    let order = order(&numbers, &first);
    let mut slots: Vec<Option<Code<'_>>> = codes.drain(..).map(Some).collect();
    codes.extend(order.into_iter().filter_map(|at| slots[at].take()));
}

/// All numbers below a count, with each pair's first before its second, otherwise as they come.
///
/// What stands before a number is drawn in front of it, so that the surest diagnosis stays near
/// the front with what it comes from. Where pairs go round in a circle, one of them is not kept.
fn order(numbers: &[usize], pairs: &[(usize, usize)]) -> Vec<usize> {
    let mut before: Vec<(usize, usize)> = pairs
        .iter()
        .map(|(first, second)| (*second, *first))
        .collect();
    before.sort_unstable();
    let mut order = Vec::with_capacity(numbers.len());
    let mut is_open = vec![false; numbers.len()];
    // Each open number with the first of its pairs that has not been looked at; a stack of its
    // own, as a note may hold any number of codes.
    let mut open: Vec<(usize, usize)> = Vec::new();
    for start in numbers {
        let mut next = Some(*start);
        loop {
            if let Some(number) = next.take().filter(|number| !is_open[*number]) {
                is_open[number] = true;
                open.push((number, before.partition_point(|pair| pair.0 < number)));
            }
            let Some((number, at)) = open.last_mut() else {
                break;
            };
            if let Some(pair) = before.get(*at).filter(|pair| pair.0 == *number) {
                next = Some(pair.1);
                *at += 1;
            } else {
                order.push(*number);
                open.pop();
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dictionary, Engine};

    #[test]
    fn what_stands_before_is_drawn_in_front() {
        assert_eq!(order(&[0, 1, 2], &[]), [0, 1, 2]);
        assert_eq!(order(&[0, 1, 2, 3], &[(3, 0), (2, 3)]), [2, 3, 0, 1]);
        assert_eq!(
            order(&[0, 1, 2], &[(0, 1), (1, 0)]),
            [1, 0, 2],
            "a circle ends"
        );
    }

    #[track_caller]
    fn check(note: &str, expected: &[&str]) {
        let engine = Engine::new(Dictionary::fy2026());
        let coding = engine.code(note);
        let codes: Vec<_> = coding.codes.iter().map(|code| code.code.as_str()).collect();
        assert_eq!(codes, expected);
    }

    #[test]
    fn the_etiology_stands_before_its_manifestation() {
        check(
            "ASSESSMENT: Dementia in other diseases classified elsewhere, unspecified severity, \
             without behavioral disturbance. Alzheimer's disease.",
            &["G30.9", "F02.80"],
        );
        check(
            "PMH: CKD stage 3.\nASSESSMENT: Anemia in chronic kidney disease.",
            &["N18.30", "D63.1"],
        );
        check(
            "ASSESSMENT: Malignant ascites. Ovarian cancer.",
            &["C56.9", "R18.0"],
        );
        check(
            "ASSESSMENT: Heart failure. Hypertension.",
            &["I11.0", "I50.9"],
        );
    }

    #[test]
    fn how_an_injury_came_about_stands_last() {
        let engine = Engine::new(Dictionary::fy2026());
        let engine = engine.with_external_causes(crate::ExternalCauses::Coded);
        let coding = engine.code("ASSESSMENT: Unspecified fall. Concussion.\nPMH: Asthma.");
        let last = coding.codes.last().map(|code| code.code.as_str());
        assert_eq!(last, Some("W19.XXXA"));
    }

    #[test]
    fn an_additional_code_stands_behind_what_asks_for_it() {
        check(
            "ASSESSMENT: Tobacco dependence. COPD.",
            &["J44.9", "F17.200"],
        );
    }
}
