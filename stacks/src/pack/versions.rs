//! Versions: the program, the terminology, and everything that is pinned.

use serde::{Deserialize, Serialize};

use super::{Document, PackError, markdown};
use crate::environment::Settings;

#[derive(Debug, Serialize)]
struct Versions {
    program: &'static str,
    rust: String,
    /// The edition that the environment codes by.
    edition: &'static str,
    editions: Vec<Edition>,
    python: Vec<Pinned>,
    crates: Vec<Crate>,
}

#[derive(Debug, Serialize)]
struct Edition {
    name: &'static str,
    first_day: String,
    last_day: String,
}

/// A package of Python that is installed, with the file that pins it.
#[derive(Debug, Serialize)]
struct Pinned {
    name: &'static str,
    version: &'static str,
    by: &'static str,
}

#[derive(Debug, Deserialize)]
struct Lock {
    package: Vec<Crate>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Crate {
    name: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Toolchain {
    toolchain: Channel,
}

#[derive(Debug, Deserialize)]
struct Channel {
    channel: String,
}

/// The files that pin packages of Python.
const PINNED: [(&str, &str); 4] = [
    (
        "constructs/src/batch_fleet/ansible.txt",
        include_str!("../../../constructs/src/batch_fleet/ansible.txt"),
    ),
    (
        "stacks/python/api.txt",
        include_str!("../../python/api.txt"),
    ),
    (
        "stacks/python/checks.txt",
        include_str!("../../python/checks.txt"),
    ),
    (
        "stacks/python/local.txt",
        include_str!("../../python/local.txt"),
    ),
];

pub(super) fn document(settings: &Settings) -> Result<Document, PackError> {
    let toolchain: Toolchain = toml::from_str(include_str!("../../../rust-toolchain.toml"))
        .map_err(|source| PackError::table("rust-toolchain.toml", source))?;
    let lock: Lock = toml::from_str(include_str!("../../../Cargo.lock"))
        .map_err(|source| PackError::table("Cargo.lock", source))?;
    let editions = lightsout_nlp::Edition::all().iter();
    let versions = Versions {
        program: env!("CARGO_PKG_VERSION"),
        rust: toolchain.toolchain.channel,
        edition: settings.coding.edition.name(),
        editions: editions
            .map(|edition| Edition {
                name: edition.name(),
                first_day: edition.first_day().to_string(),
                last_day: edition.last_day().to_string(),
            })
            .collect(),
        python: PINNED.into_iter().flat_map(pinned).collect(),
        crates: lock.package,
    };
    Ok(Document::new(
        "versions",
        "Versions",
        written(&versions),
        &versions,
    ))
}

/// The packages that a file of requirements pins.
fn pinned((by, text): (&'static str, &'static str)) -> impl Iterator<Item = Pinned> {
    text.lines().filter_map(move |line| {
        let (name, version) = line.trim_end_matches('\\').trim().split_once("==")?;
        Some(Pinned { name, version, by })
    })
}

fn written(versions: &Versions) -> String {
    let editions = versions.editions.iter().map(|edition| {
        [
            edition.name.to_owned(),
            edition.first_day.clone(),
            edition.last_day.clone(),
        ]
    });
    let python = versions.python.iter().map(|one| {
        [
            one.name.to_owned(),
            one.version.to_owned(),
            one.by.to_owned(),
        ]
    });
    let crates = versions
        .crates
        .iter()
        .map(|one| [one.name.clone(), one.version.clone()]);
    [
        format!(
            "Lightsout {}, built by Rust {}; charts are coded by the edition `{}` of ICD-10-CM.\n",
            versions.program, versions.rust, versions.edition
        ),
        "\n## Editions of the terminology\n\n".to_owned(),
        markdown::table(["edition", "from", "to"], editions),
        "\n## Packages of Python\n\nThose of `ansible.txt` run on masters; the others check and \
         play the system.\n\n"
            .to_owned(),
        markdown::table(["package", "version", "pinned by"], python),
        "\n## Crates\n\nAll that `Cargo.lock` pins, tests included.\n\n".to_owned(),
        markdown::table(["crate", "version"], crates),
    ]
    .concat()
}
