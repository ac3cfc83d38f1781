//! A document as a line of JSON.

use std::io::{self, BufRead, Read};

use lightsout_nlp::{LARGEST_TEXT, Span};
use serde::Deserialize;

use super::error::DocumentError;

/// The longest line: the largest text with every byte escaped (`\u0001`), and its name.
const LONGEST_LINE: usize = 6 * LARGEST_TEXT + (1 << 16);

/// A text with a name, and perhaps the words whose assertion is asked for.
#[derive(Debug, PartialEq)]
pub(super) struct Document {
    pub(super) doc_id: String,
    pub(super) text: String,
    pub(super) target: Option<Span>,
}

/// The fields of a line.
#[derive(Deserialize)]
struct Fields {
    doc_id: String,
    text: String,
    target: Option<[usize; 2]>,
}

impl Document {
    pub(super) fn from_line(line: &[u8]) -> Result<Self, DocumentError> {
        if line.len() > LONGEST_LINE {
            return Err(DocumentError::TooLong(LONGEST_LINE));
        }
        let Fields {
            doc_id,
            text,
            target,
        } = serde_json::from_slice(line).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => DocumentError::WrongFields(error.column()),
            _ => DocumentError::NoJson(error.column()),
        })?;
        let target = target
            .map(|[start, end]| {
                Span::from_chars(&text, start, end)
                    .filter(|_| start < end)
                    .ok_or(DocumentError::NoSpan { start, end })
            })
            .transpose()?;
        Ok(Self {
            doc_id,
            text,
            target,
        })
    }
}

/// The lines of `input` that are not blank, with their numbers from 1, as they arrive.
///
/// No more than [`LONGEST_LINE`] and a byte of a line is held: what is cut there is refused
/// when it is read as a document, and nothing after it is read.
pub(super) fn lines(mut input: impl BufRead) -> impl Iterator<Item = io::Result<(usize, Vec<u8>)>> {
    let mut number = 0;
    let mut is_cut = false;
    std::iter::from_fn(move || {
        while !is_cut {
            number += 1;
            let mut line = Vec::new();
            let most = LONGEST_LINE as u64 + 1;
            match input.by_ref().take(most).read_until(b'\n', &mut line) {
                Err(error) => {
                    is_cut = true;
                    return Some(Err(error));
                }
                Ok(0) => return None,
                Ok(_) => {}
            }
            is_cut = line.len() > LONGEST_LINE;
            if number == 1 && line.starts_with("\u{feff}".as_bytes()) {
                line.drain(..3);
            }
            if !line.trim_ascii().is_empty() {
                return Some(Ok((number, line)));
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_what_is_wrong_and_never_what_stands_there() {
        for (line, said) in [
            ("Smith", "it is no JSON from column 1 on"),
            (r#"{"doc_id": "Smith""#, "it is no JSON from column 18 on"),
            (
                r#"{"note": "Smith"}"#,
                "a field before column 17 is missing or of the wrong type",
            ),
            (
                r#"{"doc_id": "a", "text": 7, "x": "Smith"}"#,
                "a field before column 25 is missing or of the wrong type",
            ),
            (
                r#"{"doc_id": "a", "text": "abcd", "target": [3, 9]}"#,
                "the target 3..9 is no span of its text",
            ),
            (
                r#"{"doc_id": "a", "text": "abcd", "target": [2, 2]}"#,
                "the target 2..2 is no span of its text",
            ),
        ] {
            let error = Document::from_line(line.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), said);
        }
        let error = Document::from_line(b"{\"doc_id\": \"\xff\"}").unwrap_err();
        assert!(matches!(error, DocumentError::NoJson(_)));
    }

    #[test]
    fn lines_are_numbered_and_blank_ones_skipped() {
        let input = "\u{feff}a\n\n  \r\nb".as_bytes();
        let lines: Vec<_> = lines(input).map(Result::unwrap).collect();
        assert_eq!(lines, [(1, b"a\n".to_vec()), (4, b"b".to_vec())]);
    }

    #[test]
    fn a_line_without_end_is_cut_and_refused() {
        let input = io::BufReader::new(io::repeat(b' ').take(1).chain(io::repeat(b'x')));
        let lines: Vec<_> = lines(input).map(Result::unwrap).collect();
        assert_eq!(lines.len(), 1);
        let error = Document::from_line(&lines[0].1).unwrap_err();
        assert!(matches!(error, DocumentError::TooLong(_)));
    }
}
