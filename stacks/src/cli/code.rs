//! `lightsout code`: charts on this machine, without any cloud.

use std::{
    fs,
    io::{self, BufRead, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use lightsout_nlp::{
    Dictionary, Engine, Rejection, Span, check_text, to_jsonl_record, to_target_record,
};
use lightsout_toolkit::{Hint, Io, Status, fail};
use serde::{Deserialize, Serialize};

/// Code charts on this machine: files or JSON lines in, JSON lines out
///
/// One line is written for each chart, in the order in which they came, with
/// its codes and every mention, coded or not. Offsets count Unicode code
/// points. A chart that cannot be read gets a line with the reason, and the
/// exit code is 1.
#[derive(Debug, Args)]
pub(super) struct CodeArgs {
    /// Charts, or folders of them (files that end in .txt)
    #[arg(required_unless_present = "jsonl", conflicts_with = "jsonl")]
    charts: Vec<PathBuf>,
    /// Read documents from stdin, a JSON object a line: `doc_id`, `text`, and optionally `target`
    ///
    /// A `target` is a pair of offsets whose assertion is asked for, whatever
    /// stands there: the answer is one mention over exactly that span.
    #[arg(long)]
    jsonl: bool,
}

/// Why charts could not be coded.
#[derive(Debug, thiserror::Error)]
enum CodeError {
    /// A file or folder cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A folder holds no charts.
    #[error("`{}` holds no file that ends in `.txt`", .0.display())]
    NoCharts(PathBuf),
    /// A line of stdin is no document.
    #[error("line {line} of stdin is no document: it needs `doc_id` and `text`")]
    NoDocument {
        line: usize,
        #[source]
        source: DocumentError,
    },
    /// A target lies outside its text.
    #[error("line {line} of stdin: the target {start}..{end} is no span of its text")]
    NoSpan {
        line: usize,
        start: usize,
        end: usize,
    },
    /// Stdin or stdout failed.
    #[error("cannot read stdin or write stdout")]
    Stream(#[from] io::Error),
}

impl Hint for CodeError {}

/// What is wrong with a line; the parser's place in it and nothing of its text.
#[derive(Debug, thiserror::Error)]
#[error("{category} at column {column}")]
struct DocumentError {
    category: &'static str,
    column: usize,
}

#[derive(Deserialize)]
struct Document {
    doc_id: String,
    text: String,
    target: Option<[usize; 2]>,
}

/// The line of a chart that cannot be read.
#[derive(Serialize)]
struct Rejected<'a> {
    doc_id: &'a str,
    codes: [(); 0],
    mentions: [(); 0],
    #[serde(rename = "rejected")]
    because: Reason,
}

#[derive(Serialize)]
struct Reason {
    reason: &'static str,
    detail: String,
}

pub(super) fn run(arguments: &CodeArgs, io: &mut dyn Io) -> Status {
    let engine = Engine::new(Dictionary::fy2026());
    let mut out = BufWriter::new(io::stdout().lock());
    let result = if arguments.jsonl {
        code_lines(&engine, io::stdin().lock(), &mut out)
    } else {
        code_files(&engine, &arguments.charts, &mut out)
    };
    match result.and_then(|status| {
        out.flush()?;
        Ok(status)
    }) {
        Ok(status) => status,
        // Whoever reads has seen enough.
        Err(CodeError::Stream(error)) if error.kind() == io::ErrorKind::BrokenPipe => Status::Fine,
        Err(error) => fail(&error, io),
    }
}

fn code_files(
    engine: &Engine,
    paths: &[PathBuf],
    out: &mut impl Write,
) -> Result<Status, CodeError> {
    let mut status = Status::Fine;
    for path in charts(paths)? {
        let bytes = fs::read(&path).map_err(unreadable(&path))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        status = status.max(code_one(engine, &name, &bytes, out)?);
    }
    Ok(status)
}

fn code_lines(
    engine: &Engine,
    input: impl BufRead,
    out: &mut impl Write,
) -> Result<Status, CodeError> {
    let mut status = Status::Fine;
    for (index, line) in input.lines().enumerate() {
        let (line, number) = (line?, index + 1);
        if line.trim().is_empty() {
            continue;
        }
        let document: Document =
            serde_json::from_str(&line).map_err(|error| CodeError::NoDocument {
                line: number,
                source: DocumentError {
                    category: match error.classify() {
                        serde_json::error::Category::Data => "a wrong or missing field",
                        _ => "no JSON",
                    },
                    column: error.column(),
                },
            })?;
        if let Some([start, end]) = document.target {
            let span = Span::from_chars(&document.text, start, end)
                .filter(|_| start < end)
                .ok_or(CodeError::NoSpan {
                    line: number,
                    start,
                    end,
                })?;
            let mention = engine.assert_target(&document.text, span);
            let record = to_target_record(&document.doc_id, &document.text, &mention);
            write_line(out, &record)?;
        } else {
            let text = document.text.as_bytes();
            status = status.max(code_one(engine, &document.doc_id, text, out)?);
        }
    }
    Ok(status)
}

fn code_one(
    engine: &Engine,
    doc_id: &str,
    bytes: &[u8],
    out: &mut impl Write,
) -> Result<Status, CodeError> {
    match check_text(bytes) {
        Ok(text) => {
            let coding = engine.code(text);
            write_line(out, &to_jsonl_record(doc_id, text, &coding))?;
            Ok(Status::Fine)
        }
        Err(rejection) => {
            write_line(out, &rejected(doc_id, &rejection))?;
            Ok(Status::Finding)
        }
    }
}

fn rejected<'a>(doc_id: &'a str, rejection: &Rejection) -> Rejected<'a> {
    Rejected {
        doc_id,
        codes: [],
        mentions: [],
        because: Reason {
            reason: rejection.code(),
            detail: rejection.to_string(),
        },
    }
}

