//! One list out of the shards of a run.

use std::cmp::Ordering;

use lightsout_protocol::coding::OutcomeKey;

use crate::store::{Direction, Page};

/// What a shard holds at its beginning, sorted by chart.
#[derive(Debug)]
pub(crate) struct Beginning<T> {
    /// At most so many entries as one page has.
    pub(crate) entries: Vec<T>,
    /// How far the shard was read, where it may hold more.
    pub(crate) reached: Option<OutcomeKey>,
}

/// Merges the beginnings of all shards to the first `limit` entries, sorted by chart, or to
/// fewer where a shard was not read as far as that. What is sorted, and how far, goes by the
/// direction of the list.
///
/// One chart's outcomes lie in one shard, and stay in its order: where the page ends between
/// them, that shard is asked from there on.
pub(crate) fn merged<T>(
    shards: Vec<Beginning<T>>,
    limit: usize,
    direction: Direction,
    key: impl Fn(&T) -> &OutcomeKey,
) -> Page<T, OutcomeKey> {
    let compared = |a: &OutcomeKey, b: &OutcomeKey| match direction {
        Direction::Ascending => a.chart.cmp(&b.chart),
        Direction::Descending => b.chart.cmp(&a.chart),
    };
    let mut entries = Vec::new();
    let mut reached: Option<OutcomeKey> = None;
    for shard in shards {
        entries.extend(shard.entries);
        let is_nearer = |to: &OutcomeKey| {
            let is_before = |far| compared(to, far) == Ordering::Less;
            reached.as_ref().is_none_or(is_before)
        };
        if let Some(to) = shard.reached.filter(is_nearer) {
            reached = Some(to);
        }
    }
    // What lies behind the nearest end may have entries of that shard before it.
    if let Some(reached) = &reached {
        entries.retain(|entry| compared(key(entry), reached) != Ordering::Greater);
    }
    // The sort is stable, and fast where much is sorted already.
    entries.sort_by(|a, b| compared(key(a), key(b)));
    if entries.len() > limit {
        entries.truncate(limit);
        reached = entries.last().map(|last| key(last).clone());
    }
    Page {
        entries,
        next: reached,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lightsout_protocol::{run::RunId, shard::RunShard};
    use proptest::prelude::*;

    use super::*;

    /// What one shard answers, as the index does: sorted by chart, from behind `after` on. At
    /// most `read` entries are looked at, of which the engine `wanted` is taken.
    fn beginning(
        all: &[OutcomeKey],
        shard: &RunShard,
        (limit, read): (usize, usize),
        direction: Direction,
        after: Option<&OutcomeKey>,
    ) -> Beginning<OutcomeKey> {
        let run = RunId::new(1, 2);
        let held: Vec<_> = all
            .iter()
            .filter(|key| RunShard::of(&run, &key.chart) == *shard)
            .collect();
        let from = match after {
            None => 0,
            Some(after) if RunShard::of(&run, &after.chart) == *shard => {
                held.iter().position(|key| *key == after).unwrap() + 1
            }
            Some(after) => held.partition_point(|key| match direction {
                Direction::Ascending => key.chart <= after.chart,
                Direction::Descending => key.chart >= after.chart,
            }),
        };
        let (mut entries, mut reached) = (Vec::new(), None);
        for (looked_at, key) in held[from..].iter().enumerate() {
            if entries.len() == limit || looked_at == read {
                let before = from + looked_at - 1;
                reached = Some(held[before].clone());
                break;
            }
            if key.engine == "wanted" {
                entries.push((*key).clone());
            }
        }
        Beginning { entries, reached }
    }

    proptest! {
        #[test]
        fn pages_of_any_size_show_everything_once_and_in_order(
            keys in prop::collection::btree_map(("[a-d]{1,3}", "v[0-3]"), any::<bool>(), 0..80),
            limit in 1_usize..40,
            read in 1_usize..20,
            is_descending in any::<bool>(),
        ) {
            let mut all: Vec<_> = keys
                .into_iter()
                .map(|((chart, version), is_wanted)| {
                    let engine = if is_wanted { "wanted" } else { "other" }.to_owned();
                    OutcomeKey { chart, version, engine }
                })
                .collect();
            let direction = if is_descending {
                all.reverse();
                Direction::Descending
            } else {
                Direction::Ascending
            };
            let mut shown = Vec::new();
            let mut after: Option<OutcomeKey> = None;
            loop {
                let shards = RunShard::all(&RunId::new(1, 2))
                    .map(|shard| beginning(&all, &shard, (limit, read), direction, after.as_ref()))
                    .collect();
                let page = merged(shards, limit, direction, |key| key);
                prop_assert!(page.entries.len() <= limit);
                let goes_on = |next: &OutcomeKey| after.as_ref().is_none_or(|after| {
                    if is_descending { next < after } else { next > after }
                });
                prop_assert!(page.next.as_ref().is_none_or(goes_on));
                shown.extend(page.entries);
                match page.next {
                    None => break,
                    next => after = next,
                }
            }
            prop_assert_eq!(shown.len(), shown.iter().collect::<BTreeSet<_>>().len());
            let wanted: Vec<_> = all.into_iter().filter(|key| key.engine == "wanted").collect();
            prop_assert_eq!(shown, wanted);
        }
    }
}
