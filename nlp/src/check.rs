//! Whether bytes are the text of a note at all.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The largest note that is read, in bytes.
pub const LARGEST_TEXT: usize = 10 << 20;

/// Why bytes are not read as a note; says nothing of what they hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Rejection {
    /// There is no text.
    #[error("the file is empty or holds only white space; upload a note's text")]
    Empty,
    /// The bytes are not UTF-8.
    #[error("the file is not UTF-8 text (byte {offset}); save it as UTF-8")]
    NotUtf8 {
        /// The first byte that does not fit.
        offset: usize,
    },
    /// The text is too long.
    #[error("the file has {bytes} bytes, more than {limit}; split it into its notes")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The longest that is read.
        limit: usize,
    },
    /// The bytes are another kind of file.
    #[error("the file is {kind}, not UTF-8 text; save the note as UTF-8 text")]
    Binary {
        /// The kind.
        kind: BinaryKind,
    },
}

/// Kinds of file that are not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BinaryKind {
    /// A PNG picture.
    Png,
    /// A JPEG picture.
    Jpeg,
    /// A PDF document.
    Pdf,
    /// A ZIP archive, as Office documents are.
    Zip,
    /// A gzip file.
    Gzip,
    /// Rich text, whose words stand between marks of its format.
    Rtf,
    /// Text in UTF-16, as some Windows programs save it.
    Utf16,
    /// Something with zero bytes in it.
    Unknown,
}

impl Rejection {
    /// A stable code for the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotUtf8 { .. } => "not_utf8",
            Self::TooLarge { .. } => "too_large",
            Self::Binary { .. } => "binary",
        }
    }
}

impl fmt::Display for BinaryKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Png => "a PNG picture",
            Self::Jpeg => "a JPEG picture",
            Self::Pdf => "a PDF document",
            Self::Zip => "a ZIP archive or Office document",
            Self::Gzip => "a gzip file",
            Self::Rtf => "rich text (RTF)",
            Self::Utf16 => "text in UTF-16",
            Self::Unknown => "a binary file",
        })
    }
}

/// The bytes as text, without a byte order mark, or why they are no note.
///
/// ```
/// use lightsout_nlp::{Rejection, check_text};
/// assert_eq!(check_text(b"Cough."), Ok("Cough."));
/// assert_eq!(check_text(b" \n"), Err(Rejection::Empty));
/// assert_eq!(check_text(b"%PDF-1.7").unwrap_err().code(), "binary");
/// ```
pub fn check_text(bytes: &[u8]) -> Result<&str, Rejection> {
    let magic: [(&[u8], BinaryKind); 8] = [
        (b"\x89PNG\r\n\x1a\n", BinaryKind::Png),
        (b"\xff\xd8\xff", BinaryKind::Jpeg),
        (b"%PDF-", BinaryKind::Pdf),
        (b"PK\x03\x04", BinaryKind::Zip),
        (b"\x1f\x8b", BinaryKind::Gzip),
        (b"{\\rtf", BinaryKind::Rtf),
        (b"\xff\xfe", BinaryKind::Utf16),
        (b"\xfe\xff", BinaryKind::Utf16),
    ];
    if let Some((_, kind)) = magic.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Err(Rejection::Binary { kind: *kind });
    }
    if bytes.len() > LARGEST_TEXT {
        return Err(Rejection::TooLarge {
            bytes: bytes.len(),
            limit: LARGEST_TEXT,
        });
    }
    if bytes.contains(&0) {
        return Err(Rejection::Binary {
            kind: BinaryKind::Unknown,
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| Rejection::NotUtf8 {
        offset: error.valid_up_to(),
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        Err(Rejection::Empty)
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_no_text_are_named() {
        for (bytes, kind) in [
            (&b"\x89PNG\r\n\x1a\n rest"[..], BinaryKind::Png),
            (b"\xff\xd8\xff\xe0", BinaryKind::Jpeg),
            (b"%PDF-1.4", BinaryKind::Pdf),
            (b"PK\x03\x04", BinaryKind::Zip),
            (b"\x1f\x8b\x08", BinaryKind::Gzip),
            (b"{\\rtf1\\ansi fever}", BinaryKind::Rtf),
            (b"\xff\xfef\0e\0", BinaryKind::Utf16),
            (b"fever\0cough", BinaryKind::Unknown),
        ] {
            assert_eq!(check_text(bytes), Err(Rejection::Binary { kind }));
        }
    }

    #[test]
    fn text_is_bounded_and_utf8() {
        assert_eq!(
            check_text(b"fever \xff"),
            Err(Rejection::NotUtf8 { offset: 6 })
        );
        let long = vec![b'a'; LARGEST_TEXT + 1];
        assert_eq!(
            check_text(&long),
            Err(Rejection::TooLarge {
                bytes: LARGEST_TEXT + 1,
                limit: LARGEST_TEXT
            })
        );
        assert!(check_text(&long[1..]).is_ok());
        assert_eq!(check_text("\u{feff}Cough".as_bytes()), Ok("Cough"));
        assert_eq!(check_text(b""), Err(Rejection::Empty));
    }

    #[test]
    fn a_rejection_never_shows_the_text() {
        let rejection = check_text(b"secret fever \xff").unwrap_err();
        assert!(
            !rejection.to_string().contains("secret")
                && !serde_json::to_string(&rejection)
                    .unwrap()
                    .contains("secret")
        );
    }
}
