//! Checks of finished resources against what `CloudFormation` and IAM take.
//!
//! Only what surely fails, or surely is a mistake, is reported. `CloudFormation`
//! turns scalars into one another, so `5` may stand for text, and `"5"` and
//! `"true"` for a number and a truth value; text that is no number may not. What a
//! function gives is known by its kind alone: text, a list, or anything. Both
//! branches of `Fn::If` are checked, and what `AWS::NoValue` removes is not there.
//! Types without a schema, such as `Custom::` ones, are not checked.

mod path;
mod policy;
mod references;
#[cfg(test)]
mod tests;
mod text_format;
mod value;

use std::{collections::HashMap, fmt};

use lightsout_schema::{DataError, Schema};

use self::{path::Path, references::References, value::Values};
use super::{about, wiring::Wiring};
use crate::{
    App, Problem, Resource, Token, Tree, Value, problem::ProblemKind, symbols::Symbols,
    trust::Trusted,
};

/// Something that is wrong somewhere in a resource.
#[derive(Debug)]
struct Fault {
    kind: ProblemKind,
    /// The path of the property.
    property: String,
    /// The rest of a sentence that begins with the resource.
    what: String,
    found: Option<String>,
    wanted: Option<String>,
    hint: Option<String>,
}

/// The schemas that were looked up in this synth, by the types' names.
type Schemas = HashMap<&'static str, Option<&'static Schema<'static>>>;

impl App {
    /// Checks each resource as its template will have it, and the values of outputs.
    pub(super) fn validate(
        &self,
        resources: &[Resource],
        symbols: &Symbols,
        wiring: &Wiring<'_>,
        problems: &mut Vec<Problem>,
    ) {
        let schemas = match schemas_of(resources) {
            Ok(schemas) => schemas,
            Err(error) => {
                problems.push(Problem::new(ProblemKind::Data, &self.name, error));
                return;
            }
        };
        let mut used = vec![false; self.trusted.len()];
        let references = References::new(self, resources, &schemas, &wiring.nesting);
        let mut faults = Vec::new();
        for resource in resources {
            let resolve = |token: &Token| symbols.resolve(token, resource.stack);
            if let Some(schema) = schemas.get(resource.type_name).copied().flatten() {
                Values::new(schema, &resolve).check(resource, &mut faults);
            }
            for (name, tree) in resource.properties.iter() {
                let path = Path::Root.key(name);
                references.check(resource.stack, tree, &path, &mut faults);
                policy::check(resource, tree, &path, &mut faults);
            }
            for fault in faults.drain(..) {
                self.report(resource, fault, &mut used, problems);
            }
        }
        for output in &self.outputs {
            if let Value::Token(token, _) = &output.value {
                let tree = Tree::Token(token.clone());
                let path = Path::Root.key("Value");
                references.check(output.stack, &tree, &path, &mut faults);
            }
            problems.extend(faults.drain(..).map(|fault| {
                let kind = fault.kind;
                let problem = Problem::new(kind, &output.path, fault.to_string());
                fault.complete(problem).at(output.location)
            }));
        }
        self.report_unused(resources, &used, problems);
    }

    /// Reports a fault, unless the author said that it is none.
    fn report(
        &self,
        resource: &Resource,
        fault: Fault,
        used: &mut [bool],
        problems: &mut Vec<Problem>,
    ) {
        let mut is_trusted = false;
        for (trust, used) in self.trusted.iter().zip(used) {
            let covers = match &trust.what {
                Trusted::Wildcard(action) => {
                    fault.kind == ProblemKind::WildcardAction
                        && fault.found.as_deref() == Some(action.as_str())
                        && trust
                            .under
                            .as_ref()
                            .is_none_or(|under| is_under(&resource.path, under))
                }
                property @ Trusted::Property(..) => {
                    fault.kind != ProblemKind::WildcardAction
                        && property.covers(resource.id, &fault.property)
                }
            };
            if covers {
                is_trusted = true;
                *used = true;
            }
        }
        // A value that its construct refused in plainer words is not refused again.
        let is_reported = problems.iter().any(|problem| {
            problem.path == resource.path
                && matches!(
                    problem.kind,
                    ProblemKind::Construct | ProblemKind::NonAscii | ProblemKind::Limit
                )
                && fault.kind == ProblemKind::InvalidValue
                && problem
                    .property
                    .as_deref()
                    .is_some_and(|told| is_inside(&fault.property, told))
        });
        if !is_trusted && !is_reported {
            let problem = about(resource, fault.kind, &fault);
            problems.push(fault.complete(problem));
        }
    }

