//! Tags as most resource types take them.

use lightsout_core::{Properties, Tree, Value};

/// A key and a value on a resource.
///
/// ```
/// use lightsout_cfn::Tag;
///
/// let tag: Tag = ("DataClass", "PHI").into();
/// ```
#[derive(Debug, Clone)]
pub struct Tag(Properties);

impl Tag {
    /// Returns a tag; keys take up to 128 characters, values up to 256.
    pub fn new(key: impl Into<Value<String>>, value: impl Into<Value<String>>) -> Self {
        Self(
            Properties::default()
                .with("Key", key.into())
                .with("Value", value.into()),
        )
    }
}

impl<K: Into<Value<String>>, V: Into<Value<String>>> From<(K, V)> for Tag {
    fn from((key, value): (K, V)) -> Self {
        Self::new(key, value)
    }
}

impl From<Tag> for Tree {
    fn from(tag: Tag) -> Self {
        tag.0.into()
    }
}
