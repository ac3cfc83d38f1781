//! A queue whose work is done by machines that turn themselves off.
//!
//! A [`BatchFleet`] is a whole system for one program of yours, the worker: a queue
//! with its dead letters, alarms that wake a launcher, a master that starts workers
//! and ends them and itself, a reaper that ends what is left, and the keys, roles and
//! groups that all of this takes.
//! While the queue is empty no machine runs.
//!
//! # What happens
//!
//! 1. Messages wait. Enough of them, or one for long enough, and an alarm invokes
//!    the launcher; a heartbeat does so anyway, should an alarm have missed it.
//! 2. The launcher takes the lease in the control table, and starts one master.
//! 3. The master runs a playbook that starts as many workers as the backlog
//!    deserves, installs the worker on each and follows it.
//! 4. A worker receives, works, deletes, and ends once the queue is drained.
//! 5. The master ends the workers and itself. Should it not, a timer that was armed
//!    in the first line of each machine's user data powers the machine off, and that
//!    terminates it.
//! 6. A crashed machine does neither. The heartbeat invokes the reaper too, which ends
//!    machines whose run is over or silent, closes that run, and wakes the launcher for
//!    work that is left; a person is told of both.
//! 7. A call of the clock that does not arrive, or one that fails three times, is kept in
//!    a queue, and a person is told.
//!
//! # What a worker must do
//!
//! It is a [`Program`] whose environment receives from the queue. The playbook copies
//! it to each host and runs `worker --lock FILE` with its environment's variables: it
//! locks the file, so that a second worker on the host waits for the first to end,
//! works until the queue is drained, writes one JSON object of what it did to
//! standard output, and ends with code 0.
//!
//! # Example: thumbnails of pictures
//!
//! The launcher, the master and the reaper come from the crate `lightsout-protocol`.
//! All the rest is what another project writes:
//!
//! ```
//! use lightsout::{
//!     App, Stage, batch_fleet::{BatchFleet, Limits}, cfn,
//!     contract::{Binary, Program, ReadObjects, ReceiveFrom, Side, WriteObjects, binary, environment},
//!     kms::Key, s3::Bucket,
//! };
//! use lightsout_protocol::environment::{Launcher, Master, ProgramArchive, Reaper};
//!
//! struct Picture;
//! struct PictureArrived;
//!
//! environment! {
//!     /// What the worker needs.
//!     pub struct ShrinkEnvironment {
//!         /// Pictures that have arrived.
//!         work: ReceiveFrom<PictureArrived> = "WORK_QUEUE",
//!         /// The pictures.
//!         pictures: ReadObjects<Picture> = "PICTURES",
//!         /// Where thumbnails go.
//!         thumbnails: WriteObjects<Picture> = "THUMBNAILS",
//!     }
//! }
//!
//! /// Makes thumbnails.
//! struct Shrink;
//!
//! impl Program for Shrink {
//!     const BINARY: Binary = binary!("shrink" in "examples/programs");
//!     type Message = PictureArrived;
//!     type Environment<S: Side> = ShrinkEnvironment<S>;
//! }
//!
//! let mut app = App::new("gallery", Stage::new("dev"));
//! let mut storage = app.stack("Storage");
//! let key = storage.add("Key", Key::new("Pictures and programs"));
//! let programs = storage.add("Programs", Bucket::<ProgramArchive>::new(&key));
//! let pictures = storage.add("Pictures", Bucket::<Picture>::new(&key));
//! let thumbnails = storage.add("Thumbnails", Bucket::<Picture>::new(&key));
//! app.asset_store("Storage", programs.id());
//!
//! let shrinking = BatchFleet::new(Launcher, Master, Reaper, Shrink, &programs, |fleet| {
//!     ShrinkEnvironment {
//!         work: fleet.jobs.receiver(),
//!         pictures: pictures.reader(),
//!         thumbnails: thumbnails.writer(),
//!     }
//! });
//! let shrinking = app
//!     .stack("Shrinking")
//!     .add("Fleet", shrinking.limits(Limits::new().most_workers(20).messages_per_worker(500)));
//! let for_the_website = shrinking.sender();
//!
//! let assembly = app.synth()?;
//! let template = assembly.template("Shrinking");
//! template.count::<cfn::ec2::LaunchTemplate>(2);
//! template.count::<cfn::ec2::NatGateway>(0);
//! # Ok::<(), lightsout::SynthError>(())
//! ```
//!
//! Cargo builds the three from their packages, `lightsout-launcher`, `lightsout-master`
//! and `lightsout-reaper`, once any package of the project's workspace depends on
//! them. The best place is the worker's package, which compiles AWS clients anyway.
//!
//! The example `fleet` has a bucket that announces its objects, a choice of instance
//! types and spot instances.
//!
//! # What it costs while nothing waits
//!
//! No machine runs. What AWS charges by the hour or month are the keys and, in a
//! network that the fleet [makes for itself](BatchFleet::network), three endpoints in
//! each zone.

mod alarms;
mod boot;
mod build;
mod bundle;
mod fault;
mod hosts;
mod images;
mod limits;
#[cfg(test)]
mod tests;
mod triggers;

