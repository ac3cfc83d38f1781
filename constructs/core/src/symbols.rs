//! What everything in an app is called in its templates.

use serde_json::Value as Json;

use crate::{App, Environment, Part, Resource, Token, Tree, nested::Parent, reference::References};

/// What everything in an app is called in its templates.
#[derive(Debug)]
pub(crate) struct Symbols {
    app: u32,
    stacks: Vec<StackSymbol>,
    references: References,
    resources: Vec<Symbol>,
    parameters: Vec<Symbol>,
    /// The parameter for the hash of each asset.
    assets: Vec<String>,
    conditions: Vec<String>,
    mappings: Vec<String>,
}

#[derive(Debug)]
struct Symbol {
    stack: usize,
    logical_id: String,
    /// Whether the value is a list, which crosses from stack to stack as text.
    is_list: bool,
}

#[derive(Debug)]
struct StackSymbol {
    physical_name: String,
    /// Letters and digits of the root stack's name.
    root: String,
    /// Letters and digits of the path below the root stack.
    below: String,
    environment: Environment,
    parent: Option<Parent>,
    depth: usize,
}

/// How a value of one stack reaches another.
enum Passage {
    /// It is one stack.
    Here,
    /// As an output of this stack, which is nested in the one that reads it.
    Output(usize),
    /// As a parameter, since the one that reads it is nested.
    Parameter,
    /// As an export.
    Export,
}

/// What a single token refers to.
pub(crate) enum Target<'s> {
    /// Nothing in an app.
    None,
    /// Something in another app.
    Foreign,
    /// The hash of the asset with this index.
    Asset(usize),
    /// Something in a stack of this app.
    Own {
        stack: usize,
        /// The index of the resource, unless it is a parameter.
        resource: Option<usize>,
        logical_id: &'s str,
        /// The attribute, unless it is the reference itself.
        attribute: Option<&'static str>,
        /// Whether it is a list, which outputs cannot be.
        is_list: bool,
    },
}

impl Symbols {
    /// Names everything in `app`, of which `resources` are the amended ones.
    pub(crate) fn of(app: &App, resources: &[Resource]) -> Self {
        Self {
            app: app.identity,
            stacks: app
                .stacks
                .iter()
                .map(|stack| {
                    let plain = |text: &str| -> String {
                        text.chars().filter(char::is_ascii_alphanumeric).collect()
                    };
                    let (root, below) = stack.name.split_once('/').unwrap_or((&stack.name, ""));
                    StackSymbol {
                        physical_name: stack.physical_name.clone(),
                        root: plain(root),
                        below: plain(below),
                        environment: stack.environment.clone(),
                        parent: stack.parent,
                        depth: depth_of(app, stack.parent),
                    }
                })
                .collect(),
            references: app.references,
            resources: resources
                .iter()
                .map(|resource| Symbol {
                    stack: resource.stack,
                    logical_id: resource.logical_id.clone(),
                    is_list: false,
                })
                .collect(),
            parameters: app
                .parameters
                .iter()
                .map(|parameter| Symbol {
                    stack: parameter.stack,
                    logical_id: parameter.logical_id.clone(),
                    is_list: parameter.parameter.is_list(),
                })
                .collect(),
            assets: app
                .assets
                .iter()
                .map(|asset| asset_parameter(&asset.asset.id))
                .collect(),
            conditions: app
                .language
                .conditions
                .iter()
                .map(|condition| condition.logical_id.clone())
                .collect(),
            mappings: app
                .language
                .mappings
                .iter()
                .map(|mapping| mapping.logical_id.clone())
                .collect(),
        }
    }

