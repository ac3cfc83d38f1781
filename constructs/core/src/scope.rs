//! A place in the tree where constructs are added.

use std::{borrow::Cow, fmt, panic::Location};

use crate::{
    App, Asset, AssetContents, AssetId, AssetRef, AssetSource, Construct, DeletionPolicy,
    Parameter, ParameterId, ParameterRef, Problem, Ref, Resource, ResourceId, ResourceType, Stage,
    Tree, Value,
    app::{DeclaredAsset, Output, StackParameterDefinition},
    problem::{ProblemKind, place},
};

/// A place in the tree where constructs are added.
///
/// The path of ids from the stack down becomes the logical id in the template:
/// `Coding/Jobs` is called `CodingJobs`.
pub struct Scope<'a> {
    pub(crate) app: &'a mut App,
    pub(crate) stack: usize,
    pub(crate) path: String,
    pub(crate) location: &'static Location<'static>,
}

impl Scope<'_> {
    /// Adds `construct` as `id` under this scope and returns its handle.
    #[track_caller]
    pub fn add<C: Construct>(&mut self, id: &str, construct: C) -> C::Handle {
        let location = Location::caller();
        let path = self.child(id, location);
        construct.build(&mut Scope {
            app: self.app,
            stack: self.stack,
            path,
            location,
        })
    }

    /// Returns the path of this scope, the stack's name first.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the stack's name in the app, such as `Storage`.
    pub fn stack_name(&self) -> &str {
        &self.app.stacks[self.stack].name
    }

    /// Returns the stack's name in AWS, such as `lightsout-dev-storage`.
    pub fn physical_stack_name(&self) -> &str {
        &self.app.stacks[self.stack].physical_name
    }

    /// Returns the stage that the app is for.
    pub const fn stage(&self) -> &Stage {
        &self.app.stage
    }

    /// Returns the app's name.
    pub fn app_name(&self) -> &str {
        &self.app.name
    }

    /// Says in the template what this scope's stack is for.
    pub fn describe(&mut self, text: impl Into<String>) {
        self.app.stacks[self.stack].description = Some(text.into());
    }

    /// Adds a parameter to the stack and returns its value.
    #[track_caller]
    pub fn parameter<T>(&mut self, id: &str, parameter: Parameter<T>) -> Value<T> {
        self.parameter_ref(id, parameter).value()
    }

    /// Adds a parameter to the stack and returns it, for its value and for rules.
    #[track_caller]
    pub fn parameter_ref<T>(&mut self, id: &str, parameter: Parameter<T>) -> ParameterRef<T> {
        let location = Location::caller();
        let path = self.child(id, location);
        let id = ParameterId {
            app: self.app.identity,
            index: index(self.app.parameters.len()),
        };
        self.app.parameters.push(StackParameterDefinition {
            stack: self.stack,
            logical_id: self.logical_id(&path),
            path,
            parameter: parameter.definition,
            location,
        });
        ParameterRef::new(id)
    }

    /// Adds an output to the stack: a value for people and tools to read.
    ///
    /// Constructs in other stacks need none: they use the value itself.
    #[track_caller]
    pub fn output(
        &mut self,
        id: &str,
        value: impl Into<Value<String>>,
        description: impl Into<String>,
    ) {
        let location = Location::caller();
        let path = format!("{}/{id}", self.path);
        check_id(&mut self.app.problems, id, &path, location);
        self.app.outputs.push(Output {
            stack: self.stack,
            logical_id: self.logical_id(&path),
            path,
            value: value.into(),
            condition: None,
            description: description.into(),
            location,
        });
    }

    /// Creates `resource` only after `on`.
    ///
    /// Whatever is referred to comes first anyway; this is for the rest.
    #[track_caller]
    pub fn depends_on(&mut self, resource: ResourceId, on: ResourceId) {
        if let Some(resource) = self.resource(resource, Location::caller())
            && !resource.depends_on.contains(&on)
        {
            resource.depends_on.push(on);
        }
    }

    /// Keeps `resource` when it leaves its stack and when it is replaced.
    #[track_caller]
    pub fn retain(&mut self, resource: ResourceId) {
        if let Some(resource) = self.resource(resource, Location::caller()) {
            resource.deletion_policy = Some(DeletionPolicy::Retain);
            resource.update_replace_policy = Some(DeletionPolicy::Retain);
        }
    }

    /// Says what becomes of `resource` when it leaves its stack.
    #[track_caller]
    pub fn deletion_policy(&mut self, resource: ResourceId, policy: DeletionPolicy) {
        if let Some(resource) = self.resource(resource, Location::caller()) {
            resource.deletion_policy = Some(policy);
        }
    }

    /// Says what becomes of `resource` when an update replaces it.
    #[track_caller]
    pub fn update_replace_policy(&mut self, resource: ResourceId, policy: DeletionPolicy) {
        if let Some(resource) = self.resource(resource, Location::caller()) {
            resource.update_replace_policy = Some(policy);
        }
    }

    /// Attaches metadata to `resource` in the template; the same key again replaces it.
    #[track_caller]
    pub fn metadata(
        &mut self,
        resource: ResourceId,
        key: impl Into<String>,
        value: impl Into<Tree>,
    ) {
        let (key, value) = (key.into(), value.into());
        if let Some(resource) = self.resource(resource, Location::caller()) {
            match resource.metadata.iter_mut().find(|(name, _)| *name == key) {
                Some((_, tree)) => *tree = value,
                None => resource.metadata.push((key, value)),
            }
        }
    }

    /// Appends `item` to a list within a resource that was added already.
    ///
    /// This is how a policy that only its resource may own gathers statements from
    /// wiring that comes later. `path` names the list by keys with dots between
    /// them, such as `KeyPolicy.Statement`; what is missing on the way is made. An
    /// item that is in the list already is not added again.
    #[track_caller]
    pub fn gather(&mut self, resource: ResourceId, path: &'static str, item: impl Into<Tree>) {
        let location = Location::caller();
        let item = item.into();
        let Some(resource) = self.resource(resource, location) else {
            return;
        };
        let mut keys = path.split('.');
        let first = keys.next().unwrap_or(path);
        if resource.properties.get(first).is_none() {
            resource.properties.set(first, Tree::Map(Vec::new()));
        }
        let list = resource
            .properties
            .get_mut(first)
            .and_then(|tree| keys.try_fold(tree, descend));
        let problem = match list {
            Some(Tree::List(items)) => {
                if !items.contains(&item) {
                    items.push(item);
                }
                return;
            }
            Some(empty @ Tree::Map(_)) if *empty == Tree::Map(Vec::new()) => {
                *empty = Tree::List(vec![item]);
                return;
            }
            // One statement may stand where a list of them would.
            Some(single @ Tree::Map(_)) => {
                if *single != item {
                    let first = std::mem::replace(single, Tree::List(Vec::with_capacity(2)));
                    if let Tree::List(items) = single {
                        items.extend([first, item]);
                    }
                }
                return;
            }
            _ => Problem::new(
                ProblemKind::Gather,
                &resource.path,
                format_args!("has no list at `{path}` that could be added to"),
            )
            .of_type(resource.type_name)
            .property(path)
            .hint("set a list there, or nothing")
            .at(location),
        };
        self.app.problems.push(problem);
    }

    /// Returns what belongs to `owner` as `id`, which `make` adds on first demand.
    ///
    /// This is for what only those who use a construct know that it needs, such as
    /// a network's endpoint for a service. It becomes a part of the owner, in the
    /// owner's stack, wherever the demand comes from. There is none in another app.
    ///
    /// ```
    /// use lightsout_core::{App, RawResource, ResourceId, Scope, Stage};
    ///
    /// fn queue(scope: &mut Scope<'_>, network: ResourceId) {
    ///     scope.add("Queue", RawResource::new("AWS::SQS::Queue"));
    ///     scope.once(network, "Sqs", |place, id| {
    ///         let endpoint = RawResource::new("AWS::EC2::VPCEndpoint")
    ///             .with("VpcId", "vpc-0a1b2c3d")
    ///             .with("ServiceName", "com.amazonaws.eu-central-1.sqs");
    ///         place.add(id, endpoint).id()
    ///     });
    /// }
    ///
    /// let mut app = App::new("lightsout", Stage::new("dev"));
    /// let network = RawResource::new("AWS::EC2::VPC").with("CidrBlock", "10.0.0.0/16");
    /// let network = app.stack("Network").add("Network", network).id();
    /// queue(&mut app.stack("One"), network);
    /// queue(&mut app.stack("Two"), network);
    /// let assembly = app.synth()?;
    /// assert!(assembly.template("Network").json()["Resources"]["NetworkSqs"].is_object());
    /// # Ok::<(), lightsout_core::SynthError>(())
    /// ```
    #[track_caller]
    pub fn once(
        &mut self,
        owner: ResourceId,
        id: &'static str,
        make: impl FnOnce(&mut Scope<'_>, &'static str) -> ResourceId,
    ) -> Option<ResourceId> {
        if let Some(known) = self.app.demanded.get(&(owner, id)) {
            return Some(*known);
        }
        let resource = self.resource(owner, Location::caller())?;
        let (stack, path) = (resource.stack, resource.path.clone());
        let added = make(
            &mut Scope {
                app: self.app,
                stack,
                path,
                location: self.location,
            },
            id,
        );
        self.app.demanded.insert((owner, id), added);
        Some(added)
    }

    /// Notes that the construct of this scope cannot be as it was asked for.
    ///
    /// For what types cannot say, such as a period out of range. `wrong` is the rest
    /// of a sentence that starts with the construct's path, `hint` what its author
    /// can do about it. Building goes on, so that all problems are told at once.
    pub fn problem(
        &mut self,
        property: impl Into<String>,
        wrong: impl fmt::Display,
        hint: impl Into<String>,
    ) {
        let problem = Problem::new(ProblemKind::Construct, &self.path, wrong)
            .property(property)
            .hint(hint)
            .at(self.location);
        self.app.problems.push(problem);
    }

    /// Declares an asset; the same asset may be declared in many places.
    #[track_caller]
    pub fn asset(&mut self, asset: Asset) -> AssetRef {
        let location = Location::caller();
        if let Some(&id) = self.app.assets_by_id.get(&asset.id) {
            let first = &self.app.assets[id.index as usize];
            if first.asset != asset {
                let problem = Problem::new(
                    ProblemKind::Asset,
                    &self.path,
                    format_args!(
                        "declares asset `{}` with other contents than `{}` at {}",
                        asset.id,
                        first.path,
                        place(first.location)
                    ),
                )
                .hint("give one of them another id")
                .at(location);
                self.app.problems.push(problem);
            }
            return AssetRef(id);
        }
        for wrong in wrong_in(&asset) {
            self.app
                .problems
                .push(Problem::new(ProblemKind::Asset, &self.path, wrong).at(location));
        }
        let id = AssetId {
            app: self.app.identity,
            index: index(self.app.assets.len()),
        };
        self.app.assets_by_id.insert(asset.id.clone(), id);
        self.app.assets.push(DeclaredAsset {
            asset,
            path: self.path.clone(),
            location,
        });
        AssetRef(id)
    }

    pub(crate) fn insert<R: ResourceType>(&mut self, resource: R) -> Ref<R> {
        let type_name = resource.type_name();
        let id = ResourceId {
            app: self.app.identity,
            index: index(self.app.resources.len()),
        };
        self.app.resources.push(Resource {
            id,
            stack: self.stack,
            stack_name: self.stack_name().to_owned(),
            path: self.path.clone(),
            logical_id: self.logical_id(&self.path),
            type_name,
            required: R::REQUIRED,
            is_stateful: R::STATEFUL,
            tags: R::TAGS,
            properties: resource.into(),
            depends_on: Vec::new(),
            deletion_policy: None,
            update_replace_policy: None,
            creation_policy: None,
            update_policy: None,
            condition: None,
            metadata: Vec::new(),
            entry: Vec::new(),
            location: self.location,
        });
        Ref::new(id)
    }

    /// `Pipeline/Coding/Jobs` becomes `CodingJobs`: the stack's name is not repeated.
    pub(crate) fn logical_id(&self, path: &str) -> String {
        let below = path.get(self.stack_name().len()..).unwrap_or_default();
        below.chars().filter(char::is_ascii_alphanumeric).collect()
    }

    /// Takes `id` for a construct under this scope and returns its path.
    pub(crate) fn child(&mut self, id: &str, location: &'static Location<'static>) -> String {
        let path = format!("{}/{id}", self.path);
        check_id(&mut self.app.problems, id, &path, location);
        if let Some(first) = self.app.paths.get(&path) {
            let problem = Problem::new(
                ProblemKind::DuplicateId,
                &path,
                format_args!("is defined twice, first at {}", place(first)),
            )
            .hint("give one of them another id")
            .at(location);
            self.app.problems.push(problem);
        } else {
            self.app.paths.insert(path.clone(), location);
        }
        path
    }

    /// Returns a resource for changing it, or notes that it is another app's.
    pub(crate) fn resource(
        &mut self,
        id: ResourceId,
        location: &'static Location<'static>,
    ) -> Option<&mut Resource> {
        if id.app != self.app.identity {
            self.app.problems.push(
                Problem::new(
                    ProblemKind::ForeignReference,
                    &self.path,
                    "changes a resource of another app",
                )
                .hint("add both to the same `App`")
                .at(location),
            );
            return None;
        }
        self.app.resources.get_mut(id.index as usize)
    }
}

