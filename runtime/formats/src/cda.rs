//! C-CDA: the narrative blocks of a document's sections.
//!
//! A section's `text` is its attested content, and its entries say the same in codes
//! ([CDA R2](https://www.hl7.org/implement/standards/product_brief.cfm?product_id=7), 1.3 and
//! 4.3.5; C-CDA R2.1, volume 1, 4.1): the narrative suffices.

use lightsout_nlp::SectionKind;

use crate::{
    Rejection, attachment,
    lines::{LineEnds, Lines, Row},
    write_within,
    xml::{Element, Node, Xml},
};

/// The namespace of CDA R2.
const CDA: &str = "urn:hl7-org:v3";
/// The namespace of FHIR.
const FHIR: &str = "http://hl7.org/fhir";

/// What an element is in the document's frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Document,
    /// The document's `component`.
    Content,
    Body,
    /// A body's or section's `component`.
    Component,
    Section,
    Title,
    /// A section's `text` or an element in it.
    Narrative(Inline),
    NonXmlBody,
    NonXmlText,
    /// Anything that is not read.
    Other,
}

/// What an element of a narrative does to its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inline {
    Nothing,
    Paragraph,
    Line,
    Item,
    Head,
    Row,
    Note,
}

/// A section that is open.
struct Section {
    path: String,
    title: String,
    /// What its LOINC code or the section around it means.
    implied: SectionKind,
    is_announced: bool,
    components: usize,
}

/// Writes the narrative of a document that lies `depth` deep.
pub(crate) fn write(text: &str, lines: &mut Lines, depth: usize) -> Result<(), Rejection> {
    let mut document = Document {
        xml: Xml::new(text),
        lines,
        places: Vec::new(),
        sections: Vec::new(),
        body_components: 0,
        heads: 0,
        non_xml: None,
    };
    document.read()?;
    let Some(non_xml) = document.non_xml else {
        return Ok(());
    };
    let place = "/ClinicalDocument/component/nonXMLBody/text";
    if non_xml.is_link && non_xml.text.trim().is_empty() {
        lines.leave_out(place, Rejection::AttachmentElsewhere);
        return Ok(());
    }
    lines.within(place, |lines| {
        if non_xml.is_base64 {
            let bytes = attachment::from_base64(&non_xml.text)?;
            write_within(&bytes, None, lines, depth + 1)
        } else {
            write_within(non_xml.text.as_bytes(), None, lines, depth + 1)
        }
    })
}

/// The body of a document that is not XML.
struct NonXml {
    is_base64: bool,
    is_link: bool,
    text: String,
}

struct Document<'a, 'l> {
    xml: Xml<'a>,
    lines: &'l mut Lines,
    places: Vec<Place>,
    sections: Vec<Section>,
    body_components: usize,
    /// How many `thead` are open.
    heads: usize,
    non_xml: Option<NonXml>,
}

impl Document<'_, '_> {
    fn read(&mut self) -> Result<(), Rejection> {
        while let Some(node) = self.xml.next()? {
            match node {
                Node::Open(element) => {
                    let place = match self.places.last() {
                        None => root(&element)?,
                        Some(parent) => self.open(*parent, &element),
                    };
                    self.places.push(place);
                }
                Node::Close => {
                    let place = self.places.pop();
                    self.close(place);
                }
                Node::Text(text) => self.text(&text),
            }
        }
        Ok(())
    }

    fn open(&mut self, parent: Place, element: &Element<'_>) -> Place {
        match (parent, element.name()) {
            (Place::Document, "component") => Place::Content,
            (Place::Content, "structuredBody") => Place::Body,
            (Place::Content, "nonXMLBody") => Place::NonXmlBody,
            (Place::NonXmlBody, "text") => {
                let representation = element.attribute("representation");
                self.non_xml = Some(NonXml {
                    is_base64: representation.is_some_and(|kind| kind == "B64"),
                    is_link: false,
                    text: String::new(),
                });
                Place::NonXmlText
            }
            (Place::NonXmlText, "reference") => {
                if let Some(body) = &mut self.non_xml {
                    body.is_link = true;
                }
                Place::Other
            }
            (Place::Body, "component") => {
                self.body_components += 1;
                Place::Component
            }
            (Place::Component, "section") => {
                self.open_section();
                Place::Section
            }
            (Place::Section, "component") => {
                self.announce();
                if let Some(section) = self.sections.last_mut() {
                    section.components += 1;
                }
                Place::Component
            }
            (Place::Section, "code") => {
                let kind = element.attribute("code").and_then(|code| meaning(&code));
                if let (Some(section), Some(kind)) = (self.sections.last_mut(), kind) {
                    section.implied = kind;
                }
                Place::Other
            }
            (Place::Section, "title") | (Place::Title, _) => Place::Title,
            (Place::Section, "text") => {
                self.announce();
                if let Some(section) = self.sections.last() {
                    self.lines.begin_part(&format!("{}/text", section.path));
                }
                Place::Narrative(Inline::Nothing)
            }
            (Place::Narrative(_), name) => self.open_inline(name, element),
            _ => Place::Other,
        }
    }

