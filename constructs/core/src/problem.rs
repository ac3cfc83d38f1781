//! What keeps an app from being synthesized.

use std::{error::Error, fmt, panic::Location};

/// Everything wrong with an app, found in one pass.
#[derive(Debug, Clone)]
pub struct SynthError {
    /// Every problem, in order of path.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong with an app.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Problem {
    /// Which kind of problem it is.
    pub kind: ProblemKind,
    /// The construct's path with its stack first, such as `Pipeline/Jobs`.
    pub path: String,
    /// The type of the resource, such as `AWS::SQS::Queue`.
    pub type_name: Option<&'static str>,
    /// The property that is wrong or missing.
    pub property: Option<String>,
    /// What is wrong, as a sentence that starts with the path.
    pub message: String,
    /// What the author can do about it.
    pub hint: Option<String>,
    /// Where in the source the construct was added.
    pub location: Option<&'static Location<'static>>,
}

/// The kinds of [`Problem`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ProblemKind {
    /// An id, or the name of an app, stage or stack, that cannot be used.
    InvalidId,
    /// Two constructs with one id in one scope.
    DuplicateId,
    /// Two paths that give one name in the template.
    LogicalIdCollision,
    /// A property without which `CloudFormation` refuses the resource.
    MissingProperty,
    /// Stacks or resources that need each other.
    Cycle,
    /// A reference into another app.
    ForeignReference,
    /// A rule that is broken, by name.
    Rule(&'static str),
    /// Text that AWS refuses.
    NonAscii,
    /// A list that cannot be added to.
    Gather,
    /// An asset that cannot be used as declared.
    Asset,
    /// More than `CloudFormation` takes.
    Limit,
}

impl Problem {
    pub(crate) fn new(kind: ProblemKind, path: impl Into<String>, rest: impl fmt::Display) -> Self {
        let path = path.into();
        Self {
            kind,
            message: format!("`{path}` {rest}"),
            path,
            type_name: None,
            property: None,
            hint: None,
            location: None,
        }
    }

    pub(crate) fn of_type(mut self, type_name: &'static str) -> Self {
        self.type_name = Some(type_name);
        self
    }

    pub(crate) fn property(mut self, property: impl Into<String>) -> Self {
        self.property = Some(property.into());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn at(mut self, location: &'static Location<'static>) -> Self {
        self.location = Some(location);
        self
    }
}

impl fmt::Display for SynthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        write!(f, "cannot synthesize: {count} {noun}")?;
        for problem in &self.problems {
            write!(f, "\n  {}", problem.to_string().replace('\n', "\n  "))?;
        }
        Ok(())
    }
}

impl Error for SynthError {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        // A cycle has many places, and tells them in its message.
        if let Some(location) = self.location
            && self.kind != ProblemKind::Cycle
        {
            write!(f, "\n  at {}", place(location))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidId => "invalid id",
            Self::DuplicateId => "duplicate id",
            Self::LogicalIdCollision => "logical id collision",
            Self::MissingProperty => "missing property",
            Self::Cycle => "cycle",
            Self::ForeignReference => "foreign reference",
            Self::Rule(rule) => rule,
            Self::NonAscii => "non-ASCII text",
            Self::Gather => "not a list",
            Self::Asset => "asset",
            Self::Limit => "limit",
        })
    }
}

/// Returns `file:line`, as compilers write it.
pub(crate) fn place(location: &Location<'_>) -> String {
    format!("{}:{}", location.file(), location.line())
}
