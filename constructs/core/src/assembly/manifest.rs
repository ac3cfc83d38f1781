//! The names that a cloud assembly's files are known by.

/// The cloud assembly schema, the lowest major version with stages and assets.
pub(crate) const SCHEMA_VERSION: &str = "36.0.0";

/// The file that lists what a folder holds.
pub(crate) const MANIFEST_FILE: &str = "manifest.json";

/// The file that tells the schema version alone.
pub(crate) const VERSION_FILE: &str = "cdk.out";

/// The tree of all constructs.
pub(crate) const TREE_FILE: &str = "tree.json";

/// An artifact that is a folder: one stage.
pub(crate) const STAGE_ARTIFACT: &str = "cdk:cloud-assembly";

/// An artifact that is a template.
pub(crate) const STACK_ARTIFACT: &str = "aws:cloudformation:stack";

/// An artifact of our own, which other tools ignore: the order of the stacks, the
/// assets and where to upload them.
pub(crate) const DEPLOYMENT_ARTIFACT: &str = "lightsout:deployment";

/// The key of that artifact; no stack can be called so.
pub(crate) const DEPLOYMENT_KEY: &str = "lightsout:deployment";

/// The kind of metadata that ties a path to a logical id.
pub(crate) const LOGICAL_ID_METADATA: &str = "aws:cdk:logicalId";
