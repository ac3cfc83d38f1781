//! Building what a deployment carries: programs by Cargo, packed into zips.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::{self as files, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    thread,
};

use lightsout_core::{Assembly, Asset, AssetContents, AssetSource, FileMode};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    archive::{Entry, Level, digest, pack},
    io::{Event, Hint, Io},
    wheels::{self, WheelsError},
};

/// How programs are built, and where they are put.
#[derive(Debug, Clone)]
pub struct BuildPlan {
    workspace: PathBuf,
    out: PathBuf,
    profile: String,
    target: Option<String>,
    architecture: Option<Architecture>,
    features: Vec<String>,
    also: Vec<String>,
    target_dir: Option<PathBuf>,
    cargo_home: Option<PathBuf>,
    python: PathBuf,
    level: Level,
}

/// The processor that programs run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// 64-bit x86.
    X86_64,
    /// 64-bit Arm, AWS's Graviton.
    Arm64,
}

/// Assets as they were built.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltAssets(BTreeMap<String, BuiltAsset>);

/// An asset's zip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltAsset {
    /// The asset's id.
    pub id: String,
    /// SHA-256 over what the zip holds, in lower-case hexadecimal digits; names
    /// it everywhere. It is the same however hard the zip is compressed.
    pub sha256: String,
    /// The zip on disk.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
}

/// Cargo, free of what `cargo run` and `cargo test` tell of the running program.
///
/// They say which package it is. Told on, that would be a change to build
/// scripts that watch these variables, and TLS would be compiled anew on every
/// other call.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(describes_the_running_package) {
            command.env_remove(name);
        }
    }
    command
}

/// Whether Cargo sets this variable for the package that it runs.
///
/// See [the list](https://doc.rust-lang.org/cargo/reference/environment-variables.html#environment-variables-cargo-sets-for-crates).
fn describes_the_running_package(variable: &str) -> bool {
    const ONES: [&str; 7] = [
        "CARGO_BIN_NAME",
        "CARGO_CRATE_NAME",
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_LINKS",
        "CARGO_MANIFEST_PATH",
        "CARGO_PRIMARY_PACKAGE",
        "OUT_DIR",
    ];
    variable.starts_with("CARGO_PKG_") || ONES.contains(&variable)
}

/// Why assets could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Cargo could not be started.
    #[error("cannot start `{}`", program.display())]
    NoCargo {
        /// What was to be started.
        program: PathBuf,
        /// What the system said.
        #[source]
        source: files::Error,
    },
    /// Cargo found errors.
    #[error("`cargo build` ended with {status}")]
    Cargo {
        /// How it ended.
        status: ExitStatus,
        /// The target that was asked for.
        target: Option<String>,
    },
    /// Cargo was done and there is no such program.
    #[error(
        "asset `{asset}` wants binary `{binary}` of package `{package}`, which Cargo did not build"
    )]
    NoProgram {
        /// The asset.
        asset: String,
        /// The package.
        package: String,
        /// The binary.
        binary: String,
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
    /// A file is neither a file nor a folder.
    #[error("`{}` in asset `{asset}` is neither a file nor a folder", path.display())]
    Special {
        /// The asset.
        asset: String,
        /// The path.
        path: PathBuf,
    },
    /// Two files of an asset have one name.
    #[error("asset `{asset}` holds two files called `{name}`")]
    SameName {
        /// The asset.
        asset: String,
        /// The name.
        name: String,
    },
    /// Python packages could not be downloaded.
    #[error("cannot download the Python packages of asset `{asset}`")]
    Wheels {
        /// The asset.
        asset: String,
        /// Why not.
        #[source]
        source: WheelsError,
    },
    /// A zip could not be made.
    #[error("cannot pack asset `{asset}`")]
    Zip {
        /// The asset.
        asset: String,
        /// What the zip library said.
        #[source]
        source: zip::result::ZipError,
    },
}

