//! Values that `CloudFormation` fills in.

use std::borrow::Cow;

use crate::{AssetId, ConditionId, MappingId, ParameterId, ResourceId, Tree, Value};

/// A value that `CloudFormation` fills in while it deploys.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Token {
    /// `Ref`: what `CloudFormation` calls a resource's own name or id.
    Ref(ResourceId),
    /// `Fn::GetAtt`: an attribute of a resource.
    Attribute(ResourceId, &'static str),
    /// `Fn::GetAtt` of an attribute that is a list.
    ListAttribute(ResourceId, &'static str),
    /// Something that another stack reads with `Fn::GetStackOutput`.
    Weak {
        /// What is read.
        of: Box<Self>,
        /// The ARN of the role that reads it, where another account's must.
        role: Option<Box<Part>>,
    },
    /// The value of a parameter of a stack.
    Parameter(ParameterId),
    /// The content hash of an asset, a parameter of each stack that uses it.
    Asset(AssetId),
    /// What `CloudFormation` knows of the deployment itself.
    Pseudo(Pseudo),
    /// `Fn::Join` without a delimiter.
    Join(Vec<Part>),
    /// `Fn::Base64`.
    Base64(Box<Part>),
    /// `Fn::Select`: the item with this index, from 0, of a list.
    Select(u32, Box<Tree>),
    /// `Fn::Split`: a list, from text and the delimiter between its items.
    Split(String, Box<Part>),
    /// `Fn::Cidr`: `count` blocks of `bits` host bits within a block.
    Cidr {
        /// The block to divide, such as `10.0.0.0/16`.
        block: Box<Part>,
        /// How many blocks to return, 1 to 256.
        count: u16,
        /// Bits for hosts in each block; 8 gives a `/24` in IPv4.
        bits: u8,
    },
    /// `Fn::GetAZs`: the availability zones of a region.
    GetAzs(Box<Part>),
    /// The answer to a condition, within another condition.
    Condition(ConditionId),
    /// `Fn::If`: one of two trees.
    If(ConditionId, Box<Tree>, Box<Tree>),
    /// `Fn::FindInMap`.
    FindInMap {
        /// The mapping.
        mapping: MappingId,
        /// The top key and the second key.
        keys: Box<[Part; 2]>,
        /// What there is for keys without a value.
        default: Option<Box<Tree>>,
    },
    /// `Fn::ValueOf`, in rules: an attribute of what a parameter names.
    ValueOf(ParameterId, String),
    /// `Fn::Sub`: text, and the variables in it.
    Sub(String, Vec<(String, Tree)>),
    /// `Fn::ImportValue`: what another stack exports under a name.
    ImportValue(Box<Part>),
    /// `Fn::Transform`: a macro's name and its parameters.
    Transform(String, Box<Tree>),
    /// `Fn::Length` of a list.
    Length(Box<Tree>),
    /// `Fn::ToJsonString` of a map or a list.
    ToJsonString(Box<Tree>),
    /// `Fn::Join` of a list that is known once deployed.
    JoinList(String, Box<Tree>),
    /// Any other function by its name.
    Intrinsic(Cow<'static, str>, Box<Tree>),
    /// A tree that stands where a typed value would.
    Raw(Box<Tree>),
}

/// What `CloudFormation` knows of the deployment itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pseudo {
    /// The account's number, 12 digits.
    AccountId,
    /// ARNs that are notified of this stack's events, a list.
    NotificationArns,
    /// Removes the property that it is given to.
    NoValue,
    /// `aws`, `aws-cn` or `aws-us-gov`: the second part of every ARN.
    Partition,
    /// The region's name, such as `eu-central-1`.
    Region,
    /// The stack's ARN.
    StackId,
    /// The stack's physical name.
    StackName,
    /// `amazonaws.com`, or its like in another partition.
    UrlSuffix,
}

/// A piece of a joined text.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text known now.
    Text(String),
    /// Text known once deployed.
    Token(Token),
}

/// Joins text and values, known or not, into one [`Value<String>`].
///
/// ```
/// use lightsout_core::{Pseudo, Value, join};
///
/// let console = join!["https://", Pseudo::Region, ".console.aws.amazon.com"];
/// assert!(matches!(console, Value::Token(..)));
///
/// // What is known already is joined already.
/// assert_eq!(join!["jobs-", 3, "-dev"], Value::from("jobs-3-dev"));
/// ```
#[macro_export]
macro_rules! join {
    ($($part:expr),+ $(,)?) => {
        $crate::Value::<::std::string::String>::join([$($crate::Part::from($part)),+])
    };
}

