//! How a fleet is put together.

use lightsout_contract::{
    Program,
    fleet::{
        CONTROL_VARIABLE, ControlItem, LauncherEnvironment, MasterEnvironment, ProgramArchive,
        ReaperEnvironment, RunLog,
        control::{HOSTS, ITEM, PART},
        role, tag,
    },
};
use lightsout_core::{Asset, AssetRef, Construct, Part, Scope, Value};

use super::{
    BatchFleet, BatchFleetRef, Hosts, Limits, Parts, Place, Queues, Triggers, alarms::Watched,
    boot::Boot, bundle, fault::Fault, hosts::Ansible,
};
use crate::{
    Infra,
    dynamodb::{Table, TableRef},
    ec2::{
        Cidr, Fleet, Image, LaunchTemplate, LaunchTemplateRef, Market, Network, NetworkRef,
        SecurityGroup, SecurityGroupRef, UserData, Zones,
    },
    kms::{Key, KeyRef},
    lambda::{Code, FailedEvent, Function, FunctionRef},
    s3::{Bucket, BucketRef, LogBucket},
    setting,
    sns::Topic,
    sqs::{DeadLetters, DeadLettersRef, Queue, QueueRef},
};

/// The rule that a fleet breaks which cannot be made as it was described.
const RULE: &str = "batch-fleet";

/// The longest name of a fleet: machines are called by it and a suffix, in a tag
/// of 256 characters, and a metric's namespace has as many.
const LONGEST_NAME: usize = 128;

/// What a fleet stands on, whether it was there or made.
struct Ground<'a, P: Program> {
    name: &'a str,
    limits: &'a Limits,
    triggers: &'a Triggers,
    hosts: &'a Hosts,
    reserved: Option<u32>,
    programs: BucketRef<ProgramArchive>,
    key: KeyRef,
    network: NetworkRef,
    jobs: QueueRef<P::Message>,
    control: TableRef<ControlItem>,
    logs: BucketRef<RunLog>,
}

impl<L, M, R, P> Construct for BatchFleet<'_, L, M, R, P>
where
    L: Program<Environment<Infra> = LauncherEnvironment<Infra>>,
    M: Program<Environment<Infra> = MasterEnvironment<Infra>>,
    R: Program<Environment<Infra> = ReaperEnvironment<Infra>>,
    P: Program,
{
    type Handle = BatchFleetRef<L, M, R, P>;

    fn build(self, scope: &mut Scope<'_>) -> BatchFleetRef<L, M, R, P> {
        let Self {
            limits,
            triggers,
            hosts,
            ..
        } = self;
        let name = self.name.unwrap_or_else(|| name_of(scope));
        let faults = [
            limits.faults(),
            triggers.faults(),
            hosts.faults(),
            faults_of_name(&name),
        ];
        for fault in faults.into_iter().flatten() {
            scope.problem(RULE, fault.wrong, fault.hint);
        }

        let key = self.key.unwrap_or_else(|| {
            let key = Key::new("Disks of machines, logs of functions");
            scope.add("Key", key.removal(self.removal))
        });
        let network = place(scope, self.network, &key);
        let Queues { jobs, failed } = self.queues.unwrap_or_else(|| queues(scope, &key, &limits));
        let (control, logs) = self.records.unwrap_or_else(|| records(scope, &key));
        let alerts = self
            .alerts
            .unwrap_or_else(|| scope.add("Alerts", Topic::new(&key)));
        let ground = Ground::<P> {
            name: &name,
            limits: &limits,
            triggers: &triggers,
            hosts: &hosts,
            reserved: self.reserved,
            programs: self.programs,
            key,
            network,
            jobs,
            control,
            logs,
        };
        // The workers let the master in, and the master launches the workers:
        // its group is there before both.
        let masters = scope.add(
            "MasterGroup",
            SecurityGroup::new("Masters, which reach their workers over SSH", &network)
                .reaches_ssh(),
        );
        let environment = (self.environment)(&Parts { jobs, control });
        let worker = ground.worker(scope, self.worker, environment, self.worker_boot, masters);
        let bundle = bundle::of::<M, P>(asset_id(scope, "MasterBundle"), self.playbooks);
        let bundle = scope.asset(bundle);
        let master = ground.master(
            scope,
            self.master,
            &worker,
            bundle,
            self.master_boot,
            masters,
        );
        // Nobody waits for what alarms and the clock invoke: what fails is kept.
        let failed_events = scope.add("FailedEvents", DeadLetters::new(&key));
        let undelivered = scope.add("Undelivered", DeadLetters::new(&key));
        let launcher = ground.launcher(scope, self.launcher, &master, &failed_events);
        let reaper = ground.reaper(scope, self.reaper, &launcher, &failed_events);
        let alarms = Watched {
            name: &name,
            jobs: &jobs,
            failed: &failed,
            failed_events: &failed_events,
            undelivered: &undelivered,
            launcher: &launcher,
            reaper: &reaper,
            alerts: &alerts,
            limits: &limits,
            triggers: &triggers,
        }
        .watch(scope);
        BatchFleetRef {
            name,
            jobs,
            failed,
            control,
            logs,
            launcher,
            reaper,
            master,
            worker,
            alarms,
            undelivered,
            alerts,
            network,
            key,
        }
    }
}

