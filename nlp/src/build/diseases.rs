//! The names of diseases as terms: from the ontologies, and learnt from abstracts.

use std::collections::{BTreeMap, BTreeSet};

use super::names;
use super::ontology::{self, LAST_RANK};
use super::wheel::Ontologies;
use super::{BuildError, LONGEST_TERM, is_too_vague, number};
use crate::dictionary::{Diseases, Origin, Strings};
use crate::vocabulary::forms;

/// What a name means, by its words in the form in which they are compared.
///
/// The likeliest disease comes first.
pub(super) type Names = BTreeMap<Vec<String>, Vec<Name>>;

/// The names of diseases, and the diseases, for every edition.
#[derive(Clone, Debug)]
pub struct DiseaseNames {
    pub(super) names: Names,
    pub(super) table: Diseases,
}

impl DiseaseNames {
    /// The names of the ontologies, the project's own (`own_tsv`) and those learnt (`learnt_tsv`).
    pub fn read(
        ontologies: &Ontologies,
        own_tsv: &str,
        learnt_tsv: &str,
    ) -> Result<Self, BuildError> {
        let ontology = ontology::read(ontologies, own_tsv)?;
        let mut names = of_ontology(&ontology);
        with_learnt(&mut names, &read(learnt_tsv).map_err(BuildError::Terms)?);
        let table = table(&names, &ontology);
        Ok(Self { names, table })
    }
}

/// One name's disease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// The id, or several with `|` between them.
    pub(super) id: String,
    /// How the name is known: by rank and rule, or by how often it was right.
    pub(super) source: u8,
}

/// A name that abstracts taught, with how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Learnt {
    pub(super) forms: Vec<String>,
    pub(super) id: String,
    /// Abstracts that hold the name and speak of the disease.
    pub(super) right: u32,
    /// Abstracts that hold the name.
    pub(super) seen: u32,
}

/// How many diseases one name may mean.
pub(super) const MOST_SENSES: usize = 3;

/// Sources of names below this number are learnt ones.
const LEARNT: u8 = 18;

/// The source of names that were made by rule from learnt ones, after those of the ontologies.
const VARIED: u8 = 66;

/// The names that the ontologies give; of several diseases the surest comes first.
pub(super) fn of_ontology(ontology: &ontology::Diseases) -> Names {
    let mut offers: BTreeMap<Vec<String>, BTreeMap<&str, (u32, u32)>> = BTreeMap::new();
    for (id, disease) in &ontology.by_id {
        for (name, rank) in &disease.names {
            for (variant, cost) in names::of(name) {
                let forms = forms(&variant);
                if forms.is_empty()
                    || forms.len() > LONGEST_TERM
                    || (is_too_vague(&forms, Origin::Ontology) && !is_numbered(&forms))
                {
                    continue;
                }
                let offered = (cost, *rank);
                let kept = offers.entry(forms).or_default();
                let kept = kept.entry(id.as_str()).or_insert(offered);
                *kept = offered.min(*kept);
            }
        }
    }
    let named = offers.into_iter().map(|(forms, offers)| {
        let mut offers: Vec<_> = offers.into_iter().collect();
        offers.sort_by_key(|(id, offered)| (*offered, *id));
        let senses = offers.into_iter().take(MOST_SENSES);
        let senses = senses.map(|(id, (cost, rank))| {
            let source = u32::from(LEARNT) + rank.min(LAST_RANK) * 4 + cost.min(3);
            Name {
                id: id.to_owned(),
                source: u8::try_from(source).unwrap_or(u8::MAX),
            }
        });
        (forms, senses.collect())
    });
    named.collect()
}

