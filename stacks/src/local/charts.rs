//! The charts of a folder, under opaque ids.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use lightsout_protocol::chart::ChartReference;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::ask::TENANT;

/// One chart on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalChart {
    /// The file's name, for the table on this machine alone.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// The opaque id under which the chart travels.
    pub id: String,
}

/// A file that may be a chart and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnreadableChart {
    /// The file's name.
    pub name: String,
    /// What the system said.
    pub reason: String,
}

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartFolder {
    /// The files ending in `.txt`, by name.
    pub charts: Vec<LocalChart>,
    /// The files ending in `.txt` that cannot be read, by name.
    pub unreadable: Vec<UnreadableChart>,
    /// How many other files there are; they are left alone.
    pub others: usize,
}

/// Why a folder of charts cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChartsError {
    /// There is no such folder.
    #[error("there is no folder `{}`", .0.display())]
    NoFolder(PathBuf),
    /// The path is something else than a folder.
    #[error("`{}` is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// The folder holds no chart.
    #[error("`{}` holds no file that ends in `.txt`", .0.display())]
    NoCharts(PathBuf),
    /// No chart of the folder can be read.
    #[error("no chart in `{}` can be read; `{name}`: {reason}", folder.display())]
    NoneReadable {
        /// The folder.
        folder: PathBuf,
        /// The first chart.
        name: String,
        /// What the system said about it.
        reason: String,
    },
    /// The folder cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// The reason.
        #[source]
        source: io::Error,
    },
}

impl ChartFolder {
    /// Finds the charts of `folder`: its files that end in `.txt`.
    ///
    /// Whether a file holds text is not asked here: what cannot be coded is
    /// rejected by the pipeline, with its reason.
    pub fn read(folder: &Path) -> Result<Self, ChartsError> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ChartsError::NoFolder(folder.to_owned()));
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(ChartsError::NotAFolder(folder.to_owned()));
            }
            Err(source) => {
                return Err(ChartsError::Unreadable {
                    path: folder.to_owned(),
                    source,
                });
            }
        };
        let mut found = Self {
            charts: Vec::new(),
            unreadable: Vec::new(),
            others: 0,
        };
        for entry in entries {
            let path = entry
                .map_err(|source| ChartsError::Unreadable {
                    path: folder.to_owned(),
                    source,
                })?
                .path();
            let ends_in_txt = path.extension().is_some_and(|extension| extension == "txt");
            match path.metadata() {
                Ok(facts) if facts.is_dir() => {}
                // A pipe or a device would be waited for.
                Ok(facts) if !facts.is_file() || !ends_in_txt => found.others += 1,
                Err(_) if !ends_in_txt => found.others += 1,
                // One bad file does not keep the good ones from being coded.
                facts => match facts.and_then(|_| LocalChart::read(&path)) {
                    Ok(chart) => found.charts.push(chart),
                    Err(error) => found.unreadable.push(UnreadableChart {
                        name: name_of(&path),
                        reason: error.to_string(),
                    }),
                },
            }
        }
        found.charts.sort_by(|a, b| a.path.cmp(&b.path));
        found.unreadable.sort_by(|a, b| a.name.cmp(&b.name));
        match (found.charts.as_slice(), found.unreadable.as_slice()) {
            ([], []) => Err(ChartsError::NoCharts(folder.to_owned())),
            ([], [first, ..]) => Err(ChartsError::NoneReadable {
                folder: folder.to_owned(),
                name: first.name.clone(),
                reason: first.reason.clone(),
            }),
            _ => Ok(found),
        }
    }

    /// Returns the charts that are there when a run starts, all unless it is said how many, and
    /// those that arrive while it goes on.
    pub(crate) fn arriving(&self, at_first: Option<u32>) -> (&[LocalChart], &[LocalChart]) {
        let at_first = at_first.map_or(usize::MAX, |charts| charts as usize);
        self.charts.split_at(at_first.min(self.charts.len()))
    }
}

impl fmt::Display for ChartFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "charts: {}", self.charts.len())?;
        if !self.unreadable.is_empty() {
            write!(f, "; {} cannot be read", self.unreadable.len())?;
        }
        match self.others {
            0 => Ok(()),
            others => write!(f, "; {others} other files are left alone"),
        }
    }
}

impl LocalChart {
    fn read(path: &Path) -> io::Result<Self> {
        let mut hash = Sha256::new();
        // Names that are no text differ in their bytes, though not always as text.
        hash.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        hash.update([0]);
        io::copy(&mut fs::File::open(path)?, &mut hash)?;
        let mut id = format!("{:x}", hash.finalize());
        id.truncate(32);
        Ok(Self {
            name: name_of(path),
            path: path.to_owned(),
            id,
        })
    }

    /// Returns the chart's key in the inbox; a file's name may name a patient,
    /// so that it takes no part in it.
    pub fn key(&self) -> String {
        format!("{}{TENANT}/{}", ChartReference::PREFIX, self.id)
    }
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    use super::*;

    #[test]
    fn a_bad_file_does_not_hide_the_good_ones() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("good.txt"), "Asthma.").unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("bad.txt")).unwrap();
        let found = ChartFolder::read(folder.path()).unwrap();
        assert_eq!(found.charts.len(), 1);
        assert_eq!(found.unreadable[0].name, "bad.txt");
        assert_eq!(found.to_string(), "charts: 1; 1 cannot be read");
        fs::remove_file(folder.path().join("good.txt")).unwrap();
        let error = ChartFolder::read(folder.path()).unwrap_err();
        assert!(matches!(error, ChartsError::NoneReadable { name, .. } if name == "bad.txt"));
    }

    #[test]
    fn names_that_are_no_text_do_not_share_an_id() {
        let folder = tempfile::tempdir().unwrap();
        for name in [b"\xe9.txt", b"\xe8.txt"] {
            fs::write(folder.path().join(OsStr::from_bytes(name)), "same").unwrap();
        }
        let found = ChartFolder::read(folder.path()).unwrap();
        assert_ne!(found.charts[0].id, found.charts[1].id);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = ChartFolder::read(Path::new("no/such/folder")).unwrap_err();
        assert_eq!(error.to_string(), "there is no folder `no/such/folder`");
    }

    #[test]
    fn a_folder_without_charts_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("README.md"), "no chart").unwrap();
        assert!(matches!(
            ChartFolder::read(folder.path()),
            Err(ChartsError::NoCharts(_))
        ));
    }

    #[test]
    fn keys_say_nothing_of_the_name_and_differ_for_equal_texts() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["Miller.txt", "Smith.txt"] {
            fs::write(folder.path().join(name), "same").unwrap();
        }
        let found = ChartFolder::read(folder.path()).unwrap();
        let keys: Vec<_> = found.charts.iter().map(LocalChart::key).collect();
        assert_ne!(keys[0], keys[1]);
        assert!(
            keys.iter()
                .all(|key| !key.contains("Miller") && !key.contains("Smith"))
        );
        assert_eq!(ChartFolder::read(folder.path()).unwrap(), found);
    }
}
