//! Where the official guidelines say what a decision follows.

use std::fmt;

use crate::coding::{Mention, Reason};
use crate::section::SectionMeaning;

/// A section of the ICD-10-CM Official Guidelines for Coding and Reporting, FY2026.
///
/// ```
/// use lightsout_nlp::Reason;
/// let reason = Reason::Possible { cue: "suspected".to_owned() };
/// let guideline = reason.guideline().unwrap();
/// assert_eq!(guideline.section, "IV.H");
/// assert_eq!(guideline.to_string(), "do not code a diagnosis that is uncertain; code what is known (guidelines IV.H)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guideline {
    /// The section's number, such as `IV.H`.
    pub section: &'static str,
    /// What it asks of a coder here, in our words.
    pub rule: &'static str,
}

impl fmt::Display for Guideline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (guidelines {})", self.rule, self.section)
    }
}

const STATED: &str = "I.A.19";

impl Reason {
    /// The section of the guidelines that a decision not to code follows, if it follows one.
    pub fn guideline(&self) -> Option<Guideline> {
        let (section, rule) = match self {
            Self::Negated { .. } => (STATED, "code only what the note says the patient has"),
            Self::Possible { .. } => (
                "IV.H",
                "do not code a diagnosis that is uncertain; code what is known",
            ),
            Self::Hypothetical { .. } => (STATED, "what might come is not a diagnosis"),
            Self::Historical { .. } => (
                "IV.J",
                "do not code a condition that was treated and no longer exists",
            ),
            Self::Family { .. } => (
                "I.C.21.c.4",
                "a relative's condition is family history, not the patient's diagnosis",
            ),
            Self::Section { .. } => (STATED, "what stands in this section is no diagnosis"),
            Self::NotSpecific { .. } => ("I.B.2", "code to the highest number of characters"),
            Self::Superseded { .. } => ("I.B.2", "code to the highest specificity documented"),
            Self::NoCode | Self::AssertionOnly => return None,
        };
        Some(Guideline { section, rule })
    }
}

impl Mention {
    /// The section of the guidelines by which a mention that is coded counts.
    pub fn guideline(&self) -> Guideline {
        let (section, rule) = match self.section.meaning() {
            SectionMeaning::History => ("IV.I", "code a chronic condition as long as it lasts"),
            _ => (STATED, "code what the note says the patient has"),
        };
        Guideline { section, rule }
    }
}
