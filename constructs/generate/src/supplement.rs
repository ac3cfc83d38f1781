//! Resource types and properties that aws-service-spec lacks, out of cfn-lint's schemas.
//!
//! cfn-lint's schemas are CloudFormation's own and newer. Its additions are
//! given the form of aws-service-spec, so that all else sees one source.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::{
    constraints::{Constraints, texts},
    service_spec::{
        DefinitionEntry, Pointer, PropertyEntry, Reference, Replacement, ResourceEntry,
        ServiceEntry, ServiceSpec, ShapeEntry, TagEntry,
    },
};

/// How much was added.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Added {
    /// Services.
    pub(crate) services: usize,
    /// Resource types.
    pub(crate) resources: usize,
    /// Properties of resource types that were there.
    pub(crate) properties: usize,
}

/// Adds to `spec` what only `constraints` have.
pub(crate) fn supplement(spec: &mut ServiceSpec, constraints: &Constraints) -> Added {
    let mut added = Added::default();
    let ids: BTreeMap<String, String> = spec
        .resources
        .values()
        .map(|resource| (resource.cloud_formation_type.clone(), resource.id.clone()))
        .collect();
    for (type_name, schema) in constraints.iter() {
        let Some((namespace, name)) = type_name.rsplit_once("::") else {
            continue;
        };
        let mut reader = Reader {
            spec,
            schema,
            type_name,
            tags: schema
                .pointer("/tagging/tagProperty")
                .and_then(last_segment),
        };
        if let Some(id) = ids.get(type_name) {
            let Some(mut resource) = reader.spec.resources.remove(id) else {
                continue;
            };
            added.properties += reader.complete(&mut resource);
            reader.spec.resources.insert(id.clone(), resource);
        } else {
            let resource = reader.resource(name);
            added.resources += 1;
            added.services += usize::from(file(spec, namespace, &resource.id));
            spec.resources.insert(resource.id.clone(), resource);
        }
    }
    added
}

/// Files a resource type under its service; returns whether that service is new.
fn file(spec: &mut ServiceSpec, namespace: &str, resource: &str) -> bool {
    let known = spec
        .services
        .iter()
        .find(|service| service.cloud_formation_namespace == namespace)
        .map(|service| service.id.clone());
    let is_new = known.is_none();
    let service = known.unwrap_or_else(|| {
        let (_, name) = namespace.rsplit_once("::").unwrap_or(("", namespace));
        spec.services.push(ServiceEntry {
            id: namespace.to_owned(),
            short_name: name.to_ascii_lowercase(),
            cloud_formation_namespace: namespace.to_owned(),
        });
        namespace.to_owned()
    });
    let id = resource.to_owned();
    let resources = spec.of_service.entry(service).or_default();
    resources.push(Reference { id });
    is_new
}

/// Reads the schema of one resource type.
struct Reader<'s, 'j> {
    spec: &'s mut ServiceSpec,
    schema: &'j Json,
    type_name: &'j str,
    /// The property that takes tags.
    tags: Option<&'j str>,
}

