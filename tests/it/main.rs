//! Tests across the workspace, a module for each question.

#![expect(
    clippy::unwrap_used,
    reason = "a test may panic, wherever its functions stand"
)]

mod api; // Does the query API keep its OpenAPI document, and FHIR?
mod canary; // Does what a chart says stay out of everything but its stores?
mod cdk_cli; // Does the AWS CDK's own command line read what we write?
mod contract; // Do the stacks name programs that exist?
mod control_plane; // What does the control plane of a local run hold?
mod controls; // Which resource meets which control, and is it really there?
mod costs; // What is there in each environment, and what does it cost?
mod environments; // Is another environment another file, and what does a local one lack?
mod golden; // Does synth write what was reviewed and committed?
mod graph; // What refers to what in the templates of an environment?
mod local; // Do charts go through the whole system, and does nothing stay?
mod permissions; // May anybody do more than its work takes?
mod reachability; // Who reaches whom in the network, and does anything outside reach in?
mod templates; // Does each stack keep what it promises?
mod tools; // Do the field's own checkers accept what we write?

#[test]
fn no_module_is_forgotten() {
    let main = include_str!("main.rs");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/it");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        assert!(
            module == "main" || main.contains(&format!("mod {module};")),
            "`{name}` is not in main.rs"
        );
    }
}
