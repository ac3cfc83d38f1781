//! Regular expressions that are compiled when the first text meets them.

use std::{fmt, sync::OnceLock};

use regex_lite::Regex;

/// A regular expression of a schema.
pub struct Pattern<'d> {
    text: &'d str,
    compiled: OnceLock<Option<Regex>>,
}

impl<'d> Pattern<'d> {
    pub(crate) const fn new(text: &'d str) -> Self {
        Self {
            text,
            compiled: OnceLock::new(),
        }
    }

    /// Returns the expression as its schema has it.
    pub const fn text(&self) -> &'d str {
        self.text
    }

    /// Returns whether `text` has a match anywhere, as JSON Schema reads patterns.
    ///
    /// An expression that cannot be compiled matches everything.
    pub fn matches(&self, text: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| compile(self.text));
        compiled.as_ref().is_none_or(|regex| regex.is_match(text))
    }
}

impl fmt::Debug for Pattern<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.text).finish()
    }
}

/// Returns whether an expression of the schemas can be compiled here.
///
/// Those with look-around, back references or Unicode classes cannot.
pub fn is_supported(pattern: &str) -> bool {
    compile(pattern).is_some()
}

fn compile(pattern: &str) -> Option<Regex> {
    Regex::new(&plain(pattern)).ok()
}

/// Writes an expression of ECMAScript or Java as `regex-lite` reads it.
///
/// Both let a `[` within a class and a `/` anywhere be escaped or not.
fn plain(pattern: &str) -> String {
    let mut plain = String::with_capacity(pattern.len());
    let mut characters = pattern.chars().peekable();
    let mut is_in_class = false;
    while let Some(character) = characters.next() {
        match (character, is_in_class) {
            ('\\', _) => match characters.next() {
                Some('Z') => plain.push_str("\\z"),
                Some('u') => {
                    let digits: String = characters.by_ref().take(4).collect();
                    plain.extend(["\\x{", &digits, "}"]);
                }
                Some(escaped) if is_needlessly_escaped(escaped) => plain.push(escaped),
                Some(escaped) => plain.extend(['\\', escaped]),
                None => plain.push('\\'),
            },
            ('[', false) => {
                is_in_class = true;
                plain.push('[');
                if characters.next_if_eq(&'^').is_some() {
                    plain.push('^');
                }
                if characters.next_if_eq(&']').is_some() {
                    plain.push_str("\\]");
                }
            }
            ('[', true) => plain.push_str("\\["),
            ('&' | '~', true) => plain.extend(['\\', character]),
            // A hyphen that cannot be part of a range is one by itself.
            ('-', true) if is_class_before(&plain) => plain.push_str("\\-"),
            (']', true) => {
                is_in_class = false;
                plain.push(']');
            }
            _ => plain.push(character),
        }
    }
    plain
}

/// Returns whether the last thing in a class was a class itself, such as `\w`.
fn is_class_before(plain: &str) -> bool {
    let mut last = plain.chars().rev();
    let is_letter = last.next().is_some_and(|c| "wWdDsS".contains(c));
    let backslashes = last.take_while(|c| *c == '\\').count();
    is_letter && backslashes % 2 == 1
}

/// Characters that mean themselves with and without a backslash.
fn is_needlessly_escaped(character: char) -> bool {
    matches!(
        character,
        '/' | '"' | '\'' | ':' | ';' | ',' | '=' | '@' | '_' | '%' | '!' | ' ' | '`' | '<' | '>'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_of_other_engines_are_read() {
        for (pattern, matching, other) in [
            (r"^[\w\-:\/]+\Z", "a-b:/c", "a b"),
            (r"^[a-z[]+$", "a[b", "a]"),
            (r"^[^]]$", "a", "]"),
            (r"^[a-z&&]+$", "a&b", "A"),
            (r"^[\w-.\u00e4]+$", "a-.ä", "a+"),
            (r"arn:aws", "x arn:aws x", "arn"),
        ] {
            let pattern = Pattern::new(pattern);
            assert!(is_supported(pattern.text()), "{pattern:?}");
            assert!(pattern.matches(matching), "{pattern:?}");
            assert!(!pattern.matches(other), "{pattern:?}");
        }
    }

    #[test]
    fn what_cannot_be_compiled_matches_everything() {
        let pattern = Pattern::new(r"^(?!aws)\p{L}+$");
        assert!(!is_supported(pattern.text()));
        assert!(pattern.matches("aws"));
    }
}
