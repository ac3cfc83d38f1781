//! A set of stacks that are deployed together, and the stage they are for.

use std::{
    collections::HashMap,
    panic::Location,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{
    Amend, Asset, AssetId, Check, ConditionId, Environment, Problem, Resource, ResourceId, Scope,
    Value,
    identity::{Gone, Move},
    language::Language,
    nested::Parent,
    parameter::ParameterDefinition,
    problem::ProblemKind,
    reference::{KeptExport, References},
    template_options::TemplateOptions,
    trust::Trust,
};

/// A set of stacks that are deployed together, for one [`Stage`].
///
/// ```
/// use lightsout_core::{App, Stage};
///
/// let mut app = App::new("lightsout", Stage::new("dev").region("eu-central-1"));
/// let storage = app.stack("Storage");
/// assert_eq!(storage.physical_stack_name(), "lightsout-dev-storage");
/// ```
pub struct App {
    /// Tells this app's ids from those of other apps; never in any output.
    pub(crate) identity: u32,
    pub(crate) name: String,
    pub(crate) stage: Stage,
    pub(crate) stacks: Vec<Stack>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) parameters: Vec<StackParameterDefinition>,
    pub(crate) outputs: Vec<Output>,
    /// Conditions, mappings, rules and changes by hand.
    pub(crate) language: Language,
    pub(crate) assets: Vec<DeclaredAsset>,
    pub(crate) asset_store: Option<(String, ResourceId, &'static Location<'static>)>,
    pub(crate) amendments: Vec<Box<dyn Amend>>,
    pub(crate) checks: Vec<Box<dyn Check>>,
    pub(crate) references: References,
    pub(crate) kept_exports: Vec<KeptExport>,
    pub(crate) moves: Vec<Move>,
    pub(crate) gone: Vec<Gone>,
    /// What the author takes on trust.
    pub(crate) trusted: Vec<Trust>,
    /// Problems that were seen while constructs were added.
    pub(crate) problems: Vec<Problem>,
    /// Where each path was added first.
    pub(crate) paths: HashMap<String, &'static Location<'static>>,
    /// What was added for a resource on its first demand, by the id it was given.
    pub(crate) demanded: HashMap<(ResourceId, &'static str), ResourceId>,
    stacks_by_name: HashMap<String, usize>,
    pub(crate) assets_by_id: HashMap<String, AssetId>,
}

/// One copy of a system: its name, and where in AWS it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The stage's name, such as `dev`.
    pub name: String,
    /// The account's number, 12 digits; `None` takes that of the credentials.
    pub account: Option<String>,
    /// The region's name; `None` takes that of the configuration.
    pub region: Option<String>,
}

pub(crate) struct Stack {
    pub(crate) name: String,
    pub(crate) physical_name: String,
    pub(crate) environment: Environment,
    pub(crate) description: Option<String>,
    /// The stack that this one is nested in, unless it is deployed by itself.
    pub(crate) parent: Option<Parent>,
    pub(crate) options: TemplateOptions,
    pub(crate) location: &'static Location<'static>,
}

pub(crate) struct StackParameterDefinition {
    pub(crate) stack: usize,
    pub(crate) path: String,
    pub(crate) logical_id: String,
    pub(crate) parameter: ParameterDefinition,
    pub(crate) location: &'static Location<'static>,
}

pub(crate) struct Output {
    pub(crate) stack: usize,
    pub(crate) path: String,
    pub(crate) logical_id: String,
    pub(crate) value: Value<String>,
    pub(crate) description: String,
    pub(crate) condition: Option<ConditionId>,
    pub(crate) location: &'static Location<'static>,
}

pub(crate) struct DeclaredAsset {
    pub(crate) asset: Asset,
    pub(crate) path: String,
    pub(crate) location: &'static Location<'static>,
}

impl App {
    /// An app without stacks; `name` begins the physical name of each.
    pub fn new(name: impl Into<String>, stage: Stage) -> Self {
        static IDENTITIES: AtomicU32 = AtomicU32::new(0);
        Self {
            identity: IDENTITIES.fetch_add(1, Ordering::Relaxed),
            name: name.into(),
            stage,
            stacks: Vec::new(),
            resources: Vec::new(),
            parameters: Vec::new(),
            outputs: Vec::new(),
            language: Language::default(),
            assets: Vec::new(),
            asset_store: None,
            amendments: Vec::new(),
            checks: Vec::new(),
            references: References::default(),
            kept_exports: Vec::new(),
            moves: Vec::new(),
            gone: Vec::new(),
            trusted: Vec::new(),
            problems: Vec::new(),
            paths: HashMap::new(),
            demanded: HashMap::new(),
            stacks_by_name: HashMap::new(),
            assets_by_id: HashMap::new(),
        }
    }

