//! Where charts come from: files, folders, stdin and JSON lines.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    vec,
};

use lightsout_nlp::LARGEST_TEXT;

use super::{document, error::CodeError};

/// What stands for stdin among the paths.
const STDIN: &str = "-";

/// A place that holds one chart or many.
#[derive(Debug, PartialEq)]
pub(super) enum Source {
    /// A file with one chart.
    Chart(PathBuf),
    /// A file with a document on each line.
    Lines(PathBuf),
    /// One chart on stdin.
    Stdin,
    /// A document on each line of stdin.
    StdinLines,
}

/// A chart that is still to be read, or a line of one.
#[derive(Debug)]
pub(super) enum Job {
    /// A file with one chart.
    Chart(PathBuf),
    /// The bytes of one chart.
    Bytes { name: String, bytes: Vec<u8> },
    /// A line of JSON.
    Line {
        name: String,
        number: usize,
        bytes: Vec<u8>,
    },
}

/// What stdin holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StdinHolds {
    Chart,
    Lines,
}

/// Lists what the paths name: files as they are, the charts of folders by name.
pub(super) fn sources(paths: &[PathBuf], stdin: StdinHolds) -> Result<Vec<Source>, CodeError> {
    let from_stdin = || match stdin {
        StdinHolds::Chart => Source::Stdin,
        StdinHolds::Lines => Source::StdinLines,
    };
    if paths.is_empty() {
        return Ok(vec![from_stdin()]);
    }
    let mut all = Vec::new();
    for path in paths {
        if path == Path::new(STDIN) {
            all.push(from_stdin());
            continue;
        }
        if !fs::metadata(path).map_err(unreadable(path))?.is_dir() {
            all.push(source(path.clone()));
            continue;
        }
        let mut found = Vec::new();
        for entry in fs::read_dir(path).map_err(unreadable(path))? {
            let file = entry.map_err(unreadable(path))?.path();
            if file.is_file() && (has_ending(&file, "txt") || has_ending(&file, "jsonl")) {
                found.push(file);
            }
        }
        if found.is_empty() {
            return Err(CodeError::NoCharts(path.clone()));
        }
        found.sort();
        all.extend(found.into_iter().map(source));
    }
    Ok(all)
}

fn source(path: PathBuf) -> Source {
    if has_ending(&path, "jsonl") {
        Source::Lines(path)
    } else {
        Source::Chart(path)
    }
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case(ending))
}

type Jobs = Box<dyn Iterator<Item = Result<Job, CodeError>> + Send>;

/// The charts of all sources in order; reads lines as they arrive, and no chart's file.
pub(super) fn jobs(
    sources: Vec<Source>,
) -> impl Iterator<Item = Result<Job, CodeError>> + Send + use<> {
    sources.into_iter().flat_map(|source| -> Jobs {
        match source {
            Source::Chart(path) => one(Ok(Job::Chart(path))),
            Source::Lines(path) => match File::open(&path) {
                Ok(file) => {
                    let name = format!("`{}`", path.display());
                    let input = BufReader::new(file);
                    Box::new(documents(input, name, move |source| {
                        unreadable(&path)(source)
                    }))
                }
                Err(error) => one(Err(unreadable(&path)(error))),
            },
            Source::Stdin => {
                let read = read_chart(io::stdin().lock());
                one(read.map_err(CodeError::Stdin).map(|bytes| Job::Bytes {
                    name: "stdin".to_owned(),
                    bytes,
                }))
            }
            Source::StdinLines => Box::new(documents(
                BufReader::new(io::stdin()),
                "stdin".to_owned(),
                CodeError::Stdin,
            )),
        }
    })
}

fn one(job: Result<Job, CodeError>) -> Jobs {
    Box::new(vec![job].into_iter())
}

fn documents(
    input: impl io::BufRead + Send,
    name: String,
    failed: impl Fn(io::Error) -> CodeError + Send,
) -> impl Iterator<Item = Result<Job, CodeError>> + Send {
    document::lines(input).map(move |line| {
        let (number, bytes) = line.map_err(&failed)?;
        Ok(Job::Line {
            name: name.clone(),
            number,
            bytes,
        })
    })
}

/// Reads the file of a chart, or as much of it as shows that it is too large.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, CodeError> {
    let file = File::open(path).map_err(unreadable(path))?;
    read_chart(file).map_err(unreadable(path))
}

/// The bytes of a chart, or one byte more than the largest has.
fn read_chart(input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input
        .take(LARGEST_TEXT as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> CodeError + use<> {
    let path = path.to_owned();
    move |source| CodeError::Unreadable {
        path: path.clone(),
        source,
    }
}
