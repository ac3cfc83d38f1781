//! From the text of a note to its codes.

use std::collections::BTreeMap;

use crate::Span;
use crate::assertion::{Context, Cues, Scopes, Temporality};
use crate::attributes::following::{Antecedent, of_the_one_before};
use crate::attributes::{self, Attribute, Said};
use crate::block::{Block, Sentence};
use crate::candidate::Candidate;
use crate::coding::{Code, Coding, Decision, Disease, Mention, Quote, Reason};
use crate::concept::{Concept, Terms};
use crate::dictionary::{Billable, Dictionary, Meaning, Origin};
use crate::disease::{self, Model, Naming, ShortForms, WEIGHTS};
use crate::icd_code::IcdCode;
use crate::narrative::NarrativeTerms;
use crate::neoplasm::Neoplasms;
use crate::note::{Note, NoteKind};
use crate::rules::{ExternalCauses, Rule, Rules, statement};
use crate::section::{Section, SectionKind, sections};
use crate::selection::{self, Choice};
use crate::sense;
use crate::sentence::{self, sentences};
use crate::setting::Setting;
use crate::seventh::{self, Sevenths};
use crate::token::{Token, Tokenizer};

/// Dense charts have a mention in so many bytes of text; others ask for more room than they need.
const BETWEEN_MENTIONS: usize = 40;
/// Room is made beforehand for so many mentions at most: a program that overwrites what it frees
/// writes to all of it, and a long text need not have any mention.
const MOST_AT_FIRST: usize = 1_000;

/// The coding engine: a dictionary and the cues, ready to read notes.
///
/// It holds no state of a note, so one engine serves any number of threads.
///
/// ```
/// use lightsout_nlp::{Dictionary, Engine};
/// let engine = Engine::new(Dictionary::fy2026());
/// let coding = engine.code("PMH: HTN. Denies chest pain.\nASSESSMENT: Community-acquired pneumonia.");
/// let codes: Vec<_> = coding.codes.iter().map(|code| code.code.as_str()).collect();
/// assert_eq!(codes, ["J18.9", "I10"]);
/// ```
#[derive(Clone, Debug)]
pub struct Engine {
    dictionary: Dictionary,
    tokenizer: Tokenizer,
    cues: Cues,
    narrative: NarrativeTerms,
    neoplasms: Neoplasms,
    diseases: Model,
    sevenths: Sevenths,
    rules: Rules,
    setting: Option<Setting>,
}

/// One sentence with what every stage found in it.
#[derive(Clone, Debug)]
pub struct Analysis<'e> {
    /// The section that it stands in.
    pub section: SectionKind,
    /// Where it stands.
    pub sentence: Span,
    /// Its words and marks.
    pub tokens: Vec<Token>,
    /// The terms among them, each with what is said of it.
    pub concepts: Vec<(Concept, Context<'e>)>,
}

/// What the stages keep from one sentence to the next.
#[derive(Debug, Default)]
struct Stages<'t> {
    terms: Terms,
    short_forms: ShortForms<'t>,
    scopes: Scopes,
}

/// Where a mention stands.
#[derive(Clone, Copy)]
struct Place<'t> {
    text: &'t str,
    note: Note,
    section: SectionKind,
}

impl Engine {
    /// An engine that finds this dictionary's terms.
    pub fn new(dictionary: Dictionary) -> Self {
        let mut tokenizer = Tokenizer::new(dictionary.vocabulary().clone());
        let cues = Cues::embedded(&mut tokenizer);
        let narrative = NarrativeTerms::embedded(&dictionary, &mut tokenizer);
        let neoplasms = Neoplasms::embedded(&mut tokenizer, &dictionary);
        let sevenths = Sevenths::of(&dictionary, &mut tokenizer);
        let diseases = Model::read(WEIGHTS, &dictionary, &mut tokenizer);
        Self {
            dictionary,
            tokenizer,
            cues,
            narrative,
            neoplasms,
            diseases,
            sevenths,
            rules: Rules::embedded(),
            setting: None,
        }
    }

