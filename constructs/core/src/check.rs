//! Rules that every resource of an app must keep.

use crate::{Resource, ResourceId, ResourceType};

/// A rule over finished resources: it may report, never change.
///
/// A check sees resources by shared reference, so this does not compile:
///
/// ```compile_fail,E0596
/// use lightsout_core::{Check, Finding, Resource, Resources};
///
/// struct Fixes;
///
/// impl Check for Fixes {
///     fn rule(&self) -> &'static str {
///         "fixes"
///     }
///
///     fn check(&self, resource: &Resource, _all: &Resources<'_>) -> Vec<Finding> {
///         resource.properties_mut().set("DelaySeconds", 5.into());
///         Vec::new()
///     }
/// }
/// ```
///
/// What is only a check is registered with [`App::check`](crate::App::check), never
/// with [`App::amend`](crate::App::amend), and the other way round.
///
/// ```
/// use lightsout_core::{Check, Finding, Resource, Resources};
///
/// struct QueuesAreEncrypted;
///
/// impl Check for QueuesAreEncrypted {
///     fn rule(&self) -> &'static str {
///         "queues-are-encrypted"
///     }
///
///     fn check(&self, resource: &Resource, _all: &Resources<'_>) -> Vec<Finding> {
///         if resource.type_name() == "AWS::SQS::Queue" && resource.get("KmsMasterKeyId").is_none() {
///             vec![Finding::new("pass a KMS key").at("KmsMasterKeyId")]
///         } else {
///             Vec::new()
///         }
///     }
/// }
/// ```
pub trait Check {
    /// Returns the rule's name, such as `queues-are-encrypted`.
    fn rule(&self) -> &'static str;

    /// Returns what is wrong with `resource`, which is one of `all`.
    fn check(&self, resource: &Resource, all: &Resources<'_>) -> Vec<Finding>;
}

/// A place where a rule is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub(crate) hint: String,
    pub(crate) property: Option<String>,
    pub(crate) found: Option<String>,
    pub(crate) wanted: Option<String>,
}

/// Every resource of an app, after all amendments.
#[derive(Debug, Clone, Copy)]
pub struct Resources<'a>(pub(crate) &'a [Resource]);

impl Finding {
    /// A finding, with what the author can do about it.
    pub fn new(hint: impl Into<String>) -> Self {
        Self {
            hint: hint.into(),
            property: None,
            found: None,
            wanted: None,
        }
    }

    /// Names the property that is wrong or missing, by its path: `KeyPolicy.Statement.0`.
    pub fn at(mut self, property: impl Into<String>) -> Self {
        self.property = Some(property.into());
        self
    }

    /// Tells what is there.
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    /// Tells what would be right.
    pub fn wanted(mut self, wanted: impl Into<String>) -> Self {
        self.wanted = Some(wanted.into());
        self
    }
}

impl<'a> Resources<'a> {
    /// Returns every resource, in order of addition.
    pub fn iter(&self) -> impl Iterator<Item = &'a Resource> + use<'a> {
        self.0.iter()
    }

    /// Returns the resource with this id, if it belongs to this app.
    pub fn get(&self, id: ResourceId) -> Option<&'a Resource> {
        self.0
            .get(id.index as usize)
            .filter(|resource| resource.id == id)
    }

    /// Returns the resources that are an `R`.
    pub fn of_type<R: ResourceType>(&self) -> impl Iterator<Item = &'a Resource> + use<'a, R> {
        self.iter().filter(|resource| resource.is::<R>())
    }
}
