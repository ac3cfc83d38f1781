//! What a run knows and what it found out.

use lightsout::{
    Construct, Removal, Scope,
    dynamodb::{Table, TableRef},
    kms::Key,
    s3::{Bucket, BucketRef, LogBucket},
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
        let large_results = scope.add(
            "LargeResults",
            backed_up(
                self.settings,
                Bucket::new(&results_key).access_logs(&access, "results/"),
            ),
        );
        // What is in them is in the results too: they are no more to be kept than an answer is.
        let exports = scope.add(
            "Exports",
            Bucket::new(&results_key)
                .access_logs(&access, "exports/")
                .expire_after(EXPORT_DAYS)
                .expire_noncurrent(EXPORT_DAYS),
        );
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
