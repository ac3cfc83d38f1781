//! Says what charts take, cost, and where they reach a limit: `scale --charts 1000000`.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use lightsout_simulation::scale::{Plan, report};

/// Forecast workers, calls, hours and money; the settings are production's unless given
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// How many charts wait
    #[arg(long, default_value_t = Plan::default().charts)]
    charts: u64,
    /// Charts that a worker codes on one core in a second
    #[arg(long, default_value_t = Plan::default().core_charts_per_second)]
    core_charts_per_second: f64,
    /// Cores of a worker, each of which has a batch, two at least
    #[arg(long, default_value_t = Plan::default().cores)]
    cores: u32,
    /// Most workers of a run
    #[arg(long, default_value_t = Plan::default().most_workers)]
    most_workers: u32,
    /// Charts that deserve a worker
    #[arg(long, default_value_t = Plan::default().charts_per_worker)]
    charts_per_worker: u64,
    /// Seconds until a machine works
    #[arg(long, default_value_t = Plan::default().boot_seconds)]
    boot_seconds: u64,
    /// Seconds for which a received message is hidden
    #[arg(long, default_value_t = Plan::default().visibility_seconds)]
    visibility_seconds: u64,
    /// Minutes that a run may take
    #[arg(long, default_value_t = Plan::default().deadline_seconds / 60)]
    deadline_minutes: u64,
    /// Messages in a batch, ten at most
    #[arg(long, default_value_t = Plan::default().batch, value_parser = clap::value_parser!(u64).range(1..=10))]
    batch: u64,
    /// Seconds that a batch spends waiting on AWS
    #[arg(long, default_value_t = Plan::default().batch_wait_seconds)]
    batch_wait_seconds: f64,
    /// Bytes of a chart
    #[arg(long, default_value_t = Plan::default().chart_bytes)]
    chart_bytes: u64,
    /// Bytes of a stored outcome
    #[arg(long, default_value_t = Plan::default().outcome_bytes)]
    outcome_bytes: u64,
    /// Keys over which the index by run spreads one run
    #[arg(long, default_value_t = Plan::default().index_shards)]
    index_shards: u64,
    /// Bytes of an outcome in that index
    #[arg(long, default_value_t = Plan::default().index_bytes)]
    index_bytes: u64,
    /// Of a hundred workers, how many are spot
    #[arg(long, default_value_t = Plan::default().spot_percent, value_parser = clap::value_parser!(u32).range(0..=100))]
    spot_percent: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print the tables of the README, which are of production's settings
    #[arg(long, exclusive = true)]
    tables: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let plan = plan(&arguments);
    if let Err(error) = plan.check() {
        let _ = writeln!(io::stderr(), "error: {error}");
        return ExitCode::from(2);
    }
    let text = if arguments.tables {
        report::tables()
    } else if arguments.json {
        format!("{}\n", report::json(&plan))
    } else {
        report::text(&plan)
    };
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

fn plan(arguments: &Arguments) -> Plan {
    Plan {
        charts: arguments.charts,
        core_charts_per_second: arguments.core_charts_per_second,
        cores: arguments.cores,
        lanes: arguments.cores.max(2),
        most_workers: arguments.most_workers,
        charts_per_worker: arguments.charts_per_worker,
        boot_seconds: arguments.boot_seconds,
        visibility_seconds: arguments.visibility_seconds,
        deadline_seconds: arguments.deadline_minutes.saturating_mul(60),
        batch: arguments.batch,
        batch_wait_seconds: arguments.batch_wait_seconds,
        chart_bytes: arguments.chart_bytes,
        outcome_bytes: arguments.outcome_bytes,
        index_shards: arguments.index_shards,
        index_bytes: arguments.index_bytes,
        spot_percent: arguments.spot_percent,
        ..Plan::default()
    }
}
