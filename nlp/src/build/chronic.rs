//! Which categories stay a patient's problems once they are there.

use super::tabular::Tabular;

/// For each code whether it stands in a range (`I10-I13`) or below a code (`J96.1`) of the file.
pub(super) fn read(tsv: &str, tabular: &Tabular) -> Result<Vec<bool>, Vec<String>> {
    let mut chronic = vec![false; tabular.codes.len()];
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(tsv.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let range = line.split('\t').next().unwrap_or_default();
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let mut matched = false;
        for (at, code) in tabular.codes.iter().enumerate() {
            let within = |end: &str| code.code.get(..end.len()).unwrap_or(&code.code);
            if within(first) >= first && within(last) <= last {
                chronic[at] = true;
                matched = true;
            }
        }
        if !matched {
            problems.push(format!(
                "terminology/chronic.tsv:{number}: no code stands in `{range}`"
            ));
        }
    }
    if problems.is_empty() {
        Ok(chronic)
    } else {
        Err(problems)
    }
}
