//! Which Cargo feature each service belongs to, by the rules in `services.toml`.

use std::collections::BTreeSet;

use crate::{config::Services, model::Module};

/// The most features that a registry takes of one crate.
const MOST: usize = 300;

/// Features that are no service's: `all` and `default`.
const OTHERS: usize = 2;

/// Why services could not be given features.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeatureError {
    /// There are more services than features.
    #[error(
        "{0} features are more than the {MOST} that a registry takes; add to `families` in services.toml"
    )]
    TooMany(usize),
    /// A rule is about a service that there is not.
    #[error("services.toml: there is no service `{0}`; remove it")]
    UnknownService(String),
}

/// Returns the feature of each module.
pub(crate) fn of(modules: &[Module], services: &Services) -> Result<Vec<String>, FeatureError> {
    let names: BTreeSet<&str> = modules.iter().map(|module| module.name.as_str()).collect();
    let mut ruled = services.families.iter().chain(&services.apart);
    if let Some(unknown) = ruled.find(|name| !names.contains(name.as_str())) {
        return Err(FeatureError::UnknownService(unknown.clone()));
    }
    let features: Vec<String> = modules
        .iter()
        .map(|module| feature(&module.name, &names, services).to_owned())
        .collect();
    let count = features.iter().collect::<BTreeSet<_>>().len() + OTHERS;
    if count > MOST {
        return Err(FeatureError::TooMany(count));
    }
    Ok(features)
}

fn feature<'n>(name: &'n str, names: &BTreeSet<&str>, services: &'n Services) -> &'n str {
    if services.apart.contains(name) {
        return name;
    }
    let mut families = services.families.iter();
    if let Some(family) = families.find(|family| name.starts_with(family.as_str())) {
        return family;
    }
    match name.strip_suffix("v2") {
        Some(first) if names.contains(first) => first,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(name: &str) -> Module {
        Module {
            name: name.to_owned(),
            namespace: String::new(),
            structures: Vec::new(),
            choices: Vec::new(),
            aliases: [].into(),
            metrics: Vec::new(),
        }
    }

    fn services() -> Services {
        toml::from_str("services = 'all'\nfamilies = ['iot']\napart = ['wafv2']\nfixture = []")
            .unwrap()
    }

    #[test]
    fn families_and_second_versions_share_a_feature() {
        let names = ["dsqlv2", "iot", "iotevents", "sns", "snsv2", "waf", "wafv2"];
        let modules: Vec<Module> = names.into_iter().map(module).collect();
        assert_eq!(
            of(&modules, &services()).unwrap(),
            ["dsqlv2", "iot", "iot", "sns", "sns", "waf", "wafv2"]
        );
    }

    #[test]
    fn more_features_than_a_registry_takes_are_refused() {
        let mut modules = vec![module("iot"), module("wafv2")];
        modules.extend((0..297).map(|number| module(&format!("s{number}"))));
        let error = of(&modules, &services()).unwrap_err();
        assert!(error.to_string().contains("301 features"), "{error}");
        modules.pop();
        assert_eq!(of(&modules, &services()).unwrap().len(), 298);
    }

    #[test]
    fn a_rule_about_no_service_is_named() {
        let error = of(&[module("iot")], &services()).unwrap_err();
        assert!(error.to_string().contains("`wafv2`"), "{error}");
    }
}
