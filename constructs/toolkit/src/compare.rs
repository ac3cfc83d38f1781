//! What differs between two templates, down to single properties.

use std::collections::BTreeSet;

use lightsout_core::is_stateful;
use serde::Serialize;
use serde_json::Value as Json;

use crate::io::Replacement;

/// How a stack differs from what it is compared with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StackDifference {
    /// The name in the app.
    pub stack: String,
    /// Whether there is nothing to compare with.
    pub is_new: bool,
    /// What differs, by section and name; never empty unless the stack is new
    /// and empty.
    pub differences: Vec<Difference>,
}

/// How one entry of a template differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The section of the template, such as `Resources`.
    pub section: String,
    /// The name in the section, such as a logical id.
    pub name: String,
    /// Where the resource was made, as far as the assembly knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub construct: Option<String>,
    /// The type, where the entry is a resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// Whether it is a resource that holds data.
    pub stateful: bool,
    /// Whether a new resource takes its place, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replacement: Option<Replacement>,
    /// What became of it.
    #[serde(flatten)]
    pub change: Change,
}

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another; each value that differs, by path.
    Changed {
        /// The values.
        values: Vec<ValueChange>,
    },
}

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValueChange {
    /// Where it is, such as `Properties.Tags[0].Value`.
    pub path: String,
    /// What it was, absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Json>,
    /// What it is, absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Json>,
}

/// Compares two templates entry by entry.
///
/// The order of keys is no difference, nor is what stands in `Metadata`.
pub fn compare(old: &Json, new: &Json) -> Vec<Difference> {
    let empty = Json::Null;
    let mut differences = Vec::new();
    for section in keys(old, new) {
        if section == "Metadata" {
            continue;
        }
        let (before, after) = (
            old.get(&section).unwrap_or(&empty),
            new.get(&section).unwrap_or(&empty),
        );
        if !is_map(before) || !is_map(after) {
            // `Description` and the like: the section is the entry.
            differences.extend(entry(&section, "", old.get(&section), new.get(&section)));
            continue;
        }
        for name in keys(before, after) {
            let found = entry(&section, &name, before.get(&name), after.get(&name));
            differences.extend(found.map(|found| Difference {
                stateful: section == "Resources"
                    && (is_stateful(old, &name) || is_stateful(new, &name)),
                ..found
            }));
        }
    }
    differences
}

fn entry(section: &str, name: &str, old: Option<&Json>, new: Option<&Json>) -> Option<Difference> {
    let change = match (old, new) {
        (None, None) => return None,
        (None, Some(_)) => Change::Added,
        (Some(_), None) => Change::Removed,
        (Some(old), Some(new)) => {
            let mut values = Vec::new();
            walk(String::new(), Some(old), Some(new), &mut values);
            if section == "Resources" {
                values.retain(|value| !value.path.starts_with("Metadata"));
            }
            if values.is_empty() {
                return None;
            }
            Change::Changed { values }
        }
    };
    let type_of = |entry: &Json| Some(entry.get("Type")?.as_str()?.to_owned());
    let is_resource = section == "Resources";
    let type_name = new.or(old).and_then(type_of).filter(|_| is_resource);
    // Changing a resource's type always makes a new one of it.
    let is_replaced = is_resource
        && matches!((old, new), (Some(old), Some(new)) if old.get("Type") != new.get("Type"));
    Some(Difference {
        section: section.to_owned(),
        name: name.to_owned(),
        construct: None,
        stateful: false,
        type_name,
        replacement: is_replaced.then_some(Replacement::Always),
        change,
    })
}

fn walk(path: String, old: Option<&Json>, new: Option<&Json>, values: &mut Vec<ValueChange>) {
    match (old, new) {
        (Some(old), Some(new)) if old == new => {}
        (Some(before), Some(after))
            if is_map(before) && is_map(after) && !is_function(before) && !is_function(after) =>
        {
            for key in keys(before, after) {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                walk(path, before.get(&key), after.get(&key), values);
            }
        }
        (Some(Json::Array(before)), Some(Json::Array(after))) if before.len() == after.len() => {
            for (at, (before, after)) in before.iter().zip(after).enumerate() {
                walk(format!("{path}[{at}]"), Some(before), Some(after), values);
            }
        }
        (old, new) => values.push(ValueChange {
            path,
            old: old.cloned(),
            new: new.cloned(),
        }),
    }
}

/// Returns the keys of both, sorted.
fn keys(old: &Json, new: &Json) -> BTreeSet<String> {
    let keys = |value: &Json| {
        value
            .as_object()
            .into_iter()
            .flat_map(|map| map.keys().cloned())
            .collect::<Vec<_>>()
    };
    keys(old).into_iter().chain(keys(new)).collect()
}

/// An absent section counts as an empty one.
fn is_map(value: &Json) -> bool {
    value.is_object() || value.is_null()
}

/// A function such as `Ref` is one value, not a map of values.
fn is_function(value: &Json) -> bool {
    value.as_object().is_some_and(|map| {
        map.len() == 1
            && map
                .keys()
                .all(|key| key == "Ref" || key.starts_with("Fn::"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn queue(properties: &Json) -> Json {
        json!({"Resources": {"Jobs": {"Type": "AWS::SQS::Queue", "Properties": properties}}})
    }

    fn paths(old: &Json, new: &Json) -> Vec<String> {
        let differences = compare(old, new);
        let values = differences
            .iter()
            .flat_map(|difference| match &difference.change {
                Change::Changed { values } => values.clone(),
                _ => Vec::new(),
            });
        values.map(|value| value.path).collect()
    }

    #[test]
    fn a_value_is_found_by_its_path() {
        let old = queue(&json!({"Delay": 1, "Tags": [{"Key": "a", "Value": "b"}]}));
        let new = queue(&json!({"Delay": 2, "Tags": [{"Key": "a", "Value": "c"}]}));
        assert_eq!(
            paths(&old, &new),
            ["Properties.Delay", "Properties.Tags[0].Value"]
        );
    }

    #[test]
    fn a_function_is_one_value() {
        let old = queue(&json!({"Policy": {"Ref": "A"}}));
        let new = queue(&json!({"Policy": {"Fn::GetAtt": ["A", "Arn"]}}));
        assert_eq!(paths(&old, &new), ["Properties.Policy"]);
    }

    #[test]
    fn order_of_keys_and_metadata_are_no_difference() {
        let old =
            json!({"Metadata": {"a": 1}, "Resources": {"A": {"Type": "T", "Metadata": {"x": 1}}}});
        let new = json!({"Resources": {"A": {"Metadata": {"x": 2}, "Type": "T"}}});
        assert_eq!(compare(&old, &new), []);
    }

    #[test]
    fn another_type_is_another_resource() {
        let new = json!({"Resources": {"Jobs": {"Type": "AWS::SNS::Topic", "Properties": {}}}});
        let differences = compare(&queue(&json!({})), &new);
        assert_eq!(differences[0].replacement, Some(Replacement::Always));
    }

    #[test]
    fn a_removed_queue_is_known_to_hold_data() {
        let mut old = queue(&json!({}));
        old["Metadata"] = json!({"lightsout:stateful": ["Jobs"]});
        let differences = compare(&old, &json!({"Resources": {}}));
        assert_eq!(differences[0].change, Change::Removed);
        assert!(differences[0].stateful);
    }

    #[test]
    fn a_template_does_not_differ_from_itself() {
        let template = queue(&json!({"Delay": 1}));
        assert_eq!(compare(&template, &template), []);
    }
}
