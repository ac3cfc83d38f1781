//! The rules by name, each with the place in the official guidelines that it follows.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The rule that decided over a mention or a code.
///
/// Sections are those of the ICD-10-CM Official Guidelines for Coding and Reporting, FY2026.
///
/// ```
/// use lightsout_nlp::Rule;
/// assert_eq!(Rule::IntegralSymptom.id(), "integral_symptom");
/// assert_eq!(Rule::IntegralSymptom.source(), "Section I.B.5");
/// assert_eq!(
///     Rule::Denied.to_string(),
///     "what the provider states to be absent is not coded (Section I.A.19)",
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Coded because the note says that the patient has it.
    Documented,
    /// A sign or symptom that no diagnosis of the note explains.
    SignOrSymptom,
    /// Not coded because the note denies it.
    Denied,
    /// Not coded because it has not happened.
    NotOccurred,
    /// Not coded because it is uncertain and the patient is no inpatient.
    UncertainOutpatient,
    /// Coded though uncertain, since the patient is an inpatient.
    UncertainInpatient,
    /// Not coded because it is past and gone.
    NoLongerPresent,
    /// Coded though named as history, since it stays under treatment.
    Chronic,
    /// Coded though named as history, since it is why a test was ordered.
    ReasonForTest,
    /// Not coded because it is a relative's.
    FamilyHistory,
    /// Not coded because its section names no diagnoses.
    NoDiagnosis,
    /// Not coded because the note says too little for a billable code.
    LevelOfDetail,
    /// Not coded because the edition has no code for it.
    NotClassified,
    /// Not coded because another code says more of the same condition.
    MoreSpecific,
    /// Not coded because a diagnosis of the note routinely brings it.
    IntegralSymptom,
    /// Not coded because a test's result explains why it was ordered.
    ExplainedByResult,
    /// One code for two conditions.
    Combination,
    /// What an earlier condition left behind.
    Sequela,
    /// The side of the body.
    Laterality,
    /// Closed with a 7th character.
    SeventhCharacter,
    /// Hypertension with heart disease.
    HypertensionWithHeartDisease,
    /// Hypertension with chronic kidney disease.
    HypertensionWithKidneyDisease,
    /// Hypertension with heart and chronic kidney disease.
    HypertensionWithHeartAndKidneyDisease,
    /// Coronary artery disease with angina.
    CoronaryDiseaseWithAngina,
    /// Diabetes with a complication.
    DiabetesWithComplication,
    /// A malignancy that is gone, or metastasis whose origin is known.
    Neoplasm,
    /// A history of the patient or of the family, coded as such.
    HistoryCode,
    /// How an injury came about.
    ExternalCause,
    /// Not coded because another code of the note excludes it.
    Excludes1,
    /// Not part of another code, which may stand beside it.
    Excludes2,
    /// Stands behind what it comes from.
    CodeFirst,
    /// Stands before a code that says more of it.
    UseAdditionalCode,
    /// May ask for a second code, in either order.
    CodeAlso,
    /// Chosen by a model that was learnt from coded notes of this kind.
    Learnt,
    /// No coding was asked for.
    AssertionOnly,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 35] = [
        Self::Documented,
        Self::SignOrSymptom,
        Self::Denied,
        Self::NotOccurred,
        Self::UncertainOutpatient,
        Self::UncertainInpatient,
        Self::NoLongerPresent,
        Self::Chronic,
        Self::ReasonForTest,
        Self::FamilyHistory,
        Self::NoDiagnosis,
        Self::LevelOfDetail,
        Self::NotClassified,
        Self::MoreSpecific,
        Self::IntegralSymptom,
        Self::ExplainedByResult,
        Self::Combination,
        Self::Sequela,
        Self::Laterality,
        Self::SeventhCharacter,
        Self::HypertensionWithHeartDisease,
        Self::HypertensionWithKidneyDisease,
        Self::HypertensionWithHeartAndKidneyDisease,
        Self::CoronaryDiseaseWithAngina,
        Self::DiabetesWithComplication,
        Self::Neoplasm,
        Self::HistoryCode,
        Self::ExternalCause,
        Self::Excludes1,
        Self::Excludes2,
        Self::CodeFirst,
        Self::UseAdditionalCode,
        Self::CodeAlso,
        Self::Learnt,
        Self::AssertionOnly,
    ];

    /// Its stable name, as JSON has it.
    pub fn id(self) -> &'static str {
        self.said().0
    }

    /// The rule of this name.
    pub fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.id() == id)
    }

    /// The section of the official guidelines that it follows, or what stands in for one.
    pub fn source(self) -> &'static str {
        self.said().1
    }

    /// What it says, in one sentence without a capital and a full stop.
    pub fn sentence(self) -> &'static str {
        self.said().2
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one table of all rules reads better than parts of it"
    )]
    fn said(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Documented => (
                "documented",
                "Section I.A.19",
                "a diagnosis is coded because the provider states that the condition exists",
            ),
            Self::SignOrSymptom => (
                "sign_or_symptom",
                "Section I.B.4",
                "a sign or symptom is coded while no related diagnosis is established",
            ),
            Self::Denied => (
                "denied",
                "Section I.A.19",
                "what the provider states to be absent is not coded",
            ),
            Self::NotOccurred => (
                "not_occurred",
                "Section I.B.11",
                "what threatens but has not occurred is not coded as if it had",
            ),
            Self::UncertainOutpatient => (
                "uncertain_outpatient",
                "Section IV.H",
                "outside the hospital an uncertain diagnosis is not coded; its signs and symptoms are",
            ),
            Self::UncertainInpatient => (
                "uncertain_inpatient",
                "Sections II.H and III.C",
                "what is still uncertain at an inpatient's discharge is coded as if it existed",
            ),
            Self::NoLongerPresent => (
                "no_longer_present",
                "Section IV.J",
                "a condition that was treated and no longer exists is not coded",
            ),
            Self::Chronic => (
                "chronic",
                "Section IV.I",
                "a chronic disease is coded as long as the patient is under care for it",
            ),
            Self::ReasonForTest => (
                "reason_for_test",
                "Section IV.K",
                "the condition for which a test was ordered is coded, whatever the order calls it",
            ),
            Self::FamilyHistory => (
                "family_history",
                "Section I.C.21.c.4",
                "a relative's condition is no diagnosis of the patient",
            ),
            Self::NoDiagnosis => (
                "no_diagnosis",
                "Section I.A.19",
                "what stands where a note states no diagnoses is not coded",
            ),
            Self::LevelOfDetail => (
                "level_of_detail",
                "Section I.B.2",
                "a code is valid only with all the characters that its category asks for",
            ),
            Self::NotClassified => (
                "not_classified",
                "Section I.B.1",
                "the classification's edition has no code that the term leads to",
            ),
            Self::MoreSpecific => (
                "more_specific",
                "Section I.B.18",
                "an unspecified code gives way where the note supports a code that says more",
            ),
            Self::IntegralSymptom => (
                "integral_symptom",
                "Section I.B.5",
                "a sign or symptom that routinely belongs to a diagnosis is not coded beside it",
            ),
            Self::ExplainedByResult => (
                "explained_by_result",
                "Section IV.K",
                "once a test is read, its diagnosis is coded and the related symptoms are not",
            ),
            Self::Combination => (
                "combination",
                "Section I.B.9",
                "one code that says two conditions is coded instead of the two",
            ),
            Self::Sequela => (
                "sequela",
                "Section I.B.10",
                "what a condition left behind is coded first, then the sequela itself",
            ),
            Self::Laterality => (
                "laterality",
                "Section I.B.13",
                "where a code tells sides apart, the documented side is coded",
            ),
            Self::SeventhCharacter => (
                "seventh_character",
                "Section I.A.5",
                "a category that asks for a 7th character gets one by the kind of encounter",
            ),
            Self::HypertensionWithHeartDisease => (
                "hypertension_with_heart_disease",
                "Section I.C.9.a.1",
                "hypertension with heart failure or heart disease is presumed to be its cause",
            ),
            Self::HypertensionWithKidneyDisease => (
                "hypertension_with_kidney_disease",
                "Section I.C.9.a.2",
                "hypertension with chronic kidney disease is presumed to be its cause",
            ),
            Self::HypertensionWithHeartAndKidneyDisease => (
                "hypertension_with_heart_and_kidney_disease",
                "Section I.C.9.a.3",
                "hypertension with both heart and chronic kidney disease has one code for all",
            ),
            Self::CoronaryDiseaseWithAngina => (
                "coronary_disease_with_angina",
                "Section I.C.9.b",
                "angina of a patient with coronary atherosclerosis is presumed to come from it",
            ),
            Self::DiabetesWithComplication => (
                "diabetes_with_complication",
                "Section I.C.4.a",
                "diabetes is coded with the complications that affect the patient",
            ),
            Self::Neoplasm => (
                "neoplasm",
                "Section I.C.2",
                "a malignancy that is removed and no longer treated is coded as history",
            ),
            Self::HistoryCode => (
                "history_code",
                "Sections IV.J and I.C.21.c.4",
                "a history of the patient or family that bears on care is coded as history",
            ),
            Self::ExternalCause => (
                "external_cause",
                "Section I.C.20",
                "how an injury came about is coded only where that is asked for, and never first",
            ),
            Self::Excludes1 => (
                "excludes1",
                "Section I.A.12.a",
                "two codes that exclude each other are not coded together, unless the conditions are unrelated",
            ),
            Self::Excludes2 => (
                "excludes2",
                "Section I.A.12.b",
                "a condition that is not part of another may be coded beside it",
            ),
            Self::CodeFirst => (
                "code_first",
                "Section I.A.13",
                "the underlying condition is coded before its manifestation",
            ),
            Self::UseAdditionalCode => (
                "use_additional_code",
                "Sections I.A.13 and I.B.7",
                "a condition is coded before the code that says more of it",
            ),
            Self::CodeAlso => (
                "code_also",
                "Section I.A.17",
                "two codes may be needed to say a condition whole, in either order",
            ),
            Self::Learnt => (
                "learnt",
                "a model learnt from coded notes",
                "a model learnt from coded notes of this kind decided",
            ),
            Self::AssertionOnly => (
                "assertion_only",
                "the question asked",
                "only the assertion was asked for",
            ),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.sentence(), self.source())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_has_the_name_that_json_has_and_reads_back_from_it() {
        let mut seen = BTreeSet::new();
        for rule in Rule::ALL {
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.id());
            assert_eq!(Rule::of_id(rule.id()), Some(rule));
            assert!(seen.insert(rule.id()));
            assert!(!rule.sentence().ends_with('.') && !rule.source().is_empty());
        }
        assert_eq!(Rule::of_id("because"), None);
    }
}
