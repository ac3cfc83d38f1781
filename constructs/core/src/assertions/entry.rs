//! One resource of a template.

use serde_json::Value as Json;

use super::{
    Template,
    compare::{at_path, compare},
};
use crate::ResourceType;

/// One resource of a template, to make assertions on.
///
/// Paths are written as in `RedrivePolicy.maxReceiveCount` and `Tags[0].Key`, below
/// `Properties`.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub(super) template: Template<'a>,
    pub(super) logical_id: &'a str,
    pub(super) json: &'a Json,
}

impl<'a> Entry<'a> {
    /// Returns the logical id.
    pub fn logical_id(&self) -> &'a str {
        self.logical_id
    }

    /// Returns the entry with its type, properties and attributes.
    pub fn json(&self) -> &'a Json {
        self.json
    }

    /// Passes if the resource is an `R` and has at least these properties.
    #[track_caller]
    pub fn has<R: ResourceType>(self, pattern: R) -> Self {
        let found = &self.json["Type"];
        assert!(
            *found == R::TYPE,
            "{} is {}, expected {}",
            self.named(),
            found.as_str().unwrap_or("of no type"),
            R::TYPE
        );
        let want = self.template.expected(pattern.into());
        let mut differences = Vec::new();
        compare(Some(self.properties()), &want, "", &mut differences);
        assert!(
            differences.is_empty(),
            "{} differs in\n  {}",
            self.named(),
            differences.join("\n  ")
        );
        self
    }

    /// Returns the property at a path; passes only if it is set, whatever to.
    #[track_caller]
    pub fn property(&self, path: &str) -> &'a Json {
        at_path(self.properties(), path).unwrap_or_else(|| {
            panic!(
                "{} has no `{path}`; it has {}",
                self.named(),
                self.properties()
            )
        })
    }

    /// Passes if the property at a path is this and no more: lists in this order,
    /// maps without another key.
    #[track_caller]
    pub fn has_exactly(self, path: &str, want: impl Into<Json>) -> Self {
        let (have, want) = (self.property(path), want.into());
        assert!(
            *have == want,
            "`{path}` of {} is\n  {have}\nexpected exactly\n  {want}",
            self.named()
        );
        self
    }

    /// Passes if the property at a path is not set.
    #[track_caller]
    pub fn lacks(self, path: &str) -> Self {
        if let Some(have) = at_path(self.properties(), path) {
            panic!("`{path}` of {} is {have}, expected none", self.named());
        }
        self
    }

    /// Passes if the resource names `logical_id` in its `DependsOn`.
    #[track_caller]
    pub fn depends_on(self, logical_id: &str) -> Self {
        let found = &self.json["DependsOn"];
        let is_there = match found {
            Json::Array(names) => names.iter().any(|name| name == logical_id),
            name => name == logical_id,
        };
        assert!(
            is_there,
            "{} does not depend on `{logical_id}`; `DependsOn` is {found}",
            self.named()
        );
        self
    }

    /// Passes if an attribute beside the properties, such as `DeletionPolicy`, is this.
    #[track_caller]
    pub fn has_attribute(self, name: &str, want: impl Into<Json>) -> Self {
        let (have, want) = (&self.json[name], want.into());
        assert!(
            *have == want,
            "`{name}` of {} is {have}, expected {want}",
            self.named()
        );
        self
    }

    fn properties(&self) -> &'a Json {
        self.json.get("Properties").unwrap_or(&Json::Null)
    }

    fn named(&self) -> String {
        format!("`{}` in `{}`", self.logical_id, self.template.stack.name())
    }
}
