//! A neoplasm of an unknown site gives way to one whose site the note tells.
//!
//! Guideline section I.C.2: `C80.1` is only for a primary site that cannot be determined; the
//! same holds of `C79.9` for metastases and `D49.9` for a tumor of which no more is said.

use super::ranges::Ranges;
use crate::candidate::Candidate;
use crate::coding::Reason;
use crate::icd_code::IcdCode;
use crate::rules::Rule;

/// Each code of an unknown site, with the codes that tell the site of such a neoplasm.
const UNKNOWN: [(&str, &str); 3] = [
    ("C80.1", "C00-C75"),
    ("C79.9", "C77-C79"),
    ("D49.9", "C00-C79; D00-D49"),
];

/// Whether one of these codes is of an unknown site.
pub(super) fn concerns(coded: &[IcdCode]) -> bool {
    let is_unknown = |code: &IcdCode| UNKNOWN.iter().any(|(unknown, _)| code == unknown);
    coded.iter().any(is_unknown)
}

/// Leaves the codes of unknown sites to those that tell the site.
pub(super) fn apply(candidates: &mut [Candidate<'_>]) {
    for (unknown, told) in UNKNOWN {
        let is_unknown =
            |candidate: &Candidate<'_>| candidate.coded().is_some_and(|code| code == unknown);
        if !candidates.iter().any(is_unknown) {
            continue;
        }
        let told = Ranges::new(told);
        let mut codes = candidates.iter().filter_map(Candidate::coded);
        let tells = codes.find(|code| *code != unknown && told.holds(*code));
        let Some(by) = tells else { continue };
        for candidate in candidates
            .iter_mut()
            .filter(|candidate| is_unknown(candidate))
        {
            candidate.leave(Reason::Superseded { by }, Rule::Neoplasm);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Dictionary, Engine};

    #[test]
    fn a_told_site_stands_for_an_untold_one() {
        let engine = Engine::new(Dictionary::fy2026());
        let codes = |text: &str| -> Vec<crate::IcdCode> {
            let coding = engine.code(text);
            coding.codes.into_iter().map(|code| code.code).collect()
        };
        assert_eq!(codes("Metastases were found."), ["C79.9"]);
        assert_eq!(codes("Metastases were found. Liver metastases."), ["C78.7"]);
        assert_eq!(
            codes("Gastric adenocarcinoma. Metastases were found."),
            ["C79.9", "C16.9"]
        );
    }
}
