//! Sentences and list items of a section.

use crate::Span;

/// A line that reaches this length may go on in the next one; a shorter one has ended.
const WRAPPED_LINE: usize = 50;

/// Cuts `text[within]` into sentences, in linear time; white space between them is left out.
///
/// A sentence ends at a full stop, question or exclamation mark before white space (but not
/// after a list number, an initial or a title such as `Dr.`), at a blank line, before a list
/// mark, and at a line's end unless the line is so long that it was only wrapped.
pub fn sentences(text: &str, within: Span) -> Vec<Span> {
    let mut found = Vec::new();
    cut(text, within, &mut found);
    found
}

/// The same into a buffer, which serves one section after the other.
pub(crate) fn cut(text: &str, within: Span, found: &mut Vec<Span>) {
    found.clear();
    let bytes = &text.as_bytes()[..within.end.min(text.len())];
    let mut begin = within.start;
    let mut line = within.start;
    let mut at = within.start;
    while let Some(next) = next_end(&bytes[at..]) {
        at += next;
        let ends = match bytes[at] {
            b'\n' => {
                let ends = line_ends(bytes, line, at);
                line = at + 1;
                ends
            }
            b'?' | b'!' => is_gap(bytes, at + 1),
            b'.' => is_gap(bytes, at + 1) && stop_ends(bytes, begin, at),
            b')' => {
                // The mark of the next item of a list belongs to that item.
                if let Some(item) = item_mark(bytes, begin, at) {
                    push(text, found, Span::new(begin, item));
                    begin = item;
                }
                false
            }
            _ => false,
        };
        at += 1;
        if ends {
            push(text, found, Span::new(begin, at));
            begin = at;
        }
    }
    push(text, found, Span::new(begin, bytes.len()));
}

/// The place of the next byte at which a sentence may end.
fn next_end(bytes: &[u8]) -> Option<usize> {
    let (chunks, rest) = bytes.as_chunks::<8>();
    for (chunk, at) in chunks.iter().zip((0..).step_by(8)) {
        let word = u64::from_le_bytes(*chunk);
        let found = ENDS.map(|end| zeros(word ^ (LOW * u64::from(end))));
        let found = found.into_iter().fold(0, |all, found| all | found);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
    }
    let within = rest.iter().position(|byte| ENDS.contains(byte))?;
    Some(bytes.len() - rest.len() + within)
}

/// The bytes at which a sentence may end.
const ENDS: [u8; 5] = *b"\n?!.)";

/// The lowest bit of each byte.
const LOW: u64 = u64::MAX / 0xff;

/// The highest bit of the first byte that is zero; what stands above it means nothing.
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(LOW) & !word & LOW << 7
}

fn push(text: &str, found: &mut Vec<Span>, span: Span) {
    let sentence = span.of(text);
    let start = span.start + (sentence.len() - sentence.trim_start().len());
    let trimmed = sentence.trim();
    if !trimmed.is_empty() {
        found.push(Span::new(start, start + trimmed.len()));
    }
}

/// Where the list mark (`2)`) that ends with the bracket at `at` begins, if it is one.
///
/// Reports whose line breaks were lost keep two spaces where a line ended; a number in
/// brackets within a sentence has one.
fn item_mark(bytes: &[u8], begin: usize, at: usize) -> Option<usize> {
    let digits = bytes[begin..at]
        .iter()
        .rev()
        .take(3)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let mark = at - digits;
    let is_item = (1..=2).contains(&digits)
        && mark >= begin + 2
        && bytes[mark - 2..mark].iter().all(u8::is_ascii_whitespace);
    is_item.then_some(mark)
}

fn is_gap(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_none_or(u8::is_ascii_whitespace)
}

/// Whether the full stop at `at` closes the sentence that began at `begin`.
fn stop_ends(bytes: &[u8], begin: usize, at: usize) -> bool {
    let length = bytes[begin..at]
        .iter()
        .rev()
        .take(12)
        .take_while(|byte| !byte.is_ascii_whitespace())
        .count();
    let word = &bytes[at - length..at];
    let opens = bytes[begin..at - length]
        .iter()
        .rev()
        .take(12)
        .all(u8::is_ascii_whitespace);
    match word {
        [] => true,
        _ if opens && word.len() <= 2 && word.iter().all(u8::is_ascii_digit) => false,
        [initial] => !initial.is_ascii_uppercase() || opens,
        _ if word.len() > LONGEST_TITLE => true,
        _ => !TITLES
            .iter()
            .any(|title| word.eq_ignore_ascii_case(title.as_bytes())),
    }
}

/// Words before a full stop that does not close a sentence.
const TITLES: &[&str] = &[
    "dr", "mr", "mrs", "ms", "prof", "vs", "st", "e.g", "i.e", "approx", "hx", "jr", "sr", "no",
    "c",
];

const LONGEST_TITLE: usize = 6;

/// Whether the line `bytes[line..end]` ends its sentence at its line break.
fn line_ends(bytes: &[u8], line: usize, end: usize) -> bool {
    let length = end - line;
    // Only the first letters of the next line matter, so a long run of spaces counts as blank.
    let next = bytes[end + 1..]
        .iter()
        .take(WRAPPED_LINE)
        .position(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
    let Some(next) = next.map(|skip| &bytes[end + 1 + skip..]) else {
        return true;
    };
    let last = bytes[line..end]
        .iter()
        .rev()
        .take(WRAPPED_LINE)
        .find(|byte| !byte.is_ascii_whitespace());
    let is_marked = matches!(
        next,
        [b'\n' | b'-' | b'*' | b'#' | b'+' | b'[', ..] | [0xe2, 0x80, 0xa2, ..]
    );
    let is_numbered = matches!(
        next,
        [b'0'..=b'9', b'.' | b')', ..] | [b'0'..=b'9', b'0'..=b'9', b'.' | b')', ..]
    );
    if is_marked || is_numbered || matches!(last, None | Some(b':' | b'.')) {
        return true;
    }
    let goes_on = next.first().is_some_and(u8::is_ascii_lowercase);
    if last == Some(&b',') {
        return length < WRAPPED_LINE && !goes_on;
    }
    length
        < if goes_on {
            WRAPPED_LINE / 2
        } else {
            WRAPPED_LINE
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<&str> {
        sentences(text, Span::new(0, text.len()))
            .into_iter()
            .map(|span| span.of(text))
            .collect()
    }

    #[test]
    fn full_stops_end_sentences_but_not_titles_numbers_or_initials() {
        assert_eq!(
            parts("Seen by Dr. Lee. Temp 38.5 today."),
            ["Seen by Dr. Lee.", "Temp 38.5 today."]
        );
        assert_eq!(parts("1. COPD. 2. Asthma"), ["1. COPD.", "2. Asthma"]);
        assert_eq!(parts("Any pain? No! Fine."), ["Any pain?", "No!", "Fine."]);
    }

    #[test]
    fn list_items_and_short_lines_are_sentences_and_wrapped_lines_are_not() {
        assert_eq!(
            parts("HTN\nCOPD on home O2\n- gout"),
            ["HTN", "COPD on home O2", "- gout"]
        );
        let wrapped =
            "The patient denies chest pain, shortness of breath, or\nswelling of the legs.";
        assert_eq!(parts(wrapped), [wrapped]);
        assert_eq!(
            parts("Denies chest pain\n\nFever"),
            ["Denies chest pain", "Fever"]
        );
    }
}
