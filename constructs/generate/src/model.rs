//! What is generated: both schemas and the overrides, joined and named.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    config::Overrides,
    constraints::{Constraint, Constraints},
    docs, limits, names,
    service_spec::{
        DefinitionEntry, DimensionEntry, PropertyEntry, Replacement, ResourceEntry, ServiceEntry,
        ServiceSpec, ShapeEntry,
    },
    twins::{self, Aliases},
};

/// More values than this are a catalogue, not a choice: such a property takes text.
const MOST_CHOICES: usize = 64;

/// One service: a module of the generated crate.
#[derive(Debug)]
pub(crate) struct Module {
    /// The module's name, also that of its Cargo feature.
    pub(crate) name: String,
    /// What its types begin with, such as `AWS::SQS`.
    pub(crate) namespace: String,
    /// Resource types, each followed by the definitions inside it.
    pub(crate) structures: Vec<Structure>,
    /// Properties' known values.
    pub(crate) choices: Vec<Choices>,
    /// Names of what equals another structure or enum, and of that other.
    pub(crate) aliases: Aliases,
    /// What CloudWatch measures.
    pub(crate) metrics: Vec<Metric>,
}

/// A type with setters: a resource type, or a definition inside one.
#[derive(Debug)]
pub(crate) struct Structure {
    /// The name in Rust.
    pub(crate) name: String,
    /// What AWS says of it, in one line.
    pub(crate) doc: String,
    /// What only a resource type has.
    pub(crate) resource: Option<Resource>,
    /// What can be set, by its name in a template.
    pub(crate) properties: Vec<Property>,
}

/// What only a resource type has.
#[derive(Debug)]
pub(crate) struct Resource {
    /// The full name, such as `AWS::SQS::Queue`.
    pub(crate) type_name: String,
    /// Whether it holds data that is lost with it.
    pub(crate) stateful: bool,
    /// How it takes tags, if it does.
    pub(crate) tags: Option<Tags>,
    /// What is known once deployed.
    pub(crate) attributes: Vec<Attribute>,
}

/// How a resource type takes tags.
#[derive(Debug)]
pub(crate) enum Tags {
    /// A list of keys and values, in the property named here.
    List(String),
    /// A map from keys to values, in the property named here.
    Map(String),
}

/// What is known of a resource once deployed.
#[derive(Debug)]
pub(crate) struct Attribute {
    /// The name in a template.
    pub(crate) name: String,
    /// The name of the constant.
    pub(crate) constant: String,
    /// What AWS says of it, in one line.
    pub(crate) doc: String,
    /// The type in Rust.
    pub(crate) kind: AttributeKind,
}

/// What an attribute is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AttributeKind {
    /// An ARN of the named type of the same module.
    Arn(String),
    /// A URL of the named type.
    Url(String),
    /// A name of the named type.
    Name(String),
    /// An id of the named type.
    Id(String),
    Text,
    Texts,
    Boolean,
    Integer,
    Number,
    Json,
}

/// What can be set.
#[derive(Debug)]
pub(crate) struct Property {
    /// The name in a template.
    pub(crate) name: String,
    /// The name of the setter.
    pub(crate) setter: String,
    /// What AWS says of it, in one line.
    pub(crate) doc: String,
    /// What is known of it, each a sentence.
    pub(crate) facts: Vec<String>,
    /// Whether it must be set.
    pub(crate) required: bool,
    /// What it holds.
    pub(crate) shape: Shape,
}

/// What a property holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    Boolean,
    Integer,
    Number,
    Json,
    Tag,
    /// A definition of the module, by its name in Rust.
    Structure(String),
    /// Known values, by the name of their enum.
    Choice(String),
    List(Box<Self>),
    Map(Box<Self>),
}

/// The known values of a property.
#[derive(Debug)]
pub(crate) struct Choices {
    /// The name of the enum.
    pub(crate) name: String,
    /// The property they are for, such as `TableName`.
    pub(crate) property: String,
    /// Each variant and its text.
    pub(crate) values: Vec<(String, String)>,
}

/// What CloudWatch measures.
#[derive(Debug)]
pub(crate) struct Metric {
    /// The name of the constant.
    pub(crate) constant: String,
    /// The name in CloudWatch.
    pub(crate) name: String,
    /// The namespace, such as `AWS/SQS`.
    pub(crate) namespace: String,
    /// The statistic of the dashboards of AWS.
    pub(crate) statistic: Statistic,
    /// Sets of dimensions under which it is found.
    pub(crate) dimensions: Vec<Vec<DimensionEntry>>,
}

