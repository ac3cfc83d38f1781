//! `lightsout code`: charts on this machine, without any cloud.

mod answer;
mod document;
mod edition;
mod error;
mod in_order;
mod input;

use std::{
    env,
    fs::File,
    io::{self, IsTerminal, Write},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    thread,
};

use clap::Args;
use lightsout_nlp::{
    Dictionary, Engine, Rejection, Setting, check_text,
    render::{Chart, Look, Wanted},
};
use lightsout_toolkit::{Event, Form as Talk, Io, Status, fail};

use self::{
    answer::Form,
    document::Document,
    edition::EditionArgs,
    error::CodeError,
    in_order::in_order,
    input::{Job, Source, StdinHolds, jobs, read_file, sources},
};

/// Code charts on this machine: text in, ICD-10-CM codes with evidence out
///
/// Charts are answered in the order in which they come, as they come, whatever
/// the number of threads. A chart that is no text (a picture, a PDF, too large)
/// is rejected with the reason and the others are coded. Exits with 0 when all
/// charts were coded, 1 when one was rejected, 2 when the work could not be
/// done. With `--json`, writes one array with all that is known of each mention.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lightsout code visit.txt                     codes, titles and lines
  lightsout code charts/ --explain | less -R   why each mention is coded or not
  lightsout code visit.txt --why I10           why this code, or why not
  lightsout code charts/ --html -o charts.html
  lightsout code visit.txt --date-of-service 2025-09-30
  lightsout code --jsonl < notes.jsonl > codes.jsonl")]
pub(super) struct CodeArgs {
    /// Charts (text files), JSON lines (`.jsonl`), folders of both, or `-` for stdin
    #[arg(value_name = "CHART", required_unless_present_any = ["jsonl", "lines"])]
    charts: Vec<PathBuf>,
    #[command(flatten)]
    form: FormArgs,
    #[command(flatten)]
    edition: EditionArgs,
    /// Where the patient was, which decides whether uncertain diagnoses count [default: by headings]
    #[arg(long, value_name = "SETTING")]
    setting: Option<SettingName>,
    /// Read stdin as JSON lines, as `--jsonl` does, in any other form
    #[arg(long)]
    lines: bool,
    /// Write to a file instead of stdout
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How many charts are coded at once [default: one for each core]
    #[arg(long, short, value_name = "NUMBER")]
    jobs: Option<NonZeroUsize>,
}

/// The form of the answer, if not the table of codes.
#[derive(Debug, Args)]
#[group(multiple = false)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags, of which one is given"
)]
struct FormArgs {
    /// Write each code with its evidence and rule, and why each other mention is not coded
    #[arg(long)]
    explain: bool,
    /// Write why this code (or category) is coded, or why not
    #[arg(long, value_name = "CODE")]
    why: Option<String>,
    /// Write only chart and code, a tab between them
    #[arg(long)]
    only_codes: bool,
    /// Write one page of all charts: evidence marked in the text, codes beside it
    #[arg(long)]
    html: bool,
    /// Write FHIR R4: a Bundle of Conditions for each chart, one on each line
    #[arg(long)]
    fhir: bool,
    /// Write a record for each chart, one on each line; stdin holds JSON lines
    ///
    /// A line of stdin is an object with `doc_id`, `text`, and optionally
    /// `target`: two offsets whose assertion is asked for, whatever stands
    /// there. The answer is then one mention over exactly that span. Offsets
    /// count Unicode code points.
    #[arg(long)]
    jsonl: bool,
}

/// A setting, as the command line names it.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum SettingName {
    /// Office, clinic, emergency department
    Outpatient,
    /// A hospital stay that has ended
    Inpatient,
}

/// A chart's answer.
struct Answer {
    text: String,
    /// The chart's name, if it was rejected.
    rejected: Option<String>,
}

