//! Numbers and texts that AWS takes only within limits.

use std::{fmt::Display, ops::RangeInclusive, time::Duration};

use lightsout_core::Scope;

/// Notes a problem unless `value` is within `range`.
pub(crate) fn within<T: PartialOrd + Display + Copy>(
    scope: &mut Scope<'_>,
    property: &'static str,
    value: T,
    range: &RangeInclusive<T>,
    unit: &str,
) {
    if !range.contains(&value) {
        scope.problem(
            property,
            format_args!("has a `{property}` of `{value}`{unit}"),
            format!("use {} to {}{unit}", range.start(), range.end()),
        );
    }
}

/// Notes a problem unless `value` is whole seconds within `range`, also in seconds.
///
/// Returns the seconds, rounded up.
pub(crate) fn seconds(
    scope: &mut Scope<'_>,
    property: &'static str,
    value: Duration,
    range: &RangeInclusive<u32>,
) -> u32 {
    whole(scope, property, value, 1, range, " s")
}

/// Notes a problem unless `value` is whole minutes within `range`, also in minutes.
///
/// Returns the minutes, rounded up.
pub(crate) fn minutes(
    scope: &mut Scope<'_>,
    property: &'static str,
    value: Duration,
    range: &RangeInclusive<u32>,
) -> u32 {
    whole(scope, property, value, 60, range, " min")
}

fn whole(
    scope: &mut Scope<'_>,
    property: &'static str,
    value: Duration,
    unit_seconds: u64,
    range: &RangeInclusive<u32>,
    unit: &str,
) -> u32 {
    let count = value.as_secs().div_ceil(unit_seconds);
    let is_whole = value == Duration::from_secs(count.saturating_mul(unit_seconds));
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    if !is_whole || !range.contains(&count) {
        scope.problem(
            property,
            format_args!("has a `{property}` of `{value:?}`"),
            format!(
                "use a whole number from {} to {}{unit}",
                range.start(),
                range.end()
            ),
        );
    }
    count
}

/// Notes a problem unless `text` has a length within `range` and only characters
/// that `allows`.
pub(crate) fn text(
    scope: &mut Scope<'_>,
    property: &'static str,
    text: &str,
    range: &RangeInclusive<usize>,
    allows: impl Fn(char) -> bool,
    wanted: &str,
) {
    if !range.contains(&text.chars().count()) || !text.chars().all(allows) {
        scope.problem(
            property,
            format_args!("has a `{property}` of `{text}`"),
            format!("use {} to {} {wanted}", range.start(), range.end()),
        );
    }
}

#[cfg(test)]
mod tests {
    use lightsout_core::{App, Stage};

    use super::*;

    #[test]
    fn what_is_out_of_range_is_a_problem_with_the_range_in_its_hint() {
        let mut app = App::new("clinic", Stage::new("dev"));
        let mut scope = app.stack("Test");
        within(&mut scope, "Days", 7, &(1..=7), " days");
        within(&mut scope, "Days", 8, &(1..=7), " days");
        let error = app.synth().unwrap_err().to_string();
        assert!(!error.contains("`7` days"), "{error}");
        assert!(error.contains("has a `Days` of `8` days"), "{error}");
        assert!(error.contains("use 1 to 7 days"), "{error}");
    }
}
