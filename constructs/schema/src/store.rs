//! The file of all schemas, and where in it each type is.

use std::sync::OnceLock;

use crate::{
    format,
    reader::{DataError, Reader},
    schema::Schema,
};

const FILE: &str = "constructs/schema/data/schemas.bin";

/// A file of schemas, of which only the types that are asked for are read.
#[derive(Debug)]
pub struct Store<'d> {
    texts: Reader<'d>,
    /// Where each node begins, and where the last ends.
    node_offsets: Reader<'d>,
    nodes: Reader<'d>,
    pub(crate) node_count: usize,
    /// For each type, sorted by name: the offsets of its name and its record.
    index: Reader<'d>,
    pub(crate) records: Reader<'d>,
    types: Vec<OnceLock<Result<Box<Schema<'d>>, DataError>>>,
}

impl<'d> Store<'d> {
    /// Opens a file, after a look at its version and its sum.
    pub fn open(bytes: &'d [u8]) -> Result<Self, DataError> {
        Self::of_body(Reader::open(FILE, format::SCHEMAS, bytes)?)
    }

    /// Opens a file without asking whether it is whole.
    #[cfg(test)]
    pub(crate) fn of_damaged(body: &'d [u8]) -> Result<Self, DataError> {
        Self::of_body(Reader::of(FILE, body))
    }

    fn of_body(mut reader: Reader<'d>) -> Result<Self, DataError> {
        let length = reader.index()?;
        let texts = reader.part(length)?;
        let node_count = reader.count()?;
        let node_offsets = reader.part((node_count + 1) * 4)?;
        let length = reader.index()?;
        let nodes = reader.part(length)?;
        let type_count = reader.count()?;
        let index = reader.part(type_count * 8)?;
        let length = reader.index()?;
        let records = reader.part(length)?;
        Ok(Self {
            texts,
            node_offsets,
            nodes,
            node_count,
            index,
            records,
            types: std::iter::repeat_with(OnceLock::new)
                .take(type_count)
                .collect(),
        })
    }

    /// Returns the schema of a type, or nothing if the file has none.
    pub fn find(&self, name: &str) -> Result<Option<&Schema<'d>>, DataError> {
        let (mut low, mut high) = (0, self.types.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            let (found, record) = self.entry(middle)?;
            match found.cmp(name) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => {
                    let schema = self.types[middle]
                        .get_or_init(|| Schema::read(self, found, record).map(Box::new));
                    return match schema {
                        Ok(schema) => Ok(Some(schema)),
                        Err(error) => Err(error.clone()),
                    };
                }
            }
        }
        Ok(None)
    }

    /// Returns the names of all types, sorted.
    pub fn names(&self) -> impl Iterator<Item = Result<&'d str, DataError>> {
        (0..self.types.len()).map(|at| Ok(self.entry(at)?.0))
    }

    /// Reads the offset of a text, and the text there.
    pub(crate) fn text(&self, reader: &mut Reader<'d>) -> Result<&'d str, DataError> {
        let offset = reader.index()?;
        self.texts.seek(offset).text()
    }

    pub(crate) fn node(&self, number: usize) -> Result<Reader<'d>, DataError> {
        let mut offsets = self.node_offsets.seek(number.saturating_mul(4));
        let start = offsets.fixed_u32()? as usize;
        let end = offsets.fixed_u32()? as usize;
        let length = end.checked_sub(start).ok_or_else(|| offsets.damaged())?;
        self.nodes.seek(start).part(length)
    }

    fn entry(&self, at: usize) -> Result<(&'d str, usize), DataError> {
        let mut reader = self.index.seek(at.saturating_mul(8));
        let name = reader.fixed_u32()? as usize;
        let record = reader.fixed_u32()? as usize;
        Ok((self.texts.seek(name).text()?, record))
    }
}
