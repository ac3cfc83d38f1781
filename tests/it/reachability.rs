//! Who reaches whom in the network, and does anything outside reach in?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::graph::{Graph, Place, Statement, each, graphs};

/// The types that may name the network, its subnets, tables or groups. Whatever else did would
/// have an address that nothing here looks at, or be a way in or out.
const WITHIN: [&str; 13] = [
    "AWS::ApiGateway::RestApi",
    "AWS::EC2::FlowLog",
    "AWS::EC2::LaunchTemplate",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPCEndpoint",
    "AWS::IAM::ManagedPolicy",
    "AWS::ImageBuilder::InfrastructureConfiguration",
    "AWS::Lambda::Function",
];

/// What makes the network.
const OF_THE_NETWORK: [&str; 4] = [
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::Subnet",
    "AWS::EC2::VPC",
];

/// What needs to name nothing of the network to reach out or be reached.
const WAYS: [&str; 8] = [
    "AWS::EC2::EIP",
    "AWS::EC2::Instance",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::NetworkInterface",
    "AWS::EC2::TransitGateway",
    "AWS::EC2::VPCEndpointService",
    "AWS::EC2::VPNGateway",
    "AWS::Lambda::Url",
];

/// What has an address in the network.
struct Interface {
    name: String,
    groups: Vec<Place>,
    subnets: Vec<Place>,
}

/// A rule of a security group: who is let through, on which ports.
struct Rule {
    peer: Peer,
    ports: (i64, i64),
}

/// The other end of a rule.
enum Peer {
    Group(Place),
    Cidr(String),
    PrefixList,
}

/// The groups of an environment, with what they let in and out.
struct Groups {
    ingress: BTreeMap<Place, Vec<Rule>>,
    egress: BTreeMap<Place, Vec<Rule>>,
}

impl Groups {
    fn of(graph: &Graph) -> Self {
        let mut groups = Self {
            ingress: BTreeMap::new(),
            egress: BTreeMap::new(),
        };
        for (place, group) in graph.all("AWS::EC2::SecurityGroup") {
            let properties = &group["Properties"];
            let (ingress, egress) = (
                &properties["SecurityGroupIngress"],
                &properties["SecurityGroupEgress"],
            );
            // Without a rule of its own a group lets everything out.
            assert!(!each(egress).is_empty(), "{place:?} lets everything out");
            for (side, rules) in [(&mut groups.ingress, ingress), (&mut groups.egress, egress)] {
                let rules = each(rules).into_iter().map(|r| rule(graph, &place.0, r));
                side.entry(place.clone()).or_default().extend(rules);
            }
        }
        for (kind, side) in [
            ("AWS::EC2::SecurityGroupIngress", &mut groups.ingress),
            ("AWS::EC2::SecurityGroupEgress", &mut groups.egress),
        ] {
            for (place, resource) in graph.any(kind) {
                let properties = &resource["Properties"];
                let group = graph.target(&place.0, &properties["GroupId"]);
                let rule = rule(graph, &place.0, properties);
                side.entry(group).or_default().push(rule);
            }
        }
        groups
    }

    /// The ports on which `from` reaches `to`, as far as groups go.
    fn ports(&self, from: &Interface, to: &Interface, cidr: &str) -> BTreeSet<(i64, i64)> {
        let lets = |rules: &BTreeMap<Place, Vec<Rule>>, one: &Interface, other: &Interface| {
            let mut ports = Vec::new();
            for rule in one.groups.iter().flat_map(|group| &rules[group]) {
                let is_let = match &rule.peer {
                    Peer::Group(group) => other.groups.contains(group),
                    Peer::Cidr(block) => block == "0.0.0.0/0" || block == cidr,
                    Peer::PrefixList => false,
                };
                if is_let {
                    ports.push(rule.ports);
                }
            }
            ports
        };
        let out = lets(&self.egress, from, to);
        lets(&self.ingress, to, from)
            .into_iter()
            .filter(|(first, last)| out.iter().any(|(f, l)| f <= first && last <= l))
            .collect()
    }
}

fn rule(graph: &Graph, stack: &str, rule: &Value) -> Rule {
    let peer = ["SourceSecurityGroupId", "DestinationSecurityGroupId"]
        .iter()
        .find(|key| !rule[**key].is_null());
    let peer = if let Some(key) = peer {
        Peer::Group(graph.target(stack, &rule[*key]))
    } else if let Some(cidr) = rule["CidrIp"].as_str() {
        Peer::Cidr(cidr.to_owned())
    } else {
        let list = rule["DestinationPrefixListId"].as_str().unwrap();
        assert!(list.starts_with("pl-"), "{rule}");
        Peer::PrefixList
    };
    let all = rule["IpProtocol"] == "-1";
    let port = |key: &str, all_ports: i64| {
        if all {
            all_ports
        } else {
            assert_eq!(rule["IpProtocol"], "tcp", "{rule}");
            rule[key].as_i64().unwrap()
        }
    };
    Rule {
        peer,
        ports: (port("FromPort", 0), port("ToPort", 65_535)),
    }
}

