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
}

/// What the sources say of one disease.
#[derive(Debug, Default)]
pub(super) struct Disease {
    pub(super) name: String,
    /// The number in the Disease Ontology, zero where it has none.
    pub(super) doid: u32,
    /// Every name with its rank: the lower, the surer that it means this disease.
    pub(super) names: BTreeMap<String, u32>,
}

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

/// Reads the names of every disease.
pub(super) fn read(ontologies: &Ontologies) -> Result<Diseases, BuildError> {
    let mut diseases = Diseases::default();
    let headings = diseases.headings(&ontologies.mesh);
    diseases.supplement(&ontologies.mesh_supplement, &headings);
    let parse = |file, text: &str| {
        serde_json::from_str::<Vec<Term>>(text)
            .map_err(|source| BuildError::Ontology { file, source })
    };
    let disease_ontology = parse("doid.json", &ontologies.disease_ontology)?;
    let mondo = parse("mondo.json", &ontologies.mondo)?;
    let ids = diseases.ontology(&disease_ontology, &BTreeMap::new(), 4);
    diseases.ontology(&mondo, &ids, 6);
    Ok(diseases)
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

    /// MeSH headings of diseases (trees C) and mental disorders (F03); gives back their ids.
    fn headings(&mut self, tsv: &str) -> BTreeSet<String> {
        let mut ids = BTreeSet::new();
        for line in tsv.lines() {
            let mut fields = line.split('\t');
            let (Some(id), Some(name)) = (fields.next(), fields.next()) else {
                continue;
            };
            let entries = fields.next().unwrap_or_default();
            let trees = fields.next().unwrap_or_default();
            let is_disease = |tree: &str| tree.starts_with('C') || tree.starts_with("F03");
            if !trees.split('|').any(is_disease) {
                continue;
            }
            ids.insert(id.to_owned());
            self.add(id, name, 0);
            for entry in entries.split('|').filter(|entry| !entry.is_empty()) {
                self.add(id, entry, 1);
            }
        }
        ids
    }

    /// Supplementary concepts that are mapped to a heading of a disease.
    fn supplement(&mut self, tsv: &str, headings: &BTreeSet<String>) {
        for line in tsv.lines() {
            let fields: Vec<_> = line.split('\t').collect();
            let &[id, name, synonyms, mapped] = fields.as_slice() else {
                continue;
            };
            if mapped.split(',').any(|heading| headings.contains(heading)) {
                self.add(id, name, 2);
                for synonym in synonyms.split('|').filter(|synonym| !synonym.is_empty()) {
                    self.add(id, synonym, 3);
                }
            }
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
            ids.insert(term.id.clone(), id);
        }
        ids
    }

    /// The one id that a term is kept under.
    ///
    /// Of several in MeSH, that with the term's own name counts, then the first heading.
    fn id_of(&self, term: &Term, name: &str, known: &BTreeMap<String, String>) -> Option<String> {
        let mesh: Vec<_> = term
            .references("MESH")
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
        let diseases = read(&sample()).unwrap().by_id;
        let ids: Vec<_> = diseases.keys().map(String::as_str).collect();
        assert_eq!(ids, ["C000001", "D000001", "OMIM:600807"]);
        let asthma = &diseases["D000001"];
        assert_eq!((asthma.name.as_str(), asthma.doid), ("Asthma", 1));
        for (name, rank) in [
            ("Asthma", 0),
            ("Bronchial Asthma", 1),
            ("airway disease X", 5),
            ("asthma of Mondo", 6),
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
            read(&broken)
                .unwrap_err()
                .to_string()
                .contains("mondo.json")
        );
    }
}