impl<P: Program> Ground<'_, P> {
    fn worker(
        &self,
        scope: &mut Scope<'_>,
        program: P,
        environment: P::Environment<Infra>,
        boot: Boot,
        masters: SecurityGroupRef,
    ) -> LaunchTemplateRef<P> {
        let mut worker = LaunchTemplate::new(
            program,
            environment,
            &self.fleet(role::WORKER),
            self.hosts.worker_image.clone(),
            UserData::bash(boot.armed(self.limits.deadline))
                .variable("GUARD_SECONDS", self.limits.guard_seconds().to_string())
                .variable("STALE_SECONDS", self.limits.stale_seconds().to_string()),
            &self.network,
            &self.key,
        )
        .instance_type(self.hosts.worker_types.first().map_or("", String::as_str))
        .any_zone()
        .ssh_from(&masters);
        if !worker.allows("sqs:ReceiveMessage", &self.jobs.arn().into()) {
            scope.problem(
                RULE,
                "has a worker that does not receive from the fleet's queue",
                "give its environment a `ReceiveFrom`, and wire it to `fleet.jobs.receiver()`",
            );
        }
        // The host says how it is reached before the program runs.
        if !worker.with(CONTROL_VARIABLE, &self.control.writer_under(HOSTS)) {
            scope.problem(
                RULE,
                format_args!("has a worker with a variable `{CONTROL_VARIABLE}` of its own"),
                "wire it to `fleet.control`, or give the variable another name",
            );
        }
        scope.add("Worker", worker)
    }

    fn master<M>(
        &self,
        scope: &mut Scope<'_>,
        program: M,
        worker: &LaunchTemplateRef<P>,
        bundle: AssetRef,
        boot: Boot,
        group: SecurityGroupRef,
    ) -> LaunchTemplateRef<M>
    where
        M: Program<Environment<Infra> = MasterEnvironment<Infra>>,
    {
        let (limits, hosts) = (self.limits, self.hosts);
        let masters = self.fleet::<M>(role::MASTER);
        let workers = self.fleet::<P>(role::WORKER);
        if [hosts.market(), hosts.master_market()].contains(&Market::Spot) {
            let mut keys = vec![self.key];
            for key in [&hosts.master_image, &hosts.worker_image].map(Image::key) {
                keys.extend(key.filter(|key| !keys.contains(key)));
            }
            for key in keys {
                key.serve_spot(scope);
            }
        }
        let environment = MasterEnvironment {
            work: self.jobs.meter().seen_as(),
            control: self.control.writer(),
            workers: worker
                .launcher_of(&workers, &hosts.worker_types, hosts.market())
                .seen_as(),
            fleet: workers.terminator().seen_as(),
            itself: masters.terminator().seen_as(),
            programs: self.programs.reader(),
            logs: self.logs.writer(),
            lease_seconds: setting(limits.lease.as_secs()),
            most_workers: setting(limits.most_workers),
            messages_per_worker: setting(limits.messages_per_worker),
            worker_types: setting(hosts.worker_types.join(",")),
            subnets: setting(subnets(&self.network)),
            spot_percent: setting(hosts.spot_percent),
            drain_seconds: setting(limits.drain.as_secs()),
            deadline_seconds: setting(limits.deadline.as_secs()),
        };
        let mut user_data = UserData::bash(boot.armed(limits.deadline))
            .variable("BUNDLE_KEY", bundle.key())
            .variable("BUNDLE_DIGEST", bundle.hash());
        if hosts.ansible == Ansible::Wheelhouse {
            // Every fleet has the same wheels, and so the same asset.
            let wheelhouse = scope.asset(bundle::wheelhouse());
            user_data = user_data
                .variable("WHEELHOUSE_KEY", wheelhouse.key())
                .variable("WHEELHOUSE_DIGEST", wheelhouse.hash());
        }
        let master = LaunchTemplate::new(
            program,
            environment,
            &masters,
            hosts.master_image.clone(),
            user_data,
            &self.network,
            &self.key,
        )
        .instance_type(hosts.master_types.first().map_or("", String::as_str))
        .any_zone()
        .group(&group);
        scope.add("Master", master)
    }

    fn launcher<L, M>(
        &self,
        scope: &mut Scope<'_>,
        program: L,
        master: &LaunchTemplateRef<M>,
        failed: &DeadLettersRef<FailedEvent>,
    ) -> FunctionRef<L>
    where
        L: Program<Environment<Infra> = LauncherEnvironment<Infra>>,
    {
        let types = &self.hosts.master_types;
        let environment = LauncherEnvironment {
            work: self.jobs.meter().seen_as(),
            control: self.control.writer(),
            master: master
                .launcher_of(&self.fleet(role::MASTER), types, self.hosts.master_market())
                .seen_as(),
            master_types: setting(types.join(",")),
            subnets: setting(subnets(&self.network)),
            master_spot: setting(self.hosts.master_spot),
            pipeline: setting(self.name),
            lease_seconds: setting(self.limits.first_lease().as_secs()),
        };
        // Every fleet has the same launcher, and so the same asset.
        let code = scope.asset(Asset::program("Launcher", L::BINARY));
        let code = Code::new(code, self.programs.name());
        let launcher = Function::new(program, environment, code, &self.network, &self.key);
        let launcher = launcher
            .architecture(self.hosts.architecture)
            .failures_to(&failed.queue());
        scope.add("Launcher", self.with_reserve(launcher))
    }

    fn reaper<L, R>(
        &self,
        scope: &mut Scope<'_>,
        program: R,
        launcher: &FunctionRef<L>,
        failed: &DeadLettersRef<FailedEvent>,
    ) -> FunctionRef<R>
    where
        R: Program<Environment<Infra> = ReaperEnvironment<Infra>>,
    {
        // Masters and workers of every run, and nothing that is not of this fleet.
        let hosts = Fleet::tagged(tag::PIPELINE, self.name);
        let environment = ReaperEnvironment {
            work: self.jobs.meter().seen_as(),
            control: self.control.writer(),
            fleet: hosts.terminator(),
            launcher: launcher.invoker().seen_as(),
            sweep_seconds: setting(self.triggers.heartbeat.as_secs()),
            grace_seconds: setting(self.limits.boot_grace().as_secs()),
            deadline_seconds: setting(self.limits.deadline.as_secs()),
        };
        let code = scope.asset(Asset::program("Reaper", R::BINARY));
        let code = Code::new(code, self.programs.name());
        let reaper = Function::new(program, environment, code, &self.network, &self.key);
        let reaper = reaper
            .architecture(self.hosts.architecture)
            .failures_to(&failed.queue());
        scope.add("Reaper", self.with_reserve(reaper))
    }

    fn with_reserve<F: Program>(&self, function: Function<F>) -> Function<F> {
        match self.reserved {
            Some(executions) => function.reserved_concurrency(executions),
            None => function,
        }
    }

    /// Returns the hosts of one role, by their tags.
    fn fleet<Q>(&self, role: &str) -> Fleet<Q> {
        Fleet::tagged(tag::PIPELINE, self.name).and(tag::ROLE, role)
    }
}

