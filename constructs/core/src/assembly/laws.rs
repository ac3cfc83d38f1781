//! Laws of the folder: what holds for any app, and for anything in the files.
//!
//! `PROPTEST_CASES` sets how many cases are tried, 256 unless said. A long run:
//!
//! ```text
//! PROPTEST_CASES=1000000 cargo test --release -p lightsout-core --lib -- laws json_text
//! ```

use std::{
    fs,
    path::{Path, PathBuf},
};

use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::*;
use crate::{
    App, Arn, AssetFile, FileMode, Parameter, Value,
    fixtures::{Bucket, Queue},
};

/// What one stack of a random app holds.
#[derive(Debug, Clone)]
struct Contents {
    description: String,
    queues: Vec<String>,
    parameters: Vec<Option<String>>,
    asset: Option<String>,
    needs_last: bool,
}

fn any_contents() -> impl Strategy<Value = Contents> {
    let text = any::<String>;
    (
        text(),
        prop::collection::vec(text(), 0..4),
        prop::collection::vec(prop::option::of(text()), 0..3),
        prop::option::of("[a-z]{1,8}(/[a-zé.-]{1,8}x){0,2}"),
        any::<bool>(),
    )
        .prop_map(
            |(description, queues, parameters, asset, needs_last)| Contents {
                description,
                queues,
                parameters,
                asset,
                needs_last,
            },
        )
}

fn any_stage() -> impl Strategy<Value = Stage> {
    (
        "[a-z][a-z0-9]{0,8}",
        prop::option::of("[0-9]{12}"),
        prop::option::of("eu-[a-z]{4,8}-[1-3]"),
    )
        .prop_map(|(name, account, region)| {
            let mut stage = Stage::new(name);
            stage.account = account;
            stage.region = region;
            stage
        })
}

/// Builds an app with a stack for each of `stacks`, beside that of the asset store.
fn assembly(stage: Stage, stacks: Vec<Contents>) -> Assembly {
    let mut app = App::new("laws", stage);
    let bucket = app.stack("Store").add("Bucket", Bucket::new());
    app.asset_store("Store", bucket.id());
    let mut last: Option<Value<Arn<Queue>>> = None;
    for (index, contents) in stacks.into_iter().enumerate() {
        let mut stack = app.stack(&format!("Stack{index}"));
        stack.describe(contents.description);
        stack.add("Any", Queue::new());
        for (index, default) in contents.parameters.into_iter().enumerate() {
            let parameter = Parameter::new();
            let parameter = match default {
                Some(text) => parameter.default(text),
                None => parameter.no_echo(),
            };
            stack.parameter(&format!("Parameter{index}"), parameter);
        }
        if let Some(path) = contents.asset {
            let files = [AssetFile::path("bin/é", path, FileMode::Executable)];
            let asset = stack.asset(Asset::files(format!("Asset{index}"), files));
            stack.add("Code", Queue::new().queue_name(asset.key()));
        }
        if let (true, Some(last)) = (contents.needs_last, &last) {
            stack.add("Next", Queue::new().kms_master_key_id(last.clone()));
        }
        for (index, name) in contents.queues.into_iter().enumerate() {
            // In the template, resources are not in the order of their names.
            let queue = Queue::new().redrive_policy(json!({ "deadLetterTargetArn": name }));
            let queue = stack.add(&format!("Queue{}", 9 - index), queue);
            last = Some(queue.get(Queue::ARN));
        }
    }
    app.synth().unwrap()
}

#[test]
fn what_is_written_is_read_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let stacks = prop::collection::vec(any_contents(), 0..4);
    let law = |(stage, stacks)| {
        let written = assembly(stage, stacks);
        written.write(folder.path()).unwrap();
        prop_assert_eq!(read_assemblies(folder.path()).unwrap(), [written]);
        Ok(())
    };
    runner().run(&(any_stage(), stacks), law).unwrap();
}

/// A change to one file of a folder.
#[derive(Debug, Clone)]
enum Damage {
    /// Everything is something else.
    Replaced(Vec<u8>),
    /// A part is something else.
    Spliced(Index, Index, Vec<u8>),
    /// One value of the JSON is another.
    Swapped(Index, Json),
    /// One value of the JSON is not there.
    Removed(Index),
}

fn any_damage() -> impl Strategy<Value = Damage> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..16);
    let json = prop_oneof![
        Just(Json::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{}, "a", [null]])),
        Just(json!({"Type": 3, "data": {}, "name": "../.."})),
        any::<bool>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any::<String>().prop_map(Json::from),
        Just(json!("aws://a/b/c")),
        Just(json!("../manifest.json")),
        Just(json!("assembly-dev")),
    ];
    prop_oneof![
        1 => bytes().prop_map(Damage::Replaced),
        2 => (any::<Index>(), any::<Index>(), bytes())
            .prop_map(|(start, end, bytes)| Damage::Spliced(start, end, bytes)),
        4 => (any::<Index>(), json).prop_map(|(place, json)| Damage::Swapped(place, json)),
        2 => any::<Index>().prop_map(Damage::Removed),
    ]
}

