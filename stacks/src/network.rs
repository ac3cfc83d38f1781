//! A network without a way in or out.

use lightsout::{
    Construct, Removal, Scope,
    ec2::{Endpoint, Network, NetworkRef},
    kms::Key,
};

use crate::{environment::Settings, omission::Omission};

/// Isolated subnets, and endpoints for just the services that the programs call.
pub(crate) struct PrivateNetwork<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) removal: Removal,
}

/// The services that programs and user data call, besides S3 and DynamoDB,
/// which have endpoints of their own kind.
const SERVICES: [Endpoint; 6] = [
    Endpoint::Ec2,
    Endpoint::Kms,
    Endpoint::Lambda,
    Endpoint::Logs,
    Endpoint::Sqs,
    Endpoint::Sts,
];

impl Construct for PrivateNetwork<'_> {
    type Handle = NetworkRef;

    fn build(self, scope: &mut Scope<'_>) -> NetworkRef {
        let settings = &self.settings.network;
        let mut network = Network::new(settings.cidr, settings.zones());
        for service in SERVICES {
            network = network.endpoint(service);
        }
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
