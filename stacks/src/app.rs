//! The whole system on one screen.

use lightsout::{
    App, Construct, Removal, Scope, Stage, Tag, ec2::UserDataFits, iam::BoundEveryRole,
    sns::TopicRef,
};

use crate::{
    alarms::Alarms,
    api::Api,
    assets::Assets,
    audit::Audit,
    backup::Backup,
    dashboard::Overview,
    data_class::DataClass,
    environment::{Environment, Purpose, Settings},
    fleet::{Fleet, FleetRef},
    guard::Guard,
    intake::{Intake, IntakeRef},
    network::PrivateNetwork,
    omission::Omission,
    storage::{Storage, StorageRef},
};

/// The name that every stack's name begins with.
pub const NAME: &str = "lightsout";

/// Builds the pipeline for `environment`.
///
/// Assets keep the programs, the network is closed to the outside, charts come
/// in through the intake, the fleet, which boots from images of its own where the environment
/// says so, codes them into the storage and wakes by
/// itself, the alarms tell a person, the API answers behind its guard, the audit
/// keeps who did what, and the backup what must not be lost.
pub fn app(environment: &Environment) -> App {
    let Environment { name, settings } = environment;
    let removal = removal(settings.purpose);
    let mut app = App::new(NAME, stage(environment));

    let assets = Assets { removal }.build(&mut stack(&mut app, settings, "Assets"));
    app.asset_store("Assets", assets.bucket.id());
    let network = PrivateNetwork { settings, removal };
    let network = network.build(&mut stack(&mut app, settings, "Network"));
    let intake = Intake {
        settings,
        removal,
        network: &network,
    };
    let intake = intake.build(&mut stack(&mut app, settings, "Intake"));
    let people = Alarms { settings, removal };
    let people = people.build(&mut stack(&mut app, settings, "Alarms"));
    let storage = Storage {
        settings,
        removal,
        network: &network,
        people: &people,
    };
    let storage = storage.build(&mut stack(&mut app, settings, "Storage"));
    let fleet = Fleet {
        pipeline: pipeline(environment),
        removal,
        settings,
        assets: &assets,
        network: &network,
        intake: &intake,
        storage: &storage,
        people: &people,
    };
    let fleet = fleet.build(&mut stack(&mut app, settings, "Fleet"));
    let api = Api {
        name: format!("{NAME}-{name}-results"),
        removal,
        settings,
        assets: &assets,
        network: &network,
        intake: &intake,
        storage: &storage,
        people: &people,
    };
    let api = api.build(&mut stack(&mut app, settings, "Api"));
    let watched = Watched {
        settings,
        removal,
        intake: &intake,
        storage: &storage,
        people: &people,
        fleet: &fleet,
    };
    if !settings.leaves_out(Omission::Guard) {
        Guard(&watched, &api.rest).build(&mut stack(&mut app, settings, "Guard"));
    }
    if !settings.leaves_out(Omission::Audit) {
        Audit(&watched).build(&mut stack(&mut app, settings, "Audit"));
    }
    if !settings.leaves_out(Omission::Backups) {
        Backup(&watched, &api.audit).build(&mut stack(&mut app, settings, "Backup"));
    }
    if !settings.leaves_out(Omission::Dashboard) {
        Overview(&watched).build(&mut stack(&mut app, settings, "Dashboard"));
    }

    if let Some(policy) = &settings.permissions_boundary {
        app.amend(BoundEveryRole::named(policy));
    }
    app.amend(Tag::new("lightsout:environment", name));
    app.amend(DataClass);
    app.check(UserDataFits);
    app
}

/// What the stacks that look after the others look after.
pub(crate) struct Watched<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) removal: Removal,
    pub(crate) intake: &'a IntakeRef,
    pub(crate) storage: &'a StorageRef,
    pub(crate) people: &'a TopicRef,
    pub(crate) fleet: &'a FleetRef,
}

/// Returns the value of the tag that every machine of the pipeline carries.
pub fn pipeline(environment: &Environment) -> String {
    format!("{NAME}-{}", environment.name)
}

/// Begins a stack, which cannot be deleted by accident where the environment says so.
fn stack<'a>(app: &'a mut App, settings: &Settings, name: &str) -> Scope<'a> {
    let mut stack = app.stack(name);
    if settings.deletion_protection {
        stack.termination_protection();
    }
    stack
}

fn stage(environment: &Environment) -> Stage {
    let mut stage = Stage::new(&environment.name);
    if let Some(account) = &environment.settings.account {
        stage = stage.account(account);
    }
    if let Some(region) = &environment.settings.region {
        stage = stage.region(region);
    }
    stage
}

/// Returns what becomes of keys and data when a stack is deleted.
fn removal(purpose: Purpose) -> Removal {
    match purpose {
        Purpose::ThrowAway => Removal::Destroy,
        Purpose::Development | Purpose::Production => Removal::Keep,
    }
}
