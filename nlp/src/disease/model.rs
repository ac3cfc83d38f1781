//! A linear model of which words that may name a disease do.
//!
//! It looks only at words that a term has matched, and at their neighbours.

use rustc_hash::FxHashMap;

use super::Naming;
use super::named::Named;
use crate::dictionary::Dictionary;
use crate::token::{Token, Tokenizer};
use crate::trie::WordId;
use crate::weights::Weights;

/// A feature: which question is asked (the upper bits) and the answer to it.
pub(crate) type Feature = u64;

/// A question about a naming; its place in [`Question::ALL`] is its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    Always,
    Disease,
    Phrase,
    Last,
    First,
    Before,
    After,
    TwoBefore,
    Length,
    Place,
    Source,
    Group,
    Kind,
    LastInKind,
    SourceInKind,
    GroupInKind,
    Often,
    PlaceSource,
    /// The last letters of the last word.
    Ending,
    /// How many capitals the words have, by length.
    Capital,
    /// Which of the senses of the words it is; with how each is known.
    Sense,
    /// The last word with the word before or after.
    LastBefore,
    LastAfter,
    /// What a word near a naming says of the kind of text; summed over the note.
    Hint,
    /// By how many names the text calls the disease; with how this one is known.
    Names,
    NamesSource,
    /// Whether the disease is named outside of longer terms, with how this naming lies.
    PlaceWhole,
    /// How many names of the text end with the same word.
    Alike,
}

impl Question {
    pub(crate) const ALL: [(Self, &'static str, Answer); 28] = [
        (Self::Always, "always", Answer::Number),
        (Self::Disease, "disease", Answer::Disease),
        (Self::Phrase, "phrase", Answer::Phrase),
        (Self::Last, "last", Answer::Word),
        (Self::First, "first", Answer::Word),
        (Self::Before, "before", Answer::Word),
        (Self::After, "after", Answer::Word),
        (Self::TwoBefore, "two_before", Answer::Words),
        (Self::Length, "length", Answer::Number),
        (Self::Place, "place", Answer::Number),
        (Self::Source, "source", Answer::Number),
        (Self::Group, "group", Answer::Number),
        (Self::Kind, "kind", Answer::Number),
        (Self::LastInKind, "last_in_kind", Answer::WordInKind),
        (Self::SourceInKind, "source_in_kind", Answer::Number),
        (Self::GroupInKind, "group_in_kind", Answer::Number),
        (Self::Often, "often", Answer::Number),
        (Self::PlaceSource, "place_source", Answer::Number),
        (Self::Ending, "ending", Answer::Number),
        (Self::Capital, "capital", Answer::Number),
        (Self::Sense, "sense", Answer::Number),
        (Self::LastBefore, "last_before", Answer::Words),
        (Self::LastAfter, "last_after", Answer::Words),
        (Self::Hint, "hint", Answer::Word),
        (Self::Names, "names", Answer::Number),
        (Self::NamesSource, "names_source", Answer::Number),
        (Self::PlaceWhole, "place_whole", Answer::Number),
        (Self::Alike, "alike", Answer::Number),
    ];

    fn of(self, answer: u64) -> Feature {
        (self as u64) << SHIFT | answer & ((1 << SHIFT) - 1)
    }
}

/// How the answer to a question is written in the file of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Number,
    /// A word in the form in which it is compared.
    Word,
    /// Two words.
    Words,
    /// All words of a term.
    Phrase,
    /// The id of a disease.
    Disease,
    /// A kind of text and a word.
    WordInKind,
}

/// Bits of a feature that hold the answer.
const SHIFT: u32 = 58;
/// The number of no word: the edge of a sentence.
const EDGE: u64 = (1 << 27) - 1;
/// How far a text's hints must lean, on average, to tell its kind.
const LEAN: f32 = 0.25;

/// The weights.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    weights: Weights<f32>,
}