/// How measurements become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Statistic {
    Average,
    Maximum,
    Minimum,
    SampleCount,
    Sum,
    /// The value below which so many of a hundred lie.
    Percentile(u8),
}

/// Why nothing can be generated from schemas that could be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ModelError {
    /// There is no such service.
    #[error("there is no service `{0}` in the schemas; correct its name")]
    UnknownService(String),
    /// A metric has a statistic that is not known here.
    #[error("the metric `{metric}` has the statistic `{statistic}`; teach it to model.rs")]
    UnknownStatistic {
        /// The metric.
        metric: String,
        /// The statistic.
        statistic: String,
    },
    /// Two names of a service became one in Rust.
    #[error("two names of `{namespace}` become `{name}` in Rust; tell them apart in names.rs")]
    SameName {
        /// The service.
        namespace: String,
        /// The name in Rust.
        name: String,
    },
    /// A definition is missing.
    #[error("`{0}` refers to a definition that aws-service-spec does not have")]
    Dangling(String),
    /// An override says of a resource type what the schemas say.
    #[error("overrides.toml: `{0}` is stateful by the schemas already; remove it")]
    OldStateful(String),
    /// An override is old.
    #[error("overrides.toml: `{property}` of `{type_name}` {problem}; remove it")]
    Override {
        /// The resource type.
        type_name: String,
        /// The property.
        property: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Joins what is known of one service.
pub(crate) fn module(
    service: &str,
    spec: &ServiceSpec,
    constraints: &Constraints,
    overrides: &Overrides,
) -> Result<Module, ModelError> {
    let entry = spec
        .service(service)
        .ok_or_else(|| ModelError::UnknownService(service.to_owned()))?;
    let mut builder = Builder {
        spec,
        namespace: &entry.cloud_formation_namespace,
        taken: BTreeSet::new(),
        structures: Vec::new(),
        choices: Vec::new(),
    };
    let resources = spec.resources(entry);
    // Resource types keep their own names, whatever the definitions of others are called.
    for resource in &resources {
        builder.take(names::resource(&resource.name))?;
    }
    for resource in resources {
        builder.add_resource(resource, constraints, overrides)?;
    }
    let aliases = twins::remove_twins(&mut builder.structures, &mut builder.choices);
    Ok(Module {
        name: names::module(service),
        namespace: entry.cloud_formation_namespace.clone(),
        structures: builder.structures,
        choices: builder.choices,
        aliases,
        metrics: metrics(spec, entry)?,
    })
}

/// Names a service's metrics; of one name, the statistic or namespace tells them apart.
fn metrics(spec: &ServiceSpec, service: &ServiceEntry) -> Result<Vec<Metric>, ModelError> {
    let mut metrics = Vec::new();
    for (entry, dimensions) in spec.metrics(service) {
        let statistic =
            Statistic::read(&entry.statistic).ok_or_else(|| ModelError::UnknownStatistic {
                metric: entry.name.clone(),
                statistic: entry.statistic.clone(),
            })?;
        metrics.push(Metric {
            constant: names::constant(&entry.name),
            name: entry.name.clone(),
            namespace: entry.namespace.clone(),
            statistic,
            dimensions: dimensions.into_iter().map(<[_]>::to_vec).collect(),
        });
    }
    let family = |metric: &Metric| metric.namespace.rsplit('/').next().map(names::constant);
    let qualify = |metrics: &mut Vec<Metric>, qualified: &dyn Fn(&Metric) -> String| {
        let mut uses: BTreeMap<String, usize> = BTreeMap::new();
        for metric in &*metrics {
            *uses.entry(metric.constant.clone()).or_default() += 1;
        }
        for metric in metrics {
            if uses.get(&metric.constant).is_some_and(|&uses| uses > 1) {
                metric.constant = qualified(metric);
            }
        }
    };
    qualify(&mut metrics, &|metric| {
        format!("{}_{}", family(metric).unwrap_or_default(), metric.constant)
    });
    qualify(&mut metrics, &|metric| {
        format!(
            "{}_{}",
            metric.constant,
            metric.statistic.name().to_uppercase()
        )
    });
    let mut taken = BTreeSet::new();
    match metrics
        .iter()
        .find(|metric| !taken.insert(&metric.constant))
    {
        Some(twice) => Err(ModelError::SameName {
            namespace: service.cloud_formation_namespace.clone(),
            name: twice.constant.clone(),
        }),
        None => Ok(metrics),
    }
}

impl Statistic {
    fn read(name: &str) -> Option<Self> {
        Some(match name {
            "Average" => Self::Average,
            "Maximum" => Self::Maximum,
            "Minimum" => Self::Minimum,
            "SampleCount" => Self::SampleCount,
            "Sum" => Self::Sum,
            _ => Self::Percentile(name.strip_prefix('p')?.parse().ok()?),
        })
    }

    fn name(self) -> String {
        match self {
            Self::Percentile(percent) => format!("p{percent}"),
            other => format!("{other:?}"),
        }
    }
}

struct Builder<'s> {
    spec: &'s ServiceSpec,
    namespace: &'s str,
    taken: BTreeSet<String>,
    structures: Vec<Structure>,
    choices: Vec<Choices>,
}

