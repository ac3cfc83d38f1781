//! How long a fault that may pass is waited for.

use std::{iter, time::Duration};

/// How long a message is held whose work failed by a fault that may pass, and how often it is
/// tried meanwhile.
///
/// A service that is down for longer takes one of the three receives that a message has, and
/// of those messages alone that are held: a lane that tries again receives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// The first pause; each is twice the last.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// All pauses together, at most.
    pub whole: Duration,
}

impl Default for Patience {
    /// A quarter of an hour, in pauses of a second to a minute.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_mins(1),
            whole: Duration::from_mins(15),
        }
    }
}

impl Patience {
    /// Lists the pauses between one try and the next.
    ///
    /// ```
    /// use lightsout_worker::patience::Patience;
    ///
    /// let seconds: Vec<_> = Patience::default().pauses().map(|pause| pause.as_secs()).collect();
    /// assert_eq!(seconds[..7], [1, 2, 4, 8, 16, 32, 60]);
    /// assert_eq!(seconds.iter().sum::<u64>(), 843);
    /// ```
    pub fn pauses(self) -> impl Iterator<Item = Duration> {
        let longer = move |pause: &Duration| Some(self.longest.min(*pause * 2));
        iter::successors(Some(self.first), longer).scan(Duration::ZERO, move |waited, pause| {
            *waited += pause;
            (*waited <= self.whole).then_some(pause)
        })
    }
}
