//! Which hosts may reach each other.

use std::ops::RangeInclusive;

use lightsout_core::{Construct, Id, ResourceId, Scope, Value};

use super::NetworkRef;
use crate::cfn::ec2;

/// A security group that is closed in both directions until told otherwise.
///
/// What every program needs, the way to AWS itself, comes from the network's own
/// group; this one is for what hosts say to each other. A rule names another group,
/// never a block of addresses, so that none can be open to the world.
///
/// ```
/// use lightsout::{
///     App, Stage, cfn,
///     ec2::{Network, Ports, SecurityGroup, Zones},
/// };
///
/// let mut app = App::new("clinic", Stage::new("dev"));
/// let mut stack = app.stack("Network");
/// let network = stack.add("Network", Network::new("10.20.0.0/16".parse()?, Zones::Two));
/// let store = stack.add("Store", SecurityGroup::new("Stores indexes", &network));
/// stack.add(
///     "Readers",
///     SecurityGroup::new("Read indexes", &network).reaches(Ports::tcp(6379), &store),
/// );
///
/// let assembly = app.synth()?;
/// assembly.template("Network").count::<cfn::ec2::SecurityGroupIngress>(1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SecurityGroup {
    description: String,
    network: NetworkRef,
    reaches: Vec<(Ports, SecurityGroupRef)>,
    ssh_from: Vec<SecurityGroupRef>,
    reaches_ssh: bool,
}

/// A security group that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecurityGroupRef {
    id: ResourceId,
}

/// Ports of one protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    protocol: &'static str,
    first: u16,
    last: u16,
}

const SSH: i64 = 22;

impl Ports {
    /// One port of TCP.
    pub const fn tcp(port: u16) -> Self {
        Self {
            protocol: "tcp",
            first: port,
            last: port,
        }
    }

    /// Ports of TCP, from the first to the last.
    pub const fn tcp_range(ports: RangeInclusive<u16>) -> Self {
        Self {
            protocol: "tcp",
            first: *ports.start(),
            last: *ports.end(),
        }
    }

    /// One port of UDP.
    pub const fn udp(port: u16) -> Self {
        Self {
            protocol: "udp",
            first: port,
            last: port,
        }
    }

    /// Says the ports in a sentence.
    fn text(self) -> String {
        let Self {
            protocol,
            first,
            last,
        } = self;
        if first == last {
            format!("{protocol} {first}")
        } else {
            format!("{protocol} {first} to {last}")
        }
    }
}

impl SecurityGroup {
    /// A closed group; the description says who is in it.
    pub fn new(description: impl Into<String>, network: &NetworkRef) -> Self {
        Self {
            description: description.into(),
            network: *network,
            reaches: Vec::new(),
            ssh_from: Vec::new(),
            reaches_ssh: false,
        }
    }

    /// Lets the hosts of this group open connections to those of another, and those
    /// take them: both rules, and no other.
    pub fn reaches(mut self, ports: Ports, group: &SecurityGroupRef) -> Self {
        self.reaches.push((ports, *group));
        self
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
        for (ports, _) in &self.reaches {
            if ports.first == 0 || ports.first > ports.last {
                scope.problem(
                    "SecurityGroupEgress",
                    format_args!("reaches ports `{}`", ports.text()),
                    "use ports from 1 to 65535, the first first",
                );
            }
        }
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
        let group = SecurityGroupRef {
            id: group.build(scope).id(),
        };
        // Rules of their own, so that two groups that name each other are no circle.
        for (index, (ports, other)) in self.reaches.into_iter().enumerate() {
            let (first, last) = (i64::from(ports.first), i64::from(ports.last));
            scope.add(
                &format!("Reaches{}", index + 1),
                ec2::SecurityGroupEgress::new(group.id(), ports.protocol)
                    .destination_security_group_id(other.id())
                    .from_port(first)
                    .to_port(last)
                    .description(format!("To {}", ports.text())),
            );
            scope.add(
                &format!("Reached{}", index + 1),
                ec2::SecurityGroupIngress::new(ports.protocol)
                    .group_id(other.id())
                    .source_security_group_id(group.id())
                    .from_port(first)
                    .to_port(last)
                    .description(format!("From hosts that reach {}", ports.text())),
            );
        }
        group
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{network, synth};

    #[test]
    fn a_group_reaches_another_and_nothing_else() {
        let assembly = synth(|scope| {
            let network = network(scope);
            let store = scope.add("Store", SecurityGroup::new("Store", &network));
            let readers = SecurityGroup::new("Readers", &network);
            scope.add("Readers", readers.reaches(Ports::tcp(6379), &store));
        });
        let json = &assembly.template("Test").json()["Resources"];
        let closed = &json["Readers"]["Properties"]["SecurityGroupEgress"];
        assert_eq!(closed[0]["CidrIp"], "127.0.0.1/32");
        let reaches = &json["ReadersReaches1"]["Properties"];
        assert_eq!(
            reaches["DestinationSecurityGroupId"]["Fn::GetAtt"][0],
            "Store"
        );
        assert_eq!(
            (&reaches["FromPort"], &reaches["ToPort"]),
            (&6379.into(), &6379.into())
        );
        let admitted = &json["ReadersReached1"]["Properties"];
        assert_eq!(admitted["GroupId"]["Fn::GetAtt"][0], "Store");
        assert!(admitted["CidrIp"].is_null());
    }

    #[test]
    fn ports_that_are_none_are_a_problem() {
        let mut app = lightsout_core::App::new("clinic", lightsout_core::Stage::new("dev"));
        let mut scope = app.stack("Test");
        let network = network(&mut scope);
        let store = scope.add("Store", SecurityGroup::new("Store", &network));
        let (none, backwards) = (Ports::tcp(0), Ports::tcp_range(RangeInclusive::new(9, 8)));
        let group = SecurityGroup::new("Wrong", &network).reaches(none, &store);
        scope.add("Wrong", group.reaches(backwards, &store));
        assert_eq!(app.synth().unwrap_err().problems.len(), 2);
    }
}
