//! Networks without a way to the internet.

use std::{collections::BTreeMap, fmt, net::Ipv4Addr, str::FromStr};

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

/// Declares the services that can have an endpoint.
macro_rules! endpoints {
    ($($(#[$doc:meta])* $name:ident = $service:literal, $actions:literal, $id:literal;)+) => {
        /// An AWS service that is reached by a private address in the network.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Endpoint {
            $($(#[$doc])* $name,)+
        }

        impl Endpoint {
            /// Every service that can have an endpoint.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Returns the service's name in the name of its endpoint.
            const fn service(self) -> &'static str {
                match self { $(Self::$name => $service,)+ }
            }

            /// Returns the service's name in the names of its actions.
            const fn actions(self) -> &'static str {
                match self { $(Self::$name => $actions,)+ }
            }

            const fn logical_id(self) -> &'static str {
                match self { $(Self::$name => $id,)+ }
            }
        }
    };
}

endpoints! {
    /// The addresses of private APIs.
    Api = "execute-api", "execute-api", "ApiEndpoint";
    /// Alarms and metrics.
    CloudWatch = "monitoring", "cloudwatch", "CloudWatchEndpoint";
    /// Hosts.
    Ec2 = "ec2", "ec2", "Ec2Endpoint";
    /// The agent of Systems Manager, for its messages.
    Ec2Messages = "ec2messages", "ec2messages", "Ec2MessagesEndpoint";
    /// Buses of events.
    Events = "events", "events", "EventsEndpoint";
    /// Images of machines.
    ImageBuilder = "imagebuilder", "imagebuilder", "ImageBuilderEndpoint";
    /// Keys.
    Kms = "kms", "kms", "KmsEndpoint";
    /// Functions.
    Lambda = "lambda", "lambda", "LambdaEndpoint";
    /// Logs.
    Logs = "logs", "logs", "LogsEndpoint";
    /// Schedules.
    Scheduler = "scheduler", "scheduler", "SchedulerEndpoint";
    /// Secrets.
    SecretsManager = "secretsmanager", "secretsmanager", "SecretsManagerEndpoint";
    /// Topics.
    Sns = "sns", "sns", "SnsEndpoint";
    /// Queues.
    Sqs = "sqs", "sqs", "SqsEndpoint";
    /// Parameters.
    Ssm = "ssm", "ssm", "SsmEndpoint";
    /// Sessions of Systems Manager.
    SsmMessages = "ssmmessages", "ssmmessages", "SsmMessagesEndpoint";
    /// Short-lived credentials.
    Sts = "sts", "sts", "StsEndpoint";
}

/// A network whose hosts reach AWS by private addresses, and nothing else.
///
/// It has isolated subnets only: no internet gateway, no address translation.
/// Buckets and tables are always reached, and each service that a program in the
/// network may call: its permissions say which [`Endpoint`]s there are. The policy
/// of an endpoint allows what those programs were given, for this account alone.
#[derive(Debug, Clone)]
pub struct Network {
    cidr: Cidr,
    zones: Zones,
    endpoints: Vec<Endpoint>,
    gateways: Option<Gateways>,
    flow_logs: Option<KeyRef>,
    has_packages: bool,
}

/// The prefix lists that hold a region's addresses of S3 and `DynamoDB`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Gateways {
    s3: String,
    dynamodb: String,
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
}

const MOST_ZONES: usize = 3;
const HTTPS: i64 = 443;

impl Cidr {
    /// The block `10.0.0.0/16`.
    pub(crate) const TEN: Self = Self {
        address: Ipv4Addr::new(10, 0, 0, 0),
        prefix: 16,
    };

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

impl Network {
    /// A network of these addresses, divided into a subnet for each zone.
    pub fn new(cidr: Cidr, zones: Zones) -> Self {
        Self {
            cidr,
            zones,
            endpoints: Vec::new(),
            gateways: None,
            flow_logs: None,
            has_packages: false,
        }
    }

