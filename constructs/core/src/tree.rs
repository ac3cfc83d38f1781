//! JSON that may still hold tokens.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::{Properties, Token, Value};

/// JSON with tokens still inside it: one value of a template.
///
/// Maps keep the order in which they were written, so that a template reads as
/// its author wrote it. (Maps that come from [`serde_json::Value`] are sorted:
/// whether that type keeps an order depends on the features of other crates.)
///
/// ```
/// use lightsout_core::{Pseudo, Tree};
///
/// let statement = Tree::object([
///     ("Effect", "Allow".into()),
///     ("Action", vec!["sqs:SendMessage"].into()),
///     ("Resource", Tree::from(Pseudo::AccountId)),
/// ]);
/// assert_eq!(statement.get("Effect"), Some(&Tree::from("Allow")));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// A scalar: null, true or false, a number or text.
    Literal(Json),
    /// A value that `CloudFormation` fills in.
    Token(Token),
    /// A list.
    List(Vec<Self>),
    /// A map in order of insertion.
    Map(Vec<(Cow<'static, str>, Self)>),
}

impl Tree {
    /// Returns a map with `entries`, in this order.
    pub fn object<K: Into<Cow<'static, str>>>(
        entries: impl IntoIterator<Item = (K, Self)>,
    ) -> Self {
        Self::Map(
            entries
                .into_iter()
                .map(|(key, tree)| (key.into(), tree))
                .collect(),
        )
    }

    /// Returns the entry `key` of a map.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries
                .iter()
                .find_map(|(name, tree)| (name == key).then_some(tree)),
            _ => None,
        }
    }

    /// Returns the text of a literal; `None` for a token or anything else.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Literal(json) => json.as_str(),
            _ => None,
        }
    }

    /// Returns the items of a list.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// Visits every token, also those inside other tokens.
    pub fn tokens<'t>(&'t self, visit: &mut impl FnMut(&'t Token)) {
        match self {
            Self::Literal(_) => (),
            Self::Token(token) => token.tokens(visit),
            Self::List(items) => {
                for item in items {
                    item.tokens(visit);
                }
            }
            Self::Map(entries) => {
                for (_, tree) in entries {
                    tree.tokens(visit);
                }
            }
        }
    }
}

impl From<Json> for Tree {
    fn from(json: Json) -> Self {
        match json {
            Json::Array(items) => items.into_iter().collect(),
            Json::Object(map) => {
                let mut entries: Vec<(Cow<'static, str>, Self)> = map
                    .into_iter()
                    .map(|(key, json)| (Cow::Owned(key), json.into()))
                    .collect();
                entries.sort_by(|(left, _), (right, _)| left.cmp(right));
                Self::Map(entries)
            }
            scalar => Self::Literal(scalar),
        }
    }
}

impl From<Token> for Tree {
    fn from(token: Token) -> Self {
        Self::Token(token)
    }
}

impl From<Properties> for Tree {
    fn from(properties: Properties) -> Self {
        Self::object(properties.into_entries())
    }
}

impl<T: Into<Self>> From<Value<T>> for Tree {
    fn from(value: Value<T>) -> Self {
        match value {
            Value::Literal(literal) => literal.into(),
            Value::Token(token, _) => Self::Token(token),
        }
    }
}

impl<T: Into<Self>> From<Vec<T>> for Tree {
    fn from(items: Vec<T>) -> Self {
        items.into_iter().collect()
    }
}

impl<T: Into<Self>, const N: usize> From<[T; N]> for Tree {
    fn from(items: [T; N]) -> Self {
        items.into_iter().collect()
    }
}

impl<T: Into<Self>> FromIterator<T> for Tree {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

macro_rules! scalars {
    ($($scalar:ty),+) => {$(
        impl From<$scalar> for Tree {
            fn from(scalar: $scalar) -> Self {
                Self::Literal(scalar.into())
            }
        }
    )+};
}

scalars!(&str, String, bool, i64, i32, u32, u16, f64);
