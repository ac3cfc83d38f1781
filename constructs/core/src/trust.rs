//! Where the author knows better than the checks of a template, and says why.

use std::panic::Location;

use crate::{App, ResourceId, Scope};

/// Something that is not to be reported.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    pub(crate) what: Trusted,
    /// The path below which it holds; the whole app if there is none.
    pub(crate) under: Option<String>,
    pub(crate) reason: String,
    pub(crate) location: &'static Location<'static>,
}

#[derive(Debug, Clone)]
pub(crate) enum Trusted {
    /// An action with a wildcard, as policies write it.
    Wildcard(String),
    /// A property of one resource, and what is inside it.
    Property(ResourceId, String),
}

impl App {
    /// Allows an action with a wildcard, such as `kms:*`, in every policy.
    ///
    /// `action` is the text that the policies have, or `NotAction`. The reason is for
    /// the next reader. An allowance that no policy needs is a problem.
    #[track_caller]
    pub fn allow_wildcard_action(&mut self, action: impl Into<String>, reason: impl Into<String>) {
        self.trusted.push(Trust {
            what: Trusted::Wildcard(action.into()),
            under: None,
            reason: reason.into(),
            location: Location::caller(),
        });
    }
}

impl Scope<'_> {
    /// Allows an action with a wildcard, such as `kms:*`, in policies of this scope.
    ///
    /// `action` is the text that the policies have, or `NotAction`. The reason is for
    /// the next reader. An allowance that no policy needs is a problem.
    #[track_caller]
    pub fn allow_wildcard_action(&mut self, action: impl Into<String>, reason: impl Into<String>) {
        self.app.trusted.push(Trust {
            what: Trusted::Wildcard(action.into()),
            under: Some(self.path.clone()),
            reason: reason.into(),
            location: Location::caller(),
        });
    }

    /// Takes a property of `resource` as it is, where AWS is newer than the schemas.
    ///
    /// `property` is a path such as `Rules.*.Status`, where `*` stands for any item of
    /// a list; all inside it is taken, too. The reason is for the next reader. What
    /// is trusted without need is a problem.
    #[track_caller]
    pub fn trust(
        &mut self,
        resource: ResourceId,
        property: impl Into<String>,
        reason: impl Into<String>,
    ) {
        self.app.trusted.push(Trust {
            what: Trusted::Property(resource, property.into()),
            under: None,
            reason: reason.into(),
            location: Location::caller(),
        });
    }
}

impl Trusted {
    /// Returns whether this names the property at `path`, or one that it is inside of.
    pub(crate) fn covers(&self, resource: ResourceId, path: &str) -> bool {
        let Self::Property(trusted, property) = self else {
            return false;
        };
        let mut steps = path.split('.');
        *trusted == resource
            && property.split('.').all(|wanted| {
                steps.next().is_some_and(|step| {
                    step == wanted
                        || (wanted == "*" && step.bytes().all(|byte| byte.is_ascii_digit()))
                })
            })
    }
}