fn check_id(
    problems: &mut Vec<Problem>,
    id: &str,
    path: &str,
    location: &'static Location<'static>,
) {
    let wrong = if id.is_empty() {
        "has an empty id"
    } else if id.contains('/') {
        "has an id with `/` in it, which parts the ids of a path"
    } else if let Some(wrong) = id.chars().find(|c| !c.is_ascii()) {
        &format!("has an id with `{wrong}` in it; names in a template are ASCII")
    } else if !id.contains(|c: char| c.is_ascii_alphanumeric()) {
        "has an id without any letter or digit, so it has no name in the template"
    } else {
        return;
    };
    problems.push(
        Problem::new(ProblemKind::InvalidId, path, wrong)
            .hint("name it like `Jobs`")
            .at(location),
    );
}

/// Returns the tree under `key`, made if it is missing, or nothing if there can be none.
fn descend<'t>(tree: &'t mut Tree, key: &'static str) -> Option<&'t mut Tree> {
    let Tree::Map(entries) = tree else {
        return None;
    };
    let found = entries.iter().position(|(name, _)| name == key);
    let position = found.unwrap_or_else(|| {
        entries.push((Cow::Borrowed(key), Tree::Map(Vec::new())));
        entries.len() - 1
    });
    Some(&mut entries[position].1)
}

