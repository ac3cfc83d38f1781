//! The database of aws-service-spec: services, resource types and their parts.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value as Json, json};

/// The part of the database that is read.
#[derive(Debug)]
pub(crate) struct ServiceSpec {
    services: Vec<ServiceEntry>,
    resources: BTreeMap<String, ResourceEntry>,
    definitions: BTreeMap<String, DefinitionEntry>,
    of_service: BTreeMap<String, Vec<Reference>>,
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
    id: String,
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
    id: String,
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
    id: String,
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
    id: String,
}

#[derive(Debug, Deserialize)]
struct Reference {
    #[serde(rename = "$id")]
    id: String,
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
    has_resource: Relation,
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
            has_resource,
        } = Database::deserialize(database)?.schema;
        let resources = resource.entities.into_iter();
        let definitions = type_definition.entities.into_iter();
        Ok(Self {
            services: service.entities,
            resources: resources.map(|entry| (entry.id.clone(), entry)).collect(),
            definitions: definitions.map(|entry| (entry.id.clone(), entry)).collect(),
            of_service: has_resource.forward,
        })
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

    /// Returns the definition that a property holds.
    pub(crate) fn definition(&self, pointer: &Pointer) -> Option<&DefinitionEntry> {
        self.definitions.get(&pointer.id)
    }
}

impl DefinitionEntry {
    /// Returns what tells this definition from every other.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }
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
    let definition_ids = ids(&related("usesType", &resource_ids));
    json!({"schema": {
        "service": {"entities": chosen},
        "resource": {"entities": of("resource", &resource_ids)},
        "typeDefinition": {"entities": of("typeDefinition", &definition_ids)},
        "hasResource": {"forward": has_resource},
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
