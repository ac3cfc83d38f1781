//! The pipeline: four stacks, each a function that returns what the next need.

use std::time::Duration;

use lightsout::{
    App, Asset, Pseudo, Removal, Scope, Stage, Tag, Value,
    apigateway::{AccountLogging, Authorization, RestApi},
    contract::{
        Binary, LaunchFrom, MeasureQueue, Program, ReadItems, ReadObjects, ReceiveFrom, Setting,
        Side, TerminateFleet, WriteItems, WriteObjects, binary, environment,
    },
    dynamodb::{Table, TableRef},
    ec2::{
        CidrError, Endpoint, Fleet, Image, LaunchTemplate, Network, NetworkRef, SecurityGroup,
        UserData, UserDataFits, Zones,
    },
    events::Schedule,
    join,
    kms::{Key, KeyRef},
    lambda::{Architecture, Code, Function},
    s3::{Bucket, BucketRef, LogBucket},
    setting,
    sns::Topic,
    sqs::{DeadLetters, DeadLettersRef, Queue, QueueRef},
};

/// A note to code.
pub(crate) enum Note {}
/// That a note has arrived.
pub(crate) enum Arrival {}
/// What was found in a note.
pub(crate) enum Coding {}
/// What a run has done.
pub(crate) enum Run {}

environment! {
    /// What the launcher needs.
    pub(crate) struct LauncherEnvironment {
        /// The queue whose depth decides.
        work: MeasureQueue<Arrival> = "WORK_QUEUE",
        /// How a master is started.
        master: LaunchFrom<Master> = "MASTER_TEMPLATE",
        /// The runs.
        runs: WriteItems<Run> = "RUNS_TABLE",
    }
}

environment! {
    /// What the master needs.
    pub(crate) struct MasterEnvironment {
        /// How workers are started.
        workers: LaunchFrom<Worker> = "WORKER_TEMPLATE",
        /// How workers are ended.
        fleet: TerminateFleet<Worker> = "FLEET",
        /// How the master ends itself.
        itself: TerminateFleet<Master> = "MASTER_FLEET",
        /// Seconds after which a run is given up.
        deadline: Setting<u64> = "DEADLINE_SECONDS",
    }
}

environment! {
    /// What a worker needs.
    pub(crate) struct WorkerEnvironment {
        /// Notes that have arrived.
        work: ReceiveFrom<Arrival> = "WORK_QUEUE",
        /// The notes themselves.
        inbox: ReadObjects<Note> = "INBOX_BUCKET",
        /// Where codings are stored.
        results: WriteItems<Coding> = "RESULTS_TABLE",
        /// Where large codings are stored.
        large: WriteObjects<Coding> = "RESULTS_BUCKET",
    }
}

environment! {
    /// What the query API needs.
    pub(crate) struct QueryEnvironment {
        /// Codings by note and by run.
        results: ReadItems<Coding> = "RESULTS_TABLE",
    }
}

/// Starts a master when work waits.
pub(crate) struct Launcher;
/// Starts and ends workers.
pub(crate) struct Master;
/// Codes notes.
pub(crate) struct Worker;
/// Answers questions.
pub(crate) struct Query;

impl Program for Launcher {
    const BINARY: Binary = binary!("launcher" in "examples/programs");
    type Message = ();
    type Environment<S: Side> = LauncherEnvironment<S>;
}

impl Program for Master {
    const BINARY: Binary = binary!("master" in "examples/programs");
    type Message = ();
    type Environment<S: Side> = MasterEnvironment<S>;
}

impl Program for Worker {
    const BINARY: Binary = binary!("worker" in "examples/programs");
    type Message = Arrival;
    type Environment<S: Side> = WorkerEnvironment<S>;
}

impl Program for Query {
    const BINARY: Binary = binary!("query" in "examples/programs");
    type Message = ();
    type Environment<S: Side> = QueryEnvironment<S>;
}

/// What every other stack stands on.
struct Foundation {
    key: KeyRef,
    network: NetworkRef,
    work: QueueRef<Arrival>,
    failed: DeadLettersRef<Arrival>,
}

/// Where everything is kept.
struct Storage {
    assets: BucketRef<()>,
    inbox: BucketRef<Note>,
    large: BucketRef<Coding>,
    results: TableRef<Coding>,
    runs: TableRef<Run>,
}

/// The whole pipeline, for a stage of this name.
pub(crate) fn app(stage: &str, removal: Removal) -> Result<App, CidrError> {
    let mut app = App::new("clinic", Stage::new(stage));
    app.amend(Tag::new("Project", "clinic"));
    app.check(UserDataFits);
    let inbox = join![format!("clinic-{stage}-inbox-"), Pseudo::AccountId];

    let foundation = foundation(&mut app.stack("Foundation"), removal, inbox.clone())?;
    let storage = storage(&mut app.stack("Storage"), removal, inbox, &foundation);
    batch(&mut app.stack("Batch"), &foundation, &storage);
    answers(&mut app.stack("Answers"), &foundation, &storage);
    app.asset_store("Storage", storage.assets.id());
    Ok(app)
}

