//! Writing assemblies as a cloud assembly folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value as Json;
use thiserror::Error;

use super::{
    Assembly, StackArtifact,
    manifest::{
        DEPLOYMENT_ARTIFACT, DEPLOYMENT_KEY, LOGICAL_ID_METADATA, MANIFEST_FILE, SCHEMA_VERSION,
        STACK_ARTIFACT, STAGE_ARTIFACT, TREE_FILE, VERSION_FILE,
    },
    nested,
};
use crate::{Asset, AssetContents, AssetSource, Environment, FileMode, Tree, json_text};

/// Why a folder could not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A file or folder could not be written, read or removed.
    #[error("cannot write `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Two assemblies are for one stage.
    #[error("stage `{stage}` is there twice")]
    DuplicateStage {
        /// The stage's name.
        stage: String,
    },
}

/// Writes `assemblies` to `folder`, one stage each, as a cloud assembly.
///
/// Only files that changed are written, and templates that an earlier call wrote
/// but this one did not are removed. The AWS CDK's command line can read it too.
pub fn write_assemblies(folder: &Path, assemblies: &[Assembly]) -> Result<(), WriteError> {
    let mut stages = BTreeSet::new();
    for assembly in assemblies {
        if !stages.insert(assembly.stage.name.as_str()) {
            return Err(WriteError::DuplicateStage {
                stage: assembly.stage.name.clone(),
            });
        }
    }
    let files = files(assemblies);
    for stale in files_before(folder)
        .iter()
        .filter(|path| !files.contains_key(*path))
    {
        remove(&folder.join(stale))?;
    }
    for (path, text) in &files {
        write_changed(&folder.join(path), text)?;
    }
    Ok(())
}

impl Assembly {
    /// Writes this stage alone to `folder`; see [`write_assemblies`].
    pub fn write(&self, folder: &Path) -> Result<(), WriteError> {
        write_assemblies(folder, std::slice::from_ref(self))
    }

    fn folder(&self) -> String {
        format!("assembly-{}", self.stage.name)
    }

    fn environment(&self) -> Environment {
        Environment {
            account: self.stage.account.clone(),
            region: self.stage.region.clone(),
        }
    }

    fn manifest(&self) -> Tree {
        let stacks = self
            .stacks
            .iter()
            .map(|stack| (stack.name.clone(), self.stack_artifact(stack)));
        let deployment = Tree::object([
            ("type", DEPLOYMENT_ARTIFACT.into()),
            ("properties", self.deployment()),
        ]);
        manifest(stacks.chain([(DEPLOYMENT_KEY.to_owned(), deployment)]))
    }

    fn stack_artifact(&self, stack: &StackArtifact) -> Tree {
        let metadata = stack.constructs.iter().map(|entry| {
            let data = Tree::object([
                ("type", LOGICAL_ID_METADATA.into()),
                ("data", entry.logical_id.as_str().into()),
            ]);
            (
                format!("/{}/{}/{}", self.stage.name, stack.name, entry.path),
                Tree::List(vec![data]),
            )
        });
        let mut properties = vec![
            ("templateFile", template_file(stack).into()),
            ("stackName", stack.physical_name.as_str().into()),
        ];
        if stack.is_protected {
            properties.push(("terminationProtection", true.into()));
        }
        if !stack.tags.is_empty() {
            let tags = stack.tags.iter();
            let tags = tags.map(|(key, value)| (key.clone(), Tree::from(value.as_str())));
            properties.push(("tags", Tree::object(tags)));
        }
        let properties = Tree::object(properties);
        Tree::object([
            ("type", STACK_ARTIFACT.into()),
            ("environment", stack.environment.url().into()),
            ("properties", properties),
            (
                "dependencies",
                stack.dependencies.iter().map(String::as_str).collect(),
            ),
            (
                "displayName",
                format!("{}/{}", self.stage.name, stack.name).into(),
            ),
            ("metadata", Tree::object(metadata)),
        ])
    }

