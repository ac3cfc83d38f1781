//! The weights that were learnt from coded notes.

use std::sync::OnceLock;

use super::feature::{Feature, key_of};
use crate::note::NoteKind;
use crate::weights::Weights;

static SELECTION: &str = include_str!("../../terminology/selection.tsv");

/// A linear model of whether a coder assigns a code.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Model {
    /// The least probability with which a code is chosen.
    pub(crate) threshold: f64,
    weights: Weights<f64>,
}

impl Model {
    /// The model for this kind of note, if coders' choices in such notes are public.
    pub(crate) fn of(kind: NoteKind) -> Option<&'static Self> {
        static READ: OnceLock<[Model; 2]> = OnceLock::new();
        let models = READ
            .get_or_init(|| KINDS.map(|(_, name)| Self::read(SELECTION, name).unwrap_or_default()));
        let place = KINDS.iter().position(|(known, _)| *known == kind)?;
        Some(&models[place]).filter(|model| !model.weights.is_empty())
    }

    /// The model of this name in a file, or the number of the first line that cannot be read.
    pub(crate) fn read(tsv: &str, name: &str) -> Result<Self, usize> {
        let mut model = Self::default();
        let mut weights = Vec::new();
        for (number, line) in (1..).zip(tsv.lines()) {
            if line.starts_with('#') || line.is_empty() {
                continue;
            }
            let mut columns = line.split('\t');
            let (Some(kind), Some(feature), Some(weight), None) = (
                columns.next(),
                columns.next(),
                columns.next().and_then(|weight| weight.parse().ok()),
                columns.next(),
            ) else {
                return Err(number);
            };
            if kind != name {
                continue;
            }
            if feature == THRESHOLD {
                model.threshold = weight;
            } else {
                weights.push((key_of(feature), weight));
            }
        }
        model.weights = weights.into_iter().collect();
        Ok(model)
    }

    /// The weight of a feature; zero for one that was never learnt.
    pub(crate) fn weight(&self, feature: &Feature<'_>) -> f64 {
        self.weights.get(feature.key())
    }
}

/// The kinds of notes for which there are models, with their names in the file.
pub(crate) const KINDS: [(NoteKind, &str); 2] = [
    (NoteKind::RadiologyReport, "radiology"),
    (NoteKind::Narrative, "narrative"),
];

/// The line of the file that holds the threshold.
pub(crate) const THRESHOLD: &str = "threshold";

/// The probability that a sum of weights stands for.
pub(crate) fn probability(sum: f64) -> f64 {
    1.0 / (1.0 + (-sum).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_file_is_read_and_no_feature_stands_twice() {
        let lines = |name: &str| {
            SELECTION
                .lines()
                .filter(|line| line.split('\t').next() == Some(name))
                .count()
        };
        let mut read = 0;
        for (_, name) in KINDS {
            let model = Model::read(SELECTION, name).expect("every line reads");
            assert!((0.1..=0.9).contains(&model.threshold), "{name}");
            assert_eq!(model.weights.len() + 1, lines(name), "{name}");
            read += lines(name);
        }
        let rows = SELECTION
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        assert_eq!(rows.count(), read);
        assert!(SELECTION.len() < 300_000, "{} bytes", SELECTION.len());
    }

    #[test]
    fn every_feature_of_the_file_is_one_that_notes_can_have() {
        let rows = SELECTION.lines().filter_map(|line| line.split('\t').nth(1));
        for feature in rows.filter(|feature| *feature != THRESHOLD) {
            let name = feature.split('=').next().unwrap_or_default();
            assert!(super::super::feature::NAMES.contains(&name), "{feature}");
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        assert_eq!(
            Model::read("# heading\nradiology\tbias\tx", "radiology"),
            Err(2)
        );
        let model = Model::read(
            "radiology\tthreshold\t0.4\nradiology\tbias\t-1.5",
            "radiology",
        )
        .unwrap();
        assert!((model.threshold - 0.4).abs() < 1e-9);
    }
}
