//! Machines that draw the text out of documents, and turn themselves off.
//!
//! `cargo run -p lightsout --example fleet -- FOLDER` writes its templates.

use std::{env, error::Error, path::Path};

mod app;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("name a folder to write to")?;
    let assembly = app::app("dev").synth()?;
    assembly.write(Path::new(&folder))?;
    Ok(())
}
