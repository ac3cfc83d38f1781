//! Neoplasms by kind and site: `carcinoma of the left kidney`, `lung and liver metastases`.
//!
//! The words for what a neoplasm is and for where it is are few, their combinations are not,
//! and other words stand in between. So both are found by themselves, and the code follows from
//! a table, as guideline section I.C.2 has it: by site and behaviour.

use crate::Span;
use crate::concept::{Concept, Terms};
use crate::dictionary::{Dictionary, Meaning, Origin};
use crate::disease::{Naming, Place};
use crate::token::{Token, Tokenizer};
use crate::trie::Trie;

/// What kinds there are, each with the behaviours to look for.
static KINDS: &str = include_str!("../terminology/neoplasm-kinds.tsv");
/// What sites there are, each with the code of a behaviour there.
static SITES: &str = include_str!("../terminology/neoplasm-sites.tsv");

/// How many words may stand between a kind and its site.
const REACH: usize = 7;
/// How many of them may be words that are not known to link a kind to its site.
const UNKNOWN: usize = 2;

/// The kinds and sites of neoplasms, in the numbers of a tokenizer.
#[derive(Clone, Debug)]
pub(crate) struct Neoplasms {
    kinds: Trie,
    sites: Trie,
    /// Of each kind: the behaviours to look for, and where its site stands.
    behaviours: Vec<(Vec<&'static str>, Side)>,
    /// Of each site: what a behaviour means there.
    codes: Vec<Vec<(&'static str, Meaning)>>,
    /// Of each site: the disease that any neoplasm there is.
    diseases: Vec<Option<u32>>,
    /// What says no more than that something is a neoplasm, among the diseases.
    vague: Vec<u32>,
    /// What each word does between a kind and its site, by its number.
    links: Vec<Link>,
}

/// Where the site of a kind may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Both,
    After,
}

/// What a word does between a kind and its site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Link {
    /// Nothing is known of it.
    #[default]
    Unknown,
    /// It leads to the site: `of`, `in`.
    Leads,
    /// It begins a phrase: `the`. It stands after what leads to a site, never between site and kind.
    Begins,
    /// It may stand anywhere before a site: `left`, `distal`.
    Fills,
    /// It joins sites: `and`, a comma.
    Joins,
    /// Nothing beyond it belongs together: `with`, `without`.
    Parts,
}

