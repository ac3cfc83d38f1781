//! What a throw-away environment leaves out, and why.

use crate::environment::{Purpose, Settings};

/// Something that every other environment has, and that no local AWS endpoint can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Omission {
    /// Records of who spoke to whom in the network.
    FlowLogs,
    /// The trail, what watches it, and what is closed for the whole account.
    Audit,
    /// Backups of charts and results.
    Backups,
    /// The firewall in front of the API, and the watch over its readers.
    Guard,
    /// The dashboard.
    Dashboard,
    /// The alarm on other alarms, that a run is stuck.
    CompositeAlarms,
    /// That charts and results are read through the network's endpoint alone.
    Perimeter,
}

impl Omission {
    /// Every omission.
    pub const ALL: [Self; 7] = [
        Self::FlowLogs,
        Self::Audit,
        Self::Backups,
        Self::Guard,
        Self::Dashboard,
        Self::CompositeAlarms,
        Self::Perimeter,
    ];

    /// Returns what the endpoint lacks.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::FlowLogs => "MiniStack refuses a template with an AWS::EC2::FlowLog",
            Self::Audit => "MiniStack refuses a template with an AWS::CloudTrail::Trail",
            Self::Backups => "MiniStack refuses a template with an AWS::Backup::BackupSelection",
            Self::Guard => "MiniStack refuses a template with an AWS::WAFv2::WebACLAssociation",
            Self::CompositeAlarms => {
                "MiniStack refuses a template with an AWS::CloudWatch::CompositeAlarm"
            }
            Self::Perimeter => "MiniStack knows of no call by which endpoint it came",
            Self::Dashboard => "MiniStack publishes no metrics: a dashboard would be empty",
        }
    }

    /// Returns the stack that is left out whole, if it is one.
    pub const fn stack(self) -> Option<&'static str> {
        match self {
            Self::FlowLogs | Self::CompositeAlarms | Self::Perimeter => None,
            Self::Audit => Some("Audit"),
            Self::Backups => Some("Backup"),
            Self::Guard => Some("Guard"),
            Self::Dashboard => Some("Dashboard"),
        }
    }

    /// Returns the resources that are left out of other stacks, by stack and logical id.
    pub const fn resources(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::FlowLogs => &[
                ("Network", "FlowLogKey"),
                ("Network", "PrivateFlowLog"),
                ("Network", "PrivateFlowLogGroup"),
                ("Network", "PrivateFlowLogRole"),
                ("Network", "PrivateFlowLogRolePolicy"),
            ],
            Self::CompositeAlarms => &[("Fleet", "Stuck")],
            _ => &[],
        }
    }

    /// Returns the properties that other resources lack for it, by stack, id and name.
    pub const fn properties(self) -> &'static [(&'static str, &'static str, &'static str)] {
        match self {
            Self::Backups => &[
                (
                    "Intake",
                    "Inbox",
                    "NotificationConfiguration.EventBridgeConfiguration",
                ),
                ("Storage", "LargeResults", "NotificationConfiguration"),
                ("Storage", "RunLogs", "NotificationConfiguration"),
                // Backup tells people what failed.
                ("Alarms", "Key", "KeyPolicy.Statement"),
                ("Alarms", "PeoplePolicy", "PolicyDocument.Statement"),
                // What it could not tell is kept with what the clock could not deliver.
                ("Fleet", "Key", "KeyPolicy.Statement"),
                ("Fleet", "UndeliveredPolicy", "PolicyDocument.Statement"),
            ],
            Self::Perimeter => &[
                ("Intake", "InboxPolicy", "PolicyDocument.Statement"),
                ("Storage", "LargeResultsPolicy", "PolicyDocument.Statement"),
                ("Storage", "ExportsPolicy", "PolicyDocument.Statement"),
            ],
            _ => &[],
        }
    }
}

impl Settings {
    /// Returns whether the environment does without.
    pub fn leaves_out(&self, _: Omission) -> bool {
        self.purpose == Purpose::ThrowAway
    }
}
