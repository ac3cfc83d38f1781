//! What must hold, whatever goes wrong.

use std::collections::BTreeSet;

use crate::{
    ec2::Role,
    layer::Layer,
    world::{DEADLINE, State},
};

/// Seconds past its deadline by which a machine must be gone: two sweeps of the
/// reaper, a throttled call, or a person's time where the others are off.
fn margin(state: &State) -> u64 {
    if state.options.has(Layer::Reaper) {
        1_200
    } else {
        3_600
    }
}

/// Checks what must hold at every moment.
pub fn all_along(state: &mut State) {
    let margin = margin(state);
    let mut masters = BTreeSet::new();
    let mut broken = Vec::new();
    for instance in state
        .ec2
        .instances
        .iter()
        .filter(|instance| instance.is_alive())
    {
        let age = state.now - instance.launched_at;
        if age > DEADLINE + margin {
            broken.push((4, format!("i-{} outlives its deadline", instance.id)));
        }
        if !instance.is_tagged && age > 60 {
            broken.push((
                4,
                format!("i-{} has no tags: nobody can find it", instance.id),
            ));
        }
        if instance.role == Role::Master && !masters.insert(&instance.run) {
            broken.push((1, format!("{} has two masters", instance.run)));
        }
    }
    for (invariant, what) in broken {
        state.violate(invariant, || what);
    }
}

/// Returns whether nothing is left to happen.
pub fn is_quiet(state: &State) -> bool {
    state.sqs.messages.is_empty()
        && state
            .ec2
            .instances
            .iter()
            .all(|instance| !instance.is_alive())
}

/// Checks what must hold when nothing is left to happen.
pub fn at_the_end(state: &mut State, charts: usize) {
    for chart in 0..charts {
        if state.results.contains_key(&chart) {
            continue;
        }
        if state.sqs.dead.contains(&chart) {
            // A person is told of it by the alarm of the dead letters.
            state.count("a chart in the dead letters");
            continue;
        }
        state.violate(2, || format!("chart {chart} is lost"));
    }
}
