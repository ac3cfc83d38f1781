//! Events as a person, or another program, reads them.

use std::{
    env,
    fmt::Write as _,
    io::{self, BufRead, IsTerminal, Write},
};

use serde_json::Value as Json;
use similar::TextDiff;

use crate::{
    compare::{Change, Difference, StackDifference, ValueChange},
    io::{Consent, Event, FileChange, Io, PlannedAction, PlannedChange, Replacement},
    readable::readable,
};

/// Writes events: data to standard output, talk to standard error.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    form: Form,
    colours: Colours,
}

/// The form in which events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Terminal {
    /// Writes in `form`, in colours where a terminal shows them and
    /// [`NO_COLOR`](https://no-color.org) does not forbid them.
    pub fn new(form: Form) -> Self {
        let is_forbidden = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colours = if is_forbidden || !io::stdout().is_terminal() || !io::stderr().is_terminal()
        {
            Colours::Off
        } else {
            Colours::On
        };
        Self { form, colours }
    }
}

impl Io for Terminal {
    fn emit(&mut self, event: Event) {
        let text = match self.form {
            Form::Json => serde_json::to_string(&event).expect("events have text as keys"),
            Form::Text => text(&event, self.colours),
        };
        // Who closed the pipe has seen enough; that is no failure.
        let _ = if is_data(&event) {
            writeln!(io::stdout(), "{text}")
        } else {
            writeln!(io::stderr(), "{text}")
        };
    }

    fn ask(&mut self, question: &str) -> Consent {
        if self.form == Form::Json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Consent::NobodyThere;
        }
        let _ = write!(io::stderr(), "{question} [y/N] ");
        let mut answer = String::new();
        match io::stdin().lock().read_line(&mut answer) {
            Ok(_) if matches!(answer.trim(), "y" | "Y" | "yes") => Consent::Given,
            _ => Consent::Refused,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colours {
    On,
    Off,
}

/// What a colour says beside the words, never alone.
#[derive(Debug, Clone, Copy)]
enum Tone {
    Good,
    Bad,
    Careful,
    Quiet,
}

impl Colours {
    fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Bad => 31,
            Tone::Good => 32,
            Tone::Careful => 33,
            Tone::Quiet => 2,
        };
        match self {
            Self::On => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Self::Off => text.to_owned(),
        }
    }
}

fn is_data(event: &Event) -> bool {
    matches!(
        event,
        Event::Stack { .. } | Event::Differs { .. } | Event::Planned { .. }
    )
}

fn text(event: &Event, colours: Colours) -> String {
    match event {
        Event::Wrote { path, change } => {
            let sign = match change {
                FileChange::Added => "+",
                FileChange::Changed => "~",
                FileChange::Removed => "-",
            };
            format!("{sign} {}", path.display())
        }
        Event::Synthesized {
            folder,
            stacks,
            changed,
        } => {
            let stacks = counted(*stacks, "stack");
            let changed = match changed {
                0 => "nothing changed".to_owned(),
                changed => format!("{} changed", counted(*changed, "file")),
            };
            format!("{stacks} in {}, {changed}", folder.display())
        }
        Event::Stack {
            name,
            physical_name,
            dependencies,
            ..
        } => match dependencies.as_slice() {
            [] => format!("{physical_name}  {name}"),
            some => format!("{physical_name}  {name}, after {}", some.join(", ")),
        },
        Event::Differs { difference } => differences(difference, colours),
        Event::Same { stack } => format!("{stack}: no difference"),
        Event::Building { programs, profile } => {
            format!("building {} (profile {profile})", programs.join(", "))
        }
        Event::Cargo { line } => line.clone(),
        Event::AssetBuilt {
            asset,
            sha256,
            bytes,
        } => format!("asset {asset}: {} KB, {}", bytes / 1000, short(sha256)),
        Event::AssetUploaded { asset, key } => {
            format!("asset {asset}: uploaded {}", short_key(key))
        }
        Event::AssetPresent { asset, .. } => format!("asset {asset}: already there"),
        Event::Planned { stack, changes } => plan(stack, changes, colours),
        Event::Unchanged { stack } => format!("{stack}: no changes"),
        Event::RemovingLeftover { stack, status } => format!(
            "{stack}: removing what is left of a creation that failed ({status}), then creating it again"
        ),
        Event::Progress {
            stack,
            logical_id,
            type_name,
            status,
            reason,
        } => {
            let tone = match status {
                status if status.ends_with("_FAILED") => Tone::Bad,
                status if status.contains("ROLLBACK") => Tone::Careful,
                status if status.ends_with("_COMPLETE") => Tone::Good,
                _ => Tone::Quiet,
            };
            let status = colours.paint(tone, status);
            let reason = reason.as_ref().map(|reason| format!(": {reason}"));
            format!(
                "{stack}  {status}  {logical_id} ({type_name}){}",
                reason.unwrap_or_default()
            )
        }
        Event::Finished { stack, status } => {
            format!("{stack}: {}", colours.paint(Tone::Good, status))
        }
        Event::Emptied { bucket, objects } => {
            format!("bucket {bucket}: removed {}", counted(*objects, "version"))
        }
        Event::Retained {
            stack,
            logical_id,
            type_name,
            physical_id,
        } => format!("{stack}: {logical_id} ({type_name}) stays as `{physical_id}`"),
        Event::Note { text } => format!("note: {text}"),
        Event::Problem { text, .. } => format!("{text}\n"),
        Event::Failed { chain, hint } => failure(chain, hint.as_deref(), colours),
    }
}

