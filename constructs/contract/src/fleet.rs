//! A batch fleet: what its infrastructure, its launcher and its master share.
//!
//! A launcher starts one master when work waits, and the master starts workers and
//! ends them. Neither looks into a message: they count what waits. What workers do
//! is another [`Program`](crate::Program)'s business.

use crate::{
    Invoke, LaunchFrom, MeasureQueue, ReadObjects, Setting, TerminateFleet, WriteItems,
    WriteObjects, environment,
};

environment! {
    /// What the launcher needs.
    pub struct LauncherEnvironment {
        /// The queue whose depth decides.
        work: MeasureQueue<AnyJob> = "WORK_QUEUE",
        /// The lease and the runs.
        control: WriteItems<ControlItem> = "CONTROL_TABLE",
        /// How a master is started.
        master: LaunchFrom<Masters> = "MASTER_TEMPLATE",
        /// The master's instance types with commas between them, the best first.
        master_types: Setting<String> = "MASTER_TYPES",
        /// The subnets that it may be started in with commas between them, one a zone.
        subnets: Setting<String> = "SUBNETS",
        /// Whether a spot instance is asked for before one that is paid for in full.
        master_spot: Setting<bool> = "MASTER_SPOT",
        /// The fleet's name, the value of its tag.
        pipeline: Setting<String> = "PIPELINE",
        /// Seconds for which a new lease is held before the master extends it.
        lease_seconds: Setting<u64> = "LEASE_SECONDS",
    }
}

environment! {
    /// What the reaper needs.
    pub struct ReaperEnvironment {
        /// The queue whose depth tells whether work is left.
        work: MeasureQueue<AnyJob> = "WORK_QUEUE",
        /// The lease, the runs and what the last sweep left.
        control: WriteItems<ControlItem> = "CONTROL_TABLE",
        /// How every host of the fleet is ended, by the fleet's tag.
        fleet: TerminateFleet<AnyHost> = "FLEET",
        /// What starts a run for the work that is left.
        launcher: Invoke<Launchers> = "LAUNCHER",
        /// Seconds between two sweeps.
        sweep_seconds: Setting<u64> = "SWEEP_SECONDS",
        /// Seconds after its launch for which a host that boots is left alone.
        grace_seconds: Setting<u64> = "GRACE_SECONDS",
        /// Seconds after which a run is given up, and no host may run any more.
        deadline_seconds: Setting<u64> = "DEADLINE_SECONDS",
    }
}

environment! {
    /// What the master needs.
    pub struct MasterEnvironment {
        /// The queue that is to be drained.
        work: MeasureQueue<AnyJob> = "WORK_QUEUE",
        /// The lease, the runs and the hosts.
        control: WriteItems<ControlItem> = "CONTROL_TABLE",
        /// How workers are started.
        workers: LaunchFrom<Workers> = "WORKER_TEMPLATE",
        /// How workers are ended, by the fleet's tag.
        fleet: TerminateFleet<Workers> = "FLEET",
        /// How the master ends itself, by the fleet's tag.
        itself: TerminateFleet<Masters> = "MASTER_FLEET",
        /// Where the host fetches its programs and playbooks when it boots.
        programs: ReadObjects<ProgramArchive> = "BUNDLE_BUCKET",
        /// Where logs and the exit code go.
        logs: WriteObjects<RunLog> = "LOG_BUCKET",
        /// Seconds for which each heartbeat extends the lease.
        lease_seconds: Setting<u64> = "LEASE_SECONDS",
        /// Most workers at once.
        most_workers: Setting<u32> = "MOST_WORKERS",
        /// How many waiting messages deserve one worker.
        messages_per_worker: Setting<u64> = "MESSAGES_PER_WORKER",
        /// The workers' instance types with commas between them, the best first.
        worker_types: Setting<String> = "WORKER_TYPES",
        /// The subnets that they may be started in with commas between them, one a zone.
        subnets: Setting<String> = "SUBNETS",
        /// How many workers of a hundred are asked for as spot instances.
        spot_percent: Setting<u32> = "SPOT_PERCENT",
        /// Seconds for which the queue must read empty before it counts as drained.
        drain_seconds: Setting<u64> = "DRAIN_SECONDS",
        /// Seconds after which a run is given up.
        deadline_seconds: Setting<u64> = "DEADLINE_SECONDS",
    }
}

/// A message of whatever the workers receive, which is counted and never read.
pub enum AnyJob {}

/// The functions that run the launcher; a marker.
pub enum Launchers {}

/// The hosts of a fleet, whatever they run; a marker.
pub enum AnyHost {}

/// The hosts that run the master; a marker.
pub enum Masters {}

/// The hosts that run the worker; a marker.
pub enum Workers {}

/// An item of the control table; a marker for typed tables.
pub enum ControlItem {}

/// Built programs, zipped; a marker for typed buckets.
pub enum ProgramArchive {}

/// What the master leaves behind about a run; a marker for typed buckets.
pub enum RunLog {}

/// What the launcher and the reaper are invoked with: an alarm, a schedule, a person
/// or each other; they look at the world themselves and never at the event.
pub enum WakeUp {}

/// The variable that carries the control table's name, for the launcher, the
/// master and the user data of workers alike.
pub const CONTROL_VARIABLE: &str = "CONTROL_TABLE";

/// The keys of the control table.
pub mod control {
    /// Partition key.
    pub const PART: &str = "part";
    /// Sort key.
    pub const ITEM: &str = "item";
    /// What the parts begin with in which hosts announce themselves, a part a run.
    pub const HOSTS: &str = "hosts#";
}

/// What the launcher and the reaper say of each invocation, as fields of one line of
/// JSON.
pub mod report {
    /// By the launcher: seconds since the run that works now was begun; absent while none does.
    pub const RUN_SECONDS: &str = "run_seconds";
    /// By the reaper: instances that it ended.
    pub const ENDED: &str = "ended";
    /// By the reaper: what it does about work that nobody does.
    pub const REARMING: &str = "rearming";
    /// The value of [`REARMING`] where the launcher was woken often enough in vain.
    pub const AT_CAP: &str = "at_cap";
}

/// The names of what a master fetches when it boots.
pub mod bundle {
    /// The master's binary.
    pub const MASTER: &str = "master";
    /// The worker's binary.
    pub const WORKER: &str = "worker";
    /// The folder of the playbooks.
    pub const PLAYBOOKS: &str = "playbooks";
}

/// The tags that every instance of a fleet carries from its first moment.
///
/// Instances are found by tag and never by a remembered id: the answer to a
/// launch can be lost. Keys are such that instance metadata can serve them
/// ([allowed characters](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html)).
pub mod tag {
    /// The fleet, stable over all runs: what IAM conditions go by.
    pub const PIPELINE: &str = "lightsout:pipeline";
    /// The run that started the instance.
    pub const RUN: &str = "lightsout:run";
    /// [`MASTER`](super::role::MASTER) or [`WORKER`](super::role::WORKER).
    pub const ROLE: &str = "lightsout:role";
}

/// What an instance is for.
pub mod role {
    /// The one that starts workers and ends them.
    pub const MASTER: &str = "master";
    /// One of those that do the work.
    pub const WORKER: &str = "worker";
}