    /// Reaches a service by a private address in each subnet.
    ///
    /// A service that programs in the network may call is reached without asking;
    /// this is for what hosts call on another's behalf.
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        if !self.endpoints.contains(&endpoint) {
            self.endpoints.push(endpoint);
        }
        self
    }

    /// Lets programs reach the endpoints, and S3 and `DynamoDB` by these prefix lists, and
    /// nothing else, whatever routes somebody may add one day.
    ///
    /// A [prefix list](https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html)
    /// is of one region and known by its id, such as `pl-63a5400a`. Without them programs
    /// may ask any address for HTTPS, and only the missing routes keep them in.
    pub fn gateways(mut self, s3: impl Into<String>, dynamodb: impl Into<String>) -> Self {
        self.gateways = Some(Gateways {
            s3: s3.into(),
            dynamodb: dynamodb.into(),
        });
        self
    }

    /// Lets hosts fetch packages of Amazon Linux 2023, which lie in a bucket of AWS's own.
    ///
    /// Without this the endpoint of S3 passes nothing but calls of this account.
    pub fn amazon_linux_packages(mut self) -> Self {
        self.has_packages = true;
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
        let clients = scope.add(
            "Clients",
            ec2::SecurityGroup::new("Programs that reach AWS")
                .vpc_id(vpc.reference())
                .security_group_egress(match &self.gateways {
                    Some(gateways) => gateways.egress(),
                    // Without a route to the internet only AWS's own prefixes, by way of
                    // the two gateways, answer to an address outside the network.
                    None => vec![https_egress()],
                }),
        );
        let network = NetworkRef {
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
                own_account_or_nobody(),
            ),
            dynamodb: gateway(
                scope,
                "DynamoDbEndpoint",
                "dynamodb",
                &vpc.reference(),
                &routes.reference(),
                own_account(),
            ),
        };
        if self.gateways.is_some()
            && let Some(group) = network.endpoint_group(scope)
        {
            scope.add(
                "ClientsToEndpoints",
                ec2::SecurityGroupEgress::new(network.clients(), "tcp")
                    .destination_security_group_id(group.attribute::<String>("GroupId"))
                    .from_port(HTTPS)
                    .to_port(HTTPS)
                    .description("HTTPS to endpoints of AWS services"),
            );
        }
        for endpoint in self.endpoints {
            network.endpoint(scope, endpoint);
        }
        if self.has_packages {
            // `dnf` signs nothing, so that its calls are of no account.
            network.pass_from(scope, "al2023-repos-", "-de612dc2/*");
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

    /// Returns the id of the endpoint that buckets are reached by.
    pub const fn s3_endpoint(self) -> Value<String> {
        self.s3.reference()
    }

    /// Lets the endpoints pass what `statements` allow, by callers of this account
    /// and, where calls name resources of one, to resources of this account.
    ///
    /// What a service does with a key for its caller never passes the network.
    pub(crate) fn admit(self, scope: &mut Scope<'_>, statements: &[Statement]) {
        self.admit_by(scope, statements, &self.subnets());
    }

    /// The same, with endpoints in the first zone alone for what no program in the network
    /// has called yet. They answer in every zone, for as long as the first one is up.
    pub(crate) fn admit_in_one_zone(self, scope: &mut Scope<'_>, statements: &[Statement]) {
        let first: Vec<_> = self.subnets().into_iter().take(1).collect();
        self.admit_by(scope, statements, &first);
    }

    fn admit_by(self, scope: &mut Scope<'_>, statements: &[Statement], subnets: &[Value<String>]) {
        let statements = statements
            .iter()
            .filter(|statement| !statement.is_via_service());
        let mut passed: BTreeMap<Way, Vec<&str>> = BTreeMap::new();
        for action in statements.flat_map(Statement::actions) {
            if let Some(way) = Way::of(action) {
                passed.entry(way).or_default().push(action);
            }
        }
        for (way, actions) in passed {
            let endpoint = match way {
                Way::S3 => Some(self.s3),
                Way::DynamoDb => Some(self.dynamodb),
                Way::Interface(endpoint) => self.endpoint_in(scope, endpoint, subnets),
            };
            let Some(endpoint) = endpoint else { continue };
            let mut statement = Statement::allow(actions)
                .to_everyone()
                .on_everything()
                .when("StringEquals", "aws:PrincipalAccount", Pseudo::AccountId);
            if !way.serves_foreign_resources() {
                statement =
                    statement.when("StringEquals", "aws:ResourceAccount", Pseudo::AccountId);
            }
            scope.gather(endpoint, "PolicyDocument.Statement", statement);
        }
    }

    /// Lets the endpoint of S3 pass what anybody may read: objects of a bucket of AWS's own,
    /// whose name has the region in its middle.
    pub(crate) fn pass_from(self, scope: &mut Scope<'_>, before: &str, after: &str) {
        let objects = join![
            "arn:",
            Pseudo::Partition,
            format!(":s3:::{before}"),
            Pseudo::Region,
            after
        ];
        let read = Statement::allow(["s3:GetObject"]).to_everyone().on(objects);
        scope.gather(self.s3, "PolicyDocument.Statement", read);
    }

    /// Returns the group of the interface endpoints, made on first demand.
    fn endpoint_group(self, scope: &mut Scope<'_>) -> Option<ResourceId> {
        scope.once(self.vpc, "Endpoints", |network, id| {
            let group = ec2::SecurityGroup::new("Endpoints of AWS services")
                .vpc_id(self.vpc())
                .security_group_ingress([ec2::SecurityGroupIngressProperty::new("tcp")
                    .source_security_group_id(self.clients())
                    .from_port(HTTPS)
                    .to_port(HTTPS)
                    .description("HTTPS from programs of this network")])
                .security_group_egress([no_egress()]);
            network.add(id, group).id()
        })
    }

    /// Returns the interface endpoint of a service, made on first demand.
    pub(crate) fn endpoint(self, scope: &mut Scope<'_>, endpoint: Endpoint) -> Option<ResourceId> {
        self.endpoint_in(scope, endpoint, &self.subnets())
    }

    fn endpoint_in(
        self,
        scope: &mut Scope<'_>,
        endpoint: Endpoint,
        subnets: &[Value<String>],
    ) -> Option<ResourceId> {
        scope.once(self.vpc, endpoint.logical_id(), |network, id| {
            let group = self.endpoint_group(network);
            let interface = ec2::VpcEndpoint::new(self.vpc())
                .service_name(service_name(endpoint.service()))
                .vpc_endpoint_type("Interface")
                .private_dns_enabled(true)
                .subnet_ids(subnets.to_vec())
                .security_group_ids(group.map(|id| id.attribute::<String>("GroupId")))
                .policy_document(own_account());
            network.add(id, interface).id()
        })
    }
}

/// How a call leaves the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    S3,
    DynamoDb,
    Interface(Endpoint),
}

