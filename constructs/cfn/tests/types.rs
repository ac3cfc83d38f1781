//! Is every resource type there, once?

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Each line of `types.txt`: the type in a template, its path in Rust, and its feature.
fn listed() -> Vec<(&'static str, &'static str, &'static str)> {
    include_str!("../types.txt")
        .lines()
        .map(|line| {
            let mut words = line.split(' ');
            let mut word = || words.next().expect("a line has three words");
            (word(), word(), word())
        })
        .collect()
}

#[test]
fn more_than_1850_types_are_each_in_exactly_one_module() {
    let listed = listed();
    assert!(listed.len() > 1850, "{}", listed.len());
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines() {
            let constant = line.strip_prefix("    const TYPE: &'static str = \"");
            if let Some(name) = constant.and_then(|rest| rest.strip_suffix("\";")) {
                let modules = found.entry(name.to_owned()).or_default();
                modules.push(module.clone());
            }
        }
    }
    let expected: BTreeMap<String, Vec<String>> = listed
        .into_iter()
        .map(|(name, path, _)| {
            let (module, _) = path.split_once("::").unwrap();
            (name.to_owned(), vec![module.to_owned()])
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_registry_takes_the_features() {
    let features: BTreeSet<_> = listed()
        .into_iter()
        .map(|(_, _, feature)| feature)
        .collect();
    // And `all` and `default`.
    assert!(features.len() + 2 <= 300, "{}", features.len());
    let manifest = include_str!("../Cargo.toml");
    for feature in features {
        assert!(
            manifest.contains(&format!("\n{feature} = []\n")),
            "{feature}"
        );
    }
}
