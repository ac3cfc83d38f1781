//! What is deployed, as CloudFormation tells, and the calls that change it.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_cloudformation::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{
        Capability, Change, ChangeAction, ChangeSetStatus, ChangeSetType, Parameter,
        Replacement as Replaced, ResourceStatus, StackStatus, Tag, TemplateStage,
    },
};
use lightsout_aws::SdkConfig;
use lightsout_core::{StackArtifact, is_stateful};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::io::{Event, Io, PlannedAction, PlannedChange, Replacement, ResourceFailure};

/// How often AWS is asked how far it is, and how often an endpoint on this
/// machine is.
const PACE: Duration = Duration::from_secs(2);
const PACE_NEARBY: Duration = Duration::from_millis(100);

/// AWS refused a call, or could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what}: {message} (`{code}`)")]
pub struct AwsFault {
    /// What was wanted.
    pub what: String,
    /// The service's code, or how the connection failed.
    pub code: String,
    /// What the service says.
    pub message: String,
}

impl AwsFault {
    pub(crate) fn new<E, R>(what: impl Into<String>, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata,
    {
        let (code, message) = match error {
            SdkError::ServiceError(service) => {
                let error = service.err();
                (
                    error.code().unwrap_or("Unknown"),
                    error.message().unwrap_or("the service gave no reason"),
                )
            }
            SdkError::TimeoutError(_) => ("Timeout", "no answer came in time"),
            SdkError::DispatchFailure(failure) if failure.is_user() => {
                ("NotSent", "the request could not be made")
            }
            SdkError::DispatchFailure(_) => (
                "NoConnection",
                "the endpoint cannot be reached, or there are no credentials",
            ),
            SdkError::ResponseError(_) => ("UnreadableAnswer", "the answer cannot be read"),
            _ => ("NotSent", "the request could not be made"),
        };
        Self {
            what: what.into(),
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }
}

/// CloudFormation, asked at the right pace.
pub(crate) struct CloudFormation {
    client: Client,
    pace: Duration,
}

/// A stack as it stands.
#[derive(Debug, Clone)]
pub(crate) struct Deployed {
    pub(crate) id: String,
    pub(crate) status: StackStatus,
    pub(crate) reason: Option<String>,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) is_protected: bool,
}

/// A template, by value or by address.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Template<'a> {
    Body(&'a str),
    Url(&'a str),
}

/// The value of a parameter.
#[derive(Debug, Clone)]
pub(crate) enum Setting {
    To(String),
    AsBefore,
}

/// What is asked of CloudFormation.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) stack: &'a str,
    pub(crate) kind: ChangeSetType,
    pub(crate) template: Template<'a>,
    pub(crate) parameters: BTreeMap<String, Setting>,
    pub(crate) tags: BTreeMap<&'a str, &'a str>,
}

/// What CloudFormation would do.
#[derive(Debug)]
pub(crate) enum ChangeSet {
    /// Nothing at all; the change set is deleted already.
    Empty,
    /// These changes, perhaps of outputs alone.
    Ready { id: String, changes: Vec<Change> },
    /// It refuses; its reason.
    Refused(String),
}

/// How an operation on a stack ended.
#[derive(Debug)]
pub(crate) struct Ending {
    /// The stack as it is now, absent when it is gone.
    pub(crate) stack: Option<Deployed>,
    /// What failed, the cause first.
    pub(crate) failures: Vec<ResourceFailure>,
}

impl CloudFormation {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
            pace: if lightsout_aws::has_own_endpoint(config) {
                PACE_NEARBY
            } else {
                PACE
            },
        }
    }

    /// Returns the stack called `name`, or of this id, unless it is deleted.
    pub(crate) async fn stack(&self, name: &str) -> Result<Option<Deployed>, AwsFault> {
        let answer = self.client.describe_stacks().stack_name(name).send().await;
        let answer = match answer {
            Ok(answer) => answer,
            // CloudFormation has no code of its own for a stack that is not there.
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(AwsFault::new(format!("read stack `{name}`"), &error)),
        };
        let Some(stack) = answer.stacks.unwrap_or_default().into_iter().next() else {
            return Ok(None);
        };
        let status = stack.stack_status.unwrap_or(StackStatus::CreateInProgress);
        if status == StackStatus::DeleteComplete {
            return Ok(None);
        }
        let parameters = stack.parameters.unwrap_or_default().into_iter();
        let outputs = stack.outputs.unwrap_or_default().into_iter();
        Ok(Some(Deployed {
            id: stack.stack_id.unwrap_or_else(|| name.to_owned()),
            status,
            reason: stack.stack_status_reason,
            parameters: parameters
                .filter_map(|one| Some((one.parameter_key?, one.parameter_value?)))
                .collect(),
            outputs: outputs
                .filter_map(|one| Some((one.output_key?, one.output_value?)))
                .collect(),
            is_protected: stack.enable_termination_protection.unwrap_or_default(),
        }))
    }

    /// Returns the template of a stack as it was given.
    pub(crate) async fn template(&self, name: &str) -> Result<String, AwsFault> {
        let answer = self
            .client
            .get_template()
            .stack_name(name)
            .template_stage(TemplateStage::Original)
            .send()
            .await
            .map_err(|error| AwsFault::new(format!("read the template of `{name}`"), &error))?;
        Ok(answer.template_body.unwrap_or_default())
    }

    /// Makes a change set and waits for it.
    pub(crate) async fn change_set(&self, request: &Request<'_>) -> Result<ChangeSet, AwsFault> {
        let stack = request.stack;
        let name = change_set_name(request);
        // One of this name is left where an earlier deployment was cut off.
        self.delete_change_set(stack, &name).await;
        let (body, url) = match request.template {
            Template::Body(text) => (Some(text.to_owned()), None),
            Template::Url(url) => (None, Some(url.to_owned())),
        };
        let parameters = request.parameters.iter().map(|(name, setting)| {
            let parameter = Parameter::builder().parameter_key(name);
            match setting {
                Setting::To(value) => parameter.parameter_value(value),
                Setting::AsBefore => parameter.use_previous_value(true),
            }
            .build()
        });
        let tags = request
            .tags
            .iter()
            .map(|(key, value)| Tag::builder().key(*key).value(*value).build());
        let made = self
            .client
            .create_change_set()
            .stack_name(stack)
            .change_set_name(&name)
            .change_set_type(request.kind.clone())
            .set_template_body(body)
            .set_template_url(url)
            .set_parameters(Some(parameters.collect()))
            .set_tags(Some(tags.collect()))
            .capabilities(Capability::CapabilityNamedIam)
            // Language extensions and nested stacks with transforms need it.
            .capabilities(Capability::CapabilityAutoExpand)
            .send()
            .await
            .map_err(|error| AwsFault::new(format!("plan changes of `{stack}`"), &error))?;
        let id = made.id.unwrap_or(name);
        loop {
            let (status, reason, changes) = self.describe_change_set(stack, &id).await?;
            match status {
                Some(ChangeSetStatus::CreateComplete) => {
                    return Ok(ChangeSet::Ready { id, changes });
                }
                Some(ChangeSetStatus::Failed) => {
                    self.delete_change_set(stack, &id).await;
                    return Ok(if says_empty(&reason) {
                        ChangeSet::Empty
                    } else {
                        ChangeSet::Refused(reason)
                    });
                }
                _ => tokio::time::sleep(self.pace).await,
            }
        }
    }

    async fn describe_change_set(
        &self,
        stack: &str,
        id: &str,
    ) -> Result<(Option<ChangeSetStatus>, String, Vec<Change>), AwsFault> {
        let mut changes = Vec::new();
        let mut next = None;
        loop {
            let page = self
                .client
                .describe_change_set()
                .stack_name(stack)
                .change_set_name(id)
                .set_next_token(next)
                .send()
                .await
                .map_err(|error| AwsFault::new(format!("read the plan for `{stack}`"), &error))?;
            changes.extend(page.changes.unwrap_or_default());
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok((page.status, page.status_reason.unwrap_or_default(), changes));
            }
        }
    }

    /// Deletes a change set; one that is not there is as good as deleted.
    pub(crate) async fn delete_change_set(&self, stack: &str, id: &str) {
        let call = self.client.delete_change_set();
        let _ = call.stack_name(stack).change_set_name(id).send().await;
    }

    /// Protects a stack from being deleted.
    pub(crate) async fn protect(&self, stack: &str) -> Result<(), AwsFault> {
        self.client
            .update_termination_protection()
            .stack_name(stack)
            .enable_termination_protection(true)
            .send()
            .await
            .map_err(|error| AwsFault::new(format!("protect stack `{stack}`"), &error))?;
        Ok(())
    }

    /// Starts what a change set says, and follows it to its end.
    pub(crate) async fn execute(
        &self,
        stack: &StackArtifact,
        change_set: &str,
        io: &mut dyn Io,
    ) -> Result<Ending, AwsFault> {
        let name = stack.physical_name();
        let last = self.last_event(name).await?;
        self.client
            .execute_change_set()
            .stack_name(name)
            .change_set_name(change_set)
            .send()
            .await
            .map_err(|error| AwsFault::new(format!("change stack `{name}`"), &error))?;
        self.follow(stack.name(), name, last, io).await
    }

    /// Deletes a stack, and follows it to its end.
    pub(crate) async fn delete(
        &self,
        stack: &str,
        deployed: &Deployed,
        io: &mut dyn Io,
    ) -> Result<Ending, AwsFault> {
        let last = self.last_event(&deployed.id).await?;
        self.client
            .delete_stack()
            .stack_name(&deployed.id)
            .send()
            .await
            .map_err(|error| AwsFault::new(format!("delete stack `{stack}`"), &error))?;
        self.follow(stack, &deployed.id, last, io).await
    }

    /// Returns every resource of a stack: logical id, type, name or id in AWS.
    pub(crate) async fn resources(
        &self,
        name: &str,
    ) -> Result<Vec<(String, String, String)>, AwsFault> {
        let mut found = Vec::new();
        let mut next = None;
        loop {
            let page = self
                .client
                .list_stack_resources()
                .stack_name(name)
                .set_next_token(next)
                .send()
                .await
                .map_err(|error| AwsFault::new(format!("list resources of `{name}`"), &error))?;
            for resource in page.stack_resource_summaries.unwrap_or_default() {
                if resource.resource_status == Some(ResourceStatus::DeleteComplete) {
                    continue;
                }
                found.push((
                    resource.logical_resource_id.unwrap_or_default(),
                    resource.resource_type.unwrap_or_default(),
                    resource.physical_resource_id.unwrap_or_default(),
                ));
            }
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    /// Asks which changed resources would be replaced; nothing is changed.
    ///
    /// Only parameters that are deployed keep their values, so the answer is
    /// about the template, not about new code.
    pub(crate) async fn replacements(
        &self,
        stack: &StackArtifact,
        deployed: &Json,
    ) -> Result<BTreeMap<String, Replacement>, AwsFault> {
        let name = stack.physical_name();
        let before = &deployed["Parameters"];
        let parameters = stack.parameters().iter().filter_map(|parameter| {
            let setting = if before.get(&parameter.name).is_some() {
                Setting::AsBefore
            } else if parameter.default.is_none() {
                // A value that is not known yet must be some value.
                Setting::To("unknown".to_owned())
            } else {
                return None;
            };
            Some((parameter.name.clone(), setting))
        });
        let request = Request {
            stack: name,
            kind: ChangeSetType::Update,
            template: Template::Body(stack.template()),
            parameters: parameters.collect(),
            tags: BTreeMap::new(),
        };
        match self.change_set(&request).await? {
            ChangeSet::Ready { id, changes } => {
                self.delete_change_set(name, &id).await;
                let planned = changes
                    .iter()
                    .filter_map(|change| planned(stack, deployed, change));
                Ok(planned
                    .map(|change| (change.logical_id, change.replacement))
                    .collect())
            }
            ChangeSet::Empty => Ok(BTreeMap::new()),
            ChangeSet::Refused(message) => Err(AwsFault {
                what: format!("plan changes of `{name}`"),
                code: "ChangeSetFailed".to_owned(),
                message,
            }),
        }
    }

    async fn last_event(&self, stack: &str) -> Result<Option<String>, AwsFault> {
        let answer = self
            .client
            .describe_stack_events()
            .stack_name(stack)
            .send()
            .await
            .map_err(|error| AwsFault::new(format!("read events of `{stack}`"), &error))?;
        Ok(answer
            .stack_events()
            .first()
            .and_then(|event| event.event_id.clone()))
    }

    /// Tells events behind `last` until the stack rests.
    ///
    /// `stack` is its name in the app, `name` that in AWS or its id.
    async fn follow(
        &self,
        stack: &str,
        name: &str,
        mut last: Option<String>,
        io: &mut dyn Io,
    ) -> Result<Ending, AwsFault> {
        let mut failures = Vec::new();
        loop {
            // The state is read before the events, so that none is missed
            // when the state says that the stack rests.
            let deployed = self.stack(name).await?;
            let events = match self.events_since(name, last.as_deref()).await {
                Ok(events) => events,
                // A stack that is gone may have taken its events with it.
                Err(_) if deployed.is_none() => Vec::new(),
                Err(fault) => return Err(fault),
            };
            for event in events {
                last = event.event_id.or(last);
                let status = event
                    .resource_status
                    .as_ref()
                    .map_or_else(String::new, |status| status.as_str().to_owned());
                // A nested stack is a resource of this one, and no less a failure.
                let is_stack = event.physical_resource_id == event.stack_id;
                let logical_id = event.logical_resource_id.unwrap_or_default();
                let type_name = event.resource_type.unwrap_or_default();
                let reason = event.resource_status_reason.filter(|text| !text.is_empty());
                if status.ends_with("_FAILED")
                    && !is_stack
                    && let Some(reason) = &reason
                    && !reason.contains("cancelled")
                {
                    failures.push(ResourceFailure {
                        logical_id: logical_id.clone(),
                        type_name: type_name.clone(),
                        status: status.clone(),
                        reason: reason.clone(),
                    });
                }
                io.emit(Event::Progress {
                    stack: stack.to_owned(),
                    logical_id,
                    type_name,
                    status,
                    reason,
                });
            }
            let rests = deployed
                .as_ref()
                .is_none_or(|deployed| !deployed.status.as_str().ends_with("_IN_PROGRESS"));
            if rests {
                return Ok(Ending {
                    stack: deployed,
                    failures,
                });
            }
            tokio::time::sleep(self.pace).await;
        }
    }

    /// Returns events behind `last`, the oldest first.
    async fn events_since(
        &self,
        name: &str,
        last: Option<&str>,
    ) -> Result<Vec<aws_sdk_cloudformation::types::StackEvent>, AwsFault> {
        let mut found = Vec::new();
        let mut next = None;
        'pages: loop {
            let page = self
                .client
                .describe_stack_events()
                .stack_name(name)
                .set_next_token(next)
                .send()
                .await
                .map_err(|error| AwsFault::new(format!("read events of `{name}`"), &error))?;
            for event in page.stack_events.unwrap_or_default() {
                if last.is_some() && event.event_id.as_deref() == last {
                    break 'pages;
                }
                found.push(event);
            }
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                break;
            }
        }
        found.reverse();
        Ok(found)
    }
}

