//! Ranges of codes as the tables of the rules write them.

use crate::icd_code::IcdCode;

/// Codes from one to another, everything below both included; one code stands for itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Range {
    /// The characters of the first code, and what sorts before any other after them.
    first: u64,
    /// The characters of the last code, and what sorts after any other after them.
    last: u64,
}

impl Range {
    /// A range such as `J12-J18`, or a code such as `R50` with all below it.
    pub(super) fn new(text: &str) -> Self {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Self {
            first: padded(first.trim(), 0),
            last: padded(last.trim(), u8::MAX),
        }
    }

    /// Whether a code stands in the range.
    pub(super) fn holds(&self, code: IcdCode) -> bool {
        (self.first..=self.last).contains(&code.number())
    }
}

/// The first eight bytes of a text, and others after them where it is shorter, as
/// [`IcdCode::number`] has them.
fn padded(text: &str, after: u8) -> u64 {
    let mut bytes = [after; 8];
    for (byte, letter) in bytes.iter_mut().zip(text.bytes()) {
        *byte = letter;
    }
    u64::from_be_bytes(bytes)
}

/// Several ranges.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ranges {
    ranges: Vec<Range>,
    /// The letters that codes within begin with, as [`letters`] has them.
    letters: u32,
}

impl Ranges {
    /// Ranges with `;` between them.
    pub(super) fn new(text: &str) -> Self {
        let ranges: Vec<_> = text
            .split(';')
            .map(|part| Range::new(part.trim()))
            .collect();
        let letters = ranges.iter().flat_map(|range| {
            let [first, last] = [range.first, range.last].map(|end| end.to_be_bytes()[0]);
            first..=last
        });
        Self {
            letters: letters.fold(0, |all, letter| all | bit(letter)),
            ranges,
        }
    }

    /// Whether a code stands in one of the ranges.
    pub(super) fn holds(&self, code: IcdCode) -> bool {
        self.letters & bit(code.letter()) != 0 && self.ranges.iter().any(|range| range.holds(code))
    }

    /// The first of these codes, which begin with these [`letters`], that stands in a range.
    pub(super) fn first_of(&self, codes: &[IcdCode], letters: u32) -> Option<IcdCode> {
        let may_hold = self.letters & letters != 0;
        let mut codes = codes.iter().copied().filter(|_| may_hold);
        codes.find(|code| self.holds(*code))
    }
}

/// The letters that codes begin with, a bit each.
pub(super) fn letters(codes: &[IcdCode]) -> u32 {
    codes.iter().fold(0, |all, code| all | bit(code.letter()))
}

fn bit(letter: u8) -> u32 {
    1 << (letter & 31)
}

/// The lines of a table that hold data, cut into columns.
pub(super) fn rows(tsv: &str) -> impl Iterator<Item = Vec<&str>> {
    tsv.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_what_stands_below_its_ends() {
        let code = |text: &str| text.parse().expect("it is a code");
        let range = Range::new("J12-J18");
        for text in ["J12", "J15.1", "J18.9"] {
            assert!(range.holds(code(text)), "{text}");
        }
        for text in ["J11.1", "J20.9", "K12"] {
            assert!(!range.holds(code(text)), "{text}");
        }
        assert!(
            Range::new("R06.0").holds(code("R06.02")) && !Range::new("R06.0").holds(code("R06.2"))
        );
        assert!(!Range::new("R06.02").holds(code("R06.0")));
    }
}
