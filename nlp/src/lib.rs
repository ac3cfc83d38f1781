#![doc = include_str!("../README.md")]

mod alternatives;
mod assertion;
mod attributes;
mod block;
#[cfg(feature = "build")]
pub mod build;
mod candidate;
mod check;
mod coding;
mod concept;
mod dictionary;
mod disease;
mod edition;
mod engine;
mod icd_code;
mod narrative;
mod neoplasm;
mod note;
mod packed_word;
mod record;
pub mod render;
mod rules;
mod section;
mod selection;
mod sense;
mod sentence;
mod setting;
mod seventh;
mod span;
mod specific;
mod table;
mod token;
mod trie;
mod vocabulary;
mod weights;
mod word;

pub use assertion::{Assertion, Context, Experiencer, Temporality};
pub use attributes::{Attribute, AttributeKind};
pub use check::{BinaryKind, LARGEST_TEXT, Rejection, check_text};
pub use coding::{
    Advice, Code, Coding, Decision, Disease, Doid, Joined, Mention, NotADoid, Quote, Reason,
    UnknownReason,
};
pub use concept::{Concept, concepts};
pub use dictionary::{Billable, Dictionary, DictionaryError, Meaning, Origin};
pub use edition::{Edition, EditionError, NoDate, ServiceDate};
pub use engine::{Analysis, Engine};
pub use icd_code::{IcdCode, NotACode};
pub use note::{Note, NoteKind};
pub use record::{Record, RecordCode, RecordMention, to_jsonl_record, to_target_record};
pub use rules::{ExternalCauses, Rule};
pub use section::{Section, SectionKind, SectionMeaning, sections};
pub use sentence::sentences;
pub use setting::Setting;
pub use span::Span;
pub use token::{Token, Tokenizer};
pub use trie::{Found, Trie, WordId};
pub use vocabulary::Vocabulary;
pub use word::{Piece, PieceKind, pieces};
