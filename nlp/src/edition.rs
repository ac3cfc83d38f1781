//! Which edition of ICD-10-CM a date of service asks for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::dictionary::Dictionary;

/// A day on which a patient was served, in the calendar that claims use.
///
/// ```
/// use lightsout_nlp::ServiceDate;
/// let date: ServiceDate = "2025-11-03".parse().unwrap();
/// assert_eq!(date.to_string(), "2025-11-03");
/// assert!("2025-02-29".parse::<ServiceDate>().is_err(), "2025 is no leap year");
/// assert!("11/03/2025".parse::<ServiceDate>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ServiceDate {
    year: u16,
    month: u8,
    day: u8,
}

/// A text that is no date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no date; write year, month and day as in `2025-11-03`")]
pub struct NoDate(String);

/// An edition of ICD-10-CM that the engine can code by.
///
/// An edition serves from October 1 to the September 30 of its fiscal year, by date of
/// discharge or of the encounter (the title of the Official Guidelines of each year names the
/// days). The codes are those of the year's April release, the last one; that a code of it began
/// on April 1 only is not known here.
#[derive(Clone, Copy)]
pub struct Edition {
    name: &'static str,
    fiscal_year: u16,
    first: ServiceDate,
    last: ServiceDate,
    dictionary: fn() -> Dictionary,
}

/// Why there is no edition for a date or by a name; each says which there are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditionError {
    /// No edition serves on this date.
    #[error(
        "no edition of ICD-10-CM is here for a service on {date}; {}",
        covered()
    )]
    NotCovered {
        /// The date asked for.
        date: ServiceDate,
    },
    /// No edition has this name.
    #[error("there is no edition `{name}`; {}", covered())]
    Unknown {
        /// The name asked for.
        name: String,
    },
}

/// The editions, the newest first.
static EDITIONS: [Edition; 2] = [
    Edition {
        name: "fy2026",
        fiscal_year: 2026,
        first: ServiceDate::known(2025, 10, 1),
        last: ServiceDate::known(2026, 9, 30),
        dictionary: Dictionary::fy2026,
    },
    Edition {
        name: "fy2025",
        fiscal_year: 2025,
        first: ServiceDate::known(2024, 10, 1),
        last: ServiceDate::known(2025, 9, 30),
        dictionary: Dictionary::fy2025,
    },
];

impl Edition {
    /// Every edition, the newest first.
    pub fn all() -> &'static [Self] {
        &EDITIONS
    }

    /// The newest edition: what is coded by when no date of service is known.
    pub fn newest() -> &'static Self {
        &EDITIONS[0]
    }

    /// The edition that serves on a date; never one that merely comes near it.
    ///
    /// ```
    /// use lightsout_nlp::Edition;
    /// let on = |date: &str| Edition::for_date_of_service(date.parse().unwrap());
    /// assert_eq!(on("2025-09-30").unwrap().name(), "fy2025");
    /// assert_eq!(on("2025-10-01").unwrap().name(), "fy2026");
    /// assert_eq!(
    ///     on("2026-10-01").unwrap_err().to_string(),
    ///     "no edition of ICD-10-CM is here for a service on 2026-10-01; there are \
    ///      `fy2026` (2025-10-01 to 2026-09-30), `fy2025` (2024-10-01 to 2025-09-30)",
    /// );
    /// ```
    pub fn for_date_of_service(date: ServiceDate) -> Result<&'static Self, EditionError> {
        EDITIONS
            .iter()
            .find(|edition| (edition.first..=edition.last).contains(&date))
            .ok_or(EditionError::NotCovered { date })
    }

    /// The edition of this name: `fy2026`.
    pub fn named(name: &str) -> Result<&'static Self, EditionError> {
        EDITIONS
            .iter()
            .find(|edition| edition.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| EditionError::Unknown {
                name: name.to_owned(),
            })
    }

    /// Its name: `fy2026`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its fiscal year, which begins on October 1 of the year before.
    pub fn fiscal_year(&self) -> u16 {
        self.fiscal_year
    }

    /// The first day on which it serves.
    pub fn first_day(&self) -> ServiceDate {
        self.first
    }

    /// The last day on which it serves.
    pub fn last_day(&self) -> ServiceDate {
        self.last
    }

    /// Its dictionary, read when first asked for and shared from then on.
    pub fn dictionary(&self) -> Dictionary {
        (self.dictionary)()
    }
}