/// Lists the network's subnets with commas between them.
fn subnets(network: &NetworkRef) -> Value<String> {
    let commas = std::iter::once("").chain(std::iter::repeat(","));
    let parts = commas.zip(network.subnets());
    Value::<String>::join(parts.flat_map(|(comma, subnet)| [Part::from(comma), Part::from(subnet)]))
}

/// Returns the network, made if there is none.
fn place(scope: &mut Scope<'_>, place: Place, key: &KeyRef) -> NetworkRef {
    match place {
        Place::Given(network) => network,
        Place::Own(block) => {
            let network = Network::new(block.unwrap_or(Cidr::TEN), Zones::Two)
                .flow_logs(key)
                .amazon_linux_packages();
            scope.add("Network", network)
        }
    }
}

fn queues<M>(scope: &mut Scope<'_>, key: &KeyRef, limits: &Limits) -> Queues<M> {
    let failed = scope.add("Failed", DeadLetters::new(key));
    let jobs = Queue::new(key)
        .visibility(limits.visibility)
        .dead_letter(&failed, limits.attempts);
    Queues {
        jobs: scope.add("Jobs", jobs),
        failed,
    }
}

fn records(scope: &mut Scope<'_>, key: &KeyRef) -> (TableRef<ControlItem>, BucketRef<RunLog>) {
    let control = scope.add("Control", Table::new(key, PART).sort(ITEM));
    let access = scope.add("AccessLogs", LogBucket::new().removal(key.removal()));
    let logs = scope.add(
        "RunLogs",
        Bucket::new(key).access_logs(&access, "run-logs/"),
    );
    (control, logs)
}

/// Names a fleet after its app, its stage and its place, which no other has.
fn name_of(scope: &Scope<'_>) -> String {
    let (app, stage) = (scope.app_name(), &scope.stage().name);
    format!("{app}-{stage}-{}", scope.path().to_lowercase())
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect()
}

/// Names an asset that is this fleet's own.
fn asset_id(scope: &Scope<'_>, name: &str) -> String {
    let place = scope.path().chars().filter(char::is_ascii_alphanumeric);
    place.chain(name.chars()).collect()
}

fn faults_of_name(name: &str) -> Vec<Fault> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(is_plain) {
        return Vec::new();
    }
    vec![Fault::new(
        format!("is named `{name}`"),
        format!("give `named` 1 to {LONGEST_NAME} letters, digits, `-` and `_`"),
    )]
}
