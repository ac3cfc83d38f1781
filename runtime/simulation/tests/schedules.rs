//! Schedules, planted bugs and layers, as many as a minute holds.

use std::sync::atomic::AtomicU64;

use lightsout_simulation::{
    explore::explore,
    layer::Layer,
    schedule::{Kind, Schedule},
    tables,
    world::{Fleet, Options, run},
};

const README: &str = include_str!("../README.md");

fn broken(many: u64, options: &Options) -> usize {
    explore(0, many, options, &AtomicU64::new(0)).broken.len()
}

#[test]
fn every_invariant_holds_and_every_fault_fires() {
    let summary = explore(0, 10_000, &Options::default(), &AtomicU64::new(0));
    assert_eq!(summary.broken, []);
    assert!(summary.counts.contains_key("the fleet grows"));
    for kind in Kind::ALL {
        assert!(summary.counts.contains_key(kind.says()), "{}", kind.says());
    }
}

/// The clean run of the same seeds breaks nothing, so what breaks is the planted bug.
#[test]
fn every_planted_bug_is_found_by_the_seed_that_the_readme_names() {
    let found = tables::planted_bugs();
    assert!(!found.contains("none of"), "{found}");
    assert!(README.contains(&found), "the README has another:\n{found}");
}

#[test]
fn any_layer_may_be_off_and_the_readme_says_which_are_enough_alone() {
    let found = tables::layers();
    for row in found.lines().skip(2) {
        let cells: Vec<&str> = row.split(" | ").collect();
        assert_eq!(cells[1], "0", "{row}");
    }
    assert!(README.contains(&found), "the README has another:\n{found}");
}

#[test]
fn each_layer_saves_the_run_when_those_before_it_are_off() {
    for off in 0..Layer::ALL.len() {
        let options = Options {
            without: Layer::ALL[..off].to_vec(),
            ..Options::default()
        };
        assert_eq!(broken(1_000, &options), 0, "{:?}", options.without);
    }
    let none = Options {
        without: Layer::ALL.to_vec(),
        ..Options::default()
    };
    assert_eq!(broken(100, &none), 100);
}

/// How many workers are started for forty charts, and for more that come while they are coded.
fn workers_for(more: usize, most_workers: u32) -> u64 {
    let schedule = Schedule {
        seed: 7,
        arrivals: [vec![0; 40], vec![150; more]].concat(),
        faults: Vec::new(),
    };
    let options = Options {
        fleet: Fleet {
            most_workers,
            charts_per_worker: 20,
        },
        ..Options::default()
    };
    let outcome = run(&schedule, &options);
    assert_eq!(outcome.violation, None);
    assert_eq!(outcome.counts.contains_key("the fleet grows"), more > 0);
    outcome.usage.workers
}

#[test]
fn a_fleet_grows_when_charts_keep_arriving_and_never_over_its_limit() {
    assert_eq!(workers_for(0, 16), 2);
    let grown = workers_for(160, 16);
    assert!((6..=10).contains(&grown), "{grown} workers");
    assert_eq!(workers_for(160, 5), 5);
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let options = Options {
        is_told: true,
        ..Options::default()
    };
    let tell = || run(&Schedule::draw(7), &options).told;
    assert_eq!(tell(), tell());
}
