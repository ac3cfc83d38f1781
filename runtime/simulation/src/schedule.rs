//! What goes wrong and when, drawn from a seed, printable and shrinkable.

use std::fmt;

use crate::random::Random;

macro_rules! kinds {
    ($($kind:ident: $says:literal),+ $(,)?) => {
        /// What can go wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind {
            $(#[doc = $says] $kind),+
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// Says what goes wrong.
            pub fn says(self) -> &'static str {
                match self { $(Self::$kind => $says),+ }
            }
        }
    };
}

kinds! {
    InvokedTwice: "the launcher runs in two copies",
    LauncherKilled: "the launcher is killed in the middle",
    HeartbeatMissed: "the heartbeat rule stays silent",
    MetricsMissing: "the alarms get no data",
    TableDown: "the control table does not answer",
    TableAnswerLost: "writes to the control table apply, and their answers are lost",
    LaunchAnswerLost: "instances start, and the answers are lost",
    CapacityShort: "EC2 has no capacity",
    TypeShort: "EC2 has little capacity for the first instance type",
    DescribeStale: "EC2 lists what was 30 seconds ago",
    TerminateThrottled: "EC2 throttles terminations",
    SlowBoot: "machines boot slowly",
    MasterFrozen: "the master's machine freezes",
    MasterPaused: "the master's machine stands still for minutes, and goes on",
    SupervisorRestarted: "the supervisor dies and is started again",
    SupervisorGone: "the supervisor dies for good",
    MasterCutOff: "the master reaches neither table, queue nor EC2",
    MasterClock: "the master's clock is 20 seconds fast",
    AnsibleDies: "Ansible is killed",
    AnsibleHangs: "Ansible hangs",
    AnsibleFails: "Ansible ends with an error",
    HostUnreachable: "Ansible cannot reach a host",
    WorkerFrozen: "a worker's machine freezes",
    WorkerKilled: "a worker's process is killed between two steps",
    WorkerMachineLost: "a worker's machine ends",
    SpotNotice: "EC2 takes a worker back in two minutes",
    WorkerCutOff: "a worker reaches neither table nor queue",
    QueueDown: "the queue does not answer",
    CountsLag: "the queue's counts are 10 seconds old",
    CountsFlicker: "the queue counts zero for a moment",
    DeliveredTwice: "a held message is delivered again",
    ResultAnswerLost: "results are stored, and the answers are lost",
    EventTwice: "S3 announces a chart twice",
    ChartDeleted: "a chart is deleted before it is read",
    SlowChart: "a chart takes minutes",
    ReaperTwice: "the reaper runs twice",
    ReaperKilled: "the reaper is killed in the middle",
    ZoneShort: "EC2 has no capacity in the first zone",
    SpotShort: "EC2 has no spot capacity",
    Impostor: "a host answers that the table does not vouch for",
    Deployed: "deploys change the launch templates, one after the other",
    LaunchThrottled: "EC2 throttles launches",
}

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub kind: Kind,
    /// From which second on.
    pub at: u64,
    /// For how many seconds.
    pub lasts: u64,
}

/// Charts that arrive, and what goes wrong meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// What decides everything else, such as whose turn it is.
    pub seed: u64,
    /// When charts arrive, in seconds.
    pub arrivals: Vec<u64>,
    /// What goes wrong, in order of time.
    pub faults: Vec<Fault>,
}

/// Seconds within which charts arrive and faults begin.
pub const BUSY: u64 = 1_200;

impl Schedule {
    /// Draws the schedule of a seed: one to eight charts, none to ten faults.
    pub fn draw(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0x006c_6967_6874_7321);
        let charts = 1 + random.below(8);
        // Half of all charts come while others are being coded and drained.
        let spread = [60, 300, BUSY][usize::try_from(random.below(3)).unwrap_or(0)];
        let mut arrivals: Vec<u64> = (0..charts).map(|_| random.below(spread)).collect();
        arrivals.sort_unstable();
        let many = random.below(11);
        let mut faults: Vec<Fault> = (0..many)
            .map(|_| {
                let kind = random.below(Kind::ALL.len() as u64);
                let at = random.below(BUSY);
                let scale = [20, 120, 600][usize::try_from(random.below(3)).unwrap_or(0)];
                Fault {
                    kind: Kind::ALL[usize::try_from(kind).unwrap_or(0)],
                    at,
                    lasts: 5 + random.below(scale),
                }
            })
            .collect();
        faults.sort_by_key(|fault| (fault.at, fault.kind));
        Self {
            seed,
            arrivals,
            faults,
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        writeln!(f, "charts arrive at second {:?}", self.arrivals)?;
        for fault in &self.faults {
            let end = fault.at + fault.lasts;
            writeln!(f, "{:>6} s to {end:>5} s  {}", fault.at, fault.kind.says())?;
        }
        Ok(())
    }
}
