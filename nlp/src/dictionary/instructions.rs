//! The notes of the tabular list: what a code excludes, and which codes belong before or beside it.

use super::bytes::DictionaryError;
use super::reader::{Reader, damaged};
use super::{Lists, Strings};

/// Every note of the tabular list, in the order of the codes that they stand at.
///
/// A note of a block or chapter stands at each of its categories. What is below a code inherits
/// the code's notes, which are kept once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Instructions {
    /// The code that each note stands at.
    pub(crate) nodes: Vec<u32>,
    /// What each says, as numbers of [`InstructionKind`]; [`WIDE`] is added for a block's.
    pub(crate) kinds: Vec<u8>,
    /// The set of codes that each names.
    pub(crate) sets: Vec<u32>,
    /// The words of each; the first text is empty.
    pub(crate) texts: Vec<u32>,
    /// The different sets of codes: runs of places, each from and to.
    pub(crate) named: Lists,
    /// The 7th characters that each set is confined to, as bits; none where any will do.
    pub(crate) sevenths: Vec<u32>,
    /// The different texts.
    pub(crate) said: Strings,
    /// Where the notes of every [`NEAR`] codes begin, so that few are looked at for a code.
    pub(crate) begins: Vec<u32>,
}

/// How many codes share a place in the notes from which theirs are looked for.
const NEAR: u32 = 16;

/// Added to the kind of a note of a block or chapter.
pub(crate) const WIDE: u8 = 0x80;

/// What a note of the tabular list says of the codes that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum InstructionKind {
    /// They are coded instead (Excludes1).
    Instead,
    /// They say less, so that the code itself stands (Excludes1: `bronchitis NOS (J40)`).
    Unspecified,
    /// They are coded instead under a condition (Excludes1: `coma in diabetes (E08-E13)`).
    Qualified,
    /// They are not part of the code (Excludes2).
    NotPart,
    /// One of them stands before it.
    CodeFirst,
    /// One of them stands behind it.
    UseAdditional,
    /// One of them may stand beside it.
    CodeAlso,
}

impl InstructionKind {
    /// Every kind, by its number.
    pub(crate) const ALL: [Self; 7] = [
        Self::Instead,
        Self::Unspecified,
        Self::Qualified,
        Self::NotPart,
        Self::CodeFirst,
        Self::UseAdditional,
        Self::CodeAlso,
    ];

    /// Whether it is an Excludes1 note.
    pub(crate) fn is_excludes1(self) -> bool {
        matches!(self, Self::Instead | Self::Unspecified | Self::Qualified)
    }
}

/// One note at one code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instruction<'i> {
    pub(crate) kind: InstructionKind,
    /// Whether it is a note of a whole block or chapter.
    pub(crate) is_wide: bool,
    /// Its words; empty where it only excludes.
    pub(crate) text: &'i str,
    /// Runs of places, each from and to, in order.
    runs: &'i [u32],
    sevenths: u32,
}

impl Instruction<'_> {
    /// Which of these codes it names: places in order, each with its 7th character.
    pub(crate) fn among(&self, codes: &[(u32, Option<char>)], mut see: impl FnMut(usize)) {
        let takes = |seventh: Option<char>| {
            self.sevenths == 0
                || seventh
                    .and_then(|seventh| u32::from(seventh).checked_sub(u32::from('A')))
                    .is_some_and(|place| place < 26 && self.sevenths >> place & 1 == 1)
        };
        // A set may have more runs than the note has codes, or the other way round.
        if self.runs.len() / 2 <= codes.len() {
            for run in self.runs.chunks_exact(2) {
                let from = codes.partition_point(|(node, _)| *node < run[0]);
                let held = codes[from..].iter().take_while(|(node, _)| *node < run[1]);
                for (at, (_, seventh)) in (from..).zip(held) {
                    if takes(*seventh) {
                        see(at);
                    }
                }
            }
        } else {
            for (at, (node, seventh)) in codes.iter().enumerate() {
                // Behind an odd number of bounds is within a run.
                let bounds = self.runs.partition_point(|bound| bound <= node);
                if bounds % 2 == 1 && takes(*seventh) {
                    see(at);
                }
            }
        }
    }
}

impl Instructions {
    /// Shows the notes that stand at this very code.
    #[inline]
    pub(crate) fn each_at<'i>(&'i self, node: u32, mut see: impl FnMut(Instruction<'i>)) {
        // No note stands behind the last begin.
        let Some(begin) = self.begins.get((node / NEAR) as usize) else {
            return;
        };
        for at in *begin as usize..self.nodes.len() {
            if self.nodes[at] > node {
                return;
            }
            let kind = usize::from(self.kinds[at] & !WIDE);
            if self.nodes[at] == node
                && let Some(kind) = InstructionKind::ALL.get(kind)
            {
                let set = self.sets[at] as usize;
                see(Instruction {
                    kind: *kind,
                    is_wide: self.kinds[at] & WIDE != 0,
                    text: self.said.get(self.texts[at] as usize),
                    runs: self.named.get(set),
                    sevenths: self.sevenths[set],
                });
            }
        }
    }

