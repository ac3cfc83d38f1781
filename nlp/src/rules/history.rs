//! A condition that is over is coded as the personal history that it leaves.

use super::ranges::{Ranges, rows};
use crate::assertion::Assertion;
use crate::candidate::{self, Candidate};
use crate::coding::{Decision, Joined, Reason};
use crate::dictionary::{Billable, Dictionary};
use crate::icd_code::IcdCode;
use crate::note::{Note, NoteKind};
use crate::rules::Rule;
use crate::section::SectionKind;

static HISTORY: &str = include_str!("../../terminology/history.tsv");

/// Which history each condition leaves (`terminology/history.tsv`).
#[derive(Clone, Debug)]
pub(crate) struct History(Vec<Left>);

#[derive(Clone, Debug)]
struct Left {
    conditions: Ranges,
    history: &'static str,
    /// The condition that the history is of where a note speaks of it as there.
    condition: Option<&'static str>,
}

impl History {
    pub(super) fn embedded() -> Self {
        let read = |row: Vec<&'static str>| {
            Some(Left {
                conditions: Ranges::new(row.first()?),
                history: row.get(1)?,
                condition: row.get(2).copied(),
            })
        };
        Self(rows(HISTORY).filter_map(read).collect())
    }

    /// The code of the same mention in the other tense: the history that a condition leaves, or
    /// the condition that a history is of.
    ///
    /// Only in a report, of what its indication tells: why a test was ordered may be called
    /// history whether it is over or not, so the words alone do not decide.
    pub(crate) fn in_other_tense<'d>(
        &self,
        dictionary: &'d Dictionary,
        candidate: &Candidate<'_>,
    ) -> Option<Billable<'d>> {
        let mention = &candidate.mention;
        let is_reason = mention.section == SectionKind::Indication;
        let code = mention.code.filter(|_| is_reason)?;
        let other = if let Some(left) = self.of(code) {
            left.condition.and(Some(left.history))
        } else {
            let mut all = self.0.iter();
            all.find(|left| code == left.history)?.condition
        };
        dictionary.billed(other?)
    }

    fn of(&self, code: IcdCode) -> Option<&Left> {
        self.0.iter().find(|left| left.conditions.holds(code))
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
        let is_past = |candidate: &Candidate<'_>| {
            matches!(
                candidate.mention.decision,
                Decision::NotCoded(Reason::Historical { .. })
            ) && candidate.mention.assertion == Assertion::Historical
        };
        let Some(first) = candidates.iter().position(is_past) else {
            return;
        };
        let coded = candidate::coded(candidates);
        for candidate in &mut candidates[first..] {
            let is_past = is_past(candidate);
            let Some(code) = candidate.mention.code.filter(|_| is_past) else {
                continue;
            };
            // What is there again is no history.
            if let Some(left) = self.of(code)
                && !coded.iter().any(|code| left.conditions.holds(*code))
                && let Some(billable) = dictionary.billed(left.history)
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
            assert!((2..=3).contains(&row.len()), "{row:?}");
            for code in &row[1..] {
                assert!(dictionary.is_billable(code), "`{code}` in {row:?}");
            }
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
