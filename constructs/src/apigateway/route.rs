//! What an API answers, by path and verb.

use lightsout_core::{Scope, Tree};

use crate::lambda::FunctionRef;

/// What an API does with requests of one path and verb.
///
/// A path parameter must be opaque, such as `{job}`: names of what identifies a
/// person are a problem at synth, since paths end in logs everywhere.
///
/// A request that lacks what the route [asks for](Self::query), or whose body does
/// not fit the [schema](Self::body), is refused before the function sees it.
#[derive(Debug, Clone)]
pub struct Route {
    pub(super) verb: Verb,
    pub(super) path: String,
    pub(super) function: FunctionRef<()>,
    pub(super) query: Vec<(String, bool)>,
    pub(super) body: Option<Tree>,
    pub(super) throttle: Option<(u32, u32)>,
    pub(super) is_metered: bool,
}

/// The verb of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// Takes away.
    Delete,
    /// Reads.
    Get,
    /// Changes in part.
    Patch,
    /// Adds, or asks with a body.
    Post,
    /// Replaces.
    Put,
}

impl Route {
    /// Hands requests like `GET /jobs/{job}` to `function`.
    pub fn new<P>(verb: Verb, path: impl Into<String>, function: &FunctionRef<P>) -> Self {
        Self {
            verb,
            path: path.into(),
            function: function.untyped(),
            query: Vec::new(),
            body: None,
            throttle: None,
            is_metered: false,
        }
    }

    /// Asks for a query parameter, without which a request is refused.
    pub fn query(mut self, name: impl Into<String>) -> Self {
        self.query.push((name.into(), true));
        self
    }

    /// Takes a query parameter that may be left out.
    pub fn optional_query(mut self, name: impl Into<String>) -> Self {
        self.query.push((name.into(), false));
        self
    }

    /// Asks for a JSON body that fits this [JSON schema], of draft 4.
    ///
    /// [JSON schema]: https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings-models.html
    pub fn body(mut self, schema: Tree) -> Self {
        self.body = Some(schema);
        self
    }

    /// Takes this many requests a second on average, and this many at once, instead
    /// of what the API takes.
    pub fn throttle(mut self, rate: u32, burst: u32) -> Self {
        self.throttle = Some((rate, burst));
        self
    }

    /// Asks for an API key too, which a
    /// [usage plan](super::UsagePlan) counts requests by.
    ///
    /// A key alone opens nothing: callers are known as the API says.
    pub fn metered(mut self) -> Self {
        self.is_metered = true;
        self
    }

    /// Returns the parts of the path.
    pub(super) fn parts(&self) -> impl Iterator<Item = &str> {
        self.path.split('/').filter(|part| !part.is_empty())
    }

    /// Returns the names of the parameters in the path.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &str> {
        self.parts().filter_map(|part| {
            Some(
                part.strip_prefix('{')?
                    .strip_suffix('}')?
                    .trim_end_matches('+'),
            )
        })
    }

    /// Notes problems with the path and with the names in it.
    pub(super) fn check(&self, scope: &mut Scope<'_>) {
        let is_name = |name: &str| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        };
        let parts: Vec<&str> = self.path.split('/').skip(1).collect();
        let last = parts.len().saturating_sub(1);
        let is_part = |(index, part): (usize, &&str)| match part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'))
        {
            Some(name) => match name.strip_suffix('+') {
                Some(name) => index == last && is_name(name),
                None => is_name(name),
            },
            None => is_name(part),
        };
        let is_path = self.path == "/"
            || (self.path.starts_with('/') && parts.iter().enumerate().all(is_part));
        if !is_path {
            scope.problem(
                "PathPart",
                format_args!("has `{}` as the path of a route", self.path),
                "write it like `/jobs/{job}`",
            );
        }
        let names = self
            .parameters()
            .chain(self.query.iter().map(|(name, _)| name.as_str()));
        for name in names {
            let lower = name.to_ascii_lowercase();
            if let Some(word) = IDENTIFYING.iter().find(|word| lower.contains(**word)) {
                scope.problem(
                    "RequestParameters",
                    format_args!(
                        "has `{name}` in the address of a route, which tells of a `{word}`"
                    ),
                    "use an opaque id, or ask with `POST` and a body",
                );
            }
        }
    }

    /// Returns what tells this route from others, the same in each synth.
    pub(super) fn description(&self) -> String {
        format!(
            "{} {} {:016x} {:?} {:?} {}",
            self.verb.name(),
            self.path,
            self.function.fingerprint(),
            self.query,
            self.body,
            self.is_metered,
        )
    }
}

/// What identifies a person, of the 18 classes of 45 CFR 164.514(b)(2), as names of
/// parameters tell it.
const IDENTIFYING: [&str; 13] = [
    "address",
    "birth",
    "dob",
    "email",
    "fax",
    "firstname",
    "lastname",
    "mrn",
    "patient",
    "phone",
    "ssn",
    "surname",
    "zip",
];

impl Verb {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }

    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Delete => "Delete",
            Self::Get => "Get",
            Self::Patch => "Patch",
            Self::Post => "Post",
            Self::Put => "Put",
        }
    }
}
