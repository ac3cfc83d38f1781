//! Names of people: by what stands beside them, by lists of frequent ones, and then wherever
//! else they stand in the same text.

use std::{collections::BTreeSet, sync::LazyLock};

use regex_lite::Regex;

use crate::{Class, Found};

/// Frequent given names and surnames of the United States: the first of the lists that the
/// Social Security Administration and the Census Bureau publish, which are in the public domain.
/// Those that are words of medicine or everyday English too are left out.
const FREQUENT: &str = "\
James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard \
Susan Joseph Jessica Thomas Sarah Christopher Karen Charles Lisa Daniel Nancy Matthew Betty \
Anthony Margaret Sandra Donald Ashley Steven Kimberly Paul Emily Andrew Donna Joshua Michelle \
Kenneth Carol Kevin Amanda Brian Dorothy George Melissa Timothy Deborah Ronald Stephanie Edward \
Rebecca Jason Sharon Jeffrey Laura Ryan Cynthia Jacob Kathleen Gary Amy Nicholas Angela Eric \
Shirley Jonathan Anna Stephen Brenda Larry Pamela Justin Emma Scott Nicole Brandon Helen Benjamin \
Samantha Samuel Katherine Gregory Christine Alexander Debra Frank Rachel Patrick Carolyn Raymond \
Janet Jack Maria Dennis Catherine Jerry Heather Tyler Diane Aaron Olivia Jose Julie Adam Joyce \
Nathan Victoria Henry Ruth Zachary Virginia Douglas Lauren Peter Kelly Kyle Christina Noah Joan \
Ethan Evelyn Jeremy Judith Walter Andrea Christian Hannah Keith Megan Roger Cheryl Terry \
Jacqueline Austin Martha Sean Madison Gerald Teresa Carl Gloria Dylan Sara Harold Janice Jordan \
Ann Jesse Kathryn Bryan Abigail Lawrence Sophia Arthur Frances Gabriel Jean Bruce Alice Logan \
Judy Billy Isabella Joe Julia Alan Grace Juan Amber Elijah Denise Willie Danielle Albert Marilyn \
Wayne Beverly Randy Charlotte Mason Natalie Vincent Theresa Liam Diana Roy Brittany Bobby Doris \
Caleb Kayla Bradley Alexis Russell Lori Lucas Marie Jane \
Smith Johnson Williams Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez \
Wilson Anderson Taylor Moore Jackson Martin Lee Perez Thompson Harris Sanchez Ramirez Lewis \
Robinson Walker Allen Wright Torres Nguyen Flores Adams Nelson Baker Rivera Campbell Mitchell \
Carter Roberts Gomez Phillips Evans Turner Diaz Parker Cruz Edwards Collins Reyes Stewart Morris \
Morales Murphy Cook Rogers Gutierrez Ortiz Morgan Cooper Peterson Bailey Reed Ramos Kim Cox \
Richardson Watson Brooks Chavez Wood Bennett Mendoza Ruiz Hughes Alvarez Castillo Sanders Patel \
Myers Ross Foster Jimenez Doe Roe";

static NAMES: LazyLock<BTreeSet<String>> =
    LazyLock::new(|| FREQUENT.split_whitespace().map(str::to_uppercase).collect());

static GIVEN: LazyLock<List> = LazyLock::new(|| List::read(include_str!("lists/given_names.txt")));

static SURNAMES: LazyLock<List> = LazyLock::new(|| List::read(include_str!("lists/surnames.txt")));

/// Names that a census counted, in capitals.
struct List {
    /// Those that are nothing else.
    sure: BTreeSet<String>,
    /// Those that are words too: only beside another name are they one.
    possible: BTreeSet<String>,
}

impl List {
    /// Reads a list below its line of explanation; what is a word too is in lower case there.
    fn read(text: &str) -> Self {
        let names = text.lines().skip(1).flat_map(str::split_whitespace);
        let (possible, sure): (Vec<&str>, Vec<&str>) =
            names.partition(|name| name.starts_with(|c: char| c.is_ascii_lowercase()));
        let capitals = |names: Vec<&str>| names.into_iter().map(str::to_uppercase).collect();
        Self {
            sure: capitals(sure),
            possible: capitals(possible),
        }
    }

    fn has(&self, upper: &str) -> bool {
        self.sure.contains(upper) || self.possible.contains(upper)
    }
}

/// Whether a word in capitals is in a list of names, be it a word too or not.
fn is_listed(upper: &str) -> bool {
    NAMES.contains(upper) || GIVEN.has(upper) || SURNAMES.has(upper)
}

/// A letter of a language that is written in Latin letters, by blocks of Unicode, and a capital.
macro_rules! letters {
    (any) => {
        r"A-Za-z\u{C0}-\u{24F}\u{1E00}-\u{1EFF}"
    };
    (capital) => {
        r"A-Z\u{C0}-\u{DE}\u{100}-\u{17F}\u{1EA0}-\u{1EFF}"
    };
}

