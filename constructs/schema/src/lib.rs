//! What `CloudFormation` takes for each resource type, and which IAM actions exist.
//!
//! The schemas of every public type and the published list of IAM actions are two
//! files in this crate, written by `lightsout-generate` from pinned packages and
//! embedded as they are. Nothing is read from anywhere else, and only the types
//! that are asked for are decoded, once in a process.
//!
//! ```
//! use lightsout_schema::{Keyword, Operation};
//!
//! let queue = lightsout_schema::of("AWS::SQS::Queue").expect("queues exist");
//! assert!(queue.has_attribute("Arn"));
//! assert!(queue.create_only().contains(&"FifoQueue"));
//! assert_eq!(queue.tag_property(), Some("Tags"));
//! assert!(queue.permissions(Operation::Create).contains(&"sqs:CreateQueue"));
//! ```

pub mod format;
pub mod iam;
mod pattern;
mod reader;
mod schema;
mod store;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::OnceLock};

pub use pattern::{Pattern, is_supported};
pub use reader::DataError;
pub use schema::{Keyword, Node, NodeId, Operation, Scalar, Schema, Types};
pub use store::Store;

static BYTES: &[u8] = include_bytes!("../data/schemas.bin");

/// Returns the schemas that this crate was built with.
pub fn schemas() -> Result<&'static Store<'static>, DataError> {
    static SCHEMAS: OnceLock<Result<Store<'static>, DataError>> = OnceLock::new();
    let schemas = SCHEMAS.get_or_init(|| Store::open(BYTES));
    schemas.as_ref().map_err(Clone::clone)
}

/// Returns the schema of a type, such as `AWS::SQS::Queue`.
///
/// Nothing comes back for a private or unknown type, nor if the data is damaged,
/// which [`schemas`] tells.
pub fn of(type_name: &str) -> Option<&'static Schema<'static>> {
    schemas().ok()?.find(type_name).ok().flatten()
}

/// Returns the IAM actions that deploying resources of these types needs: to
/// create, read, update, delete and list them.
///
/// This is what the role of a deployment must be allowed, if it deploys nothing
/// else. Types whose schema names no actions give none.
///
/// ```
/// let actions = lightsout_schema::handler_permissions(["AWS::SQS::Queue"]);
/// assert!(actions.contains("sqs:CreateQueue"));
/// assert!(!actions.contains("sns:CreateTopic"));
/// ```
pub fn handler_permissions<'t>(
    type_names: impl IntoIterator<Item = &'t str>,
) -> BTreeSet<&'static str> {
    type_names
        .into_iter()
        .filter_map(of)
        .flat_map(Schema::handlers)
        .flat_map(|(_, permissions)| permissions.iter().copied())
        .collect()
}
