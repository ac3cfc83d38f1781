//! Whether a mention is of the patient, of now, and so: cues and their scopes.
//!
//! A cue is a phrase beside a mention (`denies`, `history of`, `is ruled out`). It reaches
//! over the mentions on its side up to the end of the sentence or a phrase that closes
//! scopes (`but`, `presents with`). All cues are data: `terminology/assertion.tsv`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Span;
use crate::concept::Concept;
use crate::section::{SectionKind, SectionMeaning};
use crate::token::{Token, Tokenizer};
use crate::trie::Trie;

/// How a mention is asserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assertion {
    /// The patient has it.
    Present,
    /// The patient does not have it.
    Negated,
    /// The patient may have it.
    Possible,
    /// It might come.
    Hypothetical,
    /// The patient had it.
    Historical,
    /// A relative, or someone else, has it.
    Family,
}

/// When a mention holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Temporality {
    /// Now, or in this episode.
    Recent,
    /// Before this episode.
    Historical,
    /// Not at all yet.
    Hypothetical,
}

/// Whose a mention is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Experiencer {
    /// The patient's.
    Patient,
    /// Someone else's.
    Other,
}

/// What the cues around a mention, and its section, say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context<'c> {
    /// The sum of it.
    pub assertion: Assertion,
    /// When it holds.
    pub temporality: Temporality,
    /// Whose it is.
    pub experiencer: Experiencer,
    /// The cue that decided the assertion, or none where the section did.
    pub cue: Option<&'c str>,
}

/// What a cue does to the mentions in its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    Negated,
    Family,
    Hypothetical,
    Possible,
    Historical,
}

/// The number of effects.
const EFFECTS: usize = 5;

/// What closes scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Close {
    Every,
    Past,
}

/// A phrase that changes how mentions count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Cue {
    phrase: String,
    before: &'static [Effect],
    after: &'static [Effect],
    closes: Option<Close>,
    /// Whether a mention that holds the phrase is of the patient's background.
    is_background: bool,
}

/// All cues, ready to be found.
#[derive(Clone, Debug)]
pub(crate) struct Cues {
    trie: Trie,
    cues: Vec<Cue>,
}

/// A cue found in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FoundCue {
    /// Its tokens, as positions in the sentence.
    tokens: Span,
    cue: usize,
}

/// What the scopes of a sentence are worked out with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scopes {
    found: Vec<FoundCue>,
    /// The tokens that close every scope.
    marks: Vec<usize>,
    /// Of each concept, the cue behind each effect on it.
    effects: Vec<[Option<usize>; EFFECTS]>,
}

/// How many tokens a cue reaches back over to a mention before it.
const REACH_BACK: usize = 10;

static ASSERTION: &str = include_str!("../terminology/assertion.tsv");

impl Cues {
    /// The embedded cues, their words numbered by `tokenizer`.
    pub(crate) fn embedded(tokenizer: &mut Tokenizer) -> Self {
        let mut phrases: BTreeMap<Vec<u32>, Cue> = BTreeMap::new();
        for (line, phrase) in lines(ASSERTION) {
            let cue = phrases
                .entry(tokenizer.intern(phrase))
                .or_insert_with(|| Cue {
                    phrase: phrase.to_owned(),
                    ..Cue::default()
                });
            match line {
                Line::Effects(effects, Side::Before) => cue.before = effects,
                Line::Effects(effects, Side::After) => cue.after = effects,
                Line::Close(close) => cue.closes = Some(close),
                Line::Background => cue.is_background = true,
                Line::Nothing => {}
            }
        }
        let trie = Trie::new(
            phrases
                .keys()
                .zip(0..)
                .map(|(words, number)| (words.clone(), number)),
        );
        Self {
            trie,
            cues: phrases.into_values().collect(),
        }
    }

    /// The cues of a sentence; words of a concept belong to it alone.
    fn find(&self, tokens: &[Token], concepts: &[Concept], found: &mut Vec<FoundCue>) {
        found.clear();
        let mut at = 0;
        for free in concepts
            .iter()
            .map(|concept| concept.tokens)
            .chain([Span::new(tokens.len(), tokens.len())])
        {
            while at < free.start {
                if !self.trie.may_begin(tokens[at].words()) {
                    at += 1;
                    continue;
                }
                let words = tokens[at..free.start].iter().map(Token::words);
                match self.trie.longest(words) {
                    Some(cue) => {
                        found.push(FoundCue {
                            tokens: Span::new(at, at + cue.words),
                            cue: cue.value as usize,
                        });
                        at += cue.words;
                    }
                    None => at += 1,
                }
            }
            at = at.max(free.end);
        }
    }

