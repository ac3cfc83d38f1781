//! The audit pack: what a reviewer of the system asks for, from what the stacks know.
//!
//! Documentation that 45 CFR 164.316(b)(1) wants kept, written anew from the templates, so that
//! it cannot say anything else than they do. There is no date in it: the same stacks give the
//! same bytes.

mod api_roles;
mod data_flow;
mod findings;
mod key_map;
mod markdown;
mod matrix;
mod role_matrix;
mod versions;

use std::collections::BTreeMap;

use lightsout::SynthError;
use serde::Serialize;
use serde_json::Value;

use crate::{
    app,
    controls::controls,
    data_class,
    environment::Environment,
    graph::{Graph, Place, each},
};

/// The pack of an environment, or of several together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pack {
    /// The text of each file, by its path: the environment's name and the file's.
    pub files: BTreeMap<String, String>,
    /// How many controls the templates do not meet, without those that are open for a reason.
    pub findings: usize,
}

/// Why there is no pack.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// The stacks are wrong.
    #[error(transparent)]
    Synth(#[from] SynthError),
    /// A table of the project that is compiled in cannot be read.
    #[error("cannot read the table `{name}`")]
    Table {
        /// The file.
        name: &'static str,
        /// What is wrong with it.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The API's document that is compiled in cannot be read.
    #[error("cannot read the API's document `runtime/api/openapi.json`")]
    Api(#[source] serde_json::Error),
}

/// One document, for people and for machines.
#[derive(Debug)]
struct Document {
    name: &'static str,
    title: &'static str,
    text: String,
    data: String,
    findings: usize,
}

impl Pack {
    /// Writes what is known of an environment.
    pub fn of(environment: &Environment) -> Result<Self, PackError> {
        let Environment { name, settings } = environment;
        let graph = Graph::of(&app(environment).synth()?);
        let controls =
            controls().map_err(|source| PackError::table("stacks/controls.toml", source))?;
        let documents = [
            matrix::document(&graph, &controls),
            findings::document(&graph, settings)?,
            data_flow::document(&graph),
            key_map::document(&graph),
            role_matrix::document(&graph),
            api_roles::document()?,
            versions::document(settings)?,
        ];
        let mut files = BTreeMap::new();
        let mut index = format!(
            "# Audit pack of `{name}`\n\nWritten by lightsout {} from the templates of the \
             environment. Each document is here for people and, as JSON, for machines.\n\n",
            env!("CARGO_PKG_VERSION")
        );
        let mut findings = 0;
        for document in documents {
            let Document {
                name: file, title, ..
            } = document;
            let line = format!("- [{title}]({file}.md), [JSON]({file}.json)\n");
            index.push_str(&line);
            findings += document.findings;
            let text = format!("# {title} of `{name}`\n\n{}", document.text);
            files.insert(format!("{name}/{file}.md"), text);
            files.insert(format!("{name}/{file}.json"), document.data);
        }
        files.insert(format!("{name}/README.md"), index);
        Ok(Self { files, findings })
    }
}

impl PackError {
    fn table(name: &'static str, source: toml::de::Error) -> Self {
        Self::Table {
            name,
            source: Box::new(source),
        }
    }
}

impl Document {
    fn new(name: &'static str, title: &'static str, text: String, data: &impl Serialize) -> Self {
        let data = serde_json::to_string_pretty(data).expect("documents have text as keys");
        Self {
            name,
            title,
            text,
            data: data + "\n",
            findings: 0,
        }
    }
}

/// A resource as documents name it.
fn named(place: &Place) -> String {
    format!("{}/{}", place.0, place.1)
}

/// The class of data that a resource is tagged with; what takes no tags has none. Tags are a list
/// or a map, and the property is named `Tags` or `BackupVaultTags`, by the type.
fn class(graph: &Graph, place: &Place) -> String {
    let properties = graph.properties(place).as_object().into_iter().flatten();
    let tags = properties.filter(|(name, _)| name.ends_with("Tags"));
    let mut values = tags.filter_map(|(_, tags)| match tags {
        Value::Object(tags) => tags.get(data_class::KEY),
        tags => {
            let tag = each(tags)
                .into_iter()
                .find(|tag| tag["Key"] == data_class::KEY);
            tag.map(|tag| &tag["Value"])
        }
    });
    let value = values.next().and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(name: &str) -> Pack {
        Pack::of(&Environment::named(name).unwrap()).unwrap()
    }

    #[test]
    fn each_control_stands_in_the_matrix_once() {
        let pack = pack("prod");
        let rows: Vec<Value> = serde_json::from_str(&pack.files["prod/controls.json"]).unwrap();
        let controls = controls().unwrap();
        assert_eq!(rows.len(), controls.len());
        let text: Vec<_> = pack.files.values().flat_map(|text| text.lines()).collect();
        for control in controls {
            let row = format!("| `{}` |", control.id);
            let times = text.iter().filter(|line| line.starts_with(&row)).count();
            assert_eq!(times, 1, "{}", control.id);
            assert!(rows.iter().any(|row| row["id"] == control.id));
        }
        assert_eq!(pack.findings, 0);
    }

    #[test]
    fn a_control_whose_resource_is_missing_is_a_finding() {
        let local = pack("local");
        assert!(local.findings > 0);
        assert!(local.files["local/controls.md"].contains("| not met |"));
    }

    #[test]
    fn each_key_each_role_and_what_holds_data_is_in_the_pack_of_every_environment() {
        for environment in Environment::all().unwrap() {
            let graph = Graph::of(&app(&environment).synth().unwrap());
            let pack = Pack::of(&environment).unwrap();
            let text = |file: &str| &pack.files[&format!("{}/{file}", environment.name)];
            for (kind, file) in [
                ("AWS::KMS::Key", "key-map.md"),
                ("AWS::IAM::Role", "role-matrix.md"),
            ] {
                let places = graph.any(kind);
                assert!(!places.is_empty());
                for (place, _) in places {
                    let head = format!("\n## {}\n", named(place));
                    assert_eq!(text(file).matches(&head).count(), 1, "{place:?}");
                }
            }
            for kind in [
                "AWS::S3::Bucket",
                "AWS::DynamoDB::Table",
                "AWS::SQS::Queue",
                "AWS::SNS::Topic",
                "AWS::Logs::LogGroup",
            ] {
                for (place, _) in graph.any(kind) {
                    let row = format!("\n| {} ({kind}) | ", named(place));
                    assert_eq!(text("data-flow.md").matches(&row).count(), 1, "{place:?}");
                }
            }
        }
    }

    #[test]
    fn the_data_flow_says_who_reads_charts_and_by_which_key() {
        let pack = pack("prod");
        let stores: Vec<Value> = serde_json::from_str(&pack.files["prod/data-flow.json"]).unwrap();
        let inbox = stores.iter().find(|store| store["id"] == "Intake/Inbox");
        let inbox = inbox.unwrap();
        assert_eq!(inbox["class"], "phi");
        assert_eq!(inbox["keys"], serde_json::json!(["Intake/ChartKey"]));
        assert_eq!(inbox["endpoint"], "Network/PrivateS3Endpoint");
        let readers = inbox["readers"].as_object().unwrap().iter();
        let readers =
            readers.filter(|(_, actions)| each(actions).contains(&&"s3:GetObject".into()));
        let readers: Vec<_> = readers.map(|(role, _)| role.as_str()).collect();
        assert_eq!(readers, ["Backup/PlanRole", "Fleet/WorkerRole"]);
        let denied = each(&inbox["denied"]).into_iter();
        let denied: Vec<_> = denied.map(|one| &one["name"]).collect();
        assert!(denied.contains(&&"DenyReadsFromElsewhere".into()));
    }

    #[test]
    fn the_same_stacks_give_the_same_bytes() {
        assert_eq!(pack("prod"), pack("prod"));
    }

    #[test]
    fn the_key_map_of_production_is_what_was_reviewed() {
        assert_eq!(
            pack("prod").files["prod/key-map.md"],
            include_str!("../KEYS.md"),
            "review what changed, and put `prod/key-map.md` of `lightsout audit pack` in its place"
        );
    }
}
