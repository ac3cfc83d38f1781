//! Lists the files of `environments/`, so that another environment is another file.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("environments");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<_> = fs::read_dir(&folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    files.sort();
    let mut list = String::from("&[\n");
    for path in files {
        let name = path.file_stem().and_then(|stem| stem.to_str());
        let name = name.ok_or_else(|| format!("`{}` is no name", path.display()))?;
        list += &format!("    ({name:?}, include_str!({path:?})),\n");
    }
    fs::write(
        Path::new(&env::var("OUT_DIR")?).join("environments.rs"),
        list + "]\n",
    )?;
    Ok(())
}
