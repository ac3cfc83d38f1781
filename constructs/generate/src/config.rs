//! What is generated, and what the schemas lack: the two committed settings.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// Which services are generated.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Services {
    /// Services by their names in aws-service-spec.
    pub(crate) services: BTreeSet<String>,
    /// Those whose part of the schemas is kept for a test.
    pub(crate) fixture: BTreeSet<String>,
}

/// What both schemas lack.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Overrides {
    /// Properties that must be set, by resource type.
    #[serde(default)]
    pub(crate) required: BTreeMap<String, BTreeSet<String>>,
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