impl BuildPlan {
    /// Plans for programs that run on this machine: profile `dev`, as built by
    /// any other `cargo build`, so that nothing is compiled twice.
    ///
    /// Zips go to the folder `assets` in `out`.
    pub fn local(workspace: impl Into<PathBuf>, out: impl Into<PathBuf>) -> Self {
        Self {
            workspace: workspace.into(),
            out: out.into(),
            profile: "dev".to_owned(),
            target: None,
            architecture: None,
            features: Vec::new(),
            also: Vec::new(),
            target_dir: None,
            cargo_home: None,
            python: "python3".into(),
            level: Level::FASTEST,
        }
    }

    /// Plans for programs that run in AWS: profile `lambda`, linked statically
    /// and free of this machine's paths, so that every machine builds the same.
    pub fn lambda(
        workspace: impl Into<PathBuf>,
        out: impl Into<PathBuf>,
        architecture: Architecture,
    ) -> Self {
        let processor = architecture.name();
        Self {
            profile: "lambda".to_owned(),
            architecture: Some(architecture),
            target: Some(format!("{processor}-unknown-linux-gnu")),
            level: Level::SMALLEST,
            ..Self::local(workspace, out)
        }
    }

    /// Builds with these features, as `--features` takes them.
    pub fn features<F: Into<String>>(mut self, features: impl IntoIterator<Item = F>) -> Self {
        self.features.extend(features.into_iter().map(Into::into));
        self
    }

    /// Selects `package` too, without building its programs.
    ///
    /// Cargo unites the features of all packages that are selected together.
    /// Selecting what an earlier build selected keeps shared dependencies from
    /// being compiled a second time with other features.
    pub fn also(mut self, package: impl Into<String>) -> Self {
        self.also.push(package.into());
        self
    }

    /// Compiles in `folder` instead of the target folder that Cargo would choose.
    ///
    /// Cargo tells packages of one name at the root of two workspaces apart by
    /// their target folders alone; where one folder serves all workspaces, one
    /// of them may be given what was built for the other.
    pub fn target_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.target_dir = Some(folder.into());
        self
    }

    /// Has Cargo keep its registry in `folder`, instead of where `CARGO_HOME` says.
    pub fn cargo_home(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cargo_home = Some(folder.into());
        self
    }

    /// Downloads Python packages with the pip of this Python, instead of that of `python3`.
    ///
    /// What is planned for this machine is downloaded for this Python, too.
    pub fn python(mut self, program: impl Into<PathBuf>) -> Self {
        self.python = program.into();
        self
    }

    fn command(&self, programs: &BTreeSet<Program<'_>>) -> Command {
        let mut command = cargo();
        command
            .current_dir(&self.workspace)
            .args([
                "build",
                "--locked",
                "--message-format=json-render-diagnostics",
            ])
            .args(["--profile", &self.profile]);
        let packages: BTreeSet<&str> = programs
            .iter()
            .map(|program| program.package)
            .chain(self.also.iter().map(String::as_str))
            .collect();
        for package in packages {
            command.args(["--package", package]);
        }
        for program in programs {
            command.args(["--bin", program.binary]);
        }
        if !self.features.is_empty() {
            command.args(["--features", &self.features.join(",")]);
        }
        if let Some(folder) = &self.target_dir {
            command.arg("--target-dir").arg(folder);
        }
        if let Some(folder) = &self.cargo_home {
            command.env("CARGO_HOME", folder);
        }
        if let Some(target) = &self.target {
            command.args(["--target", target]);
            command.env("CARGO_ENCODED_RUSTFLAGS", self.flags());
        }
        command
    }

    /// Flags of rustc that make the same bytes from the same source on every
    /// machine, and programs that need nothing of the machine they run on.
    fn flags(&self) -> String {
        let mut flags = vec!["-Ctarget-feature=+crt-static".to_owned()];
        let workspace = fs::canonicalize(&self.workspace).ok();
        let cargo_home = self
            .cargo_home
            .clone()
            .or_else(|| env::var_os("CARGO_HOME").map(PathBuf::from))
            .or_else(|| Some(env::home_dir()?.join(".cargo")));
        for (path, name) in [(workspace, "/src"), (cargo_home, "/cargo")] {
            if let Some(path) = path {
                flags.push(format!("--remap-path-prefix={}={name}", path.display()));
            }
        }
        flags.join("\u{1f}")
    }
}

