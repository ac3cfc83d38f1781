//! Writing the body of a dictionary's file; `reader.rs` reads it.

use super::reader::{PIECE, ROWS};
use super::{Lists, Meaning, Node, Strings, Tables};
use crate::trie::Trie;

/// A block is at most so long, in bytes: neither a column of so many rows nor a piece is longer.
const BLOCK: usize = 1 << 16;

/// A part of a body, in blocks; what is written at once stands in one of them.
#[derive(Default)]
pub(super) struct Writer {
    blocks: Vec<Vec<u8>>,
}

impl Writer {
    /// The blocks, each behind its length and its length when compressed.
    pub(super) fn stored(&self) -> Vec<u8> {
        let mut stored = Vec::new();
        for block in &self.blocks {
            let compressed = lz4_flex::block::compress(block);
            for bytes in [block, &compressed] {
                stored.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
            }
            stored.extend(compressed);
        }
        stored
    }

    /// How long the blocks are together, in bytes.
    pub(super) fn len(&self) -> usize {
        self.blocks.iter().map(Vec::len).sum()
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        match self.blocks.last_mut() {
            Some(block) if block.len() + bytes.len() <= BLOCK => block.extend_from_slice(bytes),
            _ if bytes.is_empty() => {}
            _ => self.blocks.push(bytes.to_vec()),
        }
    }

    /// Bytes of any length, in pieces.
    pub(super) fn pieces(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(PIECE) {
            self.write(piece);
        }
    }

    /// The first part: what the tabular list says, the diseases, and what terms may mean.
    pub(super) fn listed(tables: &Tables) -> Self {
        let mut writer = Self::default();
        writer.strings(&Strings::new([&tables.edition]));
        writer.strings(&Strings::new(&tables.codes));
        writer.strings(&tables.titles);
        writer.strings(&tables.inclusion_texts);
        writer.count(tables.inclusions.len());
        let mut before = 0;
        for inclusion in &tables.inclusions {
            writer.number(inclusion.node - before);
            before = inclusion.node;
        }
        writer.nodes(&tables.nodes);
        writer.count(tables.sevenths.len());
        for set in &tables.sevenths {
            writer.count(set.len());
            for seventh in set {
                writer.byte(u8::try_from(seventh.character).unwrap_or(b'?'));
                writer.strings(&Strings::new([&seventh.meaning]));
            }
        }
        writer.meanings(&tables.meanings.iter().collect::<Vec<_>>());
        writer.count(tables.senses.len());
        for senses in &tables.senses {
            writer.count(senses.len());
            for sense in senses {
                writer.number(sense.disease);
                writer.byte(sense.source);
            }
        }
        tables.instructions.write(&mut writer);
        writer.strings(&tables.diseases.ids);
        writer.strings(&tables.diseases.names);
        writer.numbers(&tables.diseases.doids);
        writer.numbers(&tables.diseases.groups);
        writer
    }

    /// The second part: the terms, their words and attributes.
    pub(super) fn termed(tables: &Tables) -> Self {
        let mut writer = Self::default();
        writer.strings(tables.vocabulary.words());
        writer.trie(&tables.terms);
        tables.attributes.write(&mut writer);
        writer
    }

    fn nodes(&mut self, nodes: &[Node]) {
        self.count(nodes.len());
        let mut place = 0;
        for rows in nodes.chunks(ROWS) {
            self.byte_column(rows, |node| node.chapter);
            self.byte_column(rows, |node| {
                u8::from(node.is_leaf) | u8::from(node.is_chronic) << 1
            });
            self.byte_column(rows, |node| node.seventh);
            self.column(rows, |node| {
                place += 1;
                distance(place, node.default)
            });
        }
    }

    fn meanings(&mut self, meanings: &[Meaning]) {
        let plus_one = |place: Option<u32>| place.map_or(0, |place| place + 1);
        self.count(meanings.len());
        let mut before = 0;
        for rows in meanings.chunks(ROWS) {
            self.byte_column(rows, |meaning| meaning.origin as u8);
            self.byte_column(rows, |meaning| meaning.source);
            self.column(rows, |meaning| {
                let node = plus_one(meaning.node);
                distance(std::mem::replace(&mut before, node), node)
            });
            self.column(rows, |meaning| plus_one(meaning.disease));
            self.column(rows, |meaning| meaning.further);
        }
    }

    pub(super) fn lists(&mut self, lists: &Lists) {
        self.ends(&lists.ends);
        self.numbers(&lists.items);
    }

    pub(super) fn trie(&mut self, trie: &Trie) {
        let counts: Vec<_> = trie.child_counts().collect();
        let mut labels: Vec<_> = trie.labels().collect();
        let mut node = 1;
        for count in &counts {
            let mut before = 0;
            for label in &mut labels[node..node + *count as usize] {
                (before, *label) = (*label, *label - before);
            }
            node += *count as usize;
        }
        let values: Vec<_> = trie.values().collect();
        self.count(labels.len());
        let rows = labels.chunks(ROWS).zip(counts.chunks(ROWS));
        for ((labels, counts), values) in rows.zip(values.chunks(ROWS)) {
            for numbers in [labels, counts, values] {
                self.column(numbers, |number| *number);
            }
        }
    }

    pub(super) fn strings(&mut self, strings: &Strings) {
        self.ends(&strings.ends);
        self.pieces(strings.text.as_bytes());
    }

    fn ends(&mut self, ends: &[u32]) {
        let mut before = 0;
        let length = |end: &u32| *end - std::mem::replace(&mut before, *end);
        self.numbers(&ends.iter().map(length).collect::<Vec<_>>());
    }

    pub(super) fn numbers(&mut self, numbers: &[u32]) {
        self.count(numbers.len());
        for rows in numbers.chunks(ROWS) {
            self.column(rows, |number| *number);
        }
    }

    fn byte_column<T>(&mut self, rows: &[T], byte: impl FnMut(&T) -> u8) {
        self.write(&rows.iter().map(byte).collect::<Vec<_>>());
    }

    /// The numbers' lowest bytes, then their next ones, up to the highest that any of them has.
    fn column<T>(&mut self, rows: &[T], number: impl FnMut(&T) -> u32) {
        let numbers: Vec<_> = rows.iter().map(number).collect();
        let most = numbers.iter().max().map_or(0, |most| most.leading_zeros());
        let width = 4 - most as usize / 8;
        self.write(&[u8::try_from(width).unwrap_or(4)]);
        let plane = |plane: usize| {
            numbers
                .iter()
                .map(move |number| number.to_le_bytes()[plane])
        };
        self.write(&(0..width).flat_map(plane).collect::<Vec<_>>());
    }

    pub(super) fn count(&mut self, count: usize) {
        self.number(u32::try_from(count).unwrap_or(u32::MAX));
    }

    pub(super) fn number(&mut self, mut number: u32) {
        let mut bytes = Vec::new();
        while number >= 0x80 {
            bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        bytes.push(number.to_le_bytes()[0]);
        for byte in bytes {
            self.byte(byte);
        }
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.write(&[byte]);
    }
}

/// How far, up or down, a number is from another one.
fn distance(from: u32, number: u32) -> u32 {
    number.abs_diff(from) << 1 | u32::from(number < from)
}
