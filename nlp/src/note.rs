//! What a whole note is, as far as coding depends on it.

use serde::{Deserialize, Serialize};

use crate::section::{Section, SectionKind};
use crate::setting::Setting;

/// What the later stages know of the whole note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// What sort of document it is.
    pub kind: NoteKind,
    /// Where the patient was.
    pub setting: Setting,
}

/// What sort of document a note is, seen by its headings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// Why a test was ordered and what it showed, and no story of an illness.
    RadiologyReport,
    /// Prose that opens without a heading: a case report, a letter.
    Narrative,
    /// Anything else with headings: a visit, a consultation, a discharge summary.
    Chart,
}

impl NoteKind {
    /// The kind of a note that has these sections.
    ///
    /// ```
    /// use lightsout_nlp::{NoteKind, sections};
    /// let kind = |text| NoteKind::of(&sections(text));
    /// assert_eq!(kind("CLINICAL HISTORY: Cough.\nIMPRESSION: Normal chest."), NoteKind::RadiologyReport);
    /// assert_eq!(kind("A man of 50 came with a cough."), NoteKind::Narrative);
    /// assert_eq!(kind("HPI: Cough.\nASSESSMENT: Bronchitis."), NoteKind::Chart);
    /// ```
    pub fn of(sections: &[Section]) -> Self {
        let has = |kind| sections.iter().any(|section| section.kind == kind);
        let tells = sections.iter().any(|section| {
            !matches!(
                section.kind,
                SectionKind::Unnamed
                    | SectionKind::Indication
                    | SectionKind::Technique
                    | SectionKind::Results
                    | SectionKind::Assessment
            )
        });
        if has(SectionKind::Indication) && !tells {
            Self::RadiologyReport
        } else if opens_with_a_story(sections) {
            Self::Narrative
        } else {
            Self::Chart
        }
    }
}

/// How much text before the first heading makes a story, in bytes: some three sentences.
const STORY: usize = 300;

/// Whether the note has no heading, or tells a story before its first.
///
/// What follows cannot change the answer, so that no sentence added to a note changes what
/// the others count for.
fn opens_with_a_story(sections: &[Section]) -> bool {
    let told: usize = sections
        .iter()
        .take_while(|section| section.kind == SectionKind::Unnamed)
        .map(|section| section.body.len())
        .sum();
    told >= STORY
        || sections
            .iter()
            .all(|section| section.kind == SectionKind::Unnamed)
}