use std::fmt;

use lightsout_contract::{
    Program, ReadItems, ReadObjects, SendTo,
    fleet::{
        ControlItem, LauncherEnvironment, MasterEnvironment, ProgramArchive, ReaperEnvironment,
        RunLog,
    },
};
use lightsout_core::Value;

use crate::{
    Infra, Removal, Wired,
    dynamodb::TableRef,
    ec2::{Cidr, LaunchTemplateRef, NetworkRef},
    events::Undelivered,
    kms::KeyRef,
    lambda::FunctionRef,
    s3::BucketRef,
    sns::TopicRef,
    sqs::{DeadLettersRef, QueueRef},
};

pub use alarms::Alarms;
pub use boot::boot_scripts;
pub use hosts::Hosts;
pub use images::{FleetImages, FleetImagesRef};
pub use limits::Limits;
pub use triggers::Triggers;

/// A queue whose work is done by machines that turn themselves off.
///
/// `L` is the launcher's program, `M` the master's, `R` the reaper's, `P` the worker's; see the
/// [module's documentation](self). Added without an option it makes all that it
/// needs: a key, a network without a way out, the queue and its dead letters, the
/// control table, a bucket for logs of runs, and a topic that tells a person.
#[must_use = "a fleet does nothing until it is added to a stack"]
pub struct BatchFleet<'a, L, M, R, P: Program> {
    launcher: L,
    master: M,
    reaper: R,
    worker: P,
    environment: WorkerWiring<'a, P>,
    programs: BucketRef<ProgramArchive>,
    name: Option<String>,
    network: Place,
    key: Option<KeyRef>,
    removal: Removal,
    queues: Option<Queues<P::Message>>,
    records: Option<(TableRef<ControlItem>, BucketRef<RunLog>)>,
    alerts: Option<TopicRef>,
    limits: Limits,
    triggers: Triggers,
    hosts: Hosts,
    reserved: Option<u32>,
    playbooks: Option<String>,
    master_boot: boot::Boot,
    worker_boot: boot::Boot,
}

/// What a worker's environment can be wired to, of what its fleet is made of.
pub struct Parts<M> {
    /// The queue, of which the worker must be a receiver.
    pub jobs: QueueRef<M>,
    /// The lease and the runs.
    pub control: TableRef<ControlItem>,
}

/// A fleet that was added to a stack.
pub struct BatchFleetRef<L, M, R, P: Program> {
    /// The fleet's name, the value of the tag that its machines carry.
    pub name: String,
    /// The queue.
    pub jobs: QueueRef<P::Message>,
    /// What could not be worked on.
    pub failed: DeadLettersRef<P::Message>,
    /// The lease and the runs.
    pub control: TableRef<ControlItem>,
    /// What masters left behind about their runs.
    pub logs: BucketRef<RunLog>,
    /// What starts a run.
    pub launcher: FunctionRef<L>,
    /// What ends machines that nothing else has ended.
    pub reaper: FunctionRef<R>,
    /// How masters are started.
    pub master: LaunchTemplateRef<M>,
    /// How workers are started.
    pub worker: LaunchTemplateRef<P>,
    /// What wakes the launcher and what tells a person.
    pub alarms: Alarms,
    /// What the clock could not deliver; other rules may keep here what they could not.
    pub undelivered: DeadLettersRef<Undelivered>,
    /// Where a person is told.
    pub alerts: TopicRef,
    /// The network that the machines are in.
    pub network: NetworkRef,
    /// What disks, logs and all that the fleet made for itself are encrypted with.
    pub key: KeyRef,
}

type WorkerWiring<'a, P> =
    Box<dyn FnOnce(&Parts<<P as Program>::Message>) -> <P as Program>::Environment<Infra> + 'a>;

/// Where messages wait, and where they end that could not be worked on.
struct Queues<M> {
    jobs: QueueRef<M>,
    failed: DeadLettersRef<M>,
}

/// Where the machines are.
#[derive(Clone, Copy)]
enum Place {
    /// In a network that is there.
    Given(NetworkRef),
    /// In one of these addresses that is made for them; `10.0.0.0/16` unless said.
    Own(Option<Cidr>),
}

