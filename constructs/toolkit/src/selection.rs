//! Which stacks a command is about.

use std::collections::BTreeSet;

use lightsout_core::{Assembly, StackArtifact};

/// A stack was named that the app does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no stack `{name}`; there are {}", known.join(", "))]
pub struct UnknownStack {
    /// The name that was given.
    pub name: String,
    /// The names of the app's stacks.
    pub known: Vec<String>,
}

/// Returns the named stacks, all if none is named, in deploy order.
///
/// A name is that in the app or that in AWS.
pub(crate) fn named<'a>(
    assembly: &'a Assembly,
    names: &[String],
) -> Result<Vec<&'a StackArtifact>, UnknownStack> {
    let is_called =
        |stack: &StackArtifact, name: &str| stack.name() == name || stack.physical_name() == name;
    let stacks = assembly.stacks();
    if let Some(unknown) = names
        .iter()
        .find(|name| !stacks.iter().any(|stack| is_called(stack, name)))
    {
        return Err(UnknownStack {
            name: unknown.clone(),
            known: stacks.iter().map(|stack| stack.name().to_owned()).collect(),
        });
    }
    let is_wanted = |stack: &&StackArtifact| {
        names.is_empty() || names.iter().any(|name| is_called(stack, name))
    };
    Ok(stacks.iter().filter(is_wanted).collect())
}

/// Returns the stacks in `names` and all that they depend on.
pub(crate) fn with_dependencies<'a>(
    assembly: &'a Assembly,
    names: impl IntoIterator<Item = &'a str>,
) -> BTreeSet<&'a str> {
    let mut wanted: BTreeSet<&str> = names.into_iter().collect();
    // Deploy order: whoever depends on a stack comes behind it.
    for stack in assembly.stacks().iter().rev() {
        if wanted.contains(stack.name()) {
            wanted.extend(stack.dependencies().iter().map(String::as_str));
        }
    }
    wanted
}

/// Returns the stacks that need one of `names`, and those themselves.
pub(crate) fn with_dependents<'a>(
    assembly: &'a Assembly,
    names: impl IntoIterator<Item = &'a str>,
) -> BTreeSet<&'a str> {
    let mut wanted: BTreeSet<&str> = names.into_iter().collect();
    for stack in assembly.stacks() {
        if stack
            .dependencies()
            .iter()
            .any(|name| wanted.contains(name.as_str()))
        {
            wanted.insert(stack.name());
        }
    }
    wanted
}
