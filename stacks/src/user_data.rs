//! What hosts run at boot, rendered from `stacks/templates/`.

use lightsout::contract::Program;
use lightsout_protocol::environment::{Master, Worker};
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
    context.insert("master", Master::BINARY.name());
    context.insert("worker", Worker::BINARY.name());
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
    use std::{fs, path::Path, process::Command};

    use lightsout::{App, Asset, AssetFile, FileMode, Stage, cfn};
    use lightsout_toolkit::{BuildPlan, Consent, Event, Io, build_assets};

    use super::{Environment, master};

    /// Hears nothing, and says no.
    struct Silent;

    impl Io for Silent {
        fn emit(&mut self, _: Event) {}

        fn ask(&mut self, _: &str) -> Consent {
            Consent::NobodyThere
        }
    }

    /// Packs a bundle with these bytes in it, and returns its name.
    fn bundle(folder: &Path, bytes: &str) -> String {
        fs::write(folder.join("ü.txt"), bytes).unwrap();
        fs::write(folder.join("run.sh"), "true\n".repeat(99)).unwrap();
        let mut app = App::new("clinic", Stage::new("dev"));
        let mut stack = app.stack("Test");
        let bundle = stack.asset(Asset::files(
            "Bundle",
            [
                AssetFile::path("z/ü.txt", "ü.txt", FileMode::Regular),
                AssetFile::path("run", "run.sh", FileMode::Executable),
            ],
        ));
        stack.add("Hosts", cfn::sqs::Queue::new().queue_name(bundle.hash()));
        let store = app.stack("Store").add("Store", cfn::s3::Bucket::new());
        app.asset_store("Store", store.id());
        let plan = BuildPlan::local(folder, folder);
        let built = build_assets(&app.synth().unwrap(), &plan, &mut Silent).unwrap();
        let built = built.get("Bundle").unwrap();
        fs::copy(&built.path, folder.join("bundle.zip")).unwrap();
        built.sha256.clone()
    }

    #[test]
    fn a_master_takes_the_bundle_that_was_deployed_and_no_other() {
        let limits = &Environment::all().unwrap()[0].settings.fleet;
        let script = master(limits);
        let (_, verify) = script.split_once("verify_bundle() {").unwrap();
        let (_, verify) = verify.split_once("<< 'PYTHON'\n").unwrap();
        let (verify, _) = verify.split_once("\nPYTHON\n").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let passes = |digest: &str| {
            let mut python = Command::new("python3");
            python.args(["-c", verify, digest]).current_dir(&folder);
            python.output().unwrap().status.success()
        };
        let first = bundle(folder.path(), "first");
        assert!(passes(&first));
        let second = bundle(folder.path(), "second");
        assert!(!passes(&first));
        assert!(passes(&second));
    }

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
