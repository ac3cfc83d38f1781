//! Values that are given when a stack is deployed.

use std::{borrow::Cow, marker::PhantomData};

use crate::{ParameterId, Token, Tree, Value};

/// A value that is given when a stack is deployed.
///
/// Its type says which Rust type its value has.
///
/// ```
/// use lightsout_core::{App, AwsParameter, Parameter, Stage, Value};
///
/// let mut app = App::new("lightsout", Stage::new("dev"));
/// let mut stack = app.stack("Hosts");
/// let image: Value<String> = stack.parameter(
///     "Image",
///     Parameter::new().default("ami-0a1b2c3d").description("Image of the hosts"),
/// );
/// let password = stack.parameter("Password", Parameter::new().min_length(12).no_echo());
/// let hosts: Value<i64> = stack.parameter("Hosts", Parameter::number().default(2).between(1, 8));
/// let zones: Value<Vec<String>> = stack.parameter("Zones", Parameter::list());
/// let vpc: Value<String> = stack.parameter("Vpc", Parameter::aws(AwsParameter::VpcId));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter<T = String> {
    pub(crate) definition: ParameterDefinition,
    of: PhantomData<fn() -> T>,
}

/// What a template says of a parameter.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ParameterDefinition {
    pub(crate) kind: Cow<'static, str>,
    pub(crate) default: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) pattern: Option<String>,
    pub(crate) allowed: Vec<Tree>,
    /// The shortest and the longest text.
    pub(crate) lengths: (Option<u32>, Option<u32>),
    /// The least and the greatest number.
    pub(crate) range: (Option<Number>, Option<Number>),
    pub(crate) constraint_description: Option<String>,
    pub(crate) no_echo: bool,
}

/// A bound of a number, whole if it can be: beyond 2^53 a float is not exact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Whole(i64),
    Fraction(f64),
}

/// A parameter that was added to a stack: what a [`Rule`](crate::Rule) is about.
#[derive(Debug)]
pub struct ParameterRef<T> {
    pub(crate) id: ParameterId,
    of: PhantomData<fn() -> T>,
}

/// The kinds of things in AWS that a parameter can name.
///
/// `CloudFormation` checks that the account has what is named, before it changes
/// anything. ([User guide, AWS-specific parameter types][types])
///
/// [types]: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AwsParameter {
    /// An availability zone, such as `eu-central-1a`.
    AvailabilityZone,
    /// The id of a machine image.
    ImageId,
    /// The id of an instance.
    InstanceId,
    /// The name of a key pair.
    KeyPairName,
    /// The name of a security group in the default VPC.
    SecurityGroupName,
    /// The id of a security group.
    SecurityGroupId,
    /// The id of a subnet.
    SubnetId,
    /// The id of an EBS volume.
    VolumeId,
    /// The id of a VPC.
    VpcId,
    /// The id of a Route 53 zone.
    HostedZoneId,
}

impl Parameter {
    /// A text parameter without a default.
    pub const fn new() -> Self {
        Self::of_type("String")
    }

    /// A parameter of another type, such as
    /// `AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>`.
    pub const fn of_type(kind: &'static str) -> Self {
        Self::of_kind(Cow::Borrowed(kind))
    }

    /// A whole number.
    pub const fn number() -> Parameter<i64> {
        Parameter::of_kind(Cow::Borrowed("Number"))
    }

    /// A number with a fraction.
    pub const fn decimal() -> Parameter<f64> {
        Parameter::of_kind(Cow::Borrowed("Number"))
    }

    /// Several texts, given with commas between them.
    pub const fn list() -> Parameter<Vec<String>> {
        Parameter::of_kind(Cow::Borrowed("CommaDelimitedList"))
    }

    /// Several whole numbers, given with commas between them.
    pub const fn numbers() -> Parameter<Vec<i64>> {
        Parameter::of_kind(Cow::Borrowed("List<Number>"))
    }

    /// Something that is there in the account, such as a VPC.
    pub const fn aws(kind: AwsParameter) -> Self {
        Self::of_type(kind.name())
    }

    /// Several things that are there in the account; key pairs come one by one.
    pub fn aws_list(kind: AwsParameter) -> Parameter<Vec<String>> {
        Parameter::of_kind(format!("List<{}>", kind.name()).into())
    }

    /// The value of an SSM parameter: given, or by default, is that parameter's name.
    pub const fn ssm() -> Self {
        Self::of_type("AWS::SSM::Parameter::Value<String>")
    }

