//! The text of each stack's template, within the limits of `CloudFormation`.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use super::{
    ASSET_STORE_OUTPUT, about,
    nesting::{Nesting, arguments},
    sections::template,
    wiring::Wiring,
};
use crate::{
    App, ConditionId, Problem, Resource, Resources, StackArtifact, StackParameter, Token, Tree,
    assembly::ConstructEntry,
    json_text,
    overrides::apply_to_entry,
    parameter::ParameterDefinition,
    problem::ProblemKind,
    symbols::{Symbols, asset_parameter},
};

impl App {
    /// Writes the template of each stack, in the order of deployment.
    pub(super) fn render(
        &self,
        resources: &[Resource],
        symbols: &Arc<Symbols>,
        wiring: &Wiring<'_>,
        order: &[usize],
        problems: &mut Vec<Problem>,
    ) -> Vec<StackArtifact> {
        let mut by_stack = vec![Vec::new(); self.stacks.len()];
        for resource in resources {
            by_stack[resource.stack].push(resource);
        }
        let mut parameters = self.stack_parameters(wiring);
        let mut outputs = self.stack_outputs(resources, symbols, wiring, problems);
        self.check_generated_names(&by_stack, wiring, problems);
        let mut sections = self.sections(resources);

        let mut render = |stack: usize| {
            let definition = &self.stacks[stack];
            let entries = by_stack[stack]
                .iter()
                .map(|resource| {
                    let condition = self.condition_name(resource.condition);
                    let mut entry = resource_entry(resource, resources, &wiring.nesting, condition);
                    let index = resource.id.index as usize;
                    if let Some(nested) = wiring.nesting.stack_of(index) {
                        let assets = &wiring.assets[nested];
                        let given = arguments(self, symbols, &wiring.nesting, assets, nested);
                        pass(&mut entry, given);
                    }
                    if let Err((path, why)) = apply_to_entry(&mut entry, resource) {
                        let wrong = format_args!("cannot be changed at `{path}`: {why}");
                        problems.push(about(resource, ProblemKind::Override, wrong).property(path));
                    }
                    (resource.logical_id.clone(), entry)
                })
                .collect();
            let (tree, stack_parameters) = template(
                definition.description.as_deref(),
                &definition.options,
                wiring.is_extended[stack],
                std::mem::take(&mut parameters[stack]),
                std::mem::take(&mut sections[stack]),
                entries,
                std::mem::take(&mut outputs[stack]),
            );
            let text = json_text::pretty(&tree, &|token| symbols.resolve(token, stack));
            definition.check_limits(&tree, &text, problems);
            let mut artifact = StackArtifact::new(
                definition.name.clone(),
                definition.physical_name.clone(),
                definition.environment.clone(),
                text,
                stack_parameters,
                order
                    .iter()
                    .filter(|owner| wiring.stacks[stack].contains_key(owner))
                    .map(|owner| self.stacks[*owner].name.clone())
                    .collect(),
                by_stack[stack]
                    .iter()
                    .map(|resource| ConstructEntry {
                        path: resource
                            .path
                            .get(definition.name.len() + 1..)
                            .unwrap_or_default()
                            .to_owned(),
                        type_name: resource.type_name.to_owned(),
                        logical_id: resource.logical_id.clone(),
                        location: Some(resource.location),
                    })
                    .collect(),
                Some((Arc::clone(symbols), stack)),
            );
            artifact.tags.clone_from(&definition.options.tags);
            artifact.is_protected = definition.options.is_protected;
            artifact
        };
        order
            .iter()
            .map(|&stack| {
                let mut artifact = render(stack);
                // A map by parameter: the same order, however the folder is read back.
                let nested = wiring.nesting.templates[stack].values();
                artifact.nested = nested.map(|&nested| render(nested)).collect();
                artifact
            })
            .collect()
    }

    /// Checks that what is made for nested stacks is called like nothing else.
    fn check_generated_names(
        &self,
        resources: &[Vec<&Resource>],
        wiring: &Wiring<'_>,
        problems: &mut Vec<Problem>,
    ) {
        let nesting = &wiring.nesting;
        for (stack, resources) in resources.iter().enumerate() {
            let (given, templates) = (&nesting.parameters[stack], &nesting.templates[stack]);
            if given.is_empty() && templates.is_empty() {
                continue;
            }
            let parameters = self.parameters.iter();
            let parameters = parameters.filter(|parameter| parameter.stack == stack);
            let of_parameters = parameters.map(|one| (&one.logical_id, &one.path, one.location));
            let of_resources = resources
                .iter()
                .map(|one| (&one.logical_id, &one.path, one.location));
            for (logical_id, path, location) in of_resources.chain(of_parameters) {
                if given.contains_key(logical_id) || templates.contains_key(logical_id) {
                    problems.push(
                        Problem::new(
                            ProblemKind::LogicalIdCollision,
                            path,
                            format_args!(
                                "is called `{logical_id}`, as is a parameter for a nested stack"
                            ),
                        )
                        .hint("rename the construct")
                        .at(location),
                    );
                }
            }
        }
    }

