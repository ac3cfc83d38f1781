//! Networks without a way to the internet.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use lightsout_core::{
    Construct, Id, Pseudo, ResourceId, Scope, Tree, Value, availability_zones, join, select,
};
use thiserror::Error;

use super::security_group::no_egress;
use crate::{
    cfn::ec2,
    iam::{PolicyDocument, Role, Service, Statement},
    kms::KeyRef,
    logs::LogGroup,
};

/// A block of private IPv4 addresses for a network, such as `10.20.0.0/16`.
///
/// ```
/// use lightsout::ec2::Cidr;
///
/// let block: Cidr = "10.20.0.0/16".parse()?;
/// assert_eq!(block.to_string(), "10.20.0.0/16");
/// assert!("8.8.0.0/16".parse::<Cidr>().is_err());
/// # Ok::<(), lightsout::ec2::CidrError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    address: Ipv4Addr,
    prefix: u8,
}

/// Why a text is no block for a network.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CidrError {
    /// It is not an address, a slash and a number.
    #[error("`{0}` is not an IPv4 block: write it like `10.20.0.0/16`")]
    Malformed(String),
    /// It is not within the private blocks of RFC 1918.
    #[error("`{0}` is not private: use a part of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16")]
    Public(String),
    /// It is too large for AWS or too small to be divided into subnets.
    #[error("`{0}` has a prefix that is not within /16 to /24")]
    Size(String),
    /// It has bits beyond its prefix.
    #[error("`{0}` has bits beyond its prefix: the block is `{1}`")]
    HostBits(String, String),
}

/// How many availability zones a network spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zones {
    /// One zone: for environments that are thrown away.
    One = 1,
    /// Two zones.
    #[default]
    Two = 2,
    /// Three zones.
    Three = 3,
}

/// An AWS service that is reached by a private address in the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// Alarms and metrics.
    CloudWatch,
    /// Hosts.
    Ec2,
    /// Keys.
    Kms,
    /// Functions.
    Lambda,
    /// Logs.
    Logs,
    /// Secrets.
    SecretsManager,
    /// Topics.
    Sns,
    /// Queues.
    Sqs,
    /// Parameters.
    Ssm,
    /// Short-lived credentials.
    Sts,
}

/// A network whose hosts reach AWS by private addresses, and nothing else.
///
/// It has isolated subnets only: no internet gateway, no address translation.
/// Buckets and tables are always reached; each other service by an [`Endpoint`].
/// The policy of an endpoint allows what the programs in the network were given,
/// for this account alone.
#[derive(Debug, Clone)]
pub struct Network {
    cidr: Cidr,
    zones: Zones,
    endpoints: Vec<Endpoint>,
    flow_logs: Option<KeyRef>,
}

/// A network that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkRef {
    vpc: ResourceId,
    cidr: Cidr,
    subnets: [Option<ResourceId>; MOST_ZONES],
    clients: ResourceId,
    s3: ResourceId,
    dynamodb: ResourceId,
    endpoints: [Option<ResourceId>; ENDPOINTS],
}

const MOST_ZONES: usize = 3;
const ENDPOINTS: usize = Endpoint::ALL.len();
const HTTPS: i64 = 443;

impl Cidr {
    /// Returns the block that holds subnet `index` of 16.
    fn subnet(self, index: u8) -> String {
        let prefix = self.prefix + 4;
        let address = u32::from(self.address) + (u32::from(index) << (32 - prefix));
        format!("{}/{prefix}", Ipv4Addr::from(address))
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let malformed = || CidrError::Malformed(text.to_owned());
        let (address, prefix) = text.split_once('/').ok_or_else(malformed)?;
        let address: Ipv4Addr = address.parse().map_err(|_| malformed())?;
        let prefix: u8 = prefix.parse().map_err(|_| malformed())?;
        if !(16..=24).contains(&prefix) {
            return Err(CidrError::Size(text.to_owned()));
        }
        if !address.is_private() {
            return Err(CidrError::Public(text.to_owned()));
        }
        let block = Self {
            address: Ipv4Addr::from(u32::from(address) >> (32 - prefix) << (32 - prefix)),
            prefix,
        };
        if block.address != address {
            return Err(CidrError::HostBits(text.to_owned(), block.to_string()));
        }
        Ok(block)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Endpoint {
    /// Every service that can have an endpoint.
    pub const ALL: [Self; 10] = [
        Self::CloudWatch,
        Self::Ec2,
        Self::Kms,
        Self::Lambda,
        Self::Logs,
        Self::SecretsManager,
        Self::Sns,
        Self::Sqs,
        Self::Ssm,
        Self::Sts,
    ];

    /// Returns the service's name in the name of its endpoint.
    const fn service(self) -> &'static str {
        match self {
            Self::CloudWatch => "monitoring",
            Self::Ec2 => "ec2",
            Self::Kms => "kms",
            Self::Lambda => "lambda",
            Self::Logs => "logs",
            Self::SecretsManager => "secretsmanager",
            Self::Sns => "sns",
            Self::Sqs => "sqs",
            Self::Ssm => "ssm",
            Self::Sts => "sts",
        }
    }

    /// Returns the service's name in the names of its actions.
    const fn actions(self) -> &'static str {
        match self {
            Self::CloudWatch => "cloudwatch",
            other => other.service(),
        }
    }

