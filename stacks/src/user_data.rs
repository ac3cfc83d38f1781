//! What hosts run at boot, rendered from `stacks/templates/`.

use tera::{Context, Tera};

use crate::environment::{Environment, EnvironmentError, FleetSettings};

/// The templates, by the name under which they include each other.
const TEMPLATES: [(&str, &str); 3] = [
    (
        "instance.sh.tera",
        include_str!("../templates/instance.sh.tera"),
    ),
    (
        "master.sh.tera",
        include_str!("../templates/master.sh.tera"),
    ),
    (
        "worker.sh.tera",
        include_str!("../templates/worker.sh.tera"),
    ),
];

/// Heartbeats that a master may miss before its workers end themselves; a
/// small master that is busy must not cost a fleet.
const HEARTBEATS: u64 = 10;

/// Renders the body of the master's user data.
pub(crate) fn master(limits: &FleetSettings) -> String {
    render("master.sh.tera", limits)
}

/// Renders the body of a worker's user data.
pub(crate) fn worker(limits: &FleetSettings) -> String {
    render("worker.sh.tera", limits)
}

/// Renders the user data of every environment, named `<environment>-<role>`.
pub fn of_every_environment() -> Result<Vec<(String, String)>, EnvironmentError> {
    let mut scripts = Vec::new();
    for environment in Environment::all()? {
        let limits = &environment.settings.fleet;
        scripts.push((format!("{}-master", environment.name), master(limits)));
        scripts.push((format!("{}-worker", environment.name), worker(limits)));
    }
    Ok(scripts)
}

fn render(name: &str, limits: &FleetSettings) -> String {
    let mut context = Context::new();
    context.insert("deadline_minutes", &limits.deadline_minutes);
    context.insert("guard_seconds", &(limits.lease_seconds / 2).max(5));
    context.insert("stale_seconds", &(limits.lease_seconds * HEARTBEATS));
    let mut tera = Tera::default();
    tera.add_raw_templates(TEMPLATES)
        .and_then(|()| tera.render(name, &context))
        .expect("the templates are compiled in, and a test renders each")
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_template_renders_and_arms_the_power_off_timer_first() {
        for (name, script) in super::of_every_environment().unwrap() {
            assert!(!script.contains("{{") && !script.contains("{%"), "{name}");
            let first = script.lines().find(|line| {
                let line = line.trim();
                !line.is_empty() && !line.starts_with('#') && !line.starts_with("if ")
            });
            assert!(first.unwrap().contains("lightsout-deadline"), "{name}");
        }
    }
}
