//! Which of the words that may name a disease do, and which disease.
//!
//! Every term of the terminology that names a disease is a naming, those within longer ones
//! too. A linear model, learnt from abstracts whose diseases are marked, takes or leaves each.

mod feature_weights;
pub(crate) mod model;
mod named;
mod short_form;

use crate::Span;
use crate::dictionary::{Dictionary, Meaning, Origin, Sense};
use crate::token::Token;
use crate::trie::WordId;

pub(crate) use self::model::Model;
pub(crate) use self::named::Named;
pub(crate) use self::short_form::ShortForms;

/// The weights, written by `terminology learn-diseases`.
pub(crate) static WEIGHTS: &str = include_str!("../terminology/disease-model.tsv");

/// From this certainty on, 0 to 1, a naming counts.
pub(crate) const SURE_ENOUGH: f32 = 0.38;
/// How much a longer term speaks against the terms within it when it counts, and for them
/// when it does not.
const WITHIN: f32 = 2.0;

/// Words that may name a disease.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Naming {
    /// The words, as positions in the sentence: [`Naming::tokens`]. A long note keeps many namings.
    pub(crate) words: [u32; 2],
    /// The same in bytes of the text.
    pub(crate) span: Span,
    /// The concept with which they share words, by its place in the sentence or the note.
    pub(crate) concept: usize,
    pub(crate) disease: u32,
    /// How the name is known; see [`Meaning`].
    pub(crate) source: u8,
    /// Zero for what the words mean most often, one for the next, and so on.
    pub(crate) sense: u8,
    pub(crate) place: Place,
    /// The number of the last word.
    pub(crate) last: WordId,
    /// The words as one number; see [`model::phrase`].
    pub(crate) phrase: u64,
    /// What the model says of the words here.
    pub(crate) nearby: f32,
}

/// How a naming lies to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// No longer term holds it.
    Whole,
    /// A longer term ends with it.
    End,
    /// A longer term begins with it.
    Start,
    /// It lies within a longer term.
    Inside,
    /// Its words stand apart: the `breast cancer` of `breast and ovarian cancer`.
    Apart,
    /// A short form that the text defines.
    ShortForm,
    /// A short form that the text defines as something else.
    OtherShortForm,
}

impl Naming {
    /// The words, as positions in the sentence.
    pub(crate) fn tokens(&self) -> Span {
        Span::wide(self.words)
    }

    /// What the words mean, as the name of a disease alone.
    pub(crate) fn meaning(&self) -> Meaning {
        Meaning {
            disease: Some(self.disease),
            source: self.source,
            origin: Origin::Ontology,
            ..Meaning::NOTHING
        }
    }

    /// A disease that no term names, but several words together.
    pub(crate) fn composed(words: &[Token], tokens: Span, disease: u32) -> Self {
        let last = &words[tokens.end - 1];
        Self {
            words: tokens.narrow(),
            span: Span::new(words[tokens.start].span.start, last.span.end),
            concept: 0,
            disease,
            source: HEADING,
            sense: 0,
            place: Place::Whole,
            last: last.word,
            phrase: model::phrase(
                words[tokens.start..tokens.end]
                    .iter()
                    .map(|token| token.word),
            ),
            nearby: 0.0,
        }
    }

    /// A naming for each disease that the words may mean.
    pub(crate) fn each(
        dictionary: &Dictionary,
        tokens: Span,
        meaning: Meaning,
        place: Place,
    ) -> impl Iterator<Item = Self> {
        let senses = dictionary.senses(meaning).zip(0..);
        senses.map(move |(Sense { disease, source }, sense)| Self {
            words: tokens.narrow(),
            span: Span::default(),
            concept: 0,
            disease,
            source,
            sense,
            place,
            last: 0,
            phrase: 0,
            nearby: 0.0,
        })
    }
}

/// How the names of MeSH are known.
const HEADING: u8 = 18;

/// How sure each naming of a note is, in their order; of several senses only the surest counts.
pub(crate) fn sure(
    model: &Model,
    dictionary: &Dictionary,
    namings: &[Naming],
    hints: f32,
) -> Vec<f32> {
    let kind = model::kind(hints, namings.len());
    let named = Named::of(namings);
    let mut sure: Vec<_> = namings
        .iter()
        .map(|naming| naming.nearby + model.overall(dictionary, naming, kind, &named))
        .collect();
    weigh_within(namings, &mut sure);
    for score in &mut sure {
        *score = 1.0 / (1.0 + (-*score).exp());
    }
    let mut start = 0;
    for same in namings.chunk_by(|one, other| one.span == other.span) {
        let end = start + same.len();
        let best = sure[start..end].iter().copied().fold(0.0, f32::max);
        for score in &mut sure[start..end] {
            if *score < best {
                *score = 0.0;
            }
        }
        start = end;
    }
    sure
}

/// Lets each longest term, taken or left, speak on the terms within it.
fn weigh_within(namings: &[Naming], scores: &mut [f32]) {
    // The longest terms hold none of each other, so both their ends are in order.
    let mut wholes: Vec<(Span, bool)> = Vec::new();
    for (naming, score) in namings.iter().zip(&*scores) {
        if naming.place != Place::Whole {
            continue;
        }
        match wholes.last_mut() {
            Some((span, taken)) if *span == naming.span => *taken |= *score > 0.0,
            _ => wholes.push((naming.span, *score > 0.0)),
        }
    }
    let mut at = 0;
    for (naming, score) in namings.iter().zip(scores) {
        if !matches!(naming.place, Place::Start | Place::Inside | Place::End) {
            continue;
        }
        while wholes
            .get(at + 1)
            .is_some_and(|(next, _)| next.start <= naming.span.start)
        {
            at += 1;
        }
        let holds = |whole: &Span| whole.start <= naming.span.start && naming.span.end <= whole.end;
        match wholes.get(at).filter(|(whole, _)| holds(whole)) {
            Some((_, true)) => *score -= WITHIN,
            Some((_, false)) => *score += WITHIN,
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming(start: usize, end: usize, place: Place) -> Naming {
        Naming {
            words: Span::new(start, end).narrow(),
            span: Span::new(start, end),
            concept: 0,
            disease: 0,
            source: 0,
            sense: 0,
            place,
            last: 0,
            phrase: 0,
            nearby: 0.0,
        }
    }

    #[test]
    fn a_longer_term_that_counts_speaks_against_those_within() {
        let namings = [
            naming(0, 3, Place::Whole),
            naming(1, 3, Place::End),
            naming(5, 8, Place::Whole),
            naming(5, 6, Place::Start),
            naming(9, 10, Place::End),
        ];
        let mut scores = [1.0, 1.0, -1.0, -1.0, 0.5];
        weigh_within(&namings, &mut scores);
        let is_taken = scores.map(|score| score > 0.0);
        assert_eq!(is_taken, [true, false, false, true, true]);
    }
}
