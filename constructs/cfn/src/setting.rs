//! What every generated type has besides its own setters.

/// Gives a generated type `matching` and `with`, and makes it a tree or the properties of a resource.
///
/// It becomes these by `Into`, not `From`: the compiler finds that by the type itself, where
/// it would have to look through all that become trees, once in each setter.
#[allow(unused_macros, reason = "a build without services has no such type")]
macro_rules! setting {
    ($name:ident as $whole:ident) => {
        impl $name {
            /// Sets nothing: what a template is compared with, in assertions.
            pub fn matching() -> Self {
                Self(::lightsout_core::Properties::default())
            }

            /// Sets a property by its name in CloudFormation: one that is newer than this crate,
            /// or a whole list that is known once deployed.
            pub fn with(
                self,
                property: &'static str,
                value: impl Into<::lightsout_core::Tree>,
            ) -> Self {
                Self(self.0.with(property, value))
            }
        }

        impl Into<::lightsout_core::$whole> for $name {
            fn into(self) -> ::lightsout_core::$whole {
                self.0.into()
            }
        }
    };
}

#[allow(unused_imports, reason = "a build without services has no such type")]
pub(crate) use setting;
