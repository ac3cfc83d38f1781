//! What may cross from stack to stack, and from region to region.

use std::{fmt, panic::Location};

use super::wiring::Wiring;
use crate::{
    App, Problem, Token,
    problem::ProblemKind,
    symbols::{Symbols, Target},
};

/// What a problem of wiring is about.
pub(super) struct Subject<'a> {
    pub(super) path: &'a str,
    pub(super) type_name: Option<&'static str>,
    pub(super) property: Option<&'a str>,
    pub(super) location: &'static Location<'static>,
}

impl Subject<'_> {
    pub(super) fn problem(
        &self,
        kind: ProblemKind,
        rest: impl fmt::Display,
        hint: impl Into<String>,
    ) -> Problem {
        let mut problem = Problem::new(kind, self.path, rest)
            .hint(hint)
            .at(self.location);
        problem.type_name = self.type_name;
        problem.property = self.property.map(str::to_owned);
        problem
    }
}

impl App {
    /// Reports a reference that `CloudFormation` cannot resolve where its user is.
    pub(super) fn check_environments(
        &self,
        token: &Token,
        is_weak: bool,
        (user, owner): (usize, usize),
        subject: &Subject<'_>,
        problems: &mut Vec<Problem>,
    ) {
        let here = &self.stacks[user].environment;
        let there = &self.stacks[owner].environment;
        if here == there {
            return;
        }
        let of = self.path_of(token);
        let is_readable = matches!(token, Token::Weak { role: Some(_), .. });
        let hint = if here.partition() != there.partition()
            && let (Some(_), Some(_)) = (here.partition(), there.partition())
        {
            "nothing crosses partitions: pass it as a parameter".to_owned()
        } else if here.account != there.account && !is_readable {
            "hand it over with `.weak_as(role)`, where the role is one of that account that \
             may describe the stack and that this account may assume; or give the resource \
             a physical name and write that as text"
                .to_owned()
        } else if here.region != there.region && there.region.is_none() {
            "fix the region of the stage with `Stage::region`, then use `.weak()`".to_owned()
        } else if !is_weak {
            "hand it over with `.weak()`, which reads it with `Fn::GetStackOutput`, or give \
             the resource a physical name and write that as text; exports and SSM parameters \
             end at the border of a region"
                .to_owned()
        } else {
            return;
        };
        problems.push(
            subject
                .problem(
                    ProblemKind::Environment,
                    format_args!("refers to `{of}` in another region or account"),
                    hint,
                )
                .found(there.url())
                .wanted(here.url()),
        );
    }

    /// Exports what the author keeps.
    pub(super) fn wire_kept_exports(
        &self,
        wiring: &mut Wiring<'_>,
        symbols: &Symbols,
        problems: &mut Vec<Problem>,
    ) {
        for kept in &self.kept_exports {
            let mut subject = Subject {
                path: &self.name,
                type_name: None,
                property: None,
                location: kept.location,
            };
            let mut count = 0;
            let mut keep = |token: &Token| {
                match symbols.target(token) {
                    Target::None | Target::Asset(_) => return,
                    Target::Foreign => problems.push(subject.problem(
                        ProblemKind::ForeignReference,
                        "keeps the export of something in another app",
                        "keep it in the app that it belongs to",
                    )),
                    Target::Own {
                        stack,
                        logical_id,
                        attribute,
                        ..
                    } => {
                        subject.path = self.path_of(token);
                        let names = [
                            symbols.parameter_name(stack, logical_id, attribute),
                            symbols.output_name(stack, logical_id, attribute),
                        ];
                        let root = symbols.root_of(stack);
                        let passage = (stack, root);
                        // Whose output is called the same is told where it is exported.
                        wiring.nesting.carry(symbols, token, passage, &names);
                        wiring.export(symbols, token, false, &subject, problems);
                    }
                }
                count += 1;
            };
            if let Some(token) = &kept.token {
                token.tokens(&mut keep);
            }
            if count == 0 {
                problems.push(
                    Problem::new(
                        ProblemKind::Export,
                        &self.name,
                        "keeps the export of a value that is known now, and was never exported",
                    )
                    .hint("remove the line, or pass what refers to a resource")
                    .at(kept.location),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
