//! The lease, the states of a run, and the launcher's decision.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01, UTC.
pub type UnixSeconds = u64;

/// Names one run; also the fencing token of everything that it writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// Names the run that takes the lease with `epoch` at `taken_at`.
    ///
    /// The epoch alone orders runs; the time keeps names apart when a control
    /// table was made anew.
    pub fn new(epoch: u64, taken_at: UnixSeconds) -> Self {
        Self(format!("run-{epoch:06}-{taken_at}"))
    }

    /// Takes a run id as it was stored.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the epoch in the id, or none where the id is not of this form.
    ///
    /// ```
    /// use lightsout_protocol::run::RunId;
    ///
    /// assert_eq!(RunId::new(7, 1_700_000_000).epoch(), Some(7));
    /// assert_eq!(RunId::from_stored("something else").epoch(), None);
    /// ```
    pub fn epoch(&self) -> Option<u64> {
        let (epoch, _) = self.0.strip_prefix("run-")?.split_once('-')?;
        epoch.parse().ok()
    }

    /// Returns when the run took the lease, or none where the id is not of this form.
    ///
    /// ```
    /// use lightsout_protocol::run::RunId;
    ///
    /// assert_eq!(RunId::new(7, 1_700_000_000).taken_at(), Some(1_700_000_000));
    /// assert_eq!(RunId::from_stored("something else").taken_at(), None);
    /// ```
    pub fn taken_at(&self) -> Option<UnixSeconds> {
        let (_, taken_at) = self.0.strip_prefix("run-")?.split_once('-')?;
        taken_at.parse().ok()
    }

    /// Returns EC2's idempotency token for attempt `attempt` at starting `role`.
    ///
    /// It depends on nothing else, so that a launch whose answer was lost is
    /// repeated and not doubled. EC2 allows 64 characters.
    pub fn client_token(&self, role: &str, attempt: u32) -> String {
        format!("{}-{role}-{attempt}", self.0)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The right to be the one master.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Grows with every run, and never falls.
    pub epoch: u64,
    /// The run that holds the lease.
    pub run: RunId,
    /// Whether the lease is held, and until when.
    pub hold: Hold,
}

/// Whether a lease is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hold {
    /// Held until the time given, unless it is extended.
    Until(UnixSeconds),
    /// Given back.
    Released,
}

impl Lease {
    /// Returns whether another run may take the lease.
    pub fn is_free(&self, now: UnixSeconds) -> bool {
        match self.hold {
            Hold::Until(expiry) => expiry <= now,
            Hold::Released => true,
        }
    }

    /// Returns this lease, held for `seconds` from `now` on.
    pub fn extended(&self, now: UnixSeconds, seconds: u64) -> Self {
        Self {
            hold: Hold::Until(now + seconds),
            ..self.clone()
        }
    }

    /// Returns the lease of the run that follows this one.
    pub fn succeeded_by(last: Option<&Self>, now: UnixSeconds, seconds: u64) -> Self {
        let epoch = last.map_or(0, |lease| lease.epoch) + 1;
        Self {
            epoch,
            run: RunId::new(epoch, now),
            hold: Hold::Until(now + seconds),
        }
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// The lease is taken, no machine was asked for yet.
    Requested,
    /// The master was asked for.
    Launching,
    /// The master runs and brings up workers.
    Provisioning,
    /// Workers code charts.
    Coding,
    /// The queue seems empty; what is in flight is awaited.
    Draining,
    /// The workers are being ended.
    Terminating,
    /// No machine is left, every chart is accounted for.
    Done,
    /// The run ended early; its reason is stored beside it.
    Failed,
}

impl RunState {
    /// Every state, in the order in which a run passes through them.
    pub const ALL: [Self; 8] = [
        Self::Requested,
        Self::Launching,
        Self::Provisioning,
        Self::Coding,
        Self::Draining,
        Self::Terminating,
        Self::Done,
        Self::Failed,
    ];

    /// Returns the state's name as it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Launching => "launching",
            Self::Provisioning => "provisioning",
            Self::Coding => "coding",
            Self::Draining => "draining",
            Self::Terminating => "terminating",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Returns whether nothing follows this state.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }

    /// Reads a state as it was stored.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// The request for a master that one launcher makes, or died while making.
///
/// It is stored with the run before EC2 is asked, so that no two launchers ask at the
/// same time: the answer that one gets is the answer for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asking {
    /// Which way of asking it is, counted from one; each has a token of its own.
    pub attempt: u32,
    /// When it was begun.
    pub at: UnixSeconds,
}

impl Asking {
    /// Seconds for which whoever asks is left alone. An invocation of the launcher
    /// lasts 30 at most; whoever comes later finds nobody asking any more.
    pub const SECONDS: u64 = 45;

    /// Returns the first way of asking.
    pub fn first(now: UnixSeconds) -> Self {
        Self {
            attempt: 1,
            at: now,
        }
    }

    /// Returns whether the launcher that asks may still be at it.
    pub fn is_going_on(self, now: UnixSeconds) -> bool {
        now < self.at + Self::SECONDS
    }

