//! The control matrix: each control with its status and what it is met by.

use std::iter;

use serde::Serialize;

use super::{Document, markdown, named};
use crate::{
    controls::{Check, Control},
    graph::Graph,
};

/// How a control stands in an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Met,
    /// Not done, with a reason.
    Open,
    /// Done in production, and missing from these templates.
    NotMet,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    id: &'a str,
    cfr: &'a str,
    severity: &'a str,
    status: Status,
    /// What it is met by, or why it is open.
    because: &'a str,
    /// The resources that have what it takes.
    resources: Vec<String>,
    /// The tests and files that say so, and the types that do not occur.
    evidence: Vec<String>,
    /// What is missing from the templates.
    faults: Vec<String>,
}

pub(super) fn document(graph: &Graph, controls: &[Control]) -> Document {
    let rows: Vec<_> = controls.iter().map(|control| row(graph, control)).collect();
    let count = |status| rows.iter().filter(|row| row.status == status).count();
    let not_met = count(Status::NotMet);
    let mut text = format!(
        "{} controls: {} met, {} open, {not_met} not met. A control is met where its resources \
         have what it asks for, and the named tests and files do the rest. The controls are \
         those of production; what another environment does without is not met there.\n\n",
        rows.len(),
        count(Status::Met),
        count(Status::Open),
    );
    text += &markdown::table(
        [
            "control",
            "45 CFR",
            "severity",
            "status",
            "met by, or why it is open",
            "seen in",
        ],
        rows.iter().map(|row| {
            let seen = [&row.resources[..], &row.evidence[..]].concat();
            let faults = row.faults.iter().map(|fault| format!("missing: {fault}"));
            let because: Vec<_> = iter::once(row.because.to_owned()).chain(faults).collect();
            [
                format!("`{}`", row.id),
                row.cfr.to_owned(),
                row.severity.to_owned(),
                row.status.name().to_owned(),
                because.join("\n"),
                seen.join("\n"),
            ]
        }),
    );
    Document {
        findings: not_met,
        ..Document::new("controls", "Control matrix", text, &rows)
    }
}

fn row<'a>(graph: &Graph, control: &'a Control) -> Row<'a> {
    let checks = control.checks.iter();
    let faults: Vec<_> = checks.clone().filter_map(|one| one.fault(graph)).collect();
    let status = if control.open.is_some() {
        Status::Open
    } else if faults.is_empty() && !control.checks.is_empty() {
        Status::Met
    } else {
        Status::NotMet
    };
    let mut resources: Vec<_> = checks
        .clone()
        .flat_map(|check| check.resources(graph))
        .map(named)
        .collect();
    resources.sort();
    resources.dedup();
    let evidence = checks.filter_map(|check| match check {
        Check::Test { test, name } => Some(format!("`{name}` in {test}")),
        Check::Code { code, .. } => Some(code.clone()),
        Check::None { none } => Some(format!("no {none}")),
        _ => None,
    });
    let because = control.open.as_ref().or(control.by.as_ref());
    Row {
        id: &control.id,
        cfr: &control.cfr,
        severity: &control.severity,
        status,
        because: because.map_or("", String::as_str),
        resources,
        evidence: evidence.collect(),
        faults,
    }
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Open => "open",
            Self::NotMet => "not met",
        }
    }
}
