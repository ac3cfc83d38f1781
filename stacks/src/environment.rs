//! Environments: what differs between one deployment and another.
//!
//! Each is a file in `stacks/environments/`, compiled in; another environment is
//! another file. A misspelt key is an error with its line and not a default.

use std::{fmt, net::Ipv4Addr, str::FromStr, time::Duration};

use lightsout::ec2::{Cidr, Zones};
use lightsout_nlp::Edition;
use serde::{Deserialize, Deserializer};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The files of `stacks/environments/`, by name, in the order of their names.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/environments.rs"));

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
    /// Whether no stack can be deleted before it is told so.
    pub deletion_protection: bool,
    /// Whether nothing else lives in the account's region, so that its own settings are
    /// this environment's to make: no snapshot and no network of it is open to the public.
    pub owns_account: bool,
    /// Whether functions have executions of their own, so that none waits because another is
    /// asked too much. The account's quota must exceed them by a hundred, which that of a new
    /// account does not.
    #[serde(default)]
    pub reserves_concurrency: bool,
    /// The name of the account's policy that no role may exceed, where it wants one.
    pub permissions_boundary: Option<String>,
    /// Who is told, and who may act in an emergency.
    #[serde(default)]
    pub people: PeopleSettings,
    /// How long is kept what was replaced or backed up.
    pub retention: RetentionSettings,
    /// The private network.
    pub network: NetworkSettings,
    /// The machines.
    pub hosts: HostSettings,
    /// The size and the limits of a run.
    pub fleet: FleetSettings,
    /// When a run is started, and when a person is told.
    pub alarms: AlarmSettings,
    /// How charts are coded.
    #[serde(default)]
    pub coding: CodingSettings,
    /// Who may ask the query API.
    #[serde(default)]
    pub api: ApiSettings,
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

/// Who is told, and who may act in an emergency.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeopleSettings {
    /// The mail addresses that alarms go to; each has to confirm once.
    #[serde(default)]
    pub alerts: Vec<String>,
    /// The names of the account's roles whose holders may read results when the API is
    /// down; no role for emergencies is made where there is none.
    #[serde(default)]
    pub emergency_roles: Vec<String>,
    /// The names of the account's roles that bring charts from outside of the network. Where
    /// one is named, no other may; where none is, whoever has the permission.
    #[serde(default)]
    pub chart_roles: Vec<String>,
}

/// How long is kept what was replaced or backed up.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionSettings {
    /// Days for which a replaced or deleted object can be had back.
    pub replaced_days: u32,
    /// Days for which a backup is kept.
    pub backup_days: u32,
    /// The ARN of a vault of another region or account that gets a copy of each backup.
    pub backup_copy: Option<String>,
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
    /// The prefix lists of the region's gateways, where programs are to reach these and
    /// nothing else that might ever be routed to.
    pub gateways: Option<GatewaySettings>,
}

/// The prefix lists that hold a region's addresses of S3 and `DynamoDB`, as
/// `aws ec2 describe-managed-prefix-lists` tells them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewaySettings {
    /// That of S3, such as `pl-63a5400a`.
    pub s3: String,
    /// That of `DynamoDB`, such as `pl-02cd2c6b`.
    pub dynamodb: String,
}

/// The machines of a run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostSettings {
    /// An image of Amazon Linux 2023: an AMI's id, or `ssm:` and the public parameter that
    /// names the newest.
    pub base_image: String,
    /// What machines boot from.
    pub image: HostImage,
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

/// What machines boot from, and so how Ansible reaches a master.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostImage {
    /// The base image: a master installs Ansible from pinned wheels when it boots.
    Wheelhouse,
    /// Images made of it beforehand, hardened, with Ansible and the worker in them. A
    /// deployment that changes what is in them takes some twenty minutes more.
    Baked,
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

/// When a run is started, and when a person is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlarmSettings {
    /// Waiting charts that start a run at once.
    pub backlog: u32,
    /// Minutes after which even a single waiting chart starts a run.
    pub oldest_minutes: u64,
    /// Minutes between two looks of the heartbeat.
    pub heartbeat_minutes: u64,
    /// Results that one caller may read in an hour before a person is told.
    pub reads_per_hour: u32,
}

/// How charts are coded.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodingSettings {
    /// The edition of the terminology, such as `fy2026`.
    #[serde(deserialize_with = "edition")]
    pub edition: &'static Edition,
}

/// By the newest edition.
impl Default for CodingSettings {
    fn default() -> Self {
        Self {
            edition: Edition::newest(),
        }
    }
}