impl Deployed {
    /// Returns whether an operation is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.status.as_str().ends_with("_IN_PROGRESS")
            && self.status != StackStatus::ReviewInProgress
    }

    /// Returns whether a first creation failed, so that nothing can be updated.
    pub(crate) fn is_leftover(&self) -> bool {
        matches!(
            self.status,
            StackStatus::RollbackComplete
                | StackStatus::RollbackFailed
                | StackStatus::CreateFailed
                | StackStatus::DeleteFailed
        )
    }

    /// Returns whether the last operation did what it should.
    pub(crate) fn is_well(&self) -> bool {
        matches!(
            self.status,
            StackStatus::CreateComplete | StackStatus::UpdateComplete | StackStatus::ImportComplete
        )
    }
}

/// Returns what a change means for a resource, if it is about one; `deployed` is the
/// template as it is deployed, null if there is none.
pub(crate) fn planned(
    stack: &StackArtifact,
    deployed: &Json,
    change: &Change,
) -> Option<PlannedChange> {
    let change = change.resource_change()?;
    let logical_id = change.logical_resource_id()?;
    let type_name = change.resource_type().unwrap_or_default();
    let mut properties: Vec<String> = change
        .details()
        .iter()
        .filter_map(|detail| Some(detail.target()?.name()?.to_owned()))
        .collect();
    properties.sort();
    properties.dedup();
    Some(PlannedChange {
        action: match change.action() {
            Some(ChangeAction::Add) => PlannedAction::Add,
            Some(ChangeAction::Remove) => PlannedAction::Remove,
            Some(ChangeAction::Modify) => PlannedAction::Modify,
            Some(ChangeAction::Import) => PlannedAction::Import,
            _ => PlannedAction::Dynamic,
        },
        logical_id: logical_id.to_owned(),
        path: stack.path_of(logical_id).map(str::to_owned),
        type_name: type_name.to_owned(),
        replacement: match change.replacement() {
            Some(Replaced::True) => Replacement::Always,
            Some(Replaced::Conditional) => Replacement::Perhaps,
            _ => Replacement::Never,
        },
        properties,
        stateful: stack.is_stateful(logical_id) || is_stateful(deployed, logical_id),
    })
}

/// Names a change set by what it asks for, so that asking again replaces it.
fn change_set_name(request: &Request<'_>) -> String {
    let mut digest = Sha256::new();
    match request.template {
        Template::Body(text) | Template::Url(text) => digest.update(text),
    }
    digest.update(format!("{:?}{:?}", request.parameters, request.tags));
    let digest = format!("{:x}", digest.finalize());
    // A name starts with a letter and has at most 128 characters.
    format!("lightsout-{}", &digest[..16])
}

/// CloudFormation fails a change set that would change nothing, and tells so
/// in its reason alone.
fn says_empty(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}

fn is_absent<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.as_service_error().is_some_and(|error| {
        error.code() == Some("ValidationError")
            && error
                .message()
                .is_some_and(|message| message.contains("does not exist"))
    })
}
