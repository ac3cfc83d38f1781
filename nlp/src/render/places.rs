//! Where in a chart something stands, as people say it, and the words around it.

use crate::Span;

/// The lines of a text, to say where a span stands.
#[derive(Debug)]
pub(super) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        let after = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self {
            starts: std::iter::once(0)
                .chain(after.map(|(at, _)| at + 1))
                .collect(),
        }
    }

    /// The number of the line, from 1, that holds this byte.
    pub(super) fn number(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte)
    }

    /// The lines of all these spans, each once: `line 3` or `lines 3, 17, 20`.
    pub(super) fn named(&self, spans: &[Span]) -> String {
        let mut numbers: Vec<_> = spans.iter().map(|span| self.number(span.start)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let word = if numbers.len() == 1 { "line" } else { "lines" };
        let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        format!("{word} {}", numbers.join(", "))
    }
}

/// The words around a span, of its own paragraph, in one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Surroundings {
    pub(super) before: String,
    pub(super) words: String,
    pub(super) after: String,
}

impl Surroundings {
    /// At most about `width` characters, the span's own words always.
    ///
    /// Looks at no more of the text than it shows, so that many of them stay linear.
    pub(super) fn of(text: &str, span: Span, width: usize) -> Self {
        let words = one_line(span.of(text));
        let room = width.saturating_sub(words.chars().count() + 2);
        let head = text.get(..span.start).unwrap_or_default();
        let tail = text.get(span.end..).unwrap_or_default();
        let (before, is_cut_before) = last_of_paragraph(head, room);
        let line = before.rsplit('\n').next().unwrap_or_default();
        let opening = [line, span.of(text)].concat();
        let (after, is_cut_after) = first_of_paragraph(tail, &opening, room);
        let (before, after) = (one_line(before), one_line(after));
        let left = room / 2;
        let give = |own: &str, other: &str| {
            let other = other.chars().count().min(left);
            (own.chars().count() > room - other).then_some(room - other)
        };
        let cut_before = give(&before, &after);
        let before_length = before.chars().count().min(cut_before.unwrap_or(usize::MAX));
        let after_room = room - before_length.min(room);
        let cut_after = (after.chars().count() > after_room).then_some(after_room);
        Self {
            before: cut_before
                .or(is_cut_before.then_some(room))
                .map_or_else(|| before.clone(), |most| last_words(&before, most)),
            words,
            after: cut_after
                .or(is_cut_after.then_some(after_room))
                .map_or_else(|| after.clone(), |most| first_words(&after, most)),
        }
    }
}

/// The text on one line, without what a terminal would obey.
///
/// Control characters and marks that turn the direction of writing become U+FFFD: a chart's
/// words come from anywhere.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_whitespace() {
            if !line.ends_with(' ') {
                line.push(' ');
            }
        } else if is_unprintable(letter) {
            line.push('\u{fffd}');
        } else {
            line.push(letter);
        }
    }
    line
}

/// Whether a character steers a display instead of showing something.
pub(super) fn is_unprintable(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The end of `text` within its last paragraph, and whether more of that came before it.
fn last_of_paragraph(text: &str, most: usize) -> (&str, bool) {
    let start = text
        .char_indices()
        .rev()
        .take(most + 1)
        .last()
        .map_or(text.len(), |(at, _)| at);
    let part = &text[start..];
    let open = part.rmatch_indices('\n').find_map(|(at, _)| {
        let line = part[..at].rsplit('\n').next().unwrap_or_default();
        let is_whole = at > line.len() || start == 0;
        (begins_item(&part[at + 1..]) || is_whole && is_short(line)).then_some(at + 1)
    });
    match open {
        Some(at) => (&part[at..], false),
        None => (part, start > 0),
    }
}

/// The start of `text` within its first paragraph, and whether more of that comes after it.
///
/// `before` is what its first line begins with.
fn first_of_paragraph<'t>(text: &'t str, before: &str, most: usize) -> (&'t str, bool) {
    let end = text
        .char_indices()
        .nth(most + 1)
        .map_or(text.len(), |(at, _)| at);
    let part = &text[..end];
    let close = part.match_indices('\n').find_map(|(at, _)| {
        let line = part[..at].rsplit('\n').next().unwrap_or_default();
        let is_first = at == line.len();
        let start = if is_first { before.chars().count() } else { 0 };
        let is_last = is_short(line) && line.chars().count() + start < SHORT;
        (is_last || begins_item(&part[at + 1..])).then_some(at)
    });
    match close {
        Some(at) => (&part[..at], false),
        None => (part, end < text.len()),
    }
}

