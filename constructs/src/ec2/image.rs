//! What a host boots from.

use lightsout_core::{Value, join};

/// What a host boots from.
#[derive(Debug, Clone, PartialEq)]
pub enum Image {
    /// An image by its id, such as `ami-0a1b2c3d`.
    Id(Value<String>),
    /// The image that an SSM parameter names when the stack is deployed, such as
    /// `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64`.
    Parameter(String),
}

impl Image {
    pub(crate) fn into_value(self) -> Value<String> {
        match self {
            Self::Id(id) => id,
            Self::Parameter(name) => join!["{{resolve:ssm:", name, "}}"],
        }
    }
}
