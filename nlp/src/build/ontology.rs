//! The names of diseases in MeSH, the Disease Ontology and Mondo.
//!
//! A disease is kept under its id in MeSH, or under its number in OMIM where MeSH has none.
//! The Disease Ontology and Mondo give further names to what they map to one of these.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::BuildError;
use super::wheel::Ontologies;

/// The diseases by id, and how their names rank.
#[derive(Debug, Default)]
pub(super) struct Diseases {
    pub(super) by_id: BTreeMap<String, Disease>,
    /// The id that each heading is kept under.
    headings: BTreeMap<String, String>,
    /// Supplementary concepts of MeSH that are also numbers of OMIM.
    twins: BTreeMap<String, String>,
}

/// What the sources say of one disease.
#[derive(Debug, Default)]
pub(super) struct Disease {
    pub(super) name: String,
    /// The number in the Disease Ontology, zero where it has none.
    pub(super) doid: u32,
    /// Every name with its rank: the lower, the surer that it means this disease.
    pub(super) names: BTreeMap<String, u32>,
    /// The trees of MeSH that it stands in, as bits; see [`group`].
    pub(super) groups: u32,
}

/// The most that a rank can be.
pub(super) const LAST_RANK: u32 = 11;
/// The ranks of the project's own names, and of those composed of a system and a damage.
const OWN_RANK: u32 = 10;
const COMPOSED_RANK: u32 = 11;

#[derive(Deserialize)]
struct Term {
    id: String,
    name: Option<String>,
    #[serde(default)]
    synonyms: Vec<String>,
    #[serde(default)]
    xrefs: Vec<Reference>,
}

#[derive(Deserialize)]
struct Reference {
    id: String,
    namespace: String,
}

impl Term {
    fn references(&self, namespace: &str) -> impl Iterator<Item = &str> {
        let wanted = move |reference: &&Reference| reference.namespace == namespace;
        self.xrefs
            .iter()
            .filter(wanted)
            .map(|reference| reference.id.as_str())
    }
}

/// Reads the names of every disease; `own_tsv` holds the project's own names.
pub(super) fn read(ontologies: &Ontologies, own_tsv: &str) -> Result<Diseases, BuildError> {
    let mut diseases = Diseases::default();
    let (headings, elsewhere) = diseases.read_headings(&ontologies.mesh);
    diseases.supplement(&ontologies.mesh_supplement, &headings);
    let parse = |file, text: &str| {
        serde_json::from_str::<Vec<Term>>(text)
            .map_err(|source| BuildError::Ontology { file, source })
    };
    let disease_ontology = parse("doid.json", &ontologies.disease_ontology)?;
    let mondo = parse("mondo.json", &ontologies.mondo)?;
    let ids = diseases.ontology(&disease_ontology, &BTreeMap::new(), 4);
    diseases.ontology(&mondo, &ids, 6);
    diseases.name_twins();
    for disease in diseases.by_id.values_mut() {
        disease.names.retain(|name, rank| {
            let is_word = !name.contains(' ') && *rank > 3;
            // Mondo writes acronyms in small letters.
            let is_acronym = name.len() <= 5 && *rank > 5;
            !is_word || !(is_acronym || elsewhere.contains(&name.to_lowercase()))
        });
    }
    diseases.own(own_tsv).map_err(BuildError::Terms)?;
    Ok(diseases)
}

/// The group of a tree of MeSH, as one bit: C01 to C26, F03, and two branches of C23.
fn group(tree: &str) -> u32 {
    let bit = match tree.get(..7) {
        Some("C23.550") => 28,
        Some("C23.888") => 29,
        _ if tree.starts_with("F03") => 27,
        _ => match tree.get(1..3).map(str::parse::<u32>) {
            Some(Ok(number)) if tree.starts_with('C') && number <= 26 => number,
            _ => return 0,
        },
    };
    1 << bit
}

impl Diseases {
    fn add(&mut self, id: &str, name: &str, rank: u32) {
        let disease = self.by_id.entry(id.to_owned()).or_default();
        if disease.name.is_empty() {
            name.clone_into(&mut disease.name);
        }
        let kept = disease.names.entry(name.to_owned()).or_insert(rank);
        *kept = rank.min(*kept);
    }

