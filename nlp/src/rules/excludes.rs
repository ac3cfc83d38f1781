//! Of two codes that exclude each other (Excludes1) a chart keeps the one that the list asks for.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::told::Told;
use crate::attributes::AttributeKind;
use crate::candidate::Candidate;
use crate::coding::Reason;
use crate::dictionary::{Dictionary, InstructionKind};
use crate::icd_code::IcdCode;
use crate::note::{Note, NoteKind};
use crate::rules::{Rule, is_symptom};

/// How the codes of chapter 19 begin: injuries and poisonings.
const INJURIES: [u8; 2] = *b"ST";

/// What the mentions of a note say of one of its codes.
#[derive(Debug, Default)]
struct Evidence<'a> {
    is_vague: bool,
    sides: BTreeSet<Cow<'a, str>>,
}

/// Which of the two codes a note stands at, and what it says of the other.
#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    /// What notes at the first code say of the second.
    first: Option<InstructionKind>,
    /// What notes at the second code say of the first.
    second: Option<InstructionKind>,
}

/// Leaves out what is excluded by another code of a chart.
///
/// Which of the two stays, in this order:
///
/// 1. Both, where the evidence names different sides, and where both are injuries: the two are
///    unrelated, which is the exception of the guidelines.
/// 2. The disease, where the other is a symptom and a note of either says so without a condition.
/// 3. The code that stands at the note, where what it names is only what says less
///    (`bronchitis NOS`); the code that it names, where it names that without a condition.
/// 4. Where each excludes the other, a condition before a history or another factor, and then
///    the one that says more.
/// 5. Both, with an advice: the provider is to be asked.
///
/// Reports and narratives keep both with an advice: those who code them code each condition for
/// itself (of 164 codes that would leave the training reports of `CodiEsp`, by a rough count, they
/// gave 130), and the learnt model has chosen there already.
pub(super) fn apply(dictionary: &Dictionary, note: Note, candidates: &mut [Candidate<'_>]) {
    if note.kind != NoteKind::Chart {
        return;
    }
    let codes = evidence(candidates);
    if codes.len() < 2 {
        return;
    }
    let names: Vec<IcdCode> = codes.keys().copied().collect();
    let left = left_out(dictionary, &names, &codes);
    if left.is_empty() {
        return;
    }
    for candidate in candidates {
        leave(candidate, &left);
    }
}

/// The codes of a note with what is said of them, in the order of the alphabet.
fn evidence<'a>(candidates: &[Candidate<'a>]) -> BTreeMap<IcdCode, Evidence<'a>> {
    let mut codes: BTreeMap<IcdCode, Evidence<'a>> = BTreeMap::new();
    for candidate in candidates {
        let Some(code) = candidate.coded() else {
            continue;
        };
        let known = codes.entry(code).or_insert_with(|| Evidence {
            is_vague: candidate.says_nothing_more(),
            ..Evidence::default()
        });
        let attributes = candidate.mention.attributes.iter();
        let sides = attributes.filter(|attribute| attribute.kind == AttributeKind::Laterality);
        known.sides.extend(sides.map(|side| side.value.clone()));
        for also in &candidate.mention.also {
            codes.entry(also.code).or_default();
        }
    }
    codes
}

