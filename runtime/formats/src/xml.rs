//! XML within its limits: no document types, no entities but XML's own, no namespaces but the
//! root's.

use std::borrow::Cow;

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use crate::{Rejection, limits::DEEPEST};

/// What comes next in a document.
pub(crate) enum Node<'a> {
    Open(Element<'a>),
    Close,
    Text(Cow<'a, str>),
}

/// An element's opening tag.
pub(crate) struct Element<'a> {
    tag: BytesStart<'a>,
    /// Whether it belongs to the same vocabulary as the root.
    is_ours: bool,
}

impl Element<'_> {
    /// The name without its prefix; empty for elements of other vocabularies.
    pub(crate) fn name(&self) -> &str {
        if self.is_ours {
            std::str::from_utf8(self.tag.local_name().into_inner()).unwrap_or_default()
        } else {
            ""
        }
    }

    /// The namespace of the element's own vocabulary, as far as it is declared here.
    pub(crate) fn namespace(&self) -> Option<String> {
        match self.tag.name().prefix() {
            Some(prefix) => {
                let prefix = std::str::from_utf8(prefix.into_inner()).ok()?;
                self.attribute(&format!("xmlns:{prefix}"))
            }
            None => self.attribute("xmlns"),
        }
    }

    /// An attribute's value as it is written.
    ///
    /// What is compared here are codes, in which nothing needs to be escaped.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        let mut attributes = self.tag.attributes();
        // Looking for doubles takes quadratic time.
        let found = attributes
            .with_checks(false)
            .flatten()
            .find(|attribute| attribute.key.as_ref() == name.as_bytes())?;
        String::from_utf8(found.value.into_owned()).ok()
    }
}

/// A document, node by node.
pub(crate) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    depth: usize,
    /// The root's prefix, once it was seen.
    prefix: Option<Vec<u8>>,
}

impl<'a> Xml<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self {
            reader,
            depth: 0,
            prefix: None,
        }
    }

    /// The next node; none at the document's end.
    pub(crate) fn next(&mut self) -> Result<Option<Node<'a>>, Rejection> {
        loop {
            let Ok(event) = self.reader.read_event() else {
                return Err(self.malformed());
            };
            match event {
                Event::Start(tag) => return self.open(tag).map(Some),
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Some(Node::Close));
                }
                Event::Text(text) => {
                    let text = text.decode().map_err(|_| self.malformed())?;
                    return Ok(Some(Node::Text(text)));
                }
                Event::CData(text) => {
                    let text = text.decode().map_err(|_| self.malformed())?;
                    return Ok(Some(Node::Text(text)));
                }
                Event::GeneralRef(reference) => {
                    let number = reference.resolve_char_ref();
                    let letter = match (number, &*reference) {
                        (Ok(Some(letter)), _) => Some(letter),
                        (Ok(None), b"lt") => Some('<'),
                        (Ok(None), b"gt") => Some('>'),
                        (Ok(None), b"amp") => Some('&'),
                        (Ok(None), b"quot") => Some('"'),
                        (Ok(None), b"apos") => Some('\''),
                        (Ok(None), _) => None,
                        (Err(_), _) => return Err(self.malformed()),
                    };
                    let letter = letter.ok_or_else(|| self.entity())?;
                    return Ok(Some(Node::Text(Cow::Owned(letter.to_string()))));
                }
                Event::DocType(_) => return Err(self.entity()),
                Event::Eof if self.depth > 0 || self.prefix.is_none() => {
                    return Err(self.malformed());
                }
                Event::Eof => return Ok(None),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Empty(_) => {}
            }
        }
    }

    fn open(&mut self, tag: BytesStart<'a>) -> Result<Node<'a>, Rejection> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Rejection::TooDeep { limit: DEEPEST });
        }
        let prefix = tag
            .name()
            .prefix()
            .map(|prefix| prefix.into_inner().to_vec());
        let prefix = prefix.unwrap_or_default();
        let is_ours = *self.prefix.get_or_insert_with(|| prefix.clone()) == prefix;
        Ok(Node::Open(Element { tag, is_ours }))
    }

    fn byte(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    pub(crate) fn malformed(&self) -> Rejection {
        Rejection::MalformedXml { byte: self.byte() }
    }

    fn entity(&self) -> Rejection {
        Rejection::ExternalEntity { byte: self.byte() }
    }
}
