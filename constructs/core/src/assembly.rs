//! What synth gives: templates in deploy order, and all that a deployment needs.

use std::{
    collections::BTreeMap,
    panic::Location,
    sync::{Arc, OnceLock},
};

use serde_json::Value as Json;

use crate::{Asset, Environment, Stage, Token, Tree, assertions::Template, symbols::Symbols};

#[cfg(test)]
mod laws;
mod manifest;
mod nested;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::{ReadError, read_assemblies};
pub use write::{WriteError, write_assemblies};

/// One stage of an app as templates: what [`App::synth`](crate::App::synth) gives.
///
/// Written to a folder and read back, it is the same again, so a deployment
/// needs no more than that folder.
#[derive(Debug, Clone)]
pub struct Assembly {
    pub(crate) app: String,
    pub(crate) stage: Stage,
    pub(crate) stacks: Vec<StackArtifact>,
    pub(crate) assets: Vec<Asset>,
    pub(crate) asset_store: Option<AssetStore>,
    /// Paths that are gone on purpose; not written.
    pub(crate) gone: Vec<String>,
}

/// The key in a template's metadata that lists the logical ids of what holds data.
///
/// It is in the template, so that it is also known of what is deployed and no
/// longer defined.
pub(crate) const STATEFUL_METADATA: &str = "lightsout:stateful";

/// One stack's template, and what is needed to deploy it.
#[derive(Debug, Clone)]
pub struct StackArtifact {
    name: String,
    physical_name: String,
    environment: Environment,
    template: String,
    json: OnceLock<Json>,
    parameters: Vec<StackParameter>,
    dependencies: Vec<String>,
    pub(crate) constructs: Vec<ConstructEntry>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) is_protected: bool,
    /// The stacks nested in this one, however deep.
    pub(crate) nested: Vec<Self>,
    /// Resolves tokens in assertions; what was read from a folder has none.
    symbols: Option<(Arc<Symbols>, usize)>,
}

/// A parameter of a stack, as its template declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StackParameter {
    /// The name in the template.
    pub name: String,
    /// The type, mostly `String`.
    pub kind: String,
    /// The value that is used if none is given.
    pub default: Option<String>,
    /// What the value is for.
    pub description: Option<String>,
    /// Whether the value is kept out of consoles and command output.
    pub no_echo: bool,
    /// The id of the [`Asset`] whose hash this is, if it is one.
    pub asset: Option<String>,
    /// The name of the nested stack whose template's address this is, if it is one.
    pub nested: Option<String>,
}

/// The bucket that assets and large templates are uploaded to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssetStore {
    /// The name of the bucket's stack, such as `Storage`.
    pub stack: String,
    /// The bucket's logical id in that stack.
    pub bucket: String,
    /// The output of that stack that tells the bucket's name.
    pub output: String,
}

/// A resource's place in the tree of constructs.
#[derive(Debug, Clone)]
pub(crate) struct ConstructEntry {
    /// The path below the stack.
    pub(crate) path: String,
    pub(crate) type_name: String,
    pub(crate) logical_id: String,
    /// Where it was added; not written, so that moving a line changes no output.
    pub(crate) location: Option<&'static Location<'static>>,
}

impl Assembly {
    /// Returns the app's name.
    pub fn app(&self) -> &str {
        &self.app
    }

    /// Returns the stage that this was synthesized for.
    pub const fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Returns the stacks, each after all that it depends on.
    pub fn stacks(&self) -> &[StackArtifact] {
        &self.stacks
    }

    /// Returns the stack called `name` in the app.
    pub fn stack(&self, name: &str) -> Option<&StackArtifact> {
        self.stacks.iter().find(|stack| stack.name == name)
    }

    /// Returns every asset that some stack uses.
    pub fn assets(&self) -> &[Asset] {
        &self.assets
    }

    /// Returns the asset with this id, if some stack uses it.
    pub fn asset(&self, id: &str) -> Option<&Asset> {
        self.assets.iter().find(|asset| asset.id == id)
    }

    /// Returns the bucket that assets and large templates are uploaded to.
    pub const fn asset_store(&self) -> Option<&AssetStore> {
        self.asset_store.as_ref()
    }

    /// Returns the template of the stack `name` for assertions in tests.
    ///
    /// A nested stack is named by its path, such as `Pipeline/Work`.
    ///
    /// # Panics
    ///
    /// If there is no such stack.
    #[track_caller]
    pub fn template(&self, name: &str) -> Template<'_> {
        let mut all = self.stacks.iter().flat_map(StackArtifact::with_nested);
        let Some(stack) = all.find(|stack| stack.name == name) else {
            let all = self.stacks.iter().flat_map(StackArtifact::with_nested);
            let names: Vec<&str> = all.map(StackArtifact::name).collect();
            panic!("no stack `{name}`; there are {names:?}");
        };
        Template::new(stack)
    }
}

impl PartialEq for Assembly {
    /// Compares what is written; what is gone on purpose is not.
    fn eq(&self, other: &Self) -> bool {
        self.app == other.app
            && self.stage == other.stage
            && self.stacks == other.stacks
            && self.assets == other.assets
            && self.asset_store == other.asset_store
    }
}

