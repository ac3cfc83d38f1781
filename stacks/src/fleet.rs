//! The machines: a launcher that starts the master, which starts the workers.

use std::time::Duration;

use lightsout::{
    Construct, Removal, Scope,
    batch_fleet::{BatchFleet, BatchFleetRef, FleetImagesRef, Hosts, Limits, Triggers},
    ec2::{Image, NetworkRef},
    lambda::Architecture,
    setting,
    sns::TopicRef,
};
use lightsout_protocol::environment::{Launcher, Master, Reaper, Worker, WorkerEnvironment};

use crate::{
    assets::AssetsRef,
    environment::{self, HostImage, Settings},
    images::Images,
    intake::IntakeRef,
    omission::Omission,
    storage::StorageRef,
};

/// Everything that runs, what wakes it, and what tells a person.
pub(crate) struct Fleet<'a> {
    pub(crate) pipeline: String,
    pub(crate) removal: Removal,
    pub(crate) settings: &'a Settings,
    pub(crate) assets: &'a AssetsRef,
    pub(crate) network: &'a NetworkRef,
    pub(crate) intake: &'a IntakeRef,
    pub(crate) storage: &'a StorageRef,
    pub(crate) people: &'a TopicRef,
}

/// References into the fleet.
pub(crate) type FleetRef = BatchFleetRef<Launcher, Master, Reaper, Worker>;

impl Construct for Fleet<'_> {
    type Handle = FleetRef;

    fn build(self, scope: &mut Scope<'_>) -> Self::Handle {
        let Self {
            settings,
            intake,
            storage,
            ..
        } = self;
        let images = (settings.hosts.image == HostImage::Baked).then(|| {
            let images = Images {
                removal: self.removal,
                settings,
                assets: self.assets,
                network: self.network,
                storage,
            };
            scope.add("Ami", images)
        });
        let fleet = BatchFleet::new(
            Launcher,
            Master,
            Reaper,
            Worker,
            &self.assets.bucket,
            |fleet| WorkerEnvironment {
                work: fleet.jobs.receiver(),
                inbox: intake.inbox.reader(),
                results: storage.results.writer(),
                large_results: storage.large_results.writer(),
                control: fleet.control.reader(),
                visibility_seconds: setting(settings.fleet.visibility_seconds),
                drain_seconds: setting(settings.fleet.drain_seconds),
                edition: setting(settings.coding.edition.name()),
            },
        )
        .named(self.pipeline)
        .network(self.network)
        .removal(self.removal)
        .jobs(&intake.work, &intake.dead)
        .records(&storage.control, &storage.logs)
        .alerts(self.people)
        .limits(limits(settings))
        .triggers(triggers(settings))
        .hosts(hosts(settings, images));
        let fleet = if settings.reserves_concurrency {
            fleet.reserved_concurrency(RESERVED)
        } else {
            fleet
        };
        let fleet = fleet.build(scope);
        scope.output(output::LAUNCHER, fleet.launcher.name(), "What starts a run");
        if !settings.leaves_out(Omission::CompositeAlarms) {
            let stuck = fleet.alarms.stuck().notifies(self.people).describe(
                "Charts wait and none is coded, whatever was started; see the run in the control \
                 table, its log, and the launcher's.",
            );
            scope.add("Stuck", stuck);
        }
        scope.output(
            output::REAPER,
            fleet.reaper.name(),
            "What ends what is left",
        );
        fleet
    }
}

/// Executions that are the launcher's and the reaper's own, where they are reserved: an alarm
/// and the clock may call at once.
const RESERVED: u32 = 2;

/// The outputs of this stack that tools read.
pub mod output {
    /// The launcher function's name.
    pub const LAUNCHER: &str = "LauncherFunctionName";
    /// The reaper function's name.
    pub const REAPER: &str = "ReaperFunctionName";
}

/// What programs of this environment are built for.
pub(crate) fn architecture(settings: &Settings) -> Architecture {
    match settings.hosts.architecture {
        environment::Architecture::Arm64 => Architecture::Arm64,
        environment::Architecture::X86 => Architecture::X86_64,
    }
}

fn limits(settings: &Settings) -> Limits {
    let fleet = &settings.fleet;
    Limits::new()
        .most_workers(fleet.most_workers)
        .messages_per_worker(fleet.charts_per_worker)
        .lease(Duration::from_secs(fleet.lease_seconds))
        .drain(Duration::from_secs(fleet.drain_seconds))
        .deadline(fleet.deadline())
        .boot(Duration::from_secs(fleet.boot_seconds))
}

fn triggers(settings: &Settings) -> Triggers {
    let alarms = &settings.alarms;
    Triggers::new()
        .backlog(alarms.backlog)
        .oldest(Duration::from_mins(alarms.oldest_minutes))
        .heartbeat(Duration::from_mins(alarms.heartbeat_minutes))
}

fn hosts(settings: &Settings, images: Option<FleetImagesRef>) -> Hosts {
    let given = &settings.hosts;
    let hosts = match given.architecture {
        environment::Architecture::Arm64 => Hosts::arm64(),
        environment::Architecture::X86 => Hosts::x86_64(),
    }
    .master_types(&given.master_types)
    .worker_types(&given.worker_types)
    .spot_percent(given.spot_percent);
    let hosts = match images {
        Some(images) => hosts.baked(images.master.image(), images.worker.image()),
        None => hosts.image(base_image(settings)),
    };
    if given.master_spot {
        hosts.spot_master()
    } else {
        hosts
    }
}

/// What machines boot from, or what their images are made of.
pub(crate) fn base_image(settings: &Settings) -> Image {
    let name = settings.hosts.base_image.as_str();
    match name.strip_prefix("ssm:") {
        Some(parameter) => Image::Parameter(parameter.into()),
        None => Image::Id(name.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, process::Command, time::Duration};

    use lightsout::{App, Asset, AssetFile, FileMode, Stage, batch_fleet::boot_scripts, cfn};
    use lightsout_toolkit::{BuildPlan, Consent, Event, Io, build_assets};

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
        let [(_, script), _] = boot_scripts(Duration::from_hours(4));
        let (_, verify) = script.split_once("verify() {").unwrap();
        let (_, verify) = verify.split_once("<< 'PYTHON'\n").unwrap();
        let (verify, _) = verify.split_once("\nPYTHON\n").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let passes = |digest: &str| {
            let mut python = Command::new("python3");
            python
                .args(["-c", verify, "bundle.zip", digest])
                .current_dir(&folder);
            python.output().unwrap().status.success()
        };
        let first = bundle(folder.path(), "first");
        assert!(passes(&first));
        let second = bundle(folder.path(), "second");
        assert!(!passes(&first));
        assert!(passes(&second));
    }
}
