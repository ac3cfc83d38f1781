//! What a launch asks for: the request's own fields over its template's.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::{Document, Node};

use crate::ec2::error::Ec2Error;
use crate::ec2::form::Form;
use crate::instance::{HttpTokens, Launch, Market, MetadataOptions, ShutdownBehavior, Switch};

/// The largest user data that EC2 takes, in bytes before base64.
const USER_DATA_LIMIT: usize = 16 * 1024;

/// The fields that a request or a launch template may set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LaunchFields {
    image: Option<String>,
    instance_type: Option<String>,
    user_data: Option<String>,
    shutdown: Option<String>,
    profile_arn: Option<String>,
    profile_name: Option<String>,
    subnet: Option<String>,
    zone: Option<String>,
    security_groups: Vec<String>,
    http_tokens: Option<String>,
    http_endpoint: Option<String>,
    hop_limit: Option<String>,
    metadata_tags: Option<String>,
    market: Option<String>,
    key_name: Option<String>,
    tags: BTreeMap<String, String>,
}

/// Where the region puts instances that say nothing of it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) zone: String,
    pub(crate) vpc: Option<String>,
}

impl LaunchFields {
    pub(crate) fn from_form(form: &Form) -> Self {
        let text = |name: &str| form.get(name).map(str::to_owned);
        let interface = form
            .structures("NetworkInterface")
            .into_iter()
            .next()
            .unwrap_or_default();
        let mut security_groups = form.list("SecurityGroupId");
        security_groups.extend(interface.list("SecurityGroupId"));
        Self {
            image: text("ImageId"),
            instance_type: text("InstanceType"),
            user_data: text("UserData"),
            shutdown: text("InstanceInitiatedShutdownBehavior"),
            profile_arn: text("IamInstanceProfile.Arn"),
            profile_name: text("IamInstanceProfile.Name"),
            subnet: text("SubnetId").or_else(|| interface.get("SubnetId").map(str::to_owned)),
            zone: text("Placement.AvailabilityZone"),
            security_groups: security_groups.into_iter().map(str::to_owned).collect(),
            http_tokens: text("MetadataOptions.HttpTokens"),
            http_endpoint: text("MetadataOptions.HttpEndpoint"),
            hop_limit: text("MetadataOptions.HttpPutResponseHopLimit"),
            metadata_tags: text("MetadataOptions.InstanceMetadataTags"),
            market: text("InstanceMarketOptions.MarketType"),
            key_name: text("KeyName"),
            tags: form
                .structures("TagSpecification")
                .iter()
                .filter(|tags| tags.get("ResourceType") == Some("instance"))
                .flat_map(|tags| tags.tags("Tag"))
                .collect(),
        }
    }

