//! From a condition and what is said of it to the most specific code that the note supports.
//!
//! A code may be chosen when the note says everything that its title asks for beyond the
//! code that would stand without it; of those that may, the one that takes up most of what
//! is said. Where two are equal the list's own unspecified code decides, or nothing changes:
//! a code never says more than the note.

use crate::Span;
use crate::attributes::{Attribute, AttributeKind, Said};
use crate::dictionary::{Dictionary, Feature, NEVER, value_feature};

/// The codes that a mention comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Specific {
    /// The leaf.
    pub(crate) leaf: u32,
    /// The leaf of the other side, where both are affected and no code says so.
    pub(crate) other_side: Option<u32>,
}

impl Dictionary {
    /// The most specific leaf that what is said supports, if it is another than the default.
    pub(crate) fn most_specific(&self, node: u32, said: &[Said]) -> Option<Specific> {
        if said.is_empty() {
            return None;
        }
        let search = Search::new(self, node)?;
        let found = search.best(said);
        let says = |feature| move |found: &u32| search_asks(self, *found, feature);
        let (right, left, bilateral) = self.sides()?;
        let is_said = |side: Feature| said.iter().any(|said| said.feature == side);
        if !is_said(bilateral)
            || is_said(right) != is_said(left)
            || found.as_ref().is_some_and(says(bilateral))
        {
            return found.map(|leaf| Specific {
                leaf,
                other_side: None,
            });
        }
        // Guidelines, section I.B.13: both sides are coded where no code says bilateral.
        let one_side = |side: Feature| {
            let said: Vec<Said> = said
                .iter()
                .map(|said| Said {
                    feature: if said.feature == bilateral {
                        side
                    } else {
                        said.feature
                    },
                    ..*said
                })
                .collect();
            search.best(&said).filter(says(side))
        };
        match (one_side(right), one_side(left)) {
            (Some(right), Some(left)) if right != left => Some(Specific {
                leaf: right,
                other_side: Some(left),
            }),
            _ => found.map(|leaf| Specific {
                leaf,
                other_side: None,
            }),
        }
    }

    /// Whether a leaf says everything that a code's default leaf says, and more.
    pub(crate) fn says_more(&self, leaf: u32, than: u32) -> bool {
        Search::new(self, than).is_some_and(|search| {
            let below = search.scope..self.subtree_end(search.scope);
            search.default != Some(leaf) && below.contains(&leaf) && search.keeps(leaf)
        })
    }

    /// What a leaf asks for of that which is said, and the default leaf does not say; `place` tells
    /// where in the text.
    pub(crate) fn used(
        &self,
        node: u32,
        leaf: u32,
        said: &[Said],
        place: impl Fn(&Said) -> Span,
    ) -> Vec<Attribute<'_>> {
        let tables = self.attributes();
        let asked = self.asked(leaf);
        let free = Search::new(self, node).map_or_else(Vec::new, |search| search.free);
        let is_split = |feature: Feature| {
            self.sides().is_some_and(|(right, left, bilateral)| {
                feature == bilateral && (asked.contains(&right) || asked.contains(&left))
            })
        };
        let mut used: Vec<Attribute<'_>> = Vec::new();
        for said in said {
            let is_asked = asked.contains(&said.feature) && !free.contains(&said.feature);
            if !is_asked && !is_split(said.feature) {
                continue;
            }
            let (kind, value) = match tables.value_of(said.feature) {
                Some(value) => (tables.kinds[value], tables.names.get(value)),
                None => match tables.word_of(said.feature) {
                    Some(word) => (AttributeKind::Detail, self.word(word)),
                    None => continue,
                },
            };
            if used
                .iter()
                .all(|known| (known.kind, known.value.as_ref()) != (kind, value))
            {
                used.push(Attribute {
                    kind,
                    value: value.into(),
                    span: place(said),
                });
            }
        }
        used
    }

    /// The features of right, left and bilateral.
    pub(crate) fn sides(&self) -> Option<(Feature, Feature, Feature)> {
        self.attributes().sides
    }

    /// Everything that a code asks for.
    fn asked(&self, node: u32) -> Vec<Feature> {
        let mut asked = Vec::new();
        let mut at = Some(node);
        while let Some(node) = at {
            asked.extend_from_slice(self.attributes().asked.get(node as usize));
            at = self.parent(node);
        }
        asked
    }
}

fn search_asks(dictionary: &Dictionary, leaf: u32, feature: Feature) -> bool {
    dictionary.asked(leaf).contains(&feature)
}

/// Where a mention's code is looked for.
struct Search<'d> {
    dictionary: &'d Dictionary,
    /// The code below which every code says at least what the mention does.
    scope: u32,
    /// What needs no saying: the default leaf says it.
    free: Vec<Feature>,
    /// What must stay said.
    kept: Vec<Feature>,
    default: Option<u32>,
}

