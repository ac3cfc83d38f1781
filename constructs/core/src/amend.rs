//! Changes to every resource of an app.

use std::borrow::Cow;

use crate::{Resource, Tags, Tree};

/// A change to finished resources, such as tags.
///
/// Amendments run in the order in which they were registered, before any
/// [`Check`](crate::Check). What an author set stays the author's: an amendment
/// should add what is missing.
///
/// An amendment has no way to report, and is no check:
///
/// ```compile_fail,E0277
/// use lightsout_core::{App, Stage, Tag};
///
/// App::new("lightsout", Stage::new("dev")).check(Tag::new("Project", "lightsout"));
/// ```
pub trait Amend {
    /// Changes `resource`.
    fn amend(&self, resource: &mut Resource);
}

/// Tags every resource whose type takes tags; a tag that is there already stays.
///
/// Types say so with [`ResourceType::TAGS`](crate::ResourceType::TAGS).
#[derive(Debug, Clone)]
pub struct Tag {
    key: String,
    value: String,
}

impl Tag {
    /// A tag, such as `Project` = `lightsout`.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
        }
    }
}

impl Amend for Tag {
    fn amend(&self, resource: &mut Resource) {
        match resource.tags() {
            None => (),
            Some(Tags::List(property)) => {
                let tag = Tree::object([
                    ("Key", self.key.as_str().into()),
                    ("Value", self.value.as_str().into()),
                ]);
                match resource.properties_mut().get_mut(property) {
                    None => resource.properties_mut().set(property, vec![tag].into()),
                    Some(Tree::List(tags)) => {
                        let is_set = tags
                            .iter()
                            .any(|tag| tag.get("Key").and_then(Tree::as_str) == Some(&self.key));
                        if !is_set {
                            tags.push(tag);
                        }
                    }
                    Some(_) => (),
                }
            }
            Some(Tags::Map(property)) => {
                let tag = (
                    Cow::Owned(self.key.clone()),
                    Tree::from(self.value.as_str()),
                );
                match resource.properties_mut().get_mut(property) {
                    None => resource
                        .properties_mut()
                        .set(property, Tree::Map(vec![tag])),
                    Some(Tree::Map(tags)) => {
                        if !tags.iter().any(|(key, _)| *key == tag.0) {
                            tags.push(tag);
                        }
                    }
                    Some(_) => (),
                }
            }
        }
    }
}
