//! Checks of conditions, mappings, rules, parameters, policies and functions.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    panic::Location,
};

use super::{
    about,
    wiring::{User, Wiring},
};
use crate::{
    App, ConditionId, DeletionPolicy, Part, Problem, Resource, Token, Tree,
    condition::Declared,
    intrinsic::wrong_in_sub,
    nearest::nearest,
    policy::Policy,
    problem::ProblemKind,
    symbols::{Symbols, Target},
};

/// The most attributes of a mapping, and the longest name of a mapping or attribute,
/// as of the quotas page of the user guide.
const MAX_ATTRIBUTES: usize = 200;
const MAX_KEY: usize = 255;

/// The longest name of a custom resource type, with `Custom::`.
const MAX_CUSTOM_TYPE: usize = 60;

/// Types that can be deleted after a last snapshot, as of the user guide's page on
/// `DeletionPolicy`.
const WITH_SNAPSHOTS: [&str; 9] = [
    "AWS::DocDB::DBCluster",
    "AWS::EC2::Volume",
    "AWS::ElastiCache::CacheCluster",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::Neptune::DBCluster",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::Redshift::Cluster",
    "AWS::Neptune::DBInstance",
];

impl App {
    /// Checks what needs no wiring: definitions by themselves.
    pub(super) fn check_language(&self, resources: &[Resource], problems: &mut Vec<Problem>) {
        for parameter in &self.parameters {
            let is_nested = self.stacks[parameter.stack].parent.is_some();
            let mut wrong = parameter.parameter.wrong();
            if is_nested && parameter.parameter.default.is_none() {
                wrong.push(
                    "is a parameter of a nested stack, which nobody gives a value".to_owned(),
                );
            }
            problems.extend(wrong.into_iter().map(|wrong| {
                let problem = Problem::new(ProblemKind::Parameter, &parameter.path, wrong);
                let problem = problem.at(parameter.location);
                if is_nested {
                    problem.hint("add it to the stack around, and use its value inside")
                } else {
                    problem
                }
            }));
        }
        self.check_declared_names(problems);
        self.check_mappings(problems);
        for rule in &self.language.rules {
            if rule.what.assertions.is_empty() {
                problems.push(
                    Problem::new(
                        ProblemKind::ParameterRule,
                        &rule.path,
                        "is a rule without an assertion",
                    )
                    .hint("add one with `Rule::assert`")
                    .at(rule.location),
                );
            }
            if has_empty_operands(&rule.what.tree()) {
                problems.push(no_operands(rule, ProblemKind::ParameterRule));
            }
        }
        for condition in &self.language.conditions {
            if has_empty_operands(&condition.what.0) {
                problems.push(no_operands(condition, ProblemKind::Condition));
            }
        }
        for resource in resources {
            check_policies(resource, problems);
            check_custom(resource, problems);
        }
    }

    fn check_declared_names(&self, problems: &mut Vec<Problem>) {
        fn place<T>(declared: &Declared<T>) -> (usize, &str, &str, &'static Location<'static>) {
            (
                declared.stack,
                &declared.logical_id,
                &declared.path,
                declared.location,
            )
        }
        let language = &self.language;
        let conditions = language
            .conditions
            .iter()
            .map(|one| ("condition", place(one)));
        let mappings = language.mappings.iter().map(|one| ("mapping", place(one)));
        let rules = language.rules.iter().map(|one| ("rule", place(one)));
        let mut taken = HashMap::new();
        for (section, (stack, logical_id, path, location)) in
            conditions.chain(mappings).chain(rules)
        {
            if logical_id.len() > MAX_KEY {
                problems.push(
                    Problem::new(
                        ProblemKind::InvalidId,
                        path,
                        format_args!(
                            "has a name of {} characters in the template; CloudFormation takes {MAX_KEY}",
                            logical_id.len()
                        ),
                    )
                    .hint("shorten the ids along its path")
                    .at(location),
                );
            }
            if let Some(other) = taken.insert((section, stack, logical_id), path)
                && other != path
            {
                problems.push(
                    Problem::new(
                        ProblemKind::LogicalIdCollision,
                        path,
                        format_args!("and `{other}` are both a {section} called `{logical_id}`"),
                    )
                    .hint("only letters and digits of a path count: rename one of them")
                    .at(location),
                );
            }
        }
    }

