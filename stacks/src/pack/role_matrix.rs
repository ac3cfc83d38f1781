//! The role matrix: what each role may do, to what, and who takes it.

use serde::Serialize;
use serde_json::Value;

use super::{Document, class, markdown, named};
use crate::graph::{Graph, Place};

#[derive(Debug, Serialize)]
struct Role {
    id: String,
    description: String,
    class: String,
    /// Who may take the role.
    assumed_by: Vec<String>,
    /// What works by it.
    taken_by: Vec<String>,
    boundary: Option<String>,
    permissions: Vec<Permission>,
}

#[derive(Debug, Serialize)]
struct Permission {
    effect: String,
    actions: Vec<String>,
    on: Vec<String>,
    #[serde(skip_serializing_if = "Value::is_null")]
    condition: Value,
}

pub(super) fn document(graph: &Graph) -> Document {
    let roles: Vec<_> = graph
        .any("AWS::IAM::Role")
        .into_iter()
        .map(|(place, _)| role(graph, place))
        .collect();
    let mut text =
        "Each role has policies of its own, and nothing else is allowed to it.\n".to_owned();
    for role in &roles {
        text += &section(role);
    }
    Document::new("role-matrix", "Role matrix", text, &roles)
}

fn role(graph: &Graph, place: &Place) -> Role {
    let properties = graph.properties(place);
    let trust = graph.statements_in(place, "AssumeRolePolicyDocument");
    let takers = graph.resources.keys().filter(|other| {
        let references = graph.references(other);
        references.iter().any(|(_, target)| target == place)
    });
    let boundary = &properties["PermissionsBoundary"];
    let permissions = graph.allowed(place).into_iter();
    Role {
        id: named(place),
        description: graph.spoken(&place.0, &properties["Description"]),
        class: class(graph, place),
        assumed_by: trust
            .into_iter()
            .flat_map(|statement| statement.principals(graph, &place.0))
            .collect(),
        taken_by: takers.map(named).collect(),
        boundary: (!boundary.is_null()).then(|| graph.spoken(&place.0, boundary)),
        permissions: permissions
            .map(|statement| Permission {
                effect: graph.spoken(&place.0, &statement.0["Effect"]),
                actions: statement.actions().into_iter().map(str::to_owned).collect(),
                on: statement
                    .resources()
                    .into_iter()
                    .map(|on| graph.spoken(&place.0, on))
                    .collect(),
                condition: graph.simple(&place.0, &statement.0["Condition"]),
            })
            .collect(),
    }
}

fn section(role: &Role) -> String {
    let boundary = role.boundary.as_ref();
    let boundary = boundary.map_or_else(|| "none".to_owned(), |policy| format!("`{policy}`"));
    let table = markdown::table(
        ["effect", "actions", "on", "condition"],
        role.permissions.iter().map(|one| {
            let on: Vec<_> = one.on.iter().map(|on| format!("`{on}`")).collect();
            [
                one.effect.clone(),
                one.actions.join("\n"),
                on.join("\n"),
                markdown::condition(&one.condition),
            ]
        }),
    );
    [
        format!("\n## {}\n\n{}.\n\n", role.id, role.description),
        format!("- Assumed by: {}\n", markdown::code(&role.assumed_by)),
        markdown::list("Taken by", &role.taken_by),
        format!("- Boundary: {boundary}\n\n"),
        table,
    ]
    .concat()
}
