//! What refers to resources and attributes that are not there.

use std::{cell::OnceCell, collections::HashMap};

use lightsout_schema::Schema;

use super::{Fault, Schemas, function, path::Path};
use crate::{
    App, Resource, Section, Token, Tree, nearest::did_you_mean, problem::ProblemKind,
    symbols::asset_parameter, synth::nesting::Nesting,
};

/// Types whose attributes only their author knows.
const OPEN_TYPES: [&str; 1] = ["AWS::CloudFormation::CustomResource"];

/// The type whose attributes are the outputs of a template.
const NESTED_STACK: &str = "AWS::CloudFormation::Stack";

/// What can be referred to.
pub(super) struct References<'r> {
    app: &'r App,
    resources: &'r [Resource],
    schemas: &'r Schemas,
    nesting: &'r Nesting,
    /// By stack and logical id, for those who write functions by hand.
    names: OnceCell<HashMap<(usize, &'r str), Option<&'r Resource>>>,
}

impl<'r> References<'r> {
    pub(super) fn new(
        app: &'r App,
        resources: &'r [Resource],
        schemas: &'r Schemas,
        nesting: &'r Nesting,
    ) -> Self {
        Self {
            app,
            resources,
            schemas,
            nesting,
            names: OnceCell::new(),
        }
    }

