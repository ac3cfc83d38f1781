//! Reading the body of a dictionary's file; `writer.rs` writes it.

use std::io::Read;
use std::sync::Arc;

use super::{
    AttributeTables, DictionaryError, Diseases, Inclusion, Instructions, Lists, Meaning, Node,
    Origin, Sense, Seventh, Strings, Tables,
};
use crate::trie::{Nodes, Trie};
use crate::vocabulary::Vocabulary;

/// A body that is read from its front to its end.
pub(super) struct Reader<B> {
    body: B,
    /// How many bytes are to come, as far as the header is right.
    left: usize,
    /// Bytes that the body gave, of which those before `at` have been read.
    chunk: Vec<u8>,
    at: usize,
    scratch: Vec<u8>,
}

/// The most bytes that a number has.
const WIDEST: usize = 4;

/// The bytes of some numbers: all lowest ones, then all next ones.
struct Planes<'r> {
    bytes: &'r [u8],
    length: usize,
}

impl Planes<'_> {
    fn numbers(&self) -> impl Iterator<Item = u32> {
        let plane = |at: usize| self.bytes[at * self.length..].iter().take(self.length);
        let low = plane(0).zip(plane(1));
        let high = plane(2).zip(plane(3));
        low.zip(high).map(|((lowest, second), (third, highest))| {
            u32::from_le_bytes([*lowest, *second, *third, *highest])
        })
    }
}

/// How many bytes are asked of a body at a time.
const CHUNK: usize = 1 << 14;

/// A label past the words would size a trie's first table; it is checked before it is made.
const LARGEST_LABEL: u32 = 1 << 24;

impl<B: Read> Reader<B> {
    /// A reader of a body of this length, in bytes.
    pub(super) fn new(body: B, length: usize) -> Self {
        Self {
            body,
            left: length,
            chunk: Vec::with_capacity(CHUNK),
            at: 0,
            scratch: Vec::new(),
        }
    }

    /// How many bytes have not been read.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// That nothing is left, of the body and of what the header promised.
    pub(super) fn end(mut self) -> Result<(), DictionaryError> {
        if self.left == 0 && self.at == self.chunk.len() && !self.read_on()? {
            Ok(())
        } else {
            Err(damaged("last bytes"))
        }
    }

    pub(super) fn tables(&mut self) -> Result<Tables, DictionaryError> {
        let edition = self.strings("edition")?.text;
        let codes = self.strings("codes")?;
        let titles = self.strings("titles")?;
        let inclusion_texts = self.strings("inclusion terms")?;
        let mut node = 0;
        let inclusions = self.list("inclusion terms", |reader| {
            node += reader.number("inclusion terms")?;
            Ok(Inclusion { node })
        })?;
        let mut place = 0;
        let nodes = self.list("codes", |reader| {
            place += 1;
            reader.node(place)
        })?;
        let sevenths = self.list("7th characters", |reader| {
            reader.list("7th characters", Self::seventh)
        })?;
        let diseases = Diseases {
            ids: self.strings("diseases")?,
            names: self.strings("diseases")?,
            doids: self.numbers("diseases")?,
            groups: self.numbers("diseases")?,
        };
        let mut node = 0;
        let meanings = self.list("meanings", |reader| reader.meaning(&mut node))?;
        let senses = self.list("meanings", |reader| {
            reader.list("meanings", |reader| {
                Ok(Sense {
                    disease: reader.number("meanings")?,
                    source: reader.byte("meanings")?,
                })
            })
        })?;
        let words = self.strings("words")?;
        let terms = self.trie()?;
        let attributes = AttributeTables::read(self)?;
        let instructions = Instructions::read(self)?;
        Ok(Tables {
            edition,
            codes,
            titles,
            inclusions,
            inclusion_texts,
            nodes,
            sevenths,
            diseases,
            meanings,
            senses,
            vocabulary: Arc::new(Vocabulary::of(words)),
            terms,
            attributes,
            instructions,
            tree: super::Tree::default(),
        })
    }

    /// The node at this place, counted from one.
    fn node(&mut self, place: u32) -> Result<Node, DictionaryError> {
        let chapter = self.byte("codes")?;
        let flags = self.byte("codes")?;
        Ok(Node {
            chapter,
            is_leaf: flags & 1 != 0,
            is_chronic: flags & 2 != 0,
            seventh: self.byte("codes")?,
            default: self.distance(place, "codes")?,
        })
    }

    /// A meaning whose code, plus one, is kept as its distance from that of the one before.
    fn meaning(&mut self, node: &mut u32) -> Result<Meaning, DictionaryError> {
        let origin = self.byte("meanings")? as usize;
        *node = self.distance(*node, "meanings")?;
        Ok(Meaning {
            node: node.checked_sub(1),
            disease: self.number("meanings")?.checked_sub(1),
            source: self.byte("meanings")?,
            further: self.number("meanings")?,
            origin: *Origin::ALL.get(origin).ok_or_else(|| damaged("meanings"))?,
        })
    }

