//! Sections of a note, and what each means for coding.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::Span;

/// A part of a note under one heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// What the heading announces.
    pub kind: SectionKind,
    /// The heading, without its colon; empty where a note begins without one.
    pub heading: Span,
    /// What stands below it.
    pub body: Span,
}

/// What a heading announces.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum SectionKind {
    /// No heading that is known.
    #[default]
    Unnamed,
    /// Why the patient came.
    ChiefComplaint,
    /// Why a test was ordered.
    Indication,
    /// The story of the present illness, subjective, interval history, hospital course.
    PresentIllness,
    /// Past medical history, problem list.
    PastMedicalHistory,
    /// Past operations.
    PastSurgicalHistory,
    /// Illnesses of relatives.
    FamilyHistory,
    /// Habits and circumstances.
    SocialHistory,
    /// Past pregnancies and gynaecology.
    ObstetricHistory,
    /// Review of systems.
    ReviewOfSystems,
    /// Medicines.
    Medications,
    /// Allergies.
    Allergies,
    /// Physical or mental status examination, vital signs.
    Examination,
    /// Laboratory, imaging and other results.
    Results,
    /// How a test or operation was done.
    Technique,
    /// Assessment, impression, diagnoses.
    Assessment,
    /// What will be done.
    Plan,
    /// What the patient was told, return precautions, education.
    Instructions,
}

/// What the engine does with a mention because of its section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionMeaning {
    /// A mention is the patient's and of now, unless its sentence says otherwise.
    Current,
    /// A mention is of the past; chronic conditions are still there.
    History,
    /// A mention is a relative's.
    Family,
    /// A mention is of what might happen.
    Advice,
    /// A mention is no diagnosis (an allergen's effect, an operation of the past).
    NotDiagnoses,
}

impl SectionKind {
    /// What a mention in such a section means for coding.
    pub fn meaning(self) -> SectionMeaning {
        match self {
            Self::FamilyHistory => SectionMeaning::Family,
            Self::PastMedicalHistory | Self::ObstetricHistory => SectionMeaning::History,
            Self::Instructions => SectionMeaning::Advice,
            Self::Allergies | Self::PastSurgicalHistory | Self::Technique => {
                SectionMeaning::NotDiagnoses
            }
            _ => SectionMeaning::Current,
        }
    }

    /// Whether the section tells what the patient brings along rather than what happens now.
    ///
    /// Habits and allergies hold still today, but they began before this episode.
    pub fn is_background(self) -> bool {
        matches!(self, Self::SocialHistory | Self::Allergies)
    }

    /// How far a mention there stands for a diagnosis of this encounter, 0 to 1.
    ///
    /// Our own order: what a clinician concludes counts most, what a system review ticks least.
    pub fn weight(self) -> f64 {
        match self {
            Self::Assessment => 0.95,
            Self::Plan | Self::ChiefComplaint | Self::Indication => 0.85,
            Self::PresentIllness | Self::PastMedicalHistory | Self::Unnamed => 0.8,
            Self::Results | Self::SocialHistory | Self::ObstetricHistory => 0.7,
            _ => 0.6,
        }
    }

    /// The section's usual name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unnamed => "No Heading",
            Self::ChiefComplaint => "Chief Complaint",
            Self::Indication => "Indication",
            Self::PresentIllness => "History of Present Illness",
            Self::PastMedicalHistory => "Past Medical History",
            Self::PastSurgicalHistory => "Past Surgical History",
            Self::FamilyHistory => "Family History",
            Self::SocialHistory => "Social History",
            Self::ObstetricHistory => "Obstetric History",
            Self::ReviewOfSystems => "Review of Systems",
            Self::Medications => "Medications",
            Self::Allergies => "Allergies",
            Self::Examination => "Physical Examination",
            Self::Results => "Results",
            Self::Technique => "Technique",
            Self::Assessment => "Assessment",
            Self::Plan => "Plan",
            Self::Instructions => "Instructions",
        }
    }
}

impl SectionKind {
    /// Every kind.
    pub const ALL: [Self; 18] = [
        Self::Unnamed,
        Self::ChiefComplaint,
        Self::Indication,
        Self::PresentIllness,
        Self::PastMedicalHistory,
        Self::PastSurgicalHistory,
        Self::FamilyHistory,
        Self::SocialHistory,
        Self::ObstetricHistory,
        Self::ReviewOfSystems,
        Self::Medications,
        Self::Allergies,
        Self::Examination,
        Self::Results,
        Self::Technique,
        Self::Assessment,
        Self::Plan,
        Self::Instructions,
    ];

