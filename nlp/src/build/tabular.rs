//! The tabular list's XML.

use std::collections::HashSet;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::{BuildError, number};
use crate::icd_code::IcdCode;
use crate::vocabulary::forms;

/// The tabular list, every code after the one that it stands below.
#[derive(Debug, Default)]
pub(super) struct Tabular {
    pub(super) version: String,
    pub(super) codes: Vec<TabularCode>,
}

/// One `diag` of the list.
#[derive(Debug, Default)]
pub(super) struct TabularCode {
    pub(super) code: String,
    pub(super) title: String,
    pub(super) chapter: u8,
    pub(super) parent: Option<usize>,
    pub(super) children: Vec<usize>,
    pub(super) inclusions: Vec<String>,
    /// Its notes, those of its block and chapter included.
    pub(super) notes: Vec<TabularNote>,
    sevenths: Vec<(char, String)>,
}

/// One of the notes that stand at a code, a block or a chapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TabularNote {
    pub(super) kind: TabularNoteKind,
    /// Whether it stands at a block or chapter.
    pub(super) is_wide: bool,
    /// Its lines; the first may only lead to the others.
    pub(super) lines: Vec<String>,
}

/// How the XML calls a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TabularNoteKind {
    Excludes1,
    Excludes2,
    CodeFirst,
    UseAdditional,
    CodeAlso,
}

impl TabularNoteKind {
    fn of(element: &str) -> Option<Self> {
        match element {
            "excludes1" => Some(Self::Excludes1),
            "excludes2" => Some(Self::Excludes2),
            "codeFirst" => Some(Self::CodeFirst),
            "useAdditionalCode" => Some(Self::UseAdditional),
            "codeAlso" => Some(Self::CodeAlso),
            _ => None,
        }
    }
}

/// A block or chapter that is being read: its first code, and its notes.
type Wide = (usize, Vec<TabularNote>);

