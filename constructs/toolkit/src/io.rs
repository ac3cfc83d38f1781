//! What commands tell, and what they ask.

use std::{error::Error, path::PathBuf};

use lightsout_core::Problem;
use serde::Serialize;
use serde_json::Value as Json;

use crate::{compare::StackDifference, status::Status};

/// Where a command tells what happens, and asks before it changes anything.
pub trait Io: Send {
    /// Takes note of an event.
    fn emit(&mut self, event: Event);

    /// Asks a question that is answered with yes or no.
    fn ask(&mut self, question: &str) -> Consent;
}

/// The answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Go on.
    Given,
    /// Do not.
    Refused,
    /// Nobody is there to be asked.
    NobodyThere,
}

/// Something that happened, or that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A file of the assembly differs from what was there before.
    Wrote {
        /// The file.
        path: PathBuf,
        /// What became of it.
        change: FileChange,
    },
    /// The assembly was written; how many stacks it holds, and files changed.
    Synthesized {
        /// The folder.
        folder: PathBuf,
        /// How many stacks it holds.
        stacks: usize,
        /// How many files differ from before.
        changed: usize,
    },
    /// A stack of the app; data.
    Stack {
        /// The stage.
        stage: String,
        /// The name in the app.
        name: String,
        /// The name in AWS.
        physical_name: String,
        /// What must exist before it.
        dependencies: Vec<String>,
    },
    /// How a stack differs; data.
    Differs {
        /// The stack and its differences.
        difference: StackDifference,
    },
    /// A stack is as it should be.
    Same {
        /// The name in the app.
        stack: String,
    },
    /// Cargo was started for these programs.
    Building {
        /// Names of binaries.
        programs: Vec<String>,
        /// The Cargo profile.
        profile: String,
    },
    /// Cargo compiles this package, or has something to say.
    Cargo {
        /// A line as Cargo writes it.
        line: String,
    },
    /// An asset was built.
    AssetBuilt {
        /// The asset's id.
        asset: String,
        /// The hash that names it.
        sha256: String,
        /// The size of the zip.
        bytes: u64,
    },
    /// An asset is in the asset store now.
    AssetUploaded {
        /// The asset's id.
        asset: String,
        /// The key.
        key: String,
    },
    /// An asset was in the asset store before.
    AssetPresent {
        /// The asset's id.
        asset: String,
        /// The key.
        key: String,
    },
    /// What is about to happen to a stack; data.
    Planned {
        /// The name in the app.
        stack: String,
        /// The changes, those that lose data first.
        changes: Vec<PlannedChange>,
    },
    /// A stack is left as it is.
    Unchanged {
        /// The name in the app.
        stack: String,
    },
    /// What is left of a creation that failed is removed first.
    RemovingLeftover {
        /// The name in the app.
        stack: String,
        /// The state it was found in.
        status: String,
    },
    /// A resource moved on.
    Progress {
        /// The name in the app.
        stack: String,
        /// The resource.
        logical_id: String,
        /// Its type.
        type_name: String,
        /// Its state.
        status: String,
        /// Why, where `CloudFormation` says so.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A stack is done.
    Finished {
        /// The name in the app.
        stack: String,
        /// The state it ended in.
        status: String,
    },
    /// A bucket was emptied.
    Emptied {
        /// The bucket.
        bucket: String,
        /// How many versions and markers were removed.
        objects: usize,
    },
    /// A resource outlives its stack.
    Retained {
        /// The name in the app.
        stack: String,
        /// The resource.
        logical_id: String,
        /// Its type.
        type_name: String,
        /// Its name or id in AWS.
        physical_id: String,
    },
    /// Something to know, in a sentence.
    Note {
        /// The sentence.
        text: String,
    },
    /// One thing that is wrong with an app.
    Problem {
        /// What [`Problem::to_json`] gives.
        #[serde(flatten)]
        problem: Json,
        /// The same for people.
        #[serde(skip)]
        text: String,
    },
    /// The command failed.
    Failed {
        /// What failed, then its causes.
        chain: Vec<String>,
        /// What to do about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileChange {
    /// It is new.
    Added,
    /// It has other contents.
    Changed,
    /// It is gone.
    Removed,
}

/// What a change set would do to a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedChange {
    /// What would happen.
    pub action: PlannedAction,
    /// The resource.
    pub logical_id: String,
    /// Where it was made, as far as the assembly knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its type.
    pub type_name: String,
    /// Whether a new resource takes its place.
    pub replacement: Replacement,
    /// The properties that change, where `CloudFormation` names them.
    pub properties: Vec<String>,
    /// Whether it holds data.
    pub stateful: bool,
}

impl PlannedChange {
    /// Returns whether data may be lost.
    pub fn may_lose_data(&self) -> bool {
        self.stateful
            && (self.action == PlannedAction::Remove || self.replacement != Replacement::Never)
    }
}

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannedAction {
    /// It is removed.
    Remove,
    /// It is changed.
    Modify,
    /// It is made.
    Add,
    /// It is taken into the stack.
    Import,
    /// `CloudFormation` decides when it gets there.
    Dynamic,
}

/// Whether a changed resource is replaced by a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Replacement {
    /// It stays.
    Never,
    /// That depends on values that are known later.
    Perhaps,
    /// A new one takes its place.
    Always,
}

/// Why a resource could not be made, changed or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceFailure {
    /// The resource.
    pub logical_id: String,
    /// Its type.
    pub type_name: String,
    /// The state it is in.
    pub status: String,
    /// What `CloudFormation` says.
    pub reason: String,
}

/// An error that knows what its reader can do.
pub trait Hint: Error {
    /// Returns what to do, as a sentence without a full stop.
    fn hint(&self) -> Option<String> {
        None
    }

    /// Returns the problems of an app, if they are what the error tells; its first line
    /// is then enough of the error itself.
    fn problems(&self) -> &[Problem] {
        &[]
    }
}

/// Tells an error with its problems, its causes and its hint.
pub fn fail(error: &dyn Hint, io: &mut dyn Io) -> Status {
    let message = error.to_string();
    for problem in error.problems() {
        io.emit(Event::Problem {
            problem: problem.to_json(),
            text: problem.to_string(),
        });
    }
    let mut chain = vec![match error.problems() {
        [] => message,
        _ => message.lines().take(1).collect(),
    }];
    let mut cause = error.source();
    while let Some(error) = cause {
        chain.push(error.to_string());
        cause = error.source();
    }
    // An error that is passed through unchanged is its own first cause.
    chain.dedup();
    let hint = error.hint();
    io.emit(Event::Failed { chain, hint });
    Status::Failure
}

/// Collects events, and answers every question alike.
#[cfg(test)]
pub(crate) struct Recorder {
    pub(crate) events: Vec<Event>,
    pub(crate) consent: Consent,
}

#[cfg(test)]
impl Recorder {
    pub(crate) fn new(consent: Consent) -> Self {
        Self {
            events: Vec::new(),
            consent,
        }
    }
}

#[cfg(test)]
impl Io for Recorder {
    fn emit(&mut self, event: Event) {
        self.events.push(event);
    }

    fn ask(&mut self, _: &str) -> Consent {
        self.consent
    }
}