    /// The value of an SSM parameter that is a list.
    pub const fn ssm_list() -> Parameter<Vec<String>> {
        Parameter::of_kind(Cow::Borrowed("AWS::SSM::Parameter::Value<List<String>>"))
    }

    /// The value of an SSM parameter that names something in the account.
    pub fn ssm_aws(kind: AwsParameter) -> Self {
        Self::of_kind(format!("AWS::SSM::Parameter::Value<{}>", kind.name()).into())
    }

    /// The value of an SSM parameter that lists things in the account.
    pub fn ssm_aws_list(kind: AwsParameter) -> Parameter<Vec<String>> {
        Parameter::of_kind(format!("AWS::SSM::Parameter::Value<List<{}>>", kind.name()).into())
    }

    /// The name of an SSM parameter that is there.
    pub const fn ssm_name() -> Self {
        Self::of_type("AWS::SSM::Parameter::Name")
    }
}

impl<T> Parameter<T> {
    const fn of_kind(kind: Cow<'static, str>) -> Self {
        Self {
            definition: ParameterDefinition {
                kind,
                default: None,
                description: None,
                pattern: None,
                allowed: Vec::new(),
                lengths: (None, None),
                range: (None, None),
                constraint_description: None,
                no_echo: false,
            },
            of: PhantomData,
        }
    }

    /// Says what the value is for.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.definition.description = Some(text.into());
        self
    }

    /// Says which values are taken, for the message when another one is given.
    pub fn constraint_description(mut self, text: impl Into<String>) -> Self {
        self.definition.constraint_description = Some(text.into());
        self
    }

    /// Keeps the value out of consoles and command output.
    pub fn no_echo(mut self) -> Self {
        self.definition.no_echo = true;
        self
    }

    /// Returns the type's name in a template, such as `Number`.
    pub fn kind(&self) -> &str {
        &self.definition.kind
    }
}

impl Parameter<String> {
    /// Gives the value that is used if none is given.
    pub fn default(mut self, value: impl Into<String>) -> Self {
        self.definition.default = Some(value.into());
        self
    }

    /// Accepts only values that match this regular expression as a whole.
    pub fn pattern(mut self, expression: impl Into<String>) -> Self {
        self.definition.pattern = Some(expression.into());
        self
    }

    /// Accepts only one of `values`.
    pub fn allowed(mut self, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let values = values.into_iter().map(|value| Tree::from(value.into()));
        self.definition.allowed = values.collect();
        self
    }

    /// Accepts only values of at least so many characters.
    pub fn min_length(mut self, characters: u32) -> Self {
        self.definition.lengths.0 = Some(characters);
        self
    }

    /// Accepts only values of at most so many characters.
    pub fn max_length(mut self, characters: u32) -> Self {
        self.definition.lengths.1 = Some(characters);
        self
    }
}

impl Parameter<Vec<String>> {
    /// Gives the values that are used if none are given; none may hold a comma.
    pub fn default(mut self, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        self.definition.default = Some(values.join(","));
        self
    }

    /// Accepts only values that match this regular expression, each as a whole.
    pub fn pattern(mut self, expression: impl Into<String>) -> Self {
        self.definition.pattern = Some(expression.into());
        self
    }

    /// Accepts only some of `values`.
    pub fn allowed(mut self, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let values = values.into_iter().map(|value| Tree::from(value.into()));
        self.definition.allowed = values.collect();
        self
    }
}

impl Parameter<Vec<i64>> {
    /// Gives the numbers that are used if none are given.
    pub fn default(mut self, values: impl IntoIterator<Item = i64>) -> Self {
        let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
        self.definition.default = Some(values.join(","));
        self
    }
}

macro_rules! numbers {
    ($($number:ty => $bound:ident),+) => {$(
        impl Parameter<$number> {
            /// Gives the number that is used if none is given.
            pub fn default(mut self, value: $number) -> Self {
                self.definition.default = Some(value.to_string());
                self
            }

            /// Accepts only one of `values`.
            pub fn allowed(mut self, values: impl IntoIterator<Item = $number>) -> Self {
                self.definition.allowed = values.into_iter().map(Tree::from).collect();
                self
            }

            /// Accepts only numbers from `least` to `greatest`, both of them included.
            pub fn between(self, least: $number, greatest: $number) -> Self {
                self.at_least(least).at_most(greatest)
            }

            /// Accepts only this number and greater ones.
            pub fn at_least(mut self, least: $number) -> Self {
                self.definition.range.0 = Some(Number::$bound(least));
                self
            }

            /// Accepts only this number and smaller ones.
            pub fn at_most(mut self, greatest: $number) -> Self {
                self.definition.range.1 = Some(Number::$bound(greatest));
                self
            }
        }
    )+};
}

