//! Writing the body of a dictionary's file; `reader.rs` reads it.

use super::{Lists, Strings, Tables};
use crate::trie::Trie;

#[derive(Default)]
pub(super) struct Writer {
    pub(super) body: Vec<u8>,
}

impl Writer {
    pub(super) fn tables(&mut self, tables: &Tables) {
        self.strings(&Strings::new([&tables.edition]));
        self.strings(&tables.codes);
        self.strings(&tables.titles);
        self.strings(&tables.inclusion_texts);
        self.count(tables.inclusions.len());
        let mut before = 0;
        for inclusion in &tables.inclusions {
            self.number(inclusion.node - before);
            before = inclusion.node;
        }
        self.count(tables.nodes.len());
        for (place, node) in (1..).zip(&tables.nodes) {
            self.body.extend([
                node.chapter,
                u8::from(node.is_leaf) | u8::from(node.is_chronic) << 1,
                node.seventh,
            ]);
            self.distance(place, node.default);
        }
        self.count(tables.sevenths.len());
        for set in &tables.sevenths {
            self.count(set.len());
            for seventh in set {
                self.body
                    .push(u8::try_from(seventh.character).unwrap_or(b'?'));
                self.strings(&Strings::new([&seventh.meaning]));
            }
        }
        self.strings(&tables.diseases.ids);
        self.strings(&tables.diseases.names);
        self.numbers(&tables.diseases.doids);
        self.numbers(&tables.diseases.groups);
        self.count(tables.meanings.len());
        let mut before = 0;
        for meaning in &tables.meanings {
            let node = meaning.node.map_or(0, |node| node + 1);
            self.body.push(meaning.origin as u8);
            self.distance(before, node);
            self.number(meaning.disease.map_or(0, |disease| disease + 1));
            self.body.push(meaning.source);
            self.number(meaning.further);
            before = node;
        }
        self.count(tables.senses.len());
        for senses in &tables.senses {
            self.count(senses.len());
            for sense in senses {
                self.number(sense.disease);
                self.body.push(sense.source);
            }
        }
        self.strings(tables.vocabulary.words());
        self.trie(&tables.terms);
        tables.attributes.write(self);
        tables.instructions.write(self);
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
        self.numbers(&labels);
        self.numbers(&counts);
        self.numbers(&trie.values().collect::<Vec<_>>());
    }

    pub(super) fn strings(&mut self, strings: &Strings) {
        self.ends(&strings.ends);
        self.body.extend(strings.text.as_bytes());
    }

    fn ends(&mut self, ends: &[u32]) {
        let mut before = 0;
        let length = |end: &u32| *end - std::mem::replace(&mut before, *end);
        self.numbers(&ends.iter().map(length).collect::<Vec<_>>());
    }

    /// The numbers' lowest bytes, then their next ones, up to the highest that any of them has.
    pub(super) fn numbers(&mut self, numbers: &[u32]) {
        self.count(numbers.len());
        let most = numbers.iter().max().map_or(0, |most| most.leading_zeros());
        let width = if numbers.is_empty() {
            0
        } else {
            4 - most as usize / 8
        };
        self.body.push(u8::try_from(width).unwrap_or(4));
        for plane in 0..width {
            self.body
                .extend(numbers.iter().map(|number| number.to_le_bytes()[plane]));
        }
    }

    pub(super) fn count(&mut self, count: usize) {
        self.number(u32::try_from(count).unwrap_or(u32::MAX));
    }

    fn distance(&mut self, from: u32, number: u32) {
        let by = number.abs_diff(from) << 1;
        self.number(by | u32::from(number < from));
    }

    pub(super) fn number(&mut self, mut number: u32) {
        while number >= 0x80 {
            self.body.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.body.push(number.to_le_bytes()[0]);
    }
}
