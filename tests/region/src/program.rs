//! Finding the machine's programs.

use std::env;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Where system programs live even when `PATH` leaves them out.
const SYSTEM_FOLDERS: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// The program `name` in `PATH` or in a system folder.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(SYSTEM_FOLDERS.iter().map(PathBuf::from))
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|file| is_executable(file))
}

/// The `PATH` of a host: `first`, then the system folders.
pub(crate) fn search_path(first: &[PathBuf]) -> String {
    first
        .iter()
        .map(|folder| folder.display().to_string())
        .chain(SYSTEM_FOLDERS.iter().map(ToString::to_string))
        .collect::<Vec<_>>()
        .join(":")
}

pub(crate) fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}
