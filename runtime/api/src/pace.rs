//! How fast one caller may ask.
//!
//! API Gateway throttles all callers together, and by keys that are made beforehand: who comes
//! with a token of an identity provider has none. So each caller has an allowance here, in a
//! table that all functions share. It is the
//! [leaky bucket as a meter](https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm): one
//! number for each caller, the time at which the whole allowance is there again.

/// How many requests a caller may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// A second, on average.
    pub rate: u32,
    /// At once.
    pub burst: u32,
}

impl Pace {
    /// Returns how long one request uses up the allowance, in milliseconds.
    pub(crate) fn interval(self) -> u64 {
        (1_000 / u64::from(self.rate.max(1))).max(1)
    }

    /// Returns how far ahead of `now` the allowance may be whole again, for one more request.
    pub(crate) fn latest(self, now: u64) -> u64 {
        now + self.interval() * u64::from(self.burst.saturating_sub(1))
    }

    /// Takes one request off an allowance that is whole again at `whole_at`: returns when it will
    /// be then, or for how many milliseconds the caller has to wait.
    pub(crate) fn take(self, whole_at: u64, now: u64) -> Result<u64, u64> {
        match whole_at.checked_sub(self.latest(now)) {
            None | Some(0) => Ok(whole_at.max(now) + self.interval()),
            Some(wait) => Err(wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_one_request_after_the_other() {
        let pace = Pace { rate: 10, burst: 3 };
        let mut whole_at = 0;
        for _ in 0..3 {
            whole_at = pace.take(whole_at, 5_000).unwrap();
        }
        assert_eq!(pace.take(whole_at, 5_000), Err(100));
        assert_eq!(pace.take(whole_at, 5_099), Err(1));
        whole_at = pace.take(whole_at, 5_100).unwrap();
        assert_eq!(pace.take(whole_at, 5_100), Err(100));
        // Who waits long has the whole burst again, and no more than that.
        for _ in 0..3 {
            whole_at = pace.take(whole_at, 60_000).unwrap();
        }
        assert_eq!(pace.take(whole_at, 60_000), Err(100));
    }

    proptest! {
        #[test]
        fn nobody_gets_more_than_rate_and_burst_in_any_time(
            rate in 1_u32..50,
            burst in 1_u32..20,
            pauses in prop::collection::vec(0_u64..200, 1..200),
        ) {
            let pace = Pace { rate, burst };
            let (mut whole_at, mut now) = (0, 1_000_000);
            let mut passed = Vec::new();
            for pause in pauses {
                now += pause;
                match pace.take(whole_at, now) {
                    Ok(next) => {
                        whole_at = next;
                        passed.push(now);
                    }
                    // After just that wait there is one more.
                    Err(wait) => prop_assert!(pace.take(whole_at, now + wait).is_ok()),
                }
            }
            for (place, from) in passed.iter().enumerate() {
                for (count, to) in passed[place..].iter().enumerate() {
                    let most = u64::from(burst) + (to - from) / pace.interval();
                    prop_assert!((count as u64) < most);
                }
            }
        }
    }
}