numbers!(i64 => Whole, f64 => Fraction);

impl Default for Parameter {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> ParameterRef<T> {
    pub(crate) const fn new(id: ParameterId) -> Self {
        Self {
            id,
            of: PhantomData,
        }
    }

    /// Returns the value that is given when the stack is deployed.
    pub const fn value(self) -> Value<T> {
        Value::token(Token::Parameter(self.id))
    }
}

impl<T> Clone for ParameterRef<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ParameterRef<T> {}

impl<T> From<ParameterRef<T>> for Value<T> {
    fn from(parameter: ParameterRef<T>) -> Self {
        parameter.value()
    }
}

impl AwsParameter {
    /// Returns the name in a template, such as `AWS::EC2::VPC::Id`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AvailabilityZone => "AWS::EC2::AvailabilityZone::Name",
            Self::ImageId => "AWS::EC2::Image::Id",
            Self::InstanceId => "AWS::EC2::Instance::Id",
            Self::KeyPairName => "AWS::EC2::KeyPair::KeyName",
            Self::SecurityGroupName => "AWS::EC2::SecurityGroup::GroupName",
            Self::SecurityGroupId => "AWS::EC2::SecurityGroup::Id",
            Self::SubnetId => "AWS::EC2::Subnet::Id",
            Self::VolumeId => "AWS::EC2::Volume::Id",
            Self::VpcId => "AWS::EC2::VPC::Id",
            Self::HostedZoneId => "AWS::Route53::HostedZone::Id",
        }
    }
}

impl ParameterDefinition {
    /// Returns whether the value is a list rather than one text or number.
    pub(crate) fn is_list(&self) -> bool {
        self.kind == "CommaDelimitedList" || self.kind.contains("List<")
    }

    /// Returns the parameter's entry in a template.
    pub(crate) fn entry(&self) -> Tree {
        let mut entries = vec![("Type", self.kind.as_ref().into())];
        let texts = [
            ("Default", &self.default),
            ("Description", &self.description),
            ("AllowedPattern", &self.pattern),
            ("ConstraintDescription", &self.constraint_description),
        ];
        entries.extend(
            texts
                .into_iter()
                .filter_map(|(key, text)| Some((key, text.as_deref()?.into()))),
        );
        if !self.allowed.is_empty() {
            entries.push(("AllowedValues", Tree::List(self.allowed.clone())));
        }
        let bounds = [
            ("MinLength", self.lengths.0.map(Tree::from)),
            ("MaxLength", self.lengths.1.map(Tree::from)),
            ("MinValue", self.range.0.map(Tree::from)),
            ("MaxValue", self.range.1.map(Tree::from)),
        ];
        entries.extend(
            bounds
                .into_iter()
                .filter_map(|(key, tree)| Some((key, tree?))),
        );
        if self.no_echo {
            entries.push(("NoEcho", true.into()));
        }
        Tree::object(entries)
    }