    /// The kind that a heading announces, in any case and spacing.
    ///
    /// ```
    /// use lightsout_nlp::SectionKind;
    /// assert_eq!(SectionKind::of_heading("Past Medical  History"), Some(SectionKind::PastMedicalHistory));
    /// assert_eq!(SectionKind::of_heading("Hypertension"), None);
    /// ```
    pub fn of_heading(heading: &str) -> Option<Self> {
        static NAMES: OnceLock<Names> = OnceLock::new();
        let names = NAMES.get_or_init(Names::embedded);
        if heading.len() > LONGEST_HEADING || !names.may_be(heading.as_bytes()) {
            return None;
        }
        // Folded in place: names are looked up at every line and colon of a note. All names are
        // of ASCII letters, so white space beyond ASCII is all that may stand between them.
        let mut plain = [0; LONGEST_HEADING];
        let mut end = 0;
        let mut gap = false;
        for letter in heading.chars() {
            if letter == '_' || letter.is_whitespace() {
                gap = end > 0;
                continue;
            }
            if gap {
                plain[end] = b' ';
                end += 1;
                gap = false;
            }
            plain[end] = u8::try_from(letter).ok()?.to_ascii_lowercase();
            end += 1;
        }
        names.kinds.get(&plain[..end]).copied()
    }
}

/// The names of headings.
struct Names {
    kinds: FxHashMap<&'static [u8], SectionKind>,
    /// Names are looked up at every line and colon of a note, and a few letters tell nearly all
    /// of what is none. By the first letter: the last letters, as bits.
    ends: [u32; 128],
    /// By the first letter: the second letters.
    seconds: [u32; 128],
    /// By the last letter: those before it.
    before_last: [u32; 128],
}

impl Names {
    fn embedded() -> Self {
        let names = HEADINGS
            .iter()
            .flat_map(|(kind, names)| names.split("; ").map(move |name| (name, *kind)));
        let mut all = Self {
            kinds: names
                .clone()
                .map(|(name, kind)| (name.as_bytes(), kind))
                .collect(),
            ends: [0; 128],
            seconds: [0; 128],
            before_last: [0; 128],
        };
        for (name, _) in names {
            if let ([first, ..], [.., last]) = (name.as_bytes(), name.as_bytes()) {
                all.ends[usize::from(*first)] |= bit(*last);
            }
            if let ([first, second, ..], [.., before, last]) = (name.as_bytes(), name.as_bytes()) {
                all.seconds[usize::from(*first)] |= bit(*second);
                all.before_last[usize::from(*last)] |= bit(*before);
            }
        }
        all
    }

    /// Whether a heading may have a name, by its first and last letters.
    fn may_be(&self, heading: &[u8]) -> bool {
        let (Some(first), Some(last)) = (heading.first(), heading.last()) else {
            return false;
        };
        // What is no letter may be white space, which belongs to no name.
        if is_mark(*first) || is_mark(*last) {
            return true;
        }
        let [first, last] = [first, last].map(|end| usize::from(end.to_ascii_lowercase()));
        let may_hold = |bits: u32, letter: u8| is_mark(letter) || bits & bit(letter) != 0;
        self.ends[first] & bit(heading[heading.len() - 1]) != 0
            && (heading.len() < 2
                || may_hold(self.seconds[first], heading[1])
                    && may_hold(self.before_last[last], heading[heading.len() - 2]))
    }
}

fn is_mark(byte: u8) -> bool {
    !byte.is_ascii_alphanumeric()
}

/// A bit for a letter, the same for its capital.
fn bit(letter: u8) -> u32 {
    1 << (letter & 31)
}

/// Cuts a note into its sections; together they cover it in order.
///
/// A heading is a known name alone on a line, or at a line's start before a colon, or in
/// capitals before a colon anywhere in a line. Only known names count: an unknown line in
/// capitals is more often a problem of a list than a heading.
pub fn sections(text: &str) -> Vec<Section> {
    let mut found = Vec::with_capacity(SECTIONS);
    found.push(Section {
        kind: SectionKind::Unnamed,
        heading: Span::new(0, 0),
        body: Span::new(0, 0),
    });
    let mut begin = 0;
    for line in text.split_inclusive('\n') {
        let mut rest = begin;
        let end = begin + line.len();
        while let Some((kind, heading, body)) = heading_in(text, rest, end, rest == begin) {
            // Marks around a heading that opens a line belong to no section.
            let opens_line = text[begin..heading.start]
                .bytes()
                .all(|byte| !byte.is_ascii_alphanumeric());
            close(&mut found, if opens_line { begin } else { heading.start });
            found.push(Section {
                kind,
                heading,
                body: Span::new(body, body),
            });
            rest = body;
        }
        begin = end;
    }
    close(&mut found, text.len());
    found.retain(|section| !section.body.is_empty() || !section.heading.is_empty());
    found
}

/// Most notes have no more sections.
const SECTIONS: usize = 16;

fn close(found: &mut [Section], end: usize) {
    if let Some(last) = found.last_mut() {
        last.body.end = end.max(last.body.start);
    }
}

