//! Python environments of the project's own, with pinned packages.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sha2::{Digest, Sha256};

/// The oldest Python that the pinned Ansible runs on.
const OLDEST: (u32, u32) = (3, 11);

/// Names under which a Python may be found, newest first; plain `python3` is
/// what a distribution prefers and therefore asked first.
const NAMES: [&str; 6] = [
    "python3",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python",
];

/// A virtual environment that holds exactly the packages of a requirements file.
#[derive(Debug, Clone)]
pub struct Venv {
    folder: PathBuf,
}

/// Why a Python environment could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PythonError {
    /// No Python is new enough, or there is none.
    #[error("no Python {}.{} or newer was found on PATH (looked for {})", OLDEST.0, OLDEST.1, NAMES.join(", "))]
    NoPython,
    /// The standard library's `venv` failed.
    #[error("`{python} -m venv {}` failed: {output}", folder.display())]
    NoVenv {
        /// The interpreter.
        python: String,
        /// The folder that was to be made.
        folder: PathBuf,
        /// The last line of what it said.
        output: String,
    },
    /// pip could not install the pinned packages.
    #[error("pip could not install the pinned packages into `{}`: {output}", folder.display())]
    Install {
        /// The environment's folder.
        folder: PathBuf,
        /// The last line of what it said.
        output: String,
    },
    /// A file or a process failed.
    #[error("cannot use `{}`", path.display())]
    Io {
        /// The file or program.
        path: PathBuf,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
}

impl PythonError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoPython => Some(
                "install Python 3.11 or newer with its venv module, on Debian: apt-get install python3 python3-venv",
            ),
            Self::NoVenv { .. } => {
                Some("install Python's venv module, on Debian: apt-get install python3-venv")
            }
            Self::Install { .. } => Some(
                "check that PyPI, or the mirror that pip is configured for, can be reached, and run the command again",
            ),
            Self::Io { .. } => None,
        }
    }
}

impl Venv {
    /// Makes the environment, or leaves it as it is when it holds just these packages.
    ///
    /// An environment that was moved, or whose Python is gone, is made anew.
    /// A half-made environment is made anew: the mark that it is complete is
    /// written last.
    pub fn ensure(folder: &Path, requirements: &str) -> Result<Self, PythonError> {
        let venv = Self {
            folder: folder.to_owned(),
        };
        let mark = folder.join("complete");
        // Its programs name the environment's folder in their first lines.
        let place = folder.as_os_str().as_encoded_bytes();
        let wanted = Sha256::new()
            .chain_update(place)
            .chain_update([0])
            .chain_update(requirements);
        let wanted = format!("{:x}", wanted.finalize());
        let is_whole = venv.program("python").exists()
            && fs::read_to_string(&mark).is_ok_and(|found| found == wanted);
        if is_whole {
            return Ok(venv);
        }
        let python = find_python()?;
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(io(folder))?;
        }
        if let Some(parent) = folder.parent() {
            fs::create_dir_all(parent).map_err(io(parent))?;
        }
        let made = run(Command::new(&python).arg("-m").arg("venv").arg(folder))?;
        made.map_err(|output| PythonError::NoVenv {
            python,
            folder: folder.to_owned(),
            output,
        })?;
        let list = folder.join("requirements.txt");
        fs::write(&list, requirements).map_err(io(&list))?;
        let installed = run(Command::new(venv.program("python"))
            .args(["-m", "pip", "install", "--quiet", "--no-deps"])
            .args(["--disable-pip-version-check", "--requirement"])
            .arg(&list))?;
        installed.map_err(|output| PythonError::Install {
            folder: folder.to_owned(),
            output,
        })?;
        fs::write(&mark, wanted).map_err(io(&mark))?;
        Ok(venv)
    }

    /// Returns the folder of the environment's programs.
    pub fn programs(&self) -> PathBuf {
        self.folder.join("bin")
    }

    /// Returns the path of one program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs().join(name)
    }
}

/// Finds a Python that is new enough.
///
/// Some names exist and still do not run (version managers put such stand-ins
/// on PATH), hence each is asked for its version.
fn find_python() -> Result<String, PythonError> {
    for name in NAMES {
        let answer = Command::new(name)
            .args(["-c", "import sys; print(*sys.version_info[:2])"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        let Ok(answer) = answer else { continue };
        let text = String::from_utf8_lossy(&answer.stdout);
        let mut numbers = text.split_whitespace().map_while(|n| n.parse::<u32>().ok());
        if let (Some(major), Some(minor)) = (numbers.next(), numbers.next())
            && (major, minor) >= OLDEST
        {
            return Ok(name.to_owned());
        }
    }
    Err(PythonError::NoPython)
}

/// Runs a command; a failure gives the last line of what it said.
fn run(command: &mut Command) -> Result<Result<(), String>, PythonError> {
    let program = PathBuf::from(command.get_program());
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(io(&program))?;
    if output.status.success() {
        return Ok(Ok(()));
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    Ok(Err(last.unwrap_or("it said nothing").trim().to_owned()))
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> PythonError + use<> {
    let path = path.to_owned();
    move |source| PythonError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("venv");
        let Ok(venv) = Venv::ensure(&place, "") else {
            println!("skipped: this machine has no Python with venv");
            return;
        };
        let made = fs::metadata(venv.program("python")).unwrap();
        let again = Venv::ensure(&place, "").unwrap();
        let kept = fs::metadata(again.program("python")).unwrap();
        assert_eq!(made.modified().unwrap(), kept.modified().unwrap());
    }

    #[test]
    fn an_environment_that_was_moved_or_lost_its_python_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("venv");
        if Venv::ensure(&place, "").is_err() {
            println!("skipped: this machine has no Python with venv");
            return;
        }
        let moved = folder.path().join("moved");
        fs::rename(&place, &moved).unwrap();
        let left = moved.join("left behind");
        fs::write(&left, "").unwrap();
        let venv = Venv::ensure(&moved, "").unwrap();
        assert!(!left.exists());
        fs::write(&left, "").unwrap();
        fs::remove_file(venv.program("python")).unwrap();
        std::os::unix::fs::symlink("gone", venv.program("python")).unwrap();
        Venv::ensure(&moved, "").unwrap();
        assert!(!left.exists() && venv.program("python").exists());
    }

    #[test]
    fn a_package_that_does_not_exist_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let requirements = "./there-is-no-such-folder\n";
        match Venv::ensure(&folder.path().join("venv"), requirements) {
            Err(error @ PythonError::Install { .. }) => {
                assert!(error.to_string().contains("there-is-no-such-folder"));
            }
            Err(PythonError::NoPython | PythonError::NoVenv { .. }) => {
                println!("skipped: this machine has no Python with venv");
            }
            other => panic!("expected a failed installation, got {other:?}"),
        }
    }
}
