//! What refers to what in the templates of an environment.

use std::collections::{BTreeMap, BTreeSet};

use lightsout::Assembly;
use serde_json::Value;

/// A resource's stack and logical id.
pub type Place = (String, String);

/// Every resource of an environment, as its templates have it.
#[derive(Debug, Clone)]
pub struct Graph {
    /// The resources, with type and properties.
    pub resources: BTreeMap<Place, Value>,
    exports: BTreeMap<String, (String, Value)>,
    stateful: BTreeSet<Place>,
}

/// One statement of a policy.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a>(pub &'a Value);

impl Graph {
    /// Reads the templates of an assembly.
    pub fn of(assembly: &Assembly) -> Self {
        let mut graph = Self {
            resources: BTreeMap::new(),
            exports: BTreeMap::new(),
            stateful: BTreeSet::new(),
        };
        for stack in assembly.stacks() {
            let template = stack.template_json();
            for (id, resource) in template["Resources"].as_object().into_iter().flatten() {
                let place = (stack.name().to_owned(), id.clone());
                graph.resources.insert(place, resource.clone());
            }
            for id in each(&template["Metadata"]["lightsout:stateful"]) {
                let id = id.as_str().unwrap_or_default().to_owned();
                graph.stateful.insert((stack.name().to_owned(), id));
            }
            for (_, output) in template["Outputs"].as_object().into_iter().flatten() {
                let name = output["Export"]["Name"].to_string();
                let value = (stack.name().to_owned(), output["Value"].clone());
                graph.exports.insert(name, value);
            }
        }
        graph
    }

    /// Every resource of one type, be there one or not.
    pub fn any(&self, kind: &str) -> Vec<(&Place, &Value)> {
        let resources = self.resources.iter();
        resources
            .filter(|(_, resource)| resource["Type"] == kind)
            .collect()
    }

    /// Whether a resource holds data, as synth notes in its template.
    pub fn holds_data(&self, place: &Place) -> bool {
        self.stateful.contains(place)
    }

    /// Whether a resource is kept when its stack goes.
    pub fn is_kept(&self, place: &Place) -> bool {
        let resource = self.resources.get(place);
        resource.is_some_and(|resource| resource["DeletionPolicy"] == "Retain")
    }

    /// The properties of a resource, null if there is none.
    pub fn properties(&self, place: &Place) -> &Value {
        let resource = self.resources.get(place);
        resource.map_or(&Value::Null, |resource| &resource["Properties"])
    }

    /// The resources that a value of a stack refers to, here or in other stacks.
    pub fn targets(&self, stack: &str, value: &Value) -> Vec<Place> {
        let mut found = Vec::new();
        self.collect(stack, value, &mut found);
        found
    }

    fn collect(&self, stack: &str, value: &Value, found: &mut Vec<Place>) {
        match value {
            Value::Object(entries) => {
                for (name, argument) in entries {
                    let id = match name.as_str() {
                        "Ref" => argument.as_str(),
                        "Fn::GetAtt" => argument[0].as_str(),
                        "Fn::ImportValue" => {
                            if let Some((owner, value)) = self.exports.get(&argument.to_string()) {
                                self.collect(owner, value, found);
                            }
                            continue;
                        }
                        _ => {
                            self.collect(stack, argument, found);
                            continue;
                        }
                    };
                    let place = (stack.to_owned(), id.unwrap_or_default().to_owned());
                    if self.resources.contains_key(&place) {
                        found.push(place);
                    }
                }
            }
            Value::Array(values) => {
                for value in values {
                    self.collect(stack, value, found);
                }
            }
            _ => (),
        }
    }