/// No heading is longer, in bytes.
const LONGEST_HEADING: usize = 48;

/// The first heading in `text[from..to]`, a line or its rest, and where its body begins.
fn heading_in(
    text: &str,
    from: usize,
    to: usize,
    is_line_start: bool,
) -> Option<(SectionKind, Span, usize)> {
    let part = &text[from..to];
    if is_line_start && part.len() <= LONGEST_HEADING + 16 {
        let name = undecorated(part.trim_end().trim_end_matches([':', '*', '_']));
        if let Some(kind) = SectionKind::of_heading(name) {
            let start = from + offset(part, name);
            return Some((kind, Span::new(start, start + name.len()), to));
        }
    }
    let mut is_first = is_line_start;
    for (colon, _) in part.match_indices(':') {
        let before = &part[..colon];
        if is_first && before.len() <= LONGEST_HEADING + 16 {
            let name = undecorated(before);
            if let Some(kind) = SectionKind::of_heading(name) {
                let start = from + offset(part, name);
                return Some((kind, Span::new(start, start + name.len()), from + colon + 1));
            }
        }
        is_first = false;
        if let Some(name) = capitals_before(before)
            && let Some(kind) = SectionKind::of_heading(name)
        {
            let start = from + offset(part, name);
            return Some((kind, Span::new(start, start + name.len()), from + colon + 1));
        }
    }
    None
}

/// A heading without the marks that notes put around it (`## HPI`, `**HPI**`, `- HPI`).
fn undecorated(line: &str) -> &str {
    line.trim_matches(|letter: char| {
        letter.is_whitespace() || matches!(letter, '#' | '*' | '=' | '_' | '-' | '[' | ']' | '•')
    })
}

/// The longest known heading in capitals that ends here, within a line.
fn capitals_before(before: &str) -> Option<&str> {
    let bytes = before.as_bytes();
    let is_capital =
        |byte: &&u8| byte.is_ascii_uppercase() || matches!(byte, b' ' | b'_' | b'/' | b'&' | b',');
    let length = bytes
        .iter()
        .rev()
        .take(LONGEST_HEADING)
        .take_while(is_capital)
        .count();
    let run = &before[bytes.len() - length..];
    let mut name = run.trim_start();
    loop {
        if name.len() >= 3 && SectionKind::of_heading(name).is_some() {
            let start = offset(before, name);
            let opens = before[..start]
                .trim_end_matches([' ', '_'])
                .ends_with(['.', ';', ':', ')', '\t'])
                || before[..start].ends_with("  ");
            return opens.then_some(name);
        }
        name = name.split_once(' ')?.1.trim_start();
    }
}

/// Where `part`, a slice of `whole`, begins in it.
fn offset(whole: &str, part: &str) -> usize {
    part.as_ptr().addr() - whole.as_ptr().addr()
}

