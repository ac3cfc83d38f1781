//! `deploy`: makes AWS look as the templates say.

use std::{collections::BTreeMap, str::FromStr};

use aws_sdk_cloudformation::types::ChangeSetType;
use lightsout_aws::SdkConfig;
use lightsout_core::{Assembly, StackArtifact};
use serde_json::Value as Json;

use crate::{
    build::BuiltAssets,
    deployed::{
        AwsFault, ChangeSet, CloudFormation, Deployed, Ending, Request, Setting, Template, planned,
    },
    io::{Consent, Event, Hint, Io, PlannedChange, ResourceFailure},
    selection::{UnknownStack, named, with_dependencies},
    store::{Buckets, Upload, UploadError},
};

/// The largest template that CloudFormation takes in a request; a larger one
/// is read from a bucket.
///
/// [Quotas](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html)
const LARGEST_BODY: usize = 51_200;

/// Deploy stacks, in the order in which they depend on each other
///
/// Each stack's changes are shown before they are made.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DeployArgs {
    /// Stacks to deploy with all that they depend on (can be repeated); all if none is named
    pub stacks: Vec<String>,
    /// Make the changes without asking
    #[arg(long, short)]
    pub yes: bool,
    /// Value of a stack's parameter, such as `Notices.Address=a@b.org` (can be repeated)
    #[arg(long = "parameter", value_name = "STACK.NAME=VALUE")]
    pub parameters: Vec<ParameterValue>,
}

/// The value of a stack's parameter, read from `STACK.NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterValue {
    /// The stack's name in the app.
    pub stack: String,
    /// The parameter's name in the template.
    pub name: String,
    /// The value.
    pub value: String,
}

/// What is deployed now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deployment {
    outputs: BTreeMap<String, BTreeMap<String, String>>,
}

/// Why a deployment did not get to its end.
///
/// Stacks that were done before stay as they are; deploying again goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeployError {
    /// There is no such stack.
    #[error(transparent)]
    UnknownStack(#[from] UnknownStack),
    /// AWS did not answer as hoped.
    #[error(transparent)]
    Aws(#[from] AwsFault),
    /// Code or a template could not be uploaded.
    #[error(transparent)]
    Upload(#[from] UploadError),
    /// A value was given for a parameter that there is not.
    #[error("stack `{stack}` has no parameter `{name}`")]
    UnknownParameter {
        /// The stack.
        stack: String,
        /// The parameter.
        name: String,
    },
    /// A parameter needs a value.
    #[error("parameter `{name}` of stack `{stack}` has no value")]
    NoValue {
        /// The stack.
        stack: String,
        /// The parameter.
        name: String,
    },
    /// An asset was not built.
    #[error("asset `{asset}` of stack `{stack}` was not built")]
    NotBuilt {
        /// The stack.
        stack: String,
        /// The asset.
        asset: String,
    },
    /// The app has assets or large templates, and no bucket for them.
    #[error("stack `{stack}` needs an asset store, and there is none yet")]
    NoStore {
        /// The stack.
        stack: String,
    },
    /// The stack belongs to another region or account than the rest of its stage.
    #[error("stack `{stack}` is for another region or account than its stage")]
    OtherEnvironment {
        /// The stack.
        stack: String,
    },
    /// Somebody else is changing the stack.
    #[error("stack `{stack}` is being changed already: it is `{status}`")]
    Busy {
        /// The stack.
        stack: String,
        /// Its state.
        status: String,
    },
    /// CloudFormation refuses the template.
    #[error("the changes of stack `{stack}` are refused: {reason}")]
    Refused {
        /// The stack.
        stack: String,
        /// What CloudFormation says.
        reason: String,
    },
    /// The person said no.
    #[error("stack `{stack}` was left as it is")]
    Declined {
        /// The stack.
        stack: String,
    },
    /// There is nobody to ask.
    #[error("nobody is there to agree to the changes of stack `{stack}`")]
    NobodyThere {
        /// The stack.
        stack: String,
    },
    /// The changes failed, and CloudFormation took them back.
    #[error("stack `{stack}` failed and is `{status}`{}", listed(failures))]
    Failed {
        /// The stack.
        stack: String,
        /// Its state.
        status: String,
        /// The resources that failed, the cause first.
        failures: Vec<ResourceFailure>,
    },
}

impl Deployment {
    /// Returns the outputs of every stack that was looked at: by the stack's
    /// name in the app, then by the output's name.
    pub const fn outputs(&self) -> &BTreeMap<String, BTreeMap<String, String>> {
        &self.outputs
    }

    /// Returns one output.
    pub fn output(&self, stack: &str, name: &str) -> Option<&str> {
        Some(self.outputs.get(stack)?.get(name)?)
    }
}

/// Returns what is deployed of an app's stacks, without changing anything; a stack that is
/// not there has no outputs.
pub async fn deployment(
    assembly: &Assembly,
    config: &SdkConfig,
) -> Result<Deployment, DeployError> {
    let aws = CloudFormation::new(config);
    let mut deployment = Deployment::default();
    for stack in assembly.stacks() {
        let outputs = match aws.stack(stack.physical_name()).await? {
            Some(deployed) => deployed.outputs,
            None => BTreeMap::new(),
        };
        deployment.outputs.insert(stack.name().to_owned(), outputs);
    }
    Ok(deployment)
}

impl FromStr for ParameterValue {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "wanted STACK.NAME=VALUE";
        let (name, value) = text.split_once('=').ok_or(form)?;
        let (stack, name) = name.split_once('.').ok_or(form)?;
        Ok(Self {
            stack: stack.to_owned(),
            name: name.to_owned(),
            value: value.to_owned(),
        })
    }
}

impl Hint for DeployError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NoValue { stack, name } => {
                Some(format!("give one with `--parameter {stack}.{name}=…`"))
            }
            Self::NobodyThere { .. } => Some("run it in a terminal, or with `--yes`".to_owned()),
            Self::NoStore { .. } => Some(
                "name the bucket with `App::asset_store`; its own stack, and all that this \
                 depends on, must do without assets"
                    .to_owned(),
            ),
            Self::OtherEnvironment { .. } => Some(
                "one deployment goes to one region: deploy this stack with the AWS CDK's \
                 command line (`cdk deploy --app cdk.out`), and name the others"
                    .to_owned(),
            ),
            Self::Busy { .. } => Some("wait until it rests, then deploy again".to_owned()),
            _ => None,
        }
    }
}

