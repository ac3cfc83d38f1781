//! The database of aws-service-spec: services, resource types and their parts.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value as Json, json};

/// The part of the database that is read.
#[derive(Debug)]
pub(crate) struct ServiceSpec {
    pub(crate) services: Vec<ServiceEntry>,
    pub(crate) resources: BTreeMap<String, ResourceEntry>,
    pub(crate) definitions: BTreeMap<String, DefinitionEntry>,
    /// Resource types, by their service.
    pub(crate) of_service: BTreeMap<String, Vec<Reference>>,
    /// Definitions, by the resource type that they are inside of.
    pub(crate) of_resource: BTreeMap<String, Vec<Reference>>,
    /// Ids of resource types, by their full names.
    ids: BTreeMap<String, String>,
    metrics: BTreeMap<String, MetricEntry>,
    metrics_of_service: BTreeMap<String, Vec<Reference>>,
    dimension_sets: BTreeMap<String, DimensionSetEntry>,
    dimensions_of_metric: BTreeMap<String, Vec<Reference>>,
}

/// Why the database could not be read: it has another form.
#[derive(Debug, thiserror::Error)]
#[error("the database of aws-service-spec has another form than this generator reads")]
pub(crate) struct SpecError(#[from] serde_json::Error);

/// A service, such as `sqs`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceEntry {
    #[serde(rename = "$id")]
    pub(crate) id: String,
    /// The name, in small letters.
    pub(crate) short_name: String,
    /// What its types begin with, such as `AWS::SQS`.
    pub(crate) cloud_formation_namespace: String,
}

/// A resource type.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResourceEntry {
    #[serde(rename = "$id")]
    pub(crate) id: String,
    /// The full name, such as `AWS::SQS::Queue`.
    pub(crate) cloud_formation_type: String,
    /// The name within its service, such as `Queue`.
    pub(crate) name: String,
    /// What AWS says of it.
    #[serde(default)]
    pub(crate) documentation: String,
    /// What can be set.
    pub(crate) properties: BTreeMap<String, PropertyEntry>,
    /// What is known once deployed.
    pub(crate) attributes: BTreeMap<String, PropertyEntry>,
    /// Whether it holds data.
    #[serde(default)]
    pub(crate) is_stateful: bool,
    /// How it takes tags.
    pub(crate) tag_information: Option<TagEntry>,
}

/// A definition inside a resource type.
#[derive(Debug, Deserialize)]
pub(crate) struct DefinitionEntry {
    #[serde(rename = "$id")]
    pub(crate) id: String,
    /// The name within its resource type.
    pub(crate) name: String,
    /// What AWS says of it.
    #[serde(default)]
    pub(crate) documentation: String,
    /// What can be set.
    pub(crate) properties: BTreeMap<String, PropertyEntry>,
}

/// A property or attribute.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PropertyEntry {
    /// What it holds.
    #[serde(rename = "type")]
    pub(crate) shape: ShapeEntry,
    /// What AWS says of it.
    #[serde(default)]
    pub(crate) documentation: String,
    /// Whether it must be set.
    #[serde(default)]
    pub(crate) required: bool,
    /// What holds if it is not set, as JSON or in words.
    pub(crate) default_value: Option<String>,
    /// Whether a change makes a new resource.
    pub(crate) causes_replacement: Option<Replacement>,
    /// What it refers to.
    #[serde(default)]
    pub(crate) relationship_refs: Vec<RelationshipEntry>,
}

/// How a resource type takes tags.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagEntry {
    /// The property that takes them.
    pub(crate) tag_property_name: String,
    /// `standard` for a list, `map`, or the form of one service.
    pub(crate) variant: String,
}

/// Whether a change makes a new resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Replacement {
    Yes,
    No,
    Maybe,
}

/// What a property refers to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RelationshipEntry {
    /// The resource type referred to.
    pub(crate) cloud_formation_type: String,
    /// Its attribute or property.
    pub(crate) property_name: String,
}

