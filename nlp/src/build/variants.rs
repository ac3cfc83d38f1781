//! Other ways to say a title, made by rule.
//!
//! Titles are written for a book: `Pain in unspecified knee`, `Asthma, unspecified`,
//! `Essential (primary) hypertension`. Notes say `knee pain`, `asthma`, `hypertension`.
//! Every rule here takes away words that say nothing, or turns words round; each has a
//! cost, so that of two codes whose titles come to the same words the nearer one wins.

use std::collections::BTreeMap;

/// Beyond this cost a variant says something else than its title.
const DEAREST: u32 = 6;
/// The rules are applied to their own results; no title needs more variants than this.
const MOST: usize = 80;

/// The variants of a title or inclusion term, each with its least cost.
pub(super) fn of(text: &str) -> BTreeMap<String, u32> {
    let start = text.to_lowercase();
    let mut known = BTreeMap::new();
    if start.starts_with("other ")
        || start.contains(" other ")
        || start.contains("classified elsewhere")
        || start.starts_with("encounter")
    {
        return known;
    }
    let mut open = std::collections::VecDeque::from([(start.clone(), 0)]);
    while let Some((text, cost)) = open.pop_front() {
        if known.len() >= MOST {
            break;
        }
        if known.get(&text).is_some_and(|known| *known <= cost) {
            continue;
        }
        for (variant, more) in step(&text) {
            let variant = tidy(&variant);
            if cost + more <= DEAREST && variant != text && is_whole(&variant) {
                open.push_back((variant, cost + more));
            }
        }
        known.insert(text, cost);
    }
    known.remove(&start);
    known
}

/// What one rule makes of a text, with its cost.
fn step(text: &str) -> Vec<(String, u32)> {
    let mut made = Vec::new();
    for (open, close) in [('(', ')'), ('[', ']')] {
        if let Some((before, rest)) = text.split_once(open)
            && let Some((inside, after)) = rest.split_once(close)
        {
            made.push((format!("{before} {after}"), 1));
            made.push((format!("{before} {inside} {after}"), 1));
            if open == '[' && after.trim().is_empty() && inside.contains(' ') {
                made.push((inside.to_owned(), 2));
            }
        }
    }
    if text.contains(['(', '[']) {
        return made;
    }
    says_nothing(text, &mut made);
    turned_round(text, &mut made);
    said_otherwise(text, &mut made);
    made
}

/// Takes away words such as `unspecified` or `without complications`.
fn says_nothing(text: &str, made: &mut Vec<(String, u32)>) {
    for end in [
        " nos",
        " nec",
        ", not elsewhere classified",
        " not elsewhere classified",
        " without complications",
        " without complication",
        ", uncomplicated",
    ] {
        made.extend(text.strip_suffix(end).map(|rest| (rest.to_owned(), 1)));
    }
    let words: Vec<_> = text.split(' ').collect();
    if let Some(at) = words
        .iter()
        .position(|word| word.trim_end_matches(',') == "unspecified")
    {
        let kept: Vec<_> = words
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != at)
            .map(|(_, word)| *word)
            .collect();
        made.push((kept.join(" "), 1));
    }
    let parts: Vec<_> = text.split(", ").collect();
    for (at, part) in parts.iter().enumerate().skip(1) {
        let cost = if ["unspecified", "not ", "site not", "type not"]
            .iter()
            .any(|start| part.starts_with(start))
        {
            1
        } else if part.starts_with("without ")
            || *part == "nonrheumatic"
            || *part == "single episode"
        {
            2
        } else {
            continue;
        };
        let kept: Vec<_> = parts
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != at)
            .map(|(_, part)| *part)
            .collect();
        made.push((kept.join(", "), cost));
    }
    if let Some((rest, _)) = text.rsplit_once(" without ") {
        made.push((rest.trim_end_matches(',').to_owned(), 3));
    }
}

/// Turns `asthma, allergic` and `pain in knee` round.
fn turned_round(text: &str, made: &mut Vec<(String, u32)>) {
    if let Some((first, rest)) = text.split_once(", ") {
        let mut parts: Vec<_> = text.split(", ").collect();
        if !text.contains(" and ") && !text.contains(" or ") {
            parts.reverse();
            made.push((parts.join(" "), 1));
        }
        if let Some((second, others)) = rest.split_once(", ") {
            made.push((format!("{second} {first}, {others}"), 1));
        }
        made.push((text.replacen(", ", " ", 1), 1));
        return;
    }
    for link in [" of ", " in "] {
        if let Some((what, place)) = text.split_once(link) {
            let place = place.trim_start_matches("the ");
            let short = |part: &str| part.split(' ').count() <= 3;
            let links = [
                " of ",
                " in ",
                " and ",
                " with ",
                " without ",
                " due ",
                " to ",
                " from ",
                " by ",
            ];
            if short(what) && short(place) && !links.iter().any(|link| place.contains(link)) {
                made.push((format!("{place} {what}"), 2));
            }
        }
    }
}