/// A definition that a property holds and that is still to be added.
struct Pending<'s> {
    definition: &'s DefinitionEntry,
    name: String,
    constraint: Option<Constraint<'s>>,
}

/// The definitions of one resource type: named ones, and those still to be added.
struct Definitions<'s> {
    resource: String,
    type_name: &'s str,
    names: BTreeMap<&'s str, String>,
    pending: Vec<Pending<'s>>,
}

impl<'s> Builder<'s> {
    fn add_resource(
        &mut self,
        entry: &'s ResourceEntry,
        constraints: &'s Constraints,
        overrides: &Overrides,
    ) -> Result<(), ModelError> {
        let name = names::resource(&entry.name);
        let type_name = &entry.cloud_formation_type;
        let constraint = constraints.of(type_name);
        let mut definitions = Definitions {
            resource: name.clone(),
            type_name,
            names: BTreeMap::new(),
            pending: Vec::new(),
        };
        let settable = |property: &str| {
            !constraint.is_some_and(|constraint| constraint.is_read_only(property))
        };
        let entries = entry.properties.iter().filter(|(name, _)| settable(name));
        let mut properties = self.properties(&name, entries, constraint, &mut definitions)?;
        require(&mut properties, type_name, overrides)?;
        let attributes = self.attributes(&name, entry, constraint);
        self.structures.push(Structure {
            doc: docs::summary(&entry.documentation)
                .unwrap_or_else(|| format!("A resource of type `{type_name}`.")),
            resource: Some(Resource {
                type_name: type_name.clone(),
                stateful: is_stateful(entry, overrides)?,
                tags: tags(entry),
                attributes,
            }),
            name,
            properties,
        });
        self.add_definitions(definitions)
    }

    /// Adds definitions until none refers to one that was not added, breadth first.
    fn add_definitions(&mut self, mut definitions: Definitions<'s>) -> Result<(), ModelError> {
        let mut added = Vec::new();
        while !definitions.pending.is_empty() {
            for Pending {
                definition,
                name,
                constraint,
            } in std::mem::take(&mut definitions.pending)
            {
                let entries = definition.properties.iter();
                let properties = self.properties(&name, entries, constraint, &mut definitions)?;
                added.push(Structure {
                    doc: docs::summary(&definition.documentation).unwrap_or_else(|| {
                        format!("`{}` of `{}`.", definition.name, definitions.type_name)
                    }),
                    resource: None,
                    name,
                    properties,
                });
            }
        }
        added.sort_by(|left, right| left.name.cmp(&right.name));
        self.structures.extend(added);
        Ok(())
    }

    fn properties(
        &mut self,
        owner: &str,
        entries: impl Iterator<Item = (&'s String, &'s PropertyEntry)>,
        constraint: Option<Constraint<'s>>,
        definitions: &mut Definitions<'s>,
    ) -> Result<Vec<Property>, ModelError> {
        let required = constraint.and_then(Constraint::required);
        let mut setters = BTreeSet::new();
        let mut properties = Vec::new();
        for (name, entry) in entries {
            let setter = names::setter(name);
            if !setters.insert(setter.clone()) {
                return Err(self.same_name(format!("{owner}::{setter}")));
            }
            let place = constraint.and_then(|constraint| constraint.property(name));
            properties.push(Property {
                setter,
                doc: docs::summary(&entry.documentation).unwrap_or_else(|| format!("`{name}`.")),
                facts: facts(entry, place),
                required: required
                    .as_ref()
                    .map_or(entry.required, |required| required.contains(name.as_str())),
                shape: self.shape(owner, name, &entry.shape, place, definitions)?,
                name: name.clone(),
            });
        }
        Ok(properties)
    }