fn interfaces(graph: &Graph) -> Vec<Interface> {
    let all = |stack: &str, values: &Value| -> Vec<Place> {
        let values = each(values).into_iter();
        values.map(|value| graph.target(stack, value)).collect()
    };
    let mut found = Vec::new();
    for (place, function) in graph.all("AWS::Lambda::Function") {
        let network = &function["Properties"]["VpcConfig"];
        found.push(Interface {
            name: place.1.clone(),
            groups: all(&place.0, &network["SecurityGroupIds"]),
            subnets: all(&place.0, &network["SubnetIds"]),
        });
    }
    for (place, template) in graph.all("AWS::EC2::LaunchTemplate") {
        let data = &template["Properties"]["LaunchTemplateData"];
        // A machine has the interface that its subnet gives, and may start in any of them.
        assert!(data["NetworkInterfaces"].is_null(), "{place:?}");
        let subnets = graph.all("AWS::EC2::Subnet").into_iter();
        found.push(Interface {
            name: place.1.clone(),
            groups: all(&place.0, &data["SecurityGroupIds"]),
            subnets: subnets.map(|(subnet, _)| subnet.clone()).collect(),
        });
    }
    for (place, builder) in graph.any("AWS::ImageBuilder::InfrastructureConfiguration") {
        let properties = &builder["Properties"];
        found.push(Interface {
            name: place.1.clone(),
            groups: all(&place.0, &properties["SecurityGroupIds"]),
            subnets: all(&place.0, &properties["SubnetId"]),
        });
    }
    for (place, endpoint) in endpoints(graph, "Interface") {
        let properties = &endpoint["Properties"];
        found.push(Interface {
            name: place.1.clone(),
            groups: all(&place.0, &properties["SecurityGroupIds"]),
            subnets: all(&place.0, &properties["SubnetIds"]),
        });
    }
    found
}

fn endpoints<'a>(graph: &'a Graph, kind: &str) -> Vec<(&'a Place, &'a Value)> {
    let endpoints = graph.all("AWS::EC2::VPCEndpoint").into_iter();
    endpoints
        .filter(|(_, endpoint)| endpoint["Properties"]["VpcEndpointType"] == kind)
        .collect()
}

fn no_way_in(graph: &Graph) {
    for way in WAYS {
        assert!(graph.any(way).is_empty(), "{way}");
    }
    for (place, resource) in &graph.resources {
        let kind = resource["Type"].as_str().unwrap();
        let is_policy = kind == "AWS::S3::BucketPolicy";
        let names_network = || {
            let named = graph.targets(&place.0, &resource["Properties"]);
            named.iter().any(|one| {
                let of = graph.resources[one]["Type"].as_str().unwrap();
                OF_THE_NETWORK.contains(&of)
            })
        };
        assert!(
            is_policy || WITHIN.contains(&kind) || !names_network(),
            "{place:?} is in the network, and nothing looks at it"
        );
    }
    let groups = Groups::of(graph);
    for interface in interfaces(graph) {
        // Routes: a subnet whose table has none knows the network alone.
        for subnet in &interface.subnets {
            let properties = &graph.resources[subnet]["Properties"];
            assert_eq!(properties["MapPublicIpOnLaunch"], false, "{subnet:?}");
            let tables = graph.all("AWS::EC2::SubnetRouteTableAssociation");
            let own = tables.iter().filter(|(place, association)| {
                graph.target(&place.0, &association["Properties"]["SubnetId"]) == *subnet
            });
            assert_eq!(own.count(), 1, "{subnet:?} has no table of its own");
        }
        // Groups: none lets an address in that is not one of the network's own.
        for rule in interface.groups.iter().flat_map(|g| &groups.ingress[g]) {
            assert!(
                matches!(rule.peer, Peer::Group(_)),
                "{} is open to addresses",
                interface.name
            );
        }
        assert!(!interface.groups.is_empty(), "{}", interface.name);
    }
}

