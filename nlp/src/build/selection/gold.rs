//! Coded notes of public collections.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use quick_xml::Reader;
use quick_xml::events::Event;

/// A note with the codes that coders gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coded {
    /// Its text.
    pub text: String,
    /// Its codes: of ICD-9-CM in radiology reports, else of ICD-10-CM, with their dots.
    pub codes: Vec<String>,
}

/// Why coded notes could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GoldError {
    /// A file is not there, or is no text.
    #[error("cannot read `{}`", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The reports are not the XML that is expected.
    #[error("the reports' XML cannot be read at byte {at}")]
    Xml {
        /// The byte at which reading stopped.
        at: u64,
        /// What the XML reader says.
        #[source]
        source: quick_xml::Error,
    },
}

/// The reports of the Computational Medicine Center's challenge of 2007, from its XML.
///
/// The codes are those that the majority of the three coders gave.
pub fn radiology_reports(xml: &str) -> Result<Vec<Coded>, GoldError> {
    let mut reader = Reader::from_str(xml);
    let mut notes = Vec::new();
    let (mut text, mut codes) = (String::new(), Vec::new());
    let mut is_counted = false;
    let mut value = String::new();
    loop {
        let event = reader.read_event().map_err(|source| GoldError::Xml {
            at: reader.error_position(),
            source,
        })?;
        match event {
            Event::Start(start) => {
                value.clear();
                let attribute = |name: &str| {
                    let found = start.try_get_attribute(name).ok().flatten()?;
                    Some(String::from_utf8_lossy(&found.value).into_owned())
                };
                match start.name().as_ref() {
                    b"code" => {
                        is_counted =
                            attribute("origin").is_some_and(|origin| origin == "CMC_MAJORITY");
                    }
                    b"text" => {
                        if !text.is_empty() {
                            text.push('\n');
                        }
                        text.push_str(&attribute("type").unwrap_or_default());
                        text.push_str(":\n");
                    }
                    _ => {}
                }
            }
            Event::Text(part) => value.push_str(&String::from_utf8_lossy(part.as_ref())),
            Event::GeneralRef(reference) => {
                let name = String::from_utf8_lossy(reference.as_ref()).into_owned();
                match quick_xml::escape::resolve_predefined_entity(&name) {
                    Some(meant) => value.push_str(meant),
                    None => value.extend(reference.resolve_char_ref().ok().flatten()),
                }
            }
            Event::End(end) => match end.name().as_ref() {
                b"code" if is_counted => codes.push(value.trim().to_owned()),
                b"text" => text.push_str(&value),
                b"doc" => {
                    codes.sort();
                    codes.dedup();
                    notes.push(Coded {
                        text: std::mem::take(&mut text),
                        codes: std::mem::take(&mut codes),
                    });
                }
                _ => {}
            },
            Event::Eof => return Ok(notes),
            _ => {}
        }
    }
}

/// The case reports of one part (`train`, `dev`) of the `CodiEsp` corpus, in English.
pub fn case_reports(folder: &Path, part: &str) -> Result<Vec<Coded>, GoldError> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|source| GoldError::File {
            path: path.to_owned(),
            source,
        })
    };
    let table = read(&folder.join(part).join(format!("{part}D.tsv")))?;
    let mut by_name: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for line in table.lines() {
        let mut columns = line.split('\t');
        if let (Some(name), Some(code)) = (columns.next(), columns.next()) {
            by_name
                .entry(name)
                .or_default()
                .push(with_dot(&code.trim().to_uppercase()));
        }
    }
    let texts = folder.join(part).join("text_files_en");
    by_name
        .into_iter()
        .map(|(name, mut codes)| {
            codes.sort();
            codes.dedup();
            let text = read(&texts.join(format!("{name}.txt")))?;
            Ok(Coded { text, codes })
        })
        .collect()
}

/// The code with a dot after its category.
fn with_dot(code: &str) -> String {
    let plain = code.replace('.', "");
    match plain.split_at_checked(3) {
        Some((category, rest)) if !rest.is_empty() => format!("{category}.{rest}"),
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_its_texts_and_the_majority_s_codes() {
        let xml = r#"<docs><doc id="1"><codes><code origin="CMC_MAJORITY">786.2</code>
            <code origin="COMPANY1">780.6</code></codes><texts>
            <text origin="C" type="CLINICAL_HISTORY">Cough &amp; cold.</text>
            <text origin="C" type="IMPRESSION">Normal.</text></texts></doc></docs>"#;
        assert_eq!(
            radiology_reports(xml).unwrap(),
            [Coded {
                text: "CLINICAL_HISTORY:\nCough & cold.\nIMPRESSION:\nNormal.".to_owned(),
                codes: vec!["786.2".to_owned()]
            }]
        );
        assert!(radiology_reports("<docs></doc>").is_err());
    }

    #[test]
    fn a_dot_follows_the_category() {
        assert_eq!(with_dot("R509"), "R50.9");
        assert_eq!(with_dot("I10"), "I10");
        assert_eq!(with_dot("é"), "é");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = case_reports(Path::new("nowhere"), "train").unwrap_err();
        assert!(error.to_string().contains("trainD.tsv"), "{error}");
    }
}
