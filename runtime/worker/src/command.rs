//! What the binary does from start to end.

use std::{
    env, fs,
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_config::{SdkConfig, imds, provider_config::ProviderConfig};
use clap::Parser;
use lightsout_contract::Live;
use lightsout_nlp::{Dictionary, Engine};
use lightsout_protocol::{
    environment::WorkerEnvironment,
    fleet::tag,
    run::{RunId, UnixSeconds},
};
use serde::Serialize;
use tokio::sync::watch;

use crate::{
    BoxError,
    charts::{Charts, engine_name},
    drain::{Drain, Summary},
    inbox::S3,
    leave::{self, Leave},
    queue::Sqs,
    results::Tables,
};

/// A worker: codes the charts of the queue until it is drained.
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

impl Command {
    /// Works until there is a reason to leave.
    pub async fn run(self) -> Result<(), BoxError> {
        let environment = WorkerEnvironment::<Live>::from_variables(|name| env::var(name).ok())?;
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
        let run = own_run(&metadata).await?;
        let drain_seconds = environment.drain_seconds.value();
        let visibility_seconds = environment.visibility_seconds.value();
        let queue = Arc::new(Sqs::new(
            aws_sdk_sqs::Client::new(&aws),
            environment.work.address(),
            visibility_seconds,
            // Longer than SQS allows makes no sense, and longer than a drain
            // would delay the end.
            u32::try_from(drain_seconds).unwrap_or(20).clamp(1, 20),
        ));
        let dynamodb = aws_sdk_dynamodb::Client::new(&aws);

        let control = environment.control.address();
        let mut master = leave::Master::new(dynamodb.clone(), control, run.clone(), now());
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

        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let engine = Engine::new(Dictionary::fy2026());
        tracing::info!(%run, cores, engine = engine_name(&engine), "the worker begins");
        let own_endpoint = lightsout_aws::has_own_endpoint(&aws);
        let s3 = aws_sdk_s3::config::Builder::from(&aws).force_path_style(own_endpoint);
        let s3 = aws_sdk_s3::Client::from_conf(s3.build());
        let results = Tables {
            dynamodb,
            table: environment.results.address().to_owned(),
            s3: s3.clone(),
            bucket: environment.large_results.address().to_owned(),
            run: run.as_str().to_owned(),
        };
        let inbox = environment.inbox.address();
        let drain = Drain {
            queue,
            work: Arc::new(Charts::new(S3::new(s3), results, inbox, engine, cores)),
            lanes: cores.max(2),
            extend_every: Duration::from_secs(u64::from(visibility_seconds / 3).max(1)),
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