impl Model {
    /// Reads the weights (question, answer, weight; tabs between), numbering their words.
    ///
    /// A disease that this dictionary does not have is left out, and so is a line that is not
    /// in order: the file is written by this crate and tested with it.
    pub(crate) fn read(tsv: &str, dictionary: &Dictionary, tokenizer: &mut Tokenizer) -> Self {
        let questions: FxHashMap<&str, (Question, Answer)> = Question::ALL
            .into_iter()
            .map(|(question, name, answer)| (name, (question, answer)))
            .collect();
        let mut weights = Vec::new();
        for line in tsv.lines().filter(|line| !line.starts_with('#')) {
            let mut fields = line.split('\t');
            let (Some(name), Some(answer), Some(weight)) =
                (fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            let (Some((question, kind)), Ok(weight)) = (questions.get(name), weight.parse()) else {
                continue;
            };
            if let Some(answer) = number(*kind, answer, dictionary, tokenizer) {
                weights.push((question.of(answer), weight));
            }
        }
        Self {
            weights: weights.into_iter().collect(),
        }
    }

    pub(crate) fn weight(&self, feature: Feature) -> f32 {
        self.weights.get(feature)
    }

    /// How much the words at a place speak for a disease there.
    pub(crate) fn nearby(
        &self,
        dictionary: &Dictionary,
        text: &str,
        tokens: &[Token],
        naming: &Naming,
    ) -> f32 {
        let mut sum = 0.0;
        nearby(dictionary, text, tokens, naming, |feature| {
            sum += self.weight(feature);
        });
        sum
    }

    /// How much the whole text speaks for a naming.
    pub(crate) fn overall(
        &self,
        dictionary: &Dictionary,
        naming: &Naming,
        kind: i32,
        named: &Named,
    ) -> f32 {
        let mut sum = 0.0;
        overall(dictionary, naming, kind, named, |feature| {
            sum += self.weight(feature);
        });
        sum
    }

    /// What the words around a naming say of the kind of text.
    pub(crate) fn hint(&self, tokens: &[Token], naming: &Naming) -> f32 {
        hints(tokens, naming)
            .map(|feature| self.weight(feature))
            .sum()
    }
}

/// The kind of a text from the sum of its hints: -1, 0 or 1.
pub(crate) fn kind(hints: f32, namings: usize) -> i32 {
    #[expect(clippy::cast_precision_loss, reason = "a mean needs no more")]
    let mean = hints / namings.max(1) as f32;
    if mean > LEAN {
        1
    } else if mean < -LEAN {
        -1
    } else {
        0
    }
}

fn number(
    kind: Answer,
    answer: &str,
    dictionary: &Dictionary,
    tokenizer: &mut Tokenizer,
) -> Option<u64> {
    let mut word = |word: &str| match word {
        "^" => EDGE,
        _ => tokenizer.intern_form(word).into(),
    };
    let split = || answer.split_once(' ');
    Some(match kind {
        Answer::Number => answer.parse().ok()?,
        Answer::Word => word(answer),
        Answer::Words => {
            let (first, second) = split()?;
            two(word(first), word(second))
        }
        Answer::Phrase => {
            let mut all = Vec::new();
            for part in answer.split(' ') {
                all.push(WordId::try_from(word(part)).ok()?);
            }
            phrase(all)
        }
        Answer::Disease => dictionary.disease_numbered(answer).map(u64::from)?,
        Answer::WordInKind => {
            let (kind, form) = split()?;
            in_kind(kind.parse().ok()?, word(form))
        }
    })
}

fn two(first: u64, second: u64) -> u64 {
    first << 27 | second
}

fn in_kind(kind: i32, answer: u64) -> u64 {
    u64::from((kind + 1).unsigned_abs()) << 32 | answer
}

/// All words of a term as one number; two terms hardly ever share it.
pub(crate) fn phrase(words: impl IntoIterator<Item = WordId>) -> u64 {
    words.into_iter().fold(0, |all: u64, word| {
        (all.rotate_left(5) ^ u64::from(word)).wrapping_mul(0x517c_c1b7_2722_0a95)
    }) >> (64 - SHIFT)
}

/// The number of the word at a place, or of the edge.
fn word(tokens: &[Token], at: Option<usize>) -> u64 {
    at.and_then(|at| tokens.get(at))
        .map_or(EDGE, |token| u64::from(token.word))
}

/// The features of the words at a place.
pub(crate) fn nearby(
    dictionary: &Dictionary,
    text: &str,
    tokens: &[Token],
    naming: &Naming,
    mut see: impl FnMut(Feature),
) {
    let (start, end) = (naming.tokens.start, naming.tokens.end);
    let before = word(tokens, start.checked_sub(1));
    let after = word(tokens, Some(end));
    see(Question::Always.of(0));
    see(Question::Disease.of(u64::from(naming.disease)));
    see(Question::Phrase.of(naming.phrase));
    see(Question::Last.of(word(tokens, Some(end - 1))));
    see(Question::First.of(word(tokens, Some(start))));
    see(Question::Before.of(before));
    see(Question::After.of(after));
    see(Question::TwoBefore.of(two(word(tokens, start.checked_sub(2)), before)));
    see(Question::Length.of((end - start).min(5) as u64));
    see(Question::Place.of(naming.place as u64));
    see(Question::Source.of(u64::from(naming.source)));
    let length = (end - start).min(3) as u64;
    see(Question::PlaceSource
        .of(length << 16 | (naming.place as u64) << 8 | u64::from(naming.source)));
    see(Question::Sense.of(u64::from(naming.sense) << 8 | u64::from(naming.source)));
    let last = word(tokens, Some(end - 1));
    see(Question::LastBefore.of(two(before, last)));
    see(Question::LastAfter.of(two(last, after)));
    let bytes = naming.span.of(text).as_bytes();
    let ending = bytes.iter().rev().take(5);
    see(Question::Ending.of(ending.fold(0, |all, byte| {
        all << 8 | u64::from(byte.to_ascii_lowercase())
    })));
    let capitals = bytes
        .iter()
        .filter(|byte| byte.is_ascii_uppercase())
        .count();
    see(Question::Capital.of((capitals.min(3) * 8 + bytes.len().min(7)) as u64));
    each_bit(dictionary.groups(naming.disease), |group| {
        see(Question::Group.of(group));
    });
}

/// The features of a naming within the whole text.
pub(crate) fn overall(
    dictionary: &Dictionary,
    naming: &Naming,
    kind: i32,
    named: &Named,
    mut see: impl FnMut(Feature),
) {
    let side = |answer: u64| in_kind(kind, answer);
    see(Question::Kind.of(side(0)));
    see(Question::LastInKind.of(side(u64::from(naming.last))));
    let groups = dictionary.groups(naming.disease);
    let numbering = u64::from(groups >> 29 & 6 | groups & 1);
    see(Question::SourceInKind.of(side(numbering << 8 | u64::from(naming.source))));
    let of_disease = named.disease(naming.disease);
    see(Question::Often.of(side(of_disease.often.min(4).into())));
    let different = of_disease.names.count();
    see(Question::Names.of(different));
    see(Question::NamesSource.of(different << 8 | u64::from(naming.source)));
    let whole = u64::from(of_disease.is_whole);
    see(Question::PlaceWhole.of(whole << 8 | naming.place as u64));
    see(Question::Alike.of(side(named.alike(naming.last))));
    each_bit(dictionary.groups(naming.disease), |group| {
        see(Question::GroupInKind.of(side(group)));
    });
}

/// The words near a naming, as features of the kind of text.
pub(crate) fn hints(tokens: &[Token], naming: &Naming) -> impl Iterator<Item = Feature> {
    let (start, end) = (naming.tokens.start, naming.tokens.end);
    let before = tokens[start.saturating_sub(3)..start].iter();
    let after = tokens[end..tokens.len().min(end + 3)].iter();
    before
        .chain(after)
        .filter(|token| token.word != 0)
        .map(|token| Question::Hint.of(u64::from(token.word)))
}

fn each_bit(bits: u32, mut see: impl FnMut(u64)) {
    let mut bits = bits;
    while bits != 0 {
        see(u64::from(bits.trailing_zeros()));
        bits &= bits - 1;
    }
}

/// Splits a feature into its question and answer.
#[cfg(feature = "build")]
pub(crate) fn split(feature: Feature) -> (usize, u64) {
    (
        usize::try_from(feature >> SHIFT).unwrap_or(0),
        feature & ((1 << SHIFT) - 1),
    )
}

/// The parts of an answer of two words, or of a kind of text and a number.
#[cfg(feature = "build")]
pub(crate) fn parts(kind: Answer, answer: u64) -> (u64, u64) {
    match kind {
        Answer::Words => (answer >> 27, answer & EDGE),
        _ => (answer >> 32, answer & 0xffff_ffff),
    }
}

#[cfg(feature = "build")]
pub(crate) fn is_edge(word: u64) -> bool {
    word == EDGE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disease::WEIGHTS;

    #[test]
    fn every_weight_is_read() {
        let dictionary = Dictionary::fy2026();
        let mut tokenizer = Tokenizer::new(dictionary.vocabulary().clone());
        let model = Model::read(WEIGHTS, &dictionary, &mut tokenizer);
        let lines = WEIGHTS.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(model.weights.len(), lines.count());
    }

    #[test]
    fn a_leaning_tells_the_kind_of_a_text() {
        assert_eq!([kind(3.0, 4), kind(-3.0, 4), kind(0.1, 4)], [1, -1, 0]);
        assert_eq!(kind(0.0, 0), 0);
    }
}
