//! What the simulation finds of planted bugs and of layers that are switched off, as tables.

use std::{fmt::Write, sync::atomic::AtomicU64};

use crate::{
    explore::{explore, first_broken},
    layer::Layer,
    mutant::Mutant,
    world::Options,
};

/// How many schedules a planted bug is looked for in.
pub const LOOKED_FOR_IN: u64 = 40_000;

/// How many schedules are run without one layer.
const WITHOUT_ONE: u64 = 10_000;

/// How many are run with one layer alone; many of them end early, broken.
const WITH_ONE: u64 = 2_000;

/// Lists each planted bug with the first schedule that finds it, seeds counted from 0.
pub fn planted_bugs() -> String {
    let mut table = "| bug | seed | invariant | says |\n| --- | --- | --- | --- |\n".to_owned();
    for mutant in Mutant::ALL {
        let options = Options {
            mutant: Some(*mutant),
            ..Options::default()
        };
        let found = match first_broken(LOOKED_FOR_IN, &options) {
            Some((seed, violation)) => {
                format!("{seed} | {} | {}", violation.invariant, violation.what)
            }
            None => format!("none of {LOOKED_FOR_IN} | | "),
        };
        let _ = writeln!(table, "| `{}` | {found} |", mutant.name());
    }
    table
}

/// Lists each layer of termination: how many schedules break without it, and with it alone.
pub fn layers() -> String {
    let broken = |many, without: Vec<Layer>| {
        let options = Options {
            without,
            ..Options::default()
        };
        explore(0, many, &options, &AtomicU64::new(0)).broken.len()
    };
    let mut table = format!(
        "| layer | broken without it, of {WITHOUT_ONE} | broken with it alone, of {WITH_ONE} |\n\
         | --- | --- | --- |\n"
    );
    for layer in Layer::ALL {
        let others = Layer::ALL.into_iter().filter(|other| *other != layer);
        let without = broken(WITHOUT_ONE, vec![layer]);
        let alone = broken(WITH_ONE, others.collect());
        let _ = writeln!(table, "| {} | {without} | {alone} |", layer.name());
    }
    table
}