fn failure(chain: &[String], hint: Option<&str>, colours: Colours) -> String {
    let mut text = String::new();
    for (at, message) in chain.iter().enumerate() {
        let label = if at == 0 { "error:" } else { "\n  caused by:" };
        let _ = write!(text, "{} {message}", colours.paint(Tone::Bad, label));
    }
    if let Some(hint) = hint {
        let _ = write!(text, "\n\n{} {hint}", colours.paint(Tone::Careful, "hint:"));
    }
    text
}

fn plan(stack: &str, changes: &[PlannedChange], colours: Colours) -> String {
    let mut text = format!("{stack}: {}", counted(changes.len(), "change"));
    for change in changes {
        let (sign, tone, word) = match (change.action, change.replacement) {
            (PlannedAction::Add, _) => ("+", Tone::Good, "adds"),
            (PlannedAction::Import, _) => ("+", Tone::Good, "imports"),
            (PlannedAction::Remove, _) => ("-", Tone::Bad, "removes"),
            (PlannedAction::Modify, Replacement::Always) => ("!", Tone::Bad, "replaces"),
            (PlannedAction::Modify, Replacement::Perhaps) => ("!", Tone::Careful, "may replace"),
            (PlannedAction::Modify, Replacement::Never) => ("~", Tone::Careful, "changes"),
            (PlannedAction::Dynamic, _) => ("?", Tone::Careful, "may change"),
        };
        let warning = if change.may_lose_data() {
            ", which holds data"
        } else {
            ""
        };
        let name = change.path.as_ref().unwrap_or(&change.logical_id);
        let what = format!("{sign} {word} {name} ({}){warning}", change.type_name);
        let _ = write!(text, "\n  {}", colours.paint(tone, &what));
        if !change.properties.is_empty() {
            let _ = write!(text, ": {}", change.properties.join(", "));
        }
    }
    text
}

fn differences(stack: &StackDifference, colours: Colours) -> String {
    let mut text = if stack.is_new {
        format!("{}: new stack", stack.stack)
    } else {
        format!(
            "{}: {}",
            stack.stack,
            counted(stack.differences.len(), "difference")
        )
    };
    let mut section = "";
    for difference in &stack.differences {
        if difference.section != section {
            section = &difference.section;
            let _ = write!(text, "\n{section}");
        }
        let _ = write!(text, "\n{}", entry(difference, colours));
    }
    text
}

fn entry(difference: &Difference, colours: Colours) -> String {
    let (sign, tone) = match &difference.change {
        Change::Added => ("+", Tone::Good),
        Change::Removed => ("-", Tone::Bad),
        Change::Changed { .. } => ("~", Tone::Careful),
    };
    let mut head = format!("  {sign} {}", difference.name);
    if let Some(type_name) = &difference.type_name {
        let _ = write!(head, " ({type_name})");
    }
    if let Some(construct) = &difference.construct {
        let _ = write!(head, " at {construct}");
    }
    let mut text = colours.paint(tone, &head);
    let data = if difference.stateful {
        ", which holds data"
    } else {
        ""
    };
    let consequence = match (&difference.change, difference.replacement) {
        (Change::Removed, _) if difference.stateful => Some("removed".to_owned()),
        (_, Some(Replacement::Always)) => Some("replaced by a new one".to_owned()),
        (_, Some(Replacement::Perhaps)) => Some("perhaps replaced by a new one".to_owned()),
        _ => None,
    };
    if let Some(consequence) = consequence {
        let words = format!(" is {consequence}{data}");
        text.push_str(&colours.paint(Tone::Bad, &words));
    }
    if let Change::Changed { values } = &difference.change {
        for change in values {
            let _ = write!(text, "\n{}", value(change, colours));
        }
    }
    text
}

