//! Lists the files of `environments/`, so that another environment is another file.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("environments");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let name = path.file_stem().and_then(|stem| stem.to_str());
            let name = name.ok_or_else(|| format!("`{}` is no name", path.display()))?;
            let place = path
                .to_str()
                .ok_or("the workspace has a path that is no text")?;
            files.push(format!("({name:?}, include_str!({place:?}))"));
        }
    }
    files.sort();
    let list = Path::new(&env::var("OUT_DIR")?).join("environments.rs");
    fs::write(list, format!("&[{}]\n", files.join(", ")))?;
    Ok(())
}
