//! The EC2 calls that the region answers itself.

pub(crate) mod describe;
pub(crate) mod error;
pub(crate) mod form;
pub(crate) mod launch;
pub(crate) mod xml;

use std::sync::Arc;
use std::time::SystemTime;

use roxmltree::Document;

use self::error::Ec2Error;
use self::form::Form;
use self::launch::{LaunchFields, Place};
use self::xml::Xml;
use crate::fleet::Launched;
use crate::instance::{InstanceId, InstanceState, Transition};
use crate::world::{Goal, World};

/// The version of the EC2 API that all clients speak.
const API_VERSION: &str = "2016-11-15";

/// The most instances that one launch may ask for.
const LARGEST_LAUNCH: usize = 100;

/// What becomes of an EC2 call.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The region answers.
    Own(Result<String, Ec2Error>),
    /// The call is not about instances: passed on as it came.
    Forward,
    /// What is left of the call is passed on.
    ForwardInstead(Form),
}

/// Answers one EC2 call, or says that it is to be passed on.
///
/// `authorization` is the caller's own, for what has to be looked up on the way.
pub(crate) async fn answer(world: &Arc<World>, form: &Form, authorization: &str) -> Answer {
    let action = form.get("Action").unwrap_or_default();
    let own = match action {
        "RunInstances" => run_instances(world, form, authorization).await,
        "DescribeInstances" => describe::instances(&world.fleet(), form, world.account()),
        "DescribeInstanceStatus" => describe::status(&world.fleet(), form),
        "DescribeInstanceAttribute" => describe::attribute(&world.fleet(), form),
        "TerminateInstances" => end_instances(world, form, Goal::Terminate),
        "StopInstances" => end_instances(world, form, Goal::Stop),
        "CreateTags" | "DeleteTags" => return change_tags(world, form, action),
        "StartInstances"
        | "RebootInstances"
        | "ModifyInstanceAttribute"
        | "ModifyInstanceMetadataOptions"
        | "GetConsoleOutput" => Err(Ec2Error::client(
            "UnsupportedOperation",
            format!("{action} is not provided by this region"),
        )),
        _ => return Answer::Forward,
    };
    Answer::Own(own)
}

async fn run_instances(
    world: &Arc<World>,
    form: &Form,
    authorization: &str,
) -> Result<String, Ec2Error> {
    let least = count(form, "MinCount")?;
    let most = count(form, "MaxCount")?;
    if least > most {
        return Err(Ec2Error::invalid_value(
            "MinCount",
            &least.to_string(),
            "no more than MaxCount",
        ));
    }
    let token = form.get("ClientToken");
    let replay = match token {
        Some(token) => world.fleet().replay(token, form)?,
        None => None,
    };
    let launched = if let Some(earlier) = replay {
        earlier
    } else {
        if world.faults().takes_launch() {
            return Err(Ec2Error::server(
                500,
                "InsufficientInstanceCapacity",
                "There is no Spot or On-Demand capacity that matches your request.",
            ));
        }
        let fields = LaunchFields::from_form(form);
        let fields = match template_query(form)? {
            Some(query) => {
                let answer = world.upstream().ec2(&query, authorization).await?;
                fields.over(LaunchFields::from_template(&answer)?)
            }
            None => fields,
        };
        let place = place(world, &fields, authorization).await?;
        let launch = fields.into_launch(place, world.account(), token)?;
        if form.get("DryRun") == Some("true") {
            return Err(Ec2Error::server(
                412,
                "DryRunOperation",
                "Request would have succeeded, but DryRun flag is set.",
            ));
        }
        world.launch(form, &launch, most, SystemTime::now())?
    };
    let (Launched::New(ids) | Launched::Again(ids)) = launched;
    let fleet = world.fleet();
    let instances: Vec<_> = ids.iter().filter_map(|id| fleet.get(id)).collect();
    Ok(Xml::answer("RunInstances", |xml| {
        describe::reservation(xml, &instances, world.account());
    }))
}

fn count(form: &Form, name: &str) -> Result<usize, Ec2Error> {
    let value = form.require(name)?;
    value
        .parse()
        .ok()
        .filter(|count| (1..=LARGEST_LAUNCH).contains(count))
        .ok_or_else(|| Ec2Error::invalid_value(name, value, "1 to 100"))
}

/// The call that reads the launch template of a launch, if it names one.
fn template_query(form: &Form) -> Result<Option<Form>, Ec2Error> {
    let template = form.under("LaunchTemplate.");
    let version = template.get("Version").unwrap_or("$Default");
    let by = |field: &str, value: &str| {
        Form::from([
            ("Action", "DescribeLaunchTemplateVersions"),
            ("Version", API_VERSION),
            (field, value),
            ("LaunchTemplateVersion.1", version),
        ])
    };
    let id = template.get("LaunchTemplateId");
    let name = template.get("LaunchTemplateName");
    match (id, name) {
        (None, None) => Ok(None),
        (Some(id), None) => Ok(Some(by("LaunchTemplateId", id))),
        (None, Some(name)) => Ok(Some(by("LaunchTemplateName", name))),
        (Some(_), Some(_)) => Err(Ec2Error::client(
            "InvalidParameterCombination",
            "Give LaunchTemplateId or LaunchTemplateName, not both",
        )),
    }
}

