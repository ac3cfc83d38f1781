//! What a person reads on stderr while a command works.

use std::io::{IsTerminal, Write, stderr};

use lightsout_toolkit::{Consent, Event, Io};

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

/// Returns the text without what a terminal would obey: a file's name and a
/// chart's words come from anywhere.
pub(super) fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

/// Returns whether stderr wants colour: a terminal, and no `NO_COLOR`.
fn has_colour() -> bool {
    stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Writes a line; nobody may be listening, and that is no failure.
fn line(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}

/// Tells the toolkit's events in the manner of a step's details: what takes
/// time, what ends, and what fails, all of it on stderr.
pub(super) struct StepDetails;

impl Io for StepDetails {
    fn emit(&mut self, event: Event) {
        match event {
            Event::Building { programs, profile } => note(&format!(
                "building {} with the profile `{profile}`",
                programs.join(", ")
            )),
            Event::Cargo { line } => note(line.trim()),
            Event::AssetBuilt {
                asset,
                sha256,
                bytes,
            } => note(&format!("{asset} {} ({} MiB)", &sha256[..16], bytes >> 20)),
            Event::Finished { stack, status } => note(&format!("{stack}: {status}")),
            Event::Progress {
                stack,
                logical_id,
                status,
                reason: Some(reason),
                ..
            } if status.ends_with("FAILED") => {
                note(&format!("{stack}: {logical_id}: {status}: {reason}"));
            }
            Event::RemovingLeftover { stack, status } => {
                note(&format!("{stack}: removing what is left, {status}"));
            }
            Event::Note { text } => note(&text),
            _ => {}
        }
    }

    fn ask(&mut self, _: &str) -> Consent {
        Consent::Given
    }
}
