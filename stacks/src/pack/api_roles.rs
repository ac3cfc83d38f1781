//! What each role of the query API is shown, from the API's own document.

use std::collections::BTreeMap;

use lightsout_protocol::caller::Role;
use serde::Serialize;
use serde_json::Value;

use super::{Document, PackError, markdown};

#[derive(Debug, Serialize)]
struct Operation {
    asked: String,
    /// What each role is shown, by the name of the role.
    shown: BTreeMap<String, String>,
}

/// The document is the API's, which writes it from the table that decides.
const DOCUMENT: &str = include_str!("../../../runtime/api/openapi.json");

pub(super) fn document() -> Result<Document, PackError> {
    let described: Value = serde_json::from_str(DOCUMENT).map_err(PackError::Api)?;
    let paths = described["paths"].as_object().into_iter().flatten();
    let mut operations = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let shown = shown(operation["description"].as_str().unwrap_or_default());
            if !shown.is_empty() {
                operations.push(Operation {
                    asked: format!("{} {path}", method.to_uppercase()),
                    shown,
                });
            }
        }
    }
    let [coder, auditor, billing, tenant_admin, operator] = Role::ALL.map(Role::name);
    let head = ["asked", coder, auditor, billing, tenant_admin, operator];
    let rows = operations.iter().map(|one| {
        let shown = |role: &str| one.shown.get(role).cloned().unwrap_or_default();
        head.map(|column| match column {
            "asked" => format!("`{}`", one.asked),
            role => shown(role),
        })
    });
    let text =
        "What each role is shown of an answer; `yes` is an answer without fields of charts.\n\n"
            .to_owned()
            + &markdown::table(head, rows);
    Ok(Document::new(
        "api-roles",
        "Roles of the query API",
        text,
        &operations,
    ))
}

/// The lines of a description that say what a role is shown: "- `coder`: identity, codes".
fn shown(description: &str) -> BTreeMap<String, String> {
    let lines = description.lines().filter_map(|line| {
        let (role, shown) = line.strip_prefix("- `")?.split_once("`: ")?;
        Some((role.to_owned(), shown.to_owned()))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_tells_what_each_role_is_shown() {
        let described: Value = serde_json::from_str(DOCUMENT).unwrap();
        let paths = described["paths"].as_object().unwrap();
        for (path, methods) in paths {
            for operation in methods.as_object().unwrap().values() {
                let shown = shown(operation["description"].as_str().unwrap());
                assert_eq!(shown.len(), Role::ALL.len(), "{path}");
                for role in Role::ALL {
                    assert!(shown.contains_key(role.name()), "{path}");
                }
            }
        }
    }
}
