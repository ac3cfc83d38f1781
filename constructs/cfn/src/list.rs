//! Lists as setters take them, made into trees once for all setters.

use lightsout_core::{Tree, Value};

use crate::{OneOf, Tag};

#[allow(dead_code, reason = "not every set of features has such a list")]
pub(crate) fn values<T: Into<Tree>>(items: impl IntoIterator<Item = impl Into<Value<T>>>) -> Tree {
    items.into_iter().map(Into::into).collect()
}

#[allow(dead_code, reason = "not every set of features has such a list")]
pub(crate) fn choices<C>(items: impl IntoIterator<Item = impl OneOf<C>>) -> Tree {
    items.into_iter().map(OneOf::into_tree).collect()
}

#[allow(dead_code, reason = "not every set of features has such a list")]
pub(crate) fn tags(items: impl IntoIterator<Item = impl Into<Tag>>) -> Tree {
    items.into_iter().map(Into::into).collect()
}
