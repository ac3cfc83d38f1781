//! How an injury came about is coded only where it is asked for.

use serde::{Deserialize, Serialize};

use crate::candidate::Candidate;
use crate::coding::Reason;
use crate::icd_code::IcdCode;
use crate::note::{Note, NoteKind};
use crate::rules::Rule;

/// Whether external causes (V00 to Y99) are coded: no national rule asks for them (Section I.C.20).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ExternalCauses {
    /// They are found and left out, but not in prose without headings: those who code case
    /// reports code how an injury came about too.
    #[default]
    Left,
    /// They are coded, as some payers and states ask.
    Coded,
}

/// Whether a code says how an injury came about.
pub(super) fn concerns(code: IcdCode) -> bool {
    (b'V'..=b'Y').contains(&code.letter())
}

/// Leaves external causes out, or names the rule by which they count.
pub(super) fn apply(causes: ExternalCauses, note: Note, candidates: &mut [Candidate<'_>]) {
    for candidate in candidates {
        let is_cause = candidate.coded().is_some_and(concerns);
        match causes {
            _ if !is_cause => {}
            ExternalCauses::Left if note.kind == NoteKind::Narrative => {}
            ExternalCauses::Left => candidate.leave(Reason::ExternalCause, Rule::ExternalCause),
            ExternalCauses::Coded => candidate.mention.rule = Rule::ExternalCause,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dictionary, Engine};

    #[test]
    fn external_causes_count_where_they_are_asked_for() {
        let engine = Engine::new(Dictionary::fy2026());
        let note = "HPI: Unspecified fall. Concussion.";
        let codes = |engine: &Engine| -> Vec<IcdCode> {
            let codes = engine.code(note).codes.into_iter();
            codes.map(|code| code.code).collect()
        };
        let cause = "W19.XXXA".parse().expect("it is a code");
        assert!(!codes(&engine).is_empty() && !codes(&engine).contains(&cause));
        let asked = engine.with_external_causes(ExternalCauses::Coded);
        assert!(codes(&asked).contains(&cause));
    }

    #[test]
    fn prose_without_headings_keeps_its_external_causes() {
        let engine = Engine::new(Dictionary::fy2026());
        let coding = engine.code("Unspecified fall. Concussion.");
        assert!(coding.codes.iter().any(|code| code.code == "W19.XXXA"));
    }
}
