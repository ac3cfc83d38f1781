//! What the tabular list's notes say of the codes of a note among each other.

use crate::dictionary::{Dictionary, Instruction};
use crate::icd_code::IcdCode;

/// The codes of a note with their places in the tabular list.
#[derive(Debug)]
pub(super) struct Told<'d> {
    dictionary: &'d Dictionary,
    /// Places in order, each with the 7th character, and which of the codes it is.
    places: Vec<(u32, Option<char>)>,
    codes: Vec<usize>,
}

impl<'d> Told<'d> {
    pub(super) fn of(dictionary: &'d Dictionary, codes: impl IntoIterator<Item = IcdCode>) -> Self {
        let mut found: Vec<_> = codes
            .into_iter()
            .enumerate()
            .filter_map(|(at, code)| Some((dictionary.place(code)?, at)))
            .collect();
        found.sort_unstable();
        let (places, codes) = found.into_iter().unzip();
        Self {
            dictionary,
            places,
            codes,
        }
    }

    /// Shows each note at each code with the codes that it names, other than that code itself.
    pub(super) fn each(
        &self,
        wanted: impl Fn(&Instruction<'_>) -> bool,
        mut see: impl FnMut(usize, &Instruction<'d>, &[usize]),
    ) {
        let mut named = Vec::new();
        for ((node, _), code) in self.places.iter().zip(&self.codes) {
            self.dictionary.each_instruction(*node, |instruction| {
                if !wanted(&instruction) {
                    return;
                }
                named.clear();
                instruction.among(&self.places, |at| {
                    let other = self.codes[at];
                    if other != *code {
                        named.push(other);
                    }
                });
                named.sort_unstable();
                see(*code, &instruction, &named);
            });
        }
    }
}