impl Neoplasms {
    /// The project's own kinds and sites; a code that the dictionary's edition lacks is left out.
    pub(crate) fn embedded(tokenizer: &mut Tokenizer, dictionary: &Dictionary) -> Self {
        let mut phrases = Vec::new();
        let mut behaviours = Vec::new();
        for (number, (terms, keys)) in (0..).zip(rows(KINDS)) {
            let mut side = Side::Both;
            for term in terms.split(';').map(str::trim) {
                if term.starts_with('>') {
                    side = Side::After;
                }
                phrases.push((tokenizer.intern(term.trim_start_matches('>')), number));
            }
            behaviours.push((keys.split(' ').collect(), side));
        }
        let kinds = Trie::new(std::mem::take(&mut phrases));
        let mut codes = Vec::new();
        let mut diseases = Vec::new();
        for (number, (names, cells)) in (0..).zip(rows(SITES)) {
            for name in names.split(';').map(str::trim) {
                phrases.push((tokenizer.intern(name), number));
            }
            let cell = |cell: &'static str| {
                let (behaviour, code) = cell.split_once('=')?;
                Some((behaviour, dictionary.meaning_of(code)?))
            };
            codes.push(cells.split(' ').filter_map(cell).collect());
            let mut named = names.split(';').map(str::trim);
            diseases
                .push(named.find_map(|name| dictionary.disease_named(&format!("{name} neoplasm"))));
        }
        let sites = Trie::new(phrases);
        let mut links = Vec::new();
        for (link, words) in LINKS {
            for word in tokenizer.intern(words) {
                let at = word as usize;
                if links.len() <= at {
                    links.resize(at + 1, Link::Unknown);
                }
                links[at] = link;
            }
        }
        Self {
            kinds,
            sites,
            behaviours,
            codes,
            diseases,
            vague: VAGUE
                .iter()
                .filter_map(|name| dictionary.disease_named(name))
                .collect(),
            links,
        }
    }

    /// Puts the neoplasms whose site the sentence names in the place of vaguer terms.
    pub(crate) fn refine(&self, tokens: &[Token], terms: &mut Terms) {
        let mut at = 0;
        let mut kinds: Vec<(Span, usize)> = Vec::new();
        while at < tokens.len() {
            match longest(&self.kinds, tokens, at) {
                Some((words, kind)) => {
                    kinds.push((Span::new(at, at + words), kind));
                    at += words;
                }
                None => at += 1,
            }
        }
        for place in 0..kinds.len() {
            self.refine_one(tokens, &kinds, place, terms);
        }
    }

    fn refine_one(
        &self,
        tokens: &[Token],
        kinds: &[(Span, usize)],
        place: usize,
        terms: &mut Terms,
    ) {
        let (kind, number) = kinds[place];
        let (behaviours, side) = &self.behaviours[number];
        let from = place.checked_sub(1).map_or(0, |before| kinds[before].0.end);
        let next = kinds.get(place + 1).map(|next| next.0.start);
        let mut sites = Vec::new();
        if *side == Side::Both {
            sites = self.before(tokens, kind.start, from);
        }
        if sites.is_empty() {
            sites = self.after(tokens, kind.end, *side, next);
        }
        let is_general = GENERAL.contains(&behaviours[0]);
        for (at, (site, number)) in sites.into_iter().enumerate() {
            let Some(mut meaning) = self.meaning(behaviours, number) else {
                continue;
            };
            let span = if at == 0 {
                Span::new(site.start.min(kind.start), site.end.max(kind.end))
            } else {
                site
            };
            // A term of the dictionary that is as long, or reaches beyond, says more; but not one
            // that only the imported tables have, which stand on the same table as this one.
            let says_more = |concept: &Concept| {
                overlap(concept.tokens, span)
                    && (!within(concept.tokens, span)
                        || concept.tokens == span
                            && concept.meaning.has_code()
                            && concept.meaning.origin != Origin::Index)
            };
            if terms.concepts.iter().any(says_more) {
                continue;
            }
            meaning.disease = self.diseases[number].filter(|_| is_general);
            terms
                .concepts
                .retain(|concept| !overlap(concept.tokens, span));
            let order = terms
                .concepts
                .partition_point(|concept| concept.tokens.start < span.start);
            let concept = Concept {
                tokens: span,
                meaning,
            };
            terms.concepts.insert(order, concept);
            self.name(tokens, terms, concept);
        }
    }

    /// Names the disease of a site before what only says that it is a neoplasm.
    fn name(&self, tokens: &[Token], terms: &mut Terms, concept: Concept) {
        let is_vague = |known: &Naming| {
            within(known.tokens(), concept.tokens) && self.vague.contains(&known.disease)
        };
        let shared = |known: &Naming| overlap(known.tokens(), concept.tokens);
        let mut others = terms.namings.iter().filter(|known| shared(known));
        let Some(disease) = concept.meaning.disease else {
            return;
        };
        if !others.all(is_vague) {
            return;
        }
        for known in &mut terms.namings {
            if shared(known) {
                known.place = Place::Inside;
            }
        }
        let order = terms
            .namings
            .partition_point(|known| known.tokens().start < concept.tokens.start);
        let naming = Naming::composed(tokens, concept.tokens, disease);
        terms.namings.insert(order, naming);
    }

    /// What the first of these behaviours that the site has means there.
    fn meaning(&self, behaviours: &[&str], site: usize) -> Option<Meaning> {
        behaviours.iter().find_map(|wanted| {
            let cell = self.codes[site].iter().find(|(known, _)| known == wanted)?;
            Some(cell.1)
        })
    }

    /// The sites that end before `end`, the nearest first: `lung, liver and bone` metastases.
    fn before(&self, tokens: &[Token], end: usize, from: usize) -> Vec<(Span, usize)> {
        let mut sites = Vec::new();
        let mut end = end;
        let mut unknown = 0;
        let first = end.saturating_sub(REACH).max(from);
        while end > first {
            if let Some((start, site)) = self.site_up_to(tokens, first, end) {
                sites.push((Span::new(start, end), site));
                // A further site must be joined to this one.
                end = start;
                while end > first && self.link(tokens[end - 1]) == Link::Joins {
                    end -= 1;
                }
                if end == start {
                    break;
                }
            } else if !sites.is_empty() {
                break;
            } else {
                match self.link(tokens[end - 1]) {
                    Link::Fills => {}
                    Link::Unknown if unknown < UNKNOWN && tokens[end - 1].is_word => unknown += 1,
                    _ => break,
                }
                end -= 1;
            }
        }
        sites
    }

    /// The longest site that ends right before `end`: where it starts, and which it is.
    fn site_up_to(&self, tokens: &[Token], first: usize, end: usize) -> Option<(usize, usize)> {
        (first..end).find_map(|start| {
            let (words, site) = longest(&self.sites, tokens, start)?;
            (start + words == end).then_some((start, site))
        })
    }

    /// The sites that follow `start`, the nearest first: metastases `to the liver and the lungs`.
    fn after(
        &self,
        tokens: &[Token],
        start: usize,
        side: Side,
        next: Option<usize>,
    ) -> Vec<(Span, usize)> {
        let to = next.unwrap_or(tokens.len());
        let mut sites: Vec<(Span, usize)> = Vec::new();
        let mut at = start;
        let mut unknown = 0;
        let mut led = side == Side::After;
        let mut last = (start + REACH).min(to);
        while at < last {
            if let Some((words, site)) = longest(&self.sites, tokens, at) {
                let span = Span::new(at, at + words);
                // A site right before another kind is that one's: metastases of `lung` cancer.
                if next.is_some() && self.reaches(tokens, span.end, to) {
                    break;
                }
                sites.push((span, site));
                at = span.end;
                let mut joins = false;
                while at < to && self.link(tokens[at]) == Link::Joins {
                    at += 1;
                    joins = true;
                }
                if !joins {
                    break;
                }
                last = (at + 3).min(to);
                unknown = UNKNOWN;
                continue;
            }
            match self.link(tokens[at]) {
                Link::Leads => led = true,
                Link::Fills => {}
                Link::Begins if led => {}
                Link::Unknown if led && unknown < UNKNOWN && tokens[at].is_word => unknown += 1,
                _ => break,
            }
            at += 1;
        }
        sites
    }

    /// Whether no word stands between here and the next kind that parts them.
    fn reaches(&self, tokens: &[Token], from: usize, to: usize) -> bool {
        to - from <= 2
            && tokens[from..to]
                .iter()
                .all(|token| token.is_word && self.link(*token) == Link::Unknown)
    }

    fn link(&self, token: Token) -> Link {
        self.links
            .get(token.word as usize)
            .copied()
            .filter(|_| token.word != 0)
            .unwrap_or_default()
    }
}

