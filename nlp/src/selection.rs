//! Whether a coder would assign a code: a linear model, learnt from coded notes.
//!
//! Rules say what may be coded; which of it coders do code (a fever beside a pneumonia, a
//! urinary infection beside the reflux that explains it) is learnt for the kinds of notes of
//! which coded ones are public: radiology reports and case reports. In all other notes the
//! rules alone decide. A model weighs only codes that some mention of the note proposes, and
//! never one that is negated, hypothetical or someone else's.

pub(crate) mod feature;
pub(crate) mod model;

use crate::candidate::Candidate;
use crate::coding::{Decision, Joined, Reason};
use crate::dictionary::Billable;
use crate::icd_code::IcdCode;
use crate::note::{Note, NoteKind};
use crate::rules::Rule;

use self::feature::{Feature, Proposal, each, proposals};
use self::model::{Model, probability};

/// What the model says of one code.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Choice {
    /// The code.
    pub(crate) code: IcdCode,
    /// How likely a coder assigns it, 0 to 1.
    pub(crate) probability: f64,
    /// The features that weighed most for or against it, the heaviest first.
    pub(crate) because: Vec<String>,
}

/// A narrative with fewer different codes is no case report, and the rules alone decide.
const LEAST_OF_NARRATIVE: usize = 4;
/// How many features explain a choice.
const SHOWN: usize = 3;

