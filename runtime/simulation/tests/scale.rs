//! The model of scale, held against what simulated fleets without faults count.
#![expect(clippy::unwrap_used, reason = "numbers of a test are small")]

use lightsout_simulation::{
    scale::{Calls, Forecast, Plan, forecast, report},
    schedule::{Fault, Kind, Schedule},
    worker,
    world::{self, Fleet, Options, TICK, Usage, run},
};

/// How far times may lie apart, of a hundred.
const PERCENT: f64 = 5.0;
/// Seconds that times may lie apart besides: machines boot in 10 to 30, so that not all
/// workers begin at once, which the model has them do.
const BOOT_SPREAD: f64 = 20.0;

/// Seconds from one receive of a simulated worker to the next, on the mean over every
/// combination of times that its charts may take.
///
/// In each tick a worker makes one call: it stores one chart that is ready; when all are
/// stored, deletes all; then receives.
fn batch_seconds() -> f64 {
    let combinations = worker::SPREAD.pow(u32::try_from(worker::BATCH).unwrap());
    let mut ticks = 0;
    for combination in 0..combinations {
        let mut ready: Vec<u64> = (0..worker::BATCH)
            .map(|chart| {
                let more = combination / worker::SPREAD.pow(u32::try_from(chart).unwrap());
                (worker::SHORTEST + more % worker::SPREAD).div_ceil(TICK)
            })
            .collect();
        ready.sort_unstable();
        let stored = ready.iter().fold(0, |last, ready| (last + 1).max(*ready));
        ticks += stored + 2;
    }
    f64::from(u32::try_from(ticks * TICK).unwrap())
        / f64::from(u32::try_from(combinations).unwrap())
}

/// The simulated fleet as a plan.
fn plan(charts: u64, fleet: Fleet) -> Plan {
    Plan {
        charts,
        most_workers: fleet.most_workers,
        charts_per_worker: fleet.charts_per_worker,
        // One lane that nothing but its own steps slows down.
        cores: 1,
        lanes: 1,
        core_charts_per_second: f64::INFINITY,
        batch: worker::BATCH as u64,
        batch_wait_seconds: batch_seconds(),
        // Twenty on the mean, and a tick each for Ansible to launch and to reach.
        boot_seconds: 30,
        visibility_seconds: world::VISIBILITY,
        drain_seconds: world::DRAIN,
        deadline_seconds: world::DEADLINE,
        heartbeat_seconds: world::HEARTBEAT,
        rule_seconds: world::RULE,
        poll_seconds: TICK,
        launch_seconds: 0.0,
        ..Plan::default()
    }
}

fn simulated(charts: u64, fleet: Fleet, faults: Vec<Fault>) -> Usage {
    let schedule = Schedule {
        seed: charts,
        arrivals: vec![0; usize::try_from(charts).unwrap()],
        faults,
    };
    let options = Options {
        fleet,
        ..Options::default()
    };
    let outcome = run(&schedule, &options);
    assert_eq!(outcome.violation, None);
    outcome.usage
}

/// Says where the model and the simulation lie too far apart.
fn differences(model: &Forecast, usage: &Usage) -> Vec<String> {
    let mut found = Vec::new();
    let Calls {
        receives,
        empty_receives,
        deletes,
        extensions,
        sends,
        ..
    } = model.calls;
    for (what, model, counted) in [
        ("workers", u64::from(model.workers), usage.workers),
        ("receives", receives, usage.receives),
        ("received", sends, usage.received),
        ("deletes", deletes, usage.deletes),
    ] {
        if model != counted {
            found.push(format!("{what}: {model}, and {counted} were counted"));
        }
    }
    let mut near = |what, model: f64, counted: f64, percent: f64, besides: f64| {
        if (model - counted).abs() > model * percent / 100.0 + besides {
            found.push(format!("{what}: {model:.0}, and {counted:.0} were counted"));
        }
    };
    let float = |number: u64| f64::from(u32::try_from(number).unwrap());
    let (begin, end) = (
        usage.first_receive.unwrap_or(0),
        usage.last_delete.unwrap_or(0),
    );
    near(
        "seconds of coding",
        model.coding_seconds,
        float(end - begin),
        PERCENT,
        BOOT_SPREAD,
    );
    near(
        "seconds of workers",
        model.worker_seconds,
        float(usage.worker_seconds),
        PERCENT,
        float(usage.workers) * BOOT_SPREAD,
    );
    // How long the others are at it when a worker finds nothing is chance.
    near(
        "empty receives",
        float(empty_receives),
        float(usage.empty_receives),
        30.0,
        0.0,
    );
    near(
        "extensions",
        float(extensions),
        float(usage.extensions),
        25.0,
        0.0,
    );
    // All hold a full batch at the same moment only if chance has it so.
    near(
        "most in flight",
        float(model.most_in_flight),
        float(usage.most_in_flight),
        25.0,
        0.0,
    );
    if usage.most_in_flight > model.most_in_flight {
        found.push("more in flight than the model has at most".to_owned());
    }
    found
}

const FLEETS: [(u64, u32, u64); 6] = [
    // Charts, most workers, charts per worker.
    (60, 1, 100),
    (120, 3, 3),
    (240, 4, 60),
    (400, 8, 50),
    (500, 16, 100),
    (1_000, 16, 50),
];

#[test]
fn the_model_agrees_with_fleets_without_faults() {
    for (charts, most_workers, charts_per_worker) in FLEETS {
        let fleet = Fleet {
            most_workers,
            charts_per_worker,
        };
        let model = forecast(&plan(charts, fleet));
        let usage = simulated(charts, fleet, Vec::new());
        assert_eq!(
            differences(&model, &usage),
            [""; 0],
            "{charts} charts, {fleet:?}"
        );
    }
}

#[test]
fn a_model_that_is_wrong_is_found_out() {
    let fleet = Fleet {
        most_workers: 4,
        charts_per_worker: 60,
    };
    let right = plan(240, fleet);
    let usage = simulated(240, fleet, Vec::new());
    let wrong = [
        (
            "workers",
            Plan {
                charts_per_worker: 90,
                ..right
            },
        ),
        ("receives", Plan { batch: 2, ..right }),
        (
            "seconds of coding",
            Plan {
                batch_wait_seconds: right.batch_wait_seconds * 1.2,
                ..right
            },
        ),
        (
            "seconds of coding",
            Plan {
                batch_wait_seconds: right.batch_wait_seconds / 1.2,
                ..right
            },
        ),
        (
            "empty receives",
            Plan {
                poll_seconds: 20,
                ..right
            },
        ),
    ];
    for (what, plan) in wrong {
        let found = differences(&forecast(&plan), &usage);
        assert!(
            found.iter().any(|line| line.starts_with(what)),
            "{what}: {found:?}"
        );
    }
}

#[test]
fn a_fleet_with_faults_does_not_agree() {
    let fleet = Fleet {
        most_workers: 4,
        charts_per_worker: 60,
    };
    let down = Fault {
        kind: Kind::QueueDown,
        at: 120,
        lasts: 200,
    };
    let usage = simulated(240, fleet, vec![down]);
    let found = differences(&forecast(&plan(240, fleet)), &usage);
    assert!(!found.is_empty());
}

#[test]
fn the_readme_has_these_tables() {
    let readme = include_str!("../README.md");
    for line in report::tables().lines() {
        assert!(
            readme.contains(line),
            "the README lacks `{line}`: `scale --tables` prints it"
        );
    }
}
