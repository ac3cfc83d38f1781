//! Policy documents, wherever they are, against the published actions.

use std::borrow::Cow;

use lightsout_schema::iam::{self, Actions, Service};
use serde_json::Value as Json;

use super::{Fault, branches, path::Path};
use crate::{
    Pseudo, Resource, Token, Tree,
    nearest::{did_you_mean, nearest},
    problem::ProblemKind,
};

/// Who a policy belongs to, as far as it decides what a statement needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// A role, user or group: it says what its owner may do.
    Identity,
    /// A role that says who may take it on.
    Trust,
    /// A resource that says who may do what with it.
    Resource,
    /// Something else.
    Other,
}

const STATEMENT_KEYS: [&str; 9] = [
    "Action",
    "Condition",
    "Effect",
    "NotAction",
    "NotPrincipal",
    "NotResource",
    "Principal",
    "Resource",
    "Sid",
];
const VERSIONS: [&str; 2] = ["2008-10-17", "2012-10-17"];

/// Finds each policy document within a property, and checks it.
pub(super) fn check(resource: &Resource, tree: &Tree, path: &Path<'_>, faults: &mut Vec<Fault>) {
    match tree {
        Tree::Map(entries) => {
            if is_document(tree) {
                document(resource, entries, path, faults);
                return;
            }
            for (name, tree) in entries {
                check(resource, tree, &path.key(name), faults);
            }
        }
        Tree::List(items) => {
            for (at, item) in items.iter().enumerate() {
                check(resource, item, &path.item(at), faults);
            }
        }
        Tree::Literal(Json::String(text)) => {
            // Some types take their policy as text.
            if text.trim_start().starts_with('{')
                && text.contains("\"Statement\"")
                && let Ok(json) = serde_json::from_str::<Json>(text)
                && let tree @ Tree::Map(_) = Tree::from(json)
            {
                check(resource, &tree, path, faults);
            }
        }
        Tree::Token(_) => {
            for tree in branches(tree)
                .into_iter()
                .filter(|branch| !std::ptr::eq(*branch, tree))
            {
                check(resource, tree, path, faults);
            }
        }
        Tree::Literal(_) => (),
    }
}

/// Other services have statements, too, but none with an effect.
fn is_document(tree: &Tree) -> bool {
    let is_statement = |tree: &Tree| {
        tree.get("Effect").is_some()
            || (tree.get("Action").is_some()
                && (tree.get("Resource").is_some() || tree.get("Principal").is_some()))
    };
    match tree.get("Statement") {
        Some(Tree::List(statements)) => statements.iter().flat_map(branches).any(is_statement),
        Some(statement) => is_statement(statement),
        None => false,
    }
}

