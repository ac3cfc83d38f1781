//! Images that hosts boot from, made by EC2 Image Builder in a network without a way out.
//!
//! A [`Builder`] is where images are made: an instance in a private network, which reaches
//! Image Builder, Systems Manager and buckets by endpoints, and nothing else. A
//! [`MachineImage`] is made there while its stack is deployed, of a base and of
//! [`Component`]s, which are scripts and the checks that they did what they should.
//!
//! ```
//! use lightsout::{
//!     App, Stage, cfn,
//!     ec2::{Image, Network, Zones},
//!     imagebuilder::{Builder, Component, MachineImage},
//!     kms::Key,
//!     lambda::Architecture,
//!     s3::Bucket,
//! };
//!
//! let mut app = App::new("clinic", Stage::new("dev"));
//! let mut stack = app.stack("Images");
//! let key = stack.add("Key", Key::new("Images of machines"));
//! let logs = stack.add("Logs", Bucket::<()>::new(&key));
//! let network = Network::new("10.20.0.0/16".parse()?, Zones::Two).amazon_linux_packages();
//! let network = stack.add("Network", network);
//! let builder = Builder::new(&network, &key, &logs).types(Architecture::Arm64, ["m7g.medium"]);
//! let builder = stack.add("Builder", builder);
//! let base = Image::Parameter(
//!     "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64".to_owned(),
//! );
//! let quiet = Component::new("Quiet", "Listens to nobody")
//!     .bash("dnf --assumeyes --quiet remove rpcbind\n")
//!     .check("! rpm --query rpcbind\n");
//! let image = stack.add("Reader", MachineImage::new(&builder, base).component(quiet));
//! let boots_from: Image = image.image();
//!
//! let assembly = app.synth()?;
//! assembly.template("Images").count::<cfn::imagebuilder::Image>(1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a change does
//!
//! Image Builder never changes a component or a recipe. Both are named after what they hold,
//! the hashes of assets among it, so that a change makes new ones and a new image. Once
//! everything of the stack has moved on to it, the old image is deleted, with its snapshots;
//! a deployment that is rolled back deletes the new one instead. So an image belongs in the
//! stack of what boots from it: another stack could not be deployed before it, as
//! `CloudFormation` changes no exported value that is in use. Deploying a change takes as long
//! as making an image does, some twenty minutes.

use lightsout_core::{
    Arn, AssetRef, Construct, Part, Pseudo, ResourceId, Scope, Token, Value, join,
};

use crate::{
    cfn::{iam, imagebuilder},
    ec2::{Image, NetworkRef},
    iam::{Role, RoleRef, Service, Statement},
    kms::KeyRef,
    lambda::{Architecture, fingerprint},
    names::{arn_here, name_of},
    s3::BucketRef,
};

/// Where images are made: an instance of its own for each, in a private network.
///
/// It has no key pair and no public address, metadata by session tokens only, a role that
/// allows what Image Builder's agent calls, and it ends when the image is made or cannot be.
#[derive(Debug, Clone)]
#[must_use = "nothing is made until the builder is added to a stack"]
pub struct Builder {
    network: NetworkRef,
    key: KeyRef,
    logs: Value<String>,
    types: Vec<String>,
    statements: Vec<Statement>,
}

/// A builder that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuilderRef {
    infrastructure: ResourceId,
    key: KeyRef,
    remover: RoleRef,
}

/// Something that is done to an image, once, and checked.
#[derive(Debug, Clone)]
pub struct Component {
    name: &'static str,
    description: &'static str,
    asset: Option<AssetRef>,
    build: Vec<Step>,
    validate: Vec<Step>,
}

/// A step of a component, in the terms of
/// [its document](https://docs.aws.amazon.com/imagebuilder/latest/userguide/toe-action-modules.html).
#[derive(Debug, Clone)]
enum Step {
    Download {
        from: Value<String>,
        to: &'static str,
    },
    Bash(Value<String>),
}

