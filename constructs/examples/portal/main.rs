//! A portal that people and machines ask for results: its people, its firewall, its
//! API, its secrets, and what it does by the clock.
//!
//! `cargo run -p lightsout --example portal -- FOLDER` writes its templates.

use std::{env, error::Error, path::Path};

mod app;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("name a folder to write to")?;
    let assembly = app::app("dev")?.synth()?;
    assembly.write(Path::new(&folder))?;
    Ok(())
}