    fn check_mappings(&self, problems: &mut Vec<Problem>) {
        for mapping in &self.language.mappings {
            let mut wrong = |rest: String, hint: &str| {
                problems.push(
                    Problem::new(ProblemKind::Mapping, &mapping.path, rest)
                        .hint(hint)
                        .at(mapping.location),
                );
            };
            if mapping.what.0.is_empty() {
                wrong(
                    "is a mapping without entries".to_owned(),
                    "add one with `Mapping::entry`",
                );
            }
            let second: usize = mapping
                .what
                .0
                .values()
                .map(BTreeMap::len)
                .max()
                .unwrap_or(0);
            for (what, count) in [("keys", mapping.what.0.len()), ("keys below a key", second)] {
                if count > MAX_ATTRIBUTES {
                    wrong(
                        format!("has {count} {what}; CloudFormation takes {MAX_ATTRIBUTES}"),
                        "part it into several mappings",
                    );
                }
            }
            let keys = mapping
                .what
                .0
                .iter()
                .flat_map(|(top, entries)| std::iter::once(top).chain(entries.keys()));
            let mut seen = HashSet::new();
            for key in keys.filter(|key| seen.insert(key.as_str())) {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
                if key.is_empty() || key.len() > MAX_KEY || !key.chars().all(is_plain) {
                    wrong(
                        format!("has the key `{key}`"),
                        "use at most 255 letters, digits, `-` and `.`",
                    );
                }
            }
        }
    }

    /// Notes what a function that refers to no resource means for its template.
    pub(super) fn wire_function(
        &self,
        wiring: &mut Wiring<'_>,
        user: &User<'_>,
        property: &str,
        token: &Token,
        problems: &mut Vec<Problem>,
    ) {
        let mut wrong = |kind, rest: String, hint: Option<String>| {
            let mut problem = Problem::new(kind, user.path, rest)
                .property(property)
                .at(user.location);
            problem.type_name = user.resource.map(|(_, type_name)| type_name);
            problem.hint = hint;
            problems.push(problem);
        };
        match token {
            Token::Condition(id) | Token::If(id, ..) => {
                if let Err((kind, rest)) = self.check_condition(*id, user.stack, property) {
                    let hint = "add the condition to the same stack";
                    wrong(kind, rest, Some(hint.to_owned()));
                }
            }
            Token::FindInMap {
                mapping,
                keys,
                default,
            } => {
                let needs_extensions = |key: &Part| match key {
                    Part::Text(_)
                    | Part::Token(
                        Token::Pseudo(_) | Token::Parameter(_) | Token::FindInMap { .. },
                    ) => false,
                    Part::Token(_) => true,
                };
                if default.is_some() || keys.iter().any(needs_extensions) {
                    wiring.is_extended[user.stack] = true;
                }
                let Some(mapping) = self.language.mapping(self.identity, *mapping) else {
                    let rest = format!("looks into a mapping of another app in `{property}`");
                    return wrong(ProblemKind::ForeignReference, rest, None);
                };
                if mapping.stack != user.stack {
                    let rest = format!(
                        "looks into mapping `{}` of another template in `{property}`",
                        mapping.path
                    );
                    let hint = "add the mapping to the same stack";
                    return wrong(ProblemKind::Mapping, rest, Some(hint.to_owned()));
                }
                if default.is_none()
                    && let Some((key, near)) = missing_key(mapping, keys)
                {
                    wrong(
                        ProblemKind::Mapping,
                        format!(
                            "looks up `{key}` in `{property}`, which mapping `{}` does not have",
                            mapping.path
                        ),
                        near.map(|near| format!("did you mean `{near}`?")),
                    );
                }
            }
            Token::Sub(text, variables) => {
                for rest in wrong_in_sub(text, variables) {
                    let rest = format!("{rest}, in `{property}`");
                    wrong(ProblemKind::Intrinsic, rest, None);
                }
            }
            Token::Length(_) | Token::ToJsonString(_) => wiring.is_extended[user.stack] = true,
            Token::Intrinsic(function, _) if is_extension(function) => {
                wiring.is_extended[user.stack] = true;
            }
            _ => (),
        }
    }

    fn check_condition(
        &self,
        id: ConditionId,
        stack: usize,
        property: &str,
    ) -> Result<(), (ProblemKind, String)> {
        match self.language.condition(self.identity, id) {
            None => Err((
                ProblemKind::ForeignReference,
                format!("asks for a condition of another app in `{property}`"),
            )),
            Some(condition) if condition.stack != stack => Err((
                ProblemKind::Condition,
                format!(
                    "asks for condition `{}` of another template in `{property}`",
                    condition.path
                ),
            )),
            Some(_) => Ok(()),
        }
    }