    fn shape(
        &mut self,
        owner: &str,
        property: &str,
        entry: &'s ShapeEntry,
        constraint: Option<Constraint<'s>>,
        definitions: &mut Definitions<'s>,
    ) -> Result<Shape, ModelError> {
        Ok(match entry {
            ShapeEntry::String { allowed_values } => {
                self.text(owner, property, allowed_values, constraint)
            }
            ShapeEntry::DateTime => Shape::Text,
            ShapeEntry::Integer => Shape::Integer,
            ShapeEntry::Number => Shape::Number,
            ShapeEntry::Boolean => Shape::Boolean,
            // Which one of a union's shapes is given shows in the value.
            ShapeEntry::Json | ShapeEntry::Union => Shape::Json,
            ShapeEntry::Tag => Shape::Tag,
            ShapeEntry::Array { element } => {
                let item = constraint.and_then(Constraint::item);
                Shape::List(Box::new(self.shape(
                    owner,
                    property,
                    element,
                    item,
                    definitions,
                )?))
            }
            ShapeEntry::Map { element } => {
                let value = constraint.and_then(Constraint::entry);
                Shape::Map(Box::new(self.shape(
                    owner,
                    property,
                    element,
                    value,
                    definitions,
                )?))
            }
            ShapeEntry::Ref { reference } => {
                let definition = self
                    .spec
                    .definition(reference)
                    .ok_or_else(|| ModelError::Dangling(format!("{owner}.{property}")))?;
                Shape::Structure(self.name_definition(definition, constraint, definitions)?)
            }
        })
    }

    /// Names a definition at its first use, and remembers to add it.
    fn name_definition(
        &mut self,
        definition: &'s DefinitionEntry,
        constraint: Option<Constraint<'s>>,
        definitions: &mut Definitions<'s>,
    ) -> Result<String, ModelError> {
        if let Some(name) = definitions.names.get(definition.id()) {
            return Ok(name.clone());
        }
        let name = names::nested(&definitions.resource, &definition.name);
        // Such as `Ingress` of `SecurityGroup`, beside the type `SecurityGroupIngress`.
        let name = self
            .take(name.clone())
            .or_else(|_| self.take(name + "Property"))?;
        definitions.names.insert(definition.id(), name.clone());
        definitions.pending.push(Pending {
            definition,
            name: name.clone(),
            constraint,
        });
        Ok(name)
    }

    fn text(
        &mut self,
        owner: &str,
        property: &str,
        allowed: &[String],
        constraint: Option<Constraint<'s>>,
    ) -> Shape {
        let mut values = allowed.to_vec();
        for value in constraint.map(Constraint::values).unwrap_or_default() {
            if !values.iter().any(|known| known == value) {
                values.push(value.to_owned());
            }
        }
        if values.is_empty() || values.len() > MOST_CHOICES {
            return Shape::Text;
        }
        let Some(variants) = names::variants(values) else {
            return Shape::Text;
        };
        let name = names::nested(owner, property);
        let Ok(name) = self
            .take(name.clone())
            .or_else(|_| self.take(name + "Choice"))
        else {
            return Shape::Text;
        };
        self.choices.push(Choices {
            name: name.clone(),
            property: property.to_owned(),
            values: variants,
        });
        Shape::Choice(name)
    }

    fn attributes(
        &self,
        owner: &str,
        entry: &ResourceEntry,
        constraint: Option<Constraint<'s>>,
    ) -> Vec<Attribute> {
        let mut constants = BTreeSet::new();
        let mut attributes = Vec::new();
        for (name, attribute) in &entry.attributes {
            let constant = names::constant(name);
            // `A.B` and `AB` would be one constant; the schema lists the plain one first.
            if !constants.insert(constant.clone()) {
                continue;
            }
            let format = constraint
                .and_then(|constraint| constraint.property(name))
                .and_then(Constraint::format);
            attributes.push(Attribute {
                kind: self.attribute_kind(owner, &entry.name, name, &attribute.shape, format),
                doc: docs::summary(&attribute.documentation)
                    .unwrap_or_else(|| format!("`{name}`.")),
                constant,
                name: name.clone(),
            });
        }
        attributes
    }

