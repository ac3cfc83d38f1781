//! A code that says "unspecified" gives way to one of its category that says more.

use std::collections::BTreeMap;

use crate::candidate::Candidate;
use crate::coding::Reason;
use crate::note::{Note, NoteKind};
use crate::rules::Rule;

/// How the codes of chapter 18 begin: symptoms, signs and abnormal findings.
const SYMPTOMS: char = 'R';

/// Leaves a code that says "unspecified" to a sibling of its category that says more.
///
/// In a narrative the symptoms of a category (vomiting, nausea) are told one by one, and each
/// counts for itself.
pub(super) fn apply(note: Note, candidates: &mut [Candidate]) {
    let mut says_more: BTreeMap<String, String> = BTreeMap::new();
    for candidate in candidates.iter() {
        if let (Some(category), Some(code)) = (candidate.category(), candidate.coded())
            && !says_nothing_more(&candidate.mention.title)
        {
            says_more
                .entry(category.to_owned())
                .or_insert_with(|| code.to_owned());
        }
    }
    for candidate in candidates {
        let by = candidate
            .category()
            .filter(|_| says_nothing_more(&candidate.mention.title))
            .filter(|category| {
                !(note.kind == NoteKind::Narrative && category.starts_with(SYMPTOMS))
            })
            .and_then(|category| says_more.get(category));
        if let Some(by) = by {
            candidate.leave(Reason::Superseded { by: by.clone() }, Rule::MoreSpecific);
        }
    }
}

fn says_nothing_more(title: &str) -> bool {
    [
        "unspecified",
        "Unspecified",
        "without complications",
        "uncomplicated",
    ]
    .iter()
    .any(|words| title.contains(words))
}
