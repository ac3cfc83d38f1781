//! Which kind of data each resource holds.

use lightsout::{Amend, Resource, Tag};

/// Tags each resource with the kind of data that its stack holds: `phi` for charts and
/// what is found in them, `audit` for records of who did what, `operations` for the rest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DataClass;

/// The tag's key.
pub(crate) const KEY: &str = "lightsout:data";

impl Amend for DataClass {
    fn amend(&self, resource: &mut Resource) {
        let class = match resource.stack() {
            "Api" | "Backup" | "Fleet" | "Intake" | "Storage" => "phi",
            "Audit" | "Guard" => "audit",
            _ => "operations",
        };
        Tag::new(KEY, class).amend(resource);
    }
}
