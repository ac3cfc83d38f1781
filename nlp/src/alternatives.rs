//! Short hand for terms that differ in a word: `{kidney|renal} stone`.

/// Every wording of a term, its alternatives written out; `{` without `}` stands for itself.
///
/// Alternatives may be empty (`{the|} kidney`) and do not nest.
pub(crate) fn wordings(term: &str) -> Vec<String> {
    let mut wordings = vec![String::new()];
    let mut rest = term;
    while let Some((before, alternatives, after)) = group(rest) {
        wordings = wordings
            .iter()
            .flat_map(|start| {
                alternatives
                    .split('|')
                    .map(move |alternative| format!("{start}{before}{alternative}"))
            })
            .collect();
        rest = after;
    }
    for wording in &mut wordings {
        wording.push_str(rest);
    }
    wordings
}

/// What stands before the first alternatives, they themselves, and what stands after.
fn group(term: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = term.split_once('{')?;
    let (alternatives, after) = rest.split_once('}')?;
    Some((before, alternatives, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_are_written_out() {
        assert_eq!(wordings("stone"), ["stone"]);
        assert_eq!(
            wordings("{kidney|renal} stone{s|}"),
            [
                "kidney stones",
                "kidney stone",
                "renal stones",
                "renal stone"
            ]
        );
        assert_eq!(wordings("mass in {the|} kidney").len(), 2);
        assert_eq!(wordings("odd { brace"), ["odd { brace"]);
    }
}