/// An image of a base and of what components do to it.
///
/// Its disks are encrypted with the builder's key. The agent of Systems Manager, which Image
/// Builder works by, is taken out of it at last. It is made once, when its stack is deployed:
/// there is no schedule, as an idle account runs no machine.
#[derive(Debug, Clone)]
#[must_use = "an image is made once it is added to a stack"]
pub struct MachineImage {
    builder: BuilderRef,
    base: Image,
    components: Vec<Component>,
}

/// An image that was added to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineImageRef {
    id: ResourceId,
    key: KeyRef,
}

/// The most that Image Builder takes as the text of a component, in characters.
const LONGEST_DOCUMENT: usize = 16_000;

/// The longest name that leaves room for a component's, a fingerprint and a hash in 128 characters.
const LONGEST_NAME: usize = 35;

/// The agent's calls about nothing that a policy could name, as
/// [`AmazonSSMManagedInstanceCore`](https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonSSMManagedInstanceCore.html)
/// has them.
const MESSAGES: [&str; 10] = [
    "ec2messages:AcknowledgeMessage",
    "ec2messages:DeleteMessage",
    "ec2messages:FailMessage",
    "ec2messages:GetEndpoint",
    "ec2messages:GetMessages",
    "ec2messages:SendReply",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
];

impl Builder {
    /// Makes images in the network's first zone, encrypts them with `key`, and keeps what was
    /// said on the way in the bucket `logs`.
    ///
    /// The endpoints that no program of the network needs are in that zone alone: what they
    /// cost by the hour is for images only, and a build can wait.
    pub fn new<T>(network: &NetworkRef, key: &KeyRef, logs: &BucketRef<T>) -> Self {
        let writer = logs.writer();
        Self {
            network: *network,
            key: *key,
            logs: writer.address().clone(),
            types: vec!["m7g.medium".to_owned()],
            statements: writer.statements().to_vec(),
        }
    }

    /// Makes images on instances of one of these types, for this processor.
    pub fn types<T: Into<String>>(
        mut self,
        architecture: Architecture,
        names: impl IntoIterator<Item = T>,
    ) -> Self {
        self.types = names.into_iter().map(Into::into).collect();
        if self.types.is_empty() {
            let name = match architecture {
                Architecture::Arm64 => "m7g.medium",
                Architecture::X86_64 => "m7i.large",
            };
            self.types.push(name.to_owned());
        }
        self
    }

    /// Lets components fetch assets from their bucket.
    pub fn fetches_from<T>(mut self, programs: &BucketRef<T>) -> Self {
        self.statements
            .extend_from_slice(programs.reader().statements());
        self
    }
}

impl Construct for Builder {
    type Handle = BuilderRef;

    fn build(mut self, scope: &mut Scope<'_>) -> BuilderRef {
        let name = name_of(scope, 100);
        let prefix = scope.physical_stack_name().to_lowercase();
        let ours = |kind: &str| arn_here("imagebuilder", format!("{kind}/{prefix}-*"));
        let remover = scope.add("Remover", removing(ours("image")));
        self.statements.extend([
            Statement::allow(["imagebuilder:GetComponent"]).on(ours("component")),
            Statement::allow(["ssm:UpdateInstanceInformation"]).on(arn_here("ec2", "instance/*")),
            Statement::allow(MESSAGES).on_everything(),
        ]);
        self.network.admit_in_one_zone(scope, &self.statements);
        // What sets the agent up lies in a bucket of AWS's own, readable by everybody.
        self.network
            .pass_from(scope, "ec2imagebuilder-managed-resources-", "-prod/*");
        self.network
            .pass_from(scope, "ec2imagebuilder-toe-", "-prod/*");
        self.network.pass_from(scope, "amazon-ssm-", "/*");
        let role = scope.add(
            "Role",
            Role::new(Service::Ec2, "Makes images of machines").with(self.statements),
        );
        let profile = scope.add("Profile", iam::InstanceProfile::new([role.name()]));
        let infrastructure =
            imagebuilder::InfrastructureConfiguration::new(profile.reference(), name)
                .description("An instance in a private network, which ends with its image")
                .instance_types(self.types)
                .instance_metadata_options(
                    imagebuilder::InfrastructureConfigurationInstanceMetadataOptions::new()
                        .http_tokens("required")
                        .http_put_response_hop_limit(1),
                )
                .logging(
                    imagebuilder::InfrastructureConfigurationLogging::new().s3_logs(
                        imagebuilder::InfrastructureConfigurationS3Logs::new()
                            .s3_bucket_name(self.logs)
                            .s3_key_prefix("image-builds"),
                    ),
                )
                .security_group_ids([self.network.clients()])
                .terminate_instance_on_failure(true);
        let infrastructure = match self.network.subnets().into_iter().next() {
            Some(subnet) => infrastructure.subnet_id(subnet),
            None => infrastructure,
        };
        BuilderRef {
            infrastructure: infrastructure.build(scope).id(),
            key: self.key,
            remover,
        }
    }
}

