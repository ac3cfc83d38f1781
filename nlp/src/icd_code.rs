//! A code of ICD-10-CM as text that needs no memory of its own.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

/// The longest code in bytes, its dot included: `S52.501A`.
const LONGEST: usize = 8;
/// How many of its characters are the category.
const CATEGORY: usize = 3;

/// A code of ICD-10-CM with its dot, from a category (`I10`) to a code with a 7th character.
///
/// It has the form of a code; whether an edition knows it, [`Dictionary`](crate::Dictionary)
/// tells. A note holds hundreds of codes, so they are copied and compared like numbers.
///
/// ```
/// use lightsout_nlp::IcdCode;
/// let code: IcdCode = "S52.501A".parse()?;
/// assert!(code.starts_with("S52") && code == "S52.501A");
/// assert_eq!(
///     "a chart's text".parse::<IcdCode>().unwrap_err().to_string(),
///     "a code has 3 to 8 characters of `A-Z`, `0-9` and `.`"
/// );
/// # Ok::<(), lightsout_nlp::NotACode>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct IcdCode {
    /// The characters, and zeros after them.
    bytes: [u8; LONGEST],
}

/// A text that is no code; it says nothing of the text, which may be a note's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a code has 3 to 8 characters of `A-Z`, `0-9` and `.`")]
pub struct NotACode;

impl IcdCode {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length()]).unwrap_or_default()
    }

    fn length(self) -> usize {
        LONGEST - u64::from_le_bytes(self.bytes).leading_zeros() as usize / 8
    }

    /// The first three characters, which are its category.
    pub(crate) fn category(self) -> [u8; CATEGORY] {
        [self.bytes[0], self.bytes[1], self.bytes[2]]
    }

    /// The first letter, by which most chapters are told.
    pub(crate) fn letter(self) -> u8 {
        self.bytes[0]
    }

    /// The characters, and zeros after them, as a number: these compare as the texts do.
    pub(crate) fn number(self) -> u64 {
        u64::from_be_bytes(self.bytes)
    }

    /// Its first characters, of which there are three or more.
    pub(crate) fn stem(self, length: usize) -> Option<Self> {
        let mut bytes = [0; LONGEST];
        let stem = self.bytes.get(..length.min(self.length()))?;
        bytes[..stem.len()].copy_from_slice(stem);
        (stem.len() >= CATEGORY).then_some(Self { bytes })
    }

    /// Whether it begins with all of another code.
    pub(crate) fn begins_with(self, other: Self) -> bool {
        let [own, others] = [self, other].map(|code| u64::from_le_bytes(code.bytes));
        // The lowest bytes are the first ones; those past the other's end may be anything.
        let past = u64::MAX.checked_shl(8 * u32::try_from(other.length()).unwrap_or(8));
        (own ^ others) & !past.unwrap_or(0) == 0
    }

    /// The 7th character and what stands before it, in a code that is long enough to have one.
    pub(crate) fn seventh(self) -> Option<(Self, char)> {
        let last = self.bytes[LONGEST - 1];
        let before = self.stem(LONGEST - 1)?;
        (last != 0).then_some((before, char::from(last)))
    }

    /// The code padded with placeholders `X` to six characters and closed with the 7th, where
    /// it has room for them.
    pub(crate) fn with_seventh(self, seventh: char) -> Option<Self> {
        let mut bytes = self.bytes;
        let placeholders = bytes.get_mut(self.length()..LONGEST - 1)?;
        placeholders.fill(b'X');
        if self.length() == CATEGORY {
            bytes[CATEGORY] = b'.';
        }
        bytes[LONGEST - 1] = u8::try_from(seventh)
            .ok()
            .filter(|byte| is_of_codes(*byte))?;
        Some(Self { bytes })
    }
}

fn is_of_codes(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'.'
}

impl Ord for IcdCode {
    /// As their texts do: a code that another one begins with stands before it.
    fn cmp(&self, other: &Self) -> Ordering {
        self.number().cmp(&other.number())
    }
}

impl PartialOrd for IcdCode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for IcdCode {
    type Err = NotACode;

    fn from_str(text: &str) -> Result<Self, NotACode> {
        let is_code = (CATEGORY..=LONGEST).contains(&text.len()) && text.bytes().all(is_of_codes);
        if !is_code {
            return Err(NotACode);
        }
        let mut bytes = [0; LONGEST];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self { bytes })
    }
}

impl TryFrom<String> for IcdCode {
    type Error = NotACode;

    fn try_from(text: String) -> Result<Self, NotACode> {
        text.parse()
    }
}

impl Deref for IcdCode {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for IcdCode {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

/// As text, of which no copy is made.
impl Serialize for IcdCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<IcdCode> for String {
    fn from(code: IcdCode) -> Self {
        code.as_str().to_owned()
    }
}

impl PartialEq<str> for IcdCode {
    fn eq(&self, other: &str) -> bool {
        self.bytes[..self.length()] == *other.as_bytes()
    }
}

impl PartialEq<&str> for IcdCode {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl fmt::Display for IcdCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Debug for IcdCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> IcdCode {
        text.parse().expect("it is a code")
    }

    #[test]
    fn codes_compare_as_their_texts_do() {
        let texts = [
            "A00", "A00.0", "I10", "O9A.111", "S52.5", "S52.501A", "S52.501B",
        ];
        for pair in texts.windows(2) {
            assert!(code(pair[0]) < code(pair[1]), "{pair:?}");
            assert_eq!(code(pair[0]).as_str(), pair[0]);
        }
    }

    #[test]
    fn what_is_no_code_is_told_apart() {
        for text in ["", "I1", "i10", "I10 ", "S52.501AB", "É10"] {
            assert_eq!(text.parse::<IcdCode>(), Err(NotACode), "{text}");
        }
    }

    #[test]
    fn a_7th_character_stands_after_placeholders() {
        let closed = |text: &str| code(text).with_seventh('A').map(String::from);
        assert_eq!(closed("W19").as_deref(), Some("W19.XXXA"));
        assert_eq!(closed("S52.5").as_deref(), Some("S52.5XXA"));
        assert_eq!(closed("S52.501").as_deref(), Some("S52.501A"));
        assert_eq!(closed("S52.501A"), None);
    }

    #[test]
    fn a_code_begins_with_its_stems_and_no_other() {
        let whole = code("S52.501A");
        for length in 3..=8 {
            let stem = whole.stem(length).expect("three characters are enough");
            assert_eq!(stem, whole[..length]);
            assert!(whole.begins_with(stem));
            assert_eq!(stem.begins_with(whole), length == 8);
        }
        assert_eq!(whole.stem(2), None);
        assert!(!whole.begins_with(code("S53")));
        assert_eq!(whole.seventh(), Some((code("S52.501"), 'A')));
        assert_eq!(code("S52.501").seventh(), None);
    }

    #[test]
    fn codes_are_strings_in_json() {
        let json = serde_json::to_string(&code("I10")).expect("it is text");
        assert_eq!(json, r#""I10""#);
        assert_eq!(
            serde_json::from_str::<IcdCode>(&json).expect("it reads back"),
            "I10"
        );
        assert!(serde_json::from_str::<IcdCode>(r#""no code""#).is_err());
    }
}
