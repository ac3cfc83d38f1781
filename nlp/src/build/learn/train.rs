//! Weights from examples: logistic regression by stochastic steps, the same on every run.
//!
//! What is to be told right is a disease of a text, not each of its namings: the surer a
//! naming, the more it speaks for its disease, and the more it learns from it.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::disease::model::Feature;

/// A disease of a text: the features of each naming, and whether it counts.
#[derive(Clone, Debug)]
pub(super) struct Example {
    pub(super) namings: Vec<Vec<Feature>>,
    pub(super) counts: bool,
}

const ROUNDS: usize = 20;
/// The weights are the mean of those after each of so many last rounds.
const AVERAGED: u8 = 10;
const STEP: f32 = 0.12;
/// How strongly weights are pulled towards zero.
const DECAY: f32 = 2e-3;
/// The steps of a feature begin as if its slopes had come to this already.
const FIRST_SQUARE: f32 = 0.1;
/// A feature must occur in this many namings for its weight to be kept. Those of rarer ones
/// take up what is peculiar to one naming, so that the others need not learn it.
const LEAST: usize = 2;

/// The weights that tell the examples apart best.
pub(super) fn train(examples: &[Example]) -> FxHashMap<Feature, f32> {
    let mut occurs: BTreeMap<Feature, usize> = BTreeMap::new();
    let namings = examples.iter().flat_map(|example| &example.namings);
    for feature in namings.flatten() {
        *occurs.entry(*feature).or_insert(0) += 1;
    }
    let places: FxHashMap<Feature, usize> = occurs.keys().copied().zip(0..).collect();
    let rows: Vec<(Vec<Vec<usize>>, f32)> = examples
        .iter()
        .map(|example| {
            let row = |naming: &Vec<Feature>| naming.iter().map(|it| places[it]).collect();
            let target = if example.counts { 1.0 } else { 0.0 };
            (example.namings.iter().map(row).collect(), target)
        })
        .collect();
    let mut weights = vec![0.0_f32; places.len()];
    let mut squares = vec![FIRST_SQUARE; places.len()];
    let mut means = vec![0.0_f32; places.len()];
    for round in 0..ROUNDS {
        for at in 0..rows.len() {
            // Another order in each round, without a source of chance.
            let at = (at * 7919 + round * 104_729) % rows.len();
            let (namings, target) = &rows[at];
            let scores: Vec<f32> = namings
                .iter()
                .map(|row| row.iter().map(|place| weights[*place]).sum())
                .collect();
            let shares = shares(&scores);
            let pooled: f32 = scores
                .iter()
                .zip(&shares)
                .map(|(score, share)| score * share)
                .sum();
            let error = 1.0 / (1.0 + (-pooled).exp()) - target;
            for (row, share) in namings.iter().zip(shares) {
                if (error * share).abs() < LEAST_ERROR {
                    continue;
                }
                for place in row {
                    let slope = (error + DECAY * weights[*place]) * share;
                    squares[*place] += slope * slope;
                    weights[*place] -= STEP * slope / squares[*place].sqrt();
                }
            }
        }
        if round + usize::from(AVERAGED) >= ROUNDS {
            for (mean, weight) in means.iter_mut().zip(&weights) {
                *mean += weight / f32::from(AVERAGED);
            }
        }
    }
    occurs
        .into_iter()
        .zip(means)
        .filter(|((_, count), _)| *count >= LEAST)
        .map(|((feature, _), mean)| (feature, mean))
        .collect()
}

/// Namings that hardly take part in an error are not worth a step.
const LEAST_ERROR: f32 = 1e-4;

/// How much each naming speaks for its disease: the shares of the exponentials.
fn shares(scores: &[f32]) -> Vec<f32> {
    let most = scores.iter().copied().fold(f32::MIN, f32::max);
    let mut shares: Vec<f32> = scores.iter().map(|score| (score - most).exp()).collect();
    let sum: f32 = shares.iter().sum();
    for share in &mut shares {
        *share /= sum;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_examples_apart_gets_the_weight() {
        let example = |features: &[Feature], counts| Example {
            namings: vec![features.to_vec()],
            counts,
        };
        let examples: Vec<_> = (0..40)
            .map(|at| example(&[0, 1 + at % 2, 3 + at % 3], at % 2 == 0))
            .collect();
        let weights = train(&examples);
        assert!(weights[&1] > 1.0 && weights[&2] < -1.0);
        assert!(weights[&3].abs() < 0.5);
    }

    #[test]
    fn one_sure_naming_is_enough_and_a_rare_feature_is_left_out() {
        let sure_and_vague = |at: u64| Example {
            namings: vec![vec![0, 1], vec![0, 2], vec![0, 1000 + at]],
            counts: true,
        };
        let vague = |_| Example {
            namings: vec![vec![0, 2]],
            counts: false,
        };
        let examples: Vec<_> = (0..20)
            .map(sure_and_vague)
            .chain((0..20).map(vague))
            .collect();
        let weights = train(&examples);
        assert!(weights[&1] > 1.0 && weights[&2] < 0.0, "{weights:?}");
        assert!(weights.keys().all(|feature| *feature < 1000));
    }
}
