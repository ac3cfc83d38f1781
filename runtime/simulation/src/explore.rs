//! Many schedules on all cores, and the smallest that still fails.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use crate::{
    schedule::Schedule,
    world::{Options, Violation, run},
};

/// What many schedules showed.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Schedules that were run.
    pub schedules: u64,
    /// Seeds that broke something, in order, with what broke.
    pub broken: Vec<(u64, Violation)>,
    /// How often each thing happened.
    pub counts: BTreeMap<&'static str, u64>,
    /// The longest run, in simulated seconds.
    pub longest: u64,
}

/// Runs `many` schedules from seed `from` on; the result does not depend on threads.
pub fn explore(from: u64, many: u64, options: &Options, progress: &AtomicU64) -> Summary {
    let cores = thread::available_parallelism().map_or(1, usize::from) as u64;
    let mut summary = Summary::default();
    thread::scope(|scope| {
        let work = |core: u64| {
            move || {
                let mut part = Summary::default();
                for seed in (from + core..from + many).step_by(usize::try_from(cores).unwrap_or(1))
                {
                    let outcome = run(&Schedule::draw(seed), options);
                    part.schedules += 1;
                    part.longest = part.longest.max(outcome.seconds);
                    part.broken
                        .extend(outcome.violation.map(|violation| (seed, violation)));
                    for (what, times) in outcome.counts {
                        *part.counts.entry(what).or_default() += times;
                    }
                    progress.fetch_add(1, Ordering::Relaxed);
                }
                part
            }
        };
        let parts: Vec<_> = (0..cores).map(|core| scope.spawn(work(core))).collect();
        for part in parts {
            // A world that panics is a finding, and no core may hide it.
            let part = part
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            summary.schedules += part.schedules;
            summary.longest = summary.longest.max(part.longest);
            summary.broken.extend(part.broken);
            for (what, times) in part.counts {
                *summary.counts.entry(what).or_default() += times;
            }
        }
    });
    summary.broken.sort_by_key(|(seed, _)| *seed);
    summary
}

/// Returns the first seed of `many` that breaks something.
pub fn first_broken(many: u64, options: &Options) -> Option<(u64, Violation)> {
    (0..many).find_map(|seed| Some((seed, run(&Schedule::draw(seed), options).violation?)))
}

/// Leaves out faults and charts, one by one, while the same invariant breaks.
pub fn shrink(schedule: &Schedule, options: &Options) -> Schedule {
    let broken = |schedule: &Schedule| {
        run(schedule, options)
            .violation
            .map(|violation| violation.invariant)
    };
    let wanted = broken(schedule);
    let mut smallest = schedule.clone();
    loop {
        let without_fault = (0..smallest.faults.len()).map(|index| {
            let mut smaller = smallest.clone();
            smaller.faults.remove(index);
            smaller
        });
        let without_chart = (0..smallest.arrivals.len())
            .filter(|_| smallest.arrivals.len() > 1)
            .map(|index| {
                let mut smaller = smallest.clone();
                smaller.arrivals.remove(index);
                smaller
            });
        match without_fault
            .chain(without_chart)
            .find(|smaller| broken(smaller) == wanted)
        {
            Some(smaller) => smallest = smaller,
            None => return smallest,
        }
    }
}

/// Says what happened in a schedule, for people.
pub fn readable(schedule: &Schedule, told: &[String]) -> String {
    let mut text = schedule.to_string();
    for line in told {
        text.push_str(line);
        text.push('\n');
    }
    text
}
