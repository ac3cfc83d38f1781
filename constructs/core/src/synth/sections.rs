//! The sections of a template beside resources, parameters and outputs.

use crate::{
    App, Resource, Section, StackParameter, Tree,
    assembly::STATEFUL_METADATA,
    condition::Declared,
    template_options::{LANGUAGE_EXTENSIONS, TemplateOptions},
};

/// What a template says beside its resources, parameters and outputs.
#[derive(Debug, Default)]
pub(super) struct Sections {
    pub(super) metadata: Vec<(String, Tree)>,
    pub(super) conditions: Vec<(String, Tree)>,
    pub(super) mappings: Vec<(String, Tree)>,
    pub(super) rules: Vec<(String, Tree)>,
}

impl App {
    /// Returns the sections of each stack's template.
    pub(super) fn sections(&self, resources: &[Resource]) -> Vec<Sections> {
        fn entry<T>(declared: &Declared<T>, tree: Tree) -> (String, Tree) {
            (declared.logical_id.clone(), tree)
        }
        let mut sections = Vec::new();
        sections.resize_with(self.stacks.len(), Sections::default);
        let mut stateful = vec![Vec::new(); self.stacks.len()];
        for resource in resources.iter().filter(|one| one.is_stateful) {
            stateful[resource.stack].push(resource.logical_id.as_str());
        }
        for (sections, stateful) in sections.iter_mut().zip(stateful) {
            if !stateful.is_empty() {
                let key = STATEFUL_METADATA.to_owned();
                sections.metadata.push((key, stateful.into()));
            }
        }
        for condition in &self.language.conditions {
            let tree = condition.what.0.clone();
            sections[condition.stack]
                .conditions
                .push(entry(condition, tree));
        }
        for mapping in &self.language.mappings {
            let tree = mapping.what.tree();
            sections[mapping.stack].mappings.push(entry(mapping, tree));
        }
        for rule in &self.language.rules {
            sections[rule.stack]
                .rules
                .push(entry(rule, rule.what.tree()));
        }
        sections
    }
}

impl Section {
    /// Returns the section's key in a template.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Conditions => "Conditions",
            Self::Resources => "Resources",
            Self::Outputs => "Outputs",
        }
    }
}

/// Writes a template in the order in which the user guide shows the sections.
pub(super) fn template(
    description: Option<&str>,
    options: &TemplateOptions,
    is_extended: bool,
    parameters: Vec<(StackParameter, Tree)>,
    sections: Sections,
    mut resources: Vec<(String, Tree)>,
    mut outputs: Vec<(String, Tree)>,
) -> (Tree, Vec<StackParameter>) {
    let mut conditions = sections.conditions;
    for (section, key, entry) in &options.entries {
        let entries = match section {
            Section::Conditions => &mut conditions,
            Section::Resources => &mut resources,
            Section::Outputs => &mut outputs,
        };
        entries.push((key.clone(), entry.clone()));
    }
    let mut template = vec![("AWSTemplateFormatVersion", Tree::from("2010-09-09"))];
    if let Some(description) = description {
        template.push(("Description", description.into()));
    }
    let mut add = |key, entries: Vec<(String, Tree)>| {
        if !entries.is_empty() {
            template.push((key, Tree::object(entries)));
        }
    };
    let mut metadata = sections.metadata;
    metadata.extend(options.metadata.iter().cloned());
    add("Metadata", metadata);
    let (declared, entries): (Vec<_>, Vec<_>) = parameters.into_iter().unzip();
    let names = declared.iter().map(|parameter| parameter.name.clone());
    add("Parameters", names.zip(entries).collect());
    add("Rules", sections.rules);
    add("Mappings", sections.mappings);
    add("Conditions", conditions);
    if let Some(transform) = transform(options, is_extended) {
        template.push(("Transform", transform));
    }
    template.push(("Resources", Tree::object(resources)));
    if !outputs.is_empty() {
        template.push(("Outputs", Tree::object(outputs)));
    }
    (Tree::object(template), declared)
}

/// The language extensions come first: other macros read what they give.
fn transform(options: &TemplateOptions, is_extended: bool) -> Option<Tree> {
    let extensions = is_extended.then_some(LANGUAGE_EXTENSIONS);
    let others = options
        .transforms
        .iter()
        .map(String::as_str)
        .filter(|name| Some(*name) != extensions);
    let names: Vec<&str> = extensions.into_iter().chain(others).collect();
    match names[..] {
        [] => None,
        [only] => Some(only.into()),
        _ => Some(names.into()),
    }
}
