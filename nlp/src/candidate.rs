//! A mention on its way to a decision, with what the later stages need to know of it.

use rustc_hash::FxHashSet;

use crate::coding::{Decision, Joined, Mention, Reason};
use crate::dictionary::Origin;
use crate::icd_code::IcdCode;
use crate::rules::Rule;

/// A mention and the concept behind it, before and after the rules have spoken.
#[derive(Clone, Debug)]
pub(crate) struct Candidate<'a> {
    /// What will be answered.
    pub(crate) mention: Mention<'a>,
    /// The code that its term means, by its place in the tabular list.
    pub(crate) node: Option<u32>,
    /// Where its term comes from.
    pub(crate) origin: Origin,
    /// The 7th character that the words around it ask for.
    pub(crate) seventh: Option<char>,
}

impl<'a> Candidate<'a> {
    /// Its code, if it counts as the rules stand.
    pub(crate) fn coded(&self) -> Option<IcdCode> {
        self.mention
            .code
            .filter(|_| self.mention.decision == Decision::Coded)
    }

    /// Lets it no longer count.
    pub(crate) fn leave(&mut self, reason: Reason<'a>, rule: Rule) {
        self.mention.decision = Decision::NotCoded(reason);
        self.mention.rule = rule;
    }

    /// Gives it the code that a rule found in place of its own.
    pub(crate) fn take(&mut self, joined: Joined<'a>) {
        self.mention.code = Some(joined.code);
        self.mention.title = joined.title;
        self.mention.rule = joined.rule;
    }

    /// Whether the title of its code says only that nothing more is known or wrong.
    pub(crate) fn says_nothing_more(&self) -> bool {
        [
            "unspecified",
            "Unspecified",
            "without complications",
            "uncomplicated",
        ]
        .iter()
        .any(|words| self.mention.title.contains(words))
    }

    /// The category (three characters) of its code, if it counts.
    pub(crate) fn category(&self) -> Option<[u8; 3]> {
        self.coded().map(IcdCode::category)
    }
}

/// The codes that count, each once, in order.
pub(crate) fn coded(candidates: &[Candidate<'_>]) -> Vec<IcdCode> {
    in_order(candidates.iter().filter_map(Candidate::coded).collect())
}

/// These codes, each once, in order.
pub(crate) fn in_order(mut codes: Vec<IcdCode>) -> Vec<IcdCode> {
    // A long note says the same many times; only what is new is put in order.
    if codes.len() > MANY {
        let different: FxHashSet<_> = codes.drain(..).collect();
        codes.extend(different);
    }
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// So many codes are sooner told apart than sorted.
const MANY: usize = 256;
