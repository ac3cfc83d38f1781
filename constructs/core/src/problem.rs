//! What keeps an app from being synthesized.

use std::{error::Error, fmt, panic::Location};

use serde_json::{Value as Json, json};

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
    /// The path of the property that is wrong or missing, with dots between keys and
    /// places in lists, such as `KeyPolicy.Statement.0.Action`.
    pub property: Option<String>,
    /// What is there, as a template writes it.
    pub found: Option<String>,
    /// What would be right, as a template writes it or in words.
    pub wanted: Option<String>,
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
    /// A construct that cannot be as it was asked for.
    Construct,
    /// A list that cannot be added to.
    Gather,
    /// An asset that cannot be used as declared.
    Asset,
    /// More than `CloudFormation` takes.
    Limit,
    /// A parameter that cannot be given, or breaks its own constraints.
    Parameter,
    /// A condition that cannot be asked, or is asked in the wrong place.
    Condition,
    /// A mapping, or a key that it does not have.
    Mapping,
    /// A rule for parameters that `CloudFormation` refuses.
    ParameterRule,
    /// A policy that the type of its resource does not take.
    Policy,
    /// A function that is called as it cannot be.
    Intrinsic,
    /// A change by hand that cannot be applied.
    Override,
    /// The name of a type, or a setting of a custom resource, that cannot be used.
    ResourceType,
    /// A reference to another region or account that cannot be resolved there.
    Environment,
    /// An export that is kept for nothing, or gone while it is in use.
    Export,
    /// A declared move or removal that does not fit what is defined.
    Move,
    /// Something that holds data and would be lost, or made anew.
    Identity,
    /// A property that the type does not have.
    UnknownProperty,
    /// A property that AWS alone fills in.
    ReadOnlyProperty,
    /// A value that the schema of its property refuses.
    InvalidValue,
    /// Properties of which only one can be set.
    ExclusiveProperties,
    /// A reference to a resource or an attribute that is not there.
    DanglingReference,
    /// A policy document that IAM refuses.
    PolicyDocument,
    /// An action in a policy that does not exist.
    UnknownAction,
    /// An action with a wildcard that nobody allowed by name.
    WildcardAction,
    /// Trust without a reason, or without need.
    Trust,
    /// The schemas or the list of actions cannot be read.
    Data,
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
            found: None,
            wanted: None,
            hint: None,
            location: None,
        }
    }

    /// Returns every field that is known as JSON, for tools; the names stay the same.
    ///
    /// `kind` is the kind's [name](ProblemKind::name), `rule` the name of the broken
    /// rule, `at` the place with `file`, `line` and `column`.
    pub fn to_json(&self) -> Json {
        let mut json = json!({
            "kind": self.kind.name(),
            "path": self.path,
            "message": self.message,
        });
        let rule = match self.kind {
            ProblemKind::Rule(rule) => Some(rule),
            _ => None,
        };
        let texts = [
            ("rule", rule),
            ("type", self.type_name),
            ("property", self.property.as_deref()),
            ("found", self.found.as_deref()),
            ("wanted", self.wanted.as_deref()),
            ("hint", self.hint.as_deref()),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                json[key] = text.into();
            }
        }
        if let Some(location) = self.location {
            json["at"] = json!({
                "file": location.file(),
                "line": location.line(),
                "column": location.column(),
            });
        }
        json
    }

    pub(crate) fn of_type(mut self, type_name: &'static str) -> Self {
        self.type_name = Some(type_name);
        self
    }

    pub(crate) fn property(mut self, property: impl Into<String>) -> Self {
        self.property = Some(property.into());
        self
    }

    pub(crate) fn found(mut self, found: impl fmt::Display) -> Self {
        self.found = Some(found.to_string());
        self
    }

    pub(crate) fn wanted(mut self, wanted: impl fmt::Display) -> Self {
        self.wanted = Some(wanted.to_string());
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

impl ProblemKind {
    /// Returns the kind's name for tools, such as `duplicate-id`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidId => "invalid-id",
            Self::DuplicateId => "duplicate-id",
            Self::LogicalIdCollision => "logical-id-collision",
            Self::MissingProperty => "missing-property",
            Self::Cycle => "cycle",
            Self::ForeignReference => "foreign-reference",
            Self::Rule(_) => "rule",
            Self::NonAscii => "non-ascii",
            Self::Construct => "construct",
            Self::Gather => "gather",
            Self::Asset => "asset",
            Self::Limit => "limit",
            Self::Parameter => "parameter",
            Self::Condition => "condition",
            Self::Mapping => "mapping",
            Self::ParameterRule => "parameter-rule",
            Self::Policy => "policy",
            Self::Intrinsic => "intrinsic",
            Self::Override => "override",
            Self::ResourceType => "resource-type",
            Self::Environment => "environment",
            Self::Export => "export",
            Self::Move => "move",
            Self::Identity => "identity",
            Self::UnknownProperty => "unknown-property",
            Self::ReadOnlyProperty => "read-only-property",
            Self::InvalidValue => "invalid-value",
            Self::ExclusiveProperties => "exclusive-properties",
            Self::DanglingReference => "dangling-reference",
            Self::PolicyDocument => "policy-document",
            Self::UnknownAction => "unknown-action",
            Self::WildcardAction => "wildcard-action",
            Self::Trust => "trust",
            Self::Data => "data",
        }
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
        // Most messages name the property, and need no more than its path.
        if let Some(property) = &self.property
            && !self.message.contains(property)
        {
            write!(f, "\n  in `{property}`")?;
        }
        for (what, text) in [("found", &self.found), ("wanted", &self.wanted)] {
            if let Some(text) = text {
                write!(f, "\n  {what}: {text}")?;
            }
        }
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
            Self::Construct => "construct",
            Self::Gather => "not a list",
            Self::Asset => "asset",
            Self::Limit => "limit",
            Self::Parameter => "parameter",
            Self::Condition => "condition",
            Self::Mapping => "mapping",
            Self::ParameterRule => "parameter rule",
            Self::Policy => "policy",
            Self::Intrinsic => "intrinsic function",
            Self::Override => "override",
            Self::ResourceType => "resource type",
            Self::Environment => "reference to another environment",
            Self::Export => "export",
            Self::Move => "move",
            Self::Identity => "changed identity",
            Self::UnknownProperty => "unknown property",
            Self::ReadOnlyProperty => "read-only property",
            Self::InvalidValue => "invalid value",
            Self::ExclusiveProperties => "exclusive properties",
            Self::DanglingReference => "dangling reference",
            Self::PolicyDocument => "invalid policy",
            Self::UnknownAction => "unknown action",
            Self::WildcardAction => "wildcard action",
            Self::Trust => "trust",
            Self::Data => "damaged data",
        })
    }
}

