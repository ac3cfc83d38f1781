//! Conditions that have one code together get it.

use super::ranges::{Ranges, letters, rows};
use crate::candidate::{self, Candidate};
use crate::coding::Joined;
use crate::dictionary::Dictionary;
use crate::icd_code::IcdCode;
use crate::note::{Note, NoteKind};
use crate::rules::Rule;

static COMBINATIONS: &str = include_str!("../../terminology/combinations.tsv");

/// Which conditions have a code together (`terminology/combinations.tsv`).
#[derive(Clone, Debug)]
pub(super) struct Combinations(Vec<Combination>);

#[derive(Clone, Debug)]
struct Combination {
    condition: Ranges,
    /// Ranges of which each must hold a coded candidate.
    partners: Vec<Ranges>,
    /// The code of all together, `=` for the condition's first three characters.
    together: &'static str,
    fate: Fate,
    rule: Rule,
}

/// What becomes of the partners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Stays,
    Joins,
}

impl Combinations {
    pub(super) fn embedded() -> Self {
        let read = |row: Vec<&'static str>| {
            Some(Combination {
                condition: Ranges::new(row.first()?),
                partners: row.get(1)?.split(" + ").map(Ranges::new).collect(),
                together: row.get(2)?,
                fate: match *row.get(3)? {
                    "stays" => Fate::Stays,
                    "joins" => Fate::Joins,
                    _ => return None,
                },
                rule: Rule::of_id(row.get(4)?)?,
            })
        };
        Self(rows(COMBINATIONS).filter_map(read).collect())
    }

    /// Gives conditions that stand together their code, with the mentions of all as evidence.
    ///
    /// Not in a narrative: prose without headings tells of conditions years apart, and those
    /// who code case reports code each condition for itself. Returns the codes that stand then,
    /// each once, in order.
    pub(super) fn apply<'a>(
        &self,
        dictionary: &'a Dictionary,
        note: Note,
        candidates: &mut [Candidate<'a>],
    ) -> Vec<IcdCode> {
        let mut coded = candidate::coded(candidates);
        if note.kind == NoteKind::Narrative {
            return coded;
        }
        for combination in &self.0 {
            let letters = letters(&coded);
            // A note names one type of diabetes; where it names two, the first is no surer.
            let Some(condition) = combination.condition.first_of(&coded, letters) else {
                continue;
            };
            let holds = |partner: &Ranges| partner.first_of(&coded, letters).is_some();
            if combination.partners.iter().all(holds) {
                combination.join(dictionary, condition, candidates);
                coded = candidate::coded(candidates);
            }
        }
        coded
    }
}

impl Combination {
    fn join<'a>(
        &self,
        dictionary: &'a Dictionary,
        condition: IcdCode,
        candidates: &mut [Candidate<'a>],
    ) {
        let together = self
            .together
            .replace('=', condition.get(..3).unwrap_or_default());
        let Some(billable) = dictionary.billed(&together) else {
            return;
        };
        let joined = Joined {
            code: billable.code,
            title: billable.title,
            rule: self.rule,
        };
        for candidate in candidates {
            let Some(code) = candidate.coded() else {
                continue;
            };
            let is_partner = self.partners.iter().any(|partner| partner.holds(code));
            let gives_way = if code == condition {
                // What says only that there is no complication is no longer true.
                !self.together.starts_with('=')
                    || candidate.mention.title.contains("without complications")
            } else if is_partner {
                self.fate == Fate::Joins
            } else {
                continue;
            };
            if gives_way {
                candidate.take(joined.clone());
            } else if code != joined.code && !candidate.mention.also.contains(&joined) {
                let mut also = std::mem::take(&mut candidate.mention.also).into_vec();
                also.push(joined.clone());
                candidate.mention.also = also.into();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::codes_of;

    #[test]
    fn every_line_names_codes_of_the_edition_and_a_rule() {
        let dictionary = Dictionary::fy2026();
        assert_eq!(
            Combinations::embedded().0.len(),
            rows(COMBINATIONS).count(),
            "a line has another form"
        );
        for row in rows(COMBINATIONS) {
            let conditions: Vec<&str> = row[0].split(';').map(str::trim).collect();
            for condition in &conditions {
                let together = row[2].replace('=', &condition[..3]);
                assert!(dictionary.is_billable(&together), "{together} in {row:?}");
            }
            for code in [row[0], row[1]]
                .into_iter()
                .flat_map(|column| column.split([';', '-', '+']))
            {
                assert!(
                    dictionary.title(code.trim()).is_some(),
                    "`{code}` in {row:?}"
                );
            }
        }
    }

    #[test]
    fn hypertension_joins_heart_failure_and_kidney_disease() {
        assert_eq!(
            codes_of("ASSESSMENT: Hypertension. Heart failure."),
            ["I11.0", "I50.9"]
        );
        assert_eq!(
            codes_of("ASSESSMENT: Hypertension. CKD stage 3."),
            ["I12.9", "N18.30"]
        );
        assert_eq!(
            codes_of("ASSESSMENT: Hypertension. Heart failure. ESRD."),
            ["I13.2", "I50.9", "N18.6"]
        );
        assert_eq!(
            codes_of("ASSESSMENT: Hypertension. No heart failure."),
            ["I10"]
        );
    }

    #[test]
    fn diabetes_joins_each_of_its_complications() {
        assert_eq!(
            codes_of("ASSESSMENT: Type 2 diabetes. CKD. Peripheral neuropathy."),
            ["E11.22", "E11.42", "N18.9"]
        );
        assert_eq!(
            codes_of("ASSESSMENT: Type 1 diabetes. Polyneuropathy."),
            ["E10.42"]
        );
        assert_eq!(
            codes_of("ASSESSMENT: Type 2 diabetes. Possible peripheral neuropathy."),
            ["E11.9"]
        );
    }

    #[test]
    fn both_mentions_are_evidence_of_the_code_that_they_have_together() {
        let engine = crate::Engine::new(Dictionary::fy2026());
        let coding = engine.code("ASSESSMENT: Hypertension. Heart failure.");
        let joined = coding.codes.iter().find(|code| code.code == "I11.0");
        let joined = joined.expect("both are present");
        assert_eq!(joined.evidence.len(), 2);
        assert_eq!(joined.rule, Rule::HypertensionWithHeartDisease);
    }
}