/// Who may ask the query API: the identity provider whose tokens are believed.
///
/// A signature of IAM is not taken: it says which role of the account calls, but neither for
/// which tenant nor in which role of a clinic. The tags of its session could say so, and API
/// Gateway does not pass them on; a list of roles here would be a second place that says who is
/// who, which nobody at the provider can take back.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiSettings {
    /// What the provider calls itself in its tokens (`iss`).
    pub issuer: String,
    /// What its tokens call this API (`aud`).
    pub audience: String,
    /// Its public keys: the JSON text that its `jwks_uri` answers. Keys that come and go are
    /// given side by side.
    pub keys: String,
    /// From where the API can be called at all.
    #[serde(default)]
    pub access: ApiAccess,
    /// The blocks of IPv4 addresses that the firewall lets through, such as those of the
    /// clinic's network; none but these where one is named, and every one where none is.
    #[serde(default)]
    pub callers: Vec<String>,
    /// The tenants that may ask, each with a quota of its own; every tenant of the provider may
    /// where none is named, and then nobody counts.
    #[serde(default)]
    pub tenants: Vec<String>,
    /// Requests that the callers of one tenant may make in a day, all together.
    #[serde(default = "requests_per_day")]
    pub requests_per_day: u32,
}

/// More than one a second.
const fn requests_per_day() -> u32 {
    100_000
}

/// From where the query API can be called at all; who may is another question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApiAccess {
    /// From the internet, behind the firewall.
    #[default]
    Regional,
    /// From the private network alone, by an endpoint of its own in each zone.
    Private,
}

/// Nobody is let in.
impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            issuer: "https://issuer.invalid".to_owned(),
            audience: "lightsout".to_owned(),
            keys: r#"{"keys": []}"#.to_owned(),
            access: ApiAccess::default(),
            callers: Vec::new(),
            tenants: Vec::new(),
            requests_per_day: requests_per_day(),
        }
    }
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

impl EnvironmentError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown { name } => {
                format!("copy `stacks/environments/dev.toml` to `{name}.toml` beside it, and edit")
            }
            Self::Malformed { .. } => {
                "`stacks/environments/prod.toml` has every key; `Settings` in \
                 `stacks/src/environment.rs` says what each means"
                    .to_owned()
            }
            Self::OutOfRange { name, .. } => {
                format!("change these lines of `stacks/environments/{name}.toml`")
            }
        }
    }
}

