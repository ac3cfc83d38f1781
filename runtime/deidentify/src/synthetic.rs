//! Notes with identifiers at known places, made up from a seed.
//!
//! Nothing in them is of a person: numbers are drawn at random, names from two lists, one of
//! which the finder does not know. Each identifier is written in one of several ways, plain or
//! as it comes out of a scan or a typist: broken over a line, with letters for digits, in words.

use fastrand::Rng;

use crate::Class;

/// A note, and where its identifiers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The text.
    pub text: String,
    /// Class, beginning and end of each identifier, in bytes.
    pub labels: Vec<(Class, usize, usize)>,
}

/// How an identifier is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hand {
    /// As in a form.
    Plain,
    /// With a line's end within it.
    Split,
    /// With letters that a scan takes for digits.
    Scanned,
}

impl Hand {
    /// Every way to write.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Split, Self::Scanned];
}

/// Names that the finder knows, and such that it does not.
const GIVEN: [&str; 20] = [
    "James",
    "Mary",
    "Robert",
    "Linda",
    "Karen",
    "Daniel",
    "Nancy",
    "Kevin",
    "Laura",
    "Frank",
    "Oluwaseun",
    "Xiomara",
    "Siobhan",
    "Dmitri",
    "Priyanka",
    "Thorvald",
    "Mehmet",
    "Aiko",
    "Kwabena",
    "Zsofia",
];
const FAMILY: [&str; 20] = [
    "Smith",
    "Johnson",
    "Garcia",
    "Miller",
    "Wilson",
    "Taylor",
    "Nguyen",
    "Carter",
    "Murphy",
    "Patel",
    "Adeyemi",
    "Quispe",
    "Gallagher",
    "Volkov",
    "Raghunathan",
    "Bjornsson",
    "Yilmaz",
    "Takahashi",
    "Boateng",
    "Szabo",
];
const CITIES: [&str; 8] = [
    "Springfield",
    "Riverton",
    "Oakdale",
    "Lakewood",
    "Fairview",
    "Pinehurst",
    "Marston",
    "Dunmore",
];
const STATES: [&str; 6] = ["OH", "TX", "MN", "CA", "VT", "WY"];
const STREETS: [&str; 6] = [
    "Maple Street",
    "Oak Ave",
    "Harbor View Road",
    "Elm Court",
    "Washington Blvd",
    "Mill Lane",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 8] = [
    "first",
    "third",
    "seventh",
    "twelfth",
    "fifteenth",
    "twentieth",
    "twenty-first",
    "thirtieth",
];
/// Sentences without an identifier, which must stay as they are.
pub const PLAIN: [&str; 12] = [
    "Assessment: type 2 diabetes mellitus, E11.9, stable on metformin 500 mg twice daily.",
    "Blood pressure 142/88, pulse 76, temperature 98.6, saturation 97 %.",
    "Hemoglobin A1c 7.2 in the last quarter; LDL 96 mg/dL.",
    "Denies chest pain, cough or fever; no known drug allergies.",
    "A 64-year-old with hypertension (I10) and chronic kidney disease, stage 3b.",
    "Continue lisinopril 20 mg; follow up in 3 months.",
    "CT of the abdomen shows a 12 mm nodule in the left lobe.",
    "Diagnosed in 2014; colonoscopy was normal in 2019.",
    "Will address pain control; transferred to the floor at 120 mL/h of saline.",
    "Visual fields full; 24 hour urine shows 300 mg of protein.",
    "Home oxygen at 2 L; a 14 French Foley catheter stays in place.",
    "Returned to baseline after 10 days; seen by cardiology, who agrees.",
];

/// Makes a note for a seed: one identifier of the class, among sentences without any.
pub fn note(class: Class, hand: Hand, seed: u64) -> Note {
    let mut dice = Rng::with_seed(seed);
    let mut text = String::new();
    let mut labels = Vec::new();
    text.push_str(PLAIN[dice.usize(..PLAIN.len())]);
    text.push('\n');
    let (before, identifier, after) = said(class, &mut dice);
    let identifier = written(class, &identifier, hand, &mut dice);
    text.push_str(&before);
    labels.push((class, text.len(), text.len() + identifier.len()));
    text.push_str(&identifier);
    text.push_str(&after);
    text.push('\n');
    text.push_str(PLAIN[dice.usize(..PLAIN.len())]);
    text.push('\n');
    Note { text, labels }
}

