//! Is the code of the walkthrough the code that is tested?

use std::{fs, path::Path};

/// The blocks of a document that hold a language, without their fences.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("```{language}\n");
    let parts = text.split(fence.as_str()).skip(1);
    parts
        .map(|part| part.split_once("\n```").unwrap().0)
        .collect()
}

#[test]
fn every_block_is_found_in_a_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![fs::read_to_string(folder.join("Cargo.toml")).unwrap()];
    for name in ["src", "tests"] {
        for entry in fs::read_dir(folder.join(name)).unwrap() {
            files.push(fs::read_to_string(entry.unwrap().path()).unwrap());
        }
    }
    let text = fs::read_to_string(folder.join("../../constructs/README.md")).unwrap();
    let code = blocks(&text, "rust,ignore");
    assert!(code.len() > 10);
    for block in code.into_iter().chain(blocks(&text, "toml")) {
        assert!(
            files.iter().any(|file| file.contains(block)),
            "no file has\n{block}"
        );
    }
}
