//! What checkers find in the policies, with the answer to each, and what is left out.

use serde::{Deserialize, Serialize};

use super::{Document, PackError, markdown};
use crate::{environment::Settings, graph::Graph, omission::Omission};

/// The table `policy-findings.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    answer: Vec<Answer>,
}

/// What a checker finds, and why it stays.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    tool: String,
    issue: String,
    about: String,
    policies: Vec<String>,
    reason: String,
}

#[derive(Debug, Serialize)]
struct LeftOut {
    what: String,
    reason: &'static str,
}

#[derive(Debug, Serialize)]
struct Findings {
    policies: Vec<Answer>,
    left_out: Vec<LeftOut>,
}

pub(super) fn document(graph: &Graph, settings: &Settings) -> Result<Document, PackError> {
    let table: Table = toml::from_str(include_str!("../../policy-findings.toml"))
        .map_err(|source| PackError::table("stacks/policy-findings.toml", source))?;
    let is_here = |name: &String| {
        let place = name.split_once('/');
        place.is_some_and(|(stack, id)| {
            graph
                .resources
                .contains_key(&(stack.to_owned(), id.to_owned()))
        })
    };
    let mut policies = table.answer;
    for answer in &mut policies {
        answer.policies.retain(is_here);
    }
    policies.retain(|answer| !answer.policies.is_empty());
    let left_out = Omission::ALL
        .into_iter()
        .filter(|omission| settings.leaves_out(*omission))
        .map(|omission| LeftOut {
            what: format!("{omission:?}"),
            reason: omission.reason(),
        })
        .collect();
    let findings = Findings { policies, left_out };
    let mut text = "Synth found no problem, as it writes nothing otherwise. Where a control is \
                    not met or open, the control matrix says so.\n\n## Findings in policies, and \
                    why they stay\n\n"
        .to_owned();
    text += &markdown::table(
        ["tool", "finding", "about", "policies", "why it stays"],
        findings.policies.iter().map(|answer| {
            [
                answer.tool.clone(),
                answer.issue.clone(),
                format!("`{}`", answer.about),
                answer.policies.join("\n"),
                answer.reason.clone(),
            ]
        }),
    );
    text += "\n## What the environment does without\n\n";
    text += &match &findings.left_out[..] {
        [] => "Nothing.\n".to_owned(),
        left_out => markdown::table(
            ["what", "why"],
            left_out
                .iter()
                .map(|one| [one.what.clone(), one.reason.to_owned()]),
        ),
    };
    Ok(Document::new(
        "findings",
        "Findings and waivers",
        text,
        &findings,
    ))
}
