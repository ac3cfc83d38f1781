//! The weights of the model's features, each kind where it is found with the fewest steps.

use super::model::{EDGE, Feature, Question, split};
use crate::weights::Weights;

/// A weight for each feature that was learnt, and zero for all others.
///
/// A naming asks for some thirty weights, of which most are of small numbers and of single
/// words: those stand in tables of their own, and only answers of several words are hashed.
#[derive(Clone, Debug, Default)]
pub(crate) struct FeatureWeights {
    /// Of questions that small numbers answer; see [`Question::among_numbers`].
    numbers: Vec<f32>,
    /// By the number of a word, what it weighs as the answer to each question of [`WORDS`].
    words: Vec<[f32; WORDS]>,
    /// What the edge of a sentence weighs in a word's place.
    edge: [f32; WORDS],
    others: Weights<f32>,
}

/// How many questions one word answers.
const WORDS: usize = 5;

impl Question {
    /// Where its weights stand among those of the questions that a word answers.
    #[inline]
    fn among_words(self) -> Option<usize> {
        Some(match self {
            Self::Last => 0,
            Self::First => 1,
            Self::Before => 2,
            Self::After => 3,
            Self::Hint => 4,
            _ => return None,
        })
    }

    /// Where the weight of an answer stands among those of small numbers.
    ///
    /// Each question has a part of its own; a larger answer stands with the others.
    #[inline]
    fn among_numbers(self, answer: u64) -> Option<usize> {
        match self {
            Self::Length => packed(0, answer, 0, [1, 8]),
            Self::Place => packed(8, answer, 0, [1, 8]),
            Self::Capital => packed(16, answer, 0, [1, 32]),
            Self::Names => packed(48, answer, 0, [1, 8]),
            Self::Often => packed(56, answer, 32, [3, 8]),
            Self::Alike => packed(80, answer, 32, [3, 8]),
            Self::PlaceWhole => packed(104, answer, 8, [2, 256]),
            Self::Source => packed(616, answer, 0, [1, 256]),
            Self::NamesSource => packed(872, answer, 8, [8, 256]),
            Self::Sense => packed(2920, answer, 8, [8, 256]),
            Self::SourceInKind => packed(4968, answer, 32, [3, 2048]),
            Self::PlaceSource => packed(11_112, answer, 16, [4, 2048]),
            _ => None,
        }
    }
}

/// How many weights of small numbers there are.
const NUMBERS: usize = 11_112 + 4 * 2048;

/// The place, behind `from`, of an answer of two numbers of which the upper begins at a bit,
/// when both are below these ends.
#[inline]
fn packed(from: usize, answer: u64, bit: u32, ends: [usize; 2]) -> Option<usize> {
    let (upper, lower) = match bit {
        0 => (0, answer),
        _ => (answer >> bit, answer & ((1 << bit) - 1)),
    };
    let [upper, lower] = [upper, lower].map(|half| usize::try_from(half).unwrap_or(usize::MAX));
    (upper < ends[0] && lower < ends[1]).then(|| from + upper * ends[1] + lower)
}

impl FeatureWeights {
    /// The weight of an answer to a question.
    ///
    /// Where the question is known as this is compiled, so is the table.
    #[inline]
    pub(crate) fn get(&self, question: Question, answer: u64) -> f32 {
        if let Some(column) = question.among_words() {
            self.of_word(answer)[column]
        } else if let Some(at) = question.among_numbers(answer) {
            self.numbers.get(at).copied().unwrap_or_default()
        } else {
            self.others.get(question.of(answer))
        }
    }

    #[inline]
    fn of_word(&self, word: u64) -> [f32; WORDS] {
        if word == EDGE {
            return self.edge;
        }
        let at = usize::try_from(word).unwrap_or(usize::MAX);
        self.words.get(at).copied().unwrap_or_default()
    }

    /// How many features have a weight.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        let words = self.words.iter().chain([&self.edge]).flatten();
        let weights = self.numbers.iter().chain(words);
        weights.filter(|weight| **weight != 0.0).count() + self.others.len()
    }
}

impl FromIterator<(Feature, f32)> for FeatureWeights {
    /// Of two weights for one feature the later one counts.
    fn from_iter<I: IntoIterator<Item = (Feature, f32)>>(weights: I) -> Self {
        let mut kept = Self {
            numbers: vec![0.0; NUMBERS],
            ..Self::default()
        };
        let mut others = Vec::new();
        for (feature, weight) in weights {
            let (question, answer) = split(feature);
            if let Some(column) = question.among_words() {
                let at = usize::try_from(answer).unwrap_or(usize::MAX);
                if answer == EDGE {
                    kept.edge[column] = weight;
                    continue;
                }
                if kept.words.len() <= at {
                    kept.words.resize(at + 1, [0.0; WORDS]);
                }
                kept.words[at][column] = weight;
            } else if let Some(at) = question.among_numbers(answer) {
                kept.numbers[at] = weight;
            } else {
                others.push((feature, weight));
            }
        }
        kept.others = others.into_iter().collect();
        kept
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A question by its number, and an answer such as it has: a word, a small number, or a
    /// number for a kind of text.
    fn asked() -> impl Strategy<Value = (usize, u64)> {
        let word = prop_oneof![0..100_u64, Just(EDGE)];
        let in_kind = (0..3_u64, 0..0x800_u64).prop_map(|(kind, low)| kind << 32 | low);
        let number = prop_oneof![0..100_u64, 0..0x4_0000_u64, in_kind];
        (0..Question::ALL.len(), word, number).prop_map(|(at, word, number)| {
            let is_word = Question::ALL[at].0.among_words().is_some();
            (at, if is_word { word } else { number })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_answer_has_its_own_weight(answers in proptest::collection::btree_map(asked(), 1..100_i16, 0..60)) {
            let features = answers.iter().map(|((question, answer), weight)| (Question::ALL[*question].0.of(*answer), f32::from(*weight)));
            let weights: FeatureWeights = features.collect();
            for ((question, answer), weight) in &answers {
                prop_assert_eq!(weights.get(Question::ALL[*question].0, *answer).to_bits(), f32::from(*weight).to_bits());
            }
            prop_assert_eq!(weights.len(), answers.len());
        }
    }
}
