//! A narrative while it is written, line by line.

use std::borrow::Cow;

use lightsout_nlp::{SectionKind, sections};
use lightsout_phi::Phi;

use crate::{
    Format, LeftOut, Narrative, Part, Rejection,
    limits::{LARGEST_CHART, MOST_PARTS},
};

/// What stands before the next word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    Nothing,
    Space,
    /// A line's end within a table's cell.
    Semicolon,
    Line,
    /// A blank line: a long line before a mere line's end would pass for a wrapped one.
    Blank,
}

/// A narrative while it is written.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    text: String,
    parts: Vec<Part>,
    left_out: Vec<LeftOut>,
    gap: Gap,
    /// Whether the next line is an item of a list.
    is_item: bool,
    /// Whether the last line is a heading: what it opens follows at once.
    is_after_heading: bool,
    table: Table,
    /// Where the chart that is being written lies in the one around it.
    within: String,
    /// The place of the next word, if no word was written from there yet.
    from: Option<String>,
    open_part: Option<usize>,
    has_too_many_parts: bool,
    /// What the last heading means to the engine, as far as the text was looked at.
    section: SectionKind,
    looked_at: usize,
}

#[derive(Debug, Default, Clone, Copy)]
struct Table {
    /// How many rows are open within each other.
    rows: usize,
    /// Cells of the row before the next word, of which nothing is written yet.
    empty_cells: usize,
    has_cell: bool,
    /// Whether a word was written since the cell began.
    is_cell_filled: bool,
}

/// A state to which a narrative can return.
#[derive(Debug)]
pub(crate) struct Mark {
    text: usize,
    parts: usize,
    section: SectionKind,
    looked_at: usize,
    within: usize,
}

/// What a line's end within running text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineEnds {
    /// Nothing more than a space.
    Fold,
    /// The writer's own line's end.
    Keep,
}

impl Lines {
    /// Writes running text: white space is one space.
    pub(crate) fn words(&mut self, text: &str, ends: LineEnds) {
        let keeps = ends == LineEnds::Keep && self.table.rows == 0;
        let mut rest = text;
        while !rest.is_empty() {
            let word = rest.trim_start_matches(is_space);
            let space = &rest[..rest.len() - word.len()];
            if !space.is_empty() {
                // White space at either end of a text is between elements.
                let is_inner = rest.len() < text.len() && !word.is_empty();
                self.at_least(if keeps && is_inner && space.contains('\n') {
                    Gap::Line
                } else {
                    Gap::Space
                });
            }
            let end = word.find(is_space).unwrap_or(word.len());
            if end > 0 {
                self.flush();
                self.text.push_str(&word[..end]);
            }
            rest = &word[end..];
        }
    }

    /// Writes text as it stands, on lines of its own.
    pub(crate) fn block(&mut self, text: &str) {
        let text = text.trim_end();
        if text.trim_start().is_empty() {
            return;
        }
        self.line();
        if self.table.rows > 0 {
            self.words(text, LineEnds::Fold);
        } else {
            self.flush();
            self.text.push_str(text);
        }
        self.line();
    }

    /// Ends the line.
    pub(crate) fn line(&mut self) {
        self.at_least(if self.table.rows > 0 {
            Gap::Semicolon
        } else {
            Gap::Line
        });
    }

    /// Ends the paragraph.
    pub(crate) fn paragraph(&mut self) {
        self.at_least(if self.table.rows > 0 {
            Gap::Semicolon
        } else {
            Gap::Blank
        });
    }

    /// Begins an item of a list.
    pub(crate) fn item(&mut self) {
        self.line();
        if self.table.rows == 0 {
            self.is_item = true;
        }
    }

    /// Begins a row of a table. Rows are items, so that a long one is not taken for a wrapped
    /// line.
    pub(crate) fn row(&mut self, kind: Row) {
        self.line();
        if self.table.rows == 0 {
            self.is_item = kind == Row::Body;
            self.table = Table::default();
        }
        self.table.rows += 1;
    }

    /// Begins a cell.
    pub(crate) fn cell(&mut self) {
        if self.table.rows != 1 {
            return self.line();
        }
        if self.table.has_cell {
            self.table.empty_cells += 1;
        }
        self.table.has_cell = true;
        self.table.is_cell_filled = false;
        self.gap = self.gap.max(Gap::Space);
    }

    /// Ends a row.
    pub(crate) fn end_row(&mut self) {
        self.table.rows = self.table.rows.saturating_sub(1);
        if self.table.rows == 0 {
            self.table = Table::default();
            self.is_item = false;
            // What the last cell ended with is not another's beginning.
            self.gap = Gap::Line;
        }
    }

    /// Writes a heading that opens what `implied` means, if its words do not say so themselves.
    ///
    /// The engine knows usual headings only. Where a title is none of them, a usual one stands
    /// before it: what comes after `Family History` would else be the family's.
    pub(crate) fn heading(&mut self, title: &str, implied: SectionKind) -> SectionKind {
        let words: Vec<&str> = title.split_whitespace().collect();
        let joined = words.join(" ");
        let title = joined.trim_end_matches(':').trim_end();
        let known = SectionKind::of_heading(title);
        self.look();
        self.close_part();
        self.is_after_heading = false;
        self.paragraph();
        if known.is_none() && implied != self.section {
            let usual = match implied {
                SectionKind::Unnamed => "Narrative",
                kind => kind.name(),
            };
            self.words(usual, LineEnds::Fold);
            self.text.push(':');
            self.line();
            self.section = implied;
        }
        if !title.is_empty() {
            self.words(title, LineEnds::Fold);
            self.text.push(':');
            self.line();
        }
        if let Some(kind) = known {
            self.section = kind;
        }
        self.looked_at = self.text.len();
        self.is_after_heading = true;
        known.unwrap_or(implied)
    }

