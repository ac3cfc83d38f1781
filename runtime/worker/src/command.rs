//! What the binary does from start to end.

use std::{
    env, fs,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_config::{SdkConfig, imds, provider_config::ProviderConfig};
use clap::Parser;
use lightsout_contract::Live;
use lightsout_protocol::{
    environment::FleetWorkerEnvironment,
    fleet::tag,
    run::{RunId, UnixSeconds},
};
use serde::Serialize;
use tokio::sync::watch;

use crate::{
    BoxError, Chain,
    drain::{Drain, Summary, lanes},
    leave::{self, Leave},
    log::LastLook,
    patience::Patience,
    queue::Sqs,
    work::Work,
};

/// A worker: does the work of the queue until it is drained.
///
/// The environment is the one that the stacks declared. Prints one line of
/// JSON at the end: how many messages and charts it saw, and why it left.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Command {
    /// A file to lock: a second worker on the machine waits for the first to end
    #[arg(long)]
    lock: Option<PathBuf>,
}

/// What is printed at the end.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    summary: Summary,
    left: Option<&'static str>,
}

/// What a worker is given to begin its work with.
#[derive(Debug)]
pub struct Host {
    /// The configuration of AWS clients.
    pub aws: SdkConfig,
    /// The run that this machine was started for.
    pub run: RunId,
    /// How many cores there are.
    pub cores: usize,
}

impl Command {
    /// Does the work that `begin` makes, until there is a reason to leave.
    pub async fn run<W: Work>(
        self,
        begin: impl AsyncFnOnce(&Host) -> Result<W, BoxError>,
    ) -> Result<(), BoxError> {
        let fleet = FleetWorkerEnvironment::<Live>::from_variables(|name| env::var(name).ok())?;
        let _alone = match &self.lock {
            Some(path) => {
                let file = fs::File::create(path)?;
                file.lock()?;
                Some(file)
            }
            None => None,
        };
        let aws = lightsout_aws::load().await;
        let metadata = metadata_client(&aws)?;
        let host = Host {
            run: own_run(&metadata).await?,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            aws,
        };
        let drain_seconds = fleet.drain_seconds.value();
        let visibility_seconds = fleet.visibility_seconds.value();
        let queue = Arc::new(Sqs::new(
            aws_sdk_sqs::Client::new(&host.aws),
            fleet.work.address(),
            visibility_seconds,
            // Longer than SQS allows makes no sense, and longer than a drain
            // would delay the end.
            u32::try_from(drain_seconds).unwrap_or(20).clamp(1, 20),
        ));

        let control = fleet.control.address();
        let dynamodb = aws_sdk_dynamodb::Client::new(&host.aws);
        let mut master = leave::Master::new(dynamodb, control, host.run.clone(), now());
        // A worker that comes too late takes nothing from the queue.
        let (leave, left) = watch::channel(master.look(now()).await);
        tokio::spawn(leave::on_signal(leave.clone()));
        tokio::spawn(leave::on_spot_notice(leave.clone(), metadata));
        tokio::spawn(master.keep_looking(leave.clone(), now));
        tokio::spawn(leave::when_drained(
            leave,
            Arc::clone(&queue),
            drain_seconds,
            now,
        ));

        tracing::info!(run = %host.run, cores = host.cores, "the worker begins");
        let drain = Drain {
            queue,
            work: Arc::new(begin(&host).await?),
            lanes: lanes(host.cores),
            extend_every: Duration::from_secs(u64::from(visibility_seconds / 3).max(1)),
            patience: Patience::default(),
        };
        let summary = drain.run(&left).await;
        let left = left.borrow().map(Leave::name);
        tracing::info!(reason = left, "the worker ends");
        let mut out = io::stdout().lock();
        serde_json::to_writer(&mut out, &Report { summary, left })?;
        writeln!(out)?;
        Ok(())
    }
}

/// The whole `main` of a worker: reads the command line, does the work that `begin` makes,
/// and logs JSON lines to standard error.
pub async fn main<W: Work>(begin: impl AsyncFnOnce(&Host) -> Result<W, BoxError>) -> ExitCode {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_writer(|| LastLook)
        .init();
    // A panic's own message may quote the text that it stumbled over.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a task panicked");
    }));
    match Command::parse().run(begin).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %Chain(error.as_ref()), "the worker cannot work");
            ExitCode::FAILURE
        }
    }
}

/// Returns the run that this machine was started for: user data knows it,
/// and the machine's own tag says it.
async fn own_run(metadata: &imds::Client) -> Result<RunId, BoxError> {
    if let Ok(run) = env::var("LIGHTSOUT_RUN") {
        return Ok(RunId::from_stored(run));
    }
    let path = format!("/latest/meta-data/tags/instance/{}", tag::RUN);
    let run: String = metadata.get(path).await?.into();
    Ok(RunId::from_stored(run))
}

fn metadata_client(aws: &SdkConfig) -> Result<imds::Client, BoxError> {
    let http = aws
        .http_client()
        .ok_or("the AWS configuration holds no HTTP client")?;
    let provider = ProviderConfig::default().with_http_client(http);
    Ok(imds::Client::builder().configure(&provider).build())
}

fn now() -> UnixSeconds {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Command::command().debug_assert();
    }

    #[test]
    fn the_report_is_one_flat_object() {
        let report = Report {
            summary: Summary::default(),
            left: Some(Leave::Drained.name()),
        };
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            r#"{"received":0,"coded":0,"rejected":0,"duplicates":0,"failed":0,"left":"drained"}"#
        );
    }
}