/// A word that may be a name.
const NAME: &str = concat!(
    "[",
    letters!(capital),
    "][",
    letters!(any),
    r"'\u{2019}-]*[",
    letters!(any),
    "]"
);

/// What stands before a name, or after it; the name is the group `id`.
static BESIDE: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let names = format!(r"(?P<id>{NAME}(?:[ \t]*[ \t\n][ \t]*(?:[A-Z]\.[ \t]*)?{NAME}){{0,2}})");
    let reversed = format!(r"(?P<id>{NAME},[ \t]*\n?[ \t]*{NAME}(?:[ \t]+[A-Z]\.?)?)");
    let label = r"(?i:patient(?:'s)?(?:\s+name)?|pt\.?(?:\s+name)?|name|physician|provider|attending|surgeon|nurse|dictated\s+by|signed(?:\s+by)?|referring|referred\s+by|cc|contact|next\s+of\s+kin|re|regarding|guardian|emergency\s+contact|spouse|author|seen\s+by|consult(?:ed)?\s+(?:by|with))";
    let kin = r"(?i:daughter|son|wife|husband|mother|father|brother|sister|partner|friend|neighbou?r|caregiver|uncle|aunt|niece|nephew)";
    [
        format!(r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Rev|Sr|Sra)\.?[ \t]*\n?[ \t]*{names}"),
        format!(r"\b{label}[ \t]*:[ \t]*\n?[ \t]*{reversed}"),
        format!(r"\b{label}[ \t]*:[ \t]*\n?[ \t]*{names}"),
        format!(r"\b(?i:seen|signed|dictated|referred|reviewed|accompanied|examined|evaluated|cared\s+for)\s+by\s+(?:(?:her|his|their|the)\s+)?{names}"),
        format!(r"\b{kin},?[ \t]*\n?[ \t]*{names}"),
        format!(r"\b{kin}\s+of\s+{names}"),
        format!(r"\b(?i:referring|thank\s+you\s+for\s+(?:sending|seeing))\s+{names}"),
        format!(r"{names}\s+(?:was\s+(?:seen|admitted|examined|evaluated|discharged)|presented|presents|returned|returns)\b"),
        format!(r"\b(?i:named|called|known\s+as|care\s+of|met|meet|meeting|saw|interviewed|counsell?ed)\s+{names}"),
        format!(r"\b(?i:spoke|spoken|talked|discussed|reviewed|consulted|obtained|received|heard)\s+(?:with|to|from)\s+{names}"),
        format!(r"{names},?\s+(?:is|was)\s+an?\s+[0-9]{{1,3}}[- ](?:year|month|week|day)"),
        format!(r"(?P<id>{NAME}[ \t]+{NAME})\s+(?:denies|denied|reports|reported|states|stated|complains|complained|agrees|agreed|tolerated|presents|underwent|consented)\b"),
        format!(r"{names},?[ \t]*\n?[ \t]*(?:MD|M\.D\.|DO|D\.O\.|RN|R\.N\.|NP|PA-C|PhD|DPM|DDS|LPN|Jr\.?|Sr\.?|III)\b"),
    ]
    .iter()
    .map(|pattern| Regex::new(pattern).expect("the patterns are tested"))
    .collect()
});

static WORD: LazyLock<Regex> = LazyLock::new(|| {
    let any = letters!(any);
    Regex::new(&format!("[{any}][{any}'\u{2019}-]*[{any}]")).expect("the pattern is tested")
});

/// What is called after whom it does not tell of.
const EPONYMS: [&str; 24] = [
    "catheter",
    "classification",
    "criteria",
    "disease",
    "drain",
    "fracture",
    "hernia",
    "lymphoma",
    "maneuver",
    "palsy",
    "phenomenon",
    "procedure",
    "reflex",
    "sarcoma",
    "scale",
    "score",
    "sign",
    "signs",
    "stage",
    "syndrome",
    "test",
    "thyroiditis",
    "tube",
    "ulcer",
];

/// Words that stand where a name may, and are none.
const NO_NAMES: &str = " \
MR MRS MS MISS DR PROF REV SR SRA JR MD DO RN NP PHD THE SHE HE HIS HER THEY THIS THAT WAS WITH AND FOR \
PATIENT PT NAME DENIES REPORTS HISTORY ASSESSMENT PLAN DIAGNOSIS MEDICATIONS ALLERGIES DATE DOB \
MRN SSN AGE SEX MALE FEMALE PHONE FAX ADDRESS UNKNOWN NONE NO YES NOTE CHIEF COMPLAINT EMAIL \
INSURANCE ACCOUNT ADMISSION DISCHARGE HOSPITAL CLINIC MEDICAL CENTER DEPARTMENT EMERGENCY \
PHYSICIAN NURSE PROVIDER ATTENDING SURGEON SIGNED DICTATED SEEN MOTHER FATHER MOM DAD WIFE HUSBAND \
SON DAUGHTER BROTHER SISTER FAMILY CHILD INFANT BABY PARENTS CARDIOLOGY RADIOLOGY SURGERY ONCOLOGY \
NEUROLOGY PSYCHIATRY PATHOLOGY ORTHOPEDICS UROLOGY NEPHROLOGY GASTROENTEROLOGY DERMATOLOGY PHARMACY \
PEDIATRICS GYNECOLOGY OBSTETRICS ANESTHESIA ANESTHESIOLOGY MEDICINE HOSPICE PALLIATIVE CASE SOCIAL \
PHYSICAL OCCUPATIONAL SPEECH INFECTIOUS ENDOCRINOLOGY PULMONOLOGY PULMONARY TRAUMA THERAPY NURSING \
REHAB REHABILITATION CARE UNIT WARD HOME MEDICARE MEDICAID TYPE STAGE FRENCH ENGLISH GERMAN IRISH \
ITALIAN SPANISH POLISH DUTCH ";

