//! What becomes of data when its stack goes.

use lightsout_core::{DeletionPolicy, ResourceId, Scope};

/// What becomes of data when its stack goes, or when an update replaces it.
///
/// It is said once, on the [key](crate::kms::Key::removal): data without its key
/// is lost anyway, so whatever a key encrypts goes the key's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Removal {
    /// It stays, protected against deletion where AWS can.
    #[default]
    Keep,
    /// It goes: for environments that are thrown away.
    Destroy,
}

impl Removal {
    pub(crate) fn apply(self, scope: &mut Scope<'_>, resource: ResourceId) {
        let policy = match self {
            Self::Keep => DeletionPolicy::Retain,
            Self::Destroy => DeletionPolicy::Delete,
        };
        scope.deletion_policy(resource, policy);
        scope.update_replace_policy(resource, policy);
    }
}