fn value(change: &ValueChange, colours: Colours) -> String {
    let write = |value: &Option<Json>| value.as_ref().map(readable);
    let (old, new) = (write(&change.old), write(&change.new));
    let lines = |text: &Option<String>| text.as_ref().map_or(0, |text| text.lines().count());
    let path = if change.path.is_empty() {
        String::new()
    } else {
        format!("{}: ", change.path)
    };
    if lines(&old) > 1 || lines(&new) > 1 {
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        let lines = unified(&old, &new, colours);
        return format!("      {path}\n{lines}").trim_end().to_owned();
    }
    let shown = |text: &str| format!("`{text}`");
    match (old, new) {
        (Some(old), Some(new)) => format!(
            "      {path}{} → {}",
            colours.paint(Tone::Bad, &shown(&old)),
            colours.paint(Tone::Good, &shown(&new))
        ),
        (None, Some(new)) => {
            format!(
                "      {path}{}",
                colours.paint(Tone::Good, &format!("+ {}", shown(&new)))
            )
        }
        (Some(old), None) => {
            format!(
                "      {path}{}",
                colours.paint(Tone::Bad, &format!("- {}", shown(&old)))
            )
        }
        (None, None) => format!("      {path}"),
    }
}

/// Returns changed lines with three lines around them.
fn unified(old: &str, new: &str, colours: Colours) -> String {
    let difference = TextDiff::from_lines(old, new);
    let text = difference.unified_diff().context_radius(3).to_string();
    let mut lines = String::new();
    for line in text.lines() {
        let line = match line.chars().next() {
            Some('+') => colours.paint(Tone::Good, line),
            Some('-') => colours.paint(Tone::Bad, line),
            Some('@') => colours.paint(Tone::Quiet, line),
            _ => line.to_owned(),
        };
        let _ = writeln!(lines, "        {line}");
    }
    lines
}

fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}

fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}

fn short_key(key: &str) -> &str {
    short(key.trim_start_matches("assets/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::compare;
    use serde_json::json;

    #[test]
    fn a_changed_script_is_shown_line_by_line() {
        let template = |line: &str| {
            let script = format!("#!/bin/sh\necho {line}\nexit 0\n");
            let properties = json!({"UserData": {"Fn::Base64": script}});
            json!({"Resources": {"Host": {"Type": "AWS::EC2::Instance", "Properties": properties}}})
        };
        let difference = StackDifference {
            stack: "Fleet".to_owned(),
            is_new: false,
            differences: compare(&template("on"), &template("off")),
        };
        assert_eq!(
            differences(&difference, Colours::Off),
            "Fleet: 1 difference\n\
             Resources\n\
             \x20 ~ Host (AWS::EC2::Instance)\n\
             \x20     Properties.UserData: \n\
             \x20       @@ -1,3 +1,3 @@\n\
             \x20        #!/bin/sh\n\
             \x20       -echo on\n\
             \x20       +echo off\n\
             \x20        exit 0"
        );
    }

    #[test]
    fn what_loses_data_says_so_in_words() {
        let change = PlannedChange {
            action: PlannedAction::Modify,
            logical_id: "Inbox".to_owned(),
            path: None,
            type_name: "AWS::S3::Bucket".to_owned(),
            replacement: Replacement::Always,
            properties: vec!["BucketName".to_owned()],
            stateful: true,
        };
        assert_eq!(
            plan("Storage", &[change], Colours::Off),
            "Storage: 1 change\n  ! replaces Inbox (AWS::S3::Bucket), which holds data: BucketName"
        );
    }

    #[test]
    fn an_error_is_told_with_its_causes_and_its_hint() {
        let chain = ["cannot deploy".to_owned(), "no credentials".to_owned()];
        assert_eq!(
            failure(&chain, Some("log in"), Colours::Off),
            "error: cannot deploy\n  caused by: no credentials\n\nhint: log in"
        );
    }
}
