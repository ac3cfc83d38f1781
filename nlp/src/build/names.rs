//! Other ways to write the name of a disease, made by rule.
//!
//! MeSH turns names round (`Neoplasm, Breast`) and speaks of neoplasms where texts speak of
//! cancer; ontologies give numbers in one of two scripts.

use std::collections::BTreeMap;

/// The name and its other forms, each with its cost.
pub(super) fn of(name: &str) -> BTreeMap<String, u32> {
    let has_small = name.chars().any(char::is_lowercase);
    let start = if has_small || !name.contains(' ') {
        name.to_owned()
    } else {
        name.to_lowercase()
    };
    let mut known = BTreeMap::new();
    let mut open = vec![(start, 0)];
    while let Some((text, cost)) = open.pop() {
        if known.get(&text).is_some_and(|known| *known <= cost) {
            continue;
        }
        if cost <= 4 {
            open.extend(
                step(&text)
                    .into_iter()
                    .map(|(text, more)| (text, cost + more)),
            );
        }
        known.insert(text, cost);
    }
    known
}

fn step(text: &str) -> Vec<(String, u32)> {
    let mut made = Vec::new();
    if let Some((before, rest)) = text.split_once('(')
        && let Some((_, after)) = rest.split_once(')')
    {
        let words = [before.trim(), after.trim()];
        made.push((words.join(" ").trim().to_owned(), 2));
        return made;
    }
    if text.contains(", ") {
        if !text.contains(" and ") && !text.contains(" or ") {
            let mut parts: Vec<_> = text.split(", ").collect();
            parts.reverse();
            made.push((parts.join(" "), 1));
        }
        made.push((text.replacen(", ", " ", 1), 1));
        return made;
    }
    let (rest, last) = text.rsplit_once(' ').unwrap_or(("", text));
    let joined = |rest: &str, last: &str| [rest, last].join(" ").trim().to_owned();
    if let Some(number) = ROMAN.iter().position(|roman| *roman == last) {
        made.push((joined(rest, &(number + 1).to_string()), 1));
    } else if let Ok(number) = last.parse::<usize>()
        && let Some(roman) = number.checked_sub(1).and_then(|number| ROMAN.get(number))
    {
        made.push((joined(rest, roman), 1));
    }
    for (noun, adjective) in [
        ("ia", "ic"),
        ("osis", "otic"),
        ("itis", "itic"),
        ("lysis", "lytic"),
        ("pathy", "pathic"),
        ("epsy", "eptic"),
        ("plegia", "plegic"),
        ("tension", "tensive"),
        ("asthma", "asthmatic"),
        ("edema", "edematous"),
        ("oma", "omatous"),
        ("rrhagia", "rrhagic"),
        ("trophy", "trophic"),
        ("plasia", "plastic"),
    ] {
        let stem = last.strip_suffix(noun).filter(|stem| stem.len() >= 3);
        made.extend(stem.map(|stem| (joined(rest, &format!("{stem}{adjective}")), 3)));
    }
    let lower = last.to_lowercase();
    if ["neoplasm", "neoplasms"].contains(&lower.as_str()) && !rest.is_empty() {
        for word in ["cancer", "tumor", "malignancy", "carcinoma"] {
            made.push((joined(rest, word), 1));
        }
    }
    let is_growth = ["cancer", "tumor", "carcinoma", "neoplasm", "adenocarcinoma"];
    if is_growth.contains(&lower.trim_end_matches('s'))
        && (1..=2).contains(&rest.split_whitespace().count())
    {
        made.push((format!("{last} of {rest}"), 2));
        made.push((format!("{last} of the {rest}"), 2));
    }
    if let Some((what, place)) = text.split_once(" of ")
        && !place.contains(" of ")
        && is_growth.contains(&what.to_lowercase().trim_end_matches('s'))
    {
        made.push((format!("{} {what}", place.trim_start_matches("the ")), 2));
    }
    if let Some(rest) = text.strip_prefix("Familial ") {
        made.push((format!("hereditary {rest}"), 3));
    }
    if text.contains(" type ") {
        made.push((text.replacen(" type ", " ", 1), 2));
    }
    made
}