    /// Reads an answer of `DescribeLaunchTemplateVersions`.
    ///
    /// The instance also gets the tags that EC2 adds by itself: which template
    /// and which version it comes from.
    pub(crate) fn from_template(answer: &str) -> Result<Self, Ec2Error> {
        let unreadable = |problem: String| {
            Ec2Error::server(500, "InternalError", format!("launch template: {problem}"))
        };
        let document = Document::parse(answer).map_err(|source| unreadable(source.to_string()))?;
        let version = document
            .descendants()
            .find(|node| node.has_tag_name_any("launchTemplateVersionSet"))
            .and_then(|set| child(set, "item"))
            .ok_or_else(|| {
                Ec2Error::client(
                    "InvalidLaunchTemplateId.VersionNotFound",
                    "Could not find the specified version for the launch template",
                )
            })?;
        let data = child(version, "launchTemplateData")
            .ok_or_else(|| unreadable("no launchTemplateData".to_owned()))?;
        let text = |path: &[&str]| text_at(data, path);
        let interface = child(data, "networkInterfaceSet").and_then(|set| child(set, "item"));
        let mut tags: BTreeMap<String, String> = items(data, "tagSpecificationSet")
            .filter(|tags| text_at(*tags, &["resourceType"]).as_deref() == Some("instance"))
            .flat_map(|tags| items(tags, "tagSet"))
            .filter_map(|tag| {
                let value = text_at(tag, &["value"]).unwrap_or_default();
                Some((text_at(tag, &["key"])?, value))
            })
            .collect();
        for (tag, field) in [
            ("aws:ec2launchtemplate:id", "launchTemplateId"),
            ("aws:ec2launchtemplate:version", "versionNumber"),
        ] {
            if let Some(value) = text_at(version, &[field]) {
                tags.insert(tag.to_owned(), value);
            }
        }
        let mut security_groups: Vec<String> = items(data, "securityGroupIdSet")
            .filter_map(|item| item.text().map(str::to_owned))
            .collect();
        if let Some(interface) = interface {
            let of_interface =
                items(interface, "groupSet").filter_map(|item| item.text().map(str::to_owned));
            security_groups.extend(of_interface);
        }
        Ok(Self {
            image: text(&["imageId"]),
            instance_type: text(&["instanceType"]),
            user_data: text(&["userData"]),
            shutdown: text(&["instanceInitiatedShutdownBehavior"]),
            profile_arn: text(&["iamInstanceProfile", "arn"]),
            profile_name: text(&["iamInstanceProfile", "name"]),
            subnet: interface.and_then(|interface| text_at(interface, &["subnetId"])),
            zone: text(&["placement", "availabilityZone"]),
            security_groups,
            http_tokens: text(&["metadataOptions", "httpTokens"]),
            http_endpoint: text(&["metadataOptions", "httpEndpoint"]),
            hop_limit: text(&["metadataOptions", "httpPutResponseHopLimit"]),
            metadata_tags: text(&["metadataOptions", "instanceMetadataTags"]),
            market: text(&["instanceMarketOptions", "marketType"]),
            key_name: text(&["keyName"]),
            tags,
        })
    }

    /// These fields, and the template's where these say nothing. Tags are merged.
    pub(crate) fn over(self, template: Self) -> Self {
        let mut tags = template.tags;
        tags.extend(self.tags);
        let profile = self.profile_arn.is_some() || self.profile_name.is_some();
        let (profile_arn, profile_name) = if profile {
            (self.profile_arn, self.profile_name)
        } else {
            (template.profile_arn, template.profile_name)
        };
        Self {
            image: self.image.or(template.image),
            instance_type: self.instance_type.or(template.instance_type),
            user_data: self.user_data.or(template.user_data),
            shutdown: self.shutdown.or(template.shutdown),
            profile_arn,
            profile_name,
            subnet: self.subnet.or(template.subnet),
            zone: self.zone.or(template.zone),
            security_groups: if self.security_groups.is_empty() {
                template.security_groups
            } else {
                self.security_groups
            },
            http_tokens: self.http_tokens.or(template.http_tokens),
            http_endpoint: self.http_endpoint.or(template.http_endpoint),
            hop_limit: self.hop_limit.or(template.hop_limit),
            metadata_tags: self.metadata_tags.or(template.metadata_tags),
            market: self.market.or(template.market),
            key_name: self.key_name.or(template.key_name),
            tags,
        }
    }

    pub(crate) fn subnet(&self) -> Option<&str> {
        self.subnet.as_deref()
    }

