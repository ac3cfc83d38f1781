//! What refers to what in the templates of an environment, for tests to ask and to spoil?

use std::{
    ops::{Deref, DerefMut},
    panic::{AssertUnwindSafe, catch_unwind},
};

use lightsout_stacks::environment::Environment;
pub(crate) use lightsout_stacks::graph::{Place, Statement, each};
use serde_json::Value;

/// Every resource of an environment, with the environment.
#[derive(Clone)]
pub(crate) struct Graph {
    pub(crate) environment: Environment,
    graph: lightsout_stacks::graph::Graph,
}

/// The graphs of every environment.
pub(crate) fn graphs() -> Vec<Graph> {
    let environments = Environment::all().unwrap();
    environments.into_iter().map(Graph::of).collect()
}

impl Deref for Graph {
    type Target = lightsout_stacks::graph::Graph;

    fn deref(&self) -> &Self::Target {
        &self.graph
    }
}

impl DerefMut for Graph {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.graph
    }
}

impl Graph {
    pub(crate) fn named(environment: &str) -> Self {
        Self::of(Environment::named(environment).unwrap())
    }

    pub(crate) fn of(environment: Environment) -> Self {
        let assembly = lightsout_stacks::app(&environment).synth().unwrap();
        Self {
            environment,
            graph: lightsout_stacks::graph::Graph::of(&assembly),
        }
    }

    /// The properties of a resource, for a test to spoil.
    pub(crate) fn at(&mut self, stack: &str, id: &str) -> &mut Value {
        let place = (stack.to_owned(), id.to_owned());
        &mut self.graph.resources.get_mut(&place).unwrap()["Properties"]
    }

    /// Adds a resource that must not be there.
    pub(crate) fn plant(&mut self, stack: &str, id: &str, resource: Value) {
        self.graph
            .resources
            .insert((stack.to_owned(), id.to_owned()), resource);
    }

    /// Takes a resource away that must be there.
    pub(crate) fn remove(&mut self, stack: &str, id: &str) {
        let place = (stack.to_owned(), id.to_owned());
        assert!(self.graph.resources.remove(&place).is_some(), "{place:?}");
    }

    /// Spoils a copy, and wants the check to find it.
    #[track_caller]
    pub(crate) fn must_fail(&self, check: impl Fn(&Self), spoil: impl Fn(&mut Self)) {
        check(self);
        let mut spoilt = self.clone();
        spoil(&mut spoilt);
        let found = catch_unwind(AssertUnwindSafe(|| check(&spoilt))).is_err();
        assert!(found, "what was planted is not found");
    }

    /// Every resource of one type; that there is none would make a test vacuous.
    pub(crate) fn all(&self, kind: &str) -> Vec<(&Place, &Value)> {
        let found = self.any(kind);
        assert!(
            !found.is_empty(),
            "no {kind} in {}: the test would be vacuous",
            self.environment.name
        );
        found
    }

    /// The one resource that a value refers to.
    pub(crate) fn target(&self, stack: &str, value: &Value) -> Place {
        match self.targets(stack, value).as_slice() {
            [one] => one.clone(),
            other => panic!("`{value}` of {stack} refers to {other:?}"),
        }
    }

    /// The statements of every document with `property` in resources of one type.
    pub(crate) fn statements(&self, kind: &str, property: &str) -> Vec<(&Place, Statement<'_>)> {
        let mut found = Vec::new();
        for (place, resource) in self.any(kind) {
            for statement in each(&resource["Properties"][property]["Statement"]) {
                found.push((place, Statement(statement)));
            }
        }
        found
    }
}
