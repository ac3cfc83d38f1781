//! Names of people: by what stands beside them, by a list of frequent ones, and then wherever
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

/// A word that may be a name.
const NAME: &str = r"[A-Z][A-Za-z'\u{2019}-]*[A-Za-z]";

/// What stands before a name, or after it; the name is the group `id`.
static BESIDE: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let names = format!(r"(?P<id>{NAME}(?:[ \t]*[ \t\n][ \t]*(?:[A-Z]\.[ \t]*)?{NAME}){{0,2}})");
    let reversed = format!(r"(?P<id>{NAME},[ \t]*\n?[ \t]*{NAME}(?:[ \t]+[A-Z]\.?)?)");
    let label = r"(?i:patient(?:'s)?(?:\s+name)?|pt\.?(?:\s+name)?|name|physician|provider|attending|surgeon|nurse|dictated\s+by|signed(?:\s+by)?|referring|referred\s+by|cc|contact|next\s+of\s+kin|guardian|emergency\s+contact|spouse|author|seen\s+by|consult(?:ed)?\s+(?:by|with))";
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
        format!(r"\b(?i:named|called|known\s+as|spoke\s+(?:with|to)|discussed\s+with|care\s+of)\s+{names}"),
        format!(r"{names},?[ \t]*\n?[ \t]*(?:MD|M\.D\.|DO|D\.O\.|RN|R\.N\.|NP|PA-C|PhD|DPM|DDS|LPN|Jr\.?|Sr\.?|III)\b"),
    ]
    .iter()
    .map(|pattern| Regex::new(pattern).expect("the patterns are tested"))
    .collect()
});

static WORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b[A-Za-z][A-Za-z'-]*[A-Za-z]\b").expect("the pattern is tested")
});

/// Words that stand where a name may, and are none.
const NO_NAMES: &str = " \
MR MRS MS MISS DR PROF REV SR SRA JR MD DO RN NP PHD THE SHE HE HIS HER THEY THIS THAT WAS WITH AND FOR \
PATIENT PT NAME DENIES REPORTS HISTORY ASSESSMENT PLAN DIAGNOSIS MEDICATIONS ALLERGIES DATE DOB \
MRN SSN AGE SEX MALE FEMALE PHONE FAX ADDRESS UNKNOWN NONE NO YES NOTE CHIEF COMPLAINT EMAIL \
INSURANCE ACCOUNT ADMISSION DISCHARGE HOSPITAL CLINIC MEDICAL CENTER DEPARTMENT EMERGENCY \
PHYSICIAN NURSE PROVIDER ATTENDING SURGEON SIGNED DICTATED SEEN ";

fn is_name(word: &str) -> bool {
    !NO_NAMES.contains(&format!(" {} ", word.to_uppercase()))
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

/// Words that are frequent names, or were found to be names in this text; and capitalised words
/// beside a frequent one.
fn frequent(text: &str, known: &BTreeSet<String>) -> Vec<Found> {
    let words: Vec<_> = WORD.find_iter(text).collect();
    let is_capital = |word: &str| word.starts_with(|c: char| c.is_ascii_uppercase());
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        // A name's owner: `Roe's` is of Roe.
        let bare = word.as_str().trim_end_matches("'s");
        let upper = bare.to_uppercase();
        if !is_capital(word.as_str()) || !(NAMES.contains(&upper) || known.contains(&upper)) {
            continue;
        }
        let (mut start, mut end) = (word.start(), word.start() + bare.len());
        // The other half of a name stands beside it, with nothing but space or a comma between.
        let is_beside =
            |gap: &str| gap.len() <= 4 && gap.chars().all(|c| c.is_whitespace() || c == ',');
        if let Some(next) = words.get(at + 1)
            && is_beside(&text[word.end()..next.start()])
            && is_capital(next.as_str())
            && is_name(next.as_str())
        {
            end = next.end();
        }
        if let Some(previous) = at.checked_sub(1).and_then(|at| words.get(at))
            && is_beside(&text[previous.end()..word.start()])
            && is_capital(previous.as_str())
            && is_name(previous.as_str())
            && NAMES.contains(&previous.as_str().to_uppercase())
        {
            start = previous.start();
        }
        found.push(named(start, end));
    }
    found
}

fn named(start: usize, end: usize) -> Found {
    Found {
        class: Class::Name,
        start,
        end,
    }
}