/// The role by which Image Builder deletes the images `ours`, and what EC2 has of them.
///
/// The actions are those of
/// [`EC2ImageBuilderLifecycleExecutionPolicy`](https://docs.aws.amazon.com/aws-managed-policy/latest/reference/EC2ImageBuilderLifecycleExecutionPolicy.html)
/// that a deletion takes; the tags are those that
/// [Image Builder gives](https://docs.aws.amazon.com/imagebuilder/latest/userguide/tag-resources.html).
fn removing(ours: Value<String>) -> Role {
    let all = |kind: &str| {
        let kind = format!("::{kind}/*");
        join!["arn:", Pseudo::Partition, ":ec2:", Pseudo::Region, kind]
    };
    Role::new(
        Service::ImageBuilder,
        "Deletes images that nothing boots from any more",
    )
    .with([
        Statement::allow(["ec2:DeregisterImage", "ec2:DescribeImageAttribute"])
            .on(all("image"))
            .when(
                "StringLike",
                "aws:ResourceTag/Ec2ImageBuilderArn",
                ours.clone(),
            ),
        Statement::allow(["ec2:DeleteSnapshot"])
            .on(all("snapshot"))
            .when(
                "StringEquals",
                "aws:ResourceTag/CreatedBy",
                "EC2 Image Builder",
            ),
        Statement::allow(["imagebuilder:DeleteImage"]).on(ours),
        Statement::allow(["ec2:DescribeImages", "tag:GetResources"]).on_everything(),
    ])
}

impl Component {
    /// A component that does nothing yet.
    ///
    /// Its name tells it from others of the image, such as `Quiet`.
    pub const fn new(name: &'static str, description: &'static str) -> Self {
        Self {
            name,
            description,
            asset: None,
            build: Vec::new(),
            validate: Vec::new(),
        }
    }

    /// Downloads an asset's zip to the path `to`, from the bucket of programs.
    ///
    /// The builder [may fetch from it](Builder::fetches_from).
    pub fn fetch<T>(mut self, asset: AssetRef, programs: &BucketRef<T>, to: &'static str) -> Self {
        let from = join!["s3://", programs.name(), "/", asset.key()];
        self.build.push(Step::Download { from, to });
        self.asset = Some(asset);
        self
    }

    /// Runs a Bash script, which fails with the first command that fails.
    pub fn bash(mut self, script: impl Into<Value<String>>) -> Self {
        self.build.push(Step::Bash(script.into()));
        self
    }

    /// Checks what was done, by a Bash script that fails where something is not as it should
    /// be; then there is no image.
    pub fn check(mut self, script: impl Into<Value<String>>) -> Self {
        self.validate.push(Step::Bash(script.into()));
        self
    }

    /// Adds the component of the image `image`; returns what is known of its document, and
    /// its ARN.
    fn add(
        &self,
        scope: &mut Scope<'_>,
        image: &str,
    ) -> (String, Value<Arn<imagebuilder::Component>>) {
        let document = self.document();
        let text = known(&document);
        if text.len() > LONGEST_DOCUMENT {
            scope.problem(
                "Data",
                format_args!("has {} characters in `{}`", text.len(), self.name),
                format!("keep a component within {LONGEST_DOCUMENT} characters"),
            );
        }
        let name = named(&format!("{image}-{}", self.name), &text, self.asset);
        let made = imagebuilder::Component::new(name, "Linux", "1.0.0")
            .description(self.description)
            .data(document);
        (
            text,
            scope.add(self.name, made).get(imagebuilder::Component::ARN),
        )
    }