    /// The same engine for notes that were all written in this setting.
    ///
    /// Without it each note's own headings tell ([`Setting::of`]).
    ///
    /// ```
    /// use lightsout_nlp::{Dictionary, Engine, Setting};
    /// let note = "ASSESSMENT: Fever, probable pneumonia.";
    /// let codes = |setting| {
    ///     let engine = Engine::new(Dictionary::fy2026()).with_setting(setting);
    ///     let coding = engine.code(note);
    ///     coding.codes.into_iter().map(|code| code.code).collect::<Vec<_>>()
    /// };
    /// assert_eq!(codes(Setting::Outpatient), ["R50.9"]);
    /// assert_eq!(codes(Setting::Inpatient), ["J18.9"], "fever belongs to pneumonia");
    /// ```
    #[must_use]
    pub fn with_setting(mut self, setting: Setting) -> Self {
        self.setting = Some(setting);
        self
    }

    /// The same engine, which codes how injuries came about or leaves it out, as it does by default.
    #[must_use]
    pub fn with_external_causes(mut self, causes: ExternalCauses) -> Self {
        self.rules.external_causes = causes;
        self
    }

    /// The dictionary that the engine reads with.
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// The codes of a note and the mentions that they come from, in linear time.
    pub fn code<'a>(&'a self, text: &'a str) -> Coding<'a> {
        let (note, mut candidates) = self.candidates(text);
        let others = self.in_other_tense(note, &candidates);
        let choices = selection::apply(note, &mut candidates, &others);
        let mut codes = codes(&candidates, &choices);
        Rules::conclude(&self.dictionary, &mut codes);
        Coding {
            edition: self.dictionary.edition().into(),
            codes,
            mentions: candidates
                .into_iter()
                .map(|candidate| candidate.mention)
                .collect(),
            setting: note.setting,
        }
    }

