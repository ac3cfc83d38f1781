//! Where a person is told.

use lightsout::{
    Construct, Removal, Scope,
    kms::Key,
    sns::{OpsTopic, TopicRef},
};

use crate::environment::Settings;

/// The topic that alarms tell, and the people who hear of them.
pub(crate) struct Alarms<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) removal: Removal,
}

impl Construct for Alarms<'_> {
    type Handle = TopicRef;

    fn build(self, scope: &mut Scope<'_>) -> TopicRef {
        let key = scope.add(
            "Key",
            Key::new("Alarms on their way to a person").removal(self.removal),
        );
        let addresses = &self.settings.people.alerts;
        let topic = addresses.iter().fold(OpsTopic::new(&key), OpsTopic::email);
        scope.add("People", topic)
    }
}
