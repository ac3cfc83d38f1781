//! Reading assemblies back from a cloud assembly folder.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value as Json;
use thiserror::Error;

use super::{
    Assembly, AssetStore, ConstructEntry, StackArtifact, StackParameter,
    manifest::{
        DEPLOYMENT_ARTIFACT, DEPLOYMENT_KEY, LOGICAL_ID_METADATA, MANIFEST_FILE, SCHEMA_VERSION,
        STAGE_ARTIFACT,
    },
    nested,
};
use crate::{Asset, AssetContents, AssetFile, AssetSource, Environment, FileMode, Stage, Wheels};

/// Why a folder could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A file could not be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file holds no JSON.
    #[error("`{}` is not JSON", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where the text stops being JSON.
        #[source]
        source: serde_json::Error,
    },
    /// A manifest has another schema version than the one that is written here.
    #[error("`{}` has schema version `{found}`, not `{SCHEMA_VERSION}`: synthesize again", path.display())]
    Version {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// A manifest lacks something that synth writes.
    #[error("`{}` has no {what}: synthesize again", path.display())]
    Missing {
        /// The manifest.
        path: PathBuf,
        /// What it lacks.
        what: String,
    },
}

/// Reads every stage that [`write_assemblies`](super::write_assemblies) wrote to `folder`.
pub fn read_assemblies(folder: &Path) -> Result<Vec<Assembly>, ReadError> {
    let root = Manifest::read(folder)?;
    root.artifacts()
        .filter(|(_, artifact)| artifact["type"] == STAGE_ARTIFACT)
        .map(|(key, artifact)| {
            let what = || format!("directoryName for `{key}`");
            read_stage(&folder.join(root.text(&artifact["properties"]["directoryName"], what)?))
        })
        .collect()
}

fn read_stage(folder: &Path) -> Result<Assembly, ReadError> {
    let manifest = Manifest::read(folder)?;
    let deployment = manifest
        .artifacts()
        .find(|(_, artifact)| artifact["type"] == DEPLOYMENT_ARTIFACT)
        .map(|(_, artifact)| &artifact["properties"])
        .ok_or_else(|| manifest.missing(format!("artifact `{DEPLOYMENT_KEY}`")))?;
    let names = deployment["stacks"]
        .as_array()
        .ok_or_else(|| manifest.missing("list of stacks"))?;
    let stage = manifest.text(&deployment["stage"], || "stage")?;
    let mut stacks = Vec::with_capacity(names.len());
    for name in names {
        let name = manifest.text(name, || "name for a stack")?;
        let artifact = &manifest.json["artifacts"][name];
        stacks.push(read_stack(folder, &manifest, name, artifact, deployment)?);
    }
    let mut stage = Stage::new(stage);
    let environment = manifest.environment(&deployment["environment"], "the stage")?;
    stage.account = environment.account;
    stage.region = environment.region;
    let assets = deployment["assets"].as_array().into_iter().flatten();
    Ok(Assembly {
        app: manifest.text(&deployment["app"], || "app")?.to_owned(),
        stage,
        stacks,
        gone: Vec::new(),
        assets: assets
            .map(|json| read_asset(&manifest, json))
            .collect::<Result<_, _>>()?,
        asset_store: match &deployment["assetStore"] {
            Json::Null => None,
            store => Some(AssetStore {
                stack: manifest.owned(&store["stack"], "stack of the asset store")?,
                bucket: manifest.owned(&store["bucket"], "bucket of the asset store")?,
                output: manifest.owned(&store["output"], "output of the asset store")?,
            }),
        },
    })
}

