//! Rules: what parameters must be together, checked before anything is changed.

use std::panic::Location;

use crate::{
    AwsParameter, ParameterId, ParameterRef, Pseudo, Scope, Token, Tree,
    condition::{Declared, combine},
};

/// What the parameters of a stack must be together.
///
/// `CloudFormation` checks rules before it changes anything, and tells the
/// description of an assertion that does not hold.
///
/// ```
/// use lightsout_core::{App, Assertion, AwsParameter, Parameter, Rule, Stage};
///
/// let mut app = App::new("lightsout", Stage::new("dev"));
/// let mut stack = app.stack("Hosts");
/// let kind = stack.parameter_ref("Kind", Parameter::new().default("small"));
/// let subnets = stack.parameter_ref("Subnets", Parameter::aws_list(AwsParameter::SubnetId));
/// let vpc = stack.parameter_ref("Vpc", Parameter::aws(AwsParameter::VpcId));
/// stack.rule(
///     "OneVpc",
///     Rule::new()
///         .when(Assertion::not(Assertion::equals(kind, "none")))
///         .assert(
///             Assertion::each_member_equals(subnets.values_of("VpcId"), vpc),
///             "all subnets are in the VPC",
///         ),
/// );
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rule {
    pub(crate) when: Option<Assertion>,
    pub(crate) assertions: Vec<(Assertion, String)>,
}

/// Something that must be true of parameters.
///
/// Only what rules may use can be written: parameters, the region and the like,
/// and literals. Resources, mappings and conditions do not compile.
///
/// ```compile_fail
/// use lightsout_core::{App, Assertion, Parameter, Stage};
///
/// let mut app = App::new("lightsout", Stage::new("dev"));
/// let size = app.stack("Hosts").parameter("Size", Parameter::new());
/// // A value may come from anywhere; a `ParameterRef` is a parameter.
/// Assertion::equals(size, "small");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Assertion(pub(crate) Tree);

/// One value in an [`Assertion`].
#[derive(Debug, Clone, PartialEq)]
pub struct RuleValue(Tree);

/// Several values in an [`Assertion`].
#[derive(Debug, Clone, PartialEq)]
pub struct RuleList(Tree);

impl Rule {
    /// A rule that asserts nothing yet.
    pub const fn new() -> Self {
        Self {
            when: None,
            assertions: Vec::new(),
        }
    }

    /// Checks the assertions only where `condition` holds.
    pub fn when(mut self, condition: Assertion) -> Self {
        self.when = Some(condition);
        self
    }

    /// Demands `assertion`, with what to tell people for whom it does not hold.
    pub fn assert(mut self, assertion: Assertion, description: impl Into<String>) -> Self {
        self.assertions.push((assertion, description.into()));
        self
    }

    /// Returns the rule's entry in a template.
    pub(crate) fn tree(&self) -> Tree {
        let mut entries = Vec::with_capacity(2);
        if let Some(Assertion(when)) = &self.when {
            entries.push(("RuleCondition", when.clone()));
        }
        let assertions = self.assertions.iter().map(|(assertion, description)| {
            let mut entry = vec![("Assert", assertion.0.clone())];
            if !description.is_empty() {
                entry.push(("AssertDescription", description.as_str().into()));
            }
            Tree::object(entry)
        });
        entries.push(("Assertions", assertions.collect()));
        Tree::object(entries)
    }
}

impl Assertion {
    /// Both values are the same.
    pub fn equals(left: impl Into<RuleValue>, right: impl Into<RuleValue>) -> Self {
        Self::call("Fn::Equals", [left.into().0, right.into().0])
    }

    /// The value is one of the list.
    pub fn contains(list: impl Into<RuleList>, value: impl Into<RuleValue>) -> Self {
        Self::call("Fn::Contains", [list.into().0, value.into().0])
    }

