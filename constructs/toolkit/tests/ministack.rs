//! Does deploying work, from the first stack to the last one destroyed?
//!
//! Runs against MiniStack, a local AWS, where `LIGHTSOUT_MINISTACK` names its
//! executable, and says so where it does not.
#![cfg(feature = "aws")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "all of this is a test, helpers included"
)]

#[path = "../src/fixtures.rs"]
mod fixtures;

use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use fixtures::{Bucket, Queue};
use lightsout_aws::SdkConfig;
use lightsout_core::{
    App, Assembly, Asset, AssetContents, AssetFile, AssetSource, FileMode, Parameter, Properties,
    ResourceType, Stage,
};
use lightsout_toolkit::{
    BuildPlan, BuiltAssets, Change, Consent, DeployArgs, DeployError, DestroyArgs, DiffArgs, Event,
    Io, PlannedAction, Status, build_assets, deploy, destroy, diff,
};

const REGION: &str = "us-east-1";

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told from first to last")]
async fn stacks_are_deployed_changed_compared_and_destroyed() {
    let Some(world) = World::start().await else {
        return;
    };
    let files = tempfile::tempdir().unwrap();
    let workspace = files.path();
    fs::write(workspace.join("code.txt"), "first").unwrap();

    // Everything is made.
    let first = app(30).synth().unwrap();
    let first_built = built(&first, workspace);
    let (deployment, events) = world.deploy(&first, &first_built).await;
    let deployment = deployment.unwrap();
    let hash = &first_built.get("Bulb").unwrap().sha256;
    assert_eq!(deployment.output("Code", "Hash"), Some(hash.as_str()));
    assert_eq!(deployment.output("Code", "Colour"), Some("white"));
    assert_eq!(
        count(&events, |event| matches!(
            event,
            Event::AssetUploaded { .. }
        )),
        1
    );
    assert_eq!(
        count(&events, |event| matches!(event, Event::Finished { .. })),
        3
    );
    assert!(first.stack("Wide").unwrap().template().len() > 51_200);

    // Nothing is done twice.
    let (deployment_again, events) = world.deploy(&first, &first_built).await;
    assert_eq!(deployment_again.unwrap(), deployment);
    assert_eq!(
        count(&events, |event| matches!(event, Event::Unchanged { .. })),
        3
    );
    assert_eq!(
        count(&events, |event| matches!(event, Event::AssetPresent { .. })),
        1
    );
    assert_eq!(
        count(&events, |event| matches!(event, Event::Planned { .. })),
        0
    );
    let (status, _) = world.diff(&first, &first_built).await;
    assert_eq!(status, Status::Fine);

    // A change of a property and of code is found, and made.
    fs::write(workspace.join("code.txt"), "second").unwrap();
    let second = app(60).synth().unwrap();
    let rebuilt = built(&second, workspace);
    let (status, events) = world.diff(&second, &rebuilt).await;
    assert_eq!(status, Status::Finding);
    let mut found = Vec::new();
    for event in events {
        if let Event::Differs { difference } = event {
            assert_eq!(difference.stack, "Code");
            for difference in difference.differences {
                let Change::Changed { values } = difference.change else {
                    panic!("{difference:?}");
                };
                found.extend(values.into_iter().map(|value| value.path));
            }
        }
    }
    assert_eq!(found, ["Properties.VisibilityTimeout", "BulbAsset"]);
    let (deployment, events) = world.deploy(&second, &rebuilt).await;
    let hash = &rebuilt.get("Bulb").unwrap().sha256;
    assert_eq!(
        deployment.unwrap().output("Code", "Hash"),
        Some(hash.as_str())
    );
    let modified = count(&events, |event| match event {
        Event::Planned { stack, changes } => {
            stack == "Code"
                && changes
                    .iter()
                    .any(|one| one.action == PlannedAction::Modify)
        }
        _ => false,
    });
    assert_eq!(modified, 1);

    // Nothing is changed when nobody agrees.
    let third = app(90).synth().unwrap();
    let mut io = Recorder::default();
    let end = deploy(
        &DeployArgs::default(),
        &third,
        &rebuilt,
        &world.config,
        &mut io,
    )
    .await;
    assert!(
        matches!(end, Err(DeployError::NobodyThere { .. })),
        "{end:?}"
    );
    let (status, _) = world.diff(&second, &rebuilt).await;
    assert_eq!(status, Status::Fine);

    // All goes.
    let mut io = Recorder::default();
    let args = DestroyArgs {
        yes: true,
        empty_buckets: true,
        ..DestroyArgs::default()
    };
    let status = destroy(&args, &second, &world.config, &mut io)
        .await
        .unwrap();
    assert_eq!(status, Status::Fine);
    let finished: Vec<_> = io
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Finished { stack, .. } => Some(stack.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(finished, ["Wide", "Code", "Store"]);
    assert_eq!(
        count(
            &io.events,
            |event| matches!(event, Event::Emptied { objects, .. } if *objects > 0)
        ),
        1
    );
    let status = destroy(&args, &second, &world.config, &mut io)
        .await
        .unwrap();
    assert_eq!(status, Status::Fine);
}

#[tokio::test]
async fn what_is_left_of_a_failed_creation_is_removed_and_made_again() {
    let Some(world) = World::start().await else {
        return;
    };
    let broken = {
        let mut app = App::new("lamp", Stage::new("dev"));
        let mut stack = app.stack("Jobs");
        let first = stack.add("First", queue());
        // MiniStack checks few types, this one when it gets there.
        let endless = Properties::default().with("Count", 0);
        let second = stack.add("Second", WaitCondition(endless));
        stack.depends_on(second.id(), first.id());
        app.synth().unwrap()
    };
    let nothing = BuiltAssets::default();
    let (end, _) = world.deploy(&broken, &nothing).await;
    let error = end.unwrap_err();
    let DeployError::Failed {
        stack, failures, ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(stack, "Jobs");
    assert_eq!(failures[0].logical_id, "Second");
    assert!(
        error
            .to_string()
            .contains("Second (AWS::CloudFormation::WaitCondition): "),
        "{error}"
    );

    let mut good = App::new("lamp", Stage::new("dev"));
    good.stack("Jobs").add("First", queue());
    let (end, events) = world.deploy(&good.synth().unwrap(), &nothing).await;
    end.unwrap();
    assert_eq!(
        count(&events, |event| matches!(
            event,
            Event::RemovingLeftover { .. }
        )),
        1
    );
}

fn queue() -> Queue {
    Queue(Properties::default().with("QueueName", "lamp-jobs"))
}

struct WaitCondition(Properties);

impl From<WaitCondition> for Properties {
    fn from(condition: WaitCondition) -> Self {
        condition.0
    }
}

impl ResourceType for WaitCondition {
    const TYPE: &'static str = "AWS::CloudFormation::WaitCondition";
    const REQUIRED: &'static [&'static str] = &[];
}

/// Three stacks: the asset store, one with code, one with a large template.
fn app(visibility: i64) -> App {
    let mut app = fixtures::app();
    let mut code = app.stack("Code");
    let asset = code.asset(Asset {
        id: "Bulb".to_owned(),
        contents: AssetContents::Files(vec![AssetFile {
            name: "code.txt".to_owned(),
            source: AssetSource::Path("code.txt".to_owned()),
            mode: FileMode::Regular,
        }]),
    });
    let queue = Properties::default().with("VisibilityTimeout", visibility);
    let queue = code.add("Jobs", Queue(queue));
    let colour = code.parameter("Colour", Parameter::new().default("white"));
    code.output("Hash", asset.hash(), "hash of the code");
    code.output("Colour", colour, "colour of the light");
    let url = queue.reference();
    let mut wide = app.stack("Wide");
    let bucket = wide.add("Light", Bucket(Properties::default()));
    wide.metadata(bucket.id(), "Notes", "n".repeat(52_000));
    wide.output("Jobs", url, "the queue of another stack");
    app
}

/// A local AWS that ends with the test.
struct World {
    config: SdkConfig,
    process: Child,
    _state: tempfile::TempDir,
}

impl World {
    async fn start() -> Option<Self> {
        let Some(program) = env::var_os("LIGHTSOUT_MINISTACK").filter(|path| !path.is_empty())
        else {
            eprintln!("skipped: `LIGHTSOUT_MINISTACK` does not name MiniStack's executable");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let state = tempfile::tempdir().unwrap();
        let process = Command::new(program)
            .current_dir(state.path())
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("MINISTACK_HOST", "localhost")
            .env("MINISTACK_ACCOUNT_ID", "111122223333")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                began.elapsed() < Duration::from_mins(1),
                "MiniStack does not start"
            );
            thread::sleep(Duration::from_millis(50));
        }
        let endpoint = format!("http://127.0.0.1:{port}");
        let config = lightsout_aws::load_for(&endpoint, REGION).await;
        Some(Self {
            config,
            process,
            _state: state,
        })
    }

    async fn deploy(
        &self,
        assembly: &Assembly,
        built: &BuiltAssets,
    ) -> (
        Result<lightsout_toolkit::Deployment, DeployError>,
        Vec<Event>,
    ) {
        let args = DeployArgs {
            yes: true,
            ..DeployArgs::default()
        };
        let mut io = Recorder::default();
        let end = deploy(&args, assembly, built, &self.config, &mut io).await;
        (end, io.events)
    }

    async fn diff(&self, assembly: &Assembly, built: &BuiltAssets) -> (Status, Vec<Event>) {
        let mut io = Recorder::default();
        let args = DiffArgs::default();
        let status = diff(&args, assembly, Some(built), &self.config, &mut io).await;
        (status.unwrap(), io.events)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[derive(Default)]
struct Recorder {
    events: Vec<Event>,
}

impl Io for Recorder {
    fn emit(&mut self, event: Event) {
        self.events.push(event);
    }

    fn ask(&mut self, _: &str) -> Consent {
        Consent::NobodyThere
    }
}

fn built(assembly: &Assembly, workspace: &Path) -> BuiltAssets {
    let plan = BuildPlan::local(workspace, workspace.join("out"));
    build_assets(assembly, &plan, &mut Recorder::default()).unwrap()
}

fn count(events: &[Event], is_meant: impl Fn(&Event) -> bool) -> usize {
    events.iter().filter(|event| is_meant(event)).count()
}
