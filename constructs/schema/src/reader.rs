//! Reading bytes that may be damaged.

use crate::format::{self, HEADER, VERSION};

/// Why a data file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// It does not begin as such files do.
    #[error("`{0}` is no data file of this kind; write it with `cargo run -p lightsout-generate`")]
    Magic(&'static str),
    /// It was written for another version of its reader.
    #[error(
        "`{file}` has version {found}, and this program reads version {VERSION}; write it with `cargo run -p lightsout-generate`"
    )]
    Version {
        /// The file.
        file: &'static str,
        /// Its version.
        found: u32,
    },
    /// It is not as it was written.
    #[error(
        "`{file}` is damaged {place}; restore it, or write it with `cargo run -p lightsout-generate`"
    )]
    Damaged {
        /// The file.
        file: &'static str,
        /// Where, as far as it is known.
        place: String,
    },
}

/// The body of a file, and where in it to read next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'d> {
    file: &'static str,
    body: &'d [u8],
    at: usize,
}

impl<'d> Reader<'d> {
    /// Checks the header of a file.
    pub(crate) fn open(
        file: &'static str,
        magic: [u8; 8],
        bytes: &'d [u8],
    ) -> Result<Self, DataError> {
        let (head, body) = bytes
            .split_at_checked(HEADER)
            .filter(|(head, _)| head[..8] == magic)
            .ok_or(DataError::Magic(file))?;
        let mut reader = Reader {
            file,
            body: head,
            at: 8,
        };
        let found = reader.fixed_u32()?;
        if found != VERSION {
            return Err(DataError::Version { file, found });
        }
        let sum = reader.fixed_u64()?;
        if sum != format::checksum(body) {
            return Err(DataError::Damaged {
                file,
                place: "as a whole: its sum is another".to_owned(),
            });
        }
        Ok(Self::of(file, body))
    }

    /// Reads `body` from its start, whatever it is.
    pub(crate) const fn of(file: &'static str, body: &'d [u8]) -> Self {
        Self { file, body, at: 0 }
    }

    /// Takes the next `length` bytes as a part that is read by itself.
    pub(crate) fn part(&mut self, length: usize) -> Result<Self, DataError> {
        Ok(Self::of(self.file, self.take(length)?))
    }

    /// Returns a reader of the same bytes at another place.
    pub(crate) const fn seek(self, at: usize) -> Self {
        Self { at, ..self }
    }

    pub(crate) const fn rest(&self) -> usize {
        self.body.len().saturating_sub(self.at)
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'d [u8], DataError> {
        let end = self.at.checked_add(length);
        let bytes = end.and_then(|end| self.body.get(self.at..end));
        let bytes = bytes.ok_or_else(|| self.damaged())?;
        self.at += length;
        Ok(bytes)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, DataError> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn fixed_u32(&mut self) -> Result<u32, DataError> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(crate) fn fixed_u64(&mut self) -> Result<u64, DataError> {
        let low = u64::from(self.fixed_u32()?);
        Ok(low | u64::from(self.fixed_u32()?) << 32)
    }

    pub(crate) fn number(&mut self) -> Result<u64, DataError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.damaged())
    }

    pub(crate) fn index(&mut self) -> Result<usize, DataError> {
        usize::try_from(self.number()?).map_err(|_| self.damaged())
    }

    /// Reads how many of something follow, each of at least one byte.
    pub(crate) fn count(&mut self) -> Result<usize, DataError> {
        let count = self.index()?;
        if count > self.rest() {
            return Err(self.damaged());
        }
        Ok(count)
    }

    pub(crate) fn text(&mut self) -> Result<&'d str, DataError> {
        let length = self.index()?;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.damaged())
    }

    pub(crate) fn damaged(&self) -> DataError {
        DataError::Damaged {
            file: self.file,
            place: format!("before byte {} of a part", self.at),
        }
    }
}