    /// Returns the parameters of each stack, with their entries in its template.
    fn stack_parameters(&self, wiring: &Wiring<'_>) -> Vec<Vec<(StackParameter, Tree)>> {
        let mut parameters = vec![Vec::new(); self.stacks.len()];
        for definition in &self.parameters {
            let parameter = &definition.parameter;
            parameters[definition.stack].push((
                StackParameter {
                    name: definition.logical_id.clone(),
                    kind: parameter.kind.clone().into_owned(),
                    default: parameter.default.clone(),
                    description: parameter.description.clone(),
                    no_echo: parameter.no_echo,
                    asset: None,
                    nested: None,
                },
                parameter.entry(),
            ));
        }
        let text = |name: &str, description: Option<String>, pattern: Option<&'static str>| {
            let definition = ParameterDefinition {
                kind: "String".into(),
                description,
                pattern: pattern.map(str::to_owned),
                ..ParameterDefinition::default()
            };
            let parameter = StackParameter {
                name: name.to_owned(),
                kind: "String".to_owned(),
                default: None,
                description: definition.description.clone(),
                no_echo: false,
                asset: None,
                nested: None,
            };
            (parameter, definition.entry())
        };
        for (stack, parameters) in parameters.iter_mut().enumerate() {
            let is_root = self.stacks[stack].parent.is_none();
            for asset in &wiring.assets[stack] {
                let id = &self.assets[*asset].asset.id;
                let (mut parameter, entry) = text(
                    &asset_parameter(id),
                    Some(format!("sha256 of asset {id}, which names its object")),
                    Some("[0-9a-f]{64}"),
                );
                parameter.asset = is_root.then(|| id.clone());
                parameters.push((parameter, entry));
            }
            for name in wiring.nesting.parameters[stack].keys() {
                parameters.push(text(name, None, None));
            }
            for (name, nested) in &wiring.nesting.templates[stack] {
                let nested = &self.stacks[*nested].name;
                let description = format!("Address of the template of {nested}");
                let (mut parameter, entry) = text(name, Some(description), None);
                parameter.nested = is_root.then(|| nested.clone());
                parameters.push((parameter, entry));
            }
        }
        parameters
    }

    /// Returns the outputs of each stack: the author's, then the exports.
    fn stack_outputs(
        &self,
        resources: &[Resource],
        symbols: &Symbols,
        wiring: &Wiring<'_>,
        problems: &mut Vec<Problem>,
    ) -> Vec<Vec<(String, Tree)>> {
        let mut outputs = vec![Vec::new(); self.stacks.len()];
        for output in &self.outputs {
            outputs[output.stack].push((
                output.logical_id.clone(),
                output_entry(
                    &output.description,
                    output.value.clone().into(),
                    None,
                    self.condition_name(output.condition),
                ),
            ));
        }
        if let Some((_, bucket, _)) = &self.asset_store
            && let Some(bucket) = Resources(resources).get(*bucket)
        {
            outputs[bucket.stack].push((
                ASSET_STORE_OUTPUT.to_owned(),
                output_entry(
                    "Bucket for assets and large templates",
                    Token::Ref(bucket.id).into(),
                    None,
                    None,
                ),
            ));
        }
        let taken: HashSet<(usize, &str)> = self
            .outputs
            .iter()
            .map(|output| (output.stack, output.logical_id.as_str()))
            .collect();
        for (stack, exports) in wiring.exports.iter().enumerate() {
            for (name, export) in exports {
                if taken.contains(&(stack, name.as_str())) {
                    problems.push(
                        Problem::new(
                            ProblemKind::LogicalIdCollision,
                            format!("{}/{name}", self.stacks[stack].name),
                            "is an output, as is an export for another stack",
                        )
                        .hint("rename the output"),
                    );
                }
                outputs[stack].push((
                    name.clone(),
                    output_entry(
                        "",
                        symbols.carried(&export.token, stack),
                        export.name.as_deref(),
                        self.condition_of(resources, stack, &export.token),
                    ),
                ));
            }
        }
        for (stack, values) in wiring.nesting.outputs.iter().enumerate() {
            for (name, token) in values {
                let value = symbols.carried(token, stack);
                let condition = self.condition_of(resources, stack, token);
                outputs[stack].push((name.clone(), output_entry("", value, None, condition)));
            }
        }
        outputs
    }

    /// Returns the condition of what `token` refers to, if it is in `stack`: without
    /// the resource there is nothing to export.
    fn condition_of(&self, resources: &[Resource], stack: usize, token: &Token) -> Option<&str> {
        let id = match token {
            Token::Weak { of, .. } => return self.condition_of(resources, stack, of),
            Token::Ref(id) | Token::Attribute(id, _) | Token::ListAttribute(id, _) => id,
            _ => return None,
        };
        let resource = Resources(resources).get(*id)?;
        self.condition_name(resource.condition.filter(|_| resource.stack == stack))
    }

    fn condition_name(&self, condition: Option<ConditionId>) -> Option<&str> {
        let condition = self.language.condition(self.identity, condition?)?;
        Some(&condition.logical_id)
    }
}