    /// Returns [the document](https://docs.aws.amazon.com/imagebuilder/latest/userguide/toe-use-documents.html)
    /// that Image Builder's agent follows.
    fn document(&self) -> Value<String> {
        let mut parts = vec![Part::from(format!(
            "name: {}\ndescription: {}\nschemaVersion: 1.0\nphases:\n",
            self.name, self.description
        ))];
        for (phase, steps) in [("build", &self.build), ("validate", &self.validate)] {
            if steps.is_empty() {
                continue;
            }
            parts.push(format!("  - name: {phase}\n    steps:\n").into());
            for (index, step) in steps.iter().enumerate() {
                parts.push(format!("      - name: Step{}\n", index + 1).into());
                match step {
                    Step::Download { from, to } => parts.extend([
                        "        action: S3Download\n        inputs:\n          - source: ".into(),
                        Part::from(from.clone()),
                        format!(
                            "\n            destination: {to}\n            expectedBucketOwner: '"
                        )
                        .into(),
                        Part::from(Pseudo::AccountId),
                        "'\n".into(),
                    ]),
                    Step::Bash(script) => {
                        parts.push(
                            "        action: ExecuteBash\n        inputs:\n          commands:\n            - |\n"
                                .into(),
                        );
                        let script = join!["set -Eeuo pipefail\n", script.clone()];
                        parts.extend(indented(script));
                    }
                }
            }
        }
        Value::join(parts)
    }
}

/// Names what Image Builder never changes after what it holds: see the module's documentation.
fn named(name: &str, holds: &str, asset: Option<AssetRef>) -> Value<String> {
    let name = format!("{name}-{:016x}", fingerprint(holds));
    match asset {
        Some(asset) => join![name, "-", asset.hash()],
        None => name.into(),
    }
}

/// Indents a script as the text of a list's item, wherever its lines are known.
fn indented(script: Value<String>) -> Vec<Part> {
    const INDENT: &str = "              ";
    let parts = match script {
        Value::Literal(text) => vec![Part::Text(text)],
        Value::Token(Token::Join(parts), _) => parts,
        Value::Token(token, _) => vec![Part::Token(token)],
    };
    let mut begins = true;
    let mut found = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) => {
                let mut laid_out = String::new();
                for line in text.split_inclusive('\n') {
                    if begins && line != "\n" {
                        laid_out.push_str(INDENT);
                    }
                    laid_out.push_str(line);
                    begins = line.ends_with('\n');
                }
                found.push(Part::Text(laid_out));
            }
            token @ Part::Token(_) => {
                if begins {
                    found.push(INDENT.into());
                }
                begins = false;
                found.push(token);
            }
        }
    }
    if !begins {
        found.push("\n".into());
    }
    found
}

/// Returns what is known of a text before it is deployed.
fn known(text: &Value<String>) -> String {
    match text {
        Value::Literal(text) => text.clone(),
        Value::Token(Token::Join(parts), _) => parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.as_str(),
                Part::Token(_) => "?",
            })
            .collect(),
        Value::Token(..) => "?".to_owned(),
    }
}

impl MachineImage {
    /// An image like `base`, made by the builder; an image of Amazon Linux 2023, by its id or
    /// by the parameter that names the newest.
    pub const fn new(builder: &BuilderRef, base: Image) -> Self {
        Self {
            builder: *builder,
            base,
            components: Vec::new(),
        }
    }

    /// Does this to the image, after what was said before.
    pub fn component(mut self, component: Component) -> Self {
        self.components.push(component);
        self
    }
}

impl Construct for MachineImage {
    type Handle = MachineImageRef;

