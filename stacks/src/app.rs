//! The whole system on one screen.

use lightsout::{App, Construct, Removal, Stage, Tag, ec2::UserDataFits};

use crate::{
    alarms::Alarms,
    api::Api,
    assets::Assets,
    environment::{Environment, Purpose},
    fleet::Fleet,
    intake::Intake,
    network::PrivateNetwork,
    storage::Storage,
};

/// The name that every stack's name begins with.
pub const NAME: &str = "lightsout";

/// Builds the pipeline for `environment`.
///
/// Assets keep the programs, the network is closed to the outside, charts come
/// in through the intake, the fleet codes them into the storage and wakes by
/// itself, the alarms tell a person, the API answers.
pub fn app(environment: &Environment) -> App {
    let mut app = App::new(NAME, stage(environment));
    let settings = &environment.settings;
    let removal = removal(settings.purpose);

    let assets = Assets { removal }.build(&mut app.stack("Assets"));
    app.asset_store("Assets", assets.bucket.id());
    let network = PrivateNetwork { settings, removal }.build(&mut app.stack("Network"));
    let intake = Intake { settings, removal }.build(&mut app.stack("Intake"));
    let storage = Storage { removal }.build(&mut app.stack("Storage"));
    let people = Alarms { removal }.build(&mut app.stack("Alarms"));
    Fleet {
        pipeline: pipeline(environment),
        removal,
        settings,
        assets: &assets,
        network: &network,
        intake: &intake,
        storage: &storage,
        people: &people,
    }
    .build(&mut app.stack("Fleet"));
    Api {
        name: format!("{NAME}-{}-results", environment.name),
        removal,
        settings,
        assets: &assets,
        network: &network,
        storage: &storage,
        people: &people,
    }
    .build(&mut app.stack("Api"));
    if settings.purpose == Purpose::Production {
        for stack in [
            "Assets", "Network", "Intake", "Storage", "Alarms", "Fleet", "Api",
        ] {
            app.stack(stack).termination_protection();
        }
    }
    app.amend(Tag::new("lightsout:environment", &environment.name));
    app.check(UserDataFits);
    app
}

/// Returns the value of the tag that every machine of the pipeline carries.
pub fn pipeline(environment: &Environment) -> String {
    format!("{NAME}-{}", environment.name)
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
