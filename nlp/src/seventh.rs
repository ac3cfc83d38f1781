//! The 7th character that a note supports: which encounter it is, how a fracture heals, which
//! fetus is meant, which stage is reached.
//!
//! Guidelines, section I.A.5: a category that asks for a 7th character gets one. Without a word
//! of it in the note it is the initial encounter, or what is unspecified. What the sentence says
//! of encounter and fracture is found by phrases (`terminology/encounters.tsv`); any other
//! character is taken when the sentence holds every word that its meaning has beyond the rest.

use rustc_hash::FxHashMap;

use crate::Span;
use crate::attributes::{Attribute, AttributeKind};
use crate::candidate::Candidate;
use crate::dictionary::{Dictionary, Seventh, WordClass};
use crate::token::{Token, Tokenizer};
use crate::trie::Trie;

static ENCOUNTERS: &str = include_str!("../terminology/encounters.tsv");

/// How many tokens before a mention and after it are read.
const BEFORE: usize = 8;
const AFTER: usize = 28;
/// How near before a phrase a word stands that denies it.
const DENIED: usize = 3;

/// The sets of 7th characters of a dictionary, ready to be compared with notes.
#[derive(Clone, Debug)]
pub(crate) struct Sevenths {
    phrases: Trie,
    /// For each set of the dictionary what each of its characters asks for.
    sets: Vec<Vec<Asked>>,
}

/// What a 7th character asks a note to say.
#[derive(Clone, Debug)]
struct Asked {
    character: char,
    meaning: String,
    encounter: Option<Encounter>,
    opening: Option<Opening>,
    healing: Option<Healing>,
    /// The words of its meaning, where it is of no encounter.
    words: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encounter {
    Initial,
    Subsequent,
    Sequela,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    Closed,
    /// Open, of Gustilo's types I and II or of none that is told.
    Open,
    /// Open, of Gustilo's type III.
    OpenThree,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Healing {
    Routine,
    Delayed,
    Nonunion,
    Malunion,
}

/// What one phrase says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Saying {
    Encounter(Encounter),
    Opening(Opening),
    Healing(Healing),
}

/// Every saying, by its name in the table.
const SAYINGS: [(&str, Saying); 9] = [
    ("subsequent", Saying::Encounter(Encounter::Subsequent)),
    ("sequela", Saying::Encounter(Encounter::Sequela)),
    ("closed", Saying::Opening(Opening::Closed)),
    ("open", Saying::Opening(Opening::Open)),
    ("open iii", Saying::Opening(Opening::OpenThree)),
    ("routine healing", Saying::Healing(Healing::Routine)),
    ("delayed healing", Saying::Healing(Healing::Delayed)),
    ("nonunion", Saying::Healing(Healing::Nonunion)),
    ("malunion", Saying::Healing(Healing::Malunion)),
];

/// A 7th character that a note asks for, with the words that do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen<'a> {
    pub(crate) character: char,
    pub(crate) attribute: Attribute<'a>,
}

impl Sevenths {
    /// The sets of this dictionary, their words numbered by `tokenizer`.
    pub(crate) fn of(dictionary: &Dictionary, tokenizer: &mut Tokenizer) -> Self {
        let phrases = SAYINGS
            .iter()
            .zip(0..)
            .flat_map(|((name, _), number)| phrases(name).map(move |phrase| (phrase, number)));
        let phrases: Vec<_> = phrases
            .map(|(phrase, number)| (tokenizer.intern(phrase), number))
            .collect();
        let sets = dictionary.seventh_sets().iter();
        Self {
            phrases: Trie::new(phrases),
            sets: sets
                .map(|set| {
                    set.iter()
                        .map(|seventh| Asked::of(seventh, tokenizer))
                        .collect()
                })
                .collect(),
        }
    }