/// Whether the only word is an abbreviation with a number, as those of the kinds of a disease
/// are: `EDM1`.
fn is_numbered(forms: &[String]) -> bool {
    let [word] = forms else { return false };
    let letters = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
    (3..word.len()).contains(&letters.len())
        && letters.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Lets what was learnt speak over the ontologies, and what is made from it by rule where
/// they are silent.
///
/// Lines of the same words stand together, the likeliest first.
pub(super) fn with_learnt(names: &mut Names, learnt: &[Learnt]) {
    for same in learnt.chunk_by(|one, other| one.forms == other.forms) {
        let senses = same.iter().map(|line| Name {
            id: line.id.clone(),
            source: learnt_source(line.right, line.seen),
        });
        names.insert(same[0].forms.clone(), senses.collect());
    }
    let right = learnt.iter().filter(|line| line.right > 0);
    let mut varied = Names::new();
    for line in right {
        for forms in names::of_learnt(&line.forms) {
            if forms.len() <= LONGEST_TERM && !names.contains_key(&forms) {
                let senses: &mut Vec<Name> = varied.entry(forms).or_default();
                if senses.len() < MOST_SENSES && senses.iter().all(|name| name.id != line.id) {
                    senses.push(Name {
                        id: line.id.clone(),
                        source: VARIED,
                    });
                }
            }
        }
    }
    names.extend(varied);
}

/// How often a name was right, in six steps, and how often it was seen, in three.
fn learnt_source(right: u32, seen: u32) -> u8 {
    let rate = (f64::from(right) + 0.5) / (f64::from(seen) + 1.0);
    let steps = [0.15, 0.35, 0.55, 0.75, 0.9];
    let step = steps.iter().filter(|step| rate >= **step).count();
    let often = [2, 5].iter().filter(|least| seen >= **least).count();
    u8::try_from(step * 3 + often).unwrap_or(0)
}

/// Reads the learnt names: words, id, right, seen.
pub(super) fn read(tsv: &str) -> Result<Vec<Learnt>, Vec<String>> {
    let mut learnt = Vec::new();
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(tsv.lines()) {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let fields: Vec<_> = line.split('\t').collect();
        let read = match fields.as_slice() {
            [words, id, right, seen] => {
                right
                    .parse()
                    .ok()
                    .zip(seen.parse().ok())
                    .map(|(right, seen)| Learnt {
                        forms: words.split(' ').map(str::to_owned).collect(),
                        id: (*id).to_owned(),
                        right,
                        seen,
                    })
            }
            _ => None,
        };
        match read {
            Some(line) => learnt.push(line),
            None => problems.push(format!("terminology/diseases.tsv:{number}: not words, id and two counts; write the file with `terminology learn-diseases`")),
        }
    }
    if problems.is_empty() {
        Ok(learnt)
    } else {
        Err(problems)
    }
}

/// The diseases that these names mean, in the order of their ids.
pub(super) fn table(names: &Names, ontology: &ontology::Diseases) -> Diseases {
    let ids: BTreeSet<&str> = names
        .values()
        .flatten()
        .map(|name| name.id.as_str())
        .collect();
    let mut titles = Vec::new();
    let mut doids = Vec::new();
    let mut groups = Vec::new();
    for id in &ids {
        let parts: Vec<_> = id
            .split('|')
            .filter_map(|id| ontology.by_id.get(id))
            .collect();
        let said: Vec<_> = parts.iter().map(|part| part.name.as_str()).collect();
        titles.push(if said.is_empty() {
            (*id).to_owned()
        } else {
            said.join(" and ")
        });
        doids.push(match parts.as_slice() {
            [only] => only.doid,
            _ => 0,
        });
        let own = parts.iter().fold(0, |groups, part| groups | part.groups);
        groups.push(id.split('|').fold(own, |groups, id| groups | numbering(id)));
    }
    Diseases {
        ids: Strings::new(ids),
        names: Strings::new(titles),
        doids,
        groups,
    }
}

/// Which numbers an id is of, as one bit beside those of the trees: texts are marked with
/// the ids of their time and by the habits of their readers.
fn numbering(id: &str) -> u32 {
    let bit = if id.starts_with("OMIM") {
        0
    } else if id.starts_with('D') {
        return if id < "D062" { 0 } else { 1 << 31 };
    } else if id.len() > 7 || id >= "C55" {
        30
    } else {
        27
    };
    1 << bit
}

/// The place of an id among the diseases.
pub(super) fn place(ids: &Diseases, id: &str) -> Option<u32> {
    let (mut low, mut high) = (0, ids.ids.len());
    while low < high {
        let middle = low.midpoint(high);
        match ids.ids.get(middle).cmp(id) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Equal => return Some(number(middle)),
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_often_right_is_surer() {
        assert!(learnt_source(9, 9) > learnt_source(1, 1));
        assert!(learnt_source(1, 1) > learnt_source(0, 1));
        assert!(learnt_source(0, 100) < learnt_source(1, 2));
        assert!(learnt_source(1000, 1000) < LEARNT);
        assert!(u32::from(LEARNT) + LAST_RANK * 4 + 3 < u32::from(VARIED));
    }

    #[test]
    fn learnt_names_speak_over_those_of_the_ontologies() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let mut names = Names::new();
        let old = Name {
            id: "D1".to_owned(),
            source: 20,
        };
        names.insert(words("renal failure"), vec![old]);
        let learnt = read("# words\nrenal failure\tD2|D3\t3\t4\n").unwrap();
        with_learnt(&mut names, &learnt);
        assert_eq!(names[&words("renal failure")][0].id, "D2|D3");
        assert!(read("renal failure\tD2\n").unwrap_err()[0].contains("diseases.tsv:1"));
    }
}
