//! `synth`: templates into a folder.

use std::{
    collections::BTreeMap,
    fs, io as files,
    path::{Path, PathBuf},
};

use lightsout_core::{Assembly, Problem, SynthError, read_assemblies, write_assemblies};

use crate::{
    io::{Event, FileChange, Hint, Io, fail},
    status::Status,
};

/// Write the templates of every stack
#[derive(Debug, Clone, clap::Args)]
pub struct SynthArgs {
    /// Folder to write to
    #[arg(long, default_value = "cdk.out")]
    pub out: PathBuf,
}

impl Default for SynthArgs {
    fn default() -> Self {
        Self {
            out: PathBuf::from("cdk.out"),
        }
    }
}

/// Writes the assemblies, or tells everything that is wrong with the app.
///
/// What the folder held before is part of that: a table that would be made anew, or an
/// export that is gone while it is in use, is a problem; see [`Assembly::keeps`]. Then
/// the folder stays as it is.
pub fn synth(
    args: &SynthArgs,
    assemblies: Result<Vec<Assembly>, SynthError>,
    io: &mut dyn Io,
) -> Status {
    match assemblies {
        Ok(assemblies) => match keeps(&args.out, &assemblies, io) {
            Ok(()) => write(&args.out, &assemblies, io),
            Err(error) => fail(&error, io),
        },
        Err(error) => fail(&error, io),
    }
}

/// Writes the assemblies, or tells everything that is wrong with any of them.
///
/// Nothing is written unless all of them are sound.
pub fn synth_each(
    args: &SynthArgs,
    assemblies: Vec<Result<Assembly, SynthError>>,
    io: &mut dyn Io,
) -> Status {
    let mut sound = Vec::new();
    let mut problems = Vec::new();
    for assembly in assemblies {
        match assembly {
            Ok(assembly) => sound.push(assembly),
            Err(error) => problems.extend(error.problems),
        }
    }
    if problems.is_empty() {
        synth(args, Ok(sound), io)
    } else {
        synth(args, Err(SynthError { problems }), io)
    }
}

