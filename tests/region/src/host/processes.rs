//! Hosts as marked processes that share the machine's network and files.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::host::HostError;
use crate::host::image::{Image, file_error};
use crate::instance::Instance;
use crate::marks::{Mark, RUN_MARK};
use crate::metadata;
use crate::program;
use crate::world::World;

/// The port of instance metadata on a host's own loopback address.
pub(crate) const METADATA_PORT: u16 = 1338;

const GUARD: &str = include_str!("guard.sh");

/// Serves instance metadata on the host's address.
pub(crate) async fn serve_metadata(
    world: &Arc<World>,
    instance: &Instance,
) -> Result<JoinHandle<()>, HostError> {
    let listener = TcpListener::bind((instance.address, METADATA_PORT))
        .await
        .map_err(|source| HostError::Address {
            address: format!("{}:{METADATA_PORT}", instance.address),
            source,
        })?;
    let router = metadata::router_for(Arc::clone(world), instance.id.clone());
    Ok(tokio::spawn(async move {
        // It ends when the host does; until then it has nobody to report to.
        let _ended = axum::serve(listener, router).await;
    }))
}

/// Starts the processes of a host.
pub(crate) fn start(folder: &Path, image: &Image) -> Result<Child, HostError> {
    let log = folder.join("boot.log");
    let log = File::create(&log).map_err(file_error(&log))?;
    Command::new("sh")
        .arg(folder.join("boot.sh"))
        .arg(folder)
        .current_dir("/")
        .env_clear()
        .envs(&image.environment)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        // Ctrl-C is for the region, which then ends its hosts in order.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| HostError::Spawn {
            program: "sh".to_owned(),
            source,
        })
}

/// A process that ends all marked processes when this one has died.
///
/// It waits at the pipe that is its standard input. A line there sends it home.
pub(crate) fn guard(mark: &Mark) -> io::Result<std::process::Child> {
    // The guard's own tools must be found whatever the caller's PATH is.
    let sh = program::find("sh").unwrap_or_else(|| "sh".into());
    std::process::Command::new(sh)
        .env("PATH", program::search_path(&[]))
        .args(["-c", GUARD, "sh"])
        .arg(mark.variable())
        .arg(mark.logs_below())
        // It must not take itself for one of those that it ends.
        .env_remove(RUN_MARK)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn the_guard_ends_what_is_marked_unless_it_hears_a_farewell() {
        for (farewell, signal) in [("farewell\n", None), ("", Some(9))] {
            let folder = tempfile::tempdir().expect("folder");
            let mark = Mark::run(folder.path());
            let mut marked = std::process::Command::new("sleep")
                .arg(if signal.is_some() { "600" } else { "2" })
                .env(RUN_MARK, folder.path())
                .spawn()
                .expect("sleep");
            let mut guard = guard(&mark).expect("a guard");
            let mut pipe = guard.stdin.take().expect("a pipe");
            pipe.write_all(farewell.as_bytes()).expect("told");
            drop(pipe);
            assert!(guard.wait().expect("ended").success());
            assert_eq!(marked.wait().expect("ended").signal(), signal);
        }
    }
}
