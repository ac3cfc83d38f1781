//! Environments: what differs between one deployment and another.
//!
//! Each is a file in `stacks/environments/`, compiled in, so that a misspelt
//! key is an error with its line and not a default.

use std::{fmt, str::FromStr, time::Duration};

use lightsout::ec2::{Cidr, Zones};
use serde::{Deserialize, Deserializer};

/// The files of `stacks/environments/`, by name.
const FILES: [(&str, &str); 3] = [
    ("dev", include_str!("../environments/dev.toml")),
    ("local", include_str!("../environments/local.toml")),
    ("prod", include_str!("../environments/prod.toml")),
];

/// One deployment of the pipeline: its name, and what differs from the others.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The file's name without its extension.
    pub name: String,
    /// What the file says.
    pub settings: Settings,
}

/// The content of an environment's file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whether what is stored must survive the stacks.
    pub purpose: Purpose,
    /// The AWS account, where the environment is tied to one.
    pub account: Option<String>,
    /// The AWS region, where the environment is tied to one.
    pub region: Option<String>,
    /// The private network.
    pub network: NetworkSettings,
    /// The machines.
    pub hosts: HostSettings,
    /// The size and the limits of a run.
    pub fleet: FleetSettings,
    /// When a run is started.
    pub alarms: AlarmSettings,
}

/// What an environment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Goes with its stacks, data included; synthetic charts only.
    ThrowAway,
    /// Keeps keys and data when a stack is deleted.
    Development,
    /// The same, and no stack can be deleted by accident.
    Production,
}

/// The private network: isolated subnets, no way in or out but endpoints.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSettings {
    /// The address block, such as `10.0.0.0/16`.
    #[serde(deserialize_with = "parsed")]
    pub cidr: Cidr,
    /// Availability zones, 2 or 3.
    pub zones: u8,
}

/// The machines of a run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostSettings {
    /// An AMI's id, or `ssm:` and the public parameter that names it.
    pub image: String,
    /// What programs are built for.
    pub architecture: Architecture,
    /// The master's instance types: the first, and the next where capacity is short.
    pub master_types: Vec<String>,
    /// The workers' instance types: the first, and the next where capacity is short.
    pub worker_types: Vec<String>,
    /// How many workers of a hundred are asked for as spot instances first.
    pub spot_percent: u32,
    /// Whether the master is asked for as a spot instance first, too.
    #[serde(default)]
    pub master_spot: bool,
}

/// A processor architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// AWS Graviton.
    Arm64,
    /// Intel and AMD.
    #[serde(rename = "x86_64")]
    X86,
}

/// The size and the limits of a run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetSettings {
    /// Most workers at once.
    pub most_workers: u32,
    /// How many waiting charts deserve one worker.
    pub charts_per_worker: u64,
    /// Seconds for which a heartbeat holds the lease.
    pub lease_seconds: u64,
    /// Seconds for which the queue must read empty.
    pub drain_seconds: u64,
    /// Seconds for which a received message stays hidden.
    pub visibility_seconds: u32,
    /// Minutes after which every machine of a run powers off, whatever happens.
    pub deadline_minutes: u64,
    /// Seconds that a master may take from its launch to its first heartbeat; the reaper
    /// leaves a machine alone for twice as long.
    pub boot_seconds: u64,
}

/// When a run is started.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlarmSettings {
    /// Waiting charts that start a run at once.
    pub backlog: u32,
    /// Minutes after which even a single waiting chart starts a run.
    pub oldest_minutes: u64,
    /// Minutes between two looks of the heartbeat.
    pub heartbeat_minutes: u64,
}

/// Why an environment cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// There is no such file.
    #[error("there is no environment `{name}`; there are {}", known())]
    Unknown {
        /// The name that was asked for.
        name: String,
    },
    /// The file does not parse.
    #[error("`stacks/environments/{name}.toml` cannot be read")]
    Malformed {
        /// The environment's name.
        name: String,
        /// The parser's message, with line and column.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// Values are out of range; all of them are listed.
    #[error("`stacks/environments/{name}.toml` holds what cannot be: {}", list(.faults))]
    OutOfRange {
        /// The environment's name.
        name: String,
        /// Each value with what is wanted.
        faults: Vec<RangeFault>,
    },
}

/// A value that is out of its range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeFault {
    /// The key, such as `fleet.most_workers`.
    pub key: &'static str,
    /// What the file says.
    pub found: String,
    /// What would be accepted.
    pub wanted: &'static str,
}

impl Environment {
    /// Returns every environment, in the order of their names.
    pub fn all() -> Result<Vec<Self>, EnvironmentError> {
        FILES
            .iter()
            .map(|(name, text)| Self::parse(name, text))
            .collect()
    }

