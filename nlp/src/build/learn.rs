//! Learning which words name which disease, from abstracts whose diseases are marked.
//!
//! First the names: every marked name with its id, and how often each name that occurs is
//! right. Then the weights of the model, over namings whose names were counted in other
//! abstracts than their own, so that the model learns how far counts can be trusted.

mod gold;
mod train;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::AddAssign;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::diseases::{self, Learnt, Names};
use super::ontology;
use super::wheel::Ontologies;
use super::{BuildError, LONGEST_TERM, numbered, with_diseases};
use crate::concept::Terms;
use crate::dictionary::{Dictionary, Diseases, Strings, Tables};
use crate::disease::model::{self, Answer, Feature, Model, Question};
use crate::disease::{self, Named, Naming, Place, ShortForms};
use crate::section::sections;
use crate::sentence::sentences;
use crate::token::Tokenizer;
use crate::vocabulary::{Vocabulary, forms};

use self::gold::Abstract;
use self::train::{Example, train};

/// Why nothing could be learnt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LearnError {
    /// A mark lies outside its text.
    #[error("`{file}`: the mark `{line}` lies outside the text of its abstract")]
    Gold {
        /// The file.
        file: String,
        /// The abstract's number and the offsets of the mark.
        line: String,
    },
    /// There is nothing to learn from.
    #[error("no abstracts; give files in the PubTator format with `--ncbi` and `--bc5cdr`")]
    Nothing,
    /// The ontologies cannot be read.
    #[error("the names of diseases cannot be read")]
    Build(#[from] BuildError),
}

/// Marked abstracts, each file with its name.
#[derive(Clone, Debug, Default)]
pub struct Corpora {
    /// The NCBI disease corpus, or parts of it.
    pub ncbi: Vec<(String, String)>,
    /// The BioCreative V chemical disease relation corpus, or parts of it.
    pub bc5cdr: Vec<(String, String)>,
}

/// What was learnt, as the files that hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearntDiseases {
    /// `terminology/diseases.tsv`.
    pub names_tsv: String,
    /// `terminology/disease-model.tsv`.
    pub model_tsv: String,
}

/// How diseases found agree with those marked, over the abstracts of one corpus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Diseases of an abstract that are found.
    pub right: usize,
    /// Diseases found that are not marked.
    pub extra: usize,
    /// Diseases marked that are not found.
    pub missed: usize,
}

impl Judged {
    /// The harmonic mean of precision and recall, 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "counts of abstracts are small")]
    pub fn f1(self) -> f64 {
        let found = 2 * self.right + self.extra + self.missed;
        2.0 * self.right as f64 / found.max(1) as f64
    }
}

impl AddAssign for Judged {
    fn add_assign(&mut self, other: Self) {
        self.right += other.right;
        self.extra += other.extra;
        self.missed += other.missed;
    }
}

/// In how many parts abstracts are divided, so that each is read with the others' names.
const PARTS: usize = 8;

/// Learns names and weights; judges them on `unseen` abstracts, by corpus.
pub fn learn_diseases(
    ontologies: &Ontologies,
    own_names: &str,
    corpora: &Corpora,
    unseen: &Corpora,
) -> Result<(LearntDiseases, [Judged; 2]), LearnError> {
    let ontology = ontology::read(ontologies, own_names)?;
    let known = abstracts(corpora)?;
    let unseen = abstracts(unseen)?;
    let lesson = Lesson::learn(&ontology, &known.iter().collect::<Vec<_>>())?;
    let judged = lesson.judge(&unseen.iter().collect::<Vec<_>>());
    Ok((lesson.learnt, judged))
}

