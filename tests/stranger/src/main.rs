//! The command line: `cargo run -- synth` writes the templates.

use std::process::ExitCode;

use clap::Parser;
use lightsout::ec2::CidrError;
use lightsout_toolkit::{Form, SynthArgs, Terminal, synth_each};
use parcels::app::app;

/// Knows where parcels are
#[derive(Parser)]
enum Command {
    /// Write the templates of every stage into a folder
    Synth(SynthArgs),
}

fn main() -> Result<ExitCode, CidrError> {
    let Command::Synth(arguments) = Command::parse();
    let stages = [
        app("test", "pigeon")?.synth(),
        app("live", "pigeon")?.synth(),
    ];
    let mut terminal = Terminal::new(Form::Text);
    let status = synth_each(&arguments, stages.into(), &mut terminal);
    Ok(ExitCode::from(status))
}
