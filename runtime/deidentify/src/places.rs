//! Towns: by a list, by what they are called like, and by who comes from where.

use std::{collections::BTreeSet, sync::LazyLock};

use regex_lite::Regex;

use crate::{Class, Found, names::is_name};

static TOWNS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let list = include_str!("lists/towns.txt").lines().skip(1);
    let text = list.collect::<Vec<_>>().join(" ");
    text.split("; ").map(str::to_owned).collect()
});

/// Capitalised words, as a town has them.
const WORDS: &str =
    r"(?P<id>(?:St\.[ \t]+)?[A-Z][A-Za-z'-]+(?:[ \t]*[ \t\n][ \t]*[A-Z][A-Za-z'-]+){0,2})";

/// What stands before a town in a sentence.
static BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = format!(r"\b(?:in|from|to|at|near|of|outside|around)\s+{WORDS}");
    Regex::new(&pattern).expect("the pattern is tested")
});

/// Where somebody comes from, or is brought to.
static COMES: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = format!(
        r"\b(?:picked\s+(?:(?:him|her|them)\s+)?up|transferred|transported|brought|came|arrived|returned|relocated|grew\s+up|raised)\s+(?:back\s+)?(?:from|to|in|at)\s+{WORDS}"
    );
    Regex::new(&pattern).expect("the pattern is tested")
});

/// A town that says so by how it ends, or begins.
static CALLED: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"^(?:[A-Z][a-z]{2,}(?:ton|town|ville|burgh?|boro(?:ugh)?|bury|port|mouth|chester|haven|ford|field|land|side|view|shire)|(?:New|North|South|East|West|Port|Lake|Fort|Saint|St\.|San|Santa|Los|Las|Mount|Cape)\s+[A-Z][a-z]+)$";
    Regex::new(pattern).expect("the pattern is tested")
});

pub(crate) fn find(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for captures in BEFORE.captures_iter(text) {
        found.extend(
            captures
                .name("id")
                .and_then(|id| town(id.as_str(), id.start(), is_town)),
        );
    }
    for captures in COMES.captures_iter(text) {
        let is_place = |words: &str| words.split_whitespace().all(is_name);
        found.extend(
            captures
                .name("id")
                .and_then(|id| town(id.as_str(), id.start(), is_place)),
        );
    }
    found
}

/// Finds the longest beginning of some words that is a place.
fn town(words: &str, start: usize, is_place: impl Fn(&str) -> bool) -> Option<Found> {
    let ends = words.char_indices().filter(|(_, c)| c.is_whitespace());
    let mut ends: Vec<_> = ends.map(|(at, _)| at).chain([words.len()]).collect();
    ends.reverse();
    let end = ends.into_iter().find(|end| is_place(&words[..*end]))?;
    Some(Found {
        class: Class::Place,
        start,
        end: start + end,
    })
}

fn is_town(words: &str) -> bool {
    let spaced = words.split_whitespace().collect::<Vec<_>>().join(" ");
    TOWNS.contains(&spaced) || CALLED.is_match(&spaced)
}
