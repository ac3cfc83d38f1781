//! Where a person is told.

use lightsout::{
    Construct, Removal, Scope,
    kms::Key,
    sns::{Topic, TopicRef},
};

/// The topic that alarms tell; a person subscribes to it.
pub(crate) struct Alarms {
    pub(crate) removal: Removal,
}

impl Construct for Alarms {
    type Handle = TopicRef;

    fn build(self, scope: &mut Scope<'_>) -> TopicRef {
        let key = scope.add(
            "Key",
            Key::new("Alarms on their way to a person").removal(self.removal),
        );
        scope.add("People", Topic::new(&key))
    }
}
