//! Words of a text and the form under which they are compared.

use crate::Span;

/// A word or a mark of punctuation as it stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it stands.
    pub span: Span,
    /// Whether it is a word (letters and digits) or one mark of punctuation.
    pub kind: PieceKind,
}

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceKind {
    /// Letters and digits, perhaps with an apostrophe or a decimal point inside.
    Word,
    /// One mark.
    Mark,
}

/// Cuts `text[within]` into words and marks, in linear time.
///
/// White space, quotation marks and hyphens inside a word separate and leave no piece.
/// `s/p`, `h/o` and their like are one word.
pub fn pieces(text: &str, within: Span) -> Pieces<'_> {
    Pieces {
        text,
        at: within.start,
        end: within.end.min(text.len()),
    }
}

/// The iterator of [`pieces`].
#[derive(Clone, Debug)]
pub struct Pieces<'t> {
    text: &'t str,
    at: usize,
    end: usize,
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        while self.at < self.end {
            let start = self.at;
            let (class, width) = self.class(start);
            self.at += width;
            match class {
                Class::Letter => {
                    self.at = self.word_end(self.at);
                    if self.at - start <= 2 {
                        self.at = self.slashed_end(start, self.at);
                    }
                    return Some(Piece {
                        span: Span::new(start, self.at),
                        kind: PieceKind::Word,
                    });
                }
                Class::Mark => {
                    return Some(Piece {
                        span: Span::new(start, self.at),
                        kind: PieceKind::Mark,
                    });
                }
                Class::Gap => {}
                Class::Hyphen => {
                    let joins = start > 0
                        && self.is_letter_before(start)
                        && self.letter_width(self.at).is_some();
                    if !joins {
                        return Some(Piece {
                            span: Span::new(start, self.at),
                            kind: PieceKind::Mark,
                        });
                    }
                }
            }
        }
        None
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Mark,
    Gap,
    Hyphen,
}

/// The classes of the ASCII characters.
const ASCII: [Class; 128] = {
    let mut classes = [Class::Mark; 128];
    let mut byte = 0;
    while byte < classes.len() {
        #[expect(clippy::cast_possible_truncation, reason = "it is below 128")]
        let class = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => Class::Letter,
            b'-' => Class::Hyphen,
            b'"' | b'\'' | b'`' | b'*' | b'_' | 0..=b' ' | 0x7f => Class::Gap,
            _ => Class::Mark,
        };
        classes[byte] = class;
        byte += 1;
    }
    classes
};

/// Whether a byte is an ASCII letter or digit.
const IS_LETTER: [bool; 256] = {
    let mut is_letter = [false; 256];
    let mut byte = 0;
    while byte < ASCII.len() {
        is_letter[byte] = matches!(ASCII[byte], Class::Letter);
        byte += 1;
    }
    is_letter
};

impl Pieces<'_> {
    fn class(&self, at: usize) -> (Class, usize) {
        let byte = self.text.as_bytes()[at];
        if byte.is_ascii() {
            return (ASCII[usize::from(byte)], 1);
        }
        let Some(letter) = self.text[at..].chars().next() else {
            return (Class::Gap, 1);
        };
        let class = if letter.is_alphanumeric() {
            Class::Letter
        } else if letter == '\u{2010}' || letter == '\u{2011}' {
            Class::Hyphen
        } else if letter.is_whitespace()
            || matches!(letter, '\u{2018}'..='\u{201f}' | '\u{feff}' | '\u{200b}')
        {
            Class::Gap
        } else {
            Class::Mark
        };
        (class, letter.len_utf8())
    }

    fn letter_width(&self, at: usize) -> Option<usize> {
        if at >= self.end {
            return None;
        }
        let (class, width) = self.class(at);
        (class == Class::Letter).then_some(width)
    }

    fn is_letter_before(&self, at: usize) -> bool {
        self.text[..at]
            .chars()
            .next_back()
            .is_some_and(char::is_alphanumeric)
    }

    /// The end of the word whose letters reach up to `at`.
    fn word_end(&self, mut at: usize) -> usize {
        let bytes = self.text.as_bytes();
        loop {
            let letters = bytes.get(at..self.end).unwrap_or_default().iter();
            at += letters
                .take_while(|byte| IS_LETTER[usize::from(**byte)])
                .count();
            // Nearly every word ends before a gap or a mark, which needs no closer look.
            let plainly_ends = |byte: &u8| byte.is_ascii() && !matches!(byte, b'\'' | b'.');
            if at >= self.end || bytes.get(at).is_none_or(plainly_ends) {
                return at;
            }
            if let Some(width) = self.letter_width(at) {
                at += width;
                continue;
            }
            // An apostrophe or a decimal point belongs to the word when it stands inside.
            let inner = match self.text.get(at..self.end) {
                Some(rest) if rest.starts_with('\'') => 1,
                Some(rest) if rest.starts_with('\u{2019}') => 3,
                Some(rest)
                    if rest.starts_with('.')
                        && bytes[at - 1].is_ascii_digit()
                        && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) =>
                {
                    1
                }
                _ => return at,
            };
            match self.letter_width(at + inner) {
                Some(width) => at += inner + width,
                None => return at,
            }
        }
    }

    /// The end of `s/p` and its like, when the short word at `start..at` begins one.
    fn slashed_end(&self, start: usize, at: usize) -> usize {
        let bytes = &self.text.as_bytes()[..self.end];
        if bytes.get(at) != Some(&b'/') || !bytes[start..at].iter().all(u8::is_ascii_alphabetic) {
            return at;
        }
        let after = bytes[at + 1..]
            .iter()
            .take(3)
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count();
        let letters = bytes[at + 1..]
            .iter()
            .take(2)
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        let ends = self.letter_width(at + 1 + after).is_none();
        if (1..=2).contains(&after) && letters == after && ends {
            at + 1 + after
        } else {
            at
        }
    }
}

