//! Why a local run came to no good end.

use std::{
    error::Error as StdError,
    io,
    path::{Path, PathBuf},
};

use lightsout_protocol::run::RunId;
use lightsout_region::StartError;
use lightsout_toolkit::Hint;

use super::{charts::ChartsError, python::PythonError};

/// Why `lightsout local` failed; a chart that is rejected is no failure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// The charts cannot be read.
    #[error(transparent)]
    Charts(#[from] ChartsError),
    /// The command was not called in the project's folder.
    #[error("`{}` is not in the folder of the project", .0.display())]
    NoWorkspace(PathBuf),
    /// Another run uses the folder.
    #[error("another run holds the lock `{}`", .0.display())]
    Busy(PathBuf),
    /// Python cannot be set up.
    #[error("cannot set up Python")]
    Python(#[from] PythonError),
    /// No sshd, no namespaces that were asked for, or no port.
    #[error("cannot start the local region")]
    Region(#[source] Box<dyn StdError + Send + Sync>),
    /// A file cannot be used.
    #[error("cannot use `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// Synth, the build or the deployment failed.
    #[error("cannot {what}")]
    Deployment {
        /// What was being done.
        what: &'static str,
        /// The reason.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A stack has no such output.
    #[error("the stack `{stack}` has no output `{output}`")]
    NoOutput {
        /// The stack's name.
        stack: &'static str,
        /// The output that is missing.
        output: &'static str,
    },
    /// A call to the local AWS failed.
    #[error("cannot {what}")]
    Aws {
        /// What was being done.
        what: &'static str,
        /// The reason.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// S3 announced fewer charts than were uploaded.
    #[error("S3 announced {found} of at least {wanted} charts in the work queue")]
    NoNotifications {
        /// Messages seen.
        found: u64,
        /// Messages waited for.
        wanted: u64,
    },
    /// The launcher started no run.
    #[error("the launcher started no run: {0}")]
    Launcher(String),
    /// The reaper did not mend a crash.
    #[error("the reaper failed: {0}")]
    Reaper(String),
    /// Nothing could be killed in the middle of the run.
    #[error("nothing was crashed: {0}")]
    Crash(&'static str),
    /// The run ended early.
    #[error("{run} failed: {reason}")]
    RunFailed {
        /// The run.
        run: RunId,
        /// Why, as the master says.
        reason: String,
    },
    /// The run is not over in time.
    #[error("{run} is not over in time; it is `{state}`")]
    RunTooLong {
        /// The run.
        run: RunId,
        /// Its last state.
        state: &'static str,
    },
    /// The query API did not answer as it should.
    #[error("the query API failed: {0}")]
    Api(String),
    /// A person stopped the command.
    #[error("stopped by a signal")]
    Stopped,
    /// A task of this program ended early.
    #[error("a task of this program ended early")]
    Aborted(#[source] tokio::task::JoinError),
}

impl Hint for LocalError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Charts(ChartsError::NoFolder(_) | ChartsError::NotAFolder(_)) => {
                Some("name a folder of charts with --charts, such as samples/charts".to_owned())
            }
            Self::Charts(ChartsError::NoCharts(_)) => {
                Some("a chart is a text file whose name ends in .txt".to_owned())
            }
            Self::NoWorkspace(_) => {
                Some("go to the folder that holds the project, or to one inside of it".to_owned())
            }
            Self::Busy(_) => Some(
                "wait for the other `lightsout local` in this project, or press Ctrl-C there"
                    .to_owned(),
            ),
            Self::Region(source) => match source.downcast_ref() {
                Some(StartError::PortInUse { .. }) => {
                    Some("choose another port with --port".to_owned())
                }
                _ => None,
            },
            Self::Python(error) => error.hint().map(str::to_owned),
            Self::RunFailed { .. }
            | Self::RunTooLong { .. }
            | Self::Launcher(_)
            | Self::Reaper(_) => {
                Some("the logs of hosts and of the local AWS are in .lightsout/region".to_owned())
            }
            _ => None,
        }
    }
}

impl LocalError {
    pub(crate) fn aws(what: &'static str, source: impl StdError + Send + Sync + 'static) -> Self {
        Self::Aws {
            what,
            source: Box::new(source),
        }
    }

    pub(crate) fn deployment(
        what: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::Deployment {
            what,
            source: source.into(),
        }
    }

    pub(crate) fn region(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Region(source.into())
    }

    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    pub(crate) fn aborted(source: tokio::task::JoinError) -> Self {
        Self::Aborted(source)
    }
}
