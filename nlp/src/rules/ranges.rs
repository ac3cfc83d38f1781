//! Ranges of codes as the tables of the rules write them.

/// Codes from one to another, everything below both included; one code stands for itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Range {
    first: String,
    last: String,
}

impl Range {
    /// A range such as `J12-J18`, or a code such as `R50` with all below it.
    pub(super) fn new(text: &str) -> Self {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Self {
            first: first.trim().to_owned(),
            last: last.trim().to_owned(),
        }
    }

    /// Whether a code stands in the range.
    pub(super) fn holds(&self, code: &str) -> bool {
        let within = |end: &str| code.get(..end.len()).unwrap_or(code);
        within(&self.first) >= self.first.as_str() && within(&self.last) <= self.last.as_str()
    }
}

/// Ranges with `;` between them.
pub(super) fn ranges(text: &str) -> Vec<Range> {
    text.split(';')
        .map(|part| Range::new(part.trim()))
        .collect()
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
        let range = Range::new("J12-J18");
        for code in ["J12", "J15.1", "J18.9"] {
            assert!(range.holds(code), "{code}");
        }
        for code in ["J11.1", "J20.9", "K12"] {
            assert!(!range.holds(code), "{code}");
        }
        assert!(Range::new("R06.0").holds("R06.02") && !Range::new("R06.0").holds("R06.2"));
        assert!(!Range::new("R06.02").holds("R06.0"));
    }
}