/// Whether a word is written with two or more capitals, as abbreviations are.
pub(crate) fn is_abbreviation(word: &str) -> bool {
    word.bytes().filter(u8::is_ascii_uppercase).nth(1).is_some()
}

/// Writes into `form` what an abbreviation is compared by: its own capitals, without a plural `s`.
pub(crate) fn abbreviation_form(word: &str, form: &mut String) {
    form.clear();
    let bare = word
        .strip_suffix("'s")
        .or_else(|| word.strip_suffix("\u{2019}s"));
    let bare = bare.or_else(|| word.strip_suffix('s')).unwrap_or(word);
    form.push_str(bare);
}

/// Writes into `form` what a word is compared by: small letters, singular, American spelling.
///
/// The rules are blunt on purpose (`diabetes` becomes `diabete`): both sides of every
/// comparison go through them, so that only what they merge matters.
pub(crate) fn folded_form(word: &str, form: &mut String) {
    form.clear();
    if word.is_ascii() {
        form.push_str(word);
        form.make_ascii_lowercase();
    } else {
        fold_letters(word, form);
    }
    if form.ends_with("'s") {
        form.truncate(form.len() - 2);
    }
    if form.len() < 4 || form.bytes().all(|byte| byte.is_ascii_digit()) {
        return;
    }
    if form.len() >= 6 {
        let is_british = |pair: &[u8]| matches!(pair, b"ae" | b"oe");
        while let Some(at) = form.as_bytes().windows(2).position(is_british) {
            form.remove(at);
        }
    }
    singular(form);
    if form.len() >= 5 && form.ends_with("our") {
        form.replace_range(form.len() - 2.., "r");
    }
}

/// Small letters without their accents.
fn fold_letters(word: &str, form: &mut String) {
    for letter in word.chars() {
        match letter {
            '\0'..='\x7f' => form.push(letter.to_ascii_lowercase()),
            '\u{2019}' => form.push('\''),
            'à'..='å' | 'À'..='Å' => form.push('a'),
            'ç' | 'Ç' => form.push('c'),
            'è'..='ë' | 'È'..='Ë' => form.push('e'),
            'ì'..='ï' | 'Ì'..='Ï' => form.push('i'),
            'ñ' | 'Ñ' => form.push('n'),
            'ò'..='ö' | 'Ò'..='Ö' => form.push('o'),
            'ù'..='ü' | 'Ù'..='Ü' => form.push('u'),
            _ => form.extend(letter.to_lowercase()),
        }
    }
}

fn singular(form: &mut String) {
    let cut = |form: &mut String, letters: usize| form.truncate(form.len() - letters);
    if form.ends_with("ies") && form.len() > 4 {
        cut(form, 3);
        form.push('y');
    } else if ["sses", "shes", "ches", "xes"]
        .iter()
        .any(|end| form.ends_with(end))
    {
        cut(form, 2);
    } else if form.ends_with("stases") || (form.ends_with("oses") && form.len() > 6) {
        cut(form, 2);
        form.push_str("is");
    } else if form.ends_with('s') && !["ss", "us", "is"].iter().any(|end| form.ends_with(end)) {
        cut(form, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        pieces(text, Span::new(0, text.len()))
            .map(|piece| piece.span.of(text))
            .collect()
    }

    fn folded(word: &str) -> String {
        let mut form = String::new();
        folded_form(word, &mut form);
        form
    }

    #[test]
    fn words_are_cut_at_gaps_hyphens_and_marks() {
        assert_eq!(
            words("follow-up: 3.5 mg, s/p CABG."),
            ["follow", "up", ":", "3.5", "mg", ",", "s/p", "CABG", "."]
        );
        assert_eq!(
            words("nausea/vomiting w/o fever"),
            ["nausea", "/", "vomiting", "w/o", "fever"]
        );
        assert_eq!(
            words("Crohn\u{2019}s and doesn't - no"),
            ["Crohn\u{2019}s", "and", "doesn't", "-", "no"]
        );
        assert_eq!(words("on 3. Next"), ["on", "3", ".", "Next"]);
    }

    #[test]
    fn spellings_of_one_word_fold_together() {
        for (left, right) in [
            ("Crohn's", "crohn"),
            ("rashes", "rash"),
            ("allergies", "allergy"),
            ("diagnoses", "diagnosis"),
            ("metastases", "metastasis"),
            ("anaemia", "anemia"),
            ("oedema", "edema"),
            ("tumours", "tumor"),
            ("Sjögren", "sjogren"),
            ("Diseases", "disease"),
        ] {
            assert_eq!(folded(left), folded(right), "{left}");
        }
        assert_eq!(folded("pus"), "pus");
        assert_eq!(folded("abscess"), "abscess");
    }

    #[test]
    fn capitals_make_an_abbreviation() {
        let mut form = String::new();
        abbreviation_form("PVCs", &mut form);
        assert_eq!(form, "PVC");
        assert!(is_abbreviation("T2DM") && !is_abbreviation("Asthma"));
    }
}
