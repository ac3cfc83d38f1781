//! Resources that were added to a stack.

use std::panic::Location;

use crate::{ConditionId, Properties, ResourceId, ResourceType, Tags, Tree, policy::Policy};

/// A resource that was added to a stack.
#[derive(Debug, Clone)]
pub struct Resource {
    pub(crate) id: ResourceId,
    pub(crate) stack: usize,
    pub(crate) stack_name: String,
    pub(crate) path: String,
    pub(crate) logical_id: String,
    pub(crate) type_name: &'static str,
    pub(crate) required: &'static [&'static str],
    pub(crate) is_stateful: bool,
    pub(crate) tags: Option<Tags>,
    pub(crate) properties: Properties,
    pub(crate) depends_on: Vec<ResourceId>,
    pub(crate) deletion_policy: Option<DeletionPolicy>,
    pub(crate) update_replace_policy: Option<DeletionPolicy>,
    pub(crate) creation_policy: Option<Box<Policy>>,
    pub(crate) update_policy: Option<Box<Policy>>,
    pub(crate) condition: Option<ConditionId>,
    pub(crate) metadata: Vec<(String, Tree)>,
    /// What was set by hand in the entry, beside the properties.
    pub(crate) entry: Vec<(&'static str, Tree)>,
    pub(crate) location: &'static Location<'static>,
}

/// What becomes of a resource that its stack no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// It is deleted.
    Delete,
    /// It stays, outside any stack.
    Retain,
    /// It is deleted after a last snapshot; only some types can.
    Snapshot,
    /// It stays, unless the operation that created it is rolled back.
    RetainExceptOnCreate,
}

impl Resource {
    /// Returns the resource's place in its app.
    pub const fn id(&self) -> ResourceId {
        self.id
    }

    /// Returns the path with the stack's name first, such as `Storage/Charts/Bucket`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the name of the stack, such as `Storage`.
    pub fn stack(&self) -> &str {
        &self.stack_name
    }

    /// Returns the name in the template, such as `ChartsBucket`.
    pub fn logical_id(&self) -> &str {
        &self.logical_id
    }

    /// Returns the type's name, such as `AWS::S3::Bucket`.
    pub const fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// Returns whether the resource is an `R`.
    pub fn is<R: ResourceType>(&self) -> bool {
        self.type_name == R::TYPE
    }

    /// Returns whether the resource holds data that is lost with it.
    pub const fn is_stateful(&self) -> bool {
        self.is_stateful
    }

    /// Returns where the type takes tags, if it takes any.
    pub const fn tags(&self) -> Option<Tags> {
        self.tags
    }

    /// Returns the property `name`, if it was set.
    pub fn get(&self, name: &str) -> Option<&Tree> {
        self.properties.get(name)
    }

    /// Returns the properties that were set.
    pub const fn properties(&self) -> &Properties {
        &self.properties
    }

    /// Returns the properties for changing them.
    pub const fn properties_mut(&mut self) -> &mut Properties {
        &mut self.properties
    }

    /// Returns what becomes of the resource when it leaves its stack.
    pub const fn deletion_policy(&self) -> Option<DeletionPolicy> {
        self.deletion_policy
    }

    /// Returns what becomes of the resource when an update replaces it.
    pub const fn update_replace_policy(&self) -> Option<DeletionPolicy> {
        self.update_replace_policy
    }

    /// Returns the resources that must exist before this one.
    pub fn depends_on(&self) -> &[ResourceId] {
        &self.depends_on
    }

    /// Returns the condition under which the resource is there at all.
    pub const fn condition(&self) -> Option<ConditionId> {
        self.condition
    }

    /// Returns where in the source the resource was added.
    pub const fn location(&self) -> &'static Location<'static> {
        self.location
    }
}

impl DeletionPolicy {
    /// Returns the name in a template.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delete => "Delete",
            Self::Retain => "Retain",
            Self::Snapshot => "Snapshot",
            Self::RetainExceptOnCreate => "RetainExceptOnCreate",
        }
    }
}
