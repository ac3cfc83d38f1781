//! A symptom that routinely belongs to a diagnosis of the note is not coded beside it.

use rustc_hash::FxHashMap;

use super::ranges::{Range, Ranges, rows};
use crate::candidate::{self, Candidate};
use crate::coding::Reason;
use crate::icd_code::IcdCode;
use crate::note::{Note, NoteKind};
use crate::rules::{Rule, is_symptom};

static INTEGRAL: &str = include_str!("../../terminology/integral.tsv");

/// Which symptoms belong to which diagnoses (`terminology/integral.tsv`).
#[derive(Clone, Debug)]
pub(super) struct Integral {
    /// Diagnoses and their symptoms, found by the three characters that a symptom begins with.
    by_category: FxHashMap<[u8; 3], Vec<(Ranges, Range)>>,
}

impl Integral {
    pub(super) fn embedded() -> Self {
        let mut by_category: FxHashMap<[u8; 3], Vec<(Ranges, Range)>> = FxHashMap::default();
        for row in rows(INTEGRAL) {
            let diagnoses = Ranges::new(row[0]);
            for symptom in row[1].split(';').map(str::trim) {
                if let Some(category) = symptom.as_bytes().first_chunk() {
                    by_category
                        .entry(*category)
                        .or_default()
                        .push((diagnoses.clone(), Range::new(symptom)));
                }
            }
        }
        Self { by_category }
    }

    /// Whether a code is of a symptom that may belong to a diagnosis.
    pub(super) fn concerns(&self, code: IcdCode) -> bool {
        self.by_category.contains_key(&code.category())
    }

    /// Takes out the symptoms that a coded diagnosis explains.
    ///
    /// Not in a narrative: it tells the findings of a whole illness in the order in which they
    /// came and concludes nothing, so no diagnosis in it can be said to explain all of them.
    pub(super) fn apply(&self, note: Note, candidates: &mut [Candidate<'_>]) {
        if note.kind == NoteKind::Narrative {
            return;
        }
        let diagnoses = candidates
            .iter()
            // What the patient merely brought along explains no symptom of today.
            .filter(|candidate| candidate.mention.rule != Rule::Chronic)
            .filter_map(Candidate::coded)
            .filter(|code| !is_symptom(*code));
        let diagnoses = candidate::in_order(diagnoses.collect());
        let mut explained: FxHashMap<IcdCode, Option<IcdCode>> = FxHashMap::default();
        for candidate in candidates {
            let Some(symptom) = candidate.coded() else {
                continue;
            };
            let by = explained
                .entry(symptom)
                .or_insert_with(|| self.explaining(symptom, &diagnoses));
            if let Some(by) = *by {
                let rule = match note.kind {
                    NoteKind::RadiologyReport => Rule::ExplainedByResult,
                    _ => Rule::IntegralSymptom,
                };
                candidate.leave(Reason::Integral { to: by }, rule);
            }
        }
    }

    /// The first of the diagnoses that the symptom belongs to.
    fn explaining(&self, symptom: IcdCode, diagnoses: &[IcdCode]) -> Option<IcdCode> {
        let belongs = self.by_category.get(&symptom.category())?;
        let explains = |diagnosis: &&IcdCode| {
            belongs.iter().any(|(diagnoses, symptoms)| {
                symptoms.holds(symptom)
                    && diagnoses.holds(**diagnosis)
                    && !symptoms.holds(**diagnosis)
            })
        };
        diagnoses.iter().find(explains).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::codes_of;

    #[test]
    fn every_line_of_the_table_names_codes_of_the_edition() {
        let dictionary = crate::Dictionary::fy2026();
        for row in rows(INTEGRAL) {
            assert_eq!(row.len(), 3, "{row:?}");
            for end in [row[0], row[1]]
                .into_iter()
                .flat_map(|column| column.split([';', '-']))
            {
                assert!(dictionary.title(end.trim()).is_some(), "`{end}` in {row:?}");
            }
        }
    }

    #[test]
    fn symptoms_of_a_diagnosis_are_left_to_it() {
        assert_eq!(
            codes_of("HPI: Cough and fever.\nASSESSMENT: Pneumonia."),
            ["J18.9"]
        );
        assert_eq!(
            codes_of("CC: Burning urination, dysuria.\nASSESSMENT: UTI."),
            ["N39.0"]
        );
    }

    #[test]
    fn other_symptoms_stay_and_so_do_those_of_a_diagnosis_that_is_denied_or_uncertain() {
        assert_eq!(
            codes_of("HPI: Cough and headache.\nASSESSMENT: Pneumonia."),
            ["J18.9", "R51.9"]
        );
        assert_eq!(
            codes_of("HPI: Cough.\nASSESSMENT: No pneumonia."),
            ["R05.9"]
        );
        assert_eq!(
            codes_of("HPI: Cough.\nASSESSMENT: Possible pneumonia."),
            ["R05.9"]
        );
    }

    #[test]
    fn a_condition_of_the_past_explains_nothing() {
        assert_eq!(
            codes_of("PMH: Migraine.\nASSESSMENT: Nausea."),
            ["G43.909", "R11.0"]
        );
    }

    #[test]
    fn a_narrative_keeps_its_findings() {
        assert_eq!(
            codes_of("A man came with cough. The x-ray showed pneumonia."),
            ["J18.9", "R05.9"]
        );
    }
}
