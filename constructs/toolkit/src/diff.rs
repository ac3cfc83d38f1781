//! `diff`: what would change, property by property.

use std::path::{Path, PathBuf};

use lightsout_core::{Assembly, ReadError, StackArtifact, read_assemblies};
use serde_json::{Value as Json, json};

#[cfg(feature = "aws")]
use crate::{build::BuiltAssets, deployed::AwsFault, selection::UnknownStack};
use crate::{
    compare::{StackDifference, compare},
    io::{Event, Hint, Io, fail},
    status::Status,
};

/// Show what differs from what is deployed
///
/// Ends with exit code 1 if there is a difference.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DiffArgs {
    /// Stacks to compare (can be repeated); all if none is named
    pub stacks: Vec<String>,
    /// Folder with an earlier assembly to compare with, instead of AWS
    #[arg(long, value_name = "DIR")]
    pub against: Option<PathBuf>,
}

/// Why nothing could be compared.
#[cfg(feature = "aws")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// There is no such stack.
    #[error(transparent)]
    UnknownStack(#[from] UnknownStack),
    /// AWS did not answer as hoped.
    #[error(transparent)]
    Aws(#[from] AwsFault),
    /// What is deployed is no JSON, so something else deployed it.
    #[error("the template of stack `{stack}` that is deployed is not JSON")]
    NotJson {
        /// The name in AWS.
        stack: String,
        /// Where the text stops being JSON.
        #[source]
        source: serde_json::Error,
    },
}

#[cfg(feature = "aws")]
impl Hint for DiffError {}
impl Hint for ReadError {}

/// Compares assemblies with those in a folder, stage by stage, without AWS.
pub fn diff_folders(assemblies: &[Assembly], against: &Path, io: &mut dyn Io) -> Status {
    let before = match read_assemblies(against) {
        Ok(before) => before,
        Err(error) => return fail(&error, io),
    };
    let empty = json!({});
    let mut status = Status::Fine;
    for assembly in assemblies {
        let stage = &assembly.stage().name;
        let before = before.iter().find(|before| before.stage().name == *stage);
        let old_stacks = before.map_or_else(Vec::new, with_nested);
        let new_stacks = with_nested(assembly);
        let find = |stacks: &[_], name: &str| {
            let mut stacks = stacks.iter().copied();
            stacks.find(|stack: &&StackArtifact| stack.name() == name)
        };
        for stack in &new_stacks {
            let old = find(&old_stacks, stack.name());
            let template = old.map_or(&empty, StackArtifact::template_json);
            let difference = difference(stack, old.is_none(), template);
            status = status.max(tell(stack.name(), difference, io));
        }
        let gone = old_stacks
            .iter()
            .filter(|stack| find(&new_stacks, stack.name()).is_none());
        for stack in gone {
            let difference = StackDifference {
                stack: stack.name().to_owned(),
                is_new: false,
                differences: compare(stack.template_json(), &empty),
            };
            status = status.max(tell(stack.name(), difference, io));
        }
    }
    status
}

/// Returns every stack, and after each the ones that are nested in it.
fn with_nested(assembly: &Assembly) -> Vec<&StackArtifact> {
    let stacks = assembly.stacks().iter();
    stacks
        .flat_map(|stack| std::iter::once(stack).chain(stack.nested()))
        .collect()
}

/// Compares an assembly with what is deployed.
///
/// Whether a change replaces a resource is asked of AWS, by a change set that
/// is deleted again. Code counts as changed where `built` holds another hash
/// than the one deployed; without `built`, code is not compared.
#[cfg(feature = "aws")]
pub async fn diff(
    args: &DiffArgs,
    assembly: &Assembly,
    built: Option<&BuiltAssets>,
    config: &lightsout_aws::SdkConfig,
    io: &mut dyn Io,
) -> Result<Status, DiffError> {
    use crate::{deployed::CloudFormation, selection::named};

    let stacks = named(assembly, &args.stacks)?;
    if let Some(against) = &args.against {
        return Ok(diff_folders(std::slice::from_ref(assembly), against, io));
    }
    let aws = CloudFormation::new(config);
    let mut status = Status::Fine;
    for stack in stacks {
        let Some(deployed) = aws.stack(stack.physical_name()).await? else {
            let difference = difference(stack, true, &json!({}));
            status = status.max(tell(stack.name(), difference, io));
            continue;
        };
        let text = aws.template(stack.physical_name()).await?;
        let old: Json = serde_json::from_str(&text).map_err(|source| DiffError::NotJson {
            stack: stack.physical_name().to_owned(),
            source,
        })?;
        let mut difference = difference(stack, false, &old);
        let code = built
            .into_iter()
            .flat_map(|built| changed_code(stack, built, &deployed.parameters));
        difference.differences.extend(code);
        if difference.differences.iter().any(may_replace) {
            match aws.replacements(stack, &old).await {
                Ok(replacements) => {
                    for one in &mut difference.differences {
                        if one.section == "Resources" {
                            let known = replacements.get(&one.name).copied();
                            one.replacement = known.or(one.replacement);
                        }
                    }
                }
                Err(fault) => io.emit(Event::Note {
                    text: format!("whether resources are replaced is not known: {fault}"),
                }),
            }
        }
        status = status.max(tell(stack.name(), difference, io));
    }
    Ok(status)
}

fn difference(stack: &StackArtifact, is_new: bool, old: &Json) -> StackDifference {
    let mut differences = compare(old, stack.template_json());
    for difference in &mut differences {
        if difference.section == "Resources" {
            difference.construct = stack.path_of(&difference.name).map(str::to_owned);
        }
    }
    StackDifference {
        stack: stack.name().to_owned(),
        is_new,
        differences,
    }
}

fn tell(stack: &str, difference: StackDifference, io: &mut dyn Io) -> Status {
    if difference.differences.is_empty() && !difference.is_new {
        io.emit(Event::Same {
            stack: stack.to_owned(),
        });
        return Status::Fine;
    }
    io.emit(Event::Differs { difference });
    Status::Finding
}

#[cfg(feature = "aws")]
fn may_replace(difference: &crate::compare::Difference) -> bool {
    difference.section == "Resources"
        && matches!(difference.change, crate::compare::Change::Changed { .. })
}

#[cfg(feature = "aws")]
fn changed_code(
    stack: &StackArtifact,
    built: &BuiltAssets,
    deployed: &std::collections::BTreeMap<String, String>,
) -> Vec<crate::compare::Difference> {
    use crate::compare::{Change, Difference, ValueChange};

    let changed = |parameter: &lightsout_core::StackParameter| {
        let new = &built.get(parameter.asset.as_ref()?)?.sha256;
        let old = deployed.get(&parameter.name)?;
        (old != new).then(|| Difference {
            section: "Code".to_owned(),
            name: parameter.asset.clone().unwrap_or_default(),
            construct: None,
            type_name: None,
            stateful: false,
            replacement: None,
            change: Change::Changed {
                values: vec![ValueChange {
                    path: parameter.name.clone(),
                    old: Some(Json::from(old.as_str())),
                    new: Some(Json::from(new.as_str())),
                }],
            },
        })
    };
    stack.parameters().iter().filter_map(changed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixtures::Queue,
        io::{Consent, Recorder},
    };
    use lightsout_core::{App, Properties, Stage, write_assemblies};

    fn assembly(description: &str, stacks: &[&str]) -> Assembly {
        let mut app = App::new("lamp", Stage::new("dev"));
        for stack in stacks {
            let mut stack = app.stack(stack);
            stack.describe(description);
            stack.add("Queue", Queue(Properties::default()));
        }
        app.synth().unwrap()
    }

    #[test]
    fn two_folders_are_compared_without_aws() {
        let folder = tempfile::tempdir().unwrap();
        write_assemblies(folder.path(), &[assembly("first", &["Old", "Both"])]).unwrap();
        let check = |new: &Assembly| {
            let mut io = Recorder::new(Consent::NobodyThere);
            let status = diff_folders(std::slice::from_ref(new), folder.path(), &mut io);
            (status, io.events)
        };
        let (status, events) = check(&assembly("first", &["Old", "Both"]));
        assert_eq!(status, Status::Fine);
        assert!(
            events
                .iter()
                .all(|event| matches!(event, Event::Same { .. }))
        );
        let (status, events) = check(&assembly("second", &["Both", "New"]));
        assert_eq!(status, Status::Finding);
        let differing = events.iter().filter_map(|event| match event {
            Event::Differs { difference } => Some((difference.stack.as_str(), difference.is_new)),
            _ => None,
        });
        let differing: Vec<_> = differing.collect();
        assert_eq!(differing, [("Both", false), ("New", true), ("Old", false)]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let mut io = Recorder::new(Consent::NobodyThere);
        let status = diff_folders(
            &[assembly("", &["A"])],
            &folder.path().join("nowhere"),
            &mut io,
        );
        assert_eq!(status, Status::Failure);
    }
}
