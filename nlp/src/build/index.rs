//! The XML of the official release's index and tables.
//!
//! One schema serves the alphabetic index, the index to external causes, the table of neoplasms
//! and the table of drugs: main terms with terms below them, each with a title, its nonessential
//! modifiers, and a code, cells of codes by column, or another entry to see.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// What a file must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IndexKind {
    /// The alphabetic index to diseases and injuries.
    Diseases,
    /// The table of neoplasms.
    Neoplasms,
    /// The table of drugs and chemicals.
    Drugs,
    /// The index to external causes.
    ExternalCauses,
}

/// A file of the release, read.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Main terms and terms, each after the one that it stands below.
    pub(super) entries: Vec<Entry>,
}

/// A main term or a term below it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) parent: Option<usize>,
    /// The title without its nonessential modifiers.
    pub(super) title: String,
    /// The nonessential modifiers, each without its parentheses.
    pub(super) modifiers: Vec<String>,
    /// The code or category.
    pub(super) code: Option<Reference>,
    /// The codes of a table by column; what the table has none for is left out.
    pub(super) cells: BTreeMap<u8, Reference>,
    /// The entry to see instead, or also.
    pub(super) see: Option<String>,
}

/// A code with the byte at which its element ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// The code or category, without the dash of an incomplete one.
    pub(super) code: String,
    pub(super) at: u64,
}

impl IndexKind {
    /// What a person calls such a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Diseases => "alphabetic index",
            Self::Neoplasms => "table of neoplasms",
            Self::Drugs => "table of drugs and chemicals",
            Self::ExternalCauses => "index to external causes",
        }
    }

    /// The kind that a title of the file or the head of its first column tells.
    fn told_by(text: &str) -> Option<Self> {
        let text = text.to_ascii_uppercase();
        match text.as_str() {
            "NEOPLASM" => Some(Self::Neoplasms),
            "SUBSTANCE" => Some(Self::Drugs),
            _ if text.contains("EXTERNAL CAUSE") => Some(Self::ExternalCauses),
            _ if text.contains("INDEX TO DISEASES") => Some(Self::Diseases),
            _ => None,
        }
    }
}

/// Reads a file of this kind and year, or says with file and line what is wrong with it.
pub(super) fn read(
    kind: IndexKind,
    fiscal_year: &str,
    file: &str,
    xml: &str,
) -> Result<Index, String> {
    let mut reader = Reader::from_str(xml);
    let mut file_so_far = FileSoFar::default();
    loop {
        let event = reader.read_event().map_err(|error| {
            let line = line_of(xml, reader.error_position());
            format!("{file}:{line}: no well-formed XML: {error}")
        })?;
        match event {
            Event::Start(start) => file_so_far
                .start(&start)
                .map_err(|problem| format!("{file}:1: {problem}"))?,
            Event::Text(part) => {
                let part = String::from_utf8_lossy(part.as_ref());
                file_so_far.text.push_str(&part);
            }
            Event::GeneralRef(reference) => file_so_far.text.push_str(&character(&reference)),
            Event::End(_) => file_so_far.end(reader.buffer_position()),
            Event::Eof if file_so_far.path.is_empty() => break,
            Event::Eof => {
                let within = file_so_far.path.join("/");
                return Err(format!(
                    "{file}: the file ends within `{within}`; it is cut off"
                ));
            }
            _ => {}
        }
    }
    let FileSoFar {
        index, told, year, ..
    } = file_so_far;
    if index.entries.is_empty() {
        return Err(format!("{file}: no `mainTerm` in it"));
    }
    // The alphabetic index is the one whose file need not say what it is.
    let is = told.unwrap_or(IndexKind::Diseases);
    if is != kind {
        let (is, expected) = (is.name(), kind.name());
        return Err(format!("{file}: this is the {is}, expected the {expected}"));
    }
    match year {
        Some(year) if year == fiscal_year => Ok(index),
        Some(year) => Err(format!(
            "{file}: this is of fiscal year `{year}`, expected `{fiscal_year}`; import into the edition of that year"
        )),
        None => Err(format!(
            "{file}: no `version` says of what fiscal year it is"
        )),
    }
}

/// The line of a byte, counted from one.
pub(super) fn line_of(xml: &str, byte: u64) -> usize {
    let to = usize::try_from(byte).unwrap_or(xml.len()).min(xml.len());
    let before = xml.as_bytes().get(..to).unwrap_or_default();
    before.split(|byte| *byte == b'\n').count()
}

/// What is read of a file, and where in it the reader stands.
#[derive(Default)]
struct FileSoFar {
    index: Index,
    /// The kind that the file says it is of.
    told: Option<IndexKind>,
    year: Option<String>,
    path: Vec<String>,
    open: Vec<usize>,
    text: String,
    column: Option<u8>,
}