    /// Returns the same way of asking, by somebody else.
    pub fn again(self, now: UnixSeconds) -> Self {
        Self { at: now, ..self }
    }

    /// Returns the next way of asking.
    pub fn next(self, now: UnixSeconds) -> Self {
        Self {
            attempt: self.attempt + 1,
            at: now,
        }
    }
}

/// The lease as it is stored, and where its run stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The lease, absent before the first run.
    pub lease: Option<Lease>,
    /// The state of the lease's run, absent when that run left no trace.
    pub state: Option<RunState>,
    /// How the run's master was asked for last, absent when nobody has.
    pub asking: Option<Asking>,
}

/// How many messages a queue holds; all three lag behind the truth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Depth {
    /// Waiting to be received.
    pub visible: u64,
    /// Received and not yet deleted.
    pub in_flight: u64,
    /// Sent with a delay that has not passed.
    pub delayed: u64,
}

impl Depth {
    /// Returns whether no message was seen in any state.
    pub fn is_zero(self) -> bool {
        self.total() == 0
    }

    /// Returns all messages together.
    pub fn total(self) -> u64 {
        self.visible + self.in_flight + self.delayed
    }
}

/// What the launcher does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaunchDecision {
    /// Nothing waits: nothing is started.
    StayIdle,
    /// A living run holds the lease and will see the work, or a launcher asks for its
    /// master right now.
    LeaveToRunning(RunId),
    /// The run that holds the lease never got its master, and nobody asks for it any
    /// more: its launch is repeated with the token of the last request.
    RepeatLaunch(Lease, Asking),
    /// The lease is free: take it with this successor, then launch.
    Take(Lease, Asking),
}

/// Decides what a launcher does; the alarm, the heartbeat and a person's
/// command all end here.
///
/// `lease_seconds` is how long a new lease is held at first.
pub fn decide_launch(
    standing: &Standing,
    depth: Depth,
    now: UnixSeconds,
    lease_seconds: u64,
) -> LaunchDecision {
    let lease = standing.lease.as_ref();
    if let Some(held) = lease.filter(|lease| !lease.is_free(now)) {
        let is_asked_for = standing
            .asking
            .is_some_and(|asking| asking.is_going_on(now));
        return match standing.state {
            // The launch may have happened or not: the token makes repeating safe.
            None | Some(RunState::Requested) if !is_asked_for => {
                let asking = standing.asking.unwrap_or(Asking::first(now));
                LaunchDecision::RepeatLaunch(held.clone(), asking.again(now))
            }
            _ => LaunchDecision::LeaveToRunning(held.run.clone()),
        };
    }
    if depth.visible + depth.delayed == 0 {
        return LaunchDecision::StayIdle;
    }
    let next = Lease::succeeded_by(lease, now, lease_seconds);
    LaunchDecision::Take(next, Asking::first(now))
}

/// Returns how many workers a backlog deserves, at least one.
pub fn fleet_size(backlog: u64, messages_per_worker: u64, most: u32) -> u32 {
    let wanted = backlog.div_ceil(messages_per_worker.max(1)).max(1);
    u32::try_from(wanted).unwrap_or(u32::MAX).min(most.max(1))
}

/// Returns how many workers a run wants now, given how many it wanted before.
///
/// The fleet grows while charts keep arriving and never shrinks: workers end by
/// themselves. `charts_per_minute` is what one worker was measured to do, zero
/// before it is known; `seconds_left` is the time to the run's deadline, and
/// more workers are wanted where the backlog would not be done by then.
///
/// ```
/// use lightsout_protocol::run::grow;
///
/// assert_eq!(grow(2, 9_000, 1_000, 0, 3_600, 16), 9);
/// assert_eq!(grow(9, 100, 1_000, 50, 3_600, 16), 9);
/// assert_eq!(grow(1, 900, 1_000, 10, 1_800, 16), 3);
/// ```
pub fn grow(
    wanted: u32,
    backlog: u64,
    messages_per_worker: u64,
    charts_per_minute: u64,
    seconds_left: u64,
    most: u32,
) -> u32 {
    let by_backlog = fleet_size(backlog, messages_per_worker, most);
    let by_deadline = match charts_per_minute * seconds_left / 60 {
        0 => by_backlog,
        each => fleet_size(backlog, each, most),
    };
    wanted.max(by_backlog).max(by_deadline).min(most.max(1))
}

/// Tells a drained queue from one whose numbers merely lag.
///
/// A queue counts as drained after [`READINGS`](Self::READINGS) readings of
/// zero in a row that span at least the time given.
#[derive(Debug, Clone)]
pub struct DrainWatch {
    at_least: u64,
    since: Option<UnixSeconds>,
    last: UnixSeconds,
    zeros: u32,
}

impl DrainWatch {
    /// Readings of zero in a row that are needed.
    pub const READINGS: u32 = 3;

    /// Seconds between two readings past which they are no row: the machine stood
    /// still, and nobody knows what the queue held meanwhile.
    const GAP: u64 = 30;

