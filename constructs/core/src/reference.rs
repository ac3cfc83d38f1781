//! How the value of one stack gets to another.
//!
//! By default the producer exports the value and the consumer imports it.
//! `CloudFormation` then protects the consumer: it refuses to remove an export that
//! a deployed stack imports. That refusal is also what stops an innocent change. When
//! a consumer no longer needs a value, synth no longer exports it, and the producer,
//! which is deployed first, cannot be updated while the deployed consumer still
//! imports it. [`App::keep_export`] is the way out: the producer exports the value a
//! little longer, until the consumer is deployed without it. Where the earlier
//! assembly is at hand, [`Assembly::keeps`](crate::Assembly::keeps) says when that is
//! needed, and which line to write.
//!
//! A [weak](Value::weak) reference has no such protection and no such deadlock: the
//! consumer reads the producer's output with `Fn::GetStackOutput` whenever it is
//! deployed itself. It is also the one way that a value gets to another region or
//! account without a custom resource: `AWS::SSM::Parameter` and `{{resolve:ssm:…}}`,
//! like exports, end at the border of a region. The other way is to give the resource
//! a physical name, and to write that name, or the ARN made of it, as text.

use std::panic::Location;

use serde_json::Value as Json;

use crate::{App, Part, StackArtifact, Token, Value, app::kebab_case};

/// How values get from stack to stack where their user does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum References {
    /// `Export` and `Fn::ImportValue`.
    #[default]
    Strong,
    /// `Fn::GetStackOutput`.
    Weak,
}

/// A value that stays exported though no stack may use it.
pub(crate) struct KeptExport {
    pub(crate) token: Option<Token>,
    pub(crate) location: &'static Location<'static>,
}

impl App {
    /// Keeps exporting `value` from its stack, whether another stack uses it or not.
    ///
    /// When a stack stops using a value of another, deploy once with this line, so
    /// that the user is deployed without the import while the export is still there;
    /// then remove it.
    ///
    /// ```
    /// # use lightsout_core::{App, Arn, Attribute, Properties, ResourceType, Stage};
    /// # #[derive(Default)]
    /// # struct Queue(Properties);
    /// # impl Queue { const ARN: Attribute<Self, Arn<Self>> = Attribute::new("Arn"); }
    /// # impl From<Queue> for Properties { fn from(queue: Queue) -> Self { queue.0 } }
    /// # impl ResourceType for Queue {
    /// #     const TYPE: &'static str = "AWS::SQS::Queue";
    /// #     const REQUIRED: &'static [&'static str] = &[];
    /// # }
    /// let mut app = App::new("lightsout", Stage::new("dev"));
    /// let jobs = app.stack("Intake").add("Jobs", Queue::default());
    /// app.keep_export(jobs.get(Queue::ARN));
    ///
    /// let assembly = app.synth()?;
    /// let outputs = &assembly.template("Intake").json()["Outputs"];
    /// assert_eq!(outputs["ExportJobsArn"]["Export"]["Name"], "lightsout-dev-intake:JobsArn");
    /// # Ok::<(), lightsout_core::SynthError>(())
    /// ```
    #[track_caller]
    pub fn keep_export<T>(&mut self, value: Value<T>) {
        self.kept_exports.push(KeptExport {
            token: match value {
                Value::Literal(_) => None,
                Value::Token(token, _) => Some(token),
            },
            location: Location::caller(),
        });
    }

    /// Lets stacks read each other's outputs rather than import exports.
    ///
    /// Every value that crosses stacks is then a [weak](Value::weak) one.
    pub fn weak_references(&mut self) {
        self.references = References::Weak;
    }
}

impl<T> Value<T> {
    /// Lets another stack read this value with `Fn::GetStackOutput`.
    ///
    /// Its own stack tells the value in an output without an export, so nothing keeps
    /// that stack from changing or losing it: the reader gets the new value when it is
    /// deployed the next time. In return it works across regions, and there is no
    /// export to get stuck with. In its own stack the value stays as it is.
    ///
    /// Source: [`Fn::GetStackOutput`](https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html).
    #[must_use]
    pub fn weak(self) -> Self {
        self.read_as(None)
    }

