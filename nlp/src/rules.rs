//! The rules of coding: what a claim carries when several conditions are there.
//!
//! Each rule is a file. It looks at the candidates of a whole note and turns what it decides
//! into decisions; a rule never looks at the text. What does not count (negated, uncertain,
//! another person's) has no effect on what does.

mod advice;
mod combination;
mod excludes;
mod external;
mod history;
mod integral;
mod ranges;
mod rule;
mod sequence;
pub(crate) mod statement;
mod superseded;
mod told;
mod unknown_site;

pub use self::external::ExternalCauses;
pub(crate) use self::history::History;
pub use self::rule::Rule;

use self::combination::Combinations;
use self::integral::Integral;
use self::told::Told;
use crate::candidate::{self, Candidate};
use crate::coding::Code;
use crate::dictionary::Dictionary;
use crate::icd_code::IcdCode;
use crate::note::Note;

/// The rules with their tables, read once.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    combinations: Combinations,
    pub(crate) external_causes: ExternalCauses,
    pub(crate) history: History,
    integral: Integral,
}

impl Rules {
    /// The rules with the embedded tables.
    pub(crate) fn embedded() -> Self {
        Self {
            combinations: Combinations::embedded(),
            external_causes: ExternalCauses::default(),
            history: History::embedded(),
            integral: Integral::embedded(),
        }
    }

    /// Lets every rule decide, in the order in which they build on each other.
    pub(crate) fn apply<'a>(
        &self,
        dictionary: &'a Dictionary,
        note: Note,
        candidates: &mut [Candidate<'a>],
    ) {
        // A long note has many candidates and few codes: the codes tell which rules concern it.
        let coded = candidate::coded(candidates);
        if coded.iter().copied().any(external::concerns) {
            external::apply(self.external_causes, note, candidates);
        }
        if superseded::concerns(&coded) {
            superseded::apply(dictionary, note, candidates);
        }
        if unknown_site::concerns(&coded) {
            unknown_site::apply(candidates);
        }
        self.history.apply(dictionary, note, candidates);
        let coded = self.combinations.apply(dictionary, note, candidates);
        if coded.iter().any(|code| self.integral.concerns(*code)) {
            self.integral.apply(note, candidates);
        }
        if coded.iter().any(|code| is_symptom(*code)) {
            name_symptoms(candidates);
        }
        excludes::apply(dictionary, note, candidates);
    }

    /// Lets the rules speak that look at the codes as they leave the engine: no code comes or
    /// goes here.
    pub(crate) fn conclude(dictionary: &Dictionary, codes: &mut Vec<Code<'_>>) {
        let told = Told::of(dictionary, codes.iter().map(|code| code.code));
        advice::apply(&told, codes);
        sequence::apply(&told, codes);
    }
}

/// Whether a code is of chapter 18: symptoms, signs and abnormal findings.
fn is_symptom(code: IcdCode) -> bool {
    code.letter() == b'R'
}

/// Says of what is coded as documented and stands among signs and symptoms that it does.
fn name_symptoms(candidates: &mut [Candidate<'_>]) {
    for candidate in candidates {
        if candidate.coded().is_some_and(is_symptom) && candidate.mention.rule == Rule::Documented {
            candidate.mention.rule = Rule::SignOrSymptom;
        }
    }
}

/// The codes of a note, in the order of the alphabet.
#[cfg(test)]
fn codes_of(note: &str) -> Vec<IcdCode> {
    let engine = crate::Engine::new(Dictionary::fy2026());
    let mut codes: Vec<_> = engine
        .code(note)
        .codes
        .into_iter()
        .map(|code| code.code)
        .collect();
    codes.sort_unstable();
    codes
}

/// The rule that decided over the only mention of a note.
#[cfg(test)]
fn rule_of(note: &str, setting: crate::Setting) -> Rule {
    let engine = crate::Engine::new(Dictionary::fy2026()).with_setting(setting);
    let coding = engine.code(note);
    assert_eq!(coding.mentions.len(), 1, "{:?}", coding.mentions);
    coding.mentions[0].rule
}
