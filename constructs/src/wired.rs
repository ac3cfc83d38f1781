//! The infrastructure's side of a contract: addresses with their permissions.

use std::{fmt::Display, marker::PhantomData};

use lightsout_contract::{Capability, Environment, Setting, Side, Visitor};
use lightsout_core::Value;

use crate::iam::Statement;

/// The infrastructure's side of a contract.
///
/// A program's environment is filled with [`Wired`] capabilities here, and read
/// as endpoints by the running program.
#[derive(Debug, Clone, Copy)]
pub enum Infra {}

impl Side for Infra {
    type Of<C: Capability> = Wired<C>;
}

/// A capability as the infrastructure gives it: an address and its permission.
///
/// The two come together, so an address cannot be handed to a program without
/// the permission to use it. References make them: `queue.sender()`,
/// `bucket.reader()`.
#[derive(Debug)]
pub struct Wired<C> {
    address: Value<String>,
    statements: Vec<Statement>,
    capability: PhantomData<fn() -> C>,
}

impl<C: Capability> Wired<C> {
    /// Joins an address to the resource that its actions are allowed on.
    ///
    /// The actions are those of the capability itself.
    pub fn new(address: impl Into<Value<String>>, resource: impl Into<Value<String>>) -> Self {
        Self::allowed(address, Statement::allow(C::ACTIONS).on(resource))
    }

    /// Joins an address to a statement, for actions that take a condition.
    pub fn allowed(address: impl Into<Value<String>>, statement: Statement) -> Self {
        Self {
            address: address.into(),
            statements: vec![statement],
            capability: PhantomData,
        }
    }

    /// Adds what else the capability takes, such as the use of a key.
    pub fn and(mut self, statement: Statement) -> Self {
        self.statements.push(statement);
        self
    }

    /// Sees the same address with the same permissions as another capability.
    pub(crate) fn seen_as<D: Capability>(self) -> Wired<D> {
        Wired {
            address: self.address,
            statements: self.statements,
            capability: PhantomData,
        }
    }

    /// Returns what the program finds in its environment.
    pub fn address(&self) -> &Value<String> {
        &self.address
    }

    /// Returns what the program's role must allow.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }
}

impl<C> Clone for Wired<C> {
    fn clone(&self) -> Self {
        Self {
            address: self.address.clone(),
            statements: self.statements.clone(),
            capability: PhantomData,
        }
    }
}

/// What a [`Setting`] can be made from: a plain value, or text known later.
pub trait IntoSetting<T> {
    /// Returns the setting's text.
    fn into_setting(self) -> Value<String>;
}

impl<T: Display> IntoSetting<T> for T {
    fn into_setting(self) -> Value<String> {
        Value::Literal(self.to_string())
    }
}

impl IntoSetting<String> for &str {
    fn into_setting(self) -> Value<String> {
        self.into()
    }
}

impl IntoSetting<String> for Value<String> {
    fn into_setting(self) -> Value<String> {
        self
    }
}

/// Gives a program a plain value, which takes no permission.
///
/// ```
/// use lightsout::{Value, Wired, contract::Setting, setting};
///
/// let batch: Wired<Setting<u32>> = setting(10);
/// assert_eq!(batch.address(), &Value::from("10"));
/// assert!(batch.statements().is_empty());
/// ```
pub fn setting<T>(value: impl IntoSetting<T>) -> Wired<Setting<T>> {
    Wired {
        address: value.into_setting(),
        statements: Vec::new(),
        capability: PhantomData,
    }
}

/// An environment taken apart: its variables, and what they take.
pub(crate) struct Flattened {
    pub(crate) variables: Vec<(String, Value<String>)>,
    pub(crate) statements: Vec<Statement>,
}

impl Flattened {
    pub(crate) fn of(environment: impl Environment<Infra>) -> Self {
        let mut flattened = Self {
            variables: Vec::new(),
            statements: Vec::new(),
        };
        environment.visit(&mut flattened);
        flattened
    }
}

impl Visitor<Infra> for Flattened {
    fn variable<C: Capability>(&mut self, name: &'static str, value: Wired<C>) {
        self.variables.push((name.to_owned(), value.address));
        self.statements.extend(value.statements);
    }
}