/// Returns what is wrong with an asset, each as the rest of a sentence.
fn wrong_in(asset: &Asset) -> Vec<String> {
    let mut wrong = Vec::new();
    let id = &asset.id;
    if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric()) {
        wrong.push(format!(
            "declares asset `{id}`: its id must be letters and digits, such as `Launcher`"
        ));
    }
    let names: Vec<&str> = match &asset.contents {
        AssetContents::Binary { name, .. } => vec![name],
        AssetContents::Files(files) => files.iter().map(|file| file.name.as_str()).collect(),
    };
    if names.is_empty() {
        wrong.push(format!("declares asset `{id}` without any file"));
    }
    let mut seen = std::collections::HashSet::new();
    for name in names {
        if !is_relative(name) {
            wrong.push(format!(
                "declares asset `{id}` with a file named `{name}`: it must be relative and without `..`"
            ));
        }
        if !seen.insert(name) {
            wrong.push(format!(
                "declares asset `{id}` with two files named `{name}`"
            ));
        }
    }
    if let AssetContents::Files(files) = &asset.contents {
        for file in files {
            if let AssetSource::Path(path) = &file.source
                && !is_relative(path)
            {
                wrong.push(format!(
                    "declares asset `{id}` with the path `{path}`: it must be relative to the workspace and without `..`"
                ));
            }
        }
    }
    wrong
}

fn is_relative(path: &str) -> bool {
    !path.is_empty() && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

pub(crate) fn index(len: usize) -> u32 {
    u32::try_from(len).expect("an app holds far fewer than four billion of anything")
}