/// The codes that give way, each with the one that it gives way to.
fn left_out(
    dictionary: &Dictionary,
    names: &[IcdCode],
    codes: &BTreeMap<IcdCode, Evidence<'_>>,
) -> BTreeMap<IcdCode, IcdCode> {
    let mut pairs: BTreeMap<(usize, usize), Pair> = BTreeMap::new();
    let told = Told::of(dictionary, names.iter().copied());
    told.each(
        |instruction| instruction.kind.is_excludes1(),
        |code, instruction, named| {
            for other in named {
                let pair = pairs
                    .entry((code.min(*other), code.max(*other)))
                    .or_default();
                let said = if code < *other {
                    &mut pair.first
                } else {
                    &mut pair.second
                };
                // Of several notes the one without a condition counts.
                *said = Some(said.map_or(instruction.kind, |said| said.min(instruction.kind)));
            }
        },
    );
    let mut left: BTreeMap<IcdCode, IcdCode> = BTreeMap::new();
    for ((first, second), pair) in pairs {
        let [first, second] = [first, second].map(|at| names[at]);
        if left.contains_key(&first) || left.contains_key(&second) {
            continue;
        }
        let Some(stays) = stays(pair, [first, second], codes) else {
            continue;
        };
        let (stays, leaves) = if stays == Stays::First {
            (first, second)
        } else {
            (second, first)
        };
        left.insert(leaves, stays);
    }
    left
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stays {
    First,
    Second,
}

/// Which of two codes that exclude each other stays, or nothing where both do.
fn stays(
    pair: Pair,
    codes: [IcdCode; 2],
    evidence: &BTreeMap<IcdCode, Evidence<'_>>,
) -> Option<Stays> {
    let [first, second] = codes.map(|code| &evidence[&code]);
    let are_apart = !first.sides.is_empty()
        && !second.sides.is_empty()
        && first.sides.is_disjoint(&second.sides);
    if are_apart || codes.iter().all(|code| INJURIES.contains(&code.letter())) {
        return None;
    }
    // A note with a condition speaks of another disease than the one that is there.
    let plain = |said: &InstructionKind| *said != InstructionKind::Qualified;
    let said = [pair.first.filter(plain), pair.second.filter(plain)];
    if said == [None, None] {
        return None;
    }
    match codes.map(is_symptom) {
        [true, false] => return Some(Stays::Second),
        [false, true] => return Some(Stays::First),
        _ => {}
    }
    let unspecified = Some(InstructionKind::Unspecified);
    match said {
        [first, second] if first == unspecified && second != unspecified => Some(Stays::First),
        [first, second] if second == unspecified && first != unspecified => Some(Stays::Second),
        [Some(_), None] => Some(Stays::Second),
        [None, Some(_)] => Some(Stays::First),
        _ => {
            // What is over or only bears on health gives way to what is there.
            let is_factor = codes.map(|code| code.letter() == b'Z');
            match [is_factor, [first.is_vague, second.is_vague]] {
                [[true, false], _] | [[false, false], [true, false]] => Some(Stays::Second),
                [[false, true], _] | [[false, false], [false, true]] => Some(Stays::First),
                _ => None,
            }
        }
    }
}

/// Takes from a candidate what gives way; what it is evidence of besides stays.
fn leave(candidate: &mut Candidate<'_>, left: &BTreeMap<IcdCode, IcdCode>) {
    let Some(by) = candidate.coded().map(|code| left.get(&code).copied()) else {
        return;
    };
    let mut also = std::mem::take(&mut candidate.mention.also).into_vec();
    also.retain(|also| !left.contains_key(&also.code));
    match by {
        Some(by) if also.is_empty() => candidate.leave(Reason::Excluded { by }, Rule::Excludes1),
        Some(_) => candidate.take(also.remove(0)),
        None => {}
    }
    candidate.mention.also = also.into();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::codes_of;

    #[test]
    fn a_symptom_gives_way_to_what_its_note_names() {
        assert_eq!(
            codes_of("HPI: Syncope.\nASSESSMENT: Orthostatic hypotension."),
            ["I95.1"]
        );
    }

    #[test]
    fn the_code_that_is_named_is_coded_instead() {
        assert_eq!(
            codes_of("PMH: Hypothyroidism.\nASSESSMENT: Postprocedural hypothyroidism."),
            ["E89.0"]
        );
        assert_eq!(codes_of("ASSESSMENT: UTI. Acute cystitis."), ["N30.00"]);
    }

    #[test]
    fn what_says_less_gives_way_though_each_excludes_the_other() {
        assert_eq!(
            codes_of("ASSESSMENT: Acute bronchitis. Bronchitis."),
            ["J20.9"]
        );
    }

    #[test]
    fn a_history_gives_way_to_what_is_there() {
        assert_eq!(
            codes_of("PMH: Former smoker.\nASSESSMENT: Tobacco dependence."),
            ["F17.200"]
        );
    }

    #[test]
    fn injuries_and_sides_are_unrelated() {
        let pair = Pair {
            first: Some(InstructionKind::Instead),
            second: None,
        };
        let sided = |side: &'static str| Evidence {
            is_vague: false,
            sides: BTreeSet::from([side.into()]),
        };
        let check = |codes: [&str; 2], sides: [&'static str; 2], expected| {
            let codes = codes.map(|code| code.parse().expect("it is a code"));
            let evidence = codes.into_iter().zip(sides.map(sided));
            assert_eq!(stays(pair, codes, &evidence.collect()), expected);
        };
        check(["H10.9", "H16.9"], ["right", "right"], Some(Stays::Second));
        check(["H10.9", "H16.9"], ["right", "left"], None);
        check(["S60.011A", "S61.011A"], ["right", "right"], None);
    }

    #[test]
    fn what_only_a_condition_excludes_stays() {
        // R40 excludes a coma in diabetes, R44 hallucinations in schizophrenia; here both stand
        // for themselves as far as the list tells.
        assert_eq!(
            codes_of("PMH: Type 2 diabetes.\nASSESSMENT: Somnolence."),
            ["E11.9", "R40.0"]
        );
        assert_eq!(
            codes_of("ASSESSMENT: Hallucinations. Schizophrenia."),
            ["F20.9", "R44.3"]
        );
    }

    #[test]
    fn two_that_are_as_sure_are_for_the_provider_to_tell() {
        let codes = codes_of("PMH: Type 1 diabetes.\nASSESSMENT: Type 2 diabetes.");
        assert_eq!(codes, ["E10.9", "E11.9"]);
        let codes = codes_of("PMH: Depression.\nASSESSMENT: Bipolar disorder.");
        assert_eq!(codes, ["F31.9", "F32.A"]);
    }

    #[test]
    fn what_is_denied_excludes_nothing() {
        assert_eq!(
            codes_of("HPI: Syncope.\nASSESSMENT: No orthostatic hypotension."),
            ["R55"]
        );
    }

    #[test]
    fn a_narrative_keeps_each_condition() {
        assert_eq!(
            codes_of("A woman had a UTI. Later acute cystitis was found."),
            ["N30.00", "N39.0"]
        );
    }
}