    /// The statements of a policy in a property of a resource.
    pub fn statements_in(&self, place: &Place, property: &str) -> Vec<Statement<'_>> {
        let statements = &self.properties(place)[property]["Statement"];
        each(statements).into_iter().map(Statement).collect()
    }

    /// The statements that a role has by its managed policies.
    pub fn allowed(&self, role: &Place) -> Vec<Statement<'_>> {
        let policies = &self.properties(role)["ManagedPolicyArns"];
        let policies = self.targets(&role.0, policies).into_iter();
        policies
            .flat_map(|policy| self.statements_in(&policy, "PolicyDocument"))
            .collect()
    }

    /// Every statement of every role's policies, with the role.
    pub fn permissions(&self) -> Vec<(&Place, Statement<'_>)> {
        let roles = self.any("AWS::IAM::Role").into_iter();
        roles
            .flat_map(|(role, _)| {
                let statements = self.allowed(role).into_iter();
                statements.map(move |statement| (role, statement))
            })
            .collect()
    }

    /// A value as a person reads it: `Stack/Id` for a resource, `${…}` for what is known at
    /// deployment only.
    pub fn spoken(&self, stack: &str, value: &Value) -> String {
        match self.simple(stack, value) {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }

    /// A value with each reference and each joined text in it as a person reads them.
    pub fn simple(&self, stack: &str, value: &Value) -> Value {
        match value {
            Value::Object(entries) if entries.len() == 1 => {
                let joined = entries.iter().next();
                let joined = joined.and_then(|(name, argument)| self.joined(stack, name, argument));
                joined.map_or_else(|| self.inside(stack, value), Value::String)
            }
            _ => self.inside(stack, value),
        }
    }

    fn inside(&self, stack: &str, value: &Value) -> Value {
        match value {
            Value::Array(values) => values
                .iter()
                .map(|value| self.simple(stack, value))
                .collect(),
            Value::Object(entries) => entries
                .iter()
                .map(|(name, value)| (name.clone(), self.simple(stack, value)))
                .collect(),
            other => other.clone(),
        }
    }

    fn joined(&self, stack: &str, function: &str, argument: &Value) -> Option<String> {
        match function {
            "Ref" | "Fn::GetAtt" => {
                let id = argument.as_str().or_else(|| argument[0].as_str())?;
                let is_here = self
                    .resources
                    .contains_key(&(stack.to_owned(), id.to_owned()));
                Some(if is_here {
                    format!("{stack}/{id}")
                } else {
                    format!("${{{id}}}")
                })
            }
            "Fn::ImportValue" => {
                let (owner, value) = self.exports.get(&argument.to_string())?;
                Some(self.spoken(owner, value))
            }
            "Fn::Join" => {
                let parts = argument[1].as_array()?.iter();
                let parts: Vec<_> = parts.map(|part| self.spoken(stack, part)).collect();
                Some(parts.join(argument[0].as_str()?))
            }
            _ => None,
        }
    }

    /// Where a resource refers to others: each property that does, by its path, outside of
    /// policies.
    pub fn references(&self, place: &Place) -> Vec<(String, Place)> {
        let mut found = Vec::new();
        walk(self.properties(place), "", &mut |path, value| {
            let is_reference = |name| value.get(name).is_some();
            if ["Ref", "Fn::GetAtt", "Fn::ImportValue"]
                .into_iter()
                .any(is_reference)
            {
                for target in self.targets(&place.0, value) {
                    found.push((path.to_owned(), target));
                }
            }
        });
        found
    }

    /// The resources that name a key of the account to encrypt with, each with the key.
    pub fn encrypted(&self) -> Vec<(&Place, Place)> {
        let mut found = Vec::new();
        for place in self.resources.keys() {
            for (path, target) in self.references(place) {
                if names_key(&path) && !found.contains(&(place, target.clone())) {
                    found.push((place, target));
                }
            }
        }
        found
    }
}

impl<'a> Statement<'a> {
    /// Whether it allows, and does not deny.
    pub fn is_allow(self) -> bool {
        self.0["Effect"] == "Allow"
    }

    /// The actions that it names.
    pub fn actions(self) -> Vec<&'a str> {
        let actions = each(&self.0["Action"]);
        actions.into_iter().filter_map(Value::as_str).collect()
    }

    /// What it is about.
    pub fn resources(self) -> Vec<&'a Value> {
        each(&self.0["Resource"])
    }

    /// What a condition asks for, whatever its operator.
    pub fn condition(self, key: &str) -> Option<&'a Value> {
        let operators = self.0["Condition"].as_object()?;
        operators.values().find_map(|keys| keys.get(key))
    }

    /// Who is meant, as the statement of a resource's policy says it.
    pub fn principals(self, graph: &Graph, stack: &str) -> Vec<String> {
        match &self.0["Principal"] {
            Value::Object(kinds) => kinds
                .values()
                .flat_map(each)
                .map(|one| graph.spoken(stack, one))
                .collect(),
            other => each(other)
                .into_iter()
                .map(|one| graph.spoken(stack, one))
                .collect(),
        }
    }
}

/// A list as it is, and anything else as a list of itself; nothing is an empty one.
pub fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// Whether a property, by its path, says which key encrypts.
pub fn names_key(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or_default().to_lowercase();
    last.starts_with("kms") && last != "kmskeypolicy" || last == "encryptionkeyarn"
}

/// Calls `visit` with each object below a value that is in no policy, and the path of the
/// property it stands in; places in lists and functions of templates are no part of a path.
fn walk(value: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(entries) => {
            visit(path, value);
            for (name, value) in entries {
                let is_policy = ["KeyPolicy", "Policy"].contains(&name.as_str())
                    || name.ends_with("PolicyDocument");
                if is_policy {
                    continue;
                }
                let is_function = name.starts_with("Fn::") || name == "Ref";
                let below = match (path, is_function) {
                    (path, true) => path.to_owned(),
                    ("", false) => name.clone(),
                    (path, false) => format!("{path}.{name}"),
                };
                walk(value, &below, visit);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| walk(value, path, visit)),
        _ => (),
    }
}