pub(super) fn run(arguments: &CodeArgs, talk: Talk, io: &mut dyn Io) -> Status {
    match code(arguments, talk, io) {
        Ok(status) => status,
        // Whoever reads has seen enough.
        Err(CodeError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Status::Fine,
        Err(error) => fail(&error, io),
    }
}

fn code(arguments: &CodeArgs, talk: Talk, io: &mut dyn Io) -> Result<Status, CodeError> {
    let stdin = if arguments.form.jsonl || arguments.lines {
        StdinHolds::Lines
    } else {
        StdinHolds::Chart
    };
    let engine = arguments.engine()?;
    let form = arguments.form(engine.dictionary(), talk)?;
    if matches!(form, Form::Table | Form::Explain(_)) {
        io.emit(Event::Note {
            text: format!("coded by {}", engine.dictionary().edition()),
        });
    }
    let sources = sources(&arguments.charts, stdin)?;
    let mut out: Box<dyn Write> = match &arguments.output {
        Some(path) => Box::new(created(path, &sources)?),
        None => Box::new(io::stdout()),
    };
    let threads = arguments
        .jobs
        .or_else(|| thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN);
    let tally = answer_all(&engine, &form, sources, threads, &mut out, io)?;
    Ok(tally.status(io))
}

/// How many charts were answered, and how many of them rejected.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    charts: usize,
    rejected: usize,
}

impl Tally {
    /// Says how many charts were rejected.
    fn status(&self, io: &mut dyn Io) -> Status {
        if self.rejected == 0 {
            return Status::Fine;
        }
        let Self { charts, rejected } = self;
        io.emit(Event::Note {
            text: format!("{rejected} of {charts} charts rejected"),
        });
        Status::Finding
    }
}

/// Answers every chart, in order.
fn answer_all(
    engine: &Engine,
    form: &Form,
    sources: Vec<Source>,
    threads: NonZeroUsize,
    out: &mut dyn Write,
    io: &mut dyn Io,
) -> Result<Tally, CodeError> {
    let mut tally = Tally::default();
    out.write_all(form.open().as_bytes())?;
    in_order(
        jobs(sources).zip(1..),
        threads,
        |(job, number)| answer(engine, form, job?, number),
        |answer: Result<Answer, CodeError>| {
            let answer = answer?;
            // Who waits for each answer before asking on gets it at once.
            out.write_all(answer.text.as_bytes())?;
            out.flush()?;
            tally.charts += 1;
            if let Some(name) = answer.rejected {
                tally.rejected += 1;
                if *form == Form::Codes {
                    io.emit(Event::Note { text: name });
                }
            }
            Ok::<_, CodeError>(())
        },
    )?;
    out.write_all(form.close().as_bytes())?;
    out.flush()?;
    Ok(tally)
}

fn answer(engine: &Engine, form: &Form, job: Job, number: usize) -> Result<Answer, CodeError> {
    match job {
        Job::Chart(path) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let bytes = read_file(&path)?;
            chart(engine, form, &name, check_text(&bytes), number)
        }
        Job::Bytes { name, bytes } => chart(engine, form, &name, check_text(&bytes), number),
        Job::Line {
            name,
            number: line,
            bytes,
        } => {
            let document = match Document::from_line(&bytes) {
                Ok(document) => document,
                Err(source) => return Err(CodeError::NoDocument { name, line, source }),
            };
            let text = document.text.as_str();
            match document.target {
                None => {
                    // Offsets count from the document's first character, a byte order mark too.
                    let checked = check_text(text.as_bytes()).map(|_| text);
                    chart(engine, form, &document.doc_id, checked, number)
                }
                Some(_) if *form != Form::Jsonl => {
                    Err(CodeError::TargetWithoutJsonl { name, line })
                }
                Some(target) => {
                    let mention = engine.assert_target(text, target);
                    let text = answer::target(&document.doc_id, text, &mention);
                    Ok(Answer {
                        text: text.map_err(io::Error::from)?,
                        rejected: None,
                    })
                }
            }
        }
    }
}

fn chart(
    engine: &Engine,
    form: &Form,
    name: &str,
    text: Result<&str, Rejection>,
    number: usize,
) -> Result<Answer, CodeError> {
    match text {
        Ok(text) => {
            let coding = engine.code(text);
            let chart = Chart {
                name,
                text,
                coding: &coding,
            };
            Ok(Answer {
                text: form
                    .coded(engine, &chart, number)
                    .map_err(io::Error::from)?,
                rejected: None,
            })
        }
        Err(rejection) => Ok(Answer {
            text: form
                .rejected(name, &rejection, number)
                .map_err(io::Error::from)?,
            rejected: Some(format!("{name}: rejected: {rejection}")),
        }),
    }
}

