//! What escape sequences stand for in text (HL7 v2.5.1, chapter 2, 2.7).

use er7::{
    Separators,
    escape::{Escape, decode_hex, escapes},
};

/// A field's text with its escape sequences read.
///
/// What is no sequence of the standard stays as it is: a lone backslash is a letter.
pub(super) fn plain(raw: &str, separators: &Separators) -> String {
    let mut text = String::with_capacity(raw.len());
    for token in escapes(raw, separators) {
        match token {
            Escape::Text(run) => text.push_str(run),
            Escape::Field => text.push(separators.field),
            Escape::Component => text.push(separators.component),
            Escape::Subcomponent => text.push(separators.subcomponent),
            Escape::Repetition => text.push(separators.repetition),
            Escape::EscapeCharacter => text.push(separators.escape),
            // Highlighting begins and ends.
            Escape::Highlight | Escape::Normal => {}
            Escape::Hex(body) => match decode_hex(body) {
                Some(letters) => text.push_str(&letters.replace("\r\n", "\n").replace('\r', "\n")),
                None => token.write_er7(&mut text, separators),
            },
            Escape::Formatting(command) if format(command, &mut text) => {}
            _ => token.write_er7(&mut text, separators),
        }
    }
    text
}

/// Carries out a formatting command of FT (2.7.6), if it is one.
fn format(command: &str, text: &mut String) -> bool {
    let end = command.find(|letter: char| !letter.is_ascii_alphabetic());
    let (name, count) = command.split_at(end.unwrap_or(command.len()));
    match name {
        "br" | "ce" => text.push('\n'),
        // A number of lines is a gap: its size says nothing.
        "sp" => text.push_str(if matches!(count.trim(), "" | "0" | "1" | "+1") {
            "\n"
        } else {
            "\n\n"
        }),
        "sk" => text.push(' '),
        // Indentation and filling say how text looks.
        "in" | "ti" | "fi" | "nf" => {}
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expected: &str) {
        assert_eq!(plain(raw, &Separators::default()), expected);
    }

    #[test]
    fn delimiters_lines_and_letters_are_read() {
        check(r"A\F\B\S\C\T\D\R\E\E\F", r"A|B^C&D~E\F");
        check(
            r"one\.br\two\.sp\three\.sp3\four",
            "one\ntwo\nthree\n\nfour",
        );
        check(
            r"\H\Impression\N\:\.in+4\ a\X0D\b\X0D0A\c",
            "Impression: a\nb\nc",
        );
        check(r"caf\XC3A9\", "café");
    }

    #[test]
    fn what_is_no_sequence_stays() {
        check(
            r"C:\temp\x and \Zoster\ and \oops",
            r"C:\temp\x and \Zoster\ and \oops",
        );
        check(r"\.unknown\ \XZZ\", r"\.unknown\ \XZZ\");
        check(r"\.sp999999999\end", "\n\nend");
    }
}
