//! The weights of a linear model, by the numbers of its features.

/// Weights by feature; zero for a feature that was never learnt.
///
/// Most features of a note have no weight. A filter of a few bits for each weight tells nearly
/// all of them, and stays in the processor's nearest memory, where the weights do not fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Weights<W> {
    /// A table by the features' hashes, at most half full; a weight of none is a free slot.
    slots: Vec<(u64, Option<W>)>,
    /// Bits, of which those of the known features are set.
    filter: Vec<u64>,
}

/// How many bits of the filter there are for each slot; both numbers are powers of two.
const BITS: usize = 4;

impl<W: Copy + Default> Weights<W> {
    /// The weight of a feature.
    #[inline]
    pub(crate) fn get(&self, feature: u64) -> W {
        let hash = hash(feature);
        let (at, bit) = self.bit(hash);
        if self.filter.get(at).is_none_or(|bits| bits & bit == 0) {
            return W::default();
        }
        self.known(hash, feature)
    }

    /// The weight of a feature that the filter lets pass.
    #[inline(never)]
    fn known(&self, hash: u64, feature: u64) -> W {
        self.slots[self.slot(hash, feature)].1.unwrap_or_default()
    }

    /// How many features have a weight.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.slots
            .iter()
            .filter(|(_, weight)| weight.is_some())
            .count()
    }

    /// Whether no feature has a weight.
    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Which of the filter's numbers a feature's bit is in, and the bit.
    fn bit(&self, hash: u64) -> (usize, u64) {
        let at = (hash >> 38) as usize & self.filter.len().wrapping_sub(1);
        (at, 1 << (hash >> 32 & 63))
    }

    /// Where a feature stands, or the free slot where it would.
    fn slot(&self, hash: u64, feature: u64) -> usize {
        let last = self.slots.len() - 1;
        let mut at = (hash >> 32) as usize & last;
        while self.slots[at].1.is_some() && self.slots[at].0 != feature {
            at = (at + 1) & last;
        }
        at
    }
}

/// Fibonacci hashing: the upper half of the product depends on all bits of the feature.
fn hash(feature: u64) -> u64 {
    (feature ^ feature >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl<W: Copy + Default> FromIterator<(u64, W)> for Weights<W> {
    /// Of two weights for one feature the later one counts.
    fn from_iter<I: IntoIterator<Item = (u64, W)>>(weights: I) -> Self {
        let weights: Vec<_> = weights.into_iter().collect();
        if weights.is_empty() {
            return Self::default();
        }
        let slots = (weights.len() * 2).next_power_of_two();
        let mut table = Self {
            slots: vec![(0, None); slots],
            filter: vec![0; (slots * BITS).div_ceil(64)],
        };
        for (feature, weight) in weights {
            let hash = hash(feature);
            let slot = table.slot(hash, feature);
            table.slots[slot] = (feature, Some(weight));
            let (at, bit) = table.bit(hash);
            table.filter[at] |= bit;
        }
        table
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
