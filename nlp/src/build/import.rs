//! Terms out of the official release's index and tables, added to an edition's dictionary.
//!
//! The embedded dictionary is made from the tabular list alone. Whoever has the release's XML of
//! the index can add its terms: main terms with their modifiers in the orders in which notes have
//! them, neoplasms by site and behaviour, and what drugs do. A term that the dictionary has a code
//! for keeps it, since titles and the project's own terms are the surer ones.

use std::collections::{BTreeMap, BTreeSet};

use super::index::{self, Entry, Index, IndexKind};
use super::{LONGEST_TERM, in_order_of, places};
use crate::dictionary::{Dictionary, Meaning, Origin, Strings};
use crate::trie::Trie;
use crate::vocabulary::forms;

/// A file of the release: what it should be, its name for errors, and its text.
#[derive(Clone, Debug)]
pub struct ReleaseFile {
    /// What it should be.
    pub kind: IndexKind,
    /// Its name.
    pub name: String,
    /// Its XML.
    pub xml: String,
}

/// Why the release could not be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The files have faults; all are listed, each with its file and line.
    #[error("{} problem(s) in the files of the release:\n{}", .0.len(), .0.join("\n"))]
    Files(Vec<String>),
}

/// What was imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportSummary {
    /// Entries of all files.
    pub entries: usize,
    /// Terms of the dictionary before.
    pub before: usize,
    /// Terms of the dictionary after.
    pub after: usize,
    /// Terms that have a code now and had none before.
    pub added: usize,
    /// Entries that refer to another one in words that name no entry (`by type`).
    pub unresolved: usize,
}

