//! A piece of a text, in bytes.

use serde::{Deserialize, Serialize};

/// A half-open range of bytes of a text, always on character boundaries.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The span from `start` up to `end`; an end before the start gives nothing.
    pub fn new(start: usize, end: usize) -> Self {
        Self {
            start,
            end: end.max(start),
        }
    }

    /// The same in half the room, for what a long note has many of; no text is longer.
    pub(crate) fn narrow(self) -> [u32; 2] {
        [self.start, self.end].map(|at| u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// The span that was made narrow.
    pub(crate) fn wide(narrow: [u32; 2]) -> Self {
        let [start, end] = narrow.map(|at| at as usize);
        Self { start, end }
    }

    /// The span of the characters `start..end` (Unicode code points) of `text`.
    ///
    /// ```
    /// use lightsout_nlp::Span;
    /// assert_eq!(Span::from_chars("38 °C fever", 6, 11).map(|span| span.of("38 °C fever")), Some("fever"));
    /// assert_eq!(Span::from_chars("fever", 3, 9), None);
    /// ```
    pub fn from_chars(text: &str, start: usize, end: usize) -> Option<Self> {
        let mut bounds = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        let first = bounds.nth(start)?;
        let last = if end <= start {
            first
        } else {
            bounds.nth(end - start - 1)?
        };
        Some(Self::new(first, last))
    }

    /// The text of this span, or nothing when it is not a span of this text.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// The length in bytes.
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether the span holds no byte.
    pub fn is_empty(self) -> bool {
        self.end == self.start
    }

    /// Whether the two spans share a byte.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}