    /// Starts a watch that wants zeros over `at_least` seconds.
    pub fn new(at_least: u64) -> Self {
        Self {
            at_least,
            since: None,
            last: 0,
            zeros: 0,
        }
    }

    /// Takes a reading, and returns whether the queue counts as drained.
    pub fn observe(&mut self, depth: Depth, now: UnixSeconds) -> bool {
        let is_in_a_row = now.saturating_sub(self.last) <= Self::GAP;
        self.last = now;
        if !depth.is_zero() || !is_in_a_row {
            self.since = None;
            self.zeros = 0;
        }
        if !depth.is_zero() {
            return false;
        }
        let since = *self.since.get_or_insert(now);
        self.zeros += 1;
        self.zeros >= Self::READINGS && now.saturating_sub(since) >= self.at_least
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WORK: Depth = Depth {
        visible: 3,
        in_flight: 0,
        delayed: 0,
    };

    fn held(until: UnixSeconds) -> Lease {
        Lease {
            epoch: 4,
            run: RunId::new(4, 100),
            hold: Hold::Until(until),
        }
    }

    fn standing(lease: Lease, state: RunState) -> Standing {
        Standing {
            lease: Some(lease),
            state: Some(state),
            asking: Some(Asking {
                attempt: 2,
                at: 150,
            }),
        }
    }

    #[test]
    fn nothing_is_started_for_an_empty_queue() {
        assert_eq!(
            decide_launch(&Standing::default(), Depth::default(), 1, 60),
            LaunchDecision::StayIdle
        );
    }

    #[test]
    fn messages_in_flight_alone_start_nothing() {
        let depth = Depth {
            in_flight: 9,
            ..Depth::default()
        };
        assert_eq!(
            decide_launch(&Standing::default(), depth, 1, 60),
            LaunchDecision::StayIdle
        );
    }

    #[test]
    fn a_living_run_is_left_alone() {
        assert_eq!(
            decide_launch(&standing(held(500), RunState::Coding), WORK, 200, 60),
            LaunchDecision::LeaveToRunning(RunId::new(4, 100))
        );
    }

    #[test]
    fn a_launch_that_may_not_have_happened_is_repeated_under_the_same_run() {
        let lease = held(500);
        assert_eq!(
            decide_launch(&standing(lease.clone(), RunState::Requested), WORK, 200, 60),
            LaunchDecision::RepeatLaunch(
                lease,
                Asking {
                    attempt: 2,
                    at: 200
                }
            )
        );
    }

    #[test]
    fn a_launcher_that_asks_is_left_alone() {
        assert_eq!(
            decide_launch(&standing(held(500), RunState::Requested), WORK, 194, 60),
            LaunchDecision::LeaveToRunning(RunId::new(4, 100))
        );
    }

    #[test]
    fn an_expired_lease_is_taken_with_a_greater_epoch() {
        let LaunchDecision::Take(lease, _) =
            decide_launch(&standing(held(200), RunState::Coding), WORK, 200, 60)
        else {
            panic!("the lease is free");
        };
        assert_eq!((lease.epoch, lease.hold), (5, Hold::Until(260)));
    }

    #[test]
    fn one_late_zero_is_not_a_drained_queue() {
        let mut watch = DrainWatch::new(4);
        assert!(!watch.observe(Depth::default(), 10));
        assert!(!watch.observe(Depth::default(), 12));
        assert!(!watch.observe(WORK, 13));
        assert!(!watch.observe(Depth::default(), 14));
        assert!(!watch.observe(Depth::default(), 16));
        assert!(watch.observe(Depth::default(), 18));
    }

    #[test]
    fn zeros_on_both_sides_of_a_standstill_are_no_row() {
        let mut watch = DrainWatch::new(4);
        assert!(!watch.observe(Depth::default(), 10));
        assert!(!watch.observe(Depth::default(), 12));
        assert!(!watch.observe(Depth::default(), 300));
        assert!(!watch.observe(Depth::default(), 302));
        assert!(watch.observe(Depth::default(), 304));
    }

    #[test]
    fn every_state_is_read_back_by_its_name() {
        for state in RunState::ALL {
            assert_eq!(RunState::from_name(state.name()), Some(state));
        }
    }

    proptest! {
        #[test]
        fn tokens_fit_what_ec2_allows(epoch in 0..1_000_000_000_u64, now: u32, attempt: u8) {
            let token = RunId::new(epoch, now.into()).client_token("worker-0001", attempt.into());
            prop_assert!(token.len() <= 64);
        }

        #[test]
        fn a_fleet_is_never_empty_nor_over_its_limit(backlog: u64, each: u64, most in 1_u32..500) {
            let size = fleet_size(backlog, each, most);
            prop_assert!((1..=most).contains(&size));
        }

        #[test]
        fn whoever_may_take_the_lease_gets_a_greater_epoch(epoch in 0..u64::MAX - 1, now in 0..u64::from(u32::MAX)) {
            let last = Lease { epoch, run: RunId::new(epoch, 0), hold: Hold::Released };
            prop_assert!(Lease::succeeded_by(Some(&last), now, 60).epoch > epoch);
        }
    }
}