impl CodeArgs {
    fn engine(&self) -> Result<Engine, CodeError> {
        let engine = Engine::new(self.edition.dictionary()?);
        Ok(match self.setting {
            Some(SettingName::Outpatient) => engine.with_setting(Setting::Outpatient),
            Some(SettingName::Inpatient) => engine.with_setting(Setting::Inpatient),
            None => engine,
        })
    }

    fn form(&self, dictionary: &Dictionary, talk: Talk) -> Result<Form, CodeError> {
        let look = self.look();
        let form = &self.form;
        Ok(if form.explain {
            Form::Explain(look)
        } else if let Some(code) = &form.why {
            let wanted = Wanted::new(dictionary, code);
            Form::Why(wanted.ok_or_else(|| CodeError::NoCode(code.clone()))?, look)
        } else if form.only_codes {
            Form::Codes
        } else if form.html {
            Form::Html
        } else if form.fhir {
            Form::Fhir
        } else if form.jsonl {
            Form::Jsonl
        } else if talk == Talk::Json {
            Form::Json
        } else {
            Form::Table
        })
    }

    /// Colours for a terminal, unless [`NO_COLOR`](https://no-color.org) forbids them.
    fn look(&self) -> Look {
        let is_forbidden = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if is_forbidden || self.output.is_some() || !io::stdout().is_terminal() {
            Look::Plain
        } else {
            Look::Coloured
        }
    }
}