    fn seventh(&mut self) -> Result<Seventh, DictionaryError> {
        let character = char::from(self.byte("7th characters")?);
        let meaning = self.strings("7th characters")?.text;
        Ok(Seventh { character, meaning })
    }

    pub(super) fn trie(&mut self) -> Result<Trie, DictionaryError> {
        const PART: &str = "terms";
        let length = self.length(PART)?;
        let mut nodes = Nodes::of(length);
        nodes.set_labels(self.planes(PART, length)?.numbers());
        if self.length(PART)? != length {
            return Err(damaged(PART));
        }
        nodes.set_children(self.planes(PART, length)?.numbers());
        if self.length(PART)? != length {
            return Err(damaged(PART));
        }
        nodes.set_values(self.planes(PART, length)?.numbers());
        nodes.assemble(LARGEST_LABEL).ok_or_else(|| damaged(PART))
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
        if length > self.left {
            return Err(damaged(part));
        }
        Ok(length)
    }

    /// A list of numbers; most of a dictionary is such lists.
    pub(super) fn numbers(&mut self, part: &'static str) -> Result<Vec<u32>, DictionaryError> {
        let length = self.length(part)?;
        Ok(self.planes(part, length)?.numbers().collect())
    }

    /// So many numbers, kept as all lowest bytes, then all next ones.
    fn planes(&mut self, part: &'static str, length: usize) -> Result<Planes<'_>, DictionaryError> {
        let width = usize::from(self.byte(part)?);
        if width > WIDEST {
            return Err(damaged(part));
        }
        // The longest list's memory serves all: fresh memory costs more than reading does.
        let mut bytes = std::mem::take(&mut self.scratch);
        if bytes.len() < length * WIDEST {
            bytes.resize(length * WIDEST, 0);
        }
        let (read, absent) = bytes[..length * WIDEST].split_at_mut(length * width);
        self.fill(read, part)?;
        absent.fill(0);
        self.scratch = bytes;
        Ok(Planes {
            bytes: &self.scratch,
            length,
        })
    }

    fn fill(&mut self, bytes: &mut [u8], part: &'static str) -> Result<(), DictionaryError> {
        self.left = self
            .left
            .checked_sub(bytes.len())
            .ok_or_else(|| damaged(part))?;
        let known = (self.chunk.len() - self.at).min(bytes.len());
        let (now, later) = bytes.split_at_mut(known);
        now.copy_from_slice(&self.chunk[self.at..self.at + known]);
        self.at += known;
        self.body
            .read_exact(later)
            .map_err(DictionaryError::Inflate)
    }

    /// Asks the body for more, and says whether there was any.
    #[cold]
    fn read_on(&mut self) -> Result<bool, DictionaryError> {
        self.chunk.clear();
        self.at = 0;
        let mut more = self.body.by_ref().take(CHUNK as u64);
        let read = more.read_to_end(&mut self.chunk);
        Ok(read.map_err(DictionaryError::Inflate)? > 0)
    }

    pub(super) fn strings(&mut self, part: &'static str) -> Result<Strings, DictionaryError> {
        let (ends, end) = self.ends(part)?;
        if end as usize > self.left {
            return Err(damaged(part));
        }
        let mut text = vec![0; end as usize];
        self.fill(&mut text, part)?;
        let text = String::from_utf8(text).map_err(|_| damaged(part))?;
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

    pub(super) fn byte(&mut self, part: &'static str) -> Result<u8, DictionaryError> {
        if self.at == self.chunk.len() {
            self.read_on()?;
        }
        let (Some(byte), Some(left)) = (self.chunk.get(self.at), self.left.checked_sub(1)) else {
            return Err(damaged(part));
        };
        self.left = left;
        self.at += 1;
        Ok(*byte)
    }

    /// A number that is kept as its distance, up or down, from another one.
    fn distance(&mut self, from: u32, part: &'static str) -> Result<u32, DictionaryError> {
        let folded = self.number(part)?;
        let by = folded >> 1;
        let number = if folded & 1 == 0 {
            from.checked_add(by)
        } else {
            from.checked_sub(by)
        };
        number.ok_or_else(|| damaged(part))
    }

    pub(super) fn number(&mut self, part: &'static str) -> Result<u32, DictionaryError> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.byte(part)?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(number).map_err(|_| DictionaryError::Damaged { part });
            }
        }
        Err(DictionaryError::Damaged { part })
    }
}

/// Made only where it is needed: it is asked for very often.
#[cold]
pub(super) fn damaged(part: &'static str) -> DictionaryError {
    DictionaryError::Damaged { part }
}
