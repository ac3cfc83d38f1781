//! The project's own terms: a code, a tab, terms with `;` between them.

/// One line of the lexicon.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The file and the line, for messages.
    pub(super) place: String,
    /// The billable code that the terms mean, or none: `-` says that they are never found.
    pub(super) code: Option<String>,
    pub(super) terms: Vec<String>,
}

/// Reads a file of the lexicon, or lists every line that cannot be read.
pub(super) fn read(file: &str, tsv: &str) -> Result<Vec<Line>, Vec<String>> {
    let mut lines = Vec::new();
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(tsv.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim_end();
        if line.is_empty() {
            continue;
        }
        let Some((code, terms)) = line.split_once('\t') else {
            problems.push(format!("{file}:{number}: no tab in `{line}`; write a code, a tab, and terms with `;` between them"));
            continue;
        };
        let terms = terms
            .split(';')
            .map(str::trim)
            .filter(|term| !term.is_empty())
            .flat_map(crate::alternatives::wordings)
            .collect();
        let code = Some(code.trim().to_owned()).filter(|code| code != "-");
        lines.push(Line {
            place: format!("{file}:{number}"),
            code,
            terms,
        });
    }
    if problems.is_empty() {
        Ok(lines)
    } else {
        Err(problems)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_code_and_its_terms() {
        let lines = read(
            "heart.tsv",
            "# heading\nI10\tHTN; high blood pressure # comment\n-\tpain\n",
        )
        .unwrap();
        assert_eq!(
            lines[0],
            Line {
                place: "heart.tsv:2".to_owned(),
                code: Some("I10".to_owned()),
                terms: vec!["HTN".to_owned(), "high blood pressure".to_owned()]
            }
        );
        assert_eq!(lines[1].code, None);
        assert_eq!(
            read("heart.tsv", "I10 HTN\nE11.9 T2DM").unwrap_err().len(),
            2
        );
    }
}
