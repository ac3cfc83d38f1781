//! From the notes of the tabular list to the tables of a dictionary.

use std::collections::BTreeMap;

use super::references::{List, merged};
use super::tabular::{Tabular, TabularNote, TabularNoteKind};
use super::{BuildError, number};
use crate::dictionary::{InstructionKind, Instructions, Lists, Strings, WIDE};

/// Runs of places, and the 7th characters that they are confined to.
type Set = (Vec<u32>, u32);

/// What notes name and no code is meant by: a code that the list does not have, and an example
/// in prose. Any other is an error, so that no reference is left out unseen.
const SLIPS: [&str; 2] = [
    "G31.90",
    "diabetic acidosis - see categories E08-E10, E11, E13 with ketoacidosis",
];

/// How much is kept of a note's words, in characters: what names more than this is a list of
/// examples.
const LONGEST_TEXT: usize = 240;

/// Words that make what a note excludes another thing than the codes that it names.
const QUALIFYING: [&str; 12] = [
    " in ",
    " due to ",
    " with ",
    " following ",
    " complicating ",
    " associated with ",
    " during ",
    " caused by ",
    " resulting from ",
    " secondary to ",
    " from ",
    "classifi",
];

/// The notes at every code, and how many codes and ranges they name.
pub(super) fn read(tabular: &Tabular) -> Result<(Instructions, usize), BuildError> {
    let list = List::new(tabular.codes.iter().map(|code| code.code.as_str()));
    let mut reading = Reading::default();
    for (at, code) in tabular.codes.iter().enumerate() {
        for note in &code.notes {
            reading.note(&list, number(at), note);
        }
    }
    reading.unread.sort_unstable();
    reading.unread.dedup();
    reading
        .unread
        .retain(|unread| !SLIPS.contains(&unread.as_str()));
    if !reading.unread.is_empty() {
        return Err(BuildError::Unread(reading.unread));
    }
    let references = reading.references;
    Ok((reading.tables(), references))
}

#[derive(Default)]
struct Reading {
    notes: Vec<(u32, u8, Set, String)>,
    references: usize,
    unread: Vec<String>,
}

impl Reading {
    fn note(&mut self, list: &List<'_>, at: u32, note: &TabularNote) {
        match note.kind {
            TabularNoteKind::Excludes1 => {
                self.excludes(list, at, note, excludes1);
            }
            TabularNoteKind::Excludes2 => {
                self.excludes(list, at, note, |_| InstructionKind::NotPart);
            }
            TabularNoteKind::CodeFirst => {
                self.sequence(list, at, note, InstructionKind::CodeFirst);
            }
            TabularNoteKind::UseAdditional => {
                self.sequence(list, at, note, InstructionKind::UseAdditional);
            }
            TabularNoteKind::CodeAlso => {
                self.sequence(list, at, note, InstructionKind::CodeAlso);
            }
        }
    }

    /// Each line excludes codes of its own; those of one kind make one note.
    fn excludes(
        &mut self,
        list: &List<'_>,
        at: u32,
        note: &TabularNote,
        kind: impl Fn(&str) -> InstructionKind,
    ) {
        let mut by_kind: BTreeMap<InstructionKind, Vec<&str>> = BTreeMap::new();
        for line in &note.lines {
            by_kind.entry(kind(line)).or_default().push(line);
        }
        for (kind, lines) in by_kind {
            for set in self.sets(list, &lines) {
                self.push(at, kind, note, set, String::new());
            }
        }
    }

    /// Lines below one that ends in a colon belong to it; any other line is a note of its own.
    fn sequence(&mut self, list: &List<'_>, at: u32, note: &TabularNote, kind: InstructionKind) {
        let mut groups: Vec<Vec<&str>> = Vec::new();
        for line in &note.lines {
            match groups.last_mut() {
                Some(group) if group[0].ends_with(':') && !line.ends_with(':') => group.push(line),
                _ => groups.push(vec![line]),
            }
        }
        for lines in groups {
            let text = text(&lines);
            let mut sets = self.sets(list, &lines);
            if sets.is_empty() {
                sets.push((Vec::new(), 0));
            }
            for set in sets {
                self.push(at, kind, note, set, text.clone());
            }
        }
    }

