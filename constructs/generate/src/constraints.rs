//! What cfn-lint's schemas say of a property: required, read-only, its values.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Number, Value as Json};

/// The schemas of resource types, by the types' names.
#[derive(Debug, Default)]
pub(crate) struct Constraints(BTreeMap<String, Json>);

/// A place in the schema of one resource type: the type, or something inside it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Constraint<'s> {
    schema: &'s Json,
    node: &'s Json,
}

impl Constraints {
    /// Adds the schema of a resource type.
    pub(crate) fn insert(&mut self, type_name: &str, schema: Json) {
        self.0.insert(type_name.to_owned(), schema);
    }

    /// Returns what is said of a resource type as a whole.
    pub(crate) fn of(&self, type_name: &str) -> Option<Constraint<'_>> {
        let schema = self.0.get(type_name)?;
        Some(Constraint {
            schema,
            node: schema,
        })
    }

    /// Returns every schema, for writing some of them elsewhere.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, schema)| (name.as_str(), schema))
    }
}

impl FromIterator<(String, Json)> for Constraints {
    fn from_iter<I: IntoIterator<Item = (String, Json)>>(schemas: I) -> Self {
        Self(schemas.into_iter().collect())
    }
}

impl<'s> Constraint<'s> {
    /// Returns what is said of a property.
    pub(crate) fn property(self, name: &str) -> Option<Self> {
        self.step(self.node.get("properties")?.get(name)?)
    }

    /// Returns what is said of each item of a list.
    pub(crate) fn item(self) -> Option<Self> {
        self.step(self.node.get("items")?)
    }

    /// Returns what is said of each value of a map.
    pub(crate) fn entry(self) -> Option<Self> {
        let patterns = self.node.get("patternProperties").and_then(Json::as_object);
        let node = patterns
            .and_then(|patterns| patterns.values().next())
            .or_else(|| self.node.get("additionalProperties"))?;
        self.step(node)
    }

    /// Returns the properties that must be there; `None` if this lists no properties.
    pub(crate) fn required(self) -> Option<BTreeSet<&'s str>> {
        self.node.get("properties")?;
        Some(texts(self.node.get("required")).collect())
    }

    /// Returns the values that are known, if they are text.
    pub(crate) fn values(self) -> Vec<&'s str> {
        texts(self.node.get("enum")).collect()
    }

    /// Returns the number of a keyword such as `maxLength`.
    pub(crate) fn number(self, keyword: &str) -> Option<&'s Number> {
        match self.node.get(keyword)? {
            Json::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Returns the numbers that are allowed, if they are listed.
    pub(crate) fn numbers(self) -> Vec<&'s Number> {
        let values = self.node.get("enum").and_then(Json::as_array);
        let values = values.into_iter().flatten();
        values
            .filter_map(|value| match value {
                Json::Number(number) => Some(number),
                _ => None,
            })
            .collect()
    }

    /// Returns the regular expression that text must match.
    pub(crate) fn pattern(self) -> Option<&'s str> {
        self.node.get("pattern")?.as_str()
    }

    /// Returns whether a property of the resource type is filled in by AWS alone.
    pub(crate) fn is_read_only(self, property: &str) -> bool {
        texts(self.schema.get("readOnlyProperties"))
            .any(|path| path.strip_prefix("/properties/") == Some(property))
    }

    /// Returns the format, such as `AWS::SQS::Queue.Arn`.
    pub(crate) fn format(self) -> Option<&'s str> {
        self.node.get("format")?.as_str()
    }

    /// Goes on to `node`, and from a reference to what it refers to.
    fn step(self, node: &'s Json) -> Option<Self> {
        /// A chain of references longer than this goes in a circle.
        const LONGEST_CHAIN: usize = 16;
        let mut node = node;
        for _ in 0..LONGEST_CHAIN {
            let Some(reference) = node.as_object().and_then(reference) else {
                return Some(Self { node, ..self });
            };
            node = self.schema.pointer(reference.strip_prefix('#')?)?;
        }
        None
    }
}

fn reference(node: &Map<String, Json>) -> Option<&str> {
    node.get("$ref")?.as_str()
}

/// Returns the texts of a list, if it is one.
pub(crate) fn texts(list: Option<&Json>) -> impl Iterator<Item = &str> {
    list.and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn constraints() -> Constraints {
        let schema = json!({
            "required": ["Rules"],
            "readOnlyProperties": ["/properties/Arn"],
            "properties": {
                "Arn": {"type": "string", "format": "AWS::X::Y.Arn"},
                "Rules": {"type": "array", "items": {"$ref": "#/definitions/Rule"}},
                "Circle": {"$ref": "#/definitions/Circle"},
                "Map": {"patternProperties": {".*": {"enum": ["a", "b", 1]}}},
            },
            "definitions": {
                "Rule": {"properties": {"Effect": {}}, "required": ["Effect"]},
                "Circle": {"$ref": "#/definitions/Circle"},
            },
        });
        [("AWS::X::Y".to_owned(), schema)].into_iter().collect()
    }

    #[test]
    fn references_are_followed() {
        let constraints = constraints();
        let rule = constraints
            .of("AWS::X::Y")
            .and_then(|resource| resource.property("Rules"))
            .and_then(Constraint::item)
            .unwrap();
        assert_eq!(rule.required(), Some(BTreeSet::from(["Effect"])));
    }

    #[test]
    fn a_circle_of_references_leads_nowhere() {
        let constraints = constraints();
        assert!(
            constraints
                .of("AWS::X::Y")
                .unwrap()
                .property("Circle")
                .is_none()
        );
    }

    #[test]
    fn only_text_is_a_known_value() {
        let constraints = constraints();
        let map = constraints
            .of("AWS::X::Y")
            .unwrap()
            .property("Map")
            .unwrap();
        assert_eq!(map.entry().unwrap().values(), ["a", "b"]);
        assert!(map.required().is_none());
    }

    #[test]
    fn read_only_properties_and_formats_are_known() {
        let constraints = constraints();
        let resource = constraints.of("AWS::X::Y").unwrap();
        assert!(resource.is_read_only("Arn"));
        assert!(!resource.is_read_only("Rules"));
        assert_eq!(
            resource.property("Arn").unwrap().format(),
            Some("AWS::X::Y.Arn")
        );
    }
}
