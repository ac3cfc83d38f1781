//! Does synth write what was reviewed and committed?

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use lightsout_stacks::environment::Environment;
use lightsout_tests::workspace;

/// Every file below `folder` but the built assets, by relative path.
fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("assets") {
                    open.push(path);
                }
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

fn synthesize(folder: &Path) {
    let environments = Environment::all().unwrap();
    let assemblies: Vec<_> = environments
        .iter()
        .map(|environment| lightsout_stacks::app(environment).synth().unwrap())
        .collect();
    lightsout::write_assemblies(folder, &assemblies).unwrap();
}

#[test]
fn the_committed_output_is_what_synth_writes() {
    let fresh = tempfile::tempdir().unwrap();
    synthesize(fresh.path());
    let fresh = files(fresh.path());
    let committed = files(&workspace().join("cdk.out"));
    let names = |files: &BTreeMap<PathBuf, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&fresh), names(&committed), "run `cargo synth`");
    for (name, text) in fresh {
        assert_eq!(
            text,
            committed[&name],
            "`cdk.out/{}` differs: run `cargo synth` and review the difference",
            name.display()
        );
    }
}

#[test]
fn synth_writes_the_same_bytes_in_another_folder() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    synthesize(one.path());
    synthesize(two.path());
    assert_eq!(files(one.path()), files(two.path()));
}