    fn push(&mut self, at: u32, kind: InstructionKind, note: &TabularNote, set: Set, text: String) {
        let wide = if note.is_wide { WIDE } else { 0 };
        self.notes.push((at, kind as u8 | wide, set, text));
    }

    /// The codes that lines name, apart by the 7th characters that they are confined to.
    fn sets(&mut self, list: &List<'_>, lines: &[&str]) -> Vec<Set> {
        let mut sets: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
        for line in lines {
            let named = list.named(line);
            self.references += named.read;
            self.unread.extend(named.unread);
            for (sevenths, runs) in named.runs {
                sets.entry(sevenths).or_default().extend(runs);
            }
        }
        let flat = |runs| merged(runs).into_iter().flat_map(|(from, to)| [from, to]);
        sets.into_iter()
            .map(|(sevenths, runs)| (flat(runs).collect(), sevenths))
            .collect()
    }

    fn tables(self) -> Instructions {
        let mut sets: BTreeMap<Set, u32> = BTreeMap::new();
        let mut texts: BTreeMap<String, u32> = BTreeMap::from([(String::new(), 0)]);
        for (_, _, set, text) in &self.notes {
            sets.entry(set.clone()).or_default();
            texts.entry(text.clone()).or_default();
        }
        for (place, at) in (0..).zip(sets.values_mut()) {
            *at = place;
        }
        for (place, at) in (0..).zip(texts.values_mut()) {
            *at = place;
        }
        let nodes: Vec<_> = self.notes.iter().map(|note| note.0).collect();
        Instructions {
            begins: Instructions::begins(&nodes),
            nodes,
            kinds: self.notes.iter().map(|note| note.1).collect(),
            sets: self.notes.iter().map(|note| sets[&note.2]).collect(),
            texts: self.notes.iter().map(|note| texts[&note.3]).collect(),
            sevenths: sets.keys().map(|(_, sevenths)| *sevenths).collect(),
            said: Strings::new(texts.keys()),
            named: Lists::new(sets.into_keys().map(|(runs, _)| runs)),
        }
    }
}

/// What a line of an Excludes1 note means for who decides between the two codes.
fn excludes1(line: &str) -> InstructionKind {
    let condition = line.split('(').next().unwrap_or(line);
    if condition.contains("NOS") || condition.contains("unspecified") {
        InstructionKind::Unspecified
    } else if QUALIFYING.iter().any(|words| condition.contains(words)) {
        InstructionKind::Qualified
    } else {
        InstructionKind::Instead
    }
}

/// The words of a note on one line.
fn text(lines: &[&str]) -> String {
    let tidy = |line: &str| line.trim_matches([',', ' ', ';']).to_owned();
    let mut text = tidy(lines[0]);
    for (at, line) in lines[1..].iter().enumerate() {
        text.push_str(if at == 0 { " " } else { "; " });
        text.push_str(&tidy(line));
    }
    if text.chars().count() > LONGEST_TEXT {
        text = text.chars().take(LONGEST_TEXT - 1).collect();
        text.push('\u{2026}');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_excludes1_says_which_code_stands() {
        for (line, kind) in [
            ("bronchitis NOS (J40)", InstructionKind::Unspecified),
            ("coma in diabetes (E08-E13)", InstructionKind::Qualified),
            ("type 1 diabetes mellitus (E10.-)", InstructionKind::Instead),
        ] {
            assert_eq!(excludes1(line), kind, "{line}");
        }
    }

    #[test]
    fn lines_below_a_colon_are_one_text() {
        assert_eq!(
            text(&[
                "underlying disease, such as:",
                "amyloidosis (E85.-)",
                "gout (M10.-)"
            ]),
            "underlying disease, such as: amyloidosis (E85.-); gout (M10.-)"
        );
        assert_eq!(
            text(&[", if applicable, sepsis (A41.9)"]),
            "if applicable, sepsis (A41.9)"
        );
    }
}