/// The words between a kind and its site, by what they do.
const LINKS: [(Link, &str); 5] = [
    (
        Link::Leads,
        "of in to at on within involving affecting located arising from into infiltrating invading over around inside originating",
    ),
    (Link::Begins, "the a an his her their its this"),
    (
        Link::Fills,
        "left right both bilateral upper lower middle distal proximal anterior posterior lateral medial \
         third region area wall mucosa level pole aspect side half primary portion part \
         quadrant inner outer superior inferior central internal external multiple body small large origin type",
    ),
    (Link::Joins, "and or , / &"),
    (
        Link::Parts,
        "with without no not is was are were which that but who had has have showed due secondary since after before than as",
    ),
];

/// The behaviours of what is a neoplasm of its site and nothing more particular.
const GENERAL: [&str; 2] = ["primary", "unspecified"];

/// Names of the diseases that give way to the neoplasms of a site.
const VAGUE: [&str; 6] = [
    "neoplasm",
    "cancer",
    "tumor",
    "carcinoma",
    "malignant tumor",
    "malignancy",
];

fn overlap(left: Span, right: Span) -> bool {
    left.start < right.end && right.start < left.end
}

fn within(inner: Span, outer: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

fn rows(tsv: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    tsv.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
}

/// The longest phrase at a token, as its number of words and its value.
fn longest(trie: &Trie, tokens: &[Token], at: usize) -> Option<(usize, usize)> {
    if !trie.may_begin(tokens[at].words()) {
        return None;
    }
    let found = trie.longest(tokens[at..].iter().map(Token::words))?;
    Some((found.words, found.value as usize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Engine;

    fn codes(text: &str) -> Vec<(String, String)> {
        let engine = Engine::new(Dictionary::fy2026());
        let mentions = engine.code(text).mentions.into_iter();
        mentions
            .filter_map(|mention| Some((mention.text().to_owned(), mention.code?.into())))
            .collect()
    }

    #[test]
    fn kind_and_site_make_the_code_wherever_they_stand() {
        for (text, said, code) in [
            (
                "Adenocarcinoma of the descending colon.",
                "Adenocarcinoma of the descending colon",
                "C18.6",
            ),
            (
                "Pulmonary adenocarcinoma.",
                "Pulmonary adenocarcinoma",
                "C34.90",
            ),
            (
                "A poorly differentiated gastric adenocarcinoma.",
                "gastric adenocarcinoma",
                "C16.9",
            ),
            (
                "Tumor in the left parotid gland.",
                "Tumor in the left parotid gland",
                "D49.0",
            ),
            (
                "Metastatic to the brain.",
                "Metastatic to the brain",
                "C79.31",
            ),
            (
                "Squamous cell carcinoma of the scalp.",
                "Squamous cell carcinoma of the scalp",
                "C44.42",
            ),
            (
                "Squamous cell carcinoma of the larynx.",
                "Squamous cell carcinoma of the larynx",
                "C32.9",
            ),
            ("Lipoma of the thigh.", "Lipoma of the thigh", "D17.20"),
            (
                "Leiomyosarcoma of the retroperitoneum.",
                "Leiomyosarcoma of the retroperitoneum",
                "C48.0",
            ),
            (
                "Axillary lymph node metastasis.",
                "Axillary lymph node metastasis",
                "C77.3",
            ),
        ] {
            let found = codes(text);
            assert!(
                found.contains(&(said.to_owned(), code.to_owned())),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn each_site_of_a_list_has_its_code() {
        let of =
            |text: &str| -> Vec<String> { codes(text).into_iter().map(|(_, code)| code).collect() };
        assert_eq!(
            of("Lung, liver and bone metastases."),
            ["C78.00", "C78.7", "C79.51"]
        );
        assert_eq!(
            of("Metastases in the liver, lungs and brain."),
            ["C78.7", "C78.00", "C79.31"]
        );
    }

    #[test]
    fn a_site_belongs_to_the_kind_beside_it() {
        assert_eq!(
            codes("Metastasis of lung cancer."),
            [
                ("Metastasis".to_owned(), "C79.9".to_owned()),
                ("lung cancer".to_owned(), "C34.90".to_owned()),
            ]
        );
        assert_eq!(
            codes("Liver metastases from colon cancer."),
            [
                ("Liver metastases".to_owned(), "C78.7".to_owned()),
                ("colon cancer".to_owned(), "C18.9".to_owned()),
            ]
        );
    }

    #[test]
    fn what_only_sounds_like_a_neoplasm_is_none() {
        assert_eq!(codes("Liver tumor markers were normal."), []);
        let far = codes("The kidney was examined, and a tumor was excluded.");
        assert!(!far.iter().any(|(_, code)| code == "D49.519"), "{far:?}");
    }

    #[test]
    fn every_code_of_a_site_is_of_its_behaviour() {
        let dictionary = Dictionary::fy2026();
        let mut wrong = Vec::new();
        for (names, cells) in rows(SITES) {
            for cell in cells.split(' ') {
                let (behaviour, code) = cell.split_once('=').expect("a behaviour and a code");
                let meaning = dictionary.meaning_of(code);
                let billable = meaning.and_then(|meaning| dictionary.billable(meaning));
                if billable.is_none() {
                    wrong.push(format!("{names}: `{code}` has no default"));
                }
                let title = dictionary.title(code).unwrap_or_default().to_lowercase();
                let said: &[&str] = match behaviour {
                    "primary" | "sarcoma" | "skin" => &["malignant", "carcinoma", "sarcoma"],
                    "secondary" => &["secondary"],
                    "in_situ" => &["in situ"],
                    "benign" | "soft_benign" | "nerve_benign" => &["benign"],
                    "uncertain" => &["uncertain"],
                    "unspecified" => &["unspecified behavior"],
                    "melanoma" => &["melanoma", "malignant neoplasm of"],
                    "nevus" => &["nevi", "benign"],
                    "basal" => &["basal cell"],
                    "squamous" => &["squamous cell"],
                    "lipoma" => &["lipomatous"],
                    "hemangioma" => &["hemangioma"],
                    "carcinoid" => &["carcinoid"],
                    "gist" => &["stromal"],
                    "kaposi" => &["kaposi"],
                    "mesothelioma" => &["mesothelioma"],
                    "neuroendocrine" => &["endocrine"],
                    _ => panic!("{names}: no behaviour `{behaviour}`"),
                };
                if !said.iter().any(|word| title.contains(word)) {
                    wrong.push(format!("{names}: {behaviour}={code} is `{title}`"));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn every_behaviour_that_a_kind_looks_for_is_one_of_some_site() {
        let known: std::collections::BTreeSet<_> = rows(SITES)
            .flat_map(|(_, cells)| cells.split(' '))
            .filter_map(|cell| Some(cell.split_once('=')?.0))
            .collect();
        for (terms, keys) in rows(KINDS) {
            for key in keys.split(' ').filter(|key| *key != "-") {
                assert!(known.contains(key), "{terms}: {key}");
            }
        }
    }
}