impl Architecture {
    /// Returns the processor's name, as Rust and Python have it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }
}

impl BuiltAssets {
    /// Returns the asset with this id.
    pub fn get(&self, id: &str) -> Option<&BuiltAsset> {
        self.0.get(id)
    }

    /// Returns all assets by id.
    pub fn iter(&self) -> impl Iterator<Item = &BuiltAsset> {
        self.0.values()
    }
}

impl Hint for BuildError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NoCargo { .. } => Some("install Rust, or set `CARGO` to its cargo".to_owned()),
            Self::Cargo {
                target: Some(target),
                ..
            } => Some(format!(
                "if the standard library is missing, run `rustup target add {target}`"
            )),
            Self::NoProgram { .. } => {
                Some("compare the names with the package's `[[bin]]` section".to_owned())
            }
            Self::Wheels { source, .. } => Some(source.hint().to_owned()),
            _ => None,
        }
    }
}

/// Builds every asset of `assembly`: one run of Cargo for all programs, then
/// one zip for each asset, at `assets/<sha256>.zip` in the plan's folder.
///
/// The hash is over what a zip holds, so one that is there already is not packed
/// again.
pub fn build_assets(
    assembly: &Assembly,
    plan: &BuildPlan,
    io: &mut dyn Io,
) -> Result<BuiltAssets, BuildError> {
    let programs: BTreeSet<Program<'_>> = assembly.assets().iter().flat_map(programs).collect();
    let executables = if programs.is_empty() {
        BTreeMap::new()
    } else {
        run_cargo(plan, &programs, io)?
    };
    let folder = plan.out.join("assets");
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    let mut built = BuiltAssets::default();
    for asset in assembly.assets() {
        let entries = entries(asset, plan, &executables, io)?;
        let sha256 = digest(&entries);
        let path = folder.join(format!("{sha256}.zip"));
        let bytes = if let Ok(found) = fs::metadata(&path) {
            found.len()
        } else {
            let zip = pack(&entries, plan.level).map_err(|source| BuildError::Zip {
                asset: asset.id.clone(),
                source,
            })?;
            write_whole(&path, &zip)?;
            zip.len() as u64
        };
        io.emit(Event::AssetBuilt {
            asset: asset.id.clone(),
            sha256: sha256.clone(),
            bytes,
        });
        let id = asset.id.clone();
        let asset = BuiltAsset {
            id: id.clone(),
            sha256,
            path,
            bytes,
        };
        built.0.insert(id, asset);
    }
    Ok(built)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Program<'a> {
    package: &'a str,
    binary: &'a str,
}

/// Where Cargo put each program: by package, then by binary.
type Executables = BTreeMap<(String, String), PathBuf>;

fn programs(asset: &Asset) -> Vec<Program<'_>> {
    match &asset.contents {
        AssetContents::Binary {
            package, binary, ..
        } => vec![Program { package, binary }],
        AssetContents::Files(files) => files
            .iter()
            .filter_map(|file| match &file.source {
                AssetSource::Binary {
                    package, binary, ..
                } => Some(Program { package, binary }),
                AssetSource::Path(_) | AssetSource::Text(_) | AssetSource::Wheels(_) => None,
            })
            .collect(),
    }
}

fn run_cargo(
    plan: &BuildPlan,
    programs: &BTreeSet<Program<'_>>,
    io: &mut dyn Io,
) -> Result<Executables, BuildError> {
    io.emit(Event::Building {
        programs: programs
            .iter()
            .map(|program| program.binary.to_owned())
            .collect(),
        profile: plan.profile.clone(),
    });
    let mut command = plan.command(programs);
    let no_cargo = |command: &Command| {
        let program = PathBuf::from(command.get_program());
        |source| BuildError::NoCargo { program, source }
    };
    let mut cargo = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(no_cargo(&command))?;
    // Both pipes are drained at once, or Cargo would stop when one is full.
    let messages = cargo.stdout.take().map(|stdout| {
        thread::spawn(move || {
            let mut text = String::new();
            BufReader::new(stdout)
                .read_to_string(&mut text)
                .map(|_| text)
        })
    });
    if let Some(stderr) = cargo.stderr.take() {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            io.emit(Event::Cargo { line });
        }
    }
    let messages = messages
        .and_then(|reading| reading.join().ok())
        .and_then(Result::ok)
        .unwrap_or_default();
    let status = cargo.wait().map_err(no_cargo(&command))?;
    if !status.success() {
        return Err(BuildError::Cargo {
            status,
            target: plan.target.clone(),
        });
    }
    Ok(messages.lines().filter_map(executable).collect())
}

