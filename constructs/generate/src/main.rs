//! Writes the resource types of `lightsout-cfn` from pinned schemas.
//!
//! ```console
//! $ cargo run -p lightsout-generate                 # write what differs
//! $ cargo run -p lightsout-generate -- --check      # only say what differs
//! ```
//!
//! Structure and sentences come from aws-service-spec, constraints from
//! cfn-lint, and what both lack from `overrides.toml`. The packages are fetched
//! once through `npm` and `pip` into `.lightsout/schemas/`.

mod config;
mod constraints;
mod data_files;
mod docs;
mod features;
mod generate;
mod iam_actions;
mod limits;
mod model;
mod names;
mod output;
mod packages;
mod render;
mod schema_data;
mod service_spec;
mod supplement;
mod twins;

use std::{collections::BTreeSet, error::Error, path::Path, process::ExitCode};

use clap::Parser;

use crate::{
    generate::{Folders, GenerateError, Generated},
    output::Difference,
};

/// The exit code when nothing could be generated.
const FAILED: u8 = 2;

/// The exit code when the packages cannot be fetched from here.
const UNREACHABLE: u8 = 3;

/// Writes the resource types of lightsout-cfn from the pinned schemas.
#[derive(Debug, Parser)]
struct Arguments {
    /// Change nothing; exit with 1 if anything would change.
    #[arg(long)]
    check: bool,
    /// Generate only these services, separated by commas.
    #[arg(long, value_delimiter = ',')]
    services: Vec<String>,
}

#[expect(clippy::print_stdout, reason = "a binary prints")]
#[expect(clippy::print_stderr, reason = "a binary prints")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(differences) => {
            for difference in &differences {
                println!("{}", sentence(difference, &arguments));
            }
            if arguments.check && !differences.is_empty() {
                eprintln!("hint: run `cargo run -p lightsout-generate`");
                return ExitCode::FAILURE;
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  caused by: {error}");
                cause = error.source();
            }
            let unreachable = error
                .downcast_ref::<GenerateError>()
                .is_some_and(GenerateError::is_unreachable);
            ExitCode::from(if unreachable { UNREACHABLE } else { FAILED })
        }
    }
}

#[expect(clippy::print_stderr, reason = "a binary prints")]
fn run(arguments: &Arguments) -> Result<Vec<Difference>, Box<dyn Error>> {
    let folders = Folders::of(Path::new(env!("CARGO_MANIFEST_DIR")));
    let only: BTreeSet<String> = arguments.services.iter().cloned().collect();
    let Generated {
        output,
        mut differences,
        counts,
    } = generate::everything(&folders, &only)?;
    eprintln!("{counts}");
    if only.is_empty() {
        differences.extend(output.old(&folders.source)?);
    }
    if !arguments.check {
        output.write(&differences)?;
    }
    if only.is_empty() {
        let data = generate::data_files(&folders)?;
        let different = data.differences()?;
        if !arguments.check {
            data.write(&different)?;
        }
        if !data.unsupported.is_empty() {
            eprintln!(
                "{} patterns cannot be compiled and are left out:",
                data.unsupported.len()
            );
            for pattern in &data.unsupported {
                eprintln!("  {pattern}");
            }
        }
        differences.extend(different);
    }
    Ok(differences)
}

fn sentence(difference: &Difference, arguments: &Arguments) -> String {
    let path = difference.path().display();
    match (difference, arguments.check) {
        (Difference::Missing(_), true) => format!("{path} is missing"),
        (Difference::Changed(_, line), true) => format!("{path}:{line} differs"),
        (Difference::Old(_), true) => format!("{path} is generated no longer"),
        (Difference::Old(_), false) => format!("removed {path}"),
        (Difference::Missing(_) | Difference::Changed(..), false) => format!("wrote {path}"),
    }
}