impl Way {
    /// Returns the way of a call, unless the action is no call of its own.
    fn of(action: &str) -> Option<Self> {
        match action.split_once(':')?.0 {
            "s3" => Some(Self::S3),
            "dynamodb" => Some(Self::DynamoDb),
            service => Endpoint::ALL
                .iter()
                .find(|endpoint| endpoint.actions() == service)
                .map(|endpoint| Self::Interface(*endpoint)),
        }
    }

    /// Returns whether calls there are about what is AWS's own, such as images, or
    /// about nothing that has an account, such as metrics.
    const fn serves_foreign_resources(self) -> bool {
        matches!(
            self,
            Self::Interface(
                Endpoint::CloudWatch
                    | Endpoint::Ec2
                    | Endpoint::Ec2Messages
                    | Endpoint::Logs
                    | Endpoint::Ssm
                    | Endpoint::SsmMessages
                    | Endpoint::Sts
            )
        )
    }
}

fn gateway(
    scope: &mut Scope<'_>,
    id: &str,
    service: &str,
    vpc: &Value<String>,
    routes: &Value<String>,
    policy: Tree,
) -> ResourceId {
    let endpoint = ec2::VpcEndpoint::new(vpc.clone())
        .service_name(service_name(service))
        .vpc_endpoint_type("Gateway")
        .route_table_ids([routes.clone()])
        .policy_document(policy);
    scope.add(id, endpoint).id()
}