    fn build(self, scope: &mut Scope<'_>) -> MachineImageRef {
        let name = name_of(scope, usize::MAX);
        if name.len() > LONGEST_NAME {
            scope.problem(
                "Name",
                format_args!("would be named `{name}`, in {} characters", name.len()),
                format!("give stack and image ids that make {LONGEST_NAME} characters at most"),
            );
        }
        let key = self.builder.key;
        let mut assets = self.components.iter().filter_map(|one| one.asset);
        let asset = assets.next();
        if assets.any(|other| Some(other) != asset) {
            scope.problem(
                "Components",
                "fetches more than one asset, and has one in its name",
                "pack what the image takes into one asset",
            );
        }
        let parent: Value<String> = match self.base {
            Image::Id(id) | Image::Encrypted(id, _) => id,
            Image::Parameter(parameter) => format!("ssm:{parameter}").into(),
        };
        let mut holds = known(&parent);
        let components: Vec<_> = self
            .components
            .iter()
            .map(|component| {
                let (text, made) = component.add(scope, &name);
                holds.push_str(&text);
                imagebuilder::ImageRecipeComponentConfiguration::new().component_arn(made)
            })
            .collect();
        let disk = imagebuilder::ImageRecipeInstanceBlockDeviceMapping::new()
            .device_name("/dev/xvda")
            .ebs(
                imagebuilder::ImageRecipeEbsInstanceBlockDeviceSpecification::new()
                    .delete_on_termination(true)
                    .encrypted(true)
                    .kms_key_id(key.arn())
                    .volume_type("gp3"),
            );
        let recipe = named(&name, &holds, asset);
        let recipe = imagebuilder::ImageRecipe::new(recipe, parent, "1.0.0")
            .additional_instance_configuration(
                imagebuilder::ImageRecipeAdditionalInstanceConfiguration::new()
                    .systems_manager_agent(
                        imagebuilder::ImageRecipeSystemsManagerAgent::new()
                            .uninstall_after_build(true),
                    ),
            )
            .block_device_mappings([disk])
            .components(components);
        let recipe = scope.add("Recipe", recipe);
        let images = imagebuilder::DistributionConfigurationAmiDistributionConfiguration::new()
            .name(format!("{name} {{{{ imagebuilder:buildDate }}}}"))
            .kms_key_id(key.arn());
        let distribution =
            imagebuilder::DistributionConfigurationDistribution::new(Pseudo::Region.value())
                .ami_distribution_configuration(images);
        let distribution = scope.add(
            "Distribution",
            imagebuilder::DistributionConfiguration::new([distribution], name.as_str()),
        );
        // Components check themselves on the instance that is made into the image.
        let image = imagebuilder::Image::new()
            .image_recipe_arn(recipe.get(imagebuilder::ImageRecipe::ARN))
            .infrastructure_configuration_arn(
                self.builder.infrastructure.attribute::<String>("Arn"),
            )
            .distribution_configuration_arn(
                distribution.get(imagebuilder::DistributionConfiguration::ARN),
            )
            .enhanced_image_metadata_enabled(false)
            .image_tests_configuration(
                imagebuilder::ImageTestsConfiguration::new().image_tests_enabled(false),
            )
            .deletion_settings(imagebuilder::ImageDeletionSettings::new(
                self.builder.remover.arn().text(),
            ));
        MachineImageRef {
            id: image.build(scope).id(),
            key,
        }
    }
}

impl MachineImageRef {
    /// Returns what hosts boot from: the image that was made when the stack was deployed.
    pub const fn image(self) -> Image {
        Image::Encrypted(self.id.attribute("ImageId"), self.key)
    }
}

#[cfg(test)]
mod tests {
    use lightsout_core::{Asset, AssetFile, FileMode};

    use super::*;
    use crate::{
        fixture::{key, network, problems, synth},
        s3::Bucket,
    };

    fn asset(text: &str) -> Asset {
        let file = AssetFile::text("lamp", text, FileMode::Regular);
        Asset::files(format!("Lamp{}", text.len()), [file])
    }

    fn builder(scope: &mut Scope<'_>) -> (BuilderRef, BucketRef<()>) {
        let key = key(scope);
        let network = network(scope);
        let bucket = scope.add("Bucket", Bucket::<()>::new(&key));
        let builder = Builder::new(&network, &key, &bucket).fetches_from(&bucket);
        (scope.add("Builder", builder), bucket)
    }

    fn base() -> Image {
        Image::Parameter("/aws/service/base".to_owned())
    }

