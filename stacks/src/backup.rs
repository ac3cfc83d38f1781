//! What survives when charts or results are lost.

use lightsout::{
    Construct, Scope,
    backup::{BackupRule, Plan, Vault},
    dynamodb::TableRef,
    kms::Key,
};
use lightsout_protocol::audit::AuditItem;

use crate::app::Watched;

/// A locked vault, and a daily plan for all that holds charts, results, runs, or who saw what.
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
        let vault = scope.add("Vault", Vault::new(&key).notifies(self.0.people));
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
    }
}
