//! App, scopes, values and synth: what constructs are made of.
//!
//! An [`App`] holds stacks. A [`Construct`] is added to a [`Scope`] of one of them
//! and gives back a handle. Properties hold [`Value`]s, known now or once deployed,
//! in this stack or another. [`App::synth`] resolves them, and gives an
//! [`Assembly`] of templates or every [`Problem`] at once.
//!
//! # Example: one value in two stacks
//!
//! ```
//! use lightsout_core::{App, Arn, Attribute, Properties, ResourceType, Stage, Value};
//!
//! #[derive(Default)]
//! struct Topic(Properties);
//!
//! impl Topic {
//!     const ARN: Attribute<Self, Arn<Self>> = Attribute::new("TopicArn");
//! }
//!
//! impl From<Topic> for Properties {
//!     fn from(topic: Topic) -> Self {
//!         topic.0
//!     }
//! }
//!
//! impl ResourceType for Topic {
//!     const TYPE: &'static str = "AWS::SNS::Topic";
//!     const REQUIRED: &'static [&'static str] = &[];
//! }
//!
//! struct Alarm(Properties);
//!
//! impl Alarm {
//!     fn when(rule: &str) -> Self {
//!         Self(Properties::default().with("AlarmRule", rule))
//!     }
//!
//!     fn action(self, topic: Value<Arn<Topic>>) -> Self {
//!         Self(self.0.with("AlarmActions", vec![topic]))
//!     }
//! }
//!
//! impl From<Alarm> for Properties {
//!     fn from(alarm: Alarm) -> Self {
//!         alarm.0
//!     }
//! }
//!
//! impl ResourceType for Alarm {
//!     const TYPE: &'static str = "AWS::CloudWatch::CompositeAlarm";
//!     const REQUIRED: &'static [&'static str] = &["AlarmRule"];
//! }
//!
//! let mut app = App::new("lightsout", Stage::new("dev"));
//! let topic = app.stack("Notices").add("Topic", Topic::default());
//! app.stack("Pipeline").add("Behind", Alarm::when("ALARM(late)").action(topic.get(Topic::ARN)));
//!
//! let assembly = app.synth()?;
//! let import = &assembly.template("Pipeline").json()["Resources"]["Behind"]["Properties"]["AlarmActions"][0];
//! assert_eq!(import["Fn::ImportValue"], "lightsout-dev-notices:TopicTopicArn");
//! # Ok::<(), lightsout_core::SynthError>(())
//! ```
//!
//! **Invariants:** synth is a pure function of the app: no clock, no randomness, no
//! network, no compiler. Nothing here prints. Work grows in proportion to the app.

mod amend;
mod app;
mod assembly;
pub mod assertions;
mod asset;
mod check;
mod condition;
mod construct;
mod cycle;
mod environment;
#[cfg(test)]
mod fixtures;
mod identity;
mod intrinsic;
mod json_text;
mod language;
mod mapping;
mod nearest;
mod nested;
mod overrides;
mod parameter;
mod policy;
mod problem;
mod properties;
mod raw_resource;
pub mod reference;
mod resource;
mod resource_type;
mod rule;
mod scope;
mod symbols;
mod synth;
mod template_options;
mod token;
mod tree;
mod trust;
mod value;

pub use amend::{Amend, Tag};
pub use app::{App, Stage};
pub use assembly::{
    Assembly, AssetStore, ReadError, StackArtifact, StackParameter, WriteError, is_stateful,
    read_assemblies, write_assemblies,
};
pub use asset::{
    Asset, AssetContents, AssetFile, AssetId, AssetRef, AssetSource, FileMode, Wheels,
};
pub use check::{Check, Finding, Resources};
pub use condition::{Condition, ConditionId, ConditionRef};
pub use construct::Construct;
pub use environment::Environment;
pub use intrinsic::{import_value, join_list, length, sub, to_json_string, transform};
pub use mapping::{Mapping, MappingId, MappingRef};
pub use nested::{Nested, NestedStack};
pub use parameter::{AwsParameter, Parameter, ParameterRef};
pub use policy::{AliasShift, CreationPolicy, RollingUpdate, UpdatePolicy};
pub use problem::{Problem, ProblemKind, SynthError};
pub use properties::Properties;
pub use raw_resource::{CustomResource, RawResource};
pub use resource::{DeletionPolicy, Resource};
pub use resource_type::{Attribute, ParameterId, Ref, ResourceId, ResourceType, Tags};
pub use rule::{Assertion, Rule, RuleList, RuleValue};
pub use scope::Scope;
pub use template_options::Section;
pub use token::{Part, Pseudo, Token, availability_zones, base64, cidr, select, split};
pub use tree::Tree;
pub use value::{Arn, Id, Name, Text, Url, Value};
