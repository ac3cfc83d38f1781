//! How hosts of one program are started.

use std::{fmt, marker::PhantomData};

use lightsout_contract::{Capability, LaunchFrom, Program};
use lightsout_core::{Construct, Id, Pseudo, ResourceId, Scope, Value, base64, join};

use super::{Fleet, Image, NetworkRef, SecurityGroup, SecurityGroupRef, UserData};
use crate::{
    Infra, Wired,
    cfn::{ec2, iam},
    iam::{Role, RoleRef, Service, Statement},
    kms::{KeyRef, spot_role},
    limits,
    ssm::SessionPreferencesRef,
    wired::Flattened,
};

/// How hosts that run the program `P` are started.
///
/// A host has a role that allows what the program's environment says and no more,
/// an encrypted disk that goes with it, no public address, no key pair, and
/// instance metadata by session tokens only. Switching it off ends it.
#[derive(Debug)]
#[must_use = "a launch template is made once it is added to a stack"]
pub struct LaunchTemplate<P> {
    variables: Vec<(String, Value<String>)>,
    statements: Vec<Statement>,
    tags: Vec<(String, Value<String>)>,
    image: Image,
    user_data: UserData,
    network: NetworkRef,
    key: KeyRef,
    account_key: Option<KeyRef>,
    instance_type: Value<String>,
    volume_gib: u32,
    scratch_gib: Option<u32>,
    group: Option<SecurityGroupRef>,
    ssh_from: Vec<SecurityGroupRef>,
    any_zone: bool,
    program: PhantomData<fn() -> P>,
}

/// How instances may be paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Market {
    /// In full.
    OnDemand,
    /// As spot instances too.
    Spot,
}

/// A launch template that was added to a stack.
pub struct LaunchTemplateRef<P> {
    id: ResourceId,
    role: RoleRef,
    key: KeyRef,
    account_key: Option<KeyRef>,
    image_key: Option<KeyRef>,
    group: SecurityGroupRef,
    network: NetworkRef,
    program: PhantomData<fn() -> P>,
}

impl<P: Program> LaunchTemplate<P> {
    /// Hosts of `fleet`, in `network`, with disks encrypted with `key`.
    ///
    /// The user data gets the environment's variables; the hosts get the fleet's
    /// tags from their first moment.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the value says which program it is, so that no turbofish has to"
    )]
    pub fn new(
        program: P,
        environment: P::Environment<Infra>,
        fleet: &Fleet<P>,
        image: Image,
        user_data: UserData,
        network: &NetworkRef,
        key: &KeyRef,
    ) -> Self {
        let _ = program;
        let flattened = Flattened::of(environment);
        Self {
            variables: flattened.variables,
            statements: flattened.statements,
            tags: fleet.tags().cloned().collect(),
            image,
            user_data,
            network: *network,
            key: *key,
            account_key: None,
            instance_type: "c7i.large".into(),
            volume_gib: 30,
            scratch_gib: None,
            group: None,
            ssh_from: Vec::new(),
            any_zone: false,
            program: PhantomData,
        }
    }

    /// Leaves the zone to whoever starts hosts; the first of the network unless said.
    ///
    /// The request names a subnet then. EC2 takes none beside a template's network interface,
    /// so that the template has none: hosts get no public address because no subnet of the
    /// network gives any.
    pub fn any_zone(mut self) -> Self {
        self.any_zone = true;
        self
    }

    /// Starts hosts of this type, a Nitro one; `c7i.large` unless said.
    pub fn instance_type(mut self, name: impl Into<Value<String>>) -> Self {
        self.instance_type = name.into();
        self
    }

    /// Gives hosts a disk of this size in GiB; 30 unless said.
    pub fn volume_gib(mut self, gib: u32) -> Self {
        self.volume_gib = gib;
        self
    }

    /// Says which key the account encrypts disks with that name none.
    ///
    /// An image may bring disks beside the one that is described here. Where the
    /// account encrypts by default, and with a key of its own, whoever starts hosts
    /// must use that key too: without it they end at once, and no log says why.
    pub fn account_disks(mut self, key: &KeyRef) -> Self {
        self.account_key = Some(*key);
        self
    }

    /// Gives hosts a second disk of this size in GiB, `/dev/xvdb`, for what they work
    /// on; it is encrypted like the first, and goes with the host too.
    pub fn scratch_gib(mut self, gib: u32) -> Self {
        self.scratch_gib = Some(gib);
        self
    }

    /// Lets people on by Session Manager, encrypted and recorded as `sessions` say.
    pub fn sessions(mut self, sessions: &SessionPreferencesRef) -> Self {
        self.statements.extend(sessions.host_statements());
        self
    }

    /// Adds a tag to hosts and disks, beside those of the fleet.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<Value<String>>) -> Self {
        self.tags.push((key.into(), value.into()));
        self
    }

    /// Gives the host a capability that is not the program's, such as what its user
    /// data needs, unless the program has a variable of that name.
    ///
    /// Returns whether the variable holds what was given.
    pub(crate) fn with<C: Capability>(&mut self, name: &str, wired: &Wired<C>) -> bool {
        let present = self.variables.iter().find(|(present, _)| present == name);
        let holds = present.is_none_or(|(_, value)| value == wired.address());
        if present.is_none() {
            self.variables
                .push((name.to_owned(), wired.address().clone()));
        }
        self.statements.extend_from_slice(wired.statements());
        holds
    }

    /// Returns whether the hosts' role allows `action` on `resource`.
    pub(crate) fn allows(&self, action: &str, resource: &Value<String>) -> bool {
        self.statements
            .iter()
            .any(|statement| statement.allows(action, resource))
    }

    /// Puts hosts in a group that exists already, instead of one of their own.
    pub fn group(mut self, group: &SecurityGroupRef) -> Self {
        self.group = Some(*group);
        self
    }

    /// Lets the hosts of another group log in over SSH.
    ///
    /// This is for the template's own group, and has no effect on one that was
    /// [given](Self::group).
    pub fn ssh_from(mut self, group: &SecurityGroupRef) -> Self {
        self.ssh_from.push(*group);
        self
    }
}