    fn report_unused(&self, resources: &[Resource], used: &[bool], problems: &mut Vec<Problem>) {
        for (trust, used) in self.trusted.iter().zip(used) {
            let (path, what) = match &trust.what {
                Trusted::Wildcard(action) => (
                    trust.under.clone().unwrap_or_else(|| self.name.clone()),
                    format!("allows the wildcard action `{action}`"),
                ),
                Trusted::Property(id, property) => (
                    crate::Resources(resources)
                        .get(*id)
                        .map_or_else(|| self.name.clone(), |resource| resource.path.clone()),
                    format!("has `{property}` trusted"),
                ),
            };
            let problem = if trust.reason.trim().is_empty() {
                Problem::new(
                    ProblemKind::Trust,
                    path,
                    format_args!("{what} without a reason"),
                )
                .hint("say why, for the next reader")
            } else if *used {
                continue;
            } else {
                Problem::new(
                    ProblemKind::Trust,
                    path,
                    format_args!("{what}, but nothing there needs it"),
                )
                .hint("remove it, or write it as the template does")
            };
            problems.push(problem.at(trust.location));
        }
    }
}

fn schemas_of(resources: &[Resource]) -> Result<Schemas, DataError> {
    let store = lightsout_schema::schemas()?;
    lightsout_schema::iam::actions()?;
    let mut schemas = Schemas::new();
    for resource in resources {
        if let std::collections::hash_map::Entry::Vacant(entry) = schemas.entry(resource.type_name)
        {
            entry.insert(store.find(resource.type_name)?);
        }
    }
    Ok(schemas)
}

/// Returns whether a property is one that is named by steps of its path, or inside it.
///
/// A construct names what its author wrote, such as `Rules.Limit`, and not the steps
/// between that the template has.
fn is_inside(property: &str, named: &str) -> bool {
    let mut steps = property.split('.');
    named.split('.').all(|name| steps.any(|step| step == name))
}

fn is_under(path: &str, scope: &str) -> bool {
    path.strip_prefix(scope)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Fault {
    fn new(kind: ProblemKind, path: &Path<'_>, what: impl Into<String>) -> Self {
        Self {
            kind,
            property: path.to_string(),
            what: what.into(),
            found: None,
            wanted: None,
            hint: None,
        }
    }

    fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    fn wanted(mut self, wanted: impl Into<String>) -> Self {
        self.wanted = Some(wanted.into());
        self
    }

    fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    fn complete(self, problem: Problem) -> Problem {
        let mut problem = problem.property(self.property);
        problem.found = self.found;
        problem.wanted = self.wanted;
        problem.hint = self.hint;
        problem
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Returns what a value may turn out to be, where a condition decides or text hides it.
fn branches(tree: &Tree) -> Vec<&Tree> {
    match tree {
        Tree::Token(Token::If(_, then, otherwise)) => {
            let mut all = branches(then);
            all.extend(branches(otherwise));
            all
        }
        Tree::Token(Token::Raw(tree) | Token::ToJsonString(tree)) => branches(tree),
        Tree::Map(_) => match function(tree) {
            Some(("Fn::If", Tree::List(parts))) => {
                parts.iter().skip(1).flat_map(branches).collect()
            }
            Some(("Fn::ToJsonString", tree)) => branches(tree),
            _ => vec![tree],
        },
        _ => vec![tree],
    }
}

/// Returns the function that a map is a call of, and its argument.
fn function(tree: &Tree) -> Option<(&str, &Tree)> {
    match tree {
        Tree::Map(entries) => match entries.as_slice() {
            [(name, argument)] if name == "Ref" || name.starts_with("Fn::") => {
                Some((name, argument))
            }
            _ => None,
        },
        _ => None,
    }
}