/// What is measured of a service's resources.
#[derive(Debug, Deserialize)]
pub(crate) struct MetricEntry {
    #[serde(rename = "$id")]
    id: String,
    /// The name, such as `NumberOfMessagesSent`.
    pub(crate) name: String,
    /// The namespace, such as `AWS/SQS`.
    pub(crate) namespace: String,
    /// The statistic of the dashboards of AWS, such as `Sum` or `p95`.
    pub(crate) statistic: String,
}

/// Dimensions that a metric has together.
#[derive(Debug, Deserialize)]
pub(crate) struct DimensionSetEntry {
    #[serde(rename = "$id")]
    id: String,
    /// The dimensions.
    pub(crate) dimensions: Vec<DimensionEntry>,
}

/// A dimension of a metric.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct DimensionEntry {
    /// The name, such as `QueueName`.
    pub(crate) name: String,
    /// The one value that it has, where there is no choice.
    pub(crate) value: Option<String>,
}

/// What a property holds.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(crate) enum ShapeEntry {
    #[serde(rename_all = "camelCase")]
    String {
        #[serde(default)]
        allowed_values: Vec<String>,
    },
    Integer,
    Number,
    Boolean,
    DateTime,
    Json,
    Tag,
    Ref {
        reference: Pointer,
    },
    Array {
        element: Box<Self>,
    },
    Map {
        element: Box<Self>,
    },
    Union,
}

/// Points to a definition.
#[derive(Debug, Deserialize)]
pub(crate) struct Pointer {
    #[serde(rename = "$ref")]
    pub(crate) id: String,
}

