//! `lightsout local`: the whole system on this machine.
//!
//! Everything that runs is real but AWS itself: the stacks are deployed
//! through change sets by the code that deploys to AWS, the Lambdas are their
//! binaries, hosts run their user data, Ansible and SSH are Ansible and SSH.

mod alarm;
mod ask;
pub mod charts;
mod crash;
mod error;
mod follow;
mod inbox;
pub mod python;
pub mod report;
pub mod steps;
mod stop;
mod terminal;

use std::{
    collections::BTreeMap,
    env,
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Args;
use lightsout::Assembly;
use lightsout_audit::verify;
use lightsout_authorizer::Issuer;
use lightsout_region::{
    EnterError, Entry, InstanceState, Isolation, Keeper, OpenSsh, Place, Region, RegionConfig,
};
use lightsout_toolkit::{
    BuildPlan, BuiltAssets, DeployArgs, Deployment, Form, Status, Terminal, build_assets, fail,
};
use serde::{Deserialize, Serialize};

pub use self::error::LocalError;
use self::{
    charts::ChartFolder,
    crash::Victim,
    python::{PythonError, Venv},
    report::Report,
    steps::{Progress, Step},
    stop::Stop,
    terminal::StepDetails,
};
use crate::{
    app, audit_table,
    environment::{ApiSettings, Environment},
    output,
};

/// Run the whole system on this machine, on real charts
///
/// Sets up what it needs in `.lightsout`, starts a local AWS and hosts, deploys
/// the stacks, uploads the charts, waits until they are coded and no machine is
/// left, prints what the API answers, and tears everything down. Exits with 0
/// only when every chart is coded or rejected with a reason.
#[derive(Debug, Args)]
pub struct LocalArgs {
    /// The folder of charts: its files that end in .txt [default: the project's samples/charts]
    #[arg(long, value_name = "DIR")]
    charts: Option<PathBuf>,
    /// Most workers at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16))]
    workers: Option<u32>,
    /// Upload so many charts at first, and the others once a worker is there, to see the fleet grow
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    at_first: Option<u32>,
    /// Kill something in the middle of the run, to see what mends that
    #[arg(long, value_name = "WHAT")]
    crash: Option<Victim>,
    /// Leave the region up until Ctrl-C, to look around in it
    #[arg(long)]
    keep: bool,
    /// The port of the local AWS
    #[arg(long, value_name = "PORT", default_value_t = 4566)]
    port: u16,
}

/// The account of the local AWS.
const ACCOUNT: &str = "111122223333";
/// The region that the local AWS calls itself.
const REGION: &str = "us-east-1";
/// What the local AWS and the master need of Python, every package pinned.
const REQUIREMENTS: &str = include_str!("../python/local.txt");
/// The stage of the query API, part of its address.
const STAGE: &str = "v1";
/// How long the last instance may take to end after its run is over.
const LAST_INSTANCE: Duration = Duration::from_secs(30);

/// Runs the command and returns the process's exit code.
pub fn main(arguments: &LocalArgs, form: Form) -> ExitCode {
    let mut io = Terminal::new(form);
    match run(arguments, form) {
        Ok(code) => code,
        Err(error) => fail(&error, &mut io).into(),
    }
}

/// Makes what MiniStack runs in, unless it is there, in the folder
/// of what the project installs for itself.
pub fn venv(own: &Path) -> Result<Venv, PythonError> {
    Venv::ensure(&own.join("venv"), REQUIREMENTS)
}

/// What is made before the namespaces close the network, and read again inside.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Prepared {
    seconds: BTreeMap<Step, f64>,
    assets: BuiltAssets,
}

/// The folders of a local run.
struct Folders {
    workspace: PathBuf,
    own: PathBuf,
}

impl Folders {
    fn find() -> Result<Self, LocalError> {
        let here = env::current_dir().map_err(LocalError::file(Path::new(".")))?;
        let workspace = here
            .ancestors()
            .find(|folder| folder.join("stacks/environments").is_dir())
            .ok_or(LocalError::NoWorkspace(here.clone()))?
            .to_owned();
        let own = workspace.join(".lightsout");
        std::fs::create_dir_all(&own).map_err(LocalError::file(&own))?;
        Ok(Self { workspace, own })
    }

