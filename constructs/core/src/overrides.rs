//! Changes by hand to what constructs made: the last word of an author.

use std::{borrow::Cow, panic::Location};

use crate::{Problem, Resource, ResourceId, Scope, Tree, problem::ProblemKind};

/// A change by hand to a resource.
#[derive(Debug, Clone)]
pub(crate) struct Override {
    pub(crate) resource: u32,
    pub(crate) path: &'static str,
    pub(crate) change: Change,
    pub(crate) location: &'static Location<'static>,
}

#[derive(Debug, Clone)]
pub(crate) enum Change {
    SetProperty(Tree),
    DeleteProperty,
    SetEntry(Tree),
}

impl Scope<'_> {
    /// Sets a property of a resource, whatever its construct set there.
    ///
    /// `path` names it by keys with dots between them, `\.` for a dot in a key, and
    /// numbers for the items of a list: `Rules.0.Status`. Maps that are missing on
    /// the way are made, and the number after the last appends. It is applied after
    /// all amendments, and checks see what it gives.
    ///
    /// ```
    /// use lightsout_core::{App, RawResource, Stage, Tree};
    ///
    /// let mut app = App::new("lightsout", Stage::new("dev"));
    /// let mut stack = app.stack("Notices");
    /// let topic = stack.add("Topic", RawResource::new("AWS::SNS::Topic"));
    /// stack.override_property(topic.id(), "ArchivePolicy.MessageRetentionPeriod", 7);
    /// let assembly = app.synth()?;
    /// let properties = &assembly.template("Notices").json()["Resources"]["Topic"]["Properties"];
    /// assert_eq!(properties["ArchivePolicy"]["MessageRetentionPeriod"], 7);
    /// # Ok::<(), lightsout_core::SynthError>(())
    /// ```
    #[track_caller]
    pub fn override_property(
        &mut self,
        resource: ResourceId,
        path: &'static str,
        value: impl Into<Tree>,
    ) {
        let change = Change::SetProperty(value.into());
        self.change(resource, path, change, Location::caller());
    }

    /// Removes a property of a resource, whatever its construct set there.
    ///
    /// The path is that of [`override_property`](Self::override_property); it must
    /// lead to something.
    #[track_caller]
    pub fn delete_property(&mut self, resource: ResourceId, path: &'static str) {
        self.change(resource, path, Change::DeleteProperty, Location::caller());
    }

    /// Sets something in a resource's entry beside its properties.
    ///
    /// `path` begins with the entry's key, such as `UpdatePolicy` or `Metadata.Owner`.
    #[track_caller]
    pub fn override_entry(
        &mut self,
        resource: ResourceId,
        path: &'static str,
        value: impl Into<Tree>,
    ) {
        let location = Location::caller();
        let change = match path.strip_prefix("Properties.") {
            Some(property) => {
                let change = Change::SetProperty(value.into());
                return self.change(resource, property, change, location);
            }
            None => Change::SetEntry(value.into()),
        };
        self.change(resource, path, change, location);
    }

    fn change(
        &mut self,
        resource: ResourceId,
        path: &'static str,
        change: Change,
        location: &'static Location<'static>,
    ) {
        if self.resource(resource, location).is_some() {
            self.app.language.overrides.push(Override {
                resource: resource.index,
                path,
                change,
                location,
            });
        }
    }
}

impl Override {
    /// Returns what is set, if anything is.
    pub(crate) const fn tree(&self) -> Option<&Tree> {
        match &self.change {
            Change::SetProperty(tree) | Change::SetEntry(tree) => Some(tree),
            Change::DeleteProperty => None,
        }
    }

    /// Changes `resource`, or tells why it cannot.
    pub(crate) fn apply(&self, resource: &mut Resource) -> Option<Problem> {
        let wrong = match &self.change {
            Change::SetEntry(tree) => match self.path.split('.').next().unwrap_or_default() {
                "Type" | "Properties" => {
                    Err("`Type` and `Properties` as a whole cannot be set by hand".to_owned())
                }
                _ => {
                    resource.entry.push((self.path, tree.clone()));
                    Ok(())
                }
            },
            change => change_property(resource, self.path, change),
        };
        let why = wrong.err()?;
        let mut problem = Problem::new(
            ProblemKind::Override,
            &resource.path,
            format_args!(
                "({}) cannot be changed at `{}`: {why}",
                resource.type_name, self.path
            ),
        )
        .property(self.path)
        .hint("name what is there by keys and numbers, such as `Rules.0.Status`")
        .at(self.location);
        problem.type_name = Some(resource.type_name);
        Some(problem)
    }
}

fn change_property(
    resource: &mut Resource,
    path: &'static str,
    change: &Change,
) -> Result<(), String> {
    let (name, below) = path.split_once('.').unwrap_or((path, ""));
    if name.is_empty() || (below.is_empty() && path.ends_with('.')) {
        return Err("a key is empty".to_owned());
    }
    let properties = &mut resource.properties;
    match change {
        Change::SetProperty(tree) if below.is_empty() => properties.set(name, tree.clone()),
        Change::SetProperty(tree) => {
            if properties.get(name).is_none() {
                properties.set(name, Tree::Map(Vec::new()));
            }
            if let Some(top) = properties.get_mut(name) {
                set(top, &keys(below), tree.clone())?;
            }
        }
        _ if below.is_empty() => {
            if properties.remove(name).is_none() {
                return Err(format!("there is no `{name}`"));
            }
        }
        _ => {
            let top = properties
                .get_mut(name)
                .ok_or_else(|| format!("there is no `{name}`"))?;
            remove(top, &keys(below))?;
        }
    }
    Ok(())
}

