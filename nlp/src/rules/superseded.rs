//! A code that says "unspecified" gives way to one of its category that says more.

use std::collections::BTreeMap;

use crate::candidate::Candidate;
use crate::coding::Reason;
use crate::dictionary::Dictionary;
use crate::note::{Note, NoteKind};
use crate::rules::Rule;

/// How the codes of chapter 18 begin: symptoms, signs and abnormal findings.
const SYMPTOMS: char = 'R';

/// Leaves a code that says "unspecified" to one of its category that says all it says, and more.
///
/// `Vomiting, unspecified` does not give way to `Nausea`, though both are of one category. In a
/// narrative the symptoms of a category are told one by one, and each counts for itself.
pub(super) fn apply(dictionary: &Dictionary, note: Note, candidates: &mut [Candidate]) {
    let mut coded: BTreeMap<String, BTreeMap<u32, String>> = BTreeMap::new();
    for candidate in candidates.iter() {
        if let (Some(category), Some(code), Some(meant)) = (
            candidate.category(),
            candidate.coded(),
            candidate.meaning.node,
        ) {
            let leaf = dictionary.default_leaf(meant).unwrap_or(meant);
            coded
                .entry(category.to_owned())
                .or_default()
                .entry(leaf)
                .or_insert_with(|| code.to_owned());
        }
    }
    for candidate in candidates {
        let says_nothing_more = says_nothing_more(&candidate.mention.title);
        let Some(category) = candidate.category().filter(|category| {
            says_nothing_more
                && !(note.kind == NoteKind::Narrative && category.starts_with(SYMPTOMS))
        }) else {
            continue;
        };
        let Some(meant) = candidate.meaning.node else {
            continue;
        };
        let more = coded.get(category).and_then(|leaves| {
            let more = |leaf: &&u32| dictionary.says_more(**leaf, meant);
            leaves.keys().find(more).and_then(|leaf| leaves.get(leaf))
        });
        if let Some(by) = more.cloned() {
            candidate.leave(Reason::Superseded { by }, Rule::MoreSpecific);
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