/// Returns `file:line`, as compilers write it.
pub(crate) fn place(location: &Location<'_>) -> String {
    format!("{}:{}", location.file(), location.line())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_tells_all_it_knows_to_people_and_to_tools() {
        let problem = Problem::new(ProblemKind::Limit, "Pipeline/Jobs", "waits too long")
            .of_type("AWS::SQS::Queue")
            .property("RedrivePolicy.0.Delay")
            .found(901)
            .wanted("0 to 900")
            .hint("wait less");
        assert_eq!(
            problem.to_string(),
            "`Pipeline/Jobs` waits too long\n  in `RedrivePolicy.0.Delay`\n  found: 901\n  \
             wanted: 0 to 900\n  hint: wait less"
        );
        let place = Location::caller();
        let json = problem.at(place).to_json();
        assert_eq!(
            json,
            json!({
                "kind": "limit",
                "path": "Pipeline/Jobs",
                "message": "`Pipeline/Jobs` waits too long",
                "type": "AWS::SQS::Queue",
                "property": "RedrivePolicy.0.Delay",
                "found": "901",
                "wanted": "0 to 900",
                "hint": "wait less",
                "at": {"file": place.file(), "line": place.line(), "column": place.column()},
            })
        );
    }

    #[test]
    fn a_broken_rule_is_told_by_its_name() {
        let problem = Problem::new(ProblemKind::Rule("no-public-buckets"), "Storage/Charts", "");
        assert_eq!(problem.to_json()["kind"], "rule");
        assert_eq!(problem.to_json()["rule"], "no-public-buckets");
    }
}