/// Puts the words of the ward for the words of the book.
fn said_otherwise(text: &str, made: &mut Vec<(String, u32)>) {
    for (book, ward, cost) in [
        (" mellitus", "", 1),
        ("type 2 ", "type ii ", 1),
        ("type 1 ", "type i ", 1),
        ("secondary malignant neoplasm of ", "metastasis to ", 1),
        (
            "secondary malignant neoplasm of ",
            "metastatic disease to ",
            2,
        ),
        ("malignant neoplasm of ", "cancer of ", 1),
        ("malignant neoplasm of ", "carcinoma of ", 2),
        ("calculus of ", "stone of ", 1),
        ("personal history of ", "history of ", 1),
        ("hemorrhage", "bleeding", 2),
        ("neoplasm", "tumor", 2),
        ("acquired absence of ", "absence of ", 2),
    ] {
        // `secondary malignant neoplasm` is never a cancer of the place.
        let is_primary = !(book.starts_with("malignant") && text.starts_with("secondary"));
        if text.contains(book) && is_primary {
            made.push((text.replacen(book, ward, 1), cost));
        }
    }
    if let Some((before, after)) = text.split_once('-') {
        made.push((format!("{before}{after}"), 1));
    }
    if let Some(rest) = text
        .strip_prefix("non")
        .filter(|rest| rest.len() > 5 && !rest.starts_with('-'))
    {
        made.push((format!("non {rest}"), 1));
    }
}

/// One space between words, no stray commas or prepositions at the edges.
fn tidy(text: &str) -> String {
    let mut text = text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace(" ,", ",");
    loop {
        let trimmed = text.trim_matches([',', ' ', ';', ':']);
        let trimmed = [
            " of", " in", " with", " due to", " and", " or", " by", " to", " at", " from", " as",
        ]
        .iter()
        .find_map(|end| trimmed.strip_suffix(end))
        .unwrap_or(trimmed);
        if trimmed.len() == text.len() {
            return text;
        }
        text = trimmed.to_owned();
    }
}

/// Whether a variant still names something.
fn is_whole(text: &str) -> bool {
    let dangling = [
        "and ", "or ", "with ", "without ", "due to ", "of ", "in ", "not ", "for ", "to ", "by ",
    ];
    !text.is_empty()
        && !dangling.iter().any(|start| text.starts_with(start))
        && !text.ends_with(" without")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_come_to_the_words_of_the_ward() {
        for (title, said) in [
            ("Essential (primary) hypertension", "essential hypertension"),
            (
                "Essential (primary) hypertension",
                "essential primary hypertension",
            ),
            (
                "Type 2 diabetes mellitus without complications",
                "type 2 diabetes",
            ),
            (
                "Type 2 diabetes mellitus with diabetic nephropathy",
                "type ii diabetes with diabetic nephropathy",
            ),
            ("Pain in unspecified knee", "knee pain"),
            ("Pain in right knee", "right knee pain"),
            ("Unspecified asthma, uncomplicated", "asthma"),
            ("Pneumonia, unspecified organism", "pneumonia"),
            (
                "Gastro-esophageal reflux disease without esophagitis",
                "gastroesophageal reflux disease",
            ),
            ("Malignant neoplasm of prostate", "prostate cancer"),
            (
                "Secondary malignant neoplasm of brain",
                "metastasis to brain",
            ),
            (
                "Personal history of pulmonary embolism",
                "history of pulmonary embolism",
            ),
            ("Calculus of kidney", "kidney stone"),
        ] {
            assert!(of(title).contains_key(said), "{title}: {:?}", of(title));
        }
    }

    #[test]
    fn what_a_title_says_stays_in_its_variants() {
        assert!(
            !of("Type 2 diabetes mellitus with diabetic nephropathy")
                .contains_key("type 2 diabetes")
        );
        assert!(!of("Secondary malignant neoplasm of brain").contains_key("brain cancer"));
        assert!(of("Other specified disorders of eye").is_empty());
    }
}
