//! What a fleet's hosts run when they boot.

use std::time::Duration;

use lightsout_core::{Value, join};
use tera::{Context, Tera};

/// How a host comes up, once the power-off timer is armed.
#[derive(Debug, Clone)]
pub(super) enum Boot {
    /// As our own template has it.
    Template(&'static str),
    /// By a script that follows what every host does first.
    Script(Value<String>),
}

/// A master: fetches its bundle, and starts what watches the run.
pub(super) const MASTER: Boot = Boot::Template("master.sh.tera");

/// A worker's host: lets the master in, and announces itself.
pub(super) const WORKER: Boot = Boot::Template("worker.sh.tera");

/// What every host does: arms the timer, and knows how to call AWS and how to end.
const MACHINE: &str = "machine.sh.tera";

/// Where an image has what was baked into it.
pub(super) const BAKED: &str = "/opt/lightsout";

/// Shell functions that images are made with, too.
pub(super) const VERIFY: &str = include_str!("boot/verify.sh");
pub(super) const INSTALL_ANSIBLE: &str = include_str!("boot/ansible.sh");

const TEMPLATES: [(&str, &str); 5] = [
    ("verify.sh", VERIFY),
    ("ansible.sh", INSTALL_ANSIBLE),
    (MACHINE, include_str!("boot/machine.sh.tera")),
    ("master.sh.tera", include_str!("boot/master.sh.tera")),
    ("worker.sh.tera", include_str!("boot/worker.sh.tera")),
];

/// The boot scripts of a fleet with that deadline by name, for checkers of shell.
///
/// The launch templates export variables before them, the program's environment
/// among them.
pub fn boot_scripts(deadline: Duration) -> [(&'static str, String); 2] {
    [
        ("master", rendered("master.sh.tera", deadline, "")),
        ("worker", rendered("worker.sh.tera", deadline, "")),
    ]
}

impl Boot {
    /// Returns the script, which arms the power-off timer before anything else.
    pub(super) fn armed(self, deadline: Duration) -> Value<String> {
        match self {
            Self::Template(name) => rendered(name, deadline, "").into(),
            Self::Script(Value::Literal(script)) => rendered(MACHINE, deadline, &script).into(),
            Self::Script(script) => join![rendered(MACHINE, deadline, ""), script],
        }
    }
}

fn rendered(template: &str, deadline: Duration, script: &str) -> String {
    let mut tera = Tera::default();
    tera.add_raw_templates(TEMPLATES)
        .expect("the templates are compiled in, and a test reads them");
    let mut context = Context::new();
    context.insert("minutes", &deadline.as_secs().div_ceil(60));
    context.insert("script", script);
    context.insert("baked", BAKED);
    tera.render(template, &context)
        .expect("each variable of the templates is set, as a test shows")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_power_off_timer_is_armed_before_anything_else() {
        let deadline = Duration::from_secs(601);
        let own = Boot::Script("echo '<&>'\n".into()).armed(deadline);
        let own = ("own", own.literal().unwrap().clone());
        for (name, script) in boot_scripts(deadline).into_iter().chain([own]) {
            let first = script
                .lines()
                .find(|line| !line.is_empty() && !line.starts_with('#'))
                .unwrap();
            assert!(first.contains("--unit=lightsout-deadline"), "{name}");
            assert!(first.contains("--on-active=11m"), "{name}");
            assert!(!script.contains("{%") && !script.contains("{{"), "{name}");
        }
    }

    #[test]
    fn a_script_of_ones_own_follows_as_it_was_written() {
        let script = Boot::Script("echo '<&>'\n".into()).armed(Duration::from_mins(5));
        let script = script.literal().unwrap();
        assert!(script.trim_end().ends_with("echo '<&>'"), "{script}");
    }
}
