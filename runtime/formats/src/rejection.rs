//! Why a chart is not read.

/// Why a chart, or a part of one, is not read; says nothing of what it holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// It is no text, too large, or empty.
    #[error(transparent)]
    Text(#[from] lightsout_nlp::Rejection),
    /// It is another kind of file.
    #[error(
        "the chart is {kind}, which is not read; send its text as UTF-8, HTML, C-CDA, FHIR or HL7 v2"
    )]
    Binary {
        /// The kind, with its article.
        kind: &'static str,
    },
    /// It declares an encoding that is not read.
    #[error(
        "the chart declares a character encoding that is not read; save it as UTF-8, UTF-16, Windows-1252 or ISO 8859-1 or -15"
    )]
    UnknownEncoding,
    /// Its bytes do not fit the encoding that it declares.
    #[error(
        "the chart's bytes do not fit the character encoding that it declares; save it anew as UTF-8"
    )]
    BrokenEncoding,
    /// Its XML does not hold together.
    #[error("the XML is broken or cut off at byte {byte}; send the whole document as it was made")]
    MalformedXml {
        /// Where reading ended, in bytes of UTF-8.
        byte: usize,
    },
    /// It defines or uses entities.
    #[error(
        "the XML declares a document type or uses an entity of its own at byte {byte}; send it without, with characters written out"
    )]
    ExternalEntity {
        /// Where, in bytes of UTF-8.
        byte: usize,
    },
    /// It is XML of another kind.
    #[error(
        "the XML is no CDA R2 document; send a `ClinicalDocument` of the namespace `urn:hl7-org:v3`"
    )]
    UnknownXml,
    /// It is a FHIR resource as XML.
    #[error("the FHIR resource is XML; send it as JSON (`application/fhir+json`)")]
    FhirXml,
    /// Its JSON does not hold together.
    #[error(
        "the JSON is broken or cut off at line {line}, column {column}; send the whole resource as it was made"
    )]
    MalformedJson {
        /// Where reading ended.
        line: usize,
        /// Where in the line.
        column: usize,
    },
    /// It is JSON of another kind.
    #[error(
        "the JSON is no FHIR R4 resource with a narrative; send a DocumentReference, DiagnosticReport, Composition or Binary, or a Bundle of them"
    )]
    UnknownJson,
    /// A FHIR resource has elements that R4 does not allow there.
    #[error(
        "the FHIR resource does not have the elements of R4; validate it against R4 and send it again"
    )]
    MalformedResource,
    /// It is several resources, one on each line.
    #[error(
        "the file holds several JSON values; send each resource as a file of its own, or a Bundle"
    )]
    SeveralResources,
    /// It tells of several patients.
    #[error("the chart tells of several patients; send one chart for each")]
    SeveralPatients,
    /// Things lie too deeply within each other.
    #[error("the chart is nested more than {limit} deep; send its text without the nesting")]
    TooDeep {
        /// The deepest that is read.
        limit: usize,
    },
    /// There are too many parts.
    #[error("the chart has more than {limit} parts; split it into its documents")]
    TooManyParts {
        /// The most that are read.
        limit: usize,
    },
    /// An attachment is only named.
    #[error(
        "the attachment is a link, and links are not followed; send its bytes in `data`, or its text"
    )]
    AttachmentElsewhere,
    /// An attachment has neither bytes nor a link.
    #[error("the attachment has no data; send its bytes in `data`")]
    AttachmentMissing,
    /// An attachment is not what its size or hash say.
    #[error("the attachment does not have the size or hash that stand beside it; send it again")]
    AttachmentDamaged,
    /// Base64 does not hold together.
    #[error("the base64 (or hex) text of an attachment is broken or cut off; encode it again")]
    BrokenBase64,
    /// A document was entered in error.
    #[error("the document is marked as entered in error; nothing is to be coded")]
    EnteredInError,
    /// Another document takes its place.
    #[error("the document is marked as superseded or obsolete; send the one that replaces it")]
    Superseded,
    /// A document was cancelled.
    #[error(
        "the document or result is marked as cancelled, deleted or wrong; nothing is to be coded"
    )]
    Cancelled,
    /// A document is not finished.
    #[error(
        "the document is marked as incomplete, in progress or unavailable; send it when it is finished"
    )]
    Incomplete,
    /// A document has no text.
    #[error("the document has no narrative text; send one whose sections have text")]
    DocumentWithoutNarrative,
    /// A message carries no text.
    #[error(
        "the message carries no narrative; send ORU^R01, or MDM with the document's content (T02, T04, T06, T08, T10)"
    )]
    MessageWithoutNarrative,
    /// A message's header does not say how it is written.
    #[error(
        "the message's header does not name its delimiters; send it with MSH-1 and MSH-2 as in HL7 v2"
    )]
    MalformedMessage,
}

impl Rejection {
    /// A stable code for the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Text(rejection) => rejection.code(),
            Self::Binary { .. } => "binary",
            Self::UnknownEncoding => "unknown_encoding",
            Self::BrokenEncoding => "broken_encoding",
            Self::MalformedXml { .. } => "malformed_xml",
            Self::ExternalEntity { .. } => "external_entity",
            Self::UnknownXml => "unknown_xml",
            Self::FhirXml => "fhir_xml",
            Self::MalformedJson { .. } => "malformed_json",
            Self::UnknownJson => "unknown_json",
            Self::MalformedResource => "malformed_resource",
            Self::SeveralResources => "several_resources",
            Self::SeveralPatients => "several_patients",
            Self::TooDeep { .. } => "too_deep",
            Self::TooManyParts { .. } => "too_many_parts",
            Self::AttachmentElsewhere => "attachment_elsewhere",
            Self::AttachmentMissing => "attachment_missing",
            Self::AttachmentDamaged => "attachment_damaged",
            Self::BrokenBase64 => "broken_base64",
            Self::EnteredInError => "entered_in_error",
            Self::Superseded => "superseded",
            Self::Cancelled => "cancelled",
            Self::Incomplete => "incomplete",
            Self::DocumentWithoutNarrative => "document_without_narrative",
            Self::MessageWithoutNarrative => "message_without_narrative",
            Self::MalformedMessage => "malformed_message",
        }
    }
}
