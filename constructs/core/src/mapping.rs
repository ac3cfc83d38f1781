//! Mappings: values that are looked up by two keys.

use std::{collections::BTreeMap, panic::Location};

use crate::{Part, Scope, Token, Tree, Value, condition::Declared};

/// Values that are looked up by two keys, such as an image for each region.
///
/// ```
/// use lightsout_core::{App, Mapping, Pseudo, Stage};
///
/// let mut app = App::new("lightsout", Stage::new("dev"));
/// let mut stack = app.stack("Hosts");
/// let images = stack.mapping(
///     "Images",
///     Mapping::new()
///         .entry("eu-central-1", "arm64", "ami-0a1b2c3d")
///         .entry("eu-west-1", "arm64", "ami-4e5f6a7b"),
/// );
/// let image = images.find(Pseudo::Region, "arm64");
/// // Anywhere else, with a default; the template says by itself that it needs
/// // the transform `AWS::LanguageExtensions` for it.
/// let image = images.find_or(Pseudo::Region, "arm64", "ami-8c9d0e1f");
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapping(pub(crate) BTreeMap<String, BTreeMap<String, Tree>>);

/// A mapping that was added to a stack; it holds for that stack alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MappingRef(pub(crate) MappingId);

/// Identifies a mapping in its [`App`](crate::App).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MappingId {
    pub(crate) app: u32,
    pub(crate) index: u32,
}

impl Mapping {
    /// A mapping without entries.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Sets the value for two keys.
    pub fn entry(
        self,
        top: impl Into<String>,
        second: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.set(top.into(), second.into(), value.into().into())
    }

    /// Sets a list for two keys; see [`MappingRef::find_list`].
    pub fn list(
        self,
        top: impl Into<String>,
        second: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let values = values.into_iter().map(Into::into);
        self.set(top.into(), second.into(), values.collect())
    }

    fn set(mut self, top: String, second: String, value: Tree) -> Self {
        self.0.entry(top).or_default().insert(second, value);
        self
    }

    /// Returns the mapping's entry in a template.
    pub(crate) fn tree(&self) -> Tree {
        Tree::object(self.0.iter().map(|(top, entries)| {
            let entries = entries
                .iter()
                .map(|(second, value)| (second.clone(), value.clone()));
            (top.clone(), Tree::object(entries))
        }))
    }
}

impl MappingRef {
    /// Returns the text for two keys, each known now or once deployed.
    pub fn find(self, top: impl Into<Part>, second: impl Into<Part>) -> Value<String> {
        self.token(top.into(), second.into(), None)
    }

    /// Returns the text for two keys, or `default` where there is none.
    pub fn find_or(
        self,
        top: impl Into<Part>,
        second: impl Into<Part>,
        default: impl Into<Value<String>>,
    ) -> Value<String> {
        self.token(top.into(), second.into(), Some(default.into().into()))
    }

    /// Returns the list for two keys.
    pub fn find_list(self, top: impl Into<Part>, second: impl Into<Part>) -> Value<Vec<String>> {
        self.token(top.into(), second.into(), None)
    }

    /// Returns the number for two keys, which the mapping holds as text.
    pub fn find_number(self, top: impl Into<Part>, second: impl Into<Part>) -> Value<i64> {
        self.token(top.into(), second.into(), None)
    }

    fn token<T>(self, top: Part, second: Part, default: Option<Tree>) -> Value<T> {
        Value::token(Token::FindInMap {
            mapping: self.0,
            keys: Box::new([top, second]),
            default: default.map(Box::new),
        })
    }
}

impl Scope<'_> {
    /// Adds a mapping to the stack.
    #[track_caller]
    pub fn mapping(&mut self, id: &str, mapping: Mapping) -> MappingRef {
        let declared: Declared<Mapping> = self.declared(id, mapping, Location::caller());
        let id = MappingId {
            app: self.app.identity,
            index: crate::scope::index(self.app.language.mappings.len()),
        };
        self.app.language.mappings.push(declared);
        MappingRef(id)
    }
}