    fn attribute_kind(
        &self,
        owner: &str,
        resource: &str,
        attribute: &str,
        shape: &ShapeEntry,
        format: Option<&str>,
    ) -> AttributeKind {
        match shape {
            ShapeEntry::String { .. } | ShapeEntry::DateTime => {
                // The format names another type of this service, such as `AWS::EC2::VPC.Id`.
                let (of, attribute) = format
                    .and_then(|format| format.strip_prefix(self.namespace)?.strip_prefix("::"))
                    .and_then(|format| format.split_once('.'))
                    .map(|(of, attribute)| (names::resource(of), attribute))
                    .filter(|(of, _)| self.taken.contains(of))
                    .unwrap_or_else(|| {
                        let attribute = attribute.strip_prefix(resource).unwrap_or(attribute);
                        (owner.to_owned(), attribute)
                    });
                match attribute {
                    "Arn" => AttributeKind::Arn(of),
                    "Url" => AttributeKind::Url(of),
                    "Name" => AttributeKind::Name(of),
                    "Id" => AttributeKind::Id(of),
                    _ => AttributeKind::Text,
                }
            }
            ShapeEntry::Integer => AttributeKind::Integer,
            ShapeEntry::Number => AttributeKind::Number,
            ShapeEntry::Boolean => AttributeKind::Boolean,
            ShapeEntry::Array { element } if matches!(**element, ShapeEntry::String { .. }) => {
                AttributeKind::Texts
            }
            _ => AttributeKind::Json,
        }
    }

    fn take(&mut self, name: String) -> Result<String, ModelError> {
        if self.taken.insert(name.clone()) {
            Ok(name)
        } else {
            Err(self.same_name(name))
        }
    }

    fn same_name(&self, name: String) -> ModelError {
        ModelError::SameName {
            namespace: self.namespace.to_owned(),
            name,
        }
    }
}

fn tags(entry: &ResourceEntry) -> Option<Tags> {
    let tags = entry.tag_information.as_ref()?;
    let property = tags.tag_property_name.clone();
    match tags.variant.as_str() {
        "standard" => Some(Tags::List(property)),
        "map" => Some(Tags::Map(property)),
        // Groups of Auto Scaling ask for more than a key and a value.
        _ => None,
    }
}

/// Returns what is known of a property besides the prose.
fn facts(entry: &PropertyEntry, constraint: Option<Constraint<'_>>) -> Vec<String> {
    let mut facts = constraint.map(limits::limits).unwrap_or_default();
    facts.extend(entry.default_value.as_deref().and_then(limits::default));
    let refers: Vec<String> = entry
        .relationship_refs
        .iter()
        .map(|to| format!("`{}` (`{}`)", to.cloud_formation_type, to.property_name))
        .collect();
    if !refers.is_empty() {
        facts.push(format!("Refers to {}.", refers.join(" or ")));
    }
    match entry.causes_replacement {
        Some(Replacement::Yes) => facts.push("A change replaces the resource.".to_owned()),
        Some(Replacement::Maybe) => facts.push("A change may replace the resource.".to_owned()),
        Some(Replacement::No) | None => (),
    }
    facts
}

fn is_stateful(entry: &ResourceEntry, overrides: &Overrides) -> Result<bool, ModelError> {
    let type_name = &entry.cloud_formation_type;
    let overridden = overrides.stateful.contains(type_name);
    if overridden && entry.is_stateful {
        return Err(ModelError::OldStateful(type_name.clone()));
    }
    Ok(overridden || entry.is_stateful)
}

/// Applies the overrides to the properties of a resource type.
fn require(
    properties: &mut [Property],
    type_name: &str,
    overrides: &Overrides,
) -> Result<(), ModelError> {
    for name in overrides.required.get(type_name).into_iter().flatten() {
        let problem = |problem| ModelError::Override {
            type_name: type_name.to_owned(),
            property: name.clone(),
            problem,
        };
        let property = properties
            .iter_mut()
            .find(|property| property.name == *name)
            .ok_or_else(|| problem("is no property"))?;
        if property.required {
            return Err(problem("is required by the schemas already"));
        }
        property.required = true;
    }
    Ok(())
}