/// Reads one of [Cargo's messages], if it is about an executable.
///
/// [Cargo's messages]: https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages
fn executable(line: &str) -> Option<((String, String), PathBuf)> {
    let message: Json = serde_json::from_str(line).ok()?;
    let executable = message["executable"].as_str()?;
    let binary = message["target"]["name"].as_str()?.to_owned();
    let package = package_name(message["package_id"].as_str()?)?.to_owned();
    Some(((package, binary), PathBuf::from(executable)))
}

/// Reads the name from a [package id], which leaves it out where the folder
/// is called the same.
///
/// [package id]: https://doc.rust-lang.org/cargo/reference/pkgid-spec.html
fn package_name(id: &str) -> Option<&str> {
    let (source, fragment) = id.rsplit_once('#')?;
    match fragment.rsplit_once('@') {
        Some((name, _)) => Some(name),
        None => source.rsplit('/').next(),
    }
}

fn entries(
    asset: &Asset,
    plan: &BuildPlan,
    executables: &Executables,
    io: &mut dyn Io,
) -> Result<BTreeMap<String, Entry>, BuildError> {
    let mut entries = BTreeMap::new();
    let executable = |package: &str, binary: &str| {
        executables
            .get(&(package.to_owned(), binary.to_owned()))
            .ok_or_else(|| BuildError::NoProgram {
                asset: asset.id.clone(),
                package: package.to_owned(),
                binary: binary.to_owned(),
            })
    };
    match &asset.contents {
        AssetContents::Binary {
            package,
            binary,
            name,
            ..
        } => {
            let path = executable(package, binary)?;
            collect(
                asset,
                path,
                name.clone(),
                FileMode::Executable,
                &mut entries,
            )?;
        }
        AssetContents::Files(files) => {
            for file in files {
                let path = match &file.source {
                    AssetSource::Binary {
                        package, binary, ..
                    } => executable(package, binary)?.clone(),
                    AssetSource::Path(path) => plan.workspace.join(path),
                    AssetSource::Text(text) => {
                        let bytes = text.clone().into_bytes();
                        insert(asset, file.name.clone(), bytes, file.mode, &mut entries)?;
                        continue;
                    }
                    AssetSource::Wheels(wanted) => {
                        let kept = plan.out.join("assets/wheels");
                        wheels::download(wanted, &plan.python, plan.architecture, &kept, io)
                            .map_err(|source| BuildError::Wheels {
                                asset: asset.id.clone(),
                                source,
                            })?
                    }
                };
                collect(asset, &path, file.name.clone(), file.mode, &mut entries)?;
            }
        }
    }
    Ok(entries)
}

/// Reads a file, or all files of a folder, into `entries`.
fn collect(
    asset: &Asset,
    path: &Path,
    name: String,
    mode: FileMode,
    entries: &mut BTreeMap<String, Entry>,
) -> Result<(), BuildError> {
    let kind = fs::metadata(path).map_err(at(path))?;
    if kind.is_dir() {
        for entry in fs::read_dir(path).map_err(at(path))? {
            let entry = entry.map_err(at(path))?;
            let name = format!("{name}/{}", entry.file_name().to_string_lossy());
            collect(asset, &entry.path(), name, mode, entries)?;
        }
        return Ok(());
    }
    if !kind.is_file() {
        return Err(BuildError::Special {
            asset: asset.id.clone(),
            path: path.to_owned(),
        });
    }
    let bytes = fs::read(path).map_err(at(path))?;
    insert(asset, name, bytes, mode, entries)
}

