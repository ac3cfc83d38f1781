//! Logistic regression with a quadratic penalty, by cyclic coordinate descent.

use crate::selection::model::probability;

/// One decision of a coder with what could be seen.
#[derive(Clone, Debug)]
pub(super) struct Example {
    /// The numbers of its features with how often each stands there.
    pub(super) features: Vec<(usize, f64)>,
    /// Whether the coder assigned the code.
    pub(super) is_right: bool,
}

/// More rounds change no weight by a hundredth.
const ROUNDS: usize = 60;

/// The weights of `count` features under which the examples are likeliest, less the penalty.
///
/// The function is convex and the steps follow an upper bound of its curvature, so every
/// step improves it, and the order of the features is the only order there is.
pub(super) fn fit(count: usize, examples: &[Example], penalty: f64) -> Vec<f64> {
    let mut columns: Vec<Vec<(usize, f64)>> = vec![Vec::new(); count];
    for (row, example) in examples.iter().enumerate() {
        for (feature, value) in &example.features {
            columns[*feature].push((row, *value));
        }
    }
    let mut sums = vec![0.0; examples.len()];
    let mut weights = vec![0.0; count];
    for _ in 0..ROUNDS {
        for (column, weight) in columns.iter().zip(&mut weights) {
            let mut slope = penalty * *weight;
            let mut curvature = penalty;
            for (row, value) in column {
                let expected = f64::from(u8::from(examples[*row].is_right));
                let likely = probability(sums[*row]);
                slope += (likely - expected) * value;
                curvature += (likely * (1.0 - likely)).max(0.05) * value * value;
            }
            let step = -slope / curvature;
            *weight += step;
            for (row, value) in column {
                sums[*row] += step * value;
            }
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_with_right_examples_weighs_for_and_the_other_against() {
        let example = |feature: usize, is_right| Example {
            features: vec![(feature, 1.0)],
            is_right,
        };
        let mut examples = vec![example(2, true), example(2, false)];
        for _ in 0..20 {
            examples.extend([example(0, true), example(1, false)]);
        }
        let weights = fit(3, &examples, 1.0);
        assert!(weights[0] > 1.0 && weights[1] < -1.0, "{weights:?}");
        assert!(weights[2].abs() < 1e-6, "{weights:?}");
        assert_eq!(weights, fit(3, &examples, 1.0));
    }
}
