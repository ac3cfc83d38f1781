//! Learns from coded notes which of the codes that a note supports coders assign.

mod crosswalk;
mod gold;
mod regression;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::candidate::Candidate;
use crate::dictionary::{Billable, Dictionary};
use crate::engine::Engine;
use crate::note::{Note, NoteKind};
use crate::selection::feature::{each, proposals};
use crate::selection::model::{KINDS, Model, THRESHOLD};
use crate::selection::{self};

pub use self::crosswalk::{Crosswalk, GEMS, crosswalk};
pub use self::gold::{Coded, GoldError, case_reports, radiology_reports};

/// How a kind of note is learnt.
struct Recipe {
    kind: NoteKind,
    /// How strongly weights are pulled towards zero.
    penalty: f64,
    /// In how many notes a feature must be seen.
    support: usize,
    /// The least probability of a chosen code: half of the F1 that is reached serves F1 best.
    threshold: f64,
}

const RADIOLOGY: Recipe = Recipe {
    kind: NoteKind::RadiologyReport,
    penalty: 3.0,
    support: 3,
    threshold: 0.48,
};

const NARRATIVE: Recipe = Recipe {
    kind: NoteKind::Narrative,
    penalty: 8.0,
    support: 5,
    threshold: 0.28,
};

/// Right, superfluous and missing codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Codes that the coders assigned too.
    pub right: usize,
    /// Codes that they did not assign.
    pub extra: usize,
    /// Codes of theirs that are not there.
    pub missed: usize,
}

impl Tally {
    /// The harmonic mean of precision and recall.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of codes are far below 2^52"
    )]
    pub fn f1(self) -> f64 {
        let whole = 2 * self.right + self.extra + self.missed;
        if whole == 0 {
            return 0.0;
        }
        2.0 * self.right as f64 / whole as f64
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.right += other.right;
        self.extra += other.extra;
        self.missed += other.missed;
    }
}

/// The file of models, learnt from these notes.
pub fn learn(
    engine: &Engine,
    radiology: &[Coded],
    crosswalk: &Crosswalk,
    narratives: &[Coded],
) -> String {
    let mut file = String::from(
        "# What coders code: the weights of a linear model for each kind of note, written by\n# `terminology learn-selection`. Columns, with tabs between them: the kind of note, the feature,\n# its weight. `NOTICE.md` names the coded notes that they were learnt from.\n",
    );
    let radiology = Seen::all(engine, radiology);
    let narratives = Seen::all(engine, narratives);
    let models = [
        (
            &RADIOLOGY,
            weights(&RADIOLOGY, &radiology, |gold, code| {
                crosswalk.any(gold, code)
            }),
        ),
        (
            &NARRATIVE,
            weights(&NARRATIVE, &narratives, |gold, code| {
                is_meant(engine.dictionary(), gold, code)
            }),
        ),
    ];
    for (recipe, weights) in &models {
        file.push_str(&written(recipe, weights));
    }
    file
}

/// How well reports are coded by a model that learnt from the others, in `folds` parts.
///
/// Returns for each part, in order, the tally over every code and that over the codes that
/// the coders of these notes use at all.
pub fn cross_validate(
    engine: &Engine,
    notes: &[Coded],
    crosswalk: &Crosswalk,
    folds: usize,
) -> Vec<[Tally; 2]> {
    let labels: BTreeSet<&String> = notes.iter().flat_map(|note| &note.codes).collect();
    let seen = Seen::all(engine, notes);
    let agrees = |gold: &[String], code: &str| crosswalk.any(gold, code);
    (0..folds)
        .map(|fold| {
            let is_held = |place: &usize| place % folds == fold;
            let learnt = (0..seen.len()).filter(|place| !is_held(place));
            let learnt: Vec<_> = learnt.map(|place| seen[place].clone()).collect();
            let model = model(&RADIOLOGY, &weights(&RADIOLOGY, &learnt, agrees));
            let mut tallies = [Tally::default(); 2];
            for place in (0..seen.len()).filter(is_held) {
                let codes = seen[place].codes(&model);
                let known = codes
                    .iter()
                    .filter(|code| labels.iter().any(|label| crosswalk.agrees(label, code)));
                let known: Vec<_> = known.cloned().collect();
                for (tally, codes) in tallies.iter_mut().zip([&codes, &known]) {
                    *tally += matched(crosswalk, seen[place].gold, codes);
                }
            }
            tallies
        })
        .collect()
}

/// How well the notes of `judged` are coded by a model that learnt from `learnt`.
///
/// Returns the tally over full codes and that over categories.
pub fn validate(engine: &Engine, learnt: &[Coded], judged: &[Coded]) -> [Tally; 2] {
    let model = model(
        &NARRATIVE,
        &weights(&NARRATIVE, &Seen::all(engine, learnt), |gold, code| {
            is_meant(engine.dictionary(), gold, code)
        }),
    );
    let mut tallies = [Tally::default(); 2];
    for seen in Seen::all(engine, judged) {
        let codes = seen.codes(&model);
        for (tally, length) in tallies.iter_mut().zip([usize::MAX, 3]) {
            let short = |code: &String| code[..code.len().min(length)].to_owned();
            let found: BTreeSet<_> = codes.iter().map(short).collect();
            let gold: BTreeSet<_> = seen.gold.iter().map(short).collect();
            let right = found.intersection(&gold).count();
            *tally += Tally {
                right,
                extra: found.len() - right,
                missed: gold.len() - right,
            };
        }
    }
    tallies
}

/// A coded note as the rules leave it.
#[derive(Clone)]
struct Seen<'c> {
    note: Note,
    candidates: Vec<Candidate<'c>>,
    others: Vec<Option<Billable<'c>>>,
    gold: &'c [String],
}

