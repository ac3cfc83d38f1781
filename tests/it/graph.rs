//! What refers to what in the templates of an environment, across its stacks?

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use lightsout::Assembly;
use lightsout_stacks::environment::Environment;
use serde_json::Value;

/// A resource's stack and logical id.
pub(crate) type Place = (String, String);

/// Every resource of an environment, as its templates have it.
#[derive(Clone)]
pub(crate) struct Graph {
    pub(crate) environment: Environment,
    pub(crate) resources: BTreeMap<Place, Value>,
    exports: BTreeMap<String, (String, Value)>,
}

/// The graphs of every environment.
pub(crate) fn graphs() -> Vec<Graph> {
    let environments = Environment::all().unwrap();
    environments.into_iter().map(Graph::of).collect()
}

impl Graph {
    pub(crate) fn named(environment: &str) -> Self {
        Self::of(Environment::named(environment).unwrap())
    }

    pub(crate) fn of(environment: Environment) -> Self {
        let assembly: Assembly = lightsout_stacks::app(&environment).synth().unwrap();
        let (mut resources, mut exports) = (BTreeMap::new(), BTreeMap::new());
        for stack in assembly.stacks() {
            let template = stack.template_json();
            for (id, resource) in template["Resources"].as_object().unwrap() {
                resources.insert((stack.name().to_owned(), id.clone()), resource.clone());
            }
            let outputs = template["Outputs"].as_object().into_iter().flatten();
            for (_, output) in outputs {
                let name = output["Export"]["Name"].to_string();
                exports.insert(name, (stack.name().to_owned(), output["Value"].clone()));
            }
        }
        Self {
            environment,
            resources,
            exports,
        }
    }

    /// The properties of a resource, for a test to spoil.
    pub(crate) fn at(&mut self, stack: &str, id: &str) -> &mut Value {
        let place = (stack.to_owned(), id.to_owned());
        &mut self.resources.get_mut(&place).unwrap()["Properties"]
    }

    /// Adds a resource that must not be there.
    pub(crate) fn plant(&mut self, stack: &str, id: &str, resource: Value) {
        self.resources
            .insert((stack.to_owned(), id.to_owned()), resource);
    }

    /// Takes a resource away that must be there.
    pub(crate) fn remove(&mut self, stack: &str, id: &str) {
        let place = (stack.to_owned(), id.to_owned());
        assert!(self.resources.remove(&place).is_some(), "{place:?}");
    }

    /// Spoils a copy, and wants the check to find it.
    #[track_caller]
    pub(crate) fn must_fail(&self, check: impl Fn(&Self), spoil: impl Fn(&mut Self)) {
        check(self);
        let mut spoilt = self.clone();
        spoil(&mut spoilt);
        let found = catch_unwind(AssertUnwindSafe(|| check(&spoilt))).is_err();
        assert!(found, "what was planted is not found");
    }

    /// Every resource of one type; that there is none would make a test vacuous.
    pub(crate) fn all(&self, kind: &str) -> Vec<(&Place, &Value)> {
        let found = self.any(kind);
        assert!(
            !found.is_empty(),
            "no {kind} in {}: the test would be vacuous",
            self.environment.name
        );
        found
    }

    /// Every resource of one type, be there one or not.
    pub(crate) fn any(&self, kind: &str) -> Vec<(&Place, &Value)> {
        let resources = self.resources.iter();
        resources
            .filter(|(_, resource)| resource["Type"] == kind)
            .collect()
    }

    /// The resources that a value of a stack refers to, here or in other stacks.
    pub(crate) fn targets(&self, stack: &str, value: &Value) -> Vec<Place> {
        let mut found = Vec::new();
        self.collect(stack, value, &mut found);
        found
    }

    /// The one resource that a value refers to.
    pub(crate) fn target(&self, stack: &str, value: &Value) -> Place {
        match self.targets(stack, value).as_slice() {
            [one] => one.clone(),
            other => panic!("`{value}` of {stack} refers to {other:?}"),
        }
    }

    fn collect(&self, stack: &str, value: &Value, found: &mut Vec<Place>) {
        match value {
            Value::Object(entries) => {
                for (name, argument) in entries {
                    let id = match name.as_str() {
                        "Ref" => argument.as_str(),
                        "Fn::GetAtt" => argument[0].as_str(),
                        "Fn::ImportValue" => {
                            let (owner, value) = &self.exports[&argument.to_string()];
                            self.collect(owner, value, found);
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

    /// The statements of every document with `property` in resources of one type.
    pub(crate) fn statements(&self, kind: &str, property: &str) -> Vec<(&Place, Statement<'_>)> {
        let mut found = Vec::new();
        for (place, resource) in self.any(kind) {
            for statement in each(&resource["Properties"][property]["Statement"]) {
                found.push((place, Statement(statement)));
            }
        }
        found
    }

    /// The statements that a role has by its managed policies.
    pub(crate) fn allowed(&self, role: &Place) -> Vec<Statement<'_>> {
        let properties = &self.resources[role]["Properties"];
        let mut found = Vec::new();
        for policy in each(&properties["ManagedPolicyArns"]) {
            let policy = self.target(&role.0, policy);
            let document = &self.resources[&policy]["Properties"]["PolicyDocument"];
            found.extend(each(&document["Statement"]).into_iter().map(Statement));
        }
        found
    }
}

/// One statement of a policy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statement<'a>(pub(crate) &'a Value);

impl<'a> Statement<'a> {
    pub(crate) fn is_allow(self) -> bool {
        self.0["Effect"] == "Allow"
    }

    pub(crate) fn actions(self) -> Vec<&'a str> {
        let actions = each(&self.0["Action"]);
        actions.into_iter().filter_map(Value::as_str).collect()
    }

    pub(crate) fn resources(self) -> Vec<&'a Value> {
        each(&self.0["Resource"])
    }

    /// What a condition asks for, whatever its operator.
    pub(crate) fn condition(self, key: &str) -> Option<&'a Value> {
        let operators = self.0["Condition"].as_object()?;
        operators.values().find_map(|keys| keys.get(key))
    }
}

/// A list as it is, and anything else as a list of itself; nothing is an empty one.
pub(crate) fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}
