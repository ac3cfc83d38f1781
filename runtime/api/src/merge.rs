//! One list out of the shards of a run.

use lightsout_protocol::coding::OutcomeKey;

use crate::store::Page;

/// What a shard holds at its beginning, sorted by chart.
#[derive(Debug)]
pub(crate) struct Beginning<T> {
    /// So many entries as one page has, or all that there are.
    pub(crate) entries: Vec<T>,
    /// Whether the shard may hold more.
    pub(crate) goes_on: bool,
}

/// Merges the beginnings of all shards to the first `limit` entries, sorted by chart.
///
/// One chart's outcomes lie in one shard, and stay in its order: where the page ends between
/// them, that shard is asked from there on.
pub(crate) fn merged<T>(
    shards: Vec<Beginning<T>>,
    limit: usize,
    key: impl Fn(&T) -> &OutcomeKey,
) -> Page<T, OutcomeKey> {
    let mut goes_on = shards.iter().any(|shard| shard.goes_on);
    let mut entries: Vec<T> = shards.into_iter().flat_map(|shard| shard.entries).collect();
    // The sort is stable, and fast where much is sorted already.
    entries.sort_by(|a, b| key(a).chart.cmp(&key(b).chart));
    goes_on |= entries.len() > limit;
    entries.truncate(limit);
    let next = entries
        .last()
        .filter(|_| goes_on)
        .map(|last| key(last).clone());
    Page { entries, next }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lightsout_protocol::{run::RunId, shard::RunShard};
    use proptest::prelude::*;

    use super::*;

    /// What one shard answers, as the index does: sorted by chart, from behind `after` on.
    fn beginning(
        all: &[OutcomeKey],
        shard: &RunShard,
        limit: usize,
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
            Some(after) => held.partition_point(|key| key.chart <= after.chart),
        };
        let rest = &held[from..];
        Beginning {
            entries: rest.iter().take(limit).map(|key| (*key).clone()).collect(),
            goes_on: rest.len() > limit,
        }
    }

    proptest! {
        #[test]
        fn pages_of_any_size_show_everything_once_and_in_order(
            keys in prop::collection::btree_set(("[a-d]{1,3}", "v[0-3]"), 0..80),
            limit in 1_usize..40,
        ) {
            let all: Vec<_> = keys
                .into_iter()
                .map(|(chart, version)| OutcomeKey { chart, version, engine: "e".to_owned() })
                .collect();
            let mut shown = Vec::new();
            let mut after = None;
            loop {
                let shards = RunShard::all(&RunId::new(1, 2))
                    .map(|shard| beginning(&all, &shard, limit, after.as_ref()))
                    .collect();
                let page = merged(shards, limit, |key| key);
                prop_assert!(page.entries.len() <= limit);
                prop_assert!(page.next.is_none() || page.entries.len() == limit);
                shown.extend(page.entries);
                match page.next {
                    None => break,
                    next => after = next,
                }
            }
            prop_assert_eq!(shown.len(), shown.iter().collect::<BTreeSet<_>>().len());
            prop_assert_eq!(shown, all);
        }
    }
}
