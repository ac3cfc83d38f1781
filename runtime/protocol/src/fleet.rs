//! What the hosts of one run tell each other, through the control table.

use serde::{Deserialize, Serialize};

/// The tags that every instance of the pipeline carries from its first moment.
///
/// Instances are found by tag and never by a remembered id: the answer to a
/// launch can be lost. Keys are such that instance metadata can serve them
/// ([allowed characters](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html)).
pub mod tag {
    /// The pipeline, stable over all runs: what the reaper and the IAM
    /// conditions go by.
    pub const PIPELINE: &str = "lightsout:pipeline";
    /// The run that started the instance.
    pub const RUN: &str = "lightsout:run";
    /// [`MASTER`](super::role::MASTER) or [`WORKER`](super::role::WORKER).
    pub const ROLE: &str = "lightsout:role";
}

/// What an instance is for.
pub mod role {
    /// The one that runs Ansible.
    pub const MASTER: &str = "master";
    /// One of those that code charts.
    pub const WORKER: &str = "worker";
}

/// How to reach a worker, as the worker itself says in the control table.
///
/// The host key here is what SSH checks: nothing is trusted on first use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerHost {
    /// The EC2 instance id.
    pub instance: String,
    /// The private address.
    pub address: String,
    /// The port of sshd.
    pub port: u16,
    /// The user to log in as.
    pub user: String,
    /// The public host key: type and base64, as `ssh-keygen` writes it.
    pub host_key: String,
    /// The folder that the worker keeps its files in.
    pub directory: String,
}