/// Lets the model of this kind of note decide over what the rules left open.
///
/// `others` holds, for each candidate, its code in the other tense (what is over as the history
/// that it leaves, a history as what it is of), if it has one; nothing where none has.
/// Returns what it says of each code it chose, by code; nothing where there is no model.
pub(crate) fn apply<'a>(
    note: Note,
    candidates: &mut [Candidate<'a>],
    others: &[Option<Billable<'a>>],
) -> Vec<Choice> {
    match Model::of(note.kind) {
        Some(model) => choose(model, note, candidates, others),
        None => Vec::new(),
    }
}

/// Lets this model decide, whatever the kind of note it was learnt from.
pub(crate) fn choose<'a>(
    model: &Model,
    note: Note,
    candidates: &mut [Candidate<'a>],
    others: &[Option<Billable<'a>>],
) -> Vec<Choice> {
    let proposals = proposals(candidates, others);
    if note.kind == NoteKind::Narrative && proposals.len() < LEAST_OF_NARRATIVE {
        return Vec::new();
    }
    let choices: Vec<_> = (0..proposals.len())
        .map(|place| weigh(model, note.kind, candidates, &proposals, place))
        .collect();
    // A test was ordered for a reason: where no code is likely, the likeliest one that the
    // rules allow is that reason (guidelines, section IV.K: code the sign or symptom).
    let least = choices
        .iter()
        .zip(&proposals)
        .filter(|(_, proposal)| {
            let mut mentions = proposal.mentions.iter();
            mentions.any(|place| candidates[*place].coded().is_some())
        })
        .map(|(choice, _)| choice.probability)
        .fold(0.0, f64::max);
    let threshold = match note.kind {
        NoteKind::RadiologyReport => model.threshold.min(least),
        NoteKind::Narrative | NoteKind::Chart => model.threshold,
    };
    // A mention stands for one code: where it could for two, for the likelier.
    let mut likeliest: Vec<Option<usize>> = vec![None; candidates.len()];
    for (place, proposal) in proposals.iter().enumerate() {
        for mention in &proposal.mentions {
            let best = &mut likeliest[*mention];
            if best.is_none_or(|best| choices[best].probability < choices[place].probability) {
                *best = Some(place);
            }
        }
    }
    let mut is_chosen = vec![false; proposals.len()];
    for (at, candidate) in candidates.iter_mut().enumerate() {
        let Some(place) = likeliest[at] else {
            continue;
        };
        let choice = &choices[place];
        let was_coded = candidate.coded().is_some();
        if choice.probability < threshold {
            if was_coded {
                let because = choice.because.first().cloned().unwrap_or_default().into();
                candidate.leave(Reason::NotChosen { because }, Rule::Learnt);
            }
            continue;
        }
        is_chosen[place] = true;
        let other = others.get(at).and_then(Option::as_ref);
        if let Some(other) = other.filter(|other| other.code == choice.code) {
            candidate.take(Joined {
                code: other.code,
                title: other.title.clone(),
                rule: Rule::Learnt,
            });
        } else if was_coded {
            continue;
        }
        candidate.mention.decision = Decision::Coded;
        candidate.mention.rule = Rule::Learnt;
    }
    let chosen = choices.into_iter().zip(is_chosen);
    chosen
        .filter_map(|(choice, is)| is.then_some(choice))
        .collect()
}

fn weigh(
    model: &Model,
    kind: NoteKind,
    candidates: &[Candidate<'_>],
    proposals: &[Proposal],
    place: usize,
) -> Choice {
    let mut sum = 0.0;
    let mut weighed: Vec<(f64, Feature<'_>)> = Vec::new();
    each(kind, candidates, proposals, place, |feature| {
        let weight = model.weight(&feature);
        sum += weight;
        if weight != 0.0 && !feature.holds_text() {
            weighed.push((weight, feature));
        }
    });
    let probability = probability(sum);
    // Only what speaks for the outcome explains it.
    let is_chosen = probability >= model.threshold;
    weighed.retain(|(weight, _)| (*weight > 0.0) == is_chosen);
    weighed.sort_by(|left, right| right.0.abs().total_cmp(&left.0.abs()));
    Choice {
        code: proposals[place].code,
        probability,
        because: weighed
            .iter()
            .take(SHOWN)
            .map(|(_, feature)| feature.to_string())
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dictionary, Engine};

    fn codes(text: &str) -> Vec<IcdCode> {
        let engine = Engine::new(Dictionary::fy2026());
        let coding = engine.code(text);
        coding.codes.into_iter().map(|code| code.code).collect()
    }

    #[test]
    fn the_symptoms_of_a_pneumonia_are_left_out_of_a_report() {
        let note = "CLINICAL HISTORY: Cough and fever.\nIMPRESSION: Right lower lobe pneumonia.";
        assert_eq!(codes(note), ["J18.9"]);
        let note = "CLINICAL HISTORY: Cough and fever.\nIMPRESSION: Normal chest.";
        assert_eq!(codes(note), ["R05.9", "R50.9"]);
    }

    #[test]
    fn what_was_left_out_says_why_and_what_was_chosen_too() {
        let engine = Engine::new(Dictionary::fy2026());
        let note = "CLINICAL HISTORY: Acute lymphoblastic leukemia, cough.\nIMPRESSION: Normal.";
        let coding = engine.code(note);
        let [leukemia, cough] = &coding.mentions[..] else {
            panic!("two mentions: {:?}", coding.mentions);
        };
        let Decision::NotCoded(Reason::NotChosen { because }) = &leukemia.decision else {
            panic!("{:?}", leukemia.decision);
        };
        assert_eq!(leukemia.rule, Rule::Learnt);
        assert!(!because.is_empty());
        assert_eq!(cough.decision, Decision::Coded);
        assert!((1..=SHOWN).contains(&coding.codes[0].because.len()));
    }

    #[test]
    fn a_history_that_is_why_a_test_was_ordered_may_be_the_condition_and_the_other_way_round() {
        let model = |features: &str| {
            let tsv = format!("radiology\tthreshold\t0.5\n{features}");
            Model::read(&tsv, "radiology").expect("every line reads")
        };
        let engine = Engine::new(Dictionary::fy2026());
        let chosen = |model: &Model, text: &str| {
            let (note, mut candidates) = engine.candidates(text);
            let others = engine.in_other_tense(note, &candidates);
            let choices = choose(model, note, &mut candidates, &others);
            let coded = crate::candidate::coded(&candidates);
            assert_eq!(coded, choices.iter().map(|it| it.code).collect::<Vec<_>>());
            coded
        };
        let as_there = model("radiology\tchapter=j\t2\nradiology\tcode=n39.0\t2");
        let as_over = model("radiology\tchapter=z\t2");
        let both = model("radiology\tchapter=z\t2\nradiology\tcode=n39.0\t3");
        for (history, condition, is_over) in [
            ("History of pneumonia.", "J18.9", "Z87.01"),
            ("History of UTI.", "N39.0", "Z87.440"),
            ("UTI three weeks ago.", "N39.0", "Z87.440"),
        ] {
            let note = format!("CLINICAL HISTORY: {history}\nIMPRESSION: Normal.");
            assert_eq!(chosen(&as_there, &note), [condition], "{note}");
            assert_eq!(chosen(&as_over, &note), [is_over], "{note}");
            // One mention never stands for both.
            assert_eq!(chosen(&both, &note).len(), 1, "{note}");
        }
        // What is over elsewhere than among the reasons for a test stays over.
        let note = "CLINICAL HISTORY: Cough.\nIMPRESSION: Prior pneumonia.";
        assert!(!chosen(&as_there, note).contains(&"J18.9".parse().unwrap()));
    }

    #[test]
    fn a_report_whose_only_finding_is_unlikely_keeps_it() {
        assert_eq!(
            codes("CLINICAL HISTORY: Hemochromatosis.\nIMPRESSION: Normal."),
            ["E83.119"]
        );
    }

    #[test]
    fn rules_alone_decide_over_charts_and_short_narratives() {
        let chart = "HPI: Cough and fever.\nASSESSMENT: Right lower lobe pneumonia.";
        let engine = Engine::new(Dictionary::fy2026());
        for text in [chart, "Cough, fever, pneumonia."] {
            let coding = engine.code(text);
            assert!(coding.codes.iter().all(|code| code.because.is_empty()));
            assert!(!coding.codes.is_empty());
        }
    }
}
