//! The last look at what is logged.

use std::io::{self, Write};

use lightsout_deidentify::last_line;

/// Standard error, behind a filter that masks what looks like an identifier of a person.
///
/// Nothing that is logged should hold one: a masked line says so in a second line, which an
/// alarm can go by.
#[derive(Debug, Clone, Copy)]
pub struct LastLook;

impl Write for LastLook {
    /// Takes a whole event at once, as the subscriber writes it.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        write_masked(event, &mut io::stderr().lock())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

fn write_masked(event: &[u8], out: &mut impl Write) -> io::Result<()> {
    let (text, hits) = last_line(&String::from_utf8_lossy(event));
    out.write_all(text.as_bytes())?;
    if hits > 0 {
        writeln!(
            out,
            r#"{{"level":"ERROR","message":"masked","masked":{hits}}}"#
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_masked_and_counted_and_anything_else_passes() {
        let mut out = Vec::new();
        write_masked(b"{\"error\":\"no 078-05-1120\"}\n", &mut out).unwrap();
        write_masked(b"{\"run\":\"run-000001-1795465488\"}\n", &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\"error\":\"no [SSN]\"}\n{\"level\":\"ERROR\",\"message\":\"masked\",\"masked\":1}\n\
             {\"run\":\"run-000001-1795465488\"}\n"
        );
    }
}
