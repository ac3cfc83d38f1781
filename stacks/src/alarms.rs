//! When a run is started, and when a person is told.

use std::time::Duration;

use lightsout::{
    Construct, Removal, Scope, events::Schedule, kms::Key, lambda::FunctionRef, sns::Topic,
};
use lightsout_protocol::environment::Launcher;

use crate::{environment::Settings, intake::IntakeRef};

/// Alarms on the backlog and its age, a heartbeat, and the dead letters.
pub(crate) struct Alarms<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) removal: Removal,
    pub(crate) intake: &'a IntakeRef,
    pub(crate) launcher: &'a FunctionRef<Launcher>,
}

impl Construct for Alarms<'_> {
    type Handle = ();

    fn build(self, scope: &mut Scope<'_>) {
        let thresholds = &self.settings.alarms;
        let work = &self.intake.work;
        #[expect(clippy::cast_precision_loss, reason = "thresholds are far below 2^52")]
        let (backlog, oldest) = (
            thresholds.backlog as f64,
            (thresholds.oldest_minutes * 60) as f64,
        );
        scope.add(
            "Backlog",
            work.depth()
                .at_least(backlog)
                .describe("Enough charts wait to be worth a run.")
                .invokes(self.launcher),
        );
        scope.add(
            "Oldest",
            work.oldest_message_age()
                .at_least(oldest)
                .describe("A chart has waited long enough, few as there are.")
                .invokes(self.launcher),
        );
        // An alarm acts only when its state changes: the heartbeat makes sure
        // that work which was left behind is seen again.
        scope.add(
            "Heartbeat",
            Schedule::every(Duration::from_secs(thresholds.heartbeat_minutes * 60))
                .invokes(self.launcher),
        );
        let key = scope.add(
            "Key",
            Key::new("Alarms on their way to a person").removal(self.removal),
        );
        let people = scope.add("People", Topic::new(&key));
        scope.add(
            "DeadLetters",
            self.intake
                .dead
                .depth()
                .at_least(1.0)
                .describe("A message could not be worked on; a person has to look.")
                .notifies(&people),
        );
    }
}
