//! Conditions by place: the terms that come from a table of sites and conditions.

use std::collections::BTreeMap;

use super::Published;
use super::tabular::Tabular;

/// A term and the code of the list that it means.
pub(super) type Term = (String, usize);

/// What a site is called.
struct Names<'t> {
    nouns: Vec<&'t str>,
    adjectives: Vec<&'t str>,
}

/// The terms of the table, or every line that cannot be read.
pub(super) fn read(
    tsv: &str,
    tabular: &Tabular,
    published: &Published,
) -> Result<Vec<Term>, Vec<String>> {
    let mut problems = Vec::new();
    let mut sites = BTreeMap::new();
    let mut terms = Vec::new();
    for (number, line) in (1..).zip(tsv.lines()) {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let problem = |what: String| format!("terminology/sites.tsv:{number}: {what}");
        let columns: Vec<_> = line.split('\t').collect();
        match columns.as_slice() {
            ["site", name, nouns, adjectives @ ..] => {
                let names = Names {
                    nouns: items(nouns),
                    adjectives: adjectives.first().map(|words| items(words)).unwrap_or_default(),
                };
                if sites.insert(*name, names).is_some() {
                    problems.push(problem(format!("the site `{name}` stands twice")));
                }
            }
            ["condition", nouns, codes] => {
                for entry in items(codes) {
                    match condition(entry, &sites, tabular) {
                        Ok((site, node)) => {
                            for noun in items(nouns) {
                                terms.extend(phrases(noun, site).map(|term| (term, node)));
                            }
                        }
                        // The table is written for the newest edition; an earlier one lacks a few codes.
                        Err(_) if !published.is_newest() => {}
                        Err(what) => problems.push(problem(what)),
                    }
                }
            }
            _ => problems.push(problem(
                "write `site`, a name, nouns and adjectives, or `condition`, nouns and codes, with tabs between them".to_owned(),
            )),
        }
    }
    if problems.is_empty() {
        Ok(terms)
    } else {
        Err(problems)
    }
}

fn items(column: &str) -> Vec<&str> {
    column.split("; ").filter(|item| !item.is_empty()).collect()
}

/// The site and the code of `knee M25.569`.
fn condition<'s, 't>(
    entry: &str,
    sites: &'s BTreeMap<&str, Names<'t>>,
    tabular: &Tabular,
) -> Result<(&'s Names<'t>, usize), String> {
    let (name, code) = entry
        .rsplit_once(' ')
        .ok_or_else(|| format!("`{entry}` needs a site and a code"))?;
    let names = sites
        .get(name)
        .ok_or_else(|| format!("`{name}` is no site of the table"))?;
    let node = tabular
        .place_of(code)
        .ok_or_else(|| format!("`{code}` is no code of this edition"))?;
    Ok((names, node))
}

/// Every way to name a condition at a site.
fn phrases<'p>(noun: &'p str, site: &'p Names<'_>) -> impl Iterator<Item = String> + 'p {
    let links = ["of", "in", "to", "at"];
    let after = links.into_iter().flat_map(move |link| {
        site.nouns
            .iter()
            .map(move |place| format!("{noun} {link} {place}"))
    });
    let before = site.nouns.iter().chain(&site.adjectives);
    after.chain(before.map(move |place| format!("{place} {noun}")))
}