impl<'d> Search<'d> {
    fn new(dictionary: &'d Dictionary, node: u32) -> Option<Self> {
        let default = dictionary.default_leaf(node);
        let mut scope = node;
        if let Some(default) = default {
            while let Some(parent) = dictionary
                .parent(scope)
                .filter(|parent| dictionary.default_leaf(*parent) == Some(default))
            {
                scope = parent;
            }
        }
        if dictionary.subtree_end(scope) == scope + 1 {
            return None;
        }
        let free = dictionary.asked(default.unwrap_or(node));
        let generic = default.map_or(&[][..], |leaf| {
            dictionary.attributes().generic.get(leaf as usize)
        });
        let kept = match default {
            Some(_) => free
                .iter()
                .copied()
                .filter(|feature| !generic.contains(feature))
                .collect(),
            None => Vec::new(),
        };
        Some(Self {
            dictionary,
            scope,
            free,
            kept,
            default,
        })
    }

    /// The leaf that takes up most of what is said, if it takes up anything.
    fn best(&self, said: &[Said]) -> Option<u32> {
        let dictionary = self.dictionary;
        let asked = &dictionary.attributes().asked;
        // What the leaves above a node have gained, by the end of their subtrees.
        let mut open: Vec<(u32, u32)> = Vec::new();
        let mut best: Vec<u32> = Vec::new();
        let mut most = 0;
        let end = dictionary.subtree_end(self.scope);
        let mut node = self.scope + 1;
        while node < end {
            while open.last().is_some_and(|(end, _)| *end <= node) {
                open.pop();
            }
            let below = dictionary.subtree_end(node);
            match self.gain(asked.get(node as usize), said) {
                None => {
                    node = below;
                    continue;
                }
                Some(gain) => {
                    let gain = gain + open.last().map_or(0, |(_, gain)| *gain);
                    if below > node + 1 {
                        open.push((below, gain));
                    } else if gain > most && self.keeps(node) {
                        most = gain;
                        best.clear();
                        best.push(node);
                    } else if gain > 0 && gain == most && self.keeps(node) {
                        best.push(node);
                    }
                }
            }
            node += 1;
        }
        let only = match best.as_slice() {
            [] => return None,
            [one] => *one,
            several => self.plainest(several)?,
        };
        Some(only).filter(|leaf| Some(*leaf) != self.default)
    }

    /// What a node takes up of what is said, or none when it asks for more.
    fn gain(&self, asked: &[Feature], said: &[Said]) -> Option<u32> {
        let mut gain = 0;
        for feature in asked {
            let weight = said
                .iter()
                .filter(|said| said.feature == *feature)
                .map(|said| said.weight)
                .max();
            match weight {
                _ if *feature == NEVER => return None,
                _ if self.free.contains(feature) => {}
                Some(weight) => gain += weight,
                None => return None,
            }
        }
        Some(gain)
    }

    /// Whether a leaf still says what the mention said without its attributes.
    fn keeps(&self, leaf: u32) -> bool {
        if self.kept.is_empty() {
            return true;
        }
        let tables = self.dictionary.attributes();
        let asked = self.dictionary.asked(leaf);
        self.kept.iter().all(|kept| {
            asked.contains(kept)
                || asked.iter().any(|asked| {
                    tables.value_of(*asked).is_some_and(|value| {
                        let too = tables.says_too.get(value);
                        too.iter().any(|too| value_feature(*too) == *kept)
                    })
                })
        })
    }

