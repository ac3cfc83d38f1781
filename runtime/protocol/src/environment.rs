//! What each program needs from its surroundings, declared once.

pub use lightsout_contract::fleet::{
    AnyJob, LauncherEnvironment, MasterEnvironment, ProgramArchive, ReaperEnvironment, RunLog,
    WakeUp,
};
use lightsout_contract::{
    AppendItems, Binary, HandOutObjects, Program, ReadItems, ReadObjects, ReceiveFrom, SendTo,
    Setting, Side, UpdateItems, WriteItems, WriteObjects, binary, environment,
};

use crate::{
    audit::AuditItem,
    caller::CallerItem,
    chart::{Chart, ChartArrival},
    coding::Outcome,
    control::ControlItem,
};

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
        /// The lease, to notice a master that is gone.
        control: ReadItems<ControlItem> = "CONTROL_TABLE",
        /// Seconds for which a received message stays hidden before it is extended.
        visibility_seconds: Setting<u32> = "VISIBILITY_SECONDS",
        /// Seconds for which the queue must read empty before the worker ends.
        drain_seconds: Setting<u64> = "DRAIN_SECONDS",
        /// The edition of the terminology that charts are coded by, such as `fy2026`.
        edition: Setting<String> = "TERMINOLOGY_EDITION",
    }
}

environment! {
    /// What every worker of a fleet needs, whatever its work is.
    ///
    /// The environment of a project's own worker declares the same variables beside its own;
    /// `lightsout_worker` reads these.
    pub struct FleetWorkerEnvironment {
        /// The messages.
        work: ReceiveFrom<AnyJob> = "WORK_QUEUE",
        /// The lease, to notice a master that is gone.
        control: ReadItems<ControlItem> = "CONTROL_TABLE",
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
        /// The trail of who saw what.
        audit: AppendItems<AuditItem> = "AUDIT_TABLE",
        /// Where each of its records lies once more, locked.
        sealed: WriteObjects<AuditItem> = "SEALED_TRAIL_BUCKET",
        /// How fast each caller has asked.
        callers: UpdateItems<CallerItem> = "CALLERS_TABLE",
        /// How many requests a second each caller may make on average.
        caller_rate: Setting<u32> = "CALLER_RATE",
        /// How many each may make at once.
        caller_burst: Setting<u32> = "CALLER_BURST",
        /// Where answers go that are too large for a response.
        exports: HandOutObjects<Export> = "EXPORTS_BUCKET",
        /// Charts that are to be coded once more.
        work: SendTo<ChartArrival> = "WORK_QUEUE",
        /// What the inbox is called, in which they lie.
        inbox: Setting<String> = "INBOX_BUCKET",
    }
}

environment! {
    /// What the function needs that knows the query API's callers by their tokens.
    pub struct AuthorizerEnvironment {
        /// The identity provider's public keys, as a JWK set.
        keys: Setting<String> = "TOKEN_KEYS",
        /// What the provider calls itself in tokens.
        issuer: Setting<String> = "TOKEN_ISSUER",
        /// What its tokens call this API.
        audience: Setting<String> = "TOKEN_AUDIENCE",
        /// The API's name, which [keys of tenants](crate::caller::usage_key) begin with.
        api: Setting<String> = "API_NAME",
    }
}

/// An answer of the query API that a caller fetches from a bucket; a marker for typed buckets.
pub enum Export {}

/// A request to the query API, as API Gateway passes it on.
pub enum ApiRequest {}

/// A token, as API Gateway asks about it.
pub enum TokenRequest {}

/// The Lambda that takes the lease and starts one master.
pub struct Launcher;

impl Program for Launcher {
    const BINARY: Binary = binary!("launcher" in "../launcher");
    type Message = WakeUp;
    type Environment<S: Side> = LauncherEnvironment<S>;
}

/// The Lambda that ends what nothing else has ended.
pub struct Reaper;

impl Program for Reaper {
    const BINARY: Binary = binary!("reaper" in "../reaper");
    type Message = WakeUp;
    type Environment<S: Side> = ReaperEnvironment<S>;
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

/// The Lambda that knows the query API's callers by their tokens.
pub struct Authorizer;

impl Program for Authorizer {
    const BINARY: Binary = binary!("authorizer" in "../authorizer");
    type Message = TokenRequest;
    type Environment<S: Side> = AuthorizerEnvironment<S>;
}

#[cfg(test)]
mod tests {
    use lightsout_contract::Live;

    use super::*;

    #[test]
    fn the_worker_is_given_what_every_worker_needs() {
        for variable in FleetWorkerEnvironment::<Live>::VARIABLES {
            let declared = WorkerEnvironment::<Live>::VARIABLES;
            assert!(declared.contains(variable), "`{variable}`");
        }
    }
}
