//! From packages and settings to files.

use std::{
    collections::BTreeSet,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Value as Json, json};

use crate::{
    config::{self, ConfigError, Overrides, Selection, Services},
    constraints::Constraints,
    data_files::{self, DataFiles},
    features::{self, FeatureError},
    model::{self, ModelError, Module},
    output::{Difference, Output, OutputError},
    packages::{self, CFN_LINT, PackageError, SERVICE_SPEC},
    render,
    schema_data::SchemaDataError,
    service_spec::{self, ServiceSpec, SpecError},
    supplement::{Added, supplement},
};

/// Where everything is read from and written to.
#[derive(Debug)]
pub(crate) struct Folders {
    /// The generator's own folder, with its settings and its fixture.
    pub(crate) own: PathBuf,
    /// The source folder of the generated crate.
    pub(crate) source: PathBuf,
    /// The manifest of the generated crate.
    pub(crate) manifest: PathBuf,
    /// The data folder of the crate that knows the schemas.
    pub(crate) data: PathBuf,
    /// Where fetched packages are kept.
    pub(crate) cache: PathBuf,
}

/// What was generated.
#[derive(Debug)]
pub(crate) struct Generated {
    /// The files.
    pub(crate) output: Output,
    /// What differs from the files that are there.
    pub(crate) differences: Vec<Difference>,
    /// How much it is.
    pub(crate) counts: Counts,
}

/// How much was generated.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    services: usize,
    resources: usize,
    definitions: usize,
    properties: usize,
    attributes: usize,
    enums: usize,
    aliases: usize,
    metrics: usize,
    added: Added,
}

/// Why nothing was generated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GenerateError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Package(#[from] PackageError),
    #[error(transparent)]
    Spec(#[from] SpecError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    Feature(#[from] FeatureError),
    #[error(transparent)]
    SchemaData(#[from] SchemaDataError),
    /// An override names a type that no generated service has.
    #[error("overrides.toml: there is no type `{0}` in a generated service; remove it")]
    UnknownType(String),
    /// The manifest cannot be read.
    #[error("cannot read `{}`", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The manifest does not say where its features are to be written.
    #[error("`{}` lacks the line `{}`; add it where the features are to be", path.display(), render::FEATURES_MARK.trim_end())]
    NoMark {
        /// The manifest.
        path: PathBuf,
    },
}

impl GenerateError {
    /// Returns whether a package is not there and cannot be fetched.
    pub(crate) fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Package(PackageError::Client { .. } | PackageError::Fetch { .. })
        )
    }
}

impl Folders {
    /// Returns the folders around the generator's own.
    pub(crate) fn of(own: &Path) -> Self {
        let own = own.to_owned();
        let crates = own.parent().unwrap_or(&own);
        let workspace = crates.parent().unwrap_or(crates);
        Self {
            source: crates.join("cfn/src"),
            manifest: crates.join("cfn/Cargo.toml"),
            data: crates.join("schema/data"),
            cache: workspace.join(".lightsout/schemas"),
            own,
        }
    }

    fn services(&self) -> PathBuf {
        self.own.join("services.toml")
    }

    fn overrides(&self) -> PathBuf {
        self.own.join("overrides.toml")
    }

    fn fixture(&self) -> PathBuf {
        self.own.join("fixture")
    }
}

/// Generates every service, or `only` some, and returns what differs from what is there.
pub(crate) fn everything(
    folders: &Folders,
    only: &BTreeSet<String>,
) -> Result<Generated, GenerateError> {
    let services: Services = config::read(&folders.services())?;
    let overrides: Overrides = config::read(&folders.overrides())?;
    let database = packages::read_service_spec(&SERVICE_SPEC.fetch(&folders.cache)?)?;
    let constraints = packages::read_constraints(&CFN_LINT.fetch(&folders.cache)?)?;
    let mut spec = ServiceSpec::read(&database)?;
    let added = supplement(&mut spec, &constraints);
    let Selection::All = services.selection;
    let all: BTreeSet<String> = spec.names().collect();
    let wanted = if only.is_empty() { &all } else { only };

    let modules = modules(wanted, &spec, &constraints, &overrides)?;
    let mut output = Output::default();
    for module in &modules {
        output.add(
            folders.source.join(format!("{}.rs", module.name)),
            render::module(module),
        );
    }
    if only.is_empty() {
        check_overrides(&overrides, &modules)?;
        add_root(&mut output, folders, &modules, &services)?;
        add_fixture(
            &mut output,
            folders,
            &services.fixture,
            &database,
            &constraints,
        );
    }
    let differences = output.differences()?;
    Ok(Generated {
        output,
        differences,
        counts: Counts::of(&modules, added),
    })
}