/// Compares the assemblies with those of the same stages that were written before.
fn keeps(out: &Path, assemblies: &[Assembly], io: &mut dyn Io) -> Result<(), SynthError> {
    if !out.join("manifest.json").exists() {
        return Ok(());
    }
    let previous = match read_assemblies(out) {
        Ok(previous) => previous,
        Err(error) => {
            io.emit(Event::Note {
                text: format!("not compared with what was written before: {error}"),
            });
            return Ok(());
        }
    };
    let mut problems = Vec::new();
    for assembly in assemblies {
        let before = previous
            .iter()
            .find(|before| before.stage().name == assembly.stage().name);
        if let Some(Err(error)) = before.map(|before| assembly.keeps(before)) {
            problems.extend(error.problems);
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(SynthError { problems })
    }
}

impl Hint for SynthError {
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl Hint for lightsout_core::WriteError {}

fn write(out: &Path, assemblies: &[Assembly], io: &mut dyn Io) -> Status {
    let before = contents(out);
    if let Err(error) = write_assemblies(out, assemblies) {
        return fail(&error, io);
    }
    let after = contents(out);
    let changes = changes(&before, &after);
    let event = Event::Synthesized {
        folder: out.to_owned(),
        stacks: assemblies.iter().map(|one| one.stacks().len()).sum(),
        changed: changes.len(),
    };
    for (path, change) in changes {
        io.emit(Event::Wrote { path, change });
    }
    io.emit(event);
    Status::Fine
}

type Contents = BTreeMap<PathBuf, Vec<u8>>;

fn changes(before: &Contents, after: &Contents) -> Vec<(PathBuf, FileChange)> {
    let new = after.iter().filter_map(|(path, bytes)| {
        let change = match before.get(path) {
            None => FileChange::Added,
            Some(old) if old != bytes => FileChange::Changed,
            Some(_) => return None,
        };
        Some((path.clone(), change))
    });
    let gone = before
        .keys()
        .filter(|path| !after.contains_key(*path))
        .map(|path| (path.clone(), FileChange::Removed));
    let mut changes: Vec<_> = new.chain(gone).collect();
    changes.sort_by(|a, b| a.0.cmp(&b.0));
    changes
}

/// Reads what an assembly's folder holds, one level of stages deep; built
/// assets are no part of it. What cannot be read counts as absent, and
/// writing it then tells why.
fn contents(folder: &Path) -> Contents {
    let mut found = Contents::new();
    for path in entries(folder) {
        let is_stage = path
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with("assembly-"));
        let paths = if is_stage { entries(&path) } else { vec![path] };
        for path in paths {
            if let Ok(bytes) = fs::read(&path) {
                found.insert(path, bytes);
            }
        }
    }
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = |folder| -> files::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect()
    };
    read(folder).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixtures::{self, Queue},
        io::{Consent, Recorder},
    };
    use lightsout_core::{App, Properties, Stage};

    fn app(description: &str) -> App {
        let mut app = fixtures::app();
        let mut stack = app.stack("Jobs");
        stack.describe(description);
        stack.add("Queue", Queue(Properties::default()));
        app
    }

    #[test]
    fn only_what_changed_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let args = SynthArgs {
            out: folder.path().to_owned(),
        };
        let changed = |description: &str| {
            let mut io = Recorder::new(Consent::NobodyThere);
            let status = synth_each(&args, vec![app(description).synth()], &mut io);
            assert_eq!(status, Status::Fine);
            let is_change = |event: &&Event| matches!(event, Event::Wrote { .. });
            io.events.iter().filter(is_change).count()
        };
        assert!(changed("first") > 1);
        assert_eq!(changed("first"), 0);
        assert_eq!(changed("second"), 1);
    }

    #[test]
    fn a_renamed_table_is_told_and_the_folder_stays() {
        let folder = tempfile::tempdir().unwrap();
        let args = SynthArgs {
            out: folder.path().to_owned(),
        };
        let synthesize = |id: &str, is_declared: bool| {
            let mut app = fixtures::app();
            let mut stack = app.stack("Jobs");
            let queue = stack.add(id, Queue(Properties::default()));
            stack.retain(queue.id());
            if is_declared {
                app.moved("Jobs/Queue", "Jobs/Renamed");
            }
            let mut io = Recorder::new(Consent::NobodyThere);
            let status = synth_each(&args, vec![app.synth()], &mut io);
            (status.code(), io.events)
        };
        assert_eq!(synthesize("Queue", false).0, 0);
        let before = contents(folder.path());
        let (code, events) = synthesize("Renamed", false);
        assert_eq!(code, 2);
        assert!(
            matches!(&events[0], Event::Problem { problem, .. } if problem["kind"] == "identity"),
            "{events:?}"
        );
        assert_eq!(contents(folder.path()), before);
        assert_eq!(synthesize("Renamed", true).0, 0);
    }

    #[test]
    fn problems_are_told_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let args = SynthArgs {
            out: folder.path().join("out"),
        };
        let mut broken = App::new("lamp", Stage::new("dev"));
        broken.stack("not a name");
        let mut io = Recorder::new(Consent::NobodyThere);
        let status = synth_each(&args, vec![app("").synth(), broken.synth()], &mut io);
        assert_eq!(status, Status::Failure);
        assert!(
            matches!(
                &io.events[..],
                [Event::Problem { problem, text }, Event::Problem { .. }, Event::Failed { chain, .. }]
                    if problem["kind"] == "invalid-id"
                        && text.contains("at constructs/toolkit/src/synth.rs")
                        && chain[..] == ["cannot synthesize: 2 problems"]
            ),
            "{:?}",
            io.events
        );
        assert!(!args.out.exists());
    }
}
