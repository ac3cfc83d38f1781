//! Words of at most sixteen letters as numbers, folded many letters at a time.

use crate::Span;

/// The longest word that is held, in bytes.
const LONGEST: usize = 16;

/// A short word in the form in which it is compared: its bytes as one number, the first byte
/// lowest, and zeros after the last.
///
/// Most words of a note are short and in ASCII. Their capitals, plurals and British spellings
/// fold in a few operations over all letters at once; the form is the one that
/// [`folded_form`](crate::word::folded_form) gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PackedWord(u128);

/// The same byte in each of the sixteen places.
const fn all(byte: u8) -> u128 {
    u128::from_ne_bytes([byte; LONGEST])
}

/// The highest bit of each byte, which no ASCII letter has.
const HIGH: u128 = all(0x80);

/// The bits of the first bytes.
fn first(bytes: usize) -> u128 {
    // A shift by all bits is none at all, so the last one is shifted apart.
    ((1_u128 << (bytes * 8 - 1)) << 1).wrapping_sub(1)
}

/// The highest bit of every byte that is this one, where all bytes are ASCII.
fn places(word: u128, byte: u8) -> u128 {
    !((word ^ all(byte)) + all(0x7f)) & HIGH
}

impl PackedWord {
    /// The bytes of `text[span]` as they are, unless they are none or too many.
    pub(crate) fn at(text: &str, span: Span) -> Option<Self> {
        if !(1..=LONGEST).contains(&span.len()) {
            return None;
        }
        let bytes = text.as_bytes();
        let word = if let Some(more) = bytes.get(span.start..span.start + LONGEST) {
            u128::from_le_bytes(more.try_into().ok()?) & first(span.len())
        } else {
            let mut padded = [0; LONGEST];
            padded[..span.len()].copy_from_slice(bytes.get(span.start..span.end)?);
            u128::from_le_bytes(padded)
        };
        Some(Self(word))
    }

    /// The folded form of the word `text[span]`, if it is short, in ASCII, no abbreviation and
    /// of no spelling that takes more than a look at its last letters.
    pub(crate) fn folded(text: &str, span: Span) -> Option<Self> {
        let word = Self::at(text, span)?.0;
        if word & HIGH != 0 {
            return None;
        }
        let from = |byte: u8| word + all(0x80 - byte);
        let capitals = from(b'A') & !from(b'Z' + 1) & HIGH;
        if capitals & capitals.wrapping_sub(1) != 0 {
            return None;
        }
        let mut form = word | capitals >> 2;
        let mut length = span.len();
        let letter = |form: u128, from_end: usize| form.to_le_bytes()[length - from_end];
        let last = letter(form, 1);
        if length < 4 {
            // A short word is folded no further, but for a possessive.
            return (!(last == b's' && places(form, b'\'') != 0)).then_some(Self(form));
        }
        if length >= 6 {
            let follows = places(form, b'e') >> 8;
            if follows & (places(form, b'a') | places(form, b'o')) != 0 {
                return None;
            }
        }
        if last == b's' {
            match letter(form, 2) {
                b's' | b'u' | b'i' => {}
                // `ies`, `ches` and their like, and a possessive.
                b'e' | b'\'' => return None,
                _ => {
                    length -= 1;
                    form &= first(length);
                }
            }
        }
        let ends_as_our = length >= 5 && (form >> ((length - 3) * 8)) == u128::from_le_bytes(OUR);
        if ends_as_our {
            length -= 1;
            form = form & first(length - 1) | u128::from(b'r') << ((length - 1) * 8);
        }
        Some(Self(form))
    }

    /// Its first eight bytes, and its last.
    #[expect(clippy::cast_possible_truncation, reason = "each half is taken")]
    pub(crate) fn halves(self) -> [u64; 2] {
        [self.0 as u64, (self.0 >> 64) as u64]
    }

    /// A number that few forms share; both halves of its bits depend on all letters.
    pub(crate) fn hash(self) -> u64 {
        let [low, high] = self.halves();
        let mixed = (low ^ high.rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93)
    }
}

/// How many British words end, as the bytes of a number.
const OUR: [u8; LONGEST] = {
    let mut bytes = [0; LONGEST];
    bytes[0] = b'o';
    bytes[1] = b'u';
    bytes[2] = b'r';
    bytes
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::word::folded_form;

    fn both(word: &str) -> (Option<PackedWord>, Option<PackedWord>) {
        let mut slow = String::new();
        folded_form(word, &mut slow);
        let whole = Span::new(0, word.len());
        (
            PackedWord::folded(word, whole),
            PackedWord::at(&slow, Span::new(0, slow.len())),
        )
    }

    #[test]
    fn usual_words_fold_at_once() {
        for word in [
            "Pain",
            "kidneys",
            "tumour",
            "tumours",
            "a",
            "virus",
            "2026",
            "x1",
            "sixteen-letters1",
        ] {
            let (fast, slow) = both(word);
            assert!(fast.is_some() && fast == slow, "{word}");
        }
        for word in [
            "CKD",
            "anaemia",
            "biopsies",
            "patient's",
            "fièvre",
            "seventeen-letters",
        ] {
            assert_eq!(both(word).0, None, "{word}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

        #[test]
        fn short_words_fold_as_all_words_do(
            stem in "[a-zA-Z0-9'.aeous]{0,12}",
            end in prop::sample::select(vec!["", "s", "es", "ies", "our", "ours", "oses", "ss", "us", "is", "'s", "xes"]),
        ) {
            let word = stem + end;
            if let (Some(fast), slow) = both(&word) {
                prop_assert_eq!(Some(fast), slow);
            }
        }

        #[test]
        fn a_form_is_read_the_same_wherever_it_stands(before in "[a-z ]{0,20}", word in "[a-z]{1,16}", after in "[a-z ]{0,20}") {
            let text = format!("{before}{word}{after}");
            let there = Span::new(before.len(), before.len() + word.len());
            let alone = PackedWord::at(&word, Span::new(0, word.len()));
            prop_assert_eq!(PackedWord::at(&text, there), alone);
        }
    }
}
