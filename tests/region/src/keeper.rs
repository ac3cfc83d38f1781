//! Ends what a program has started, when it is stopped or dies.

use std::env;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command};

use crate::host::guard;
use crate::marks::{Mark, RUN_MARK};

/// Watches over everything that this program starts, however it is detached.
///
/// What runs on the machine itself, such as an installation or a build, would
/// outlive a program that is killed, and go on writing into the folder that the
/// next call of the program uses. Every process that this program starts
/// carries a mark. They are ended when the keeper is dropped, and by a guard when
/// this program dies before that.
#[derive(Debug)]
pub struct Keeper {
    mark: Mark,
    guard: Child,
}

/// Why nothing can watch over a program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeeperError {
    /// The program could not be executed again with its mark.
    #[error("cannot execute this program again")]
    Again(#[source] io::Error),
    /// The guard could not be started.
    #[error("cannot start the process that watches over this program")]
    Guard(#[source] io::Error),
    /// Processes of an earlier program on the folder do not end.
    #[error("processes of an earlier run do not end: {0}")]
    Leftovers(String),
}

impl Keeper {
    /// Starts the guard of a program that has its [mark](Self::mark).
    ///
    /// What an earlier program with the same mark has left is ended, so let no
    /// second one run beside it.
    pub fn over(folder: &Path) -> Result<Self, KeeperError> {
        let mark = Mark::run(folder);
        let left = mark.kill();
        if !left.is_empty() {
            return Err(KeeperError::Leftovers(crate::region::numbers(&left)));
        }
        let guard = guard(&mark).map_err(KeeperError::Guard)?;
        Ok(Self { mark, guard })
    }

    /// Marks this program, and all that it starts, with `folder`, an absolute path.
    ///
    /// Nothing can change the environment of a running program safely, so a
    /// program without the mark is executed again, in the same process: call
    /// this before anything else.
    pub fn mark(folder: &Path) -> Result<(), KeeperError> {
        if env::var_os(RUN_MARK).is_some_and(|found| found == folder) {
            return Ok(());
        }
        let program = env::current_exe().map_err(KeeperError::Again)?;
        let error = Command::new(program)
            .args(env::args_os().skip(1))
            .env(RUN_MARK, folder)
            .exec();
        Err(KeeperError::Again(error))
    }

    /// Kills everything that this program has started and that still runs.
    pub fn end_all(&self) {
        // What refuses to die now is tried again by the guard.
        let _left = self.mark.kill();
    }
}

impl Drop for Keeper {
    /// Ends what is left, and sends the guard home: this program is alive, and marked too.
    fn drop(&mut self) {
        self.end_all();
        if let Some(mut pipe) = self.guard.stdin.take() {
            // A guard that is gone already needs no farewell.
            let _told = pipe.write_all(b"farewell\n");
        }
        let _ended = self.guard.wait();
    }
}
