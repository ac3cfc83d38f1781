//! The rules of coding: what a claim carries when several conditions are there.
//!
//! Each rule is a file. It looks at the candidates of a whole note and turns what it decides
//! into decisions; a rule never looks at the text.

mod superseded;
mod unknown_site;

use crate::candidate::Candidate;
use crate::dictionary::Dictionary;
use crate::note::Note;

/// Lets every rule decide, in the order in which they build on each other.
pub(crate) fn apply(_dictionary: &Dictionary, _note: Note, candidates: &mut [Candidate]) {
    superseded::apply(candidates);
    unknown_site::apply(candidates);
}
