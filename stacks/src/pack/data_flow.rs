//! The data flow: what is kept where, by which key, who reads and writes it, and which way.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{Document, class, markdown, named};
use crate::graph::{Graph, Place, Statement};

/// Something that holds data, or passes it on.
#[derive(Debug, Serialize)]
struct Store {
    id: String,
    kind: String,
    class: String,
    /// The keys that encrypt it; where there is none, AWS's own does.
    keys: Vec<String>,
    /// The endpoint of the network by which it is reached.
    endpoint: Option<String>,
    readers: BTreeMap<String, Vec<String>>,
    writers: BTreeMap<String, Vec<String>>,
    /// Whom its own policy lets in, with what they may do.
    let_in: BTreeMap<String, Vec<String>>,
    denied: Vec<Denial>,
    /// What else names it: programs that work with it, and services that deliver to it.
    named_by: Vec<String>,
}

/// What the policy of a store refuses, whoever asks.
#[derive(Debug, Serialize)]
struct Denial {
    name: Option<String>,
    actions: Vec<String>,
    #[serde(skip_serializing_if = "Value::is_null")]
    condition: Value,
}

pub(super) fn document(graph: &Graph) -> Document {
    let mut keys: BTreeMap<&Place, Vec<Place>> = BTreeMap::new();
    for (place, key) in graph.encrypted() {
        keys.entry(place).or_default().push(key);
    }
    let is_store = |place: &&Place| {
        let is_key = graph.resources[*place]["Type"] == "AWS::KMS::Key";
        !is_key && (keys.contains_key(place) || graph.holds_data(place))
    };
    let stores: Vec<_> = graph
        .resources
        .keys()
        .filter(is_store)
        .map(|place| store(graph, place, keys.get(place).map_or(&[], Vec::as_slice)))
        .collect();
    let mut text = "What holds data, and what is encrypted with a key of the account because \
                    it may. `phi` is charts and what is found in them, `audit` records of who did \
                    what, `operations` the rest. Readers and writers are roles that are allowed it by \
                    name; what a role is allowed on a pattern is in the role matrix.\n\n"
        .to_owned();
    text += &markdown::table(
        [
            "what",
            "class",
            "key",
            "endpoint",
            "read by",
            "written by",
            "its policy lets in",
            "its policy denies",
            "named by",
        ],
        stores.iter().map(|store| {
            let key = match &store.keys[..] {
                [] => "AWS's own".to_owned(),
                keys => keys.join("\n"),
            };
            [
                format!("{} ({})", store.id, store.kind),
                store.class.clone(),
                key,
                store.endpoint.clone().unwrap_or_default(),
                brief(&store.readers),
                brief(&store.writers),
                brief(&store.let_in),
                store
                    .denied
                    .iter()
                    .map(Denial::brief)
                    .collect::<Vec<_>>()
                    .join("\n"),
                store.named_by.join("\n"),
            ]
        }),
    );
    Document::new("data-flow", "Data flow", text, &stores)
}

fn store(graph: &Graph, place: &Place, keys: &[Place]) -> Store {
    let kind = graph.spoken(&place.0, &graph.resources[place]["Type"]);
    let (mut readers, mut writers) = (BTreeMap::new(), BTreeMap::new());
    for (role, statement) in graph.permissions() {
        let about = graph.targets(&role.0, &statement.0["Resource"]);
        if !statement.is_allow() || !about.contains(place) {
            continue;
        }
        for action in statement.actions() {
            let roles = if is_reading(action) {
                &mut readers
            } else {
                &mut writers
            };
            add(roles, named(role), action);
        }
    }
    let policies = attached(graph, place);
    Store {
        id: named(place),
        class: class(graph, place),
        keys: keys.iter().map(named).collect(),
        endpoint: endpoint(graph, &kind),
        readers,
        writers,
        let_in: let_in(graph, &policies),
        denied: denials(graph, &policies),
        named_by: named_by(graph, place),
        kind,
    }
}

