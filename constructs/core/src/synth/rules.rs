//! Checks of each resource by itself: what its type needs and what the rules say.

use super::{about, limits::check_tags};
use crate::{App, Problem, Resource, Resources, Tree, problem::ProblemKind};

impl App {
    pub(super) fn check_resources(&self, resources: &[Resource], problems: &mut Vec<Problem>) {
        for resource in resources {
            for property in resource.required {
                if resource.get(property).is_none() {
                    problems.push(
                        about(
                            resource,
                            ProblemKind::MissingProperty,
                            format_args!("needs `{property}`"),
                        )
                        .property(*property),
                    );
                }
            }
            for (property, tree) in resource.properties.iter() {
                check_ascii(resource, property, property, tree, problems);
            }
            check_tags(resource, problems);
            for check in &self.checks {
                for finding in check.check(resource, &Resources(resources)) {
                    let rule = check.rule();
                    let mut problem = about(
                        resource,
                        ProblemKind::Rule(rule),
                        format_args!("breaks `{rule}`"),
                    )
                    .hint(finding.hint);
                    problem.property = finding.property;
                    problem.found = finding.found;
                    problem.wanted = finding.wanted;
                    problems.push(problem);
                }
            }
        }
    }
}

/// Reports text outside ASCII where the service's own pattern refuses it.
///
/// Security groups and IAM refuse such descriptions, and the services below such
/// names; `CloudFormation` would only say so in the middle of a deployment.
fn check_ascii(
    resource: &Resource,
    property: &str,
    key: &str,
    tree: &Tree,
    problems: &mut Vec<Problem>,
) {
    const STRICT_NAMES: [&str; 9] = [
        "AWS::ApiGateway::",
        "AWS::DynamoDB::",
        "AWS::EC2::",
        "AWS::IAM::",
        "AWS::Lambda::",
        "AWS::Logs::",
        "AWS::S3::",
        "AWS::SNS::",
        "AWS::SQS::",
    ];
    match tree {
        Tree::List(items) => items
            .iter()
            .for_each(|item| check_ascii(resource, property, key, item, problems)),
        Tree::Map(entries) => entries
            .iter()
            .for_each(|(key, tree)| check_ascii(resource, property, key, tree, problems)),
        Tree::Token(_) => (),
        Tree::Literal(_) => {
            let Some(text) = tree.as_str().filter(|text| !text.is_ascii()) else {
                return;
            };
            let is_strict = |services: &[&str]| {
                services
                    .iter()
                    .any(|service| resource.type_name.starts_with(service))
            };
            let is_refused = key == "GroupDescription"
                || (key == "Description" && is_strict(&["AWS::EC2::", "AWS::IAM::"]))
                || (key.ends_with("Name") && is_strict(&STRICT_NAMES));
            if is_refused {
                let wrong = text.chars().find(|c| !c.is_ascii()).unwrap_or_default();
                problems.push(
                    about(
                        resource,
                        ProblemKind::NonAscii,
                        format_args!("has `{wrong}` in `{key}`, where AWS takes only ASCII"),
                    )
                    .property(property)
                    .hint("write it with plain letters"),
                );
            }
        }
    }
}
