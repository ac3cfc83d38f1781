//! Which code stands above which, and which below.

use crate::icd_code::IcdCode;

/// The parent of each code and the end of what stands below it.
///
/// Codes are in order, so all codes below one follow it, and each begins as it does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    /// The code above, plus one; zero for a category.
    parents: Vec<u32>,
    ends: Vec<u32>,
}

impl Tree {
    pub(super) fn new(codes: &[IcdCode]) -> Self {
        let mut tree = Self {
            parents: Vec::with_capacity(codes.len()),
            ends: vec![0; codes.len()],
        };
        let mut open: Vec<(usize, IcdCode)> = Vec::new();
        let mut number = 0;
        for (at, code) in codes.iter().copied().enumerate() {
            while let Some((above, _)) = open.pop_if(|(_, above)| !code.begins_with(*above)) {
                tree.ends[above] = number;
            }
            tree.parents.push(
                open.last()
                    .map_or(0, |(above, _)| u32::try_from(above + 1).unwrap_or(0)),
            );
            open.push((at, code));
            number += 1;
        }
        for (above, _) in open {
            tree.ends[above] = number;
        }
        tree
    }

    pub(super) fn parent(&self, node: u32) -> Option<u32> {
        self.parents[node as usize].checked_sub(1)
    }

    pub(super) fn end(&self, node: u32) -> u32 {
        self.ends[node as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_below_those_that_they_begin_with() {
        let tree = Tree::new(
            &["A00", "A00.0", "A00.01", "A00.1", "A01"].map(|code| code.parse().unwrap()),
        );
        let parents: Vec<_> = (0..5).map(|node| tree.parent(node)).collect();
        assert_eq!(parents, [None, Some(0), Some(1), Some(0), None]);
        let ends: Vec<_> = (0..5).map(|node| tree.end(node)).collect();
        assert_eq!(ends, [4, 3, 3, 4, 5]);
    }
}