    const fn logical_id(self) -> &'static str {
        match self {
            Self::CloudWatch => "CloudWatchEndpoint",
            Self::Ec2 => "Ec2Endpoint",
            Self::Kms => "KmsEndpoint",
            Self::Lambda => "LambdaEndpoint",
            Self::Logs => "LogsEndpoint",
            Self::SecretsManager => "SecretsManagerEndpoint",
            Self::Sns => "SnsEndpoint",
            Self::Sqs => "SqsEndpoint",
            Self::Ssm => "SsmEndpoint",
            Self::Sts => "StsEndpoint",
        }
    }
}

impl Network {
    /// A network of these addresses, divided into a subnet for each zone.
    pub fn new(cidr: Cidr, zones: Zones) -> Self {
        Self {
            cidr,
            zones,
            endpoints: Vec::new(),
            flow_logs: None,
        }
    }

    /// Reaches a service by a private address in each subnet.
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        if !self.endpoints.contains(&endpoint) {
            self.endpoints.push(endpoint);
        }
        self
    }

    /// Records who spoke to whom, for six years, encrypted with `key`.
    pub fn flow_logs(mut self, key: &KeyRef) -> Self {
        self.flow_logs = Some(*key);
        self
    }
}

impl Construct for Network {
    type Handle = NetworkRef;

    fn build(self, scope: &mut Scope<'_>) -> NetworkRef {
        let name = [("Name", scope.physical_stack_name().to_owned())];
        let vpc = ec2::Vpc::new()
            .cidr_block(self.cidr.to_string())
            .enable_dns_hostnames(true)
            .enable_dns_support(true)
            .tags(name)
            .build(scope);
        let routes = scope.add("Routes", ec2::RouteTable::new(vpc.reference()));
        let mut subnets = [None; MOST_ZONES];
        for (index, slot) in (0..self.zones as u8).zip(&mut subnets) {
            let subnet = scope.add(
                &format!("Subnet{}", index + 1),
                ec2::Subnet::new(vpc.reference())
                    .availability_zone(select(u32::from(index), availability_zones()))
                    .cidr_block(self.cidr.subnet(index))
                    .map_public_ip_on_launch(false),
            );
            scope.add(
                &format!("Subnet{}Routes", index + 1),
                ec2::SubnetRouteTableAssociation::new(routes.reference(), subnet.reference()),
            );
            *slot = Some(subnet.id());
        }
        let cidr = self.cidr.to_string();
        // Without a route to the internet only AWS's own prefixes, by way of the two
        // gateways, answer to an address outside the network.
        let clients = scope.add(
            "Clients",
            ec2::SecurityGroup::new("Programs that reach AWS")
                .vpc_id(vpc.reference())
                .security_group_egress([https_egress()]),
        );
        let mut network = NetworkRef {
            vpc: vpc.id(),
            cidr: self.cidr,
            subnets,
            clients: clients.id(),
            s3: gateway(
                scope,
                "S3Endpoint",
                "s3",
                &vpc.reference(),
                &routes.reference(),
            ),
            dynamodb: gateway(
                scope,
                "DynamoDbEndpoint",
                "dynamodb",
                &vpc.reference(),
                &routes.reference(),
            ),
            endpoints: [None; ENDPOINTS],
        };
        if !self.endpoints.is_empty() {
            let group = scope.add(
                "Endpoints",
                ec2::SecurityGroup::new("Endpoints of AWS services")
                    .vpc_id(vpc.reference())
                    .security_group_ingress([ec2::SecurityGroupIngressProperty::new("tcp")
                        .cidr_ip(cidr)
                        .from_port(HTTPS)
                        .to_port(HTTPS)
                        .description("HTTPS from this network")])
                    .security_group_egress([no_egress()]),
            );
            for endpoint in self.endpoints {
                let resource = scope.add(
                    endpoint.logical_id(),
                    ec2::VpcEndpoint::new(vpc.reference())
                        .service_name(service_name(endpoint.service()))
                        .vpc_endpoint_type("Interface")
                        .private_dns_enabled(true)
                        .subnet_ids(network.subnets())
                        .security_group_ids([group.get(ec2::SecurityGroup::GROUP_ID)])
                        .policy_document(own_account()),
                );
                network.endpoints[endpoint as usize] = Some(resource.id());
            }
        }
        if let Some(key) = self.flow_logs {
            flow_logs(scope, &vpc.reference(), &key);
        }
        network
    }
}

