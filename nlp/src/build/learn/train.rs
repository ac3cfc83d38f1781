//! Weights from examples: logistic regression by stochastic steps, the same on every run.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::disease::model::Feature;

/// A naming with its features, whether it counts, and how much it weighs.
#[derive(Clone, Debug)]
pub(super) struct Example {
    pub(super) features: Vec<Feature>,
    pub(super) counts: bool,
    pub(super) weight: f32,
}

const ROUNDS: usize = 20;
const STEP: f32 = 0.12;
/// How strongly weights are pulled towards zero.
const DECAY: f32 = 2e-3;
/// A feature must occur in this many examples.
const LEAST: usize = 2;

/// The weights that tell the examples apart best.
pub(super) fn train(examples: &[Example]) -> FxHashMap<Feature, f32> {
    let mut occurs: BTreeMap<Feature, usize> = BTreeMap::new();
    for feature in examples.iter().flat_map(|example| &example.features) {
        *occurs.entry(*feature).or_insert(0) += 1;
    }
    let places: FxHashMap<Feature, usize> = occurs
        .iter()
        .filter(|(_, count)| **count >= LEAST)
        .enumerate()
        .map(|(place, (feature, _))| (*feature, place))
        .collect();
    let rows: Vec<Vec<usize>> = examples
        .iter()
        .map(|example| {
            let known = example.features.iter().filter_map(|it| places.get(it));
            known.copied().collect()
        })
        .collect();
    let mut weights = vec![0.0_f32; places.len()];
    let mut squares = vec![1e-2_f32; places.len()];
    for round in 0..ROUNDS {
        for at in 0..rows.len() {
            // Another order in each round, without a source of chance.
            let at = (at * 7919 + round * 104_729) % rows.len();
            let sum: f32 = rows[at].iter().map(|place| weights[*place]).sum();
            let target = if examples[at].counts { 1.0 } else { 0.0 };
            let error = (1.0 / (1.0 + (-sum).exp()) - target) * examples[at].weight;
            for place in &rows[at] {
                let slope = error + DECAY * weights[*place];
                squares[*place] += slope * slope;
                weights[*place] -= STEP * slope / squares[*place].sqrt();
            }
        }
    }
    places
        .into_iter()
        .map(|(feature, place)| (feature, weights[place]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_examples_apart_gets_the_weight() {
        let example = |features: &[Feature], counts| Example {
            features: features.to_vec(),
            counts,
            weight: 1.0,
        };
        let examples: Vec<_> = (0..40)
            .map(|at| example(&[0, 1 + at % 2, 3 + at % 3], at % 2 == 0))
            .collect();
        let weights = train(&examples);
        assert!(weights[&1] > 1.0 && weights[&2] < -1.0);
        assert!(weights[&3].abs() < 0.5);
    }
}
