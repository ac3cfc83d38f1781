//! How the control table is laid out.
//!
//! | [`PART`] | [`ITEM`] | attributes |
//! | --- | --- | --- |
//! | [`LEASE`] | [`LEASE`] | `epoch` N, `run` S, `expires_at` N (0: released); by the master: [`HOLDER`] S, [`HEARTBEAT`] N |
//! | [`RUNS`] | run id | `state` S, `epoch` N, `started_at` N, `ended_at` N, `backlog` N, `workers` N, `reason` S; by the launcher: `attempt` N, `asked_at` N |
//! | [`master_part`] | [`MASTER_KEY`] | `public_key` S, made for this run alone |
//! | [`hosts_part`] | instance id | `instance`, `address`, `port`, `user`, `host_key`, `directory`, all S: [`WorkerHost`](crate::fleet::WorkerHost) |
//! | [`REAPER`] | [`REAPER`] | what the last sweep left, as JSON: `sweep` S, and `at` N, the condition of the next |
//!
//! Shell in the workers' user data writes the row of the hosts and reads the one
//! before it, hence plain attributes of type S.

use lightsout_contract::fleet::control::HOSTS;
pub use lightsout_contract::fleet::{
    ControlItem,
    control::{ITEM, PART},
};

use crate::run::RunId;

/// The one lease.
pub const LEASE: &str = "lease";
/// The attribute of the lease that names the run and the machine that hold it.
pub const HOLDER: &str = "holder";
/// The attribute of the lease that says how many seconds lie between two
/// heartbeats of its holder.
pub const HEARTBEAT: &str = "heartbeat";
/// How many heartbeats a master may miss before its workers give it up: a
/// small master that is merely busy must not lose its fleet.
pub const MISSED_HEARTBEATS: u64 = 10;
/// The part that lists all runs.
pub const RUNS: &str = "runs";
/// The attribute of a run that says in which way its master was asked for last.
pub const ATTEMPT: &str = "attempt";
/// The attribute of a run that says when its master was asked for last.
pub const ASKED_AT: &str = "asked_at";
/// The one item of the reaper.
pub const REAPER: &str = "reaper";
/// The item that holds the master's public key.
pub const MASTER_KEY: &str = "key";

/// Returns the part in which the hosts of `run` announce themselves.
pub fn hosts_part(run: &RunId) -> String {
    format!("{HOSTS}{run}")
}

/// Returns the part in which the master of `run` publishes its key.
pub fn master_part(run: &RunId) -> String {
    format!("master#{run}")
}