    /// The template with an image whose one component runs this script.
    fn with_script(script: &str) -> serde_json::Value {
        let script = script.to_owned();
        let assembly = synth(move |scope| {
            let (builder, bucket) = builder(scope);
            let lamp = scope.asset(asset("off"));
            let component = Component::new("Lamp", "Puts a lamp in")
                .fetch(lamp, &bucket, "/var/tmp/lamp.zip")
                .bash(script)
                .check("test -e /lamp\n");
            scope.add(
                "Image",
                MachineImage::new(&builder, base()).component(component),
            );
        });
        assembly.template("Test").json()["Resources"].clone()
    }

    #[test]
    fn a_component_is_named_after_what_it_holds_and_what_it_fetches() {
        let (one, other) = (with_script("touch /lamp\n"), with_script("touch /light\n"));
        for id in ["ImageLamp", "ImageRecipe"] {
            let name = |resources: &serde_json::Value| {
                resources[id]["Properties"]["Name"]["Fn::Join"][1].clone()
            };
            assert_ne!(name(&one), name(&other), "{id}");
            assert_eq!(name(&one)[1]["Ref"], "Lamp3Asset", "{id}");
        }
        assert_eq!(one, with_script("touch /lamp\n"));
    }

    #[test]
    fn a_document_keeps_a_script_as_it_is_written() {
        let resources = with_script("cat > /lamp << 'LAMP'\n  on\n\noff\nLAMP\n");
        let parts = &resources["ImageLamp"]["Properties"]["Data"]["Fn::Join"][1];
        let text: String = parts
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part.as_str().unwrap_or("?"))
            .collect();
        let indent = " ".repeat(14);
        let script = format!(
            "            - |\n{indent}set -Eeuo pipefail\n{indent}cat > /lamp << 'LAMP'\n\
             {indent}  on\n\n{indent}off\n{indent}LAMP\n"
        );
        assert!(text.contains(&script), "{text}");
        assert!(text.contains("source: s3://?/assets/?.zip\n"), "{text}");
    }

    #[test]
    fn an_image_is_made_in_one_zone_without_a_key_pair_and_encrypted() {
        let resources = with_script("true\n");
        let builder = &resources["Builder"]["Properties"];
        assert!(builder["KeyPair"].is_null());
        assert_eq!(builder["TerminateInstanceOnFailure"], true);
        assert_eq!(builder["InstanceMetadataOptions"]["HttpTokens"], "required");
        for endpoint in ["ImageBuilder", "Ssm", "SsmMessages", "Ec2Messages"] {
            let endpoint = &resources[format!("Network{endpoint}Endpoint")]["Properties"];
            assert_eq!(endpoint["SubnetIds"].as_array().unwrap().len(), 1);
        }
        let disk = &resources["ImageRecipe"]["Properties"]["BlockDeviceMappings"][0]["Ebs"];
        assert_eq!(disk["Encrypted"], true);
        let distribution = &resources["ImageDistribution"]["Properties"]["Distributions"][0];
        let image = &distribution["AmiDistributionConfiguration"];
        assert_eq!(image["KmsKeyId"], disk["KmsKeyId"]);
    }

    #[test]
    fn what_image_builder_would_refuse_is_a_problem() {
        let found = problems(|scope| {
            let (builder, bucket) = builder(scope);
            let (one, other) = (scope.asset(asset("off")), scope.asset(asset("on")));
            let long = "#".repeat(LONGEST_DOCUMENT);
            let image = MachineImage::new(&builder, base())
                .component(Component::new("One", "Takes one").fetch(one, &bucket, "/one"))
                .component(
                    Component::new("Other", "Takes another")
                        .fetch(other, &bucket, "/other")
                        .bash(long),
                );
            scope.add("AnImageWithANameThatIsMuchTooLong", image);
        });
        let wrong: Vec<String> = found.iter().map(ToString::to_string).collect();
        let wrong = wrong.join("\n");
        for part in ["more than one asset", "in `Other`", "characters at most"] {
            assert!(wrong.contains(part), "{part}: {wrong}");
        }
        let of_image = |line: &&str| line.contains("AnImage");
        assert_eq!(wrong.lines().filter(of_image).count(), 3, "{wrong}");
    }
}
