//! `lightsout audit pack`: what a reviewer of the system asks for, as one folder.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use clap::Args;
use lightsout_toolkit::{Event, Form, Hint, Io, Status, fail};
use sha2::{Digest, Sha256};

use crate::{
    cli::{Environments, boxed},
    pack::{Pack, PackError},
};

/// Write what a reviewer of the system asks for into a folder, from the stacks themselves
///
/// For each environment: the control matrix, findings and waivers, the data flow, the key map, the
/// role matrix, the roles of the query API, and versions, each as Markdown and as JSON. The
/// same stacks give the same bytes; `sha256sum --check SHA256SUMS` says that none was changed.
/// Exits with 1 when a control is not met that is not open for a reason.
#[derive(Debug, Args)]
pub(super) struct PackArgs {
    #[command(flatten)]
    environments: Environments,
    /// Folder to write to, which must be new or empty
    #[arg(long, short, value_name = "DIR", default_value = "audit-pack")]
    out: PathBuf,
}

/// Why the pack cannot be written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error("`{}` is not empty", .0.display())]
    NotEmpty(PathBuf),
    #[error("cannot write `{}`", path.display())]
    Unwritable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Hint for WriteError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NotEmpty(_) => Some(
                "name another folder with --out, or empty this one: what an earlier pack left \
                 would be taken for part of this one"
                    .to_owned(),
            ),
            Self::Unwritable { .. } => None,
        }
    }
}

impl Hint for PackError {
    fn problems(&self) -> &[lightsout::Problem] {
        match self {
            Self::Synth(error) => &error.problems,
            _ => &[],
        }
    }
}

pub(super) fn run(arguments: &PackArgs, form: Form, io: &mut dyn Io) -> Status {
    match packed(arguments) {
        Ok(pack) => {
            let (files, findings) = (pack.files.len(), pack.findings);
            io.emit(Event::Note {
                text: format!(
                    "wrote {files} files into `{}`; {findings} controls are not met",
                    arguments.out.display()
                ),
            });
            if form == Form::Json {
                let answer = serde_json::json!({
                    "folder": arguments.out,
                    "files": sums(&pack.files),
                    "not_met": findings,
                });
                if let Err(error) = super::written(&format!("{answer}\n")) {
                    return fail(&error, io);
                }
            }
            if findings == 0 {
                Status::Fine
            } else {
                Status::Finding
            }
        }
        Err(error) => fail(&*error, io),
    }
}

fn packed(arguments: &PackArgs) -> Result<Pack, Box<dyn Hint>> {
    let mut whole = Pack::default();
    for environment in arguments.environments.read().map_err(boxed)? {
        let pack = Pack::of(&environment).map_err(boxed)?;
        whole.files.extend(pack.files);
        whole.findings += pack.findings;
    }
    write(&arguments.out, &whole.files).map_err(boxed)?;
    Ok(whole)
}

/// Writes the files, and last what `sha256sum` checks them by.
fn write(folder: &Path, files: &BTreeMap<String, String>) -> Result<(), WriteError> {
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        move |source| WriteError::Unwritable { path, source }
    };
    match fs::read_dir(folder) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(WriteError::NotEmpty(folder.to_owned()));
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => (),
        Err(error) => return Err(unwritable(folder)(error)),
    }
    for (name, text) in files {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(unwritable(parent))?;
        fs::write(&path, text).map_err(unwritable(&path))?;
    }
    let lines = sums(files)
        .into_iter()
        .map(|(name, sum)| format!("{sum}  {name}\n"));
    let path = folder.join("SHA256SUMS");
    fs::write(&path, lines.collect::<String>()).map_err(unwritable(&path))
}

fn sums(files: &BTreeMap<String, String>) -> BTreeMap<&str, String> {
    let sum = |text: &String| format!("{:x}", Sha256::digest(text));
    files
        .iter()
        .map(|(name, text)| (name.as_str(), sum(text)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use lightsout_toolkit::Terminal;

    use super::*;

    fn pack_into(folder: &Path, environment: &str) -> Status {
        let arguments = PackArgs {
            environments: Environments {
                environments: vec![environment.to_owned()],
            },
            out: folder.to_owned(),
        };
        run(&arguments, Form::Text, &mut Terminal::new(Form::Text))
    }

    #[test]
    fn the_sums_are_those_of_the_files_and_another_pack_wants_another_folder() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new/pack");
        assert_eq!(pack_into(&out, "prod"), Status::Fine);
        let check = || {
            let mut command = Command::new("sha256sum");
            let command = command.args(["--check", "--quiet", "SHA256SUMS"]);
            command.current_dir(&out).output().unwrap()
        };
        let end = check();
        assert!(end.status.success(), "{end:?}");
        assert_eq!(pack_into(&out, "prod"), Status::Failure);
        fs::write(out.join("prod/key-map.md"), "changed").unwrap();
        assert!(!check().status.success());
    }

    #[test]
    fn what_is_not_met_is_a_finding_and_an_unknown_environment_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(pack_into(folder.path(), "moon"), Status::Failure);
        assert_eq!(pack_into(folder.path(), "local"), Status::Finding);
    }
}
