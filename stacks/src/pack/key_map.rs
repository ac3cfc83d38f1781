//! The key map: what each key encrypts, how long it lives, and who may use it.

use serde::Serialize;
use serde_json::Value;

use super::{Document, class, markdown, named};
use crate::graph::{Graph, Place, Statement};

#[derive(Debug, Serialize)]
struct Key {
    id: String,
    description: String,
    class: String,
    aliases: Vec<String>,
    rotates: bool,
    /// Days between two rotations; KMS takes 365 where none is named.
    rotation_days: Option<u64>,
    /// Days until a deletion that was asked for is done; KMS takes 30 where none is named.
    deletion_window_days: Option<u64>,
    /// Whether it outlives its stack.
    is_kept: bool,
    encrypts: Vec<String>,
    used_by: Vec<Use>,
    policy: Vec<LetIn>,
}

/// What a role may do with a key.
#[derive(Debug, Serialize)]
struct Use {
    role: String,
    actions: Vec<String>,
    #[serde(skip_serializing_if = "Value::is_null")]
    condition: Value,
}

/// Whom the key's own policy lets in.
#[derive(Debug, Serialize)]
struct LetIn {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    effect: String,
    principals: Vec<String>,
    actions: Vec<String>,
    #[serde(skip_serializing_if = "Value::is_null")]
    condition: Value,
}

pub(super) fn document(graph: &Graph) -> Document {
    let encrypted = graph.encrypted();
    let keys: Vec<_> = graph
        .any("AWS::KMS::Key")
        .into_iter()
        .map(|(place, _)| key(graph, place, &encrypted))
        .collect();
    let mut text = "Who may use a key is who has both the permission of a role and the consent of \
                    the key's policy. The policy consents to the account, so that roles decide, and \
                    to the services that it names.\n"
        .to_owned();
    for key in &keys {
        text += &section(key);
    }
    Document::new("key-map", "Key map", text, &keys)
}

fn key(graph: &Graph, place: &Place, encrypted: &[(&Place, Place)]) -> Key {
    let properties = graph.properties(place);
    let aliases = graph.any("AWS::KMS::Alias").into_iter();
    let aliases = aliases.filter(|(alias, resource)| {
        let target = &resource["Properties"]["TargetKeyId"];
        graph.targets(&alias.0, target).contains(place)
    });
    let encrypts = encrypted.iter().filter(|(_, key)| key == place);
    Key {
        id: named(place),
        description: graph.spoken(&place.0, &properties["Description"]),
        class: class(graph, place),
        aliases: aliases
            .map(|(alias, resource)| graph.spoken(&alias.0, &resource["Properties"]["AliasName"]))
            .collect(),
        rotates: properties["EnableKeyRotation"] == true,
        rotation_days: properties["RotationPeriodInDays"].as_u64(),
        deletion_window_days: properties["PendingWindowInDays"].as_u64(),
        is_kept: graph.is_kept(place),
        encrypts: encrypts.map(|(store, _)| named(store)).collect(),
        used_by: uses(graph, place),
        policy: graph
            .statements_in(place, "KeyPolicy")
            .into_iter()
            .map(|statement| LetIn {
                name: statement.0["Sid"].as_str().map(str::to_owned),
                effect: graph.spoken(&place.0, &statement.0["Effect"]),
                principals: statement.principals(graph, &place.0),
                actions: owned(statement),
                condition: graph.simple(&place.0, &statement.0["Condition"]),
            })
            .collect(),
    }
}

fn uses(graph: &Graph, key: &Place) -> Vec<Use> {
    let is_about = |(role, statement): &(&Place, Statement<'_>)| {
        let is_of_keys = statement
            .actions()
            .iter()
            .any(|action| action.starts_with("kms:"));
        statement.is_allow()
            && is_of_keys
            && graph
                .targets(&role.0, &statement.0["Resource"])
                .contains(key)
    };
    let permissions = graph.permissions().into_iter().filter(is_about);
    permissions
        .map(|(role, statement)| Use {
            role: named(role),
            actions: owned(statement),
            condition: graph.simple(&role.0, &statement.0["Condition"]),
        })
        .collect()
}

fn owned(statement: Statement<'_>) -> Vec<String> {
    statement.actions().into_iter().map(str::to_owned).collect()
}

fn section(key: &Key) -> String {
    let rotation = match (key.rotates, key.rotation_days) {
        (false, _) => "none".to_owned(),
        (true, None) => "each year".to_owned(),
        (true, Some(days)) => format!("each {days} days"),
    };
    let window = key.deletion_window_days.unwrap_or(30);
    let kept = if key.is_kept { "yes" } else { "no" };
    let uses = key.used_by.iter().map(|one| {
        let may = brief(&one.actions, &one.condition);
        format!("{}: {may}", one.role)
    });
    let policy = key.policy.iter().map(|one| {
        let effect = if one.effect == "Allow" {
            ""
        } else {
            "denied: "
        };
        let may = brief(&one.actions, &one.condition);
        format!("{effect}{}: {may}", markdown::code(&one.principals))
    });
    let (uses, policy): (Vec<_>, Vec<_>) = (uses.collect(), policy.collect());
    let aliases = match &key.aliases[..] {
        [] => "none, it is referred to by its ARN".to_owned(),
        aliases => markdown::code(aliases),
    };
    [
        format!("\n## {}\n\n{}.\n\n", key.id, key.description),
        format!("- Holds the class `{}`; alias: {aliases}\n", key.class),
        format!(
            "- Rotation: {rotation}; deletion takes {window} days; outlives its stack: {kept}\n"
        ),
        markdown::list("Encrypts", &key.encrypts),
        markdown::list("Roles that may use it", &uses),
        markdown::list("Its policy lets in", &policy),
    ]
    .concat()
}

/// Actions without their service, of many how many, and on which condition.
fn brief(actions: &[String], condition: &Value) -> String {
    let names = actions
        .iter()
        .map(|action| action.trim_start_matches("kms:"));
    let names = match names.len() {
        0..=8 => names.collect::<Vec<_>>().join(", "),
        many => format!("{many} actions"),
    };
    match condition {
        Value::Null => names,
        condition => format!("{names} if {}", markdown::condition(condition)),
    }
}
