//! Runs schedules, and says what broke: `simulate --schedules 10000`.

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use clap::Parser;
use lightsout_simulation::{
    explore::{Summary, explore, readable, shrink},
    layer::Layer,
    mutant::Mutant,
    schedule::Schedule,
    tables,
    world::{Options, run},
};
use serde_json::json;

/// Simulate the fleet under faults; exits with 1 when an invariant breaks.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// How many schedules are run
    #[arg(long, default_value_t = 10_000)]
    schedules: u64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Run this seed alone, and tell what happens
    #[arg(long)]
    seed: Option<u64>,
    /// Leave out faults and charts of the seed while it breaks the same invariant
    #[arg(long, requires = "seed")]
    shrink: bool,
    /// Plant a bug
    #[arg(long, value_parser = mutant)]
    mutant: Option<Mutant>,
    /// Switch a layer of termination off (can be repeated)
    #[arg(long, value_parser = layer)]
    without: Vec<Layer>,
    /// Print the tables of planted bugs and of layers that the README has
    #[arg(long, conflicts_with_all = ["seed", "mutant", "without", "json"])]
    tables: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn mutant(name: &str) -> Result<Mutant, String> {
    Mutant::ALL
        .iter()
        .copied()
        .find(|mutant| mutant.name() == name)
        .ok_or_else(|| {
            let names: Vec<_> = Mutant::ALL.iter().map(|mutant| mutant.name()).collect();
            format!("one of {}", names.join(", "))
        })
}

fn layer(name: &str) -> Result<Layer, String> {
    Layer::ALL
        .into_iter()
        .find(|layer| layer.name() == name)
        .ok_or_else(|| format!("one of {}", Layer::ALL.map(Layer::name).join(", ")))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match answer(&arguments) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

fn answer(arguments: &Arguments) -> io::Result<ExitCode> {
    let mut options = Options {
        mutant: arguments.mutant,
        without: arguments.without.clone(),
        is_told: false,
        ..Options::default()
    };
    let mut out = io::stdout().lock();
    if arguments.tables {
        write!(out, "{}\n{}", tables::layers(), tables::planted_bugs())?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(seed) = arguments.seed {
        let mut schedule = Schedule::draw(seed);
        if arguments.shrink {
            schedule = shrink(&schedule, &options);
        }
        options.is_told = true;
        let outcome = run(&schedule, &options);
        write!(out, "{}", readable(&schedule, &outcome.told))?;
        return Ok(if outcome.violation.is_some() {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        });
    }
    let begun = Instant::now();
    let progress = AtomicU64::new(0);
    let is_over = AtomicU64::new(0);
    let summary = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut said = Instant::now();
            while is_over.load(Ordering::Relaxed) == 0 {
                std::thread::sleep(Duration::from_millis(20));
                if said.elapsed() > Duration::from_secs(10) {
                    said = Instant::now();
                    let done = progress.load(Ordering::Relaxed);
                    let _ = writeln!(io::stderr(), "{done} of {}", arguments.schedules);
                }
            }
        });
        let summary = explore(arguments.from, arguments.schedules, &options, &progress);
        is_over.store(1, Ordering::Relaxed);
        summary
    });
    let _ = writeln!(io::stderr(), "{:.1} s", begun.elapsed().as_secs_f64());
    if arguments.json {
        print_json(&mut out, &summary)?;
    } else {
        print_text(&mut out, &summary)?;
    }
    Ok(if summary.broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print_json(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let broken: Vec<_> = summary
        .broken
        .iter()
        .map(|(seed, violation)| json!({"seed": seed, "invariant": violation.invariant, "what": violation.what, "at": violation.at}))
        .collect();
    let answer = json!({"schedules": summary.schedules, "longest_seconds": summary.longest, "broken": broken, "counts": summary.counts});
    writeln!(out, "{answer}")
}

fn print_text(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    for (what, times) in &summary.counts {
        writeln!(out, "{times:>10}  {what}")?;
    }
    for (seed, violation) in summary.broken.iter().take(20) {
        writeln!(
            out,
            "seed {seed}: invariant {}: {}",
            violation.invariant, violation.what
        )?;
    }
    writeln!(
        out,
        "{} schedules, {} broken, the longest {} s",
        summary.schedules,
        summary.broken.len(),
        summary.longest
    )
}