impl fmt::Debug for Edition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

impl PartialEq for Edition {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Edition {}

impl FromStr for &'static Edition {
    type Err = EditionError;

    fn from_str(name: &str) -> Result<Self, EditionError> {
        Edition::named(name)
    }
}

impl ServiceDate {
    const fn known(year: u16, month: u8, day: u8) -> Self {
        Self { year, month, day }
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut part = |digits: usize| {
            let part = parts.next()?;
            let is_number = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| part.parse::<u16>().ok())?
        };
        let (year, month, day) = (part(4)?, part(2)?, part(2)?);
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 => 28 + u16::from(is_leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let is_day = (1..=days).contains(&day) && parts.next().is_none();
        is_day.then_some(Self {
            year,
            month: u8::try_from(month).ok()?,
            day: u8::try_from(day).ok()?,
        })
    }
}

impl FromStr for ServiceDate {
    type Err = NoDate;

    fn from_str(text: &str) -> Result<Self, NoDate> {
        Self::read(text).ok_or_else(|| NoDate(text.to_owned()))
    }
}

impl TryFrom<String> for ServiceDate {
    type Error = NoDate;

    fn try_from(text: String) -> Result<Self, NoDate> {
        text.parse()
    }
}

impl From<ServiceDate> for String {
    fn from(date: ServiceDate) -> Self {
        date.to_string()
    }
}

impl fmt::Display for ServiceDate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:04}-{:02}-{:02}",
            self.year, self.month, self.day
        )
    }
}

/// The editions that there are, with their days.
fn covered() -> String {
    let editions = EDITIONS
        .iter()
        .map(|edition| format!("`{}` ({} to {})", edition.name, edition.first, edition.last));
    format!("there are {}", editions.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Engine;

    #[test]
    fn each_edition_has_its_own_codes_and_names_itself() {
        for edition in Edition::all() {
            let dictionary = edition.dictionary();
            assert!(
                dictionary
                    .edition()
                    .contains(&format!("FY{}", edition.fiscal_year())),
                "{}",
                dictionary.edition()
            );
            assert!(dictionary.billable_codes().count() > 70_000);
            for code in dictionary.billable_codes() {
                assert!(dictionary.is_billable(&code), "{code}");
            }
            for (term, meaning) in dictionary.terms() {
                if let Some(billable) = dictionary.billable(meaning) {
                    assert!(dictionary.is_billable(&billable.code), "{term}");
                }
            }
        }
        // Multiple sclerosis was divided on October 1, 2025.
        let [newest, earlier] = Edition::all() else {
            panic!("two editions")
        };
        assert!(!newest.dictionary().is_billable("G35"));
        assert!(earlier.dictionary().is_billable("G35"));
    }

    #[test]
    fn the_same_note_is_coded_by_the_edition_of_its_date() {
        let code = |date: &str| {
            let edition = Edition::for_date_of_service(date.parse().unwrap()).unwrap();
            let engine = Engine::new(edition.dictionary());
            let coding = engine.code("Assessment: multiple sclerosis.");
            (coding.edition.into_owned(), coding.codes[0].code)
        };
        let (earlier, old) = code("2025-09-30");
        let (newest, new) = code("2025-10-01");
        assert_eq!((old.as_str(), new.as_str()), ("G35", "G35.D"));
        assert!(earlier.contains("FY2025") && newest.contains("FY2026"));
    }

    #[test]
    fn years_follow_each_other_without_a_gap() {
        for pair in Edition::all().windows(2) {
            assert_eq!(pair[0].fiscal_year(), pair[1].fiscal_year() + 1);
            assert_eq!(
                pair[1].last_day().to_string(),
                format!("{}-09-30", pair[1].fiscal_year())
            );
            assert_eq!(
                pair[0].first_day().to_string(),
                format!("{}-10-01", pair[1].fiscal_year())
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_date_is_read_as_it_is_written(year in 0_u16..9999, month in 0_u8..14, day in 0_u8..33) {
            let text = format!("{year:04}-{month:02}-{day:02}");
            if let Ok(date) = text.parse::<ServiceDate>() {
                prop_assert_eq!(date.to_string(), text);
            }
        }

        #[test]
        fn any_text_is_a_date_or_an_error(text in ".{0,12}") {
            let _ = text.parse::<ServiceDate>();
        }
    }
}
