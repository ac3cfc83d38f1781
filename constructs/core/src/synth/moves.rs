//! Which logical id a construct has that was renamed.

use std::collections::{HashMap, HashSet};

use crate::{
    App, Problem, Resource,
    identity::{Move, is_within},
    problem::ProblemKind,
};

impl App {
    /// Gives the resources that were moved the logical ids that they had before.
    pub(super) fn apply_moves(&self, resources: &mut [Resource]) {
        let moves: HashMap<&str, &str> = self
            .moves
            .iter()
            .map(|one| (one.to.as_str(), one.from.as_str()))
            .collect();
        for resource in resources {
            if let Some(before) = origin(&resource.path, &moves) {
                let stack = &self.stacks[resource.stack].name;
                // A nested stack may itself have been called otherwise.
                let stack_before = origin(stack, &moves);
                let stack_before = stack_before.as_ref().unwrap_or(stack);
                let below = before.strip_prefix(stack_before.as_str());
                let below = below.unwrap_or(&before).chars();
                resource.logical_id = below.filter(char::is_ascii_alphanumeric).collect();
            }
        }
    }

    /// Checks that declared moves and removals fit what is defined.
    pub(super) fn check_moves(&self, resources: &[Resource], problems: &mut Vec<Problem>) {
        if self.moves.is_empty() && self.gone.is_empty() {
            return;
        }
        let sources: HashSet<&str> = self.moves.iter().map(|one| one.from.as_str()).collect();
        let (mut targets, mut seen) = (HashSet::new(), HashSet::new());
        for one in &self.moves {
            let is_first = seen.insert(one.from.as_str()) & targets.insert(one.to.as_str());
            let stack = |path: &str| {
                let stacks = self.stacks.iter().map(|stack| stack.name.as_str());
                let around = stacks.filter(|stack| *stack != path && is_within(path, stack));
                let first = path.split('/').next().unwrap_or(path);
                around
                    .max_by_key(|stack| stack.len())
                    .unwrap_or(first)
                    .to_owned()
            };
            let wrong = if !is_first {
                Some((
                    "is moved twice, or two constructs are moved to where it goes",
                    "keep one of the lines",
                ))
            } else if stack(&one.from) != stack(&one.to) {
                Some((
                    "is moved to another stack, which no logical id can do",
                    "move it with a stack refactoring (`aws cloudformation \
                     create-stack-refactor`), then remove this line",
                ))
            } else if !one.from.contains('/') || !one.to.contains('/') {
                Some((
                    "is a stack, which cannot be moved",
                    "name a construct in it, such as `Storage/Charts`",
                ))
            } else if one.from == one.to {
                Some(("is moved to where it is", "remove the line"))
            } else if resources.iter().any(|resource| {
                // `Storage/Charts` may have become `Storage/Charts/Table`, and has other parts.
                if is_within(&one.to, &one.from) {
                    resource.path == one.from
                } else {
                    is_within(&resource.path, &one.from)
                }
            }) {
                Some((
                    "is moved away, but it is still defined",
                    "remove the line, or the construct that is still there",
                ))
            } else if !sources.contains(one.to.as_str())
                && !resources
                    .iter()
                    .any(|resource| is_within(&resource.path, &one.to))
            {
                Some((
                    "is moved to where nothing is defined",
                    "write the path of the construct as it is now, the stack first",
                ))
            } else {
                None
            };
            if let Some((rest, hint)) = wrong {
                problems.push(wrong_move(one, rest, hint));
            }
        }
        for gone in &self.gone {
            // A stack may go and come back elsewhere, a construct may not.
            let is_there = gone.path.contains('/')
                && resources
                    .iter()
                    .any(|resource| is_within(&resource.path, &gone.path));
            if is_there {
                problems.push(
                    Problem::new(
                        ProblemKind::Move,
                        &gone.path,
                        "is said to be gone, but it is still defined",
                    )
                    .hint("remove the line, or the construct")
                    .at(gone.location),
                );
            }
        }
    }
}

fn wrong_move(one: &Move, rest: &str, hint: &str) -> Problem {
    Problem::new(ProblemKind::Move, &one.from, rest)
        .found(format_args!("app.moved({:?}, {:?})", one.from, one.to))
        .hint(hint)
        .at(one.location)
}

/// Returns the path that was first in the chain of moves that lead to `path`.
fn origin(path: &str, moves: &HashMap<&str, &str>) -> Option<String> {
    let mut origin = None;
    let mut current = path.to_owned();
    // A move is made once: `Storage/Charts` may have been `Storage/Charts/Table`.
    let mut done = HashSet::new();
    loop {
        let before = ancestors(&current).find_map(|whole| {
            let from = moves.get(whole)?;
            Some((*from, format!("{from}{}", &current[whole.len()..])))
        });
        match before {
            Some((from, path)) if done.insert(from) => {
                current = path;
                origin = Some(current.clone());
            }
            _ => return origin,
        }
    }
}

/// Returns the path and each path above it, the longest first.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| Some(path.rsplit_once('/')?.0))
}
