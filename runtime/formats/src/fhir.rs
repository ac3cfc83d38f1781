//! FHIR R4 as JSON: the documents that resources carry.
//!
//! Of each resource only the few elements are read that lead to a narrative; the model crates
//! for FHIR are larger than this whole workspace.

use std::collections::HashMap;

use lightsout_nlp::SectionKind;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Rejection, attachment, cda::meaning, html, json, lines::Lines, write_within};

/// Writes the narratives of a resource that lies `depth` deep.
pub(crate) fn write(text: &str, lines: &mut Lines, depth: usize) -> Result<(), Rejection> {
    let value = json::parse(text)?;
    let kind = kind(&value).to_owned();
    let mut chart = Chart {
        lines,
        depth,
        binaries: HashMap::new(),
        subject: None,
    };
    if kind == "Bundle" {
        return chart.bundle(value);
    }
    if !is_read(&kind) {
        return Err(Rejection::UnknownJson);
    }
    chart.resource(&kind, &kind, value)
}

fn kind(resource: &Value) -> &str {
    resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn is_read(kind: &str) -> bool {
    matches!(
        kind,
        "DocumentReference" | "DiagnosticReport" | "Composition" | "Binary"
    )
}

/// <https://hl7.org/fhir/R4/bundle.html>
#[derive(Deserialize)]
struct Bundle {
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    full_url: Option<String>,
    #[serde(default)]
    resource: Value,
}

/// <https://hl7.org/fhir/R4/documentreference.html>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DocumentReference {
    status: Option<String>,
    doc_status: Option<String>,
    subject: Option<Reference>,
    #[serde(default)]
    content: Vec<Content>,
}

#[derive(Deserialize)]
struct Content {
    attachment: Attachment,
}

/// <https://hl7.org/fhir/R4/diagnosticreport.html>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DiagnosticReport {
    status: Option<String>,
    subject: Option<Reference>,
    conclusion: Option<String>,
    #[serde(default)]
    presented_form: Vec<Attachment>,
}

/// <https://hl7.org/fhir/R4/composition.html>
#[derive(Deserialize)]
struct Composition {
    status: Option<String>,
    subject: Option<Reference>,
    #[serde(default)]
    section: Vec<Section>,
}

#[derive(Deserialize)]
struct Section {
    title: Option<String>,
    code: Option<Concept>,
    text: Option<Div>,
    #[serde(default, rename = "section")]
    inner: Vec<Self>,
}

#[derive(Deserialize)]
struct Concept {
    #[serde(default)]
    coding: Vec<Coding>,
}

#[derive(Deserialize)]
struct Coding {
    code: Option<String>,
}

#[derive(Deserialize)]
struct Div {
    div: Option<String>,
}

#[derive(Deserialize)]
struct Reference {
    reference: Option<String>,
}

/// <https://hl7.org/fhir/R4/datatypes.html#Attachment>; a Binary has the first two as well.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attachment {
    content_type: Option<String>,
    data: Option<String>,
    url: Option<String>,
    size: Option<u64>,
    hash: Option<String>,
}

impl Attachment {
    /// The form that loses least comes first: words, then a page, then XML.
    fn rank(&self) -> u8 {
        let kind = self.content_type.as_deref().unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        match kind.to_ascii_lowercase().as_str() {
            "text/plain" => 0,
            "text/html" | "application/xhtml+xml" => 1,
            "text/xml" | "application/xml" | "application/hl7-cda+xml" => 2,
            "" => 3,
            _ => 4,
        }
    }

    fn charset(&self) -> Option<&str> {
        let kind = self.content_type.as_deref()?;
        let parameters = kind.split(';').skip(1);
        let charset = parameters
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
        Some(charset.1.trim().trim_matches('"'))
    }
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Rejection> {
    serde_json::from_value(value).map_err(|_| Rejection::MalformedResource)
}

struct Chart<'l> {
    lines: &'l mut Lines,
    depth: usize,
    /// The Binary resources of a bundle by their URL, and whether one was taken.
    binaries: HashMap<String, Attachment>,
    /// Of whom the chart tells.
    subject: Option<String>,
}