impl<'c> Seen<'c> {
    fn all(engine: &'c Engine, notes: &'c [Coded]) -> Vec<Self> {
        notes
            .iter()
            .map(|coded| {
                let (note, candidates) = engine.candidates(&coded.text);
                Self {
                    note,
                    others: engine.in_other_tense(note, &candidates),
                    candidates,
                    gold: &coded.codes,
                }
            })
            .collect()
    }

    /// The codes that a model chooses.
    fn codes(&self, model: &Model) -> Vec<String> {
        let mut candidates = self.candidates.clone();
        selection::choose(model, self.note, &mut candidates, &self.others);
        let codes: BTreeSet<_> = candidates.iter().filter_map(Candidate::coded).collect();
        codes.into_iter().map(String::from).collect()
    }
}

/// Whether the coders of a case report meant this code of today.
///
/// They coded by the edition of 2018: one of their codes that has been divided since (`R51`,
/// `N18.3`) means each of today's codes that begin with it.
fn is_meant(dictionary: &Dictionary, gold: &[String], code: &str) -> bool {
    gold.iter().any(|gold| {
        gold == code || (code.starts_with(gold.as_str()) && !dictionary.is_billable(gold))
    })
}

/// The weights that tell the codes that coders assigned from the others.
fn weights(
    recipe: &Recipe,
    notes: &[Seen<'_>],
    is_right: impl Fn(&[String], &str) -> bool,
) -> BTreeMap<String, f64> {
    let mut examples: Vec<(BTreeMap<String, f64>, bool)> = Vec::new();
    let mut support: BTreeMap<String, usize> = BTreeMap::new();
    for seen in notes.iter().filter(|seen| seen.note.kind == recipe.kind) {
        let proposals = proposals(&seen.candidates, &seen.others);
        let mut in_note = BTreeSet::new();
        for place in 0..proposals.len() {
            let mut features: BTreeMap<String, f64> = BTreeMap::new();
            each(
                seen.note.kind,
                &seen.candidates,
                &proposals,
                place,
                |feature| {
                    *features
                        .entry(feature.to_string().to_ascii_lowercase())
                        .or_default() += 1.0;
                },
            );
            in_note.extend(features.keys().cloned());
            examples.push((features, is_right(seen.gold, &proposals[place].code)));
        }
        for feature in in_note {
            *support.entry(feature).or_default() += 1;
        }
    }
    let names: Vec<_> = support
        .into_iter()
        .filter(|(_, notes)| *notes >= recipe.support)
        .map(|(name, _)| name)
        .collect();
    let numbered: Vec<_> = examples
        .iter()
        .map(|(features, is_right)| regression::Example {
            features: features
                .iter()
                .filter_map(|(name, value)| Some((names.binary_search(name).ok()?, *value)))
                .collect(),
            is_right: *is_right,
        })
        .collect();
    let weights = regression::fit(names.len(), &numbered, recipe.penalty);
    names
        .into_iter()
        .zip(weights)
        .map(|(name, weight)| (name, (weight * 100.0).round() / 100.0))
        .filter(|(_, weight)| weight.abs() >= 0.03)
        .collect()
}

fn written(recipe: &Recipe, weights: &BTreeMap<String, f64>) -> String {
    let name = KINDS
        .iter()
        .find(|(kind, _)| *kind == recipe.kind)
        .map_or("", |(_, name)| name);
    let mut file = format!("{name}\t{THRESHOLD}\t{}\n", recipe.threshold);
    for (feature, weight) in weights {
        // Writing to a string cannot fail.
        let _ = writeln!(file, "{name}\t{feature}\t{weight}");
    }
    file
}

fn model(recipe: &Recipe, weights: &BTreeMap<String, f64>) -> Model {
    let name = KINDS
        .iter()
        .find(|(kind, _)| *kind == recipe.kind)
        .map_or("", |(_, name)| name);
    Model::read(&written(recipe, weights), name)
        .expect("every line written has three columns and a number")
}

/// Matches each code to at most one code of the coders, as many as possible.
fn matched(crosswalk: &Crosswalk, gold: &[String], codes: &[String]) -> Tally {
    fn find(
        crosswalk: &Crosswalk,
        gold: &[String],
        codes: &[String],
        code: usize,
        tried: &mut BTreeSet<usize>,
        taken: &mut BTreeMap<usize, usize>,
    ) -> bool {
        for place in 0..gold.len() {
            if !crosswalk.agrees(&gold[place], &codes[code]) || !tried.insert(place) {
                continue;
            }
            let is_free = match taken.get(&place) {
                None => true,
                Some(owner) => find(crosswalk, gold, codes, *owner, tried, taken),
            };
            if is_free {
                taken.insert(place, code);
                return true;
            }
        }
        false
    }
    let mut taken = BTreeMap::new();
    for code in 0..codes.len() {
        find(
            crosswalk,
            gold,
            codes,
            code,
            &mut BTreeSet::new(),
            &mut taken,
        );
    }
    Tally {
        right: taken.len(),
        extra: codes.len() - taken.len(),
        missed: gold.len() - taken.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_was_divided_means_its_parts_and_a_whole_one_only_itself() {
        let dictionary = Dictionary::fy2026();
        let is_meant = |gold: &str, code| is_meant(&dictionary, &[gold.to_owned()], code);
        assert!(is_meant("R51", "R51.9"));
        assert!(is_meant("R50.9", "R50.9"));
        assert!(!is_meant("R50.9", "R50.81"));
        assert!(!is_meant("I10", "I10.9"));
    }
}
