//! The `lightsout` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    lightsout_stacks::cli::main()
}