impl<P: Program> Construct for LaunchTemplate<P> {
    type Handle = LaunchTemplateRef<P>;

    fn build(self, scope: &mut Scope<'_>) -> LaunchTemplateRef<P> {
        self.check(scope);
        self.network.admit(scope, &self.statements);
        let group = self.group.unwrap_or_else(|| {
            let group = SecurityGroup::new(format!("Hosts that run {}", P::BINARY), &self.network);
            let group = self.ssh_from.iter().fold(group, SecurityGroup::ssh_from);
            scope.add("Group", group)
        });
        let role = scope.add(
            "Role",
            Role::new(Service::Ec2, format!("Runs {}", P::BINARY)).with(self.statements),
        );
        let profile = scope.add("Profile", iam::InstanceProfile::new([role.name()]));
        let groups = [group.id().text(), self.network.clients()];
        let disk = |device: &'static str, gib: u32| {
            ec2::LaunchTemplateBlockDeviceMapping::new()
                .device_name(device)
                .ebs(
                    ec2::LaunchTemplateEbs::new()
                        .delete_on_termination(true)
                        .encrypted(true)
                        .kms_key_id(self.key.arn())
                        .volume_size(gib)
                        .volume_type("gp3"),
                )
        };
        let root = disk("/dev/xvda", self.volume_gib);
        let scratch = self.scratch_gib.map(|gib| disk("/dev/xvdb", gib));
        let tags = |resource: &'static str| {
            ec2::LaunchTemplateTagSpecificationProperty::new()
                .resource_type(resource)
                .tags(self.tags.clone())
        };
        let image_key = self.image.key();
        let data = ec2::LaunchTemplateData::new()
            .image_id(self.image.into_value())
            .instance_type(self.instance_type)
            .iam_instance_profile(
                ec2::LaunchTemplateIamInstanceProfile::new()
                    .arn(profile.get(iam::InstanceProfile::ARN)),
            )
            .instance_initiated_shutdown_behavior("terminate")
            .metadata_options(
                ec2::LaunchTemplateMetadataOptions::new()
                    .http_endpoint("enabled")
                    .http_tokens("required")
                    .http_put_response_hop_limit(1)
                    .instance_metadata_tags("enabled"),
            )
            .monitoring(ec2::LaunchTemplateMonitoring::new().enabled(true))
            .block_device_mappings([root].into_iter().chain(scratch))
            .tag_specifications([tags("instance"), tags("volume")])
            .user_data(base64(self.user_data.script(self.variables)));
        let data = if self.any_zone {
            data.security_group_ids(groups)
        } else {
            let mut interface = ec2::LaunchTemplateNetworkInterface::new()
                .device_index(0)
                .associate_public_ip_address(false)
                .delete_on_termination(true)
                .groups(groups);
            if let Some(subnet) = self.network.subnets().into_iter().next() {
                interface = interface.subnet_id(subnet);
            }
            data.network_interfaces([interface])
        };
        let template = ec2::LaunchTemplate::new(data).build(scope);
        LaunchTemplateRef {
            id: template.id(),
            role,
            key: self.key,
            account_key: self.account_key,
            image_key,
            group,
            network: self.network,
            program: PhantomData,
        }
    }
}