    /// Returns the stack `name` for adding to it; a new one the first time.
    #[track_caller]
    pub fn stack(&mut self, name: &str) -> Scope<'_> {
        let location = Location::caller();
        let environment = self.stage_environment();
        let stack = self.stack_or_new(name, &environment, location);
        self.scope(stack, location)
    }

    /// Returns the stage that this app is for.
    pub const fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Returns the app's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Changes every resource at synth, after the amendments so far.
    pub fn amend(&mut self, amendment: impl Amend + 'static) {
        self.amendments.push(Box::new(amendment));
    }

    /// Checks every resource at synth, after all amendments.
    pub fn check(&mut self, check: impl Check + 'static) {
        self.checks.push(Box::new(check));
    }

    /// Names the bucket that assets and large templates are uploaded to.
    ///
    /// Its stack is deployed before every stack that uses an asset, and tells the
    /// bucket's name in its output `AssetStore`.
    #[track_caller]
    pub fn asset_store(&mut self, stack: &str, bucket: ResourceId) {
        self.asset_store = Some((stack.to_owned(), bucket, Location::caller()));
    }

    pub(crate) fn stack_or_new(
        &mut self,
        name: &str,
        environment: &Environment,
        location: &'static Location<'static>,
    ) -> usize {
        match self.stacks_by_name.get(name) {
            Some(stack) => *stack,
            None => self.open(name, environment.clone(), location),
        }
    }

    pub(crate) fn scope(
        &mut self,
        stack: usize,
        location: &'static Location<'static>,
    ) -> Scope<'_> {
        Scope {
            path: self.stacks[stack].name.clone(),
            app: self,
            stack,
            location,
        }
    }

    fn open(
        &mut self,
        name: &str,
        environment: Environment,
        location: &'static Location<'static>,
    ) -> usize {
        let physical_name = format!(
            "{}-{}-{}",
            kebab_case(&self.name),
            kebab_case(&self.stage.name),
            kebab_case(name)
        );
        let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && name.starts_with(|c: char| c.is_ascii_alphabetic());
        if !is_plain {
            self.problems.push(
                Problem::new(
                    ProblemKind::InvalidId,
                    name,
                    "is not a name for a stack: letters, digits and `-`, a letter first",
                )
                .hint("name it like `Storage`")
                .at(location),
            );
        } else if physical_name.len() > MAX_STACK_NAME {
            self.problems.push(
                Problem::new(
                    ProblemKind::InvalidId,
                    name,
                    format_args!(
                        "gives the stack name `{physical_name}` of {} characters, over {MAX_STACK_NAME}",
                        physical_name.len()
                    ),
                )
                .hint("shorten the name of the app, the stage or the stack")
                .at(location),
            );
        } else if let Some(other) = self
            .stacks
            .iter()
            .find(|stack| stack.physical_name == physical_name)
        {
            self.problems.push(
                Problem::new(
                    ProblemKind::DuplicateId,
                    name,
                    format_args!(
                        "and stack `{}` are both called `{physical_name}` in AWS",
                        other.name
                    ),
                )
                .hint("rename one of them")
                .at(location),
            );
        }
        self.stacks.push(Stack {
            name: name.to_owned(),
            physical_name,
            environment,
            description: None,
            parent: None,
            options: TemplateOptions::default(),
            location,
        });
        let index = self.stacks.len() - 1;
        self.stacks_by_name.insert(name.to_owned(), index);
        index
    }
}

impl Stage {
    /// A stage in whatever account and region it is deployed to.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            account: None,
            region: None,
        }
    }

    /// Fixes the account's number, 12 digits.
    pub fn account(mut self, number: impl Into<String>) -> Self {
        self.account = Some(number.into());
        self
    }

    /// Fixes the region, such as `eu-central-1`.
    pub fn region(mut self, name: impl Into<String>) -> Self {
        self.region = Some(name.into());
        self
    }
}

/// The longest name that `CloudFormation` takes for a stack.
const MAX_STACK_NAME: usize = 128;

/// `ChartIntake` becomes `chart-intake`, `NLPWorkers` becomes `nlp-workers`.
pub(crate) fn kebab_case(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut kebab = String::with_capacity(name.len() + 4);
    for (index, c) in characters.iter().enumerate() {
        let follows_lower = index > 0
            && (characters[index - 1].is_ascii_lowercase()
                || characters[index - 1].is_ascii_digit());
        let begins_word = index > 0
            && characters[index - 1].is_ascii_uppercase()
            && characters
                .get(index + 1)
                .is_some_and(char::is_ascii_lowercase);
        if c.is_ascii_uppercase() && (follows_lower || begins_word) {
            kebab.push('-');
        }
        kebab.push(c.to_ascii_lowercase());
    }
    kebab
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parted_where_a_reader_would_part_them() {
        assert_eq!(kebab_case("Storage"), "storage");
        assert_eq!(kebab_case("ChartIntake"), "chart-intake");
        assert_eq!(kebab_case("NLPWorkers"), "nlp-workers");
        assert_eq!(kebab_case("Stage2Queue"), "stage2-queue");
        assert_eq!(kebab_case("already-kebab"), "already-kebab");
    }

    #[test]
    fn a_stack_can_be_opened_again() {
        let mut app = App::new("lightsout", Stage::new("dev"));
        app.stack("Storage");
        app.stack("Storage");
        assert_eq!(app.stacks.len(), 1);
    }
}
