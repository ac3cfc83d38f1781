//! Python packages for hosts that reach no package index.

use std::{
    fs, io as files,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use lightsout_core::Wheels;
use sha2::{Digest, Sha256};

use crate::{
    build::Architecture,
    io::{Event, Io},
};

/// The generations of glibc whose wheels run on Amazon Linux 2023, which has 2.34, as
/// [PEP 600](https://peps.python.org/pep-0600/) names them; the newest first.
const PLATFORMS: [&str; 4] = [
    "manylinux_2_34",
    "manylinux_2_28",
    "manylinux_2_17",
    "manylinux2014",
];

/// Why Python packages could not be downloaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WheelsError {
    /// Python could not be started.
    #[error("cannot start `{}`", python.display())]
    NoPython {
        /// What was to be started.
        python: PathBuf,
        /// What the system said.
        #[source]
        source: files::Error,
    },
    /// pip refused: a package is missing for this platform, its hash is another, or the
    /// index cannot be reached.
    #[error("pip could not download the listed packages: {said}")]
    Pip {
        /// The last line of what it said.
        said: String,
    },
    /// A file could not be read or written.
    #[error("cannot use `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: files::Error,
    },
}

impl WheelsError {
    pub(crate) const fn hint(&self) -> &'static str {
        match self {
            Self::NoPython { .. } => {
                "install Python 3 with pip, on Debian: apt-get install python3-pip"
            }
            Self::Pip { .. } => {
                "check that pip is there and reaches PyPI or its mirror, and that every package lists a hash for this Python and processor"
            }
            Self::File { .. } => "check that the folder can be written",
        }
    }
}

/// Returns a folder with the wheels, their list, and the version of Python that they are for.
///
/// They are downloaded for `architecture` and the version that is wanted, or for this
/// machine and its `python` where there is no architecture. What was downloaded before is
/// kept below `kept`: the hashes are in the list, so that one list is one set of wheels, and
/// whoever installs them checks the hashes again.
pub(crate) fn download(
    wanted: &Wheels,
    python: &Path,
    architecture: Option<Architecture>,
    kept: &Path,
    io: &mut dyn Io,
) -> Result<PathBuf, WheelsError> {
    let version = match architecture {
        Some(_) => wanted.python.clone(),
        None => version_of(python)?,
    };
    let processor = architecture.map_or("here", Architecture::name);
    let name = Sha256::new()
        .chain_update([&version, "\0", processor, "\0"].concat())
        .chain_update(&wanted.requirements);
    let folder = kept.join(format!("{:x}", name.finalize()));
    if folder.is_dir() {
        return Ok(folder);
    }
    io.emit(Event::Note {
        text: format!("downloading Python packages for Python {version}"),
    });
    // A folder that is there is whole: it gets its name last.
    let partial = folder.with_extension(format!("{}.partial", std::process::id()));
    fs::create_dir_all(&partial).map_err(at(&partial))?;
    for (name, text) in [
        ("requirements.txt", wanted.requirements.as_str()),
        ("python", &version),
    ] {
        let file = partial.join(name);
        fs::write(&file, text).map_err(at(&file))?;
    }
    let downloaded = run(pip(python, &version, architecture, &partial));
    let named = downloaded.and_then(|_| fs::rename(&partial, &folder).map_err(at(&folder)));
    if named.is_err() {
        // What cannot be removed is written over by the next try.
        let _removed = fs::remove_dir_all(&partial);
        // Another build may have been faster.
        if !folder.is_dir() {
            named?;
        }
    }
    Ok(folder)
}

fn pip(python: &Path, version: &str, architecture: Option<Architecture>, folder: &Path) -> Command {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps"])
        .args(["--disable-pip-version-check", "--only-binary=:all:"])
        .args(["--require-hashes", "--dest"])
        .arg(folder)
        .arg("--requirement")
        .arg(folder.join("requirements.txt"));
    if let Some(architecture) = architecture {
        pip.args(["--implementation", "cp", "--python-version", version]);
        for platform in PLATFORMS {
            pip.arg("--platform")
                .arg(format!("{platform}_{}", architecture.name()));
        }
    }
    pip
}

