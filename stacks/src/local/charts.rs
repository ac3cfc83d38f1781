//! The charts of a folder, under opaque ids.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use lightsout_protocol::chart::ChartReference;
use sha2::{Digest, Sha256};

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

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartFolder {
    /// The files ending in `.txt`, by name.
    pub charts: Vec<LocalChart>,
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
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file or folder.
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
        let mut charts = Vec::new();
        let mut others = 0;
        for entry in entries {
            let path = entry
                .map_err(|source| ChartsError::Unreadable {
                    path: folder.to_owned(),
                    source,
                })?
                .path();
            if !path.is_file() {
                continue;
            }
            if path.extension().is_some_and(|extension| extension == "txt") {
                charts.push(LocalChart::read(path)?);
            } else {
                others += 1;
            }
        }
        if charts.is_empty() {
            return Err(ChartsError::NoCharts(folder.to_owned()));
        }
        charts.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { charts, others })
    }
}

impl fmt::Display for ChartFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "charts: {}", self.charts.len())?;
        match self.others {
            0 => Ok(()),
            others => write!(f, "; {others} other files are left alone"),
        }
    }
}

impl LocalChart {
    fn read(path: PathBuf) -> Result<Self, ChartsError> {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let mut hash = Sha256::new();
        hash.update(name.as_bytes());
        hash.update([0]);
        fs::File::open(&path)
            .and_then(|mut file| io::copy(&mut file, &mut hash))
            .map_err(|source| ChartsError::Unreadable {
                path: path.clone(),
                source,
            })?;
        let mut id = format!("{:x}", hash.finalize());
        id.truncate(32);
        Ok(Self { name, path, id })
    }

    /// Returns the chart's key in the inbox; a file's name may name a patient,
    /// so that it takes no part in it.
    pub fn key(&self) -> String {
        format!("{}{}", ChartReference::PREFIX, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
