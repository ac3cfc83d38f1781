//! What `CloudFormation` takes in one template, and no more.
//!
//! Source of the figures: [Understand CloudFormation
//! quotas](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html),
//! and of tags the [Tag](https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-resource-tags.html)
//! type. A template over 51,200 bytes is no problem: whoever deploys uploads it.

use super::about;
use crate::{Problem, Resource, Tags, Tree, app::Stack, problem::ProblemKind};

/// The most entries in each section of a template.
const SECTIONS: [(&str, &str, usize); 4] = [
    ("Parameters", "parameters", 200),
    ("Mappings", "mappings", 200),
    ("Resources", "resources", 500),
    ("Outputs", "outputs", 200),
];

/// The largest template that is read from a bucket: 1 MB.
const MAX_TEMPLATE_BYTES: usize = 1_000_000;

/// The longest description of a template.
const MAX_DESCRIPTION_BYTES: usize = 1024;

/// The longest value of a parameter.
const MAX_PARAMETER_BYTES: usize = 4096;

/// The longest name of a parameter, mapping, resource, output or export.
const MAX_NAME: usize = 255;

/// The most dynamic references, such as `{{resolve:ssm:name}}`, in a template.
const MAX_DYNAMIC_REFERENCES: usize = 60;

/// The most tags of a resource, and the longest key and value.
const MAX_TAGS: usize = 50;
const MAX_TAG_KEY: usize = 128;
const MAX_TAG_VALUE: usize = 256;

/// What tags of one's own may not begin with.
const RESERVED_TAGS: &str = "aws:";

impl Stack {
    /// Reports what is too much in this stack's template, given as a tree and as text.
    pub(super) fn check_limits(&self, template: &Tree, text: &str, problems: &mut Vec<Problem>) {
        let mut too_much = |rest: String, found: String, most: String, hint: &str| {
            problems.push(
                Problem::new(ProblemKind::Limit, &self.name, rest)
                    .found(found)
                    .wanted(format_args!("at most {most}"))
                    .hint(hint)
                    .at(self.location),
            );
        };
        let divide = "move some of its constructs into another stack";
        for (section, what, most) in SECTIONS {
            let count = entries(template, section).count();
            if count > most {
                let rest = format!("has more {what} than CloudFormation takes");
                too_much(rest, count.to_string(), most.to_string(), divide);
            }
        }
        if text.len() > MAX_TEMPLATE_BYTES {
            too_much(
                "gives a larger template than CloudFormation takes".to_owned(),
                format!("{} bytes", text.len()),
                format!("{MAX_TEMPLATE_BYTES} bytes"),
                divide,
            );
        }
        let references = text.matches("{{resolve:").count();
        if references > MAX_DYNAMIC_REFERENCES {
            too_much(
                "has more dynamic references than CloudFormation takes".to_owned(),
                references.to_string(),
                MAX_DYNAMIC_REFERENCES.to_string(),
                divide,
            );
        }
        let description = self.description.as_deref().unwrap_or_default();
        if description.len() > MAX_DESCRIPTION_BYTES {
            too_much(
                "has a longer description than CloudFormation takes".to_owned(),
                format!("{} bytes", description.len()),
                format!("{MAX_DESCRIPTION_BYTES} bytes"),
                "say it in fewer words",
            );
        }
        for (name, parameter) in entries(template, "Parameters") {
            let default = parameter.get("Default").and_then(Tree::as_str);
            if let Some(default) = default.filter(|text| text.len() > MAX_PARAMETER_BYTES) {
                too_much(
                    format!("gives parameter `{name}` a longer default than CloudFormation takes"),
                    format!("{} bytes", default.len()),
                    format!("{MAX_PARAMETER_BYTES} bytes"),
                    "part it, and join the parts in the template",
                );
            }
        }
        for (name, output) in entries(template, "Outputs") {
            let export = output.get("Export").and_then(|export| export.get("Name"));
            let export = export.and_then(Tree::as_str).unwrap_or_default();
            for (what, name) in [("an output", name), ("an export", export)] {
                if name.len() > MAX_NAME {
                    too_much(
                        format!(
                            "has {what} with a longer name than CloudFormation takes: `{name}`"
                        ),
                        format!("{} characters", name.len()),
                        MAX_NAME.to_string(),
                        "shorten the ids along the construct's path, or the stack's name",
                    );
                }
            }
        }
        if entries(template, "Resources").next().is_none() {
            problems.push(
                Problem::new(
                    ProblemKind::Limit,
                    &self.name,
                    "has no resources; CloudFormation takes no empty stack",
                )
                .hint("add a construct to it, or do not open it")
                .at(self.location),
            );
        }
    }
}

