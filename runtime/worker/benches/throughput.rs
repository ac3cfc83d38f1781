//! The worker's rate as a part of the engine's own, and its memory over many charts.
//!
//! ```sh
//! cargo bench -p lightsout-worker --bench throughput            # the ratio
//! cargo bench -p lightsout-worker --bench throughput -- curves  # tables of tab-separated values
//! cargo bench -p lightsout-worker --bench throughput -- drain 3000  # the worker alone, to profile
//! cargo bench -p lightsout-worker --bench erasing               # as the worker's binary is built
//! ```
//!
//! Both sides code the same charts on all cores, in turns in one run; the worker's side is its
//! own loop from the queue to the store. These lie in memory and keep nothing, so as not to
//! share the processor's caches with the engine; and both sides use one engine. What making
//! the messages and copying the charts takes is the bench's own, and is measured beside.
//! Absolute figures are this machine's; the ratios are what to look at, that of processor time
//! where others use the machine too.
//!
//! `runtime/README.md` has what was seen.
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
        Arc,
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
    drain::{Drain, lanes},
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
/// Bytes that are coded for each point of a curve over the charts' size.
const BYTES: usize = 2 << 20;

pub(crate) fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (flags, words): (Vec<&str>, Vec<&str>) = arguments
        .iter()
        .map(String::as_str)
        .partition(|argument| argument.starts_with("--"));
    // `cargo test --all-targets` runs this too, and has no use for it.
    if !flags.contains(&"--bench") {
        return;
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    match words[..] {
        ["curves"] => curves(cores),
        ["drain", charts] => {
            Bench::new(samples(), cores).drain(charts.parse().unwrap(), lanes(cores), &mut |_| {});
        }
        [] => ratio(cores),
        _ => panic!("the words are `curves`, or `drain` and a number"),
    }
}

/// Prints how fast the worker is as a part of how fast its engine is.
fn ratio(cores: usize) {
    let bench = Bench::new(samples(), cores);
    println!(
        "{cores} cores; {} sample charts of {} bytes on average",
        bench.charts.len(),
        bench.chart_bytes()
    );
    let mut sides = [const { Vec::new() }; 6];
    // The first turn warms up.
    for turn in 0..=TURNS {
        let taken = [
            bench.engine_alone(CHARTS),
            timed(|| {
                on_all_cores(cores, CHARTS, |number| {
                    let coding = bench.engine.code(bench.text(number));
                    black_box(serde_json::to_string(&coding).unwrap().len());
                });
            }),
            timed(|| {
                on_all_cores(cores, CHARTS, |number| {
                    let mut json = String::with_capacity(1 << 14);
                    bench.engine.code(bench.text(number)).push_json(&mut json);
                    black_box(json.len());
                });
            }),
            bench.drain(CHARTS, lanes(cores), &mut |_| {}),
            bench.drain(CHARTS, lanes(cores) * 4, &mut |_| {}),
            timed(|| {
                on_all_cores(cores, CHARTS, |number| {
                    black_box((message(number), bench.text(number).to_owned()));
                });
            }),
        ];
        for (times, time) in sides.iter_mut().zip(taken) {
            if turn > 0 {
                times.push(time);
            }
        }
    }
    println!("\tcharts/s\tof the engine's\tprocessor us/chart\tof the engine's");
    let print = |name: &str, times: &[Time]| {
        let ratio = sides[0].iter().zip(times).map(|(a, b)| a.wall / b.wall);
        let cpu = |times: &[Time]| times.iter().map(|time| time.cpu).sum::<f64>();
        println!(
            "{name}\t{:.0}\t{:.2}\t{:.1}\t{:.2}",
            CHARTS as f64 / median(times.iter().map(|time| time.wall)),
            median(ratio),
            cpu(times) / (times.len() * CHARTS) as f64 * 1e6,
            cpu(&sides[0]) / cpu(times),
        );
    };
    let [engine, by_serde, written, worker, more_lanes, endpoint] = &sides;
    print("engine alone", engine);
    print("engine, answers written by serde_json", by_serde);
    print("engine, answers written as the worker does", written);
    print("worker with the bench's queue and inbox", worker);
    print("the same, four times the lanes", more_lanes);
    let without = |(whole, part): (&Time, &Time)| Time {
        wall: whole.wall - part.wall,
        cpu: whole.cpu - part.cpu,
    };
    let own: Vec<Time> = worker.iter().zip(endpoint).map(without).collect();
    print("worker alone", &own);
}