/// Points to a part of the database.
#[derive(Debug, Deserialize)]
pub(crate) struct Reference {
    #[serde(rename = "$id")]
    pub(crate) id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Database {
    schema: Schema,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schema {
    service: Entities<ServiceEntry>,
    resource: Entities<ResourceEntry>,
    type_definition: Entities<DefinitionEntry>,
    metric: Entities<MetricEntry>,
    dimension_set: Entities<DimensionSetEntry>,
    has_resource: Relation,
    uses_type: Relation,
    service_has_metric: Relation,
    uses_dimension_set: Relation,
}

#[derive(Debug, Deserialize)]
struct Entities<E> {
    entities: Vec<E>,
}

#[derive(Debug, Deserialize)]
struct Relation {
    forward: BTreeMap<String, Vec<Reference>>,
}

impl ServiceSpec {
    /// Reads the database.
    pub(crate) fn read(database: &Json) -> Result<Self, SpecError> {
        let Schema {
            service,
            resource,
            type_definition,
            metric,
            dimension_set,
            has_resource,
            uses_type,
            service_has_metric,
            uses_dimension_set,
        } = Database::deserialize(database)?.schema;
        let ids = resource.entities.iter();
        let ids = ids.map(|entry| (entry.cloud_formation_type.clone(), entry.id.clone()));
        Ok(Self {
            services: service.entities,
            ids: ids.collect(),
            resources: by_id(resource.entities, |entry| &entry.id),
            definitions: by_id(type_definition.entities, |entry| &entry.id),
            of_service: has_resource.forward,
            of_resource: uses_type.forward,
            metrics: by_id(metric.entities, |entry| &entry.id),
            metrics_of_service: service_has_metric.forward,
            dimension_sets: by_id(dimension_set.entities, |entry| &entry.id),
            dimensions_of_metric: uses_dimension_set.forward,
        })
    }

    /// Returns the services' names.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        let services = self.services.iter();
        services.map(|service| service.short_name.clone())
    }

    /// Returns a service by its name in small letters.
    pub(crate) fn service(&self, name: &str) -> Option<&ServiceEntry> {
        self.services
            .iter()
            .find(|service| service.short_name == name)
    }

    /// Returns a service's resource types by their names.
    pub(crate) fn resources(&self, service: &ServiceEntry) -> Vec<&ResourceEntry> {
        let references = self.of_service.get(&service.id).into_iter().flatten();
        let mut resources: Vec<_> = references
            .filter_map(|reference| self.resources.get(&reference.id))
            .collect();
        resources.sort_by(|left, right| left.cloud_formation_type.cmp(&right.cloud_formation_type));
        resources
    }

    /// Returns the id of a resource type: the database's, or else its own name.
    pub(crate) fn resource_id(&self, type_name: &str) -> String {
        self.ids
            .get(type_name)
            .cloned()
            .unwrap_or_else(|| type_name.to_owned())
    }

    /// Returns the definition that a property holds.
    pub(crate) fn definition(&self, pointer: &Pointer) -> Option<&DefinitionEntry> {
        self.definitions.get(&pointer.id)
    }
}

impl ServiceSpec {
    /// Returns a service's metrics by their names, each with its sets of dimensions.
    pub(crate) fn metrics(
        &self,
        service: &ServiceEntry,
    ) -> Vec<(&MetricEntry, Vec<&[DimensionEntry]>)> {
        let references = self.metrics_of_service.get(&service.id);
        let mut metrics: Vec<_> = references
            .into_iter()
            .flatten()
            .filter_map(|reference| self.metrics.get(&reference.id))
            .map(|metric| {
                let sets = self.dimensions_of_metric.get(&metric.id);
                let sets = sets.into_iter().flatten();
                let sets = sets.filter_map(|set| self.dimension_sets.get(&set.id));
                (metric, sets.map(|set| set.dimensions.as_slice()).collect())
            })
            .collect();
        metrics.sort_by(|(left, _), (right, _)| {
            let key = |metric: &MetricEntry| {
                let id: u64 = metric.id.parse().unwrap_or(u64::MAX);
                (metric.name.clone(), metric.namespace.clone(), id)
            };
            key(left).cmp(&key(right))
        });
        metrics
    }
}

impl DefinitionEntry {
    /// Returns what tells this definition from every other.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

fn by_id<E>(entries: Vec<E>, id: impl Fn(&E) -> &String) -> BTreeMap<String, E> {
    let entries = entries.into_iter();
    entries.map(|entry| (id(&entry).clone(), entry)).collect()
}

/// Returns the part of a database that has `services` alone, in the same form.
pub(crate) fn excerpt(database: &Json, services: &[String]) -> Json {
    let entities = |kind: &str| -> Vec<&Json> {
        let entities = &database["schema"][kind]["entities"];
        entities.as_array().into_iter().flatten().collect()
    };
    let id = |entity: &Json| entity["$id"].as_str().unwrap_or_default().to_owned();
    let related = |relation: &str, ids: &[String]| -> BTreeMap<String, Json> {
        let forward = &database["schema"][relation]["forward"];
        ids.iter()
            .filter_map(|id| Some((id.clone(), forward.get(id)?.clone())))
            .collect()
    };
    let ids = |relation: &BTreeMap<String, Json>| -> Vec<String> {
        let lists = relation.values().filter_map(Json::as_array);
        lists.flatten().map(id).collect()
    };
    let of = |kind: &str, ids: &[String]| -> Vec<&Json> {
        let mut entities = entities(kind);
        entities.retain(|entity| ids.contains(&id(entity)));
        entities
    };
    let mut chosen = entities("service");
    chosen.retain(|service| {
        services
            .iter()
            .any(|name| service["shortName"] == name.as_str())
    });
    let chosen_ids: Vec<String> = chosen.iter().map(|service| id(service)).collect();
    let has_resource = related("hasResource", &chosen_ids);
    let resource_ids = ids(&has_resource);
    let uses_type = related("usesType", &resource_ids);
    let definition_ids = ids(&uses_type);
    let service_has_metric = related("serviceHasMetric", &chosen_ids);
    let metric_ids = ids(&service_has_metric);
    let uses_dimension_set = related("usesDimensionSet", &metric_ids);
    json!({"schema": {
        "service": {"entities": chosen},
        "resource": {"entities": of("resource", &resource_ids)},
        "typeDefinition": {"entities": of("typeDefinition", &definition_ids)},
        "metric": {"entities": of("metric", &metric_ids)},
        "dimensionSet": {"entities": of("dimensionSet", &ids(&uses_dimension_set))},
        "hasResource": {"forward": has_resource},
        "usesType": {"forward": uses_type},
        "serviceHasMetric": {"forward": service_has_metric},
        "usesDimensionSet": {"forward": uses_dimension_set},
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_form_is_an_error() {
        let error = ServiceSpec::read(&json!({"schema": {"service": []}})).unwrap_err();
        assert!(error.to_string().contains("another form"), "{error}");
    }
}