    /// The 7th character that the words around a mention ask for; none where they say nothing.
    ///
    /// `around` holds the tokens that belong to no other condition.
    pub(crate) fn choose(
        &self,
        dictionary: &Dictionary,
        leaf: u32,
        tokens: &[Token],
        mention: Span,
        around: Span,
    ) -> Option<Chosen<'_>> {
        let set = &self.sets[dictionary.seventh_set(leaf)?];
        let around = Span::new(
            around.start.max(mention.start.saturating_sub(BEFORE)),
            around.end.min(mention.end + AFTER),
        );
        let (asked, said) = if set.iter().any(|asked| asked.encounter.is_some()) {
            self.by_encounter(set, dictionary, tokens, around)?
        } else {
            by_words(set, dictionary, tokens, around)?
        };
        Some(Chosen {
            character: asked.character,
            attribute: Attribute {
                kind: AttributeKind::Episode,
                value: asked.meaning.as_str().into(),
                span: Span::new(tokens[said.start].span.start, tokens[said.end - 1].span.end),
            },
        })
    }

    fn by_encounter<'s>(
        &self,
        set: &'s [Asked],
        dictionary: &Dictionary,
        tokens: &[Token],
        around: Span,
    ) -> Option<(&'s Asked, Span)> {
        let (mut encounter, mut opening, mut healing) = (None, None, None);
        let mut all: Option<Span> = None;
        let mut at = around.start;
        while at < around.end {
            let words = tokens[at..around.end].iter().map(Token::words);
            let Some(found) = self.phrases.longest(words) else {
                at += 1;
                continue;
            };
            let said = Span::new(at, at + found.words);
            at = said.end;
            if is_denied(dictionary, tokens, around.start, said.start) {
                continue;
            }
            match SAYINGS[found.value as usize].1 {
                Saying::Encounter(Encounter::Sequela) => encounter = Some(Encounter::Sequela),
                Saying::Encounter(said) => encounter = encounter.or(Some(said)),
                Saying::Opening(said) if opening != Some(Opening::OpenThree) => {
                    opening = Some(said);
                }
                Saying::Opening(_) => {}
                // Bad healing says more than healing.
                Saying::Healing(Healing::Routine) => healing = healing.or(Some(Healing::Routine)),
                Saying::Healing(said) => healing = Some(said),
            }
            all = Some(all.map_or(said, |all| Span::new(all.start, said.end)));
        }
        let all = all?;
        let encounter = encounter
            .or(healing.map(|_| Encounter::Subsequent))
            .unwrap_or(Encounter::Initial);
        let opening = opening.unwrap_or(Opening::Closed);
        let healing = healing.unwrap_or(Healing::Routine);
        let fits = |asked: &&Asked| {
            // A set without Gustilo's types has one character for every open fracture.
            let is_open = |own: Opening| {
                own == opening
                    || own == Opening::Open
                        && opening == Opening::OpenThree
                        && set
                            .iter()
                            .all(|asked| asked.opening != Some(Opening::OpenThree))
            };
            asked.encounter == Some(encounter)
                && asked.opening.is_none_or(is_open)
                && asked.healing.is_none_or(|own| own == healing)
        };
        set.iter().find(fits).map(|asked| (asked, all))
    }
}

/// Whether a word near before `at`, with no mark between, denies what stands there.
fn is_denied(dictionary: &Dictionary, tokens: &[Token], from: usize, at: usize) -> bool {
    let near = at.saturating_sub(DENIED).max(from);
    let before = tokens[near..at].iter().rev();
    before
        .take_while(|token| token.is_word)
        .any(|token| dictionary.word_class(token.word) & WordClass::Deny as u8 != 0)
}

/// The character whose words all stand around, if there is one that has the most of them.
fn by_words<'s>(
    set: &'s [Asked],
    dictionary: &Dictionary,
    tokens: &[Token],
    around: Span,
) -> Option<(&'s Asked, Span)> {
    let place = |word: &u32| {
        (around.start..around.end)
            .find(|at| tokens[*at].word == *word || tokens[*at].otherwise == *word)
    };
    let mut best: Option<(&Asked, Span)> = None;
    let mut is_only = true;
    for asked in set.iter().filter(|asked| !asked.words.is_empty()) {
        let places: Option<Vec<usize>> = asked.words.iter().map(place).collect();
        let Some(places) = places else { continue };
        let first = places.iter().min().copied().unwrap_or_default();
        let last = places.iter().max().copied().unwrap_or_default();
        if is_denied(dictionary, tokens, around.start, first) {
            continue;
        }
        let more = best.map_or(0, |(best, _)| best.words.len());
        is_only = asked.words.len() != more;
        if asked.words.len() > more {
            best = Some((asked, Span::new(first, last + 1)));
        }
    }
    best.filter(|_| is_only)
}