/// Names of headings as clinics write them, in small letters.
const HEADINGS: &[(SectionKind, &str)] = &[
    (
        SectionKind::ChiefComplaint,
        "cc; chief complaint; chief complaints; presenting complaint; reason for visit; reason for call; reason for consultation; reason for consult; reason for admission; reason for hospital admission; chief concern; presenting problem",
    ),
    (
        SectionKind::Indication,
        "indication; indications; clinical history; clinical indication; clinical information; reason for exam; reason for examination; reason for study; reason for test; indication for procedure; indications for procedure; indication for surgery; history and indication",
    ),
    (
        SectionKind::PresentIllness,
        "hpi; history of present illness; history of the present illness; present illness; subjective; s; interval history; interim history; history; hospital course; brief hospital course; ed course; emergency department course; course in ed; clinical course; summary; narrative; situation; background; patient concerns; nursing note; call details",
    ),
    (
        SectionKind::PastMedicalHistory,
        "pmh; pmhx; past medical history; past history; medical history; medical; past medical hx; medical problems; problem list; active problems; active problem list; chronic problems; chronic conditions; comorbidities; past medical/surgical history; past medical and surgical history; past psychiatric history; psychiatric history; birth history; significant past medical history; ongoing problems",
    ),
    (
        SectionKind::PastSurgicalHistory,
        "psh; pshx; past surgical history; surgical history; surgical; past surgeries; prior surgeries; past procedures; operations",
    ),
    (
        SectionKind::FamilyHistory,
        "fh; fhx; fam hx; family history; family medical history; family hx; family; family psychiatric history",
    ),
    (
        SectionKind::SocialHistory,
        "sh; shx; soc hx; social history; social hx; social; habits; substance use; substance use history; tobacco/alcohol/drugs",
    ),
    (
        SectionKind::ObstetricHistory,
        "ob history; obstetric history; obstetrical history; gynecologic history; gyn history; ob/gyn history; pregnancy history",
    ),
    (
        SectionKind::ReviewOfSystems,
        "ros; review of systems; review of system; systems review; 10-point review of systems; review of symptoms",
    ),
    (
        SectionKind::Medications,
        "meds; medications; current medications; home medications; medication list; discharge medications; admission medications; medications on admission; medications at discharge; current meds; outpatient medications",
    ),
    (
        SectionKind::Allergies,
        "allergies; allergy; drug allergies; medication allergies; allergies and reactions; adverse reactions; allergies/intolerances",
    ),
    (
        SectionKind::Examination,
        "pe; exam; physical exam; physical examination; examination; objective; o; vitals; vital signs; vitals reviewed; mental status exam; mental status examination; mse; general appearance; physical findings; pain assessment; growth parameters; exam on discharge; discharge exam; physical exam on admission",
    ),
    (
        SectionKind::Results,
        "results; lab results; labs; laboratory data; laboratory; laboratory results; laboratory studies; data; pertinent results; imaging; imaging results; diagnostics; diagnostic studies; studies; radiology; ekg; ecg; echocardiogram; findings; x-ray; comparison; pathology; test results; data review; diagnostic data; operative findings; laboratory findings",
    ),
    (
        SectionKind::Technique,
        "technique; procedure in detail; procedure details; description of procedure; details of procedure; operative technique; procedure description; procedure; procedures; procedure performed; procedures performed; operation; operation performed; anesthesia; specimens; estimated blood loss; consent",
    ),
    (
        SectionKind::Assessment,
        "assessment; a; impression; impressions; assessment and plan; assessment & plan; assessment/plan; a/p; a&p; ap; diagnosis; diagnoses; final diagnosis; final diagnoses; discharge diagnosis; discharge diagnoses; admission diagnosis; admitting diagnosis; principal diagnosis; primary diagnosis; secondary diagnoses; secondary diagnosis; clinical impression; ed diagnosis; ed diagnoses; postoperative diagnosis; post-operative diagnosis; preoperative diagnosis; pre-operative diagnosis; conclusion; conclusions; problems; medical decision making; mdm; impression and plan; impression and recommendations; impression/plan; diagnostic impression; visit diagnoses; encounter diagnoses; nursing assessment; assessment and recommendations",
    ),
    (
        SectionKind::Plan,
        "plan; p; recommendations; recommendation; plan of care; treatment plan; treatment; disposition; follow-up; follow up; followup; orders; plan and recommendations; discharge condition; condition at discharge; complications",
    ),
    (
        SectionKind::Instructions,
        "instructions; discharge instructions; patient instructions; patient education; education; return precautions; follow-up instructions; anticipatory guidance; counseling; advice; advice given; instructions given; safety plan; precautions; when to call; patient education and counseling; warning signs",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(SectionKind, &str)> {
        sections(text)
            .into_iter()
            .map(|section| (section.kind, section.body.of(text).trim()))
            .collect()
    }

    #[test]
    fn headings_stand_alone_or_before_a_colon() {
        let note = "Seen today.\nCHIEF COMPLAINT\nCough.\n\nPMH: HTN, COPD\n**Family History:**\nMother: stroke\nAssessment & Plan:\n1. Asthma";
        assert_eq!(
            kinds(note),
            [
                (SectionKind::Unnamed, "Seen today."),
                (SectionKind::ChiefComplaint, "Cough."),
                (SectionKind::PastMedicalHistory, "HTN, COPD"),
                (SectionKind::FamilyHistory, "Mother: stroke"),
                (SectionKind::Assessment, "1. Asthma"),
            ]
        );
    }

    #[test]
    fn headings_in_capitals_are_found_within_a_line() {
        let note = "PAST MEDICAL HISTORY: HTN.  FAMILY HISTORY: Stroke. SOCIAL HISTORY: Smoker.";
        let found: Vec<_> = kinds(note).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(
            found,
            [
                SectionKind::PastMedicalHistory,
                SectionKind::FamilyHistory,
                SectionKind::SocialHistory
            ]
        );
        assert_eq!(
            kinds("He has no known ALLERGIES: none").len(),
            1,
            "a word of a sentence is no heading"
        );
    }

    #[test]
    fn a_problem_in_capitals_is_no_heading() {
        assert_eq!(
            kinds("CONGESTIVE HEART FAILURE\nstable"),
            [(SectionKind::Unnamed, "CONGESTIVE HEART FAILURE\nstable")]
        );
    }

    #[test]
    fn every_name_is_reachable_and_means_one_kind() {
        let mut seen = std::collections::BTreeMap::new();
        for (kind, names) in HEADINGS {
            for name in names.split("; ") {
                assert_eq!(SectionKind::of_heading(name), Some(*kind), "{name}");
                assert!(seen.insert(name, kind).is_none(), "`{name}` stands twice");
            }
        }
    }
}
