//! Which resource of today is which resource of before.
//!
//! A logical id is made from a construct's path, and `CloudFormation` knows a resource
//! by its logical id alone. So a renamed construct would be deleted and made anew,
//! with all the data in it. Two things keep that from happening unseen: a rename is
//! declared with [`App::moved`], and [`Assembly::keeps`] compares an assembly with the
//! one that was written before.

use std::panic::Location;

use crate::{
    App, Assembly, Problem, StackArtifact, SynthError, assembly::ConstructEntry,
    problem::ProblemKind, reference,
};

/// A construct that was renamed.
pub(crate) struct Move {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) location: &'static Location<'static>,
}

/// A construct that was removed on purpose.
#[derive(Debug, Clone)]
pub(crate) struct Gone {
    pub(crate) path: String,
    pub(crate) location: &'static Location<'static>,
}

impl App {
    /// Says that the construct at the path `to` was at the path `from` before.
    ///
    /// Its resources, and all below it, keep the logical ids that they had there, so
    /// nothing is replaced. The line stays as long as they live.
    ///
    /// ```
    /// # use lightsout_core::{App, Properties, ResourceType, Stage};
    /// # struct Table(Properties);
    /// # impl From<Table> for Properties { fn from(table: Table) -> Self { table.0 } }
    /// # impl ResourceType for Table {
    /// #     const TYPE: &'static str = "AWS::DynamoDB::Table";
    /// #     const REQUIRED: &'static [&'static str] = &[];
    /// # }
    /// let mut app = App::new("lightsout", Stage::new("dev"));
    /// # let key = Properties::default().with("AttributeName", "id").with("KeyType", "HASH");
    /// # let table = Table(Properties::default().with("KeySchema", vec![lightsout_core::Tree::from(key)]));
    /// app.stack("Storage").add("Charts", table);
    /// app.moved("Storage/Documents", "Storage/Charts");
    ///
    /// let assembly = app.synth()?;
    /// assert!(assembly.template("Storage").json()["Resources"]["Documents"].is_object());
    /// # Ok::<(), lightsout_core::SynthError>(())
    /// ```
    ///
    /// Both paths begin with the same stack: from stack to stack, resources are moved
    /// by a [stack refactoring](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-refactoring.html).
    #[track_caller]
    pub fn moved(&mut self, from: &str, to: &str) {
        self.moves.push(Move {
            from: from.to_owned(),
            to: to.to_owned(),
            location: Location::caller(),
        });
    }

    /// Says that the construct that was at `path`, with all below it, is gone on purpose.
    ///
    /// Without this line, what held data and is no longer there is a problem, see
    /// [`Assembly::keeps`]. A stack's name alone stands for all that was in it. Remove
    /// the line when the removal is deployed.
    #[track_caller]
    pub fn gone(&mut self, path: &str) {
        self.gone.push(Gone {
            path: path.to_owned(),
            location: Location::caller(),
        });
    }

    /// Synthesizes, and reports what `previous` held and the new assembly would lose.
    ///
    /// Nothing else is taken from `previous`: the assembly is what
    /// [`synth`](Self::synth) gives.
    pub fn synth_against(&self, previous: &Assembly) -> Result<Assembly, SynthError> {
        let assembly = self.synth()?;
        assembly.keeps(previous)?;
        Ok(assembly)
    }
}

impl Assembly {
    /// Reports what `previous`, the same stage as it was written before, held and this
    /// assembly would lose.
    ///
    /// - A resource that [holds data](StackArtifact::is_stateful) whose logical id is
    ///   gone, or belongs to another type now: it would be deleted, or made anew and
    ///   empty. Declare [`App::moved`] or [`App::gone`].
    /// - A stack that is called otherwise in AWS, or is in another region or account:
    ///   all in it would be made anew. Declare [`App::gone`] for the stack.
    /// - An export that another stack imported and that is gone: `CloudFormation`
    ///   would refuse to update the producer as long as the user is deployed with the
    ///   import. Write [`App::keep_export`] for one deployment.
    ///
    /// Declarations are known to an assembly that comes from [`App::synth`] only.
    pub fn keeps(&self, previous: &Self) -> Result<(), SynthError> {
        let mut problems = Vec::new();
        let stacks = previous.stacks.iter();
        for before in stacks.flat_map(StackArtifact::with_nested) {
            self.check_stack(before, previous, &mut problems);
        }
        if problems.is_empty() {
            return Ok(());
        }
        problems.sort_by(|left, right| (&left.path, left.kind).cmp(&(&right.path, right.kind)));
        Err(SynthError { problems })
    }

