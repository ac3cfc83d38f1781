//! A linear model of which words that may name a disease do.
//!
//! It looks only at words that a term has matched, and at their neighbours.

use rustc_hash::FxHashMap;

use super::Naming;
use super::feature_weights::FeatureWeights;
use super::named::Named;
use crate::dictionary::Dictionary;
use crate::token::{Token, Tokenizer};
use crate::trie::WordId;

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

    /// The feature of this answer to it.
    pub(crate) fn of(self, answer: u64) -> Feature {
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
pub(crate) const EDGE: u64 = (1 << 27) - 1;
/// How far a text's hints must lean, on average, to tell its kind.
const LEAN: f32 = 0.25;

/// The weights.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    weights: FeatureWeights,
    /// What is the same at each naming of a disease, by disease.
    diseases: Vec<DiseaseWeights>,
}

/// The weights of a disease itself, summed once.
#[derive(Clone, Copy, Debug, Default)]
struct DiseaseWeights {
    anywhere: f32,
    /// By the kind of text, from -1 to 1.
    in_kind: [f32; 3],
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
        let weights: FeatureWeights = weights.into_iter().collect();
        let sum = |answers: &mut dyn Iterator<Item = (Question, u64)>| -> f32 {
            answers
                .map(|(question, answer)| weights.get(question, answer))
                .sum()
        };
        let diseases = (0..dictionary.diseases()).map(|disease| DiseaseWeights {
            anywhere: sum(&mut of_disease(dictionary, disease)),
            in_kind: [-1, 0, 1].map(|kind| sum(&mut of_disease_in_kind(dictionary, disease, kind))),
        });
        Self {
            diseases: diseases.collect(),
            weights,
        }
    }

    /// The weight of a feature.
    #[cfg(feature = "build")]
    pub(crate) fn weight(&self, feature: Feature) -> f32 {
        let (question, answer) = split(feature);
        self.weights.get(question, answer)
    }

    /// How much the words at a place speak for a disease there.
    pub(crate) fn nearby(&self, text: &str, tokens: &[Token], naming: &Naming) -> f32 {
        let mut said = 0.0;
        of_words(text, tokens, naming, |question, answer| {
            said += self.weights.get(question, answer);
        });
        said + self.diseases[naming.disease as usize].anywhere
    }

    /// How much the whole text speaks for a naming.
    pub(crate) fn overall(
        &self,
        dictionary: &Dictionary,
        naming: &Naming,
        kind: i32,
        named: &Named,
    ) -> f32 {
        let mut said = 0.0;
        of_text(dictionary, naming, kind, named, |question, answer| {
            said += self.weights.get(question, answer);
        });
        let in_kind = &self.diseases[naming.disease as usize].in_kind;
        said + in_kind[(kind + 1).unsigned_abs().min(2) as usize]
    }

    /// What the words around a naming say of the kind of text.
    pub(crate) fn hint(&self, tokens: &[Token], naming: &Naming) -> f32 {
        words_around(tokens, naming)
            .map(|word| self.weights.get(Question::Hint, word))
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

/// What is asked of a disease wherever it is named, with the answers.
fn of_disease(dictionary: &Dictionary, disease: u32) -> impl Iterator<Item = (Question, u64)> {
    let groups = each_bit(dictionary.groups(disease));
    [
        (Question::Always, 0),
        (Question::Disease, u64::from(disease)),
    ]
    .into_iter()
    .chain(groups.map(|group| (Question::Group, group)))
}

/// What is asked of a disease in a kind of text, with the answers.
fn of_disease_in_kind(
    dictionary: &Dictionary,
    disease: u32,
    kind: i32,
) -> impl Iterator<Item = (Question, u64)> {
    let side = move |answer: u64| in_kind(kind, answer);
    let groups = each_bit(dictionary.groups(disease));
    std::iter::once((Question::Kind, side(0)))
        .chain(groups.map(move |group| (Question::GroupInKind, side(group))))
}

/// Shows what is asked of the words at a place, with the answers.
#[inline]
fn of_words(text: &str, tokens: &[Token], naming: &Naming, mut see: impl FnMut(Question, u64)) {
    let (start, end) = (naming.tokens().start, naming.tokens().end);
    let before = word(tokens, start.checked_sub(1));
    let after = word(tokens, Some(end));
    let (first, last) = (word(tokens, Some(start)), word(tokens, Some(end - 1)));
    let (place, source) = (naming.place as u64, u64::from(naming.source));
    let length = (end - start) as u64;
    let bytes = naming.span.of(text).as_bytes();
    let ending = bytes.iter().rev().take(5).fold(0, |all, byte| {
        all << 8 | u64::from(byte.to_ascii_lowercase())
    });
    let capitals = bytes
        .iter()
        .filter(|byte| byte.is_ascii_uppercase())
        .count();
    see(Question::Phrase, naming.phrase);
    see(Question::Last, last);
    see(Question::First, first);
    see(Question::Before, before);
    see(Question::After, after);
    let two_before = word(tokens, start.checked_sub(2));
    see(Question::TwoBefore, two(two_before, before));
    see(Question::Length, length.min(5));
    see(Question::Place, place);
    see(Question::Source, source);
    see(
        Question::PlaceSource,
        length.min(3) << 16 | place << 8 | source,
    );
    see(Question::Sense, u64::from(naming.sense) << 8 | source);
    see(Question::LastBefore, two(before, last));
    see(Question::LastAfter, two(last, after));
    see(Question::Ending, ending);
    let long = bytes.len().min(7);
    see(Question::Capital, (capitals.min(3) * 8 + long) as u64);
}

/// Shows what is asked of a naming within the whole text, with the answers.
#[inline]
fn of_text(
    dictionary: &Dictionary,
    naming: &Naming,
    kind: i32,
    named: &Named,
    mut see: impl FnMut(Question, u64),
) {
    let side = |answer: u64| in_kind(kind, answer);
    let groups = dictionary.groups(naming.disease);
    let numbering = u64::from(groups >> 29 & 6 | groups & 1);
    let of_disease = named.disease(naming.disease);
    let called = of_disease.names.count();
    let (whole, source) = (u64::from(of_disease.is_whole), u64::from(naming.source));
    see(Question::LastInKind, side(u64::from(naming.last)));
    see(Question::SourceInKind, side(numbering << 8 | source));
    see(Question::Often, side(of_disease.often.min(4).into()));
    see(Question::Names, called);
    see(Question::NamesSource, called << 8 | source);
    see(Question::PlaceWhole, whole << 8 | naming.place as u64);
    see(Question::Alike, side(named.alike(naming.last)));
}

/// All features of a naming that its sentence tells.
#[cfg(feature = "build")]
pub(crate) fn nearby(
    dictionary: &Dictionary,
    text: &str,
    tokens: &[Token],
    naming: &Naming,
) -> Vec<Feature> {
    let mut features: Vec<_> = of_disease(dictionary, naming.disease)
        .map(|(question, answer)| question.of(answer))
        .collect();
    of_words(text, tokens, naming, |question, answer| {
        features.push(question.of(answer));
    });
    features
}

/// All features of a naming that the whole text tells.
#[cfg(feature = "build")]
pub(crate) fn overall(
    dictionary: &Dictionary,
    naming: &Naming,
    kind: i32,
    named: &Named,
) -> Vec<Feature> {
    let mut features: Vec<_> = of_disease_in_kind(dictionary, naming.disease, kind)
        .map(|(question, answer)| question.of(answer))
        .collect();
    of_text(dictionary, naming, kind, named, |question, answer| {
        features.push(question.of(answer));
    });
    features
}

/// The words near a naming, as features of the kind of text.
#[cfg(feature = "build")]
pub(crate) fn hints(tokens: &[Token], naming: &Naming) -> impl Iterator<Item = Feature> {
    words_around(tokens, naming).map(|word| Question::Hint.of(word))
}

/// The words near a naming.
fn words_around(tokens: &[Token], naming: &Naming) -> impl Iterator<Item = u64> {
    let (start, end) = (naming.tokens().start, naming.tokens().end);
    let before = tokens[start.saturating_sub(3)..start].iter();
    let after = tokens[end..tokens.len().min(end + 3)].iter();
    before
        .chain(after)
        .filter(|token| token.word != 0)
        .map(|token| u64::from(token.word))
}

fn each_bit(mut bits: u32) -> impl Iterator<Item = u64> {
    std::iter::from_fn(move || {
        let bit = (bits != 0).then(|| bits.trailing_zeros().into());
        bits &= bits.saturating_sub(1);
        bit
    })
}

/// Splits a feature into its question and answer.
pub(crate) fn split(feature: Feature) -> (Question, u64) {
    let number = usize::try_from(feature >> SHIFT).unwrap_or(0);
    let (question, ..) = Question::ALL[number];
    (question, feature & ((1 << SHIFT) - 1))
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