    /// Lets a stack of another account read this value, as the role with this ARN.
    ///
    /// The role belongs to the value's account; it must allow
    /// `cloudformation:DescribeStacks` on the value's stack, and the role that deploys
    /// the reader must be allowed to assume it.
    #[must_use]
    pub fn weak_as(self, role: impl Into<Value<String>>) -> Self {
        self.read_as(Some(&Part::from(role.into())))
    }

    fn read_as(self, role: Option<&Part>) -> Self {
        match self {
            Self::Literal(_) => self,
            Self::Token(token, _) => Self::token(token.weak(role)),
        }
    }
}

impl Token {
    /// Makes every reference in this token a weak one.
    fn weak(self, role: Option<&Part>) -> Self {
        let part = |part: Part| match part {
            Part::Token(token) => Part::Token(token.weak(role)),
            text @ Part::Text(_) => text,
        };
        match self {
            Self::Ref(_) | Self::Attribute(..) | Self::ListAttribute(..) | Self::Parameter(_) => {
                Self::Weak {
                    of: Box::new(self),
                    role: role.cloned().map(Box::new),
                }
            }
            Self::Join(parts) => Self::Join(parts.into_iter().map(part).collect()),
            Self::Base64(text) => Self::Base64(Box::new(part(*text))),
            Self::Split(delimiter, text) => Self::Split(delimiter, Box::new(part(*text))),
            Self::Cidr { block, count, bits } => Self::Cidr {
                block: Box::new(part(*block)),
                count,
                bits,
            },
            Self::Select(index, mut list) => {
                if let crate::Tree::Token(token) = *list {
                    *list = crate::Tree::Token(token.weak(role));
                }
                Self::Select(index, list)
            }
            other => other,
        }
    }
}

/// Returns the name of each export of a template, and its value.
pub(crate) fn exports(template: &Json) -> impl Iterator<Item = (&str, &Json)> {
    let outputs = template["Outputs"].as_object().into_iter().flatten();
    outputs.filter_map(|(_, output)| Some((output["Export"]["Name"].as_str()?, &output["Value"])))
}

/// Returns whether `json` imports the export called `name` anywhere.
pub(crate) fn imports(json: &Json, name: &str) -> bool {
    match json {
        Json::Array(items) => items.iter().any(|item| imports(item, name)),
        Json::Object(entries) => entries.iter().any(|(key, value)| {
            (key == "Fn::ImportValue" && value == name) || imports(value, name)
        }),
        _ => false,
    }
}

/// Returns the logical id and the attribute that an exported value is.
pub(crate) fn exported(value: &Json) -> Option<(&str, Option<&str>)> {
    // A list is exported as a text that is joined from it.
    let value = value.get("Fn::Join").map_or(value, |join| &join[1]);
    match (value["Ref"].as_str(), value["Fn::GetAtt"].as_array()) {
        (Some(logical_id), _) => Some((logical_id, None)),
        (None, Some(parts)) => Some((parts.first()?.as_str()?, parts.get(1)?.as_str())),
        (None, None) => None,
    }
}

/// Returns the line of Rust that keeps an export; what its author calls the handle is
/// not known, so it is called after its type.
pub(crate) fn line_that_keeps(stack: &StackArtifact, value: &Json) -> String {
    let Some((logical_id, attribute)) = exported(value) else {
        return "app.keep_export(…)".to_owned();
    };
    // What is in a nested stack is known to that one.
    if attribute.is_some_and(|attribute| attribute.starts_with("Outputs.")) {
        return "app.keep_export(…)".to_owned();
    }
    let resource = &stack.template_json()["Resources"][logical_id];
    let kind = resource["Type"].as_str().unwrap_or_default();
    let kind = kind.rsplit("::").next().unwrap_or_default();
    let handle = snake_case(kind);
    match attribute {
        None => format!("app.keep_export({handle}.reference())"),
        Some(attribute) => format!(
            "app.keep_export({handle}.get({kind}::{}))",
            snake_case(attribute).to_uppercase()
        ),
    }
}

/// `VisibilityTimeout` becomes `visibility_timeout`.
fn snake_case(name: &str) -> String {
    kebab_case(name).replace(['-', '.'], "_")
}
