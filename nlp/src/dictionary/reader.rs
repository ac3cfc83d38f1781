//! Reading the body of a dictionary's file; `writer.rs` writes it.

use std::sync::Arc;

use lz4_flex::block::decompress_into;

use super::{
    AttributeTables, DictionaryError, Diseases, Inclusion, Instructions, Lists, Meaning, Meanings,
    Node, Origin, Sense, Seventh, Strings, Tables, Tree,
};
use crate::trie::{Trie, TrieNodes, WordId};
use crate::vocabulary::Vocabulary;

/// How many rows of a list are kept together, column by column.
pub(super) const ROWS: usize = 1 << 14;
/// How many bytes of a text are kept together.
pub(super) const PIECE: usize = 1 << 16;

/// A part of a body that is read from its front to its end.
///
/// One block of it stands in memory at a time, and always in the same memory: asking for fresh
/// pages takes longer than reading does.
pub(super) struct Reader<'s> {
    /// The blocks that are still compressed.
    stored: &'s [u8],
    block: Vec<u8>,
    /// Where the block is read next.
    at: usize,
    /// How many bytes of the part lie behind the block.
    behind: usize,
}

impl<'s> Reader<'s> {
    /// A reader of a part of this length.
    pub(super) fn new(stored: &'s [u8], length: usize) -> Self {
        Self {
            stored,
            block: Vec::new(),
            at: 0,
            behind: length,
        }
    }

    /// A reader of a part that is not compressed.
    pub(super) fn of(part: &[u8]) -> Self {
        Self {
            stored: &[],
            block: part.to_vec(),
            at: 0,
            behind: 0,
        }
    }

    /// The whole part as it stands.
    pub(super) fn all(mut self) -> Result<Vec<u8>, DictionaryError> {
        let mut all = Vec::with_capacity(self.behind);
        while self.behind > 0 {
            self.next_block()?;
            all.extend_from_slice(&self.block);
        }
        Ok(all)
    }

    /// That nothing is left.
    pub(super) fn end(self) -> Result<(), DictionaryError> {
        if self.left() == 0 && self.stored.is_empty() {
            Ok(())
        } else {
            Err(damaged("last bytes"))
        }
    }

    #[cold]
    fn next_block(&mut self) -> Result<(), DictionaryError> {
        const PART: &str = "blocks";
        let (lengths, rest) = self
            .stored
            .split_at_checked(8)
            .ok_or_else(|| damaged(PART))?;
        let (lengths, _) = lengths.as_chunks();
        let [length, stored] = [lengths[0], lengths[1]].map(|one| u32::from_le_bytes(one) as usize);
        let (block, rest) = rest.split_at_checked(stored).ok_or_else(|| damaged(PART))?;
        self.behind = self
            .behind
            .checked_sub(length)
            .ok_or_else(|| damaged(PART))?;
        self.stored = rest;
        self.block.resize(length, 0);
        self.at = 0;
        let written = decompress_into(block, &mut self.block);
        if written.map_err(DictionaryError::Decompress)? == length && length > 0 {
            Ok(())
        } else {
            Err(damaged(PART))
        }
    }

    /// What the tabular list says, the diseases, and what terms may mean; the rest of the tables
    /// stays empty. The terms take longest to read, so all else is here.
    pub(super) fn listed(&mut self) -> Result<Tables, DictionaryError> {
        let edition = self.strings("edition")?.text;
        let codes = self.strings("codes")?;
        let codes = codes.iter().map(str::parse).collect::<Result<Vec<_>, _>>();
        let codes = codes.map_err(|_| damaged("codes"))?;
        let titles = self.strings("titles")?;
        let inclusion_texts = self.strings("inclusion terms")?;
        let mut node = 0;
        let inclusions = self.list("inclusion terms", |reader| {
            node += reader.number("inclusion terms")?;
            Ok(Inclusion { node })
        })?;
        let nodes = self.nodes()?;
        let sevenths = self.list("7th characters", |reader| {
            reader.list("7th characters", Self::seventh)
        })?;
        let meanings = self.meanings()?;
        let senses = self.list("meanings", |reader| {
            reader.list("meanings", |reader| {
                Ok(Sense {
                    disease: reader.number("meanings")?,
                    source: reader.byte("meanings")?,
                })
            })
        })?;
        let instructions = Instructions::read(self, codes.len())?;
        let diseases = Diseases {
            ids: self.strings("diseases")?,
            names: self.strings("diseases")?,
            doids: self.numbers("diseases")?,
            groups: self.numbers("diseases")?,
        };
        Ok(Tables {
            edition,
            tree: Tree::new(&codes),
            codes,
            diseases,
            titles,
            inclusions,
            inclusion_texts,
            nodes,
            sevenths,
            meanings,
            senses,
            instructions,
            ..Tables::default()
        })
    }