impl Chart<'_> {
    fn bundle(&mut self, value: Value) -> Result<(), Rejection> {
        let bundle: Bundle = typed(value)?;
        let mut resources = Vec::new();
        let mut binaries = Vec::new();
        for (number, entry) in bundle.entry.into_iter().enumerate() {
            let place = format!("Bundle.entry[{number}].resource");
            match kind(&entry.resource) {
                "Binary" => {
                    let id = entry.resource.get("id").and_then(Value::as_str);
                    let local = id.map(|id| format!("Binary/{id}"));
                    let binary: Attachment = typed(entry.resource)?;
                    let urls: Vec<String> = entry.full_url.into_iter().chain(local).collect();
                    for url in &urls {
                        self.binaries.insert(url.clone(), binary.clone());
                    }
                    binaries.push((place, urls, binary));
                }
                "Composition" => resources.insert(0, (place, "Composition", entry.resource)),
                "DocumentReference" => {
                    resources.push((place, "DocumentReference", entry.resource));
                }
                "DiagnosticReport" => resources.push((place, "DiagnosticReport", entry.resource)),
                _ => {}
            }
        }
        let is_empty = resources.is_empty() && binaries.is_empty();
        for (place, kind, resource) in resources {
            match self.resource(kind, &place, resource) {
                Ok(()) => {}
                // What tells of another patient, or is no FHIR, is not for us to pick from.
                Err(rejection @ (Rejection::SeveralPatients | Rejection::MalformedResource)) => {
                    return Err(rejection);
                }
                Err(rejection) => self.lines.leave_out(&place, rejection),
            }
        }
        // A Binary that no resource leads to is a document too.
        for (place, urls, binary) in binaries {
            let is_taken = urls.iter().any(|url| !self.binaries.contains_key(url));
            if !is_taken {
                self.one_of(&place, vec![(String::new(), binary)]);
            }
        }
        if is_empty {
            return Err(Rejection::UnknownJson);
        }
        Ok(())
    }

    fn resource(&mut self, kind: &str, place: &str, value: Value) -> Result<(), Rejection> {
        match kind {
            "DocumentReference" => self.document_reference(place, typed(value)?),
            "DiagnosticReport" => self.report(place, typed(value)?),
            "Composition" => self.composition(place, &typed(value)?),
            _ => {
                self.one_of(place, vec![(String::new(), typed(value)?)]);
                Ok(())
            }
        }
    }

    fn document_reference(
        &mut self,
        place: &str,
        document: DocumentReference,
    ) -> Result<(), Rejection> {
        valid(document.status.as_deref())?;
        valid(document.doc_status.as_deref())?;
        self.of(document.subject)?;
        // Repetitions of `content` are the same document in other formats.
        let forms = document.content.into_iter().enumerate();
        self.one_of(
            place,
            forms
                .map(|(number, content)| {
                    (format!(".content[{number}].attachment"), content.attachment)
                })
                .collect(),
        );
        Ok(())
    }

    fn report(&mut self, place: &str, report: DiagnosticReport) -> Result<(), Rejection> {
        valid(report.status.as_deref())?;
        self.of(report.subject)?;
        let before = self.lines.parts();
        // Repetitions of `presentedForm` are equal in meaning, and hold the conclusion.
        let forms = report.presented_form.into_iter().enumerate();
        let forms: Vec<_> = forms
            .map(|(number, form)| (format!(".presentedForm[{number}]"), form))
            .collect();
        if !forms.is_empty() {
            self.one_of(place, forms);
        }
        if let Some(conclusion) = report.conclusion
            && self.lines.parts() == before
        {
            self.lines.heading("Conclusion", SectionKind::Assessment);
            self.lines.begin_part(&format!("{place}.conclusion"));
            self.lines.block(&conclusion);
        }
        Ok(())
    }

    fn composition(&mut self, place: &str, composition: &Composition) -> Result<(), Rejection> {
        valid(composition.status.as_deref())?;
        if let Some(subject) = &composition.subject {
            self.of(Some(Reference {
                reference: subject.reference.clone(),
            }))?;
        }
        self.sections(place, &composition.section, SectionKind::Unnamed);
        Ok(())
    }

    /// Sections lie no deeper within each other than JSON may.
    fn sections(&mut self, place: &str, sections: &[Section], around: SectionKind) {
        for (number, section) in sections.iter().enumerate() {
            let place = format!("{place}.section[{number}]");
            let codes = section.code.iter().flat_map(|concept| &concept.coding);
            let implied = codes
                .filter_map(|coding| coding.code.as_deref())
                .find_map(meaning);
            let title = section.title.as_deref().unwrap_or_default();
            let kind = self.lines.heading(title, implied.unwrap_or(around));
            if let Some(div) = section.text.as_ref().and_then(|text| text.div.as_deref()) {
                self.lines.begin_part(&format!("{place}.text"));
                html::write(div, self.lines);
                self.lines.paragraph();
            }
            self.sections(&place, &section.inner, kind);
        }
    }

    /// Writes the best form that can be read of one document.
    fn one_of(&mut self, place: &str, mut forms: Vec<(String, Attachment)>) {
        forms.sort_by_key(|(_, form)| form.rank());
        let mut first = None;
        for (step, form) in forms {
            let place = format!("{place}{step}");
            match self.attachment(&place, form) {
                Ok(()) => return,
                Err(rejection) => drop(first.get_or_insert((place, rejection))),
            }
        }
        let (place, rejection) =
            first.unwrap_or_else(|| (place.to_owned(), Rejection::AttachmentMissing));
        self.lines.leave_out(&place, rejection);
    }

    fn attachment(&mut self, place: &str, mut form: Attachment) -> Result<(), Rejection> {
        if form.data.is_none()
            && let Some(url) = &form.url
        {
            let binary = self.binary(url).ok_or(Rejection::AttachmentElsewhere)?;
            form.data = binary.data;
            form.content_type = form.content_type.or(binary.content_type);
        }
        let data = form.data.as_deref().ok_or(Rejection::AttachmentMissing)?;
        let bytes = attachment::from_base64(data)?;
        attachment::check(&bytes, form.size, form.hash.as_deref())?;
        let (charset, depth) = (form.charset(), self.depth + 1);
        self.lines
            .within(place, |lines| write_within(&bytes, charset, lines, depth))
    }

    /// The Binary of the same bundle that a URL names; it is taken once.
    fn binary(&mut self, url: &str) -> Option<Attachment> {
        if let Some(binary) = self.binaries.remove(url) {
            return Some(binary);
        }
        let at = url.rfind("Binary/")?;
        self.binaries.remove(&url[at..])
    }

    /// Notes of whom a resource tells; references to one patient end alike.
    fn of(&mut self, subject: Option<Reference>) -> Result<(), Rejection> {
        let Some(reference) = subject.and_then(|subject| subject.reference) else {
            return Ok(());
        };
        let id = reference
            .rsplit(['/', ':'])
            .next()
            .unwrap_or_default()
            .to_owned();
        if *self.subject.get_or_insert_with(|| id.clone()) == id {
            Ok(())
        } else {
            Err(Rejection::SeveralPatients)
        }
    }
}

/// Whether a document of this status is to be read
/// ([statuses of references](https://hl7.org/fhir/R4/valueset-document-reference-status.html),
/// [of documents](https://hl7.org/fhir/R4/valueset-composition-status.html),
/// [of reports](https://hl7.org/fhir/R4/valueset-diagnostic-report-status.html)).
fn valid(status: Option<&str>) -> Result<(), Rejection> {
    match status {
        Some("entered-in-error") => Err(Rejection::EnteredInError),
        Some("superseded") => Err(Rejection::Superseded),
        Some("cancelled") => Err(Rejection::Cancelled),
        _ => Ok(()),
    }
}