fn output_entry(
    description: &str,
    value: Tree,
    export: Option<&str>,
    condition: Option<&str>,
) -> Tree {
    let mut entries = Vec::with_capacity(4);
    if !description.is_empty() {
        entries.push(("Description", description.into()));
    }
    if let Some(condition) = condition {
        entries.push(("Condition", condition.into()));
    }
    entries.push(("Value", value));
    if let Some(name) = export {
        entries.push(("Export", Tree::object([("Name", name.into())])));
    }
    Tree::object(entries)
}

fn resource_entry(
    resource: &Resource,
    all: &[Resource],
    nesting: &Nesting,
    condition: Option<&str>,
) -> Tree {
    let mut entries = vec![("Type", resource.type_name.into())];
    if let Some(condition) = condition {
        entries.push(("Condition", condition.into()));
    }
    if !resource.properties.is_empty() {
        entries.push(("Properties", resource.properties.clone().into()));
    }
    let waits = nesting.waits_of(resource.id.index as usize);
    let depends_on: BTreeSet<&str> = resource
        .depends_on
        .iter()
        .filter_map(|id| Resources(all).get(*id))
        .filter(|on| on.stack == resource.stack)
        .chain(waits.filter_map(|on| all.get(on)))
        .map(|on| on.logical_id.as_str())
        .collect();
    if !depends_on.is_empty() {
        entries.push(("DependsOn", depends_on.into_iter().collect()));
    }
    let policies = [
        ("CreationPolicy", &resource.creation_policy),
        ("UpdatePolicy", &resource.update_policy),
    ];
    entries.extend(policies.into_iter().filter_map(|(key, policy)| {
        let entries = &policy.as_ref()?.entries;
        Some((key, Tree::object(entries.iter().cloned())))
    }));
    let policies = [
        ("DeletionPolicy", resource.deletion_policy),
        ("UpdateReplacePolicy", resource.update_replace_policy),
    ];
    entries.extend(
        policies
            .into_iter()
            .filter_map(|(key, policy)| Some((key, policy?.name().into()))),
    );
    if !resource.metadata.is_empty() {
        entries.push(("Metadata", Tree::object(resource.metadata.clone())));
    }
    Tree::object(entries)
}

/// Gives a nested stack its parameters; what an author gave by hand comes last.
fn pass(entry: &mut Tree, given: Vec<(String, Tree)>) {
    let Tree::Map(entries) = entry else {
        return;
    };
    let properties = entries.iter_mut().find(|(key, _)| key == "Properties");
    let Some((_, Tree::Map(properties))) = properties else {
        return;
    };
    let mut parameters: Vec<(Cow<'static, str>, Tree)> = given
        .into_iter()
        .map(|(name, tree)| (Cow::Owned(name), tree))
        .collect();
    let by_hand = properties.iter().position(|(key, _)| key == "Parameters");
    if let Some(position) = by_hand
        && let (_, Tree::Map(by_hand)) = properties.remove(position)
    {
        parameters.retain(|(name, _)| by_hand.iter().all(|(known, _)| known != name));
        parameters.extend(by_hand);
    }
    if !parameters.is_empty() {
        properties.push((Cow::Borrowed("Parameters"), Tree::Map(parameters)));
    }
}