impl<'a, L, M, R, P> BatchFleet<'a, L, M, R, P>
where
    L: Program<Environment<Infra> = LauncherEnvironment<Infra>>,
    M: Program<Environment<Infra> = MasterEnvironment<Infra>>,
    R: Program<Environment<Infra> = ReaperEnvironment<Infra>>,
    P: Program,
{
    /// A fleet of workers, whose programs are fetched from the bucket `programs`.
    ///
    /// `environment` fills what the worker needs: it gets the fleet's own parts, and
    /// takes the rest from where it is written.
    pub fn new(
        launcher: L,
        master: M,
        reaper: R,
        worker: P,
        programs: &BucketRef<ProgramArchive>,
        environment: impl FnOnce(&Parts<P::Message>) -> P::Environment<Infra> + 'a,
    ) -> Self {
        Self {
            launcher,
            master,
            reaper,
            worker,
            environment: Box::new(environment),
            programs: *programs,
            name: None,
            network: Place::Own(None),
            key: None,
            removal: Removal::default(),
            queues: None,
            records: None,
            alerts: None,
            limits: Limits::new(),
            triggers: Triggers::new(),
            hosts: Hosts::default(),
            reserved: None,
            playbooks: None,
            master_boot: boot::MASTER,
            worker_boot: boot::WORKER,
        }
    }

    /// Names the fleet; after its app, stage and place unless said.
    ///
    /// The name is a tag of its machines, and who may end them goes by it: no two
    /// fleets of an account have one name.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Puts the machines in a network that is there, and that reaches EC2 and SQS.
    pub fn network(mut self, network: &NetworkRef) -> Self {
        self.network = Place::Given(*network);
        self
    }

    /// Gives the network that the fleet makes for itself other addresses than
    /// `10.0.0.0/16`.
    pub fn addresses(mut self, block: Cidr) -> Self {
        self.network = Place::Own(Some(block));
        self
    }

    /// Encrypts with this key what the fleet makes for itself, instead of one of its own.
    pub fn key(mut self, key: &KeyRef) -> Self {
        self.key = Some(*key);
        self
    }

    /// Says what becomes of the fleet's own key, and of all that it encrypts.
    pub fn removal(mut self, removal: Removal) -> Self {
        self.removal = removal;
        self
    }

    /// Works on a queue that is there, such as one in which a bucket announces its
    /// objects, with the dead letters that it leaves.
    ///
    /// Its own settings hold, instead of [`Limits::visibility`] and [`Limits::attempts`].
    pub fn jobs(
        mut self,
        queue: &QueueRef<P::Message>,
        failed: &DeadLettersRef<P::Message>,
    ) -> Self {
        self.queues = Some(Queues {
            jobs: *queue,
            failed: *failed,
        });
        self
    }

    /// Keeps leases, runs and their logs in a table and a bucket that are there.
    ///
    /// The table's keys are those of [`control`](lightsout_contract::fleet::control).
    pub fn records(mut self, control: &TableRef<ControlItem>, logs: &BucketRef<RunLog>) -> Self {
        self.records = Some((*control, *logs));
        self
    }

    /// Tells people by a topic that is there.
    pub fn alerts(mut self, topic: &TopicRef) -> Self {
        self.alerts = Some(*topic);
        self
    }

    /// Says how large a run may get, and how long it may take.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Says when a run is started.
    pub fn triggers(mut self, triggers: Triggers) -> Self {
        self.triggers = triggers;
        self
    }

    /// Says what machines a run is made of.
    pub fn hosts(mut self, hosts: Hosts) -> Self {
        self.hosts = hosts;
        self
    }

    /// Reserves so many executions for the launcher and as many for the reaper, so that machines
    /// are ended however much the account's other functions are asked.
    ///
    /// An account's quota must exceed all that is reserved by a hundred.
    pub fn reserved_concurrency(mut self, executions: u32) -> Self {
        self.reserved = Some(executions);
        self
    }

    /// Follows the playbooks in a folder of the workspace instead of our own:
    /// `site.yml` and `ansible.cfg`, with what they need beside them.
    pub fn playbooks(mut self, folder: impl Into<String>) -> Self {
        self.playbooks = Some(folder.into());
        self
    }

    /// Brings a master up by this Bash script instead of our own, once the power-off
    /// timer is armed.
    pub fn master_boot(mut self, script: impl Into<Value<String>>) -> Self {
        self.master_boot = boot::Boot::Script(script.into());
        self
    }

    /// Brings a worker's host up by this Bash script instead of our own, once the
    /// power-off timer is armed.
    pub fn worker_boot(mut self, script: impl Into<Value<String>>) -> Self {
        self.worker_boot = boot::Boot::Script(script.into());
        self
    }
}

impl<L, M, R, P: Program> BatchFleetRef<L, M, R, P> {
    /// Lets a program hand in work: the queue's URL, with the permission.
    pub fn sender(&self) -> Wired<SendTo<P::Message>> {
        self.jobs.sender()
    }

    /// Lets a program read how runs go: the control table's name, with the permission.
    pub fn runs(&self) -> Wired<ReadItems<ControlItem>> {
        self.control.reader()
    }

    /// Lets a program read the logs of runs: the bucket's name, with the permission.
    pub fn run_logs(&self) -> Wired<ReadObjects<RunLog>> {
        self.logs.reader()
    }
}

impl<M> fmt::Debug for Parts<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("jobs", &self.jobs)
            .field("control", &self.control)
            .finish()
    }
}

impl<L, M, R, P: Program> fmt::Debug for BatchFleet<'_, L, M, R, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchFleet")
            .field("name", &self.name)
            .field("limits", &self.limits)
            .field("triggers", &self.triggers)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

impl<L, M, R, P: Program> fmt::Debug for BatchFleetRef<L, M, R, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchFleetRef")
            .field("name", &self.name)
            .field("jobs", &self.jobs)
            .field("launcher", &self.launcher)
            .finish_non_exhaustive()
    }
}