/// The dictionary file of `base` with the terms of these files.
pub fn import(
    base: &Dictionary,
    files: &[ReleaseFile],
) -> Result<(Vec<u8>, ImportSummary), ImportError> {
    let fiscal_year = base
        .edition()
        .split_once("FY")
        .and_then(|(_, rest)| rest.get(..4))
        .unwrap_or_default();
    let mut problems = Vec::new();
    let mut offers = Offers::default();
    let mut summary = ImportSummary::default();
    for file in files {
        let index = match index::read(file.kind, fiscal_year, &file.name, &file.xml) {
            Ok(index) => index,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        problems.extend(unknown_codes(base, file, &index));
        summary.entries += index.entries.len();
        summary.unresolved += offers.add(base, file.kind, &index);
    }
    if !problems.is_empty() {
        return Err(ImportError::Files(problems));
    }
    let bytes = merged(base, &offers.best, &mut summary);
    Ok((bytes, summary))
}

/// Every code of a file that the edition lacks.
fn unknown_codes(base: &Dictionary, file: &ReleaseFile, index: &Index) -> Vec<String> {
    let codes = index
        .entries
        .iter()
        .flat_map(|entry| entry.code.iter().chain(entry.cells.values()));
    codes
        .filter(|reference| base.node_of(&reference.code).is_none())
        .map(|reference| {
            format!(
                "{}:{}: `{}` is no code of {}",
                file.name,
                index::line_of(&file.xml, reference.at),
                reference.code,
                base.edition()
            )
        })
        .collect()
}

/// Terms with the code that each is offered for at the least cost.
#[derive(Default)]
struct Offers {
    best: BTreeMap<Vec<String>, (u32, u32)>,
}

impl Offers {
    /// Adds the terms of a file; says how many references lead nowhere.
    fn add(&mut self, base: &Dictionary, kind: IndexKind, index: &Index) -> usize {
        let by_path = by_path(index);
        let mut unresolved = 0;
        for at in 0..index.entries.len() {
            let entry = &index.entries[at];
            let path = path(index, at);
            // Of two entries with the same words the one nearer to its main term is meant.
            let depth = u32::try_from(path.len()).unwrap_or(u32::MAX / 2) * 4;
            let mut source = entry;
            if entry.code.is_none() && entry.cells.is_empty() {
                let Some(see) = &entry.see else { continue };
                let target = follow(index, &by_path, see, &path);
                let Some(target) = target else {
                    unresolved += 1;
                    continue;
                };
                source = &index.entries[target];
            }
            let node = |code: &str| base.node_of(code);
            match kind {
                IndexKind::Diseases | IndexKind::ExternalCauses => {
                    let code = source.code.as_ref();
                    if let Some(node) = code.and_then(|code| node(&code.code)) {
                        for (phrase, cost) in phrases(&path) {
                            self.offer(&phrase, cost + depth, node, kind);
                        }
                    }
                }
                IndexKind::Neoplasms | IndexKind::Drugs => {
                    let path = if kind == IndexKind::Neoplasms {
                        path.get(1..).unwrap_or_default()
                    } else {
                        &path[..]
                    };
                    let names = names_of_thing(path);
                    for (column, patterns) in patterns(kind) {
                        let Some(cell) = source.cells.get(column) else {
                            continue;
                        };
                        let Some(node) = node(&cell.code) else {
                            continue;
                        };
                        for (name, cost) in &names {
                            for pattern in *patterns {
                                let phrase = pattern.replace('@', name);
                                self.offer(&phrase, cost + depth, node, kind);
                            }
                        }
                    }
                }
            }
        }
        unresolved
    }

    fn offer(&mut self, phrase: &str, cost: u32, node: u32, kind: IndexKind) {
        let forms = forms(&phrase.to_lowercase());
        if forms.len() > LONGEST_TERM || is_too_vague(&forms, kind) {
            return;
        }
        let offered = (cost, node);
        let kept = self.best.entry(forms).or_insert(offered);
        *kept = offered.min(*kept);
    }
}

/// How a note speaks of a neoplasm of the site `@`, by the column of the table.
const NEOPLASMS: &[(u8, &[&str])] = &[
    (
        2,
        &[
            "malignant neoplasm of @",
            "malignant neoplasm of the @",
            "malignant tumor of @",
            "malignant tumor of the @",
            "malignant @ tumor",
            "malignant @ neoplasm",
            "@ cancer",
            "cancer of @",
            "cancer of the @",
            "@ carcinoma",
            "carcinoma of @",
            "carcinoma of the @",
            "@ adenocarcinoma",
            "adenocarcinoma of @",
            "adenocarcinoma of the @",
            "@ malignancy",
        ],
    ),
    (
        3,
        &[
            "metastasis to @",
            "metastasis to the @",
            "metastasis in the @",
            "metastatic to @",
            "metastatic to the @",
            "@ metastasis",
            "secondary malignant neoplasm of @",
            "metastatic disease to @",
        ],
    ),
    (
        4,
        &[
            "carcinoma in situ of @",
            "carcinoma in situ of the @",
            "@ carcinoma in situ",
        ],
    ),
    (
        5,
        &[
            "benign neoplasm of @",
            "benign neoplasm of the @",
            "benign tumor of @",
            "benign tumor of the @",
            "benign @ tumor",
            "benign @ neoplasm",
        ],
    ),
    (
        6,
        &[
            "neoplasm of uncertain behavior of @",
            "neoplasm of uncertain behavior of the @",
        ],
    ),
    (
        7,
        &[
            "neoplasm of @",
            "neoplasm of the @",
            "tumor of @",
            "tumor of the @",
            "@ tumor",
            "@ neoplasm",
        ],
    ),
];

/// How a note speaks of what the drug `@` did, by the column of the table.
const DRUGS: &[(u8, &[&str])] = &[
    (
        2,
        &[
            "@ poisoning",
            "poisoning by @",
            "@ overdose",
            "overdose of @",
            "accidental @ overdose",
            "@ intoxication",
        ],
    ),
    (
        3,
        &[
            "intentional @ overdose",
            "intentional overdose of @",
            "intentional @ poisoning",
        ],
    ),
    (
        6,
        &[
            "adverse effect of @",
            "adverse reaction to @",
            "@ adverse effect",
            "@ adverse reaction",
            "@ toxicity",
        ],
    ),
    (7, &["underdosing of @", "@ underdosing"]),
];

fn patterns(kind: IndexKind) -> &'static [(u8, &'static [&'static str])] {
    match kind {
        IndexKind::Neoplasms => NEOPLASMS,
        IndexKind::Drugs => DRUGS,
        IndexKind::Diseases | IndexKind::ExternalCauses => &[],
    }
}

/// What a term begins with that keeps its place behind its main term.
const LINKS: [&str; 19] = [
    "with",
    "without",
    "due",
    "in",
    "of",
    "from",
    "by",
    "following",
    "after",
    "during",
    "complicating",
    "caused",
    "affecting",
    "involving",
    "to",
    "at",
    "on",
    "for",
    "as",
];

/// One level of an entry's path: the names that it goes by, and its nonessential modifiers.
struct Level<'i> {
    names: Vec<String>,
    entry: &'i Entry,
}