/// Deploys the stacks that `args` names, with all that they depend on.
///
/// The stack of the asset store comes first, then what `built` holds is
/// uploaded, then the other stacks follow in order.
pub async fn deploy(
    args: &DeployArgs,
    assembly: &Assembly,
    built: &BuiltAssets,
    config: &SdkConfig,
    io: &mut dyn Io,
) -> Result<Deployment, DeployError> {
    check_parameters(args, assembly)?;
    let wanted = named(assembly, &args.stacks)?;
    let wanted = with_dependencies(assembly, wanted.iter().map(|stack| stack.name()));
    let stage = assembly.stage();
    let elsewhere = in_order(assembly, |name| wanted.contains(name))
        .into_iter()
        .find(|stack| {
            let environment = stack.environment();
            environment.region != stage.region || environment.account != stage.account
        });
    if let Some(stack) = elsewhere {
        return Err(DeployError::OtherEnvironment {
            stack: stack.name().to_owned(),
        });
    }
    let (first, rest): (Vec<_>, Vec<_>) = match assembly.asset_store() {
        None => (Vec::new(), in_order(assembly, |name| wanted.contains(name))),
        Some(store) => {
            let before = with_dependencies(assembly, [store.stack.as_str()]);
            (
                in_order(assembly, |name| before.contains(name)),
                in_order(assembly, |name| {
                    wanted.contains(name) && !before.contains(name)
                }),
            )
        }
    };
    let mut deployer = Deployer {
        args,
        assembly,
        built,
        aws: CloudFormation::new(config),
        buckets: Buckets::new(config),
        bucket: None,
        deployment: Deployment::default(),
    };
    // Where the store's stack is there already, it can take its own template.
    deployer.find_store().await?;
    for stack in first {
        deployer.deploy(stack, io).await?;
    }
    deployer.find_store().await?;
    let needed: Vec<&str> = rest
        .iter()
        .flat_map(|stack| stack.parameters())
        .filter_map(|parameter| parameter.asset.as_deref())
        .collect();
    deployer.upload(&needed, io).await?;
    for stack in rest {
        deployer.deploy(stack, io).await?;
    }
    Ok(deployer.deployment)
}

struct Deployer<'a> {
    args: &'a DeployArgs,
    assembly: &'a Assembly,
    built: &'a BuiltAssets,
    aws: CloudFormation,
    buckets: Buckets,
    /// The asset store, as soon as it is there.
    bucket: Option<String>,
    deployment: Deployment,
}