    /// Of leaves that take up the same, the only one beside the default leaf, or the only one
    /// that stands for its category or says itself that it is unspecified.
    fn plainest(&self, leaves: &[u32]) -> Option<u32> {
        let above = |leaf: u32| self.dictionary.parent(leaf);
        let is_beside = |leaf: &&u32| {
            self.default
                .is_some_and(|default| above(**leaf) == above(default))
        };
        let is_default = |leaf: &&u32| {
            let parent = self.dictionary.parent(**leaf);
            parent.and_then(|parent| self.dictionary.default_leaf(parent)) == Some(**leaf)
        };
        let is_unspecified = |leaf: &&u32| {
            let title = self.dictionary.node_title(**leaf);
            title.contains("unspecified") || title.contains("Unspecified")
        };
        let only = |found: Vec<&u32>| match found.as_slice() {
            [one] => Some(**one),
            _ => None,
        };
        only(leaves.iter().filter(is_beside).collect())
            .or_else(|| only(leaves.iter().filter(is_default).collect()))
            .or_else(|| only(leaves.iter().filter(is_unspecified).collect()))
            .or_else(|| {
                only(
                    leaves
                        .iter()
                        .filter(|leaf| is_default(leaf) && is_unspecified(leaf))
                        .collect(),
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use crate::{AttributeKind, Dictionary, Engine};

    fn codes(text: &str) -> Vec<crate::IcdCode> {
        let engine = Engine::new(Dictionary::fy2026());
        let coding = engine.code(text);
        let mut codes: Vec<_> = coding.codes.into_iter().map(|code| code.code).collect();
        codes.sort();
        codes
    }

    fn check(cases: &[(&str, &[&str])]) {
        for (text, wanted) in cases {
            assert_eq!(codes(text), *wanted, "{text}");
        }
    }

    #[test]
    fn a_side_leaves_the_kind_of_condition_as_it_is() {
        check(&[
            ("ASSESSMENT: s/p R BKA.", &["Z89.511"]),
            ("ASSESSMENT: BKA.", &["Z89.519"]),
            (
                "ASSESSMENT: Non-pressure chronic ulcer of foot.",
                &["L97.509"],
            ),
        ]);
    }

    #[test]
    fn a_side_makes_a_code_of_that_side() {
        check(&[
            ("Pain in the right knee.", &["M25.561"]),
            (
                "Left-sided hydrocele and left knee pain.",
                &["M25.562", "N43.3"],
            ),
            ("Retinal detachment, left eye.", &["H33.22"]),
            ("Retinal detachment OD.", &["H33.21"]),
            ("Loss of vision in both eyes.", &["H54.3"]),
            ("DVT of the left femoral vein.", &["I82.412"]),
        ]);
    }

    #[test]
    fn where_no_code_says_bilateral_each_side_is_coded() {
        check(&[
            ("Arthralgia of both knees.", &["M25.561", "M25.562"]),
            ("Pain in the wrists.", &["M25.531", "M25.532"]),
        ]);
    }

    #[test]
    fn a_right_side_is_dominant_and_a_left_one_is_not() {
        check(&[
            ("Right hemiplegia.", &["G81.91"]),
            ("Left hemiplegia.", &["G81.94"]),
        ]);
    }

    #[test]
    fn severity_and_complications_are_taken_up_together() {
        check(&[
            (
                "Asthma, severe persistent, with acute exacerbation.",
                &["J45.51"],
            ),
            ("Mild intermittent asthma.", &["J45.20"]),
            ("Asthma, severe.", &["J45.909"]),
            ("Refractory epilepsy.", &["G40.919"]),
            ("Acute exacerbation of his COPD.", &["J44.1"]),
        ]);
    }

    #[test]
    fn what_is_denied_does_not_count() {
        check(&[
            ("COPD without exacerbation.", &["J44.9"]),
            (
                "Type 2 diabetes mellitus without complications.",
                &["E11.9"],
            ),
            ("Type 2 diabetes mellitus with complications.", &["E11.8"]),
            ("Knee pain but no left hip fracture.", &["M25.569"]),
        ]);
        let engine = Engine::new(Dictionary::fy2026());
        let denied = engine.code("No obstruction of the inguinal hernia.");
        assert_eq!(denied.mentions[0].code.as_deref(), Some("K40.90"));
        check(&[("Obstruction of the inguinal hernia.", &["K40.30"])]);
    }

    #[test]
    fn diabetes_out_of_control_has_hyperglycemia_and_uncontrolled_alone_may_not() {
        check(&[
            ("Type 2 diabetes, poorly controlled.", &["E11.65"]),
            ("T2DM out of control.", &["E11.65"]),
            ("T2DM, uncontrolled.", &["E11.9"]),
        ]);
    }

    #[test]
    fn stages_are_read_in_either_numerals() {
        check(&[
            ("CKD stage 3a.", &["N18.31"]),
            ("CKD, stage IV.", &["N18.4"]),
            ("Chronic kidney disease, grade 2.", &["N18.2"]),
            ("Stage 2 pressure ulcer of the sacrum.", &["L89.152"]),
        ]);
    }

    #[test]
    fn places_and_extent_are_taken_up() {
        check(&[
            ("Diffuse abdominal pain.", &["R10.84"]),
            ("Abdominal pain in the right iliac fossa.", &["R10.31"]),
            ("Macroscopic hematuria.", &["R31.0"]),
            ("Cellulitis of the left leg.", &["L03.116"]),
            ("Retroperitoneal adenopathy.", &["R59.0"]),
        ]);
    }

    #[test]
    fn fractures_are_taken_to_be_displaced_and_closed() {
        check(&[
            ("Transverse fracture of the right patella.", &["S82.031A"]),
            (
                "Nondisplaced transverse fracture of the right patella.",
                &["S82.034A"],
            ),
            ("Fracture of the left distal radius.", &["S52.502A"]),
        ]);
    }

    #[test]
    fn organisms_are_taken_up() {
        check(&[("Sepsis due to E. coli.", &["A41.51"])]);
    }

    #[test]
    fn a_mention_shows_what_its_code_was_chosen_by() {
        let text = "Asthma, mild persistent.";
        let engine = Engine::new(Dictionary::fy2026());
        let coding = engine.code(text);
        let [asthma] = coding.mentions.as_slice() else {
            panic!("one mention, not {:?}", coding.mentions);
        };
        let said: Vec<_> = asthma
            .attributes
            .iter()
            .map(|said| (said.kind, said.value.as_ref(), said.span.of(text)))
            .collect();
        assert_eq!(
            said,
            [
                (AttributeKind::Severity, "mild", "mild"),
                (AttributeKind::Severity, "persistent", "persistent"),
            ]
        );
    }
}
