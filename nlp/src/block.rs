//! Sentences of a note on their way through the stages.
//!
//! Each stage takes all sentences of a block before the next begins: the processor's nearest
//! memory holds the instructions of one stage, but not those of all.

use crate::Span;
use crate::assertion::Context;
use crate::concept::{Concept, Terms};
use crate::disease::Naming;
use crate::section::{Section, SectionKind};
use crate::token::Token;

/// A block is full with so many tokens; it ends with the sentence that fills it.
const FULL: usize = 500;

/// Sentences, and what each stage found in them; the buffers serve one block after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block<'e> {
    pub(crate) sentences: Vec<Sentence>,
    pub(crate) tokens: Vec<Token>,
    concepts: Vec<Concept>,
    namings: Vec<Naming>,
    /// What is said of each concept.
    pub(crate) contexts: Vec<Context<'e>>,
}

/// A sentence, and where its own part of a block stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sentence {
    pub(crate) section: SectionKind,
    /// All of its section.
    pub(crate) body: Span,
    pub(crate) span: Span,
    tokens: Span,
    concepts: Span,
    namings: Span,
}

impl<'e> Block<'e> {
    /// A block with room for all of a short text, or for one block of a longer one.
    pub(crate) fn for_text(text: &str) -> Self {
        let tokens = (text.len() / BETWEEN_TOKENS).min(FULL + FULL / 4);
        Self {
            tokens: Vec::with_capacity(tokens),
            sentences: Vec::with_capacity(tokens / 8),
            concepts: Vec::with_capacity(tokens / 8),
            namings: Vec::with_capacity(tokens / 8),
            contexts: Vec::with_capacity(tokens / 8),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sentences.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.tokens.len() >= FULL
    }

    pub(crate) fn clear(&mut self) {
        self.sentences.clear();
        self.tokens.clear();
        self.concepts.clear();
        self.namings.clear();
        self.contexts.clear();
    }

    /// Adds a sentence whose tokens are those from `first` on.
    pub(crate) fn push(&mut self, section: &Section, span: Span, first: usize) {
        self.sentences.push(Sentence {
            section: section.kind,
            body: section.body,
            span,
            tokens: Span::new(first, self.tokens.len()),
            concepts: Span::default(),
            namings: Span::default(),
        });
    }

    /// Keeps the terms of a sentence, after those of the sentences before it.
    pub(crate) fn keep(&mut self, sentence: usize, terms: &Terms) {
        let (concepts, namings) = (self.concepts.len(), self.namings.len());
        self.concepts.extend_from_slice(&terms.concepts);
        self.namings.extend_from_slice(&terms.namings);
        let sentence = &mut self.sentences[sentence];
        sentence.concepts = Span::new(concepts, self.concepts.len());
        sentence.namings = Span::new(namings, self.namings.len());
    }

    pub(crate) fn tokens(&self, sentence: Sentence) -> &[Token] {
        &self.tokens[sentence.tokens.start..sentence.tokens.end]
    }

    pub(crate) fn concepts(&self, sentence: Sentence) -> &[Concept] {
        &self.concepts[sentence.concepts.start..sentence.concepts.end]
    }

    pub(crate) fn namings(&self, sentence: Sentence) -> &[Naming] {
        &self.namings[sentence.namings.start..sentence.namings.end]
    }

    /// What is said of a sentence's concepts.
    pub(crate) fn contexts(&self, sentence: Sentence) -> &[Context<'e>] {
        &self.contexts[sentence.concepts.start..sentence.concepts.end]
    }
}

/// Dense charts have a token in so many bytes of text.
const BETWEEN_TOKENS: usize = 4;
