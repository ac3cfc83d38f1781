//! The weights of a linear model, by the numbers of its features.

use rustc_hash::FxHashMap;

/// Weights by feature; zero for a feature that was never learnt.
///
/// Most features of a note have no weight. A filter of a few bits for each weight tells nearly
/// all of them, and stays in the processor's nearest memory, where the weights do not fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Weights<W> {
    by_feature: FxHashMap<u64, W>,
    /// Bits, of which those of the known features are set; their number is a power of two.
    filter: Vec<u64>,
}

/// How many bits of the filter there are for each weight.
const BITS: usize = 8;

impl<W: Copy + Default> Weights<W> {
    /// The weight of a feature.
    pub(crate) fn get(&self, feature: u64) -> W {
        let (at, bit) = self.place(feature);
        match self.filter.get(at) {
            Some(bits) if bits & bit != 0 => {
                self.by_feature.get(&feature).copied().unwrap_or_default()
            }
            _ => W::default(),
        }
    }

    /// How many features have a weight.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.by_feature.len()
    }

    /// Whether no feature has a weight.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_feature.is_empty()
    }

    /// Which of the filter's numbers a feature's bit is in, and the bit.
    fn place(&self, feature: u64) -> (usize, u64) {
        // Fibonacci hashing: the upper bits of the product depend on all bits of the feature.
        let hash = feature.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let at = (hash >> 32) as usize & self.filter.len().wrapping_sub(1);
        (at, 1 << (hash >> 26 & 63))
    }
}

impl<W: Copy + Default> FromIterator<(u64, W)> for Weights<W> {
    fn from_iter<I: IntoIterator<Item = (u64, W)>>(weights: I) -> Self {
        let by_feature: FxHashMap<u64, W> = weights.into_iter().collect();
        let numbers = (by_feature.len() * BITS).div_ceil(64).next_power_of_two();
        let mut weights = Self {
            by_feature,
            filter: vec![0; numbers],
        };
        for feature in weights.by_feature.keys() {
            let (at, bit) = weights.place(*feature);
            weights.filter[at] |= bit;
        }
        weights
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_weight_is_found_and_no_other(known: std::collections::BTreeMap<u64, i32>, other: u64) {
            let weights: Weights<i32> = known.iter().map(|(feature, weight)| (*feature, *weight)).collect();
            for (feature, weight) in &known {
                prop_assert_eq!(weights.get(*feature), *weight);
            }
            prop_assert_eq!(weights.get(other), known.get(&other).copied().unwrap_or(0));
        }
    }

    #[test]
    fn no_weights_weigh_nothing() {
        assert_eq!(Weights::<i32>::default().get(7), 0);
    }
}
