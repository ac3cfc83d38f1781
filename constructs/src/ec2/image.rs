//! What a host boots from.

use lightsout_core::{Value, join};

use crate::kms::KeyRef;

/// What a host boots from.
#[derive(Debug, Clone, PartialEq)]
pub enum Image {
    /// An image by its id, such as `ami-0a1b2c3d`.
    Id(Value<String>),
    /// The image that an SSM parameter names when the stack is deployed, such as
    /// `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64`.
    Parameter(String),
    /// An image by its id, whose disks are encrypted with a key of the account: whoever
    /// starts hosts from it uses the key too.
    Encrypted(Value<String>, KeyRef),
}

impl Image {
    /// Returns the key that the image's disks are encrypted with, if one is known.
    pub(crate) const fn key(&self) -> Option<KeyRef> {
        match self {
            Self::Encrypted(_, key) => Some(*key),
            Self::Id(_) | Self::Parameter(_) => None,
        }
    }

    pub(crate) fn into_value(self) -> Value<String> {
        match self {
            Self::Id(id) | Self::Encrypted(id, _) => id,
            Self::Parameter(name) => join!["{{resolve:ssm:", name, "}}"],
        }
    }
}