fn no_way_between(graph: &Graph) {
    // No ACL of our own: the network's default one lets all pass, so that groups decide.
    assert!(graph.any("AWS::EC2::NetworkAclEntry").is_empty());
    let groups = Groups::of(graph);
    let interfaces = interfaces(graph);
    let cidr = graph.environment.settings.network.cidr.to_string();
    let is_endpoint = |one: &Interface| one.name.ends_with("Endpoint");
    let mut seen = 0;
    for from in &interfaces {
        for to in &interfaces {
            let ports = groups.ports(from, to, &cidr);
            let wanted = match (from.name.as_str(), to.name.as_str()) {
                (from_name, _) if is_endpoint(to) && !from_name.ends_with("Endpoint") => {
                    BTreeSet::from([(443, 443)])
                }
                ("Master", "Worker") => BTreeSet::from([(22, 22)]),
                _ => BTreeSet::new(),
            };
            assert_eq!(ports, wanted, "{} to {}", from.name, to.name);
            seen += ports.len();
        }
    }
    let programs = interfaces.iter().filter(|one| !is_endpoint(one)).count();
    let endpoints = interfaces.len() - programs;
    assert_eq!(seen, programs * endpoints + 1);
    assert!(programs >= 5 && endpoints >= 2);
}

#[test]
fn programs_are_let_out_to_endpoints_and_gateways_where_the_gateways_are_known() {
    let mut narrow = 0;
    for graph in &graphs() {
        let cidr = graph.environment.settings.network.cidr.to_string();
        let is_narrow = graph.environment.settings.network.gateways.is_some();
        let groups = Groups::of(graph);
        for rule in groups.egress.values().flatten() {
            if let Peer::Cidr(block) = &rule.peer {
                // An address of the host itself stands for nothing at all.
                let is_nothing = block == "127.0.0.1/32";
                // A master's group is there before its workers' one, which lets it in.
                let is_ssh_within = *block == cidr && rule.ports == (22, 22);
                let is_https = rule.ports == (443, 443) && !is_narrow;
                assert!(
                    is_nothing || is_ssh_within || is_https,
                    "{block} can be asked"
                );
            }
        }
        narrow += usize::from(is_narrow);
    }
    assert!(narrow >= 2);
}

/// What AWS does itself with a program's role, outside of the network: Lambda joins the
/// function to the network, writes its log and puts away events that it failed on, EC2
/// takes a host's role and makes a service's role, and keys are used by the service that
/// the data is in.
const BY_AWS: [&str; 4] = [
    "iam:CreateServiceLinkedRole",
    "iam:PassRole",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
];

/// The service of an endpoint, in the names of actions.
fn service(endpoint: &Value) -> String {
    let name = endpoint["Properties"]["ServiceName"]["Fn::Join"][1].as_array();
    let name = name.unwrap().last().unwrap().as_str().unwrap();
    let name = name.trim_start_matches('.');
    if name == "monitoring" {
        "cloudwatch"
    } else {
        name
    }
    .to_owned()
}

fn endpoints_are_those_of_the_roles(graph: &Graph) {
    let mut roles = Vec::new();
    for (place, function) in graph.all("AWS::Lambda::Function") {
        roles.push(graph.target(&place.0, &function["Properties"]["Role"]));
    }
    for (place, profile) in graph.all("AWS::IAM::InstanceProfile") {
        roles.push(graph.target(&place.0, &profile["Properties"]["Roles"]));
    }
    let endpoints: BTreeMap<String, Vec<Statement<'_>>> = graph
        .all("AWS::EC2::VPCEndpoint")
        .into_iter()
        .map(|(_, endpoint)| {
            let document = &endpoint["Properties"]["PolicyDocument"];
            let statements = each(&document["Statement"]).into_iter().map(Statement);
            (service(endpoint), statements.collect())
        })
        .collect();
    let mut needed = BTreeSet::new();
    for role in &roles {
        for statement in graph.allowed(role) {
            let is_platform = statement.condition("kms:ViaService").is_some()
                || statement.actions().contains(&"ec2:CreateNetworkInterface");
            if !statement.is_allow() || is_platform {
                continue;
            }
            for action in statement.actions() {
                if BY_AWS.contains(&action) {
                    continue;
                }
                let (service, _) = action.split_once(':').unwrap();
                let passes = endpoints
                    .get(service)
                    .unwrap_or_else(|| panic!("{role:?} calls {action} without an endpoint"));
                let is_passed = passes
                    .iter()
                    .any(|passed| passed.is_allow() && passed.actions().contains(&action));
                let is_failure_queue = action == "sqs:SendMessage";
                assert!(
                    is_passed || is_failure_queue,
                    "the endpoint of {service} does not pass {action} of {role:?}"
                );
                needed.insert(service.to_owned());
            }
        }
    }
    let made: BTreeSet<_> = endpoints.keys().cloned().collect();
    assert_eq!(made, needed, "{}", graph.environment.name);
    let builders = graph
        .any("AWS::ImageBuilder::InfrastructureConfiguration")
        .len();
    assert_eq!(roles.len(), 6 + builders);
}

#[test]
fn no_path_leads_from_the_internet_to_an_interface() {
    graphs().iter().for_each(no_way_in);
}

