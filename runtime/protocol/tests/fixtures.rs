//! Is everything that was ever stored or sent still read, and is nothing written otherwise
//! without a fixture that says so?
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, fmt::Debug, fs, path::Path};

use lightsout_protocol::{
    chart::{ChartReference, arrivals},
    coding::{LeftOut, Outcome, OutcomeKey, Part, Provenance},
    fleet::WorkerHost,
    reap::Sweep,
    run::{Hold, Lease, RunId, RunState},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

/// Fixtures of rows, which the crates read that know DynamoDB.
const ELSEWHERE: [&str; 8] = [
    "lease-row-1.json",
    "lease-row-2.json",
    "outcome-row-1.json",
    "outcome-row-2.json",
    "rejection-row-1.json",
    "rejection-row-2.json",
    "run-row-1.json",
    "run-row-2.json",
];

#[test]
fn outcomes_of_every_version_are_read() {
    let coding = json!({
        "edition": "ICD-10-CM FY2026",
        "codes": [{"code": "I10", "evidence": [{"start": 12, "end": 24}]}],
    });
    let coded = |format: Option<&str>, provenance| Outcome::Coded {
        coding: coding.clone(),
        format: format.map(str::to_owned),
        provenance,
    };
    let provenance = Provenance {
        chart_sha256: "6".repeat(64),
        narrative_sha256: "9".repeat(64),
        narrative_bytes: 24,
        parts: vec![Part {
            start: 12,
            end: 24,
            from: "section[1]/text".to_owned(),
        }],
        left_out: vec![LeftOut {
            from: "section[2]".to_owned(),
            reason: "attachment_elsewhere".to_owned(),
            detail: "the attachment is a link".to_owned(),
        }],
        program_sha256: None,
    };
    check(
        "outcome-coded",
        &[
            coded(None, None),
            coded(Some("cda"), None),
            coded(Some("cda"), Some(provenance)),
        ],
    );
    check(
        "outcome-rejected",
        &[Outcome::Rejected {
            reason: "not_utf8".to_owned(),
            detail: "byte 7 is not UTF-8".to_owned(),
        }],
    );
    check(
        "outcome-key",
        &[OutcomeKey {
            chart: "ward 7/1.txt".to_owned(),
            version: "v1".to_owned(),
            engine: "nlp-0.1.0+fy2026".to_owned(),
        }],
    );
}

#[test]
fn messages_of_every_version_of_s3_are_read() {
    for version in ["2.0", "2.1", "2.2", "2.3"] {
        let found = arrivals(&fixture(&format!("message-{version}.json"))).unwrap();
        let wanted = ChartReference {
            bucket: "inbox".to_owned(),
            key: "charts/ward 7/1.txt".to_owned(),
            version: Some("096fKKXTRTtl3on89fVO.nfljtsv6qko".to_owned()),
            size: 1024,
        };
        assert_eq!(found, [wanted], "{version}");
    }
    assert_eq!(arrivals(&fixture("message-test.json")).unwrap(), []);
}

#[test]
fn what_the_programs_of_a_fleet_leave_each_other_is_read() {
    check(
        "chart-reference",
        &[ChartReference {
            bucket: "inbox".to_owned(),
            key: "charts/ward 7/1.txt".to_owned(),
            version: Some("v1".to_owned()),
            size: 1024,
        }],
    );
    check(
        "sweep",
        &[Sweep {
            at: 1_800_000_000,
            suspects: vec!["i-0a".to_owned()],
            wake_ups: 2,
            epoch: 7,
        }],
    );
    check(
        "worker-host",
        &[WorkerHost {
            instance: "i-0a".to_owned(),
            address: "10.0.0.7".to_owned(),
            port: 22,
            user: "lightsout".to_owned(),
            host_key: "ssh-ed25519 AAAA".to_owned(),
            directory: "/opt/lightsout".to_owned(),
        }],
    );
    let lease = |hold| Lease {
        epoch: 7,
        run: RunId::new(7, 1_800_000_000),
        hold,
    };
    check("lease", &[lease(Hold::Until(1_800_000_060))]);
    check("lease-released", &[lease(Hold::Released)]);
    check("run-states", &[RunState::ALL]);
    // The control table holds a state by its name, without serde.
    let names: Vec<String> = serde_json::from_str(&fixture("run-states-1.json")).unwrap();
    let states: Vec<_> = names.iter().map(|name| RunState::from_name(name)).collect();
    assert_eq!(states, RunState::ALL.map(Some));
}

#[test]
fn no_fixture_is_forgotten() {
    let there: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    let read = [
        "chart-reference-1.json",
        "lease-1.json",
        "lease-released-1.json",
        "message-2.0.json",
        "message-2.1.json",
        "message-2.2.json",
        "message-2.3.json",
        "message-test.json",
        "outcome-coded-1.json",
        "outcome-coded-2.json",
        "outcome-coded-3.json",
        "outcome-key-1.json",
        "outcome-rejected-1.json",
        "run-states-1.json",
        "sweep-1.json",
        "worker-host-1.json",
    ];
    let read = read
        .into_iter()
        .chain(ELSEWHERE)
        .map(str::to_owned)
        .collect();
    assert_eq!(there, read);
}

/// Every version of `form` reads as the value at its place, and the newest is what is written.
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(form: &str, versions: &[T]) {
    for (version, wanted) in (1..).zip(versions) {
        let name = format!("{form}-{version}.json");
        let read: T = serde_json::from_str(&fixture(&name)).unwrap();
        assert_eq!(read, *wanted, "{name}");
    }
    let newest = format!("{form}-{}.json", versions.len());
    let written = serde_json::to_string(versions.last().unwrap()).unwrap();
    assert_eq!(
        written,
        fixture(&newest).trim_end(),
        "`{newest}` is no longer what is written"
    );
    let next = format!("{form}-{}.json", versions.len() + 1);
    assert!(!folder().join(&next).exists(), "`{next}` is not read here");
}

fn fixture(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"))
}
