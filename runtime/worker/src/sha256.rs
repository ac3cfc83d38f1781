//! Hashes as they are stored.

use std::{env, fs, io};

use sha2::{Digest, Sha256};

/// Returns the SHA-256 of bytes in hexadecimal digits.
pub(crate) fn sha256(bytes: impl AsRef<[u8]>) -> String {
    base16ct::lower::encode_string(&Sha256::digest(bytes))
}

/// Returns the SHA-256 of the program that runs, in hexadecimal digits.
pub(crate) fn of_this_program() -> io::Result<String> {
    fs::read(env::current_exe()?).map(sha256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_written_as_other_programs_write_it() {
        // The first example of FIPS 180-2.
        assert_eq!(
            sha256("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
