//! The text of each stack's template, within the limits of `CloudFormation`.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use super::{ASSET_STORE_OUTPUT, wiring::Wiring};
use crate::{
    App, Problem, Resource, Resources, StackArtifact, StackParameter, Token, Tree,
    assembly::ConstructEntry,
    json_text,
    problem::ProblemKind,
    symbols::{Symbols, asset_parameter},
};

/// The most that `CloudFormation` takes in one template, as of its quotas page.
const MAX_RESOURCES: usize = 500;
const MAX_PARAMETERS: usize = 200;
const MAX_OUTPUTS: usize = 200;
const MAX_TEMPLATE_BYTES: usize = 1_000_000;

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
        let mut outputs = self.stack_outputs(resources, wiring, problems);
        self.check_limits(&by_stack, &parameters, &outputs, problems);

        let mut artifacts = Vec::with_capacity(order.len());
        for &stack in order {
            let definition = &self.stacks[stack];
            let (stack_parameters, patterns): (Vec<_>, Vec<_>) =
                std::mem::take(&mut parameters[stack]).into_iter().unzip();
            let tree = template(
                definition.description.as_deref(),
                &stack_parameters,
                &patterns,
                &by_stack[stack],
                std::mem::take(&mut outputs[stack]),
                resources,
            );
            let text = json_text::pretty(&tree, &|token| symbols.resolve(token, stack));
            if text.len() > MAX_TEMPLATE_BYTES {
                problems.push(
                    Problem::new(
                        ProblemKind::Limit,
                        &definition.name,
                        "gives a larger template than CloudFormation takes",
                    )
                    .found(format_args!("{} bytes", text.len()))
                    .wanted(format_args!("at most {MAX_TEMPLATE_BYTES} bytes"))
                    .hint("move some of its constructs into another stack")
                    .at(definition.location),
                );
            }
            artifacts.push(StackArtifact::new(
                definition.name.clone(),
                definition.physical_name.clone(),
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
                            .split_once('/')
                            .map_or_else(String::new, |(_, below)| below.to_owned()),
                        type_name: resource.type_name.to_owned(),
                        logical_id: resource.logical_id.clone(),
                    })
                    .collect(),
                Some((Arc::clone(symbols), stack)),
            ));
        }
        artifacts
    }

    /// Returns the parameters of each stack, with the pattern of their values.
    fn stack_parameters(&self, wiring: &Wiring<'_>) -> Vec<Vec<(StackParameter, Option<String>)>> {
        let mut parameters = vec![Vec::new(); self.stacks.len()];
        for definition in &self.parameters {
            let parameter = &definition.parameter;
            parameters[definition.stack].push((
                StackParameter {
                    name: definition.logical_id.clone(),
                    kind: parameter.kind.to_owned(),
                    default: parameter.default.clone(),
                    description: parameter.description.clone(),
                    no_echo: parameter.no_echo,
                    asset: None,
                },
                parameter.pattern.clone(),
            ));
        }
        for (stack, assets) in wiring.assets.iter().enumerate() {
            for asset in assets {
                let id = &self.assets[*asset].asset.id;
                parameters[stack].push((
                    StackParameter {
                        name: asset_parameter(id),
                        kind: "String".to_owned(),
                        default: None,
                        description: Some(format!("sha256 of asset {id}, which names its object")),
                        no_echo: false,
                        asset: Some(id.clone()),
                    },
                    Some("[0-9a-f]{64}".to_owned()),
                ));
            }
        }
        parameters
    }

    /// Returns the outputs of each stack: the author's, then the exports.
    fn stack_outputs(
        &self,
        resources: &[Resource],
        wiring: &Wiring<'_>,
        problems: &mut Vec<Problem>,
    ) -> Vec<Vec<(String, Tree)>> {
        let mut outputs = vec![Vec::new(); self.stacks.len()];
        for output in &self.outputs {
            outputs[output.stack].push((
                output.logical_id.clone(),
                output_entry(&output.description, output.value.clone().into(), None),
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
                ),
            ));
        }
        let taken: HashSet<(usize, &str)> = self
            .outputs
            .iter()
            .map(|output| (output.stack, output.logical_id.as_str()))
            .collect();
        for (stack, exports) in wiring.exports.iter().enumerate() {
            for (name, (token, export)) in exports {
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
                    output_entry("", token.clone().into(), Some(export)),
                ));
            }
        }
        outputs
    }

    fn check_limits<R, P, O>(
        &self,
        resources: &[Vec<R>],
        parameters: &[Vec<P>],
        outputs: &[Vec<O>],
        problems: &mut Vec<Problem>,
    ) {
        for (index, stack) in self.stacks.iter().enumerate() {
            let counts = [
                ("resources", resources[index].len(), MAX_RESOURCES),
                ("parameters", parameters[index].len(), MAX_PARAMETERS),
                ("outputs", outputs[index].len(), MAX_OUTPUTS),
            ];
            for (what, count, most) in counts {
                if count > most {
                    problems.push(
                        Problem::new(
                            ProblemKind::Limit,
                            &stack.name,
                            format_args!("has more {what} than CloudFormation takes"),
                        )
                        .found(count)
                        .wanted(format_args!("at most {most}"))
                        .hint("move some of its constructs into another stack")
                        .at(stack.location),
                    );
                }
            }
            if resources[index].is_empty() {
                problems.push(
                    Problem::new(
                        ProblemKind::Limit,
                        &stack.name,
                        "has no resources; CloudFormation takes no empty stack",
                    )
                    .hint("add a construct to it, or do not open it")
                    .at(stack.location),
                );
            }
        }
    }
}

