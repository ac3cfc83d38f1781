//! What a person reads on stderr while a command works.

use std::io::{IsTerminal, Write, stderr};

/// Writes the heading of a step.
pub(super) fn heading(text: &str) {
    if has_colour() {
        line(&format!("\u{1b}[1m{text}\u{1b}[0m"));
    } else {
        line(text);
    }
}

/// Writes a detail below a heading.
pub(super) fn note(text: &str) {
    line(&format!("      {text}"));
}

/// Returns whether stderr wants colour: a terminal, and no `NO_COLOR`.
fn has_colour() -> bool {
    stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Writes a line; nobody may be listening, and that is no failure.
fn line(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}