/// Makes the files of all schemas and actions, whichever services are generated.
pub(crate) fn data_files(folders: &Folders) -> Result<DataFiles, GenerateError> {
    let overrides: Overrides = config::read(&folders.overrides())?;
    let database = packages::read_service_spec(&SERVICE_SPEC.fetch(&folders.cache)?)?;
    data_files::everything(&folders.data, &folders.cache, &database, &overrides)
}

fn modules(
    services: &BTreeSet<String>,
    spec: &ServiceSpec,
    constraints: &Constraints,
    overrides: &Overrides,
) -> Result<Vec<Module>, GenerateError> {
    let modules = services
        .iter()
        .map(|service| model::module(service, spec, constraints, overrides))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(modules)
}

fn check_overrides(overrides: &Overrides, modules: &[Module]) -> Result<(), GenerateError> {
    let known: BTreeSet<&str> = modules
        .iter()
        .flat_map(|module| &module.structures)
        .filter_map(|structure| Some(structure.resource.as_ref()?.type_name.as_str()))
        .collect();
    let mut named = overrides.required.keys().chain(&overrides.stateful);
    match named.find(|name| !known.contains(name.as_str())) {
        Some(unknown) => Err(GenerateError::UnknownType(unknown.clone())),
        None => Ok(()),
    }
}

fn add_root(
    output: &mut Output,
    folders: &Folders,
    modules: &[Module],
    services: &Services,
) -> Result<(), GenerateError> {
    let features = features::of(modules, services)?;
    let with_features = || modules.iter().zip(features.iter().map(String::as_str));
    output.add(folders.source.join("lib.rs"), render::root(with_features()));
    let path = folders.manifest.clone();
    output.add(
        path.with_file_name("types.txt"),
        render::types(with_features()),
    );
    let manifest = fs::read_to_string(&path).map_err(|source| GenerateError::Manifest {
        path: path.clone(),
        source,
    })?;
    match render::manifest(&manifest, &features.iter().map(String::as_str).collect()) {
        Some(manifest) => output.add(path, manifest),
        None => return Err(GenerateError::NoMark { path }),
    }
    Ok(())
}

/// Keeps the part of both schemas that the test generates again.
fn add_fixture(
    output: &mut Output,
    folders: &Folders,
    services: &BTreeSet<String>,
    database: &Json,
    constraints: &Constraints,
) {
    let names: Vec<String> = services.iter().cloned().collect();
    let database = service_spec::excerpt(database, &names);
    let types: BTreeSet<&str> = database["schema"]["resource"]["entities"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|resource| resource["cloudFormationType"].as_str())
        .collect();
    let schemas: serde_json::Map<String, Json> = constraints
        .iter()
        .filter(|(name, _)| types.contains(name))
        .map(|(name, schema)| (name.to_owned(), without_handlers(schema)))
        .collect();
    let fixture = folders.fixture();
    output.add(fixture.join("service-spec.json"), format!("{database:#}\n"));
    output.add(
        fixture.join("constraints.json"),
        format!("{:#}\n", json!(schemas)),
    );
}

/// Leaves out of a schema what no type is made of: the permissions of its handlers.
fn without_handlers(schema: &Json) -> Json {
    let mut schema = schema.clone();
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("handlers");
    }
    schema
}

