//! Reading instances: `Describe…` and the shapes that all answers share.

use std::collections::BTreeMap;

use crate::ec2::error::Ec2Error;
use crate::ec2::form::Form;
use crate::ec2::xml::Xml;
use crate::fleet::Fleet;
use crate::instance::{HttpTokens, Instance, InstanceState, Market, Switch};

/// `DescribeInstances`, all in one page.
pub(crate) fn instances(fleet: &Fleet, form: &Form, account: &str) -> Result<String, Ec2Error> {
    let chosen = choose(fleet, form)?;
    let mut reservations: BTreeMap<&str, Vec<&Instance>> = BTreeMap::new();
    for instance in chosen {
        reservations
            .entry(&instance.reservation)
            .or_default()
            .push(instance);
    }
    Ok(Xml::answer("DescribeInstances", |xml| {
        xml.list("reservationSet", reservations.values(), |xml, instances| {
            reservation(xml, instances, account);
        });
    }))
}

/// `DescribeInstanceStatus`: only running instances, unless all are asked for.
pub(crate) fn status(fleet: &Fleet, form: &Form) -> Result<String, Ec2Error> {
    let all = form.get("IncludeAllInstances") == Some("true");
    let chosen = choose(fleet, form)?
        .into_iter()
        .filter(|instance| all || instance.state == InstanceState::Running);
    Ok(Xml::answer("DescribeInstanceStatus", |xml| {
        xml.list("instanceStatusSet", chosen, |xml, instance| {
            xml.text("instanceId", &instance.id);
            xml.text("availabilityZone", &instance.launch.zone);
            xml.nest("instanceState", |xml| state(xml, instance.state));
            let health = match instance.state {
                InstanceState::Running => "ok",
                InstanceState::Pending => "initializing",
                _ => "not-applicable",
            };
            for check in ["systemStatus", "instanceStatus"] {
                xml.nest(check, |xml| xml.text("status", &health));
            }
        });
    }))
}

/// `DescribeInstanceAttribute` for what the region keeps.
pub(crate) fn attribute(fleet: &Fleet, form: &Form) -> Result<String, Ec2Error> {
    let ids = fleet.find(&[form.require("InstanceId")?])?;
    let instance = ids
        .first()
        .and_then(|id| fleet.get(id))
        .ok_or_else(|| Ec2Error::missing("InstanceId"))?;
    let name = form.require("Attribute")?;
    let value = match name {
        "userData" => instance.launch.user_data.as_deref(),
        "instanceInitiatedShutdownBehavior" => Some(instance.launch.shutdown.name()),
        "instanceType" => Some(instance.launch.instance_type.as_str()),
        other => {
            let known = "userData, instanceInitiatedShutdownBehavior, instanceType";
            return Err(Ec2Error::invalid_value("Attribute", other, known));
        }
    };
    Ok(Xml::answer("DescribeInstanceAttribute", |xml| {
        xml.text("instanceId", &instance.id);
        xml.nest(name, |xml| xml.text_if("value", value));
    }))
}

/// The content of a reservation: its instances and who they belong to.
pub(crate) fn reservation(xml: &mut Xml, instances: &[&Instance], account: &str) {
    let id = instances
        .first()
        .map_or("", |instance| instance.reservation.as_str());
    xml.text("reservationId", &id);
    xml.text("ownerId", &account);
    xml.nest("groupSet", |_| {});
    xml.list("instancesSet", instances, |xml, instance| {
        describe(xml, instance);
    });
}

/// `instanceState`, as code and name.
pub(crate) fn state(xml: &mut Xml, state: InstanceState) {
    xml.text("code", &state.code());
    xml.text("name", &state.name());
}

fn describe(xml: &mut Xml, instance: &Instance) {
    let launch = &instance.launch;
    xml.text("instanceId", &instance.id);
    xml.text("imageId", &launch.image);
    xml.nest("instanceState", |xml| state(xml, instance.state));
    // A terminated instance has no address any more.
    let addressed = instance.state != InstanceState::Terminated;
    let host_name = format!("{}.ec2.internal", instance.host_name());
    xml.text(
        "privateDnsName",
        &if addressed { host_name.as_str() } else { "" },
    );
    xml.text("dnsName", &"");
    if let Some(transition) = instance.transition {
        let (code, message) = transition.state_reason();
        xml.text("reason", &message);
        xml.nest("stateReason", |xml| {
            xml.text("code", &code);
            xml.text("message", &message);
        });
    }
    xml.text_if("keyName", launch.key_name.as_deref());
    xml.text("amiLaunchIndex", &instance.launch_index);
    xml.nest("productCodes", |_| {});
    xml.text("instanceType", &launch.instance_type);
    let launched = humantime::format_rfc3339_millis(instance.launched);
    xml.text("launchTime", &launched);
    xml.nest("placement", |xml| {
        xml.text("availabilityZone", &launch.zone);
        xml.text("tenancy", &"default");
    });
    xml.nest("monitoring", |xml| xml.text("state", &"disabled"));
    if addressed {
        xml.text_if("subnetId", launch.subnet.as_deref());
        xml.text_if("vpcId", launch.vpc.as_deref());
        xml.text("privateIpAddress", &instance.address);
    }
    xml.list("groupSet", &launch.security_groups, |xml, group| {
        xml.text("groupId", group);
    });
    xml.text("architecture", &std::env::consts::ARCH);
    xml.text("rootDeviceType", &"ebs");
    xml.text("rootDeviceName", &"/dev/xvda");
    xml.nest("blockDeviceMapping", |_| {});
    if launch.market == Market::Spot {
        xml.text("instanceLifecycle", &"spot");
    }
    xml.text_if("clientToken", launch.client_token.as_deref());
    xml.list("tagSet", &instance.tags, |xml, (key, value)| {
        xml.text("key", key);
        xml.text("value", value);
    });
    if let Some(arn) = &launch.profile_arn {
        xml.nest("iamInstanceProfile", |xml| xml.text("arn", arn));
    }
    xml.nest("metadataOptions", |xml| {
        let switch = |on: Switch| match on {
            Switch::Enabled => "enabled",
            Switch::Disabled => "disabled",
        };
        xml.text("state", &"applied");
        let tokens = match launch.metadata.tokens {
            HttpTokens::Optional => "optional",
            HttpTokens::Required => "required",
        };
        xml.text("httpTokens", &tokens);
        xml.text("httpPutResponseHopLimit", &launch.metadata.hop_limit);
        xml.text("httpEndpoint", &switch(launch.metadata.endpoint));
        xml.text("instanceMetadataTags", &switch(launch.metadata.tags));
    });
}