/// Prints throughput and memory against cores, lanes, the charts' size and how many are done.
fn curves(cores: usize) {
    println!("cores\tlanes\tbytes/chart\tcharts/s\tMB/s\tof the engine's\tresident MB");
    let point = |bench: &Bench, lanes: usize| {
        let charts = (BYTES / bench.chart_bytes()).max(bench.cores * 4);
        let times = [0; 3].map(|_| {
            let alone = bench.engine_alone(charts);
            (alone, bench.drain(charts, lanes, &mut |_| {}))
        });
        let wall = median(times.iter().map(|(_, worker)| worker.wall));
        let ratio = median(times.iter().map(|(alone, worker)| alone.wall / worker.wall));
        let rate = charts as f64 / wall;
        println!(
            "{}\t{lanes}\t{}\t{rate:.0}\t{:.2}\t{ratio:.2}\t{:.1}",
            bench.cores,
            bench.chart_bytes(),
            rate * bench.chart_bytes() as f64 / 1e6,
            resident(),
        );
    };
    for cores in 1..=cores {
        let bench = Bench::new(samples(), cores);
        for lanes in [1, 2, 4, 8, 16, 32] {
            point(&bench, lanes);
        }
    }
    for size in [1, 4, 16, 64, 256].map(|kilobytes| kilobytes << 10) {
        let all = samples().join(&b"\n"[..]);
        let chart: Vec<u8> = all.iter().copied().cycle().take(size).collect();
        point(&Bench::new(vec![chart], cores), lanes(cores));
    }
    println!("\ncharts done\tresident MB");
    let bench = Bench::new(samples(), cores);
    bench.drain(MANY, lanes(cores), &mut |done| {
        println!("{done}\t{:.1}", resident());
    });
}

/// The worker with its surroundings.
struct Bench {
    runtime: Runtime,
    charts: Arc<Vec<Vec<u8>>>,
    /// The worker's own: where its tables lie in memory changes its rate by a tenth.
    engine: Arc<Engine>,
    work: Arc<Charts<Samples, Arc<Shelf>>>,
    shelf: Arc<Shelf>,
    cores: usize,
}

/// How long something took, in seconds.
#[derive(Debug, Clone, Copy)]
struct Time {
    wall: f64,
    /// Of all cores together.
    cpu: f64,
}

impl Bench {
    fn new(charts: Vec<Vec<u8>>, cores: usize) -> Self {
        let charts = Arc::new(charts);
        let shelf = Arc::new(Shelf::default());
        let engine = Arc::new(Engine::new(Dictionary::fy2026()));
        let inbox = Samples(Arc::clone(&charts));
        let work = Charts::new(
            inbox,
            Arc::clone(&shelf),
            "inbox",
            Arc::clone(&engine),
            cores,
        );
        Self {
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(cores)
                .enable_all()
                .build()
                .unwrap(),
            charts,
            engine,
            work: Arc::new(work),
            shelf,
            cores,
        }
    }

    fn text(&self, number: usize) -> &str {
        std::str::from_utf8(&self.charts[number % self.charts.len()]).unwrap()
    }

    fn chart_bytes(&self) -> usize {
        self.charts.iter().map(Vec::len).sum::<usize>() / self.charts.len()
    }

