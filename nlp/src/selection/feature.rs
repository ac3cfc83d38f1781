//! What the model looks at when it decides about a code.

use std::fmt;

use crate::assertion::Assertion;
use crate::candidate::Candidate;
use crate::coding::{Decision, Reason};
use crate::dictionary::{Billable, Origin};
use crate::icd_code::IcdCode;
use crate::note::NoteKind;
use crate::section::SectionKind;

/// One thing that is true of a code in a note: a name and up to two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Feature<'n> {
    name: &'static str,
    values: [&'n str; 2],
    /// The hash of all but the second value, which many features share.
    start: u64,
}

/// A code that some mention of a note stands for, with those mentions.
#[derive(Clone, Debug)]
pub(crate) struct Proposal {
    /// The billable code.
    pub(crate) code: IcdCode,
    /// Whether the rules coded it as a condition of now.
    is_coded: bool,
    /// Whether only mentions stand for it that the rules read in the other tense.
    is_in_other_tense: bool,
    /// Its admissible mentions, as places among the candidates, in the order of the text.
    pub(crate) mentions: Vec<usize>,
}

impl<'n> Feature<'n> {
    fn of(name: &'static str, values: [&'n str; 2]) -> Self {
        let [first, _] = values;
        Self {
            name,
            values,
            start: hashed_value(hashed(FNV_START, name), "=", first),
        }
    }

    /// The same with another second value.
    fn beside(self, second: &'n str) -> Self {
        Self {
            values: [self.values[0], second],
            ..self
        }
    }

    /// Whether its values are words of the note, which no reason may hold.
    pub(crate) fn holds_text(&self) -> bool {
        matches!(
            self.name,
            "term"
                | "term sections"
                | "term rule"
                | "before"
                | "after"
                | "code before"
                | "code after"
        )
    }

    /// Its number in a model: a hash (FNV-1a) of its name as it is written.
    pub(crate) fn key(&self) -> u64 {
        hashed_value(self.start, "|", self.values[1])
    }
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

/// The number of a feature that is given as it is written.
pub(crate) fn key_of(written: &str) -> u64 {
    hashed(FNV_START, written)
}

/// A value that is not there leaves the hash as it is.
fn hashed_value(start: u64, mark: &str, value: &str) -> u64 {
    if value.is_empty() {
        return start;
    }
    hashed(hashed(start, mark), value)
}

fn hashed(start: u64, text: &str) -> u64 {
    // Capitals and small letters are the same, so words need no copy in small letters.
    text.bytes().fold(start, |key, byte| {
        (key ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    })
}

impl fmt::Display for Feature<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)?;
        let [first, second] = self.values;
        for (mark, value) in [('=', first), ('|', second)] {
            if !value.is_empty() {
                write!(formatter, "{mark}{value}")?;
            }
        }
        Ok(())
    }
}