/// Encodes text as base64, as EC2 wants its user data.
pub fn base64(text: impl Into<Value<String>>) -> Value<String> {
    Value::token(Token::Base64(Box::new(Part::from(text.into()))))
}

/// Returns the item with this index, from 0, of a list.
pub fn select<T>(index: u32, list: impl Into<Value<Vec<T>>>) -> Value<T>
where
    Vec<T>: Into<Tree>,
{
    Value::token(Token::Select(index, Box::new(list.into().into())))
}

/// Splits text at each `delimiter`.
pub fn split(delimiter: &str, text: impl Into<Value<String>>) -> Value<Vec<String>> {
    Value::token(Token::Split(
        delimiter.to_owned(),
        Box::new(Part::from(text.into())),
    ))
}

/// Divides an address block into `count` blocks with `bits` host bits each.
pub fn cidr(block: impl Into<Value<String>>, count: u16, bits: u8) -> Value<Vec<String>> {
    Value::token(Token::Cidr {
        block: Box::new(Part::from(block.into())),
        count,
        bits,
    })
}

/// Returns the names of the availability zones of the stack's region.
pub fn availability_zones() -> Value<Vec<String>> {
    Value::token(Token::GetAzs(Box::new(Part::Token(Token::Pseudo(
        Pseudo::Region,
    )))))
}

impl Token {
    /// Visits this token and every token inside it, but not what is read weakly.
    pub fn tokens<'t>(&'t self, visit: &mut impl FnMut(&'t Self)) {
        visit(self);
        match self {
            Self::Ref(_)
            | Self::Attribute(..)
            | Self::ListAttribute(..)
            | Self::Parameter(_)
            | Self::Asset(_)
            | Self::Pseudo(_)
            | Self::Condition(_)
            | Self::ValueOf(..) => (),
            Self::Weak { role, .. } => {
                if let Some(role) = role {
                    role.tokens(visit);
                }
            }
            Self::Join(parts) => {
                for part in parts {
                    part.tokens(visit);
                }
            }
            Self::Base64(part)
            | Self::Split(_, part)
            | Self::GetAzs(part)
            | Self::ImportValue(part) => part.tokens(visit),
            Self::Cidr { block, .. } => block.tokens(visit),
            Self::If(_, then, otherwise) => {
                then.tokens(visit);
                otherwise.tokens(visit);
            }
            Self::FindInMap { keys, default, .. } => {
                for key in keys.iter() {
                    key.tokens(visit);
                }
                if let Some(default) = default {
                    default.tokens(visit);
                }
            }
            Self::Sub(_, variables) => {
                for (_, tree) in variables {
                    tree.tokens(visit);
                }
            }
            Self::Select(_, tree)
            | Self::Transform(_, tree)
            | Self::Length(tree)
            | Self::ToJsonString(tree)
            | Self::JoinList(_, tree)
            | Self::Intrinsic(_, tree)
            | Self::Raw(tree) => tree.tokens(visit),
        }
    }
}

impl Part {
    fn tokens<'t>(&'t self, visit: &mut impl FnMut(&'t Token)) {
        if let Self::Token(token) = self {
            token.tokens(visit);
        }
    }
}

impl Pseudo {
    /// Every pseudo parameter.
    pub(crate) const ALL: [Self; 8] = [
        Self::AccountId,
        Self::NotificationArns,
        Self::NoValue,
        Self::Partition,
        Self::Region,
        Self::StackId,
        Self::StackName,
        Self::UrlSuffix,
    ];

    /// Returns the name in a template, such as `AWS::Region`.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccountId => "AWS::AccountId",
            Self::NotificationArns => "AWS::NotificationARNs",
            Self::NoValue => "AWS::NoValue",
            Self::Partition => "AWS::Partition",
            Self::Region => "AWS::Region",
            Self::StackId => "AWS::StackId",
            Self::StackName => "AWS::StackName",
            Self::UrlSuffix => "AWS::URLSuffix",
        }
    }

    /// Returns this as a text value.
    pub fn value(self) -> Value<String> {
        Value::token(Token::Pseudo(self))
    }
}

impl From<Pseudo> for Value<String> {
    fn from(pseudo: Pseudo) -> Self {
        pseudo.value()
    }
}

impl From<Pseudo> for Tree {
    fn from(pseudo: Pseudo) -> Self {
        Self::Token(Token::Pseudo(pseudo))
    }
}

impl From<Pseudo> for Part {
    fn from(pseudo: Pseudo) -> Self {
        Self::Token(Token::Pseudo(pseudo))
    }
}