fn read_stack(
    folder: &Path,
    manifest: &Manifest,
    name: &str,
    artifact: &Json,
    deployment: &Json,
) -> Result<StackArtifact, ReadError> {
    let properties = &artifact["properties"];
    let file = manifest.text(&properties["templateFile"], || {
        format!("templateFile for stack `{name}`")
    })?;
    let (template, json) = read_template(&folder.join(file))?;
    // The manifest keeps the resources in no order; the template's text keeps theirs.
    let mut paths = BTreeMap::new();
    for (path, entries) in artifact["metadata"].as_object().into_iter().flatten() {
        let path = path.splitn(4, '/').nth(3).unwrap_or_default();
        let entries = entries.as_array().into_iter().flatten();
        for entry in entries.filter(|entry| entry["type"] == LOGICAL_ID_METADATA) {
            if let Some(logical_id) = entry["data"].as_str() {
                paths.insert(logical_id, path);
            }
        }
    }
    let constructs = keys_in_order(&template, &json["Resources"], "Resources")
        .into_iter()
        .filter_map(|logical_id| {
            Some(ConstructEntry {
                path: (*paths.get(logical_id)?).to_owned(),
                type_name: json["Resources"][logical_id]["Type"].as_str()?.to_owned(),
                logical_id: logical_id.to_owned(),
                location: None,
            })
        })
        .collect();
    let asset_parameters = &deployment["assetParameters"][name];
    let nested_stacks = deployment["nestedStacks"][name].as_array();
    let nested_stacks: Vec<&Json> = nested_stacks.into_iter().flatten().collect();
    let mut parameters = read_parameters(&template, &json);
    for parameter in &mut parameters {
        let name = parameter.name.as_str();
        parameter.asset = asset_parameters[name].as_str().map(str::to_owned);
        let nested = nested_stacks.iter().find(|one| one["parameter"] == name);
        parameter.nested = nested.and_then(|one| one["name"].as_str().map(str::to_owned));
    }
    let dependencies = artifact["dependencies"].as_array().into_iter().flatten();
    let environment = manifest.environment(&artifact["environment"], "a stack")?;
    let mut stack = StackArtifact::new(
        name.to_owned(),
        manifest.owned(&properties["stackName"], "stackName of a stack")?,
        environment.clone(),
        template,
        parameters,
        dependencies
            .filter_map(|dependency| dependency.as_str().map(str::to_owned))
            .collect(),
        constructs,
        None,
    );
    let tags = properties["tags"].as_object().into_iter().flatten();
    stack.tags = tags
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    stack.is_protected = properties["terminationProtection"] == true;
    stack.nested = nested_stacks
        .into_iter()
        .map(|entry| read_nested(folder, manifest, entry, &environment))
        .collect::<Result<_, _>>()?;
    Ok(stack)
}

fn read_nested(
    folder: &Path,
    manifest: &Manifest,
    entry: &Json,
    environment: &Environment,
) -> Result<StackArtifact, ReadError> {
    let file = manifest.text(&entry["templateFile"], || "templateFile of a nested stack")?;
    let (template, json) = read_template(&folder.join(file))?;
    let parameters = read_parameters(&template, &json);
    let logical_ids = keys_in_order(&template, &json["Resources"], "Resources");
    let constructs = nested::constructs(entry, &json, &logical_ids);
    Ok(StackArtifact::new(
        manifest.owned(&entry["name"], "name of a nested stack")?,
        manifest.owned(&entry["physicalName"], "physicalName of a nested stack")?,
        environment.clone(),
        template,
        parameters,
        Vec::new(),
        constructs,
        None,
    ))
}

fn read_template(path: &Path) -> Result<(String, Json), ReadError> {
    let template = fs::read_to_string(path).map_err(|source| ReadError::Io {
        path: path.to_owned(),
        source,
    })?;
    let json = parse(path, &template)?;
    Ok((template, json))
}

fn read_parameters(template: &str, json: &Json) -> Vec<StackParameter> {
    keys_in_order(template, &json["Parameters"], "Parameters")
        .into_iter()
        .map(|name| {
            let parameter = &json["Parameters"][name];
            let text = |key: &str| parameter[key].as_str().map(str::to_owned);
            StackParameter {
                name: name.to_owned(),
                kind: text("Type").unwrap_or_default(),
                default: text("Default"),
                description: text("Description"),
                no_echo: parameter["NoEcho"] == true,
                asset: None,
                nested: None,
            }
        })
        .collect()
}