#[test]
fn nothing_reaches_another_but_programs_the_endpoints_and_masters_their_workers() {
    graphs().iter().for_each(no_way_between);
}

#[test]
fn every_service_of_every_role_in_the_network_has_an_endpoint_and_no_other_has_one() {
    graphs().iter().for_each(endpoints_are_those_of_the_roles);
}

#[test]
fn planted_ways_are_found() {
    let open = json!({"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"});
    let workers = json!({"Ref": "WorkerGroup"});
    let ssh = json!({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22});
    let mut between = ssh.clone();
    between["GroupId"] = json!({"Ref": "MasterGroup"});
    between["SourceSecurityGroupId"] = workers.clone();
    let mut out = ssh;
    out["GroupId"] = workers;
    out["CidrIp"] = json!("0.0.0.0/0");
    let rule = |kind: &str, properties| json!({"Type": kind, "Properties": properties});

    let planted = Graph::named("prod");
    planted.must_fail(no_way_in, |graph| {
        graph.plant(
            "Network",
            "Gateway",
            json!({"Type": "AWS::EC2::InternetGateway"}),
        );
    });
    // Whatever kind of thing names a subnet, a table or the network.
    let subnet = json!({"Ref": "PrivateSubnet1"});
    for (kind, properties) in [
        (
            "AWS::EC2::Route",
            json!({"RouteTableId": {"Ref": "PrivateRoutes"}, "GatewayId": "igw-0a1b2c3d"}),
        ),
        (
            "AWS::EC2::VPCPeeringConnection",
            json!({"VpcId": {"Ref": "Private"}, "PeerVpcId": "vpc-0a1b2c3d"}),
        ),
        ("AWS::EC2::NatGateway", json!({"SubnetId": subnet.clone()})),
        (
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            json!({"Scheme": "internet-facing", "Subnets": [subnet.clone()]}),
        ),
        ("AWS::EFS::MountTarget", json!({"SubnetId": subnet})),
        ("AWS::Lambda::Url", json!({"AuthType": "NONE"})),
    ] {
        planted.must_fail(no_way_in, |graph| {
            graph.plant("Network", "Way", rule(kind, properties.clone()));
        });
    }
    planted.must_fail(no_way_in, |graph| {
        graph.at("Fleet", "Launcher")["VpcConfig"] = json!(null);
    });
    planted.must_fail(no_way_in, |graph| {
        graph.at("Network", "PrivateEndpoints")["SecurityGroupIngress"] = json!([open.clone()]);
    });
    planted.must_fail(no_way_in, |graph| {
        let data = &mut graph.at("Fleet", "Worker")["LaunchTemplateData"];
        data["NetworkInterfaces"] = json!([{"AssociatePublicIpAddress": true}]);
    });
    planted.must_fail(no_way_in, |graph| {
        graph.at("Network", "PrivateSubnet1")["MapPublicIpOnLaunch"] = json!(true);
    });
    planted.must_fail(no_way_between, |graph| {
        let kind = "AWS::EC2::SecurityGroupIngress";
        graph.plant("Fleet", "BackIn", rule(kind, between.clone()));
        let kind = "AWS::EC2::SecurityGroupEgress";
        graph.plant("Fleet", "BackOut", rule(kind, out.clone()));
    });
    planted.must_fail(no_way_between, |graph| {
        graph.at("Network", "PrivateEndpoints")["SecurityGroupIngress"][0]["FromPort"] = json!(22);
    });
    planted.must_fail(endpoints_are_those_of_the_roles, |graph| {
        graph.remove("Network", "PrivateSqsEndpoint");
    });
    planted.must_fail(endpoints_are_those_of_the_roles, |graph| {
        let spare =
            graph.resources[&("Network".to_owned(), "PrivateSqsEndpoint".to_owned())].clone();
        graph.plant("Network", "Spare", spare);
        let name = &mut graph.at("Network", "Spare")["ServiceName"]["Fn::Join"][1];
        *name.as_array_mut().unwrap().last_mut().unwrap() = json!(".kinesis");
    });
    planted.must_fail(endpoints_are_those_of_the_roles, |graph| {
        let statements = &mut graph.at("Network", "PrivateSqsEndpoint")["PolicyDocument"];
        for statement in statements["Statement"].as_array_mut().unwrap() {
            let actions = statement["Action"].as_array_mut();
            if let Some(actions) = actions {
                actions.retain(|action| action != "sqs:ReceiveMessage");
            }
        }
    });
    planted.must_fail(endpoints_are_those_of_the_roles, |graph| {
        let policy = graph.at("Fleet", "MasterRolePolicy");
        policy["PolicyDocument"]["Statement"][0]["Action"] = json!(["sts:GetCallerIdentity"]);
    });
}
