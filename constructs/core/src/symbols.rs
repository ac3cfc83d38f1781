//! What everything in an app is called in its templates.

use serde_json::Value as Json;

use crate::{App, Part, Token, Tree};

/// What everything in an app is called in its templates.
#[derive(Debug)]
pub(crate) struct Symbols {
    app: u32,
    /// The physical name of each stack.
    stacks: Vec<String>,
    resources: Vec<Symbol>,
    parameters: Vec<Symbol>,
    /// The parameter for the hash of each asset.
    assets: Vec<String>,
}

#[derive(Debug)]
struct Symbol {
    stack: usize,
    logical_id: String,
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
    },
}

impl Symbols {
    pub(crate) fn of(app: &App) -> Self {
        Self {
            app: app.identity,
            stacks: app
                .stacks
                .iter()
                .map(|stack| stack.physical_name.clone())
                .collect(),
            resources: app
                .resources
                .iter()
                .map(|resource| Symbol {
                    stack: resource.stack,
                    logical_id: resource.logical_id.clone(),
                })
                .collect(),
            parameters: app
                .parameters
                .iter()
                .map(|parameter| Symbol {
                    stack: parameter.stack,
                    logical_id: parameter.logical_id.clone(),
                })
                .collect(),
            assets: app
                .assets
                .iter()
                .map(|asset| asset_parameter(&asset.asset.id))
                .collect(),
        }
    }

    /// Returns what `token` itself refers to, whatever tokens are inside it.
    pub(crate) fn target(&self, token: &Token) -> Target<'_> {
        let (app, symbols, index, attribute) = match token {
            Token::Ref(id) => (id.app, &self.resources, id.index, None),
            Token::Attribute(id, name) => (id.app, &self.resources, id.index, Some(*name)),
            Token::Parameter(id) => (id.app, &self.parameters, id.index, None),
            Token::Asset(id) if id.app == self.app => return Target::Asset(id.index as usize),
            Token::Asset(_) => return Target::Foreign,
            _ => return Target::None,
        };
        match symbols.get(index as usize) {
            Some(symbol) if app == self.app => Target::Own {
                stack: symbol.stack,
                resource: (!matches!(token, Token::Parameter(_))).then_some(index as usize),
                logical_id: &symbol.logical_id,
                attribute,
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
        format!(
            "{}:{logical_id}{}",
            self.stacks[stack],
            export_suffix(attribute)
        )
    }

    /// Returns `token` as the stack with index `stack` writes it.
    ///
    /// Tokens within it are left for the next call; what belongs to another app,
    /// which is a [`Problem`](crate::Problem), becomes null.
    pub(crate) fn resolve(&self, token: &Token, stack: usize) -> Tree {
        match token {
            Token::Ref(_) | Token::Attribute(..) | Token::Parameter(_) | Token::Asset(_) => {
                match self.target(token) {
                    Target::None | Target::Foreign => Tree::Literal(Json::Null),
                    Target::Asset(index) => call("Ref", self.assets[index].as_str()),
                    Target::Own {
                        stack: owner,
                        logical_id,
                        attribute,
                        ..
                    } if owner != stack => call(
                        "Fn::ImportValue",
                        self.export_name(owner, logical_id, attribute),
                    ),
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
                }
            }
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
        }
    }
}

/// Returns the parameter that holds the hash of the asset `id`.
pub(crate) fn asset_parameter(id: &str) -> String {
    format!("{id}Asset")
}

/// Returns what an export's name ends in: names take no dots.
pub(crate) fn export_suffix(attribute: Option<&str>) -> String {
    attribute
        .unwrap_or("Ref")
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect()
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
