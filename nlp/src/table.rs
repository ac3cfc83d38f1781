//! Large tables of numbers.

use std::ops::{Deref, DerefMut};

use bytemuck::Pod;
use memmap2::MmapMut;

/// What a huge page holds, on the processors that servers have.
const HUGE_PAGE: usize = 2 << 20;

/// A table that is as long as it is made.
///
/// A large one stands in huge pages where the system gives some. To ask for memory takes longer than to
/// write it: of the time in which a dictionary was read, half went into its usual pages, of 4 KB
/// each. And a search through it misses the processor's table of pages less often.
#[derive(Debug)]
pub(crate) struct Table<T>(Rows<T>);

#[derive(Debug)]
enum Rows<T> {
    Few(Vec<T>),
    Many { memory: MmapMut, bytes: usize },
}

impl<T: Pod> Table<T> {
    /// So many rows of zeros.
    pub(crate) fn zeroed(rows: usize) -> Self {
        let bytes = rows.saturating_mul(size_of::<T>());
        if bytes >= HUGE_PAGE / 2
            && let Some(memory) = huge_pages(bytes)
        {
            return Self(Rows::Many { memory, bytes });
        }
        Self(Rows::Few(vec![T::zeroed(); rows]))
    }
}

/// Memory for so many bytes, or none where the system maps none; the rows stand on the heap then.
fn huge_pages(bytes: usize) -> Option<MmapMut> {
    // What is as long as whole huge pages also begins where one does.
    let memory = MmapMut::map_anon(bytes.next_multiple_of(HUGE_PAGE)).ok()?;
    #[cfg(target_os = "linux")]
    // Where the system knows no huge pages, the usual ones serve.
    let _ = memory.advise(memmap2::Advice::HugePage);
    Some(memory)
}

impl<T: Pod> Deref for Table<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Rows::Few(rows) => rows,
            Rows::Many { memory, bytes } => bytemuck::cast_slice(&memory[..*bytes]),
        }
    }
}

impl<T: Pod> DerefMut for Table<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Rows::Few(rows) => rows,
            Rows::Many { memory, bytes } => bytemuck::cast_slice_mut(&mut memory[..*bytes]),
        }
    }
}

impl<T: Pod> Clone for Table<T> {
    fn clone(&self) -> Self {
        let mut copy = Self::zeroed(self.len());
        copy.copy_from_slice(self);
        copy
    }
}

impl<T: Pod> Default for Table<T> {
    fn default() -> Self {
        Self(Rows::Few(Vec::new()))
    }
}

impl<T: Pod + PartialEq> PartialEq for Table<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Pod + Eq> Eq for Table<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_tables_hold_what_is_written() {
        for rows in [0, 1, HUGE_PAGE / 32 - 1, HUGE_PAGE / 16 + 1] {
            let mut table: Table<[u32; 4]> = Table::zeroed(rows);
            assert_eq!(table.len(), rows);
            assert!(table.iter().all(|row| *row == [0; 4]));
            for (row, number) in table.iter_mut().zip(0..) {
                row[3] = number;
            }
            let copy = table.clone();
            assert!(
                copy.iter()
                    .zip(0..)
                    .all(|(row, number)| *row == [0, 0, 0, number])
            );
            assert_eq!(copy, table);
        }
    }

    #[test]
    fn a_long_table_is_mapped() {
        let table: Table<[u32; 4]> = Table::zeroed(HUGE_PAGE / 16);
        assert!(matches!(table.0, Rows::Many { .. }));
    }
}
