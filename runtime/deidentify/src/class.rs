//! The eighteen classes of identifiers.

use std::{fmt, str::FromStr};

use serde::Serialize;

/// A class of identifiers, in the order of 45 CFR 164.514(b)(2)(i)(A) to (R).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// (A) Names.
    Name,
    /// (B) Geography below a state; the first three digits of a ZIP code may stay.
    Place,
    /// (C) Dates but for the year, and ages over 89.
    Date,
    /// (D) Telephone numbers.
    Phone,
    /// (E) Fax numbers.
    Fax,
    /// (F) Addresses of electronic mail.
    Email,
    /// (G) Social security numbers.
    Ssn,
    /// (H) Medical record numbers.
    RecordNumber,
    /// (I) Health plan beneficiary numbers.
    HealthPlan,
    /// (J) Account numbers.
    Account,
    /// (K) Certificate and licence numbers.
    Licence,
    /// (L) Vehicles, with their plates.
    Vehicle,
    /// (M) Devices and their serial numbers.
    Device,
    /// (N) Web addresses.
    Url,
    /// (O) Internet addresses.
    IpAddress,
    /// (P) Biometric identifiers.
    Biometric,
    /// (Q) Pictures of a face.
    Photo,
    /// (R) Any other number, characteristic or code that is of one person alone.
    Other,
}

/// A name is of no class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownClass(pub String);

impl Class {
    /// Every class.
    pub const ALL: [Self; 18] = [
        Self::Name,
        Self::Place,
        Self::Date,
        Self::Phone,
        Self::Fax,
        Self::Email,
        Self::Ssn,
        Self::RecordNumber,
        Self::HealthPlan,
        Self::Account,
        Self::Licence,
        Self::Vehicle,
        Self::Device,
        Self::Url,
        Self::IpAddress,
        Self::Biometric,
        Self::Photo,
        Self::Other,
    ];

    /// Returns the class's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Place => "place",
            Self::Date => "date",
            Self::Phone => "phone",
            Self::Fax => "fax",
            Self::Email => "email",
            Self::Ssn => "ssn",
            Self::RecordNumber => "record_number",
            Self::HealthPlan => "health_plan",
            Self::Account => "account",
            Self::Licence => "licence",
            Self::Vehicle => "vehicle",
            Self::Device => "device",
            Self::Url => "url",
            Self::IpAddress => "ip_address",
            Self::Biometric => "biometric",
            Self::Photo => "photo",
            Self::Other => "other",
        }
    }

    /// Returns what stands in the place of an identifier: what of it may stay, stays.
    pub(crate) fn label(self, identifier: &str) -> String {
        let digits: String = identifier.chars().filter(char::is_ascii_digit).collect();
        match self {
            Self::Date if is_age(identifier) => "[AGE 90+]".to_owned(),
            Self::Date => match year(identifier) {
                Some(year) => format!("[DATE {year}]"),
                None => "[DATE]".to_owned(),
            },
            // A whole ZIP code, alone.
            Self::Place
                if digits.len() >= 5 && !identifier.contains(|c: char| c.is_alphabetic()) =>
            {
                format!("[ZIP {}]", first_digits(&digits))
            }
            other => format!("[{}]", other.name().to_uppercase().replace('_', " ")),
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Class {
    type Err = UnknownClass;

    fn from_str(name: &str) -> Result<Self, UnknownClass> {
        let found = Self::ALL.into_iter().find(|class| class.name() == name);
        found.ok_or_else(|| UnknownClass(name.to_owned()))
    }
}

fn is_age(identifier: &str) -> bool {
    let lower = identifier.to_ascii_lowercase();
    let says_age = ["year", "y/o", "yo", "age"]
        .iter()
        .any(|word| lower.contains(word));
    let digits: String = identifier
        .chars()
        .take_while(|c| !c.is_whitespace())
        .collect();
    says_age
        || digits
            .parse::<u32>()
            .is_ok_and(|age| (90..=120).contains(&age))
}

/// The year of a date may stay.
fn year(date: &str) -> Option<&str> {
    let bytes = date.as_bytes();
    (0..bytes.len().saturating_sub(3))
        .map(|at| (at, &bytes[at..at + 4]))
        .find(|(at, four)| {
            let is_edge = |at: Option<&u8>| at.is_none_or(|byte| !byte.is_ascii_digit());
            four.iter().all(u8::is_ascii_digit)
                && (four.starts_with(b"19") || four.starts_with(b"20"))
                && is_edge(at.checked_sub(1).and_then(|at| bytes.get(at)))
                && is_edge(bytes.get(at + 4))
        })
        .and_then(|(at, _)| date.get(at..at + 4))
}

/// The first three digits of ZIP codes whose area has at most 20,000 people, by the census of
/// 2000, which are given as `000`: the
/// [guidance](https://www.hhs.gov/hipaa/for-professionals/special-topics/de-identification/index.html)
/// on 164.514(b)(2)(i)(B) lists these.
const FEW_PEOPLE: [&str; 17] = [
    "036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878",
    "879", "884", "890", "893",
];

fn first_digits(zip: &str) -> &str {
    let first = &zip[..3];
    if FEW_PEOPLE.contains(&first) {
        "000"
    } else {
        first
    }
}
