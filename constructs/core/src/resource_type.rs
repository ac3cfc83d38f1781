//! Types of resources, their attributes, and references to what was added.

use std::{fmt, marker::PhantomData};

use crate::{Properties, Token, Value};

/// A type of `CloudFormation` resource: what a generated definition implements.
///
/// A private resource type needs only this to be used like every other.
///
/// ```
/// use lightsout_core::{Arn, Attribute, Properties, ResourceType, Value};
///
/// #[derive(Debug, Clone, Default)]
/// pub struct Queue(Properties);
///
/// impl Queue {
///     pub const ARN: Attribute<Self, Arn<Self>> = Attribute::new("Arn");
///
///     pub fn delay_seconds(self, value: impl Into<Value<i64>>) -> Self {
///         Self(self.0.with("DelaySeconds", value.into()))
///     }
/// }
///
/// impl From<Queue> for Properties {
///     fn from(queue: Queue) -> Self {
///         queue.0
///     }
/// }
///
/// impl ResourceType for Queue {
///     const TYPE: &'static str = "AWS::SQS::Queue";
///     const REQUIRED: &'static [&'static str] = &[];
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be added to a scope",
    label = "neither a construct nor a type of resource"
)]
pub trait ResourceType: Into<Properties> {
    /// The type's name, such as `AWS::SQS::Queue`.
    const TYPE: &'static str;
    /// Properties without which `CloudFormation` refuses the resource.
    const REQUIRED: &'static [&'static str];
    /// Whether the resource holds data that is lost with it.
    const STATEFUL: bool = false;
    /// Where the type takes tags, if it takes any.
    const TAGS: Option<Tags> = None;

    /// Returns the type's name: [`TYPE`](Self::TYPE), unless each has one of its own.
    fn type_name(&self) -> &'static str {
        Self::TYPE
    }
}

/// The property that holds a resource's tags, and the shape they have there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tags {
    /// A list of `{"Key": …, "Value": …}`.
    List(&'static str),
    /// A map from key to value.
    Map(&'static str),
}

/// Identifies a resource in its [`App`](crate::App).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId {
    pub(crate) app: u32,
    pub(crate) index: u32,
}

/// Identifies a parameter of a stack in its [`App`](crate::App).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParameterId {
    pub(crate) app: u32,
    pub(crate) index: u32,
}

/// An attribute of `R` that is a `T` and known once deployed.
pub struct Attribute<R, T> {
    name: &'static str,
    is_list: bool,
    of: PhantomData<fn(R) -> T>,
}

/// A resource that was added to a stack.
pub struct Ref<R> {
    id: ResourceId,
    of: PhantomData<fn() -> R>,
}

impl<R, T> Attribute<R, T> {
    /// Names an attribute as `CloudFormation` does, such as `Arn`.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            is_list: false,
            of: PhantomData,
        }
    }

    /// Returns the attribute's name.
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl<R, T> Attribute<R, Vec<T>> {
    /// Names an attribute that is a list: outputs are text, so on its way to another
    /// stack it is joined, and split again there.
    pub const fn list(name: &'static str) -> Self {
        Self {
            name,
            is_list: true,
            of: PhantomData,
        }
    }
}

impl<R> Ref<R> {
    pub(crate) const fn new(id: ResourceId) -> Self {
        Self {
            id,
            of: PhantomData,
        }
    }

    /// Returns the value of an attribute.
    pub const fn get<T>(self, attribute: Attribute<R, T>) -> Value<T> {
        Value::token(if attribute.is_list {
            Token::ListAttribute(self.id, attribute.name)
        } else {
            Token::Attribute(self.id, attribute.name)
        })
    }

    /// Returns what `CloudFormation` calls the resource: its name, id or URL.
    pub const fn reference(self) -> Value<String> {
        Value::token(Token::Ref(self.id))
    }

    /// Returns the resource's place in its app.
    pub const fn id(self) -> ResourceId {
        self.id
    }
}

impl ResourceId {
    /// Returns what `CloudFormation` calls the resource, as the kind `T` that it is.
    pub const fn reference<T>(self) -> Value<T> {
        Value::token(Token::Ref(self))
    }

    /// Returns the value of the attribute `name`, as the kind `T` that it is.
    pub const fn attribute<T>(self, name: &'static str) -> Value<T> {
        Value::token(Token::Attribute(self, name))
    }
}

// Derived impls would ask the same of `R`, which is only a name here.
impl<R, T> Clone for Attribute<R, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, T> Copy for Attribute<R, T> {}

impl<R, T> fmt::Debug for Attribute<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Attribute").field(&self.name).finish()
    }
}

impl<R> Clone for Ref<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Ref<R> {}

impl<R> PartialEq for Ref<R> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<R> Eq for Ref<R> {}

impl<R> fmt::Debug for Ref<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ref").field(&self.id).finish()
    }
}
