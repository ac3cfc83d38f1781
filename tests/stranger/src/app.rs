//! The stacks.

use lightsout::{
    App, Stage, Tag,
    ec2::{CidrError, Endpoint, Network, Zones},
    kms::Key,
    s3::Bucket,
};

use crate::{
    rules::{CarriersAreLowerCase, Contact},
    tracking::Tracking,
};

/// The whole system, for a stage of this name.
pub fn app(stage: &str, carrier: &str) -> Result<App, CidrError> {
    let mut app = App::new("parcels", Stage::new(stage));

    let mut base = app.stack("Base");
    let key = base.add("Key", Key::new("Scans and places"));
    let programs = base.add("Programs", Bucket::new(&key));
    let network = Network::new("10.30.0.0/16".parse()?, Zones::Two).endpoint(Endpoint::Sqs);
    let network = base.add("Network", network);

    // References are `Copy` and cross stacks; exports and imports follow.
    let tracking = Tracking {
        carrier,
        key: &key,
        network: &network,
        programs: &programs,
    };
    let mut stack = app.stack("Tracking");
    let tracking = stack.add("Tracking", tracking);
    stack.output(
        "Account",
        tracking.carrier.number(),
        "What to tell the carrier",
    );

    app.asset_store("Base", programs.id());
    app.amend(Tag::new("Project", "parcels"));
    app.amend(Contact("parcels@acme.example"));
    app.check(CarriersAreLowerCase);
    Ok(app)
}