/// Judges each of `folds` parts of the abstracts by what the other parts teach, by corpus.
pub fn cross_validate_diseases(
    ontologies: &Ontologies,
    own_names: &str,
    corpora: &Corpora,
    folds: usize,
) -> Result<Vec<[Judged; 2]>, LearnError> {
    let ontology = ontology::read(ontologies, own_names)?;
    let all = abstracts(corpora)?;
    let judge = |fold: usize| {
        let (held_back, known): (Vec<_>, Vec<_>) = all
            .iter()
            .enumerate()
            .partition(|(at, _)| at % folds == fold);
        let bare = |part: Vec<(usize, _)>| part.into_iter().map(|(_, one)| one).collect();
        let (held_back, known): (Vec<_>, Vec<_>) = (bare(held_back), bare(known));
        Ok(Lesson::learn(&ontology, &known)?.judge(&held_back))
    };
    (0..folds).map(judge).collect()
}

/// What abstracts teach, and the dictionary to read others with.
struct Lesson {
    learnt: LearntDiseases,
    dictionary: Dictionary,
}

impl Lesson {
    fn learn(
        ontology: &ontology::Diseases,
        corpora: &[&(usize, Abstract)],
    ) -> Result<Self, LearnError> {
        if corpora.is_empty() {
            return Err(LearnError::Nothing);
        }
        let universe = Universe::new(ontology, corpora);
        let without = |part: usize| -> Vec<&(usize, Abstract)> {
            let others = corpora.iter().enumerate();
            let others = others.filter(|(at, _)| at % PARTS != part);
            others.map(|(_, one)| *one).collect()
        };
        let mut namings = Vec::new();
        for part in 0..PARTS {
            let dictionary = universe.dictionary(&universe.learn_names(&without(part)));
            let tokenizer = Tokenizer::new(dictionary.vocabulary().clone());
            for (corpus, one) in corpora.iter().skip(part).step_by(PARTS) {
                let read = read(&dictionary, &tokenizer, &one.text);
                namings.push((*corpus, one, read));
            }
        }
        let names = universe.learn_names(corpora);
        let dictionary = universe.dictionary(&names);
        let hints = hints(&namings);
        let mut weights = train(&examples(&dictionary, &namings, &hints));
        weights.extend(hints);
        let learnt = LearntDiseases {
            names_tsv: names_tsv(&names),
            model_tsv: universe.model_tsv(&dictionary, &weights),
        };
        Ok(Self { learnt, dictionary })
    }

    /// How the diseases found in abstracts agree with those marked, by corpus.
    fn judge(&self, abstracts: &[&(usize, Abstract)]) -> [Judged; 2] {
        let mut judged = [Judged::default(); 2];
        let mut tokenizer = Tokenizer::new(self.dictionary.vocabulary().clone());
        let model = Model::read(&self.learnt.model_tsv, &self.dictionary, &mut tokenizer);
        for (corpus, one) in abstracts {
            let found = found(&model, &self.dictionary, &tokenizer, &one.text);
            let marked: BTreeSet<String> = one.ids().into_iter().map(str::to_owned).collect();
            judged[*corpus] += Judged {
                right: marked.intersection(&found).count(),
                extra: found.difference(&marked).count(),
                missed: marked.difference(&found).count(),
            };
        }
        judged
    }
}

/// The abstracts of both corpora, each with the number of its corpus.
fn abstracts(corpora: &Corpora) -> Result<Vec<(usize, Abstract)>, LearnError> {
    let mut all = Vec::new();
    for (corpus, files) in [&corpora.ncbi, &corpora.bc5cdr].into_iter().enumerate() {
        for (file, text) in files {
            let read = gold::read(file, text)?;
            all.extend(read.into_iter().map(|one| (corpus, one)));
        }
    }
    Ok(all)
}

/// All words, ids and names that can occur, so that numbers mean the same in every part.
struct Universe {
    names: Names,
    words: Vec<String>,
    diseases: Diseases,
}

/// A naming with the features of the words at its place.
struct Read {
    naming: Naming,
    nearby: Vec<Feature>,
    hints: Vec<Feature>,
}

