//! HTML: what a reader would see.
//!
//! The tokens are [`html5gum`]'s, which follow the
//! [HTML Standard](https://html.spec.whatwg.org/multipage/parsing.html#tokenization); no tree is
//! built, so that no nesting costs more than its bytes.

use html5gum::{DefaultEmitter, Token, Tokenizer};

use crate::lines::{LineEnds, Lines, Row};

/// Writes the words of a page or fragment.
pub(crate) fn write(html: &str, lines: &mut Lines) {
    let mut emitter = DefaultEmitter::default();
    // Scripts and styles are text of their own kind.
    emitter.naively_switch_states(true);
    let mut page = Page {
        lines,
        hidden: None,
        open_rows: 0,
        in_head: 0,
        preformatted: 0,
    };
    for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
        match token {
            Token::StartTag(tag) => page.open(&tag.name, tag.self_closing),
            Token::EndTag(tag) => page.close(&tag.name),
            Token::String(text) => page.text(&String::from_utf8_lossy(&text)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    for _ in 0..page.open_rows {
        page.lines.end_row();
    }
}

struct Page<'l> {
    lines: &'l mut Lines,
    /// The element whose words are not seen, and how many of its name are open.
    hidden: Option<(&'static [u8], usize)>,
    open_rows: usize,
    in_head: usize,
    preformatted: usize,
}

/// Elements that are not seen, or that hold what was struck out.
const HIDDEN: [&[u8]; 11] = [
    b"script",
    b"style",
    b"title",
    b"template",
    b"noscript",
    b"svg",
    b"math",
    b"object",
    b"del",
    b"s",
    b"strike",
];

/// Elements with lines of their own.
const BLOCKS: [&[u8]; 25] = [
    b"div",
    b"section",
    b"article",
    b"header",
    b"footer",
    b"main",
    b"nav",
    b"aside",
    b"form",
    b"fieldset",
    b"legend",
    b"ul",
    b"ol",
    b"dl",
    b"dt",
    b"dd",
    b"table",
    b"tbody",
    b"tfoot",
    b"hr",
    b"address",
    b"figure",
    b"figcaption",
    b"center",
    b"option",
];

/// Elements that are apart from what is around them.
const PARAGRAPHS: [&[u8]; 9] = [
    b"p",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"h5",
    b"h6",
    b"blockquote",
    b"caption",
];

impl Page<'_> {
    fn open(&mut self, name: &[u8], is_closed: bool) {
        if let Some((hidden, depth)) = &mut self.hidden {
            if *hidden == name && !is_closed {
                *depth += 1;
            }
            return;
        }
        if let Some(hidden) = HIDDEN.iter().find(|hidden| **hidden == name) {
            // Only foreign elements can close themselves.
            if !(is_closed && matches!(*hidden, b"svg" | b"math")) {
                self.hidden = Some((hidden, 1));
            }
            return;
        }
        match name {
            b"br" => self.lines.line(),
            b"li" => self.lines.item(),
            b"thead" => self.in_head += 1,
            b"tr" => {
                self.open_rows += 1;
                self.lines.row(if self.in_head > 0 {
                    Row::Head
                } else {
                    Row::Body
                });
            }
            b"td" | b"th" if self.open_rows > 0 => self.lines.cell(),
            b"pre" | b"textarea" => {
                self.preformatted += 1;
                self.lines.line();
            }
            _ => self.edge(name),
        }
    }

    fn close(&mut self, name: &[u8]) {
        if let Some((hidden, depth)) = &mut self.hidden {
            if *hidden == name {
                *depth -= 1;
                if *depth == 0 {
                    self.hidden = None;
                }
            }
            return;
        }
        match name {
            b"li" => self.lines.line(),
            b"thead" => self.in_head = self.in_head.saturating_sub(1),
            b"tr" if self.open_rows > 0 => {
                self.open_rows -= 1;
                self.lines.end_row();
            }
            // Rows whose end is left out end with their table.
            b"table" => {
                while self.open_rows > 0 {
                    self.open_rows -= 1;
                    self.lines.end_row();
                }
                self.in_head = 0;
                self.lines.line();
            }
            b"pre" | b"textarea" => {
                self.preformatted = self.preformatted.saturating_sub(1);
                self.lines.line();
            }
            _ => self.edge(name),
        }
    }

    fn edge(&mut self, name: &[u8]) {
        if PARAGRAPHS.contains(&name) {
            self.lines.paragraph();
        } else if BLOCKS.contains(&name) {
            self.lines.line();
        }
    }

    fn text(&mut self, text: &str) {
        if self.hidden.is_some() {
        } else if self.preformatted > 0 {
            for (number, line) in text.lines().enumerate() {
                if number > 0 {
                    self.lines.line();
                }
                self.lines.words(line, LineEnds::Fold);
            }
            if text.ends_with('\n') {
                self.lines.line();
            }
        } else {
            self.lines.words(text, LineEnds::Fold);
        }
    }
}