    /// Where the notes of every [`NEAR`] codes begin among notes that stand at these.
    pub(crate) fn begins(nodes: &[u32]) -> Vec<u32> {
        let mut begins = Vec::new();
        for (at, node) in (0..).zip(nodes) {
            begins.resize(begins.len().max((node / NEAR) as usize + 1), at);
        }
        begins
    }

    /// The notes at so many codes.
    pub(super) fn read(reader: &mut Reader<'_>, codes: usize) -> Result<Self, DictionaryError> {
        const PART: &str = "notes of the tabular list";
        let mut nodes = reader.numbers(PART)?;
        let mut node: u32 = 0;
        for distance in &mut nodes {
            node = node.checked_add(*distance).ok_or_else(|| damaged(PART))?;
            if node as usize >= codes {
                return Err(damaged(PART));
            }
            *distance = node;
        }
        Ok(Self {
            begins: Self::begins(&nodes),
            nodes,
            kinds: reader.byte_list(PART)?,
            sets: reader.numbers(PART)?,
            texts: reader.numbers(PART)?,
            named: reader.lists(PART)?,
            sevenths: reader.numbers(PART)?,
            said: reader.strings(PART)?,
        })
    }

    /// Whether the notes fit to so many codes.
    pub(super) fn fits(&self, codes: usize) -> bool {
        let notes = self.nodes.len();
        let below = |numbers: &[u32], end: usize| numbers.iter().all(|at| (*at as usize) < end);
        let kinds = InstructionKind::ALL.len();
        self.kinds.len() == notes
            && self.sets.len() == notes
            && self.texts.len() == notes
            && below(&self.nodes, codes)
            && self
                .kinds
                .iter()
                .all(|kind| usize::from(kind & !WIDE) < kinds)
            && below(&self.sets, self.named.len())
            && below(&self.texts, self.said.len())
            && self.sevenths.len() == self.named.len()
            && (0..self.named.len()).all(|set| {
                let runs = self.named.get(set);
                runs.len().is_multiple_of(2)
                    && runs.windows(2).all(|pair| pair[0] < pair[1])
                    && runs.last().is_none_or(|end| *end as usize <= codes)
            })
    }
}

#[cfg(any(feature = "build", test))]
impl Instructions {
    pub(super) fn write(&self, writer: &mut super::writer::Writer) {
        let mut before = 0;
        let distance = |node: &u32| *node - std::mem::replace(&mut before, *node);
        let distances: Vec<_> = self.nodes.iter().map(distance).collect();
        writer.numbers(&distances);
        writer.count(self.kinds.len());
        writer.pieces(&self.kinds);
        writer.numbers(&self.sets);
        writer.numbers(&self.texts);
        writer.lists(&self.named);
        writer.numbers(&self.sevenths);
        writer.strings(&self.said);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dictionary;

    #[test]
    fn a_set_is_told_the_same_by_its_runs_and_by_the_codes() {
        let codes: Vec<(u32, Option<char>)> = [1, 3, 4, 7, 9, 12, 20]
            .map(|node| (node, Some('A')))
            .to_vec();
        let found = |runs: &[u32], codes: &[(u32, Option<char>)]| {
            let mut found = Vec::new();
            let instruction = Instruction {
                kind: InstructionKind::CodeAlso,
                is_wide: false,
                text: "",
                runs,
                sevenths: 1,
            };
            instruction.among(codes, |at| found.push(codes[at].0));
            found
        };
        let runs = [0, 2, 3, 5, 9, 10, 12, 13];
        assert_eq!(found(&runs, &codes), [1, 3, 4, 9, 12]);
        for code in &codes {
            let alone = found(&runs, &[*code]);
            assert_eq!(alone.contains(&code.0), [1, 3, 4, 9, 12].contains(&code.0));
        }
        assert!(found(&runs, &[(3, Some('D')), (4, None)]).is_empty());
    }

    #[test]
    fn the_notes_of_the_editions_are_all_there() {
        let counts = |dictionary: &Dictionary| -> ([usize; 7], usize) {
            let notes = &dictionary.0.instructions;
            let of = |kind: InstructionKind| {
                let own = notes.kinds.iter().map(|known| known & !WIDE);
                own.filter(|known| *known == kind as u8).count()
            };
            (InstructionKind::ALL.map(of), notes.named.len())
        };
        // Held so that no change of the reading loses a note unseen.
        let newest = [2471, 391, 956, 2937, 403, 1409, 385];
        assert_eq!(counts(&Dictionary::fy2026()), (newest, 4143));
        let earlier = [2491, 397, 946, 2888, 400, 1402, 344];
        assert_eq!(counts(&Dictionary::fy2025()), (earlier, 4089));
    }
}