impl Counts {
    fn of(modules: &[Module], added: Added) -> Self {
        let structures = || modules.iter().flat_map(|module| &module.structures);
        let resources = || structures().filter_map(|structure| structure.resource.as_ref());
        let aliases: usize = modules.iter().map(|module| module.aliases.len()).sum();
        Self {
            services: modules.len(),
            resources: resources().count(),
            definitions: structures().count() - resources().count(),
            properties: structures().map(|entry| entry.properties.len()).sum(),
            attributes: resources().map(|resource| resource.attributes.len()).sum(),
            enums: modules.iter().map(|module| module.choices.len()).sum(),
            aliases,
            metrics: modules.iter().map(|module| module.metrics.len()).sum(),
            added,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} services, {} resource types, {} definitions, {} properties, {} attributes, {} enums, {} aliases, {} metrics; from cfn-lint alone {} services, {} types and {} properties",
            self.services,
            self.resources,
            self.definitions,
            self.properties,
            self.attributes,
            self.enums,
            self.aliases,
            self.metrics,
            self.added.services,
            self.added.resources,
            self.added.properties
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn folders() -> Folders {
        Folders::of(Path::new(env!("CARGO_MANIFEST_DIR")))
    }

    fn json(name: &str) -> Json {
        let path = folders().fixture().join(name);
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    }

    fn spec() -> ServiceSpec {
        let mut spec = ServiceSpec::read(&json("service-spec.json")).unwrap();
        supplement(&mut spec, &constraints());
        spec
    }

    fn constraints() -> Constraints {
        let schemas: BTreeMap<String, Json> =
            serde_json::from_value(json("constraints.json")).unwrap();
        schemas.into_iter().collect()
    }

    #[test]
    fn regenerating_changes_nothing() {
        let services: Services = config::read(&folders().services()).unwrap();
        let overrides: Overrides = config::read(&folders().overrides()).unwrap();
        let modules = modules(&services.fixture, &spec(), &constraints(), &overrides).unwrap();
        let mut output = Output::default();
        for module in &modules {
            let path = folders().source.join(format!("{}.rs", module.name));
            output.add(path, render::module(module));
        }
        assert!(modules.len() >= 2);
        assert_eq!(output.differences().unwrap(), []);
    }

    #[test]
    fn an_unknown_service_is_named() {
        let services = BTreeSet::from(["sqss".to_owned()]);
        let error = modules(&services, &spec(), &constraints(), &Overrides::default()).unwrap_err();
        assert!(error.to_string().contains("`sqss`"), "{error}");
    }

    fn overridden(type_name: &str, property: &str) -> String {
        let services = BTreeSet::from(["dynamodb".to_owned()]);
        let required =
            BTreeMap::from([(type_name.to_owned(), BTreeSet::from([property.to_owned()]))]);
        let overrides = Overrides {
            required,
            ..Overrides::default()
        };
        modules(&services, &spec(), &constraints(), &overrides)
            .and_then(|modules| check_overrides(&overrides, &modules))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn an_old_override_is_an_error() {
        let error = overridden("AWS::DynamoDB::Tables", "KeySchema");
        assert!(error.contains("`AWS::DynamoDB::Tables`"), "{error}");
        let error = overridden("AWS::DynamoDB::Table", "KeySchemas");
        assert!(error.contains("is no property"), "{error}");
        let error = overridden("AWS::DynamoDB::Table", "KeySchema");
        assert!(error.contains("required by the schemas already"), "{error}");
    }

    #[test]
    fn an_override_makes_an_argument_of_new() {
        let services = BTreeSet::from(["dynamodb".to_owned()]);
        let required = BTreeMap::from([(
            "AWS::DynamoDB::Table".to_owned(),
            BTreeSet::from(["TableName".to_owned()]),
        )]);
        let overrides = Overrides {
            required,
            ..Overrides::default()
        };
        let modules = modules(&services, &spec(), &constraints(), &overrides).unwrap();
        let source = render::module(&modules[0]);
        assert!(
            source.contains(r#"REQUIRED: &'static [&'static str] = &["KeySchema", "TableName"]"#)
        );
    }

    #[test]
    fn features_replace_only_what_follows_the_mark() {
        let manifest = format!("[package]\n{}[features]\nold = []\n", render::FEATURES_MARK);
        let written = render::manifest(&manifest, &["sqs", "ec2"].into()).unwrap();
        assert_eq!(
            written,
            format!(
                "[package]\n{}[features]\ndefault = []\nall = [\n    \"ec2\",\n    \"sqs\",\n]\nec2 = []\nsqs = []\n",
                render::FEATURES_MARK
            )
        );
        assert_eq!(render::manifest("[package]\n", &["sqs"].into()), None);
    }

    /// Puts `with` in the place of the part to which `steps` lead.
    fn replace(json: &mut Json, steps: &[usize], with: Json) {
        let Some((step, rest)) = steps.split_first() else {
            *json = with;
            return;
        };
        let inner = match json {
            Json::Object(map) if !map.is_empty() => {
                let index = step % map.len();
                map.values_mut().nth(index)
            }
            Json::Array(items) if !items.is_empty() => {
                let index = step % items.len();
                items.get_mut(index)
            }
            _ => None,
        };
        if let Some(inner) = inner {
            replace(inner, rest, with);
        }
    }

    fn any_scalar() -> impl Strategy<Value = Json> {
        prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            "[ -~]{0,12}".prop_map(Json::from),
            Just(json!([])),
            Just(json!({})),
            Just(json!({"$ref": "#/definitions/KeySchema"})),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_damaged_schema_is_an_error_or_harmless(
            in_spec in any::<bool>(),
            steps in prop::collection::vec(any::<usize>(), 1..9),
            with in any_scalar(),
        ) {
            let mut database = json("service-spec.json");
            let mut schemas = json("constraints.json");
            replace(if in_spec { &mut database } else { &mut schemas }, &steps, with);
            let Some(schemas) = schemas.as_object() else { return Ok(()) };
            let constraints: Constraints = schemas.clone().into_iter().collect();
            match ServiceSpec::read(&database) {
                Err(error) => prop_assert!(error.to_string().contains("another form")),
                Ok(mut spec) => {
                    supplement(&mut spec, &constraints);
                    let services: BTreeSet<String> = spec.names().collect();
                    // Either modules, or an error that names what is wrong.
                    if let Err(error) = modules(&services, &spec, &constraints, &Overrides::default()) {
                        prop_assert!(error.to_string().contains('`'), "{}", error);
                    }
                }
            }
        }
    }
}