    /// Looks which headings were written since the last time.
    fn look(&mut self) {
        if let Some(last) = sections(&self.text[self.looked_at..]).last()
            && !last.heading.is_empty()
        {
            self.section = last.kind;
        }
        self.looked_at = self.text.len();
    }

    /// Says from where in the chart the next words come.
    pub(crate) fn begin_part(&mut self, from: &str) {
        self.close_part();
        self.from = Some(self.place(from));
    }

    fn place(&self, from: &str) -> String {
        match (self.within.as_str(), from) {
            ("", _) => from.to_owned(),
            (within, "") => within.to_owned(),
            (within, from) => format!("{within} {from}"),
        }
    }

    fn close_part(&mut self) {
        self.from = None;
        let open = self.open_part.take();
        if let Some(part) = open.and_then(|number| self.parts.get_mut(number)) {
            part.end = self.text.len();
        }
    }

    /// Says that something is not taken.
    pub(crate) fn leave_out(&mut self, from: &str, because: Rejection) {
        if self.left_out.len() < MOST_PARTS {
            let from = self.place(from);
            self.left_out.push(LeftOut { from, because });
        } else {
            self.has_too_many_parts = true;
        }
    }

    /// Writes a chart within this one, all of it or nothing.
    pub(crate) fn within<T>(
        &mut self,
        from: &str,
        write: impl FnOnce(&mut Self) -> Result<T, Rejection>,
    ) -> Result<T, Rejection> {
        self.close_part();
        let mark = Mark {
            text: self.text.len(),
            parts: self.parts.len(),
            section: self.section,
            looked_at: self.looked_at,
            within: self.within.len(),
        };
        self.within = self.place(from);
        self.line();
        let written = write(self);
        self.close_part();
        self.within.truncate(mark.within);
        self.table = Table::default();
        self.is_item = false;
        if written.is_err() {
            self.gap = Gap::Line;
            self.text.truncate(mark.text);
            self.parts.truncate(mark.parts);
            self.section = mark.section;
            self.looked_at = mark.looked_at;
        }
        self.gap = self.gap.max(Gap::Line);
        written
    }

    /// How many parts were written.
    pub(crate) fn parts(&self) -> usize {
        self.parts.len()
    }

    fn at_least(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    /// Writes what stands before the next word.
    fn flush(&mut self) {
        let mut gap = std::mem::take(&mut self.gap);
        if std::mem::take(&mut self.is_after_heading) {
            gap = gap.min(Gap::Line);
        }
        let is_first = self.text.is_empty();
        if self.table.rows > 0 && self.table.has_cell && self.table.empty_cells > 0 {
            for _ in 0..std::mem::take(&mut self.table.empty_cells) {
                self.text.push_str(" |");
            }
            self.text.push(' ');
        } else if !is_first {
            match gap {
                Gap::Nothing => {}
                Gap::Space if self.text.ends_with(is_space) => {}
                Gap::Space => self.text.push(' '),
                Gap::Semicolon if self.table.is_cell_filled => self.text.push_str("; "),
                Gap::Semicolon if self.text.ends_with('\n') => {}
                Gap::Semicolon | Gap::Line => self.text.push('\n'),
                Gap::Blank => self.text.push_str("\n\n"),
            }
        }
        if std::mem::take(&mut self.is_item) {
            self.text.push_str("- ");
        }
        self.table.is_cell_filled = true;
        if let Some(from) = self.from.take() {
            if self.parts.len() < MOST_PARTS {
                self.open_part = Some(self.parts.len());
                self.parts.push(Part {
                    start: self.text.len(),
                    end: self.text.len(),
                    from,
                });
            } else {
                self.has_too_many_parts = true;
            }
        }
    }

    /// The narrative, if there is one.
    pub(crate) fn finish(mut self, format: Format) -> Result<Narrative<'static>, Rejection> {
        self.close_part();
        if self.has_too_many_parts {
            return Err(Rejection::TooManyParts { limit: MOST_PARTS });
        }
        if self.text.len() > LARGEST_CHART {
            return Err(lightsout_nlp::Rejection::TooLarge {
                bytes: self.text.len(),
                limit: LARGEST_CHART,
            }
            .into());
        }
        if self.parts.is_empty() {
            let first = self.left_out.into_iter().next();
            return Err(match (first, format) {
                (Some(left_out), _) => left_out.because,
                (None, Format::Hl7) => Rejection::MessageWithoutNarrative,
                (None, _) => Rejection::DocumentWithoutNarrative,
            });
        }
        Ok(Narrative {
            format,
            text: Phi::new(Cow::Owned(self.text)),
            parts: self.parts,
            left_out: self.left_out,
        })
    }
}

/// What a row of a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Row {
    /// Names of columns.
    Head,
    /// Anything else.
    Body,
}

/// White space that says nothing: a space that does not break is one too.
fn is_space(letter: char) -> bool {
    letter.is_whitespace() || letter == '\u{feff}' || letter == '\u{200b}'
}

/// Whether there is a letter or digit at all.
pub(crate) fn has_letters(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}