/// Creates the file for the answer, which must be none of those that are read.
fn created(path: &Path, sources: &[Source]) -> Result<File, CodeError> {
    let same = |source: &Source| match source {
        Source::Chart(chart) | Source::Lines(chart) => {
            let chart = chart.canonicalize().ok();
            chart.is_some() && chart == path.canonicalize().ok()
        }
        Source::Stdin | Source::StdinLines => false,
    };
    if sources.iter().any(same) {
        return Err(CodeError::OverChart(path.to_owned()));
    }
    File::create(path).map_err(|source| CodeError::Unwritable {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use lightsout_toolkit::Terminal;
    use serde_json::Value;

    use super::*;

    fn answers(form: &Form, sources: Vec<Source>, threads: usize) -> (String, Tally) {
        let mut out = Vec::new();
        let engine = Engine::new(Dictionary::fy2026());
        let threads = NonZeroUsize::new(threads).unwrap();
        let mut io = Terminal::new(Talk::Json);
        let tally = answer_all(&engine, form, sources, threads, &mut out, &mut io).unwrap();
        (String::from_utf8(out).unwrap(), tally)
    }

    fn lines(input: &str) -> Result<(Tally, Vec<Value>), CodeError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.jsonl");
        fs::write(&path, input).unwrap();
        let mut out = Vec::new();
        let engine = Engine::new(Dictionary::fy2026());
        let mut io = Terminal::new(Talk::Json);
        let source = vec![Source::Lines(path)];
        let threads = NonZeroUsize::MIN;
        let tally = answer_all(&engine, &Form::Jsonl, source, threads, &mut out, &mut io)?;
        let records = out
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        Ok((
            tally,
            records
                .map(|line| serde_json::from_slice(line).unwrap())
                .collect(),
        ))
    }

    fn samples() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/charts")
    }

    #[test]
    fn every_form_is_the_same_bytes_for_any_number_of_threads() {
        let forms = [
            Form::Table,
            Form::Codes,
            Form::Explain(Look::Plain),
            Form::Why(
                Wanted::new(&Dictionary::fy2026(), "I10").unwrap(),
                Look::Plain,
            ),
            Form::Html,
            Form::Fhir,
            Form::Json,
            Form::Jsonl,
        ];
        for form in forms {
            let of = |threads| {
                let sources = sources(&[samples(), samples()], StdinHolds::Chart).unwrap();
                answers(&form, sources, threads)
            };
            let one = of(1);
            assert_eq!(
                one.1,
                Tally {
                    charts: 32,
                    rejected: 0
                }
            );
            assert!(one.0.len() > 100, "{form:?}");
            for threads in [2, 5] {
                assert_eq!(of(threads), one, "{form:?} on {threads} threads");
            }
        }
    }

    #[test]
    fn documents_are_answered_in_their_order() {
        let input = r#"{"doc_id": "b", "text": "Assessment: hypertension."}
{"doc_id": "a", "text": "Patient denies fever."}"#;
        let (tally, records) = lines(input).unwrap();
        assert_eq!(
            tally,
            Tally {
                charts: 2,
                rejected: 0
            }
        );
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
    fn a_byte_order_mark_of_a_document_counts() {
        let (_, records) = lines("{\"doc_id\": \"1\", \"text\": \"\u{feff}Asthma.\"}").unwrap();
        assert_eq!(records[0]["codes"][0]["spans"], serde_json::json!([[1, 7]]));
    }

    #[test]
    fn an_empty_document_is_rejected_and_the_others_are_coded() {
        let input =
            "{\"doc_id\": \"1\", \"text\": \" \"}\n\n{\"doc_id\": \"2\", \"text\": \"Asthma.\"}";
        let (tally, records) = lines(input).unwrap();
        assert_eq!(
            tally,
            Tally {
                charts: 2,
                rejected: 1
            }
        );
        assert_eq!(records[0]["rejected"]["reason"], "empty");
        assert!(!records[1]["codes"].as_array().unwrap().is_empty());
    }

    #[test]
    fn a_bad_line_is_named_by_its_number_and_never_quoted() {
        let error =
            lines("{\"doc_id\": \"1\", \"text\": \"x\"}\n{\"note\": \"John Smith\"}").unwrap_err();
        let source = std::error::Error::source(&error).unwrap();
        let said = format!("{error}: {source}");
        assert!(
            said.starts_with("line 2 of `") && said.contains("in.jsonl` is no document: "),
            "{said}"
        );
        assert!(!said.contains("Smith"), "{said}");
    }

    #[test]
    fn only_records_answer_a_target() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.jsonl");
        fs::write(
            &path,
            r#"{"doc_id": "1", "text": "abcd", "target": [0, 2]}"#,
        )
        .unwrap();
        let engine = Engine::new(Dictionary::fy2026());
        let job = jobs(vec![Source::Lines(path)]).next().unwrap().unwrap();
        assert!(matches!(
            answer(&engine, &Form::Table, job, 1),
            Err(CodeError::TargetWithoutJsonl { line: 1, .. })
        ));
    }

    #[test]
    fn what_is_no_chart_is_rejected_in_every_form_without_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, b"John Smith \xff").unwrap();
        for form in [
            Form::Table,
            Form::Codes,
            Form::Explain(Look::Plain),
            Form::Html,
            Form::Fhir,
            Form::Json,
            Form::Jsonl,
        ] {
            let (said, tally) = answers(&form, vec![Source::Chart(path.clone())], 2);
            assert_eq!(
                tally,
                Tally {
                    charts: 1,
                    rejected: 1
                }
            );
            assert!(!said.contains("Smith"), "{said}");
            assert!(form == Form::Codes || said.contains("not UTF-8"), "{said}");
        }
    }

    #[test]
    fn a_probable_diagnosis_counts_where_a_hospital_stay_has_ended() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            code: CodeArgs,
        }
        let codes = |setting| {
            let line = <Line as clap::Parser>::parse_from(["code", "a", "--setting", setting]);
            let engine = line.code.engine().unwrap();
            engine.code("Assessment: probable pneumonia.").codes.len()
        };
        assert_eq!((codes("outpatient"), codes("inpatient")), (0, 1));
    }

    #[test]
    fn an_answer_never_overwrites_a_chart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, "Asthma.").unwrap();
        let error = created(&path, &[Source::Chart(path.clone())]).unwrap_err();
        assert!(matches!(error, CodeError::OverChart(_)));
        assert_eq!(fs::read(&path).unwrap(), b"Asthma.");
        assert!(created(&folder.path().join("b"), &[Source::Chart(path)]).is_ok());
    }

    #[test]
    fn the_array_is_json_with_none_one_and_many_charts() {
        for number in [0, 1, 2] {
            let sources = sources(
                &vec![samples().join("office-visit-soap.txt"); number + 1],
                StdinHolds::Chart,
            );
            let sources = sources.unwrap().into_iter().take(number).collect();
            let (said, _) = answers(&Form::Json, sources, 2);
            let json: Value = serde_json::from_str(&said).unwrap();
            assert_eq!(json.as_array().unwrap().len(), number);
        }
    }
}