impl FileSoFar {
    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), String> {
        let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
        if self.path.is_empty() && name != "ICD10CM.index" {
            return Err(format!(
                "the root is `{name}`, expected `ICD10CM.index`; take the XML of the official release"
            ));
        }
        match name.as_str() {
            "mainTerm" | "term" => {
                let parent = self.open.last().copied();
                self.open.push(self.index.entries.len());
                self.index.entries.push(Entry {
                    parent,
                    ..Entry::default()
                });
            }
            "cell" | "head" => {
                let attribute = start.try_get_attribute("col").ok().flatten();
                self.column = attribute
                    .and_then(|column| std::str::from_utf8(&column.value).ok()?.parse().ok());
            }
            "nemod" => {
                // The title goes on behind its modifiers.
                if let Some(at) = self.open.last() {
                    let entry = &mut self.index.entries[*at];
                    entry.title.push_str(&self.text);
                    entry.title.push(' ');
                }
            }
            _ => {}
        }
        self.path.push(name);
        self.text.clear();
        Ok(())
    }

    /// The element that ends at this byte.
    fn end(&mut self, at: u64) {
        let value = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.text.clear();
        let element = self.path.pop().unwrap_or_default();
        let within = self.path.last().map(String::as_str).unwrap_or_default();
        let reference = || {
            let code = value.trim_end_matches('-').trim_end_matches('.');
            (!code.is_empty()).then(|| Reference {
                code: code.to_owned(),
                at,
            })
        };
        let current = self.open.last().map(|at| &mut self.index.entries[*at]);
        match (within, element.as_str(), current) {
            ("ICD10CM.index", "version", _) => self.year = Some(value),
            ("ICD10CM.index", "title", _) => self.told = IndexKind::told_by(&value),
            ("indexHeading", "head", _) if self.column == Some(1) => {
                self.told = IndexKind::told_by(&value);
            }
            ("title", "nemod", Some(entry)) => entry.modifiers.extend(
                value
                    .split(['(', ')'])
                    .map(str::trim)
                    .filter(|modifier| !modifier.is_empty())
                    .map(str::to_owned),
            ),
            ("mainTerm" | "term", "title", Some(entry)) => {
                let title = format!("{}{value}", entry.title);
                entry.title = title.split_whitespace().collect::<Vec<_>>().join(" ");
            }
            (_, "code" | "subcat", Some(entry)) => entry.code = reference(),
            (_, "cell", Some(entry)) => entry.cells.extend(self.column.take().zip(reference())),
            (_, "see", Some(entry)) => entry.see = Some(value),
            (_, "seeAlso", Some(entry)) => entry.see = entry.see.take().or(Some(value)),
            (_, "mainTerm" | "term", _) => {
                self.open.pop();
            }
            _ => {}
        }
    }
}

/// The character that a reference such as `&amp;` stands for.
fn character(reference: &BytesRef<'_>) -> String {
    match String::from_utf8_lossy(reference.as_ref()).as_ref() {
        "amp" => "&".to_owned(),
        "lt" => "<".to_owned(),
        "gt" => ">".to_owned(),
        "apos" => "'".to_owned(),
        "quot" => "\"".to_owned(),
        _ => {
            let character = reference.resolve_char_ref().ok().flatten();
            character.map(String::from).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = r#"<?xml version="1.0"?>
<ICD10CM.index>
  <version>2026</version>
  <title>ICD-10-CM INDEX TO DISEASES and INJURIES</title>
  <letter><title>B</title>
    <mainTerm><title>Boil<nemod>(deep) (red)</nemod> NEC</title>
      <code>L02.92</code>
      <term level="1"><title>ear, aural</title><code>H60.0-</code></term>
      <term level="1"><title>eye</title><see>Stye</see></term>
    </mainTerm>
  </letter>
</ICD10CM.index>
"#;

    #[test]
    fn entries_come_with_modifiers_codes_and_what_to_see() {
        let index = read(IndexKind::Diseases, "2026", "i.xml", INDEX).unwrap();
        let [boil, ear, eye] = index.entries.as_slice() else {
            panic!("{index:?}")
        };
        assert_eq!(boil.title, "Boil NEC");
        assert_eq!(boil.modifiers, ["deep", "red"]);
        let code = boil.code.as_ref().unwrap();
        assert_eq!((code.code.as_str(), line_of(INDEX, code.at)), ("L02.92", 7));
        assert_eq!((ear.parent, ear.title.as_str()), (Some(0), "ear, aural"));
        assert_eq!(ear.code.as_ref().unwrap().code, "H60.0");
        assert_eq!(eye.see.as_deref(), Some("Stye"));
    }

    #[test]
    fn another_file_or_year_is_told_with_its_name() {
        let problem = |kind, year, xml: &str| read(kind, year, "i.xml", xml).unwrap_err();
        assert_eq!(
            problem(IndexKind::Drugs, "2026", INDEX),
            "i.xml: this is the alphabetic index, expected the table of drugs and chemicals"
        );
        assert!(problem(IndexKind::Diseases, "2025", INDEX).contains("fiscal year `2026`"));
        assert!(problem(IndexKind::Diseases, "2026", "<a></a>").contains("the root is `a`"));
        let cut = INDEX.split("</mainTerm>").next().unwrap();
        assert!(problem(IndexKind::Diseases, "2026", cut).contains("cut off"));
        let crossed = INDEX.replace("</code>", "</title>");
        assert!(
            problem(IndexKind::Diseases, "2026", &crossed)
                .starts_with("i.xml:7: no well-formed XML")
        );
        assert!(read(IndexKind::Diseases, "2026", "i.xml", "\u{0}<").is_err());
    }
}
