//! `lightsout deidentify`: takes identifiers out of texts.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use lightsout_deidentify::{Class, scrub};
use lightsout_toolkit::{Event, Form, Hint, Io, Status, fail};

/// Take the identifiers of the eighteen Safe Harbor classes out of texts
///
/// Reads files or stdin and writes the texts to stdout, with a label in the place of each
/// identifier; stderr tells how many of each class were found. With `--json`, writes one object
/// for each file: the text, and the class and place of each identifier. It works by rules and
/// misses some: a person has to look at what it leaves.
#[derive(Debug, Args)]
pub(super) struct DeidentifyArgs {
    /// Files of text, `-` for stdin [default: stdin]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Why a text cannot be read or written; nothing of it.
#[derive(Debug, thiserror::Error)]
enum DeidentifyError {
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` is not UTF-8", .0.display())]
    NotUtf8(PathBuf),
    #[error("cannot write the answer")]
    Output(#[source] io::Error),
}

impl Hint for DeidentifyError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NotUtf8(_) => Some("save the text as UTF-8".to_owned()),
            _ => None,
        }
    }
}

pub(super) fn run(arguments: &DeidentifyArgs, form: Form, io: &mut dyn Io) -> Status {
    match scrubbed(arguments, form, io) {
        Ok(()) => Status::Fine,
        Err(error) => fail(&error, io),
    }
}

fn scrubbed(
    arguments: &DeidentifyArgs,
    form: Form,
    io: &mut dyn Io,
) -> Result<(), DeidentifyError> {
    let stdin = [PathBuf::from("-")];
    let files = if arguments.files.is_empty() {
        &stdin[..]
    } else {
        &arguments.files[..]
    };
    let mut counts: BTreeMap<Class, usize> = BTreeMap::new();
    let mut out = io::stdout().lock();
    for path in files {
        let text = read(path)?;
        let clean = scrub(&text);
        for found in &clean.found {
            *counts.entry(found.class).or_default() += 1;
        }
        let written = match form {
            Form::Text => out.write_all(clean.text.as_bytes()),
            Form::Json => {
                let found = clean.found.iter().map(|found| {
                    serde_json::json!({"class": found.class, "start": found.start, "end": found.end})
                });
                let found: Vec<_> = found.collect();
                let line = serde_json::json!({
                    "file": path.display().to_string(), "text": clean.text, "found": found,
                });
                writeln!(out, "{line}")
            }
        };
        match written {
            // Who closed the pipe has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written.map_err(DeidentifyError::Output)?,
        }
    }
    let told: Vec<_> = counts
        .iter()
        .map(|(class, count)| format!("{class} {count}"))
        .collect();
    let text = if told.is_empty() {
        "no identifier was found; look yourself".to_owned()
    } else {
        format!("{}; look at what is left", told.join(", "))
    };
    io.emit(Event::Note { text });
    Ok(())
}

fn read(path: &Path) -> Result<String, DeidentifyError> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().read_to_end(&mut bytes).map(drop)
    } else {
        fs::read(path).map(|read| bytes = read)
    };
    read.map_err(|source| DeidentifyError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    String::from_utf8(bytes).map_err(|_| DeidentifyError::NotUtf8(path.to_owned()))
}
