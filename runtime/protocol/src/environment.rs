//! What each program needs from its surroundings, declared once.

use lightsout_contract::{
    Binary, LaunchFrom, MeasureQueue, Program, ReadItems, ReadObjects, ReceiveFrom, Setting, Side,
    TerminateFleet, WriteItems, WriteObjects, binary, environment,
};

use crate::{
    chart::{Chart, ChartArrival},
    coding::Outcome,
    control::ControlItem,
};

environment! {
    /// What the launcher needs.
    pub struct LauncherEnvironment {
        /// The queue whose depth decides.
        work: MeasureQueue<ChartArrival> = "WORK_QUEUE",
        /// The lease and the runs.
        control: WriteItems<ControlItem> = "CONTROL_TABLE",
        /// How a master is started.
        master: LaunchFrom<Master> = "MASTER_TEMPLATE",
        /// The pipeline's name, the value of its tag.
        pipeline: Setting<String> = "PIPELINE",
        /// Seconds for which a new lease is held before the master extends it.
        lease_seconds: Setting<u64> = "LEASE_SECONDS",
    }
}

environment! {
    /// What the master needs.
    pub struct MasterEnvironment {
        /// The queue that is to be drained.
        work: MeasureQueue<ChartArrival> = "WORK_QUEUE",
        /// The lease, the runs and the hosts.
        control: WriteItems<ControlItem> = "CONTROL_TABLE",
        /// How workers are started.
        workers: LaunchFrom<Worker> = "WORKER_TEMPLATE",
        /// How workers are ended, by the pipeline's tag.
        fleet: TerminateFleet<Worker> = "FLEET",
        /// How the master ends itself, by the pipeline's tag.
        itself: TerminateFleet<Master> = "MASTER_FLEET",
        /// Where the host fetches its programs and playbooks when it boots.
        programs: ReadObjects<ProgramArchive> = "BUNDLE_BUCKET",
        /// Where logs and the exit code go.
        logs: WriteObjects<RunLog> = "LOG_BUCKET",
        /// Seconds for which each heartbeat extends the lease.
        lease_seconds: Setting<u64> = "LEASE_SECONDS",
        /// Most workers at once.
        most_workers: Setting<u32> = "MOST_WORKERS",
        /// How many charts of backlog deserve one worker.
        charts_per_worker: Setting<u64> = "CHARTS_PER_WORKER",
        /// Seconds for which the queue must read empty before it counts as drained.
        drain_seconds: Setting<u64> = "DRAIN_SECONDS",
        /// Seconds after which a run is given up.
        deadline_seconds: Setting<u64> = "DEADLINE_SECONDS",
    }
}

environment! {
    /// What a worker needs.
    pub struct WorkerEnvironment {
        /// Charts that have arrived.
        work: ReceiveFrom<ChartArrival> = "WORK_QUEUE",
        /// The charts themselves.
        inbox: ReadObjects<Chart> = "INBOX_BUCKET",
        /// Where outcomes are stored.
        results: WriteItems<Outcome> = "RESULTS_TABLE",
        /// Where outcomes go that are too large for an item.
        large_results: WriteObjects<Outcome> = "RESULTS_BUCKET",
        /// Where the host says how it is reached; the lease, to notice a master
        /// that is gone.
        control: WriteItems<ControlItem> = "CONTROL_TABLE",
        /// Seconds for which a received message stays hidden before it is extended.
        visibility_seconds: Setting<u32> = "VISIBILITY_SECONDS",
        /// Seconds for which the queue must read empty before the worker ends.
        drain_seconds: Setting<u64> = "DRAIN_SECONDS",
    }
}

environment! {
    /// What the query API needs.
    pub struct ApiEnvironment {
        /// Outcomes by chart and by run.
        results: ReadItems<Outcome> = "RESULTS_TABLE",
        /// Outcomes that are too large for an item.
        large_results: ReadObjects<Outcome> = "RESULTS_BUCKET",
        /// The runs.
        control: ReadItems<ControlItem> = "CONTROL_TABLE",
    }
}

/// Built programs, zipped; a marker for typed buckets.
pub enum ProgramArchive {}

/// What the master leaves behind about a run; a marker for typed buckets.
pub enum RunLog {}

/// What the launcher is invoked with: an alarm, a schedule or a person; it
/// looks at the queue itself and never at the event.
pub enum WakeUp {}

/// A request to the query API, as API Gateway passes it on.
pub enum ApiRequest {}

/// The Lambda that takes the lease and starts one master.
pub struct Launcher;

impl Program for Launcher {
    const BINARY: Binary = binary!("launcher" in "../launcher");
    type Message = WakeUp;
    type Environment<S: Side> = LauncherEnvironment<S>;
}

/// The host that runs Ansible and watches over it.
pub struct Master;

impl Program for Master {
    const BINARY: Binary = binary!("master" in "../master");
    type Message = ();
    type Environment<S: Side> = MasterEnvironment<S>;
}

/// A host that drains the queue.
pub struct Worker;

impl Program for Worker {
    const BINARY: Binary = binary!("worker" in "../worker");
    type Message = ChartArrival;
    type Environment<S: Side> = WorkerEnvironment<S>;
}

/// The Lambda that answers from the results.
pub struct Api;

impl Program for Api {
    const BINARY: Binary = binary!("api" in "../api");
    type Message = ApiRequest;
    type Environment<S: Side> = ApiEnvironment<S>;
}