impl<P> LaunchTemplate<P> {
    fn check(&self, scope: &mut Scope<'_>) {
        for gib in [Some(self.volume_gib), self.scratch_gib]
            .into_iter()
            .flatten()
        {
            limits::within(
                scope,
                "LaunchTemplateData.BlockDeviceMappings",
                gib,
                &(1..=16_384),
                " GiB",
            );
        }
        if let Some(name) = self.instance_type.literal()
            && !is_nitro(name)
        {
            scope.problem(
                "LaunchTemplateData.InstanceType",
                format_args!("starts hosts of type `{name}`, which is none of the Nitro system"),
                "use a type like `c7i.large`, which encrypts what hosts say to each other",
            );
        }
    }
}

/// Returns whether a type has the form `family.size`, and its family is not of those
/// [before Nitro](https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-nitro-instances.html).
fn is_nitro(name: &str) -> bool {
    const BEFORE: [&str; 27] = [
        "a1", "c1", "c3", "c4", "cc2", "cr1", "d2", "f1", "g2", "g3", "g3s", "h1", "hs1", "i2",
        "i3", "m1", "m2", "m3", "m4", "p2", "p3", "r3", "r4", "t1", "t2", "x1", "x1e",
    ];
    name.split_once('.').is_some_and(|(family, size)| {
        !family.is_empty() && !size.is_empty() && !BEFORE.contains(&family)
    })
}

impl<P> LaunchTemplateRef<P> {
    /// Lets a program start hosts from the template, and from no other: the
    /// template's id, with the permission.
    ///
    /// A host can be started in any subnet of the network; nothing else of the
    /// template can be overridden. The disks' key is used
    /// [by EC2 for the caller](https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html).
    pub fn launcher(&self) -> Wired<LaunchFrom<P>> {
        self.launcher_by(|instance| instance, Market::OnDemand)
    }

    /// Lets a program start hosts of `fleet` only, of one of the instance types.
    ///
    /// A host must have the fleet's first tag in the request that starts it, so that
    /// none is started that the fleet's [terminator](Fleet::terminator) would not find.
    pub(crate) fn launcher_of(
        &self,
        fleet: &Fleet<P>,
        types: &[String],
        market: Market,
    ) -> Wired<LaunchFrom<P>> {
        let (tag, name) = fleet.first_tag();
        let types: Vec<Value<String>> = types.iter().map(|name| name.as_str().into()).collect();
        self.launcher_by(
            |instance| {
                instance
                    .when(
                        "StringEquals",
                        format!("aws:RequestTag/{tag}"),
                        name.clone(),
                    )
                    .when_any("StringEquals", "ec2:InstanceType", types)
            },
            market,
        )
    }

