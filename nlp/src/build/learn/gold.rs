//! Abstracts whose diseases are marked, in the PubTator format.

use std::collections::BTreeSet;

use super::LearnError;
use crate::Span;

/// An abstract with its marked diseases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Abstract {
    pub(super) text: String,
    pub(super) marked: Vec<Marked>,
}

/// Words that are marked as a disease, or as several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marked {
    pub(super) span: Span,
    pub(super) ids: Vec<String>,
}

impl Marked {
    /// Its ids as one, whatever their order.
    pub(super) fn id(&self) -> String {
        let ids: BTreeSet<_> = self.ids.iter().map(String::as_str).collect();
        ids.into_iter().collect::<Vec<_>>().join("|")
    }
}

impl Abstract {
    /// The ids of all diseases that are marked.
    pub(super) fn ids(&self) -> BTreeSet<&str> {
        let ids = self.marked.iter().flat_map(|marked| &marked.ids);
        ids.map(String::as_str).collect()
    }
}

/// The types of marks that are no disease.
const OTHER_TYPES: [&str; 1] = ["Chemical"];

/// Reads abstracts; `file` is for errors.
pub(super) fn read(file: &str, text: &str) -> Result<Vec<Abstract>, LearnError> {
    let mut all = Vec::new();
    for block in text.split("\n\n").filter(|block| !block.trim().is_empty()) {
        let mut one = Abstract::default();
        for line in block.lines().filter(|line| !line.is_empty()) {
            let mut parts = line.splitn(3, '|');
            if let (Some(_), Some(part @ ("t" | "a")), Some(text)) =
                (parts.next(), parts.next(), parts.next())
            {
                if part == "a" {
                    one.text.push(' ');
                }
                one.text.push_str(text);
                continue;
            }
            let fields: Vec<_> = line.split('\t').collect();
            let &[_, start, end, _, kind, ids, ..] = fields.as_slice() else {
                // A relation between a chemical and a disease has four fields.
                continue;
            };
            if OTHER_TYPES.contains(&kind) {
                continue;
            }
            let offsets = start.parse().ok().zip(end.parse().ok());
            let span = offsets.and_then(|(start, end)| Span::from_chars(&one.text, start, end));
            let span = span.ok_or_else(|| LearnError::Gold {
                file: file.to_owned(),
                line: line.split('\t').take(3).collect::<Vec<_>>().join(" "),
            })?;
            let ids = ids
                .split(['|', '+'])
                .map(|id| id.trim().replace("MESH:", ""));
            let ids: Vec<_> = ids.filter(|id| !id.is_empty() && id != "-1").collect();
            if !ids.is_empty() {
                one.marked.push(Marked { span, ids });
            }
        }
        all.push(one);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_and_abstract_are_one_text_with_its_marks() {
        let text = "1|t|Gout.\n1|a|A r\u{e9}sum\u{e9} of gout and aspirin.\n\
                    1\t0\t4\tGout\tDisease\tD006073\n\
                    1\t18\t22\tgout\tModifier\t MESH:D006073|OMIM:1\n\
                    1\t27\t34\taspirin\tChemical\tD001241\n1\tCID\tD1\tD2\n\n";
        let read = read("x", text).unwrap();
        let said: Vec<_> = read[0]
            .marked
            .iter()
            .map(|marked| marked.span.of(&read[0].text))
            .collect();
        assert_eq!(said, ["Gout", "gout"]);
        assert_eq!(
            read[0].ids().into_iter().collect::<Vec<_>>(),
            ["D006073", "OMIM:1"]
        );
    }

    #[test]
    fn a_mark_outside_the_text_is_an_error() {
        assert!(read("x", "1|t|Gout.\n1\t90\t94\tGout\tDisease\tD006073\n").is_err());
    }
}