fn document(
    resource: &Resource,
    entries: &[(Cow<'static, str>, Tree)],
    path: &Path<'_>,
    faults: &mut Vec<Fault>,
) {
    let owner = owner(resource, path);
    for (name, tree) in entries {
        let path = path.key(name);
        match name.as_ref() {
            "Version" => {
                if let Some(version) = tree.as_str()
                    && !VERSIONS.contains(&version)
                {
                    faults.push(
                        invalid(&path, format!("has a policy of version `{version}`"))
                            .found(version)
                            .wanted("2012-10-17"),
                    );
                }
            }
            "Id" => (),
            "Statement" => match tree {
                Tree::List(statements) => {
                    for (at, tree) in statements.iter().enumerate() {
                        statement(owner, tree, &path.item(at), faults);
                    }
                    repeated_names(owner, statements, &path, faults);
                }
                single => statement(owner, single, &path, faults),
            },
            _ => faults.push(
                invalid(&path, format!("has a policy with `{name}`"))
                    .wanted("`Version`, `Id` and `Statement`")
                    .hint(did_you_mean(name, ["Version", "Id", "Statement"])),
            ),
        }
    }
}

fn owner(resource: &Resource, path: &Path<'_>) -> Owner {
    if path.name() == "AssumeRolePolicyDocument" {
        return Owner::Trust;
    }
    match resource.type_name {
        "AWS::IAM::Policy"
        | "AWS::IAM::ManagedPolicy"
        | "AWS::IAM::Role"
        | "AWS::IAM::RolePolicy"
        | "AWS::IAM::UserPolicy"
        | "AWS::IAM::GroupPolicy"
        | "AWS::IAM::User"
        | "AWS::IAM::Group" => Owner::Identity,
        "AWS::KMS::Key"
        | "AWS::KMS::ReplicaKey"
        | "AWS::S3::BucketPolicy"
        | "AWS::SNS::TopicPolicy"
        | "AWS::SQS::QueuePolicy" => Owner::Resource,
        _ => Owner::Other,
    }
}

fn statement(owner: Owner, tree: &Tree, path: &Path<'_>, faults: &mut Vec<Fault>) {
    let whole = tree;
    for tree in branches(whole) {
        if !std::ptr::eq(tree, whole) {
            statement(owner, tree, path, faults);
        }
    }
    let Tree::Map(entries) = tree else {
        return;
    };
    if super::function(tree).is_some() || entries.iter().any(|(key, _)| key.starts_with("Fn::")) {
        return;
    }
    let is_deny = tree.get("Effect").and_then(Tree::as_str) == Some("Deny");
    for (key, value) in entries {
        let path = path.key(key);
        match key.as_ref() {
            "Effect" => {
                if let Some(effect) = value.as_str()
                    && !["Allow", "Deny"].contains(&effect)
                {
                    faults.push(
                        invalid(&path, format!("has a statement with the effect `{effect}`"))
                            .found(effect)
                            .wanted("`Allow` or `Deny`")
                            .hint(did_you_mean(effect, ["Allow", "Deny"])),
                    );
                }
            }
            "Action" => each(value, &path, &mut |text, path| {
                action(text, is_deny, path, faults);
            }),
            "NotAction" => {
                if !is_deny {
                    faults.push(wildcard("NotAction", &path));
                }
                each(value, &path, &mut |text, path| {
                    action(text, true, path, faults);
                });
            }
            "Principal" | "NotPrincipal" => principal(value, &path, faults),
            "Condition" => conditions(value, &path, faults),
            "Resource" | "NotResource" => each(value, &path, &mut |text, path| {
                let is_arn = text == "*" || text.starts_with("arn:") || text.starts_with("${");
                // A pattern may even begin within the ARN.
                if !is_arn && !text.contains(['*', '?']) {
                    faults.push(
                        invalid(
                            path,
                            format!("has a statement on `{text}`, which is no ARN"),
                        )
                        .found(text)
                        .wanted("an ARN or `*`"),
                    );
                }
            }),
            "Sid" => {
                if let Some(sid) = value.as_str()
                    && matches!(owner, Owner::Identity | Owner::Trust)
                    && !sid.bytes().all(|byte| byte.is_ascii_alphanumeric())
                {
                    faults.push(
                        invalid(&path, format!("has a statement with the id `{sid}`"))
                            .found(sid)
                            .wanted("letters and digits alone"),
                    );
                }
            }
            _ => faults.push(
                invalid(&path, format!("has a statement with `{key}`"))
                    .wanted("what IAM knows")
                    .hint(did_you_mean(key, STATEMENT_KEYS)),
            ),
        }
    }
    shape(owner, tree, path, faults);
}

/// Checks which keys of a statement go together.
fn shape(owner: Owner, tree: &Tree, path: &Path<'_>, faults: &mut Vec<Fault>) {
    let has = |key: &str| tree.get(key).is_some_and(|tree| !is_removed(tree));
    let mut wrong = |what: &str| {
        faults.push(invalid(path, format!("has a statement {what}")));
    };
    if !has("Effect") {
        wrong("without `Effect`: `Allow` or `Deny`");
    }
    for (key, negated) in [
        ("Action", "NotAction"),
        ("Resource", "NotResource"),
        ("Principal", "NotPrincipal"),
    ] {
        if has(key) && has(negated) {
            wrong(&format!("with both `{key}` and `{negated}`"));
        }
    }
    if !has("Action") && !has("NotAction") {
        wrong("without `Action`");
    }
    let has_resource = has("Resource") || has("NotResource");
    let has_principal = has("Principal") || has("NotPrincipal");
    match owner {
        Owner::Identity => {
            if !has_resource {
                wrong("without `Resource`");
            }
            if has_principal {
                wrong("with `Principal`, which only a policy of a resource has");
            }
        }
        Owner::Trust => {
            if has_resource {
                wrong("with `Resource`, which is the role itself");
            }
            if !has_principal {
                wrong("without `Principal`: nobody may take on the role");
            }
        }
        Owner::Resource => {
            if !has_resource {
                wrong("without `Resource`");
            }
            if !has_principal {
                wrong("without `Principal`");
            }
        }
        Owner::Other => (),
    }
}

fn repeated_names(owner: Owner, statements: &[Tree], path: &Path<'_>, faults: &mut Vec<Fault>) {
    if !matches!(owner, Owner::Identity | Owner::Trust) {
        return;
    }
    let sid = |tree: &Tree| tree.get("Sid")?.as_str().map(str::to_owned);
    for (at, statement) in statements.iter().enumerate() {
        if let Some(name) = sid(statement)
            && statements[..at]
                .iter()
                .any(|before| sid(before).as_ref() == Some(&name))
        {
            faults.push(
                invalid(
                    &path.item(at),
                    format!("has two statements with the id `{name}`"),
                )
                .found(name),
            );
        }
    }
}

fn action(text: &str, is_harmless: bool, path: &Path<'_>, faults: &mut Vec<Fault>) {
    let Ok(actions) = iam::actions() else {
        return;
    };
    let is_wildcard = text.contains(['*', '?']);
    if is_wildcard && !is_harmless {
        faults.push(wildcard(text, path));
    }
    if text == "*" {
        return;
    }
    let Some((prefix, name)) = text.split_once(':') else {
        faults.push(
            unknown_action(text, path).wanted("a service and an action, such as `sqs:SendMessage`"),
        );
        return;
    };
    let prefix = prefix.to_ascii_lowercase();
    if prefix.contains(['*', '?']) {
        return;
    }
    match actions.service(&prefix) {
        Ok(Some(service)) => {
            let is_known = if is_wildcard {
                service.has_match(name)
            } else {
                service.has_action(name)
            };
            if !is_known {
                let names = service.actions().iter().map(String::as_str);
                let hint = nearest(name, names)
                    .map(|name| format!("did you mean `{prefix}:{name}`?"))
                    .or_else(|| other_service(actions, name, &prefix));
                faults.push(
                    unknown_action(text, path)
                        .wanted(format!("an action of `{prefix}`"))
                        .hint(hint),
                );
            }
        }
        Ok(None) => {
            let hint = nearest(&prefix, actions.prefixes())
                .map(|prefix| format!("did you mean `{prefix}:{name}`?"))
                .or_else(|| other_service(actions, name, &prefix));
            faults.push(
                unknown_action(text, path)
                    .wanted("an action of a service that exists")
                    .hint(hint),
            );
        }
        // The file is checked as a whole before; a part of it has nothing to add.
        Err(_) => (),
    }
}

/// Looks for an action among the services that are called alike.
fn other_service(actions: &Actions<'_>, name: &str, wrong: &str) -> Option<String> {
    actions
        .prefixes()
        .filter(|prefix| prefix.starts_with(wrong) || wrong.starts_with(prefix))
        .find(|prefix| {
            let service = actions.service(prefix).ok().flatten();
            service.is_some_and(|service| service.has_action(name))
        })
        .map(|prefix| format!("did you mean `{prefix}:{name}`?"))
}

fn principal(tree: &Tree, path: &Path<'_>, faults: &mut Vec<Fault>) {
    const KINDS: [&str; 4] = ["AWS", "CanonicalUser", "Federated", "Service"];
    match tree {
        Tree::Literal(Json::String(text)) if text == "*" => (),
        Tree::Map(_) if super::function(tree).is_some() => (),
        Tree::Map(entries) => {
            for (kind, _) in entries {
                if !KINDS.contains(&kind.as_ref()) && !kind.starts_with("Fn::") {
                    faults.push(
                        invalid(path, format!("has a principal of the kind `{kind}`"))
                            .found(kind.clone())
                            .wanted("`AWS`, `Service`, `Federated` or `CanonicalUser`")
                            .hint(did_you_mean(kind, KINDS)),
                    );
                }
            }
        }
        Tree::Literal(_) | Tree::List(_) => faults.push(
            invalid(path, "has a principal that is neither `*` nor a map")
                .wanted("`*`, or a map such as `{\"AWS\": …}`"),
        ),
        Tree::Token(_) => (),
    }
}

fn conditions(tree: &Tree, path: &Path<'_>, faults: &mut Vec<Fault>) {
    let Tree::Map(operators) = tree else {
        return;
    };
    if super::function(tree).is_some() {
        return;
    }
    for (operator, keys) in operators {
        let path = path.key(operator);
        if operator.starts_with("Fn::") {
            continue;
        }
        if !iam::is_condition_operator(operator) {
            faults.push(
                invalid(
                    &path,
                    format!("has a condition with the operator `{operator}`"),
                )
                .found(operator.clone())
                .wanted("an operator of IAM, such as `StringEquals`")
                .hint(did_you_mean(operator, iam::CONDITION_OPERATORS)),
            );
        }
        let Tree::Map(keys) = keys else {
            continue;
        };
        for (key, _) in keys {
            condition_key(key, &path, faults);
        }
    }
}

fn condition_key(key: &str, path: &Path<'_>, faults: &mut Vec<Fault>) {
    let Ok(actions) = iam::actions() else {
        return;
    };
    let Some((prefix, _)) = key.split_once(':') else {
        return;
    };
    let prefix = prefix.to_ascii_lowercase();
    let service = actions.service(&prefix).ok().flatten();
    if service.is_none() && prefix != "aws" {
        // An identity provider's own key, such as `accounts.google.com:aud`.
        return;
    }
    let keys = service.map_or(&[][..], Service::condition_keys);
    let known = || keys.iter().chain(actions.global_keys()).map(String::as_str);
    if !known().any(|known| is_key(known, key)) {
        faults.push(
            invalid(
                path,
                format!("has a condition on `{key}`, which does not exist"),
            )
            .found(key)
            .wanted(format!("a condition key of `{prefix}`"))
            .hint(did_you_mean(key, known())),
        );
    }
}

/// Returns whether a key is a known one, where `${…}` stands for any text.
fn is_key(known: &str, key: &str) -> bool {
    let start = |text: &str, start: &str| {
        text.get(..start.len())
            .is_some_and(|text| text.eq_ignore_ascii_case(start))
    };
    match known.split_once("${") {
        Some((before, _)) => start(key, before) && key.len() > before.len(),
        None => known.eq_ignore_ascii_case(key),
    }
}

/// Visits the text of a value that may be one or a list of them.
fn each(tree: &Tree, path: &Path<'_>, visit: &mut dyn FnMut(&str, &Path<'_>)) {
    match tree {
        Tree::Literal(Json::String(text)) => visit(text, path),
        Tree::List(items) => {
            for (at, item) in items.iter().enumerate() {
                each(item, &path.item(at), visit);
            }
        }
        tree => {
            for branch in branches(tree)
                .into_iter()
                .filter(|branch| !std::ptr::eq(*branch, tree))
            {
                each(branch, path, visit);
            }
        }
    }
}

fn is_removed(tree: &Tree) -> bool {
    matches!(tree, Tree::Token(Token::Pseudo(Pseudo::NoValue)))
}

fn invalid(path: &Path<'_>, what: impl Into<String>) -> Fault {
    Fault::new(ProblemKind::PolicyDocument, path, what)
}

fn unknown_action(text: &str, path: &Path<'_>) -> Fault {
    Fault::new(
        ProblemKind::UnknownAction,
        path,
        format!("has the action `{text}` in a policy, which does not exist"),
    )
    .found(text)
}

fn wildcard(text: &str, path: &Path<'_>) -> Fault {
    let what = if text == "NotAction" {
        "allows all but some actions with `NotAction`".to_owned()
    } else {
        format!("allows the wildcard action `{text}`")
    };
    Fault::new(ProblemKind::WildcardAction, path, what)
        .found(text)
        .wanted("each action by its name")
        .hint(Some(format!(
            "name the actions, or call `app.allow_wildcard_action(\"{text}\", reason)`"
        )))
}
