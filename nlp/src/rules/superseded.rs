//! A code that says "unspecified" gives way to one of its category that says more.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::candidate::Candidate;
use crate::coding::Reason;
use crate::dictionary::Dictionary;
use crate::icd_code::IcdCode;
use crate::note::{Note, NoteKind};
use crate::rules::Rule;

/// How the codes of chapter 18 begin: symptoms, signs and abnormal findings.
const SYMPTOMS: u8 = b'R';

/// Whether two of these codes, which are in order, are of one category.
pub(super) fn concerns(coded: &[IcdCode]) -> bool {
    coded
        .windows(2)
        .any(|pair| pair[0].category() == pair[1].category())
}

/// Leaves a code that says "unspecified" to one of its category that says all it says, and more.
///
/// `Vomiting, unspecified` does not give way to `Nausea`, though both are of one category. In a
/// narrative the symptoms of a category are told one by one, and each counts for itself.
pub(super) fn apply(dictionary: &Dictionary, note: Note, candidates: &mut [Candidate<'_>]) {
    let mut coded: FxHashMap<[u8; 3], BTreeMap<u32, IcdCode>> = FxHashMap::default();
    for candidate in candidates.iter() {
        if let (Some(category), Some(code), Some(meant)) =
            (candidate.category(), candidate.coded(), candidate.node)
        {
            let leaf = dictionary.default_leaf(meant).unwrap_or(meant);
            coded
                .entry(category)
                .or_default()
                .entry(leaf)
                .or_insert(code);
        }
    }
    for candidate in candidates {
        let Some(category) = candidate
            .category()
            .filter(|category| !(note.kind == NoteKind::Narrative && category[0] == SYMPTOMS))
        else {
            continue;
        };
        let Some(meant) = candidate.node else {
            continue;
        };
        // The category's only code has none to give way to.
        let Some(leaves) = coded.get(&category).filter(|leaves| leaves.len() > 1) else {
            continue;
        };
        if !candidate.says_nothing_more() {
            continue;
        }
        let more = |leaf: &&u32| dictionary.says_more(**leaf, meant);
        let more = leaves.keys().find(more).and_then(|leaf| leaves.get(leaf));
        if let Some(by) = more.copied() {
            candidate.leave(Reason::Superseded { by }, Rule::MoreSpecific);
        }
    }
}
