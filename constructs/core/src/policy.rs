//! Policies: how `CloudFormation` waits for a resource, and how it changes one.

use std::{panic::Location, time::Duration};

use crate::{ResourceId, Scope, Tree};

/// When a new resource counts as created.
///
/// ```
/// use std::time::Duration;
/// use lightsout_core::CreationPolicy;
///
/// let hosts = CreationPolicy::signals(2, Duration::from_secs(900)).min_successful_percent(50);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CreationPolicy(pub(crate) Policy);

/// How an existing resource is changed.
///
/// ```
/// use std::time::Duration;
/// use lightsout_core::{RollingUpdate, UpdatePolicy};
///
/// let one_by_one = UpdatePolicy::rolling(
///     RollingUpdate::new().max_batch_size(1).min_in_service(1).pause(Duration::from_secs(300)),
/// );
/// let all_anew = UpdatePolicy::replacing();
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct UpdatePolicy(pub(crate) Policy);

/// How an Auto Scaling group's instances are changed, batch by batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RollingUpdate(Policy);

/// A Lambda alias's shift of traffic from one version to another by `CodeDeploy`.
#[derive(Debug, Clone, PartialEq)]
pub struct AliasShift(Policy);

/// The entries of a policy, the types that take it, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Policy {
    pub(crate) entries: Vec<(&'static str, Tree)>,
    /// What each entry is called, and the types that take it.
    pub(crate) takers: Vec<(&'static str, &'static [&'static str])>,
    pub(crate) wrong: Vec<String>,
}

/// Types with these policies, as of the user guide's pages on the two attributes.
const GROUP: &str = "AWS::AutoScaling::AutoScalingGroup";
const FLEET: &str = "AWS::AppStream::Fleet";
const SIGNALLED: &[&str] = &[
    GROUP,
    "AWS::EC2::Instance",
    "AWS::CloudFormation::WaitCondition",
];

/// The longest that `CloudFormation` waits for a signal when it creates something.
const LONGEST_WAIT: Duration = Duration::from_hours(12);

/// The longest pause between two batches.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

impl CreationPolicy {
    /// Waits for so many success signals, at most so long; the longest is 12 hours.
    pub fn signals(count: u32, within: Duration) -> Self {
        let mut policy = Policy::default();
        let timeout = policy.duration("Timeout", within, LONGEST_WAIT);
        policy.set(
            "ResourceSignal",
            SIGNALLED,
            Tree::object([("Count", count.into()), ("Timeout", timeout)]),
        );
        Self(policy)
    }

    /// Starts the `AppStream` fleet once it is created.
    pub fn start_fleet() -> Self {
        let mut policy = Policy::default();
        policy.set("StartFleet", &[FLEET], Tree::object::<&str>([]));
        Self(policy)
    }

    /// Needs only so many percent of a group's instances to signal success.
    pub fn min_successful_percent(mut self, percent: u8) -> Self {
        let percent = self.0.percent("MinSuccessfulInstancesPercent", percent);
        self.0.set(
            "AutoScalingCreationPolicy",
            &[GROUP],
            Tree::object([("MinSuccessfulInstancesPercent", percent)]),
        );
        self
    }
}

impl UpdatePolicy {
    /// Changes an Auto Scaling group's instances batch by batch.
    pub fn rolling(update: RollingUpdate) -> Self {
        let mut policy = Policy {
            wrong: update.0.wrong,
            ..Policy::default()
        };
        policy.set(
            "AutoScalingRollingUpdate",
            &[GROUP],
            Tree::object(update.0.entries),
        );
        Self(policy)
    }

    /// Makes a new Auto Scaling group, and deletes the old one once that works.
    pub fn replacing() -> Self {
        let mut policy = Policy::default();
        policy.set(
            "AutoScalingReplacingUpdate",
            &[GROUP],
            Tree::object([("WillReplace", true.into())]),
        );
        Self(policy)
    }

    /// Keeps the sizes that a scheduled action gave to an Auto Scaling group.
    pub fn keep_scheduled_sizes(mut self) -> Self {
        self.0.set(
            "AutoScalingScheduledAction",
            &[GROUP],
            Tree::object([("IgnoreUnmodifiedGroupSizeProperties", true.into())]),
        );
        self
    }

    /// Keeps the sizes that a scheduled action gave to a group, and nothing else.
    pub fn scheduled_sizes() -> Self {
        Self(Policy::default()).keep_scheduled_sizes()
    }

    /// Shifts the traffic of a Lambda alias by `CodeDeploy`.
    pub fn alias(shift: AliasShift) -> Self {
        let mut policy = Policy::default();
        policy.set(
            "CodeDeployLambdaAliasUpdate",
            &["AWS::Lambda::Alias"],
            Tree::object(shift.0.entries),
        );
        Self(policy)
    }

    /// Adds and removes shards of an `ElastiCache` replication group in place.
    pub fn online_resharding() -> Self {
        let mut policy = Policy::default();
        policy.set(
            "UseOnlineResharding",
            &["AWS::ElastiCache::ReplicationGroup"],
            true.into(),
        );
        Self(policy)
    }

    /// Upgrades the engine of an `OpenSearch` domain in place.
    pub fn version_upgrade() -> Self {
        let mut policy = Policy::default();
        policy.set(
            "EnableVersionUpgrade",
            &[
                "AWS::OpenSearchService::Domain",
                "AWS::Elasticsearch::Domain",
            ],
            true.into(),
        );
        Self(policy)
    }

    /// Stops an `AppStream` fleet before it is changed and starts it afterwards.
    pub fn restart_fleet() -> Self {
        let mut policy = Policy::default();
        policy.set("StopBeforeUpdate", &[FLEET], true.into());
        policy.set("StartAfterUpdate", &[FLEET], true.into());
        Self(policy)
    }
}

impl RollingUpdate {
    /// An update one instance at a time, as is `CloudFormation`'s own default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes at most so many instances at once.
    pub fn max_batch_size(mut self, instances: u32) -> Self {
        if instances == 0 {
            self.0.wrong.push("has batches of no instances".to_owned());
        }
        self.0.entries.push(("MaxBatchSize", instances.into()));
        self
    }

    /// Keeps at least so many instances in service.
    pub fn min_in_service(mut self, instances: u32) -> Self {
        self.0
            .entries
            .push(("MinInstancesInService", instances.into()));
        self
    }

    /// Keeps at least so many percent of the instances active, if the group is large.
    pub fn min_active_percent(mut self, percent: u8) -> Self {
        let percent = self.0.percent("MinActiveInstancesPercent", percent);
        self.0.entries.push(("MinActiveInstancesPercent", percent));
        self
    }

    /// Needs only so many percent of the new instances to signal success.
    pub fn min_successful_percent(mut self, percent: u8) -> Self {
        let percent = self.0.percent("MinSuccessfulInstancesPercent", percent);
        self.0
            .entries
            .push(("MinSuccessfulInstancesPercent", percent));
        self
    }

    /// Waits so long after each batch, at most an hour.
    pub fn pause(mut self, pause: Duration) -> Self {
        let pause = self.0.duration("PauseTime", pause, LONGEST_PAUSE);
        self.0.entries.push(("PauseTime", pause));
        self
    }

    /// Waits for a signal of each new instance, as long as the pause.
    pub fn wait_for_signals(mut self) -> Self {
        self.0.entries.push(("WaitOnResourceSignals", true.into()));
        self
    }

    /// Suspends these processes of the group while it is changed, such as `Launch`.
    pub fn suspend(mut self, processes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let processes = processes.into_iter().map(Into::into);
        self.0
            .entries
            .push(("SuspendProcesses", processes.collect()));
        self
    }
}

impl AliasShift {
    /// A shift by an application and a deployment group of `CodeDeploy`.
    pub fn new(
        application: impl Into<crate::Value<String>>,
        deployment_group: impl Into<crate::Value<String>>,
    ) -> Self {
        Self(Policy {
            entries: vec![
                ("ApplicationName", application.into().into()),
                ("DeploymentGroupName", deployment_group.into().into()),
            ],
            ..Policy::default()
        })
    }

    /// Runs this function before any traffic is shifted.
    pub fn before(mut self, function: impl Into<crate::Value<String>>) -> Self {
        let hook = ("BeforeAllowTrafficHook", function.into().into());
        self.0.entries.push(hook);
        self
    }

    /// Runs this function after all traffic is shifted.
    pub fn after(mut self, function: impl Into<crate::Value<String>>) -> Self {
        let hook = ("AfterAllowTrafficHook", function.into().into());
        self.0.entries.push(hook);
        self
    }
}

impl Policy {
    fn set(&mut self, key: &'static str, takers: &'static [&'static str], tree: Tree) {
        self.entries.retain(|(known, _)| *known != key);
        self.takers.retain(|(known, _)| *known != key);
        self.entries.push((key, tree));
        self.takers.push((key, takers));
    }

    fn percent(&mut self, key: &str, percent: u8) -> Tree {
        if percent > 100 {
            self.wrong
                .push(format!("has `{percent}` as `{key}`, over 100 percent"));
        }
        u16::from(percent).into()
    }

    /// Writes a duration as ISO 8601 does, such as `PT15M`.
    fn duration(&mut self, key: &str, duration: Duration, longest: Duration) -> Tree {
        if duration > longest {
            self.wrong.push(format!(
                "has {} seconds as `{key}`; the most is {}",
                duration.as_secs(),
                longest.as_secs()
            ));
        }
        let seconds = duration.as_secs();
        let parts = [
            (seconds / 3600, 'H'),
            (seconds / 60 % 60, 'M'),
            (seconds % 60, 'S'),
        ];
        let mut text = String::from("PT");
        for (count, unit) in parts.iter().filter(|(count, _)| *count > 0) {
            text.push_str(&count.to_string());
            text.push(*unit);
        }
        if seconds == 0 {
            text.push_str("0S");
        }
        text.into()
    }
}

impl Scope<'_> {
    /// Says when `resource` counts as created.
    #[track_caller]
    pub fn creation_policy(&mut self, resource: ResourceId, policy: CreationPolicy) {
        if let Some(resource) = self.resource(resource, Location::caller()) {
            resource.creation_policy = Some(Box::new(policy.0));
        }
    }

    /// Says how `resource` is changed.
    #[track_caller]
    pub fn update_policy(&mut self, resource: ResourceId, policy: UpdatePolicy) {
        if let Some(resource) = self.resource(resource, Location::caller()) {
            resource.update_policy = Some(Box::new(policy.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_written_in_its_largest_units() {
        let mut policy = Policy::default();
        let mut text = |seconds| {
            let tree = policy.duration("Timeout", Duration::from_secs(seconds), LONGEST_WAIT);
            tree.as_str().unwrap().to_owned()
        };
        assert_eq!(text(900), "PT15M");
        assert_eq!(text(3661), "PT1H1M1S");
        assert_eq!(text(0), "PT0S");
        assert_eq!(text(43_200), "PT12H");
        assert!(policy.wrong.is_empty());
        policy.duration("Timeout", Duration::from_secs(43_201), LONGEST_WAIT);
        assert_eq!(
            policy.wrong,
            ["has 43201 seconds as `Timeout`; the most is 43200"]
        );
    }
}