/// The codes that the admissible candidates of a note propose, by code.
///
/// What is negated, hypothetical, someone else's, or refused for a reason that no learnt
/// model may overrule, proposes nothing, so that it cannot change what is chosen.
///
/// `others` holds, for each candidate, its code in the other tense, if it has one; nothing where
/// none has.
pub(crate) fn proposals(
    candidates: &[Candidate<'_>],
    others: &[Option<Billable<'_>>],
) -> Vec<Proposal> {
    let mut proposals: Vec<Proposal> = Vec::new();
    let mut propose = |code: IcdCode, place: usize, is_other: bool| match proposals
        .binary_search_by(|proposal| proposal.code.cmp(&code))
    {
        Ok(known) => {
            proposals[known].mentions.push(place);
            proposals[known].is_in_other_tense &= is_other;
        }
        Err(new) => proposals.insert(
            new,
            Proposal {
                code,
                is_coded: false,
                is_in_other_tense: is_other,
                mentions: vec![place],
            },
        ),
    };
    for (place, candidate) in candidates.iter().enumerate() {
        let Some(code) = admissible(candidate) else {
            continue;
        };
        propose(code, place, false);
        if let Some(Some(other)) = others.get(place) {
            propose(other.code, place, true);
        }
    }
    for proposal in &mut proposals {
        proposal.is_coded =
            !proposal.is_in_other_tense && rule_of(best_of(candidates, proposal)) == "coded";
    }
    proposals
}

fn admissible(candidate: &Candidate<'_>) -> Option<IcdCode> {
    let mention = &candidate.mention;
    let may_be_chosen = match &mention.decision {
        Decision::Coded => true,
        Decision::NotCoded(reason) => reason.is_soft(),
    };
    let is_patients = matches!(
        mention.assertion,
        Assertion::Present | Assertion::Possible | Assertion::Historical
    );
    mention.code.filter(|_| may_be_chosen && is_patients)
}

/// Calls `see` with every feature of the proposal at `place`.
pub(crate) fn each<'n>(
    kind: NoteKind,
    candidates: &'n [Candidate<'_>],
    proposals: &'n [Proposal],
    place: usize,
    mut see: impl FnMut(Feature<'n>),
) {
    let proposal = &proposals[place];
    let code = proposal.code.as_str();
    let category = category(code);
    let best = best_of(candidates, proposal);
    let rule = if proposal.is_in_other_tense {
        match best.mention.assertion {
            Assertion::Historical => "past in the other tense",
            _ => "in the other tense",
        }
    } else {
        rule_of(best)
    };
    let mut add = |name, first, second| see(Feature::of(name, [first, second]));

    add("bias", "", "");
    add("code", code, "");
    add("category", category, "");
    add("block", &code[..2], "");
    add("chapter", &code[..1], "");
    add("origin", origin_of(best), "");
    add("rule", rule, "");
    add("code rule", code, rule);
    add("category rule", category, rule);
    add("chapter rule", &code[..1], rule);
    if let Decision::NotCoded(Reason::Possible { cue } | Reason::Historical { cue }) =
        &best.mention.decision
    {
        add("cue", cue, "");
        add("chapter cue", &code[..1], cue);
    }
    add("mentions", few(proposal.mentions.len()), "");
    add("code mentions", code, few(proposal.mentions.len()));

    let sections = sections_of(candidates, proposal);
    add("sections", sections, "");
    add("code sections", code, sections);
    add("chapter sections", &code[..1], sections);

    let start = candidates[proposal.mentions[0]].mention.span.start;
    add("start", far(start), "");
    add("chapter start", &code[..1], far(start));
    let earlier = proposals
        .iter()
        .filter(|other| candidates[other.mentions[0]].mention.span.start < start)
        .count();
    add("earlier", few(earlier), "");

    for mention in proposal.mentions.iter().take(READ) {
        let mention = &candidates[*mention].mention;
        add("term", mention.text(), "");
        for word in last_words(mention.quote.before()) {
            add("before", word, "");
            add("code before", code, word);
        }
        for word in first_words(mention.quote.after()) {
            add("after", word, "");
            add("code after", code, word);
        }
    }
    for word in title_words(&best.mention.title) {
        add("title", word, "");
    }

    add("codes", few(proposals.len()), "");
    let [with, with_category, sibling] = [
        ("with", code),
        ("with category", category),
        ("sibling", code),
    ]
    .map(|(name, first)| Feature::of(name, [first, ""]));
    let mut definite = false;
    for (other_place, other) in proposals.iter().enumerate() {
        if other_place == place || !other.is_coded {
            continue;
        }
        definite |= !other.code.starts_with(['R', 'Z']);
        see(with.beside(&other.code));
        see(with_category.beside(self::category(&other.code)));
        if self::category(&other.code) == category {
            see(sibling.beside(&other.code));
        }
    }
    let mut add = |name, first, second| see(Feature::of(name, [first, second]));
    if definite {
        add("with a diagnosis", "", "");
        add("with a diagnosis", code, "");
        add("with a diagnosis in chapter", &code[..1], "");
    }
    if kind == NoteKind::RadiologyReport {
        each_of_report(candidates, proposals, place, rule, see);
    }
}

/// What only tells in reports, which are short: in narratives it made no choice better.
fn each_of_report<'n>(
    candidates: &'n [Candidate<'_>],
    proposals: &'n [Proposal],
    place: usize,
    rule: &'static str,
    mut see: impl FnMut(Feature<'n>),
) {
    let proposal = &proposals[place];
    let code = proposal.code.as_str();
    let chapter = &code[..1];
    let sections = sections_of(candidates, proposal);
    let mut add = |name, first, second| see(Feature::of(name, [first, second]));
    for mention in proposal.mentions.iter().take(READ) {
        let mention = &candidates[*mention].mention;
        add("term sections", mention.text(), sections);
        add("term rule", mention.text(), rule);
        let before = last_words(mention.quote.before()).count();
        let after = first_words(mention.quote.after()).count();
        add("chapter edges", chapter, EDGES[before][after]);
    }
    let mut in_indication = 0;
    for (other_place, other) in proposals.iter().enumerate() {
        if other_place == place || !other.is_coded {
            continue;
        }
        add("chapter with", chapter, category(&other.code));
        let mut mentions = other.mentions.iter();
        let is_in = mentions.any(|at| candidates[*at].mention.section == SectionKind::Indication);
        in_indication += usize::from(is_in);
    }
    add("code others in indication", code, few(in_indication));
}