impl Universe {
    fn new(ontology: &ontology::Diseases, corpora: &[&(usize, Abstract)]) -> Self {
        let names = diseases::of_ontology(ontology);
        let mut words: BTreeSet<String> = names.keys().flatten().cloned().collect();
        let mut marked = names.clone();
        for (_, one) in corpora {
            words.extend(forms(&one.text));
            words.extend(forms(&one.text.to_lowercase()));
            for marked_words in &one.marked {
                let forms = forms(marked_words.span.of(&one.text));
                // The edges of a mark may cut words in two.
                words.extend(forms.iter().cloned());
                let name = diseases::Name {
                    id: marked_words.id(),
                    source: 0,
                };
                // A further, impossible word keeps what is there.
                marked.insert([forms, vec![name.id.clone()]].concat(), vec![name]);
            }
        }
        Self {
            diseases: diseases::table(&marked, ontology),
            names,
            words: words.into_iter().collect(),
        }
    }

    /// A dictionary of diseases alone, with these learnt names.
    fn dictionary(&self, learnt: &[Learnt]) -> Dictionary {
        let mut names = self.names.clone();
        diseases::with_learnt(&mut names, learnt);
        let (terms, senses) = with_diseases(BTreeMap::new(), &names, &self.diseases);
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let meanings: BTreeSet<_> = terms.values().copied().collect();
        let meanings: Vec<_> = meanings.into_iter().collect();
        let terms = numbered(&terms, &words, &meanings);
        Dictionary::of(Tables {
            diseases: self.diseases.clone(),
            meanings: meanings.into_iter().collect(),
            senses,
            terms,
            vocabulary: Arc::new(Vocabulary::of(Strings::new(&words))),
            ..Tables::default()
        })
    }

    /// Every name that occurs in the abstracts, with the id that it is most often marked with.
    fn learn_names(&self, abstracts: &[&(usize, Abstract)]) -> Vec<Learnt> {
        let mut marked: BTreeMap<Vec<String>, BTreeMap<String, u32>> = BTreeMap::new();
        for (_, one) in abstracts {
            let mut own = BTreeSet::new();
            for words in &one.marked {
                own.insert((forms(words.span.of(&one.text)), words.id()));
            }
            for (forms, id) in own {
                if (1..=LONGEST_TERM).contains(&forms.len()) {
                    *marked.entry(forms).or_default().entry(id).or_insert(0) += 1;
                }
            }
        }
        for (forms, ids) in &mut marked {
            for name in self.names.get(forms).into_iter().flatten() {
                ids.entry(name.id.clone()).or_insert(0);
            }
        }
        let mut learnt = Vec::new();
        for (forms, ids) in &marked {
            let known = self.names.get(forms).map_or(&[][..], Vec::as_slice);
            let rank = |id: &str| known.iter().position(|name| name.id == id);
            let mut ids: Vec<_> = ids.iter().collect();
            ids.sort_by_key(|(id, count)| (Reverse(**count), rank(id), *id));
            let senses = ids.into_iter().take(diseases::MOST_SENSES);
            learnt.extend(senses.map(|(id, _)| Learnt {
                forms: forms.clone(),
                id: id.clone(),
                right: 0,
                seen: 0,
            }));
        }
        let dictionary = self.dictionary(&learnt);
        let tokenizer = Tokenizer::new(dictionary.vocabulary().clone());
        // Abstracts with the name, and of these the ones that speak of each disease.
        let mut counts: BTreeMap<Vec<String>, (u32, BTreeMap<String, u32>)> = BTreeMap::new();
        for (_, one) in abstracts {
            let ids = one.ids();
            let mut own: BTreeMap<Vec<String>, BTreeSet<u32>> = BTreeMap::new();
            for Read { naming, .. } in read(&dictionary, &tokenizer, &one.text) {
                if matches!(naming.place, Place::Apart | Place::ShortForm) {
                    continue;
                }
                let words = naming.span.of(&one.text);
                let as_written = forms(words);
                let forms =
                    if marked.contains_key(&as_written) || self.names.contains_key(&as_written) {
                        as_written
                    } else {
                        forms(&words.to_lowercase())
                    };
                own.entry(forms).or_default().insert(naming.disease);
            }
            for (forms, diseases) in own {
                let (seen, right) = counts.entry(forms).or_default();
                *seen += 1;
                for disease in diseases {
                    let id = self.diseases.ids.get(disease as usize);
                    let is_right = id.split('|').any(|id| ids.contains(id));
                    *right.entry(id.to_owned()).or_insert(0) += u32::from(is_right);
                }
            }
        }
        let mut learnt = Vec::new();
        for (forms, (seen, right)) in counts {
            let known = self.names.get(&forms).map_or(&[][..], Vec::as_slice);
            let rank = |id: &str| known.iter().position(|name| name.id == id);
            let mut senses: Vec<_> = right.into_iter().collect();
            senses.sort_by_key(|(id, right)| (Reverse(*right), rank(id), id.clone()));
            learnt.extend(senses.into_iter().map(|(id, right)| Learnt {
                forms: forms.clone(),
                id,
                right,
                seen,
            }));
        }
        learnt
    }