fn service_name(service: &str) -> Value<String> {
    join!["com.amazonaws.", Pseudo::Region, ".", service]
}

/// A policy that passes nothing yet, and never anything of another account's.
fn own_account() -> Tree {
    PolicyDocument::new().with(other_accounts()).into()
}

/// The same, but for calls that nobody signed, which pass only what is listed for them.
fn own_account_or_nobody() -> Tree {
    let deny = other_accounts().when("Null", "aws:PrincipalAccount", "false");
    PolicyDocument::new().with(deny).into()
}

fn other_accounts() -> Statement {
    Statement::deny(["*"])
        .sid("DenyOtherAccounts")
        .to_everyone()
        .on_everything()
        .when("StringNotEquals", "aws:PrincipalAccount", Pseudo::AccountId)
}

impl Gateways {
    fn egress(&self) -> Vec<ec2::SecurityGroupEgressProperty> {
        [(&self.s3, "S3"), (&self.dynamodb, "DynamoDB")]
            .map(|(list, service)| {
                ec2::SecurityGroupEgressProperty::new("tcp")
                    .destination_prefix_list_id(list.as_str())
                    .from_port(HTTPS)
                    .to_port(HTTPS)
                    .description(format!("HTTPS to the gateway of {service}"))
            })
            .into()
    }
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
    fn programs_reach_the_endpoints_and_the_gateways_and_nothing_else() {
        let assembly = synth(|scope| {
            let network = Network::new(Cidr::TEN, Zones::Two)
                .endpoint(Endpoint::Sqs)
                .gateways("pl-a", "pl-b");
            scope.add("Network", network);
        });
        let json = &assembly.template("Test").json()["Resources"];
        let egress = &json["NetworkClients"]["Properties"]["SecurityGroupEgress"];
        let rules = egress.as_array().unwrap();
        assert_eq!(rules.len(), 2);
        for (rule, list) in rules.iter().zip(["pl-a", "pl-b"]) {
            assert_eq!(rule["DestinationPrefixListId"], list);
            assert!(rule["CidrIp"].is_null());
        }
        let endpoints = &json["NetworkClientsToEndpoints"]["Properties"];
        let to = &endpoints["DestinationSecurityGroupId"]["Fn::GetAtt"];
        assert_eq!(to[0], "NetworkEndpoints");
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

    #[test]
    fn a_service_that_a_program_may_call_has_an_endpoint_in_the_networks_own_stack() {
        let mut app = lightsout_core::App::new("clinic", lightsout_core::Stage::new("dev"));
        let cidr = "10.20.0.0/16".parse().unwrap();
        let network = app
            .stack("Network")
            .add("Network", Network::new(cidr, Zones::Two));
        for stack in ["One", "Two"] {
            let publish = Statement::allow(["sns:Publish"]).on("a");
            let mut scope = app.stack(stack);
            scope.add("Key", crate::kms::Key::new("Test"));
            network.admit(&mut scope, &[publish]);
        }
        let assembly = app.synth().unwrap();
        let template = assembly.template("Network");
        template.count::<ec2::VpcEndpoint>(3);
        let resources = &template.json()["Resources"];
        let endpoint = &resources["NetworkSnsEndpoint"]["Properties"];
        assert_eq!(endpoint["PrivateDnsEnabled"], true);
        assert_eq!(
            endpoint["PolicyDocument"]["Statement"][1]["Action"][0],
            "sns:Publish"
        );
        let ingress = &resources["NetworkEndpoints"]["Properties"]["SecurityGroupIngress"][0];
        assert_eq!(
            ingress["SourceSecurityGroupId"]["Fn::GetAtt"][0],
            "NetworkClients"
        );
        assert_eq!(ingress["FromPort"], 443);
    }
}