impl<'j> Reader<'_, 'j> {
    /// Reads a resource type that only this schema has.
    fn resource(&mut self, name: &str) -> ResourceEntry {
        let schema = self.schema;
        let read_only = self.read_only();
        let properties = self.properties(schema, |name| !read_only.contains(name));
        let attributes = read_only
            .iter()
            .filter_map(|path| {
                let mut node = schema;
                for name in path.split('.') {
                    node = self.resolved(node)?.get("properties")?.get(name)?;
                }
                let attribute = self.property(path, node, false);
                Some((path.clone(), attribute))
            })
            .collect();
        let tag_information = self.tags.and_then(|property| {
            let variant = match properties.get(property)?.shape {
                ShapeEntry::Array { .. } => "standard",
                ShapeEntry::Map { .. } => "map",
                _ => return None,
            };
            Some(TagEntry {
                tag_property_name: property.to_owned(),
                variant: variant.to_owned(),
            })
        });
        ResourceEntry {
            id: self.type_name.to_owned(),
            cloud_formation_type: self.type_name.to_owned(),
            name: name.to_owned(),
            documentation: documentation(schema),
            properties,
            attributes,
            is_stateful: false,
            tag_information,
        }
    }

    /// Adds properties that a known resource type lacks; returns how many.
    fn complete(&mut self, resource: &mut ResourceEntry) -> usize {
        let read_only = self.read_only();
        let before = resource.properties.len();
        let added = self.properties(self.schema, |name| {
            !resource.properties.contains_key(name)
                && !resource.attributes.contains_key(name)
                && !read_only.contains(name)
        });
        resource.properties.extend(added);
        resource.properties.len() - before
    }

    /// Returns what AWS alone fills in, by paths with dots as in `Fn::GetAtt`.
    fn read_only(&self) -> BTreeSet<String> {
        texts(self.schema.get("readOnlyProperties"))
            .filter_map(|path| Some(path.strip_prefix("/properties/")?.replace('/', ".")))
            .collect()
    }

    /// Reads those of a node's properties that `wanted` accepts.
    fn properties(
        &mut self,
        node: &'j Json,
        wanted: impl Fn(&str) -> bool,
    ) -> BTreeMap<String, PropertyEntry> {
        let required: BTreeSet<&str> = texts(node.get("required")).collect();
        let properties = node.get("properties").and_then(Json::as_object);
        let properties = properties.into_iter().flatten();
        properties
            .filter(|(name, _)| wanted(name))
            .map(|(name, node)| {
                let required = required.contains(name.as_str());
                (name.clone(), self.property(name, node, required))
            })
            .collect()
    }

    fn property(&mut self, name: &str, node: &'j Json, required: bool) -> PropertyEntry {
        let path = format!("/properties/{name}");
        let create_only = texts(self.schema.get("createOnlyProperties")).any(|only| only == path);
        let resolved = self.resolved(node);
        PropertyEntry {
            shape: self.shape(name, node),
            documentation: Some(documentation(node))
                .filter(|text| !text.is_empty())
                .or_else(|| resolved.map(documentation))
                .unwrap_or_default(),
            required,
            default_value: node.get("default").map(Json::to_string),
            causes_replacement: create_only.then_some(Replacement::Yes),
            relationship_refs: Vec::new(),
        }
    }

    /// Reads what a node holds; a definition in it gets the name of the property, if it has none.
    fn shape(&mut self, name: &str, node: &'j Json) -> ShapeEntry {
        let (name, node) = match reference(node) {
            Some(definition) => match self.resolved(node) {
                Some(node) => (definition, node),
                None => return ShapeEntry::Json,
            },
            None => (name, node),
        };
        if node.get("properties").is_some() {
            return ShapeEntry::Ref {
                reference: self.definition(name, node),
            };
        }
        match node.get("type").and_then(Json::as_str) {
            Some("string") => ShapeEntry::String {
                allowed_values: texts(node.get("enum")).map(str::to_owned).collect(),
            },
            Some("integer") => ShapeEntry::Integer,
            Some("number") => ShapeEntry::Number,
            Some("boolean") => ShapeEntry::Boolean,
            Some("array") => match node.get("items") {
                Some(item) if self.tags == Some(name) && self.is_tag(item) => ShapeEntry::Array {
                    element: Box::new(ShapeEntry::Tag),
                },
                Some(item) => ShapeEntry::Array {
                    element: Box::new(self.shape(name, item)),
                },
                None => ShapeEntry::Json,
            },
            Some("object") => {
                let patterns = node.get("patternProperties").and_then(Json::as_object);
                match patterns.and_then(|patterns| patterns.values().next()) {
                    Some(value) => ShapeEntry::Map {
                        element: Box::new(self.shape(name, value)),
                    },
                    None => ShapeEntry::Json,
                }
            }
            // One of several types shows in the value.
            _ => ShapeEntry::Json,
        }
    }

    /// Adds a definition, unless the resource type has one of that name.
    fn definition(&mut self, name: &str, node: &'j Json) -> Pointer {
        let resource = self.spec.resource_id(self.type_name);
        let known = self.spec.of_resource.get(&resource).into_iter().flatten();
        let known = known
            .filter_map(|reference| self.spec.definitions.get(&reference.id))
            .find(|definition| definition.name == name);
        if let Some(definition) = known {
            let id = definition.id.clone();
            return Pointer { id };
        }
        let id = format!("{}/{name}", self.type_name);
        let definition = DefinitionEntry {
            id: id.clone(),
            name: name.to_owned(),
            documentation: documentation(node),
            properties: BTreeMap::new(),
        };
        // Before its properties, which may lead back to it.
        let references = self.spec.of_resource.entry(resource).or_default();
        references.push(Reference { id: id.clone() });
        self.spec.definitions.insert(id.clone(), definition);
        let properties = self.properties(node, |_| true);
        if let Some(definition) = self.spec.definitions.get_mut(&id) {
            definition.properties = properties;
        }
        Pointer { id }
    }

    fn is_tag(&self, item: &'j Json) -> bool {
        let properties = self
            .resolved(item)
            .and_then(|item| item.get("properties")?.as_object());
        properties.is_some_and(|properties| properties.keys().eq(["Key", "Value"]))
    }

    /// Follows references within the schema; a circle leads nowhere.
    fn resolved(&self, node: &'j Json) -> Option<&'j Json> {
        /// A chain of references longer than this goes in a circle.
        const LONGEST_CHAIN: usize = 16;
        let mut node = node;
        for _ in 0..LONGEST_CHAIN {
            match node.get("$ref").and_then(Json::as_str) {
                Some(path) => node = self.schema.pointer(path.strip_prefix('#')?)?,
                None => return Some(node),
            }
        }
        None
    }
}

