//! When something happens: once, at a rate, or by the calendar.
//!
//! [`scheduler`](crate::scheduler) and [`events`](crate::events) take the same types.

use std::{fmt, ops::RangeInclusive, str::FromStr, time::Duration};

use lightsout_core::Scope;
use thiserror::Error;

/// How often something happens, counted from when the schedule is made.
///
/// ```
/// use std::time::Duration;
/// use lightsout::schedule::Rate;
///
/// assert_eq!(Rate::every(Duration::from_secs(60)).to_string(), "rate(1 minute)");
/// assert_eq!(Rate::every(Duration::from_secs(7200)).to_string(), "rate(2 hours)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    minutes: u64,
}

/// A moment, in the schedule's time zone.
///
/// ```
/// use lightsout::schedule::{At, AtError};
///
/// let start: At = "2028-02-29T09:30:00".parse()?;
/// assert_eq!(start.to_string(), "at(2028-02-29T09:30:00)");
/// assert_eq!(
///     "2027-02-29T09:30:00".parse::<At>().unwrap_err(),
///     AtError::NoSuchMoment("2027-02-29T09:30:00".to_owned()),
/// );
/// # Ok::<(), AtError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

/// Why a text is no moment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AtError {
    /// It is not a date, a `T` and a time.
    #[error("`{0}` is not a moment: write it like `2027-03-01T09:30:00`")]
    Malformed(String),
    /// It has a month, day, hour, minute or second that does not exist.
    #[error("`{0}` never comes: the calendar or the clock has no such moment")]
    NoSuchMoment(String),
}

/// When something happens by the calendar, in the schedule's time zone.
///
/// A day of the month and a day of the week exclude each other, so they are one
/// choice here. Numbers that no clock or calendar has are a problem at synth.
///
/// ```
/// use lightsout::schedule::{Cron, Days, Field, Weekday};
///
/// let nightly = Cron::new(30, 2);
/// assert_eq!(nightly.to_string(), "cron(30 2 * * ? *)");
///
/// let office = Cron::new(Field::step(0, 15), 8..=17).days(Days::week([Weekday::Monday, Weekday::Friday]));
/// assert_eq!(office.to_string(), "cron(0/15 8-17 ? * MON,FRI *)");
///
/// let closing = Cron::new(0, 18).days(Days::LastOfMonth).months([3, 6, 9, 12]);
/// assert_eq!(closing.to_string(), "cron(0 18 L 3,6,9,12 ? *)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: Field,
    hours: Field,
    days: Days,
    months: Field,
    years: Field,
}

/// Which values of one part of a [`Cron`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// Every value.
    Every,
    /// These values.
    At(Vec<u16>),
    /// From the first to the second, both included.
    Range(u16, u16),
    /// From the first on, each time this many later.
    Step(u16, u16),
}

/// Which days of a [`Cron`]: by the month, or by the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Days {
    /// Every day.
    Every,
    /// These days of the month, 1 to 31.
    OfMonth(Field),
    /// The last day of the month.
    LastOfMonth,
    /// The working day nearest to this day of the month.
    WorkingDayNearest(u16),
    /// These days of the week.
    OfWeek(Vec<Weekday>),
    /// The first to fifth such day of the month.
    NthOfMonth(Weekday, u16),
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Sunday,
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
}

/// When something happens: once, at a rate, or by the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Once, at this moment.
    Once(At),
    /// Again and again, counted from when the schedule is made.
    Rate(Rate),
    /// By the calendar.
    Cron(Cron),
}

/// A time zone by its name in the tz database, such as `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeZone(String);

impl Rate {
    /// Once in each `period`, in whole minutes, rounded up; a minute at least.
    pub const fn every(period: Duration) -> Self {
        let minutes = period.as_secs().div_ceil(60);
        Self {
            minutes: if minutes == 0 { 1 } else { minutes },
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match self.minutes {
            minutes if minutes % (24 * 60) == 0 => (minutes / (24 * 60), "day"),
            minutes if minutes % 60 == 0 => (minutes / 60, "hour"),
            minutes => (minutes, "minute"),
        };
        let plural = if count == 1 { "" } else { "s" };
        write!(f, "rate({count} {unit}{plural})")
    }
}

impl At {
    /// Returns the moment as a template's dates have it, in UTC.
    pub(crate) fn in_utc(self) -> String {
        format!("{}Z", self.text())
    }

    fn text(self) -> String {
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        )
    }

    fn exists(self) -> bool {
        let leap = (self.year.is_multiple_of(4) && !self.year.is_multiple_of(100))
            || self.year.is_multiple_of(400);
        let days = match self.month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => 31,
        };
        (1..=12).contains(&self.month)
            && (1..=days).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60
    }
}

impl FromStr for At {
    type Err = AtError;

