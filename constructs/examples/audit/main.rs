//! An account that is watched: trails, backups, events, alarms and dashboards.
//!
//! `cargo run -p lightsout --example audit -- FOLDER` writes its templates.

use std::{env, error::Error, path::Path};

use lightsout::Removal;

mod app;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("name a folder to write to")?;
    let assembly = app::app("dev", Removal::Keep)?.synth()?;
    assembly.write(Path::new(&folder))?;
    Ok(())
}
