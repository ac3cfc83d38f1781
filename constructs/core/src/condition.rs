//! Conditions: what a template does in one deployment and not in another.

use std::panic::Location;

use crate::{Scope, Token, Tree, Value};

/// A question that is answered when a stack is deployed.
///
/// ```
/// use lightsout_core::{App, Condition, Parameter, Pseudo, Stage};
///
/// let mut app = App::new("lightsout", Stage::new("dev"));
/// let mut stack = app.stack("Hosts");
/// let size = stack.parameter("Size", Parameter::new().default("small"));
/// let is_small = stack.condition("IsSmall", Condition::equals(size, "small"));
/// stack.condition(
///     "IsLargeAtHome",
///     Condition::and([
///         Condition::not(is_small),
///         Condition::or([
///             Condition::equals(Pseudo::Region, "eu-central-1"),
///             Condition::equals(Pseudo::Region, "eu-west-1"),
///         ]),
///     ]),
/// );
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Condition(pub(crate) Tree);

/// A condition that was added to a stack.
///
/// It holds for that stack alone: conditions do not cross from template to
/// template, not even to a nested one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConditionRef(pub(crate) ConditionId);

/// Identifies a condition in its [`App`](crate::App).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConditionId {
    pub(crate) app: u32,
    pub(crate) index: u32,
}

/// Something that a stack's template declares in a section of its own.
#[derive(Debug, Clone)]
pub(crate) struct Declared<T> {
    pub(crate) stack: usize,
    pub(crate) path: String,
    pub(crate) logical_id: String,
    pub(crate) what: T,
    pub(crate) location: &'static Location<'static>,
}

/// The most and the fewest that `Fn::And` and `Fn::Or` take.
const MOST_OPERANDS: usize = 10;

impl Condition {
    /// Asks whether two texts are the same; numbers and booleans count as text.
    pub fn equals(left: impl Into<Value<String>>, right: impl Into<Value<String>>) -> Self {
        Self(Tree::object([(
            "Fn::Equals",
            Tree::from(vec![left.into(), right.into()]),
        )]))
    }

    /// Asks whether all of `conditions` hold; one at least must be given.
    pub fn and(conditions: impl IntoIterator<Item = impl Into<Self>>) -> Self {
        Self::combine("Fn::And", conditions)
    }

    /// Asks whether one of `conditions` holds; one at least must be given.
    pub fn or(conditions: impl IntoIterator<Item = impl Into<Self>>) -> Self {
        Self::combine("Fn::Or", conditions)
    }

    /// Asks whether `condition` does not hold.
    pub fn not(condition: impl Into<Self>) -> Self {
        Self(Tree::object([(
            "Fn::Not",
            Tree::List(vec![condition.into().0]),
        )]))
    }

    fn combine(
        function: &'static str,
        conditions: impl IntoIterator<Item = impl Into<Self>>,
    ) -> Self {
        let operands = conditions.into_iter().map(|condition| condition.into().0);
        Self(combine(function, operands.collect()))
    }
}

/// Joins operands, ten at a time: that is the most that the functions take.
pub(crate) fn combine(function: &'static str, mut operands: Vec<Tree>) -> Tree {
    while operands.len() > MOST_OPERANDS {
        operands = operands
            .chunks(MOST_OPERANDS)
            .map(|chunk| combine(function, chunk.to_vec()))
            .collect();
    }
    match <[Tree; 1]>::try_from(operands) {
        Ok([only]) => only,
        Err(operands) => Tree::object([(function, Tree::List(operands))]),
    }
}

impl ConditionRef {
    /// Returns `then` where the condition holds and `otherwise` where it does not.
    ///
    /// ```
    /// use lightsout_core::{App, Condition, Parameter, Stage, Value};
    ///
    /// let mut app = App::new("lightsout", Stage::new("dev"));
    /// let mut stack = app.stack("Hosts");
    /// let size = stack.parameter("Size", Parameter::new().default("small"));
    /// let is_small = stack.condition("IsSmall", Condition::equals(size, "small"));
    ///
    /// let delay: Value<i64> = is_small.choose(60, 5);
    /// ```
    pub fn choose<T: Into<Tree>>(
        self,
        then: impl Into<Value<T>>,
        otherwise: impl Into<Value<T>>,
    ) -> Value<T> {
        Value::token(self.token(then.into().into(), otherwise.into().into()))
    }

    /// Returns `value` where the condition holds; elsewhere the property is not set.
    pub fn or_nothing<T: Into<Tree>>(self, value: impl Into<Value<T>>) -> Value<T> {
        let nothing = Tree::from(crate::Pseudo::NoValue);
        Value::token(self.token(value.into().into(), nothing))
    }

    /// Chooses between two trees, for properties with properties of their own.
    pub fn choose_tree(self, then: impl Into<Tree>, otherwise: impl Into<Tree>) -> Tree {
        self.token(then.into(), otherwise.into()).into()
    }

    fn token(self, then: Tree, otherwise: Tree) -> Token {
        Token::If(self.0, Box::new(then), Box::new(otherwise))
    }
}

impl From<ConditionRef> for Condition {
    fn from(condition: ConditionRef) -> Self {
        Self(Tree::Token(Token::Condition(condition.0)))
    }
}

impl Scope<'_> {
    /// Adds a condition to the stack.
    #[track_caller]
    pub fn condition(&mut self, id: &str, condition: impl Into<Condition>) -> ConditionRef {
        let declared = self.declared(id, condition.into(), Location::caller());
        let id = ConditionId {
            app: self.app.identity,
            index: crate::scope::index(self.app.language.conditions.len()),
        };
        self.app.language.conditions.push(declared);
        ConditionRef(id)
    }

    /// Creates `resource` only where `condition` holds.
    ///
    /// What others in the same stack use of it must be chosen by the same condition.
    #[track_caller]
    pub fn only_if(&mut self, resource: crate::ResourceId, condition: ConditionRef) {
        if let Some(resource) = self.resource(resource, Location::caller()) {
            resource.condition = Some(condition.0);
        }
    }

    /// Adds an output to the stack only where `condition` holds.
    #[track_caller]
    pub fn output_if(
        &mut self,
        condition: ConditionRef,
        id: &str,
        value: impl Into<Value<String>>,
        description: impl Into<String>,
    ) {
        self.output(id, value, description);
        if let Some(output) = self.app.outputs.last_mut() {
            output.condition = Some(condition.0);
        }
    }

    /// Takes `id` for something in a section of the template.
    pub(crate) fn declared<T>(
        &mut self,
        id: &str,
        what: T,
        location: &'static Location<'static>,
    ) -> Declared<T> {
        let path = self.child(id, location);
        Declared {
            stack: self.stack,
            logical_id: self.logical_id(&path),
            path,
            what,
            location,
        }
    }
}