impl Denial {
    /// Its name, which says what it is about; its conditions are in the JSON.
    fn brief(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.actions.join(", "))
    }
}

/// The endpoint of the service that a type belongs to.
fn endpoint(graph: &Graph, kind: &str) -> Option<String> {
    let service = kind.split("::").nth(1)?.to_lowercase();
    let endpoints = graph.any("AWS::EC2::VPCEndpoint").into_iter();
    let mut endpoints = endpoints.filter(|(place, endpoint)| {
        let name = graph.spoken(&place.0, &endpoint["Properties"]["ServiceName"]);
        name.rsplit('.').next() == Some(&service)
    });
    endpoints.next().map(|(place, _)| named(place))
}

/// The statements of the policies that are attached to a resource, with the stack of each.
fn attached<'a>(graph: &'a Graph, place: &Place) -> Vec<(&'a str, Statement<'a>)> {
    let policies = graph.resources.iter().filter(|(policy, resource)| {
        let references = graph.references(policy);
        is_policy(&resource["Type"].to_string())
            && references.iter().any(|(_, target)| target == place)
    });
    policies
        .flat_map(|(policy, _)| {
            let statements = graph.statements_in(policy, "PolicyDocument").into_iter();
            statements.map(|statement| (policy.0.as_str(), statement))
        })
        .collect()
}

/// Whom the policies that are attached to a resource let in.
fn let_in(graph: &Graph, policies: &[(&str, Statement<'_>)]) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for (stack, statement) in policies.iter().filter(|(_, one)| one.is_allow()) {
        for principal in statement.principals(graph, stack) {
            for action in statement.actions() {
                add(&mut found, principal.clone(), action);
            }
        }
    }
    found
}

/// What the policies that are attached to a resource refuse to everybody.
fn denials(graph: &Graph, policies: &[(&str, Statement<'_>)]) -> Vec<Denial> {
    let denied = policies.iter().filter(|(_, one)| !one.is_allow());
    denied
        .map(|(stack, statement)| Denial {
            name: statement.0["Sid"].as_str().map(str::to_owned),
            actions: statement.actions().into_iter().map(str::to_owned).collect(),
            condition: graph.simple(stack, &statement.0["Condition"]),
        })
        .collect()
}

/// What names a resource in another property than a policy, without what only counts: alarms,
/// dashboards and filters of logs.
fn named_by(graph: &Graph, place: &Place) -> Vec<String> {
    let mut found = Vec::new();
    for (other, resource) in &graph.resources {
        let kind = resource["Type"].to_string();
        let only_counts =
            kind.contains("AWS::CloudWatch::") || kind.contains("AWS::Logs::MetricFilter");
        if is_policy(&kind) || only_counts {
            continue;
        }
        for (path, target) in graph.references(other) {
            if target == *place {
                found.push(format!("{} `{path}`", named(other)));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

fn is_policy(kind: &str) -> bool {
    kind.trim_end_matches('"').ends_with("Policy")
}

/// Whether an action reads, by IAM's verbs.
fn is_reading(action: &str) -> bool {
    let verb = action.split_once(':').map_or(action, |(_, verb)| verb);
    [
        "BatchGet", "Describe", "Filter", "Get", "List", "Query", "Receive", "Scan",
    ]
    .into_iter()
    .any(|reading| verb.starts_with(reading))
}

fn add(found: &mut BTreeMap<String, Vec<String>>, who: String, action: &str) {
    let actions = found.entry(who).or_default();
    if !actions.iter().any(|known| known == action) {
        actions.push(action.to_owned());
    }
}

fn brief(found: &BTreeMap<String, Vec<String>>) -> String {
    let lines: Vec<_> = found
        .iter()
        .map(|(who, actions)| {
            let verbs = actions
                .iter()
                .map(|action| action.split_once(':').map_or(&**action, |(_, verb)| verb));
            format!("{who}: {}", verbs.collect::<Vec<_>>().join(", "))
        })
        .collect();
    lines.join("\n")
}