    /// Each of the list is the value.
    pub fn each_member_equals(list: impl Into<RuleList>, value: impl Into<RuleValue>) -> Self {
        Self::call("Fn::EachMemberEquals", [list.into().0, value.into().0])
    }

    /// Each of the first list is in the second.
    pub fn each_member_in(list: impl Into<RuleList>, within: impl Into<RuleList>) -> Self {
        Self::call("Fn::EachMemberIn", [list.into().0, within.into().0])
    }

    /// All of `assertions` hold; one at least must be given.
    pub fn and(assertions: impl IntoIterator<Item = Self>) -> Self {
        let operands = assertions.into_iter().map(|assertion| assertion.0);
        Self(combine("Fn::And", operands.collect()))
    }

    /// One of `assertions` holds; one at least must be given.
    pub fn or(assertions: impl IntoIterator<Item = Self>) -> Self {
        let operands = assertions.into_iter().map(|assertion| assertion.0);
        Self(combine("Fn::Or", operands.collect()))
    }

    /// `assertion` does not hold.
    #[expect(
        clippy::should_implement_trait,
        reason = "named like the function, beside `and` and `or`"
    )]
    pub fn not(assertion: Self) -> Self {
        Self::call("Fn::Not", [assertion.0])
    }

    fn call<const N: usize>(function: &'static str, operands: [Tree; N]) -> Self {
        Self(Tree::object([(function, Tree::from(operands))]))
    }
}

impl RuleList {
    /// Everything of a kind that is in the account: `Fn::RefAll`.
    pub fn all(kind: AwsParameter) -> Self {
        Self(Tree::object([("Fn::RefAll", kind.name().into())]))
    }

    /// An attribute of all parameters of a kind: `Fn::ValueOfAll`, such as `VpcId`
    /// or `Tags.Department` of every subnet.
    pub fn values_of_all(kind: AwsParameter, attribute: &str) -> Self {
        Self(Tree::object([(
            "Fn::ValueOfAll",
            vec![kind.name(), attribute].into(),
        )]))
    }
}

impl ParameterRef<String> {
    /// Returns an attribute of what the parameter names: `Fn::ValueOf`, such as
    /// `VpcId` or `Tags.Department` of a subnet.
    pub fn value_of(self, attribute: &str) -> RuleValue {
        RuleValue(value_of(self.id, attribute))
    }
}

impl ParameterRef<Vec<String>> {
    /// Returns an attribute of each thing that the parameter names: `Fn::ValueOf`.
    pub fn values_of(self, attribute: &str) -> RuleList {
        RuleList(value_of(self.id, attribute))
    }
}

fn value_of(parameter: ParameterId, attribute: &str) -> Tree {
    Token::ValueOf(parameter, attribute.to_owned()).into()
}

impl From<&str> for RuleValue {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for RuleValue {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<Pseudo> for RuleValue {
    fn from(pseudo: Pseudo) -> Self {
        Self(pseudo.into())
    }
}

macro_rules! parameters {
    ($($value:ty => $to:ident),+) => {$(
        impl From<ParameterRef<$value>> for $to {
            fn from(parameter: ParameterRef<$value>) -> Self {
                Self(Token::Parameter(parameter.id).into())
            }
        }
    )+};
}

parameters!(String => RuleValue, i64 => RuleValue, f64 => RuleValue, Vec<String> => RuleList, Vec<i64> => RuleList);

impl<const N: usize> From<[&str; N]> for RuleList {
    fn from(items: [&str; N]) -> Self {
        Self(items.into())
    }
}

impl From<Vec<String>> for RuleList {
    fn from(items: Vec<String>) -> Self {
        Self(items.into())
    }
}

impl Scope<'_> {
    /// Adds a rule to the stack.
    #[track_caller]
    pub fn rule(&mut self, id: &str, rule: Rule) {
        let declared: Declared<Rule> = self.declared(id, rule, Location::caller());
        self.app.language.rules.push(declared);
    }
}
