//! A network without a way in or out.

use lightsout::{
    Construct, Removal, Scope,
    ec2::{Network, NetworkRef},
    kms::Key,
};

use crate::{environment::Settings, omission::Omission};

/// Isolated subnets. What programs may call has an endpoint by itself: their
/// permissions say which.
pub(crate) struct PrivateNetwork<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) removal: Removal,
}

impl Construct for PrivateNetwork<'_> {
    type Handle = NetworkRef;

    fn build(self, scope: &mut Scope<'_>) -> NetworkRef {
        let settings = &self.settings.network;
        // Hosts come up with packages that the image lacks.
        let mut network = Network::new(settings.cidr, settings.zones()).amazon_linux_packages();
        if let Some(gateways) = &settings.gateways {
            network = network.gateways(&gateways.s3, &gateways.dynamodb);
        }
        if !self.settings.leaves_out(Omission::FlowLogs) {
            let key = scope.add(
                "FlowLogKey",
                Key::new("Flow logs of the private network").removal(self.removal),
            );
            network = network.flow_logs(&key);
        }
        scope.add("Private", network)
    }
}
