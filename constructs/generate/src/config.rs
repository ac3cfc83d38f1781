//! What is generated, and what the schemas lack: the two committed settings.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// Which services are generated, and how they share Cargo features.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Services {
    /// Which services.
    #[serde(rename = "services")]
    pub(crate) selection: Selection,
    /// Services whose feature is also that of every service whose name begins with theirs.
    #[serde(default)]
    pub(crate) families: BTreeSet<String>,
    /// Services that have a feature of their own against the rules.
    #[serde(default)]
    pub(crate) apart: BTreeSet<String>,
    /// Those whose part of the schemas is kept for a test.
    pub(crate) fixture: BTreeSet<String>,
}

/// Which services are generated.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Selection {
    /// Every one that the schemas have.
    All,
}

/// What both schemas lack.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Overrides {
    /// Properties that must be set, by resource type.
    #[serde(default)]
    pub(crate) required: BTreeMap<String, BTreeSet<String>>,
    /// Resource types whose data is lost with them.
    #[serde(default)]
    pub(crate) stateful: BTreeSet<String>,
}

/// Why a setting cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The file says something else than what is expected there.
    #[error("cannot understand `{}`", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        #[source]
        source: Box<toml::de::Error>,
    },
}

/// Reads a settings file.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    toml::from_str(&text).map_err(|source| ConfigError::Parse {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_setting_is_named_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("overrides.toml");
        fs::write(&path, "[requires]\n").unwrap();
        let error = read::<Overrides>(&path).unwrap_err();
        assert!(error.to_string().contains("overrides.toml"), "{error}");
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("requires"), "{source}");
    }
}
