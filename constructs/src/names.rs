//! Names that are known before what they name exists.

use lightsout_core::{
    Pseudo::{AccountId, Partition, Region},
    Scope, Value, join,
};

use crate::lambda::fingerprint;

/// Names a resource after its scope, for one that must be known before it exists:
/// `clinic-dev-work-Jobs`.
///
/// A name that is too long keeps its end, behind a number that tells it from others
/// with the same end.
pub(crate) fn name_of(scope: &Scope<'_>, longest: usize) -> String {
    let mut name = scope.physical_stack_name().to_owned();
    for id in scope.path().split('/').skip(1) {
        name.push('-');
        name.extend(id.chars().filter(char::is_ascii_alphanumeric));
    }
    if name.len() <= longest {
        return name;
    }
    let number = format!("{:08x}-", fingerprint(&name) >> 32);
    let end = name.split_off(name.len() + number.len() - longest);
    number + &end
}

/// Returns the ARN of something of this account and region.
pub(crate) fn arn_here(service: &str, resource: impl Into<Value<String>>) -> Value<String> {
    join![
        "arn:",
        Partition,
        ":",
        service,
        ":",
        Region,
        ":",
        AccountId,
        ":",
        resource.into(),
    ]
}

#[cfg(test)]
mod tests {
    use lightsout_core::{App, Stage};

    use super::*;

    #[test]
    fn a_long_name_keeps_its_end_and_stays_apart_from_others() {
        let mut app = App::new("clinic", Stage::new("dev"));
        let one = name_of(&app.stack("Alpha"), 12);
        let two = name_of(&app.stack("Omega"), 80);
        assert_eq!(two, "clinic-dev-omega");
        assert_eq!(one.len(), 12);
        assert!(one.ends_with("pha"), "{one}");
    }
}