impl Damage {
    fn done_to(&self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::Replaced(bytes) => bytes.clone(),
            Self::Spliced(start, end, bytes) => {
                let (start, end) = (start.index(text.len()), end.index(text.len()));
                let (start, end) = (start.min(end), start.max(end));
                [&text[..start], bytes, &text[end..]].concat()
            }
            Self::Swapped(place, json) => {
                let mut whole: Json = serde_json::from_slice(text).unwrap();
                let place = place.index(places(&whole));
                *value_at(&mut whole, place) = json.clone();
                serde_json::to_vec_pretty(&whole).unwrap()
            }
            Self::Removed(place) => {
                let mut whole: Json = serde_json::from_slice(text).unwrap();
                let place = place.index(places(&whole));
                match value_at(&mut whole, place) {
                    Json::Object(map) => {
                        let first = map.keys().next().cloned();
                        first.and_then(|key| map.remove(&key));
                    }
                    Json::Array(items) => {
                        items.pop();
                    }
                    scalar => *scalar = Json::Null,
                }
                serde_json::to_vec_pretty(&whole).unwrap()
            }
        }
    }
}

/// Counts the values within a value, itself included.
fn places(json: &Json) -> usize {
    1 + match json {
        Json::Object(map) => map.values().map(places).sum(),
        Json::Array(items) => items.iter().map(places).sum(),
        _ => 0,
    }
}

fn value_at(json: &mut Json, place: usize) -> &mut Json {
    if place == 0 {
        return json;
    }
    let mut left = place - 1;
    let values: Box<dyn Iterator<Item = &mut Json>> = match json {
        Json::Object(map) => Box::new(map.values_mut()),
        Json::Array(items) => Box::new(items.iter_mut()),
        _ => unreachable!("a scalar is one place"),
    };
    for value in values {
        let here = places(value);
        if left < here {
            return value_at(value, left);
        }
        left -= here;
    }
    unreachable!("the place is within the value")
}

#[test]
fn a_damaged_folder_is_an_error_or_an_assembly() {
    let (folder, files) = intact();
    let law = |(file, damage): (Index, Damage)| {
        let (path, text) = file.get(&files);
        fs::write(path, damage.done_to(text)).unwrap();
        let read = read_assemblies(folder.path());
        fs::write(path, text).unwrap();
        match read {
            Ok(assemblies) => look_at(&assemblies),
            // The error names a file of this folder, or one that a manifest names.
            Err(error) => prop_assert!(error.to_string().contains('`'), "{}", error),
        }
        Ok(())
    };
    runner().run(&(any::<Index>(), any_damage()), law).unwrap();
}

/// Writes a folder with everything in it that can be damaged.
fn intact() -> (TempDir, Vec<(PathBuf, Vec<u8>)>) {
    let folder = tempfile::tempdir().unwrap();
    let contents = Contents {
        description: "Notes".to_owned(),
        queues: vec!["jobs".to_owned(), "failed".to_owned()],
        parameters: vec![None, Some("ami-1".to_owned())],
        asset: Some("stacks/playbooks".to_owned()),
        needs_last: true,
    };
    let stage = Stage::new("dev")
        .account("111122223333")
        .region("eu-west-1");
    let whole = assembly(stage, vec![contents.clone(), contents]);
    whole.write(folder.path()).unwrap();
    let mut files = Vec::new();
    for name in [
        "manifest.json",
        "assembly-dev/manifest.json",
        "assembly-dev/Store.template.json",
        "assembly-dev/Stack0.template.json",
        "assembly-dev/Stack1.template.json",
    ] {
        let path = folder.path().join(name);
        let text = fs::read(&path).unwrap();
        files.push((path, text));
    }
    (folder, files)
}

/// Asks for everything that whoever deploys asks for.
fn look_at(assemblies: &[Assembly]) {
    for assembly in assemblies {
        let _ = (assembly.app(), assembly.stage(), assembly.asset_store());
        for stack in assembly.stacks() {
            let _ = (stack.template_json(), stack.dependencies());
            let _ = (stack.parameters(), stack.path_of("Any"));
            let _ = assembly.template(stack.name()).resources::<Queue>();
        }
    }
}

fn runner() -> TestRunner {
    TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    })
}

#[test]
fn a_template_that_is_too_deep_to_read_is_named() {
    let (folder, files) = intact();
    let (path, _) = &files[2];
    fs::write(path, "[".repeat(100_000)).unwrap();
    let error = read_assemblies(folder.path()).unwrap_err().to_string();
    assert!(error.contains(&name(path)), "{error}");
}

fn name(path: &Path) -> String {
    path.display().to_string()
}