/// The longest word of capitals alone that counts as an abbreviation.
const LONGEST_ABBREVIATION: usize = 5;

/// Whether a word is as short as an abbreviation, and written like one.
fn is_short(word: &str) -> bool {
    word.len() <= LONGEST_ABBREVIATION && !word.contains(char::is_lowercase)
}

/// Whether a word that stands where a name may can be one.
pub(crate) fn is_name(word: &str) -> bool {
    let upper = word.to_uppercase();
    let is_abbreviation = is_short(word) && !is_listed(&upper);
    !is_abbreviation && !NO_NAMES.contains(&format!(" {upper} "))
}

pub(crate) fn find(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let mut known = BTreeSet::new();
    for pattern in BESIDE.iter() {
        for captures in pattern.captures_iter(text) {
            let Some(name) = captures.name("id") else {
                continue;
            };
            // Up to the first word that is none.
            let mut end = None;
            for word in WORD.find_iter(name.as_str()) {
                if !is_name(word.as_str()) {
                    break;
                }
                end = Some(word.end());
                if word.as_str().len() >= 3 {
                    known.insert(word.as_str().to_uppercase());
                }
            }
            if let Some(end) = end {
                found.push(named(name.start(), name.start() + end));
            }
        }
    }
    found.extend(frequent(text, &known));
    found
}

/// Words that are names by the lists, or were found to be names in this text; and capitalised
/// words beside them.
fn frequent(text: &str, known: &BTreeSet<String>) -> Vec<Found> {
    let words: Vec<_> = WORD.find_iter(text).collect();
    let is_capital = |word: &str| word.starts_with(char::is_uppercase);
    // The other half of a name stands beside it, with nothing but space or a comma between.
    let is_beside = |from: usize, to: usize| {
        let gap = &text[from..to];
        gap.len() <= 4 && gap.chars().all(|c| c.is_whitespace() || c == ',')
    };
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        // A name's owner: `Roe's` is of Roe.
        let bare = bare(word.as_str());
        let upper = bare.to_uppercase();
        if !is_capital(bare) || !is_name(bare) {
            continue;
        }
        let next = words.get(at + 1).filter(|next| {
            is_beside(word.end(), next.start())
                && is_capital(next.as_str())
                && is_name(next.as_str())
        });
        let is_half = next.is_some_and(|next| {
            let next = next.as_str().to_uppercase();
            GIVEN.has(&upper) && SURNAMES.has(&next)
                || SURNAMES.has(&upper) && GIVEN.sure.contains(&next)
        });
        let is_known = known.contains(&upper) || NAMES.contains(&upper) && !is_short(bare);
        let by_list = GIVEN.sure.contains(&upper) || SURNAMES.sure.contains(&upper);
        let is_sure = is_known || by_list && !is_short(bare);
        let follows = words.get(at + 1).map(|next| next.as_str().to_lowercase());
        let is_eponym = follows.is_some_and(|next| EPONYMS.contains(&next.as_str()));
        if !(is_sure || is_half) || is_eponym && !known.contains(&upper) {
            continue;
        }
        let (mut start, mut end) = (word.start(), word.start() + bare.len());
        // A surname alone says nothing of what follows it.
        if let Some(next) = next
            && (is_half || is_known || GIVEN.sure.contains(&upper))
        {
            end = next.end();
        }
        if let Some(previous) = at.checked_sub(1).and_then(|at| words.get(at))
            && is_beside(previous.end(), word.start())
            && is_capital(previous.as_str())
            && is_name(previous.as_str())
            && is_listed(&previous.as_str().to_uppercase())
        {
            start = previous.start();
        }
        found.push(named(start, end));
    }
    found
}

/// Leaves the mark of possession out.
fn bare(word: &str) -> &str {
    word.strip_suffix("'s")
        .or_else(|| word.strip_suffix("\u{2019}s"))
        .unwrap_or(word)
}

fn named(start: usize, end: usize) -> Found {
    Found {
        class: Class::Name,
        start,
        end,
    }
}