/// Reads the XML; codes come out in alphabetical order.
pub(super) fn read(xml: &str) -> Result<Tabular, BuildError> {
    let mut reader = Reader::from_str(xml);
    let mut tabular = Tabular::default();
    let mut path: Vec<String> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut chapter = 0;
    let mut text = String::new();
    let mut extension = None;
    let mut lines = Vec::new();
    let mut wide: Vec<Wide> = Vec::new();
    loop {
        let event = reader.read_event().map_err(|source| BuildError::Xml {
            at: reader.error_position(),
            source: Box::new(source),
        })?;
        match event {
            Event::Start(start) => {
                let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
                if matches!(name.as_str(), "chapter" | "section") {
                    wide.push((tabular.codes.len(), Vec::new()));
                }
                match name.as_str() {
                    "chapter" => chapter += 1,
                    "diag" => {
                        let parent = open.last().copied();
                        open.push(tabular.codes.len());
                        tabular.codes.push(TabularCode {
                            chapter,
                            parent,
                            ..TabularCode::default()
                        });
                    }
                    "extension" => {
                        let character = start.try_get_attribute("char").ok().flatten();
                        extension = character
                            .and_then(|attribute| attribute.value.first().copied().map(char::from));
                    }
                    _ => {}
                }
                path.push(name);
                text.clear();
            }
            Event::Text(part) => text.push_str(&String::from_utf8_lossy(part.as_ref())),
            Event::GeneralRef(reference) => {
                match String::from_utf8_lossy(reference.as_ref()).as_ref() {
                    "amp" => text.push('&'),
                    "lt" => text.push('<'),
                    "gt" => text.push('>'),
                    "apos" => text.push('\''),
                    "quot" => text.push('"'),
                    _ => text.extend(reference.resolve_char_ref().ok().flatten()),
                }
            }
            Event::End(_) => {
                let value = text.split_whitespace().collect::<Vec<_>>().join(" ");
                text.clear();
                let element = path.pop().unwrap_or_default();
                let within = path.last().map(String::as_str).unwrap_or_default();
                let current = open.last().map(|at| &mut tabular.codes[*at]);
                if let Some(kind) = TabularNoteKind::of(&element) {
                    let note = TabularNote {
                        kind,
                        is_wide: within != "diag",
                        lines: std::mem::take(&mut lines),
                    };
                    match (current, wide.last_mut()) {
                        (Some(code), _) => code.notes.push(note),
                        (None, Some((_, notes))) => notes.push(note),
                        (None, None) => {}
                    }
                    continue;
                }
                match (within, element.as_str(), current) {
                    ("ICD10CM.tabular", "version", _) => tabular.version = value,
                    ("diag", "name", Some(code)) => code.code = value,
                    ("diag", "desc", Some(code)) => code.title = value,
                    ("inclusionTerm", "note", Some(code)) => code.inclusions.push(value),
                    (kind, "note", _) if TabularNoteKind::of(kind).is_some() => lines.push(value),
                    (_, "chapter" | "section", _) => tabular.inherit(wide.pop()),
                    ("sevenChrDef", "extension", Some(code)) => code
                        .sevenths
                        .extend(extension.take().map(|character| (character, value))),
                    (_, "diag", _) => {
                        open.pop();
                    }
                    _ => {}
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if tabular.codes.len() < 40_000 {
        return Err(BuildError::TooFewCodes(tabular.codes.len()));
    }
    Ok(tabular.in_order())
}

impl Tabular {
    /// Gives the notes of a block or chapter to its categories.
    fn inherit(&mut self, wide: Option<Wide>) {
        let Some((first, notes)) = wide else { return };
        let categories = self.codes[first..].iter_mut();
        for category in categories.filter(|code| code.parent.is_none()) {
            category.notes.extend_from_slice(&notes);
        }
    }

    /// The codes as codes; what is none stops the build.
    pub(super) fn icd_codes(&self) -> Result<Vec<IcdCode>, BuildError> {
        let parsed = |code: &TabularCode| {
            let parsed = code.code.parse();
            parsed.map_err(|_| BuildError::NotACode(code.code.clone()))
        };
        self.codes.iter().map(parsed).collect()
    }

    /// Keeps only the 7th characters that make a code of the list.
    ///
    /// The XML gives them to a whole category; that some codes do not take all of them
    /// (a death has no subsequent encounter) stands there in prose alone.
    pub(super) fn confined_to(mut self, code_list: &str) -> Result<Self, BuildError> {
        let listed: HashSet<&str> = code_list.lines().map(str::trim).collect();
        let is_listed = |code: &str| listed.contains(code.replace('.', "").as_str());
        let mut unlisted = Vec::new();
        for at in 0..self.codes.len() {
            let mut sevenths = self.sevenths(at).to_vec();
            let code = &mut self.codes[at];
            let needs_seventh = !sevenths.is_empty();
            if code.children.is_empty() {
                sevenths.retain(|(character, _)| {
                    with_seventh(&code.code, *character).is_some_and(|code| is_listed(&code))
                });
            }
            if !is_listed(&code.code) || (needs_seventh && sevenths.is_empty()) {
                unlisted.push(code.code.clone());
            }
            code.sevenths = sevenths;
        }
        if unlisted.is_empty() {
            Ok(self)
        } else {
            Err(BuildError::NotListed(unlisted))
        }
    }

    /// The 7th characters that a code takes: its own or those of the nearest code above.
    pub(super) fn sevenths(&self, at: usize) -> &[(char, String)] {
        let mut at = Some(at);
        while let Some(code) = at.map(|at| &self.codes[at]) {
            if !code.sevenths.is_empty() {
                return &code.sevenths;
            }
            at = code.parent;
        }
        &[]
    }

    /// The leaf that stands for a code when nothing more is known, if the list has one.
    ///
    /// That is the code itself when it is a leaf, its only child, or the child whose title is
    /// the same (`F20.8` and `F20.89`) or says that it is unspecified or uncomplicated (which usually ends in 9); and so on down.
    pub(super) fn default_leaf(&self, at: usize) -> Option<usize> {
        let code = &self.codes[at];
        match code.children.as_slice() {
            [] => Some(at),
            [child] => self.default_leaf(*child),
            children => {
                let vagueness = |child: usize| {
                    let child = &self.codes[child];
                    let title = child.title.to_lowercase();
                    let unsaid = ["unspecified", "not specified"]
                        .map(|words| title.matches(words).count())
                        .iter()
                        .sum::<usize>();
                    let says_nothing = unsaid > 0;
                    let nothing_more = title.contains("without") || title.contains("uncomplicated");
                    let named = child
                        .inclusions
                        .iter()
                        .any(|term| term.eq_ignore_ascii_case(&format!("{} NOS", code.title)));
                    let nine = child.code.ends_with('9');
                    let same = forms(&child.title) == forms(&code.title);
                    u32::from(same) * 16
                        + u32::from(named) * 8
                        + number(unsaid) * 2
                        + u32::from(nothing_more) * 2
                        + u32::from(nine && (says_nothing || nothing_more)) * 2
                };
                let best = children
                    .iter()
                    .copied()
                    .max_by_key(|child| (vagueness(*child), std::cmp::Reverse(*child)))?;
                if vagueness(best) == 0 {
                    None
                } else {
                    self.default_leaf(best)
                }
            }
        }
    }

    /// Where a code stands, category or not.
    pub(super) fn place_of(&self, code: &str) -> Option<usize> {
        self.codes
            .binary_search_by(|known| known.code.as_str().cmp(code))
            .ok()
    }

    /// The leaf whose billable code, with its default 7th character, is `code`.
    pub(super) fn leaf_of(&self, code: &str) -> Result<usize, String> {
        if let Some(at) = self.place_of(code) {
            return match (
                self.codes[at].children.is_empty(),
                self.sevenths(at).first(),
            ) {
                (false, _) => Err(format!("`{code}` is a category; give a code below it")),
                (true, Some((character, _))) => Err(format!(
                    "`{code}` needs a 7th character; give `{}`",
                    with_seventh(code, *character).unwrap_or_default()
                )),
                (true, None) => Ok(at),
            };
        }
        let stem = code.get(..code.len().saturating_sub(1)).unwrap_or_default();
        let stems = (3..=stem.len())
            .rev()
            .filter_map(|end| self.place_of(stem.get(..end)?));
        let wanted = |at: &usize| {
            let first = self.sevenths(*at).iter().map(|(character, _)| *character);
            let default = ['A', '0', '9']
                .into_iter()
                .find(|wanted| first.clone().any(|character| character == *wanted));
            self.codes[*at].children.is_empty()
                && default
                    .and_then(|character| with_seventh(&self.codes[*at].code, character))
                    .is_some_and(|closed| closed == code)
        };
        stems.into_iter().find(wanted).ok_or_else(|| format!("`{code}` is no billable code of this edition, or not with the 7th character of an initial encounter"))
    }

    fn in_order(mut self) -> Self {
        let mut order: Vec<usize> = (0..self.codes.len()).collect();
        order.sort_by(|left, right| self.codes[*left].code.cmp(&self.codes[*right].code));
        let mut place = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            place[*old] = new;
        }
        let mut codes: Vec<_> = order
            .iter()
            .map(|old| std::mem::take(&mut self.codes[*old]))
            .collect();
        for at in 0..codes.len() {
            codes[at].parent = codes[at].parent.map(|parent| place[parent]);
            if let Some(parent) = codes[at].parent {
                codes[parent].children.push(at);
            }
        }
        Self { codes, ..self }
    }
}

fn with_seventh(code: &str, seventh: char) -> Option<IcdCode> {
    code.parse::<IcdCode>().ok()?.with_seventh(seventh)
}