    fn check_stack(&self, before: &StackArtifact, previous: &Self, problems: &mut Vec<Problem>) {
        let stateful: Vec<&ConstructEntry> = before
            .constructs
            .iter()
            .filter(|entry| before.is_stateful(&entry.logical_id))
            .filter(|entry| !self.is_declared_gone(&path(before, entry)))
            .collect();
        let mut stacks = self.stacks.iter().flat_map(StackArtifact::with_nested);
        let Some(now) = stacks.find(|stack| stack.name() == before.name()) else {
            for entry in stateful {
                problems.push(vanished(before, entry).hint(format!(
                    "if its stack is to go, write `app.gone({:?})`, and delete the stack by \
                     hand; nothing else will",
                    before.name()
                )));
            }
            return;
        };
        if let Some((was, is)) = elsewhere(before, now) {
            if let Some(entry) = stateful.first() {
                let problem = Problem::new(
                    ProblemKind::Identity,
                    now.name(),
                    format_args!(
                        "is another stack in AWS now: `{}`, and all else in it, would be made \
                         anew and empty",
                        path(before, entry)
                    ),
                )
                .found(is)
                .wanted(was)
                .hint(format!(
                    "keep the names of the app, stage and stack, or write `app.gone({:?})`",
                    now.name()
                ));
                problems.push(located(problem, now));
            }
            return;
        }
        for entry in stateful {
            let kept = now.template_json()["Resources"][&entry.logical_id]["Type"].as_str();
            if kept != Some(&entry.type_name) {
                problems.push(self.explain(before, now, entry));
            }
        }
        check_exports(before, now, previous, problems);
    }

    /// Says which construct of today is likely to be the one that vanished.
    fn explain(
        &self,
        before: &StackArtifact,
        now: &StackArtifact,
        entry: &ConstructEntry,
    ) -> Problem {
        let from = path(before, entry);
        let problem = vanished(before, entry);
        if let Some(new) = likeliest(before, now, entry) {
            let to = path(now, new);
            let (from, to) = whole_move(&from, &to, now);
            let problem = problem.hint(format!(
                "if it is `{}` now, write `app.moved({from:?}, {to:?})`; if it is to go, \
                 `app.gone({from:?})`",
                path(now, new)
            ));
            return match new.location {
                Some(location) => problem.at(location),
                None => problem,
            };
        }
        let elsewhere = self
            .stacks
            .iter()
            .flat_map(StackArtifact::with_nested)
            .filter(|stack| stack.name() != before.name())
            .find_map(|stack| Some((stack, likeliest(before, stack, entry)?)))
            .filter(|(_, new)| last(&new.path) == last(&entry.path));
        let problem = match elsewhere {
            Some((stack, new)) => problem.hint(format!(
                "if it is `{}` now, move it with a stack refactoring (`aws cloudformation \
                 create-stack-refactor`) and write `app.gone({from:?})`; deploying would make \
                 a new one",
                path(stack, new)
            )),
            None => problem.hint(format!(
                "add it again, or write `app.gone({from:?})` if it is to go"
            )),
        };
        located(problem, now)
    }

    fn is_declared_gone(&self, path: &str) -> bool {
        self.gone.iter().any(|gone| is_within(path, gone))
    }
}

