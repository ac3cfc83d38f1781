//! What the infrastructure and the running programs of the pipeline share.
//!
//! Everything here is data and pure functions: no client, no clock, no
//! randomness. The stacks fill the [environments](environment), the programs
//! read them; both therefore agree on every variable and permission.
//!
//! In reading order:
//!
//! - [`chart`]: references to charts, as they travel through the queue
//! - [`coding`]: what is stored about a chart once it was coded or rejected
//! - [`shard`]: how the outcomes of one run are spread over an index
//! - [`run`]: the lease, the states of a run, and the launcher's decision
//! - [`launch`]: the launcher's steps, generic over the world they are taken in
//! - [`oversight`]: the decisions of the master's supervisor
//! - [`growth`]: when the fleet of a run grows
//! - [`leave`]: when a worker ends
//! - [`reap`]: what the reaper ends and closes, and when it wakes the launcher
//! - [`sweep`]: the reaper's steps, generic over the world they are taken in
//! - [`fleet`]: what the hosts of one run tell each other
//! - [`control`]: how all of that is laid out in the control table
//! - [`audit`]: how the audit trail is laid out in its table
//! - [`caller`]: who calls the query API, and which charts are theirs
//! - [`environment`]: what each program needs, and the programs themselves
//! - [`interleave`]: what lets worlds in memory stop between two calls

pub mod audit;
pub mod caller;
pub mod chart;
pub mod coding;
pub mod control;
pub mod environment;
pub mod fleet;
pub mod growth;
pub mod interleave;
pub mod launch;
pub mod leave;
pub mod oversight;
pub mod reap;
pub mod run;
pub mod shard;
pub mod sweep;
