//! The order in which stacks are deployed, and the cycles that leave none.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    panic::Location,
};

use super::{
    about,
    wiring::{Crossing, Wiring},
};
use crate::{
    App, Problem, Resource,
    cycle::cycles,
    problem::{ProblemKind, place},
};

impl App {
    pub(super) fn check_cycles(
        &self,
        resources: &[Resource],
        wiring: &Wiring<'_>,
        problems: &mut Vec<Problem>,
    ) {
        let edges: Vec<Vec<usize>> = wiring
            .stacks
            .iter()
            .map(|uses| uses.keys().copied().collect())
            .collect();
        for cycle in cycles(&edges) {
            let crossings: Vec<&Crossing<'_>> = around(&cycle)
                .map(|(from, to)| &wiring.stacks[from][&to])
                .collect();
            let names = cycle.iter().map(|stack| self.stacks[*stack].name.as_str());
            let steps = crossings.iter().map(|crossing| {
                (
                    crossing.user,
                    crossing.property.as_str(),
                    crossing.of.as_str(),
                    crossing.location,
                )
            });
            let mut problem = Problem::new(ProblemKind::Cycle, crossings[0].user, "")
                .property(crossings[0].property.as_str())
                .hint("move what both need into a third stack, or name one of them instead of referring to it")
                .at(crossings[0].location);
            problem.message = circle("stacks", names, steps);
            problems.push(problem);
        }
        let edges: Vec<Vec<usize>> = wiring
            .resources
            .iter()
            .map(|uses| uses.keys().copied().collect())
            .collect();
        for cycle in cycles(&edges) {
            let names = cycle.iter().map(|index| resources[*index].path.as_str());
            let steps = around(&cycle).map(|(from, to)| {
                (
                    resources[from].path.as_str(),
                    wiring.resources[from][&to],
                    resources[to].path.as_str(),
                    resources[from].location,
                )
            });
            let message = circle("resources", names, steps);
            let first = &resources[cycle[0]];
            let mut problem = about(first, ProblemKind::Cycle, "")
                .property(wiring.resources[cycle[0]][cycle.get(1).unwrap_or(&cycle[0])])
                .hint("let one of them name the other instead of referring to it, or wire them with a third resource");
            problem.message = message;
            problems.push(problem);
        }
    }

    /// Returns the stacks so that each comes after what it needs: first the asset
    /// store and what that needs, the rest as they were added.
    pub(super) fn deploy_order(&self, wiring: &Wiring<'_>) -> Vec<usize> {
        let mut early = BTreeSet::new();
        let mut next: Vec<usize> = self
            .asset_store
            .iter()
            .filter_map(|(name, ..)| self.stacks.iter().position(|stack| stack.name == *name))
            .collect();
        while let Some(stack) = next.pop() {
            if early.insert(stack) {
                next.extend(wiring.stacks[stack].keys());
            }
        }
        let rank = |stack: usize| (!early.contains(&stack), stack);
        let mut waits: Vec<usize> = wiring.stacks.iter().map(BTreeMap::len).collect();
        let mut users = vec![Vec::new(); self.stacks.len()];
        for (user, uses) in wiring.stacks.iter().enumerate() {
            for owner in uses.keys() {
                users[*owner].push(user);
            }
        }
        let mut ready: BTreeSet<_> = (0..self.stacks.len())
            .filter(|stack| waits[*stack] == 0 && self.stacks[*stack].parent.is_none())
            .map(rank)
            .collect();
        let mut order = Vec::with_capacity(self.stacks.len());
        while let Some((_, stack)) = ready.pop_first() {
            order.push(stack);
            for &user in &users[stack] {
                waits[user] -= 1;
                if waits[user] == 0 {
                    ready.insert(rank(user));
                }
            }
        }
        order
    }
}

/// Returns each step of a cycle, the last one back to the start.
fn around(cycle: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    cycle
        .iter()
        .copied()
        .zip(cycle.iter().copied().cycle().skip(1))
}

fn circle<'a>(
    what: &str,
    names: impl Iterator<Item = &'a str>,
    steps: impl Iterator<Item = (&'a str, &'a str, &'a str, &'static Location<'static>)>,
) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    let mut message = match names.as_slice() {
        [only] => format!("{only} needs itself"),
        names => format!("{what} {} need each other", names.join(", ")),
    };
    for (user, property, of, location) in steps {
        write!(
            message,
            "\n  `{user}` takes `{of}` in `{property}` at {}",
            place(location)
        )
        .expect("writing to a string cannot fail");
    }
    message
}