    /// The weights as a file; what hardly weighs is left out.
    fn model_tsv(&self, dictionary: &Dictionary, weights: &FxHashMap<Feature, f32>) -> String {
        let word = |number: u64| match usize::try_from(number).ok()?.checked_sub(1) {
            _ if model::is_edge(number) => Some("^"),
            Some(at) => self.words.get(at).map(String::as_str),
            None => None,
        };
        let disease = |number: u64| self.diseases.ids.get(usize::try_from(number).unwrap_or(0));
        let phrases: FxHashMap<u64, String> = dictionary
            .trie()
            .phrases()
            .map(|(numbers, _)| {
                let said: Vec<_> = numbers
                    .iter()
                    .filter_map(|number| word(u64::from(*number)))
                    .collect();
                (model::phrase(numbers), said.join(" "))
            })
            .collect();
        let mut lines = BTreeSet::new();
        for (feature, weight) in weights {
            if weight.abs() < LEAST_WEIGHT {
                continue;
            }
            let (question, answer) = model::split(*feature);
            let (_, name, kind) = Question::ALL[question as usize];
            let (first, second) = model::parts(kind, answer);
            let side = i64::try_from(first).unwrap_or(0) - 1;
            let said = match kind {
                Answer::Number => Some(answer.to_string()),
                Answer::Word => word(answer).map(str::to_owned),
                Answer::Words => word(first)
                    .zip(word(second))
                    .map(|(first, second)| format!("{first} {second}")),
                Answer::Phrase => phrases.get(&answer).cloned(),
                Answer::Disease => Some(disease(answer).to_owned()),
                Answer::WordInKind => word(second).map(|word| format!("{side} {word}")),
            };
            if let Some(said) = said {
                lines.insert((question as usize, format!("{name}\t{said}\t{weight:.2}")));
            }
        }
        let mut tsv = String::from(
            "# Weights of the model of diseases: a question about words that may name one, an\n\
             # answer, and how much that speaks for it. Written by `terminology learn-diseases`.\n",
        );
        for (_, line) in lines {
            tsv.push_str(&line);
            tsv.push('\n');
        }
        tsv
    }
}

/// Weights nearer to zero than this are not kept.
const LEAST_WEIGHT: f32 = 0.05;

/// The namings of a text, each with its features.
fn read(dictionary: &Dictionary, tokenizer: &Tokenizer, text: &str) -> Vec<Read> {
    let mut all = Vec::new();
    let mut terms = Terms::default();
    let mut short_forms = ShortForms::default();
    for section in sections(text) {
        for sentence in sentences(text, section.body) {
            let tokens = tokenizer.tokens(text, sentence);
            terms.fill(dictionary, None, text, &tokens, &mut short_forms);
            all.extend(terms.namings.iter().map(|naming| Read {
                naming: *naming,
                nearby: model::nearby(dictionary, text, &tokens, naming),
                hints: model::hints(&tokens, naming).collect(),
            }));
        }
    }
    all
}

