//! The properties that were set on a resource.

use crate::Tree;

/// The properties that were set, in the order in which they were set.
///
/// ```
/// use lightsout_core::{Properties, Tree};
///
/// let queue = Properties::default().with("DelaySeconds", 5).with("FifoQueue", true);
/// assert_eq!(queue.get("DelaySeconds"), Some(&Tree::from(5)));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Properties(Vec<(&'static str, Tree)>);

impl Properties {
    /// Sets `name`; a property that is set again keeps its place.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Tree>) -> Self {
        self.set(name, value.into());
        self
    }

    /// Returns the value of `name`, if it was set.
    pub fn get(&self, name: &str) -> Option<&Tree> {
        self.iter()
            .find_map(|(key, tree)| (key == name).then_some(tree))
    }

    /// Returns the value of `name` for changing it, if it was set.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Tree> {
        self.0
            .iter_mut()
            .find_map(|(key, tree)| (*key == name).then_some(tree))
    }

    /// Sets `name`; a property that is set again keeps its place.
    pub fn set(&mut self, name: &'static str, value: Tree) {
        match self.get_mut(name) {
            Some(tree) => *tree = value,
            None => self.0.push((name, value)),
        }
    }

    /// Removes `name` and returns what it was set to.
    pub fn remove(&mut self, name: &str) -> Option<Tree> {
        let position = self.0.iter().position(|(key, _)| *key == name)?;
        Some(self.0.remove(position).1)
    }

    /// Returns each property that was set.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Tree)> {
        self.0.iter().map(|(name, tree)| (*name, tree))
    }

    /// Returns whether no property was set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_entries(self) -> Vec<(&'static str, Tree)> {
        self.0
    }
}