    pub(super) fn check(
        &self,
        stack: usize,
        tree: &Tree,
        path: &Path<'_>,
        faults: &mut Vec<Fault>,
    ) {
        match tree {
            Tree::Literal(_) => (),
            Tree::Token(token) => token.tokens(&mut |token| match token {
                Token::Weak { of, .. } => self.read(of, path, faults),
                Token::Raw(tree) => self.inside(stack, tree, path, faults),
                Token::Intrinsic(name, argument) => {
                    self.written(stack, name, argument, path, faults);
                }
                token => self.read(token, path, faults),
            }),
            Tree::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.check(stack, item, &path.item(at), faults);
                }
            }
            Tree::Map(entries) => {
                let call = function(tree);
                if let Some((name, argument)) = call {
                    self.written(stack, name, argument, path, faults);
                }
                for (name, tree) in entries {
                    // What is inside a function is no part of a property's path.
                    if call.is_some() {
                        self.inside(stack, tree, path, faults);
                    } else {
                        self.check(stack, tree, &path.key(name), faults);
                    }
                }
            }
        }
    }

    /// Checks that the attribute that a token reads is there.
    fn read(&self, token: &Token, path: &Path<'_>, faults: &mut Vec<Fault>) {
        if let Token::Attribute(id, name) | Token::ListAttribute(id, name) = token
            && let Some(target) = crate::Resources(self.resources).get(*id)
        {
            self.attribute(target, name, path, faults);
        }
    }

    fn inside(&self, stack: usize, tree: &Tree, path: &Path<'_>, faults: &mut Vec<Fault>) {
        match tree {
            Tree::List(items) => {
                for item in items {
                    self.inside(stack, item, path, faults);
                }
            }
            Tree::Map(entries) if function(tree).is_none() => {
                for (_, tree) in entries {
                    self.inside(stack, tree, path, faults);
                }
            }
            _ => self.check(stack, tree, path, faults),
        }
    }

    /// Checks a function that was written by hand.
    fn written(
        &self,
        stack: usize,
        name: &str,
        argument: &Tree,
        path: &Path<'_>,
        faults: &mut Vec<Fault>,
    ) {
        match name {
            "Ref" => {
                if let Some(name) = argument.as_str() {
                    self.named(stack, name, None, path, faults);
                }
            }
            "Fn::GetAtt" => {
                let parts = argument.as_list().map(|parts| {
                    let part = |at: usize| parts.get(at).and_then(Tree::as_str);
                    (part(0), part(1))
                });
                let parts = parts.or_else(|| {
                    let (name, attribute) = argument.as_str()?.split_once('.')?;
                    Some((Some(name), Some(attribute)))
                });
                if let Some((Some(name), Some(attribute))) = parts {
                    self.named(stack, name, Some(attribute), path, faults);
                }
            }
            "Fn::Sub" => {
                let list = argument.as_list().unwrap_or_default();
                let text = argument.as_str().or_else(|| list.first()?.as_str());
                let own = list.get(1);
                for name in substituted(text.unwrap_or_default()) {
                    if own.is_some_and(|own| own.get(name).is_some()) {
                        continue;
                    }
                    match name.split_once('.') {
                        Some((name, attribute)) => {
                            self.named(stack, name, Some(attribute), path, faults);
                        }
                        None => self.named(stack, name, None, path, faults),
                    }
                }
            }
            _ => (),
        }
    }

    fn named(
        &self,
        stack: usize,
        name: &str,
        attribute: Option<&str>,
        path: &Path<'_>,
        faults: &mut Vec<Fault>,
    ) {
        if attribute.is_none() && name.starts_with("AWS::") {
            const PSEUDO: [&str; 8] = [
                "AWS::AccountId",
                "AWS::NoValue",
                "AWS::NotificationARNs",
                "AWS::Partition",
                "AWS::Region",
                "AWS::StackId",
                "AWS::StackName",
                "AWS::URLSuffix",
            ];
            if !PSEUDO.contains(&name) {
                faults.push(dangling(name, path, PSEUDO.into_iter()));
            }
            return;
        }
        let names = self.names.get_or_init(|| self.names());
        // A parameter that synth itself adds.
        let is_given = || {
            let mut assets = self.app.assets.iter();
            self.nesting.parameters[stack].contains_key(name)
                || self.nesting.templates[stack].contains_key(name)
                || assets.any(|asset| asset_parameter(&asset.asset.id) == name)
        };
        let is_by_hand = || {
            let mut entries = self.app.stacks[stack].options.entries.iter();
            entries.any(|(section, key, _)| *section == Section::Resources && key == name)
        };
        match (names.get(&(stack, name)), attribute) {
            (Some(Some(target)), Some(attribute)) => {
                self.attribute(target, attribute, path, faults);
            }
            (Some(_), None) => (),
            (None, None) if is_given() => (),
            (None, _) if is_by_hand() => (),
            _ => {
                let mut known: Vec<&str> = names
                    .iter()
                    .filter(|((owner, _), target)| {
                        *owner == stack && (attribute.is_none() || target.is_some())
                    })
                    .map(|((_, name), _)| *name)
                    .collect();
                known.sort_unstable();
                faults.push(dangling(name, path, known.into_iter()));
            }
        }
    }

    fn names(&self) -> HashMap<(usize, &'r str), Option<&'r Resource>> {
        let resources = self.resources.iter().map(|resource| {
            (
                (resource.stack, resource.logical_id.as_str()),
                Some(resource),
            )
        });
        let parameters = self
            .app
            .parameters
            .iter()
            .map(|parameter| ((parameter.stack, parameter.logical_id.as_str()), None));
        resources.chain(parameters).collect()
    }

    fn attribute(&self, target: &Resource, name: &str, path: &Path<'_>, faults: &mut Vec<Fault>) {
        let Some(Some(schema)) = self.schemas.get(target.type_name) else {
            return;
        };
        let is_output = target.type_name == NESTED_STACK && name.starts_with("Outputs.");
        if is_output || schema.has_attribute(name) || OPEN_TYPES.contains(&target.type_name) {
            return;
        }
        faults.push(
            Fault::new(
                ProblemKind::DanglingReference,
                path,
                format!(
                    "reads `{name}` of `{}` in `{path}`, but an {} has no such attribute",
                    target.path, target.type_name
                ),
            )
            .found(name)
            .wanted(attributes(schema))
            .hint(did_you_mean(name, schema.attributes().iter().copied())),
        );
    }
}

fn attributes(schema: &Schema<'_>) -> String {
    match schema.attributes() {
        [] => "nothing: it has no attributes; use its reference".to_owned(),
        names => {
            const MOST: usize = 12;
            let shown: Vec<String> = names
                .iter()
                .take(MOST)
                .map(|name| format!("`{name}`"))
                .collect();
            let more = if names.len() > MOST { ", …" } else { "" };
            format!("one of {}{more}", shown.join(", "))
        }
    }
}

fn dangling<'n>(name: &str, path: &Path<'_>, known: impl Iterator<Item = &'n str>) -> Fault {
    Fault::new(
        ProblemKind::DanglingReference,
        path,
        format!("refers to `{name}` in `{path}`, which its stack does not have"),
    )
    .found(name)
    .hint(did_you_mean(name, known))
}

/// Returns what stands in `${…}`; `${!…}` stands for itself.
fn substituted(text: &str) -> impl Iterator<Item = &str> {
    text.split("${")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('}')?.0.trim()))
        .filter(|name| !name.starts_with('!'))
}