fn one<'l>(of: &[&'l str], dice: &mut Rng) -> &'l str {
    of[dice.usize(..of.len())]
}

fn digits(many: usize, dice: &mut Rng) -> String {
    (0..many)
        .map(|at| char::from(b'0' + dice.u8(u8::from(at == 0)..10)))
        .collect()
}

fn letters(many: usize, dice: &mut Rng) -> String {
    (0..many).map(|_| char::from(b'A' + dice.u8(..8))).collect()
}

fn phone(dice: &mut Rng) -> String {
    let (area, exchange, line) = (digits(3, dice), digits(3, dice), digits(4, dice));
    match dice.u8(..3) {
        0 => format!("({area}) {exchange}-{line}"),
        1 => format!("{area}-{exchange}-{line}"),
        _ => format!("{area}.{exchange}.{line}"),
    }
}

/// A sentence: what stands before the identifier, the identifier, what stands behind it.
#[expect(clippy::too_many_lines, reason = "an arm for each of eighteen classes")]
fn said(class: Class, dice: &mut Rng) -> (String, String, String) {
    let number = digits(8, dice);
    let of = |before: &str, identifier: String, after: &str| {
        (before.to_owned(), identifier, after.to_owned())
    };
    match class {
        Class::Name => {
            let (given, family) = (one(&GIVEN, dice), one(&FAMILY, dice));
            match dice.u8(..5) {
                0 => of("Patient: ", format!("{family}, {given}"), "; seen today."),
                1 => of("Mr. ", format!("{given} {family}"), " reports less pain."),
                2 => of("Seen by Dr. ", family.to_owned(), " this morning."),
                3 => of(
                    "Her daughter ",
                    format!("{given} {family}"),
                    " was present.",
                ),
                _ => of("Signed by ", format!("{given} {family}"), ", MD."),
            }
        }
        Class::Place => match dice.u8(..4) {
            0 => {
                let street = one(&STREETS, dice);
                of("Address: ", format!("{} {street}", dice.u16(10..9999)), ".")
            }
            1 => of("Lives in ", one(&CITIES, dice).to_owned(), " with family."),
            2 => {
                let before = format!("Home: {}, {} ", one(&CITIES, dice), one(&STATES, dice));
                of(&before, digits(5, dice), ".")
            }
            _ => {
                let after = format!(", {}.", one(&STATES, dice));
                of("Transferred from ", one(&CITIES, dice).to_owned(), &after)
            }
        },
        Class::Date => date(dice),
        Class::Phone => of("Phone: ", phone(dice), ", evenings."),
        Class::Fax => of("Fax: ", phone(dice), "."),
        Class::Email => {
            let family = one(&FAMILY, dice).to_lowercase();
            of(
                "Write to ",
                format!("{family}{}@mail.example", dice.u8(1..99)),
                " please.",
            )
        }
        Class::Ssn => {
            let ssn = format!(
                "{}-{}-{}",
                digits(3, dice),
                digits(2, dice),
                digits(4, dice)
            );
            of(
                one(&["SSN: ", "Social security number ", "His SSN is "], dice),
                ssn,
                ".",
            )
        }
        Class::RecordNumber => of(
            one(
                &["MRN: ", "MRN ", "Medical record number: ", "Med rec no. "],
                dice,
            ),
            number,
            ".",
        ),
        Class::HealthPlan => of(
            one(
                &[
                    "Member ID: ",
                    "Medicare ",
                    "Policy number ",
                    "Subscriber no. ",
                ],
                dice,
            ),
            format!("{}{number}", letters(3, dice)),
            ".",
        ),
        Class::Account => of(
            one(&["Account number: ", "Acct # ", "Billing account "], dice),
            format!("{number}{}", digits(2, dice)),
            ".",
        ),
        Class::Licence => of(
            one(
                &["Driver's license ", "License no. ", "DEA number: ", "NPI: "],
                dice,
            ),
            format!("{}{number}", letters(2, dice)),
            ".",
        ),
        Class::Vehicle => match dice.u8(..2) {
            0 => of("VIN: ", format!("1HGCM82633A{}", digits(6, dice)), "."),
            _ => of(
                "Plate ",
                format!("{}-{}", letters(3, dice), digits(4, dice)),
                ".",
            ),
        },
        Class::Device => of(
            one(
                &[
                    "Pacemaker serial number ",
                    "Serial no. ",
                    "S/N: ",
                    "Device ID: ",
                ],
                dice,
            ),
            format!("{}{number}", letters(2, dice)),
            ".",
        ),
        Class::Url => of(
            "See ",
            format!("https://portal.clinic.example/p/{number}"),
            " for results.",
        ),
        Class::IpAddress => {
            let parts: Vec<_> = (0..4).map(|_| dice.u8(1..255).to_string()).collect();
            of("Uploaded from ", parts.join("."), " last night.")
        }
        Class::Biometric => of(
            one(
                &["Fingerprint ID: ", "Voiceprint template ", "Iris scan no. "],
                dice,
            ),
            format!("{}{number}", letters(2, dice)),
            ".",
        ),
        Class::Photo => match dice.u8(..2) {
            0 => of("Wound and face in ", format!("IMG_{number}.jpg"), "."),
            _ => of("Photo number ", number, " is on file."),
        },
        Class::Other => of(
            one(
                &[
                    "Study subject ",
                    "Accession ",
                    "Specimen ID: ",
                    "Encounter no. ",
                ],
                dice,
            ),
            format!("{}{number}", letters(2, dice)),
            ".",
        ),
    }
}

