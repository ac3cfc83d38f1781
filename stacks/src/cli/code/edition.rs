//! Which edition charts are coded by.

use std::path::PathBuf;

use clap::Args;
use lightsout_nlp::{Dictionary, Edition, ServiceDate};

use super::error::CodeError;

/// The edition, if not the newest one.
#[derive(Debug, Default, Args)]
#[group(multiple = false)]
pub(super) struct EditionArgs {
    /// Code by the edition that serves on this day, as in `2025-11-03`
    ///
    /// A day on which none serves is refused, with the days that are covered.
    /// Without it, and without `--edition`, the newest edition is taken.
    #[arg(long, value_name = "DATE")]
    date_of_service: Option<ServiceDate>,
    /// Code by the edition of this name, as in `fy2025`
    #[arg(long, value_name = "NAME")]
    edition: Option<String>,
    /// Code by a file that `terminology import` wrote
    #[arg(long, value_name = "FILE")]
    terminology: Option<PathBuf>,
}

impl EditionArgs {
    /// The dictionary to code by.
    pub(super) fn dictionary(&self) -> Result<Dictionary, CodeError> {
        if let Some(path) = &self.terminology {
            let bytes = std::fs::read(path).map_err(|source| CodeError::Unreadable {
                path: path.clone(),
                source,
            })?;
            return Dictionary::from_bytes(&bytes).map_err(|source| CodeError::Terminology {
                path: path.clone(),
                source,
            });
        }
        let edition = match (self.date_of_service, &self.edition) {
            (Some(date), _) => Edition::for_date_of_service(date)?,
            (None, Some(name)) => Edition::named(name)?,
            (None, None) => Edition::newest(),
        };
        Ok(edition.dictionary())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(date: &str) -> EditionArgs {
        EditionArgs {
            date_of_service: Some(date.parse().unwrap()),
            ..EditionArgs::default()
        }
    }

    #[test]
    fn the_day_decides_and_a_day_that_none_covers_is_refused() {
        let edition =
            |arguments: EditionArgs| arguments.dictionary().map(|of| of.edition().to_owned());
        assert!(edition(on("2025-09-30")).unwrap().contains("FY2025"));
        assert!(edition(on("2025-10-01")).unwrap().contains("FY2026"));
        assert!(edition(EditionArgs::default()).unwrap().contains("FY2026"));
        let refused = edition(on("2026-10-01")).unwrap_err().to_string();
        assert!(refused.contains("2026-10-01") && refused.contains("2025-10-01 to 2026-09-30"));
    }

    #[test]
    fn a_file_that_is_no_terminology_is_told_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.bin");
        std::fs::write(&file, "no terminology").unwrap();
        let arguments = EditionArgs {
            terminology: Some(file),
            ..EditionArgs::default()
        };
        assert!(
            arguments
                .dictionary()
                .unwrap_err()
                .to_string()
                .contains("mine.bin")
        );
    }
}