    fn launcher_by(
        &self,
        narrow: impl FnOnce(Statement) -> Statement,
        market: Market,
    ) -> Wired<LaunchFrom<P>> {
        let template = arn("launch-template", self.id.reference::<String>());
        let run = || {
            Statement::allow(["ec2:RunInstances"]).when(
                "ArnEquals",
                "ec2:LaunchTemplate",
                template.clone(),
            )
        };
        let instance = narrow(run().on(arn("instance", "*")).when(
            "Bool",
            "ec2:IsLaunchTemplateResource",
            "true",
        ));
        let as_given = run()
            .on(template.clone())
            .on(arn("volume", "*"))
            .on(arn("security-group", self.group.id()))
            .on(arn("security-group", self.network.clients()))
            .on(join![
                "arn:",
                Pseudo::Partition,
                ":ec2:",
                Pseudo::Region,
                "::image/*",
            ])
            .when("Bool", "ec2:IsLaunchTemplateResource", "true");
        let anywhere = self
            .network
            .subnets()
            .into_iter()
            .fold(run().on(arn("network-interface", "*")), |run, subnet| {
                run.on(arn("subnet", subnet))
            });
        let tag = Statement::allow(["ec2:CreateTags"])
            .on(arn("instance", "*"))
            .on(arn("volume", "*"))
            .when("StringEquals", "ec2:CreateAction", "RunInstances");
        let pass = Statement::allow(["iam:PassRole"]).on(self.role.arn()).when(
            "StringEquals",
            "iam:PassedToService",
            "ec2.amazonaws.com",
        );
        // Instances are described all or none: AWS knows no resource for it.
        let describe = Statement::allow(["ec2:DescribeInstances"]).on_everything();
        let spot = match market {
            Market::OnDemand => Vec::new(),
            Market::Spot => vec![
                run().on(arn("spot-instances-request", "*")),
                Statement::allow(["iam:CreateServiceLinkedRole"])
                    .on(spot_role())
                    .when("StringEquals", "iam:AWSServiceName", "spot.amazonaws.com"),
            ],
        };
        // No subnet gives a public address, and no request may ask for one.
        let public = Statement::deny(["ec2:RunInstances"])
            .on(arn("network-interface", "*"))
            .when("Bool", "ec2:AssociatePublicIpAddress", "true");
        let keys = [Some(self.key), self.account_key, self.image_key];
        let keys = keys.into_iter().flatten();
        [instance, anywhere, public, tag, pass, describe]
            .into_iter()
            .chain(keys.flat_map(encrypts_disks))
            .chain(spot)
            .fold(
                Wired::allowed(self.id.reference::<String>(), as_given),
                Wired::and,
            )
    }

    /// Returns the template's id.
    pub const fn id(&self) -> Value<Id<LaunchTemplate<P>>> {
        self.id.reference()
    }

    /// Returns the group that the hosts are in.
    pub const fn security_group(&self) -> SecurityGroupRef {
        self.group
    }

    /// Returns the role that the hosts act with.
    pub const fn role(&self) -> RoleRef {
        self.role
    }
}

impl<P> Clone for LaunchTemplateRef<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for LaunchTemplateRef<P> {}

impl<P> fmt::Debug for LaunchTemplateRef<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LaunchTemplateRef").field(&self.id).finish()
    }
}

/// Allows a role to start hosts whose disks are encrypted with `key`.
fn encrypts_disks(key: KeyRef) -> [Statement; 2] {
    let encrypt = [
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    ];
    [
        key.used_by("ec2", encrypt),
        key.used_by("ec2", ["kms:CreateGrant"])
            .when("Bool", "kms:GrantIsForAWSResource", "true"),
    ]
}

