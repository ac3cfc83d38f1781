//! What survives when charts or results are lost.

use lightsout::{
    Construct, Scope,
    backup::{BackupRule, Plan, RestoreTest, Vault},
    dynamodb::TableRef,
    kms::Key,
};
use lightsout_protocol::audit::AuditItem;

use crate::app::Watched;

/// A locked vault, a daily plan for all that holds charts, results, runs, or who saw what, and
/// a monthly test that the tables can be had back.
pub(crate) struct Backup<'a>(
    pub(crate) &'a Watched<'a>,
    pub(crate) &'a TableRef<AuditItem>,
);

impl Construct for Backup<'_> {
    type Handle = ();

    fn build(self, scope: &mut Scope<'_>) {
        let key = scope.add(
            "Key",
            Key::new("Backups of charts and results").removal(self.0.removal),
        );
        let undelivered = self.0.fleet.undelivered.queue();
        let vault = Vault::new(&key).notifies(self.0.people, &undelivered);
        let vault = scope.add("Vault", vault);
        let retention = &self.0.settings.retention;
        let mut rule = BackupRule::daily().keep_days(retention.backup_days);
        if let Some(elsewhere) = &retention.backup_copy {
            rule = rule.copy_to(elsewhere.as_str());
        }
        scope.add(
            "Plan",
            Plan::new(&vault, rule)
                .table(&self.0.storage.results)
                .table(&self.0.storage.control)
                .table(self.1)
                .bucket(&self.0.intake.inbox)
                .bucket(&self.0.storage.large_results)
                .bucket(&self.0.storage.logs),
        );
        let test = RestoreTest::monthly(&vault)
            .table("Results", &self.0.storage.results)
            .table("Control", &self.0.storage.control)
            .table("Audit", self.1)
            .notifies(self.0.people, &undelivered);
        scope.add("Test", test);
    }
}