    /// Wires what a resource's entry holds beside properties and metadata.
    pub(super) fn wire_entry<'a>(
        &self,
        wiring: &mut Wiring<'a>,
        symbols: &Symbols,
        user: &User<'a>,
        resource: &'a Resource,
        problems: &mut Vec<Problem>,
    ) {
        if let Some(id) = resource.condition {
            self.wire_function(wiring, user, "Condition", &Token::Condition(id), problems);
        }
        let policies = [
            ("CreationPolicy", &resource.creation_policy),
            ("UpdatePolicy", &resource.update_policy),
        ];
        let policies = policies.into_iter().filter_map(|(attribute, policy)| {
            let policy = policy.as_ref()?;
            Some(
                policy
                    .entries
                    .iter()
                    .map(move |(_, tree)| (attribute, tree)),
            )
        });
        let by_hand = resource.entry.iter().map(|(path, tree)| (*path, tree));
        for (attribute, tree) in policies.flatten().chain(by_hand) {
            tree.tokens(&mut |token| {
                self.wire(wiring, symbols, user, attribute, token, problems);
            });
        }
    }

    /// Wires what templates hold beside resources and outputs.
    pub(super) fn wire_sections<'a>(
        &'a self,
        wiring: &mut Wiring<'a>,
        symbols: &Symbols,
        problems: &mut Vec<Problem>,
    ) {
        for output in &self.outputs {
            if let Some(id) = output.condition {
                let user = user(&output.path, output.stack, output.location);
                self.wire_function(wiring, &user, "Condition", &Token::Condition(id), problems);
            }
        }
        for condition in &self.language.conditions {
            let user = user(&condition.path, condition.stack, condition.location);
            condition.what.0.tokens(&mut |token| {
                if let Some(problem) = unaskable(symbols, &user, token) {
                    problems.push(problem);
                } else {
                    self.wire(wiring, symbols, &user, "Condition", token, problems);
                }
            });
        }
        for rule in &self.language.rules {
            let user = user(&rule.path, rule.stack, rule.location);
            rule.what.tree().tokens(&mut |token| {
                problems.extend(unaskable(symbols, &user, token));
            });
        }
        for (index, stack) in self.stacks.iter().enumerate() {
            let user = user(&stack.name, index, stack.location);
            for (_, tree) in &stack.options.metadata {
                tree.tokens(&mut |token| {
                    self.wire(wiring, symbols, &user, "Metadata", token, problems);
                });
            }
            for (section, key, tree) in &stack.options.entries {
                if is_extension(key) || mentions_extension(tree) {
                    wiring.is_extended[index] = true;
                }
                tree.tokens(&mut |token| {
                    self.wire(wiring, symbols, &user, section.name(), token, problems);
                });
            }
        }
        for change in &self.language.overrides {
            let resource = &self.resources[change.resource as usize];
            if is_extension(change.path) || change.tree().is_some_and(mentions_extension) {
                wiring.is_extended[resource.stack] = true;
            }
        }
    }
}

fn user<'a>(path: &'a str, stack: usize, location: &'static Location<'static>) -> User<'a> {
    User {
        path,
        stack,
        resource: None,
        location,
    }
}

/// Returns the problem with a value that is not known when conditions are asked.
fn unaskable(symbols: &Symbols, user: &User<'_>, token: &Token) -> Option<Problem> {
    let what = match token {
        Token::Parameter(_) | Token::ValueOf(..) => match symbols.target(token) {
            Target::Own { stack, .. } if stack != user.stack => "a parameter of another template",
            _ => return None,
        },
        Token::Ref(_) | Token::Attribute(..) => "a resource",
        Token::ImportValue(_) => "an import",
        Token::If(..) => "`Fn::If`",
        Token::Base64(_) => "`Fn::Base64`",
        Token::Cidr { .. } => "`Fn::Cidr`",
        Token::GetAzs(_) => "`Fn::GetAZs`",
        Token::Transform(..) => "`Fn::Transform`",
        _ => return None,
    };
    let problem = Problem::new(
        ProblemKind::Condition,
        user.path,
        format_args!("asks for {what}, which CloudFormation does not know so early"),
    );
    Some(
        problem
            .hint("ask for parameters of this stack, mappings and pseudo parameters only")
            .at(user.location),
    )
}

fn no_operands<T>(declared: &Declared<T>, kind: ProblemKind) -> Problem {
    Problem::new(kind, &declared.path, "combines nothing with `and` or `or`")
        .hint("give it one operand at least")
        .at(declared.location)
}

fn has_empty_operands(tree: &Tree) -> bool {
    match tree {
        Tree::Map(entries) => entries.iter().any(|(key, tree)| {
            (matches!(key.as_ref(), "Fn::And" | "Fn::Or") && tree.as_list() == Some(&[]))
                || has_empty_operands(tree)
        }),
        Tree::List(items) => items.iter().any(has_empty_operands),
        _ => false,
    }
}