/// Returns the version of a Python, such as `3.11`.
fn version_of(python: &Path) -> Result<String, WheelsError> {
    let mut command = Command::new(python);
    command.args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]);
    run(command).map(|said| said.trim().to_owned())
}

/// Runs a command, and returns what it said on standard output.
fn run(mut command: Command) -> Result<String, WheelsError> {
    let python = PathBuf::from(command.get_program());
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| WheelsError::NoPython { python, source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    Err(WheelsError::Pip {
        said: last.unwrap_or("it said nothing").trim().to_owned(),
    })
}

fn at(path: &Path) -> impl FnOnce(files::Error) -> WheelsError {
    let path = path.to_owned();
    move |source| WheelsError::File { path, source }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use lightsout_core::FileMode;

    use super::*;
    use crate::{
        archive::{Entry, Level, pack},
        io::{Consent, Recorder},
    };

    /// Writes a wheel that holds nothing, and returns its hash.
    fn wheel(folder: &Path) -> String {
        let entry = |text: &str| Entry {
            bytes: text.as_bytes().to_vec(),
            mode: FileMode::Regular,
        };
        let entries = BTreeMap::from([
            (
                "lamp-1.0.dist-info/METADATA".to_owned(),
                entry("Metadata-Version: 2.1\nName: lamp\nVersion: 1.0\n"),
            ),
            (
                "lamp-1.0.dist-info/WHEEL".to_owned(),
                entry("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
            ),
            ("lamp-1.0.dist-info/RECORD".to_owned(), entry("")),
        ]);
        let bytes = pack(&entries, Level::FASTEST).unwrap();
        fs::write(folder.join("lamp-1.0-py3-none-any.whl"), &bytes).unwrap();
        format!("{:x}", Sha256::digest(&bytes))
    }

    fn wanted(index: &Path, hash: &str) -> Wheels {
        Wheels {
            requirements: format!(
                "--no-index\n--find-links {}\nlamp==1.0 --hash=sha256:{hash}\n",
                index.display()
            ),
            python: "3.11".to_owned(),
        }
    }

    fn download_to(kept: &Path, wanted: &Wheels) -> Result<PathBuf, WheelsError> {
        let mut io = Recorder::new(Consent::NobodyThere);
        let architecture = Some(Architecture::Arm64);
        download(wanted, Path::new("python3"), architecture, kept, &mut io)
    }

    #[test]
    fn packages_are_downloaded_once_for_the_hosts_and_their_python() {
        let (index, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let hash = wheel(index.path());
        let wanted = wanted(index.path(), &hash);
        let folder = download_to(kept.path(), &wanted).unwrap();
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(read("python"), "3.11");
        assert_eq!(read("requirements.txt"), wanted.requirements);
        let package = fs::read(folder.join("lamp-1.0-py3-none-any.whl")).unwrap();
        assert_eq!(format!("{:x}", Sha256::digest(package)), hash);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
        // The index is gone, and what was downloaded is still there.
        drop(index);
        assert_eq!(download_to(kept.path(), &wanted).unwrap(), folder);
    }

    #[test]
    fn a_package_with_another_hash_is_refused_and_nothing_is_kept_for_it() {
        let (index, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        wheel(index.path());
        let wanted = wanted(index.path(), &"0".repeat(64));
        let error = download_to(kept.path(), &wanted).unwrap_err();
        assert!(matches!(error, WheelsError::Pip { .. }), "{error}");
        assert!(download_to(kept.path(), &wanted).is_err());
    }

    #[test]
    fn a_python_that_is_not_there_is_named() {
        let wanted = wanted(Path::new("/"), "");
        let (kept, python) = (Path::new("/nowhere"), Path::new("no-such-python"));
        let mut io = Recorder::new(Consent::NobodyThere);
        let error = download(&wanted, python, None, kept, &mut io).unwrap_err();
        assert!(error.to_string().contains("no-such-python"), "{error}");
    }
}