    /// Checks the fields and fills in EC2's defaults.
    pub(crate) fn into_launch(
        self,
        place: Place,
        account: &str,
        client_token: Option<&str>,
    ) -> Result<Launch, Ec2Error> {
        if let Some(user_data) = &self.user_data {
            check_user_data(user_data)?;
        }
        let defaults = MetadataOptions::default();
        let metadata = MetadataOptions {
            tokens: match self.http_tokens.as_deref() {
                None | Some("optional") => HttpTokens::Optional,
                Some("required") => HttpTokens::Required,
                Some(other) => {
                    let expected = "optional, required";
                    return Err(Ec2Error::invalid_value("HttpTokens", other, expected));
                }
            },
            endpoint: switch(
                "HttpEndpoint",
                self.http_endpoint.as_deref(),
                defaults.endpoint,
            )?,
            tags: switch(
                "InstanceMetadataTags",
                self.metadata_tags.as_deref(),
                defaults.tags,
            )?,
            hop_limit: match self.hop_limit.as_deref() {
                None => defaults.hop_limit,
                Some(limit) => limit
                    .parse()
                    .ok()
                    .filter(|limit| (1..=64).contains(limit))
                    .ok_or_else(|| {
                        Ec2Error::invalid_value("HttpPutResponseHopLimit", limit, "1 to 64")
                    })?,
            },
        };
        let profile_arn = self.profile_arn.or_else(|| {
            let name = self.profile_name?;
            Some(format!("arn:aws:iam::{account}:instance-profile/{name}"))
        });
        Ok(Launch {
            image: self.image.ok_or_else(|| Ec2Error::missing("ImageId"))?,
            instance_type: self.instance_type.unwrap_or_else(|| "m1.small".to_owned()),
            user_data: self.user_data,
            shutdown: match self.shutdown.as_deref() {
                None | Some("stop") => ShutdownBehavior::Stop,
                Some("terminate") => ShutdownBehavior::Terminate,
                Some(other) => {
                    let name = "InstanceInitiatedShutdownBehavior";
                    return Err(Ec2Error::invalid_value(name, other, "stop, terminate"));
                }
            },
            profile_arn,
            subnet: self.subnet,
            vpc: place.vpc,
            zone: self.zone.unwrap_or(place.zone),
            security_groups: self.security_groups,
            metadata,
            market: match self.market.as_deref() {
                None => Market::OnDemand,
                Some("spot") => Market::Spot,
                Some(other) => return Err(Ec2Error::invalid_value("MarketType", other, "spot")),
            },
            key_name: self.key_name,
            tags: self.tags,
            client_token: client_token.map(str::to_owned),
        })
    }
}

/// Finds an element by its local name, whatever its name space.
trait LocalName {
    fn has_tag_name_any(&self, name: &str) -> bool;
}

impl LocalName for Node<'_, '_> {
    fn has_tag_name_any(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.has_tag_name_any(name))
}

fn items<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    list: &str,
) -> impl Iterator<Item = Node<'a, 'input>> + use<'a, 'input> {
    child(node, list)
        .into_iter()
        .flat_map(|list| list.children().filter(|item| item.has_tag_name_any("item")))
}