impl Asked {
    fn of(seventh: &Seventh, tokenizer: &mut Tokenizer) -> Self {
        let meaning = seventh.meaning.to_ascii_lowercase();
        let says = |words: &str| meaning.contains(words);
        let encounter = match () {
            () if says("subsequent encounter") => Some(Encounter::Subsequent),
            () if says("initial encounter") => Some(Encounter::Initial),
            () if says("sequela") => Some(Encounter::Sequela),
            () => None,
        };
        let opening = match () {
            () if says("iii") => Some(Opening::OpenThree),
            () if says("open fracture") => Some(Opening::Open),
            () if says("closed fracture") => Some(Opening::Closed),
            () => None,
        };
        let healing = match () {
            () if says("routine healing") => Some(Healing::Routine),
            () if says("delayed healing") => Some(Healing::Delayed),
            () if says("nonunion") => Some(Healing::Nonunion),
            () if says("malunion") => Some(Healing::Malunion),
            () => None,
        };
        let is_unsaid =
            says("unspecified") || says("without") || says("other") || encounter.is_some();
        let words = meaning.split(|letter: char| !letter.is_alphanumeric());
        let words = words.filter(|word| !is_unsaid && !word.is_empty() && !PLAIN.contains(word));
        Self {
            character: seventh.character,
            encounter,
            opening,
            healing,
            words: words.flat_map(|word| tokenizer.intern(word)).collect(),
            meaning,
        }
    }
}

/// Words of a meaning that a note need not say.
const PLAIN: &[&str] = &[
    "a", "at", "for", "in", "of", "or", "the", "to", "with", "stage",
];

/// Lets mentions of one condition that say nothing of the encounter follow the one that does.
pub(crate) fn agree<'a>(dictionary: &'a Dictionary, candidates: &mut [Candidate<'a>]) {
    let mut told: FxHashMap<u32, char> = FxHashMap::default();
    for candidate in candidates.iter() {
        if let Some(character) = candidate.seventh
            && let (Some(node), Some(_)) = (candidate.node, candidate.coded())
        {
            told.entry(dictionary.default_leaf(node).unwrap_or(node))
                .or_insert(character);
        }
    }
    if told.is_empty() {
        return;
    }
    for candidate in candidates {
        let Some(node) = candidate.node.filter(|_| candidate.seventh.is_none()) else {
            continue;
        };
        let leaf = dictionary.default_leaf(node).unwrap_or(node);
        if let (Some(character), Some(_)) = (told.get(&leaf), candidate.coded())
            && let Some(billable) = dictionary.billable_with(candidate.node, Some(*character))
        {
            candidate.mention.code = Some(billable.code);
            candidate.mention.title = billable.title;
        }
    }
}

/// The phrases of the table that say this.
fn phrases(name: &str) -> impl Iterator<Item = &'static str> {
    ENCOUNTERS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(move |line| line.split_once('\t').filter(|(said, _)| *said == name))
        .flat_map(|(_, phrases)| phrases.split("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Engine;

    fn codes(text: &str) -> Vec<crate::IcdCode> {
        let engine = Engine::new(Dictionary::fy2026());
        let coding = engine.code(text);
        let mut codes: Vec<_> = coding.codes.into_iter().map(|code| code.code).collect();
        codes.sort();
        codes
    }

    #[test]
    fn every_line_of_the_table_has_a_name_that_is_known_and_phrases() {
        for (name, _) in SAYINGS {
            assert!(phrases(name).count() > 0, "`{name}` has no line");
        }
        let lines = ENCOUNTERS.lines();
        let lines = lines.filter(|line| !line.starts_with('#') && !line.is_empty());
        assert_eq!(lines.count(), SAYINGS.len());
    }

    #[test]
    fn the_encounter_and_the_healing_are_read() {
        let cases: [(&str, &str); 6] = [
            ("Colles' fracture of left radius.", "S52.532A"),
            ("Colles' fracture of left radius, healing well.", "S52.532D"),
            ("Colles' fracture of left radius with nonunion.", "S52.532K"),
            (
                "Colles' fracture of left radius without nonunion.",
                "S52.532A",
            ),
            ("Sequela of Colles' fracture of left radius.", "S52.532S"),
            (
                "Colles' fracture of left radius, open, Gustilo IIIA.",
                "S52.532C",
            ),
        ];
        for (text, code) in cases {
            assert_eq!(codes(&format!("ASSESSMENT: {text}")), [code], "{text}");
        }
    }

    #[test]
    fn one_mention_tells_for_the_others_of_the_same_condition() {
        let note = "HPI: Colles' fracture of left radius.\n\
            ASSESSMENT: Colles' fracture of left radius with delayed healing.";
        assert_eq!(codes(note), ["S52.532G"]);
        let note = "HPI: Colles' fracture of left radius.\n\
            FAMILY HISTORY: Colles' fracture of left radius with delayed healing.";
        assert_eq!(codes(note), ["S52.532A"]);
    }

    #[test]
    fn other_characters_ask_for_their_words() {
        assert_eq!(
            codes("ASSESSMENT: Primary open-angle glaucoma of right eye, severe stage."),
            ["H40.1113"]
        );
    }
}
