//! Is another environment another file, and what does a local one lack?

use std::fs;

use lightsout_stacks::{
    environment::{Environment, Purpose},
    omission::Omission,
};
use lightsout_tests::workspace;
use serde_json::Value;

use crate::graph::{Graph, Place};

fn file(name: &str) -> String {
    let path = format!("stacks/environments/{name}.toml");
    fs::read_to_string(workspace().join(path)).unwrap()
}

/// What a template says, without the ids of deployments, which are of what they deploy.
fn without_deployments(text: &str) -> String {
    let mut parts = text.split("RestDeployment");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain += "RestDeployment";
        plain += part.trim_start_matches(|c: char| c.is_ascii_hexdigit());
    }
    plain
}

#[test]
fn a_fifth_environment_is_one_file_and_nothing_else() {
    let renamed = |text: &str| {
        text.replace("lightsout-prod", "lightsout-clinic")
            .replace("10.40.", "10.60.")
    };
    let clinic = Environment::parse("clinic", &renamed(&file("prod"))).unwrap();
    let (fifth, prod) = (Graph::of(clinic), Graph::named("prod"));
    assert_eq!(fifth.resources.len(), prod.resources.len());
    for (place, resource) in &prod.resources {
        let wanted = renamed(&resource.to_string());
        let wanted = wanted.replace(r#":"prod""#, r#":"clinic""#);
        let id = without_deployments(&place.1);
        let found = fifth
            .resources
            .iter()
            .find(|(other, _)| other.0 == place.0 && without_deployments(&other.1) == id);
        let (_, found) = found.unwrap_or_else(|| panic!("{place:?} is missing"));
        assert_eq!(
            without_deployments(&found.to_string()),
            without_deployments(&wanted),
            "{place:?}"
        );
    }
    // No stack asks for an environment by its name.
    for entry in fs::read_dir(workspace().join("stacks/src")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() || path.ends_with("environment.rs") || path.ends_with("local.rs") {
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        // Tests may call what they make as they like.
        let source = source
            .split("#[cfg(test)]\nmod tests")
            .next()
            .unwrap_or_default();
        let source = source.replace("feature = \"local\"", "");
        for environment in Environment::all().unwrap() {
            let name = format!("\"{}\"", environment.name);
            assert!(
                !source.contains(&name),
                "{} asks for {name}",
                path.display()
            );
        }
    }
}

/// The environment `dev` as it would be for charts that are thrown away.
fn dev_for(purpose: Purpose) -> Graph {
    let mut environment = Environment::parse("dev", &file("dev")).unwrap();
    environment.settings.purpose = purpose;
    Graph::of(environment)
}

fn is_left_out(place: &Place) -> bool {
    Omission::ALL.iter().any(|omission| {
        let named = (place.0.as_str(), place.1.as_str());
        omission.stack() == Some(named.0) || omission.resources().contains(&named)
    })
}

#[test]
fn a_local_environment_lacks_what_the_omissions_name_and_nothing_else() {
    let dev = dev_for(Purpose::Development);
    for (name, other) in [
        ("dev thrown away", dev_for(Purpose::ThrowAway)),
        ("local", Graph::named("local")),
    ] {
        let lacking: Vec<_> = dev
            .resources
            .keys()
            .filter(|place| !other.resources.contains_key(*place))
            .collect();
        // A deployment's id is of what it deploys, so that it differs with the API's name.
        let is_deployment = |place: &Place| place.1.starts_with("RestDeployment");
        for place in &lacking {
            assert!(
                is_left_out(place) || is_deployment(place),
                "{name} lacks {place:?} without a name"
            );
        }
        for place in other.resources.keys() {
            assert!(
                dev.resources.contains_key(place) || is_deployment(place),
                "{name} has {place:?}, and dev has not"
            );
        }
        for omission in Omission::ALL {
            assert!(!omission.reason().is_empty());
            let is_real = lacking.iter().any(|place| {
                let named = (place.0.as_str(), place.1.as_str());
                omission.stack() == Some(named.0) || omission.resources().contains(&named)
            });
            assert!(is_real, "{omission:?} leaves nothing out of {name}");
        }
    }
}

/// What differs with the purpose itself: whether data outlives its stack.
const OF_THE_PURPOSE: [&str; 5] = [
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "Properties.DeletionProtectionEnabled",
    "Properties.ObjectLockConfiguration",
    "Properties.LockConfiguration",
];

#[test]
fn what_a_local_environment_has_is_what_dev_has_but_for_named_properties() {
    let (dev, local) = (dev_for(Purpose::Development), dev_for(Purpose::ThrowAway));
    let mut used = Vec::new();
    for (place, resource) in &local.resources {
        let mut differences = Vec::new();
        compare("", &dev.resources[place], resource, &mut differences);
        for path in differences {
            if OF_THE_PURPOSE.contains(&path.as_str()) {
                continue;
            }
            let named = Omission::ALL
                .iter()
                .flat_map(|omission| omission.properties())
                .find(|(stack, id, property)| {
                    *stack == place.0 && *id == place.1 && path == format!("Properties.{property}")
                });
            match named {
                Some(named) => used.push(*named),
                None => panic!("{place:?} differs in {path}, and no omission names it"),
            }
        }
    }
    let named: Vec<_> = Omission::ALL
        .iter()
        .flat_map(|omission| omission.properties())
        .collect();
    assert_eq!(used.len(), named.len(), "{used:?} of {named:?}");
}

/// Lists the paths in which two resources differ, down to what only one of them has.
fn compare(path: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    if one == other {
        return;
    }
    let (Value::Object(ours), Value::Object(theirs)) = (one, other) else {
        found.push(path.to_owned());
        return;
    };
    let keys: std::collections::BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    for key in keys {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match (ours.get(key), theirs.get(key)) {
            (Some(ours), Some(theirs)) => compare(&path, ours, theirs, found),
            _ => found.push(path),
        }
    }
}