impl Deployer<'_> {
    async fn find_store(&mut self) -> Result<(), DeployError> {
        let Some(store) = self.assembly.asset_store() else {
            return Ok(());
        };
        let Some(stack) = self.assembly.stack(&store.stack) else {
            return Ok(());
        };
        let deployed = self.aws.stack(stack.physical_name()).await?;
        self.bucket = deployed
            .filter(|deployed| !deployed.is_leftover())
            .and_then(|deployed| deployed.outputs.get(&store.output).cloned());
        Ok(())
    }

    async fn upload(&self, needed: &[&str], io: &mut dyn Io) -> Result<(), DeployError> {
        for built in self.built.iter() {
            let asset = built.id.clone();
            if !needed.contains(&asset.as_str()) {
                continue;
            }
            let Some(bucket) = &self.bucket else {
                // The stack that uses it tells what is missing.
                return Ok(());
            };
            let (key, upload) = self.buckets.upload_asset(bucket, built).await?;
            io.emit(match upload {
                Upload::Done => Event::AssetUploaded { asset, key },
                Upload::NotNeeded => Event::AssetPresent { asset, key },
            });
        }
        Ok(())
    }

    async fn deploy(&mut self, stack: &StackArtifact, io: &mut dyn Io) -> Result<(), DeployError> {
        let name = stack.physical_name();
        let mut deployed = self.aws.stack(name).await?;
        if let Some(busy) = deployed.as_ref().filter(|deployed| deployed.is_busy()) {
            return Err(DeployError::Busy {
                stack: stack.name().to_owned(),
                status: busy.status.as_str().to_owned(),
            });
        }
        if let Some(leftover) = deployed.take_if(|deployed| deployed.is_leftover()) {
            self.remove_leftover(stack, &leftover, io).await?;
        }
        // A stack under review has never been made.
        let existing = deployed.filter(|deployed| {
            deployed.status != aws_sdk_cloudformation::types::StackStatus::ReviewInProgress
        });
        let url = self.template_url(stack).await?;
        let nested = self.upload_nested(stack).await?;
        let request = Request {
            stack: name,
            kind: match existing {
                Some(_) => ChangeSetType::Update,
                None => ChangeSetType::Create,
            },
            template: match &url {
                Some(url) => Template::Url(url),
                None => Template::Body(stack.template()),
            },
            parameters: self.parameters(stack, &nested, existing.as_ref())?,
            tags: tags(self.assembly, stack),
        };
        let end = match self.aws.change_set(&request).await? {
            ChangeSet::Empty => None,
            ChangeSet::Refused(reason) => {
                self.forget_review(existing.as_ref(), stack, io).await?;
                return Err(DeployError::Refused {
                    stack: stack.name().to_owned(),
                    reason,
                });
            }
            ChangeSet::Ready { id, changes } => {
                let deployed = match existing {
                    Some(_) => self.template(name).await?,
                    None => Json::Null,
                };
                let planned = changes
                    .iter()
                    .filter_map(|one| planned(stack, &deployed, one));
                let changes = sorted(planned);
                if changes.is_empty() && self.is_same(stack, &request, existing.as_ref()).await? {
                    self.aws.delete_change_set(name, &id).await;
                    None
                } else {
                    io.emit(Event::Planned {
                        stack: stack.name().to_owned(),
                        changes: changes.clone(),
                    });
                    if let Err(error) = self.agree(stack, &changes, io) {
                        self.aws.delete_change_set(name, &id).await;
                        self.forget_review(existing.as_ref(), stack, io).await?;
                        return Err(error);
                    }
                    Some(self.aws.execute(stack, &id, io).await?)
                }
            }
        };
        let deployed = match end {
            None => {
                io.emit(Event::Unchanged {
                    stack: stack.name().to_owned(),
                });
                existing
            }
            Some(end) => Some(finish(stack, end, io)?),
        };
        let is_open = deployed.as_ref().is_some_and(|now| !now.is_protected);
        if stack.is_protected() && is_open {
            self.aws.protect(name).await?;
        }
        let outputs = deployed.map(|deployed| deployed.outputs);
        self.deployment
            .outputs
            .insert(stack.name().to_owned(), outputs.unwrap_or_default());
        Ok(())
    }

    async fn remove_leftover(
        &self,
        stack: &StackArtifact,
        leftover: &Deployed,
        io: &mut dyn Io,
    ) -> Result<(), DeployError> {
        io.emit(Event::RemovingLeftover {
            stack: stack.name().to_owned(),
            status: leftover.status.as_str().to_owned(),
        });
        let end = self.aws.delete(stack.name(), leftover, io).await?;
        match end.stack {
            None => Ok(()),
            Some(still_there) => Err(failed(stack, &still_there, end.failures)),
        }
    }

    /// Removes the empty shell that planning a new stack leaves behind.
    async fn forget_review(
        &self,
        existing: Option<&Deployed>,
        stack: &StackArtifact,
        io: &mut dyn Io,
    ) -> Result<(), DeployError> {
        if existing.is_none()
            && let Some(shell) = self.aws.stack(stack.physical_name()).await?
        {
            self.aws.delete(stack.name(), &shell, io).await?;
        }
        Ok(())
    }

    async fn template_url(&self, stack: &StackArtifact) -> Result<Option<String>, DeployError> {
        if stack.template().len() <= LARGEST_BODY {
            return Ok(None);
        }
        let bucket = self.bucket.as_ref().ok_or_else(|| DeployError::NoStore {
            stack: stack.name().to_owned(),
        })?;
        let template = stack.template();
        Ok(Some(self.buckets.upload_template(bucket, template).await?))
    }

    /// Uploads the templates nested in a stack, and returns their addresses by name.
    async fn upload_nested<'s>(
        &self,
        stack: &'s StackArtifact,
    ) -> Result<BTreeMap<&'s str, String>, DeployError> {
        let mut addresses = BTreeMap::new();
        for nested in stack.nested() {
            let bucket = self.bucket.as_ref().ok_or_else(|| DeployError::NoStore {
                stack: stack.name().to_owned(),
            })?;
            let address = self
                .buckets
                .upload_template(bucket, nested.template())
                .await?;
            addresses.insert(nested.name(), address);
        }
        Ok(addresses)
    }

    fn parameters(
        &self,
        stack: &StackArtifact,
        nested: &BTreeMap<&str, String>,
        existing: Option<&Deployed>,
    ) -> Result<BTreeMap<String, Setting>, DeployError> {
        let mut settings = BTreeMap::new();
        for parameter in stack.parameters() {
            let name = || parameter.name.clone();
            let given = self
                .args
                .parameters
                .iter()
                .rfind(|given| given.stack == stack.name() && given.name == parameter.name);
            if let Some(asset) = &parameter.asset {
                let built = self.built.get(asset).ok_or_else(|| DeployError::NotBuilt {
                    stack: stack.name().to_owned(),
                    asset: asset.clone(),
                })?;
                if self.bucket.is_none() {
                    return Err(DeployError::NoStore {
                        stack: stack.name().to_owned(),
                    });
                }
                settings.insert(name(), Setting::To(built.sha256.clone()));
            } else if let Some(address) = parameter
                .nested
                .as_deref()
                .and_then(|name| nested.get(name))
            {
                settings.insert(name(), Setting::To(address.clone()));
            } else if let Some(given) = given {
                settings.insert(name(), Setting::To(given.value.clone()));
            } else if existing.is_some_and(|old| old.parameters.contains_key(&parameter.name)) {
                settings.insert(name(), Setting::AsBefore);
            } else if parameter.default.is_none() {
                return Err(DeployError::NoValue {
                    stack: stack.name().to_owned(),
                    name: name(),
                });
            }
        }
        Ok(settings)
    }

    /// Tells a change set without any change from one that changes outputs.
    async fn is_same(
        &self,
        stack: &StackArtifact,
        request: &Request<'_>,
        existing: Option<&Deployed>,
    ) -> Result<bool, DeployError> {
        let Some(existing) = existing else {
            return Ok(false);
        };
        let values_are_same = request
            .parameters
            .iter()
            .all(|(name, setting)| match setting {
                Setting::AsBefore => true,
                Setting::To(value) => existing.parameters.get(name) == Some(value),
            });
        if !values_are_same {
            return Ok(false);
        }
        let deployed = self.template(stack.physical_name()).await?;
        // CloudFormation does not update a template's metadata by itself.
        let sections = |template: &Json| -> BTreeMap<String, Json> {
            let sections = template.as_object().into_iter().flatten();
            sections
                .filter(|(section, _)| *section != "Metadata")
                .map(|(section, json)| (section.clone(), json.clone()))
                .collect()
        };
        Ok(sections(&deployed) == sections(stack.template_json()))
    }

    /// Returns a deployed template; what is not JSON is none that this tool wrote.
    async fn template(&self, name: &str) -> Result<Json, DeployError> {
        let text = self.aws.template(name).await?;
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    fn agree(
        &self,
        stack: &StackArtifact,
        changes: &[PlannedChange],
        io: &mut dyn Io,
    ) -> Result<(), DeployError> {
        if self.args.yes {
            return Ok(());
        }
        let losing = changes
            .iter()
            .filter(|change| change.may_lose_data())
            .count();
        let warning = match losing {
            0 => String::new(),
            1 => " One resource that holds data is replaced or removed.".to_owned(),
            more => format!(" {more} resources that hold data are replaced or removed."),
        };
        let stack = stack.name().to_owned();
        match io.ask(&format!("Make these changes to `{stack}`?{warning}")) {
            Consent::Given => Ok(()),
            Consent::Refused => Err(DeployError::Declined { stack }),
            Consent::NobodyThere => Err(DeployError::NobodyThere { stack }),
        }
    }
}

