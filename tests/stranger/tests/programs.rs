//! Do both programs do what a person sees of them?

use std::{fs, process::Command};

#[test]
fn synth_writes_both_stages() {
    let folder = tempfile::tempdir().unwrap();
    let mut parcels = Command::new(env!("CARGO_BIN_EXE_parcels"));
    let output = parcels
        .args(["synth", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    for stage in ["test", "live"] {
        let path = folder
            .path()
            .join(format!("assembly-{stage}/Tracking.template.json"));
        let template: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        assert_eq!(
            template["Resources"]["TrackingCarrierAccount"]["Type"],
            "Acme::Parcels::Account"
        );
    }
}

#[test]
fn the_scanner_names_every_variable_that_is_wrong() {
    let mut scanner = Command::new(env!("CARGO_BIN_EXE_scanner"));
    let output = scanner
        .env_clear()
        .env("LOST_AFTER_DAYS", "soon")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    for part in [
        "`SCANS_QUEUE` is missing",
        "`PLACES_TABLE` is missing",
        "holds `soon`",
    ] {
        assert!(text.contains(part), "{text}");
    }
}