/// The diseases that the model finds in a text.
fn found(
    model: &Model,
    dictionary: &Dictionary,
    tokenizer: &Tokenizer,
    text: &str,
) -> BTreeSet<String> {
    let read = read(dictionary, tokenizer, text);
    let sum = |features: &[Feature]| features.iter().map(|feature| model.weight(*feature)).sum();
    let namings: Vec<_> = read
        .iter()
        .map(|read| Naming {
            nearby: sum(&read.nearby),
            ..read.naming
        })
        .collect();
    let hints = read.iter().map(|read| -> f32 { sum(&read.hints) }).sum();
    let sure = disease::sure(model, dictionary, &namings, hints);
    let taken = namings
        .iter()
        .zip(sure)
        .filter(|(_, sure)| *sure >= disease::SURE_ENOUGH);
    taken
        .flat_map(|(naming, _)| dictionary.disease_ids(naming.disease))
        .map(str::to_owned)
        .collect()
}

/// How much each word near a naming speaks for the first corpus rather than the second.
fn hints(namings: &[(usize, &Abstract, Vec<Read>)]) -> FxHashMap<Feature, f32> {
    let mut counts: BTreeMap<Feature, [f32; 2]> = BTreeMap::new();
    let mut totals = [1.0_f32; 2];
    for (corpus, _, read) in namings {
        let own: BTreeSet<Feature> = read.iter().flat_map(|read| &read.hints).copied().collect();
        for feature in own {
            counts.entry(feature).or_insert([0.5; 2])[*corpus] += 1.0;
            totals[*corpus] += 1.0;
        }
    }
    counts
        .into_iter()
        .filter(|(_, [one, other])| one + other >= 6.0)
        .map(|(feature, [one, other])| (feature, ((one / totals[0]) / (other / totals[1])).ln()))
        .filter(|(_, weight)| weight.abs() > 0.7)
        .collect()
}

/// One example for each disease named in an abstract: it counts when the abstract is marked
/// with it.
fn examples(
    dictionary: &Dictionary,
    namings: &[(usize, &Abstract, Vec<Read>)],
    hints: &FxHashMap<Feature, f32>,
) -> Vec<Example> {
    let mut examples = Vec::new();
    for (_, one, read) in namings {
        let ids = one.ids();
        let sum: f32 = read
            .iter()
            .flat_map(|read| &read.hints)
            .filter_map(|feature| hints.get(feature))
            .sum();
        let kind = model::kind(sum, read.len());
        let named = Named::of(read.iter().map(|read| &read.naming));
        let mut by_disease: BTreeMap<u32, Vec<Vec<Feature>>> = BTreeMap::new();
        for Read { naming, nearby, .. } in read {
            let mut features = nearby.clone();
            features.extend(model::overall(dictionary, naming, kind, &named));
            by_disease.entry(naming.disease).or_default().push(features);
        }
        examples.extend(by_disease.into_iter().map(|(disease, namings)| Example {
            namings,
            counts: dictionary.disease_ids(disease).any(|id| ids.contains(id)),
        }));
    }
    examples
}

fn names_tsv(learnt: &[Learnt]) -> String {
    let mut tsv = String::from(
        "# Names of diseases in abstracts: the words in the form in which they are compared, the\n\
         # id, abstracts that hold the words and speak of the disease, abstracts that hold the\n\
         # words. Written by `terminology learn-diseases`.\n",
    );
    for line in learnt {
        let words = line.forms.join(" ");
        let _ = writeln!(tsv, "{words}\t{}\t{}\t{}", line.id, line.right, line.seen);
    }
    tsv
}