    /// The terms, their words and attributes; the rest of the tables stays empty.
    pub(super) fn termed(&mut self) -> Result<Tables, DictionaryError> {
        let vocabulary = Vocabulary::of(self.strings("words")?);
        Ok(Tables {
            terms: self.trie(&vocabulary)?,
            attributes: AttributeTables::read(self, &vocabulary)?,
            vocabulary: Arc::new(vocabulary),
            ..Tables::default()
        })
    }

    /// The codes; where each one's default stands is kept as the distance from itself.
    fn nodes(&mut self) -> Result<Vec<Node>, DictionaryError> {
        const PART: &str = "codes";
        let length = self.length(PART)?;
        let mut nodes = Vec::with_capacity(length);
        self.rows(length, |reader, rows| {
            let [chapters, flags, sevenths] = reader.byte_columns(PART, rows)?;
            let [defaults] = reader.columns(PART, rows)?;
            for row in 0..rows {
                let place = u32::try_from(nodes.len() + 1).unwrap_or(u32::MAX);
                nodes.push(Node {
                    chapter: chapters[row],
                    is_leaf: flags[row] & 1 != 0,
                    is_chronic: flags[row] & 2 != 0,
                    seventh: sevenths[row],
                    default: moved(place, defaults[row]).ok_or_else(|| damaged(PART))?,
                });
            }
            Ok(())
        })?;
        Ok(nodes)
    }

    /// The meanings; each code, plus one, is kept as its distance from that of the one before.
    fn meanings(&mut self) -> Result<Meanings, DictionaryError> {
        const PART: &str = "meanings";
        let length = self.length(PART)?;
        let mut meanings = Meanings::zeroed(length);
        let (mut at, mut node) = (0, 0);
        self.rows(length, |reader, rows| {
            let [origins, sources] = reader.byte_columns(PART, rows)?;
            let [nodes, diseases, further] = reader.columns(PART, rows)?;
            for row in 0..rows {
                node = moved(node, nodes[row]).ok_or_else(|| damaged(PART))?;
                let origin = Origin::ALL.get(usize::from(origins[row]));
                let meaning = Meaning {
                    node: node.checked_sub(1),
                    disease: diseases[row].checked_sub(1),
                    source: sources[row],
                    further: further[row],
                    origin: *origin.ok_or_else(|| damaged(PART))?,
                };
                meanings.set(at, meaning);
                at += 1;
            }
            Ok(())
        })?;
        Ok(meanings)
    }

    fn seventh(&mut self) -> Result<Seventh, DictionaryError> {
        let character = char::from(self.byte("7th characters")?);
        let meaning = self.strings("7th characters")?.text;
        Ok(Seventh { character, meaning })
    }

    /// A trie over the words of a vocabulary.
    pub(super) fn trie(&mut self, words: &Vocabulary) -> Result<Trie, DictionaryError> {
        const PART: &str = "terms";
        let length = self.length(PART)?;
        let mut nodes = TrieNodes::of_length(length);
        self.rows(length, |reader, rows| {
            let [labels, children, values] = reader.columns(PART, rows)?;
            nodes.extend(&labels, &children, &values);
            Ok(())
        })?;
        // A label past the words would also size the trie's first table.
        let largest = WordId::try_from(words.len()).map_err(|_| damaged(PART))?;
        nodes.assemble(largest).ok_or_else(|| damaged(PART))
    }