/// A value that is out of its range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeFault {
    /// The key, such as `fleet.most_workers`.
    pub key: &'static str,
    /// The line that holds the value, or the table that lacks it; the first is 1.
    pub line: usize,
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
        let mut faults = settings.faults();
        for fault in &mut faults {
            fault.line = line_of(text, fault.key);
        }
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
        let mut faults = Faults::default();
        self.identity_faults(&mut faults);
        self.people_faults(&mut faults);
        self.network_faults(&mut faults);
        self.host_faults(&mut faults);
        self.fleet_faults(&mut faults);
        let AlarmSettings {
            backlog,
            oldest_minutes,
            heartbeat_minutes,
            reads_per_hour,
        } = self.alarms;
        faults.unless(backlog > 0, "alarms.backlog", backlog, "at least 1");
        faults.unless(
            (1..=1440).contains(&oldest_minutes),
            "alarms.oldest_minutes",
            oldest_minutes,
            "1 to 1440",
        );
        faults.unless(
            (1..=60).contains(&heartbeat_minutes),
            "alarms.heartbeat_minutes",
            heartbeat_minutes,
            "1 to 60",
        );
        faults.unless(
            reads_per_hour > 0,
            "alarms.reads_per_hour",
            reads_per_hour,
            "at least 1",
        );
        for block in &self.api.callers {
            let wanted = "a block of IPv4 addresses such as `203.0.113.0/24`";
            faults.unless(is_block(block), "api.callers", block, wanted);
        }
        for tenant in &self.api.tenants {
            let wanted = "1 to 40 small letters, digits and `-`, as tokens name a tenant";
            faults.unless(is_tenant(tenant), "api.tenants", tenant, wanted);
        }
        let requests = self.api.requests_per_day;
        faults.unless(requests > 0, "api.requests_per_day", requests, "at least 1");
        faults.0
    }

    fn identity_faults(&self, faults: &mut Faults) {
        if let Some(account) = &self.account {
            let is_id = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
            faults.unless(is_id, "account", account, "12 digits");
        }
        if let Some(region) = &self.region {
            let is_name = region.split('-').count() >= 3
                && region.ends_with(|c: char| c.is_ascii_digit())
                && region
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            faults.unless(is_name, "region", region, "a name such as `us-east-1`");
        }
        faults.unless(
            self.purpose != Purpose::ThrowAway || !self.deletion_protection,
            "deletion_protection",
            self.deletion_protection,
            "`false` where the purpose is `throw-away`",
        );
        if let Some(name) = &self.permissions_boundary {
            faults.unless(
                is_iam_name(name),
                "permissions_boundary",
                name,
                "the name of a policy, without its ARN",
            );
        }
        let RetentionSettings {
            replaced_days,
            backup_days,
            backup_copy,
        } = &self.retention;
        faults.unless(
            (1..=36_500).contains(replaced_days),
            "retention.replaced_days",
            replaced_days,
            "1 to 36500",
        );
        // A vault's lock asks for as many days as a table can be wound back.
        faults.unless(
            (35..=36_500).contains(backup_days),
            "retention.backup_days",
            backup_days,
            "35 to 36500",
        );
        if let Some(vault) = backup_copy {
            let is_vault = vault.starts_with("arn:aws") && vault.contains(":backup-vault:");
            faults.unless(is_vault, "retention.backup_copy", vault, "a vault's ARN");
        }
    }

    fn people_faults(&self, faults: &mut Faults) {
        let PeopleSettings {
            alerts,
            emergency_roles,
            chart_roles,
        } = &self.people;
        faults.unless(
            self.purpose != Purpose::Production || !alerts.is_empty(),
            "people.alerts",
            "[]",
            "an address at least: an alarm of production has to reach a person",
        );
        for address in alerts {
            let is_address = address
                .split_once('@')
                .is_some_and(|(who, host)| !who.is_empty() && host.contains('.'))
                && !address.contains(char::is_whitespace);
            faults.unless(is_address, "people.alerts", address, "a mail address");
        }
        let roles = [
            ("people.emergency_roles", emergency_roles),
            ("people.chart_roles", chart_roles),
        ];
        for (key, names) in roles {
            for name in names {
                faults.unless(
                    is_iam_name(name),
                    key,
                    name,
                    "the name of a role, without its ARN",
                );
            }
        }
    }

    fn network_faults(&self, faults: &mut Faults) {
        let NetworkSettings {
            cidr: _,
            zones,
            gateways,
        } = &self.network;
        faults.unless((2..=3).contains(zones), "network.zones", zones, "2 or 3");
        let Some(GatewaySettings { s3, dynamodb }) = gateways else {
            return;
        };
        for (key, list) in [
            ("network.gateways.s3", s3),
            ("network.gateways.dynamodb", dynamodb),
        ] {
            let is_id = list.strip_prefix("pl-").is_some_and(|id| {
                !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit())
            });
            faults.unless(is_id, key, list, "a prefix list such as `pl-63a5400a`");
        }
        // A prefix list is of one region: elsewhere it is somebody else's.
        faults.unless(
            self.region.is_some(),
            "network.gateways",
            "set",
            "the region that they are of, as `region`",
        );
    }

    fn host_faults(&self, faults: &mut Faults) {
        for (key, types) in [
            ("hosts.master_types", &self.hosts.master_types),
            ("hosts.worker_types", &self.hosts.worker_types),
        ] {
            faults.unless(
                (1..=10).contains(&types.len()),
                key,
                format_args!("{types:?}"),
                "1 to 10 instance types",
            );
        }
        let base = self.hosts.base_image.as_str();
        faults.unless(
            base.starts_with("ami-") || base.starts_with("ssm:/"),
            "hosts.base_image",
            base,
            "an AMI's id, or `ssm:` and a parameter's name",
        );
        faults.unless(
            self.hosts.spot_percent <= 100,
            "hosts.spot_percent",
            self.hosts.spot_percent,
            "0 to 100",
        );
    }

    fn fleet_faults(&self, faults: &mut Faults) {
        let FleetSettings {
            most_workers,
            charts_per_worker,
            lease_seconds,
            drain_seconds,
            visibility_seconds,
            deadline_minutes,
            boot_seconds,
        } = self.fleet;
        faults.unless(
            charts_per_worker > 0,
            "fleet.charts_per_worker",
            charts_per_worker,
            "at least 1",
        );
        // SQS hides a message for twelve hours at most.
        for (key, found, least, most, wanted) in [
            (
                "fleet.most_workers",
                most_workers.into(),
                1,
                500,
                "1 to 500",
            ),
            ("fleet.lease_seconds", lease_seconds, 10, 3600, "10 to 3600"),
            ("fleet.drain_seconds", drain_seconds, 1, 600, "1 to 600"),
            (
                "fleet.visibility_seconds",
                visibility_seconds.into(),
                10,
                43_200,
                "10 to 43200",
            ),
            (
                "fleet.deadline_minutes",
                deadline_minutes,
                5,
                2880,
                "5 to 2880",
            ),
            ("fleet.boot_seconds", boot_seconds, 10, 3600, "10 to 3600"),
        ] {
            faults.unless((least..=most).contains(&found), key, found, wanted);
        }
        faults.unless(
            lease_seconds < deadline_minutes.saturating_mul(60),
            "fleet.lease_seconds",
            lease_seconds,
            "less than the deadline",
        );
    }
}

