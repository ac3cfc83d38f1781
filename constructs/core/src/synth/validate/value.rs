//! Values against the schema of their resource type.

use std::{borrow::Cow, cell::Cell, collections::HashSet};

use lightsout_schema::{Keyword, Node, NodeId, Scalar, Schema, Types};
use serde_json::Value as Json;

use super::{Fault, function, path::Path, text_format};
use crate::{
    Pseudo, Resource, Token, Tree,
    nearest::{did_you_mean, nearest},
    problem::ProblemKind,
};

/// Types whose schema cannot know their properties.
const OPEN_TYPES: [&str; 1] = ["AWS::CloudFormation::CustomResource"];

/// The most characters of a value that are shown.
const SHOWN: usize = 80;

/// Checks the values of one resource.
pub(super) struct Values<'v> {
    schema: &'static Schema<'static>,
    resolve: &'v dyn Fn(&Token) -> Tree,
    /// Whether something was passed over that nobody knows yet.
    is_uncertain: Cell<bool>,
}

type Entries = [(Cow<'static, str>, Tree)];

impl<'v> Values<'v> {
    pub(super) fn new(
        schema: &'static Schema<'static>,
        resolve: &'v dyn Fn(&Token) -> Tree,
    ) -> Self {
        Self {
            schema,
            resolve,
            is_uncertain: Cell::new(false),
        }
    }

    pub(super) fn check(&self, resource: &Resource, faults: &mut Vec<Fault>) {
        if OPEN_TYPES.contains(&self.schema.name()) {
            return;
        }
        for keyword in self.schema.root().keywords() {
            match keyword {
                Keyword::Properties { known, .. } => self.properties(resource, known, faults),
                Keyword::Required(names) => {
                    for name in names {
                        let is_set = resource.get(name).is_some_and(|tree| !is_absent(tree));
                        // What the Rust type demands is reported already.
                        if !is_set && !resource.required.contains(name) {
                            faults.push(
                                Fault::new(
                                    ProblemKind::MissingProperty,
                                    &Path::Root.key(name),
                                    format!("needs `{name}`"),
                                )
                                .hint(Self::wrongly_named(resource, name)),
                            );
                        }
                    }
                }
                _ => {
                    let needs_values = matches!(
                        keyword,
                        Keyword::AnyOf(_)
                            | Keyword::OneOf(_)
                            | Keyword::AllOf(_)
                            | Keyword::If { .. }
                    );
                    // Few types have these, and most of them ask for names alone.
                    let entries: Vec<(Cow<'static, str>, Tree)> = resource
                        .properties
                        .iter()
                        .map(|(name, tree)| {
                            let tree = if needs_values || is_absent(tree) {
                                tree.clone()
                            } else {
                                Tree::Literal(Json::Bool(true))
                            };
                            (Cow::Borrowed(name), tree)
                        })
                        .collect();
                    self.entries(keyword, &entries, &Path::Root, faults);
                }
            }
        }
    }

    fn properties(
        &self,
        resource: &Resource,
        known: &[(&'static str, NodeId)],
        faults: &mut Vec<Fault>,
    ) {
        for (name, tree) in resource.properties.iter() {
            let path = Path::Root.key(name);
            if self.schema.read_only().binary_search(&name).is_ok() {
                if !is_absent(tree) {
                    faults.push(
                        Fault::new(
                            ProblemKind::ReadOnlyProperty,
                            &path,
                            format!("sets `{name}`, which AWS alone fills in"),
                        )
                        .found(self.shown(tree, &path))
                        .hint(Some("leave it out; read it as an attribute".to_owned())),
                    );
                }
                continue;
            }
            match known.binary_search_by(|(known, _)| (*known).cmp(name)) {
                Ok(at) => self.value(self.schema.node(known[at].1), tree, &path, faults),
                Err(_) if name.starts_with("Fn::") => (),
                Err(_) => faults.push(self.unknown(name, known, tree, &path)),
            }
        }
    }

    /// Says which property was set in the place of a missing one, if one looks like it.
    fn wrongly_named(resource: &Resource, missing: &str) -> Option<String> {
        let names = resource.properties.iter().map(|(name, _)| name);
        nearest(missing, names.filter(|name| *name != missing))
            .map(|name| format!("`{name}` is not it"))
    }

    fn unknown(
        &self,
        name: &str,
        known: &[(&'static str, NodeId)],
        tree: &Tree,
        path: &Path<'_>,
    ) -> Fault {
        let names = known.iter().map(|(known, _)| *known);
        let writable = names.filter(|name| {
            !matches!(path, Path::Key(Path::Root, _)) || !self.schema.read_only().contains(name)
        });
        let hint = did_you_mean(name, writable).or_else(|| {
            Some(
                "if AWS is newer than these schemas, call `scope.trust(resource, property, reason)`"
                    .to_owned(),
            )
        });
        Fault::new(
            ProblemKind::UnknownProperty,
            path,
            format!("has no property `{path}`"),
        )
        .found(self.shown(tree, path))
        .hint(hint)
    }

    /// Checks one value, whatever it is made of.
    fn value(&self, node: &Node<'static>, tree: &Tree, path: &Path<'_>, faults: &mut Vec<Fault>) {
        match tree {
            Tree::Token(Token::Pseudo(Pseudo::NoValue)) => return,
            Tree::Token(token) => {
                let resolved = (self.resolve)(token);
                // What belongs to another app is reported already.
                if resolved != Tree::Literal(Json::Null) {
                    self.value(node, &resolved, path, faults);
                }
                return;
            }
            _ => (),
        }
        if let Some((name, argument)) = function(tree) {
            self.is_uncertain.set(true);
            self.call(node, name, argument, tree, path, faults);
            return;
        }
        if node.types().is_some_and(|types| !fits(types, tree)) {
            let types = node.types().unwrap_or(Types::NULL);
            faults.push(self.wrong(tree, path, words(types)));
            return;
        }
        match tree {
            Tree::Map(entries) => {
                for keyword in node.keywords() {
                    self.entries(keyword, entries, path, faults);
                }
            }
            Tree::List(items) => {
                for keyword in node.keywords() {
                    self.items(keyword, items, tree, path, faults);
                }
            }
            _ => {
                for keyword in node.keywords() {
                    self.scalar(keyword, tree, path, faults);
                }
            }
        }
    }

    /// Checks what a function gives, by its kind alone.
    fn call(
        &self,
        node: &Node<'static>,
        name: &str,
        argument: &Tree,
        tree: &Tree,
        path: &Path<'_>,
        faults: &mut Vec<Fault>,
    ) {
        let gives = match name {
            "Fn::If" => {
                for branch in argument.as_list().into_iter().flatten().skip(1) {
                    self.value(node, branch, path, faults);
                }
                return;
            }
            "Ref" if is_absent(tree) => return,
            "Ref" if argument.as_str() == Some("AWS::NotificationARNs") => Types::ARRAY,
            "Ref"
                if argument
                    .as_str()
                    .is_some_and(|name| name.starts_with("AWS::")) =>
            {
                Types::STRING
            }
            "Fn::Length" => Types::INTEGER,
            "Fn::Join" | "Fn::Sub" | "Fn::Base64" | "Fn::ToJsonString" => Types::STRING,
            "Fn::Split" | "Fn::Cidr" | "Fn::GetAZs" => Types::ARRAY,
            _ => return,
        };
        let Some(types) = node.types() else {
            return;
        };
        // Text may turn out to be a number; a list never turns into anything else.
        let scalars = Types::STRING
            .union(Types::INTEGER)
            .union(Types::NUMBER)
            .union(Types::BOOLEAN);
        let can_be = if gives == Types::ARRAY {
            gives
        } else {
            scalars
        };
        if !types.intersects(can_be) {
            faults.push(self.wrong(tree, path, words(types)));
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each keyword of maps")]
    fn entries(
        &self,
        keyword: &Keyword<'static>,
        entries: &Entries,
        path: &Path<'_>,
        faults: &mut Vec<Fault>,
    ) {
        // What a function adds to a map nobody knows.
        if entries.iter().any(|(name, _)| name.starts_with("Fn::")) {
            self.is_uncertain.set(true);
            return;
        }
        let has = |name: &str| {
            entries
                .iter()
                .any(|(key, tree)| key == name && !is_absent(tree))
        };
        let chosen = |names: &[&'static str]| -> Vec<&'static str> {
            names.iter().copied().filter(|name| has(name)).collect()
        };
        match keyword {
            Keyword::Properties { known, closed } => {
                for (name, tree) in entries {
                    let path = path.key(name);
                    match known.binary_search_by(|(known, _)| (*known).cmp(name)) {
                        Ok(at) => self.value(self.schema.node(known[at].1), tree, &path, faults),
                        Err(_) if *closed && !is_absent(tree) => {
                            faults.push(self.unknown(name, known, tree, &path));
                        }
                        Err(_) => (),
                    }
                }
            }
            Keyword::PatternProperties(patterns) => {
                for (name, tree) in entries {
                    for (pattern, id) in patterns {
                        if pattern.matches(name) {
                            self.value(self.schema.node(*id), tree, &path.key(name), faults);
                        }
                    }
                }
            }
            Keyword::Required(names) => {
                for name in names.iter().filter(|name| !has(name)) {
                    let keys = entries.iter().map(|(key, _)| key.as_ref());
                    let key = path.key(name);
                    faults.push(
                        Fault::new(ProblemKind::MissingProperty, &key, format!("needs `{key}`"))
                            .hint(nearest(name, keys).map(|key| format!("`{key}` is not it"))),
                    );
                }
            }
            Keyword::RequiredXor(names) => {
                let found = chosen(names);
                if found.len() != 1 {
                    faults.push(one_of(path, names, &found, "exactly one"));
                }
            }
            Keyword::RequiredOr(names) => {
                let found = chosen(names);
                if found.is_empty() {
                    faults.push(one_of(path, names, &found, "at least one"));
                }
            }
            Keyword::DependentRequired(dependents) => {
                for (name, others) in dependents.iter().filter(|(name, _)| has(name)) {
                    for other in others.iter().filter(|other| !has(other)) {
                        let (key, other) = (path.key(name), path.key(other));
                        faults.push(Fault::new(
                            ProblemKind::MissingProperty,
                            &other,
                            format!("has `{key}`, which needs `{other}`"),
                        ));
                    }
                }
            }
            Keyword::DependentExcluded(dependents) => {
                for (name, others) in dependents.iter().filter(|(name, _)| has(name)) {
                    let key = path.key(name);
                    for other in others.iter().filter(|other| has(other)) {
                        // Both may exclude each other; once is enough.
                        let is_mirrored = dependents
                            .iter()
                            .any(|(known, others)| known == other && others.contains(name));
                        if !is_mirrored || name < other {
                            let other = path.key(other);
                            faults.push(
                                Fault::new(
                                    ProblemKind::ExclusiveProperties,
                                    &key,
                                    format!("has both `{key}` and `{other}`"),
                                )
                                .wanted("one of them")
                                .hint(Some("leave one of them out".to_owned())),
                            );
                        }
                    }
                }
            }
            Keyword::MinProperties(least) if (entries.len() as u64) < *least => {
                faults.push(count(path, entries.len(), "entries", *least, "at least"));
            }
            Keyword::MaxProperties(most) if entries.len() as u64 > *most => {
                faults.push(count(path, entries.len(), "entries", *most, "at most"));
            }
            Keyword::AnyOf(_)
            | Keyword::OneOf(_)
            | Keyword::AllOf(_)
            | Keyword::Not(_)
            | Keyword::If { .. } => {
                let tree = Tree::Map(entries.to_vec());
                self.combined(keyword, &tree, path, faults);
            }
            _ => (),
        }
    }

    fn items(
        &self,
        keyword: &Keyword<'static>,
        items: &[Tree],
        tree: &Tree,
        path: &Path<'_>,
        faults: &mut Vec<Fault>,
    ) {
        // A function may give no item, or stand where a list would.
        let certain = || items.iter().filter(|item| is_known(item)).count();
        match keyword {
            Keyword::Items(id) => {
                let node = self.schema.node(*id);
                for (at, item) in items.iter().enumerate() {
                    self.value(node, item, &path.item(at), faults);
                }
            }
            Keyword::PrefixItems(ids) => {
                for (at, (id, item)) in ids.iter().zip(items).enumerate() {
                    self.value(self.schema.node(*id), item, &path.item(at), faults);
                }
            }
            Keyword::MinItems(least) if (items.len() as u64) < *least => {
                let is_certain = certain() == items.len();
                if is_certain {
                    faults.push(count(path, items.len(), "items", *least, "at least"));
                }
            }
            Keyword::MaxItems(most) if items.len() as u64 > *most && certain() as u64 > *most => {
                faults.push(count(path, items.len(), "items", *most, "at most"));
            }
            Keyword::UniqueItems => {
                if let Some((at, first)) = repeated(items) {
                    faults.push(
                        Fault::new(
                            ProblemKind::InvalidValue,
                            &path.item(at),
                            format!("has an item of `{path}` twice, first at {first}"),
                        )
                        .found(self.shown(&items[at], path))
                        .wanted("each item once"),
                    );
                }
            }
            Keyword::UniqueKeys(keys) => {
                let keyed: Vec<Tree> = items
                    .iter()
                    .map(|item| {
                        keys.iter()
                            .map(|key| item.get(key).cloned().unwrap_or(Tree::Literal(Json::Null)))
                            .collect()
                    })
                    .collect();
                if let Some((at, first)) = repeated(&keyed) {
                    faults.push(
                        Fault::new(
                            ProblemKind::InvalidValue,
                            &path.item(at),
                            format!(
                                "has two items of `{path}` with one `{}`, first at {first}",
                                keys.join("`, `")
                            ),
                        )
                        .found(self.shown(&keyed[at], path))
                        .wanted("each once"),
                    );
                }
            }
            _ => self.combined(keyword, tree, path, faults),
        }
    }

    fn scalar(
        &self,
        keyword: &Keyword<'static>,
        tree: &Tree,
        path: &Path<'_>,
        faults: &mut Vec<Fault>,
    ) {
        let mut wrong = |wanted: String| faults.push(self.wrong(tree, path, wanted));
        // What Secrets Manager or Parameter Store fill in is not known yet.
        let is_dynamic = tree
            .as_str()
            .is_some_and(|text| text.contains("{{resolve:"));
        if is_dynamic {
            self.is_uncertain.set(true);
            return;
        }
        match keyword {
            Keyword::Enum(values) if !values.iter().any(|value| is_same(*value, tree, false)) => {
                faults.push(self.not_among(values, tree, path));
            }
            Keyword::EnumAnyCase(values)
                if !values.iter().any(|value| is_same(*value, tree, true)) =>
            {
                faults.push(self.not_among(values, tree, path));
            }
            Keyword::Const(value) if !is_same(*value, tree, false) => {
                wrong(format!("`{}`", written(*value)));
            }
            Keyword::Pattern(pattern) => {
                if let Some(text) = tree.as_str()
                    && !pattern.matches(text)
                {
                    wrong(format!("text that matches `{}`", shortened(pattern.text())));
                }
            }
            Keyword::Format(format) => {
                if let Some(wanted) = tree
                    .as_str()
                    .and_then(|text| text_format::wanted(format, text))
                {
                    wrong(wanted.to_owned());
                }
            }
            Keyword::MinLength(least) => {
                if let Some(length) = length(tree).filter(|length| length < least) {
                    wrong(format!("at least {least} characters, not {length}"));
                }
            }
            Keyword::MaxLength(most) => {
                if let Some(length) = length(tree).filter(|length| length > most) {
                    wrong(format!("at most {most} characters, not {length}"));
                }
            }
            Keyword::Minimum(least) if number(tree).is_some_and(|number| number < *least) => {
                wrong(format!("{least} or more"));
            }
            Keyword::Maximum(most) if number(tree).is_some_and(|number| number > *most) => {
                wrong(format!("{most} or less"));
            }
            Keyword::Above(limit) if number(tree).is_some_and(|number| number <= *limit) => {
                wrong(format!("more than {limit}"));
            }
            Keyword::Below(limit) if number(tree).is_some_and(|number| number >= *limit) => {
                wrong(format!("less than {limit}"));
            }
            Keyword::MultipleOf(step) => {
                let rest = number(tree).map(|number| (number / step).fract().abs());
                if rest.is_some_and(|rest| rest > 1e-9 && rest < 1.0 - 1e-9) {
                    wrong(format!("a multiple of {step}"));
                }
            }
            _ => self.combined(keyword, tree, path, faults),
        }
    }

    /// Checks what is said by other nodes about the same value.
    fn combined(
        &self,
        keyword: &Keyword<'static>,
        tree: &Tree,
        path: &Path<'_>,
        faults: &mut Vec<Fault>,
    ) {
        match keyword {
            Keyword::AllOf(ids) => {
                for id in ids {
                    self.value(self.schema.node(*id), tree, path, faults);
                }
            }
            Keyword::AnyOf(ids) => self.any_of(ids, tree, path, faults),
            Keyword::OneOf(ids) => {
                self.any_of(ids, tree, path, faults);
                self.no_more_than_one(ids, tree, path, faults);
            }
            Keyword::Not(id) => {
                let (found, is_uncertain) = self.tried(*id, tree, path);
                if found.is_empty() && !is_uncertain {
                    faults.push(self.wrong(tree, path, "something else here".to_owned()));
                }
            }
            Keyword::If {
                condition,
                then,
                otherwise,
            } => {
                let (found, is_uncertain) = self.tried(*condition, tree, path);
                let branch = match (found.is_empty(), is_uncertain) {
                    (true, true) => &None,
                    (true, false) => then,
                    (false, _) => otherwise,
                };
                if let Some(id) = branch {
                    self.value(self.schema.node(*id), tree, path, faults);
                }
            }
            _ => (),
        }
    }

    /// Returns what would be wrong if a value had to be a node, and whether that is all.
    fn tried(&self, id: NodeId, tree: &Tree, path: &Path<'_>) -> (Vec<Fault>, bool) {
        let before = self.is_uncertain.replace(false);
        let mut faults = Vec::new();
        self.value(self.schema.node(id), tree, path, &mut faults);
        let is_uncertain = self.is_uncertain.replace(before);
        (faults, is_uncertain)
    }

    fn any_of(&self, ids: &[NodeId], tree: &Tree, path: &Path<'_>, faults: &mut Vec<Fault>) {
        let mut branches = Vec::with_capacity(ids.len());
        for id in ids {
            let (found, _) = self.tried(*id, tree, path);
            if found.is_empty() {
                return;
            }
            branches.push(found);
        }
        let names: Vec<&str> = ids.iter().filter_map(|id| self.demanded(*id)).collect();
        if names.len() == ids.len() {
            faults.push(one_of(path, &names, &[], "one"));
            return;
        }
        let here = path.to_string();
        let is_simple = branches.iter().all(|branch| {
            matches!(branch.as_slice(), [fault] if fault.property == here && fault.wanted.is_some())
        });
        if is_simple {
            let mut wanted: Vec<String> = branches
                .into_iter()
                .flatten()
                .filter_map(|fault| fault.wanted)
                .collect();
            wanted.dedup();
            faults.push(self.wrong(tree, path, wanted.join(", or ")));
        } else {
            // The form with the least wrong is probably the one that was meant.
            let best = branches.into_iter().min_by_key(Vec::len);
            faults.extend(best.into_iter().flatten());
        }
    }

    fn no_more_than_one(
        &self,
        ids: &[NodeId],
        tree: &Tree,
        path: &Path<'_>,
        faults: &mut Vec<Fault>,
    ) {
        let found: Vec<&str> = ids
            .iter()
            .filter_map(|id| self.demanded(*id))
            .filter(|name| tree.get(name).is_some_and(is_known))
            .collect();
        if found.len() > 1 {
            faults.push(one_of(path, &found, &found, "exactly one"));
        }
    }

    /// Returns the one name that a node demands, if it demands nothing else.
    fn demanded(&self, id: NodeId) -> Option<&'static str> {
        match self.schema.node(id).keywords() {
            [Keyword::Required(names)] => match names.as_slice() {
                [name] => Some(name),
                _ => None,
            },
            _ => None,
        }
    }

    fn not_among(&self, values: &[Scalar<'static>], tree: &Tree, path: &Path<'_>) -> Fault {
        let texts: Vec<Cow<'static, str>> = values.iter().map(|value| written(*value)).collect();
        let hint = plain(tree).and_then(|text| did_you_mean(&text, texts.iter().map(Cow::as_ref)));
        self.wrong(tree, path, listed(&texts)).hint(hint)
    }

    fn wrong(&self, tree: &Tree, path: &Path<'_>, wanted: String) -> Fault {
        Fault::new(
            ProblemKind::InvalidValue,
            path,
            format!("has a value in `{path}` that is refused"),
        )
        .found(self.shown(tree, path))
        .wanted(wanted)
    }

    /// Writes a value for people, short, and without what is secret.
    fn shown(&self, tree: &Tree, path: &Path<'_>) -> String {
        let path = path.to_string();
        let names = || {
            path.split('.')
                .filter(|step| step.parse::<usize>().is_err())
        };
        let is_secret = names().any(|name| {
            ["Password", "Secret", "Token", "PrivateKey", "Credential"]
                .iter()
                .any(|word| name.contains(word))
        }) || self
            .schema
            .write_only()
            .iter()
            .any(|secret| secret.split('.').filter(|step| *step != "*").eq(names()));
        match tree {
            Tree::Literal(Json::Null) => "null".to_owned(),
            _ if is_secret => "a value that may be secret".to_owned(),
            Tree::Literal(json) => shortened(&json.to_string()),
            Tree::List(items) => format!("a list of {} items", items.len()),
            Tree::Map(_) => match function(tree) {
                Some((name, _)) => format!("`{name}`"),
                None => "a map".to_owned(),
            },
            Tree::Token(_) => "a value that is known once deployed".to_owned(),
        }
    }
}

/// Returns whether a value is removed before `CloudFormation` looks at it.
fn is_absent(tree: &Tree) -> bool {
    matches!(tree, Tree::Token(Token::Pseudo(Pseudo::NoValue)))
        || function(tree).is_some_and(|(name, argument)| {
            name == "Ref" && argument.as_str() == Some("AWS::NoValue")
        })
}

/// Returns whether a value is surely there, as what it is.
fn is_known(tree: &Tree) -> bool {
    match tree {
        Tree::Token(token) => {
            matches!(
                token,
                Token::Ref(_) | Token::Attribute(..) | Token::Weak { .. } | Token::Join(_)
            )
        }
        _ => function(tree).is_none(),
    }
}

/// Returns whether `CloudFormation` takes a literal for one of these kinds.
fn fits(types: Types, tree: &Tree) -> bool {
    let is = |kind| types.intersects(kind);
    match tree {
        Tree::Map(_) => is(Types::OBJECT),
        Tree::List(_) => is(Types::ARRAY),
        Tree::Token(_) => true,
        Tree::Literal(json) => match json {
            Json::Null => is(Types::NULL),
            Json::Bool(_) => is(Types::BOOLEAN) || is(Types::STRING),
            Json::Number(number) => {
                is(Types::NUMBER)
                    || is(Types::STRING)
                    || (is(Types::INTEGER)
                        && number.as_f64().is_some_and(|number| number.fract() == 0.0))
            }
            Json::String(text) => {
                let text = text.trim();
                is(Types::STRING)
                    || text.contains("{{resolve:")
                    || (is(Types::INTEGER) && text.parse::<i64>().is_ok())
                    || (is(Types::NUMBER) && text.parse::<f64>().is_ok())
                    || (is(Types::BOOLEAN)
                        && ["true", "false"]
                            .iter()
                            .any(|truth| text.eq_ignore_ascii_case(truth)))
            }
            Json::Array(_) => is(Types::ARRAY),
            Json::Object(_) => is(Types::OBJECT),
        },
    }
}

fn words(types: Types) -> String {
    let words = [
        (Types::OBJECT, "a map"),
        (Types::ARRAY, "a list"),
        (Types::STRING, "text"),
        (Types::INTEGER, "a whole number"),
        (Types::NUMBER, "a number"),
        (Types::BOOLEAN, "true or false"),
    ];
    let words: Vec<&str> = words
        .into_iter()
        .filter(|(kind, _)| types.intersects(*kind))
        .map(|(_, word)| word)
        .collect();
    words.join(", or ")
}

fn is_same(value: Scalar<'_>, tree: &Tree, in_any_case: bool) -> bool {
    let Some(text) = plain(tree) else {
        return true;
    };
    match value {
        Scalar::Text(wanted) if in_any_case => wanted.eq_ignore_ascii_case(&text),
        Scalar::Text(wanted) => wanted == text,
        Scalar::Number(wanted) => number(tree).is_some_and(|number| (number - wanted).abs() < 1e-9),
        Scalar::Truth(wanted) => text.eq_ignore_ascii_case(if wanted { "true" } else { "false" }),
    }
}

fn written(value: Scalar<'static>) -> Cow<'static, str> {
    match value {
        Scalar::Text(text) => text.into(),
        Scalar::Number(number) => number.to_string().into(),
        Scalar::Truth(truth) => truth.to_string().into(),
    }
}

/// Returns a scalar as the text that `CloudFormation` turns it into.
fn plain(tree: &Tree) -> Option<Cow<'_, str>> {
    match tree {
        Tree::Literal(Json::String(text)) => Some(text.as_str().into()),
        Tree::Literal(Json::Bool(truth)) => Some(truth.to_string().into()),
        Tree::Literal(Json::Number(number)) => Some(number.to_string().into()),
        _ => None,
    }
}

fn number(tree: &Tree) -> Option<f64> {
    match tree {
        Tree::Literal(Json::Number(number)) => number.as_f64(),
        Tree::Literal(Json::String(text)) => text.trim().parse().ok(),
        _ => None,
    }
}

fn length(tree: &Tree) -> Option<u64> {
    let text = tree.as_str()?;
    Some(text.chars().count() as u64)
}

/// Returns the first item that was there before, and where.
fn repeated(items: &[Tree]) -> Option<(usize, usize)> {
    /// As many items are compared with each other one by one.
    const FEW: usize = 64;
    if items.len() > FEW && items.iter().all(|item| item.as_str().is_some()) {
        let mut seen = HashSet::new();
        let at = items.iter().position(|item| !seen.insert(item.as_str()))?;
        let first = items.iter().position(|item| *item == items[at])?;
        return Some((at, first));
    }
    items.iter().enumerate().find_map(|(at, item)| {
        let first = items[..at].iter().position(|before| before == item)?;
        Some((at, first))
    })
}

fn one_of(path: &Path<'_>, names: &[&str], found: &[&str], how_many: &str) -> Fault {
    let place = match path {
        Path::Root => String::new(),
        _ => format!(" in `{path}`"),
    };
    let (kind, what) = if found.is_empty() {
        let what = format!("needs {how_many} of `{}`{place}", names.join("`, `"));
        (ProblemKind::MissingProperty, what)
    } else {
        let what = format!("has both `{}`{place}", found.join("` and `"));
        (ProblemKind::ExclusiveProperties, what)
    };
    let fault = match path {
        Path::Root => Fault::new(kind, &Path::Root.key(names.first().unwrap_or(&"")), what),
        _ => Fault::new(kind, path, what),
    };
    fault.wanted(format!("{how_many} of them"))
}

fn count(path: &Path<'_>, found: usize, what: &str, limit: u64, word: &str) -> Fault {
    Fault::new(
        ProblemKind::InvalidValue,
        path,
        format!("has {found} {what} in `{path}`"),
    )
    .found(format!("{found} {what}"))
    .wanted(format!("{word} {limit}"))
}

/// Lists values as far as a reader would read them.
fn listed(values: &[Cow<'static, str>]) -> String {
    const MOST: usize = 12;
    let shown: Vec<String> = values
        .iter()
        .take(MOST)
        .map(|value| format!("`{value}`"))
        .collect();
    let rest = values.len().saturating_sub(MOST);
    if rest == 0 {
        format!("one of {}", shown.join(", "))
    } else {
        format!("one of {} and {rest} others", shown.join(", "))
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
