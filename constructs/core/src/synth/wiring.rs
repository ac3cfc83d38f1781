//! What refers to what, within a stack and from stack to stack.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::Location,
};

use super::{crossing::Subject, nesting::Nesting};
use crate::{
    App, Problem, Resource, Resources, Token, Value,
    nested::template_parameter,
    problem::ProblemKind,
    symbols::{Symbols, Target, asset_parameter},
};

/// What refers to what.
pub(super) struct Wiring<'a> {
    /// For each resource, what it refers to in its own stack, and in which property.
    pub(super) resources: Vec<BTreeMap<usize, &'a str>>,
    /// For each stack, the stacks that it needs, and the first place that says so.
    pub(super) stacks: Vec<BTreeMap<usize, Crossing<'a>>>,
    /// For each stack, what others use of it, by output.
    pub(super) exports: Vec<BTreeMap<String, Export>>,
    /// For each stack, the assets that it uses.
    pub(super) assets: Vec<BTreeSet<usize>>,
    /// What crosses the borders of nested stacks.
    pub(super) nesting: Nesting,
    /// For each stack, whether its template calls functions of the language extensions.
    pub(super) is_extended: Vec<bool>,
}

/// A value that a stack tells others.
#[derive(Clone)]
pub(super) struct Export {
    pub(super) token: Token,
    /// The name under which it is imported, unless it is only read weakly.
    pub(super) name: Option<String>,
    /// What it is of: two values whose output is called the same differ in it.
    of: (usize, String, Option<&'static str>),
}

/// A place where one stack needs another.
#[derive(Clone)]
pub(super) struct Crossing<'a> {
    pub(super) user: &'a str,
    pub(super) property: String,
    pub(super) of: String,
    pub(super) location: &'static Location<'static>,
}

/// Who refers to something.
pub(super) struct User<'a> {
    pub(super) path: &'a str,
    pub(super) stack: usize,
    pub(super) resource: Option<(usize, &'static str)>,
    pub(super) location: &'static Location<'static>,
}

impl Wiring<'_> {
    /// Lets the owner of `token` tell it to other stacks.
    pub(super) fn export(
        &mut self,
        symbols: &Symbols,
        token: &Token,
        is_weak: bool,
        subject: &Subject<'_>,
        problems: &mut Vec<Problem>,
    ) {
        let Target::Own {
            stack,
            logical_id,
            attribute,
            ..
        } = symbols.target(token)
        else {
            return;
        };
        let output = symbols.output_name(stack, logical_id, attribute);
        let export = self.exports[symbols.root_of(stack)]
            .entry(output)
            .or_insert_with_key(|_| Export {
                token: match token {
                    Token::Weak { of, .. } => Token::clone(of),
                    token => token.clone(),
                },
                name: None,
                of: (stack, logical_id.to_owned(), attribute),
            });
        let (of, other, its) = &export.of;
        if (*of, other.as_str(), *its) != (stack, logical_id, attribute) {
            problems.push(subject.problem(
                ProblemKind::LogicalIdCollision,
                format_args!(
                    "needs `{}` of another stack, whose output is called like that of `{}`",
                    said((logical_id, attribute)),
                    said((other, *its))
                ),
                "rename one of the two constructs",
            ));
        }
        if !is_weak && export.name.is_none() {
            export.name = Some(symbols.export_name(stack, logical_id, attribute));
        }
    }
}

fn said((logical_id, attribute): (&str, Option<&str>)) -> String {
    attribute.map_or_else(
        || logical_id.to_owned(),
        |attribute| format!("{logical_id}.{attribute}"),
    )
}

