//! A condition that is over is coded as the personal history that it leaves.

use super::ranges::{Ranges, rows};
use crate::assertion::Assertion;
use crate::candidate::{self, Candidate};
use crate::coding::{Decision, Joined, Reason};
use crate::dictionary::Dictionary;
use crate::note::{Note, NoteKind};
use crate::rules::Rule;

static HISTORY: &str = include_str!("../../terminology/history.tsv");

/// Which history each condition leaves (`terminology/history.tsv`).
#[derive(Clone, Debug)]
pub(super) struct History(Vec<(Ranges, &'static str)>);

impl History {
    pub(super) fn embedded() -> Self {
        let read = |row: Vec<&'static str>| Some((Ranges::new(row.first()?), *row.get(1)?));
        Self(rows(HISTORY).filter_map(read).collect())
    }

    /// Codes what was left out because it is past as a history, where there is a code for it.
    pub(super) fn apply<'a>(
        &self,
        dictionary: &'a Dictionary,
        note: Note,
        candidates: &mut [Candidate<'a>],
    ) {
        if note.kind == NoteKind::Narrative {
            return;
        }
        let coded = candidate::coded(candidates);
        for candidate in candidates {
            let is_past = matches!(
                candidate.mention.decision,
                Decision::NotCoded(Reason::Historical { .. })
            ) && candidate.mention.assertion == Assertion::Historical;
            let Some(code) = candidate.mention.code.filter(|_| is_past) else {
                continue;
            };
            let left = self.0.iter().find(|(conditions, _)| conditions.holds(code));
            // What is there again is no history.
            if let Some((conditions, left)) = left
                && !coded.iter().any(|code| conditions.holds(*code))
                && let Some(billable) = dictionary.billed(left)
            {
                candidate.mention.decision = Decision::Coded;
                candidate.take(Joined {
                    code: billable.code,
                    title: billable.title,
                    rule: Rule::HistoryCode,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::codes_of;

    #[test]
    fn every_line_names_codes_of_the_edition() {
        let dictionary = Dictionary::fy2026();
        for row in rows(HISTORY) {
            assert_eq!(row.len(), 2, "{row:?}");
            assert!(dictionary.is_billable(row[1]), "{row:?}");
            for code in row[0].split([';', '-']) {
                assert!(
                    dictionary.title(code.trim()).is_some(),
                    "`{code}` in {row:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_over_becomes_a_history() {
        assert_eq!(codes_of("PMH: Pulmonary embolism."), ["Z86.711"]);
        assert_eq!(
            codes_of("PMH: Pulmonary embolism.\nASSESSMENT: Pulmonary embolism."),
            ["I26.99"]
        );
        assert_eq!(codes_of("HPI: No history of pulmonary embolism."), [""; 0]);
        assert_eq!(codes_of("FAMILY HISTORY: Pulmonary embolism."), [""; 0]);
    }
}
