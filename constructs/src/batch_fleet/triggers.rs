//! When a run is started.

use std::time::Duration;

use super::fault::Fault;

/// When a run is started: enough work waits, or some has waited long enough.
///
/// ```
/// use std::time::Duration;
/// use lightsout::batch_fleet::Triggers;
///
/// let eager = Triggers::new().backlog(1).oldest(Duration::from_mins(5));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Triggers {
    pub(super) backlog: u32,
    pub(super) oldest: Duration,
    pub(super) heartbeat: Duration,
}

impl Triggers {
    /// 100 messages, or one of 30 minutes; looked for each 5 minutes besides.
    pub const fn new() -> Self {
        Self {
            backlog: 100,
            oldest: Duration::from_mins(30),
            heartbeat: Duration::from_mins(5),
        }
    }

    /// Starts a run at once when so many messages wait; 100 unless said.
    pub const fn backlog(mut self, messages: u32) -> Self {
        self.backlog = messages;
        self
    }

    /// Starts a run when a message has waited for this long, few as there are,
    /// 1 minute to 1 day; 30 minutes unless said.
    pub const fn oldest(mut self, age: Duration) -> Self {
        self.oldest = age;
        self
    }

    /// Looks for work this often whatever the alarms say, 1 minute to 1 hour;
    /// 5 minutes unless said.
    ///
    /// An alarm acts only when its state changes: this makes sure that work which
    /// was left behind is seen again.
    pub const fn heartbeat(mut self, period: Duration) -> Self {
        self.heartbeat = period;
        self
    }

    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.backlog == 0 {
            faults.push(Fault::new(
                "starts a run for `0` messages",
                "give `Triggers::backlog` at least 1",
            ));
        }
        let (minute, hour, day) = (60, 3600, 86_400);
        for (name, found, most) in [
            ("oldest", self.oldest, day),
            ("heartbeat", self.heartbeat, hour),
        ] {
            let (least, most) = (Duration::from_secs(minute), Duration::from_secs(most));
            faults.extend(Fault::unless_within(
                &format!("Triggers::{name}"),
                found,
                least,
                most,
            ));
        }
        faults
    }
}

impl Default for Triggers {
    fn default() -> Self {
        Self::new()
    }
}
