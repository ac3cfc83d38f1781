//! The worker's rate as a part of the engine's own, and its memory over many charts.
//!
//! `cargo bench -p lightsout-worker --bench throughput`. Both sides code the same charts on all
//! cores, in turns in one run; the worker's side is its own loop from the queue to the store,
//! which lie in memory. Absolute figures are this machine's; the ratio is what to look at.
//!
//! On 29 Nov 2026, on two cores at rest: engine alone 14,600 charts/s, with its answers written
//! by `serde_json` 11,900 (0.81), the worker 9,100 to 9,500 (0.63 to 0.67; the aim is 0.9). With a
//! thread of its own for each chart it was 4,700 (0.32): to wake one took twice as long as to code
//! the chart. Four times as many batches at once make it 0.72. What is left, by reading the code, is writing answers,
//! three hashes, and overwriting what was held. Resident memory 50.5 MB at the start, 50.7 MB
//! after 100,000 charts.
#![expect(clippy::print_stdout, reason = "this is a program that people run")]
#![expect(
    clippy::cast_precision_loss,
    reason = "sizes and times of a bench are small"
)]
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::{
    fs,
    hint::black_box,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use lightsout_nlp::{Dictionary, Engine};
use lightsout_phi::{Phi, Synthetic};
use lightsout_protocol::{
    chart::ChartReference,
    coding::{Encoded, OutcomeKey, Status},
    run::Depth,
};
use lightsout_worker::{
    charts::Charts,
    drain::Drain,
    inbox::{Fetched, Inbox, InboxError},
    leave::Leave,
    patience::Patience,
    queue::{Queue, QueueError},
    results::{Results, ResultsError, Stored},
    work::Message,
};
use tokio::{runtime::Runtime, sync::watch};

/// How often each side is measured.
const TURNS: usize = 9;
/// Charts of one turn.
const CHARTS: usize = 3_000;
/// Charts over which memory is looked at, and how often.
const MANY: usize = 100_000;
const LOOK_EVERY: usize = 10_000;
/// Outcomes that the store in memory keeps; a table keeps its own elsewhere.
const KEPT: usize = 256;

fn main() {
    // `cargo test --all-targets` runs this too, and has no use for it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let samples = samples();
    let bytes: usize = samples.iter().map(Vec::len).sum();
    println!(
        "{cores} cores; {} sample charts of {} bytes on average",
        samples.len(),
        bytes / samples.len()
    );
    let engine = Engine::new(Dictionary::fy2026());
    let bench = Bench::new(samples, cores);

    let mut sides = [const { Vec::new() }; 3];
    // The first turn warms up.
    for turn in 0..=TURNS {
        let taken = [
            on_all_cores(cores, |number| {
                black_box(engine.code(bench.text(number)).codes.len());
            }),
            on_all_cores(cores, |number| {
                let coding = engine.code(bench.text(number));
                black_box(serde_json::to_string(&coding).unwrap().len());
            }),
            bench.drain(CHARTS, &mut |_| {}),
        ];
        for (times, seconds) in sides.iter_mut().zip(taken) {
            if turn > 0 {
                times.push(seconds);
            }
        }
    }
    let ratios = |of: usize| {
        median(
            sides[0]
                .iter()
                .zip(&sides[of])
                .map(|(a, b)| a / b)
                .collect(),
        )
    };
    let rate = |of: usize| CHARTS as f64 / median(sides[of].clone());
    println!("engine alone            {:>8.0} charts/s", rate(0));
    println!(
        "engine, answers written {:>8.0} charts/s  {:.2}",
        rate(1),
        ratios(1)
    );
    println!(
        "worker                  {:>8.0} charts/s  {:.2}",
        rate(2),
        ratios(2)
    );

    println!("resident memory, in MB, after so many charts");
    bench.drain(MANY, &mut |done| println!("{done:>8} {:>8.1}", resident()));
}

/// The worker with its surroundings.
struct Bench {
    runtime: Runtime,
    samples: Arc<Vec<Vec<u8>>>,
    charts: Arc<Charts<Samples, Arc<Shelf>>>,
    shelf: Arc<Shelf>,
    cores: usize,
}

impl Bench {
    fn new(samples: Vec<Vec<u8>>, cores: usize) -> Self {
        let samples = Arc::new(samples);
        let shelf = Arc::new(Shelf::default());
        let engine = Engine::new(Dictionary::fy2026());
        let inbox = Samples(Arc::clone(&samples));
        let charts = Charts::new(inbox, Arc::clone(&shelf), "inbox", engine, cores);
        Self {
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(cores)
                .enable_all()
                .build()
                .unwrap(),
            samples,
            charts: Arc::new(charts),
            shelf,
            cores,
        }
    }

    fn text(&self, number: usize) -> &str {
        std::str::from_utf8(sample(&self.samples, number)).unwrap()
    }

    /// Drains a queue of so many charts, and returns how many seconds it took.
    fn drain(&self, charts: usize, look: &mut dyn FnMut(usize)) -> f64 {
        let (leave, left) = watch::channel(None);
        let queue = Arc::new(Numbers {
            next: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            end: charts,
            leave,
        });
        let drain = Drain {
            queue: Arc::clone(&queue),
            work: Arc::clone(&self.charts),
            lanes: self.cores.max(2),
            extend_every: Duration::from_secs(10),
            patience: Patience::default(),
        };
        let began = Instant::now();
        let mut running = self.runtime.spawn(async move { drain.run(&left).await });
        let mut next_look = 0;
        let summary = self.runtime.block_on(async {
            loop {
                if charts == MANY && queue.done.load(Ordering::Relaxed) >= next_look {
                    look(next_look);
                    next_look += LOOK_EVERY;
                }
                let pause = Duration::from_millis(5);
                if let Ok(summary) = tokio::time::timeout(pause, &mut running).await {
                    break summary.unwrap();
                }
            }
        });
        let seconds = began.elapsed().as_secs_f64();
        if charts == MANY {
            look(charts);
        }
        assert_eq!(summary.tally.coded, charts as u64);
        assert_eq!(summary.failed, 0);
        assert_eq!(self.shelf.rejected.load(Ordering::Relaxed), 0);
        seconds
    }
}

/// Sends the numbers of charts until the last one is done.
struct Numbers {
    next: AtomicUsize,
    done: AtomicUsize,
    end: usize,
    leave: watch::Sender<Option<Leave>>,
}

impl Queue for Numbers {
    async fn receive(&self) -> Result<Vec<Message>, QueueError> {
        let first = self.next.fetch_add(10, Ordering::Relaxed);
        if first >= self.end {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let of = |number: usize| Message {
            id: number.to_string(),
            receipt: number.to_string(),
            body: format!(
                r#"{{"Records":[{{"eventVersion":"2.1","eventName":"ObjectCreated:Put","s3":{{"bucket":{{"name":"inbox"}},"object":{{"key":"charts/{number}","size":9,"versionId":"v1"}}}}}}]}}"#
            ),
        };
        Ok((first..self.end.min(first.saturating_add(10)))
            .map(of)
            .collect())
    }

    async fn extend(&self, _: &[Message]) -> Result<(), QueueError> {
        Ok(())
    }

    async fn release(&self, _: &[Message]) -> Result<(), QueueError> {
        Ok(())
    }

    async fn delete(&self, done: &[Message]) -> Result<(), QueueError> {
        if self.done.fetch_add(done.len(), Ordering::Relaxed) + done.len() >= self.end {
            self.leave.send_replace(Some(Leave::Drained));
        }
        Ok(())
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        Ok(Depth::default())
    }
}

/// The samples over and over, each time under another key.
struct Samples(Arc<Vec<Vec<u8>>>);

impl Inbox for Samples {
    async fn fetch(&self, chart: &ChartReference, _: u64) -> Result<Fetched, InboxError> {
        let number = chart.id().parse().map_err(|_| InboxError {
            passes: false,
            source: "no number".into(),
        })?;
        Ok(Fetched::Bytes(Phi::new(sample(&self.0, number).to_vec())))
    }
}

/// Keeps the last outcomes.
#[derive(Default)]
struct Shelf {
    kept: Mutex<Vec<String>>,
    stored: AtomicUsize,
    rejected: AtomicUsize,
}

impl Results for Shelf {
    async fn store(&self, _: &OutcomeKey, outcome: Encoded) -> Result<Stored, ResultsError> {
        if outcome.status() == Status::Rejected {
            self.rejected.fetch_add(1, Ordering::Relaxed);
        }
        let place = self.stored.fetch_add(1, Ordering::Relaxed) % KEPT;
        let mut kept = self.kept.lock().unwrap();
        match kept.get_mut(place) {
            Some(old) => *old = outcome.into_json(&Synthetic),
            None => kept.push(outcome.into_json(&Synthetic)),
        }
        Ok(Stored::New)
    }
}

/// Does something for each chart of a turn, and returns how many seconds it took.
fn on_all_cores(cores: usize, each: impl Fn(usize) + Sync) -> f64 {
    let next = AtomicUsize::new(0);
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= CHARTS {
                        break;
                    }
                    each(number);
                }
            });
        }
    });
    began.elapsed().as_secs_f64()
}

fn sample(samples: &[Vec<u8>], number: usize) -> &[u8] {
    &samples[number % samples.len()]
}

fn samples() -> Vec<Vec<u8>> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples/charts"));
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The resident memory of this process in megabytes.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse().unwrap();
    kilobytes / 1e3
}
