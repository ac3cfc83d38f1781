//! Writing the answers of EC2.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};

use crate::ec2::error::request_id;

/// The name space of EC2 answers.
const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// An XML document that grows from its start to its end.
#[derive(Debug, Default)]
pub(crate) struct Xml(String);

impl Xml {
    /// An empty document with its declaration.
    pub(crate) fn document() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned())
    }

    /// A whole answer to `action`; `body` writes what follows the request id.
    pub(crate) fn answer(action: &str, body: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self::document();
        let name = format!("{action}Response");
        xml.push(format_args!("<{name} xmlns=\"{NAMESPACE}\">"));
        xml.text("requestId", &request_id());
        body(&mut xml);
        xml.push(format_args!("</{name}>"));
        xml.finish()
    }

    /// An answer that says no more than that it was done.
    pub(crate) fn done(action: &str) -> String {
        Self::answer(action, |xml| xml.text("return", &true))
    }

    /// An element that holds others.
    pub(crate) fn nest(&mut self, name: &str, body: impl FnOnce(&mut Self)) {
        self.push(format_args!("<{name}>"));
        body(self);
        self.push(format_args!("</{name}>"));
    }

    /// An element that holds text.
    pub(crate) fn text(&mut self, name: &str, value: &dyn Display) {
        let value = value.to_string();
        self.push(format_args!("<{name}>{}</{name}>", escape(&value)));
    }

    /// An element that holds text, if there is any.
    pub(crate) fn text_if(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, &value);
        }
    }

    /// A list: one `item` for each of `values`.
    pub(crate) fn list<T>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = T>,
        mut item: impl FnMut(&mut Self, T),
    ) {
        self.nest(name, |xml| {
            for value in values {
                xml.nest("item", |xml| item(xml, value));
            }
        });
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }

    fn push(&mut self, text: fmt::Arguments<'_>) {
        // Writing into a string does not fail.
        let _written = self.0.write_fmt(text);
    }
}

/// `text` with what XML would read as markup, or not allow at all, replaced.
fn escape(text: &str) -> Cow<'_, str> {
    let plain = |character: char| {
        !matches!(character, '&' | '<' | '>' | '"' | '\r') && is_xml_character(character)
    };
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // A parser would turn a bare carriage return into a line feed.
            '\r' => escaped.push_str("&#13;"),
            other if is_xml_character(other) => escaped.push(other),
            _ => escaped.push('\u{fffd}'),
        }
    }
    Cow::Owned(escaped)
}

/// The characters that XML 1.0 allows (its production `Char`).
fn is_xml_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_what_a_parser_reads(text in "[\\x20-\\x7e\\r\\n\\täß&<>\"]{0,40}") {
            let mut xml = Xml::document();
            xml.text("value", &text);
            let xml = xml.finish();
            let document = roxmltree::Document::parse(&xml).expect("well-formed");
            prop_assert_eq!(document.root_element().text().unwrap_or_default(), text);
        }
    }
}
