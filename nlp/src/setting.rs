//! Where the patient was: it decides what an uncertain diagnosis counts for.

use serde::{Deserialize, Serialize};

use crate::note::NoteKind;
use crate::section::Section;

/// In which setting a note was written.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// An office, clinic, emergency department, a test: uncertain diagnoses are not coded (Section IV.H).
    #[default]
    Outpatient,
    /// A hospital stay that has ended: uncertain diagnoses are coded (Sections II.H, III.C).
    Inpatient,
}

impl Setting {
    /// The setting of a note, by its headings and the line that names it.
    ///
    /// Only a note that looks back on a hospital stay is an inpatient's: the rule for
    /// uncertain diagnoses holds at discharge, not on the way there.
    ///
    /// ```
    /// use lightsout_nlp::{NoteKind, Setting, sections};
    /// let setting = |text| {
    ///     let sections = sections(text);
    ///     Setting::of(text, &sections, NoteKind::of(&sections))
    /// };
    /// assert_eq!(setting("HOSPITAL COURSE: Fever.\nASSESSMENT: Probable sepsis."), Setting::Inpatient);
    /// assert_eq!(setting("Discharge Summary\n\nHPI: Fever."), Setting::Inpatient);
    /// assert_eq!(setting("HPI: Fever.\nASSESSMENT: Probable sepsis."), Setting::Outpatient);
    /// ```
    pub fn of(text: &str, sections: &[Section], kind: NoteKind) -> Self {
        if kind != NoteKind::Chart {
            return Self::Outpatient;
        }
        let looks_back = |section: &Section| {
            let heading = section.heading.of(text).to_ascii_lowercase();
            heading.contains("hospital course")
                || heading.contains("discharge diagnos")
                || heading.contains("discharge condition")
        };
        let title = text.lines().find(|line| !line.trim().is_empty());
        let named = title.is_some_and(|title| {
            TITLES
                .iter()
                .any(|name| title.trim().eq_ignore_ascii_case(name))
        });
        if named || sections.iter().any(looks_back) {
            Self::Inpatient
        } else {
            Self::Outpatient
        }
    }
}

/// What the first line of an inpatient's final note says.
const TITLES: &[&str] = &[
    "discharge summary",
    "hospital discharge summary",
    "discharge note",
    "discharge report",
    "death summary",
    "transfer summary",
];