    /// Elements of a narrative (CDA R2, 4.3.5; `NarrativeBlock.xsd`).
    fn open_inline(&mut self, name: &str, element: &Element<'_>) -> Place {
        let inline = match name {
            // What was struck out in a revision is not said any more (4.3.5.1.1).
            "content"
                if element
                    .attribute("revised")
                    .is_some_and(|how| how == "delete") =>
            {
                return Place::Other;
            }
            "renderMultiMedia" | "footnoteRef" => return Place::Other,
            "paragraph" | "p" | "caption" => {
                self.lines.paragraph();
                Inline::Paragraph
            }
            "br" => {
                self.lines.line();
                Inline::Nothing
            }
            "list" | "table" => {
                self.lines.line();
                Inline::Line
            }
            "item" => {
                self.lines.item();
                Inline::Item
            }
            "thead" => {
                self.heads += 1;
                Inline::Head
            }
            "tr" => {
                self.lines
                    .row(if self.heads > 0 { Row::Head } else { Row::Body });
                Inline::Row
            }
            "td" | "th" => {
                self.lines.cell();
                Inline::Nothing
            }
            "footnote" => {
                self.lines.words(" (", LineEnds::Fold);
                Inline::Note
            }
            _ => Inline::Nothing,
        };
        Place::Narrative(inline)
    }

    fn close(&mut self, place: Option<Place>) {
        match place {
            Some(Place::Section) => drop(self.sections.pop()),
            Some(Place::Narrative(inline)) => match inline {
                Inline::Nothing => {}
                Inline::Paragraph => self.lines.paragraph(),
                Inline::Line | Inline::Item => self.lines.line(),
                Inline::Head => self.heads = self.heads.saturating_sub(1),
                Inline::Row => self.lines.end_row(),
                Inline::Note => self.lines.words(")", LineEnds::Fold),
            },
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        match self.places.last() {
            // Programs put whole notes into a narrative without any markup, and line ends are
            // all that they have.
            Some(Place::Narrative(_)) => self.lines.words(text, LineEnds::Keep),
            Some(Place::Title) => {
                if let Some(section) = self.sections.last_mut() {
                    section.title.push_str(text);
                }
            }
            Some(Place::NonXmlText) => {
                if let Some(body) = &mut self.non_xml {
                    body.text.push_str(text);
                }
            }
            _ => {}
        }
    }

    fn open_section(&mut self) {
        let (path, implied) = match self.sections.last() {
            Some(around) => (
                format!("{}/component[{}]/section", around.path, around.components),
                around.implied,
            ),
            None => (
                format!(
                    "/ClinicalDocument/component/structuredBody/component[{}]/section",
                    self.body_components
                ),
                SectionKind::Unnamed,
            ),
        };
        self.sections.push(Section {
            path,
            title: String::new(),
            implied,
            is_announced: false,
            components: 0,
        });
    }

    /// Writes the section's heading once.
    fn announce(&mut self) {
        if let Some(section) = self.sections.last_mut()
            && !std::mem::replace(&mut section.is_announced, true)
        {
            section.implied = self.lines.heading(&section.title, section.implied);
        }
    }
}

fn root(element: &Element<'_>) -> Result<Place, Rejection> {
    let namespace = element.namespace();
    match (element.name(), namespace.as_deref()) {
        ("ClinicalDocument", Some(CDA)) => Ok(Place::Document),
        (_, Some(FHIR)) => Err(Rejection::FhirXml),
        _ => Err(Rejection::UnknownXml),
    }
}

/// What the LOINC code of a section means to the engine, for titles that it does not know
/// (C-CDA R2.1, volume 2, chapter 2, and
/// [LOINC's document sections](https://loinc.org/document-ontology/)).
pub(crate) fn meaning(loinc: &str) -> Option<SectionKind> {
    Some(match loinc {
        "10154-3" | "46239-0" | "29299-5" => SectionKind::ChiefComplaint,
        "42349-1" | "59768-2" => SectionKind::Indication,
        "10164-2" | "8648-8" | "61150-9" => SectionKind::PresentIllness,
        "11348-0" | "11450-4" => SectionKind::PastMedicalHistory,
        "10167-5" | "47519-4" => SectionKind::PastSurgicalHistory,
        "10157-6" => SectionKind::FamilyHistory,
        "29762-2" => SectionKind::SocialHistory,
        "10187-3" => SectionKind::ReviewOfSystems,
        "10160-0" | "10183-2" | "42346-7" | "29549-3" => SectionKind::Medications,
        "48765-2" => SectionKind::Allergies,
        "8716-3" | "29545-1" | "10210-3" | "10184-0" | "61149-1" | "10190-7" => {
            SectionKind::Examination
        }
        "30954-2" | "11493-4" | "59776-5" => SectionKind::Results,
        "29554-3" => SectionKind::Technique,
        "51848-0" | "51847-2" | "11535-2" | "46241-6" | "10218-6" | "10219-4" => {
            SectionKind::Assessment
        }
        "18776-5" | "61146-7" => SectionKind::Plan,
        "8653-8" | "69730-0" => SectionKind::Instructions,
        // Immunizations, encounters, payers and the like.
        _ => return None,
    })
}