fn category(code: &str) -> &str {
    &code[..3]
}

/// The mention that speaks most for a code: the first one coded, or the first one.
fn best_of<'n, 'a>(candidates: &'n [Candidate<'a>], proposal: &Proposal) -> &'n Candidate<'a> {
    let coded = proposal
        .mentions
        .iter()
        .find(|place| candidates[**place].coded().is_some());
    &candidates[*coded.unwrap_or(&proposal.mentions[0])]
}

/// What the rules said.
fn rule_of(candidate: &Candidate<'_>) -> &'static str {
    match &candidate.mention.decision {
        Decision::Coded => match candidate.mention.assertion {
            Assertion::Historical => "coded of the past",
            _ => "coded",
        },
        Decision::NotCoded(reason) => reason.kind(),
    }
}

fn origin_of(candidate: &Candidate<'_>) -> &'static str {
    match candidate.origin {
        Origin::Title => "title",
        Origin::Inclusion => "inclusion",
        Origin::Lexicon => "lexicon",
        Origin::Derived => "derived",
        Origin::Ontology => "ontology",
        Origin::Index => "index",
        Origin::Narrative => "narrative",
    }
}

fn sections_of(candidates: &[Candidate<'_>], proposal: &Proposal) -> &'static str {
    let is_in = |kind| {
        proposal
            .mentions
            .iter()
            .any(|place| candidates[*place].mention.section == kind)
    };
    match (
        is_in(SectionKind::Indication),
        is_in(SectionKind::Assessment),
    ) {
        (true, true) => "indication and impression",
        (true, false) => "indication",
        (false, true) => "impression",
        (false, false) => "elsewhere",
    }
}

fn few(count: usize) -> &'static str {
    ["0", "1", "2", "3", "4", "5", "6 or more"][count.min(6)]
}

fn far(start: usize) -> &'static str {
    match start {
        0..100 => "100",
        100..300 => "300",
        300..1000 => "1000",
        1000..2000 => "2000",
        _ => "later",
    }
}

/// How many mentions of a code are read with the words beside them.
const READ: usize = 3;
/// How many words beside a mention count.
const BESIDE: usize = 3;
/// How many words of its sentence stand before a mention and how many after it, up to as many as
/// count.
const EDGES: [[&str; BESIDE + 1]; BESIDE + 1] = [
    ["0 0", "0 1", "0 2", "0 3"],
    ["1 0", "1 1", "1 2", "1 3"],
    ["2 0", "2 1", "2 2", "2 3"],
    ["3 0", "3 1", "3 2", "3 3"],
];

/// The last words before a mention, within its sentence.
fn last_words(before: &str) -> impl Iterator<Item = &str> {
    let start = before
        .rfind(['.', '\n', ';', ':'])
        .map_or(0, |mark| mark + 1);
    words(&before[start..]).rev().take(BESIDE)
}

/// The first words after a mention, within its sentence.
fn first_words(after: &str) -> impl Iterator<Item = &str> {
    let end = after.find(['.', '\n', ';', ':']).unwrap_or(after.len());
    words(&after[..end]).take(BESIDE)
}

fn title_words(title: &str) -> impl Iterator<Item = &str> {
    words(title).filter(|word| word.len() > 3)
}

fn words(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

/// The names of all features.
#[cfg(test)]
pub(super) const NAMES: [&str; 37] = [
    "bias",
    "code",
    "category",
    "block",
    "chapter",
    "origin",
    "rule",
    "code rule",
    "category rule",
    "chapter rule",
    "cue",
    "chapter cue",
    "mentions",
    "code mentions",
    "sections",
    "code sections",
    "chapter sections",
    "start",
    "chapter start",
    "earlier",
    "term",
    "before",
    "code before",
    "after",
    "code after",
    "title",
    "codes",
    "with",
    "with category",
    "sibling",
    "with a diagnosis",
    "with a diagnosis in chapter",
    "term sections",
    "term rule",
    "chapter edges",
    "chapter with",
    "code others in indication",
];
