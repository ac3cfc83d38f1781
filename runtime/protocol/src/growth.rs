//! When the fleet of a run grows.

use crate::run::{Depth, UnixSeconds, grow};

/// Most growths of one run: a fleet grows by half of itself at least, and 500 workers
/// are the most that the stacks allow.
pub const MOST_GROWTHS: u32 = 15;

/// Seconds over which the rate of the workers is measured.
const WINDOW: u64 = 60;

/// Decides how many workers a run wants while charts keep arriving.
///
/// The fleet never shrinks, and never exceeds its limit. As each growth starts the
/// playbook anew, the fleet grows by half of itself at least, or up to its limit, and
/// then no more for a while: [`MOST_GROWTHS`] times at most.
#[derive(Debug, Clone)]
pub struct Growth {
    wanted: u32,
    most: u32,
    messages_per_worker: u64,
    pause: u64,
    grown_at: UnixSeconds,
    charts_per_minute: u64,
    window: Option<(UnixSeconds, u64)>,
}

impl Growth {
    /// Watches a fleet of `wanted` workers, which has `most` at most; `pause` is how many
    /// seconds a growth is given before the next.
    pub fn new(
        wanted: u32,
        messages_per_worker: u64,
        most: u32,
        pause: u64,
        now: UnixSeconds,
    ) -> Self {
        Self {
            wanted,
            most,
            messages_per_worker,
            pause,
            grown_at: now,
            charts_per_minute: 0,
            window: None,
        }
    }

    /// Takes a reading of the queue while workers code, and returns how many are wanted
    /// now if that is worth a start of the playbook.
    pub fn observe(&mut self, depth: Depth, seconds_left: u64, now: UnixSeconds) -> Option<u32> {
        self.measure(depth, now);
        if now < self.grown_at + self.pause {
            return None;
        }
        let wanted = grow(
            self.wanted,
            depth.total(),
            self.messages_per_worker,
            self.charts_per_minute,
            seconds_left,
            self.most,
        );
        let worthwhile = (self.wanted + self.wanted.div_ceil(2)).min(self.most);
        if wanted <= self.wanted || wanted < worthwhile {
            return None;
        }
        self.wanted = wanted;
        self.grown_at = now;
        self.window = None;
        Some(wanted)
    }

    /// Measures what one worker does in a minute, by how much less is in the queue.
    ///
    /// Charts that arrive meanwhile make it look less: the best minute counts.
    fn measure(&mut self, depth: Depth, now: UnixSeconds) {
        let total = depth.total();
        let (since, before) = *self.window.get_or_insert((now, total));
        let seconds = now.saturating_sub(since);
        if seconds < WINDOW {
            return;
        }
        let done = before.saturating_sub(total);
        let each = done * 60 / seconds / u64::from(self.wanted.max(1));
        self.charts_per_minute = self.charts_per_minute.max(each);
        self.window = Some((now, total));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn charts(visible: u64) -> Depth {
        Depth {
            visible,
            ..Depth::default()
        }
    }

    #[test]
    fn a_fleet_grows_when_more_charts_arrive_than_it_was_made_for() {
        let mut growth = Growth::new(2, 1_000, 16, 120, 0);
        assert_eq!(growth.observe(charts(9_000), 3_600, 60), None, "too soon");
        assert_eq!(growth.observe(charts(9_000), 3_600, 120), Some(9));
        assert_eq!(growth.observe(charts(90_000), 3_600, 180), None, "too soon");
        assert_eq!(growth.observe(charts(90_000), 3_600, 240), Some(16));
        assert_eq!(growth.observe(charts(90_000), 3_600, 900), None, "the most");
    }

    #[test]
    fn a_machine_or_two_are_not_worth_a_start() {
        let mut growth = Growth::new(4, 1_000, 16, 0, 0);
        assert_eq!(growth.observe(charts(5_000), 3_600, 10), None);
        assert_eq!(growth.observe(charts(6_000), 3_600, 20), Some(6));
        let mut nearly_full = Growth::new(4, 1_000, 5, 0, 0);
        assert_eq!(nearly_full.observe(charts(5_000), 3_600, 10), Some(5));
    }

    #[test]
    fn a_fleet_that_is_too_slow_for_its_deadline_grows() {
        let mut growth = Growth::new(1, 1_000, 16, 60, 0);
        assert_eq!(growth.observe(charts(1_000), 3_600, 0), None);
        // Ten charts a minute, 990 to go, and half an hour left.
        assert_eq!(growth.observe(charts(990), 1_800, 60), Some(4));
    }

    #[test]
    fn a_fleet_that_keeps_up_stays() {
        let mut growth = Growth::new(1, 1_000, 16, 60, 0);
        for minute in 0..9 {
            let left = charts(1_000 - minute * 100);
            assert_eq!(growth.observe(left, 3_600, minute * 60), None);
        }
    }

    proptest! {
        #[test]
        fn a_fleet_never_shrinks_nor_exceeds_its_limit_and_grows_a_few_times(
            depths in prop::collection::vec(0_u64..1_000_000, 1..200),
            most in 1_u32..500,
        ) {
            let mut growth = Growth::new(1, 100, most, 0, 0);
            let mut last = 1;
            let mut times = 0;
            for (index, depth) in depths.into_iter().enumerate() {
                if let Some(wanted) = growth.observe(charts(depth), 600, index as u64 * 30) {
                    prop_assert!(wanted > last && wanted <= most);
                    last = wanted;
                    times += 1;
                }
            }
            prop_assert!(times <= MOST_GROWTHS, "{} times", times);
        }
    }
}
