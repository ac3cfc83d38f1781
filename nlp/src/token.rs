//! Words of a sentence, numbered by the engine's vocabularies.

use std::sync::Arc;

use crate::Span;
use crate::packed_word::PackedWord;
use crate::trie::WordId;
use crate::vocabulary::{LONGEST_WORD, Vocabulary};
use crate::word::{PieceKind, abbreviation_form, folded_form, is_abbreviation, pieces};

/// A word or mark of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Where it stands in the text.
    pub span: Span,
    /// Its number, or zero for a word that no term and no cue holds.
    pub word: WordId,
    /// For an abbreviation, the number of the same letters as an ordinary word.
    pub otherwise: WordId,
    /// Whether it is a mark that closes every scope (`;`).
    pub closes: bool,
    /// Whether it is a word rather than a mark.
    pub is_word: bool,
}

impl Token {
    /// Its numbers, as the tries take them.
    pub(crate) fn words(&self) -> (WordId, WordId) {
        (self.word, self.otherwise)
    }
}

/// An item of a list that is no longer, in bytes, may be an abbreviation alone.
const LIST_ITEM: usize = 16;

/// Numbers words: those of the terminology, and further ones.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    terms: Arc<Vocabulary>,
    /// Words of the cues that no term holds; their numbers follow those of the terms.
    further: Vocabulary,
    /// The numbers of the ASCII marks.
    marks: [WordId; 128],
}

impl Tokenizer {
    /// A tokenizer for these words.
    pub(crate) fn new(terms: Arc<Vocabulary>) -> Self {
        let mut marks = [0; 128];
        for (code, number) in (0_u8..128).zip(&mut marks) {
            let mut buffer = [0; 4];
            *number = terms.number(char::from(code).encode_utf8(&mut buffer));
        }
        Self {
            terms,
            further: Vocabulary::default(),
            marks,
        }
    }

    /// The numbers of a phrase, making room for words that no term holds.
    pub(crate) fn intern(&mut self, phrase: &str) -> Vec<WordId> {
        crate::vocabulary::forms(phrase)
            .iter()
            .map(|form| self.intern_form(form))
            .collect()
    }

    /// The number of a word in the form in which it is compared, making room for it.
    pub(crate) fn intern_form(&mut self, form: &str) -> WordId {
        match self.terms.number(form) {
            0 => {
                let offset = WordId::try_from(self.terms.len()).unwrap_or(0);
                self.further.intern_form(form) + offset
            }
            known => known,
        }
    }

    /// The tokens of `text[sentence]`.
    pub fn tokens(&self, text: &str, sentence: Span) -> Vec<Token> {
        let mut tokens = Vec::new();
        self.append(text, sentence, &mut tokens);
        tokens
    }

    /// Puts the tokens of `text[sentence]` after those that are there.
    pub(crate) fn append(&self, text: &str, sentence: Span, tokens: &mut Vec<Token>) {
        // In a sentence all in capitals, capitals do not tell abbreviations from words; but
        // an item of a list may be nothing else than an abbreviation.
        let shouted = sentence.len() > LIST_ITEM
            && !sentence
                .of(text)
                .bytes()
                .any(|byte| byte.is_ascii_lowercase());
        let mut form = String::new();
        for piece in pieces(text, sentence) {
            let span = piece.span;
            let packed = (piece.kind == PieceKind::Word)
                .then(|| PackedWord::folded(text, span))
                .flatten();
            if let Some(packed) = packed {
                tokens.push(Token {
                    span,
                    word: self.number_of(|words| words.number_of_packed(packed)),
                    otherwise: 0,
                    closes: false,
                    is_word: true,
                });
                continue;
            }
            let letters = span.of(text);
            let mut token = Token {
                span,
                word: 0,
                otherwise: 0,
                closes: false,
                is_word: piece.kind == PieceKind::Word,
            };
            match piece.kind {
                PieceKind::Mark => {
                    let byte = letters.as_bytes()[0];
                    token.word = self.marks.get(byte as usize).copied().unwrap_or(0);
                    token.closes = byte == b';';
                }
                PieceKind::Word if letters.len() > LONGEST_WORD => {}
                PieceKind::Word => {
                    folded_form(letters, &mut form);
                    let ordinary = self.number_of(|words| words.number(&form));
                    token.word = ordinary;
                    if is_abbreviation(letters) {
                        abbreviation_form(letters, &mut form);
                        let abbreviation = self.number_of(|words| words.number(&form));
                        if abbreviation != 0 && !(shouted && ordinary != 0) {
                            token.word = abbreviation;
                            token.otherwise = ordinary;
                        }
                    }
                }
            }
            tokens.push(token);
        }
    }

    fn number_of(&self, number: impl Fn(&Vocabulary) -> WordId) -> WordId {
        match number(&self.terms) {
            0 => match number(&self.further) {
                0 => 0,
                further => further + WordId::try_from(self.terms.len()).unwrap_or(0),
            },
            known => known,
        }
    }
}
