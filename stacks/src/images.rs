//! What machines boot from, where it is made with the fleet.

use lightsout::{
    Construct, Removal, Scope,
    batch_fleet::{FleetImages, FleetImagesRef},
    ec2::NetworkRef,
    imagebuilder::Builder,
    kms::Key,
};
use lightsout_protocol::environment::Worker;

use crate::{
    assets::AssetsRef,
    environment::Settings,
    fleet::{architecture, base_image},
    storage::StorageRef,
};

/// The hardened images of master and workers, and where they are made: one instance for each,
/// in the private network, whenever a deployment changes what is in them.
pub(crate) struct Images<'a> {
    pub(crate) removal: Removal,
    pub(crate) settings: &'a Settings,
    pub(crate) assets: &'a AssetsRef,
    pub(crate) network: &'a NetworkRef,
    pub(crate) storage: &'a StorageRef,
}

impl Construct for Images<'_> {
    type Handle = FleetImagesRef;

    fn build(self, scope: &mut Scope<'_>) -> FleetImagesRef {
        let key = scope.add("Key", Key::new("Images of machines").removal(self.removal));
        let programs = &self.assets.bucket;
        let builder = Builder::new(self.network, &key, &self.storage.logs)
            .types(
                architecture(self.settings),
                &self.settings.hosts.master_types,
            )
            .fetches_from(programs);
        let builder = scope.add("Builder", builder);
        FleetImages::new(Worker, &builder, programs, base_image(self.settings)).build(scope)
    }
}
