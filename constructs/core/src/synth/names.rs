//! Checks of the names that everything has in a template.

use std::{
    collections::{HashMap, HashSet},
    panic::Location,
};

use super::ASSET_STORE_OUTPUT;
use crate::{
    App, Problem, Resource,
    problem::{ProblemKind, place},
    symbols::asset_parameter,
};

/// The longest name that `CloudFormation` takes for a resource.
const MAX_LOGICAL_ID: usize = 255;

impl App {
    pub(super) fn check_names(&self, resources: &[Resource], problems: &mut Vec<Problem>) {
        for (what, name) in [("an app", &self.name), ("a stage", &self.stage.name)] {
            let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            if !is_plain {
                problems.push(Problem::new(
                    ProblemKind::InvalidId,
                    name,
                    format_args!(
                        "is not a name for {what}: letters, digits and `-`, a letter first"
                    ),
                ));
            }
        }
        self.check_logical_ids(resources, problems);
        let mut outputs = HashSet::new();
        for output in &self.outputs {
            check_length(&output.logical_id, &output.path, output.location, problems);
            let is_store = output.logical_id == ASSET_STORE_OUTPUT
                && self
                    .asset_store
                    .as_ref()
                    .is_some_and(|(stack, ..)| *stack == self.stacks[output.stack].name);
            if is_store || !outputs.insert((output.stack, output.logical_id.as_str())) {
                problems.push(
                    Problem::new(
                        ProblemKind::LogicalIdCollision,
                        &output.path,
                        format_args!("is the second output called `{}`", output.logical_id),
                    )
                    .hint("rename one of them")
                    .at(output.location),
                );
            }
        }
    }

    /// Checks that resources and parameters of a stack have names of their own.
    fn check_logical_ids(&self, resources: &[Resource], problems: &mut Vec<Problem>) {
        let asset_parameters: HashSet<String> = self
            .assets
            .iter()
            .map(|declared| asset_parameter(&declared.asset.id))
            .collect();
        let reported: HashSet<&str> = self
            .problems
            .iter()
            .filter(|problem| problem.kind == ProblemKind::DuplicateId)
            .map(|problem| problem.path.as_str())
            .collect();
        let of_resources = resources.iter().map(|resource| {
            (
                resource.stack,
                &resource.logical_id,
                &resource.path,
                resource.location,
            )
        });
        let of_parameters = self.parameters.iter().map(|parameter| {
            (
                parameter.stack,
                &parameter.logical_id,
                &parameter.path,
                parameter.location,
            )
        });
        let mut taken: HashMap<(usize, &str), (&str, &'static Location<'static>)> = HashMap::new();
        for (stack, logical_id, path, location) in of_resources.chain(of_parameters) {
            check_length(logical_id, path, location, problems);
            if path.len() == self.stacks[stack].name.len() {
                problems.push(
                    Problem::new(
                        ProblemKind::InvalidId,
                        path,
                        "holds a resource without an id",
                    )
                    .hint("add it with `scope.add(\"Jobs\", …)`")
                    .at(location),
                );
                continue;
            }
            if asset_parameters.contains(logical_id) {
                problems.push(
                    Problem::new(
                        ProblemKind::LogicalIdCollision,
                        path,
                        format_args!("is called `{logical_id}`, as is the parameter of an asset"),
                    )
                    .hint("rename the construct or the asset")
                    .at(location),
                );
            }
            let Some((other, first)) = taken.insert((stack, logical_id), (path, location)) else {
                continue;
            };
            // Two constructs of one path were reported when they were added, and ids
            // that leave no name at all, too.
            if (other == path && reported.contains(other)) || logical_id.is_empty() {
                continue;
            }
            problems.push(
                Problem::new(
                    ProblemKind::LogicalIdCollision,
                    path,
                    format_args!(
                        "and `{other}` at {} are both called `{logical_id}` in the template",
                        place(first)
                    ),
                )
                .hint("only letters and digits of a path count: rename one of them")
                .at(location),
            );
        }
    }
}

fn check_length(
    logical_id: &str,
    path: &str,
    location: &'static Location<'static>,
    problems: &mut Vec<Problem>,
) {
    if logical_id.len() > MAX_LOGICAL_ID {
        problems.push(
            Problem::new(
                ProblemKind::InvalidId,
                path,
                format_args!("has a name of {} characters in the template; CloudFormation takes {MAX_LOGICAL_ID}", logical_id.len()),
            )
            .hint("shorten the ids along its path")
            .at(location),
        );
    }
}
