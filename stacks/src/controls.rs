//! Which resource meets which control of 45 CFR part 164.

use serde::Deserialize;
use serde_json::Value;

use crate::graph::{Graph, Place, each, names_key};

/// The table `controls.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    control: Vec<Control>,
}

/// A control that applies to the pipeline.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// The id, one of its own.
    pub id: String,
    /// The paragraph, such as `164.312(a)(2)(iv)`.
    pub cfr: String,
    /// `critical`, `high`, `medium` or `low`.
    pub severity: String,
    /// What it is met by.
    pub by: Option<String>,
    /// What is not done, and why.
    pub open: Option<String>,
    /// What has to be there for it to be met.
    #[serde(default)]
    pub checks: Vec<Check>,
}

/// What has to be there for a control to be met.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, untagged)]
pub enum Check {
    /// Every resource of a type has something.
    Every {
        /// The type.
        every: String,
        /// What it has.
        #[serde(flatten)]
        wanted: Wanted,
    },
    /// Some resource of a type has something.
    Some {
        /// The type.
        some: String,
        /// What it has.
        #[serde(flatten)]
        wanted: Wanted,
    },
    /// No resource of a type is there.
    None {
        /// The type.
        none: String,
    },
    /// A test asks it.
    Test {
        /// The test's file.
        test: String,
        /// The test's name.
        name: String,
    },
    /// A file does it.
    Code {
        /// The file.
        code: String,
        /// What it says.
        says: String,
    },
}

/// What a resource has to have.
#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    /// Only ids with this in them are meant.
    pub only: Option<String>,
    /// No id with this in it is meant.
    pub except: Option<String>,
    /// The path of what is there.
    pub has: Option<String>,
    /// The path of what is not there.
    pub lacks: Option<String>,
    /// What stands at the path.
    pub is: Option<Value>,
    /// What is part of what stands at the path.
    pub says: Option<String>,
}

/// Every control that applies, in the order of the table.
pub fn controls() -> Result<Vec<Control>, toml::de::Error> {
    let table: Table = toml::from_str(include_str!("../controls.toml"))?;
    Ok(table.control)
}

impl Check {
    /// Returns why the templates do not meet the control, if they do not; what a test or a
    /// file has to say is not asked here.
    pub fn fault(&self, graph: &Graph) -> Option<String> {
        match self {
            Self::Every { every, wanted } => {
                let resources = wanted.of(graph, every);
                if resources.is_empty() {
                    return Some(format!("there is no such {every}"));
                }
                let bad = resources.into_iter().find(|one| !wanted.holds(graph, one));
                bad.map(|((stack, id), _)| format!("{stack}/{id} {}", wanted.asked()))
            }
            Self::Some { some, wanted } => {
                let mut resources = wanted.of(graph, some).into_iter();
                let found = resources.any(|one| wanted.holds(graph, &one));
                (!found).then(|| format!("each {some} {}", wanted.asked()))
            }
            Self::None { none } => {
                let found = graph.any(none);
                (!found.is_empty()).then(|| format!("there is a {none}"))
            }
            Self::Test { .. } | Self::Code { .. } => None,
        }
    }

    /// Returns the resources that it looks at.
    pub fn resources<'a>(&self, graph: &'a Graph) -> Vec<&'a Place> {
        match self {
            Self::Every {
                every: kind,
                wanted,
            }
            | Self::Some { some: kind, wanted } => {
                let resources = wanted.of(graph, kind).into_iter();
                resources
                    .filter(|one| wanted.holds(graph, one))
                    .map(|(place, _)| place)
                    .collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Wanted {
    fn of<'a>(&self, graph: &'a Graph, kind: &str) -> Vec<(&'a Place, &'a Value)> {
        let is_meant = |id: &str| {
            self.only.as_ref().is_none_or(|part| id.contains(part))
                && self.except.as_ref().is_none_or(|part| !id.contains(part))
        };
        let mut resources = graph.any(kind);
        resources.retain(|(place, _)| is_meant(&place.1));
        resources
    }

    /// What is said of a resource that does not have it.
    fn asked(&self) -> String {
        match (&self.has, &self.lacks) {
            (Some(path), _) => format!("has not at `{path}` what is asked for"),
            (None, Some(path)) => format!("has something at `{path}`"),
            (None, None) => "is another".to_owned(),
        }
    }

    /// Returns whether a resource has it.
    pub fn holds(&self, graph: &Graph, (place, resource): &(&Place, &Value)) -> bool {
        if let Some(path) = &self.lacks
            && !at(resource, path).iter().all(|value| value.is_null())
        {
            return false;
        }
        let Some(path) = &self.has else { return true };
        let found = at(resource, path);
        !found.is_empty()
            && found.into_iter().all(|value| {
                let is_right = self.is.as_ref().is_none_or(|wanted| value == wanted);
                let says = self
                    .says
                    .as_ref()
                    .is_none_or(|text| said(value).contains(text));
                is_known(graph, &place.0, value)
                    && is_key(graph, place, path, value)
                    && is_right
                    && says
            })
    }
}

/// The text of a value, whether it is text or not.
fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The values at a path in the properties; `*` is every element of a list.
pub fn at<'a>(resource: &'a Value, path: &str) -> Vec<&'a Value> {
    let (mut found, path) = match path.strip_prefix('/') {
        Some(path) => (vec![resource], path),
        None => (vec![&resource["Properties"]], path),
    };
    for step in path.split('.') {
        found = match step.parse::<usize>() {
            _ if step == "*" => found.into_iter().flat_map(each).collect(),
            Ok(index) => found.into_iter().map(|value| &value[index]).collect(),
            Err(_) => found.into_iter().map(|value| &value[step]).collect(),
        };
    }
    found
}

/// Whether it is known what stands there: something, and no parameter of the stack.
fn is_known(graph: &Graph, stack: &str, value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Object(entries) if entries.len() == 1 => match entries.iter().next() {
            Some((name, Value::String(id))) if name == "Ref" && id.starts_with("AWS::") => true,
            Some((name, _)) if ["Ref", "Fn::GetAtt", "Fn::ImportValue"].contains(&&**name) => {
                !graph.targets(stack, value).is_empty()
            }
            _ => true,
        },
        _ => true,
    }
}

/// Whether what a property names as a key is a key of the account.
fn is_key(graph: &Graph, place: &Place, path: &str, value: &Value) -> bool {
    !names_key(path) || {
        let keys = graph.targets(&place.0, value);
        keys.len() == 1 && graph.resources[&keys[0]]["Type"] == "AWS::KMS::Key"
    }
}