    pub(super) fn list<T>(
        &mut self,
        part: &'static str,
        item: impl FnMut(&mut Self) -> Result<T, DictionaryError>,
    ) -> Result<Vec<T>, DictionaryError> {
        let length = self.length(part)?;
        let mut item = item;
        let mut items = Vec::with_capacity(length);
        for _ in 0..length {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// How many items follow.
    fn length(&mut self, part: &'static str) -> Result<usize, DictionaryError> {
        let length = self.number(part)? as usize;
        // Nearly every item takes a byte or more, so a damaged length cannot ask for much memory.
        if length > self.left() {
            return Err(damaged(part));
        }
        Ok(length)
    }

    /// A list of numbers; most of a dictionary is such lists.
    pub(super) fn numbers(&mut self, part: &'static str) -> Result<Vec<u32>, DictionaryError> {
        let length = self.length(part)?;
        let mut numbers = Vec::with_capacity(length);
        self.rows(length, |reader, rows| {
            reader.column(part, rows, &mut numbers)
        })?;
        Ok(numbers)
    }

    /// Reads rows that are kept by their columns, so many at a time.
    fn rows(
        &mut self,
        length: usize,
        mut read: impl FnMut(&mut Self, usize) -> Result<(), DictionaryError>,
    ) -> Result<(), DictionaryError> {
        for start in (0..length).step_by(ROWS) {
            read(self, ROWS.min(length - start))?;
        }
        Ok(())
    }

    fn byte_columns<const COLUMNS: usize>(
        &mut self,
        part: &'static str,
        rows: usize,
    ) -> Result<[Vec<u8>; COLUMNS], DictionaryError> {
        let mut columns = [const { Vec::new() }; COLUMNS];
        for column in &mut columns {
            *column = self.bytes(part, rows)?.to_vec();
        }
        Ok(columns)
    }

    fn columns<const COLUMNS: usize>(
        &mut self,
        part: &'static str,
        rows: usize,
    ) -> Result<[Vec<u32>; COLUMNS], DictionaryError> {
        let mut columns = [const { Vec::new() }; COLUMNS];
        for column in &mut columns {
            column.reserve_exact(rows);
            self.column(part, rows, column)?;
        }
        Ok(columns)
    }

    /// So many numbers, by their bytes: all lowest ones, then all next ones.
    fn column(
        &mut self,
        part: &'static str,
        rows: usize,
        into: &mut Vec<u32>,
    ) -> Result<(), DictionaryError> {
        let width = usize::from(self.byte(part)?);
        let bytes = self.bytes(part, rows * width)?;
        let number = u32::from_le_bytes;
        let plane = |at: usize| bytes[at * rows..].iter().take(rows);
        // Each width has a loop of its own, which takes many numbers at a time.
        match width {
            0 => into.resize(into.len() + rows, 0),
            1 => into.extend(plane(0).map(|low| u32::from(*low))),
            2 => {
                let pairs = plane(0).zip(plane(1));
                into.extend(pairs.map(|(a, b)| number([*a, *b, 0, 0])));
            }
            3 => {
                let triples = plane(0).zip(plane(1)).zip(plane(2));
                into.extend(triples.map(|((a, b), c)| number([*a, *b, *c, 0])));
            }
            4 => {
                let all = plane(0).zip(plane(1)).zip(plane(2).zip(plane(3)));
                into.extend(all.map(|((a, b), (c, d))| number([*a, *b, *c, *d])));
            }
            _ => return Err(damaged(part)),
        }
        Ok(())
    }

    pub(super) fn strings(&mut self, part: &'static str) -> Result<Strings, DictionaryError> {
        let (ends, end) = self.ends(part)?;
        let text = String::from_utf8(self.pieces(part, end as usize)?);
        let text = text.map_err(|_| damaged(part))?;
        if !ends.iter().all(|end| text.is_char_boundary(*end as usize)) {
            return Err(damaged(part));
        }
        Ok(Strings { text, ends })
    }

    /// Where each of a row of things ends, kept as their lengths, and where the last one does.
    fn ends(&mut self, part: &'static str) -> Result<(Vec<u32>, u32), DictionaryError> {
        let mut ends = self.numbers(part)?;
        let mut end: u32 = 0;
        for length in &mut ends {
            end = end.checked_add(*length).ok_or_else(|| damaged(part))?;
            *length = end;
        }
        Ok((ends, end))
    }

    pub(super) fn lists(&mut self, part: &'static str) -> Result<Lists, DictionaryError> {
        let (ends, end) = self.ends(part)?;
        let items = self.numbers(part)?;
        if items.len() != end as usize {
            return Err(damaged(part));
        }
        Ok(Lists { items, ends })
    }

    /// A list of bytes.
    pub(super) fn byte_list(&mut self, part: &'static str) -> Result<Vec<u8>, DictionaryError> {
        let length = self.length(part)?;
        self.pieces(part, length)
    }

    /// So many bytes, of which several blocks may hold a piece each.
    pub(super) fn pieces(
        &mut self,
        part: &'static str,
        length: usize,
    ) -> Result<Vec<u8>, DictionaryError> {
        if length > self.left() {
            return Err(damaged(part));
        }
        let mut all = Vec::with_capacity(length);
        while all.len() < length {
            let piece = PIECE.min(length - all.len());
            all.extend_from_slice(self.bytes(part, piece)?);
        }
        Ok(all)
    }

    pub(super) fn byte(&mut self, part: &'static str) -> Result<u8, DictionaryError> {
        self.bytes(part, 1).map(|byte| byte[0])
    }

    /// The next bytes, which were written at once and stand in one block.
    fn bytes(&mut self, part: &'static str, length: usize) -> Result<&[u8], DictionaryError> {
        if self.at == self.block.len() && length > 0 {
            self.next_block()?;
        }
        let bytes = self.block[self.at..].get(..length);
        let bytes = bytes.ok_or_else(|| damaged(part))?;
        self.at += length;
        Ok(bytes)
    }

    /// How many bytes have not been read.
    fn left(&self) -> usize {
        self.behind + self.block.len() - self.at
    }

    /// A number in LEB128.
    pub(super) fn number(&mut self, part: &'static str) -> Result<u32, DictionaryError> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.byte(part)?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(number).map_err(|_| damaged(part));
            }
        }
        Err(damaged(part))
    }
}

/// Made only where it is needed: it is asked for very often.
#[cold]
pub(super) fn damaged(part: &'static str) -> DictionaryError {
    DictionaryError::Damaged { part }
}

/// A number that is kept as its distance, up or down, from another one.
fn moved(from: u32, folded: u32) -> Option<u32> {
    let by = folded >> 1;
    if folded & 1 == 0 {
        from.checked_add(by)
    } else {
        from.checked_sub(by)
    }
}