fn output_entry(description: &str, value: Tree, export: Option<&str>) -> Tree {
    let mut entries = Vec::with_capacity(3);
    if !description.is_empty() {
        entries.push(("Description", description.into()));
    }
    entries.push(("Value", value));
    if let Some(name) = export {
        entries.push(("Export", Tree::object([("Name", name.into())])));
    }
    Tree::object(entries)
}

fn template(
    description: Option<&str>,
    parameters: &[StackParameter],
    patterns: &[Option<String>],
    resources: &[&Resource],
    outputs: Vec<(String, Tree)>,
    all: &[Resource],
) -> Tree {
    let mut template = vec![("AWSTemplateFormatVersion", "2010-09-09".into())];
    if let Some(description) = description {
        template.push(("Description", description.into()));
    }
    if !parameters.is_empty() {
        let entries = parameters.iter().zip(patterns).map(|(parameter, pattern)| {
            (
                parameter.name.clone(),
                parameter_entry(parameter, pattern.as_deref()),
            )
        });
        template.push(("Parameters", Tree::object(entries)));
    }
    let entries = resources
        .iter()
        .map(|resource| (resource.logical_id.clone(), resource_entry(resource, all)));
    template.push(("Resources", Tree::object(entries)));
    if !outputs.is_empty() {
        template.push(("Outputs", Tree::object(outputs)));
    }
    Tree::object(template)
}

fn parameter_entry(parameter: &StackParameter, pattern: Option<&str>) -> Tree {
    let mut entries = vec![("Type", parameter.kind.as_str().into())];
    let texts = [
        ("Default", parameter.default.as_deref()),
        ("Description", parameter.description.as_deref()),
        ("AllowedPattern", pattern),
    ];
    entries.extend(
        texts
            .into_iter()
            .filter_map(|(key, text)| Some((key, text?.into()))),
    );
    if parameter.no_echo {
        entries.push(("NoEcho", true.into()));
    }
    Tree::object(entries)
}

fn resource_entry(resource: &Resource, all: &[Resource]) -> Tree {
    let mut entries = vec![("Type", resource.type_name.into())];
    if !resource.properties.is_empty() {
        entries.push(("Properties", resource.properties.clone().into()));
    }
    let depends_on: BTreeSet<&str> = resource
        .depends_on
        .iter()
        .filter_map(|id| Resources(all).get(*id))
        .filter(|on| on.stack == resource.stack)
        .map(|on| on.logical_id.as_str())
        .collect();
    if !depends_on.is_empty() {
        entries.push(("DependsOn", depends_on.into_iter().collect()));
    }
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
