use std::{fs, path::Path};

use serde_json::{Value as Json, json};

use super::*;
use crate::{
    App, AssetContents, AssetFile, AssetSource, FileMode, Parameter,
    fixtures::{Bucket, Key, Queue},
};

/// Two stacks, a parameter, and assets of both kinds.
fn pipeline(stage: Stage) -> App {
    let mut app = App::new("lightsout", stage);
    let mut stack = app.stack("Pipeline");
    let launcher = stack.asset(Asset {
        id: "Launcher".to_owned(),
        contents: AssetContents::Binary {
            package: "lightsout-launcher".to_owned(),
            binary: "launcher".to_owned(),
            name: "bootstrap".to_owned(),
        },
    });
    let host = stack.asset(Asset {
        id: "Host".to_owned(),
        contents: AssetContents::Files(vec![
            AssetFile {
                name: "bin/worker".to_owned(),
                source: AssetSource::Binary {
                    package: "lightsout-worker".to_owned(),
                    binary: "worker".to_owned(),
                },
                mode: FileMode::Executable,
            },
            AssetFile {
                name: "playbooks".to_owned(),
                source: AssetSource::Path("playbooks".to_owned()),
                mode: FileMode::Regular,
            },
            AssetFile::wheels("wheels", "six==1.17.0 --hash=sha256:47\n", "3.11"),
        ]),
    });
    stack.parameter(
        "Image",
        Parameter::new().default("ami-1").description("Host image"),
    );
    stack.parameter("Secret", Parameter::new().no_echo());
    stack.add("Zulu", Queue::new().queue_name(launcher.key()));
    stack.add("Alpha", Queue::new().queue_name(host.hash()));
    let bucket = app.stack("Storage").add("Assets", Bucket::new());
    app.asset_store("Storage", bucket.id());
    let key = app.stack("Storage").add("Key", Key::new());
    let jobs = Queue::new().kms_master_key_id(key.get(Key::ARN));
    app.stack("Pipeline").add("Jobs", jobs);
    app
}

fn assembly(stage: Stage) -> Assembly {
    pipeline(stage).synth().unwrap()
}

#[test]
fn nested_templates_tags_and_protection_are_read_back() {
    let mut app = pipeline(Stage::new("dev"));
    let mut stack = app.stack("Pipeline");
    stack.tag_stack("Project", "lightsout");
    stack.termination_protection();
    let outer = stack.add("Outer", Queue::new());
    stack.nested("Work", |work| {
        work.add("Zulu", Queue::new().queue_name(outer.reference()));
        work.nested("Deep", |deep| deep.add("Alpha", Queue::new()));
    });
    let assembly = app.synth().unwrap();
    let folder = tempfile::tempdir().unwrap();
    assembly.write(folder.path()).unwrap();
    let read = read_assemblies(folder.path()).unwrap();
    assert_eq!(read, std::slice::from_ref(&assembly));
    assert_eq!(
        read[0].template("Pipeline/Work/Deep").json(),
        assembly.template("Pipeline/Work/Deep").json()
    );

    let stage = folder.path().join("assembly-dev");
    let manifest = json(&stage.join("manifest.json"));
    let properties = &manifest["artifacts"]["Pipeline"]["properties"];
    assert_eq!(properties["terminationProtection"], true);
    assert_eq!(properties["tags"], json!({"Project": "lightsout"}));
    let tree = json(&folder.path().join("tree.json"));
    let work = &tree["tree"]["children"]["dev"]["children"]["Pipeline"]["children"]["Work"];
    assert_eq!(
        work["attributes"]["aws:cdk:cloudformation:type"],
        "AWS::CloudFormation::Stack"
    );
    assert_eq!(work["children"]["Deep"]["children"]["Alpha"]["id"], "Alpha");

    let nested = stage.join("Pipeline.WorkDeep.nested.template.json");
    assert!(nested.exists());
    // Without nested stacks their templates go.
    self::assembly(Stage::new("dev"))
        .write(folder.path())
        .unwrap();
    assert!(!nested.exists());
}