fn check_parameters(args: &DeployArgs, assembly: &Assembly) -> Result<(), DeployError> {
    for given in &args.parameters {
        let [stack] = named(assembly, std::slice::from_ref(&given.stack))?[..] else {
            continue;
        };
        let is_known = |name: &str| {
            let mut parameters = stack.parameters().iter();
            parameters.any(|parameter| {
                parameter.name == name && parameter.asset.is_none() && parameter.nested.is_none()
            })
        };
        if !is_known(&given.name) {
            return Err(DeployError::UnknownParameter {
                stack: given.stack.clone(),
                name: given.name.clone(),
            });
        }
    }
    Ok(())
}

/// Returns the tags of a stack: its author's, and those that it is known by.
fn tags<'a>(assembly: &'a Assembly, stack: &'a StackArtifact) -> BTreeMap<&'a str, &'a str> {
    let own = stack.tags().iter();
    own.map(|(key, value)| (key.as_str(), value.as_str()))
        .chain([
            ("lightsout:app", assembly.app()),
            ("lightsout:stage", assembly.stage().name.as_str()),
        ])
        .collect()
}

fn in_order(assembly: &Assembly, is_wanted: impl Fn(&str) -> bool) -> Vec<&StackArtifact> {
    let stacks = assembly.stacks().iter();
    stacks.filter(|stack| is_wanted(stack.name())).collect()
}

