//! An EC2 instance as the API knows it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::SystemTime;

/// The id of an instance: `i-` and 17 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(String);

impl InstanceId {
    /// An id that no other instance has.
    pub(crate) fn fresh() -> Self {
        Self(format!("i-{}", hex_digits(17)))
    }

    /// Whether a resource id of EC2 names an instance.
    pub(crate) fn names_instance(resource: &str) -> bool {
        resource.starts_with("i-")
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl From<&str> for InstanceId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

/// The state of an instance, as in `DescribeInstances`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InstanceState {
    /// The host is being prepared.
    Pending,
    /// The host is up, or EC2 believes so.
    Running,
    /// The host is being ended for good.
    ShuttingDown,
    /// The host is gone.
    Terminated,
    /// The host is being stopped.
    Stopping,
    /// The host is off; its record stays.
    Stopped,
}

impl InstanceState {
    /// EC2's name of the state.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }

    /// EC2's number of the state (`InstanceState.Code` in the EC2 API).
    pub(crate) fn code(self) -> u16 {
        match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Terminated => 48,
            Self::Stopping => 64,
            Self::Stopped => 80,
        }
    }

    /// Whether a host stands behind an instance in this state.
    pub fn has_host(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }
}

impl fmt::Display for InstanceState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// What a person or a test wants to know of an instance.
#[derive(Clone, Debug)]
pub struct InstanceSummary {
    /// Its id.
    pub id: InstanceId,
    /// Its state.
    pub state: InstanceState,
    /// Its private address, which SSH listens on.
    pub address: Ipv4Addr,
    /// When `RunInstances` was called.
    pub launched: SystemTime,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The file that holds the output of its user data.
    pub console_log: PathBuf,
}

/// What the host's own power-off does to the instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ShutdownBehavior {
    #[default]
    Stop,
    Terminate,
}

impl ShutdownBehavior {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Terminate => "terminate",
        }
    }
}

/// Whether instance metadata can be read without a session token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum HttpTokens {
    #[default]
    Optional,
    Required,
}

/// Whether an option is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    Enabled,
    Disabled,
}

/// Which market pays for an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Market {
    OnDemand,
    Spot,
}

/// `MetadataOptions` of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MetadataOptions {
    pub(crate) tokens: HttpTokens,
    pub(crate) endpoint: Switch,
    pub(crate) tags: Switch,
    pub(crate) hop_limit: u8,
}

impl Default for MetadataOptions {
    /// The defaults of `RunInstances` where neither account nor image say otherwise.
    fn default() -> Self {
        Self {
            tokens: HttpTokens::Optional,
            endpoint: Switch::Enabled,
            tags: Switch::Disabled,
            hop_limit: 1,
        }
    }
}

/// Everything that a launch decides about an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Launch {
    pub(crate) image: String,
    pub(crate) instance_type: String,
    /// Base64, as it came.
    pub(crate) user_data: Option<String>,
    pub(crate) shutdown: ShutdownBehavior,
    pub(crate) profile_arn: Option<String>,
    pub(crate) subnet: Option<String>,
    pub(crate) vpc: Option<String>,
    pub(crate) zone: String,
    pub(crate) security_groups: Vec<String>,
    pub(crate) metadata: MetadataOptions,
    pub(crate) market: Market,
    pub(crate) key_name: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) client_token: Option<String>,
}

/// One instance.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) id: InstanceId,
    pub(crate) reservation: String,
    pub(crate) launch_index: usize,
    pub(crate) launch: Launch,
    pub(crate) state: InstanceState,
    pub(crate) transition: Option<Transition>,
    pub(crate) launched: SystemTime,
    pub(crate) address: Ipv4Addr,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Instance {
    /// The instance's host name, as Amazon's resolver would give it.
    pub(crate) fn host_name(&self) -> String {
        format!("ip-{}", self.address.to_string().replace('.', "-"))
    }

    /// The name of the instance profile.
    pub(crate) fn profile_name(&self) -> Option<&str> {
        self.launch
            .profile_arn
            .as_deref()
            .and_then(|arn| arn.rsplit('/').next())
    }
}

/// Why an instance left the `running` state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transition {
    /// `TerminateInstances` or `StopInstances`.
    Api,
    /// The host powered itself off.
    Host,
    /// The host could not be started.
    Failed,
}

impl Transition {
    /// `StateReason.Code` and `StateReason.Message` of EC2.
    pub(crate) fn state_reason(self) -> (&'static str, &'static str) {
        match self {
            Self::Api => (
                "Client.UserInitiatedShutdown",
                "Client.UserInitiatedShutdown: User initiated shutdown",
            ),
            Self::Host => (
                "Client.InstanceInitiatedShutdown",
                "Client.InstanceInitiatedShutdown: Instance initiated shutdown",
            ),
            Self::Failed => (
                "Server.InternalError",
                "Server.InternalError: Internal error on launch",
            ),
        }
    }
}

/// `count` random hexadecimal digits.
pub(crate) fn hex_digits(count: usize) -> String {
    let mut bytes = vec![0_u8; count];
    getrandom::fill(&mut bytes).expect("the kernel has had a random source since Linux 3.17");
    bytes
        .iter()
        .filter_map(|byte| char::from_digit(u32::from(byte & 0xf), 16))
        .collect()
}
