//! `destroy`: removes stacks, and tells what stays.

use aws_sdk_cloudformation::types::StackStatus;
use lightsout_aws::SdkConfig;
use lightsout_core::{Assembly, StackArtifact};
use serde_json::Value as Json;

use crate::{
    deploy::listed,
    deployed::{AwsFault, CloudFormation, Deployed},
    io::{Consent, Event, Hint, Io, ResourceFailure},
    selection::{UnknownStack, named, with_dependents},
    status::Status,
    store::Buckets,
};

/// Destroy stacks, those that depend on others first
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DestroyArgs {
    /// Stacks to destroy with all that depend on them (can be repeated); all if none is named
    pub stacks: Vec<String>,
    /// Destroy without asking
    #[arg(long, short)]
    pub yes: bool,
    /// Remove every object from buckets that go with their stacks
    #[arg(long)]
    pub empty_buckets: bool,
}

/// Why stacks could not be destroyed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DestroyError {
    /// There is no such stack.
    #[error(transparent)]
    UnknownStack(#[from] UnknownStack),
    /// AWS did not answer as hoped.
    #[error(transparent)]
    Aws(#[from] AwsFault),
    /// The stack is protected.
    #[error("stack `{stack}` is protected against termination")]
    Protected {
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
    /// The person said no.
    #[error("nothing was destroyed")]
    Declined,
    /// There is nobody to ask.
    #[error("nobody is there to agree to the destruction of {}", stacks.join(", "))]
    NobodyThere {
        /// The stacks.
        stacks: Vec<String>,
    },
    /// A stack could not be removed.
    #[error(
        "stack `{stack}` could not be removed and is `{status}`{}",
        listed(failures)
    )]
    Failed {
        /// The stack.
        stack: String,
        /// Its state.
        status: String,
        /// The resources that failed.
        failures: Vec<ResourceFailure>,
    },
}

impl Hint for DestroyError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Protected { .. } => {
                Some("switch termination protection off first, on purpose".to_owned())
            }
            Self::NobodyThere { .. } => Some("run it in a terminal, or with `--yes`".to_owned()),
            Self::Busy { .. } => Some("wait until it rests, then try again".to_owned()),
            Self::Failed { failures, .. }
                if failures
                    .iter()
                    .any(|failure| failure.type_name == "AWS::S3::Bucket") =>
            {
                Some("a bucket must be empty: `--empty-buckets` removes its objects".to_owned())
            }
            _ => None,
        }
    }
}

/// Destroys the stacks that `args` names, with all that depend on them.
///
/// Buckets that their template retains are never emptied; what is retained is
/// told.
pub async fn destroy(
    args: &DestroyArgs,
    assembly: &Assembly,
    config: &SdkConfig,
    io: &mut dyn Io,
) -> Result<Status, DestroyError> {
    let wanted = named(assembly, &args.stacks)?;
    let wanted = with_dependents(assembly, wanted.iter().map(|stack| stack.name()));
    let aws = CloudFormation::new(config);
    let mut doomed = Vec::new();
    for stack in assembly.stacks().iter().rev() {
        if !wanted.contains(stack.name()) {
            continue;
        }
        if let Some(deployed) = aws.stack(stack.physical_name()).await? {
            check(stack, &deployed)?;
            doomed.push((stack, deployed));
        }
    }
    if doomed.is_empty() {
        io.emit(Event::Note {
            text: "there is nothing to destroy".to_owned(),
        });
        return Ok(Status::Fine);
    }
    agree(args, &doomed, io)?;
    let buckets = Buckets::new(config);
    for (stack, deployed) in doomed {
        let kept = prepare(args, stack, &deployed, &aws, &buckets, io).await?;
        let end = aws.delete(stack.name(), &deployed, io).await?;
        if let Some(still_there) = end.stack {
            return Err(DestroyError::Failed {
                stack: stack.name().to_owned(),
                status: still_there.status.as_str().to_owned(),
                failures: end.failures,
            });
        }
        for event in kept {
            io.emit(event);
        }
        io.emit(Event::Finished {
            stack: stack.name().to_owned(),
            status: StackStatus::DeleteComplete.as_str().to_owned(),
        });
    }
    Ok(Status::Fine)
}

fn check(stack: &StackArtifact, deployed: &Deployed) -> Result<(), DestroyError> {
    let stack = stack.name().to_owned();
    if deployed.is_protected {
        return Err(DestroyError::Protected { stack });
    }
    if deployed.is_busy() {
        return Err(DestroyError::Busy {
            stack,
            status: deployed.status.as_str().to_owned(),
        });
    }
    Ok(())
}

fn agree(
    args: &DestroyArgs,
    doomed: &[(&StackArtifact, Deployed)],
    io: &mut dyn Io,
) -> Result<(), DestroyError> {
    if args.yes {
        return Ok(());
    }
    let stacks: Vec<String> = doomed
        .iter()
        .map(|(stack, _)| stack.physical_name().to_owned())
        .collect();
    match io.ask(&format!("Destroy {}?", stacks.join(", "))) {
        Consent::Given => Ok(()),
        Consent::Refused => Err(DestroyError::Declined),
        Consent::NobodyThere => Err(DestroyError::NobodyThere { stacks }),
    }
}

/// Empties what goes if that was asked for, and returns what stays.
///
/// The template that is deployed decides, not the one that was synthesized.
async fn prepare(
    args: &DestroyArgs,
    stack: &StackArtifact,
    deployed: &Deployed,
    aws: &CloudFormation,
    buckets: &Buckets,
    io: &mut dyn Io,
) -> Result<Vec<Event>, DestroyError> {
    if deployed.status == StackStatus::ReviewInProgress {
        return Ok(Vec::new());
    }
    let template: Json = serde_json::from_str(&aws.template(&deployed.id).await?)
        .unwrap_or_else(|_| stack.template_json().clone());
    let mut kept = Vec::new();
    for (logical_id, type_name, physical_id) in aws.resources(&deployed.id).await? {
        let policy = template["Resources"][&logical_id]["DeletionPolicy"].as_str();
        let is_kept = matches!(policy, Some("Retain" | "RetainExceptOnCreate"));
        if is_kept {
            kept.push(Event::Retained {
                stack: stack.name().to_owned(),
                logical_id,
                type_name,
                physical_id,
            });
        } else if args.empty_buckets && type_name == "AWS::S3::Bucket" && !physical_id.is_empty() {
            let objects = buckets.empty(&physical_id).await?;
            io.emit(Event::Emptied {
                bucket: physical_id,
                objects,
            });
        }
    }
    Ok(kept)
}