fn date(dice: &mut Rng) -> (String, String, String) {
    let (day, month, year) = (dice.u8(1..29), dice.usize(..12), dice.u16(1930..2026));
    let name = MONTHS[month];
    let identifier = match dice.u8(..9) {
        0 => format!("{:02}/{day:02}/{year}", month + 1),
        1 => format!("{year}-{:02}-{day:02}", month + 1),
        2 => format!("{name} {day}, {year}"),
        3 => format!("{day} {name} {year}"),
        4 => format!("the {} of {name}", one(&DAYS, dice)),
        5 => format!("{name} {}", one(&DAYS, dice)),
        6 => format!("{name} {year}"),
        7 => {
            let age = dice.u8(90..110);
            let after = " was admitted.".to_owned();
            return ("This ".to_owned(), format!("{age}-year-old"), after);
        }
        _ => {
            let unit = one(&["one", "two", "three", "six"], dice);
            let after = " was admitted.".to_owned();
            return ("This ".to_owned(), format!("ninety-{unit}-year-old"), after);
        }
    };
    ("Seen on ".to_owned(), identifier, ".".to_owned())
}

fn written(class: Class, plain: &str, hand: Hand, dice: &mut Rng) -> String {
    match hand {
        Hand::Plain => plain.to_owned(),
        Hand::Split => {
            // Where a typist's line would end: at a space, else behind a mark.
            let places: Vec<_> = plain
                .char_indices()
                .filter(|(at, letter)| {
                    *at > 0
                        && *at + 1 < plain.len()
                        && matches!(letter, ' ' | '-' | '/' | '.' | '@')
                })
                .collect();
            if places.is_empty() {
                return plain.to_owned();
            }
            let (at, letter) = places[dice.usize(..places.len())];
            let kept = if letter == ' ' { at } else { at + 1 };
            format!("{}\n{}", &plain[..kept], plain[at + 1..].trim_start())
        }
        Hand::Scanned => {
            // Words, addresses and names of files come out of a scan as they are.
            let is_number = !matches!(
                class,
                Class::Name | Class::Email | Class::Url | Class::IpAddress | Class::Photo
            );
            let swapped = |letter: char| match letter {
                '0' => 'O',
                '1' => 'l',
                other => other,
            };
            // A scan gets one or two wrong, not all.
            let mut left = 2;
            plain
                .chars()
                .map(|letter| {
                    let read = swapped(letter);
                    if is_number && read != letter && left > 0 && plain.len() > 6 {
                        left -= 1;
                        return read;
                    }
                    letter
                })
                .collect()
        }
    }
}
