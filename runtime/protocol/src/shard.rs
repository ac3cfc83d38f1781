//! How the outcomes of one run are spread over an index.

use sha2::{Digest, Sha256};

use crate::run::RunId;

/// The partition of an index by run that the outcome of a chart stands in.
///
/// `DynamoDB` writes a thousand units a second into [one partition key], however large the
/// table is. With the run alone as the key, a run would store a thousand outcomes a second at
/// best. The chart's id chooses one of [`COUNT`](Self::COUNT) keys; whoever lists a run asks
/// for all of them and merges, as each is sorted by chart.
///
/// [one partition key]: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
///
/// ```
/// use lightsout_protocol::{run::RunId, shard::RunShard};
///
/// let run = RunId::new(7, 1_800_000_000);
/// let shard = RunShard::of(&run, "ward 7/1.txt");
/// assert_eq!(shard.as_str(), "run-000007-1800000000#14");
/// assert!(RunShard::all(&run).any(|one| one == shard));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunShard(String);

impl RunShard {
    /// The number of keys that a run is spread over.
    ///
    /// More can be had at any time, as a list asks for all there are; fewer would hide what is
    /// stored in the others.
    pub const COUNT: u8 = 16;

    /// Returns the shard of a chart.
    pub fn of(run: &RunId, chart: &str) -> Self {
        // Ids that differ in one character alone have to be spread, too.
        let first = Sha256::digest(chart.as_bytes())[0];
        Self::numbered(run, first % Self::COUNT)
    }

    /// Returns every shard of a run.
    pub fn all(run: &RunId) -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(|number| Self::numbered(run, number))
    }

    fn numbered(run: &RunId, number: u8) -> Self {
        Self(format!("{run}#{number:02}"))
    }

    /// Returns the key as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn no_shard_gets_much_more_than_its_share() {
        let run = RunId::new(1, 2);
        let mut charts: BTreeMap<RunShard, u32> = BTreeMap::new();
        for number in 0..16_000 {
            let shard = RunShard::of(&run, &format!("ward-7/chart-{number:06}.txt"));
            *charts.entry(shard).or_default() += 1;
        }
        let all: BTreeSet<_> = RunShard::all(&run).collect();
        assert_eq!(charts.keys().cloned().collect::<BTreeSet<_>>(), all);
        assert!(
            charts.values().all(|many| (900..1_100).contains(many)),
            "{charts:?}"
        );
    }

    #[test]
    fn a_run_is_no_beginning_of_another() {
        let shards = |epoch, at| RunShard::all(&RunId::new(epoch, at)).collect::<BTreeSet<_>>();
        assert!(shards(1, 1).is_disjoint(&shards(1, 11)));
    }
}