fn json(path: &Path) -> Json {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Returns the modification time and text of every file under `folder`.
fn snapshot(folder: &Path) -> Vec<(String, std::time::SystemTime, String)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let modified = fs::metadata(&path).unwrap().modified().unwrap();
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                files.push((name, modified, fs::read_to_string(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn what_is_written_is_read_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let stages = [
        assembly(Stage::new("dev")),
        assembly(
            Stage::new("prod")
                .account("111122223333")
                .region("eu-central-1"),
        ),
    ];
    write_assemblies(folder.path(), &stages).unwrap();
    assert_eq!(read_assemblies(folder.path()).unwrap(), stages);
}

#[test]
fn a_template_that_was_laid_out_otherwise_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let written = assembly(Stage::new("dev"));
    written.write(folder.path()).unwrap();
    let path = folder.path().join("assembly-dev/Pipeline.template.json");
    fs::write(&path, json(&path).to_string()).unwrap();
    let read = read_assemblies(folder.path()).unwrap();
    let names = |assembly: &Assembly| {
        let parameters = assembly.stack("Pipeline").unwrap().parameters();
        let mut names: Vec<String> = parameters.iter().map(|p| p.name.clone()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&read[0]), names(&written));
    assert_eq!(
        read[0].stack("Pipeline").unwrap().path_of("Zulu"),
        Some("Zulu")
    );
}

#[test]
fn the_folder_is_a_cloud_assembly() {
    let folder = tempfile::tempdir().unwrap();
    assembly(Stage::new("dev").region("eu-central-1"))
        .write(folder.path())
        .unwrap();
    let names: Vec<String> = snapshot(folder.path())
        .into_iter()
        .map(|(name, ..)| name)
        .collect();
    assert_eq!(
        names,
        [
            "assembly-dev/Pipeline.template.json",
            "assembly-dev/Storage.template.json",
            "assembly-dev/cdk.out",
            "assembly-dev/manifest.json",
            "cdk.out",
            "manifest.json",
            "tree.json",
        ]
    );
    let root = json(&folder.path().join("manifest.json"));
    assert_eq!(root["version"], "36.0.0");
    assert_eq!(
        root["artifacts"]["assembly-dev"],
        json!({"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-dev", "displayName": "dev"}})
    );
    let stage = json(&folder.path().join("assembly-dev/manifest.json"));
    let stack = &stage["artifacts"]["Pipeline"];
    assert_eq!(stack["type"], "aws:cloudformation:stack");
    assert_eq!(stack["environment"], "aws://unknown-account/eu-central-1");
    assert_eq!(stack["dependencies"], json!(["Storage"]));
    assert_eq!(stack["displayName"], "dev/Pipeline");
    assert_eq!(
        stack["properties"],
        json!({"templateFile": "Pipeline.template.json", "stackName": "lightsout-dev-pipeline"})
    );
    assert_eq!(stack["metadata"]["/dev/Pipeline/Jobs"][0]["data"], "Jobs");
    let tree = json(&folder.path().join("tree.json"));
    let jobs = &tree["tree"]["children"]["dev"]["children"]["Pipeline"]["children"]["Jobs"];
    assert_eq!(jobs["path"], "dev/Pipeline/Jobs");
    assert_eq!(
        jobs["attributes"]["aws:cdk:cloudformation:type"],
        "AWS::SQS::Queue"
    );
}

#[test]
fn what_did_not_change_is_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let assembly = assembly(Stage::new("dev"));
    assembly.write(folder.path()).unwrap();
    let before = snapshot(folder.path());
    assembly.write(folder.path()).unwrap();
    assert_eq!(snapshot(folder.path()), before);
}

#[test]
fn what_is_gone_is_removed_and_what_is_not_ours_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = pipeline(Stage::new("dev"));
    app.stack("Old").add("Jobs", Queue::new());
    let stages = [app.synth().unwrap(), assembly(Stage::new("test"))];
    write_assemblies(folder.path(), &stages).unwrap();
    let own = folder.path().join("assembly-dev/Own.template.json");
    fs::write(&own, "{}").unwrap();
    fs::create_dir(folder.path().join("assets")).unwrap();
    assembly(Stage::new("dev")).write(folder.path()).unwrap();
    assert!(
        !folder
            .path()
            .join("assembly-dev/Old.template.json")
            .exists()
    );
    assert!(!folder.path().join("assembly-test").exists());
    assert!(own.exists());
    assert!(folder.path().join("assets").exists());
}

#[test]
fn a_manifest_cannot_remove_what_is_outside_its_folder() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("cdk.out");
    let dev = assembly(Stage::new("dev"));
    dev.write(&folder).unwrap();
    let precious = outer.path().join("precious");
    fs::write(&precious, "text").unwrap();
    let manifest = folder.join("assembly-dev/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let text = text.replace("Storage.template.json", "../../precious");
    fs::write(&manifest, text).unwrap();
    dev.write(&folder).unwrap();
    assert!(precious.exists());
}

#[test]
fn two_assemblies_of_one_stage_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let twice = [assembly(Stage::new("dev")), assembly(Stage::new("dev"))];
    let error = write_assemblies(folder.path(), &twice).unwrap_err();
    assert_eq!(error.to_string(), "stage `dev` is there twice");
    assert!(snapshot(folder.path()).is_empty());
}

#[test]
fn a_folder_that_cannot_be_read_is_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let error = read_assemblies(folder.path()).unwrap_err();
    assert!(error.to_string().ends_with("manifest.json`"), "{error}");

    assembly(Stage::new("dev")).write(folder.path()).unwrap();
    let manifest = folder.path().join("assembly-dev/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let check = |from: &str, to: &str, expected: &str| {
        fs::write(&manifest, text.replace(from, to)).unwrap();
        let error = read_assemblies(folder.path()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("36.0.0", "99.0.0", "has schema version `99.0.0`");
    check(
        "templateFile",
        "file",
        "no templateFile for stack `Storage`",
    );
    check("\"binary\"", "\"b\"", "no `binary` in asset `Launcher`");
    check("lightsout:", "other:", "no artifact `lightsout:deployment`");
    check("{", "", "is not JSON");
    fs::write(&manifest, &text).unwrap();
    fs::remove_file(folder.path().join("assembly-dev/Storage.template.json")).unwrap();
    let error = read_assemblies(folder.path()).unwrap_err();
    assert!(matches!(error, ReadError::Io { .. }));
}
