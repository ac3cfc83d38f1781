//! What a chart is, by what it holds.

use std::borrow::Cow;

use lightsout_nlp::check_text;

use crate::{Rejection, encoding::decode, lines::has_letters};

/// A chart's text and what it is.
#[derive(Debug)]
pub(crate) enum Recognised<'a> {
    Text(Cow<'a, str>),
    Html(Cow<'a, str>),
    Cda(Cow<'a, str>),
    Fhir(Cow<'a, str>),
    Hl7(Cow<'a, str>),
}

/// Recognises a chart; `charset` is what was said of its characters where it was found.
pub(crate) fn recognise<'a>(
    bytes: &'a [u8],
    charset: Option<&str>,
) -> Result<Recognised<'a>, Rejection> {
    if let Some(kind) = binary(bytes) {
        return Err(Rejection::Binary { kind });
    }
    let text = decode(bytes, charset)?;
    let start = text.trim_start();
    if is_message(unframed(start.as_bytes())) {
        return Ok(Recognised::Hl7(text));
    }
    match start.as_bytes().first() {
        Some(b'<') => match markup(start) {
            Some(Markup::Html) => return Ok(Recognised::Html(text)),
            Some(Markup::Xml) => return Ok(Recognised::Cda(text)),
            None => {}
        },
        Some(b'{' | b'[') if is_json(start) => return Ok(Recognised::Fhir(text)),
        _ => {}
    }
    let checked = match text {
        Cow::Borrowed(text) => Cow::Borrowed(check_text(text.as_bytes())?),
        Cow::Owned(text) => Cow::Owned(check_text(text.as_bytes())?.to_owned()),
    };
    Ok(Recognised::Text(checked))
}

/// The kind of a file that is no text, by its first bytes.
fn binary(bytes: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 20] = [
        (b"%PDF-", "a PDF document"),
        (b"PK\x03\x04", "a ZIP archive or Office document"),
        (b"PK\x05\x06", "an empty ZIP archive"),
        (b"\x1f\x8b", "a gzip file"),
        (b"BZh", "a bzip2 file"),
        (b"\xfd7zXZ\0", "an xz file"),
        (b"\x28\xb5\x2f\xfd", "a zstd file"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"\xff\xd8\xff", "a JPEG picture"),
        (b"GIF87a", "a GIF picture"),
        (b"GIF89a", "a GIF picture"),
        (b"II*\0", "a TIFF picture"),
        (b"MM\0*", "a TIFF picture"),
        (b"BM\0\0", "a BMP picture"),
        (b"{\\rtf", "rich text (RTF)"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "an old Office document",
        ),
        (b"\x7fELF", "a program"),
        (b"RIFF", "a sound or picture file"),
    ];
    if bytes.get(128..132) == Some(b"DICM") {
        return Some("a DICOM object");
    }
    let begins = |(start, _): &&(&[u8], &str)| bytes.starts_with(start);
    // Words may begin so too (`BZhang`): they are followed by text.
    let found = KINDS.iter().find(begins)?;
    let is_word = matches!(found.0, b"BZh" | b"RIFF") && !bytes[..bytes.len().min(64)].contains(&0);
    (!is_word).then_some(found.1)
}

/// What remains after the byte that opens a frame of HL7's
/// [Minimal Lower Layer Protocol](https://www.hl7.org/documentcenter/public/wg/inm/mllp_transport_specification.PDF).
pub(crate) fn unframed(bytes: &[u8]) -> &[u8] {
    let begin = bytes
        .iter()
        .position(|byte| !byte.is_ascii_whitespace() && *byte != 0x0b);
    &bytes[begin.unwrap_or(bytes.len())..]
}

/// Whether HL7 v2 begins here: a header of a message, batch or file, and its delimiters
/// (HL7 v2.5.1, chapter 2, 2.5.4 and 2.10.3).
pub(crate) fn is_message(bytes: &[u8]) -> bool {
    [b"MSH", b"FHS", b"BHS"]
        .iter()
        .any(|name| bytes.starts_with(*name))
        && bytes.len() >= 6
        && bytes[3..6].iter().all(u8::is_ascii_punctuation)
}

enum Markup {
    Html,
    Xml,
}

/// What markup begins with this `<`, if it is markup and not "less than".
fn markup(start: &str) -> Option<Markup> {
    // A page or document tells what it is near its beginning; comments may come first.
    let mut rest = start;
    while let Some(comment) = rest.strip_prefix("<!--") {
        rest = comment
            .split_once("-->")
            .map_or("", |(_, rest)| rest)
            .trim_start();
    }
    let begins = |prefix: &str| {
        rest.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if begins("<!doctype html") || begins("<html") || begins("<body") {
        return Some(Markup::Html);
    }
    if begins("<?xml") {
        // XHTML: the declaration and then a page.
        let root = rest
            .split_once("?>")
            .map_or("", |(_, rest)| rest)
            .trim_start();
        let html = ["<!doctype html", "<html"].iter().any(|prefix| {
            root.get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        });
        return Some(if html { Markup::Html } else { Markup::Xml });
    }
    if begins("<!doctype") {
        return Some(Markup::Xml);
    }
    let tag = rest.strip_prefix('<')?;
    let tag = &tag[..tag.find('>')?];
    let name = tag
        .split(|letter: char| letter.is_whitespace() || letter == '/')
        .next()?;
    if name == "ClinicalDocument" || name.ends_with(":ClinicalDocument") || tag.contains("xmlns") {
        return Some(Markup::Xml);
    }
    // A fragment, as FHIR's narratives and many attachments are.
    let is_fragment = [
        "div", "p", "span", "table", "pre", "h1", "h2", "h3", "ul", "ol", "br", "b", "font",
    ]
    .iter()
    .any(|fragment| name.eq_ignore_ascii_case(fragment));
    (is_fragment && has_letters(rest)).then_some(Markup::Html)
}

/// Whether JSON begins here, and not a template's `{name}` or a list's `[x]`.
fn is_json(start: &str) -> bool {
    let inner = start.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '[');
    let Some(object) = inner.strip_prefix('{') else {
        return start.starts_with('[') && inner.starts_with(['"', ']']) && start.len() > 40_000;
    };
    object.trim_start().starts_with(['"', '}'])
}
