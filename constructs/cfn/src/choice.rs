//! Properties whose values are known.

use lightsout_core::{Tree, Value};

/// The known values of a property, and any other that AWS may add.
pub trait Choice: From<String> + Into<Tree> {
    /// Returns the text in a template.
    fn as_str(&self) -> &str;
}

/// What a property of known values takes: one of `C`, its text, or a token.
///
/// ```
/// # #[cfg(feature = "dynamodb")] {
/// use lightsout_cfn::dynamodb::{Table, TableBillingMode, TableKeySchema};
///
/// let keys = || [TableKeySchema::new("id", "HASH")];
/// let table = Table::new(keys()).billing_mode(TableBillingMode::PayPerRequest);
/// let same = Table::new(keys()).billing_mode("PAY_PER_REQUEST");
/// # }
/// ```
pub trait OneOf<C> {
    /// Returns the value as a template holds it.
    fn into_tree(self) -> Tree;
}

impl<C: Choice> OneOf<C> for C {
    fn into_tree(self) -> Tree {
        self.into()
    }
}

impl<C: Choice> OneOf<C> for &str {
    fn into_tree(self) -> Tree {
        self.into()
    }
}

impl<C: Choice> OneOf<C> for String {
    fn into_tree(self) -> Tree {
        self.into()
    }
}

impl<C: Choice> OneOf<C> for Value<String> {
    fn into_tree(self) -> Tree {
        self.into()
    }
}

impl<C: Choice> OneOf<C> for Value<C> {
    fn into_tree(self) -> Tree {
        self.into()
    }
}

/// Declares the known values of a property and their texts.
#[allow(
    unused_macros,
    reason = "not every set of features has such a property"
)]
macro_rules! choice {
    (
        $(#[$doc:meta])*
        pub enum $name:ident { $($variant:ident = $text:literal),+ $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $variant,)+
            /// A value that this crate does not know.
            Other(String),
        }

        impl $crate::Choice for $name {
            fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                match text.as_str() {
                    $($text => Self::$variant,)+
                    _ => Self::Other(text),
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                text.to_owned().into()
            }
        }

        // `Into`, not `From`, as in `setting.rs`.
        impl Into<::lightsout_core::Tree> for $name {
            fn into(self) -> ::lightsout_core::Tree {
                $crate::Choice::as_str(&self).into()
            }
        }

        impl Into<::lightsout_core::Value<$name>> for $name {
            fn into(self) -> ::lightsout_core::Value<$name> {
                ::lightsout_core::Value::Literal(self)
            }
        }
    };
}

#[allow(
    unused_imports,
    reason = "not every set of features has such a property"
)]
pub(crate) use choice;
