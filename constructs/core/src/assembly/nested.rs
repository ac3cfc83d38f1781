//! Nested stacks in a cloud assembly folder: templates of their own, beside their stack's.

use serde_json::Value as Json;

use super::{ConstructEntry, StackArtifact};
use crate::Tree;

/// Returns the file of a nested stack's template: `Pipeline.Work.nested.template.json`.
///
/// Only letters and digits of the path count, as for the parameter for its address,
/// which synth keeps unique.
pub(super) fn template_file(nested: &StackArtifact) -> String {
    let (root, below) = nested.name.split_once('/').unwrap_or((&nested.name, ""));
    let below: String = below.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{root}.{below}.nested.template.json")
}

/// Returns what our own artifact tells of the stacks nested in `stack`.
pub(super) fn entries(stack: &StackArtifact) -> Tree {
    let parameter = |name: &str| {
        let mut parameters = stack.parameters.iter();
        let found = parameters.find(|one| one.nested.as_deref() == Some(name));
        found.map_or("", |parameter| parameter.name.as_str())
    };
    let entries = stack.nested.iter().map(|nested| {
        let constructs = nested
            .constructs
            .iter()
            .map(|entry| (entry.logical_id.clone(), Tree::from(entry.path.as_str())));
        Tree::object([
            ("name", nested.name.as_str().into()),
            ("physicalName", nested.physical_name.as_str().into()),
            ("templateFile", template_file(nested).into()),
            ("parameter", parameter(&nested.name).into()),
            ("constructs", Tree::object(constructs)),
        ])
    });
    entries.collect()
}

/// Returns the files of the templates that our own artifact names.
pub(super) fn files(deployment: &Json) -> impl Iterator<Item = &str> {
    let stacks = deployment["nestedStacks"].as_object().into_iter().flatten();
    let entries = stacks.flat_map(|(_, entries)| entries.as_array().into_iter().flatten());
    entries.filter_map(|entry| entry["templateFile"].as_str())
}

/// Returns the constructs of a nested stack, from its entry in our own artifact.
pub(super) fn constructs(
    entry: &Json,
    template: &Json,
    logical_ids: &[&str],
) -> Vec<ConstructEntry> {
    let construct = |logical_id: &&str| {
        Some(ConstructEntry {
            path: entry["constructs"][*logical_id].as_str()?.to_owned(),
            type_name: template["Resources"][*logical_id]["Type"]
                .as_str()?
                .to_owned(),
            logical_id: (*logical_id).to_owned(),
            location: None,
        })
    };
    logical_ids.iter().filter_map(construct).collect()
}
