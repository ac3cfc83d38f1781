//! Programs and files that a stack needs at deploy time.

use lightsout_contract::Binary;

use crate::{Part, Token, Value};

/// Programs and files that a stack needs at deploy time, packed into one zip.
///
/// Synth builds no asset. A stack that uses one gets a parameter such as
/// `LauncherAsset`, and whoever deploys builds the zip, uploads it to
/// `assets/<sha256>.zip` in the app's [asset store](crate::App::asset_store) and
/// passes the hash. So a template changes with the infrastructure only, never
/// with the code, and synth needs no compiler.
///
/// The hash is over the names, modes and bytes of the files, not over the zip: a
/// new zip library redeploys nothing. Who downloads a zip can compute it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Names the asset in its app: letters and digits, such as `Launcher`.
    pub id: String,
    /// What the zip holds.
    pub contents: AssetContents,
}

/// What the zip of an [`Asset`] holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssetContents {
    /// One program of the workspace; [`Asset::program`] makes it.
    #[non_exhaustive]
    Binary {
        /// The Cargo package that the program belongs to.
        package: String,
        /// The name of its binary target.
        binary: String,
        /// The file's name in the zip; Lambda wants `bootstrap`.
        name: String,
    },
    /// Several programs, files and folders.
    Files(Vec<AssetFile>),
}

/// A program, file or folder in the zip of an [`Asset`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetFile {
    /// The name in the zip, with `/` between folders.
    pub name: String,
    /// Where it comes from.
    pub source: AssetSource,
    /// Whether it can be run.
    pub mode: FileMode,
}

/// Where an [`AssetFile`] comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssetSource {
    /// A program of the workspace; [`AssetFile::program`] makes it.
    #[non_exhaustive]
    Binary {
        /// The Cargo package that the program belongs to.
        package: String,
        /// The name of its binary target.
        binary: String,
    },
    /// A file, or a folder with all it holds, relative to the workspace.
    Path(String),
    /// What the file says, for files that a construct brings with it.
    Text(String),
    /// Python packages, in a folder; [`AssetFile::wheels`] makes it.
    Wheels(Wheels),
}

/// Python packages as wheels, for hosts that reach no package index.
///
/// Whoever deploys downloads them, and takes none whose hash is not listed. The folder
/// holds the wheels, the list as `requirements.txt`, and `python`, which says for which
/// version of Python they are, such as `3.11`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Wheels {
    /// The packages with all that they need, each with its version and hashes, as pip's
    /// [hash-checking mode](https://pip.pypa.io/en/stable/topics/secure-installs/) takes them.
    pub requirements: String,
    /// The version of Python on the hosts, such as `3.11`.
    pub python: String,
}

/// Whether a file can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileMode {
    /// Mode 0644.
    Regular,
    /// Mode 0755.
    Executable,
}

/// Identifies an asset in its [`App`](crate::App).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssetId {
    pub(crate) app: u32,
    pub(crate) index: u32,
}

/// An asset that was declared; usable in every stack of its app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssetRef(pub(crate) AssetId);

impl Asset {
    /// A zip with one program, as Lambda starts it: called `bootstrap`.
    pub fn program(id: impl Into<String>, binary: Binary) -> Self {
        Self {
            id: id.into(),
            contents: AssetContents::Binary {
                package: binary.package().to_owned(),
                binary: binary.name().to_owned(),
                name: "bootstrap".to_owned(),
            },
        }
    }

    /// A zip with several programs, files and folders.
    pub fn files(id: impl Into<String>, files: impl IntoIterator<Item = AssetFile>) -> Self {
        Self {
            id: id.into(),
            contents: AssetContents::Files(files.into_iter().collect()),
        }
    }
}

impl AssetFile {
    /// A program of the workspace, under its own name.
    pub fn program(binary: Binary) -> Self {
        Self {
            name: binary.name().to_owned(),
            source: AssetSource::Binary {
                package: binary.package().to_owned(),
                binary: binary.name().to_owned(),
            },
            mode: FileMode::Executable,
        }
    }

    /// A file, or a folder with all it holds, relative to the workspace.
    pub fn path(name: impl Into<String>, path: impl Into<String>, mode: FileMode) -> Self {
        Self {
            name: name.into(),
            source: AssetSource::Path(path.into()),
            mode,
        }
    }

    /// A file that says `text`, for files that a construct brings with it.
    pub fn text(name: impl Into<String>, text: impl Into<String>, mode: FileMode) -> Self {
        Self {
            name: name.into(),
            source: AssetSource::Text(text.into()),
            mode,
        }
    }

    /// A folder with Python packages, pinned by `requirements`, for hosts with this
    /// version of Python.
    pub fn wheels(
        name: impl Into<String>,
        requirements: impl Into<String>,
        python: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            source: AssetSource::Wheels(Wheels {
                requirements: requirements.into(),
                python: python.into(),
            }),
            mode: FileMode::Regular,
        }
    }

    /// Calls the file something else in the zip.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
}

impl AssetRef {
    /// Returns the SHA-256 over what the zip holds, 64 lower-case hexadecimal digits.
    pub const fn hash(self) -> Value<String> {
        Value::token(Token::Asset(self.0))
    }

    /// Returns the object's key in the asset store: `assets/<sha256>.zip`.
    pub fn key(self) -> Value<String> {
        Value::join([
            Part::from("assets/"),
            Part::from(self.hash()),
            Part::from(".zip"),
        ])
    }

    /// Returns the asset's place in its app.
    pub const fn id(self) -> AssetId {
        self.0
    }
}