fn write_line(out: &mut impl Write, record: &impl Serialize) -> Result<(), CodeError> {
    serde_json::to_writer(&mut *out, record).map_err(io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(())
}

/// Lists files as they are, and the charts of folders by name.
fn charts(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CodeError> {
    let mut all = Vec::new();
    for path in paths {
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let mut found = Vec::new();
        for entry in fs::read_dir(path).map_err(unreadable(path))? {
            let file = entry.map_err(unreadable(path))?.path();
            if file.is_file() && file.extension().is_some_and(|e| e == "txt") {
                found.push(file);
            }
        }
        if found.is_empty() {
            return Err(CodeError::NoCharts(path.clone()));
        }
        found.sort();
        all.append(&mut found);
    }
    Ok(all)
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> CodeError + use<> {
    let path = path.to_owned();
    move |source| CodeError::Unreadable {
        path: path.clone(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &str) -> Result<(Status, Vec<serde_json::Value>), CodeError> {
        let mut out = Vec::new();
        let engine = Engine::new(Dictionary::fy2026());
        let status = code_lines(&engine, input.as_bytes(), &mut out)?;
        let records = out
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        Ok((status, records))
    }

    #[test]
    fn documents_are_answered_in_their_order() {
        let input = r#"{"doc_id": "b", "text": "Assessment: hypertension."}
{"doc_id": "a", "text": "Patient denies fever."}"#;
        let (status, records) = lines(input).unwrap();
        assert_eq!(status, Status::Fine);
        assert_eq!(records[0]["doc_id"], "b");
        assert_eq!(records[0]["codes"][0]["code"], "I10");
        assert_eq!(records[1]["codes"], serde_json::json!([]));
    }

    #[test]
    fn a_target_is_answered_over_exactly_its_span_in_code_points() {
        let input = r#"{"doc_id": "1", "text": "É denies blorfitis.", "target": [9, 18]}"#;
        let (_, records) = lines(input).unwrap();
        let mention = &records[0]["mentions"][0];
        assert_eq!(
            (&mention["start"], &mention["end"]),
            (&9.into(), &18.into())
        );
        assert_eq!(mention["assertion"], "negated");
    }

    #[test]
    fn an_empty_document_is_rejected_and_the_others_are_coded() {
        let input =
            "{\"doc_id\": \"1\", \"text\": \" \"}\n\n{\"doc_id\": \"2\", \"text\": \"Asthma.\"}";
        let (status, records) = lines(input).unwrap();
        assert_eq!(status, Status::Finding);
        assert_eq!(records[0]["rejected"]["reason"], "empty");
        assert!(!records[1]["codes"].as_array().unwrap().is_empty());
    }

    #[test]
    fn a_bad_line_is_named_by_its_number_and_never_quoted() {
        let error =
            lines("{\"doc_id\": \"1\", \"text\": \"x\"}\n{\"note\": \"John Smith\"}").unwrap_err();
        let source = std::error::Error::source(&error).unwrap();
        let said = format!("{error}: {source}");
        assert!(said.starts_with("line 2 of stdin is no document"), "{said}");
        assert!(!said.contains("Smith"), "{said}");
    }

    #[test]
    fn a_target_outside_its_text_is_refused() {
        for target in ["[3, 9]", "[2, 2]", "[3, 1]"] {
            let input = format!(r#"{{"doc_id": "1", "text": "abcd", "target": {target}}}"#);
            assert!(
                matches!(lines(&input), Err(CodeError::NoSpan { .. })),
                "{target}"
            );
        }
    }
}
