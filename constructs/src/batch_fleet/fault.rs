//! What is wrong with a fleet as it was described.

use std::time::Duration;

/// One thing that is wrong with a fleet, and what its author can do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// Goes on after the fleet's path.
    pub(super) wrong: String,
    pub(super) hint: String,
}

impl Fault {
    pub(super) fn new(wrong: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            wrong: wrong.into(),
            hint: hint.into(),
        }
    }

    /// Returns a fault if what `setter` was given is out of its range.
    pub(super) fn unless_within(
        setter: &str,
        found: Duration,
        least: Duration,
        most: Duration,
    ) -> Option<Self> {
        if (least..=most).contains(&found) {
            return None;
        }
        let (least, most) = (least.as_secs(), most.as_secs());
        Some(Self::new(
            format!("has `{} s` as its `{setter}`", found.as_secs_f64()),
            format!("give `{setter}` {least} to {most} seconds"),
        ))
    }
}
