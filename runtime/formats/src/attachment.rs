//! Bytes that a chart carries as text.

use base64::{Engine, prelude::BASE64_STANDARD};
use sha1::{Digest, Sha1};

use crate::Rejection;

/// Decodes base64; white space is not part of it
/// ([FHIR R4, base64Binary](https://hl7.org/fhir/R4/datatypes.html#base64Binary)).
///
/// The padding must be there: without it a text that was cut off would pass.
pub(crate) fn from_base64(text: &str) -> Result<Vec<u8>, Rejection> {
    let mut packed = text.as_bytes().to_vec();
    packed.retain(|byte| !byte.is_ascii_whitespace());
    BASE64_STANDARD
        .decode(packed)
        .map_err(|_| Rejection::BrokenBase64)
}

/// Decodes pairs of hexadecimal digits.
pub(crate) fn from_hex(text: &str) -> Result<Vec<u8>, Rejection> {
    let digits: Option<Vec<u32>> = text
        .chars()
        .filter(|digit| !digit.is_whitespace())
        .map(|digit| digit.to_digit(16))
        .collect();
    let digits = digits.ok_or(Rejection::BrokenBase64)?;
    if !digits.len().is_multiple_of(2) {
        return Err(Rejection::BrokenBase64);
    }
    let byte = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]);
    let bytes: Result<Vec<u8>, _> = digits.chunks_exact(2).map(byte).collect();
    bytes.map_err(|_| Rejection::BrokenBase64)
}

/// Compares an attachment's bytes with the size and SHA-1 that stand beside it
/// ([FHIR R4, Attachment](https://hl7.org/fhir/R4/datatypes.html#Attachment)).
pub(crate) fn check(bytes: &[u8], size: Option<u64>, hash: Option<&str>) -> Result<(), Rejection> {
    let is_size = size.is_none_or(|size| size == bytes.len() as u64);
    let is_hash = hash.is_none_or(|hash| {
        from_base64(hash).is_ok_and(|hash| hash == Sha1::digest(bytes).as_slice())
    });
    if is_size && is_hash {
        Ok(())
    } else {
        Err(Rejection::AttachmentDamaged)
    }
}