impl NetworkRef {
    /// Returns the network's id.
    pub const fn vpc(self) -> Value<Id<Network>> {
        self.vpc.reference()
    }

    /// Returns the ids of the subnets, one for each zone.
    pub fn subnets(self) -> Vec<Value<String>> {
        self.subnets
            .into_iter()
            .flatten()
            .map(ResourceId::reference)
            .collect()
    }

    /// Returns the network's addresses.
    pub const fn cidr(self) -> Cidr {
        self.cidr
    }

    /// Returns the id of the group whose members reach AWS.
    pub const fn clients(self) -> Value<String> {
        self.clients.attribute("GroupId")
    }

    /// Lets the endpoints pass what `statements` allow, by callers of this account
    /// and, where calls name resources of one, to resources of this account.
    ///
    /// What a service does with a key for its caller never passes the network.
    pub(crate) fn admit(self, scope: &mut Scope<'_>, statements: &[Statement]) {
        let statements = statements
            .iter()
            .filter(|statement| !statement.is_via_service());
        let mut passed: Vec<(ResourceId, Vec<&str>)> = Vec::new();
        for action in statements.flat_map(Statement::actions) {
            let Some(endpoint) = self.endpoint_of(action) else {
                continue;
            };
            match passed.iter_mut().find(|(id, _)| *id == endpoint) {
                Some((_, actions)) => actions.push(action),
                None => passed.push((endpoint, vec![action])),
            }
        }
        for (endpoint, actions) in passed {
            let own_resources = !self.serves_foreign_resources(endpoint);
            let mut statement = Statement::allow(actions)
                .to_everyone()
                .on_everything()
                .when("StringEquals", "aws:PrincipalAccount", Pseudo::AccountId);
            if own_resources {
                statement =
                    statement.when("StringEquals", "aws:ResourceAccount", Pseudo::AccountId);
            }
            scope.gather(endpoint, "PolicyDocument.Statement", statement);
        }
    }

    /// Returns whether calls there are about what is AWS's own, such as images, or
    /// about nothing that has an account, such as metrics.
    fn serves_foreign_resources(self, endpoint: ResourceId) -> bool {
        [
            Endpoint::CloudWatch,
            Endpoint::Ec2,
            Endpoint::Logs,
            Endpoint::Ssm,
            Endpoint::Sts,
        ]
        .into_iter()
        .any(|service| self.endpoints[service as usize] == Some(endpoint))
    }

    fn endpoint_of(self, action: &str) -> Option<ResourceId> {
        match action.split_once(':')?.0 {
            "s3" => Some(self.s3),
            "dynamodb" => Some(self.dynamodb),
            service => Endpoint::ALL
                .into_iter()
                .find(|endpoint| endpoint.actions() == service)
                .and_then(|endpoint| self.endpoints[endpoint as usize]),
        }
    }
}

fn gateway(
    scope: &mut Scope<'_>,
    id: &str,
    service: &str,
    vpc: &Value<String>,
    routes: &Value<String>,
) -> ResourceId {
    let endpoint = ec2::VpcEndpoint::new(vpc.clone())
        .service_name(service_name(service))
        .vpc_endpoint_type("Gateway")
        .route_table_ids([routes.clone()])
        .policy_document(own_account());
    scope.add(id, endpoint).id()
}

fn service_name(service: &str) -> Value<String> {
    join!["com.amazonaws.", Pseudo::Region, ".", service]
}

/// A policy that passes nothing yet, and never anything of another account's.
fn own_account() -> Tree {
    let deny = Statement::deny(["*"])
        .sid("DenyOtherAccounts")
        .to_everyone()
        .on_everything()
        .when("StringNotEquals", "aws:PrincipalAccount", Pseudo::AccountId);
    PolicyDocument::new().with(deny).into()
}

fn https_egress() -> ec2::SecurityGroupEgressProperty {
    ec2::SecurityGroupEgressProperty::new("tcp")
        .cidr_ip("0.0.0.0/0")
        .from_port(HTTPS)
        .to_port(HTTPS)
        .description("HTTPS to endpoints and gateways; there is no other route")
}

