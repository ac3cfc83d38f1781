//! The published package that the tabular list is taken from.

use std::io::{Cursor, Read};

use sha2::{Digest, Sha256};

use super::BuildError;

/// The package's name on the Python package index.
pub const WHEEL_NAME: &str = "simple-icd-10-cm";
/// The pinned version: FY2026, release of April 1, 2026.
pub const WHEEL_VERSION: &str = "1.5.0";
/// The hash of the pinned wheel.
pub const WHEEL_SHA256: &str = "6d461d71dc26aedc530ae65f02cfb578a154e49507c32e8241e75f701d4b7e42";

const TABULAR: &str = "simple_icd_10_cm/data/icd10c-tabular-April-1-2026.xml";
const CODES: &str = "simple_icd_10_cm/data/code-list-April-2026.txt";

/// What the wheel says of the edition.
#[derive(Clone, Debug)]
pub struct Published {
    /// The tabular list, as XML.
    pub tabular_xml: String,
    /// Every code, a line each, without dots: chapters, blocks and categories too.
    pub code_list: String,
}

/// The tabular list and the list of codes out of the wheel, once its hash is right.
pub fn published(wheel: &[u8]) -> Result<Published, BuildError> {
    use std::fmt::Write;
    let found = Sha256::digest(wheel)
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
    if found != WHEEL_SHA256 {
        return Err(BuildError::WrongWheel { found });
    }
    let mut archive = zip::ZipArchive::new(Cursor::new(wheel))
        .map_err(|error| BuildError::Archive(Box::new(error)))?;
    let mut text = |path: &'static str| {
        let mut file = archive
            .by_name(path)
            .map_err(|_| BuildError::Missing(path))?;
        let mut text = String::new();
        file.read_to_string(&mut text)
            .map_err(|error| BuildError::Archive(Box::new(error)))?;
        Ok(text)
    };
    Ok(Published {
        tabular_xml: text(TABULAR)?,
        code_list: text(CODES)?,
    })
}
