//! Which characters a chart's bytes are.
//!
//! A byte order mark decides; then what the chart itself declares: XML's declaration, `MSH-18`,
//! the `charset` of a content type. Without either it is UTF-8. Nothing is guessed: bytes that
//! do not fit are rejected, for a wrong letter may be another diagnosis.

use std::borrow::Cow;

use encoding_rs::{Encoding, ISO_8859_15, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::Rejection;

/// Decodes bytes, of which `charset` was said where they were found.
pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    charset: Option<&str>,
) -> Result<Cow<'a, str>, Rejection> {
    let (encoding, mark) = match Encoding::for_bom(bytes) {
        Some(found) => found,
        None => (declared(bytes, charset)?, 0),
    };
    let bytes = &bytes[mark..];
    if encoding == UTF_8 {
        let text =
            std::str::from_utf8(bytes).map_err(|error| lightsout_nlp::Rejection::NotUtf8 {
                offset: mark + error.valid_up_to(),
            })?;
        return Ok(Cow::Borrowed(text));
    }
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .ok_or(Rejection::BrokenEncoding)
}

fn declared(bytes: &[u8], charset: Option<&str>) -> Result<&'static Encoding, Rejection> {
    if let Some(name) = xml_declaration(bytes) {
        // A declaration that reads as ASCII is not in UTF-16, whatever it says: programs write
        // it so when they turn a text of theirs into UTF-8.
        let name = String::from_utf8_lossy(name);
        return known(&name).map(|encoding| match encoding {
            _ if encoding == UTF_16LE || encoding == UTF_16BE => UTF_8,
            _ => encoding,
        });
    }
    if let Some(name) = message_charset(bytes) {
        return known(&String::from_utf8_lossy(name));
    }
    charset.map_or(Ok(UTF_8), known)
}

/// The encodings that are read, by the names of the
/// [Encoding Standard](https://encoding.spec.whatwg.org/#names-and-labels) and of HL7's
/// [table 0211](https://terminology.hl7.org/CodeSystem-v2-0211.html).
fn known(name: &str) -> Result<&'static Encoding, Rejection> {
    let name = name.trim();
    // "ASCII" means what every program makes of it today; a byte above it must fit UTF-8.
    for ascii_or_unicode in [
        "",
        "ascii",
        "us-ascii",
        "iso ir6",
        "iso ir14",
        "unicode",
        "unicode utf-8",
    ] {
        if name.eq_ignore_ascii_case(ascii_or_unicode) {
            return Ok(UTF_8);
        }
    }
    if name == "8859/1" {
        return Ok(WINDOWS_1252);
    }
    if name == "8859/15" {
        return Ok(ISO_8859_15);
    }
    let read = [UTF_8, WINDOWS_1252, ISO_8859_15, UTF_16LE, UTF_16BE];
    Encoding::for_label(name.as_bytes())
        .filter(|encoding| read.contains(encoding))
        .ok_or(Rejection::UnknownEncoding)
}

/// The encoding that `<?xml … encoding="…"?>` names.
fn xml_declaration(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.trim_ascii_start().strip_prefix(b"<?xml")?;
    let rest = &rest[..rest.len().min(200)];
    let end = rest.windows(2).position(|pair| pair == b"?>")?;
    let declaration = &rest[..end];
    let key = b"encoding";
    let at = declaration
        .windows(key.len())
        .position(|word| word == key)?;
    let value = declaration[at + key.len()..]
        .trim_ascii_start()
        .strip_prefix(b"=")?
        .trim_ascii_start();
    let (quote, value) = value.split_first()?;
    let end = value.iter().position(|byte| byte == quote)?;
    Some(&value[..end])
}

/// `MSH-18`'s first repetition.
fn message_charset(bytes: &[u8]) -> Option<&[u8]> {
    let at = first_header(bytes)?;
    let line = &bytes[at..];
    let end = line.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    let line = &line[..end.unwrap_or(line.len())];
    let (&field, &repetition) = (line.get(3)?, line.get(5)?);
    // The delimiter after `MSH` is itself the first field.
    let charset = line.split(|byte| *byte == field).nth(17)?;
    charset.split(|byte| *byte == repetition).next()
}

/// Where the first `MSH` of a message or batch begins.
fn first_header(bytes: &[u8]) -> Option<usize> {
    let begin = bytes.len() - crate::recognition::unframed(bytes).len();
    if !crate::recognition::is_message(&bytes[begin..]) {
        return None;
    }
    let is_header = |at: &usize| bytes[*at..].starts_with(b"MSH");
    std::iter::once(begin)
        .chain(
            bytes
                .iter()
                .enumerate()
                .filter(|(_, byte)| matches!(byte, b'\r' | b'\n' | 0x0b))
                .map(|(at, _)| at + 1),
        )
        .find(is_header)
}