    /// Adds what the cues and the section say of each concept, in their order, in linear time,
    /// with buffers that serve one sentence after the other.
    pub(crate) fn append_contexts<'c>(
        &'c self,
        tokens: &[Token],
        concepts: &[Concept],
        section: SectionKind,
        scopes: &mut Scopes,
        contexts: &mut Vec<Context<'c>>,
    ) {
        let Scopes {
            found,
            marks,
            effects,
        } = scopes;
        self.find(tokens, concepts, found);
        marks.clear();
        marks.extend((0..tokens.len()).filter(|at| tokens[*at].closes));
        effects.clear();
        effects.resize(concepts.len(), [None; EFFECTS]);
        if !found.is_empty() {
            self.sweep_forward(concepts, found, marks, effects);
            self.sweep_backward(tokens, concepts, found, marks, effects);
        }
        contexts.extend(effects.iter().zip(concepts).map(|(effects, concept)| {
            let is_background =
                self.is_background(&tokens[concept.tokens.start..concept.tokens.end]);
            self.context(effects, section, is_background)
        }));
    }

    /// Whether a phrase within a mention says that it is of the patient's background.
    fn is_background(&self, mention: &[Token]) -> bool {
        (0..mention.len()).any(|at| {
            self.trie.may_begin(mention[at].words())
                && self
                    .trie
                    .longest(mention[at..].iter().map(Token::words))
                    .is_some_and(|found| self.cues[found.value as usize].is_background)
        })
    }

    fn sweep_forward(
        &self,
        concepts: &[Concept],
        found: &[FoundCue],
        marks: &[usize],
        effects: &mut [[Option<usize>; EFFECTS]],
    ) {
        let mut active = [None; EFFECTS];
        let mut cues = found.iter().peekable();
        let mut marks = marks.iter().peekable();
        for (concept, effects) in concepts.iter().zip(effects) {
            let reached = concept.tokens.start;
            loop {
                let cue = cues.peek().map_or(usize::MAX, |cue| cue.tokens.start);
                let mark = marks.peek().map_or(usize::MAX, |mark| **mark);
                if cue.min(mark) >= reached {
                    break;
                }
                if mark < cue {
                    marks.next();
                    active = [None; EFFECTS];
                } else if let Some(cue) = cues.next() {
                    let what = &self.cues[cue.cue];
                    close(what, &mut active);
                    for effect in what.before {
                        active[*effect as usize] = Some(cue.cue);
                    }
                }
            }
            for (effect, active) in effects.iter_mut().zip(active) {
                *effect = effect.or(active);
            }
        }
    }

    fn sweep_backward(
        &self,
        tokens: &[Token],
        concepts: &[Concept],
        found: &[FoundCue],
        marks: &[usize],
        effects: &mut [[Option<usize>; EFFECTS]],
    ) {
        let mut active: [Option<(usize, usize)>; EFFECTS] = [None; EFFECTS];
        let mut cues = found.iter().rev().peekable();
        let mut marks = marks.iter().rev().peekable();
        for (concept, effects) in concepts.iter().zip(effects).rev() {
            let reached = concept.tokens.end;
            loop {
                let cue = cues
                    .peek()
                    .filter(|cue| cue.tokens.start >= reached)
                    .map(|cue| cue.tokens.start);
                let mark = marks
                    .peek()
                    .filter(|mark| ***mark >= reached)
                    .map(|mark| **mark);
                if cue.is_none() && mark.is_none() {
                    break;
                }
                if mark > cue {
                    marks.next();
                    active = [None; EFFECTS];
                } else if let Some(cue) = cues.next() {
                    let what = &self.cues[cue.cue];
                    close(what, &mut active);
                    // What also stands before mentions (`denies`) belongs to those that follow, if any do.
                    let follows = tokens[cue.tokens.end..]
                        .iter()
                        .take(2)
                        .any(|token| token.span.len() > 1);
                    if what.before.is_empty() || !follows {
                        for effect in what.after {
                            active[*effect as usize] = Some((cue.cue, cue.tokens.start));
                        }
                    }
                }
            }
            for (effect, active) in effects.iter_mut().zip(active) {
                let near = active.filter(|(_, start)| start - reached <= REACH_BACK);
                *effect = effect.or(near.map(|(cue, _)| cue));
            }
        }
    }

    fn context(
        &self,
        effects: &[Option<usize>; EFFECTS],
        section: SectionKind,
        is_background: bool,
    ) -> Context<'_> {
        let has = |effect: Effect| effects[effect as usize].is_some();
        let meaning = section.meaning();
        let is_family = has(Effect::Family) || meaning == SectionMeaning::Family;
        let is_hypothetical = has(Effect::Hypothetical) || meaning == SectionMeaning::Advice;
        let is_historical = has(Effect::Historical) || meaning == SectionMeaning::History;
        let (assertion, effect) = if has(Effect::Negated) {
            (Assertion::Negated, Effect::Negated)
        } else if is_family {
            (Assertion::Family, Effect::Family)
        } else if is_hypothetical {
            (Assertion::Hypothetical, Effect::Hypothetical)
        } else if has(Effect::Possible) {
            (Assertion::Possible, Effect::Possible)
        } else if is_historical {
            (Assertion::Historical, Effect::Historical)
        } else {
            (Assertion::Present, Effect::Historical)
        };
        Context {
            assertion,
            // What a relative had lies in the past, whatever it makes the patient wary of.
            temporality: if is_hypothetical && !(is_family && is_historical) {
                Temporality::Hypothetical
            } else if is_historical || is_background || section.is_background() {
                Temporality::Historical
            } else {
                Temporality::Recent
            },
            experiencer: if is_family {
                Experiencer::Other
            } else {
                Experiencer::Patient
            },
            cue: effects[effect as usize].map(|cue| self.cues[cue].phrase.as_str()),
        }
    }
}