/// Splits a path at its dots; `\.` is a dot within a key.
fn keys(path: &str) -> Vec<String> {
    let mut keys = vec![String::new()];
    let mut characters = path.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' if characters.peek() == Some(&'.') => {
                characters.next();
                push(&mut keys, '.');
            }
            '.' => keys.push(String::new()),
            c => push(&mut keys, c),
        }
    }
    keys
}

fn push(keys: &mut [String], c: char) {
    if let Some(key) = keys.last_mut() {
        key.push(c);
    }
}

/// Sets what `keys` lead to from `tree`, making maps on the way.
pub(crate) fn set(tree: &mut Tree, keys: &[String], value: Tree) -> Result<(), String> {
    let Some((key, rest)) = keys.split_first() else {
        *tree = value;
        return Ok(());
    };
    if key.is_empty() {
        return Err("a key is empty".to_owned());
    }
    let below = match tree {
        Tree::Map(entries) => {
            let found = entries.iter().position(|(name, _)| name == key);
            let position = found.unwrap_or_else(|| {
                entries.push((Cow::Owned(key.clone()), Tree::Map(Vec::new())));
                entries.len() - 1
            });
            &mut entries[position].1
        }
        Tree::List(items) => {
            let position = item(key, items.len())?;
            if position == items.len() {
                items.push(Tree::Map(Vec::new()));
            }
            &mut items[position]
        }
        other => return Err(format!("`{key}` would be within {}", what_is(other))),
    };
    set(below, rest, value)
}

fn remove(tree: &mut Tree, keys: &[String]) -> Result<(), String> {
    let Some((key, rest)) = keys.split_first() else {
        return Ok(());
    };
    match tree {
        Tree::Map(entries) => {
            let position = entries
                .iter()
                .position(|(name, _)| name == key)
                .ok_or_else(|| format!("there is no `{key}`"))?;
            if rest.is_empty() {
                entries.remove(position);
                return Ok(());
            }
            remove(&mut entries[position].1, rest)
        }
        Tree::List(items) => {
            let position = item(key, items.len())?;
            if position == items.len() {
                return Err(format!("the list has no item `{key}`"));
            }
            if rest.is_empty() {
                items.remove(position);
                return Ok(());
            }
            remove(&mut items[position], rest)
        }
        other => Err(format!("`{key}` would be within {}", what_is(other))),
    }
}

/// Returns the place of an item in a list of `len`, or the place after the last.
fn item(key: &str, len: usize) -> Result<usize, String> {
    key.parse()
        .ok()
        .filter(|position| *position <= len)
        .ok_or_else(|| format!("the list of {len} has no item `{key}`"))
}

const fn what_is(tree: &Tree) -> &'static str {
    match tree {
        Tree::Token(_) => "a value that is known once deployed",
        _ => "a single value",
    }
}

/// Applies what was set by hand to a resource's entry, once it is written.
pub(crate) fn apply_to_entry(
    entry: &mut Tree,
    resource: &Resource,
) -> Result<(), (&'static str, String)> {
    for (path, tree) in &resource.entry {
        set(entry, &keys(path), tree.clone()).map_err(|why| (*path, why))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_leads_through_maps_and_lists_and_makes_what_is_missing() {
        let mut tree = Tree::from(json!({"Rules": [{"Status": "On"}]}));
        set(&mut tree, &keys("Rules.0.Status"), "Off".into()).unwrap();
        set(&mut tree, &keys("Rules.1.Status"), "On".into()).unwrap();
        set(&mut tree, &keys(r"Map.a\.b.c"), 1.into()).unwrap();
        assert_eq!(
            tree,
            Tree::object([
                (
                    "Rules",
                    Tree::from(json!([{"Status": "Off"}, {"Status": "On"}]))
                ),
                ("Map", Tree::from(json!({"a.b": {"c": 1}}))),
            ])
        );
        remove(&mut tree, &keys("Rules.0")).unwrap();
        remove(&mut tree, &keys("Map")).unwrap();
        assert_eq!(tree, Tree::from(json!({"Rules": [{"Status": "On"}]})));
    }

    #[test]
    fn a_path_that_leads_nowhere_tells_where_it_ends() {
        let mut tree = Tree::from(json!({"Name": "a", "List": [1]}));
        let mut set = |path| set(&mut tree, &keys(path), 1.into()).unwrap_err();
        assert_eq!(set("Name.x"), "`x` would be within a single value");
        assert_eq!(set("List.3"), "the list of 1 has no item `3`");
        assert_eq!(set("List.x"), "the list of 1 has no item `x`");
        assert_eq!(set("List.0.x"), "`x` would be within a single value");
        assert_eq!(set("Name..x"), "a key is empty");
        let mut remove = |path| remove(&mut tree, &keys(path)).unwrap_err();
        assert_eq!(remove("Gone"), "there is no `Gone`");
        assert_eq!(remove("List.1"), "the list has no item `1`");
    }
}