/// Returns whether the resource `logical_id` of `template` holds data that is lost with
/// it: by its type, as synth noted it, or because it is kept when it leaves its stack.
///
/// ```
/// use serde_json::json;
///
/// let template = json!({
///     "Metadata": {"lightsout:stateful": ["Charts"]},
///     "Resources": {
///         "Charts": {"Type": "AWS::DynamoDB::Table"},
///         "Jobs": {"Type": "AWS::SQS::Queue"},
///         "Key": {"Type": "AWS::KMS::Key", "DeletionPolicy": "Retain"},
///     },
/// });
/// assert!(lightsout_core::is_stateful(&template, "Charts"));
/// assert!(!lightsout_core::is_stateful(&template, "Jobs"));
/// assert!(lightsout_core::is_stateful(&template, "Key"));
/// ```
pub fn is_stateful(template: &Json, logical_id: &str) -> bool {
    let noted = template["Metadata"][STATEFUL_METADATA].as_array();
    let resource = &template["Resources"][logical_id];
    let is_kept = |policy: &str| {
        resource[policy]
            .as_str()
            .is_some_and(|policy| policy != "Delete")
    };
    noted.is_some_and(|noted| noted.iter().any(|noted| noted == logical_id))
        || is_kept("DeletionPolicy")
        || is_kept("UpdateReplacePolicy")
}

impl StackArtifact {
    #[expect(
        clippy::too_many_arguments,
        reason = "two places in this crate make one, and name each argument"
    )]
    pub(crate) const fn new(
        name: String,
        physical_name: String,
        environment: Environment,
        template: String,
        parameters: Vec<StackParameter>,
        dependencies: Vec<String>,
        constructs: Vec<ConstructEntry>,
        symbols: Option<(Arc<Symbols>, usize)>,
    ) -> Self {
        Self {
            name,
            physical_name,
            environment,
            template,
            json: OnceLock::new(),
            parameters,
            dependencies,
            constructs,
            tags: BTreeMap::new(),
            is_protected: false,
            nested: Vec::new(),
            symbols,
        }
    }

    /// Returns the name in the app, such as `Storage`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name in AWS, such as `lightsout-dev-storage`.
    pub fn physical_name(&self) -> &str {
        &self.physical_name
    }

    /// Returns the account and region that it is deployed to, as far as they are fixed.
    pub const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Returns whether the resource `logical_id` holds data that is lost with it; see
    /// [`is_stateful`].
    pub fn is_stateful(&self, logical_id: &str) -> bool {
        is_stateful(self.template_json(), logical_id)
    }

    /// Returns the template as it is written and uploaded.
    pub fn template(&self) -> &str {
        &self.template
    }

    /// Returns the template for looking into it.
    pub fn template_json(&self) -> &Json {
        self.json.get_or_init(|| {
            serde_json::from_str(&self.template).expect("only JSON text becomes a template")
        })
    }

    /// Returns the parameters that the template declares.
    pub fn parameters(&self) -> &[StackParameter] {
        &self.parameters
    }

    /// Returns the names of the stacks that must exist before this one.
    pub fn dependencies(&self) -> &[String] {
        &self.dependencies
    }

    /// Returns the tags of the stack itself.
    pub const fn tags(&self) -> &BTreeMap<String, String> {
        &self.tags
    }

    /// Returns whether the stack must not be deleted.
    pub const fn is_protected(&self) -> bool {
        self.is_protected
    }

    /// Returns the stacks that are nested in this one, however deep.
    ///
    /// Each is called by its path, such as `Pipeline/Work`, and the parameter of this
    /// stack whose [`nested`](StackParameter::nested) is that path takes the address
    /// that its template was uploaded to.
    pub fn nested(&self) -> &[Self] {
        &self.nested
    }

    /// Returns the construct's path below the stack, such as `Coding/Jobs`.
    pub fn path_of(&self, logical_id: &str) -> Option<&str> {
        self.constructs
            .iter()
            .find(|entry| entry.logical_id == logical_id)
            .map(|entry| entry.path.as_str())
    }

    /// Returns this stack, and those nested in it.
    pub(crate) fn with_nested(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.nested)
    }

    /// Returns what this stack writes for `token`, if tokens can still be resolved.
    pub(crate) fn resolve(&self, token: &Token) -> Option<Tree> {
        let (symbols, stack) = self.symbols.as_ref()?;
        Some(symbols.resolve(token, *stack))
    }
}

impl PartialEq for ConstructEntry {
    fn eq(&self, other: &Self) -> bool {
        (&self.path, &self.type_name, &self.logical_id)
            == (&other.path, &other.type_name, &other.logical_id)
    }
}

impl PartialEq for StackArtifact {
    /// Compares what is written; the means to resolve tokens are not.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.physical_name == other.physical_name
            && self.environment == other.environment
            && self.template == other.template
            && self.parameters == other.parameters
            && self.dependencies == other.dependencies
            && self.constructs == other.constructs
            && self.tags == other.tags
            && self.is_protected == other.is_protected
            && self.nested == other.nested
    }
}