fn foundation(
    stack: &mut Scope<'_>,
    removal: Removal,
    inbox: Value<String>,
) -> Result<Foundation, CidrError> {
    let key = Key::new("Notes, codings and what is said about them")
        .alias(format!("clinic-{}", stack.stage().name))
        .removal(removal);
    let key = stack.add("Key", key);
    let network = stack.add(
        "Network",
        Network::new("10.20.0.0/16".parse()?, Zones::Two)
            .endpoint(Endpoint::Ec2)
            .endpoint(Endpoint::Sqs)
            .flow_logs(&key),
    );
    let failed = stack.add("Failed", DeadLetters::new(&key));
    let work = stack.add(
        "Work",
        Queue::new(&key)
            .visibility(Duration::from_mins(5))
            .dead_letter(&failed, 3)
            .accepts_from_bucket(inbox),
    );
    Ok(Foundation {
        key,
        network,
        work,
        failed,
    })
}

fn storage(
    stack: &mut Scope<'_>,
    removal: Removal,
    inbox: Value<String>,
    Foundation { key, work, .. }: &Foundation,
) -> Storage {
    let access = stack.add("AccessLogs", LogBucket::new().removal(removal));
    let inbox = Bucket::new(key)
        .named(inbox)
        .access_logs(&access, "inbox/")
        .notify(work, "notes/");
    let large = Bucket::new(key)
        .access_logs(&access, "large/")
        .expire_noncurrent(90);
    let results = Table::new(key, "note")
        .sort("version")
        .index("ByRun", "run", "note");
    Storage {
        assets: stack.add("Assets", Bucket::new(key).access_logs(&access, "assets/")),
        inbox: stack.add("Inbox", inbox),
        large: stack.add("Large", large),
        results: stack.add("Results", results),
        runs: stack.add("Runs", Table::new(key, "id").ttl("expires")),
    }
}

fn batch(stack: &mut Scope<'_>, foundation: &Foundation, storage: &Storage) {
    let Foundation {
        key,
        network,
        work,
        failed,
    } = foundation;
    let pipeline = format!("clinic-{}", stack.stage().name);
    let workers = Fleet::tagged("clinic:pipeline", &pipeline).and("clinic:role", "worker");
    let masters = Fleet::tagged("clinic:pipeline", &pipeline).and("clinic:role", "master");
    let image = Image::Parameter(
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64".to_owned(),
    );
    let master_group = SecurityGroup::new("Masters", network).reaches_ssh();
    let master_group = stack.add("MasterGroup", master_group);
    let environment = WorkerEnvironment {
        work: work.receiver(),
        inbox: storage.inbox.reader(),
        results: storage.results.writer(),
        large: storage.large.writer(),
    };
    let boot = UserData::bash("exec /opt/clinic/worker\n").variable("GREETING", "it's on");
    let worker = LaunchTemplate::new(
        Worker,
        environment,
        &workers,
        image.clone(),
        boot,
        network,
        key,
    );
    let worker = stack.add("Worker", worker.ssh_from(&master_group));
    let environment = MasterEnvironment {
        workers: worker.launcher(),
        fleet: workers.terminator(),
        itself: masters.terminator(),
        deadline: setting(3600),
    };
    let boot = UserData::bash("exec /opt/clinic/master\n");
    let master = LaunchTemplate::new(Master, environment, &masters, image, boot, network, key)
        .instance_type("m7i.large")
        .volume_gib(20)
        .tag("clinic:owner", "operations")
        .group(&master_group);
    let master = stack.add("Master", master);
    let environment = LauncherEnvironment {
        work: work.meter(),
        master: master.launcher(),
        runs: storage.runs.writer(),
    };
    let code = Code::new(
        stack.asset(Asset::program("Launcher", Launcher::BINARY)),
        storage.assets.name(),
    );
    let failures = stack.add("Failures", Queue::new(key));
    let launcher = Function::new(Launcher, environment, code, network, key)
        .architecture(Architecture::X86_64)
        .reserved_concurrency(2)
        .failures_to(&failures)
        .variable("RUST_LOG", "info");
    let launcher = stack.add("Launcher", launcher);

    let operators = stack.add("Operators", Topic::new(key));
    stack.add("Backlog", work.depth().at_least(100).invokes(&launcher));
    stack.add(
        "Behind",
        work.oldest_message_age()
            .above(900)
            .for_periods(3)
            .describe("Notes wait too long: see whether runs start")
            .notifies(&operators)
            .invokes(&launcher),
    );
    stack.add("Lost", failed.depth().above(0).notifies(&operators));
    stack.add(
        "Heartbeat",
        Schedule::every(Duration::from_mins(5))
            .invokes(&launcher)
            .describe("Looks for work that no alarm told of"),
    );
}

fn answers(stack: &mut Scope<'_>, Foundation { key, network, .. }: &Foundation, storage: &Storage) {
    let environment = QueryEnvironment {
        results: storage.results.reader(),
    };
    let code = Code::new(
        stack.asset(Asset::program("Query", Query::BINARY)),
        storage.assets.name(),
    );
    let query = Function::new(Query, environment, code, network, key);
    let query = stack.add("Query", query);
    let logging = stack.add("ApiLogging", AccountLogging::new());
    let name = format!("clinic-{}", stack.stage().name);
    let api = RestApi::new(name, &query, Authorization::Iam, &logging, key);
    let api = stack.add("Api", api);
    stack.output("Url", api.url(), "Where questions are answered");
}
