//! The machines: a launcher that starts the master, which starts the workers.

use std::time::Duration;

use lightsout::{
    Asset, AssetFile, Construct, FileMode, Removal, Scope,
    contract::Program,
    ec2::{self, Image, LaunchTemplate, NetworkRef, SecurityGroup, UserData},
    kms::Key,
    lambda::{Architecture, Code, Function, FunctionRef},
    setting,
};
use lightsout_protocol::{
    environment::{
        Launcher, LauncherEnvironment, Master, MasterEnvironment, Worker, WorkerEnvironment,
    },
    fleet::{role, tag},
};

use crate::{
    assets::AssetsRef,
    environment::{self, Settings},
    intake::IntakeRef,
    storage::StorageRef,
    user_data,
};

/// Everything that runs.
pub(crate) struct Fleet<'a> {
    pub(crate) pipeline: String,
    pub(crate) removal: Removal,
    pub(crate) settings: &'a Settings,
    pub(crate) assets: &'a AssetsRef,
    pub(crate) network: &'a NetworkRef,
    pub(crate) intake: &'a IntakeRef,
    pub(crate) storage: &'a StorageRef,
}

/// References into the fleet.
pub(crate) struct FleetRef {
    pub(crate) launcher: FunctionRef<Launcher>,
}

/// The most that the launcher may take; it answers in well under a second.
const LAUNCHER_TIMEOUT: Duration = Duration::from_secs(30);

impl Construct for Fleet<'_> {
    type Handle = FleetRef;

    fn build(self, scope: &mut Scope<'_>) -> FleetRef {
        let Self {
            settings,
            network,
            intake,
            storage,
            ..
        } = self;
        let limits = &settings.fleet;
        let key = scope.add(
            "Key",
            Key::new("Disks of machines, logs of functions").removal(self.removal),
        );
        let masters = ec2::Fleet::<Master>::tagged(tag::PIPELINE, &self.pipeline)
            .and(tag::ROLE, role::MASTER);
        let workers = ec2::Fleet::<Worker>::tagged(tag::PIPELINE, &self.pipeline)
            .and(tag::ROLE, role::WORKER);
        // The workers let the master in, and the master launches the workers:
        // its group is there before both.
        let master_group = scope.add(
            "MasterGroup",
            SecurityGroup::new("Masters, which reach their workers over SSH", network)
                .reaches_ssh(),
        );

        let worker = LaunchTemplate::new(
            Worker,
            WorkerEnvironment {
                work: intake.work.receiver(),
                inbox: intake.inbox.reader(),
                results: storage.results.writer(),
                large_results: storage.large_results.writer(),
                control: storage.control.writer(),
                visibility_seconds: setting(limits.visibility_seconds),
                drain_seconds: setting(limits.drain_seconds),
            },
            &workers,
            image(&settings.hosts.image),
            UserData::bash(user_data::worker(limits)),
            network,
            &key,
        )
        .instance_type(&settings.hosts.worker_type)
        .ssh_from(&master_group);
        let worker = scope.add("Worker", worker);

        let bundle = scope.asset(master_bundle());
        let master = LaunchTemplate::new(
            Master,
            MasterEnvironment {
                work: intake.work.meter(),
                control: storage.control.writer(),
                workers: worker.launcher(),
                fleet: workers.terminator(),
                itself: masters.terminator(),
                programs: self.assets.bucket.reader(),
                logs: storage.logs.writer(),
                lease_seconds: setting(limits.lease_seconds),
                most_workers: setting(limits.most_workers),
                charts_per_worker: setting(limits.charts_per_worker),
                drain_seconds: setting(limits.drain_seconds),
                deadline_seconds: setting(limits.deadline().as_secs()),
            },
            &masters,
            image(&settings.hosts.image),
            UserData::bash(user_data::master(limits))
                .variable("BUNDLE_KEY", bundle.key())
                .variable("BUNDLE_DIGEST", bundle.hash()),
            network,
            &key,
        )
        .instance_type(&settings.hosts.master_type)
        .group(&master_group);
        let master = scope.add("Master", master);

        let code = scope.asset(Asset::program("Launcher", Launcher::BINARY));
        let launcher = Function::new(
            Launcher,
            LauncherEnvironment {
                work: intake.work.meter(),
                control: storage.control.writer(),
                master: master.launcher(),
                pipeline: setting(self.pipeline.as_str()),
                lease_seconds: setting(limits.lease_seconds.max(BOOT_SECONDS)),
            },
            Code::new(code, self.assets.bucket.name()),
            network,
            &key,
        )
        .architecture(architecture(settings))
        .timeout(LAUNCHER_TIMEOUT);
        let launcher = scope.add("Launcher", launcher);
        scope.output(output::LAUNCHER, launcher.name(), "What starts a run");
        FleetRef { launcher }
    }
}

/// How long a master may take from its launch to its first heartbeat, in seconds.
const BOOT_SECONDS: u64 = 300;

/// The outputs of this stack that tools read.
pub mod output {
    /// The launcher function's name.
    pub const LAUNCHER: &str = "LauncherFunctionName";
}

/// What programs of this environment are built for.
pub(crate) fn architecture(settings: &Settings) -> Architecture {
    match settings.hosts.architecture {
        environment::Architecture::Arm64 => Architecture::Arm64,
        environment::Architecture::X86 => Architecture::X86_64,
    }
}

fn image(name: &str) -> Image {
    match name.strip_prefix("ssm:") {
        Some(parameter) => Image::Parameter(parameter.into()),
        None => Image::Id(name.into()),
    }
}

/// What a master fetches when it boots: both host programs, and the playbooks.
fn master_bundle() -> Asset {
    Asset::files(
        "MasterBundle",
        [
            AssetFile::program(Master::BINARY),
            AssetFile::program(Worker::BINARY),
            AssetFile::path("playbooks", "stacks/playbooks", FileMode::Regular),
        ],
    )
}