/// Sorts changes: those that lose data first, then by what happens and name.
fn sorted(changes: impl Iterator<Item = PlannedChange>) -> Vec<PlannedChange> {
    let mut changes: Vec<_> = changes.collect();
    changes.sort_by(|a, b| {
        let key = |one: &PlannedChange| (!one.may_lose_data(), one.action, one.logical_id.clone());
        key(a).cmp(&key(b))
    });
    changes
}

fn finish(stack: &StackArtifact, end: Ending, io: &mut dyn Io) -> Result<Deployed, DeployError> {
    match end.stack {
        Some(deployed) if deployed.is_well() => {
            io.emit(Event::Finished {
                stack: stack.name().to_owned(),
                status: deployed.status.as_str().to_owned(),
            });
            Ok(deployed)
        }
        Some(deployed) => Err(failed(stack, &deployed, end.failures)),
        None => Err(DeployError::Failed {
            stack: stack.name().to_owned(),
            status: "DELETE_COMPLETE".to_owned(),
            failures: end.failures,
        }),
    }
}

fn failed(
    stack: &StackArtifact,
    deployed: &Deployed,
    mut failures: Vec<ResourceFailure>,
) -> DeployError {
    if failures.is_empty()
        && let Some(reason) = &deployed.reason
    {
        failures.push(ResourceFailure {
            logical_id: stack.physical_name().to_owned(),
            type_name: "AWS::CloudFormation::Stack".to_owned(),
            status: deployed.status.as_str().to_owned(),
            reason: reason.clone(),
        });
    }
    DeployError::Failed {
        stack: stack.name().to_owned(),
        status: deployed.status.as_str().to_owned(),
        failures,
    }
}

/// Writes each failure on a line of its own.
pub(crate) fn listed(failures: &[ResourceFailure]) -> String {
    let line = |failure: &ResourceFailure| {
        let ResourceFailure {
            logical_id,
            type_name,
            reason,
            ..
        } = failure;
        format!("\n  {logical_id} ({type_name}): {reason}")
    };
    failures.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_read_from_the_command_line() {
        let value: ParameterValue = "Notices.Address=a=b".parse().unwrap();
        assert_eq!(
            (
                value.stack.as_str(),
                value.name.as_str(),
                value.value.as_str()
            ),
            ("Notices", "Address", "a=b")
        );
        assert!("Address=a".parse::<ParameterValue>().is_err());
    }
}
