//! What every resource of the app must keep, and what it is given.

use lightsout::{Amend, Check, Finding, Resource, Resources, Tree};

use crate::account::Account;

/// Asks that carriers are named in lower case, as the carriers' own API does.
pub struct CarriersAreLowerCase;

// A check sees a resource and cannot change it.
impl Check for CarriersAreLowerCase {
    fn rule(&self) -> &'static str {
        "carriers-are-lower-case"
    }

    fn check(&self, resource: &Resource, _: &Resources<'_>) -> Vec<Finding> {
        let name = resource.get("Carrier").and_then(Tree::as_str);
        match name {
            Some(name) if resource.is::<Account>() && name != name.to_lowercase() => {
                let hint = format!("write `{}`", name.to_lowercase());
                vec![Finding::new(hint).at("Carrier")]
            }
            _ => Vec::new(),
        }
    }
}

/// Gives accounts somebody to call.
pub struct Contact(pub &'static str);

// An amendment runs before any check, and leaves alone what the author has set.
impl Amend for Contact {
    fn amend(&self, resource: &mut Resource) {
        if resource.is::<Account>() && resource.get("Contact").is_none() {
            resource.properties_mut().set("Contact", self.0.into());
        }
    }
}
