//! Takes the identifiers of [45 CFR 164.514(b)(2)](https://www.ecfr.gov/current/title-45/section-164.514)
//! (Safe Harbor) out of a text: for support bundles, corpora, and as the last look at a log line.
//!
//! ```
//! use lightsout_deidentify::{Class, scrub};
//!
//! let clean = scrub("Mr. John Roe, a 93-year-old man from Springfield, was seen on March 3, 2021.");
//! assert_eq!(
//!     clean.text,
//!     "Mr. [NAME], a [AGE 90+] man from [PLACE], was seen on [DATE 2021]."
//! );
//! assert_eq!(clean.found[0].class, Class::Name);
//! ```
//!
//! It works by rules: what an identifier looks like, and the words that announce one. Names are
//! found by what stands beside them and by lists of frequent ones, and then wherever else they
//! stand in the same text. What neither looks like an identifier nor is announced is not found:
//! the README has the recall of each class on a labelled set. It is a help for a person who
//! looks at the result, and no determination by an expert.

mod class;
mod names;
mod places;
mod rules;
pub mod synthetic;

pub use class::{Class, UnknownClass};

/// A text without identifiers, and what was taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clean {
    /// The text, with a label in the place of each identifier.
    pub text: String,
    /// What was found, in the order of the text that was given.
    pub found: Vec<Found>,
}

/// An identifier in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Its class.
    pub class: Class,
    /// Where it begins, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

/// Takes out whatever looks like an identifier or is announced as one.
pub fn scrub(text: &str) -> Clean {
    clean(text, find(text))
}

/// Finds identifiers; they do not overlap.
pub fn find(text: &str) -> Vec<Found> {
    let mut found = rules::find(text);
    found.extend(names::find(text));
    found.extend(places::find(text));
    apart(found)
}

/// Masks what can be nothing but an identifier of a person: the last look at a line of a log,
/// whose opaque ids and hashes are left alone.
///
/// A line in which it finds anything is a fault of who wrote it: the number is to be counted.
///
/// ```
/// use lightsout_deidentify::last_line;
///
/// let line = r#"{"run":"run-000001-1795465488","error":"no chart of 078-05-1120"}"#;
/// let (masked, hits) = last_line(line);
/// assert_eq!(masked, r#"{"run":"run-000001-1795465488","error":"no chart of [SSN]"}"#);
/// assert_eq!(hits, 1);
/// ```
pub fn last_line(line: &str) -> (String, usize) {
    let found = apart(rules::certain(line));
    let hits = found.len();
    (clean(line, found).text, hits)
}

/// Keeps the longest of what overlaps, and of equals the first.
fn apart(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|one| (one.start, std::cmp::Reverse(one.end)));
    let mut apart: Vec<Found> = Vec::with_capacity(found.len());
    for one in found {
        match apart.last_mut() {
            Some(last) if one.start < last.end => {
                if one.end > last.end {
                    last.end = one.end;
                }
            }
            _ => apart.push(one),
        }
    }
    apart
}

fn clean(text: &str, found: Vec<Found>) -> Clean {
    let mut clean = String::with_capacity(text.len());
    let mut at = 0;
    for one in &found {
        clean.push_str(&text[at..one.start]);
        clean.push_str(&one.class.label(&text[one.start..one.end]));
        at = one.end;
    }
    clean.push_str(&text[at..]);
    Clean { text: clean, found }
}
