//! How long an answer takes, and whose time that is: the handler's, the endpoint's, the trail's.
//!
//! `LIGHTSOUT_MINISTACK=PATH cargo bench -p lightsout-api --bench latency`. One caller asks the
//! handler as API Gateway does, one request after the other, on one thread; the tables are
//! MiniStack's, in a process of its own. The same questions are asked in turns of the API without
//! tables, of the API with a trail in memory, and of the API as it is: what differs is the
//! endpoint's and the trail's. Absolute figures are this machine's and MiniStack's; `README.md` of
//! the runtime has the ratios.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a bench is run by people, and fails by panicking"
)]
#![expect(
    clippy::cast_precision_loss,
    reason = "times of a bench are small numbers"
)]

#[path = "../tests/world/mod.rs"]
mod world;

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant, SystemTime},
};

use lightsout_api::{Aws, Service, Store, invocation, memory::Memory};
use lightsout_audit::{Ledger, MemoryLedger, Trail};
use lightsout_protocol::coding::Outcome;
use serde_json::{Value, json};

use crate::world::{World, environment, get, service, stored};

/// How often each question is asked of each API in a turn.
const ASKED: usize = 40;
/// Turns; the first one warms up.
const TURNS: usize = 8;

/// The questions, each with the query.
const QUESTIONS: [(&str, &str, &str); 4] = [
    ("GET /runs", "/runs", ""),
    ("GET /charts/{chart}", "/charts/b.txt", ""),
    (
        "GET /runs/{run}/charts, 50 of 120",
        "/runs/run-000003-300/charts",
        "50",
    ),
    (
        "the same, 200 at most",
        "/runs/run-000003-300/charts",
        "200",
    ),
];

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measured());
}

async fn measured() {
    let Some(world) = World::start().await else {
        return;
    };
    stored(&world.config).await;
    let whole = service(&world.config);
    let without_trail = Service {
        store: Aws::new(&world.config, environment(&world.config, "1000000")),
        trail: Trail::new(MemoryLedger::default(), "w"),
    };
    let alone = in_memory();
    // The warm-up is the answer to whether there is one at all.
    let (status, answer) = get(&whole, QUESTIONS[1].1, &Value::Null).await;
    assert_eq!(status, 200, "{answer}");
    let mut times: BTreeMap<(usize, &str), Vec<Duration>> = BTreeMap::new();
    let (mut own, mut wall) = (Duration::ZERO, Duration::ZERO);
    for turn in 0..TURNS {
        for (place, (_, path, limit)) in QUESTIONS.iter().enumerate() {
            let mut keep = |what, of: Vec<Duration>| {
                if turn > 0 {
                    times.entry((place, what)).or_default().extend(of);
                }
            };
            keep("alone", asked(&alone, path, limit).await);
            keep("without", asked(&without_trail, path, limit).await);
            let (began, spent) = (Instant::now(), processor_time());
            keep("whole", asked(&whole, path, limit).await);
            if turn > 0 {
                wall += began.elapsed();
                own += processor_time().saturating_sub(spent);
            }
        }
    }
    println!("| question | median ms | p95 ms | a second | handler alone | endpoint | trail |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (place, (name, ..)) in QUESTIONS.iter().enumerate() {
        let mut of = |what| {
            let times = times.get_mut(&(place, what)).unwrap();
            times.sort();
            (times[times.len() / 2], times[times.len() * 95 / 100])
        };
        let ((alone, _), (without, _), (whole, slow)) = (of("alone"), of("without"), of("whole"));
        let all: Duration = times[&(place, "whole")].iter().sum();
        let rate = times[&(place, "whole")].len() as f64 / all.as_secs_f64();
        let part = |of: Duration| of.as_secs_f64() / whole.as_secs_f64();
        println!(
            "| {name} | {:.2} | {:.2} | {rate:.0} | {:.3} | {:.2} | {:.2} |",
            whole.as_secs_f64() * 1e3,
            slow.as_secs_f64() * 1e3,
            part(alone),
            1.0 - part(alone),
            1.0 - part(without),
        );
    }
    println!(
        "\nprocessor time of the handler's process, the clients of AWS included: {:.2} of all",
        own.as_secs_f64() / wall.as_secs_f64()
    );
}

/// The same charts, in memory.
fn in_memory() -> Service<Memory, MemoryLedger> {
    let coded = || Outcome::Coded {
        coding: json!({"codes": [{"code": "I10"}]}),
        format: None,
        provenance: None,
    };
    let mut store = Memory::default()
        .with_finished_run("run-000001-100")
        .with_finished_run("run-000002-200")
        .with_finished_run("run-000003-300")
        .with_outcome_of("run-000001-100", "north/b.txt", "v1", coded());
    for number in 0..world::MANY {
        let chart = format!("north/many/{number:03}");
        store = store.with_outcome_of("run-000003-300", &chart, "v1", coded());
    }
    Service {
        store,
        trail: Trail::new(MemoryLedger::default(), "w"),
    }
}

async fn asked<S: Store, L: Ledger>(
    service: &Service<S, L>,
    path: &str,
    limit: &str,
) -> Vec<Duration> {
    let query = if limit.is_empty() {
        Value::Null
    } else {
        json!({"limit": limit})
    };
    let event = json!({
        "httpMethod": "GET", "path": path, "queryStringParameters": query,
        "requestContext": {
            "requestId": "r-1",
            "authorizer": {"principalId": "u-1", "tenant": "north", "role": "coder", "issuedAt": "1"},
        },
    });
    let mut times = Vec::with_capacity(ASKED);
    for _ in 0..ASKED {
        let event = serde_json::from_value(event.clone()).unwrap();
        let deadline = SystemTime::now() + Duration::from_mins(1);
        let began = Instant::now();
        let Ok(answer) = invocation(service, event, deadline).await;
        times.push(began.elapsed());
        assert_eq!(answer["statusCode"], 200, "{answer}");
    }
    times
}

/// Returns the processor time of this process, in the kernel's hundredths of a second.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks = |place: usize| fields[place].parse::<u64>().unwrap();
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}
