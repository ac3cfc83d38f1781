//! What a run knows and what it found out.

use std::time::Duration;

use lightsout::{
    Construct, Pseudo, Removal, Scope, Value,
    cloudwatch::Metric,
    dynamodb::{Table, TableRef},
    ec2::NetworkRef,
    join,
    kms::Key,
    s3::{Bucket, BucketRef, LogBucket, ObjectLock},
    sns::TopicRef,
};
use lightsout_protocol::{
    coding::{Outcome, attribute},
    control::{self, ControlItem},
    environment::{Export, RunLog},
};

use crate::{environment::Settings, omission::Omission};

/// The results, the control table and the logs of runs.
pub(crate) struct Storage<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) removal: Removal,
    pub(crate) network: &'a NetworkRef,
    pub(crate) people: &'a TopicRef,
}

/// References into the storage.
pub(crate) struct StorageRef {
    pub(crate) results: TableRef<Outcome>,
    pub(crate) large_results: BucketRef<Outcome>,
    pub(crate) exports: BucketRef<Export>,
    pub(crate) control: TableRef<ControlItem>,
    pub(crate) logs: BucketRef<RunLog>,
}

impl Construct for Storage<'_> {
    type Handle = StorageRef;

    fn build(self, scope: &mut Scope<'_>) -> StorageRef {
        // What is found in charts has a key of its own, so that who may see
        // how runs go need not be able to read it.
        let results_key = scope.add(
            "ResultsKey",
            Key::new("Codes and their evidence").removal(self.removal),
        );
        let control_key = scope.add(
            "ControlKey",
            Key::new("Leases, runs and their logs").removal(self.removal),
        );
        let access = scope.add("AccessLogs", LogBucket::new().removal(self.removal));
        let results = scope.add(
            "Results",
            Table::new(&results_key, attribute::CHART)
                .sort(attribute::CODING)
                .index_of(
                    attribute::BY_RUN,
                    attribute::RUN_SHARD,
                    attribute::CHART,
                    [attribute::STATUS, attribute::CODES],
                )
                .index_of(
                    attribute::BY_REJECTION,
                    attribute::REJECTED_SHARD,
                    attribute::CHART,
                    [attribute::OUTCOME, attribute::OUTCOME_SHA256],
                ),
        );
        let large = Bucket::new(&results_key).access_logs(&access, "results/");
        let mut large = backed_up(self.settings, large);
        if self.removal == Removal::Keep {
            // Who may end the lock can still follow a patient's wish, or a court's.
            large = large.object_lock(ObjectLock::Governance(
                self.settings.retention.replaced_days,
            ));
        }
        if !self.settings.leaves_out(Omission::Perimeter) {
            let (backup, emergency) = (backup_role(scope), emergency_role(scope));
            large = large
                .read_through(self.network, [backup.clone(), emergency])
                .written_through(self.network, [backup]);
        }
        let large_results = scope.add("LargeResults", large);
        // What is in them is in the results too: they are no more to be kept than an answer is. Who
        // has the address of one reads it from where they are.
        let exports = Bucket::new(&results_key)
            .access_logs(&access, "exports/")
            .expire_after(EXPORT_DAYS)
            .expire_noncurrent(EXPORT_DAYS);
        let exports = if self.settings.leaves_out(Omission::Perimeter) {
            exports
        } else {
            exports.written_through(self.network, [])
        };
        let exports = scope.add("Exports", exports);
        let control = scope.add(
            "Control",
            Table::new(&control_key, control::PART).sort(control::ITEM),
        );
        let logs = scope.add(
            "RunLogs",
            backed_up(
                self.settings,
                Bucket::new(&control_key).access_logs(&access, "run-logs/"),
            ),
        );
        tell_of_throttling(scope, "Results", &results, self.people);
        for (id, index) in [
            ("ByRunRefused", attribute::BY_RUN),
            ("ByRejectionRefused", attribute::BY_REJECTION),
        ] {
            tell_of_refusals(scope, id, results.throttled_writes_of(index), self.people);
        }
        tell_of_throttling(scope, "Control", &control, self.people);
        scope.output(output::CONTROL, control.name(), "Leases and runs");
        StorageRef {
            results,
            large_results,
            exports,
            control,
            logs,
        }
    }
}

/// Days after which an answer that was fetched from a bucket goes: S3 counts no less.
const EXPORT_DAYS: u32 = 1;

/// The role of the backups, by what its name begins with: its stack comes later.
pub(crate) fn backup_role(scope: &Scope<'_>) -> Value<String> {
    role(format!(
        "{}-{}-backup-*",
        scope.app_name(),
        scope.stage().name
    ))
}

/// The role for emergencies, likewise.
fn emergency_role(scope: &Scope<'_>) -> Value<String> {
    role(format!(
        "{}-{}-audit-Emergency*",
        scope.app_name(),
        scope.stage().name
    ))
}

/// The ARN of a role of this account, by its name or a pattern.
pub(crate) fn role(name: impl Into<String>) -> Value<String> {
    join![
        "arn:",
        Pseudo::Partition,
        ":iam::",
        Pseudo::AccountId,
        ":role/",
        name.into()
    ]
}

/// Tells a person of a table that goes on to refuse what it is asked, for want of capacity.
pub(crate) fn tell_of_throttling<T>(
    scope: &mut Scope<'_>,
    name: &str,
    table: &TableRef<T>,
    people: &TopicRef,
) {
    for (what, refused) in [
        ("Reads", table.throttled_reads()),
        ("Writes", table.throttled_writes()),
    ] {
        tell_of_refusals(scope, &format!("{name}{what}Refused"), refused, people);
    }
}

/// What is refused once is asked again; what is refused time and again is a person's to see.
fn tell_of_refusals(scope: &mut Scope<'_>, id: &str, refused: Metric, people: &TopicRef) {
    let refused = refused
        .period(REFUSAL_PERIOD)
        .at_least(1)
        .for_periods(REFUSAL_PERIODS)
        .describe("A table refuses requests for want of capacity; see its limits, and who asks.");
    scope.add(id, refused.notifies(people));
}

/// For how long a table must refuse something before a person is told.
const REFUSAL_PERIOD: Duration = Duration::from_mins(5);
const REFUSAL_PERIODS: u32 = 3;

/// Lets a bucket be backed up, and keeps for a while what is replaced in it.
pub(crate) fn backed_up<T>(settings: &Settings, bucket: Bucket<T>) -> Bucket<T> {
    let bucket = bucket.expire_noncurrent(settings.retention.replaced_days);
    if settings.leaves_out(Omission::Backups) {
        bucket
    } else {
        // AWS Backup learns of changes by the account's event bus.
        bucket.event_bridge()
    }
}

/// The outputs of this stack that tools read.
pub mod output {
    /// The control table's name.
    pub const CONTROL: &str = "ControlTableName";
}