/// Other forms of a name that texts taught, by its words in the form in which they are compared:
/// with a word of the same meaning, and turned round.
pub(super) fn of_learnt(forms: &[String]) -> Vec<Vec<String>> {
    let mut made = Vec::new();
    for (at, word) in forms.iter().enumerate() {
        let same = SAME.iter().filter(|same| same.contains(&word.as_str()));
        for other in same.copied().flatten().filter(|other| *other != word) {
            let mut forms = forms.to_vec();
            (*other).clone_into(&mut forms[at]);
            made.push(forms);
        }
    }
    let is = |at: usize, word: &str| forms.get(at).is_some_and(|form| form == word);
    let [what, ..] = forms else { return made };
    let is_damage = |word: &String| {
        let mut words = SAME.iter().copied().flatten().chain(&DAMAGES);
        words.any(|damage| damage == word)
    };
    let place = if is(2, "the") { 3 } else { 2 };
    if is(1, "of") && is_damage(what) && forms.len() > place {
        made.push([&forms[place..], &forms[..1]].concat());
    }
    if let [place @ .., what] = forms
        && (1..=2).contains(&place.len())
        && is_damage(what)
    {
        for of in [&["of"][..], &["of", "the"]] {
            let of = of.iter().map(|word| (*word).to_owned()).collect();
            made.push([vec![what.clone()], of, place.to_vec()].concat());
        }
    }
    made
}

/// Words that mean the same in the names of diseases.
const SAME: [&[&str]; 13] = [
    &["disease", "disorder", "syndrome"],
    &["hereditary", "inherited", "genetic", "familial"],
    &["damage", "injury", "lesion"],
    &["dysfunction", "impairment", "disturbance"],
    &["abnormality", "defect", "malformation", "anomaly"],
    &["tumor", "neoplasm"],
    &["cancer", "carcinoma", "malignancy"],
    &["hemorrhage", "bleeding"],
    &["heart", "cardiac"],
    &["kidney", "renal"],
    &["liver", "hepatic"],
    &["lung", "pulmonary"],
    &["brain", "cerebral"],
];

/// Further words that stand on both sides of a place: `enlargement of the liver`.
const DAMAGES: [&str; 13] = [
    "atrophy",
    "calcification",
    "deficiency",
    "deficit",
    "degeneration",
    "enlargement",
    "failure",
    "hypertrophy",
    "infection",
    "inflammation",
    "loss",
    "necrosis",
    "toxicity",
];

const ROMAN: [&str; 10] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_to_the_words_of_texts() {
        for (name, said) in [
            ("Neoplasm, Breast", "Breast Neoplasm"),
            ("Breast Neoplasms", "Breast cancer"),
            ("Breast Neoplasms", "cancer of the Breast"),
            ("Diabetes Mellitus, Type II", "Type II Diabetes Mellitus"),
            ("glycogen storage disease II", "glycogen storage disease 2"),
            ("Wilms tumor (kidney)", "Wilms tumor"),
            ("ALPHA THALASSEMIA", "alpha thalassemia"),
        ] {
            assert!(of(name).contains_key(said), "{name}: {:?}", of(name));
        }
        assert!(of("AIDS").contains_key("AIDS"));
    }

    #[test]
    fn learnt_names_are_said_in_other_words_and_turned_round() {
        let words = |name: &str| name.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (name, said) in [
            (
                "inherited metabolic disease",
                "inherited metabolic disorder",
            ),
            ("inherited metabolic disease", "genetic metabolic disease"),
            ("enlargement of the liver", "liver enlargement"),
            ("tissue damage", "damage of the tissue"),
        ] {
            assert!(of_learnt(&words(name)).contains(&words(said)), "{name}");
        }
        assert!(of_learnt(&words("asthma")).is_empty());
    }
}
