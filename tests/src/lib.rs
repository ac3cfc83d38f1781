//! What the tests of the workspace share: its folders and its tools.

use std::{
    path::{Path, PathBuf},
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

/// Returns the environment that `lightsout local` runs on; it is installed on
/// first use.
pub fn local_python() -> Result<Venv, PythonError> {
    local::venv(&own_folder())
}