fn insert(
    asset: &Asset,
    name: String,
    bytes: Vec<u8>,
    mode: FileMode,
    entries: &mut BTreeMap<String, Entry>,
) -> Result<(), BuildError> {
    if entries.contains_key(&name) {
        return Err(BuildError::SameName {
            asset: asset.id.clone(),
            name,
        });
    }
    entries.insert(name, Entry { bytes, mode });
    Ok(())
}

/// Writes a file that is never seen half written.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    let partial = path.with_extension(format!("{}.partial", std::process::id()));
    fs::write(&partial, bytes).map_err(at(&partial))?;
    fs::rename(&partial, path).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(files::Error) -> BuildError {
    let path = path.to_owned();
    move |source| BuildError::File { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixtures::{self, Queue},
        io::{Consent, Recorder},
    };
    use lightsout_contract::binary;
    use lightsout_core::{AssetFile, Properties};
    use std::os::unix::fs::symlink;

    fn assembly(asset: Asset) -> Assembly {
        let mut app = fixtures::app();
        let mut stack = app.stack("Code");
        stack.add("Queue", Queue(Properties::default()));
        let asset = stack.asset(asset);
        stack.output("Hash", asset.hash(), "hash of the code");
        app.synth().unwrap()
    }

    fn bulb() -> Asset {
        Asset::files(
            "Bulb",
            [
                AssetFile::program(binary!("glow" in "tests/bulb")).named("bootstrap"),
                AssetFile::path("notes", "notes", FileMode::Regular),
                AssetFile::text("socket", "E27\n", FileMode::Regular),
            ],
        )
    }

    /// Copies the workspace of one program and a folder.
    fn workspace(folder: &Path) {
        let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bulb");
        fs::create_dir_all(folder.join("notes/deep")).unwrap();
        for name in [
            "Cargo.toml",
            "Cargo.lock",
            "glow.rs",
            "notes/a.txt",
            "notes/deep/b.txt",
        ] {
            fs::copy(original.join(name), folder.join(name)).unwrap();
        }
    }

    /// Makes a home for Cargo with sources of its own; what was downloaded is shared.
    fn cargo_home(folder: &Path) -> PathBuf {
        let real = env::var_os("CARGO_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(env::home_dir()?.join(".cargo")))
            .unwrap();
        let home = folder.join("cargo-home");
        fs::create_dir_all(home.join("registry")).unwrap();
        for name in ["config.toml", "registry/index", "registry/cache"] {
            if real.join(name).exists() {
                symlink(real.join(name), home.join(name)).unwrap();
            }
        }
        home
    }

    /// Returns the zip and its name, as built for AWS on a machine of its own.
    fn built_for_aws_at(name: &str) -> (String, Vec<u8>) {
        let architecture = match env::consts::ARCH {
            "aarch64" => Architecture::Arm64,
            _ => Architecture::X86_64,
        };
        let machine = tempfile::Builder::new().prefix(name).tempdir().unwrap();
        let folder = machine.path().join(name);
        workspace(&folder);
        let plan = BuildPlan::lambda(&folder, folder.join("out"), architecture)
            .target_dir(folder.join("target"))
            .cargo_home(cargo_home(machine.path()));
        let mut io = Recorder::new(Consent::NobodyThere);
        let built = build_assets(&assembly(bulb()), &plan, &mut io)
            .unwrap_or_else(|error| panic!("{error}: {:?}", io.events));
        let asset = built.get("Bulb").unwrap();
        (asset.sha256.clone(), fs::read(&asset.path).unwrap())
    }

    fn local_plan(folder: &Path) -> BuildPlan {
        BuildPlan::local(folder, folder.join("out")).target_dir(folder.join("target"))
    }

    #[test]
    fn what_describes_the_running_package_is_not_told_on_and_all_else_is() {
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "OUT_DIR"] {
            assert!(describes_the_running_package(name), "{name}");
        }
        for name in [
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO_INCREMENTAL",
            "PATH",
        ] {
            assert!(!describes_the_running_package(name), "{name}");
        }
    }

    #[test]
    fn programs_and_files_are_packed_under_the_hash_of_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        workspace(folder.path());
        let plan = local_plan(folder.path());
        let mut io = Recorder::new(Consent::NobodyThere);
        let built = build_assets(&assembly(bulb()), &plan, &mut io).unwrap();
        let asset = built.get("Bulb").unwrap();
        let zip = fs::read(&asset.path).unwrap();
        let zip = zip::ZipArchive::new(files::Cursor::new(zip)).unwrap();
        let names: Vec<_> = zip.file_names().map(Result::unwrap).collect();
        assert_eq!(
            names,
            ["bootstrap", "notes/a.txt", "notes/deep/b.txt", "socket"]
        );
    }

    /// An asset that takes no compiler.
    fn notes() -> Asset {
        Asset::files(
            "Bulb",
            [AssetFile::path("notes", "notes", FileMode::Regular)],
        )
    }

    #[test]
    fn a_new_compression_level_does_not_redeploy() {
        let built = |level| {
            let folder = tempfile::tempdir().unwrap();
            workspace(folder.path());
            fs::write(folder.path().join("notes/a.txt"), "lamp ".repeat(9000)).unwrap();
            let plan = BuildPlan {
                level,
                ..local_plan(folder.path())
            };
            let mut io = Recorder::new(Consent::NobodyThere);
            let built = build_assets(&assembly(notes()), &plan, &mut io).unwrap();
            built.get("Bulb").unwrap().clone()
        };
        let (fast, small) = (built(Level::FASTEST), built(Level::SMALLEST));
        assert_ne!(fast.bytes, small.bytes);
        assert_eq!(fast.sha256, small.sha256);
    }

    #[test]
    fn what_did_not_change_is_not_packed_again() {
        let folder = tempfile::tempdir().unwrap();
        workspace(folder.path());
        let plan = local_plan(folder.path());
        let build = || {
            let mut io = Recorder::new(Consent::NobodyThere);
            let built = build_assets(&assembly(notes()), &plan, &mut io).unwrap();
            let path = built.get("Bulb").unwrap().path.clone();
            let written = fs::metadata(&path).unwrap().modified().unwrap();
            (path, written)
        };
        let first = build();
        assert_eq!(build(), first);
        fs::write(folder.path().join("notes/a.txt"), "other").unwrap();
        assert_ne!(build().0, first.0);
    }

    #[test]
    fn another_folder_and_another_cargo_home_build_the_same_bytes() {
        assert_eq!(
            built_for_aws_at("here"),
            built_for_aws_at("a-longer-name-elsewhere")
        );
    }

    #[test]
    fn a_program_that_does_not_compile_is_told_with_what_cargo_said() {
        let folder = tempfile::tempdir().unwrap();
        workspace(folder.path());
        fs::write(folder.path().join("glow.rs"), "fn main() { glow() }").unwrap();
        let plan = local_plan(folder.path());
        let mut io = Recorder::new(Consent::NobodyThere);
        let error = build_assets(&assembly(bulb()), &plan, &mut io).unwrap_err();
        assert!(matches!(error, BuildError::Cargo { .. }), "{error}");
        let said =
            |event: &Event| matches!(event, Event::Cargo { line } if line.contains("`glow`"));
        assert!(io.events.iter().any(said), "{:?}", io.events);
    }

    #[test]
    fn a_missing_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let asset = Asset::files(
            "Bulb",
            [AssetFile::path("notes", "nowhere", FileMode::Regular)],
        );
        let plan = local_plan(folder.path());
        let mut io = Recorder::new(Consent::NobodyThere);
        let error = build_assets(&assembly(asset), &plan, &mut io).unwrap_err();
        assert!(error.to_string().contains("nowhere"), "{error}");
    }

    #[test]
    fn a_package_is_named_by_its_id_or_its_folder() {
        assert_eq!(
            package_name("path+file:///w/api#lightsout-api@0.1.0"),
            Some("lightsout-api")
        );
        assert_eq!(package_name("path+file:///w/bulb#0.1.0"), Some("bulb"));
    }
}
