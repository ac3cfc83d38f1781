//! Who did what, kept where nobody can change it.

use lightsout::{
    Construct, Scope, cfn,
    cloudtrail::Trail,
    iam::BreakGlass,
    kms::Key,
    logs::MetricFilter,
    s3::{AuditBucket, LogBucket},
};

use crate::{app::Watched, storage::role};

/// The trail of the account with each read of a chart or a result, in a locked bucket;
/// the role for emergencies; and what is closed for the whole account.
pub(crate) struct Audit<'a>(pub(crate) &'a Watched<'a>);

impl Construct for Audit<'_> {
    type Handle = ();

    fn build(self, scope: &mut Scope<'_>) {
        let key = scope.add(
            "Key",
            Key::new("Records of who did what").removal(self.0.removal),
        );
        let access = scope.add("AccessLogs", LogBucket::new().removal(self.0.removal));
        let records = scope.add("Records", AuditBucket::new(&key, &access, "records/"));
        let trail = scope.add(
            "Trail",
            Trail::new(&records)
                .objects_of(&self.0.intake.inbox)
                .objects_of(&self.0.storage.large_results)
                .objects_of(&self.0.storage.exports)
                .objects_of(&self.0.storage.logs)
                .items_of(&self.0.storage.results)
                .items_of(&self.0.storage.control)
                .watched_by(self.0.people),
        );
        let roles = &self.0.settings.people.emergency_roles;
        if !roles.is_empty() {
            self.emergency(scope, roles);
            // Whoever takes the role on is in the trail by its name.
            let seen = MetricFilter::new(
                &trail.logs(),
                format!(
                    r#"{{ $.eventName = "AssumeRole" && $.requestParameters.roleArn = "*{EMERGENCY}*" }}"#
                ),
                format!("{}/Emergency", scope.physical_stack_name()),
                "EmergencyUse",
            );
            let seen = scope.add("EmergencyUse", seen).metric();
            let used = seen
                .at_least(1)
                .describe("Somebody acts in an emergency; ask who, and why.");
            scope.add("EmergencyUseAlarm", used.notifies(self.0.people));
        }
        if self.0.settings.owns_account {
            scope.add(
                "NoPublicSnapshots",
                cfn::ec2::SnapshotBlockPublicAccess::new("block-all-sharing"),
            );
            scope.add(
                "NoInternet",
                cfn::ec2::VpcBlockPublicAccessOptions::new("block-bidirectional"),
            );
        }
    }
}

/// The role's logical id, which its name in the account holds.
const EMERGENCY: &str = "Emergency";

impl Audit<'_> {
    /// Lets people read results, and nothing else, while the API is down.
    fn emergency(&self, scope: &mut Scope<'_>, roles: &[String]) {
        let people = roles.iter().map(|name| role(name.as_str()));
        let results = self.0.storage.results.reader();
        let large = self.0.storage.large_results.reader();
        let statements = results.statements().iter().chain(large.statements());
        scope.add(EMERGENCY, BreakGlass::new(people).with(statements.cloned()));
    }
}