    /// The candidates of a note as the rules leave them, before the learnt model chooses.
    pub(crate) fn candidates<'a>(&'a self, text: &'a str) -> (Note, Vec<Candidate<'a>>) {
        let sections = sections(text);
        let note = self.note(text, &sections);
        let mut candidates = Vec::with_capacity((text.len() / BETWEEN_MENTIONS).min(MOST_AT_FIRST));
        let mut said = Vec::new();
        let mut namings: Vec<Naming> = Vec::with_capacity(candidates.capacity());
        let mut hints = 0.0;
        // The candidate that each concept became.
        let mut places = Vec::with_capacity(candidates.capacity());
        let mut antecedent = Antecedent::default();
        self.each_block(text, note, &sections, |block| {
            places.clear();
            for sentence in &block.sentences {
                let (tokens, concepts) = (block.tokens(*sentence), block.concepts(*sentence));
                let place = Place {
                    text,
                    note,
                    section: sentence.section,
                };
                let is_following = self.follow(
                    place,
                    block,
                    *sentence,
                    &mut antecedent,
                    &mut candidates,
                    &mut said,
                );
                if !is_following {
                    antecedent.condition = None;
                }
                let is_condition = |concept: &&Concept| concept.meaning.has_code();
                let is_only = !is_following && concepts.iter().filter(is_condition).count() == 1;
                for (at, context) in block.contexts(*sentence).iter().enumerate() {
                    places.push(candidates.len());
                    let concept = concepts[at];
                    attributes::neighbourhood(
                        &self.dictionary,
                        text,
                        tokens,
                        concepts,
                        at,
                        &mut said,
                    );
                    let first = candidates.len();
                    for (meaning, mut attributes) in self.specific(concept.meaning, tokens, &said) {
                        let seventh = self.seventh(tokens, concepts, at, meaning);
                        let character = seventh.as_ref().map(|chosen| chosen.character);
                        let span = concept.span(tokens);
                        let mut mention = self.mention(place, span, meaning, character, *context);
                        if let Some(chosen) = seventh.filter(|_| mention.code.is_some()) {
                            attributes.push(chosen.attribute);
                        }
                        mention.attributes = attributes.into();
                        candidates.push(Candidate {
                            mention,
                            node: meaning.node,
                            origin: meaning.origin,
                            seventh: character,
                        });
                    }
                    if is_only && concept.meaning.has_code() && candidates.len() == first + 1 {
                        let condition = (first, concept.meaning, *context);
                        antecedent.keep(condition, sentence.body, &said, tokens);
                    }
                }
            }
            let mut first = 0;
            for sentence in &block.sentences {
                let tokens = block.tokens(*sentence);
                for naming in block.namings(*sentence) {
                    hints += self.diseases.hint(tokens, naming);
                    namings.push(Naming {
                        concept: places[first + naming.concept],
                        nearby: self.diseases.nearby(text, tokens, naming),
                        ..*naming
                    });
                }
                first += block.concepts(*sentence).len();
            }
        });
        sense::choose(&self.dictionary, text, &mut candidates);
        seventh::agree(&self.dictionary, &mut candidates);
        // A long note has much to forget.
        drop((sections, places));
        self.name_diseases(&mut candidates, namings, hints);
        self.rules.apply(&self.dictionary, note, &mut candidates);
        (note, candidates)
    }

    /// Gives the condition of the sentence before what this sentence says of it, if it says anything;
    /// whether it speaks of that condition at all.
    fn follow<'a>(
        &'a self,
        place: Place<'a>,
        block: &Block<'a>,
        sentence: Sentence,
        antecedent: &mut Antecedent<(usize, Meaning, Context<'a>)>,
        candidates: &mut [Candidate<'a>],
        said: &mut Vec<Said>,
    ) -> bool {
        let Some((at, meaning, context)) = antecedent.condition else {
            return false;
        };
        let (dictionary, text) = (&self.dictionary, place.text);
        let (tokens, concepts) = (block.tokens(sentence), block.concepts(sentence));
        if antecedent.section != sentence.body
            || !of_the_one_before(dictionary, text, tokens, concepts, said)
        {
            return false;
        }
        let here = said.iter().map(|said| Said {
            tokens: said.bytes(tokens),
            ..*said
        });
        antecedent.said.extend(here);
        let all = &antecedent.said;
        if let Some(node) = meaning.node
            && let Some(found) = dictionary.most_specific(node, all)
            && found.other_side.is_none()
            && candidates[at].node != Some(found.leaf)
        {
            let meaning = Meaning {
                node: Some(found.leaf),
                ..meaning
            };
            let candidate = &mut candidates[at];
            let place = Place {
                section: candidate.mention.section,
                ..place
            };
            let span = candidate.mention.span;
            let own = std::mem::take(&mut candidate.mention.attributes);
            candidate.node = meaning.node;
            candidate.mention = self.mention(place, span, meaning, candidate.seventh, context);
            let mut attributes = dictionary.used(node, found.leaf, all, |said| said.tokens);
            for attribute in own {
                if attributes.iter().all(|known| known.span != attribute.span) {
                    attributes.push(attribute);
                }
            }
            candidate.mention.attributes = attributes.into();
        }
        true
    }

    /// For each candidate of a report its code in the other tense, if it has one.
    pub(crate) fn in_other_tense(
        &self,
        note: Note,
        candidates: &[Candidate<'_>],
    ) -> Vec<Option<Billable<'_>>> {
        if note.kind != NoteKind::RadiologyReport {
            return Vec::new();
        }
        let history = &self.rules.history;
        candidates
            .iter()
            .map(|candidate| history.in_other_tense(&self.dictionary, candidate))
            .collect()
    }

    /// Every sentence with what each stage found: for showing and for tests.
    pub fn analyse(&self, text: &str) -> Vec<Analysis<'_>> {
        let mut found = Vec::new();
        let sections = sections(text);
        let note = self.note(text, &sections);
        self.each_block(text, note, &sections, |block| {
            found.extend(block.sentences.iter().map(|sentence| {
                let concepts = block.concepts(*sentence).iter().copied();
                let contexts = block.contexts(*sentence).iter().copied();
                Analysis {
                    section: sentence.section,
                    sentence: sentence.span,
                    tokens: block.tokens(*sentence).to_vec(),
                    concepts: concepts.zip(contexts).collect(),
                }
            }));
        });
        found
    }

    /// What the text says of exactly the words at `target`, whatever they are.
    ///
    /// Nothing is coded: the mention carries assertion, temporality and experiencer. A target
    /// outside the text, or within white space, is present and recent.
    pub fn assert_target<'a>(&'a self, text: &'a str, target: Span) -> Mention<'a> {
        let holds = |span: &Span| span.start <= target.start && target.start < span.end;
        let section = sections(text)
            .into_iter()
            .rfind(|section| section.heading.start <= target.start)
            .unwrap_or(Section {
                kind: SectionKind::Unnamed,
                heading: Span::default(),
                body: Span::new(0, text.len()),
            });
        let sentence = sentences(text, section.body)
            .into_iter()
            .find(holds)
            .unwrap_or(target);
        let sentence = if sentence.of(text).is_empty() {
            Span::default()
        } else {
            sentence
        };
        let tokens = self.tokenizer.tokens(text, sentence);
        let first = tokens.partition_point(|token| token.span.end <= target.start);
        let last = tokens.partition_point(|token| token.span.start < target.end);
        // The terminology may know what stands there; only a term of just these words counts.
        let asked = Span::new(first, last);
        let known = crate::concepts(&self.dictionary, text, &tokens[first.min(last)..last]);
        let meaning = known
            .first()
            .filter(|known| known.tokens == Span::new(0, asked.len()))
            .map_or(Meaning::NOTHING, |known| known.meaning);
        let concepts = [Concept {
            tokens: asked,
            meaning,
        }];
        let mut contexts = Vec::with_capacity(1);
        self.append_contexts(
            &tokens,
            &concepts,
            section.kind,
            &mut Scopes::default(),
            &mut contexts,
        );
        let context = contexts[0];
        Mention {
            span: target,
            quote: Quote::of(text, target),
            code: None,
            title: "".into(),
            section: section.kind,
            assertion: context.assertion,
            temporality: context.temporality,
            experiencer: context.experiencer,
            diseases: Box::default(),
            attributes: Box::default(),
            decision: Decision::NotCoded(Reason::AssertionOnly),
            rule: Rule::AssertionOnly,
            also: Box::default(),
        }
    }

    /// What cues, section and the shape of the sentence say of each concept.
    fn append_contexts<'a>(
        &'a self,
        tokens: &[Token],
        concepts: &[Concept],
        section: SectionKind,
        scopes: &mut Scopes,
        contexts: &mut Vec<Context<'a>>,
    ) {
        let first = contexts.len();
        self.cues
            .append_contexts(tokens, concepts, section, scopes, contexts);
        // A chronic condition that is all its sentence says is an item of a problem list: the
        // patient brought it along. Numbered items are the conclusions of a report instead.
        if let [concept] = concepts
            && concept.tokens.start == 0
            && tokens[concept.tokens.end..]
                .iter()
                .all(|token| token.span.len() <= 1)
            && contexts[first].temporality == Temporality::Recent
            && self.dictionary.is_chronic(concept.meaning)
        {
            contexts[first].temporality = Temporality::Historical;
        }
    }

    /// The terms that count in this note alone.
    fn narrative(&self, note: Note) -> Option<&NarrativeTerms> {
        (note.kind == NoteKind::Narrative).then_some(&self.narrative)
    }

    /// What its headings say of the whole note.
    fn note(&self, text: &str, sections: &[Section]) -> Note {
        let kind = NoteKind::of(sections);
        let setting = self
            .setting
            .unwrap_or_else(|| Setting::of(text, sections, kind));
        Note { kind, setting }
    }

    /// Shows every sentence of a note, block by block.
    fn each_block<'a>(
        &'a self,
        text: &str,
        note: Note,
        sections: &[Section],
        mut see: impl FnMut(&Block<'a>),
    ) {
        let mut block = Block::for_text(text);
        let mut stages = Stages::default();
        let mut cut = Vec::new();
        for section in sections {
            sentence::cut(text, section.body, &mut cut);
            for sentence in cut.iter().copied() {
                let first = block.tokens.len();
                self.tokenizer.append(text, sentence, &mut block.tokens);
                block.push(section, sentence, first);
                if block.is_full() {
                    self.fill(text, note, &mut block, &mut stages);
                    see(&block);
                    block.clear();
                }
            }
        }
        if !block.is_empty() {
            self.fill(text, note, &mut block, &mut stages);
            see(&block);
        }
    }

    /// Takes a block through the stages after the first.
    fn fill<'a, 't>(
        &'a self,
        text: &'t str,
        note: Note,
        block: &mut Block<'a>,
        stages: &mut Stages<'t>,
    ) {
        let Stages {
            terms,
            short_forms,
            scopes,
        } = stages;
        for at in 0..block.sentences.len() {
            let tokens = block.tokens(block.sentences[at]);
            terms.fill(
                &self.dictionary,
                self.narrative(note),
                text,
                tokens,
                short_forms,
            );
            self.neoplasms.refine(tokens, terms);
            terms.link();
            block.keep(at, terms);
        }
        let mut contexts = std::mem::take(&mut block.contexts);
        for sentence in &block.sentences {
            let concepts = block.concepts(*sentence);
            if !concepts.is_empty() {
                let tokens = block.tokens(*sentence);
                self.append_contexts(tokens, concepts, sentence.section, scopes, &mut contexts);
            }
        }
        block.contexts = contexts;
    }

    /// The 7th character that the words around a concept ask for.
    fn seventh(
        &self,
        tokens: &[Token],
        concepts: &[Concept],
        at: usize,
        meaning: Meaning,
    ) -> Option<seventh::Chosen<'_>> {
        let leaf = meaning.node?;
        self.dictionary.seventh_set(leaf)?;
        // What stands beyond another condition is said of that one.
        let is_condition = |concept: &&Concept| concept.meaning.has_code();
        let before = concepts[..at].iter().rfind(is_condition);
        let after = concepts[at + 1..].iter().find(is_condition);
        let around = Span::new(
            before.map_or(0, |before| before.tokens.end),
            after.map_or(tokens.len(), |after| after.tokens.start),
        );
        let mention = concepts[at].tokens;
        self.sevenths
            .choose(&self.dictionary, leaf, tokens, mention, around)
    }

    fn mention<'a>(
        &'a self,
        place: Place<'a>,
        span: Span,
        meaning: Meaning,
        seventh: Option<char>,
        context: Context<'a>,
    ) -> Mention<'a> {
        let Place {
            text,
            note,
            section,
        } = place;
        let billable = self.dictionary.billable_with(meaning.node, seventh);
        let is_chronic = self.dictionary.is_chronic(meaning);
        let (decision, rule) = match statement::decide(note, section, is_chronic, context) {
            Err((reason, rule)) => (Decision::NotCoded(reason), rule),
            Ok(rule) if billable.is_some() => (Decision::Coded, rule),
            Ok(_) => match self.dictionary.code(meaning).map(str::parse) {
                Some(Ok(category)) => {
                    let reason = Reason::NotSpecific { category };
                    (Decision::NotCoded(reason), Rule::LevelOfDetail)
                }
                _ => (Decision::NotCoded(Reason::NoCode), Rule::NotClassified),
            },
        };
        let (code, title) = match billable {
            Some(billable) => (Some(billable.code), billable.title),
            None => (None, self.dictionary.title_of(meaning).into()),
        };
        Mention {
            span,
            quote: Quote::of(text, span),
            code,
            title,
            section,
            assertion: context.assertion,
            temporality: context.temporality,
            experiencer: context.experiencer,
            diseases: Box::default(),
            attributes: Box::default(),
            decision,
            rule,
            also: Box::default(),
        }
    }

    /// Gives each candidate the diseases that its words name, and drops those without any
    /// that are nothing else.
    fn name_diseases<'a>(
        &'a self,
        candidates: &mut Vec<Candidate<'a>>,
        namings: Vec<Naming>,
        hints: f32,
    ) {
        let sure = disease::sure(&self.diseases, &self.dictionary, &namings, hints);
        let sure = namings.into_iter().zip(sure);
        let mut named: Vec<_> = sure
            .filter(|(_, sure)| *sure >= disease::SURE_ENOUGH)
            .map(|(naming, _)| (naming.concept, naming.disease, naming.span.narrow()))
            .collect();
        // What the namings took is given back before the diseases take theirs.
        named.shrink_to_fit();
        for (concept, disease, span) in named {
            let span = Span::wide(span);
            let doid = self.dictionary.doid_of(disease);
            // One term may stand for a code of each side.
            let own = candidates[concept].mention.span;
            let both = candidates[concept..]
                .iter_mut()
                .take_while(|candidate| candidate.mention.span == own);
            for candidate in both {
                let diseases = &mut candidate.mention.diseases;
                for id in self.dictionary.disease_ids(disease) {
                    let mut all = std::mem::take(diseases).into_vec();
                    // Hardly any mention names more than one.
                    all.reserve_exact(1);
                    all.push(Disease {
                        span,
                        mesh: id.into(),
                        doid,
                    });
                    *diseases = all.into();
                }
            }
        }
        candidates
            .retain(|candidate| candidate.node.is_some() || !candidate.mention.diseases.is_empty());
    }

    /// What a term comes to with what is said beside it: one meaning, or one for each side.
    fn specific(
        &self,
        meaning: Meaning,
        tokens: &[Token],
        said: &[Said],
    ) -> impl Iterator<Item = (Meaning, Vec<Attribute<'_>>)> {
        let found = meaning
            .node
            .and_then(|node| Some((node, self.dictionary.most_specific(node, said)?)));
        let sides = match found {
            None => [Some((meaning, Vec::new())), None],
            Some((node, found)) => [Some(found.leaf), found.other_side].map(|leaf| {
                let leaf = leaf?;
                let used = self
                    .dictionary
                    .used(node, leaf, said, |said| said.bytes(tokens));
                let meaning = Meaning {
                    node: Some(leaf),
                    ..meaning
                };
                Some((meaning, used))
            }),
        };
        sides.into_iter().flatten()
    }
}

