//! What crosses the borders of nested stacks.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    App, Problem, Token, Tree,
    nested::template_parameter,
    problem::ProblemKind,
    symbols::{Symbols, asset_parameter},
};

/// What crosses the borders of nested stacks.
#[derive(Debug)]
pub(super) struct Nesting {
    /// For each stack, the values that it hands to the stack around it.
    pub(super) outputs: Vec<BTreeMap<String, Token>>,
    /// For each stack, the values that the stack around it hands in.
    pub(super) parameters: Vec<BTreeMap<String, Token>>,
    /// For each stack, the parameters for the addresses of the templates nested in
    /// it, however deep, and the stacks that they are of.
    pub(super) templates: Vec<BTreeMap<String, usize>>,
    /// The nested stack that a resource is, by the resource's index.
    by_resource: BTreeMap<usize, usize>,
    /// What resources wait for because of something in a nested stack.
    waits: BTreeMap<usize, BTreeSet<usize>>,
}

impl App {
    pub(super) fn nesting(&self, problems: &mut Vec<Problem>) -> Nesting {
        let mut nesting = Nesting {
            outputs: vec![BTreeMap::new(); self.stacks.len()],
            parameters: vec![BTreeMap::new(); self.stacks.len()],
            templates: vec![BTreeMap::new(); self.stacks.len()],
            by_resource: BTreeMap::new(),
            waits: BTreeMap::new(),
        };
        for (index, stack) in self.stacks.iter().enumerate() {
            let Some(parent) = stack.parent else {
                continue;
            };
            nesting.by_resource.insert(parent.resource, index);
            let name = template_parameter(&stack.name);
            let mut around = Some(parent);
            while let Some(outer) = around {
                let other = nesting.templates[outer.stack].insert(name.clone(), index);
                around = self.stacks[outer.stack].parent;
                if let Some(other) = other
                    && around.is_none()
                    && self.stacks[other].name != stack.name
                {
                    problems.push(
                        Problem::new(
                            ProblemKind::LogicalIdCollision,
                            &stack.name,
                            format_args!(
                                "and `{}` both need a parameter `{name}` for their templates",
                                self.stacks[other].name
                            ),
                        )
                        .hint("only letters and digits of a path count: rename one of them")
                        .at(stack.location),
                    );
                }
            }
        }
        nesting
    }
}

impl Nesting {
    /// Lets a value through every border between its owner and its user.
    ///
    /// `names` are those of the parameters and of the outputs. Returns whether no
    /// other value is called the same.
    pub(super) fn carry(
        &mut self,
        symbols: &Symbols,
        token: &Token,
        (owner, user): (usize, usize),
        names: &[String; 2],
    ) -> bool {
        let [parameter, output] = names;
        let mut is_clear = true;
        let mut at = user;
        while !symbols.is_within(owner, at)
            && let Some(parent) = symbols.parent(at)
        {
            is_clear &= insert(&mut self.parameters[at], parameter, token);
            at = parent.stack;
        }
        let top = if symbols.is_within(owner, at) {
            at
        } else {
            symbols.root_of(owner)
        };
        let mut at = owner;
        while at != top
            && let Some(parent) = symbols.parent(at)
        {
            is_clear &= insert(&mut self.outputs[at], output, token);
            at = parent.stack;
        }
        is_clear
    }

    /// Lets a resource wait for another one.
    pub(super) fn depends_on(&mut self, resource: usize, on: usize) {
        self.waits.entry(resource).or_default().insert(on);
    }

    /// Returns what a resource waits for because of something in a nested stack.
    pub(super) fn waits_of(&self, resource: usize) -> impl Iterator<Item = usize> {
        self.waits.get(&resource).into_iter().flatten().copied()
    }

    /// Returns the nested stack that a resource is, if it is one.
    pub(super) fn stack_of(&self, resource: usize) -> Option<usize> {
        self.by_resource.get(&resource).copied()
    }
}

/// Returns the parameters that a nested stack is given by the one around it.
pub(super) fn arguments(
    app: &App,
    symbols: &Symbols,
    nesting: &Nesting,
    assets: &BTreeSet<usize>,
    stack: usize,
) -> Vec<(String, Tree)> {
    let around = symbols.parent(stack).map_or(stack, |parent| parent.stack);
    let reference = |name: String| {
        let tree = Tree::object([("Ref", Tree::from(name.as_str()))]);
        (name, tree)
    };
    let values = nesting.parameters[stack]
        .iter()
        .map(|(name, token)| (name.clone(), symbols.carried(token, around)));
    let assets = assets
        .iter()
        .map(|asset| reference(asset_parameter(&app.assets[*asset].asset.id)));
    let templates = nesting.templates[stack].keys().cloned().map(reference);
    values.chain(assets).chain(templates).collect()
}

/// Inserts a value, and returns whether its name was free or its own.
fn insert(values: &mut BTreeMap<String, Token>, name: &str, token: &Token) -> bool {
    let bare = |token: &Token| match token {
        Token::Weak { of, .. } => Token::clone(of),
        token => token.clone(),
    };
    match values.get_mut(name) {
        None => {
            values.insert(name.to_owned(), token.clone());
            true
        }
        // Where one user reads weakly and another does not, the stronger wins.
        Some(known) if bare(known) == bare(token) => {
            if matches!(known, Token::Weak { .. }) {
                *known = token.clone();
            }
            true
        }
        Some(_) => false,
    }
}
