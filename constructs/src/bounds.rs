//! Ranges that AWS documents, where a type cannot say them.

use std::{fmt::Display, ops::RangeInclusive, time::Duration};

use lightsout_core::Scope;

/// Notes a problem if `value` is not within `range`.
pub(crate) fn within<T: PartialOrd + Display>(
    scope: &mut Scope<'_>,
    property: &str,
    value: &T,
    range: &RangeInclusive<T>,
    unit: &str,
) {
    if !range.contains(value) {
        let (least, most) = (range.start(), range.end());
        scope.problem(
            property,
            format_args!("has `{value}` {unit} as its `{property}`"),
            format!("choose from {least} to {most} {unit}"),
        );
    }
}

/// Returns the whole seconds of `duration`, and notes a problem if they are not
/// within `range`.
pub(crate) fn seconds(
    scope: &mut Scope<'_>,
    property: &str,
    duration: Duration,
    range: RangeInclusive<u64>,
) -> i64 {
    let seconds = duration.as_secs();
    within(scope, property, &seconds, &range, "seconds");
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use lightsout_core::{App, Stage};

    use super::*;

    #[test]
    fn what_is_out_of_range_is_a_problem_with_the_range_in_its_hint() {
        let mut app = App::new("clinic", Stage::new("dev"));
        let mut scope = app.stack("Test");
        within(&mut scope, "Days", &7, &(1..=7), "days");
        within(&mut scope, "Days", &8, &(1..=7), "days");
        let error = app.synth().unwrap_err().to_string();
        assert!(!error.contains("`7` days"), "{error}");
        assert!(error.contains("has `8` days as its `Days`"), "{error}");
        assert!(error.contains("choose from 1 to 7 days"), "{error}");
    }
}