/// Reports exports that are gone while the deployed consumer may still import them.
fn check_exports(
    before: &StackArtifact,
    now: &StackArtifact,
    previous: &Assembly,
    problems: &mut Vec<Problem>,
) {
    let kept: Vec<&str> = reference::exports(now.template_json())
        .map(|(name, _)| name)
        .collect();
    for (export, value) in reference::exports(before.template_json()) {
        if kept.contains(&export) {
            continue;
        }
        let users: Vec<&str> = previous
            .stacks
            .iter()
            .filter(|stack| reference::imports(stack.template_json(), export))
            .map(StackArtifact::name)
            .collect();
        let [first, ..] = users.as_slice() else {
            continue;
        };
        let logical_id = reference::exported(value).map_or("", |(logical_id, _)| logical_id);
        let place = match before.path_of(logical_id) {
            Some(path) => format!("{}/{path}", before.name()),
            None => before.name().to_owned(),
        };
        let is_there = now.template_json()["Resources"].get(logical_id).is_some();
        let line = reference::line_that_keeps(before, value);
        let problem = Problem::new(
            ProblemKind::Export,
            &place,
            format_args!(
                "is no longer exported as `{export}`, which `{}` imported: `{}` cannot be \
                 deployed while that import is deployed",
                users.join("`, `"),
                before.name()
            ),
        )
        .hint(if is_there {
            format!("write `{line}`, deploy until `{first}` is there, then remove the line")
        } else {
            format!(
                "add it again and write `{line}`, deploy until `{first}` is there, then \
                 remove both"
            )
        });
        let location = now
            .constructs
            .iter()
            .find(|entry| entry.logical_id == logical_id)
            .and_then(|entry| entry.location);
        problems.push(match location {
            Some(location) => problem.at(location),
            None => located(problem, now),
        });
    }
}

/// Returns whether `path` is `whole` or below it.
pub(crate) fn is_within(path: &str, whole: &str) -> bool {
    path.strip_prefix(whole)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn vanished(stack: &StackArtifact, entry: &ConstructEntry) -> Problem {
    Problem::new(
        ProblemKind::Identity,
        path(stack, entry),
        format_args!(
            "({}) holds data, and its logical id `{}` is gone from stack `{}`: it would be \
             deleted, or left behind and a new one made",
            entry.type_name,
            entry.logical_id,
            stack.name()
        ),
    )
}

fn located(problem: Problem, stack: &StackArtifact) -> Problem {
    match stack.constructs.iter().find_map(|entry| entry.location) {
        Some(location) => problem.at(location),
        None => problem,
    }
}

fn path(stack: &StackArtifact, entry: &ConstructEntry) -> String {
    format!("{}/{}", stack.name(), entry.path)
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Returns how the stack was known to AWS and how it is now, if these differ.
fn elsewhere(before: &StackArtifact, now: &StackArtifact) -> Option<(String, String)> {
    let is_other = |before: &Option<String>, now: &Option<String>| {
        before.is_some() && now.is_some() && before != now
    };
    if before.physical_name() != now.physical_name() {
        return Some((
            before.physical_name().to_owned(),
            now.physical_name().to_owned(),
        ));
    }
    let (was, is) = (before.environment(), now.environment());
    (is_other(&was.account, &is.account) || is_other(&was.region, &is.region))
        .then(|| (was.url(), is.url()))
}

/// Returns the new construct of the same type that is most like the one that vanished.
fn likeliest<'a>(
    before: &StackArtifact,
    now: &'a StackArtifact,
    entry: &ConstructEntry,
) -> Option<&'a ConstructEntry> {
    let old = &before.template_json()["Resources"];
    let likeness = |new: &ConstructEntry| {
        let properties = &now.template_json()["Resources"][&new.logical_id]["Properties"];
        (
            last(&new.path) == last(&entry.path),
            *properties == old[&entry.logical_id]["Properties"],
        )
    };
    now.constructs
        .iter()
        .filter(|new| new.type_name == entry.type_name)
        .filter(|new| before.name() != now.name() || old.get(&new.logical_id).is_none())
        // Of equals, the first.
        .rev()
        .max_by_key(|new| likeness(new))
}

/// Leaves out what both paths end in: the construct that was renamed, not its parts.
fn whole_move(from: &str, to: &str, now: &StackArtifact) -> (String, String) {
    let (from_whole, to_whole) = (from.to_owned(), to.to_owned());
    let (mut from, mut to): (Vec<&str>, Vec<&str>) =
        (from.split('/').collect(), to.split('/').collect());
    // The stack and the id that differs stay.
    while from.len() > 2 && to.len() > 2 && from.last() == to.last() {
        from.pop();
        to.pop();
    }
    let (short, whole) = (from.join("/"), (from_whole, to_whole));
    let is_there = |entry: &ConstructEntry| is_within(&path(now, entry), &short);
    if now.constructs.iter().any(is_there) {
        return whole;
    }
    (short, to.join("/"))
}

#[cfg(test)]
mod tests;