/// Returns the ARN of an EC2 resource of this account and region.
fn arn(kind: &str, id: impl Into<Value<String>>) -> Value<String> {
    join![
        "arn:",
        Pseudo::Partition,
        ":ec2:",
        Pseudo::Region,
        ":",
        Pseudo::AccountId,
        ":",
        kind,
        "/",
        id.into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::{Probe, ProbeEnvironment, key, network, synth},
        kms::Key,
        setting,
    };

    fn template(scope: &mut Scope<'_>) -> LaunchTemplateRef<Probe> {
        template_with(scope, |hosts| hosts)
    }

    fn template_with(
        scope: &mut Scope<'_>,
        options: impl FnOnce(LaunchTemplate<Probe>) -> LaunchTemplate<Probe>,
    ) -> LaunchTemplateRef<Probe> {
        let key = key(scope);
        let network = network(scope);
        let masters = scope.add("Masters", SecurityGroup::new("Masters", &network));
        let environment = ProbeEnvironment {
            greeting: setting("hello"),
        };
        let hosts = LaunchTemplate::new(
            Probe,
            environment,
            &Fleet::tagged("clinic:pipeline", "clinic-dev").and("clinic:role", "probe"),
            Image::Id("ami-0a1b2c3d".into()),
            UserData::bash("exec probe\n"),
            &network,
            &key,
        );
        scope.add("Hosts", options(hosts.ssh_from(&masters)))
    }

    #[test]
    fn hosts_are_private_encrypted_and_end_when_switched_off() {
        let assembly = synth(|scope| {
            template(scope);
        });
        let template = assembly.template("Test");
        template.has(ec2::LaunchTemplate::new(
            ec2::LaunchTemplateData::new()
                .instance_initiated_shutdown_behavior("terminate")
                .metadata_options(
                    ec2::LaunchTemplateMetadataOptions::new()
                        .http_tokens("required")
                        .http_put_response_hop_limit(1)
                        .instance_metadata_tags("enabled"),
                )
                .network_interfaces([
                    ec2::LaunchTemplateNetworkInterface::new().associate_public_ip_address(false)
                ])
                .block_device_mappings([ec2::LaunchTemplateBlockDeviceMapping::new().ebs(
                    ec2::LaunchTemplateEbs::new()
                        .encrypted(true)
                        .delete_on_termination(true)
                        .volume_type("gp3"),
                )]),
        ));
        let data = &template.json()["Resources"]["Hosts"]["Properties"]["LaunchTemplateData"];
        assert!(data.get("KeyName").is_none());
        for index in 0..2 {
            let tags = &data["TagSpecifications"][index]["Tags"];
            assert_eq!(tags[0]["Value"], "clinic-dev");
            assert_eq!(tags[1]["Value"], "probe");
        }
        let script = &data["UserData"]["Fn::Base64"]["Fn::Join"][1];
        assert_eq!(
            script[0],
            "#!/bin/bash\nexport GREETING='hello'\nexport AWS_REGION='"
        );
        assert_eq!(script[2], "'\nexec probe\n");
    }

    #[test]
    fn only_the_named_group_logs_in() {
        let assembly = synth(|scope| {
            template(scope);
        });
        let template = assembly.template("Test");
        let group = &template.json()["Resources"]["HostsGroup"]["Properties"];
        let ingress = group["SecurityGroupIngress"].as_array().unwrap();
        assert_eq!(ingress.len(), 1);
        assert_eq!(
            ingress[0]["SourceSecurityGroupId"]["Fn::GetAtt"][0],
            "Masters"
        );
        assert_eq!(group["SecurityGroupEgress"][0]["CidrIp"], "127.0.0.1/32");
        template.count::<ec2::SecurityGroupIngress>(0);
    }

    #[test]
    fn a_launcher_passes_one_role_and_uses_one_template() {
        synth(|scope| {
            let hosts = template(scope);
            let launcher = hosts.launcher();
            let statement = |action: &str| {
                launcher
                    .statements()
                    .iter()
                    .filter(|statement| statement.actions().any(|allowed| allowed == action))
                    .cloned()
                    .collect::<Vec<_>>()
            };
            assert_eq!(
                statement("iam:PassRole"),
                [Statement::allow(["iam:PassRole"])
                    .on(hosts.role().arn())
                    .when("StringEquals", "iam:PassedToService", "ec2.amazonaws.com")]
            );
            let of_template = arn("launch-template", hosts.id());
            let (public, runs): (Vec<_>, Vec<_>) =
                statement("ec2:RunInstances").into_iter().partition(|run| {
                    run.condition("Bool", "ec2:AssociatePublicIpAddress")
                        .is_some()
                });
            assert_eq!(public.len(), 1);
            for run in runs {
                assert_eq!(
                    run.condition("ArnEquals", "ec2:LaunchTemplate"),
                    Some([of_template.clone()].as_slice())
                );
            }
            assert_eq!(
                statement("kms:CreateGrant")[0].condition("Bool", "kms:GrantIsForAWSResource"),
                Some(["true".into()].as_slice())
            );
        });
    }

    #[test]
    fn a_launcher_uses_the_keys_of_the_disks_by_way_of_ec2_only() {
        synth(|scope| {
            let account = scope.add("AccountKey", Key::new("Disks"));
            let hosts = template_with(scope, |hosts| hosts.account_disks(&account));
            for key in [hosts.key, account] {
                let of_key: Vec<Statement> = hosts
                    .launcher()
                    .statements()
                    .iter()
                    .filter(|statement| {
                        let alone = Statement::allow(statement.actions()).on(key.arn());
                        alone.resources() == statement.resources()
                    })
                    .cloned()
                    .collect();
                assert_eq!(of_key, encrypts_disks(key));
                for statement in &of_key {
                    assert!(statement.is_via_service());
                }
                let grant = of_key[1].condition("Bool", "kms:GrantIsForAWSResource");
                assert_eq!(grant, Some(["true".into()].as_slice()));
                let actions: Vec<&str> = of_key[0].actions().collect();
                assert_eq!(
                    actions,
                    [
                        "kms:Decrypt",
                        "kms:DescribeKey",
                        "kms:GenerateDataKeyWithoutPlaintext",
                        "kms:ReEncryptFrom",
                        "kms:ReEncryptTo",
                    ]
                );
            }
        });
    }

    #[test]
    fn a_terminator_ends_only_hosts_with_every_tag() {
        let fleet =
            Fleet::<Probe>::tagged("clinic:pipeline", "clinic-dev").and("clinic:role", "probe");
        let terminator = fleet.terminator();
        let terminate = &terminator.statements()[0];
        assert_eq!(
            terminate.actions().collect::<Vec<_>>(),
            ["ec2:TerminateInstances"]
        );
        for (tag, value) in [("pipeline", "clinic-dev"), ("role", "probe")] {
            assert_eq!(
                terminate.condition("StringEquals", &format!("aws:ResourceTag/clinic:{tag}")),
                Some([value.into()].as_slice())
            );
        }
    }

    fn hosts(key: &KeyRef, network: &NetworkRef) -> LaunchTemplate<Probe> {
        let environment = ProbeEnvironment {
            greeting: setting("hello"),
        };
        LaunchTemplate::new(
            Probe,
            environment,
            &Fleet::tagged("clinic:pipeline", "clinic-dev"),
            Image::Id("ami-0a1b2c3d".into()),
            UserData::bash("exec probe\n"),
            network,
            key,
        )
    }

    #[test]
    fn a_scratch_disk_is_encrypted_and_goes_with_its_host() {
        let assembly = synth(|scope| {
            let (key, network) = (key(scope), network(scope));
            scope.add("Hosts", hosts(&key, &network).scratch_gib(200));
        });
        let json = &assembly.template("Test").json()["Resources"];
        let disks = &json["Hosts"]["Properties"]["LaunchTemplateData"]["BlockDeviceMappings"];
        assert_eq!(disks[1]["DeviceName"], "/dev/xvdb");
        for disk in 0..2 {
            let disk = &disks[disk]["Ebs"];
            assert_eq!(disk["KmsKeyId"]["Fn::GetAtt"][0], "Key");
            assert_eq!(disk["Encrypted"], true);
            assert_eq!(disk["DeleteOnTermination"], true);
        }
    }

    #[test]
    fn sessions_bring_their_permissions_and_endpoints() {
        let assembly = synth(|scope| {
            let (key, network) = (key(scope), network(scope));
            let logs = scope.add("Logs", crate::logs::LogGroup::new(&key));
            let sessions = crate::ssm::SessionPreferences::new(&logs, &key);
            let sessions = scope.add("Sessions", sessions);
            scope.add("Hosts", hosts(&key, &network).sessions(&sessions));
        });
        let json = &assembly.template("Test").json()["Resources"];
        for endpoint in ["Ssm", "SsmMessages", "Logs"] {
            let endpoint = &json[format!("Network{endpoint}Endpoint")];
            assert!(endpoint.is_object(), "{endpoint}");
        }
        let policy = json["HostsRolePolicy"]["Properties"]["PolicyDocument"].to_string();
        assert!(policy.contains("ssmmessages:CreateDataChannel"), "{policy}");
    }

    #[test]
    fn what_ec2_or_safety_would_refuse_is_a_problem() {
        let mut app = lightsout_core::App::new("clinic", lightsout_core::Stage::new("dev"));
        let mut scope = app.stack("Test");
        let (key, network) = (key(&mut scope), network(&mut scope));
        let hosts = hosts(&key, &network)
            .instance_type("t2.micro")
            .volume_gib(0);
        scope.add("Hosts", hosts);
        assert_eq!(app.synth().unwrap_err().problems.len(), 2);
        for (name, expected) in [("c7i.large", true), ("m4.large", false), ("large", false)] {
            assert_eq!(is_nitro(name), expected, "{name}");
        }
    }
}
