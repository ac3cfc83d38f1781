//! The command line as a library, for any app made of constructs.
//!
//! Each command is a function that takes its arguments, an
//! [`Assembly`](lightsout_core::Assembly) and an [`Io`], and says how it ended
//! as a [`Status`] or an error of its own. What happens on the way is told as
//! typed [`Event`]s: [`Terminal`] writes them for people or as JSON, tests
//! collect them.
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | none | synth, ls, diff of two folders, building assets; compiles no AWS client |
//! | `aws` | diff against what is deployed, deploy, destroy |

mod archive;
mod build;
mod compare;
#[cfg(feature = "aws")]
mod deploy;
#[cfg(feature = "aws")]
mod deployed;
#[cfg(feature = "aws")]
mod destroy;
mod diff;
#[cfg(test)]
mod fixtures;
mod io;
mod ls;
mod readable;
#[cfg(feature = "aws")]
mod selection;
mod status;
#[cfg(feature = "aws")]
mod store;
mod synth;
mod terminal;
mod wheels;

pub use build::{
    Architecture, BuildError, BuildPlan, BuiltAsset, BuiltAssets, build_assets, cargo,
};
pub use compare::{Change, Difference, StackDifference, ValueChange, compare};
#[cfg(feature = "aws")]
pub use deploy::{DeployArgs, DeployError, Deployment, ParameterValue, deploy, deployment};
#[cfg(feature = "aws")]
pub use deployed::AwsFault;
#[cfg(feature = "aws")]
pub use destroy::{DestroyArgs, DestroyError, destroy};
pub use diff::{DiffArgs, diff_folders};
#[cfg(feature = "aws")]
pub use diff::{DiffError, diff};
pub use io::{
    Consent, Event, FileChange, Hint, Io, PlannedAction, PlannedChange, Replacement,
    ResourceFailure, fail,
};
pub use ls::ls;
#[cfg(feature = "aws")]
pub use selection::UnknownStack;
pub use status::Status;
#[cfg(feature = "aws")]
pub use store::UploadError;
pub use synth::{SynthArgs, synth, synth_each};
pub use terminal::{Form, Terminal};
pub use wheels::WheelsError;