/// The coded candidates by code, the surest code first.
fn codes<'a>(candidates: &[Candidate<'a>], choices: &[Choice]) -> Vec<Code<'a>> {
    let mut codes: BTreeMap<IcdCode, (Code<'a>, f64)> = BTreeMap::new();
    for candidate in candidates {
        let Some(code) = candidate.coded() else {
            continue;
        };
        let mention = &candidate.mention;
        let own = std::iter::once((code, &mention.title, mention.rule));
        let joined = mention
            .also
            .iter()
            .map(|also| (also.code, &also.title, also.rule));
        for (code, title, rule) in own.chain(joined) {
            let (entry, doubt) = codes.entry(code).or_insert_with(|| {
                (
                    Code {
                        code,
                        title: title.clone(),
                        evidence: Vec::new(),
                        rule,
                        score: 0.0,
                        because: Vec::new(),
                        advice: Vec::new(),
                    },
                    1.0,
                )
            });
            entry.evidence.push(mention.span);
            entry.rule = entry.rule.max(rule);
            *doubt *= 1.0 - mention.section.weight() * trust(candidate.origin);
        }
    }
    let mut codes: Vec<_> = codes
        .into_values()
        .map(|(code, doubt)| {
            let choice = choices.iter().find(|choice| choice.code == code.code);
            Code {
                score: round(choice.map_or(1.0 - doubt, |choice| choice.probability)),
                because: choice.map_or_else(Vec::new, |choice| choice.because.clone()),
                ..code
            }
        })
        .collect();
    codes.sort_by(|left, right| {
        right
            .score
            .total_cmp(&left.score)
            .then_with(|| left.evidence[0].cmp(&right.evidence[0]))
    });
    codes
}

/// How far a term's origin is trusted to mean its code, 0 to 1.
fn trust(origin: Origin) -> f64 {
    match origin {
        Origin::Title | Origin::Lexicon => 1.0,
        Origin::Inclusion => 0.95,
        Origin::Derived | Origin::Ontology | Origin::Narrative => 0.9,
        Origin::Index => 0.8,
    }
}

/// Four decimals: more would say nothing, and fewer bytes compare equal more often.
fn round(score: f64) -> f64 {
    (score * 10_000.0).round() / 10_000.0
}