/// The instances that ids and filters leave.
fn choose<'a>(fleet: &'a Fleet, form: &Form) -> Result<Vec<&'a Instance>, Ec2Error> {
    let ids = fleet.find(&form.list("InstanceId"))?;
    let filters = form
        .structures("Filter")
        .iter()
        .map(Filter::from_form)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(fleet
        .all()
        .filter(|instance| ids.is_empty() || ids.contains(&instance.id))
        .filter(|instance| filters.iter().all(|filter| filter.admits(instance)))
        .collect())
}

/// One filter: a field, and the values of which one must match.
#[derive(Debug)]
struct Filter {
    field: Field,
    values: Vec<String>,
}

#[derive(Debug)]
enum Field {
    Tag(String),
    TagKey,
    State,
    Id,
    Type,
    Image,
    Subnet,
    Vpc,
    Zone,
    Address,
    ClientToken,
    Lifecycle,
    Reservation,
    ProfileArn,
}

impl Filter {
    fn from_form(form: &Form) -> Result<Self, Ec2Error> {
        let name = form.require("Name")?;
        let field = match name {
            "tag-key" => Field::TagKey,
            "instance-state-name" => Field::State,
            "instance-id" => Field::Id,
            "instance-type" => Field::Type,
            "image-id" => Field::Image,
            "subnet-id" => Field::Subnet,
            "vpc-id" => Field::Vpc,
            "availability-zone" => Field::Zone,
            "private-ip-address" => Field::Address,
            "client-token" => Field::ClientToken,
            "instance-lifecycle" => Field::Lifecycle,
            "reservation-id" => Field::Reservation,
            "iam-instance-profile.arn" => Field::ProfileArn,
            other => match other.strip_prefix("tag:") {
                Some(key) => Field::Tag(key.to_owned()),
                None => {
                    return Err(Ec2Error::client(
                        "InvalidParameterValue",
                        format!("The filter '{other}' is invalid"),
                    ));
                }
            },
        };
        Ok(Self {
            field,
            values: form.list("Value").into_iter().map(str::to_owned).collect(),
        })
    }

    fn admits(&self, instance: &Instance) -> bool {
        let launch = &instance.launch;
        let address = instance.address.to_string();
        let facts: Vec<&str> = match &self.field {
            Field::Tag(key) => instance
                .tags
                .get(key)
                .map(String::as_str)
                .into_iter()
                .collect(),
            Field::TagKey => instance.tags.keys().map(String::as_str).collect(),
            Field::State => vec![instance.state.name()],
            Field::Id => vec![instance.id.as_str()],
            Field::Type => vec![&launch.instance_type],
            Field::Image => vec![&launch.image],
            Field::Subnet => launch.subnet.as_deref().into_iter().collect(),
            Field::Vpc => launch.vpc.as_deref().into_iter().collect(),
            Field::Zone => vec![&launch.zone],
            Field::Address => vec![&address],
            Field::ClientToken => launch.client_token.as_deref().into_iter().collect(),
            Field::Lifecycle => match launch.market {
                Market::Spot => vec!["spot"],
                Market::OnDemand => Vec::new(),
            },
            Field::Reservation => vec![&instance.reservation],
            Field::ProfileArn => launch.profile_arn.as_deref().into_iter().collect(),
        };
        facts
            .iter()
            .any(|fact| self.values.iter().any(|value| matches(value, fact)))
    }
}

/// Whether `text` matches `pattern`, in which `*` and `?` are wildcards.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pattern_left = pattern.chars();
    match pattern_left.next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = pattern_left.as_str();
            text.char_indices()
                .map(|(start, _)| start)
                .chain([text.len()])
                .any(|start| matches(rest, &text[start..]))
        }
        Some(wanted) => {
            let mut text_left = text.chars();
            text_left
                .next()
                .is_some_and(|found| wanted == '?' || wanted == found)
                && matches(pattern_left.as_str(), text_left.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_in_ec2() {
        for (pattern, text, expected) in [
            ("run-*", "run-1", true),
            ("run-?", "run-12", false),
            ("*", "", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abcd", false),
            ("plain", "plain", true),
            ("plain", "plainer", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