/// Where a launch goes: its subnet's zone and network, or the first zone.
async fn place(
    world: &Arc<World>,
    fields: &LaunchFields,
    authorization: &str,
) -> Result<Place, Ec2Error> {
    let first_zone = || format!("{}a", world.region_name());
    let Some(subnet) = fields.subnet() else {
        return Ok(Place {
            zone: first_zone(),
            vpc: None,
        });
    };
    let query = Form::from([
        ("Action", "DescribeSubnets"),
        ("Version", API_VERSION),
        ("SubnetId.1", subnet),
    ]);
    let answer = world.upstream().ec2(&query, authorization).await?;
    let document = Document::parse(&answer)
        .map_err(|source| Ec2Error::server(500, "InternalError", format!("subnet: {source}")))?;
    let text = |name: &str| {
        document
            .descendants()
            .find(|node| node.tag_name().name() == name)
            .and_then(|node| node.text())
            .map(str::to_owned)
    };
    if text("subnetId").is_none() {
        return Err(Ec2Error::client(
            "InvalidSubnetID.NotFound",
            format!("The subnet ID '{subnet}' does not exist"),
        ));
    }
    Ok(Place {
        zone: text("availabilityZone").unwrap_or_else(first_zone),
        vpc: text("vpcId"),
    })
}

fn end_instances(world: &Arc<World>, form: &Form, goal: Goal) -> Result<String, Ec2Error> {
    let asked = form.list("InstanceId");
    if asked.is_empty() {
        return Err(Ec2Error::missing("InstanceId"));
    }
    let ids = world.fleet().find(&asked)?;
    let before: Vec<(InstanceId, InstanceState)> = {
        let fleet = world.fleet();
        ids.iter()
            .filter_map(|id| Some((id.clone(), fleet.get(id)?.state)))
            .collect()
    };
    if goal == Goal::Stop {
        let gone = |state: InstanceState| {
            matches!(
                state,
                InstanceState::Terminated | InstanceState::ShuttingDown | InstanceState::Pending
            )
        };
        if let Some((id, state)) = before.iter().find(|(_, state)| gone(*state)) {
            return Err(Ec2Error::client(
                "IncorrectInstanceState",
                format!("The instance '{id}' is {state} and cannot be stopped"),
            ));
        }
    }
    for id in &ids {
        world.end(id, goal, Transition::Api);
    }
    let fleet = world.fleet();
    let action = match goal {
        Goal::Terminate => "TerminateInstances",
        Goal::Stop => "StopInstances",
    };
    Ok(Xml::answer(action, |xml| {
        xml.list("instancesSet", before, |xml, (id, previous)| {
            xml.text("instanceId", &id);
            let current = fleet.get(&id).map_or(previous, |instance| instance.state);
            xml.nest("currentState", |xml| describe::state(xml, current));
            xml.nest("previousState", |xml| describe::state(xml, previous));
        });
    }))
}

/// `CreateTags` and `DeleteTags`: instances here, other resources elsewhere.
fn change_tags(world: &Arc<World>, form: &Form, action: &str) -> Answer {
    let (instances, others): (Vec<_>, Vec<_>) = form
        .list("ResourceId")
        .into_iter()
        .partition(|id| InstanceId::names_instance(id));
    if instances.is_empty() {
        return Answer::Forward;
    }
    let mut fleet = world.fleet();
    let ids = match fleet.find(&instances) {
        Ok(ids) => ids,
        Err(error) => return Answer::Own(Err(error)),
    };
    let tags = form.tags("Tag");
    let reserved = tags.keys().find(|key| key.starts_with("aws:"));
    if let Some(key) = reserved {
        return Answer::Own(Err(Ec2Error::client(
            "InvalidParameterValue",
            format!("Tag keys starting with 'aws:' are reserved for internal use: '{key}'"),
        )));
    }
    for id in &ids {
        if action == "CreateTags" {
            fleet.tag(id, &tags);
        } else {
            let gone: Vec<_> = form
                .structures("Tag")
                .iter()
                .filter_map(|tag| {
                    let value = tag.get("Value").map(str::to_owned);
                    Some((tag.get("Key")?.to_owned(), value))
                })
                .collect();
            fleet.untag(id, &gone);
        }
    }
    if others.is_empty() {
        Answer::Own(Ok(Xml::done(action)))
    } else {
        Answer::ForwardInstead(form.clone().with_list("ResourceId", &others))
    }
}
