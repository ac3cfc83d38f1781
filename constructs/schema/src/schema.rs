//! The schema of one resource type, decoded.

use std::collections::HashMap;

use crate::{
    format::{self, tag},
    pattern::Pattern,
    reader::{DataError, Reader},
    store::Store,
};

/// What `CloudFormation` takes for one resource type, and what it gives.
///
/// Paths are names with dots between them, such as `ProvisionedThroughput.Arn`;
/// `*` stands for each item of a list.
#[derive(Debug)]
pub struct Schema<'d> {
    name: &'d str,
    nodes: Vec<Node<'d>>,
    read_only: Vec<&'d str>,
    write_only: Vec<&'d str>,
    create_only: Vec<&'d str>,
    conditional_create_only: Vec<&'d str>,
    primary_identifier: Vec<&'d str>,
    attributes: Vec<&'d str>,
    tag_property: Option<&'d str>,
    handlers: Vec<(Operation, Vec<&'d str>)>,
}

/// A place in a schema: what a value must be to stand there.
#[derive(Debug)]
pub struct Node<'d> {
    keywords: Vec<Keyword<'d>>,
}

/// Identifies a node in its [`Schema`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeId(u32);

/// One demand on a value, under its name in JSON Schema or in cfn-lint's dialect.
#[derive(Debug)]
#[non_exhaustive]
pub enum Keyword<'d> {
    /// `type`: it is one of these.
    Type(Types),
    /// `properties` of a map.
    Properties {
        /// What each must be, sorted by name.
        known: Vec<(&'d str, NodeId)>,
        /// Whether there may be no others: `additionalProperties` is false.
        closed: bool,
    },
    /// `required`: a map has all of these.
    Required(Vec<&'d str>),
    /// `items`: each item of a list is this.
    Items(NodeId),
    /// `prefixItems`: the first items of a list are these.
    PrefixItems(Vec<NodeId>),
    /// `enum`: it is one of these.
    Enum(Vec<Scalar<'d>>),
    /// `enumCaseInsensitive`: it is one of these in whatever case.
    EnumAnyCase(Vec<Scalar<'d>>),
    /// `const`: it is this.
    Const(Scalar<'d>),
    /// `pattern`: a text has a match.
    Pattern(Pattern<'d>),
    /// `format`, such as `AWS::KMS::Key.Arn`.
    Format(&'d str),
    /// `minLength`: a text has so many characters.
    MinLength(u64),
    /// `maxLength`: a text has no more characters.
    MaxLength(u64),
    /// `minimum`: a number is no less.
    Minimum(f64),
    /// `maximum`: a number is no more.
    Maximum(f64),
    /// `exclusiveMinimum`: a number is more.
    Above(f64),
    /// `exclusiveMaximum`: a number is less.
    Below(f64),
    /// `multipleOf`: a number is a multiple.
    MultipleOf(f64),
    /// `minItems`: a list has so many items.
    MinItems(u64),
    /// `maxItems`: a list has no more items.
    MaxItems(u64),
    /// `uniqueItems`: no two items of a list are the same.
    UniqueItems,
    /// `uniqueKeys`: no two items of a list have the same values for these.
    UniqueKeys(Vec<&'d str>),
    /// `minProperties`: a map has so many entries.
    MinProperties(u64),
    /// `maxProperties`: a map has no more entries.
    MaxProperties(u64),
    /// `patternProperties`: an entry whose name matches is this.
    PatternProperties(Vec<(Pattern<'d>, NodeId)>),
    /// `requiredXor`: a map has exactly one of these.
    RequiredXor(Vec<&'d str>),
    /// `requiredOr`: a map has at least one of these.
    RequiredOr(Vec<&'d str>),
    /// `dependentRequired`: with the first, a map has all of the others.
    DependentRequired(Vec<(&'d str, Vec<&'d str>)>),
    /// `dependentExcluded`: with the first, a map has none of the others.
    DependentExcluded(Vec<(&'d str, Vec<&'d str>)>),
    /// `anyOf`: it is at least one of these.
    AnyOf(Vec<NodeId>),
    /// `oneOf`: it is exactly one of these.
    OneOf(Vec<NodeId>),
    /// `allOf`: it is all of these.
    AllOf(Vec<NodeId>),
    /// `not`: it is not this.
    Not(NodeId),
    /// `if`: what is this must also be `then`, and what is not, `otherwise`.
    If {
        /// The condition.
        condition: NodeId,
        /// For what fulfils it.
        then: Option<NodeId>,
        /// For what does not.
        otherwise: Option<NodeId>,
    },
}

/// A value without parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar<'d> {
    /// Text.
    Text(&'d str),
    /// A number.
    Number(f64),
    /// True or false.
    Truth(bool),
}

/// Kinds of JSON values, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Types(u8);

/// What `CloudFormation` does to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// It makes it.
    Create,
    /// It looks at it.
    Read,
    /// It changes it.
    Update,
    /// It deletes it.
    Delete,
    /// It looks for it.
    List,
}

impl<'d> Schema<'d> {
    /// Reads the record at `at`, and every node that it leads to.
    pub(crate) fn read(store: &Store<'d>, name: &'d str, at: usize) -> Result<Self, DataError> {
        let mut reader = store.records.seek(at);
        let root = reader.index()?;
        let mut schema = Self {
            name,
            nodes: Vec::new(),
            read_only: texts(&mut reader, store)?,
            write_only: texts(&mut reader, store)?,
            create_only: texts(&mut reader, store)?,
            conditional_create_only: texts(&mut reader, store)?,
            primary_identifier: texts(&mut reader, store)?,
            attributes: texts(&mut reader, store)?,
            tag_property: texts(&mut reader, store)?.first().copied(),
            handlers: Vec::new(),
        };
        for _ in 0..reader.count()? {
            let operation = match reader.byte()? {
                0 => Operation::Create,
                1 => Operation::Read,
                2 => Operation::Update,
                3 => Operation::Delete,
                4 => Operation::List,
                _ => return Err(reader.damaged()),
            };
            schema
                .handlers
                .push((operation, texts(&mut reader, store)?));
        }
        schema.nodes = Nodes::read(store, root)?;
        Ok(schema)
    }

    /// Returns the type's name, such as `AWS::SQS::Queue`.
    pub const fn name(&self) -> &'d str {
        self.name
    }

    /// Returns what the map of all properties must be.
    pub fn root(&self) -> &Node<'d> {
        &self.nodes[0]
    }

    /// Returns a node that another node of this schema names.
    pub fn node(&self, id: NodeId) -> &Node<'d> {
        &self.nodes[id.0 as usize]
    }

    /// Returns properties that AWS alone fills in.
    pub fn read_only(&self) -> &[&'d str] {
        &self.read_only
    }

    /// Returns properties that AWS never tells again.
    pub fn write_only(&self) -> &[&'d str] {
        &self.write_only
    }

    /// Returns properties whose change makes a new resource.
    pub fn create_only(&self) -> &[&'d str] {
        &self.create_only
    }

    /// Returns properties whose change makes a new resource under some conditions.
    pub fn conditional_create_only(&self) -> &[&'d str] {
        &self.conditional_create_only
    }

    /// Returns the properties that identify a resource: what `Ref` gives, joined by `|`.
    pub fn primary_identifier(&self) -> &[&'d str] {
        &self.primary_identifier
    }

    /// Returns what `Fn::GetAtt` gives, sorted; `Outputs.*` stands for every output.
    pub fn attributes(&self) -> &[&'d str] {
        &self.attributes
    }

    /// Returns whether `Fn::GetAtt` gives `name`.
    pub fn has_attribute(&self, name: &str) -> bool {
        self.attributes.binary_search(&name).is_ok()
            || self.attributes.iter().any(|attribute| {
                attribute
                    .strip_suffix('*')
                    .is_some_and(|start| name.starts_with(start))
            })
    }

    /// Returns the property that holds the tags, if the type takes any.
    pub const fn tag_property(&self) -> Option<&'d str> {
        self.tag_property
    }

    /// Returns the IAM actions that an operation on the resource needs.
    ///
    /// Older types name none.
    pub fn permissions(&self, operation: Operation) -> &[&'d str] {
        self.handlers
            .iter()
            .find_map(|(known, permissions)| {
                (*known == operation).then_some(permissions.as_slice())
            })
            .unwrap_or_default()
    }

    /// Returns every operation that names IAM actions, with them.
    pub fn handlers(&self) -> impl Iterator<Item = (Operation, &[&'d str])> {
        self.handlers
            .iter()
            .map(|(operation, permissions)| (*operation, permissions.as_slice()))
    }

    /// Returns every pattern, for finding out which of them can be compiled.
    pub fn patterns(&self) -> impl Iterator<Item = &Pattern<'d>> {
        let keywords = self.nodes.iter().flat_map(|node| &node.keywords);
        keywords.flat_map(|keyword| match keyword {
            Keyword::Pattern(pattern) => vec![pattern],
            Keyword::PatternProperties(entries) => {
                entries.iter().map(|(pattern, _)| pattern).collect()
            }
            _ => Vec::new(),
        })
    }
}

impl<'d> Node<'d> {
    /// Returns what is demanded of a value here; all of it.
    pub fn keywords(&self) -> &[Keyword<'d>] {
        &self.keywords
    }

    /// Returns the kinds of value that may stand here, if that is said.
    pub fn types(&self) -> Option<Types> {
        self.keywords.iter().find_map(|keyword| match keyword {
            Keyword::Type(types) => Some(*types),
            _ => None,
        })
    }
}

impl Types {
    /// A map.
    pub const OBJECT: Self = Self(1);
    /// A list.
    pub const ARRAY: Self = Self(2);
    /// Text.
    pub const STRING: Self = Self(4);
    /// A whole number.
    pub const INTEGER: Self = Self(8);
    /// Any number.
    pub const NUMBER: Self = Self(16);
    /// True or false.
    pub const BOOLEAN: Self = Self(32);
    /// Null.
    pub const NULL: Self = Self(64);

    /// Every kind with its name in JSON Schema.
    pub const NAMES: [(Self, &'static str); 7] = [
        (Self::OBJECT, "object"),
        (Self::ARRAY, "array"),
        (Self::STRING, "string"),
        (Self::INTEGER, "integer"),
        (Self::NUMBER, "number"),
        (Self::BOOLEAN, "boolean"),
        (Self::NULL, "null"),
    ];

    /// Returns whether any kind is in both.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns the kinds that are in either.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the set as the data file holds it.
    pub const fn bits(self) -> u8 {
        self.0
    }
}

/// The nodes of one schema, while they are read.
struct Nodes<'s, 'd> {
    store: &'s Store<'d>,
    /// From a node's number in the file to its number in the schema.
    numbers: HashMap<usize, u32>,
    /// The numbers in the file of what is still to be read, in order.
    waiting: Vec<usize>,
}

impl<'d> Nodes<'_, 'd> {
    fn read(store: &Store<'d>, root: usize) -> Result<Vec<Node<'d>>, DataError> {
        let mut nodes = Nodes {
            store,
            numbers: HashMap::new(),
            waiting: Vec::new(),
        };
        nodes.number(root);
        let mut read: Vec<Node<'d>> = Vec::new();
        while let Some(&number) = nodes.waiting.get(read.len()) {
            let mut reader = store.node(number)?;
            let mut keywords = Vec::with_capacity(2);
            while reader.rest() > 0 {
                keywords.push(nodes.keyword(&mut reader)?);
            }
            read.push(Node { keywords });
        }
        Ok(read)
    }

    fn number(&mut self, in_file: usize) -> NodeId {
        let next = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(in_file).or_insert(next);
        if number == next {
            self.waiting.push(in_file);
        }
        NodeId(number)
    }

    fn keyword(&mut self, reader: &mut Reader<'d>) -> Result<Keyword<'d>, DataError> {
        let store = self.store;
        Ok(match reader.number()? {
            tag::TYPE => Keyword::Type(Types(reader.byte()?)),
            tag::PROPERTIES => {
                let closed = reader.byte()? == 1;
                let mut known = Vec::new();
                for _ in 0..reader.count()? {
                    known.push((store.text(reader)?, self.child(reader)?));
                }
                Keyword::Properties { known, closed }
            }
            tag::REQUIRED => Keyword::Required(texts(reader, store)?),
            tag::ITEMS => Keyword::Items(self.child(reader)?),
            tag::PREFIX_ITEMS => Keyword::PrefixItems(self.children(reader)?),
            tag::ENUM => Keyword::Enum(scalars(reader, store)?),
            tag::ENUM_ANY_CASE => Keyword::EnumAnyCase(scalars(reader, store)?),
            tag::CONST => Keyword::Const(scalar(reader, store)?),
            tag::PATTERN => Keyword::Pattern(Pattern::new(store.text(reader)?)),
            tag::FORMAT => Keyword::Format(store.text(reader)?),
            tag::MIN_LENGTH => Keyword::MinLength(reader.number()?),
            tag::MAX_LENGTH => Keyword::MaxLength(reader.number()?),
            tag::MINIMUM => Keyword::Minimum(number(reader, store)?),
            tag::MAXIMUM => Keyword::Maximum(number(reader, store)?),
            tag::ABOVE => Keyword::Above(number(reader, store)?),
            tag::BELOW => Keyword::Below(number(reader, store)?),
            tag::MULTIPLE_OF => Keyword::MultipleOf(number(reader, store)?),
            tag::MIN_ITEMS => Keyword::MinItems(reader.number()?),
            tag::MAX_ITEMS => Keyword::MaxItems(reader.number()?),
            tag::UNIQUE_ITEMS => Keyword::UniqueItems,
            tag::UNIQUE_KEYS => Keyword::UniqueKeys(texts(reader, store)?),
            tag::MIN_PROPERTIES => Keyword::MinProperties(reader.number()?),
            tag::MAX_PROPERTIES => Keyword::MaxProperties(reader.number()?),
            tag::PATTERN_PROPERTIES => {
                let mut entries = Vec::new();
                for _ in 0..reader.count()? {
                    entries.push((Pattern::new(store.text(reader)?), self.child(reader)?));
                }
                Keyword::PatternProperties(entries)
            }
            tag::REQUIRED_XOR => Keyword::RequiredXor(texts(reader, store)?),
            tag::REQUIRED_OR => Keyword::RequiredOr(texts(reader, store)?),
            tag::DEPENDENT_REQUIRED => Keyword::DependentRequired(dependents(reader, store)?),
            tag::DEPENDENT_EXCLUDED => Keyword::DependentExcluded(dependents(reader, store)?),
            tag::ANY_OF => Keyword::AnyOf(self.children(reader)?),
            tag::ONE_OF => Keyword::OneOf(self.children(reader)?),
            tag::ALL_OF => Keyword::AllOf(self.children(reader)?),
            tag::NOT => Keyword::Not(self.child(reader)?),
            tag::IF => Keyword::If {
                condition: self.child(reader)?,
                then: self.children(reader)?.first().copied(),
                otherwise: self.children(reader)?.first().copied(),
            },
            _ => return Err(reader.damaged()),
        })
    }

    fn child(&mut self, reader: &mut Reader<'d>) -> Result<NodeId, DataError> {
        let number = reader.index()?;
        if number >= self.store.node_count {
            return Err(reader.damaged());
        }
        Ok(self.number(number))
    }

    fn children(&mut self, reader: &mut Reader<'d>) -> Result<Vec<NodeId>, DataError> {
        let count = reader.count()?;
        (0..count).map(|_| self.child(reader)).collect()
    }
}

fn texts<'d>(reader: &mut Reader<'d>, store: &Store<'d>) -> Result<Vec<&'d str>, DataError> {
    let count = reader.count()?;
    (0..count).map(|_| store.text(reader)).collect()
}

fn dependents<'d>(
    reader: &mut Reader<'d>,
    store: &Store<'d>,
) -> Result<Vec<(&'d str, Vec<&'d str>)>, DataError> {
    let count = reader.count()?;
    (0..count)
        .map(|_| Ok((store.text(reader)?, texts(reader, store)?)))
        .collect()
}

fn scalars<'d>(reader: &mut Reader<'d>, store: &Store<'d>) -> Result<Vec<Scalar<'d>>, DataError> {
    let count = reader.count()?;
    (0..count).map(|_| scalar(reader, store)).collect()
}

fn scalar<'d>(reader: &mut Reader<'d>, store: &Store<'d>) -> Result<Scalar<'d>, DataError> {
    Ok(match reader.number()? {
        format::WHOLE => {
            let zigzag = reader.number()?;
            let magnitude = (zigzag >> 1).cast_signed();
            let whole = magnitude ^ -(zigzag & 1).cast_signed();
            #[expect(
                clippy::cast_precision_loss,
                reason = "the writer takes another form for what a float cannot hold"
            )]
            Scalar::Number(whole as f64)
        }
        format::FRACTION => Scalar::Number(f64::from_bits(reader.fixed_u64()?)),
        format::TEXT => Scalar::Text(store.text(reader)?),
        format::TRUTH => Scalar::Truth(reader.byte()? == 1),
        _ => return Err(reader.damaged()),
    })
}

fn number<'d>(reader: &mut Reader<'d>, store: &Store<'d>) -> Result<f64, DataError> {
    match scalar(reader, store)? {
        Scalar::Number(number) => Ok(number),
        _ => Err(reader.damaged()),
    }
}