    fn from_str(text: &str) -> Result<Self, AtError> {
        let malformed = || AtError::Malformed(text.to_owned());
        let (date, time) = text.split_once('T').ok_or_else(malformed)?;
        let [year, month, day] = numbers(date, '-', [4, 2, 2]).ok_or_else(malformed)?;
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2]).ok_or_else(malformed)?;
        // Two digits always fit.
        let small = |number: u16| u8::try_from(number).unwrap_or(u8::MAX);
        let at = Self {
            year,
            month: small(month),
            day: small(day),
            hour: small(hour),
            minute: small(minute),
            second: small(second),
        };
        if at.exists() {
            Ok(at)
        } else {
            Err(AtError::NoSuchMoment(text.to_owned()))
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at({})", self.text())
    }
}

impl Cron {
    /// At these minutes of these hours, every day.
    pub fn new(minutes: impl Into<Field>, hours: impl Into<Field>) -> Self {
        Self {
            minutes: minutes.into(),
            hours: hours.into(),
            days: Days::Every,
            months: Field::Every,
            years: Field::Every,
        }
    }

    /// Only on these days.
    pub fn days(mut self, days: Days) -> Self {
        self.days = days;
        self
    }

    /// Only in these months, 1 to 12.
    pub fn months(mut self, months: impl Into<Field>) -> Self {
        self.months = months.into();
        self
    }

    /// Only in these years, 1970 to 2199.
    pub fn years(mut self, years: impl Into<Field>) -> Self {
        self.years = years.into();
        self
    }

    /// Notes a problem for each number that no clock or calendar has.
    pub(crate) fn check(&self, scope: &mut Scope<'_>) {
        let days = match &self.days {
            Days::OfMonth(field) => Some((field.clone(), 1..=31)),
            Days::WorkingDayNearest(day) => Some((Field::from(*day), 1..=31)),
            Days::NthOfMonth(_, nth) => Some((Field::from(*nth), 1..=5)),
            Days::OfWeek(days) if days.is_empty() => Some((Field::At(Vec::new()), 1..=7)),
            Days::Every | Days::LastOfMonth | Days::OfWeek(_) => None,
        };
        let fields = [
            ("minutes", Some((self.minutes.clone(), 0..=59))),
            ("hours", Some((self.hours.clone(), 0..=23))),
            ("days", days),
            ("months", Some((self.months.clone(), 1..=12))),
            ("years", Some((self.years.clone(), 1970..=2199))),
        ];
        for (name, field) in fields {
            if let Some((field, range)) = field
                && !field.is_within(&range)
            {
                scope.problem(
                    "ScheduleExpression",
                    format_args!("has `{field}` as {name} of a schedule"),
                    format!(
                        "use values from {} to {}, in order",
                        range.start(),
                        range.end()
                    ),
                );
            }
        }
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (of_month, of_week) = match &self.days {
            Days::Every => ("*".to_owned(), "?".to_owned()),
            Days::OfMonth(field) => (field.to_string(), "?".to_owned()),
            Days::LastOfMonth => ("L".to_owned(), "?".to_owned()),
            Days::WorkingDayNearest(day) => (format!("{day}W"), "?".to_owned()),
            Days::OfWeek(days) => {
                let names: Vec<&str> = days.iter().map(|day| day.name()).collect();
                ("?".to_owned(), names.join(","))
            }
            Days::NthOfMonth(day, nth) => ("?".to_owned(), format!("{}#{nth}", day.number())),
        };
        write!(
            f,
            "cron({} {} {of_month} {} {of_week} {})",
            self.minutes, self.hours, self.months, self.years
        )
    }
}

impl Field {
    /// From `first` on, each time `every` later.
    pub const fn step(first: u16, every: u16) -> Self {
        Self::Step(first, every)
    }

    fn is_within(&self, range: &RangeInclusive<u16>) -> bool {
        match self {
            Self::Every => true,
            Self::At(values) => {
                !values.is_empty() && values.iter().all(|value| range.contains(value))
            }
            Self::Range(first, last) => {
                first <= last && range.contains(first) && range.contains(last)
            }
            Self::Step(first, every) => range.contains(first) && *every > 0 && every <= range.end(),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every => f.write_str("*"),
            Self::At(values) => {
                let values: Vec<String> = values.iter().map(u16::to_string).collect();
                f.write_str(&values.join(","))
            }
            Self::Range(first, last) => write!(f, "{first}-{last}"),
            Self::Step(first, every) => write!(f, "{first}/{every}"),
        }
    }
}

impl From<u16> for Field {
    fn from(value: u16) -> Self {
        Self::At(vec![value])
    }
}

impl From<RangeInclusive<u16>> for Field {
    fn from(range: RangeInclusive<u16>) -> Self {
        Self::Range(*range.start(), *range.end())
    }
}

impl<const N: usize> From<[u16; N]> for Field {
    fn from(values: [u16; N]) -> Self {
        Self::At(values.into())
    }
}