fn close<T: Copy>(cue: &Cue, active: &mut [Option<T>; EFFECTS]) {
    match cue.closes {
        Some(Close::Every) => *active = [None; EFFECTS],
        Some(Close::Past) => active[Effect::Historical as usize] = None,
        None => {}
    }
}

enum Side {
    Before,
    After,
}

enum Line {
    Effects(&'static [Effect], Side),
    Close(Close),
    Background,
    Nothing,
}

/// Every phrase of the file with what its line says.
fn lines(tsv: &str) -> impl Iterator<Item = (Line, &str)> {
    tsv.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .flat_map(|line| {
            let mut columns = line.split('\t');
            let kind = columns.next().unwrap_or_default();
            let side = columns.next().unwrap_or_default();
            let phrases = columns.next().unwrap_or_default();
            phrases
                .split("; ")
                .filter_map(move |phrase| Some((said(kind, side)?, phrase)))
        })
}

fn said(kind: &str, side: &str) -> Option<Line> {
    let effects: &[Effect] = match kind {
        "negated" => &[Effect::Negated],
        "negated historical" => &[Effect::Negated, Effect::Historical],
        "family" => &[Effect::Family],
        "family historical" => &[Effect::Family, Effect::Historical],
        "hypothetical" => &[Effect::Hypothetical],
        "possible" => &[Effect::Possible],
        "historical" => &[Effect::Historical],
        "end" => return Some(Line::Close(Close::Every)),
        "now" => return Some(Line::Close(Close::Past)),
        "background" => return Some(Line::Background),
        "none" => return Some(Line::Nothing),
        _ => return None,
    };
    match side {
        "before" => Some(Line::Effects(effects, Side::Before)),
        "after" => Some(Line::Effects(effects, Side::After)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_cues_is_understood_and_no_phrase_contradicts_another() {
        let mut seen: BTreeMap<(&str, bool), &str> = BTreeMap::new();
        for line in ASSERTION
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
        {
            let columns: Vec<_> = line.split('\t').collect();
            assert_eq!(columns.len(), 3, "{line}");
            assert!(said(columns[0], columns[1]).is_some(), "{line}");
            for phrase in columns[2].split("; ") {
                let sides = match columns[1] {
                    "before" => vec![true],
                    "after" => vec![false],
                    _ => vec![true, false],
                };
                for side in sides {
                    let earlier = seen.insert((phrase, side), columns[0]);
                    assert!(
                        earlier.is_none(),
                        "`{phrase}` is both `{}` and `{}`",
                        earlier.unwrap_or_default(),
                        columns[0]
                    );
                }
            }
        }
    }

    fn context_of(text: &str, target: &str) -> (Assertion, Temporality) {
        let start = text.find(target).unwrap();
        let engine = crate::Engine::new(crate::Dictionary::fy2026());
        let mention = engine.assert_target(text, Span::new(start, start + target.len()));
        (mention.assertion, mention.temporality)
    }

    #[test]
    fn what_never_was_is_negated_and_of_the_past() {
        let denied = (Assertion::Negated, Temporality::Historical);
        assert_eq!(context_of("No history of seizures.", "seizures"), denied);
        assert_eq!(context_of("She has no known asthma.", "asthma"), denied);
    }

    #[test]
    fn habits_are_background_and_what_has_resolved_is_gone() {
        let smoker = context_of("He is a smoker with a cough.", "smoker");
        assert_eq!(smoker, (Assertion::Present, Temporality::Historical));
        let weakness = context_of(
            "Leg weakness, although it resolved within a day.",
            "weakness",
        );
        assert_eq!(weakness.0, Assertion::Negated);
        let ileus = context_of("Postoperative ileus, resolved.", "ileus");
        assert_eq!(ileus, (Assertion::Negated, Temporality::Recent));
    }

    #[test]
    fn a_chronic_condition_alone_in_its_sentence_was_there_before() {
        let alone = context_of("Hypertension.", "Hypertension");
        assert_eq!(alone, (Assertion::Present, Temporality::Historical));
        let told = context_of("Hypertension worsened.", "Hypertension");
        assert_eq!(told, (Assertion::Present, Temporality::Recent));
    }

    #[test]
    fn an_item_of_a_list_without_line_breaks_ends_the_scope() {
        let text = "Complications: None  1) Sigmoid polyp  2) Hemorrhoids";
        assert_eq!(context_of(text, "Sigmoid polyp").0, Assertion::Present);
        assert_eq!(context_of(text, "Hemorrhoids").0, Assertion::Present);
    }
}
