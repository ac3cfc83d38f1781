//! Schedules, planted bugs and layers, as many as a minute holds.

use std::sync::atomic::AtomicU64;

use lightsout_simulation::{
    explore::{explore, first_broken},
    layer::Layer,
    mutant::Mutant,
    schedule::{Kind, Schedule},
    world::{Options, run},
};

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

#[test]
fn every_planted_bug_is_found() {
    for mutant in Mutant::ALL {
        let options = Options {
            mutant: Some(*mutant),
            ..Options::default()
        };
        // The clean run of the same seeds breaks nothing, so what breaks is the bug.
        assert!(
            first_broken(20_000, &options).is_some(),
            "{}",
            mutant.name()
        );
    }
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

#[test]
fn the_same_seed_tells_the_same_story() {
    let options = Options {
        is_told: true,
        ..Options::default()
    };
    let tell = || run(&Schedule::draw(7), &options).told;
    assert_eq!(tell(), tell());
}
