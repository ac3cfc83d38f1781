//! How charts come in: the inbox, the work queue and the dead letters.

use std::time::Duration;

use lightsout::{
    Construct, Pseudo, Removal, Scope,
    ec2::NetworkRef,
    join,
    kms::Key,
    s3::{Bucket, BucketRef, LogBucket, ObjectLock},
    sqs::{DeadLetters, DeadLettersRef, Queue, QueueRef},
};
use lightsout_protocol::chart::{Chart, ChartArrival, ChartReference};

use crate::{
    environment::Settings,
    omission::Omission,
    storage::{backed_up, backup_role, role},
};

/// Receives of a message before it goes to the dead letters.
const ATTEMPTS: u16 = 3;

/// The inbox, which announces each chart in the work queue.
pub(crate) struct Intake<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) removal: Removal,
    pub(crate) network: &'a NetworkRef,
}

/// References into the intake.
pub(crate) struct IntakeRef {
    pub(crate) inbox: BucketRef<Chart>,
    pub(crate) work: QueueRef<ChartArrival>,
    pub(crate) dead: DeadLettersRef<ChartArrival>,
}

impl Construct for Intake<'_> {
    type Handle = IntakeRef;

    fn build(self, scope: &mut Scope<'_>) -> IntakeRef {
        let messages = scope.add(
            "MessageKey",
            Key::new("References to charts that wait").removal(self.removal),
        );
        let charts = scope.add("ChartKey", Key::new("Charts at rest").removal(self.removal));
        // The queue's policy names the bucket before the bucket is there, hence
        // a name that can be told beforehand.
        let name = join![
            scope.physical_stack_name(),
            "-inbox-",
            Pseudo::AccountId,
            "-",
            Pseudo::Region
        ];
        let dead = scope.add("DeadLetters", DeadLetters::new(&messages));
        let work = scope.add(
            "Work",
            Queue::new(&messages)
                .visibility(Duration::from_secs(
                    self.settings.fleet.visibility_seconds.into(),
                ))
                .dead_letter(&dead, ATTEMPTS)
                .accepts_from_bucket(name.clone()),
        );
        let access = scope.add("AccessLogs", LogBucket::new().removal(self.removal));
        let inbox = Bucket::new(&charts)
            .named(name)
            .access_logs(&access, "inbox/")
            .notify(&work, ChartReference::PREFIX);
        let mut inbox = backed_up(self.settings, inbox);
        if self.removal == Removal::Keep {
            // A chart can be locked by who brings it.
            inbox = inbox.object_lock(ObjectLock::Each);
        }
        if !self.settings.leaves_out(Omission::Perimeter) {
            let backup = backup_role(scope);
            inbox = inbox.read_through(self.network, [backup.clone()]);
            let bring = &self.settings.people.chart_roles;
            if !bring.is_empty() {
                let bring = bring.iter().map(|name| role(name.as_str()));
                inbox = inbox.written_through(self.network, bring.chain([backup]));
            }
        }
        let inbox = scope.add("Inbox", inbox);
        scope.output(output::INBOX, inbox.name(), "Where charts are dropped");
        scope.output(output::WORK_QUEUE, work.url(), "Where charts wait");
        scope.output(
            output::DEAD_LETTERS,
            dead.queue().url(),
            "What could not be worked on",
        );
        IntakeRef { inbox, work, dead }
    }
}

/// The outputs of this stack that tools read.
pub mod output {
    /// The inbox bucket's name.
    pub const INBOX: &str = "InboxBucket";
    /// The work queue's URL.
    pub const WORK_QUEUE: &str = "WorkQueueUrl";
    /// The dead-letter queue's URL.
    pub const DEAD_LETTERS: &str = "DeadLetterQueueUrl";
}