/// Reports tags that AWS refuses, where the type says where they are.
pub(super) fn check_tags(resource: &Resource, problems: &mut Vec<Problem>) {
    let (property, tags) = match resource.tags {
        None => return,
        Some(Tags::List(property) | Tags::Map(property)) => match resource.get(property) {
            None => return,
            Some(tree) => (property, pairs(tree)),
        },
    };
    let mut wrong =
        |at: Option<String>, rest: String, found: String, wanted: String, hint: &str| {
            let at = at.map_or_else(|| property.to_owned(), |at| format!("{property}.{at}"));
            problems.push(
                about(resource, ProblemKind::Limit, rest)
                    .property(at)
                    .found(found)
                    .wanted(wanted)
                    .hint(hint),
            );
        };
    if tags.len() > MAX_TAGS {
        wrong(
            None,
            "has more tags than AWS takes".to_owned(),
            tags.len().to_string(),
            format!("at most {MAX_TAGS}"),
            "remove some",
        );
    }
    for (at, key, value) in tags {
        let length = key.chars().count();
        if length == 0 || length > MAX_TAG_KEY {
            wrong(
                Some(at.clone()),
                format!("has the tag `{key}`, whose key is no length that AWS takes"),
                format!("{length} characters"),
                format!("1 to {MAX_TAG_KEY}"),
                "name the tag otherwise",
            );
        }
        let is_reserved = key
            .get(..RESERVED_TAGS.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(RESERVED_TAGS));
        if is_reserved {
            wrong(
                Some(at.clone()),
                format!("has the tag `{key}`, whose beginning AWS keeps for itself"),
                RESERVED_TAGS.to_owned(),
                "another beginning".to_owned(),
                "name the tag otherwise",
            );
        }
        let length = value.map_or(0, |value| value.chars().count());
        if length > MAX_TAG_VALUE {
            wrong(
                Some(at),
                format!("has a longer value in the tag `{key}` than AWS takes"),
                format!("{length} characters"),
                format!("at most {MAX_TAG_VALUE}"),
                "shorten the value",
            );
        }
    }
}

/// Returns where each tag is, its key, and its value where that is known.
fn pairs(tags: &Tree) -> Vec<(String, &str, Option<&str>)> {
    match tags {
        Tree::List(items) => items
            .iter()
            .enumerate()
            .filter_map(|(index, tag)| {
                let key = tag.get("Key")?.as_str()?;
                Some((
                    index.to_string(),
                    key,
                    tag.get("Value").and_then(Tree::as_str),
                ))
            })
            .collect(),
        Tree::Map(entries) => entries
            .iter()
            .map(|(key, value)| (key.to_string(), &**key, value.as_str()))
            .collect(),
        _ => Vec::new(),
    }
}

fn entries<'t>(template: &'t Tree, section: &str) -> impl Iterator<Item = (&'t str, &'t Tree)> {
    let entries = match template.get(section) {
        Some(Tree::Map(entries)) => entries.as_slice(),
        _ => &[],
    };
    entries.iter().map(|(name, tree)| (&**name, tree))
}

#[cfg(test)]
mod tests;