/// Returns the first key that a mapping does not have, and the one most like it.
fn missing_key<'a>(
    mapping: &'a Declared<crate::Mapping>,
    [top, second]: &'a [Part; 2],
) -> Option<(&'a str, Option<&'a str>)> {
    let entries = &mapping.what.0;
    match (top, second) {
        (Part::Text(top), second) => match (entries.get(top), second) {
            (None, _) => Some((top, nearest(top, entries.keys().map(String::as_str)))),
            (Some(below), Part::Text(second)) if !below.contains_key(second) => {
                Some((second, nearest(second, below.keys().map(String::as_str))))
            }
            _ => None,
        },
        // Under a key that is not known yet, any of them may have it.
        (Part::Token(_), Part::Text(second)) => {
            let mut all = entries.values();
            if all.any(|below| below.contains_key(second)) {
                return None;
            }
            let keys = entries.values().flat_map(|below| below.keys());
            let keys = keys.map(String::as_str);
            Some((second, nearest(second, keys)))
        }
        (Part::Token(_), Part::Token(_)) => None,
    }
}

/// Returns whether a function, or a key, belongs to the language extensions.
fn is_extension(name: &str) -> bool {
    name.contains("Fn::ForEach") || matches!(name, "Fn::Length" | "Fn::ToJsonString")
}

fn mentions_extension(tree: &Tree) -> bool {
    match tree {
        Tree::Map(entries) => entries
            .iter()
            .any(|(key, tree)| is_extension(key) || mentions_extension(tree)),
        Tree::List(items) => items.iter().any(mentions_extension),
        Tree::Literal(_) | Tree::Token(_) => false,
    }
}

fn check_policies(resource: &Resource, problems: &mut Vec<Problem>) {
    let deletion = [
        ("DeletionPolicy", resource.deletion_policy),
        ("UpdateReplacePolicy", resource.update_replace_policy),
    ];
    for (attribute, policy) in deletion {
        let wrong = match policy {
            Some(DeletionPolicy::Snapshot) if !WITH_SNAPSHOTS.contains(&resource.type_name) => {
                format!("has `{attribute}: Snapshot`, and its type takes no snapshots")
            }
            Some(DeletionPolicy::RetainExceptOnCreate) if attribute == "UpdateReplacePolicy" => {
                format!("has `{attribute}: RetainExceptOnCreate`, which only a deletion takes")
            }
            _ => continue,
        };
        problems.push(
            about(resource, ProblemKind::Policy, wrong)
                .property(attribute)
                .hint("use `Retain`"),
        );
    }
    let others = [
        ("CreationPolicy", &resource.creation_policy),
        ("UpdatePolicy", &resource.update_policy),
    ];
    for (attribute, policy) in others {
        if let Some(policy) = policy {
            check_policy(resource, attribute, policy, problems);
        }
    }
}

fn check_policy(
    resource: &Resource,
    attribute: &'static str,
    policy: &Policy,
    problems: &mut Vec<Problem>,
) {
    for (key, takers) in &policy.takers {
        if !takers.contains(&resource.type_name) {
            let wrong = format!("has `{key}` as its {attribute}, which its type does not take");
            problems.push(
                about(resource, ProblemKind::Policy, wrong)
                    .property(attribute)
                    .hint(format!("only {} take it", takers.join(", "))),
            );
        }
    }
    for wrong in &policy.wrong {
        let wrong = format!("{wrong}, in its {attribute}");
        problems.push(about(resource, ProblemKind::Policy, wrong).property(attribute));
    }
}

fn check_custom(resource: &Resource, problems: &mut Vec<Problem>) {
    let type_name = resource.type_name;
    let is_custom = type_name.starts_with("Custom::");
    let is_known_form = type_name.split("::").count() >= 3;
    let custom_name = type_name.strip_prefix("Custom::").unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '-');
    if is_custom {
        let is_sound = !custom_name.is_empty()
            && type_name.len() <= MAX_CUSTOM_TYPE
            && custom_name.chars().all(is_plain);
        if !is_sound {
            problems.push(
                about(
                    resource,
                    ProblemKind::ResourceType,
                    "is of a custom type that cannot be named so",
                )
                .hint("use `Custom::` and letters, digits, `_`, `@` and `-`, 60 in all at most"),
            );
        }
    } else if !is_known_form {
        problems.push(
            about(resource, ProblemKind::ResourceType, "is of no type")
                .hint("name a type like `AWS::SQS::Queue` or `Custom::User`"),
        );
    }
    if (is_custom || type_name == "AWS::CloudFormation::CustomResource")
        && let Some(Tree::Literal(timeout)) = resource.get("ServiceTimeout")
        && !timeout
            .as_i64()
            .is_some_and(|seconds| (1..=3600).contains(&seconds))
    {
        problems.push(
            about(
                resource,
                ProblemKind::ResourceType,
                format_args!("has `{timeout}` as `ServiceTimeout`"),
            )
            .property("ServiceTimeout")
            .hint("give it 1 to 3600 seconds"),
        );
    }
}
