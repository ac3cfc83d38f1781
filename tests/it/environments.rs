//! Is another environment another file, and what does a local one lack?

use std::fs;

use lightsout_stacks::{
    environment::{ApiAccess, Environment, HostImage, Purpose},
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
            .replace("lightsout_prod", "lightsout_clinic")
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

#[test]
fn every_environment_can_boot_from_either_kind_of_image_and_ansible_comes_with_one() {
    for environment in Environment::all().unwrap() {
        for image in [HostImage::Wheelhouse, HostImage::Baked] {
            let mut environment = environment.clone();
            environment.settings.hosts.image = image;
            let graph = Graph::of(environment);
            let templates = graph.all("AWS::EC2::LaunchTemplate");
            let (place, master) = templates.iter().find(|(at, _)| at.1 == "Master").unwrap();
            let text = master.to_string();
            let installs = text.contains("export WHEELHOUSE_KEY=");
            assert_eq!(installs, image == HostImage::Wheelhouse, "{text}");
            let booted = &master["Properties"]["LaunchTemplateData"]["ImageId"];
            let made = graph.targets(&place.0, booted);
            let images = graph.any("AWS::ImageBuilder::Image");
            if image == HostImage::Wheelhouse {
                assert!(made.is_empty() && images.is_empty(), "{booted}");
                continue;
            }
            assert_eq!(images.len(), 2);
            // In one stack with what boots from them: no exported value that is in use can change.
            assert_eq!(made, [("Fleet".to_owned(), "AmiMaster".to_owned())]);
            // Whoever starts a machine may use the key that its image is encrypted with.
            let key = ("Fleet".to_owned(), "AmiKey".to_owned());
            for role in ["LauncherRole", "MasterRole"] {
                let role = ("Fleet".to_owned(), role.to_owned());
                let has_key = graph.allowed(&role).iter().any(|statement| {
                    statement.actions().contains(&"kms:CreateGrant")
                        && graph.targets("Fleet", statement.0).contains(&key)
                });
                assert!(has_key, "{role:?} cannot start a machine from its image");
            }
        }
    }
}

/// All that synth makes of an environment, as one text.
fn made_of(text: &str) -> String {
    let environment = Environment::parse("prod", text).unwrap_or_else(|error| panic!("{error}"));
    let assembly = lightsout_stacks::app(&environment).synth().unwrap();
    let stacks = assembly.stacks().iter().map(|stack| {
        let template = stack.template_json();
        format!("{} {} {template}", stack.name(), stack.is_protected())
    });
    let stage = format!("{:?}", assembly.stage());
    std::iter::once(stage).chain(stacks).collect()
}

/// A setting's key, as production has it, and another value that it may have.
const OTHERS: [(&str, &str); 47] = [
    ("purpose", r#""development""#),
    ("region", r#""us-west-2""#),
    ("deletion_protection", "false"),
    ("owns_account", "false"),
    ("reserves_concurrency", "false"),
    ("permissions_boundary", r#""another-boundary""#),
    ("alerts", r#"["other@clinic.example"]"#),
    ("emergency_roles", r#"["surgeon"]"#),
    ("chart_roles", r#"["scanner"]"#),
    ("replaced_days", "30"),
    ("backup_days", "91"),
    (
        "backup_copy",
        r#""arn:aws:backup:us-west-2:111122223333:backup-vault:other""#,
    ),
    ("cidr", r#""10.41.0.0/16""#),
    ("zones", "2"),
    (
        "gateways",
        r#"{ s3 = "pl-11111111", dynamodb = "pl-22222222" }"#,
    ),
    ("base_image", r#""ami-00000000000000001""#),
    ("image", r#""wheelhouse""#),
    ("architecture", r#""x86_64""#),
    ("master_types", r#"["t4g.medium", "t4g.small"]"#),
    ("worker_types", r#"["m7g.xlarge", "c7g.xlarge"]"#),
    ("spot_percent", "51"),
    ("most_workers", "17"),
    ("charts_per_worker", "5001"),
    ("lease_seconds", "121"),
    ("drain_seconds", "61"),
    ("visibility_seconds", "301"),
    ("deadline_minutes", "481"),
    ("boot_seconds", "301"),
    ("backlog", "501"),
    ("oldest_minutes", "31"),
    ("heartbeat_minutes", "6"),
    ("reads_per_hour", "2001"),
    ("edition", r#""fy2025""#),
    ("access", r#""private""#),
    ("callers", r#"["198.51.100.0/24"]"#),
    ("tenants", r#"["clinic", "north"]"#),
    ("requests_per_day", "50_000"),
    ("issuer", r#""https://other.invalid""#),
    ("audience", r#""another""#),
    ("keys", r#"'{"keys": [{}]}'"#),
    // Settings that production leaves at what they are without it.
    ("purpose", "\"production\"\naccount = \"111122223333\""),
    ("spot_percent", "50\nmaster_spot = true"),
    (
        "alerts",
        r#"["lightsout-oncall@clinic.example", "b@clinic.example"]"#,
    ),
    ("emergency_roles", "[]"),
    ("chart_roles", "[]"),
    ("callers", "[]"),
    ("tenants", "[]"),
];

#[test]
fn every_setting_makes_a_difference_to_some_stack() {
    let prod = file("prod");
    let before = made_of(&prod);
    let is_setting = |line: &str, key: &str| line.starts_with(&format!("{key} = "));
    for (key, other) in OTHERS {
        let mut found = 0;
        let changed: Vec<_> = prod
            .lines()
            .map(|line| {
                if !is_setting(line, key) {
                    return line.to_owned();
                }
                found += 1;
                format!("{key} = {other}")
            })
            .collect();
        assert_eq!(found, 1, "production has no {key}");
        let mut changed = changed.join("\n");
        if key == "architecture" {
            changed = changed.replace("t4g.small\", \"t4g.medium\", \"m7g.medium", "t3.small");
            changed = changed.replace("c7g.xlarge\", \"c8g.xlarge\", \"m7g.xlarge", "c7i.large");
        }
        // The purpose alone decides whether data is kept, which production does as well.
        let is_same = key == "purpose" && !other.contains("account");
        assert_eq!(made_of(&changed) == before, is_same, "`{key} = {other}`");
    }
    for line in prod.lines() {
        let Some((key, _)) = line.split_once(" = ") else {
            continue;
        };
        assert!(
            line.starts_with('#') || OTHERS.iter().any(|(known, _)| *known == key),
            "nothing tells whether `{key}` is honoured"
        );
    }
}

#[test]
fn a_private_api_answers_in_the_network_alone() {
    let mut environment = Environment::named("prod").unwrap();
    environment.settings.api.access = ApiAccess::Private;
    let graph = Graph::of(environment);
    let (place, api) = graph.all("AWS::ApiGateway::RestApi")[0];
    let endpoint = &api["Properties"]["EndpointConfiguration"];
    assert_eq!(endpoint["Types"][0], "PRIVATE");
    let wanted = ("Network".to_owned(), "PrivateApiEndpoint".to_owned());
    assert_eq!(graph.target(&place.0, &endpoint["VpcEndpointIds"]), wanted);
    let policy = &api["Properties"]["Policy"];
    assert!(
        graph.targets(&place.0, policy).contains(&wanted),
        "{policy}"
    );
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
            let is_real = !omission.properties().is_empty()
                || lacking.iter().any(|place| {
                    let named = (place.0.as_str(), place.1.as_str());
                    omission.stack() == Some(named.0) || omission.resources().contains(&named)
                });
            assert!(is_real, "{omission:?} leaves nothing out of {name}");
        }
    }
}

/// What differs with the purpose itself: whether data outlives its stack.
const OF_THE_PURPOSE: [&str; 6] = [
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "Properties.DeletionProtectionEnabled",
    "Properties.ObjectLockConfiguration",
    "Properties.ObjectLockEnabled",
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