    /// MeSH headings of diseases (trees C) and mental disorders (F03).
    ///
    /// Gives back the id that each is kept under, and the names of all other headings. A
    /// heading of ten characters is younger than the texts that were learnt from, and is kept
    /// under the older heading above it.
    fn read_headings(&mut self, tsv: &str) -> (BTreeMap<String, String>, BTreeSet<String>) {
        let mut by_tree = BTreeMap::new();
        let mut lines = Vec::new();
        let mut elsewhere = BTreeSet::new();
        for line in tsv.lines() {
            let fields: Vec<_> = line.split('\t').collect();
            let &[id, name, entries, trees, ..] = fields.as_slice() else {
                continue;
            };
            let entries = entries.split('|').filter(|entry| !entry.is_empty());
            if trees.split('|').all(|tree| group(tree) == 0) {
                elsewhere.extend(entries.chain([name]).map(str::to_lowercase));
                continue;
            }
            by_tree.extend(trees.split('|').map(|tree| (tree, id)));
            lines.push((id, name, entries, trees));
        }
        // The older headings come first, so that the younger find their names.
        lines.sort_by_key(|(id, ..)| (id.len(), *id));
        let mut kept = BTreeMap::new();
        for (id, name, entries, trees) in lines {
            let words: BTreeSet<_> = name.split([' ', ',']).collect();
            let shared = |id: &str| {
                let above = self.by_id.get(id).map_or("", |above| above.name.as_str());
                let above = above.split([' ', ',']).filter(|word| !word.is_empty());
                above.filter(|word| words.contains(word)).count()
            };
            let older = |tree: &str| {
                let (depth, id) = older_above(tree, &by_tree)?;
                Some((shared(id), depth, id))
            };
            let under = if id.len() > OLD_ID {
                let above = trees.split('|').filter_map(older);
                above.max_by_key(|(shared, depth, id)| (*shared, *depth, std::cmp::Reverse(*id)))
            } else {
                Some((0, 0, id))
            };
            let Some((_, _, under)) = under else {
                continue;
            };
            let cost = if under == id { 0 } else { 2 };
            self.add(under, name, cost);
            for entry in entries {
                self.add(under, entry, 1 + cost);
            }
            if let Some(disease) = self.by_id.get_mut(under) {
                disease.groups |= trees
                    .split('|')
                    .fold(0, |groups, tree| groups | group(tree));
                if under == id {
                    name.clone_into(&mut disease.name);
                }
            }
            kept.insert(id.to_owned(), under.to_owned());
        }
        (kept, elsewhere)
    }

    /// Supplementary concepts that are mapped to a heading of a disease.
    fn supplement(&mut self, tsv: &str, headings: &BTreeMap<String, String>) {
        for line in tsv.lines() {
            let fields: Vec<_> = line.split('\t').collect();
            let &[id, name, synonyms, mapped] = fields.as_slice() else {
                continue;
            };
            let above = mapped
                .split(',')
                .filter_map(|heading| self.by_id.get(headings.get(heading)?));
            let groups = above.fold(0, |groups, heading| groups | heading.groups);
            if groups == 0 {
                continue;
            }
            self.add(id, name, 2);
            for synonym in synonyms.split('|').filter(|synonym| !synonym.is_empty()) {
                self.add(id, synonym, 3);
            }
            if let Some(disease) = self.by_id.get_mut(id) {
                disease.groups = groups;
            }
        }
        self.headings = headings.clone();
    }

