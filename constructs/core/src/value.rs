//! Typed values: known now, or known once deployed.

use std::{fmt, marker::PhantomData};

use crate::{Part, Token, Tree};

/// A property's value: known now, or known once deployed.
///
/// ```
/// use lightsout_core::{Arn, Value};
///
/// struct Queue;
/// let arn: Value<Arn<Queue>> = Arn::new("arn:aws:sqs:us-east-1:111122223333:jobs").into();
/// let text: Value<String> = arn.into();
/// ```
///
/// Any ARN is text, but text is never an ARN:
///
/// ```compile_fail
/// use lightsout_core::{Arn, Value};
///
/// struct Queue;
/// let arn: Value<Arn<Queue>> = Value::from("jobs").into();
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Value<T> {
    /// Known now.
    Literal(T),
    /// Known once deployed.
    Token(Token, PhantomData<T>),
}

/// A kind of text that a template can hold.
pub trait Text {
    /// Returns the text itself.
    fn into_text(self) -> String;
}

impl<T> Value<T> {
    /// Returns a value that `CloudFormation` fills in.
    pub const fn token(token: Token) -> Self {
        Self::Token(token, PhantomData)
    }

    /// Returns the value, if it is known now.
    pub const fn literal(&self) -> Option<&T> {
        match self {
            Self::Literal(literal) => Some(literal),
            Self::Token(..) => None,
        }
    }
}

impl<T: Text> Value<T> {
    /// Forgets which kind of text this is.
    pub fn text(self) -> Value<String> {
        match self {
            Self::Literal(literal) => Value::Literal(literal.into_text()),
            Self::Token(token, _) => Value::token(token),
        }
    }
}

impl Value<String> {
    /// Joins `parts` without a delimiter; what is known is joined now.
    ///
    /// The [`join!`](crate::join!) macro reads better where the parts are few.
    pub fn join(parts: impl IntoIterator<Item = Part>) -> Self {
        let mut joined = Vec::new();
        for part in parts {
            append(&mut joined, part);
        }
        match (joined.pop(), joined.is_empty()) {
            (None, _) => Self::Literal(String::new()),
            (Some(Part::Text(text)), true) => Self::Literal(text),
            (Some(Part::Token(token)), true) => Self::token(token),
            (Some(last), false) => {
                joined.push(last);
                Self::token(Token::Join(joined))
            }
        }
    }
}

/// Appends `part`, merging neighbouring text and unfolding joins within joins.
fn append(joined: &mut Vec<Part>, part: Part) {
    match part {
        Part::Text(text) if text.is_empty() => (),
        Part::Text(text) => match joined.last_mut() {
            Some(Part::Text(last)) => last.push_str(&text),
            _ => joined.push(Part::Text(text)),
        },
        Part::Token(Token::Join(inner)) => {
            for part in inner {
                append(joined, part);
            }
        }
        Part::Token(token) => joined.push(Part::Token(token)),
    }
}

macro_rules! literals {
    ($($from:ty => $to:ty),+ $(,)?) => {$(
        impl From<$from> for Value<$to> {
            fn from(literal: $from) -> Self {
                Self::Literal(literal.into())
            }
        }
    )+};
}

literals! {
    &str => String, &String => String, String => String,
    bool => bool,
    u8 => i64, u16 => i64, u32 => i64, i32 => i64, i64 => i64,
    u8 => f64, u16 => f64, u32 => f64, i32 => f64, f64 => f64,
}

impl<T> From<Vec<T>> for Value<Vec<T>> {
    fn from(items: Vec<T>) -> Self {
        Self::Literal(items)
    }
}

impl Text for String {
    fn into_text(self) -> String {
        self
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Part {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Text> From<Value<T>> for Part {
    fn from(value: Value<T>) -> Self {
        match value.text() {
            Value::Literal(text) => Self::Text(text),
            Value::Token(token, _) => Self::Token(token),
        }
    }
}

impl<T: Text + Clone> From<&Value<T>> for Part {
    fn from(value: &Value<T>) -> Self {
        value.clone().into()
    }
}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl From<$number> for Part {
            fn from(number: $number) -> Self {
                Self::Text(number.to_string())
            }
        }
    )+};
}

numbers!(i32, i64, u16, u32);

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident,)+) => {$(
        $(#[$doc])*
        pub struct $name<R>(String, PhantomData<fn() -> R>);

        impl<R> $name<R> {
            /// Takes `text`, which must be of this kind: it is not checked here.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into(), PhantomData)
            }

            /// Returns the text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<R> Clone for $name<R> {
            fn clone(&self) -> Self {
                Self(self.0.clone(), PhantomData)
            }
        }

        impl<R> PartialEq for $name<R> {
            fn eq(&self, other: &Self) -> bool {
                self.0 == other.0
            }
        }

        impl<R> Eq for $name<R> {}

        impl<R> fmt::Debug for $name<R> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0).finish()
            }
        }

        impl<R> fmt::Display for $name<R> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<R> Text for $name<R> {
            fn into_text(self) -> String {
                self.0
            }
        }

        impl<R> From<$name<R>> for Tree {
            fn from(text: $name<R>) -> Self {
                text.0.into()
            }
        }

        impl<R> From<$name<R>> for Value<$name<R>> {
            fn from(text: $name<R>) -> Self {
                Self::Literal(text)
            }
        }

        impl<R> From<Value<$name<R>>> for Value<String> {
            fn from(value: Value<$name<R>>) -> Self {
                value.text()
            }
        }
    )+};
}

texts! {
    /// The ARN of an `R`; not to be mistaken for its name or URL.
    Arn,
    /// The URL of an `R`.
    Url,
    /// The name of an `R`.
    Name,
    /// The id of an `R`, such as `vpc-0a1b2c3d`.
    Id,
}