/// Returns the keys of a section in the order of the template's text.
///
/// A parsed map may have lost that order. Sections start at the second level, so
/// their keys are the lines with exactly four spaces before the quote. Keys of a
/// template that someone laid out otherwise come last, sorted.
fn keys_in_order<'t>(template: &'t str, parsed: &'t Json, section: &str) -> Vec<&'t str> {
    let start = format!("  \"{section}\": {{");
    let places: HashMap<&str, usize> = template
        .lines()
        .skip_while(|line| *line != start)
        .skip(1)
        .take_while(|line| *line != "  }" && *line != "  },")
        .filter_map(|line| line.strip_prefix("    \"")?.split_once('"'))
        .enumerate()
        .map(|(place, (key, _))| (key, place))
        .collect();
    let entries = parsed.as_object().into_iter().flatten();
    let mut keys: Vec<&str> = entries.map(|(key, _)| key.as_str()).collect();
    keys.sort_by_key(|key| (places.get(key).copied().unwrap_or(usize::MAX), *key));
    keys
}

fn read_asset(manifest: &Manifest, json: &Json) -> Result<Asset, ReadError> {
    let id = manifest.owned(&json["id"], "id of an asset")?;
    let text = |json: &Json, key: &str| {
        let what = || format!("`{key}` in asset `{id}`");
        manifest.text(&json[key], what).map(str::to_owned)
    };
    let contents = if let Some(files) = json["files"].as_array() {
        let files = files.iter().map(|file| {
            Ok(AssetFile {
                name: text(file, "name")?,
                source: match (file["path"].as_str(), file["text"].as_str()) {
                    (Some(path), _) => AssetSource::Path(path.to_owned()),
                    (None, Some(text)) => AssetSource::Text(text.to_owned()),
                    (None, None) if file["requirements"].is_string() => {
                        AssetSource::Wheels(Wheels {
                            requirements: text(file, "requirements")?,
                            python: text(file, "python")?,
                        })
                    }
                    (None, None) => AssetSource::Binary {
                        package: text(file, "package")?,
                        binary: text(file, "binary")?,
                    },
                },
                mode: if file["executable"] == true {
                    FileMode::Executable
                } else {
                    FileMode::Regular
                },
            })
        });
        AssetContents::Files(files.collect::<Result<_, _>>()?)
    } else {
        let program = &json["program"];
        AssetContents::Binary {
            package: text(program, "package")?,
            binary: text(program, "binary")?,
            name: text(program, "name")?,
        }
    };
    Ok(Asset { id, contents })
}

/// A manifest and where it was read from.
struct Manifest {
    path: PathBuf,
    json: Json,
}

impl Manifest {
    fn read(folder: &Path) -> Result<Self, ReadError> {
        let path = folder.join(MANIFEST_FILE);
        let text = fs::read_to_string(&path).map_err(|source| ReadError::Io {
            path: path.clone(),
            source,
        })?;
        let json = parse(&path, &text)?;
        match json["version"].as_str() {
            Some(SCHEMA_VERSION) => Ok(Self { path, json }),
            found => Err(ReadError::Version {
                path,
                found: found.unwrap_or("none").to_owned(),
            }),
        }
    }

    fn artifacts(&self) -> impl Iterator<Item = (&String, &Json)> {
        self.json["artifacts"].as_object().into_iter().flatten()
    }

    fn text<'j, W: Into<String>>(
        &self,
        json: &'j Json,
        what: impl FnOnce() -> W,
    ) -> Result<&'j str, ReadError> {
        json.as_str().ok_or_else(|| self.missing(what()))
    }

    fn owned(&self, json: &Json, what: &str) -> Result<String, ReadError> {
        self.text(json, || what).map(str::to_owned)
    }

    fn environment(&self, json: &Json, of: &str) -> Result<Environment, ReadError> {
        let what = || format!("environment of {of}, `aws://account/region`");
        Environment::from_url(self.text(json, what)?).ok_or_else(|| self.missing(what()))
    }

    fn missing(&self, what: impl Into<String>) -> ReadError {
        ReadError::Missing {
            path: self.path.clone(),
            what: what.into(),
        }
    }
}

fn parse(path: &Path, text: &str) -> Result<Json, ReadError> {
    serde_json::from_str(text).map_err(|source| ReadError::Json {
        path: path.to_owned(),
        source,
    })
}
