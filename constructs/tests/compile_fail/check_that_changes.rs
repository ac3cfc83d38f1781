use lightsout::{Check, Finding, Resource, Resources};

struct Encrypts;

impl Check for Encrypts {
    fn rule(&self) -> &'static str {
        "encrypts"
    }

    fn check(&self, resource: &Resource, _: &Resources<'_>) -> Vec<Finding> {
        resource.properties_mut().set("Encrypted", true.into());
        Vec::new()
    }
}

fn main() {}