    fn deployment(&self) -> Tree {
        let mut entries = vec![
            ("app", self.app.as_str().into()),
            ("stage", self.stage.name.as_str().into()),
            ("environment", self.environment().url().into()),
            (
                "stacks",
                self.stacks.iter().map(StackArtifact::name).collect(),
            ),
        ];
        if let Some(store) = &self.asset_store {
            let store = Tree::object([
                ("stack", store.stack.as_str().into()),
                ("bucket", store.bucket.as_str().into()),
                ("output", store.output.as_str().into()),
            ]);
            entries.push(("assetStore", store));
        }
        entries.push((
            "assets",
            Tree::List(self.assets.iter().map(asset).collect()),
        ));
        let parameters = self.stacks.iter().filter_map(|stack| {
            let assets: Vec<(String, Tree)> = stack
                .parameters
                .iter()
                .filter_map(|parameter| {
                    Some((parameter.name.clone(), parameter.asset.as_deref()?.into()))
                })
                .collect();
            (!assets.is_empty()).then(|| (stack.name.clone(), Tree::object(assets)))
        });
        entries.push(("assetParameters", Tree::object(parameters)));
        let nested: Vec<(String, Tree)> = self
            .stacks
            .iter()
            .filter(|stack| !stack.nested.is_empty())
            .map(|stack| (stack.name.clone(), nested::entries(stack)))
            .collect();
        if !nested.is_empty() {
            entries.push(("nestedStacks", Tree::object(nested)));
        }
        Tree::object(entries)
    }
}

/// Returns the text of every file, by its path in the folder.
fn files(assemblies: &[Assembly]) -> BTreeMap<PathBuf, String> {
    let version = text(&Tree::object([("version", SCHEMA_VERSION.into())]));
    let stages = assemblies.iter().map(|assembly| {
        let properties = Tree::object([
            ("directoryName", assembly.folder().into()),
            ("displayName", assembly.stage.name.as_str().into()),
        ]);
        let artifact = Tree::object([("type", STAGE_ARTIFACT.into()), ("properties", properties)]);
        (assembly.folder(), artifact)
    });
    let tree = Tree::object([
        ("type", "cdk:tree".into()),
        ("properties", Tree::object([("file", TREE_FILE.into())])),
    ]);
    let root = manifest([("Tree".to_owned(), tree)].into_iter().chain(stages));
    let mut files = BTreeMap::from([
        (PathBuf::from(VERSION_FILE), version.clone()),
        (PathBuf::from(MANIFEST_FILE), text(&root)),
        (PathBuf::from(TREE_FILE), text(&construct_tree(assemblies))),
    ]);
    for assembly in assemblies {
        let folder = PathBuf::from(assembly.folder());
        files.insert(folder.join(VERSION_FILE), version.clone());
        files.insert(folder.join(MANIFEST_FILE), text(&assembly.manifest()));
        for stack in &assembly.stacks {
            files.insert(folder.join(template_file(stack)), stack.template.clone());
            for stack in &stack.nested {
                let file = folder.join(nested::template_file(stack));
                files.insert(file, stack.template.clone());
            }
        }
    }
    files
}

fn manifest(artifacts: impl Iterator<Item = (String, Tree)>) -> Tree {
    Tree::object([
        ("version", SCHEMA_VERSION.into()),
        ("artifacts", Tree::object(artifacts)),
    ])
}

fn template_file(stack: &StackArtifact) -> String {
    format!("{}.template.json", stack.name)
}

fn asset(asset: &Asset) -> Tree {
    let program =
        |package: &str, binary: &str| vec![("package", package.into()), ("binary", binary.into())];
    let contents = match &asset.contents {
        AssetContents::Binary {
            package,
            binary,
            name,
        } => {
            let mut entries = program(package, binary);
            entries.push(("name", name.as_str().into()));
            ("program", Tree::object(entries))
        }
        AssetContents::Files(files) => {
            let files = files.iter().map(|file| {
                let mut entries = vec![("name", file.name.as_str().into())];
                match &file.source {
                    AssetSource::Binary { package, binary } => {
                        entries.extend(program(package, binary));
                    }
                    AssetSource::Path(path) => entries.push(("path", path.as_str().into())),
                    AssetSource::Text(text) => entries.push(("text", text.as_str().into())),
                    AssetSource::Wheels(wheels) => {
                        entries.push(("requirements", wheels.requirements.as_str().into()));
                        entries.push(("python", wheels.python.as_str().into()));
                    }
                }
                let executable = file.mode == FileMode::Executable;
                entries.push(("executable", executable.into()));
                Tree::object(entries)
            });
            ("files", files.collect())
        }
    };
    Tree::object([("id", asset.id.as_str().into()), contents])
}