    fn engine_alone(&self, charts: usize) -> Time {
        timed(|| {
            on_all_cores(self.cores, charts, |number| {
                black_box(self.engine.code(self.text(number)).codes.len());
            });
        })
    }

    /// Drains a queue of so many charts.
    fn drain(&self, charts: usize, lanes: usize, look: &mut dyn FnMut(usize)) -> Time {
        let (leave, left) = watch::channel(None);
        let queue = Arc::new(Numbers {
            next: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            end: charts,
            leave,
        });
        let drain = Drain {
            queue: Arc::clone(&queue),
            work: Arc::clone(&self.work),
            lanes,
            extend_every: Duration::from_secs(10),
            patience: Patience::default(),
        };
        let mut summary = None;
        let time = timed(|| {
            let mut running = self.runtime.spawn(async move { drain.run(&left).await });
            let mut next_look = 0;
            summary = self.runtime.block_on(async {
                loop {
                    if charts == MANY && queue.done.load(Ordering::Relaxed) >= next_look {
                        look(next_look);
                        next_look += LOOK_EVERY;
                    }
                    let pause = Duration::from_millis(5);
                    if let Ok(summary) = tokio::time::timeout(pause, &mut running).await {
                        break summary.ok();
                    }
                }
            });
        });
        if charts == MANY {
            look(charts);
        }
        let summary = summary.unwrap();
        assert_eq!(summary.tally.coded, charts as u64);
        assert_eq!(summary.failed, 0);
        assert_eq!(self.shelf.rejected.load(Ordering::Relaxed), 0);
        time
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
        let end = self.end.min(first.saturating_add(10));
        Ok((first..end).map(message).collect())
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

fn message(number: usize) -> Message {
    Message {
        id: number.to_string(),
        receipt: number.to_string(),
        body: format!(
            r#"{{"Records":[{{"eventVersion":"2.1","eventName":"ObjectCreated:Put","s3":{{"bucket":{{"name":"inbox"}},"object":{{"key":"charts/{number}","size":9,"versionId":"v1"}}}}}}]}}"#
        ),
    }
}

/// The samples over and over, each time under another key.
struct Samples(Arc<Vec<Vec<u8>>>);

impl Inbox for Samples {
    async fn fetch(&self, chart: &ChartReference, _: u64) -> Result<Fetched, InboxError> {
        let number: usize = chart.id().parse().map_err(|_| InboxError {
            passes: false,
            source: "no number".into(),
        })?;
        Ok(Fetched::Bytes(Phi::new(
            self.0[number % self.0.len()].clone(),
        )))
    }
}

/// Takes outcomes as a client of the table does, and keeps none.
#[derive(Default)]
struct Shelf {
    rejected: AtomicUsize,
}

impl Results for Shelf {
    async fn store(&self, _: &OutcomeKey, outcome: Encoded) -> Result<Stored, ResultsError> {
        if outcome.status() == Status::Rejected {
            self.rejected.fetch_add(1, Ordering::Relaxed);
        }
        black_box(outcome.into_json(&Synthetic).len());
        Ok(Stored::New)
    }
}

/// Does something for each chart.
fn on_all_cores(cores: usize, charts: usize, each: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= charts {
                        break;
                    }
                    each(number);
                }
            });
        }
    });
}

fn timed(what: impl FnOnce()) -> Time {
    let (began, cpu) = (Instant::now(), processor_seconds());
    what();
    Time {
        wall: began.elapsed().as_secs_f64(),
        cpu: processor_seconds() - cpu,
    }
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

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The time that all threads of this process have had, in seconds; counted in hundredths.
fn processor_seconds() -> f64 {
    let line = fs::read_to_string("/proc/self/stat").unwrap();
    // Fields 14 and 15 of proc(5); the second is a name, which may hold spaces.
    let (_, fields) = line.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks
        .map(|ticks| ticks.parse::<f64>().unwrap() / 100.0)
        .sum()
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
