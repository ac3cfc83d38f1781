//! What refers to what, within a stack and from stack to stack.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::Location,
};

use crate::{
    App, Problem, Resource, Resources, Token, Value,
    problem::ProblemKind,
    symbols::{Symbols, Target, asset_parameter, export_suffix},
};

/// What refers to what.
pub(super) struct Wiring<'a> {
    /// For each resource, what it refers to in its own stack, and in which property.
    pub(super) resources: Vec<BTreeMap<usize, &'a str>>,
    /// For each stack, the stacks that it needs, and the first place that says so.
    pub(super) stacks: Vec<BTreeMap<usize, Crossing<'a>>>,
    /// For each stack, what others use of it: output, value and export name.
    pub(super) exports: Vec<BTreeMap<String, (Token, String)>>,
    /// For each stack, the assets that it uses.
    pub(super) assets: Vec<BTreeSet<usize>>,
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
struct User<'a> {
    path: &'a str,
    stack: usize,
    resource: Option<(usize, &'static str)>,
    location: &'static Location<'static>,
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
            for on in &resource.depends_on {
                let token = Token::Ref(*on);
                match symbols.target(&token) {
                    // Across stacks only their order is left to say: nothing is exported.
                    Target::Own { stack, .. } if stack != resource.stack => {
                        wiring.stacks[resource.stack]
                            .entry(stack)
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
        self.wire_asset_store(&mut wiring, resources, problems);
        wiring
    }

    /// Notes what `token`, somewhere in `property` of `user`, refers to.
    fn wire<'a>(
        &self,
        wiring: &mut Wiring<'a>,
        symbols: &Symbols,
        user: &User<'a>,
        property: &'a str,
        token: &Token,
        problems: &mut Vec<Problem>,
    ) {
        match symbols.target(token) {
            Target::None => (),
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
                wiring.assets[user.stack].insert(index);
            }
            Target::Own {
                stack,
                resource,
                logical_id,
                attribute,
            } => {
                if stack == user.stack {
                    if let (Some((index, _)), Some(target)) = (user.resource, resource) {
                        wiring.resources[index].entry(target).or_insert(property);
                    }
                } else {
                    wiring.stacks[user.stack]
                        .entry(stack)
                        .or_insert_with(|| Crossing {
                            user: user.path,
                            property: property.to_owned(),
                            of: match attribute {
                                Some(attribute) => format!("{}.{attribute}", self.path_of(token)),
                                None => self.path_of(token).to_owned(),
                            },
                            location: user.location,
                        });
                    let output = format!("Export{logical_id}{}", export_suffix(attribute));
                    wiring.exports[stack].entry(output).or_insert_with(|| {
                        (
                            token.clone(),
                            symbols.export_name(stack, logical_id, attribute),
                        )
                    });
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
        let Some((name, bucket, location)) = &self.asset_store else {
            for (stack, assets) in self.stacks.iter().zip(&wiring.assets) {
                if let Some(&index) = assets.first() {
                    problems.push(
                        Problem::new(
                            ProblemKind::Asset,
                            &stack.name,
                            format_args!(
                                "uses asset `{}`, but the app has no place to upload it to",
                                self.assets[index].asset.id
                            ),
                        )
                        .hint("name a bucket with `app.asset_store(\"Storage\", bucket.id())`")
                        .at(self.assets[index].location),
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
        for (index, stack) in self.stacks.iter().enumerate() {
            let Some(asset) = wiring.assets[index]
                .first()
                .map(|asset| &self.assets[*asset])
            else {
                continue;
            };
            if index == bucket.stack {
                problems.push(
                    Problem::new(
                        ProblemKind::Asset,
                        &stack.name,
                        format_args!(
                            "holds the asset store and uses asset `{}`, which cannot be \
                             uploaded before the stack exists",
                            asset.asset.id
                        ),
                    )
                    .hint("move what uses the asset to another stack")
                    .at(asset.location),
                );
            } else {
                wiring.stacks[index]
                    .entry(bucket.stack)
                    .or_insert_with(|| Crossing {
                        user: &stack.name,
                        property: asset_parameter(&asset.asset.id),
                        of: bucket.path.clone(),
                        location: asset.location,
                    });
            }
        }
    }

    fn path_of(&self, token: &Token) -> &str {
        match token {
            Token::Parameter(id) => &self.parameters[id.index as usize].path,
            Token::Ref(id) | Token::Attribute(id, _) => &self.resources[id.index as usize].path,
            _ => "",
        }
    }
}