/// The tree of constructs as it is drawn: a folder for each id along the paths.
#[derive(Default)]
struct Node<'a> {
    resource: Option<(&'a str, &'a str)>,
    children: BTreeMap<&'a str, Self>,
}

fn construct_tree(assemblies: &[Assembly]) -> Tree {
    let mut root = Node::default();
    for assembly in assemblies {
        let stage = root.children.entry(&assembly.stage.name).or_default();
        for stack in &assembly.stacks {
            for stack in stack.with_nested() {
                let top = stack
                    .name
                    .split('/')
                    .fold(&mut *stage, |node, id| node.children.entry(id).or_default());
                for entry in &stack.constructs {
                    let node = entry
                        .path
                        .split('/')
                        .fold(&mut *top, |node, id| node.children.entry(id).or_default());
                    node.resource = Some((&entry.type_name, &entry.logical_id));
                }
            }
        }
    }
    Tree::object([
        ("version", "tree-0.1".into()),
        ("tree", root.tree("App", "")),
    ])
}

impl Node<'_> {
    fn tree(&self, id: &str, path: &str) -> Tree {
        let mut entries = vec![("id", id.into()), ("path", path.into())];
        if let Some((type_name, logical_id)) = self.resource {
            let attributes = Tree::object([
                ("aws:cdk:cloudformation:type", type_name.into()),
                ("aws:cdk:cloudformation:logicalId", logical_id.into()),
            ]);
            entries.push(("attributes", attributes));
        }
        if !self.children.is_empty() {
            let children = self.children.iter().map(|(id, child)| {
                let path = if path.is_empty() {
                    (*id).to_owned()
                } else {
                    format!("{path}/{id}")
                };
                ((*id).to_owned(), child.tree(id, &path))
            });
            entries.push(("children", Tree::object(children)));
        }
        Tree::object(entries)
    }
}

/// Returns what an earlier call wrote, as far as its manifests still tell.
fn files_before(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for stage in properties_of(&folder.join(MANIFEST_FILE), STAGE_ARTIFACT) {
        let Some(name) = stage["directoryName"]
            .as_str()
            .filter(|name| is_plain(name))
        else {
            continue;
        };
        let stage = Path::new(name);
        let manifest = folder.join(stage).join(MANIFEST_FILE);
        let stacks = properties_of(&manifest, STACK_ARTIFACT);
        let deployments = properties_of(&manifest, DEPLOYMENT_ARTIFACT);
        files.extend(
            stacks
                .iter()
                .filter_map(|stack| stack["templateFile"].as_str())
                .chain(deployments.iter().flat_map(nested::files))
                .filter(|name| is_plain(name))
                .chain([MANIFEST_FILE, VERSION_FILE])
                .map(|name| stage.join(name)),
        );
    }
    files
}

/// A manifest may name files in its own folder only: what it names is removed.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != ".." && !name.contains(['/', '\\'])
}

fn properties_of(manifest: &Path, kind: &str) -> Vec<Json> {
    let Some(manifest) = fs::read(manifest)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Json>(&bytes).ok())
    else {
        return Vec::new();
    };
    manifest["artifacts"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, artifact)| artifact["type"] == kind)
        .map(|(_, artifact)| artifact["properties"].clone())
        .collect()
}

fn remove(path: &Path) -> Result<(), WriteError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => {
            // A stage's folder goes with its last file; it stays if it holds others.
            if let Some(folder) = path.parent() {
                let _ = fs::remove_dir(folder);
            }
            Ok(())
        }
    }
}

fn write_changed(path: &Path, text: &str) -> Result<(), WriteError> {
    if fs::read(path).is_ok_and(|bytes| bytes == text.as_bytes()) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(at(folder))?;
    }
    fs::write(path, text).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_owned();
    move |source| WriteError::Io { path, source }
}

fn text(tree: &Tree) -> String {
    json_text::pretty(tree, &|_| Tree::Literal(Json::Null))
}