    /// Returns what `token` itself refers to, whatever tokens are inside it.
    pub(crate) fn target(&self, token: &Token) -> Target<'_> {
        let (app, symbols, index, attribute) = match token {
            Token::Ref(id) => (id.app, &self.resources, id.index, None),
            Token::Attribute(id, name) | Token::ListAttribute(id, name) => {
                (id.app, &self.resources, id.index, Some(*name))
            }
            Token::Weak { of, .. } => return self.target(of),
            Token::Parameter(id) | Token::ValueOf(id, _) => {
                (id.app, &self.parameters, id.index, None)
            }
            Token::Asset(id) if id.app == self.app => return Target::Asset(id.index as usize),
            Token::Asset(_) => return Target::Foreign,
            _ => return Target::None,
        };
        match symbols.get(index as usize) {
            Some(symbol) if app == self.app => Target::Own {
                stack: symbol.stack,
                resource: (!matches!(token, Token::Parameter(_) | Token::ValueOf(..)))
                    .then_some(index as usize),
                logical_id: &symbol.logical_id,
                attribute,
                is_list: symbol.is_list || matches!(token, Token::ListAttribute(..)),
            },
            _ => Target::Foreign,
        }
    }

    /// Returns the name under which a stack exports a value to the others.
    pub(crate) fn export_name(
        &self,
        stack: usize,
        logical_id: &str,
        attribute: Option<&str>,
    ) -> String {
        let root = self.root_of(stack);
        format!(
            "{}:{}{logical_id}{}",
            self.stacks[root].physical_name,
            self.stacks[stack].below,
            export_suffix(attribute)
        )
    }

    /// Returns the output that hands a value of a stack to the stacks around it.
    pub(crate) fn output_name(
        &self,
        stack: usize,
        logical_id: &str,
        attribute: Option<&str>,
    ) -> String {
        format!(
            "Export{}{logical_id}{}",
            self.stacks[stack].below,
            export_suffix(attribute)
        )
    }

    /// Returns the parameter that hands a value of a stack to nested ones.
    pub(crate) fn parameter_name(
        &self,
        stack: usize,
        logical_id: &str,
        attribute: Option<&str>,
    ) -> String {
        format!(
            "Import{}{}{logical_id}{}",
            self.stacks[stack].root,
            self.stacks[stack].below,
            export_suffix(attribute)
        )
    }

    /// Returns the stack around a nested one.
    pub(crate) fn parent(&self, stack: usize) -> Option<Parent> {
        self.stacks[stack].parent
    }

    /// Returns the stack that is deployed by itself and holds this one.
    pub(crate) fn root_of(&self, mut stack: usize) -> usize {
        while let Some(parent) = self.stacks[stack].parent {
            stack = parent.stack;
        }
        stack
    }

    /// Returns whether `stack` is `around`, or is nested in it however deep.
    pub(crate) fn is_within(&self, mut stack: usize, around: usize) -> bool {
        while stack != around {
            match self.stacks[stack].parent {
                Some(parent) => stack = parent.stack,
                None => return false,
            }
        }
        true
    }

    /// Returns the resources that stand for two, in the innermost stack around both.
    ///
    /// A resource of a nested stack is represented by the nested stack.
    pub(crate) fn meeting(
        &self,
        mut left: (usize, Option<usize>),
        mut right: (usize, Option<usize>),
    ) -> Option<(Option<usize>, Option<usize>)> {
        while left.0 != right.0 {
            let side = if self.stacks[left.0].depth >= self.stacks[right.0].depth {
                &mut left
            } else {
                &mut right
            };
            let parent = self.stacks[side.0].parent?;
            *side = (parent.stack, Some(parent.resource));
        }
        Some((left.1, right.1))
    }

    fn passage(&self, owner: usize, user: usize) -> Passage {
        if owner == user {
            return Passage::Here;
        }
        let mut inner = owner;
        while let Some(parent) = self.stacks[inner].parent {
            if parent.stack == user {
                return Passage::Output(inner);
            }
            inner = parent.stack;
        }
        match self.stacks[user].parent {
            Some(_) => Passage::Parameter,
            None => Passage::Export,
        }
    }

    /// Returns the value of `token` as `stack` hands it on to another one: as text.
    pub(crate) fn carried(&self, token: &Token, stack: usize) -> Tree {
        let Target::Own {
            stack: owner,
            logical_id,
            attribute,
            is_list,
            ..
        } = self.target(token)
        else {
            return self.resolve(token, stack);
        };
        let tree = match self.passage(owner, stack) {
            Passage::Here => match attribute {
                None => call("Ref", logical_id),
                Some(attribute) => call("Fn::GetAtt", vec![logical_id, attribute]),
            },
            Passage::Output(inner) => {
                let output = self.output_name(owner, logical_id, attribute);
                let nested = self.stacks[inner].parent.map_or("", |parent| {
                    self.resources[parent.resource].logical_id.as_str()
                });
                let path = Tree::from(format!("Outputs.{output}"));
                call("Fn::GetAtt", vec![Tree::from(nested), path])
            }
            Passage::Parameter => call("Ref", self.parameter_name(owner, logical_id, attribute)),
            Passage::Export if self.is_weak(token) => {
                self.stack_output(token, owner, stack, logical_id, attribute)
            }
            Passage::Export => call(
                "Fn::ImportValue",
                self.export_name(owner, logical_id, attribute),
            ),
        };
        if owner == stack && is_list {
            call("Fn::Join", vec![Tree::from(LIST_DELIMITER), tree])
        } else {
            tree
        }
    }

    /// Returns whether another stack reads `token` rather than importing it.
    pub(crate) fn is_weak(&self, token: &Token) -> bool {
        self.references == References::Weak || matches!(token, Token::Weak { .. })
    }

    /// Returns the function that reads the output of the stack `owner` in `stack`.
    fn stack_output(
        &self,
        token: &Token,
        owner: usize,
        stack: usize,
        logical_id: &str,
        attribute: Option<&str>,
    ) -> Tree {
        let root = &self.stacks[self.root_of(owner)];
        let output = self.output_name(owner, logical_id, attribute);
        let mut arguments = vec![
            ("StackName", root.physical_name.as_str().into()),
            ("OutputName", output.into()),
        ];
        let region = root.environment.region.as_deref();
        if let Some(region) = region
            && self.stacks[stack].environment.region.as_deref() != Some(region)
        {
            arguments.push(("Region", region.into()));
        }
        if let Token::Weak {
            role: Some(role), ..
        } = token
        {
            arguments.push(("RoleArn", part(role)));
        }
        call("Fn::GetStackOutput", Tree::object(arguments))
    }

    /// Returns `token` as the stack with index `stack` writes it.
    ///
    /// Tokens within it are left for the next call; what belongs to another app,
    /// which is a [`Problem`](crate::Problem), becomes null.
    #[expect(clippy::too_many_lines, reason = "one arm for each function")]
    pub(crate) fn resolve(&self, token: &Token, stack: usize) -> Tree {
        match token {
            Token::Ref(_)
            | Token::Attribute(..)
            | Token::ListAttribute(..)
            | Token::Weak { .. }
            | Token::Parameter(_)
            | Token::Asset(_) => match self.target(token) {
                Target::None | Target::Foreign => Tree::Literal(Json::Null),
                Target::Asset(index) => call("Ref", self.assets[index].as_str()),
                Target::Own {
                    stack: owner,
                    is_list,
                    ..
                } if owner != stack => {
                    let text = self.carried(token, stack);
                    if is_list {
                        call("Fn::Split", vec![LIST_DELIMITER.into(), text])
                    } else {
                        text
                    }
                }
                Target::Own {
                    logical_id,
                    attribute: None,
                    ..
                } => call("Ref", logical_id),
                Target::Own {
                    logical_id,
                    attribute: Some(attribute),
                    ..
                } => call("Fn::GetAtt", vec![logical_id, attribute]),
            },
            Token::Pseudo(pseudo) => call("Ref", pseudo.name()),
            Token::Join(parts) => call(
                "Fn::Join",
                vec![Tree::from(""), parts.iter().map(part).collect()],
            ),
            Token::Base64(text) => call("Fn::Base64", part(text)),
            Token::Select(index, list) => {
                call("Fn::Select", vec![Tree::from(*index), Tree::clone(list)])
            }
            Token::Split(delimiter, text) => call(
                "Fn::Split",
                vec![Tree::from(delimiter.as_str()), part(text)],
            ),
            Token::Cidr { block, count, bits } => call(
                "Fn::Cidr",
                vec![
                    part(block),
                    Tree::from(*count),
                    Tree::from(u16::from(*bits)),
                ],
            ),
            Token::GetAzs(region) => call("Fn::GetAZs", part(region)),
            Token::Condition(id) => call("Condition", name_in(&self.conditions, id.index)),
            Token::If(id, then, otherwise) => call(
                "Fn::If",
                vec![
                    Tree::from(name_in(&self.conditions, id.index)),
                    Tree::clone(then),
                    Tree::clone(otherwise),
                ],
            ),
            Token::FindInMap {
                mapping,
                keys,
                default,
            } => {
                let name = name_in(&self.mappings, mapping.index);
                let mut argument = vec![Tree::from(name), part(&keys[0]), part(&keys[1])];
                if let Some(default) = default {
                    argument.push(Tree::object([("DefaultValue", Tree::clone(default))]));
                }
                call("Fn::FindInMap", argument)
            }
            Token::ValueOf(id, attribute) => {
                let parameter = self.parameters.get(id.index as usize);
                let name = parameter.map_or("", |symbol| symbol.logical_id.as_str());
                call("Fn::ValueOf", vec![name, attribute.as_str()])
            }
            Token::Sub(text, variables) if variables.is_empty() => call("Fn::Sub", text.as_str()),
            Token::Sub(text, variables) => call(
                "Fn::Sub",
                vec![Tree::from(text.as_str()), Tree::object(variables.clone())],
            ),
            Token::ImportValue(name) => call("Fn::ImportValue", part(name)),
            Token::Transform(name, parameters) => call(
                "Fn::Transform",
                Tree::object([
                    ("Name", Tree::from(name.as_str())),
                    ("Parameters", Tree::clone(parameters)),
                ]),
            ),
            Token::Length(list) => call("Fn::Length", Tree::clone(list)),
            Token::ToJsonString(tree) => call("Fn::ToJsonString", Tree::clone(tree)),
            Token::JoinList(delimiter, list) => call(
                "Fn::Join",
                vec![Tree::from(delimiter.as_str()), Tree::clone(list)],
            ),
            Token::Intrinsic(function, argument) => {
                Tree::object([(function.clone(), Tree::clone(argument))])
            }
            Token::Raw(tree) => Tree::clone(tree),
        }
    }
}

/// Returns the parameter that holds the hash of the asset `id`.
pub(crate) fn asset_parameter(id: &str) -> String {
    format!("{id}Asset")
}

/// What parts the items of a list on its way to another stack: no id, name or ARN has it.
pub(crate) const LIST_DELIMITER: &str = "||";

/// Returns what an export's name ends in: names take no dots.
fn export_suffix(attribute: Option<&str>) -> String {
    attribute
        .unwrap_or("Ref")
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect()
}

/// What belongs to another app is a problem of its own, and has no name here.
fn name_in(names: &[String], index: u32) -> &str {
    names.get(index as usize).map_or("", String::as_str)
}

fn depth_of(app: &App, mut parent: Option<Parent>) -> usize {
    let mut depth = 0;
    while let Some(around) = parent {
        depth += 1;
        parent = app.stacks[around.stack].parent;
    }
    depth
}

fn call(function: &'static str, argument: impl Into<Tree>) -> Tree {
    Tree::object([(function, argument.into())])
}

fn part(part: &Part) -> Tree {
    match part {
        Part::Text(text) => text.as_str().into(),
        Part::Token(token) => token.clone().into(),
    }
}
