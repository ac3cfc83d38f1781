//! Which hosts may reach each other.

use lightsout_core::{Construct, Id, ResourceId, Scope, Value};

use super::NetworkRef;
use crate::cfn::ec2;

/// A security group that is closed in both directions until told otherwise.
///
/// What every program needs, the way to AWS itself, comes from the network's own
/// group; this one is for what hosts say to each other.
#[derive(Debug, Clone)]
pub struct SecurityGroup {
    description: String,
    network: NetworkRef,
    ssh_from: Vec<SecurityGroupRef>,
    reaches_ssh: bool,
}

/// A security group that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecurityGroupRef {
    id: ResourceId,
}

const SSH: i64 = 22;

impl SecurityGroup {
    /// A closed group; the description says who is in it.
    pub fn new(description: impl Into<String>, network: &NetworkRef) -> Self {
        Self {
            description: description.into(),
            network: *network,
            ssh_from: Vec::new(),
            reaches_ssh: false,
        }
    }

    /// Lets the hosts of another group log in over SSH.
    pub fn ssh_from(mut self, group: &SecurityGroupRef) -> Self {
        self.ssh_from.push(*group);
        self
    }

    /// Lets the hosts of this group log in to hosts of the network over SSH.
    ///
    /// Those hosts' own groups must [agree](Self::ssh_from).
    pub fn reaches_ssh(mut self) -> Self {
        self.reaches_ssh = true;
        self
    }
}

impl Construct for SecurityGroup {
    type Handle = SecurityGroupRef;

    fn build(self, scope: &mut Scope<'_>) -> SecurityGroupRef {
        let egress = if self.reaches_ssh {
            ec2::SecurityGroupEgressProperty::new("tcp")
                .cidr_ip(self.network.cidr().to_string())
                .from_port(SSH)
                .to_port(SSH)
                .description("SSH to hosts of this network")
        } else {
            no_egress()
        };
        let mut group = ec2::SecurityGroup::new(self.description)
            .vpc_id(self.network.vpc())
            .security_group_egress([egress]);
        if !self.ssh_from.is_empty() {
            let ingress = self.ssh_from.into_iter().map(|source| {
                ec2::SecurityGroupIngressProperty::new("tcp")
                    .source_security_group_id(source.id())
                    .from_port(SSH)
                    .to_port(SSH)
                    .description("SSH from hosts of the same run")
            });
            group = group.security_group_ingress(ingress.collect::<Vec<_>>());
        }
        SecurityGroupRef {
            id: group.build(scope).id(),
        }
    }
}

impl SecurityGroupRef {
    /// Returns the group's id.
    pub const fn id(self) -> Value<Id<SecurityGroup>> {
        self.id.attribute("GroupId")
    }
}

/// A rule that lets nothing out: without any rule AWS lets everything out.
pub(super) fn no_egress() -> ec2::SecurityGroupEgressProperty {
    ec2::SecurityGroupEgressProperty::new("-1")
        .cidr_ip("127.0.0.1/32")
        .description("Nothing")
}
