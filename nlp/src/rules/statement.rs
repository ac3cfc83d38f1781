//! What the note states of a mention decides first whether it can count at all.

use std::borrow::Cow;

use crate::assertion::{Assertion, Context};
use crate::coding::Reason;
use crate::note::{Note, NoteKind};
use crate::rules::Rule;
use crate::section::{SectionKind, SectionMeaning};
use crate::setting::Setting;

/// The rule by which a mention counts, or the reason why it does not with the rule behind it.
///
/// What is negated, hypothetical or another person's is never coded; what is uncertain only
/// in an inpatient's conclusion. What is of the past is coded when it is a chronic condition
/// (listed in a past medical history, it is still there), or when it is why a test was ordered.
pub(crate) fn decide(
    note: Note,
    section: SectionKind,
    is_chronic: bool,
    context: Context<'_>,
) -> Result<Rule, (Reason<'_>, Rule)> {
    let named = || Reason::Section {
        section: section.name().into(),
    };
    let unfit = match section.meaning() {
        SectionMeaning::Family => Rule::FamilyHistory,
        SectionMeaning::Advice => Rule::NotOccurred,
        _ => Rule::NoDiagnosis,
    };
    let is_fit = matches!(
        section.meaning(),
        SectionMeaning::Current | SectionMeaning::History
    );
    let Some(cue) = context.cue else {
        return match section.meaning() {
            SectionMeaning::Current => Ok(Rule::Documented),
            SectionMeaning::History if is_chronic => Ok(Rule::Chronic),
            SectionMeaning::History => Err((
                Reason::Historical {
                    cue: section.name().into(),
                },
                Rule::NoLongerPresent,
            )),
            _ => Err((named(), unfit)),
        };
    };
    if !is_fit && context.assertion != Assertion::Negated {
        return Err((named(), unfit));
    }
    let cue = || Cow::Borrowed(cue);
    match context.assertion {
        Assertion::Present => Ok(Rule::Documented),
        Assertion::Negated => Err((Reason::Negated { cue: cue() }, Rule::Denied)),
        Assertion::Possible if is_concluded(note, section) || is_told(note, section) => {
            Ok(Rule::UncertainInpatient)
        }
        Assertion::Historical if is_told(note, section) => Ok(Rule::Documented),
        Assertion::Possible => Err((Reason::Possible { cue: cue() }, Rule::UncertainOutpatient)),
        Assertion::Hypothetical => Err((Reason::Hypothetical { cue: cue() }, Rule::NotOccurred)),
        Assertion::Family => Err((Reason::Family { cue: cue() }, Rule::FamilyHistory)),
        Assertion::Historical if is_chronic => Ok(Rule::Chronic),
        Assertion::Historical if section == SectionKind::Indication => Ok(Rule::ReasonForTest),
        Assertion::Historical => Err((Reason::Historical { cue: cue() }, Rule::NoLongerPresent)),
    }
}

/// Whether a story of an illness is told there.
///
/// It is told when it is over: what was past or uncertain at a point of the story is part of
/// it, and what was uncertain counts as at discharge (Sections II.H and III.C).
fn is_told(note: Note, section: SectionKind) -> bool {
    note.kind == NoteKind::Narrative && section == SectionKind::Unnamed
}

/// Whether an uncertain diagnosis there is what an inpatient was discharged with.
fn is_concluded(note: Note, section: SectionKind) -> bool {
    note.setting == Setting::Inpatient
        && matches!(
            section,
            SectionKind::Assessment | SectionKind::Plan | SectionKind::Unnamed
        )
}

#[cfg(test)]
mod tests {
    use crate::rules::{codes_of, rule_of};
    use crate::{Rule, Setting};

    #[test]
    fn every_decision_carries_its_rule() {
        let rule = |note: &str| rule_of(note, Setting::Outpatient);
        assert_eq!(rule("HPI: Migraine."), Rule::Documented);
        assert_eq!(rule("HPI: Cough."), Rule::SignOrSymptom);
        assert_eq!(rule("HPI: Denies cough."), Rule::Denied);
        assert_eq!(rule("HPI: Possible migraine."), Rule::UncertainOutpatient);
        assert_eq!(rule("FAMILY HISTORY: Migraine."), Rule::FamilyHistory);
        assert_eq!(rule("PMH: COPD."), Rule::Chronic);
        assert_eq!(
            rule("HPI: History of cholecystitis."),
            Rule::NoLongerPresent
        );
        assert_eq!(rule("INSTRUCTIONS: Return for cough."), Rule::NotOccurred);
    }

    #[test]
    fn what_is_uncertain_counts_at_an_inpatients_discharge_alone() {
        let assessed = "ASSESSMENT: Probable pneumonia.";
        assert_eq!(
            rule_of(assessed, Setting::Inpatient),
            Rule::UncertainInpatient
        );
        assert_eq!(
            rule_of(assessed, Setting::Outpatient),
            Rule::UncertainOutpatient
        );
        assert_eq!(
            rule_of("HPI: Probable pneumonia.", Setting::Inpatient),
            Rule::UncertainOutpatient,
            "on the way there nothing is concluded"
        );
        assert_eq!(
            codes_of("DISCHARGE SUMMARY\n\nDISCHARGE DIAGNOSIS: Probable pneumonia."),
            ["J18.9"]
        );
    }
}