/// Returns the name of the definition that a node refers to.
fn reference(node: &Json) -> Option<&str> {
    last_segment(node.get("$ref")?)
}

fn last_segment(path: &Json) -> Option<&str> {
    path.as_str()?.rsplit('/').next()
}

fn documentation(node: &Json) -> String {
    let text = node.get("description").and_then(Json::as_str);
    text.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec() -> ServiceSpec {
        let none = json!({"entities": []});
        let empty = json!({"forward": {}});
        let thing = json!({
            "$id": "2", "cloudFormationType": "AWS::X::Thing", "name": "Thing",
            "properties": {"Name": {"type": {"type": "string"}}}, "attributes": {},
        });
        ServiceSpec::read(&json!({"schema": {
            "service": {"entities": [
                {"$id": "1", "shortName": "x", "cloudFormationNamespace": "AWS::X"},
            ]},
            "resource": {"entities": [thing]},
            "typeDefinition": none, "metric": none, "dimensionSet": none,
            "hasResource": {"forward": {"1": [{"$id": "2"}]}},
            "usesType": empty, "serviceHasMetric": empty, "usesDimensionSet": empty,
        }}))
        .unwrap()
    }

    fn supplemented(type_name: &str, schema: Json) -> (ServiceSpec, Added) {
        let mut spec = spec();
        let constraints = [(type_name.to_owned(), schema)].into_iter().collect();
        let added = supplement(&mut spec, &constraints);
        (spec, added)
    }

    #[test]
    fn a_type_of_a_new_service_is_read_from_its_schema() {
        let (spec, added) = supplemented(
            "AWS::New::Gadget",
            json!({
                "description": "A gadget.",
                "required": ["Parts"],
                "readOnlyProperties": ["/properties/Arn", "/properties/Home/Url"],
                "createOnlyProperties": ["/properties/Parts"],
                "tagging": {"tagProperty": "/properties/Tags"},
                "properties": {
                    "Arn": {"type": "string"},
                    "Home": {"$ref": "#/definitions/Home"},
                    "Parts": {"type": "array", "items": {"$ref": "#/definitions/Part"}},
                    "Tags": {"type": "array", "items": {"properties": {"Key": {}, "Value": {}}}},
                },
                "definitions": {
                    "Home": {"properties": {"Url": {"type": "string"}}},
                    "Part": {"properties": {"Inner": {"$ref": "#/definitions/Part"}}},
                },
            }),
        );
        assert_eq!((added.services, added.resources), (1, 1));
        let service = spec.service("new").unwrap();
        let resources = spec.resources(service);
        assert_eq!(resources[0].cloud_formation_type, "AWS::New::Gadget");
        let attributes: Vec<_> = resources[0].attributes.keys().collect();
        assert_eq!(attributes, ["Arn", "Home.Url"]);
        let parts = &resources[0].properties["Parts"];
        assert!(parts.required);
        assert_eq!(parts.causes_replacement, Some(Replacement::Yes));
        let ShapeEntry::Array { element } = &resources[0].properties["Tags"].shape else {
            panic!("tags are a list");
        };
        assert!(matches!(**element, ShapeEntry::Tag));
        assert!(!resources[0].properties.contains_key("Arn"));
    }

    #[test]
    fn a_property_that_is_newer_joins_the_known_type() {
        let (spec, added) = supplemented(
            "AWS::X::Thing",
            json!({"properties": {
                "Name": {"type": "string"},
                "Mode": {"type": "string", "enum": ["A", "B"]},
                "Settings": {"type": "object", "patternProperties": {".*": {"type": "integer"}}},
            }}),
        );
        assert_eq!((added.resources, added.properties), (0, 2));
        let thing = &spec.resources(spec.service("x").unwrap())[0];
        let names: Vec<_> = thing.properties.keys().collect();
        assert_eq!(names, ["Mode", "Name", "Settings"]);
    }

    #[test]
    fn a_circle_of_references_is_any_json() {
        let (spec, _) = supplemented(
            "AWS::X::Ring",
            json!({
                "properties": {"Ring": {"$ref": "#/definitions/Ring"}},
                "definitions": {"Ring": {"$ref": "#/definitions/Ring"}},
            }),
        );
        let ring = &spec.resources["AWS::X::Ring"];
        assert!(matches!(ring.properties["Ring"].shape, ShapeEntry::Json));
    }
}