impl Level<'_> {
    /// Whether it is joined by a word such as `with`, and so keeps its place.
    fn is_linked(&self) -> bool {
        let first = self.names.first().and_then(|name| name.split(' ').next());
        first.is_some_and(|first| LINKS.contains(&first))
    }
}

fn path(index: &Index, at: usize) -> Vec<Level<'_>> {
    let mut path = Vec::new();
    let mut next = Some(at);
    while let Some(at) = next {
        let entry = &index.entries[at];
        path.push(Level {
            names: names(&entry.title),
            entry,
        });
        next = entry.parent;
    }
    path.reverse();
    path
}

/// The names in a title: `boat, boating` has two; `NEC` and `NOS` are no part of one.
fn names(title: &str) -> Vec<String> {
    let title = title.to_lowercase();
    let names = title.split(", ").map(|name| {
        let words = name.split_whitespace();
        let words: Vec<_> = words
            .filter(|word| !["nec", "nos"].contains(word))
            .collect();
        words.join(" ")
    });
    names.filter(|name| !name.is_empty()).take(4).collect()
}

/// At most so many ways to say one entry.
const MOST: usize = 64;

/// The ways to say an entry of an index, each with its cost: the words as printed cost least.
fn phrases(path: &[Level<'_>]) -> Vec<(String, u32)> {
    let Some((main, below)) = path.split_first() else {
        return Vec::new();
    };
    let linked = below.iter().filter(|level| level.is_linked());
    let tails = products(linked.collect::<Vec<_>>().as_slice());
    let plain: Vec<_> = below.iter().filter(|level| !level.is_linked()).collect();
    let mut phrases = Vec::new();
    for main_name in &main.names {
        for words in products(&plain) {
            let forwards = words.join(" ");
            let backwards = words.iter().rev().cloned().collect::<Vec<_>>().join(" ");
            let mut heads = vec![(format!("{backwards} {main_name}"), 0)];
            if let Some((first, others)) = words.split_first() {
                let others = others.iter().rev().cloned().collect::<Vec<_>>().join(" ");
                heads.push((format!("{forwards} {main_name}"), 1));
                heads.push((format!("{main_name} {forwards}"), 1));
                heads.push((format!("{others} {main_name} of {first}"), 1));
                heads.push((format!("{others} {main_name} of the {first}"), 1));
            }
            for modifier in &main.entry.modifiers {
                if !modifier.contains(' ') && words.is_empty() {
                    heads.push((format!("{modifier} {main_name}"), 2));
                }
            }
            for (head, cost) in heads {
                for tail in &tails {
                    let phrase = format!("{head} {}", tail.join(" "));
                    phrases.push((phrase.trim().to_owned(), cost));
                }
            }
            if phrases.len() >= MOST {
                return phrases;
            }
        }
    }
    phrases
}

/// The names of a site or a drug: `wall` below `abdomen, abdominal` is the `abdominal wall`.
fn names_of_thing(path: &[Level<'_>]) -> Vec<(String, u32)> {
    if path.is_empty() || path.iter().any(Level::is_linked) {
        return Vec::new();
    }
    let kind_of_tumor = |name: &String| {
        ["carcinoma", "specified", "melanoma", "type"]
            .iter()
            .any(|word| name.contains(word))
    };
    let levels: Vec<_> = path.iter().collect();
    let mut names = Vec::new();
    for words in products(&levels) {
        if words.iter().any(kind_of_tumor) {
            continue;
        }
        let backwards: Vec<_> = words.iter().rev().cloned().collect();
        names.push((backwards.join(" "), 0));
        if backwards.len() == 2 {
            names.push((backwards.join(" of "), 1));
            names.push((backwards.join(" of the "), 1));
        }
    }
    names.truncate(MOST);
    names
}

/// Every choice of one name a level.
fn products(levels: &[&Level<'_>]) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    for level in levels {
        let mut longer = Vec::new();
        for start in &all {
            for name in &level.names {
                let mut words: Vec<String> = start.clone();
                words.push(name.clone());
                longer.push(words);
            }
        }
        longer.truncate(MOST);
        all = longer;
    }
    all
}

/// The entries by their path, in small letters, each level by its first name.
fn by_path(index: &Index) -> BTreeMap<Vec<String>, usize> {
    let mut by_path = BTreeMap::new();
    for at in 0..index.entries.len() {
        let path = path(index, at);
        for first in path
            .first()
            .map(|main| main.names.clone())
            .unwrap_or_default()
        {
            let mut key = vec![first];
            key.extend(
                path[1..]
                    .iter()
                    .filter_map(|level| level.names.first().cloned()),
            );
            by_path.entry(key).or_insert(at);
        }
    }
    by_path
}

/// Where a reference leads, through further ones: `Accident, transport, car occupant`.
fn follow(
    index: &Index,
    by_path: &BTreeMap<Vec<String>, usize>,
    see: &str,
    from: &[Level<'_>],
) -> Option<usize> {
    let mut see = see.to_owned();
    // References may lead round in a circle; none that leads anywhere takes more steps than this.
    for _ in 0..4 {
        let wanted = names_in_reference(&see);
        // A reference within a table leaves out the table's own main term.
        let main = from.first()?.names.first()?;
        let below: Vec<_> = std::iter::once(main).chain(&wanted).cloned().collect();
        let found = *by_path.get(&wanted).or_else(|| by_path.get(&below))?;
        let entry = &index.entries[found];
        if entry.code.is_some() || !entry.cells.is_empty() {
            return Some(found);
        }
        see = entry.see.clone()?;
    }
    None
}

fn names_in_reference(see: &str) -> Vec<String> {
    see.to_lowercase()
        .split(", ")
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}

/// A word alone means a code only where it is formed as names of diseases are; what a cause is
/// called is only clear in several words.
fn is_too_vague(forms: &[String], kind: IndexKind) -> bool {
    const ENDINGS: [&str; 20] = [
        "itis", "osis", "emia", "oma", "pathy", "algia", "iasis", "uria", "penia", "plegia",
        "cele", "ectasis", "rrhea", "rrhagia", "phobia", "trophy", "plasia", "megaly", "oedema",
        "paresis",
    ];
    match forms {
        [] => true,
        [word] => {
            kind != IndexKind::Diseases
                || word.len() < 7
                || !ENDINGS.iter().any(|ending| word.ends_with(ending))
        }
        _ if kind == IndexKind::ExternalCauses && forms.len() < 4 => true,
        _ => forms.iter().all(|form| form.len() < 4),
    }
}

/// The file of the base dictionary with these terms, where it has no code for them.
fn merged(
    base: &Dictionary,
    offers: &BTreeMap<Vec<String>, (u32, u32)>,
    summary: &mut ImportSummary,
) -> Vec<u8> {
    let mut terms: BTreeMap<Vec<String>, Meaning> = base.phrases().collect();
    summary.before = terms.len();
    for (forms, (_, node)) in offers {
        let meaning = terms.entry(forms.clone()).or_insert(Meaning::NOTHING);
        if meaning.node.is_none() {
            meaning.node = Some(*node);
            meaning.origin = Origin::Index;
            summary.added += 1;
        }
    }
    summary.after = terms.len();
    let meanings: BTreeSet<_> = terms.values().copied().collect();
    let meanings = in_order_of(None, &meanings);
    let words: BTreeSet<&str> = terms.keys().flatten().map(String::as_str).collect();
    // The tables of attributes speak of the words by their numbers, which therefore stay.
    let words = in_order_of(Some(base.words().collect()), &words);
    let (place_of, number_of) = (places(&meanings), places(&words));
    let trie = Trie::new(terms.iter().map(|(forms, meaning)| {
        let numbered = forms.iter().map(|form| number_of[form.as_str()] + 1);
        (numbered.collect(), place_of[meaning])
    }));
    base.file_with(trie, Strings::new(&words), meanings.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Engine;

    /// A file of the release's schema, with these entries.
    fn file(kind: IndexKind, head: &str, entries: &str) -> ReleaseFile {
        ReleaseFile {
            kind,
            name: "release.xml".to_owned(),
            xml: format!(
                "<ICD10CM.index><version>2026</version>{head}<letter>\n{entries}\n</letter></ICD10CM.index>"
            ),
        }
    }

    /// The code that each phrase is offered for.
    fn offered<const N: usize>(files: &[ReleaseFile], phrases: [&str; N]) -> [String; N] {
        let base = Dictionary::fy2026();
        let mut offers = Offers::default();
        for file in files {
            let index = index::read(file.kind, "2026", &file.name, &file.xml).unwrap();
            offers.add(&base, file.kind, &index);
        }
        phrases.map(|phrase| {
            let offered = offers.best.get(&forms(phrase));
            let meaning = offered.map(|(_, node)| Meaning {
                node: Some(*node),
                ..Meaning::NOTHING
            });
            let code = meaning.and_then(|meaning| base.billable(meaning));
            code.map_or_else(String::new, |code| code.code.into())
        })
    }

    const TABLE: &str = r#"<indexHeading><head col="1">Neoplasm</head></indexHeading>"#;
    const DRUGS: &str = r#"<indexHeading><head col="1">Substance</head></indexHeading>"#;

    #[test]
    fn an_entry_is_found_in_the_orders_of_notes() {
        let index = file(
            IndexKind::Diseases,
            "",
            "<mainTerm><title>Zebroid, striped<nemod>(grey)</nemod></title><code>L30.9</code>             <term><title>lung</title><code>J98.4</code>             <term><title>with hoofing</title><code>J84.9</code></term></term></mainTerm>             <mainTerm><title>Hoofrot</title><see>Zebroid, lung</see></mainTerm>\
             <mainTerm><title>Hoofrotitis, striped hoofrotitis</title><see>Hoofrot</see></mainTerm>",
        );
        let found = offered(
            &[index],
            [
                "zebroid lung",
                "lung zebroid",
                "zebroid of the lung",
                "lung zebroid with hoofing",
                "grey zebroid",
                // A word alone says too little, were it not formed as a disease's name.
                "zebroid",
                "hoofrot",
                "striped hoofrotitis",
            ],
        );
        assert_eq!(
            found,
            ["J98.4", "J98.4", "J98.4", "J84.9", "L30.9", "", "", "J98.4"]
        );
    }

    #[test]
    fn tables_speak_of_sites_and_drugs_as_notes_do() {
        let sites = file(
            IndexKind::Neoplasms,
            TABLE,
            "<mainTerm><title>Neoplasm</title><term><title>gizzard</title>             <cell col=\"2\">C26.9</cell><cell col=\"3\">C78.8-</cell><cell col=\"4\">--</cell></term>             <term><title>crop</title><see>Neoplasm, gizzard</see></term></mainTerm>",
        );
        let drugs = file(
            IndexKind::Drugs,
            DRUGS,
            "<mainTerm><title>Zebrazole</title><cell col=\"2\">T37.8X1</cell>             <cell col=\"6\">T37.8X5</cell></mainTerm>",
        );
        let found = offered(
            &[sites, drugs],
            [
                "gizzard carcinoma",
                "cancer of the crop",
                "metastasis to the gizzard",
                "zebrazole overdose",
                "adverse effect of zebrazole",
            ],
        );
        assert_eq!(found, ["C26.9", "C26.9", "C78.80", "T37.8X1A", "T37.8X5A"]);
    }

    #[test]
    fn an_imported_term_is_found_and_none_that_has_a_code_changes_it() {
        let index = file(
            IndexKind::Diseases,
            "",
            "<mainTerm><title>Essential hypertension</title><code>R03.0</code></mainTerm>\
             <mainTerm><title>Zebroid</title><term><title>lung</title><code>J98.4</code></term></mainTerm>",
        );
        let (bytes, summary) = import(&Dictionary::fy2026(), &[index]).unwrap();
        assert!(summary.added > 0 && summary.after == summary.before + summary.added);
        let engine = Engine::new(Dictionary::from_bytes(&bytes).unwrap());
        let coding = engine.code("Essential hypertension. Zebroid of the lung.");
        let codes: Vec<_> = coding.codes.iter().map(|code| code.code.as_str()).collect();
        assert_eq!(codes, ["I10", "J98.4"]);
    }

    #[test]
    fn every_fault_of_every_file_is_told_at_once() {
        let unknown = file(
            IndexKind::Diseases,
            "",
            "<mainTerm><title>One</title><code>A99.99</code></mainTerm>\n             <mainTerm><title>Two</title><code>U99.99</code></mainTerm>",
        );
        let other = file(
            IndexKind::Drugs,
            TABLE,
            "<mainTerm><title>a</title></mainTerm>",
        );
        let error = import(&Dictionary::fy2026(), &[unknown, other]).unwrap_err();
        let ImportError::Files(problems) = error;
        assert_eq!(problems.len(), 3, "{problems:#?}");
        assert!(problems[0].starts_with("release.xml:2: `A99.99` is no code of ICD-10-CM FY2026"));
        assert!(problems[1].starts_with("release.xml:3: `U99.99`"));
        assert!(problems[2].contains("this is the table of neoplasms"));
    }
}