    /// The project's own names, by the headings that they stand beside.
    fn own(&mut self, tsv: &str) -> Result<(), Vec<String>> {
        let headings = self.by_id.iter().filter(|(id, _)| id.starts_with('D'));
        let headings: BTreeMap<String, String> = headings
            .map(|(id, disease)| (disease.name.clone(), id.clone()))
            .collect();
        let mut problems = Vec::new();
        let mut damages = Vec::new();
        let mut systems = Vec::new();
        for (number, line) in (1..).zip(tsv.lines()) {
            if line.starts_with('#') || line.is_empty() {
                continue;
            }
            let fields: Vec<_> = line.split('\t').collect();
            let &[kind, heading, words] = fields.as_slice() else {
                problems.push(format!(
                    "terminology/disease-names.tsv:{number}: not three columns"
                ));
                continue;
            };
            let words = words.split(';').map(str::trim);
            match (kind, headings.get(heading)) {
                ("damage", None) => damages.extend(words),
                ("system", Some(id)) => systems.extend(words.map(|word| (id.clone(), word))),
                ("name", Some(id)) => words.for_each(|word| self.add(id, word, OWN_RANK)),
                _ => problems.push(format!(
                    "terminology/disease-names.tsv:{number}: `{kind}` with the heading `{heading}`; it must be `name` or `system` with a heading of MeSH, or `damage` with `-`"
                )),
            }
        }
        for (id, system) in systems {
            for damage in &damages {
                self.add(&id, &format!("{system} {damage}"), COMPOSED_RANK);
            }
            self.add(&id, &format!("impaired {system} function"), COMPOSED_RANK);
            self.add(&id, &format!("{system} function impairment"), COMPOSED_RANK);
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    /// Terms of an ontology under the ids that it maps them to; gives back these by its own ids.
    ///
    /// `known` holds the ids of the Disease Ontology's terms, for an ontology that refers to them.
    fn ontology(
        &mut self,
        terms: &[Term],
        known: &BTreeMap<String, String>,
        rank: u32,
    ) -> BTreeMap<String, String> {
        let mut ids = BTreeMap::new();
        for term in terms {
            let Some(name) = &term.name else { continue };
            if name.starts_with("obsolete") {
                continue;
            }
            let Some(id) = self.id_of(term, name, known) else {
                continue;
            };
            self.add(&id, name, rank);
            for synonym in &term.synonyms {
                self.add(&id, synonym, rank + 1);
            }
            let own = term.id.strip_prefix("DOID:");
            let doid = own.or_else(|| term.references("DOID").next());
            if let (Some(disease), Some(doid)) = (self.by_id.get_mut(&id), doid)
                && disease.doid == 0
            {
                disease.doid = doid.parse().unwrap_or(0);
            }
            let mut numbers = term.references("OMIM");
            if let (true, Some(number), None) =
                (id.starts_with('C'), numbers.next(), numbers.next())
            {
                self.twins.insert(id.clone(), format!("OMIM:{number}"));
            }
            ids.insert(term.id.clone(), id);
        }
        ids
    }

    /// Gives the names of supplementary concepts to the numbers of OMIM that mean the same:
    /// texts are marked with either.
    fn name_twins(&mut self) {
        for (concept, number) in std::mem::take(&mut self.twins) {
            let Some(disease) = self.by_id.get(&concept) else {
                continue;
            };
            for (name, rank) in disease.names.clone() {
                self.add(&number, &name, rank);
            }
        }
    }

    /// The one id that a term is kept under.
    ///
    /// Of several in MeSH, that with the term's own name counts, then the first heading.
    fn id_of(&self, term: &Term, name: &str, known: &BTreeMap<String, String>) -> Option<String> {
        let mesh: Vec<_> = term
            .references("MESH")
            .map(|id| self.headings.get(id).map_or(id, String::as_str))
            .filter(|id| self.by_id.contains_key(*id))
            .collect();
        let same = |id: &&&str| {
            let names = &self.by_id[**id].names;
            names.keys().any(|known| known.eq_ignore_ascii_case(name))
        };
        let best = mesh.iter().find(same).or_else(|| mesh.iter().min());
        if let Some(id) = best {
            return Some((*id).to_owned());
        }
        let doid = term.references("DOID").next();
        if let Some(id) = doid.and_then(|doid| known.get(&format!("DOID:{doid}"))) {
            return Some(id.clone());
        }
        let omim = term.references("OMIM").chain(term.references("OMIMPS"));
        let mut numbers = omim.map(|number| number.trim_start_matches("PS"));
        let number = numbers.next()?;
        Some(format!("OMIM:{number}"))
    }
}

/// The ids of older headings have seven characters.
const OLD_ID: usize = 7;

/// The nearest older heading above a place in the trees, with its depth.
fn older_above<'i>(tree: &str, by_tree: &BTreeMap<&str, &'i str>) -> Option<(usize, &'i str)> {
    let mut tree = tree;
    while let Some((above, _)) = tree.rsplit_once('.') {
        tree = above;
        if let Some(id) = by_tree.get(above).filter(|id| id.len() == OLD_ID) {
            return Some((above.len(), id));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Ontologies {
        Ontologies {
            mesh: "D000001\tAsthma\tBronchial Asthma|Asthma, Bronchial\tC08.127\n\
                   D000002\tAspirin\t\tD02.455\n"
                .to_owned(),
            mesh_supplement: "C000001\tAsthma-like sickness\tRare asthma\tD000001\n\
                              C000002\tsalve\t\tD000002\n"
                .to_owned(),
            disease_ontology: r#"[
                {"id": "DOID:1", "name": "asthma", "synonyms": ["airway disease X"],
                 "xrefs": [{"id": "D000001", "namespace": "MESH"}]},
                {"id": "DOID:2", "name": "unmapped"}]"#
                .to_owned(),
            mondo: r#"[
                {"id": "0000001", "name": "asthma, familial", "xrefs": [{"id": "600807", "namespace": "OMIM"}]},
                {"id": "0000002", "name": "asthma of Mondo", "xrefs": [{"id": "1", "namespace": "DOID"}]}]"#
                .to_owned(),
        }
    }

    #[test]
    fn names_gather_under_the_id_in_mesh_or_else_in_omim() {
        let own = "damage\t-\tfailure\nname\tAsthma\twheezy lungs\nsystem\tAsthma\tbronchial\n";
        let diseases = read(&sample(), own).unwrap().by_id;
        let ids: Vec<_> = diseases.keys().map(String::as_str).collect();
        assert_eq!(ids, ["C000001", "D000001", "OMIM:600807"]);
        let asthma = &diseases["D000001"];
        assert_eq!((asthma.name.as_str(), asthma.doid), ("Asthma", 1));
        for (name, rank) in [
            ("Asthma", 0),
            ("Bronchial Asthma", 1),
            ("airway disease X", 5),
            ("asthma of Mondo", 6),
            ("wheezy lungs", OWN_RANK),
            ("bronchial failure", COMPOSED_RANK),
        ] {
            assert_eq!(asthma.names.get(name), Some(&rank), "{name}");
        }
    }

    #[test]
    fn an_ontology_that_cannot_be_read_is_named() {
        let broken = Ontologies {
            mondo: "[{}]".to_owned(),
            ..sample()
        };
        assert!(
            read(&broken, "")
                .unwrap_err()
                .to_string()
                .contains("mondo.json")
        );
    }
}
