//! What the tests of the workspace share: its folders and its tools.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};

use lightsout_stacks::local::{
    self,
    python::{PythonError, Venv},
};

/// Returns the workspace's folder.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a folder of the workspace")
        .to_owned()
}

/// Returns the folder of what the project installs for itself.
pub fn own_folder() -> PathBuf {
    workspace().join(".lightsout")
}

/// Returns the checkers of templates, playbooks and shell, pinned; they are
/// installed on first use.
pub fn checkers() -> Result<Venv, PythonError> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = INSTALLING.lock();
    Venv::ensure(
        &own_folder().join("checks"),
        include_str!("../../stacks/python/checks.txt"),
    )
}

/// Returns the checkers of the query API, pinned; they are installed on first use.
pub fn api_checkers() -> Result<Venv, PythonError> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = INSTALLING.lock();
    Venv::ensure(
        &own_folder().join("api-checks"),
        include_str!("../../stacks/python/api.txt"),
    )
}

/// Returns the environment that `lightsout local` runs on; it is installed on
/// first use.
pub fn local_python() -> Result<Venv, PythonError> {
    local::venv(&own_folder())
}

/// Returns the AWS CDK's command line, pinned; it is installed on first use, and
/// there is none where npm is missing or cannot fetch it.
pub fn cdk_cli() -> Option<PathBuf> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    const FILES: [(&str, &str); 3] = [
        (".npmrc", include_str!("../cdk/.npmrc")),
        ("package.json", include_str!("../cdk/package.json")),
        (
            "package-lock.json",
            include_str!("../cdk/package-lock.json"),
        ),
    ];
    let _one_at_a_time = INSTALLING.lock();
    let folder = own_folder().join("cdk");
    let program = folder.join("node_modules/.bin/cdk");
    let is_current = FILES
        .iter()
        .all(|(name, text)| fs::read_to_string(folder.join(name)).is_ok_and(|now| now == *text));
    if is_current && program.exists() {
        return Some(program);
    }
    fs::create_dir_all(&folder).ok()?;
    for (name, text) in FILES {
        fs::write(folder.join(name), text).ok()?;
    }
    let installed = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    installed.then_some(program)
}
