//! What the tests of the workspace share: the pipeline, and the tools.

use std::path::{Path, PathBuf};

/// Returns the workspace's folder.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a folder of the workspace")
        .to_owned()
}