/// What is out of range so far.
#[derive(Default)]
struct Faults(Vec<RangeFault>);

impl Faults {
    /// Notes a fault, unless the value is as it should be.
    fn unless(
        &mut self,
        is_good: bool,
        key: &'static str,
        found: impl fmt::Display,
        wanted: &'static str,
    ) {
        if !is_good {
            self.0.push(RangeFault {
                key,
                line: 1,
                found: found.to_string(),
                wanted,
            });
        }
    }
}

/// Returns whether IAM takes the name for a role or policy.
fn is_iam_name(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+=,.@-_".contains(c))
}

/// Whether the text is a block of IPv4 addresses that a firewall takes: not all of them.
fn is_block(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, prefix)| {
        let is_prefix = prefix.parse().is_ok_and(|bits| (1..=32u8).contains(&bits));
        address.parse::<Ipv4Addr>().is_ok() && is_prefix
    })
}

fn is_tenant(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Returns the line on which `key` is set, or that of the innermost table around it.
fn line_of(text: &str, key: &str) -> usize {
    let Ok(root) = DeTable::parse(text) else {
        return 1;
    };
    let mut start = 0;
    let mut table = Some(root.get_ref());
    for part in key.split('.') {
        let found = table.and_then(|table| table.iter().find(|(name, _)| name.get_ref() == part));
        let Some((name, value)) = found else { break };
        start = name.span().start;
        table = within(value);
    }
    text[..start].matches('\n').count() + 1
}

fn within<'a, 'i>(value: &'a Spanned<DeValue<'i>>) -> Option<&'a DeTable<'i>> {
    match value.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
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
            "line {}: `{}` is `{}`, wanted {}",
            self.line, self.key, self.found, self.wanted
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

/// Reads the name of an edition of the terminology, with the names of all where it is none.
fn edition<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static Edition, D::Error> {
    let name = String::deserialize(deserializer)?;
    Edition::named(&name).map_err(serde::de::Error::custom)
}

fn known() -> String {
    let names: Vec<_> = FILES.iter().map(|(name, _)| format!("`{name}`")).collect();
    names.join(", ")
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

    const DEV: &str = include_str!("../environments/dev.toml");

    fn refused(text: &str) -> String {
        Environment::parse("dev", text).unwrap_err().to_string()
    }

    /// The line of the file that begins with these words.
    fn line(beginning: &str) -> usize {
        let at = DEV.lines().position(|line| line.starts_with(beginning));
        at.unwrap() + 1
    }

    #[test]
    fn every_file_of_the_folder_is_an_environment_in_range() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/environments");
        let mut found: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        found.sort();
        let environments = Environment::all().unwrap();
        let names: Vec<_> = environments.into_iter().map(|e| e.name).collect();
        assert_eq!(names, found);
        assert!(names.len() >= 4);
    }

    #[test]
    fn a_misspelt_key_is_an_error_with_its_line() {
        let text = DEV.replace("zones", "zoness");
        let error = Environment::parse("dev", &text).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        let wanted = format!("line {}", line("zones"));
        assert!(source.contains(&wanted), "{source}");
        assert!(source.contains("unknown field `zoness`"), "{source}");
    }

    #[test]
    fn every_table_refuses_keys_that_it_does_not_know() {
        let mut tables = 0;
        for heading in DEV.lines().filter(|line| line.starts_with('[')) {
            let text = DEV.replace(heading, &format!("{heading}\nsurprise = 1"));
            let error = Environment::parse("dev", &text).unwrap_err();
            assert!(
                matches!(error, EnvironmentError::Malformed { .. }),
                "{heading}"
            );
            tables += 1;
        }
        assert_eq!(tables, 7);
        assert!(Environment::parse("dev", &format!("surprise = 1\n{DEV}")).is_err());
    }

    #[test]
    fn values_out_of_range_are_reported_together_with_their_lines() {
        let text = DEV
            .replace("zones = 2", "zones = 7")
            .replace("backlog = 100", "backlog = 0");
        assert_eq!(
            refused(&text),
            format!(
                "`stacks/environments/dev.toml` holds what cannot be: \
                 line {}: `network.zones` is `7`, wanted 2 or 3; \
                 line {}: `alarms.backlog` is `0`, wanted at least 1",
                line("zones"),
                line("backlog"),
            )
        );
    }

    #[test]
    fn each_setting_has_a_range() {
        for (good, bad, key) in [
            ("purpose =", "account = \"12\"\npurpose =", "account"),
            ("purpose =", "region = \"Ohio\"\npurpose =", "region"),
            (
                "purpose =",
                "permissions_boundary = \"arn:x\"\npurpose =",
                "permissions_boundary",
            ),
            ("base_image = \"ssm:", "base_image = \"", "hosts.base_image"),
            (
                "spot_percent = 0",
                "spot_percent = 101",
                "hosts.spot_percent",
            ),
            (
                "replaced_days = 90",
                "replaced_days = 0",
                "retention.replaced_days",
            ),
            (
                "backup_days = 35",
                "backup_days = 34",
                "retention.backup_days",
            ),
            (
                "backup_days = 35",
                "backup_days = 35\nbackup_copy = \"vault\"",
                "retention.backup_copy",
            ),
            (
                "lease_seconds = 120",
                "lease_seconds = 9",
                "fleet.lease_seconds",
            ),
            (
                "deadline_minutes = 240",
                "deadline_minutes = 4",
                "fleet.deadline_minutes",
            ),
            (
                "[network]",
                "[people]\nalerts = [\"nobody\"]\n[network]",
                "people.alerts",
            ),
            (
                "zones = 2",
                "zones = 2\ngateways = { s3 = \"pl-1\", dynamodb = \"?\" }",
                "network.gateways.dynamodb",
            ),
            ("\"development\"", "\"production\"", "people.alerts"),
            (
                "access =",
                "callers = [\"0.0.0.0/0\"]\naccess =",
                "api.callers",
            ),
            (
                "access =",
                "callers = [\"clinic.example\"]\naccess =",
                "api.callers",
            ),
            ("access =", "tenants = [\"a/b\"]\naccess =", "api.tenants"),
            (
                "access =",
                "requests_per_day = 0\naccess =",
                "api.requests_per_day",
            ),
        ] {
            assert!(DEV.contains(good), "{good}");
            let error = refused(&DEV.replacen(good, bad, 1));
            assert!(error.contains(&format!("`{key}` is")), "{key}: {error}");
        }
    }

    #[test]
    fn a_choice_that_is_none_is_an_error_that_names_the_choices() {
        for (good, bad, wanted) in [
            (
                "image = \"wheelhouse\"",
                "image = \"golden\"",
                "`wheelhouse` or `baked`",
            ),
            (
                "access = \"regional\"",
                "access = \"public\"",
                "`regional` or `private`",
            ),
            (
                "edition = \"fy2026\"",
                "edition = \"fy1999\"",
                "no edition `fy1999`",
            ),
            (
                "\"development\"",
                "\"testing\"",
                "`throw-away`, `development`, `production`",
            ),
        ] {
            assert!(DEV.contains(good), "{good}");
            let text = DEV.replacen(good, bad, 1);
            let error = Environment::parse("dev", &text).unwrap_err();
            let source = std::error::Error::source(&error).unwrap().to_string();
            assert!(source.contains(wanted), "{source}");
            let key = good.split(' ').next().unwrap();
            let place = text.lines().position(|line| line.contains(bad)).unwrap() + 1;
            assert!(source.contains(&format!("line {place}")), "{key}: {source}");
        }
    }

    #[test]
    fn what_is_thrown_away_cannot_be_protected() {
        let text = include_str!("../environments/local.toml")
            .replace("deletion_protection = false", "deletion_protection = true");
        let error = Environment::parse("local", &text).unwrap_err().to_string();
        assert!(error.contains("`deletion_protection` is `true`"), "{error}");
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones_and_says_how_to_add_one() {
        let error = Environment::named("clinic").unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no environment `clinic`; there are `dev`, `local`, `prod`, `staging`"
        );
        assert!(error.hint().contains("`clinic.toml`"), "{}", error.hint());
    }
}