    /// Returns the environment of that name.
    pub fn named(name: &str) -> Result<Self, EnvironmentError> {
        let (name, text) = FILES
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| EnvironmentError::Unknown {
                name: name.to_owned(),
            })?;
        Self::parse(name, text)
    }

    /// Reads an environment from the text of its file.
    pub fn parse(name: &str, text: &str) -> Result<Self, EnvironmentError> {
        let settings: Settings =
            toml::from_str(text).map_err(|source| EnvironmentError::Malformed {
                name: name.to_owned(),
                source: Box::new(source),
            })?;
        let faults = settings.faults();
        if faults.is_empty() {
            Ok(Self {
                name: name.to_owned(),
                settings,
            })
        } else {
            Err(EnvironmentError::OutOfRange {
                name: name.to_owned(),
                faults,
            })
        }
    }
}

impl Settings {
    fn faults(&self) -> Vec<RangeFault> {
        let mut faults = Vec::new();
        let mut check = |holds: bool, key, found: String, wanted| {
            if !holds {
                faults.push(RangeFault { key, found, wanted });
            }
        };
        let zones = self.network.zones;
        check(
            (2..=3).contains(&zones),
            "network.zones",
            zones.to_string(),
            "2 or 3",
        );
        let FleetSettings {
            most_workers,
            charts_per_worker,
            lease_seconds,
            drain_seconds,
            visibility_seconds,
            deadline_minutes,
            boot_seconds,
        } = &self.fleet;
        check(
            (1..=500).contains(most_workers),
            "fleet.most_workers",
            most_workers.to_string(),
            "1 to 500",
        );
        check(
            *charts_per_worker > 0,
            "fleet.charts_per_worker",
            charts_per_worker.to_string(),
            "at least 1",
        );
        check(
            (10..=3600).contains(lease_seconds),
            "fleet.lease_seconds",
            lease_seconds.to_string(),
            "10 to 3600",
        );
        check(
            (1..=600).contains(drain_seconds),
            "fleet.drain_seconds",
            drain_seconds.to_string(),
            "1 to 600",
        );
        // SQS allows twelve hours at most.
        check(
            (10..=43_200).contains(visibility_seconds),
            "fleet.visibility_seconds",
            visibility_seconds.to_string(),
            "10 to 43200",
        );
        check(
            (5..=2880).contains(deadline_minutes),
            "fleet.deadline_minutes",
            deadline_minutes.to_string(),
            "5 to 2880",
        );
        check(
            (10..=3600).contains(boot_seconds),
            "fleet.boot_seconds",
            boot_seconds.to_string(),
            "10 to 3600",
        );
        check(
            self.alarms.backlog > 0,
            "alarms.backlog",
            self.alarms.backlog.to_string(),
            "at least 1",
        );
        check(
            (1..=1440).contains(&self.alarms.oldest_minutes),
            "alarms.oldest_minutes",
            self.alarms.oldest_minutes.to_string(),
            "1 to 1440",
        );
        check(
            (1..=60).contains(&self.alarms.heartbeat_minutes),
            "alarms.heartbeat_minutes",
            self.alarms.heartbeat_minutes.to_string(),
            "1 to 60",
        );
        faults
    }
}

impl NetworkSettings {
    /// Returns the number of availability zones, which is in range by now.
    pub fn zones(&self) -> Zones {
        if self.zones == 2 {
            Zones::Two
        } else {
            Zones::Three
        }
    }
}

impl FleetSettings {
    /// Returns the time after which every machine of a run powers off.
    pub fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline_minutes * 60)
    }
}

impl fmt::Display for RangeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is `{}`, wanted {}",
            self.key, self.found, self.wanted
        )
    }
}

/// Reads text as what its type makes of it, with that type's own message.
fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

fn known() -> String {
    FILES.map(|(name, _)| format!("`{name}`")).join(", ")
}

fn list(faults: &[RangeFault]) -> String {
    faults
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_parses_and_is_in_range() {
        let names: Vec<_> = Environment::all()
            .unwrap()
            .into_iter()
            .map(|e| e.name)
            .collect();
        assert_eq!(names, ["dev", "local", "prod"]);
    }

    #[test]
    fn no_file_is_forgotten() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/environments");
        let mut found: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_owned())
            .collect();
        found.sort();
        assert_eq!(found, FILES.map(|(name, _)| name));
    }

    #[test]
    fn a_misspelt_key_is_an_error_with_its_line() {
        let text = include_str!("../environments/dev.toml").replace("zones", "zoness");
        let error = Environment::parse("dev", &text).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("line 7"), "{source}");
        assert!(source.contains("zoness"), "{source}");
    }

    #[test]
    fn values_out_of_range_are_reported_together() {
        let text = include_str!("../environments/dev.toml")
            .replace("zones = 2", "zones = 7")
            .replace("backlog = 100", "backlog = 0");
        let error = Environment::parse("dev", &text).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`stacks/environments/dev.toml` holds what cannot be: \
             `network.zones` is `7`, wanted 2 or 3; `alarms.backlog` is `0`, wanted at least 1"
        );
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        assert_eq!(
            Environment::named("staging").unwrap_err().to_string(),
            "there is no environment `staging`; there are `dev`, `local`, `prod`"
        );
    }
}