    /// Returns what is wrong with the definition, each as the rest of a sentence.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if let (Some(least), Some(most)) = self.lengths
            && least > most
        {
            wrong.push(format!(
                "takes from {least} to {most} characters: no text at all"
            ));
        }
        if let (Some(least), Some(greatest)) = self.range
            && least.float() > greatest.float()
        {
            let (least, greatest) = (least.text(), greatest.text());
            wrong.push(format!(
                "takes from {least} to {greatest}: no number at all"
            ));
        }
        if self.kind.contains("List<AWS::EC2::KeyPair::KeyName>")
            && !self.kind.starts_with("AWS::SSM")
        {
            wrong.push("is a list of key pairs, which `CloudFormation` has no type for".to_owned());
        }
        let pattern = self.pattern.as_deref().and_then(|pattern| {
            // The syntax is Java's, and what only Java reads is left to `CloudFormation`.
            regex_lite::Regex::new(&format!("^(?:{pattern})$")).ok()
        });
        let Some(default) = &self.default else {
            return wrong;
        };
        let items: Vec<&str> = if self.is_list() {
            default.split(',').map(str::trim).collect()
        } else {
            vec![default]
        };
        for item in items {
            wrong.extend(
                self.broken_by(item, pattern.as_ref())
                    .map(|constraint| format!("has the default `{item}`, {constraint}")),
            );
        }
        wrong
    }

    /// Returns the constraint that `value` breaks first.
    fn broken_by(&self, value: &str, pattern: Option<&regex_lite::Regex>) -> Option<String> {
        let is_number = matches!(self.kind.as_ref(), "Number" | "List<Number>");
        let number = value
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite());
        if is_number && number.is_none() {
            return Some("which is no number".to_owned());
        }
        let is_allowed = |allowed: &Tree| match allowed {
            Tree::Literal(serde_json::Value::Number(allowed)) => allowed.as_f64() == number,
            other => other.as_str() == Some(value),
        };
        if !self.allowed.is_empty() && !self.allowed.iter().any(is_allowed) {
            return Some("which is not one of the allowed values".to_owned());
        }
        if let (Some(pattern), Some(expression)) = (pattern, &self.pattern)
            && !pattern.is_match(value)
        {
            return Some(format!("which does not match `{expression}`"));
        }
        let length = value.chars().count();
        if let Some(least) = self.lengths.0.filter(|least| length < *least as usize) {
            return Some(format!("of {length} characters; it takes at least {least}"));
        }
        if let Some(most) = self.lengths.1.filter(|most| length > *most as usize) {
            return Some(format!("of {length} characters; it takes at most {most}"));
        }
        let number = number?;
        if let Some(least) = self.range.0.filter(|least| number < least.float()) {
            return Some(format!("below {}", least.text()));
        }
        if let Some(greatest) = self.range.1.filter(|greatest| number > greatest.float()) {
            return Some(format!("above {}", greatest.text()));
        }
        None
    }
}

impl Number {
    #[expect(
        clippy::cast_precision_loss,
        reason = "only compared with a default, which is as inexact"
    )]
    const fn float(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Fraction(number) => number,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Whole(number) => number.to_string(),
            Self::Fraction(number) => number.to_string(),
        }
    }
}

impl From<Number> for Tree {
    fn from(number: Number) -> Self {
        match number {
            Number::Whole(number) => number.into(),
            Number::Fraction(number) => number.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_that_breaks_a_constraint_is_told_with_the_constraint() {
        let wrong: [(ParameterDefinition, &str); 8] = [
            (
                Parameter::new().allowed(["a", "b"]).default("c").definition,
                "has the default `c`, which is not one of the allowed values",
            ),
            (
                Parameter::new()
                    .pattern("[a-z]+|0")
                    .default("a1")
                    .definition,
                "has the default `a1`, which does not match `[a-z]+|0`",
            ),
            (
                Parameter::new().min_length(3).default("ä1").definition,
                "has the default `ä1`, of 2 characters; it takes at least 3",
            ),
            (
                Parameter::number().between(1, 8).default(9).definition,
                "has the default `9`, above 8",
            ),
            (
                Parameter::decimal().at_least(0.5).default(0.25).definition,
                "has the default `0.25`, below 0.5",
            ),
            (
                Parameter::list()
                    .pattern("[a-z]+")
                    .default(["a", "B"])
                    .definition,
                "has the default `B`, which does not match `[a-z]+`",
            ),
            (
                Parameter::of_type("Number").default("many").definition,
                "has the default `many`, which is no number",
            ),
            (
                Parameter::number().between(3, 2).definition,
                "takes from 3 to 2: no number at all",
            ),
        ];
        for (definition, expected) in wrong {
            assert_eq!(definition.wrong(), [expected]);
        }
    }

    #[test]
    fn a_default_within_its_constraints_is_fine() {
        let fine = [
            Parameter::new().allowed(["a"]).default("a").definition,
            Parameter::new()
                .pattern("(?!Java).*")
                .default("Java")
                .definition,
            Parameter::number().allowed([1, 2]).default(2).definition,
            Parameter::numbers().default([1, 2]).definition,
            Parameter::aws_list(AwsParameter::SubnetId).definition,
            Parameter::ssm().default("/hosts/image").definition,
        ];
        for definition in fine {
            assert!(definition.wrong().is_empty(), "{definition:?}");
        }
    }

    #[test]
    fn the_type_says_whether_the_value_is_a_list() {
        assert!(Parameter::list().definition.is_list());
        assert!(Parameter::numbers().definition.is_list());
        assert!(
            Parameter::aws_list(AwsParameter::VpcId)
                .definition
                .is_list()
        );
        assert!(
            Parameter::ssm_aws_list(AwsParameter::VpcId)
                .definition
                .is_list()
        );
        assert!(Parameter::ssm_list().definition.is_list());
        assert!(!Parameter::ssm().definition.is_list());
        assert!(!Parameter::number().definition.is_list());
    }
}