fn text_at(node: Node<'_, '_>, path: &[&str]) -> Option<String> {
    let found = path.iter().try_fold(node, |node, name| child(node, name))?;
    found
        .text()
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

fn switch(name: &str, value: Option<&str>, default: Switch) -> Result<Switch, Ec2Error> {
    match value {
        None => Ok(default),
        Some("enabled") => Ok(Switch::Enabled),
        Some("disabled") => Ok(Switch::Disabled),
        Some(other) => Err(Ec2Error::invalid_value(name, other, "enabled, disabled")),
    }
}

fn check_user_data(user_data: &str) -> Result<(), Ec2Error> {
    let decoded = STANDARD.decode(user_data).map_err(|_| {
        Ec2Error::client(
            "InvalidUserData.Malformed",
            "Invalid BASE64 encoding of user data.",
        )
    })?;
    if decoded.len() > USER_DATA_LIMIT {
        return Err(Ec2Error::client(
            "InvalidParameterValue",
            format!(
                "User data is limited to {USER_DATA_LIMIT} bytes, but has {}",
                decoded.len()
            ),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = r#"<DescribeLaunchTemplateVersionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
      <launchTemplateVersionSet><item>
        <launchTemplateId>lt-1</launchTemplateId><versionNumber>3</versionNumber>
        <launchTemplateData>
          <imageId>ami-1</imageId><instanceType>c7g.large</instanceType><userData>IyEvYmluL3NoCg==</userData>
          <iamInstanceProfile><name>host</name></iamInstanceProfile>
          <tagSpecificationSet>
            <item><resourceType>instance</resourceType><tagSet><item><key>role</key><value>worker</value></item><item><key>keep</key><value>1</value></item></tagSet></item>
            <item><resourceType>volume</resourceType><tagSet><item><key>volume</key><value>1</value></item></tagSet></item>
          </tagSpecificationSet>
          <metadataOptions><httpTokens>required</httpTokens><httpPutResponseHopLimit>2</httpPutResponseHopLimit><instanceMetadataTags>enabled</instanceMetadataTags></metadataOptions>
          <instanceInitiatedShutdownBehavior>terminate</instanceInitiatedShutdownBehavior>
        </launchTemplateData>
      </item></launchTemplateVersionSet></DescribeLaunchTemplateVersionsResponse>"#;

    fn place() -> Place {
        Place {
            zone: "us-east-1a".to_owned(),
            vpc: None,
        }
    }

    #[test]
    fn the_request_goes_over_the_template_and_tags_are_merged() {
        let request = LaunchFields::from_form(&Form::from([
            ("InstanceType", "t3.micro"),
            ("TagSpecification.1.ResourceType", "instance"),
            ("TagSpecification.1.Tag.1.Key", "role"),
            ("TagSpecification.1.Tag.1.Value", "master"),
            ("InstanceMarketOptions.MarketType", "spot"),
        ]));
        let template = LaunchFields::from_template(TEMPLATE).expect("readable");
        let launch = request
            .over(template)
            .into_launch(place(), "111122223333", None)
            .expect("valid");
        assert_eq!(launch.image, "ami-1");
        assert_eq!(launch.instance_type, "t3.micro");
        assert_eq!(launch.shutdown, ShutdownBehavior::Terminate);
        assert_eq!(launch.market, Market::Spot);
        assert_eq!(launch.metadata.tokens, HttpTokens::Required);
        assert_eq!(launch.metadata.tags, Switch::Enabled);
        assert_eq!(launch.metadata.hop_limit, 2);
        assert_eq!(
            launch.profile_arn.as_deref(),
            Some("arn:aws:iam::111122223333:instance-profile/host")
        );
        let tags: Vec<_> = launch
            .tags
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(
            tags,
            [
                "aws:ec2launchtemplate:id=lt-1",
                "aws:ec2launchtemplate:version=3",
                "keep=1",
                "role=master"
            ]
        );
    }

    #[test]
    fn without_a_word_a_host_that_powers_off_is_only_stopped() {
        let launch = LaunchFields::from_form(&Form::from([("ImageId", "ami-1")]))
            .into_launch(place(), "111122223333", None)
            .expect("valid");
        assert_eq!(launch.shutdown, ShutdownBehavior::Stop);
    }

    #[test]
    fn a_template_version_that_is_not_there_is_named_as_such() {
        let empty = "<R><launchTemplateVersionSet/></R>";
        let error = LaunchFields::from_template(empty).expect_err("no version");
        assert_eq!(error.code, "InvalidLaunchTemplateId.VersionNotFound");
    }

    #[test]
    fn user_data_must_be_base64_and_small() {
        let launch = |user_data: &str| {
            LaunchFields::from_form(&Form::from([("ImageId", "ami-1"), ("UserData", user_data)]))
                .into_launch(place(), "111122223333", None)
        };
        assert_eq!(
            launch("#!/bin/sh").expect_err("plain text").code,
            "InvalidUserData.Malformed"
        );
        let large = STANDARD.encode(vec![b'#'; USER_DATA_LIMIT + 1]);
        assert_eq!(
            launch(&large).expect_err("too large").code,
            "InvalidParameterValue"
        );
        assert!(launch(&STANDARD.encode("#!/bin/sh\n")).is_ok());
    }
}
