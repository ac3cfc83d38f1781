//! Why charts could not be coded.

use std::{io, path::PathBuf};

use lightsout_toolkit::Hint;

/// Why charts could not be coded; nothing of their text.
#[derive(Debug, thiserror::Error)]
pub(super) enum CodeError {
    /// A file or folder cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A folder holds no charts.
    #[error("`{}` holds no file that ends in `.txt` or `.jsonl`", .0.display())]
    NoCharts(PathBuf),
    /// A line is no document.
    #[error("line {line} of {name} is no document")]
    NoDocument {
        name: String,
        line: usize,
        #[source]
        source: DocumentError,
    },
    /// Stdin failed.
    #[error("cannot read stdin")]
    Stdin(#[source] io::Error),
    /// Stdout failed.
    #[error("cannot write the answer")]
    Output(#[from] io::Error),
    /// The file for the answer cannot be written.
    #[error("cannot write `{}`", path.display())]
    Unwritable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The answer would replace a chart.
    #[error("`{}` is one of the charts and would be overwritten", .0.display())]
    OverChart(PathBuf),
    /// No edition serves on the day, or none has the name.
    #[error(transparent)]
    Edition(#[from] lightsout_nlp::EditionError),
    /// A file is no terminology.
    #[error("`{}` is no terminology to code by", path.display())]
    Terminology {
        path: PathBuf,
        #[source]
        source: lightsout_nlp::DictionaryError,
    },
    /// What is asked for is no code.
    #[error("`{0}` is no ICD-10-CM code of this edition")]
    NoCode(String),
    /// Only charts have these forms; a target asks for one mention.
    #[error("line {line} of {name} has a `target`, which only `--jsonl` answers")]
    TargetWithoutJsonl { name: String, line: usize },
}

impl Hint for CodeError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoDocument { .. } => {
                "each line is a JSON object with `doc_id` (a string), `text` (a string) and, \
                 for one assertion, `target` (two offsets in characters)"
            }
            Self::NoCode(_) => "write it as in `E11.9`; a category such as `E11` is fine",
            Self::Terminology { .. } => "write one with `terminology import`",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// What is wrong with a line; its place and nothing of its text.
#[derive(Debug, thiserror::Error)]
pub(super) enum DocumentError {
    /// The line is no JSON.
    #[error("it is no JSON from column {0} on")]
    NoJson(usize),
    /// The line is JSON of another shape.
    #[error("a field before column {0} is missing or of the wrong type")]
    WrongFields(usize),
    /// A target lies outside its text.
    #[error("the target {start}..{end} is no span of its text")]
    NoSpan { start: usize, end: usize },
    /// The line is longer than any chart.
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
}
