//! Many short lists of numbers in one.

/// A list of numbers for each code, or each value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lists {
    pub(crate) items: Vec<u32>,
    pub(crate) ends: Vec<u32>,
}

impl Lists {
    #[cfg(feature = "build")]
    pub(crate) fn new<L: IntoIterator<Item = u32>>(lists: impl IntoIterator<Item = L>) -> Self {
        let mut all = Self::default();
        for list in lists {
            all.items.extend(list);
            all.ends
                .push(u32::try_from(all.items.len()).unwrap_or(u32::MAX));
        }
        all
    }

    pub(crate) fn get(&self, at: usize) -> &[u32] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.items[start as usize..self.ends[at] as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }
}