impl App {
    /// Finds what refers to what, and which values cross from stack to stack.
    pub(super) fn wiring<'a>(
        &'a self,
        resources: &'a [Resource],
        symbols: &Symbols,
        problems: &mut Vec<Problem>,
    ) -> Wiring<'a> {
        let mut wiring = Wiring {
            resources: vec![BTreeMap::new(); resources.len()],
            stacks: vec![BTreeMap::new(); self.stacks.len()],
            exports: vec![BTreeMap::new(); self.stacks.len()],
            assets: vec![BTreeSet::new(); self.stacks.len()],
            nesting: self.nesting(problems),
            is_extended: vec![false; self.stacks.len()],
        };
        for (index, resource) in resources.iter().enumerate() {
            let user = User {
                path: &resource.path,
                stack: resource.stack,
                resource: Some((index, resource.type_name)),
                location: resource.location,
            };
            for (property, tree) in resource.properties.iter() {
                tree.tokens(&mut |token| {
                    self.wire(&mut wiring, symbols, &user, property, token, problems);
                });
            }
            for (_, tree) in &resource.metadata {
                tree.tokens(&mut |token| {
                    self.wire(&mut wiring, symbols, &user, "Metadata", token, problems);
                });
            }
            self.wire_entry(&mut wiring, symbols, &user, resource, problems);
            for on in &resource.depends_on {
                let token = Token::Ref(*on);
                match symbols.target(&token) {
                    // Across stacks only their order is left to say: nothing is exported.
                    Target::Own {
                        stack,
                        resource: on,
                        ..
                    } if stack != resource.stack => {
                        let here = (resource.stack, Some(index));
                        if let Some(meeting) = symbols.meeting(here, (stack, on)) {
                            if let (Some(user), Some(on)) = meeting {
                                wiring.resources[user].entry(on).or_insert("DependsOn");
                                wiring.nesting.depends_on(user, on);
                            }
                            continue;
                        }
                        wiring.stacks[symbols.root_of(resource.stack)]
                            .entry(symbols.root_of(stack))
                            .or_insert_with(|| Crossing {
                                user: &resource.path,
                                property: "DependsOn".to_owned(),
                                of: self.path_of(&token).to_owned(),
                                location: resource.location,
                            });
                    }
                    _ => self.wire(&mut wiring, symbols, &user, "DependsOn", &token, problems),
                }
            }
        }
        for output in &self.outputs {
            let user = User {
                path: &output.path,
                stack: output.stack,
                resource: None,
                location: output.location,
            };
            if let Value::Token(token, _) = &output.value {
                token.tokens(&mut |token| {
                    self.wire(&mut wiring, symbols, &user, "Value", token, problems);
                });
            }
        }
        self.wire_sections(&mut wiring, symbols, problems);
        self.wire_kept_exports(&mut wiring, symbols, problems);
        self.wire_asset_store(&mut wiring, resources, problems);
        wiring
    }

    /// Notes what `token`, somewhere in `property` of `user`, refers to.
    pub(super) fn wire<'a>(
        &self,
        wiring: &mut Wiring<'a>,
        symbols: &Symbols,
        user: &User<'a>,
        property: &'a str,
        token: &Token,
        problems: &mut Vec<Problem>,
    ) {
        match symbols.target(token) {
            Target::None => self.wire_function(wiring, user, property, token, problems),
            Target::Foreign => {
                let mut problem = Problem::new(
                    ProblemKind::ForeignReference,
                    user.path,
                    format_args!("refers to something in another app in `{property}`"),
                )
                .property(property)
                .hint("add both to the same `App`, or pass the value as a parameter")
                .at(user.location);
                problem.type_name = user.resource.map(|(_, type_name)| type_name);
                problems.push(problem);
            }
            Target::Asset(index) => {
                let mut stack = user.stack;
                while wiring.assets[stack].insert(index)
                    && let Some(parent) = symbols.parent(stack)
                {
                    stack = parent.stack;
                }
            }
            Target::Own {
                stack,
                resource,
                logical_id,
                attribute,
                ..
            } => {
                if stack == user.stack {
                    if let (Some((index, _)), Some(target)) = (user.resource, resource) {
                        wiring.resources[index].entry(target).or_insert(property);
                    }
                    return;
                }
                let names = [
                    symbols.parameter_name(stack, logical_id, attribute),
                    symbols.output_name(stack, logical_id, attribute),
                ];
                let is_clear = wiring
                    .nesting
                    .carry(symbols, token, (stack, user.stack), &names);
                if !is_clear {
                    problems.push(
                        Problem::new(
                            ProblemKind::LogicalIdCollision,
                            user.path,
                            format_args!(
                                "takes `{}` in `{property}` into or out of a nested stack, where \
                                 something else is called the same",
                                self.path_of(token)
                            ),
                        )
                        .property(property)
                        .hint("only letters and digits of a path count: rename one of them")
                        .at(user.location),
                    );
                }
                let index = user.resource.map(|(index, _)| index);
                if let Some(meeting) = symbols.meeting((user.stack, index), (stack, resource)) {
                    if let (Some(user), Some(target)) = meeting {
                        wiring.resources[user].entry(target).or_insert(property);
                    }
                } else {
                    wiring.stacks[symbols.root_of(user.stack)]
                        .entry(symbols.root_of(stack))
                        .or_insert_with(|| Crossing {
                            user: user.path,
                            property: property.to_owned(),
                            of: match attribute {
                                Some(attribute) => format!("{}.{attribute}", self.path_of(token)),
                                None => self.path_of(token).to_owned(),
                            },
                            location: user.location,
                        });
                    let is_weak = symbols.is_weak(token);
                    let subject = Subject {
                        path: user.path,
                        type_name: user.resource.map(|(_, type_name)| type_name),
                        property: Some(property),
                        location: user.location,
                    };
                    let places = (user.stack, stack);
                    self.check_environments(token, is_weak, places, &subject, problems);
                    wiring.export(symbols, token, is_weak, &subject, problems);
                }
            }
        }
    }

    /// Lets every stack that uses an asset come after the stack of the asset store.
    fn wire_asset_store<'a>(
        &'a self,
        wiring: &mut Wiring<'a>,
        resources: &[Resource],
        problems: &mut Vec<Problem>,
    ) {
        // What each stack needs the store for: an asset, or else a nested template.
        let uploads: Vec<Option<(String, String, &'static Location<'static>)>> =
            (0..self.stacks.len())
                .map(|stack| self.upload_of(wiring, stack))
                .collect();
        let Some((name, bucket, location)) = &self.asset_store else {
            for (stack, upload) in self.stacks.iter().zip(uploads) {
                if let Some((what, _, location)) = upload {
                    problems.push(
                        Problem::new(
                            ProblemKind::Asset,
                            &stack.name,
                            format_args!("uses {what}, but the app has no place to upload it to"),
                        )
                        .hint("name a bucket with `app.asset_store(\"Storage\", bucket.id())`")
                        .at(location),
                    );
                }
            }
            return;
        };
        let bucket = match Resources(resources).get(*bucket) {
            Some(bucket) if bucket.stack_name == *name => Ok(bucket),
            Some(bucket) => Err(format!("but its bucket is `{}`", bucket.path)),
            None => Err("but its bucket is in another app".to_owned()),
        };
        let bucket = match bucket {
            Ok(bucket) => bucket,
            Err(wrong) => {
                problems.push(
                    Problem::new(
                        ProblemKind::Asset,
                        name,
                        format_args!("is named as the asset store, {wrong}"),
                    )
                    .hint("pass the stack's name and a bucket in that stack")
                    .at(location),
                );
                return;
            }
        };
        for ((index, stack), upload) in self.stacks.iter().enumerate().zip(uploads) {
            let Some((what, parameter, location)) = upload else {
                continue;
            };
            if index == bucket.stack {
                problems.push(
                    Problem::new(
                        ProblemKind::Asset,
                        &stack.name,
                        format_args!(
                            "holds the asset store and uses {what}, which cannot be \
                             uploaded before the stack exists"
                        ),
                    )
                    .hint("move what uses it to another stack")
                    .at(location),
                );
            } else if stack.environment != self.stacks[bucket.stack].environment {
                problems.push(
                    Problem::new(
                        ProblemKind::Asset,
                        &stack.name,
                        format_args!("uses {what}, which is uploaded to another region or account"),
                    )
                    .found(stack.environment.url())
                    .wanted(self.stacks[bucket.stack].environment.url())
                    .hint("move what uses it to a stack beside the asset store")
                    .at(location),
                );
            } else {
                wiring.stacks[index]
                    .entry(bucket.stack)
                    .or_insert_with(|| Crossing {
                        user: &stack.name,
                        property: parameter,
                        of: bucket.path.clone(),
                        location,
                    });
            }
        }
    }

    /// Returns what a stack that is deployed by itself needs the asset store for: its
    /// name, the parameter for it, and where it was added.
    fn upload_of(
        &self,
        wiring: &Wiring<'_>,
        stack: usize,
    ) -> Option<(String, String, &'static Location<'static>)> {
        if self.stacks[stack].parent.is_some() {
            return None;
        }
        if let Some(&index) = wiring.assets[stack].first() {
            let declared = &self.assets[index];
            let id = &declared.asset.id;
            return Some((
                format!("asset `{id}`"),
                asset_parameter(id),
                declared.location,
            ));
        }
        let (_, &nested) = wiring.nesting.templates[stack].first_key_value()?;
        let nested = &self.stacks[nested];
        Some((
            format!("the template of `{}`", nested.name),
            template_parameter(&nested.name),
            nested.location,
        ))
    }

    pub(super) fn path_of(&self, token: &Token) -> &str {
        match token {
            Token::Parameter(id) | Token::ValueOf(id, _) => {
                &self.parameters[id.index as usize].path
            }
            Token::Weak { of, .. } => self.path_of(of),
            Token::Ref(id) | Token::Attribute(id, _) | Token::ListAttribute(id, _) => {
                &self.resources[id.index as usize].path
            }
            _ => "",
        }
    }
}