impl Days {
    /// These days of the week.
    pub fn week(days: impl IntoIterator<Item = Weekday>) -> Self {
        Self::OfWeek(days.into_iter().collect())
    }

    /// These days of the month, 1 to 31.
    pub fn month(days: impl Into<Field>) -> Self {
        Self::OfMonth(days.into())
    }
}

impl Weekday {
    const fn name(self) -> &'static str {
        match self {
            Self::Sunday => "SUN",
            Self::Monday => "MON",
            Self::Tuesday => "TUE",
            Self::Wednesday => "WED",
            Self::Thursday => "THU",
            Self::Friday => "FRI",
            Self::Saturday => "SAT",
        }
    }

    /// Returns the day's number as AWS counts: Sunday is the first.
    const fn number(self) -> u8 {
        self as u8 + 1
    }
}

impl When {
    /// Notes a problem for each number that no clock or calendar has.
    pub(crate) fn check(&self, scope: &mut Scope<'_>) {
        match self {
            Self::Cron(cron) => cron.check(scope),
            // Neither can be made with such a number.
            Self::Once(_) | Self::Rate(_) => (),
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Once(at) => at.fmt(f),
            Self::Rate(rate) => rate.fmt(f),
            Self::Cron(cron) => cron.fmt(f),
        }
    }
}

impl From<At> for When {
    fn from(at: At) -> Self {
        Self::Once(at)
    }
}

impl From<Rate> for When {
    fn from(rate: Rate) -> Self {
        Self::Rate(rate)
    }
}

impl From<Cron> for When {
    fn from(cron: Cron) -> Self {
        Self::Cron(cron)
    }
}

impl TimeZone {
    /// The zone of this name, such as `Europe/Berlin`.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Notes a problem unless the name has the shape of one.
    pub(crate) fn check(&self, scope: &mut Scope<'_>) {
        let is_part = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_uppercase())
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+'))
        };
        if self.0.len() > 50 || !self.0.split('/').all(is_part) {
            scope.problem(
                "ScheduleExpressionTimezone",
                format_args!("has `{}` as its time zone", self.0),
                "use a name of the tz database, such as `Europe/Berlin` or `UTC`",
            );
        }
    }

    pub(crate) fn into_name(self) -> String {
        self.0
    }
}

/// Reads three numbers of exactly these digits.
fn numbers(text: &str, delimiter: char, digits: [usize; 3]) -> Option<[u16; 3]> {
    let mut parts = text.split(delimiter);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        let is_number = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = is_number.then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use lightsout_core::{App, Stage};

    use super::*;

    fn problems(cron: &Cron) -> usize {
        let mut app = App::new("clinic", Stage::new("dev"));
        cron.check(&mut app.stack("Test"));
        app.stack("Test").add("Key", crate::kms::Key::new("Test"));
        app.synth().map_or_else(|error| error.problems.len(), |_| 0)
    }

    #[test]
    fn a_moment_is_read_as_it_is_written() {
        for text in ["2026-12-31T23:59:59", "2000-02-29T00:00:00"] {
            assert_eq!(
                text.parse::<At>().unwrap().to_string(),
                format!("at({text})")
            );
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "T",
            "2026-12-31",
            "2026-12-31T23:59",
            "26-12-31T23:59:59",
            "2026-1+-31T23:59:59",
        ] {
            assert_eq!(text.parse::<At>(), Err(AtError::Malformed(text.to_owned())));
        }
        for text in [
            "2100-02-29T00:00:00",
            "2026-13-01T00:00:00",
            "2026-04-31T00:00:00",
            "2026-01-01T24:00:00",
        ] {
            assert_eq!(
                text.parse::<At>(),
                Err(AtError::NoSuchMoment(text.to_owned()))
            );
        }
    }

    #[test]
    fn numbers_that_no_calendar_has_are_problems_all_at_once() {
        assert_eq!(problems(&Cron::new(0, 0)), 0);
        assert_eq!(problems(&Cron::new(60, 24).months(13).years(1969)), 4);
        assert_eq!(
            problems(&Cron::new(Field::Range(9, 3), 1).days(Days::month(32))),
            2
        );
        assert_eq!(problems(&Cron::new([], 1).days(Days::week([]))), 2);
        assert_eq!(problems(&Cron::new(Field::step(0, 0), 1)), 1);
        assert_eq!(
            problems(&Cron::new(0, 1).days(Days::NthOfMonth(Weekday::Monday, 6))),
            1
        );
    }

    #[test]
    fn days_of_the_week_count_from_sunday() {
        let second_tuesday = Cron::new(0, 4).days(Days::NthOfMonth(Weekday::Tuesday, 2));
        assert_eq!(second_tuesday.to_string(), "cron(0 4 ? * 3#2 *)");
    }
}