    /// Takes the folder for this run alone, for as long as the file is open.
    fn lock(&self) -> Result<File, LocalError> {
        let path = self.own.join("lock");
        let lock = File::create(&path).map_err(LocalError::file(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(LocalError::Busy(path)),
            Err(TryLockError::Error(source)) => Err(LocalError::File { path, source }),
        }
    }

    /// The folder of charts that was asked for, or the project's samples.
    fn charts(&self, arguments: &LocalArgs) -> Result<ChartFolder, LocalError> {
        let samples = || self.workspace.join("samples/charts");
        let folder = arguments.charts.clone().unwrap_or_else(samples);
        Ok(ChartFolder::read(&folder)?)
    }

    fn prepared(&self) -> PathBuf {
        self.own.join("prepared.json")
    }
}

fn run(arguments: &LocalArgs, form: Form) -> Result<ExitCode, LocalError> {
    let stop = Stop::listen().map_err(LocalError::region)?;
    let place = lightsout_region::place().map_err(LocalError::region)?;
    // Both are held until the end of a run outside of namespaces.
    let (isolation, outside) = match place {
        Place::Waited(code) => return Ok(code),
        Place::Inside(isolation) => (isolation, None),
        Place::Outside(door) => {
            let folders = Folders::find()?;
            Keeper::mark(&folders.own).map_err(LocalError::region)?;
            let lock = folders.lock()?;
            let keeper = Keeper::over(&folders.own).map_err(LocalError::region)?;
            stop.or(|| keeper.end_all(), || prepare(arguments, &folders))?;
            match door.enter() {
                Ok(Entry::Inside(isolation)) => (isolation, Some((lock, keeper))),
                Ok(Entry::Finished(code)) => return Ok(code),
                Err(EnterError::Signalled(_)) if stop.is_asked() => {
                    return Err(LocalError::Stopped);
                }
                Err(error) => return Err(LocalError::region(error)),
            }
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(LocalError::region)?;
    let report = runtime.block_on(work(arguments, isolation, &stop))?;
    drop(outside);
    let out = io::stdout().lock();
    let written = match form {
        Form::Json => report.write_json(out),
        Form::Text => report.write_tables(out),
    };
    match written {
        // Who closed the pipe has seen enough; that is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.map_err(LocalError::file(Path::new("stdout")))?,
    }
    let status = if report.is_complete() {
        Status::Fine
    } else {
        Status::Failure
    };
    Ok(status.into())
}

/// Reads the environment as the arguments want it, with the keys of whose tokens are believed.
fn environment(arguments: &LocalArgs, keys: Option<String>) -> Result<Environment, LocalError> {
    let mut environment = Environment::named("local")
        .map_err(|source| LocalError::deployment("read the environment", source))?;
    if let Some(workers) = arguments.workers {
        // As many workers as were asked for, however few the charts are.
        environment.settings.fleet.most_workers = workers;
        environment.settings.fleet.charts_per_worker = 1;
    }
    if let Some(keys) = keys {
        environment.settings.api = ApiSettings {
            issuer: Issuer::ISSUER.to_owned(),
            audience: Issuer::AUDIENCE.to_owned(),
            keys,
            ..ApiSettings::default()
        };
    }
    Ok(environment)
}

fn synthesize(environment: &Environment) -> Result<Assembly, LocalError> {
    app(environment)
        .synth()
        .map_err(|source| LocalError::deployment("synthesize the stacks", source))
}

fn prepare(arguments: &LocalArgs, folders: &Folders) -> Result<(), LocalError> {
    let mut progress = Progress::default();
    progress.begin(Step::SetUp);
    let found = folders.charts(arguments)?;
    progress.note(&found.to_string());
    for unreadable in &found.unreadable {
        progress.note(&format!(
            "cannot read `{}`: {}",
            terminal::printable(&unreadable.name),
            unreadable.reason
        ));
    }
    progress.note("Python: MiniStack 1.5.33 in .lightsout/venv");
    let venv = venv(&folders.own)?;
    let sshd = OpenSsh::find_or_fetch(&folders.own.join("openssh")).map_err(LocalError::region)?;
    progress.note(&format!("sshd: {}", sshd.describe()));
    let environment = environment(arguments, None)?;
    let dictionary = environment.settings.coding.edition.dictionary();
    progress.note(&format!(
        "terminology: {}, {} codes",
        dictionary.edition(),
        dictionary.codes()
    ));

    progress.begin(Step::Synthesize);
    let assembly = synthesize(&environment)?;
    let out = folders.workspace.join("cdk.out");
    let plan = BuildPlan::local(&folders.workspace, &out)
        .also("lightsout-stacks")
        .python(venv.program("python"))
        .features(["lightsout-stacks/local"]);
    let assets = build_assets(&assembly, &plan, &mut StepDetails)
        .map_err(|source| LocalError::deployment("build the programs", source))?;
    progress.finish();

    let prepared = Prepared {
        seconds: progress.seconds().clone(),
        assets,
    };
    let path = folders.prepared();
    let text = serde_json::to_vec(&prepared).map_err(LocalError::region)?;
    std::fs::write(&path, text).map_err(LocalError::file(&path))
}

/// Does everything between the start of the region and its end.
///
/// Whatever happens in between, the region is shut down: on an error, on a
/// signal, and at the end.
async fn work(
    arguments: &LocalArgs,
    isolation: Isolation,
    stop: &Stop,
) -> Result<Report, LocalError> {
    let folders = Folders::find()?;
    let path = folders.prepared();
    let text = std::fs::read(&path).map_err(LocalError::file(&path))?;
    let prepared: Prepared = serde_json::from_slice(&text).map_err(LocalError::region)?;
    let mut progress = Progress::resumed(prepared.seconds);

    progress.begin(Step::StartRegion);
    progress.note(&isolation.describe());
    let kept_apart = isolation.name().to_owned();
    let venv = venv(&folders.own)?;
    let sshd = OpenSsh::find_or_fetch(&folders.own.join("openssh")).map_err(LocalError::region)?;
    let config = RegionConfig::new(
        folders.own.join("region"),
        venv.program("ministack"),
        sshd,
        isolation,
    )
    .port(arguments.port)
    .account(ACCOUNT)
    .name(REGION)
    .path_prepend(venv.programs());
    let region = tokio::select! {
        started = Region::start(config) => started.map_err(LocalError::region)?,
        // A region that is half started is ended when it is dropped.
        () = stop.asked() => return Err(LocalError::Stopped),
    };
    progress.note(&format!("the local AWS answers at {}", region.endpoint()));

    let outcome = tokio::select! {
        outcome = pipeline(arguments, &folders, kept_apart, &prepared.assets, &region, &mut progress) => outcome,
        () = stop.asked() => Err(LocalError::Stopped),
    };
    if arguments.keep && !matches!(outcome, Err(LocalError::Stopped)) {
        if let Err(error) = &outcome {
            progress.note(&format!("it failed: {error}"));
        }
        progress.note("kept: look around, and press Ctrl-C to tear it down");
        progress.note(&reach(&region));
        stop.asked().await;
    }
    progress.begin(Step::TearDown);
    let torn_down = region.shutdown().await.map_err(LocalError::region);
    progress.finish();
    let mut report = outcome?;
    torn_down?;
    report.time(progress.seconds());
    Ok(report)
}

async fn pipeline(
    arguments: &LocalArgs,
    folders: &Folders,
    isolation: String,
    assets: &BuiltAssets,
    region: &Region,
    progress: &mut Progress,
) -> Result<Report, LocalError> {
    let issuer = Issuer::new()
        .ok_or_else(|| LocalError::Api("this machine gives no random numbers".to_owned()))?;
    let environment = environment(arguments, Some(issuer.keys()))?;
    let settings = &environment.settings;
    let assembly = synthesize(&environment)?;
    let found = folders.charts(arguments)?;
    let config = lightsout_aws::load_for(region.endpoint(), REGION).await;

    progress.begin(Step::Deploy);
    let deploy = DeployArgs {
        yes: true,
        ..DeployArgs::default()
    };
    let deployment =
        lightsout_toolkit::deploy(&deploy, &assembly, assets, &config, &mut StepDetails)
            .await
            .map_err(|source| LocalError::deployment("deploy the stacks", source))?;
    let inbox = wanted(&deployment, "Intake", output::intake::INBOX)?;
    let queue = wanted(&deployment, "Intake", output::intake::WORK_QUEUE)?;
    let launcher = wanted(&deployment, "Fleet", output::fleet::LAUNCHER)?;
    let reaper = wanted(&deployment, "Fleet", output::fleet::REAPER)?;
    let control = wanted(&deployment, "Storage", output::storage::CONTROL)?;
    let api = wanted(&deployment, "Api", output::api::REST_API)?;
    let audit = wanted(&deployment, "Api", output::api::AUDIT)?;
    let sealed = wanted(&deployment, "Api", output::api::SEALED)?;

    progress.begin(Step::Upload);
    let s3 = aws_sdk_s3::config::Builder::from(&config)
        .force_path_style(true)
        .build();
    let s3 = aws_sdk_s3::Client::from_conf(s3);
    let (first, later) = found.arriving(arguments.at_first);
    inbox::upload(&s3, inbox, first).await?;
    progress.note(&format!("{} charts in the inbox", first.len()));

    progress.begin(Step::Alarm);
    let sqs = aws_sdk_sqs::Client::new(&config);
    let depth = alarm::wait_for_backlog(&sqs, queue, settings.alarms.backlog.into()).await?;
    progress.note(&format!(
        "{} messages wait, the alarm's threshold is {}",
        depth.visible, settings.alarms.backlog
    ));
    progress.note("bridged here: the local AWS publishes no SQS metrics, and its alarms");
    progress.note("invoke no function; on AWS the alarm itself invokes the launcher");
    let lambda = aws_sdk_lambda::Client::new(&config);
    let mut run = alarm::invoke_launcher(&lambda, launcher).await?;
    progress.note(&format!("the launcher started {run}"));

    progress.begin(Step::Run);
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    let deadline = settings.fleet.deadline();
    let mending = crash::Mending {
        lambda: &lambda,
        reaper,
        dynamodb: &dynamodb,
        control,
        region,
        progress,
    };
    let mut ended_by_sweep = 0;
    if let Some(victim) = arguments.crash {
        mending.crash(victim, &run).await?;
        if victim == Victim::Master {
            (run, ended_by_sweep) = mending.until_replaced(&run).await?;
        }
    }
    let arrive = async {
        if later.is_empty() {
            return Ok(());
        }
        mending.until_announced(&run).await?;
        inbox::upload(&s3, inbox, later).await?;
        progress.note(&format!("{} more charts in the inbox", later.len()));
        Ok::<(), LocalError>(())
    };
    tokio::try_join!(
        arrive,
        follow::until_over(&dynamodb, control, &run, deadline, progress)
    )?;
    if arguments.crash == Some(Victim::Master) {
        ended_by_sweep += mending.until_none_left().await?;
    }

    progress.begin(Step::Empty);
    let left = none_left(region).await;
    let all = region.instances().len();
    progress.note(&format!("{all} instances were started, {left} are left"));

    progress.begin(Step::Ask);
    let address = format!("{}/_aws/execute-api/{api}/{STAGE}", region.endpoint());
    let query = ask::Query::new(address, &issuer);
    if !query.is_closed_to_strangers().await? {
        return Err(LocalError::Api("a stranger is let in".to_owned()));
    }
    let mut report = Report::new(&found, isolation);
    report.instances_left = left;
    report.reaped = ended_by_sweep;
    for chart in &found.charts {
        report.take(chart, query.chart(&chart.id).await?)?;
    }
    look_into_trail((&dynamodb, audit), (&s3, sealed), &mut report, progress).await?;
    progress.finish();
    Ok(report)
}

/// Verifies the audit trail by its sealed records, and counts the answers that are recorded in
/// it.
async fn look_into_trail(
    (dynamodb, table): (&aws_sdk_dynamodb::Client, &str),
    (s3, bucket): (&aws_sdk_s3::Client, &str),
    report: &mut Report,
    progress: &Progress,
) -> Result<(), LocalError> {
    let trail = audit_table::entries(dynamodb, table)
        .await
        .map_err(|source| LocalError::aws("read the audit trail", source))?;
    let sealed = audit_table::sealed(s3, bucket)
        .await
        .map_err(|source| LocalError::aws("list the sealed records", source))?;
    let verdict = verify(trail, Some(&sealed));
    let whole = if verdict.is_whole() {
        "whole"
    } else {
        "broken"
    };
    progress.note(&format!(
        "{} answers are recorded in the audit trail, which is {whole}",
        verdict.records
    ));
    report.recorded = verdict.records;
    report.trail_is_whole = verdict.is_whole();
    Ok(())
}

/// Waits a while for the last instance to end, and returns how many are left.
async fn none_left(region: &Region) -> usize {
    let begun = tokio::time::Instant::now();
    loop {
        let living = region
            .instances()
            .iter()
            .filter(|instance| instance.state != InstanceState::Terminated)
            .count();
        if living == 0 || begun.elapsed() > LAST_INSTANCE {
            return living;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn wanted<'a>(
    deployment: &'a Deployment,
    stack: &'static str,
    output: &'static str,
) -> Result<&'a str, LocalError> {
    deployment
        .output(stack, output)
        .ok_or(LocalError::NoOutput { stack, output })
}

/// Says how the region that is kept can be reached from another terminal.
fn reach(region: &Region) -> String {
    let variables: Vec<_> = region
        .client_environment()
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    variables.join(" ")
}