/// A line with fewer characters was ended by its writer, a longer one by the margin.
const SHORT: usize = 50;

fn is_short(line: &str) -> bool {
    line.trim().chars().count() < SHORT
}

/// Whether a line begins an item of a list, or is empty.
fn begins_item(line: &str) -> bool {
    let line = line.split('\n').next().unwrap_or_default().trim_start();
    let rest = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let is_numbered = rest.len() < line.len() && rest.starts_with(['.', ')']);
    line.is_empty() || is_numbered || line.starts_with(['-', '*', '\u{2022}'])
}

/// The last words that fit, after an ellipsis.
fn last_words(text: &str, most: usize) -> String {
    let skip = text.chars().count().saturating_sub(most.saturating_sub(2));
    let rest: String = text.chars().skip(skip).collect();
    let whole = match rest.split_once(' ') {
        Some((_, whole)) if skip > 0 => whole,
        _ => rest.as_str(),
    };
    format!("\u{2026} {}", whole.trim_start())
}

/// The first words that fit, before an ellipsis.
fn first_words(text: &str, most: usize) -> String {
    let most = most.saturating_sub(2);
    let rest: String = text.chars().take(most).collect();
    let whole = match rest.rsplit_once(' ') {
        Some((whole, _)) if text.chars().count() > most => whole,
        _ => rest.as_str(),
    };
    format!("{} \u{2026}", whole.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(text: &str, words: &str, width: usize) -> String {
        let start = text.find(words).unwrap();
        let found = Surroundings::of(text, Span::new(start, start + words.len()), width);
        format!("{}[{}]{}", found.before, found.words, found.after)
    }

    #[test]
    fn lines_are_counted_from_one() {
        let lines = Lines::of("a\nb\n\nc");
        assert_eq!([0, 1, 2, 4, 5].map(|at| lines.number(at)), [1, 1, 2, 3, 4]);
        assert_eq!(lines.named(&[Span::new(0, 1)]), "line 1");
        assert_eq!(
            lines.named(&[Span::new(5, 6), Span::new(0, 1), Span::new(1, 2)]),
            "lines 1, 4"
        );
    }

    #[test]
    fn surroundings_stay_in_their_paragraph_on_one_line() {
        let text = "HPI\n\nHe has had\na cough for days.\n \nPLAN\n";
        assert_eq!(around(text, "cough", 60), "a [cough] for days.");
        let text = "His wife called because he has had for two days now\na cough.\n1. Gout\n2. Asthma, for which he takes a puff of his inhaler\nwhen needed\n";
        assert_eq!(
            around(text, "cough", 76),
            "His wife called because he has had for two days now a [cough]."
        );
        assert_eq!(around(text, "Gout", 70), "1. [Gout]");
        assert_eq!(
            around(text, "Asthma", 76),
            "2. [Asthma], for which he takes a puff of his inhaler when needed"
        );
    }

    #[test]
    fn surroundings_fit_their_width_and_end_at_words() {
        let text = format!("{} cough {}", "before ".repeat(50), "after ".repeat(50));
        for width in [10, 20, 33, 50, 80] {
            let shown = around(&text, "cough", width);
            assert!(shown.chars().count() <= width.max(13), "{width}: {shown}");
            assert!(shown.starts_with('\u{2026}') && shown.ends_with('\u{2026}'));
        }
        assert_eq!(
            around("He was well before this, then a cough.", "cough", 30),
            "\u{2026} this, then a [cough]."
        );
    }

    #[test]
    fn what_a_terminal_would_obey_is_not_shown() {
        assert_eq!(
            one_line("a\u{1b}[31m\tb\u{202e}c\r\nd"),
            "a\u{fffd}[31m b\u{fffd}c d"
        );
    }
}