fn flow_logs(scope: &mut Scope<'_>, vpc: &Value<String>, key: &KeyRef) {
    let group = scope.add("FlowLogGroup", LogGroup::audit(key));
    let role = scope.add(
        "FlowLogRole",
        Role::new(Service::VpcFlowLogs, "Writes who spoke to whom").with([
            group.written(),
            Statement::allow(["logs:DescribeLogGroups", "logs:DescribeLogStreams"]).on_everything(),
        ]),
    );
    scope.add(
        "FlowLog",
        ec2::FlowLog::new(vpc.clone(), "VPC")
            .traffic_type("ALL")
            .log_destination_type("cloud-watch-logs")
            .log_group_name(group.name())
            .deliver_logs_permission_arn(role.arn()),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{network, synth, with_function};

    #[test]
    fn blocks_are_private_of_a_usable_size_and_without_host_bits() {
        let parse = |text: &str| text.parse::<Cidr>();
        assert_eq!(
            parse("10.20.0.0").unwrap_err(),
            CidrError::Malformed("10.20.0.0".to_owned())
        );
        assert_eq!(
            parse("8.8.0.0/16").unwrap_err(),
            CidrError::Public("8.8.0.0/16".to_owned())
        );
        assert_eq!(
            parse("10.0.0.0/8").unwrap_err(),
            CidrError::Size("10.0.0.0/8".to_owned())
        );
        assert_eq!(
            parse("10.20.1.0/16").unwrap_err().to_string(),
            "`10.20.1.0/16` has bits beyond its prefix: the block is `10.20.0.0/16`"
        );
    }

    #[test]
    fn subnets_divide_the_block_without_overlap() {
        let block: Cidr = "192.168.16.0/24".parse().unwrap();
        let subnets: Vec<String> = (0..3).map(|index| block.subnet(index)).collect();
        assert_eq!(
            subnets,
            ["192.168.16.0/28", "192.168.16.16/28", "192.168.16.32/28"]
        );
    }

    #[test]
    fn there_is_no_way_to_the_internet() {
        let assembly = synth(|scope| {
            network(scope);
        });
        let template = assembly.template("Test");
        template.count::<ec2::InternetGateway>(0);
        template.count::<ec2::NatGateway>(0);
        template.count::<ec2::Route>(0);
        template.count::<ec2::Subnet>(2);
        template.count::<ec2::VpcEndpoint>(4);
        for (id, subnet) in template.resources::<ec2::Subnet>() {
            assert_eq!(subnet["Properties"]["MapPublicIpOnLaunch"], false, "{id}");
        }
    }

    #[test]
    fn an_endpoint_that_nobody_uses_passes_nothing() {
        let assembly = synth(|scope| {
            network(scope);
        });
        for (id, endpoint) in assembly.template("Test").resources::<ec2::VpcEndpoint>() {
            let statements = endpoint["Properties"]["PolicyDocument"]["Statement"]
                .as_array()
                .unwrap();
            assert_eq!(statements.len(), 1, "{id}");
            assert_eq!(statements[0]["Effect"], "Deny", "{id}");
        }
    }

    #[test]
    fn endpoints_pass_what_programs_were_given() {
        let assembly = synth(|scope| {
            let network = network(scope);
            network.admit(
                scope,
                &[
                    Statement::allow(["sqs:SendMessage"]).on("a"),
                    Statement::allow(["dynamodb:GetItem"]).on("b"),
                    Statement::allow(["kms:Decrypt"]).on("c").via_service("sqs"),
                ],
            );
        });
        let json = &assembly.template("Test").json()["Resources"];
        let passed = |id: &str| {
            let statement = &json[id]["Properties"]["PolicyDocument"]["Statement"][1];
            let account = &statement["Condition"]["StringEquals"]["aws:ResourceAccount"]["Ref"];
            (statement["Action"][0].clone(), account.clone())
        };
        assert_eq!(
            passed("NetworkSqsEndpoint"),
            ("sqs:SendMessage".into(), "AWS::AccountId".into())
        );
        assert_eq!(
            passed("NetworkDynamoDbEndpoint"),
            ("dynamodb:GetItem".into(), "AWS::AccountId".into())
        );
    }

    #[test]
    fn what_lambda_does_for_a_function_passes_no_endpoint() {
        let assembly = with_function(|_, _, _| ());
        let endpoint = &assembly.template("Test").json()["Resources"]["NetworkEc2Endpoint"];
        let statements = &endpoint["Properties"]["PolicyDocument"]["Statement"];
        assert_eq!(statements.as_array().unwrap().len(), 1);
    }
}
