//! Lines that are no segments: text whose line ends were not escaped.

use std::borrow::Cow;

use er7::Separators;

/// Joins each line that is no segment to the one before it, as its sender meant.
///
/// HL7 asks for `\.br\` (2.7.6); programs send line ends all the same, and the rest of a
/// paragraph would be lost with them.
pub(super) fn joined<'m>(message: &'m str, separators: &Separators) -> Cow<'m, str> {
    let lines = || {
        message
            .split(['\r', '\n'])
            .filter(|line| !line.trim().is_empty())
    };
    if lines().all(|line| is_segment(line, separators)) {
        return Cow::Borrowed(message);
    }
    let mut whole = String::with_capacity(message.len());
    for line in lines() {
        if is_segment(line, separators) {
            whole.push('\r');
        } else {
            whole.push(separators.escape);
            whole.push_str(".br");
            whole.push(separators.escape);
        }
        whole.push_str(line);
    }
    Cow::Owned(whole)
}

/// Whether a line begins with a segment's name: three capitals or digits and a delimiter.
fn is_segment(line: &str, separators: &Separators) -> bool {
    let bytes = line.as_bytes();
    bytes.len() > 3
        && bytes[0].is_ascii_uppercase()
        && bytes[1..3]
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && line[3..].starts_with(separators.field)
}
